"""A model, or the file that holds one; a file of another kind is told who reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainrule.core.contract import load_model
from chainrule.core.errors import ChainruleError, DataError, InputError
from chainrule.core.files import as_path
from chainrule.graphs.formats import described_file
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.contract import DiscreteModel

__all__ = ["ModelOrPath", "loaded", "network_of"]

_TABLES = (".csv", ".tsv", ".parquet", ".feather", ".arrow", ".data", ".npy", ".npz")
_GRAPHS = (".bif", ".xmlbif", ".net", ".uai", ".xdsl", ".dot", ".gv", ".dag")

ModelOrPath = DiscreteModel | str | os.PathLike[str]


def loaded(model: Any) -> DiscreteModel:
    """``model``, or the one in the file of this path; ``InputError`` where that is no model of tables.

    ``DataError`` where the file holds none; for a table, or a graph or network as text, with what reads it.
    """
    found = _from_file(str(as_path(model))) if isinstance(model, (str, os.PathLike)) else model
    if not isinstance(found, DiscreteModel):
        raise InputError(
            f"expected a fitted model of tables, or the path of one; got a {type(found).__name__}; fit one with "
            "chainrule.fit"
        )
    return found


def network_of(path: str | Path) -> BayesianNetwork:
    """The network of a file in one of the formats of networks; of a saved model it is told what answers for it."""
    try:
        return BayesianNetwork.read(path)
    except ChainruleError as e:
        if not _holds_model(path):
            raise
        raise DataError(
            f"{path} is a saved model, not a network as text; chainrule query answers questions about it: "
            f"chainrule query {path} 'P(a | b=yes)'"
        ) from e


def _holds_model(path: str | Path) -> bool:
    try:
        load_model(path)
    except ChainruleError:
        return False
    return True


def _from_file(path: str) -> Any:
    try:
        return load_model(path)
    except DataError as e:
        other = _other_kind(path)
        if other is None:
            raise
        raise DataError(f"{path} is {other}") from e


def _other_kind(path: str) -> str | None:
    """What a file is that holds no model, and what reads it; ``None`` where that is not seen."""
    file = Path(path)
    name = file.name.lower()
    if not os.path.isfile(file):
        return None
    if any(end in _TABLES for end in Path(name).suffixes[-2:]):
        return f"a table, not a saved model; learn one from it: chainrule fit {path} -o NAME.model"
    try:
        graph = described_file(file)
    except ChainruleError:
        return None
    if not graph.edges and not name.removesuffix(".gz").endswith(_GRAPHS):
        return None  # any word is a graph of one node
    return (
        "a graph or a network as text, not a saved model; chainrule dag query answers questions about a network "
        "with its tables, chainrule dag show and the commands beside it about a graph alone (in Python "
        "BayesianNetwork.read, DAG.read)"
    )
