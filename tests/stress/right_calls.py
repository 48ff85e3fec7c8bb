"""A right call of everything public: what is called, and an argument for each of its parameters, made anew each time.

Whoever adds a public function, class or method adds a line here; ``test_arguments`` fails until it is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule import datasets, derive, evaluate, graphs, report, tasks
from chainrule.core.records import RESULTS_FORMAT, machine_info
from chainrule.core.settings import Settings
from chainrule.graphs import Structure
from chainrule.models import DensityEstimator, Intervened
from chainrule.tables import Variable

__all__ = ["CALLS", "MODELS", "Call", "prepare"]

Call = tuple[Callable[..., Any], dict[str, Any]]
Made = Callable[[], Call]

_N = 40
_RNG = np.random.default_rng(0)
_A = _RNG.integers(0, 2, _N)
_B = np.where(_RNG.random(_N) < 0.8, _A, 1 - _A)
_C = _RNG.integers(0, 3, _N)
SMALL: dict[str, Any] = {"epochs": 1, "random_state": 0}
MODELS: dict[str, Callable[[], Any]] = {
    "Auto": lambda: cr.Auto(models=["independent", "chowliu"]),
    "BayesianNetwork": lambda: cr.BayesianNetwork("a -> b; c", pseudocount=1),
    "BoostedChain": lambda: cr.BoostedChain(rounds=2, random_state=0),
    "ChainClassifier": lambda: cr.ChainClassifier(random_state=0),
    "ChowLiu": lambda: cr.ChowLiu(),
    "Ensemble": lambda: cr.Ensemble([cr.Independent(pseudocount=1), cr.BayesianNetwork("a -> b; c")]),
    "Independent": lambda: cr.Independent(pseudocount=1),
    "LatentMixture": lambda: cr.LatentMixture(8, n_points=8, **SMALL),
    "MADE": lambda: cr.MADE([4], dag="a -> b; c", **SMALL),
    "Mixture": lambda: cr.Mixture(cr.Independent(pseudocount=1), 2, n_starts=1, max_steps=2, random_state=0),
    "NADE": lambda: cr.NADE(4, **SMALL),
    "Stack": lambda: cr.Stack(
        [cr.Independent(pseudocount=1), cr.BayesianNetwork("a -> b; c", pseudocount=1)]
    ),
    "TreeNetwork": lambda: cr.TreeNetwork(),
}


def rows() -> dict[str, list[str]]:
    """Forty rows of three variables."""
    two, three = np.array(["no", "yes"]), np.array(["high", "low", "mid"])
    return {"a": two[_A].tolist(), "b": two[_B].tolist(), "c": three[_C].tolist()}


def holes() -> dict[str, list[str | None]]:
    """The same with cells missing."""
    return {name: [None if (k + i) % 7 == 0 else v for k, v in enumerate(values)]
            for i, (name, values) in enumerate(rows().items())}  # fmt: skip


@cache
def table() -> cr.Table:
    """The rows as a table."""
    return cr.Table.read(rows())


@cache
def fitted(name: str) -> Any:
    """A model of the rows."""
    return MODELS[name]().fit(rows())


@cache
def family() -> Any:
    """A fitted family of one parameter."""
    return cr.ExponentialFamily("poisson").fit([[0], [2], [1], [3]])


def dag() -> cr.DAG:
    """Three nodes, an edge, a collider."""
    return cr.DAG.parse("a -> b <- c; a -> c")


def pdag() -> cr.PDAG:
    """A directed edge and an undirected one."""
    return cr.PDAG.parse("a -- b; b -> c")


@cache
def description() -> Any:
    """A record that a page is made of."""
    return cr.describe(fitted("Independent"), rows(), draws=100)


@cache
def audited() -> Any:
    """An audit."""
    return cr.audit(fitted("Independent"), rows(), draws=200)


def tables() -> dict[str, evaluate.BinaryTable]:
    """A table for each node of ``dag``."""
    return evaluate.random_tables(dag(), 0)


def prepare(folder: Path) -> None:
    """The files that right calls name."""
    lines = [",".join(row) for row in zip(*rows().values(), strict=True)]
    (folder / "rows.csv").write_text("\n".join(["a,b,c", *lines, ""]))
    (folder / "holes.csv").write_text("\n".join(["a,b,c", ",no,low", *lines, ""]))
    fitted("Independent").save(folder / "right.model")
    for kind in MODELS:
        fitted(kind).save(folder / f"{kind}.model")
    family().save(folder / "ExponentialFamily.model")
    cr.BayesianNetwork("a -> b; c").fit(rows()).write(folder / "right.bif")
    dag().write(folder / "right.dag")
    cr.compress_file(fitted("Independent"), folder / "rows.csv", folder / "rows.packed")
    np.save(folder / "right.npy", np.eye(3))
    (folder / "right.idx").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 1, 1]))
    (folder / "numbers.txt").write_text("1 0\n0 1\n")
    report.write_page(description(), folder / "right.html")
    (folder / "pages").mkdir()
    (folder / "pages" / "results.json").write_text(json.dumps(_results()))


def _results() -> dict[str, Any]:
    return {
        "format": RESULTS_FORMAT, "problems": {}, "claims": [], "unfinished": {}, "data": None, "chainrule": "0",
        "settings": {"preset": "quick", "seed": 0}, "machine": machine_info(), "versions": {"python": "3"},
        "started": "2020-01-01T00:00:00", "seconds": 1.0,
    }  # fmt: skip


def _entered(made: Callable[..., AbstractContextManager[Any]]) -> Callable[..., None]:
    def call(**arguments: Any) -> None:
        with made(**arguments):
            pass

    return call


EVIDENCE: dict[str, Any] = {"evidence": {"a": "yes"}}
SOFT: dict[str, Any] = {
    "likelihood": {"b": [0.5, 1.0]},
    "jeffrey": {"c": {"high": 0.2, "low": 0.3, "mid": 0.5}},
}
QUESTION: dict[str, Any] = {"question": "P(b)", **EVIDENCE}


def model_methods(kind: str) -> dict[str, Made]:
    """What every model of tables has, of one of them."""

    def of(name: str, arguments: Callable[[], dict[str, Any]]) -> Made:
        return lambda: (getattr(fitted(kind), name), arguments())

    def new(name: str, arguments: Callable[[], dict[str, Any]]) -> Made:
        return lambda: (getattr(MODELS[kind](), name), arguments())

    found = {
        "fit": new("fit", lambda: {"X": rows(), "y": None, "valid": rows(), "sample_weight": np.ones(_N)}),
        **{name: of(name, lambda: {"X": rows()}) for name in
           ("log_prob", "conditionals", "state_log_probs", "score_samples", "answers", "responsibilities")},
        "score": of("score", lambda: {"X": rows(), "y": None}),
        "states_in_turn": lambda: (_turns(fitted(kind)), {"n": 3, "order": None}),
        "sample": of("sample", lambda: {"n": 3, "given": {"a": "yes"}, "rng": 0}),
        "impute": of("impute", lambda: {"X": holes(), "how": "draw", "rng": 0}),
        "query": of("query", lambda: {"variables": ["b"], **EVIDENCE, "likelihood": None, "jeffrey": None}),
        "do": of("do", lambda: {"states": {"a": "yes"}}),
        "save": of("save", lambda: {"path": "out.model"}),
        "load": lambda: (getattr(cr, kind).load, {"path": f"{kind}.model"}),
    }  # fmt: skip
    return {f"{kind}.{name}": made for name, made in found.items() if hasattr(getattr(cr, kind), name)}


def _turns(model: Any) -> Callable[..., Any]:
    return lambda **arguments: next(model.states_in_turn(**arguments))


def _network() -> Any:
    return fitted("BayesianNetwork")


@cache
def _with_prior() -> Any:
    return cr.BayesianNetwork("a -> b; c", pseudocount=1).fit(rows())


CLASSES: dict[str, Made] = {
    "DAG": lambda: (cr.DAG, {"edges": [("a", "b")], "nodes": ["a", "b", "c"], **marks()}),
    "PDAG": lambda: (cr.PDAG, {"directed": [("a", "b")], "undirected": [("b", "c")], "nodes": ["a", "b", "c"],
        **marks()}),
    "DirectedGraph": lambda: (
        graphs.DirectedGraph, {"edges": [("a", "b"), ("b", "a")], "nodes": ["a", "b"], **marks()},
    ),
    "Schema": lambda: (
        cr.Schema, {"variables": table().schema.variables, "container": "dict", "encoding": None, "notes": ()},
    ),
    "Variable": lambda: (Variable, {
        "name": "a", "states": ("no", "yes"), "kind": "text", "ordered": False, "cuts": None, "closed": "right",
        "missing": None, "strip": None, "unseen": "error", "usual": 0, "dtype": None, "label": None,
    }),
    "Table": lambda: (cr.Table, {"schema": table().schema, "codes": table().codes.copy(), "weights": np.ones(_N)}),
    "OtherModel": lambda: (_other_subject, {
        "log_prob": _uniform, "sizes": (2, 2), "sample": None, "sample_given": None, "state_log_probs": None,
        "logits": None, "factors": "x1 -> x2", "takes_missing": False, "members": (), "names": ("x1", "x2"),
        "precision": "double", "as_tensor": False, "name": "mine",
    }),
    "Dataset": lambda: (datasets.Dataset, {
        "name": "tiny", "train": [[0, 1]], "valid": [[0, 0]], "test": [[1, 0]], "shape": (1, 2),
        "feature_names": ("a", "b"), "binarization": "", "source": "", "reason": "", "files": {}, "description": "",
        "licence": "", "citation": "",
    }),
    "BinaryTable": lambda: (evaluate.BinaryTable, {
        "node": "b", "parents": ("a",), "p_one": (Fraction(1, 2), Fraction(0)),
    }),
    "Settings": lambda: (Settings, {}),
}  # fmt: skip


def marks() -> dict[str, Any]:
    """The marks that a graph's nodes may have."""
    return {
        "latent": (),
        "positions": {"a": (0.0, 1.0)},
        "exposures": ["a"],
        "outcomes": ["b"],
        "adjusted": (),
    }


def _uniform(codes: Any) -> Any:
    return np.full(len(codes), -np.log(4.0))


def _other_subject(**arguments: Any) -> Any:
    return cr.OtherModel(**arguments).subject()


NAMES_XY: dict[str, Any] = {"x": "a", "y": "c", "given": ["b"]}
GRAPHS: dict[str, Made] = {
    **{f"DAG.{name}": (lambda name=name: (getattr(dag(), name), {"nodes": ["a"]}))
       for name in ("ancestors", "descendants", "intervened")},
    **{f"DAG.{name}": (lambda name=name: (getattr(dag(), name), {"node": "b"}))
       for name in ("parents", "children", "markov_blanket")},
    **{f"DAG.{name}": (lambda name=name: (getattr(dag(), name), {
        "cause": "a", "effect": "b", "kind": "minimal", "included": None})) for name in ("adjustment_sets",
        "backdoor_sets")},
    **{f"DAG.{name}": (lambda name=name: (getattr(dag(), name), {"cause": "a", "effect": "b", "given": ()}))
       for name in ("explain_adjustment", "is_adjustment_set")},
    "DAG.d_separated_from": lambda: (dag().d_separated_from, {"x": "a", "given": ["b"]}),
    "DAG.empty": lambda: (cr.DAG.empty, {"nodes": ["a", "b"]}),
    "DAG.explain_d_separation": lambda: (dag().explain_d_separation, {**NAMES_XY, "max_paths": 10}),
    "DAG.factorization": lambda: (dag().factorization, {"order": ["a", "c", "b"]}),
    "DAG.from_adjacency": lambda: (cr.DAG.from_adjacency, {"matrix": [[0, 1], [0, 0]], "nodes": ["a", "b"]}),
    "DAG.from_networkx": lambda: (cr.DAG.from_networkx, {"graph": dag().to_networkx()}),
    "DAG.fully_connected": lambda: (cr.DAG.fully_connected, {"order": ["a", "b"]}),
    "DAG.has_edge": lambda: (dag().has_edge, {"parent": "a", "child": "b"}),
    "DAG.identify": lambda: (dag().identify, {"treatments": "a", "outcomes": "b", "given": ()}),
    "DAG.implied_independencies": lambda: (dag().implied_independencies, {
        "kind": "missing_edge", "order": None, "limit": 10}),
    "DAG.iter_implied_independencies": lambda: (dag().iter_implied_independencies, {"kind": "local", "order": None}),
    "DAG.instruments": lambda: (dag().instruments, {"cause": "a", "effect": "b"}),
    "DAG.is_d_separated": lambda: (dag().is_d_separated, NAMES_XY),
    "DAG.is_markov_equivalent": lambda: (dag().is_markov_equivalent, {"other": dag()}),
    "DAG.minimal_d_separators": lambda: (dag().minimal_d_separators, {"x": "a", "y": "c"}),
    "DAG.minimum_d_separator": lambda: (dag().minimum_d_separator, {"x": "a", "y": "c"}),
    "DAG.parse": lambda: (cr.DAG.parse, {"text": "a -> b", "format": "chainrule"}),
    "DAG.read": lambda: (cr.DAG.read, {"path": "right.dag", "format": None}),
    "DAG.to_text": lambda: (dag().to_text, {"format": "dot"}),
    "DAG.write": lambda: (dag().write, {"path": "out.dot", "format": None}),
    "PDAG.children": lambda: (pdag().children, {"node": "b"}),
    "PDAG.completed": lambda: (pdag().completed, {"directed": [("a", "b")]}),
    "PDAG.from_adjacency": lambda: (cr.PDAG.from_adjacency, {"matrix": [[0, 1], [1, 0]], "nodes": ["a", "b"]}),
    "PDAG.n_dags": lambda: (pdag().n_dags, {"max_steps": 100}),
    "PDAG.neighbours": lambda: (pdag().neighbours, {"node": "b"}),
    "PDAG.parents": lambda: (pdag().parents, {"node": "b"}),
    "Factorization.latex": lambda: (dag().factorization().latex, {"factors_per_line": 2}),
    "Factorization.n_parameters": lambda: (dag().factorization().n_parameters, {"n_states": 2}),
    "Factorization.n_parameters_of_full_table": lambda: (
        dag().factorization().n_parameters_of_full_table, {"n_states": {"a": 2, "b": 2, "c": 3}}),
    "Agreement.of": lambda: (graphs.Agreement.of, {"found": {1}, "truth": {1, 2}}),
    "Structure.of": lambda: (Structure.of, {"parents": [(), (0,)], "latent": ()}),
    "Structure.with_parents": lambda: (Structure.of([(), (0,)]).with_parents, {"parents": [(), ()]}),
    "compare_graphs": lambda: (graphs.compare_graphs, {"found": dag(), "truth": pdag()}),
}  # fmt: skip

READING: dict[str, Any] = {
    "schema": None, "columns": ["a", "b"], "ignore": ["c"], "bins": {}, "ordinal": (), "missing": ["NA"], "strip": True,
    "unseen": "error", "max_states": 10, "weights": None, "encoding": None, "header": None, "name": "X",
}  # fmt: skip
TABLES: dict[str, Made] = {
    "Schema.from_plain": lambda: (cr.Schema.from_plain, {"plain": table().schema.to_plain()}),
    "Schema.index": lambda: (table().schema.index, {"name": "b"}),
    "Schema.known": lambda: (table().schema.known, {"given": {"a": "yes"}}),
    "Schema.labels": lambda: (table().schema.labels, {"codes": [0, -1, 2]}),
    "Schema.of": lambda: (cr.Schema.of, {"states": {"a": ["no", "yes"], "b": 3}, "container": "dict",
        "encoding": None}),
    "Schema.of_sizes": lambda: (cr.Schema.of_sizes, {"sizes": (2, 3), "names": ["a", "b"]}),
    "Schema.select": lambda: (table().schema.select, {"names": ["b", "a"]}),
    "Variable.code": lambda: (table().schema.variables[0].code, {"value": "yes"}),
    "Variable.find": lambda: (table().schema.variables[0].find, {"text": "yes", "in_file": True}),
    "Table.batches": lambda: (cr.Table.batches, {
        "X": rows(), "schema": table().schema, "batch_rows": 7, "weights": None, "name": "X", "ignore": ()}),
    "Table.column": lambda: (table().column, {"name": "a"}),
    "Table.counts": lambda: (cr.Table.counts, {
        "X": "rows.csv", "weights": None, "name": "X", "client": None, "ignore": ["c"]}),
    "Table.head": lambda: (table().head, {"n": 2}),
    "Table.parts": lambda: (cr.Table.parts, {
        "X": "rows.csv", "schema": table().schema, "batch_rows": 7, "weights": None, "name": "X", "client": None,
        "ignore": ()}),
    "Table.read": lambda: (cr.Table.read, {"X": rows(), **READING, "min_rows": 1, "options": _options()}),
    "Table.select": lambda: (table().select, {"names": ["b"]}),
    "Table.value_counts": lambda: (table().value_counts, {"name": "a"}),
}  # fmt: skip


def _options() -> Any:
    from chainrule.tables.problems import IN_PYTHON

    return IN_PYTHON


def _dialect() -> dict[str, Any]:
    from chainrule.tasks.dialects import PYTHON

    return {"dialect": PYTHON}


SEARCH: dict[str, Any] = {
    "forbidden": [("c", "a")], "required": (), "tiers": [["a"], ["b", "c"]], "max_parents": 2,
    "equivalent_sample_size": 1.0,
}  # fmt: skip
TABLE_SETTINGS: dict[str, Any] = {
    "pseudocount": 1.0, "prior": "bdeu", "missing": "refuse", "sample_weight": None, "schema": None,
    "max_bytes": 2**20, "client": None,
}  # fmt: skip
LEARNERS: dict[str, Made] = {
    "chow_liu": lambda: (cr.chow_liu, {"table": rows(), "penalty": "ebic", "root": "a", **TABLE_SETTINGS}),
    "exact_search": lambda: (cr.exact_search, {
        "X": rows(), "score": "bic", "valid": None, "folds": 2, "random_state": 0, **SEARCH, **TABLE_SETTINGS}),
    "hill_climb": lambda: (cr.hill_climb, {
        "X": rows(), "score": "bic", "valid": None, "folds": 2, "random_state": 0, "tabu": 2, "restarts": 1,
        **SEARCH, **TABLE_SETTINGS}),
    "pc": lambda: (cr.pc, {
        "table": rows(), "statistic": "g", "alpha": 0.05, "forbidden": (), "required": (), "tiers": (), "max_given": 1,
        "n_permutations": 9, "seed": 0, "min_expected": 5.0}),
    "load_model": lambda: (cr.load_model, {"path": "right.model"}),
    "DensityEstimator.load": lambda: (DensityEstimator.load, {"path": "right.model"}),
    "BayesianNetwork.count": lambda: (_network().count, {"X": rows(), "sample_weight": None, "client": None}),
    "BayesianNetwork.cpt": lambda: (_network().cpt, {"node": "b"}),
    "BayesianNetwork.fit": lambda: (MODELS["BayesianNetwork"]().fit, {
        "X": rows(), "y": None, "valid": None, "sample_weight": np.ones(_N), "client": None}),
    "BayesianNetwork.fit_counts": lambda: (MODELS["BayesianNetwork"]().fit_counts,
        {"counts": _network().count(rows())}),
    "Intervened.of": lambda: (Intervened.of, {"model": fitted("MADE"), "states": {"a": "yes"}}),
    "Intervened.do": lambda: (fitted("MADE").do({"a": "yes"}).do, {"states": {"c": "low"}}),
    "BayesianNetwork.from_tables": lambda: (cr.BayesianNetwork.from_tables, {
        "dag": "a -> b", "states": {"a": 2, "b": ["no", "yes"]}, "tables": {"a": [0.5, 0.5], "b": [[0.1, 0.9], [1, 0]]},
        "max_bytes": 2**20}),
    "BayesianNetwork.inference_cost": lambda: (_network().inference_cost, {
        "variables": ["b"], **EVIDENCE, "most_probable": False}),
    "BayesianNetwork.most_probable": lambda: (_network().most_probable, {**EVIDENCE, "k": 2, "over": ["b"], **SOFT}),
    "BayesianNetwork.mpe": lambda: (_network().mpe, {**EVIDENCE}),
    "BayesianNetwork.posterior_marginals": lambda: (_network().posterior_marginals, {**EVIDENCE, **SOFT}),
    "BayesianNetwork.query": lambda: (_network().query, {"variables": "b", **EVIDENCE, **SOFT}),
    "BayesianNetwork.read": lambda: (cr.BayesianNetwork.read, {"path": "right.bif", "format": None,
        "max_bytes": 2**20}),
    "BayesianNetwork.write": lambda: (_network().write, {"path": "out.bif", "format": "bif"}),
    "BayesianNetwork.sensitivity": lambda: (_network().sensitivity, {
        "states": {"b": "yes"}, **EVIDENCE, **SOFT}),
    "BayesianNetwork.standard_errors": lambda: (_network().standard_errors, {
        "X": rows(), "method": "information", "n_resamples": 2, "sample_weight": None, "rng": 0}),
    "BayesianNetwork.standard_errors by resampling": lambda: (_network().standard_errors, {
        "X": rows(), "method": "bootstrap", "n_resamples": 2, "sample_weight": np.ones(_N), "rng": 0}),
    "BayesianNetwork.table_posteriors": lambda: (_network().table_posteriors, {"X": rows(),
        "sample_weight": np.ones(_N)}),
    "LatentMixture.usual_epochs": lambda: (MODELS["LatentMixture"]().usual_epochs, {"n_rows": 10}),
    "ExponentialFamily.fit": lambda: (cr.ExponentialFamily("poisson").fit, {"X": [[0], [2]], "y": None,
        "valid": [[1]]}),
    "ExponentialFamily.log_prob": lambda: (family().log_prob, {"X": [[0], [2]]}),
    "ExponentialFamily.score": lambda: (family().score, {"X": [[0], [2]], "y": None}),
    "ExponentialFamily.score_samples": lambda: (family().score_samples, {"X": [[0], [2]]}),
    "ExponentialFamily.sample": lambda: (family().sample, {"n": 2, "given": None, "rng": 0}),
    "ExponentialFamily.confidence_intervals": lambda: (family().confidence_intervals, {"level": 0.9,
        "method": "exact"}),
    "ExponentialFamily.log_likelihood": lambda: (family().log_likelihood, {"rate": [1.0, 2.0]}),
    "ExponentialFamily.summary": lambda: (family().summary, {"level": 0.9}),
    "ExponentialFamily.save": lambda: (family().save, {"path": "out.model"}),
    "ExponentialFamily.load": lambda: (cr.ExponentialFamily.load, {"path": "ExponentialFamily.model"}),
}  # fmt: skip


def _effect() -> Any:
    return dag().identify("a", "b")


@cache
def _independence() -> Any:
    return cr.check_independencies("a -> b; c", rows())


EVALUATE: dict[str, Made] = {
    "check_independencies": lambda: (cr.check_independencies, {
        "dag": "a -> b; c", "table": rows(), "kind": "missing_edge", "statistic": "g", "alpha": 0.05,
        "correction": "holm",
        "n_permutations": 9, "rng": 0, "limit": 100, "min_expected": 5.0}),
    "check_independencies by permutations": lambda: (cr.check_independencies, {
        "dag": "a -> b; c", "table": rows(), "statistic": "permutation", "n_permutations": 39, "rng": 0}),
    "conditional_independence_test": lambda: (evaluate.conditional_independence_test, {
        "table": rows(), "x": "a", "y": "b", "given": ["c"], "statistic": "permutation", "alpha": 0.05,
        "n_permutations": 39, "rng": 0, "min_expected": 5.0}),
    "estimate_effect": lambda: (cr.estimate_effect, {"effect": _effect(), "source": rows()}),
    "EffectEstimate.probability": lambda: (cr.estimate_effect(_effect(), rows()).probability, {"a": "yes", "b": "no"}),
    "IndependenceReport.having": lambda: (_independence().having, {"verdict": "consistent"}),
    "IndependenceReport.text": lambda: (_independence().text, {"most": 3}),
    "PCResult.text": lambda: (cr.pc(rows()).text, {"most": 3}),
    "BinaryTable.probability": lambda: (tables()["b"].probability, {"value": 1, "state": (0, 1)}),
    "Counterexample.copies": lambda: (_counterexample().copies, {"node": "a"}),
    "JointTable.is_independent": lambda: (_joint().is_independent, {"x": ["a"], "y": ["c"], "given": ["b"]}),
    "JointTable.mutual_information_nats": lambda: (_joint().mutual_information_nats, {
        "x": ["a"], "y": ["c"], "given": ["b"]}),
    "Timing.of": lambda: (evaluate.Timing.of, {"seconds": [1.0, 2.0]}),
    "all_states": lambda: (evaluate.all_states, {"sizes": (2, 3)}),
    "allowed_dependence": lambda: (evaluate.allowed_dependence, {"dag": dag(), "variables": ["a", "b", "c"]}),
    **{name: (lambda name=name: (getattr(evaluate, name), {"p_values": [0.1, 0.5]}))
       for name in ("benjamini_hochberg", "holm")},
    "correct": lambda: (evaluate.correct, {"p_values": [0.1, 0.5], "correction": "holm"}),
    "check_factorization": lambda: (evaluate.check_factorization, {
        "model": fitted("NADE"), "method": None, "n_points": 2, "sizes": None, "rng": 0}),
    "chi_square": lambda: (evaluate.chi_square, {"counts": np.array([5, 9]), "probabilities": np.array([0.5, 0.5])}),
    "chi_square_draws": lambda: (evaluate.chi_square_draws, {
        "model": fitted("Independent"), "n": 100, "sizes": None, "given": None, "rng": 0, "false_alarm_rate": 0.001}),
    "codes_of": lambda: (evaluate.codes_of, {"model": fitted("Independent"), "rows": rows()}),
    "given_of": lambda: (evaluate.given_of, {"model": fitted("Independent"), "row": np.array([0, -1, 1])}),
    "rows_of": lambda: (evaluate.rows_of, {"model": fitted("Independent"), "codes": rows()}),
    "compare of timings": lambda: (evaluate.compare, {
        "a": evaluate.Timing.of([1.0, 2.0]), "b": evaluate.Timing.of([1.0]), "factor": 2.0}),
    "counterexample": lambda: (evaluate.counterexample, {"graph": _circle(), "total": 2}),
    "cycle_mass": lambda: (evaluate.cycle_mass, {"matrices": [[[Fraction(1), Fraction(0)], [Fraction(0),
        Fraction(1)]]]}),
    "dependence": lambda: (evaluate.dependence, {"table": evaluate.BinaryTable("b", ("a",), (Fraction(0),
        Fraction(1)))}),
    **{name: (lambda name=name: (getattr(evaluate, name), {"model": fitted("Independent"), "sizes": None}))
       for name in ("exact_table", "total_probability", "sizes_of")},
    "jacobian_dependence": lambda: (evaluate.jacobian_dependence, {
        "network": _doubled, "d": 3, "columns": [1, 1, 1], "n_points": 2, "generic": True, "rng": 0}),
    "joint_table": lambda: (evaluate.joint_table, {"graph": dag(), "tables": tables()}),
    "total_mass": lambda: (evaluate.total_mass, {"graph": dag(), "tables": tables()}),
    **{name: (lambda name=name: (getattr(evaluate, name), {"log_p": np.log([0.5, 0.5]), "log_q": np.log([0.25, 0.75])}))
       for name in ("kl_divergence", "total_variation")},
    "measure": lambda: (evaluate.measure, {"call": lambda: 1}),
    "paired_difference": lambda: (evaluate.paired_difference, {"log_prob_a": [-1.0, -2.0], "log_prob_b": [-1.0, -3.0]}),
    "perturbation_dependence": lambda: (evaluate.perturbation_dependence, {
        "conditionals": _conditionals, "rows": np.zeros((2, 3), int), "sizes": (2, 2, 2)}),
    "random_tables": lambda: (evaluate.random_tables, {"graph": dag(), "rng": 0, "denominator": 97}),
    "summarize_log_prob": lambda: (evaluate.summarize_log_prob, {"log_prob": [-1.0, -2.0], "n_variables": 3}),
    "time_in_turns": lambda: (evaluate.time_in_turns, {"calls": {"a": lambda: 1}, "rounds": 2}),
}  # fmt: skip


def _circle() -> graphs.DirectedGraph:
    return graphs.DirectedGraph.parse("a -> b -> a")


def _counterexample() -> Any:
    return evaluate.counterexample(_circle())


def _joint() -> Any:
    return evaluate.joint_table(dag(), tables())


def _doubled(x: Any) -> Any:
    return 2 * x


def _conditionals(codes: Any) -> Any:
    return np.full(np.shape(codes), np.log(0.5))


def _made_of(name: str) -> Any:
    """A result of a task."""
    makers: dict[str, Callable[[], Any]] = {
        "Fit": lambda: cr.fit(rows(), model="independent"),
        "Learned": lambda: cr.learn(rows(), method="hill-climb"),
        "LearnedByTests": lambda: tasks.learn_by_tests(rows()),
        "Sample": lambda: cr.sample(fitted("Independent"), 3),
        "Scores": lambda: cr.score(fitted("Independent"), rows(), draws=100),
        "Comparison": lambda: cr.compare(rows(), models=["independent"], budget="5s"),
    }
    return makers[name]()


_made = cache(_made_of)
FIT_SETTINGS: dict[str, Any] = {"seed": 0, "fix": False, "ignore": [], "bins": {}, "max_states": 20}
TASKS: dict[str, Made] = {
    "audit": lambda: (cr.audit, {
        "model": fitted("Independent"), "X": rows(), "train": rows(), "truth": fitted("BayesianNetwork"),
        "entropy_nats": None,
        "draws": 100, "most_states": 1000, "false_alarm_rate": 0.001, "seed": 0, "out": "audit.html", **_dialect(),
        "ignore": ()}),
    "compare": lambda: (cr.compare, {
        "X": rows(), "test": rows(), "models": ["independent"], "budget": "1s", "held_out": 0.2, "dag": None,
        **_dialect(),
        **FIT_SETTINGS}),
    "compress": lambda: (cr.compress, {"model": fitted("Independent"), "X": rows()}),
    "decompress": lambda: (cr.decompress, {
        "model": fitted("Independent"), "compressed": cr.compress(fitted("Independent"), rows())}),
    "compress_file": lambda: (cr.compress_file, {
        "model": fitted("Independent"), "path": "rows.csv", "output": "out.packed"}),
    "decompress_file": lambda: (cr.decompress_file, {
        "model": fitted("Independent"), "path": "rows.packed", "output": "out.csv"}),
    "describe": lambda: (cr.describe, {
        "model": fitted("BayesianNetwork"), "X": rows(), "draws": 100, "most_rows": 10, "seed": 0, "held_out": False,
        **_dialect(), "ignore": ()}),
    "fit": lambda: (cr.fit, {
        "X": rows(), "valid": rows(), "model": "independent", "models": None, "budget": None, "simple": False,
        "held_out": 0.1, "dag": None, "latent_states": None, "latent_classes": None, "run_dir": None, "resume": True,
        "workers": 1, **_dialect(), **FIT_SETTINGS}),
    "fit of a network": lambda: (cr.fit, {"X": rows(), "model": "bayesnet", "dag": "a -> b; c", "latent_states": None}),
    "fit in a budget": lambda: (cr.fit, {"X": rows(), "models": ["independent"], "budget": 1.0, "simple": True}),
    "impute": lambda: (cr.impute, {
        "model": fitted("Independent"), "X": "holes.csv", "how": "draw", "draws": 2, "seed": 0, "out": "out.csv",
        **_dialect(),
        "ignore": ()}),
    "learn": lambda: (cr.learn, {
        "X": rows(), "method": "hill-climb", "score": "bic", "bootstrap": 0, "out": "out.bif", "held_out": 0.1,
        "workers": 1,
        **SEARCH, **_dialect(), **FIT_SETTINGS}),
    "learn_by_tests": lambda: (tasks.learn_by_tests, {
        "X": rows(), "statistic": "g", "alpha": 0.05, "forbidden": (), "required": (), "tiers": (), "max_given": None,
        "out": "out.dot", **_dialect(), **FIT_SETTINGS}),
    "most_probable": lambda: (cr.most_probable, {"model": fitted("BayesianNetwork"), **QUESTION, "k": 2, **SOFT}),
    "query": lambda: (cr.query, {"model": fitted("BayesianNetwork"), **QUESTION, **SOFT}),
    "credible_intervals": lambda: (cr.credible_intervals, {
        "model": _with_prior(), "question": "P(b=yes)", "X": rows(), **EVIDENCE, "level": 0.9, **SOFT, **_dialect(),
        "unseen": "missing"}),
    "sensitivity": lambda: (cr.sensitivity, {
        "model": fitted("BayesianNetwork"), "question": "P(b=yes)", **EVIDENCE, **SOFT}),
    "sample": lambda: (cr.sample, {
        "model": fitted("Independent"), "n": 3, "given": {"a": "yes"}, "seed": 0, "out": "out.csv"}),
    "score": lambda: (cr.score, {
        "model": fitted("BayesianNetwork"), "X": rows(), "out": "out.csv", "cells": True, "draws": 100, "seed": 0,
        **_dialect(),
        "ignore": ()}),
    "write_page": lambda: (cr.write_page, {"record": description(), "out": "page.html"}),
    "check_page": lambda: (report.check_page, {"out": "page.html"}),
    "rebuild_page": lambda: (report.rebuild_page, {"saved": "right.json", "out": "again.html"}),
    "render": lambda: (report.render, {"results": _results(), "out": "pages"}),
    "write_report": lambda: (report.write_report, {"directory": "pages"}),
    "settings": lambda: (_entered(cr.settings), {"plain": False, "verbose": False, "threads": 1,
        "keep_freed_memory": False}),
    "workers": lambda: (_entered(cr.workers), {"n": 1}),
    "Audit.count": lambda: (audited().count, {"verdict": "pass"}),
    "Audit.from_dict": lambda: (tasks.Audit.from_dict, {"plain": audited().to_dict()}),
    "Audit.from_plain": lambda: (tasks.Audit.from_plain, {"plain": audited().to_plain()}),
    "Audit.save": lambda: (audited().save, {"path": "audit.html"}),
    "Comparison.from_dict": lambda: (tasks.Comparison.from_dict, {"plain": _made("Comparison").to_dict()}),
    "Description.from_dict": lambda: (tasks.Description.from_dict, {"plain": description().to_dict()}),
    "Description.from_plain": lambda: (tasks.Description.from_plain, {"plain": description().to_plain()}),
    **{f"{name}.{method}": (lambda name=name, method=method, path=path: (getattr(_made(name), method), {"path": path}))
       for name, method, path in (("Fit", "save", "out.model"), ("Learned", "write", "out.bif"),
                                  ("LearnedByTests", "write", "out.dot"), ("Sample", "write", "out.csv"),
                                  ("Scores", "write", "out.csv"))},
}  # fmt: skip

DATA: dict[str, Made] = {
    "load_data": lambda: (cr.load_data, {"name": "digits", "binarize": "threshold", "seed": 0, "cache": "cache"}),
    **{name: (lambda name=name: (getattr(datasets, name), {"name": "digits", "cache": "cache"}))
       for name in ("fetch", "info")},
    "list_datasets": lambda: (datasets.list_datasets, {"cache": "cache"}),
    "read_array": lambda: (datasets.read_array, {"path": "right.npy", "key": None}),
    "read_idx": lambda: (datasets.read_idx, {"path": "right.idx"}),
    "read_table": lambda: (datasets.read_table, {"path": "numbers.txt"}),
    "split_rows": lambda: (datasets.split_rows, {"X": np.eye(4), "fractions": [0.5, 0.5], "rng": 0}),
    "derive_and_fit": lambda: (derive.derive_and_fit, {
        "family": "categorical", "x": [0, 1, 1], "n_states": 3, "level": 0.9}),
    "derive_mle": lambda: (derive.derive_mle, {"family": "poisson"}),
    "exponential_family_form": lambda: (derive.exponential_family_form, {"family": "poisson"}),
}  # fmt: skip


def _all() -> Iterator[tuple[str, Made]]:
    for kind in MODELS:
        yield from model_methods(kind).items()
    for part in (CLASSES, GRAPHS, TABLES, LEARNERS, EVALUATE, TASKS, DATA):
        yield from part.items()


CALLS: dict[str, Made] = dict(_all())
