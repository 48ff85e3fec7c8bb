"""Inference in Bayesian networks beside pyagrum (compiled C++) and pgmpy, in one run, each with the same questions.

All are asked in turns; what they answer is compared before anything is timed.  Each keeps what it can from question
to question: pyagrum one engine of lazy propagation with its junction tree, chainrule its network.  No evidence is asked
twice until 2,000 others were, so that no answer is one that was kept.

* *first question*: p(v | evidence) of one variable, asked of a network and an engine that were made just now;
* *30 x 5*: p(v | evidence) of five variables given each of 30 evidences;
* *marginals*: p(v | evidence) of every variable that is not in the evidence, a tenth of the variables;
* *joint*: p(a, b, c | evidence) of three variables;
* *most probable*: a most probable state of all variables given the evidence;
* *rows with holes*: log p of rows that lack 30 % of their cells, each row its own.

Networks: ``benchmarks.networks``; those of the bnlearn repository need ``CHAINRULE_DATA``.
"""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import cycle, islice
from time import perf_counter
from typing import Any

import numpy as np
import torch

from benchmarks.networks import networks, pyagrum_network, some
from benchmarks.other_tools import UnableError, their_errors
from benchmarks.showing import Benchmark, Options, duration, installed, spread
from benchmarks.timing import Spread, alternate, ratio
from chainrule.models import BayesianNetwork
from chainrule.tables.table import Table

__all__ = ["INFERENCE", "Ours", "Question", "agreement", "inference"]

Evidence = dict[str, str]

_KNOWN, _HOLES = 0.1, 0.3  # shares of the variables that are evidence, and that a row lacks
_JOINT, _FEW_STATES = 3, 4
_ROWS, _ROWS_OF_MANY, _MANY = 200, 20, 400  # rows with holes, fewer of networks with many variables
_SETS, _TARGETS = 30, 5
_EVIDENCES, _AT_ONCE = 2000, 5
_PGMPY_MOST = 60  # variables of a network that pgmpy is asked about; it takes seconds for each of more
_SAME = 1e-6


@dataclass(frozen=True)
class Question:
    """Seconds of one question to one network, by tool, and how many times as fast as pyagrum chainrule is."""

    network: str
    question: str
    seconds: dict[str, Spread]
    times_as_fast: Spread | None
    note: str

    def cells(self) -> list[str]:
        """By column of the table."""
        times = [duration(self.seconds[t].median) if t in self.seconds else "" for t in _TOOLS]
        return [self.network, self.question, *times, _times(self.times_as_fast), self.note]


_TOOLS = ("chainrule", "pyagrum", "pgmpy")
_IN_SETS = f"{_SETS} x {_TARGETS}"


def inference(options: Options) -> Iterator[Question]:
    """Every question to every network."""
    warnings.simplefilter("ignore")  # of the other tools
    logging.disable(logging.WARNING)
    known = networks()
    for name in options.chosen(options.sets, list(known), "network"):
        yield from _asked(name, known[name](), 3 if options.quick else 7)


def _asked(name: str, network: BayesianNetwork, rounds: int) -> Iterator[Question]:
    rng = np.random.default_rng(0)
    names = list(network.variables_)
    few = [v for v in names if len(network.states_[v]) <= _FEW_STATES]
    wanted = some(few if len(few) >= _JOINT else names, _JOINT, rng)
    evidences = _evidences(network, wanted, rng)
    n_rows = _ROWS if len(names) <= _MANY else _ROWS_OF_MANY
    holes = network.sample(n_rows, rng=2).codes.astype(np.int32)
    holes[rng.random(holes.shape) < _HOLES] = -1
    tools: list[Any] = [Ours(network)]
    if installed("pyagrum"):
        tools.append(_Pyagrum(network))
    if installed("pgmpy") and len(names) <= _PGMPY_MOST:
        tools.append(_Pgmpy(network))
    yield _first(name, network, tools[:2], wanted[0], evidences[:rounds])
    upcoming = {tool.name: cycle(evidences) for tool in tools}
    targets = cycle([some(names, 2 * _TARGETS, rng) for _ in range(_SETS)])

    def some_evidence(tool: Any, n: int = _AT_ONCE) -> Iterator[Evidence]:
        return islice(upcoming[tool.name], n)

    def in_sets(tool: Any) -> list[list[np.ndarray]]:
        sets = zip(some_evidence(tool, _SETS), islice(targets, _SETS), strict=True)
        return [tool.several([v for v in asked if v not in e][:_TARGETS], e) for e, asked in sets]

    asked: dict[str, tuple[int, Callable[[Any], Any]]] = {
        "marginals": (_AT_ONCE, lambda tool: [tool.marginals(e) for e in some_evidence(tool)]),
        "joint of three": (_AT_ONCE, lambda tool: [tool.joint(wanted, e) for e in some_evidence(tool)]),
        "most probable": (_AT_ONCE, lambda tool: [tool.most_probable(e) for e in some_evidence(tool)]),
        "rows with holes": (n_rows, lambda tool: tool.log_prob(holes)),
        _IN_SETS: (_SETS * _TARGETS, in_sets),  # at the end, since evidence is kept that is asked about often
    }
    for question, (each, ask) in asked.items():
        answers, notes = {}, []
        upcoming |= {tool.name: cycle(evidences) for tool in tools}  # all begin with the same, to be compared
        for tool in tools:
            try:
                with contextlib.nullcontext() if tool is tools[0] else their_errors():
                    answers[tool.name] = ask(tool)
            except UnableError as e:
                notes.append(f"{tool.name}: {e}")
        notes += agreement(network, question, answers)
        calls = {tool.name: (lambda tool=tool, ask=ask: ask(tool)) for tool in tools if tool.name in answers}
        yield _question(name, question, alternate(calls, rounds), each, notes)


def _question(
    name: str, question: str, times: dict[str, list[float]], each: int, notes: list[str]
) -> Question:
    """Of seconds for so many questions ``each`` time."""
    per_question = {t: Spread.of([s / each for s in seconds]) for t, seconds in times.items()}
    fast = ratio(times["pyagrum"], times["chainrule"]) if "pyagrum" in times else None
    return Question(name, question, per_question, fast, "; ".join(notes))


def _first(
    name: str, network: BayesianNetwork, tools: list[Any], target: str, evidences: list[Evidence]
) -> Question:
    """The question that is asked once: neither an order nor a tree is there yet.  Loops were compiled before."""
    times: dict[str, list[float]] = {tool.name: [] for tool in tools}
    for evidence in (evidences[0], *evidences):
        found = []
        for tool in tools:
            fresh = tool.fresh()
            began = perf_counter()
            found.append(fresh.first(target, evidence))
            times[tool.name].append(perf_counter() - began)
        if any(np.abs(theirs - found[0]).max() > _SAME for theirs in found):
            raise RuntimeError(f"the tools disagree about the first question to {name}")
    return _question(name, "first question", {tool: t[1:] for tool, t in times.items()}, 1, [])


def _evidences(network: BayesianNetwork, wanted: list[str], rng: np.random.Generator) -> list[Evidence]:
    """Of as many draws as no tool keeps the answers of: the states of a tenth of the variables, others each time."""
    states, place = network.states_, {v: i for i, v in enumerate(network.variables_)}
    others = [v for v in place if v not in wanted]
    out: list[Evidence] = []
    for row in network.sample(_EVIDENCES, rng=1).codes:
        seen = some(others, round(_KNOWN * len(place)), rng)
        out.append({v: states[v][row[place[v]]] for v in seen})
    return out


class Ours:
    """A network as the others are asked."""

    name = "chainrule"

    def __init__(self, network: BayesianNetwork) -> None:
        self.network = network

    def fresh(self) -> Ours:
        return Ours(
            BayesianNetwork.from_tables(self.network.dag_, self.network.states_, self.network.tables_)
        )

    def first(self, target: str, evidence: Evidence) -> np.ndarray:
        return self.network.query(target, evidence).probabilities

    def several(self, targets: list[str], evidence: Evidence) -> list[np.ndarray]:
        return [self.network.query(v, evidence).probabilities for v in targets]

    def marginals(self, evidence: Evidence) -> dict[str, np.ndarray]:
        found = self.network.posterior_marginals(evidence)
        return {v: p.probabilities for v, p in found.items()}

    def joint(self, wanted: list[str], evidence: Evidence) -> np.ndarray:
        return self.network.query(wanted, evidence).probabilities

    def most_probable(self, evidence: Evidence) -> dict[str, str]:
        return self.network.mpe(evidence).assignment

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        return self.network.log_prob(Table(self.network.schema_, rows))


class _Pyagrum:
    """One engine of lazy propagation, whose targets are what is asked for."""

    name = "pyagrum"

    def __init__(self, network: BayesianNetwork) -> None:
        self.gum = import_module("pyagrum")
        self.net = pyagrum_network(network, torch.get_num_threads())
        self.names, self.labels = list(network.variables_), network.states_
        self.all = self.gum.LazyPropagation(self.net)
        self.some: dict[tuple[str, ...], Any] = {}

    def fresh(self) -> _Pyagrum:
        return self  # its engine is what is made anew

    def first(self, target: str, evidence: Evidence) -> np.ndarray:
        return self._targeted(self.gum.LazyPropagation(self.net), [target], evidence)[0]

    def several(self, targets: list[str], evidence: Evidence) -> list[np.ndarray]:
        return self._targeted(self._for(()), targets, evidence)

    def _targeted(self, engine: Any, targets: list[str], evidence: Evidence) -> list[np.ndarray]:
        engine.setEvidence(evidence)
        engine.eraseAllTargets()
        for v in targets:
            engine.addTarget(v)
        engine.makeInference()
        found = [engine.posterior(v).toarray() for v in targets]
        engine.eraseAllTargets()
        return found

    def marginals(self, evidence: Evidence) -> dict[str, np.ndarray]:
        self.all.setEvidence(evidence)
        self.all.makeInference()
        return {v: self.all.posterior(v).toarray() for v in self.names if v not in evidence}

    def joint(self, wanted: list[str], evidence: Evidence) -> np.ndarray:
        engine = self._for(tuple(wanted))
        engine.setEvidence(evidence)
        engine.makeInference()
        found = engine.jointPosterior(set(wanted))
        axes = list(reversed(found.names))  # of its array, the last variable comes first
        return found.toarray().transpose([axes.index(v) for v in wanted])

    def most_probable(self, evidence: Evidence) -> dict[str, str]:
        self.all.setEvidence(evidence)
        found = self.all.mpe()
        return {v: self.labels[v][found[v]] for v in self.names}

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        engine = self._for(())
        out = np.empty(len(rows))
        for r, row in enumerate(rows):
            engine.setEvidence({self.names[i]: int(row[i]) for i in np.flatnonzero(row >= 0)})
            p = engine.evidenceProbability()
            out[r] = math.log(p) if p > 0 else -math.inf
        return out

    def _for(self, targets: tuple[str, ...]) -> Any:
        if targets not in self.some:
            engine = self.gum.LazyPropagation(self.net)
            engine.eraseAllTargets()
            if targets:
                engine.addJointTarget(set(targets))
            self.some[targets] = engine
        return self.some[targets]


class _Pgmpy:
    """Variable elimination, made anew for each evidence as its users do."""

    name = "pgmpy"

    def __init__(self, network: BayesianNetwork) -> None:
        factors = import_module("pgmpy.factors.discrete")
        model = import_module("pgmpy.models").DiscreteBayesianNetwork(network.dag_.edges)
        model.add_nodes_from(network.variables_)
        states = {v: list(s) for v, s in network.states_.items()}
        for v in network.variables_:
            parents, table = network.dag_.parents(v), network.cpt(v).probabilities
            sizes = table.shape[:-1]
            values = table.reshape(-1, table.shape[-1]).T
            own = {u: states[u] for u in (v, *parents)}
            model.add_cpds(factors.TabularCPD(v, table.shape[-1], values, list(parents), list(sizes), own))
        self.model, self.names, self.states = model, list(network.variables_), states

    def several(self, targets: list[str], evidence: Evidence) -> list[np.ndarray]:
        raise UnableError("not asked, each takes as long as one of the marginals")

    def marginals(self, evidence: Evidence) -> dict[str, np.ndarray]:
        engine = import_module("pgmpy.inference").VariableElimination(self.model)
        out = {}
        for v in self.names:
            if v not in evidence:
                found = engine.query([v], evidence=evidence, show_progress=False)
                places = [found.state_names[v].index(s) for s in self.states[v]]
                out[v] = found.values[places]
        return out

    def joint(self, wanted: list[str], evidence: Evidence) -> np.ndarray:
        raise UnableError("not asked, it takes as long as the marginals")

    def most_probable(self, evidence: Evidence) -> dict[str, str]:
        raise UnableError("not asked, its table would be the whole joint distribution")

    def log_prob(self, rows: np.ndarray) -> np.ndarray:
        raise UnableError("not asked, it sums over every completion of a row")


def agreement(network: BayesianNetwork, question: str, answers: dict[str, Any]) -> list[str]:
    """Raise ``RuntimeError`` where tools disagree; remarks on their answers otherwise."""
    notes = []
    for tool, theirs in answers.items():
        off, note = _difference(network, question, answers["chainrule"], theirs)
        if off > _SAME:
            raise RuntimeError(f"{tool} and chainrule disagree about {question} by {off:.3g}")
        if note:
            notes.append(f"{tool}: {note}")
    return notes


def _difference(network: BayesianNetwork, question: str, ours: Any, theirs: Any) -> tuple[float, str]:
    """How far two answers are apart, and a remark."""
    if question == "marginals":
        pairs = [(a[v], b[v]) for a, b in zip(ours, theirs, strict=True) for v in a]
        return max(float(np.abs(a - b).max()) for a, b in pairs), ""
    if question == _IN_SETS:
        pairs = [pair for a, b in zip(ours, theirs, strict=True) for pair in zip(a, b, strict=True)]
        return max(float(np.abs(a - b).max()) for a, b in pairs), ""
    if question == "joint of three":
        return max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True)), ""
    if question == "most probable":  # other states may be as probable, so their probabilities are compared
        rows = [[a[v] for v in network.variables_] for a in (*ours, *theirs)]
        codes = [
            [network.states_[v].index(s) for v, s in zip(network.variables_, r, strict=True)] for r in rows
        ]
        log_p = network.log_prob(Table(network.schema_, np.array(codes)))
        return float(np.abs(log_p[: len(ours)] - log_p[len(ours) :]).max()), ""
    lost = np.isneginf(theirs) & np.isfinite(ours)
    off = np.abs(np.where(lost | np.isneginf(ours), 0.0, ours - theirs)).max()
    return float(off), f"{lost.sum()} of {len(ours)} probabilities underflow to 0" if lost.any() else ""


def _times(found: Spread | None) -> str:
    if found is not None:
        return spread(found)
    return "" if installed("pyagrum") else "pyagrum is not installed"


INFERENCE = Benchmark(
    "inference",
    "seconds a question to Bayesian networks, beside pyagrum and pgmpy",
    ("network", "question", *_TOOLS, "times as fast as pyagrum", "note"),
    inference,
)
