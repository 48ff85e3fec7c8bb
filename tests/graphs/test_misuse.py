"""Arguments of wrong types, one at a time, into everything that a graph offers: an error of ours, never a bare one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError, TooLargeError
from chainrule.graphs import DAG, PDAG, DirectedGraph, Factorization, compare_graphs

CHAIN = DAG.parse("A -> B -> C")
PARTIAL = PDAG.parse("A -- B -> C")
PRODUCT = CHAIN.factorization()


class Odd:
    """No list, no text, nothing that a graph could use."""

    def __repr__(self) -> str:
        return "Odd()"


WRONG: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "int": lambda: 3,
    "float": lambda: float("nan"),
    "bool": lambda: True,
    "bytes": lambda: b"A -> B",
    "object": Odd,
    "class": lambda: DAG,
    "function": lambda: len,
    "ints": lambda: [1, 2],
    "nested": lambda: [["A"], ["B"]],
    "generator of ints": lambda: (i for i in range(3)),
    "generator of pairs": lambda: ((i, i + 1) for i in range(3)),
    "list of none": lambda: [None],
    "dict": lambda: {"A": 1},
    "array": lambda: np.zeros((2, 2, 2)),
    "nothing": list,
    "a graph": lambda: DirectedGraph.parse("A -> A"),
}


# a call for each place where a value can be wrong; a right value in the same place would be an answer
CALLS: dict[str, Callable[[Any], Any]] = {
    "DAG(edges)": lambda v: DAG(v),
    "DAG(nodes)": lambda v: DAG([], v),
    "DAG(latent)": lambda v: DAG([("A", "B")], latent=v),
    "DAG(positions)": lambda v: DAG([("A", "B")], positions=v),
    "DAG(position)": lambda v: DAG([("A", "B")], positions={"A": v}),
    "DAG(exposures)": lambda v: DAG([("A", "B")], exposures=v),
    "DAG(outcomes)": lambda v: DAG([("A", "B")], outcomes=v),
    "DAG(adjusted)": lambda v: DAG([("A", "B")], adjusted=v),
    "an edge": lambda v: DAG([v]),
    "an end of an edge": lambda v: DAG([("A", v)]),
    "a node": lambda v: DAG([], [v]),
    "parse": lambda v: DAG.parse(v),
    "parse(format)": lambda v: DAG.parse("A -> B", v),
    "read": lambda v: DAG.read(v),
    "read(format)": lambda v: DAG.read("nowhere.dag", v),
    "from_networkx": lambda v: DAG.from_networkx(v),
    "from_adjacency": lambda v: DAG.from_adjacency(v),
    "from_adjacency(nodes)": lambda v: DAG.from_adjacency([[0, 1], [0, 0]], v),
    "empty": lambda v: DAG.empty(v),
    "fully_connected": lambda v: DAG.fully_connected(v),
    "to_text": lambda v: CHAIN.to_text(v),
    "write": lambda v: CHAIN.write(v),
    "write(format)": lambda v: CHAIN.write("/nowhere/at/all.dag", v),
    "has_edge(parent)": lambda v: CHAIN.has_edge(v, "B"),
    "has_edge(child)": lambda v: CHAIN.has_edge("A", v),
    "parents": lambda v: CHAIN.parents(v),
    "children": lambda v: CHAIN.children(v),
    "ancestors": lambda v: CHAIN.ancestors(v),
    "descendants": lambda v: CHAIN.descendants(v),
    "factorization": lambda v: CHAIN.factorization(v),
    "is_d_separated(x)": lambda v: CHAIN.is_d_separated(v, "C"),
    "is_d_separated(y)": lambda v: CHAIN.is_d_separated("A", v),
    "is_d_separated(given)": lambda v: CHAIN.is_d_separated("A", "C", v),
    "d_separated_from(x)": lambda v: CHAIN.d_separated_from(v),
    "d_separated_from(given)": lambda v: CHAIN.d_separated_from("A", v),
    "explain_d_separation(given)": lambda v: CHAIN.explain_d_separation("A", "C", v),
    "explain_d_separation(max_paths)": lambda v: CHAIN.explain_d_separation("A", "C", max_paths=v),
    "implied_independencies(kind)": lambda v: CHAIN.implied_independencies(v),
    "implied_independencies(order)": lambda v: CHAIN.implied_independencies("ordered", order=v),
    "implied_independencies(limit)": lambda v: CHAIN.implied_independencies(limit=v),
    "iter_implied_independencies(kind)": lambda v: list(CHAIN.iter_implied_independencies(v)),
    "minimal_d_separators(x)": lambda v: list(CHAIN.minimal_d_separators(v, "C")),
    "minimal_d_separators(y)": lambda v: list(CHAIN.minimal_d_separators("A", v)),
    "minimum_d_separator(y)": lambda v: CHAIN.minimum_d_separator("A", v),
    "markov_blanket": lambda v: CHAIN.markov_blanket(v),
    "is_markov_equivalent": lambda v: CHAIN.is_markov_equivalent(v),
    "adjustment_sets(cause)": lambda v: list(CHAIN.adjustment_sets(v, "C")),
    "adjustment_sets(effect)": lambda v: list(CHAIN.adjustment_sets("A", v)),
    "adjustment_sets(kind)": lambda v: list(CHAIN.adjustment_sets("A", "C", kind=v)),
    "adjustment_sets(included)": lambda v: list(CHAIN.adjustment_sets("A", "C", included=v)),
    "is_adjustment_set(given)": lambda v: CHAIN.is_adjustment_set("A", "C", v),
    "explain_adjustment(given)": lambda v: CHAIN.explain_adjustment("A", "C", v),
    "backdoor_sets(cause)": lambda v: list(CHAIN.backdoor_sets(v, "C")),
    "backdoor_sets(included)": lambda v: list(CHAIN.backdoor_sets("A", "C", included=v)),
    "identify(treatments)": lambda v: CHAIN.identify(v, "C"),
    "identify(outcomes)": lambda v: CHAIN.identify("A", v),
    "identify(given)": lambda v: CHAIN.identify("A", "C", v),
    "instruments(cause)": lambda v: CHAIN.instruments(v, "C"),
    "instruments(effect)": lambda v: CHAIN.instruments("A", v),
    "intervened": lambda v: CHAIN.intervened(v),
    "PDAG(directed)": lambda v: PDAG(v),
    "PDAG(undirected)": lambda v: PDAG([("A", "B")], v),
    "PDAG(nodes)": lambda v: PDAG([], [("A", "B")], v),
    "PDAG(latent)": lambda v: PDAG([], [("A", "B")], latent=v),
    "an undirected edge": lambda v: PDAG([], [v]),
    "PDAG.parse": lambda v: PDAG.parse(v),
    "PDAG.read": lambda v: PDAG.read(v),
    "PDAG.from_adjacency": lambda v: PDAG.from_adjacency(v),
    "PDAG.to_text": lambda v: PARTIAL.to_text(v),
    "PDAG.write": lambda v: PARTIAL.write(v),
    "PDAG.parents": lambda v: PARTIAL.parents(v),
    "PDAG.children": lambda v: PARTIAL.children(v),
    "PDAG.neighbours": lambda v: PARTIAL.neighbours(v),
    "PDAG.completed": lambda v: PARTIAL.completed(v),
    "PDAG.n_dags(max_steps)": lambda v: PARTIAL.n_dags(max_steps=v),
    "compare_graphs(found)": lambda v: compare_graphs(v, CHAIN),
    "compare_graphs(truth)": lambda v: compare_graphs(PARTIAL, v),
    "PDAG ==": lambda v: v == PARTIAL,
    "latex": lambda v: PRODUCT.latex(v),
    "n_parameters": lambda v: PRODUCT.n_parameters(v),
    "n_parameters of a node": lambda v: PRODUCT.n_parameters(dict.fromkeys("ABC", v)),
    "n_parameters_of_full_table": lambda v: PRODUCT.n_parameters_of_full_table(v),
    "in": lambda v: v in CHAIN,
    "==": lambda v: v == CHAIN,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_argument_ends_in_an_answer_or_in_an_error_of_ours(call):
    for value in WRONG.values():
        with suppress(ChainruleError):
            CALLS[call](value())


def without_private(kind: type) -> Iterator[str]:
    return (name for name in dir(kind) if not name.startswith("_"))


def test_every_public_method_that_takes_something_is_called_with_wrong_things():
    takes_nothing = {
        "acyclic", "adjusted", "condensation", "cpdag", "edges", "equivalent_dags", "exposures", "find_cycle", "latent",
        "moral_graph", "n_edges", "nodes", "observed", "outcomes", "positions", "structure", "to_adjacency",
        "to_networkx", "topological_order", "topological_orders", "v_structures",
    }  # fmt: skip
    called = {call.split("(")[0].split()[0] for call in CALLS}
    assert set(without_private(DAG)) - takes_nothing <= called
    takes_nothing |= {
        "consistent_dags",
        "consistent_extension",
        "directed",
        "explain_cpdag",
        "is_cpdag",
        "mixed",
        "undirected",
    }
    called = {call.removeprefix("PDAG.").split("(")[0] for call in CALLS if call.startswith("PDAG.")}
    assert set(without_private(PDAG)) - takes_nothing <= called
    assert {"latex", "n_parameters", "n_parameters_of_full_table"} <= set(without_private(Factorization))


def test_a_number_or_none_in_place_of_a_list_is_refused_by_name():
    for wrong in (3, None):
        for build in (lambda v: DAG(v), lambda v: DAG.empty(v) if v else DAG(v)):
            with pytest.raises(ChainruleError, match=r"(edges|nodes) must be a list, got"):
                build(wrong)
        with pytest.raises(ChainruleError, match="given must be a node name or several; got"):
            CHAIN.is_d_separated("A", "C", wrong)


def test_numbers_that_grow_with_the_power_of_the_nodes_are_written_as_powers_of_ten():
    empty = DAG.empty(f"v{i}" for i in range(15_000))
    with pytest.raises(
        TooLargeError, match=r"all sets of 15,000 nodes are about 7\.92e\+4522 questions, .* 1,000,000;"
    ):
        empty.implied_independencies("all_pairs")
    with pytest.raises(TooLargeError, match=r"more than the limit of about 1\.00e\+4400;"):
        empty.implied_independencies("all_pairs", limit=10**4400)
    assert DAG.parse("A; B").implied_independencies("all_pairs", limit=10**30)[0].text() == "A ⟂ B"
    assert empty.factorization().n_parameters_of_full_table().bit_length() == 15_000
