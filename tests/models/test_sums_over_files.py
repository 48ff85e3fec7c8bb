"""Counts, schemas and searches over files: bit for bit the same however rows are split, and whoever reads them."""

from __future__ import annotations

import os
import pickle
import signal
from concurrent.futures import Future
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import InputError, ShapeError, ValuesError
from chainrule.core.progress import listening
from chainrule.core.sums import workers
from chainrule.models import BayesianNetwork, chow_liu, exact_search, hill_climb
from chainrule.tables import Schema, Table

NAMES = ("a", "b", "c", "d")
DAG = "a -> {b c} -> d"
LATENT = "H [latent]; H -> {a b c d}"
EM = {"missing": "em", "latent_states": {"H": 2}, "random_state": 0, "max_steps": 4, "n_starts": 1}


class Elsewhere:
    """A client to which all goes, and from which all comes, as bytes."""

    def submit(self, function, argument):
        there, part = pickle.loads(pickle.dumps((function, argument)))  # noqa: S301
        future = Future()
        try:
            future.set_result(pickle.loads(pickle.dumps(there(part))))  # noqa: S301
        except Exception as e:
            future.set_exception(pickle.loads(pickle.dumps(e)))  # noqa: S301
        return future


def rows_of(seed, n, holes=0.0):
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, [2, 3, 2, 2], (n, 4))
    cells[:, 1] = np.where(rng.random(n) < 0.6, cells[:, 0], cells[:, 1])
    cells[:, 3] = np.where(rng.random(n) < 0.8, cells[:, 1] > 0, cells[:, 3])
    lines = [[f"s{k}" for k in row] for row in cells]
    for i, j in np.argwhere(rng.random((n, 4)) < holes):
        lines[i][j] = ""
    return lines


def files_of(folder, lines, cuts, order):
    """The lines cut into files at these places, the files in this order."""
    parts = [lines[i:j] for i, j in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    paths = []
    for k in order:
        path = folder / f"part{k}.csv"
        path.write_text("\n".join([",".join(NAMES), *map(",".join, parts[k])]) + "\n")
        paths.append(path)
    return paths


@st.composite
def splits(draw, n):
    """Where to cut n rows, and an order of the pieces; some are empty."""
    cuts = sorted(draw(st.lists(st.integers(0, n), min_size=1, max_size=4)))
    return cuts, draw(st.permutations(range(len(cuts) + 1)))


def same(model, other):
    assert model.dag_ == other.dag_
    assert model.schema_.states == other.schema_.states
    for v, table in model.tables_.items():
        np.testing.assert_array_equal(table, other.tables_[v])
    told = [{k: v for k, v in m.fit_info_.items() if k != "seconds"} for m in (model, other)]
    assert told[0] == told[1]


FITS = {
    "network": (0.0, lambda X, **c: BayesianNetwork(DAG, pseudocount=0.3).fit(X, **c)),
    "network, complete families": (
        0.2,
        lambda X, **c: BayesianNetwork(DAG, missing="complete_families").fit(X, **c),
    ),
    "EM": (0.3, lambda X, **c: BayesianNetwork(DAG, missing="em", random_state=0, max_steps=5).fit(X, **c)),
    "latent classes": (0.1, lambda X, **c: BayesianNetwork(LATENT, **EM).fit(X, **c)),
    "forest": (0.2, lambda X, **c: chow_liu(X, missing="complete_families", **c)),
    "hill climbing": (0.2, lambda X, **c: hill_climb(X, missing="complete_families", restarts=1, **c)),
    "exact search": (0.0, lambda X, **c: exact_search(X, score="bdeu", **c)),
}


@pytest.mark.parametrize("name", FITS)
@given(st.data())
@settings(max_examples=4)
def test_a_fit_is_the_same_bit_for_bit_however_rows_are_split_and_whoever_reads_them(
    tmp_path_factory, name, data
):
    holes, fit = FITS[name]
    lines = rows_of(data.draw(st.integers(0, 99)), 40, holes)
    folder = tmp_path_factory.mktemp("files")
    whole = fit(files_of(folder, lines, [], [0])[0])
    files = files_of(folder, lines, *data.draw(splits(len(lines))))
    same(fit(files), whole)
    same(fit(files, client=Elsewhere()), whole)


@given(st.integers(0, 99), splits(30))
@settings(max_examples=6)
def test_counts_folded_by_hand_are_those_of_the_whole(tmp_path_factory, seed, split):
    lines = rows_of(seed, 30, 0.2)
    files = files_of(tmp_path_factory.mktemp("files"), lines, *split)
    found = reduce(add, (Table.counts(path) for path in files if len(path.read_text().splitlines()) > 1))
    schema = found.schema()
    assert schema == Table.counts(files, client=Elsewhere()).schema()
    network = BayesianNetwork(DAG, schema=schema, missing="complete_families")
    counts = reduce(add, map(network.count, map(str, files)))
    assert counts == network.count(files)
    sent = Elsewhere()  # as Spark's rdd.map and a remote function of Ray send it
    assert counts == reduce(add, (sent.submit(network.count, path).result() for path in files))
    cells = {v: [line[j] for line in lines] for j, v in enumerate(NAMES)}
    for v, parents in {"a": "", "b": "a", "d": "bc"}.items():
        for index in np.ndindex(counts.tables[v].shape):
            wanted = [schema[u].states[k] for u, k in zip((*parents, v), index, strict=True)]
            known = zip(*(cells[u] for u in (*parents, v)), strict=True)
            assert counts.tables[v][index] == sum(list(row) == wanted for row in known)


def test_files_whose_columns_come_in_another_order_add_up(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,c,d\ns0,s1,,s1\ns1,,s0,s0\ns1,s1,s0,s1\n")
    (tmp_path / "y.csv").write_text("d,b,a,c\ns1,,s0,s1\n,s1,s1,s0\ns0,s0,,s1\n")
    files = [tmp_path / "x.csv", tmp_path / "y.csv"]
    for holes, fit in FITS.values():
        if holes:
            same(fit(files, client=Elsewhere()), fit(files))


def test_processes_of_this_machine_count_the_same(tmp_path):
    files = files_of(tmp_path, rows_of(5, 200, 0.2), [50, 120], [2, 0, 1])
    with workers(2) as client:
        same(chow_liu(files, missing="complete_families", client=client), FITS["forest"][1](files))
        same(FITS["EM"][1](files, client=client), FITS["EM"][1](files))
        with pytest.raises(ValuesError, match=r"part2\.csv has a missing value in row \d+"):
            BayesianNetwork(DAG).fit(files, client=client)


class Killing:
    """A listener that kills the process ``pid`` once a part has been counted."""

    def __init__(self, pid):
        self.pid, self.killed = pid, False

    def start(self, label, total):
        return 0

    def advance(self, task, detail):
        if not self.killed:
            os.kill(self.pid, signal.SIGKILL)
            self.killed = True

    def stop(self, task):
        pass

    def note(self, text):
        pass


@pytest.fixture
def environment():
    """Dask sets the number of threads of each library in ours, and leaves it there."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what Dask warns of, of itself and of this machine, is not ours
def test_workers_of_dask_count_the_same_also_when_one_is_killed(tmp_path, environment):
    distributed = pytest.importorskip("distributed", reason="the extra chainrule[dask] is not installed")
    files = files_of(tmp_path, rows_of(6, 120, 0.2), list(range(10, 120, 10)), range(12))
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    )
    with cluster, distributed.Client(cluster) as client:
        pids = client.run(os.getpid)
        with listening(killing := Killing(next(iter(pids.values())))):
            found = FITS["network, complete families"][1](files, client=client)
        assert killing.killed
        same(found, FITS["network, complete families"][1](files))


def test_what_a_client_cannot_do_is_refused_with_what_to_do(tmp_path):
    files = files_of(tmp_path, rows_of(7, 20), [10], [0, 1])
    rows = {v: ["s0", "s1"] for v in NAMES}
    for fit in (FITS["network"][1], FITS["forest"][1], FITS["exact search"][1]):
        with pytest.raises(InputError, match="leave client out"):
            fit(rows, client=Elsewhere())
    with pytest.raises(InputError, match="client must have submit"):
        chow_liu(files, client=3)
    with pytest.raises(InputError, match="leave one of the two out"):
        BayesianNetwork(DAG).fit(files, client=Elsewhere(), sample_weight=np.ones(20))
    with pytest.raises(InputError, match="valid=…"):
        hill_climb(files, score="held-out", client=Elsewhere())
    found = hill_climb(files, score="held-out", valid=files[0], client=Elsewhere())
    same(found, hill_climb(files, score="held-out", valid=files[0]))


def test_files_without_any_row_are_refused(tmp_path):
    schema = Schema.of({v: ["s0", "s1", "s2"] for v in NAMES}, container="table")
    empty = files_of(tmp_path, [], [0], [0, 1])
    for fit in (
        lambda: BayesianNetwork(DAG, schema=schema).fit(empty),
        lambda: BayesianNetwork(LATENT, schema=schema, **EM).fit(empty[0]),
        lambda: chow_liu(empty, schema=schema),
        lambda: hill_climb(empty, schema=schema, client=Elsewhere()),
    ):
        with pytest.raises(ShapeError, match="no rows to learn from"):
            fit()


def test_tables_without_any_row_are_refused():
    empty = Table(Schema.of(dict.fromkeys(NAMES, 2), container="table"), np.empty((0, 4), np.int64))
    for fit in (
        lambda: BayesianNetwork(DAG).fit(empty),
        lambda: chow_liu(empty),
        lambda: exact_search(empty),
    ):
        with pytest.raises(ShapeError, match="no rows to learn from"):
            fit()
