"""Ask a graph what it implies: the cats and dogs of the homework, and a cycle that is no distribution.

    python examples/cats_dogs_dags.py

Takes less than a second.  The last line printed is: the product of these factors sums to 2, not to 1
"""

from chainrule.evaluate import counterexample
from chainrule.graphs import DAG, DirectedGraph


def main() -> None:
    """Factorise, list independencies, explain one of them, and refute a cycle."""
    dag = DAG.parse(
        """
        season -> {allergies, umbrella, rain}
        "air pressure" -> rain
        rain -> {grass, umbrella, "dog bark", "cat mood"}
        {"dog bark", "cat mood"} -> "cat hides"
        """
    )
    f = dag.factorization()
    print(f.text())
    print(f"{f.n_parameters()} free probabilities instead of {f.n_parameters_of_full_table()}\n")

    for statement in dag.implied_independencies("ordered"):
        print(statement.text())

    print()
    for observed in (["rain"], ["rain", "cat hides"]):
        print(dag.explain_d_separation("dog bark", "cat mood", given=observed).text())

    print("\nwhat separates season from cat hides:")
    for separator in dag.minimal_d_separators("season", "cat hides"):
        print("  ", ", ".join(separator))

    print()
    print(counterexample(DirectedGraph.parse("A -> B -> C -> A")).text())


if __name__ == "__main__":
    main()
