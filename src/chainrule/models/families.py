"""The models that are known by a word, in one place: what ``fit(model="…")`` makes and what each promises.

A line in ``FAMILIES`` adds one: how it is fitted to rows within some seconds, whether it learns from rows with holes
and whether it sums out any.  Small ones come first, which is the order in which ``Auto`` tries them.
``fitted_in_time`` fits one: what can be cut is planned to end in its seconds, and what runs past them is stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from chainrule.compiled.compiling import seconds_compiling
from chainrule.core.checks import as_list, is_listing
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.progress import note
from chainrule.core.text import as_written
from chainrule.core.time_limit import OutOfTimeError, time_limit
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.dependence_tree import chow_liu
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.contract import DiscreteModel
from chainrule.models.independent.estimator import Independent
from chainrule.models.shared.dag_setting import parsed_dag
from chainrule.tables.table import Table

__all__ = [
    "FAMILIES",
    "Family",
    "Request",
    "check_graph_is_read",
    "family",
    "filled",
    "fitted_in_time",
    "known_families",
    "working_seconds",
]

_PSEUDOCOUNT = 0.5  # of a state of an independent variable (Krichevsky and Trofimov 1981)
_SAMPLE_SIZE = 4.0  # the equivalent sample size that ``chow_liu`` takes, see docs/performance.md
_LEAST_EPOCHS = 3  # below that a network has learned nothing worth the wait
_TRIAL_ROUNDS, _LEAST_ROUNDS = (
    3,
    50,
)  # of a boosted chain, to see what one takes; below which it has learned little
_PATIENCE = 1.5  # times its seconds, after which a fit that was to be cut to them is stopped
_GROWING = 0.7  # of the seconds of a network of trees, the rest is for what stands at their leaves
_DECAY_EPOCHS = (12.0, 3.0, 50.0)  # what is tried of NADE, see ``decay_in_epochs``


@dataclass(frozen=True)
class Request:
    """What a family is fitted to: rows, validation rows, the seed, its seconds, a graph, the order of a chain.

    ``run_dir`` is a folder that a network keeps its training in, to go on from.
    ``latent_states`` says how many states each latent node of the graph has.
    """

    table: Table
    valid: Table | None = None
    seed: int = 0
    seconds: float | None = None
    dag: DAG | str | None = None
    order: tuple[int, ...] | None = None
    run_dir: Path | None = None
    latent_states: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Family:
    """A kind of model: its ``name``, ``what`` it is, how to ``fit`` it, and its promises.

    ``sums_out`` says which missing values it sums out soon ("any", a "suffix" of its order, "some"), ``takes_time``
    that its fit is cut to the seconds that it is given, ``chooses`` that validation rows decide its length,
    ``needs_dag`` that the user states the graph, ``takes_dag`` that he may in place of an order, ``is_chain`` that it
    takes an order, ``by_name`` that it is tried only where it is named, ``keeps_runs`` that it is trained in steps
    which a folder may keep, ``uses_torch`` that torch is loaded to fit it.
    """

    name: str
    what: str
    fit: Callable[[Request], DiscreteModel]
    sums_out: str = "any"
    takes_time: bool = False
    chooses: bool = False
    needs_dag: bool = False
    takes_dag: bool = False
    is_chain: bool = False
    by_name: bool = False
    keeps_runs: bool = False
    uses_torch: bool = False


def family(name: str, *, beside: tuple[str, ...] = ()) -> Family:
    """The family of this name; ``UnknownNameError`` lists near matches, and what may be said ``beside`` families.

    >>> family("chowliu").sums_out
    'any'
    """
    if not isinstance(name, str) or name not in FAMILIES:
        raise UnknownNameError.of("model", name, [*beside, *FAMILIES])
    return FAMILIES[name]


def known_families(names: Iterable[str] | None, dag: Any = None) -> tuple[Family, ...]:
    """The families of these names, by default all that can be fitted with or without a graph, less those by name.

    >>> [f.name for f in known_families(["made", "chowliu"])]
    ['made', 'chowliu']
    """
    if names is None:
        return tuple(f for f in FAMILIES.values() if not f.by_name and (dag is not None or not f.needs_dag))
    listed: list[Any] = as_list(names, "models") if is_listing(names) else [names]
    if not all(isinstance(name, str) for name in listed):
        raise InputError(f"models must be a list of names, of {', '.join(FAMILIES)}; got {as_written(names)}")
    chosen = tuple(family(str(name)) for name in listed)
    if not chosen:
        raise InputError(f"the list of models is empty; name at least one of {', '.join(FAMILIES)}")
    check_graph_is_read(chosen, dag)
    return chosen


def check_graph_is_read(families: Iterable[Family], dag: Any) -> None:
    """``InputError`` where a graph is stated that none of these families reads.

    >>> check_graph_is_read([family("made")], "a -> b")
    """
    if dag is not None and not any(f.needs_dag or f.takes_dag for f in families):
        readers = " and ".join(f.name for f in FAMILIES.values() if f.needs_dag or f.takes_dag)
        raise InputError(
            f"a dag is read by {readers}, not by {', '.join(f.name for f in families)}; leave it out, or name one of "
            "those"
        )


def filled(table: Table, seed: int = 0) -> Table:
    """``table`` with its holes drawn from the best forest (``chow_liu``) of what is known: for models that need it.

    The model that is fitted to such rows is as exact as any; only what it has learned from the holes is the forest's.
    """
    if table.is_complete:
        return table
    here = Table(replace(table.schema, container="table"), table.codes, table.weights)
    codes = chow_liu(here, missing="complete_families").impute(here, rng=seed).codes
    return Table(table.schema, codes.astype(np.uint32), table.weights)


def fitted_in_time(one: Family, request: Request) -> DiscreteModel:
    """A model of this family; ``OutOfTimeError`` where it cannot be cut to the seconds of ``request``."""
    if request.seconds is None or not one.takes_time:
        return one.fit(request)
    with time_limit(_PATIENCE * request.seconds, working_seconds):
        return one.fit(request)


def working_seconds() -> float:
    """A clock that stands still while loops are compiled, which happens once per machine and no budget plans for."""
    return time.monotonic() - seconds_compiling()


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
    model = BayesianNetwork(
        ordered,
        pseudocount=_SAMPLE_SIZE,
        prior="bdeu",
        missing="em" if dag.latent else "complete_families",
        latent_states=request.latent_states,
        random_state=request.seed,
    )
    return model.fit(request.table)


def _on_complete_rows(
    who: str,
) -> Callable[[Callable[[Request], DiscreteModel]], Callable[[Request], DiscreteModel]]:
    """Of a fit that needs rows without holes: fill them, and say so to the user and in ``fit_info_``."""

    def of(fit: Callable[[Request], DiscreteModel]) -> Callable[[Request], DiscreteModel]:
        def filling(request: Request) -> DiscreteModel:
            holes, began = int(request.table.missing.sum()), working_seconds()
            if holes:
                note(
                    f"{who} needs complete rows to learn from: holes are drawn from a forest of what is known"
                )
            valid = None if request.valid is None else filled(request.valid, request.seed)
            whole = replace(request, table=filled(request.table, request.seed), valid=valid)
            if holes and request.seconds is not None:
                whole = replace(whole, seconds=request.seconds - (working_seconds() - began))
            model = fit(whole)
            model.fit_info_["holes_filled"] = holes
            return model

        return filling

    return of


@_on_complete_rows("a network of trees")
def _trees(request: Request) -> DiscreteModel:
    from chainrule.models.tree_network.estimator import TreeNetwork

    growing = None if request.seconds is None else max(_GROWING * request.seconds, 0.0)
    return TreeNetwork(max_seconds=growing, random_state=request.seed).fit(request.table, valid=request.valid)


@_on_complete_rows("a latent mixture")
def _latent(request: Request) -> DiscreteModel:
    return _latent_mixture(request, "tree")


@_on_complete_rows("a latent mixture")
def _latent_net(request: Request) -> DiscreteModel:
    return _latent_mixture(request, "net")


def _latent_mixture(request: Request, structure: str) -> DiscreteModel:
    from chainrule.models.latent_mixture.estimator import LatentMixture

    model: Any = LatentMixture(
        structure=structure,  # pyright: ignore[reportArgumentType]
        random_state=request.seed,
        run_dir=request.run_dir,
    )
    return _in_time(model, model.usual_epochs(request.table.n_rows), request)


@_on_complete_rows("a boosted chain")
def _boosted(request: Request) -> DiscreteModel:
    from chainrule.models.boosted_chain.estimator import BoostedChain

    model: Any = BoostedChain(
        ordering="natural" if request.order is None else request.order, random_state=request.seed
    )
    if request.seconds is not None:
        began = working_seconds()
        trial: Any = clone(model)
        trial.set_params(rounds=_TRIAL_ROUNDS).fit(request.table, valid=request.valid)
        each = trial.fit_info_["seconds"] / _TRIAL_ROUNDS
        rounds = min(model.rounds, int((request.seconds - (working_seconds() - began)) / max(each, 1e-9)))
        if rounds < min(model.rounds, _LEAST_ROUNDS):
            raise OutOfTimeError(f"{_LEAST_ROUNDS} rounds take {_LEAST_ROUNDS * each:.3g} s")
        model.set_params(rounds=rounds)
    return model.fit(request.table, valid=request.valid)


@_on_complete_rows("NADE")
def _nade(request: Request) -> DiscreteModel:
    """NADE with the decay, of three tied to the length of training, that validation rows like best."""
    from chainrule.models.nade.estimator import NADE

    batch_size = int(min(max(request.table.n_rows // 150, 50), 1000))
    best: DiscreteModel | None = None
    deadline = None if request.seconds is None else working_seconds() + request.seconds
    for k, tau in enumerate(_DECAY_EPOCHS if request.valid is not None else _DECAY_EPOCHS[:1]):
        left = None if deadline is None else (deadline - working_seconds()) / (1 if k else len(_DECAY_EPOCHS))
        model = NADE(
            ordering="natural" if request.order is None else request.order,
            batch_size=batch_size,
            decay_epochs=tau,
            random_state=request.seed,
            run_dir=None if request.run_dir is None else request.run_dir / f"decay-{tau:g}",
        )
        try:
            model = _in_time(model, model.epochs, replace(request, seconds=left), whole=best is not None)
        except OutOfTimeError:
            if best is None:
                raise
            break
        if best is None or _best_loss(model) < _best_loss(best):
            best = model
    assert best is not None
    return best


@_on_complete_rows("MADE")
def _made(request: Request) -> DiscreteModel:
    from chainrule.models.made.estimator import MADE

    model = MADE(
        ordering="natural" if request.order is None else request.order,
        dag=request.dag,
        random_state=request.seed,
        run_dir=request.run_dir,
    )
    return _in_time(model, model.epochs, request)


def _in_time(model: Any, usual: int, request: Request, *, whole: bool = False) -> Any:
    """``model`` fitted for its ``usual`` epochs, or so many as there is time for: its rate decays with them.

    ``whole`` says that fewer would not do.
    """
    if request.seconds is not None:
        began = working_seconds()
        trial: Any = clone(model)
        trial.set_params(epochs=1).fit(request.table, valid=request.valid)
        took = working_seconds() - began
        each = min(trial.fit_info_["seconds"], took)  # some loops are compiled within the first epoch
        left = request.seconds - took - (took - each)  # what comes before the epochs comes once more
        epochs = min(usual, int(left / max(each, 1e-9)))
        least = usual if whole else min(usual, _LEAST_EPOCHS)
        if epochs < least:
            raise OutOfTimeError(
                f"{least} epochs take {least * each:.3g} s, and {max(left, 0):.3g} s are left"
            )
        model.set_params(epochs=epochs)
    return model.fit(request.table, valid=request.valid)


def _best_loss(model: Any) -> float:
    """The least mean loss on validation rows that a network had, in nats."""
    return min(model.fit_info_["valid_nll_nats"], default=math.inf)


FAMILIES: dict[str, Family] = {
    f.name: f
    for f in (
        Family("independent", "each column on its own", _independent),
        Family("chowliu", "the best tree or forest", _chow_liu),
        Family(
            "bayesnet", "a Bayesian network along the graph that you state", _bayesian_network, needs_dag=True
        ),
        Family(
            "trees",
            "a Bayesian network of decision trees, its graph learned",
            _trees,
            "some",
            takes_time=True,
        ),
        Family(
            "latent",
            "a mixture of trees read from a latent space",
            _latent,
            takes_time=True,
            chooses=True,
            keeps_runs=True,
            uses_torch=True,
        ),
        Family(
            "latentnet",
            "the same of networks of decision trees",
            _latent_net,
            "suffix",
            takes_time=True,
            chooses=True,
            keeps_runs=True,
            uses_torch=True,
        ),
        Family(
            "boosted",
            "a chain of boosted trees",
            _boosted,
            "suffix",
            takes_time=True,
            chooses=True,
            is_chain=True,
        ),
        Family(
            "nade",
            "a neural autoregressive estimator",
            _nade,
            "suffix",
            takes_time=True,
            chooses=True,
            is_chain=True,
            keeps_runs=True,
            uses_torch=True,
        ),
        # tried only by its name: on no data set measured is it better than NADE
        Family(
            "made",
            "a masked autoencoder, along a graph that you state or else an order",
            _made,
            "suffix",
            takes_time=True,
            chooses=True,
            is_chain=True,
            keeps_runs=True,
            takes_dag=True,
            by_name=True,
            uses_torch=True,
        ),
    )
}
