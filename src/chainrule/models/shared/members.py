"""Models inside a model: fitted, held to one schema, asked by the codes of the whole.

Columns go by name, so a member may have them in another order; their states have to be the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from chainrule.core.contract import packed, packed_settings, unpacked, unpacked_settings
from chainrule.core.errors import InputError
from chainrule.core.progress import track
from chainrule.core.text import as_written
from chainrule.graphs import DAG
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.state_columns import state_begins
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = [
    "Member",
    "checked_models",
    "fitted_members",
    "fitted_models",
    "fresh",
    "is_fitted",
    "joint_factors",
    "members_of_plain",
    "members_settings",
    "plain_members",
    "schema_of_fitted",
    "settings_of_plain",
    "weakest",
]

_STRENGTHS: tuple[Marginalises, ...] = ("none", "suffix", "any")


@dataclass(frozen=True, eq=False)
class Member:
    """A fitted model as part of another one: codes (n, d) go in and come out in the columns of the whole.

    ``places`` (d,) says which column of the whole each column of ``model`` is.
    """

    model: DiscreteModel
    places: NDArray[np.intp]

    @classmethod
    def of(cls, model: DiscreteModel, schema: Schema, name: str) -> Member:
        """``model`` among others of ``schema``; ``InputError`` where its variables or their states differ."""
        own = model.schema_
        odd = sorted(set(own.names) ^ set(schema.names))
        if odd:
            where = "only this model" if odd[0] in own.names else "only the others"
            raise InputError(
                f"{name} has other variables: {odd[0]!r} is a column of {where}; fit all on one table"
            )
        for variable in own.variables:
            if variable != schema[variable.name]:
                raise InputError(
                    f"{name} reads {variable.name!r} differently: its states are {_listed(variable.states)}, elsewhere "
                    f"{_listed(schema[variable.name].states)}; fit all under one schema (schema=...)"
                )
        return cls(model, np.array([schema.index(v) for v in own.names], np.intp))

    def log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """``log_prob`` of rows of codes, (n,)."""
        return self.model.log_prob(self._table(codes))

    def state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        """``state_log_probs`` of complete rows of codes, (n, Σ K_i)."""
        found = self.model.state_log_probs(self._table(codes))
        if (self.places == np.arange(len(self.places))).all():
            return found
        begins, blocks = state_begins(self.model.schema_.sizes), np.argsort(self.places)
        return found[:, np.concatenate([np.arange(int(begins[j]), int(begins[j + 1])) for j in blocks])]

    def states_in_turn(self, n: int, order: NDArray[np.intp]) -> Turns:
        """The model's turns, one column of the whole after the other in ``order`` (d,)."""
        return self.model.states_in_turn(n, np.argsort(self.places)[order])

    def filled(self, codes: Codes, rng: np.random.Generator, how: Literal["draw", "mode"] = "draw") -> Codes:
        """``codes`` with each -1 filled as ``impute`` does."""
        out = codes.copy()
        out[:, self.places] = self.model.impute(self._table(codes), how=how, rng=rng).codes
        return out

    def parents(self) -> NDArray[np.bool_] | None:
        """Whether the factor of column i of the whole reads column j, (d, d); ``None`` where there are no factors."""
        factors = self.model.factors_
        if factors is None:
            return None
        out = np.zeros_like(factors.parents)
        out[np.ix_(self.places, self.places)] = factors.parents
        return out

    def _table(self, codes: Codes) -> Table:
        # rows of a "table" come back as one, whatever kind of table the model was fitted on
        return Table(replace(self.model.schema_, container="table"), codes[:, self.places])


def checked_models(models: Any) -> list[DiscreteModel]:
    """``models`` as a list with at least one model; ``InputError`` for anything else."""
    try:
        listed = list(models)
    except TypeError as e:
        raise InputError(f"models must be a list of models; got {as_written(models)}") from e
    if not listed:
        raise InputError("models is empty; give at least one model")
    for k, model in enumerate(listed):
        if not isinstance(model, DiscreteModel):
            raise InputError(
                f"models[{k}] must be a model of discrete tables such as BayesianNetwork or NADE; "
                f"got {as_written(model)}"
            )
    return listed


def fresh(model: DiscreteModel) -> DiscreteModel:
    """A clone of ``model``: its settings, nothing fitted."""
    return clone(model)  # type: ignore[return-value]


def is_fitted(model: DiscreteModel) -> bool:
    """Whether ``model`` has been fitted."""
    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    return hasattr(model, "schema_")


def schema_of_fitted(models: Any) -> Schema | None:
    """The schema of the first of ``models`` that is fitted, ``None`` where none is."""
    fitted = [m for m in checked_models(models) if is_fitted(m)]
    return fitted[0].schema_ if fitted else None


def fitted_models(models: Any, table: Table, valid: Table | None, y: Any) -> list[DiscreteModel]:
    """``models`` that are fitted as they are, and clones of the others fitted to ``table``."""
    out = checked_models(models)
    waiting = [k for k, model in enumerate(out) if not is_fitted(model)]
    for k in track(waiting, "fitting the members") if waiting else ():
        try:
            out[k] = fresh(out[k]).fit(table, y, valid=valid)
        except InputError as e:
            raise InputError(f"models[{k}], {type(out[k]).__name__}: {e}") from e
    return out


def fitted_members(models: Sequence[DiscreteModel], schema: Schema) -> list[Member]:
    """Fitted ``models`` of one ``schema``."""
    return [Member.of(m, schema, f"models[{k}], {type(m).__name__},") for k, m in enumerate(models)]


def weakest(members: Sequence[Member]) -> Marginalises:
    """The least that any of the members promises to sum out; "suffix" only where all have one order."""
    found = _STRENGTHS[min(_STRENGTHS.index(m.model.marginalises_) for m in members)]
    return "none" if found == "suffix" and joint_factors(members) is None else found


def joint_factors(members: Sequence[Member]) -> Factorization | None:
    """The union of what the factors of all members read; ``None`` where some have none, or it has a cycle.

    A factor p(x_i | some of what comes before) is the same conditional in every order that has those before x_i, so
    members agree where one order fits all of them.
    """
    names = tuple(members[0].model.schema_.names[j] for j in np.argsort(members[0].places))
    union = np.zeros((len(names), len(names)), np.bool_)
    for member in members:
        parents = member.parents()
        if parents is None:
            return None
        union |= parents
    order = _topological(union)
    if order is None:
        return None
    if union.sum() == len(names) * (len(names) - 1) // 2:
        return Factorization(names, order)
    edges = [(names[j], names[i]) for i, j in np.argwhere(union)]
    return Factorization(names, order, DAG(edges, names))


def _topological(parents: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Columns with parents first, earlier columns first where either may be; ``None`` where there is a cycle."""
    waiting = parents.sum(axis=1)
    ready = [int(i) for i in np.flatnonzero(waiting == 0)]
    out = []
    while ready:
        i = heapq.heappop(ready)
        out.append(i)
        for child in np.flatnonzero(parents[:, i]):
            waiting[child] -= 1
            if waiting[child] == 0:
                heapq.heappush(ready, int(child))
    return np.array(out, np.intp) if len(out) == len(parents) else None


def plain_members(members: Sequence[Member]) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """Fitted members as arrays, whose names begin with the number of the member, and as plain data."""
    arrays, plain = {}, []
    for k, member in enumerate(members):
        own, described = packed(member.model)
        arrays |= {f"{k}.{name}": a for name, a in own.items()}
        plain.append(described)
    return arrays, plain


def members_of_plain(
    arrays: dict[str, NDArray[Any]], plain: list[dict[str, Any]], schema: Schema
) -> list[Member]:
    """The members that ``plain_members`` took apart."""
    models: list[Any] = []
    for k, described in enumerate(plain):
        own = {n.partition(".")[2]: a for n, a in arrays.items() if n.partition(".")[0] == str(k)}
        models.append(unpacked(own, described, "the file"))
    return fitted_members(checked_models(models), schema)


def members_settings(members: Sequence[Member]) -> list[dict[str, Any]]:
    """The settings of members as plain data: what a saved model is built of when it is fitted again."""
    return [packed_settings(m.model) for m in members]


def settings_of_plain(plain: list[dict[str, Any]]) -> list[Any]:
    """The models, not fitted, that ``members_settings`` describes."""
    return [unpacked_settings(p, "the file") for p in plain]


def _listed(states: Sequence[str]) -> str:
    return ", ".join(states[:6]) + ", …" * (len(states) > 6)
