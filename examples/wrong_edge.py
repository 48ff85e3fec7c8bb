"""Let data find the edge that a graph lacks.

    python examples/wrong_edge.py

Five thousand rows are drawn from a network in which a sprinkler is turned on less when it rains.  The graph to
be tested does not know that.  Takes about a second.  The last line printed says that the mended graph's
independencies are all consistent with the rows.
"""

from chainrule.evaluate import check_independencies
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork

TRUTH = BayesianNetwork.from_tables(
    "season -> rain -> sprinkler; {rain sprinkler} -> grass -> shoes",
    {
        "season": ["dry", "wet"],
        "rain": ["no", "yes"],
        "sprinkler": ["off", "on"],
        "grass": ["dry", "wet"],
        "shoes": ["clean", "muddy"],
    },
    {
        "season": [0.6, 0.4],
        "rain": [[0.9, 0.1], [0.4, 0.6]],
        "sprinkler": [[0.5, 0.5], [0.95, 0.05]],
        "grass": [[[0.98, 0.02], [0.1, 0.9]], [[0.15, 0.85], [0.01, 0.99]]],
        "shoes": [[0.9, 0.1], [0.35, 0.65]],
    },
)


def main() -> None:
    """Test a wrong graph, read off the blame, mend the graph, test again."""
    rows = TRUTH.sample(5000, rng=0)
    believed = DAG.parse("season -> rain; {rain sprinkler} -> grass -> shoes")
    report = check_independencies(believed, rows)
    print(report.text())

    blamed = report.missing_edges_blamed[0]
    print(f"\nadd an edge between {blamed.x} and {blamed.y}, and test again:")
    mended = DAG([*believed.edges, (blamed.x, blamed.y)])
    print(check_independencies(mended, rows).text())


if __name__ == "__main__":
    main()
