"""Learn a graph from rows in two ways, by a score and by tests, and say how far each is from the truth.

    python examples/learn_structure.py

Four thousand rows are drawn from a small network.  Hill climbing gives a DAG, PC a graph some of whose edges have no
direction, since rows cannot tell the DAGs of its class apart.  What one knows of the world can: here that the season
comes first.  Takes a few seconds.  The last lines list the DAGs that are then left.
"""

import chainrule as cr
from chainrule.graphs import compare_graphs

TRUTH = cr.BayesianNetwork.from_tables(
    "season -> rain; season -> sprinkler; {rain sprinkler} -> grass -> shoes",
    {
        "season": ["dry", "wet"],
        "rain": ["no", "yes"],
        "sprinkler": ["off", "on"],
        "grass": ["dry", "wet"],
        "shoes": ["clean", "muddy"],
    },
    {
        "season": [0.5, 0.5],
        "rain": [[0.8, 0.2], [0.2, 0.8]],
        "sprinkler": [[0.5, 0.5], [0.9, 0.1]],
        "grass": [[[0.98, 0.02], [0.1, 0.9]], [[0.15, 0.85], [0.01, 0.99]]],
        "shoes": [[0.9, 0.1], [0.35, 0.65]],
    },
)


def main() -> None:
    """Learn by a score, by tests, and by tests with knowledge."""
    rows = TRUTH.sample(4000, rng=0)

    climbed = cr.hill_climb(rows).dag_
    print("by BIC:", "; ".join(climbed.to_text().splitlines()))
    print(compare_graphs(climbed, TRUTH.dag_).text())

    found = cr.pc(rows, alpha=0.01)
    print("\nby tests:")
    print(found.text())
    print(compare_graphs(found.pdag, TRUTH.dag_).text())

    known = found.pdag.completed("season -> rain; season -> sprinkler")
    print(f"\n{found.pdag.n_dags()} DAGs have this CPDAG; where the season comes first, {known.n_dags()}:")
    for dag in known.consistent_dags():
        print("; ".join(dag.to_text().splitlines()))


if __name__ == "__main__":
    main()
