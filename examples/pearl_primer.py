"""The study questions on figure 2.9 of Pearl, Glymour and Jewell, "Causal Inference in Statistics: A Primer" (2016).

    python examples/pearl_primer.py

Takes less than a second.  The last line printed is: effect of X on Y: adjust for {Z1, Z3} or {Z2, Z3}
"""

from itertools import combinations

from chainrule.graphs import DAG

FIGURE = "Z1 -> Z3 <- Z2; Z1 -> X; Z2 -> Y; Z3 -> {X Y}; X -> W -> Y"


def shown(nodes: tuple[str, ...]) -> str:
    """A set, sorted."""
    return "{" + ", ".join(sorted(nodes)) + "}"


def separating_sets(dag: DAG) -> None:
    """Every pair of observed variables without an edge, with all minimal sets that separate it."""
    for x, y in combinations(dag.observed, 2):
        if not (dag.has_edge(x, y) or dag.has_edge(y, x)):
            sets = [shown(z) for z in dag.minimal_d_separators(x, y)]
            print(f"  {x}, {y}: {' or '.join(sets) or 'no set separates them'}")


def main() -> None:
    """One question after the other."""
    dag = DAG.parse(FIGURE)
    print("sets that separate each pair without an edge:")
    separating_sets(dag)

    print("\nthe same when only Z1, Z3, W and X can be measured:")
    separating_sets(DAG(dag.edges, dag.nodes, latent=["Z2", "Y"]))

    print("\nindependent given all other variables?")
    for x, y in combinations(dag.nodes, 2):
        if not (dag.has_edge(x, y) or dag.has_edge(y, x)):
            rest = [v for v in dag.nodes if v not in (x, y)]
            print(f"  {x}, {y}: {'yes' if dag.is_d_separated(x, y, rest) else 'no'}")

    print("\nwhat makes a variable independent of all others, and is enough to predict it:")
    for v in dag.nodes:
        print(f"  {v}: {shown(dag.markov_blanket(v))}")

    print("\nwould W help to predict Z2 from Z3?")
    print(dag.explain_d_separation("Z2", "W", "Z3").text())

    sets = sorted(shown(z) for z in dag.adjustment_sets("X", "Y"))
    print(f"\neffect of X on Y: adjust for {' or '.join(sets)}")


if __name__ == "__main__":
    main()
