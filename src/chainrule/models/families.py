"""The models that are known by a word, in one place: what ``fit(model="…")`` makes and what each promises.

A line in ``FAMILIES`` adds one: how it is fitted to rows within some seconds, whether it learns from rows with holes
and whether it sums out any.  Small ones come first, which is the order in which ``Auto`` tries them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.core.errors import ChainruleError, InputError, UnknownNameError
from chainrule.core.progress import note
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.dependence_tree import chow_liu
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.contract import DiscreteModel
from chainrule.models.independent.estimator import Independent
from chainrule.models.shared.dag_setting import parsed_dag
from chainrule.tables.table import Table

__all__ = ["FAMILIES", "Family", "OutOfTimeError", "Request", "family", "filled", "known_families"]

_PSEUDOCOUNT = 0.5  # of a state of an independent variable (Krichevsky and Trofimov 1981)
_SAMPLE_SIZE = 4.0  # the equivalent sample size that ``chow_liu`` takes, see docs/performance.md
_LEAST_EPOCHS = 3  # below that a network has learned nothing worth the wait


class OutOfTimeError(ChainruleError):
    """A fit that would not end in the time that is left; the message says what it would take."""


@dataclass(frozen=True)
class Request:
    """What a family is fitted to: rows, validation rows, the seed, the seconds it may take, a graph."""

    table: Table
    valid: Table | None = None
    seed: int = 0
    seconds: float | None = None
    dag: DAG | str | None = None


@dataclass(frozen=True)
class Family:
    """A kind of model: its ``name``, ``what`` it is, how to ``fit`` it, and its promises.

    ``sums_out`` says which missing values it sums out without limit ("any" or a "suffix" of its order), ``takes_time``
    that its fit is cut to the seconds that it is given, ``needs_dag`` that the user states the graph.
    """

    name: str
    what: str
    fit: Callable[[Request], DiscreteModel]
    sums_out: str = "any"
    takes_time: bool = False
    needs_dag: bool = False


def family(name: str) -> Family:
    """The family of this name; ``UnknownNameError`` lists near matches.

    >>> family("chowliu").sums_out
    'any'
    """
    if name not in FAMILIES:
        raise UnknownNameError.of("model", name, list(FAMILIES))
    return FAMILIES[name]


def known_families(names: Iterable[str] | None, dag: Any = None) -> tuple[Family, ...]:
    """The families of these names, by default all that can be fitted with or without a graph.

    >>> [f.name for f in known_families(["made", "chowliu"])]
    ['made', 'chowliu']
    """
    if names is None:
        return tuple(f for f in FAMILIES.values() if dag is not None or not f.needs_dag)
    chosen = tuple(family(name) for name in ([names] if isinstance(names, str) else names))
    if not chosen:
        raise InputError(f"the list of models is empty; name at least one of {', '.join(FAMILIES)}")
    return chosen


def filled(table: Table, seed: int = 0) -> Table:
    """``table`` with its holes drawn from the best forest (``chow_liu``) of what is known: for models that need it.

    The model that is fitted to such rows is as exact as any; only what it has learned from the holes is the forest's.
    """
    if table.is_complete:
        return table
    here = Table(replace(table.schema, container="table"), table.codes, table.weights)
    codes = chow_liu(here, missing="complete_families").impute(here, rng=seed).codes
    return Table(table.schema, codes.astype(np.uint32), table.weights)


def _independent(request: Request) -> DiscreteModel:
    return Independent(_PSEUDOCOUNT, missing="complete_families").fit(request.table)


def _chow_liu(request: Request) -> DiscreteModel:
    return chow_liu(request.table, missing="complete_families")


def _bayesian_network(request: Request) -> DiscreteModel:
    if request.dag is None:
        raise InputError(
            "a bayesnet needs its graph: give it as dag, a file or text such as 'a -> b'; chowliu learns one"
        )
    dag = parsed_dag(request.dag)
    names = request.table.schema.names
    inside = set(dag.nodes)
    nodes = [name for name in names if name in inside]
    for name in dag.nodes:
        if name not in names and name not in dag.latent:
            raise UnknownNameError.of("column", name, list(names))
    if outside := [name for name in names if name not in inside]:
        note(f"not in the graph, so not in the model: {', '.join(outside)}")
    ordered = DAG(dag.edges, [*nodes, *dag.latent], latent=dag.latent)  # in the order of the columns
    model = BayesianNetwork(ordered, pseudocount=_SAMPLE_SIZE, prior="bdeu", missing="complete_families")
    return model.fit(request.table)


def _nade(request: Request) -> DiscreteModel:
    from chainrule.models.nade.estimator import NADE

    return _network(NADE, request)


def _made(request: Request) -> DiscreteModel:
    from chainrule.models.made.estimator import MADE

    return _network(MADE, request)


def _network(kind: Callable[..., Any], request: Request) -> DiscreteModel:
    """A network by its defaults, of so many epochs as there is time for: the rate of learning decays with them."""
    if not request.table.is_complete:
        note(
            f"{kind.__name__} needs complete rows to learn from: holes are drawn from a forest of what is known"
        )
    table = filled(request.table, request.seed)
    valid = None if request.valid is None else filled(request.valid, request.seed)
    model, compiling = kind(random_state=request.seed), 0.0
    if request.seconds is not None:

        def one_epoch() -> tuple[float, float]:
            info = kind(random_state=request.seed, epochs=1).fit(table, valid=valid).fit_info_
            return info["seconds"], info["warm_up_seconds"]

        epochs, compiling = _epochs_within(request.seconds, model.epochs, one_epoch)
        model.set_params(epochs=epochs)
    model.fit(table, valid=valid)
    model.fit_info_["warm_up_seconds"] += compiling
    model.fit_info_["holes_filled"] = int(request.table.missing.sum())
    return model


def _epochs_within(
    seconds: float, most: int, one_epoch: Callable[[], tuple[float, float]]
) -> tuple[int, float]:
    """How many epochs there is time for, at most ``most``, and the seconds that went into compiling.

    ``one_epoch`` gives the seconds of an epoch and of compiling before it; compiling is once per machine, and no budget
    plans for it.  Some loops are compiled within the first epoch, so one that seems too slow is timed again.
    """
    began = time.monotonic()
    each, compiling = one_epoch()
    if each <= seconds and seconds - (time.monotonic() - began) + compiling < _LEAST_EPOCHS * each:
        again, more = one_epoch()
        compiling += more + max(each - again, 0.0)
        each = min(each, again)
    left = max(seconds - (time.monotonic() - began) + compiling, 0.0)
    epochs = min(most, int(left / max(each, 1e-9)))
    if epochs < _LEAST_EPOCHS:
        needed = _LEAST_EPOCHS * each
        raise OutOfTimeError(f"{_LEAST_EPOCHS} epochs take {needed:.3g} s, and {left:.3g} s are left")
    return epochs, compiling


FAMILIES: dict[str, Family] = {
    f.name: f
    for f in (
        Family("independent", "each column on its own", _independent),
        Family("chowliu", "the best tree or forest", _chow_liu),
        Family(
            "bayesnet", "a Bayesian network along the graph that you state", _bayesian_network, needs_dag=True
        ),
        Family("nade", "a neural autoregressive estimator", _nade, "suffix", takes_time=True),
        Family("made", "a masked autoencoder", _made, "suffix", takes_time=True),
    )
}
