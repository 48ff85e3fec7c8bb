"""Every function that reads or writes a file: how it is called with a path, in a folder that ``prepare`` has filled."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.datasets import read_array, read_idx, read_table
from chainrule.graphs import DirectedGraph
from chainrule.homework import MLPDensity, reproduce
from chainrule.report import check_page, rebuild_page, write_page, write_report
from chainrule.tasks import learn_by_tests

__all__ = ["FOLDERS", "READERS", "WRITERS", "prepare"]

ROWS = np.array([[0, 1], [1, 1], [1, 0], [0, 0], [1, 1]], np.uint8)
SMALL: dict[str, Any] = {"models": ["independent"]}


def prepare() -> None:
    """A table, a model of it and its rows compressed, in the folder that the process is in; threads have begun."""
    cr.NADE(2, epochs=1).fit(ROWS)
    Path("rows.csv").write_text("a,b\n" + "".join(f"{a},{b}\n" for a, b in ROWS.tolist() * 10))
    model = cr.ChowLiu().fit("rows.csv")
    model.save("a.model")
    cr.compress_file(model, "rows.csv", "rows.cr")


READERS: dict[str, Callable[[Any], Any]] = {
    "load_model.path": cr.load_model,
    "DensityEstimator.load.path": cr.ChowLiu.load,
    "DiscreteModel.fit.X": lambda path: cr.Independent().fit(path),
    "DiscreteModel.fit.X, one of several": lambda path: cr.Independent().fit(["rows.csv", path]),
    "DiscreteModel.log_prob.X": lambda path: cr.load_model("a.model").log_prob(path),
    "fit.X": lambda path: cr.fit(path, model="independent"),
    "fit.valid": lambda path: cr.fit("rows.csv", valid=path, model="independent"),
    "fit.dag": lambda path: cr.fit("rows.csv", dag=path, model="bayesnet"),
    "score.X": lambda path: cr.score("a.model", path),
    "score.model": lambda path: cr.score(path, "rows.csv"),
    "sample.model": lambda path: cr.sample(path, 3),
    "impute.X": lambda path: cr.impute("a.model", path),
    "impute.model": lambda path: cr.impute(path, "rows.csv"),
    "query.model": lambda path: cr.query(path, "P(a)"),
    "most_probable.model": lambda path: cr.most_probable(path, "a"),
    "credible_intervals.model": lambda path: cr.credible_intervals(path, "P(a=1)", "rows.csv"),
    "credible_intervals.X": lambda path: cr.credible_intervals("a.model", "P(a=1)", path),
    "sensitivity.model": lambda path: cr.sensitivity(path, "P(a=1)"),
    "learn.X": cr.learn,
    "compare.X": lambda path: cr.compare(path, **SMALL),
    "compare.test": lambda path: cr.compare("rows.csv", test=path, **SMALL),
    "compare.dag": lambda path: cr.compare("rows.csv", dag=path, models=["bayesnet"]),
    "describe.X": lambda path: cr.describe("a.model", path),
    "describe.model": cr.describe,
    "audit.X": lambda path: cr.audit("a.model", path, draws=100),
    "audit.model": lambda path: cr.audit(path, draws=100),
    "audit.train": lambda path: cr.audit("a.model", "rows.csv", train=path, draws=100),
    "audit.truth": lambda path: cr.audit("a.model", truth=path, draws=100),
    "compress_file.path": lambda path: cr.compress_file(cr.load_model("a.model"), path, "out"),
    "decompress_file.path": lambda path: cr.decompress_file(cr.load_model("a.model"), path, "out"),
    "DAG.read.path": cr.DAG.read,
    "DirectedGraph.read.path": DirectedGraph.read,
    "PDAG.read.path": cr.PDAG.read,
    "BayesianNetwork.read.path": cr.BayesianNetwork.read,
    "Table.read.X": cr.Table.read,
    "read_array.path": read_array,
    "read_table.path": read_table,
    "read_idx.path": read_idx,
    "write_report.directory": write_report,
    "rebuild_page.saved": rebuild_page,
}


def _model() -> Any:
    return cr.load_model("a.model")


def _rebuilt(path: Any) -> None:
    write_page(cr.describe(_model()), "saved.html")
    try:
        rebuild_page("saved.json", path)
    finally:
        os.remove("saved.html")
        os.remove("saved.json")


WRITERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "DensityEstimator.save.path": ("", lambda path: _model().save(path)),
    "Fit.save.path": ("", lambda path: cr.fit(ROWS, model="independent").save(path)),
    "Audit.save.path": ("", lambda path: cr.audit(_model(), draws=100).save(path)),
    "Sample.write.path": (".csv", lambda path: cr.sample(_model(), 3).write(path)),
    "Sample.write.path, packed": (".tsv.gz", lambda path: cr.sample(_model(), 3).write(path)),
    "Sample.write.path, Parquet": (".parquet", lambda path: cr.sample(_model(), 3).write(path)),
    "Sample.write.path, Feather": (".feather", lambda path: cr.sample(_model(), 3).write(path)),
    "Scores.write.path": (".csv", lambda path: cr.score(_model(), "rows.csv").write(path)),
    "Learned.write.path": (".bif", lambda path: cr.learn("rows.csv").write(path)),
    "LearnedByTests.write.path": (".dot", lambda path: learn_by_tests("rows.csv").write(path)),
    "learn_by_tests.out": (".dot", lambda path: learn_by_tests("rows.csv", out=path)),
    "sample.out": (".csv", lambda path: cr.sample(_model(), 3, out=path)),
    "score.out": (".csv", lambda path: cr.score(_model(), "rows.csv", out=path)),
    "impute.out": (".csv", lambda path: cr.impute(_model(), "rows.csv", out=path)),
    "learn.out": (".bif", lambda path: cr.learn("rows.csv", out=path)),
    "audit.out": ("", lambda path: cr.audit(_model(), draws=100, out=path)),
    "compress_file.output": ("", lambda path: cr.compress_file(_model(), "rows.csv", path)),
    "decompress_file.output": ("", lambda path: cr.decompress_file(_model(), "rows.cr", path)),
    "DAG.write.path": (".dot", lambda path: cr.DAG.parse("a -> b").write(path)),
    "DirectedGraph.write.path": (".dot", lambda path: DirectedGraph([("a", "b")]).write(path)),
    "PDAG.write.path": (".dot", lambda path: cr.PDAG.parse("a -- b").write(path)),
    "BayesianNetwork.write.path": (
        ".bif",
        lambda path: cr.BayesianNetwork("a -> b").fit("rows.csv").write(path),
    ),
    "write_page.out": (".html", lambda path: write_page(cr.describe(_model()), path)),
    "check_page.out": (".html", check_page),
    "rebuild_page.out": (".html", _rebuilt),
}
FOLDERS: dict[str, Callable[[Any], Any]] = {
    "LatentMixture.run_dir": lambda path: cr.LatentMixture(n_points=4, epochs=1, run_dir=path).fit(ROWS),
    "MLPDensity.run_dir": lambda path: MLPDensity(epochs=1, run_dir=path).fit(ROWS, np.full(5, 0.2)),
    "MADE.run_dir": lambda path: cr.MADE(2, epochs=1, run_dir=path).fit(ROWS),
    "NADE.run_dir": lambda path: cr.NADE(2, epochs=1, run_dir=path).fit(ROWS),
    "fit.run_dir": lambda path: cr.fit(ROWS, model="nade", run_dir=path),
    "reproduce.out": lambda path: reproduce(path, problems=("6",)),
}
