"""``fit``: which rows judge, what is held out, what is said, and that a saved model is the one that was fitted."""

import json

import numpy as np
import pytest

from chainrule import cli
from chainrule.core.errors import ChainruleError, InputError, UnknownNameError
from chainrule.core.progress import listening
from chainrule.models import MADE, NADE, Auto, BayesianNetwork, Independent, chow_liu, load_model
from chainrule.models.families import FAMILIES, Family
from chainrule.tables import Table
from chainrule.tasks import fit
from chainrule.tasks.reading import RefusedTableError
from tests.models.stopping import StopAfter


def _frame(n=300, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 3, n)
    return {
        "a": np.array(["u", "v", "w"])[z],
        "b": np.array(["k", "l", "m"])[(z + (rng.random(n) < 0.2)) % 3],
        "c": rng.integers(0, 2, n),
    }


def _write(path, frame):
    names = list(frame)
    lines = [",".join(str(frame[name][i]) for name in names) for i in range(len(frame[names[0]]))]
    path.write_text("\n".join([",".join(names), *lines]) + "\n")
    return path


def test_a_model_without_choices_learns_from_all_rows():
    frame = _frame()
    found = fit(frame, model="chowliu")
    assert (found.judged_on, found.n_judges, found.held_out_rows) == ("training rows", 300, None)
    reference = chow_liu(frame)
    assert (found.model.log_prob(frame) == reference.log_prob(frame)).all()
    assert found.mean_nll_nats == pytest.approx(-reference.log_prob(frame).mean())


def test_validation_rows_judge_where_there_are_any(tmp_path):
    train, valid = _write(tmp_path / "train.csv", _frame()), _write(tmp_path / "valid.csv", _frame(50, 1))
    found = fit(train, model="independent", valid=valid)
    assert (found.judged_on, found.n_judges) == ("validation rows", 50)
    assert found.mean_nll_nats == pytest.approx(-found.model.log_prob(valid).mean())


def test_auto_says_which_rows_it_held_out_and_by_which_rule():
    found = fit(_frame(), models=["independent", "chowliu"], seed=4)
    assert found.name == "chowliu"
    expected = np.sort(np.random.default_rng(4).permutation(300)[:30])
    assert found.held_out_rows.tolist() == expected.tolist()
    assert found.to_dict()["held_out"] == {"n": 30, "seed": 4, "rows": expected.tolist()}
    assert "30 of 300 rows were held out (seed 4)" in found.text()
    assert "independent" in found.text()


@pytest.mark.parametrize(("name", "kind"), [("nade", NADE), ("made", MADE)])
def test_a_network_holds_out_rows_to_choose_its_epoch(monkeypatch, name, kind):
    seen = {}

    def small(request):
        seen.update(train=request.table.n_rows, valid=request.valid.n_rows)
        return kind(hidden=4, epochs=2, random_state=request.seed).fit(request.table, valid=request.valid)

    monkeypatch.setitem(FAMILIES, name, Family(name, "", small, "suffix", chooses=True))
    found = fit(_frame(), model=name)
    assert seen == {"train": 270, "valid": 30}
    assert (found.judged_on, found.n_judges) == ("held-out rows", 30)
    assert type(found.model) is kind


def test_the_epochs_of_a_network_are_cut_to_the_time_there_is():
    frame = _frame(100)
    found = fit(frame, model="made", budget="2s")
    assert 3 <= found.model.fit_info_["epochs"] <= 30
    with pytest.raises(ChainruleError, match=r"3 epochs take|longer than the"):
        fit(frame, model="made", budget=1e-6)


def test_a_graph_may_be_text_or_a_file_and_keeps_the_order_of_the_columns(tmp_path):
    (tmp_path / "net.dot").write_text("digraph { c -> a; a -> b }")
    frame = _frame()
    for dag in ("c -> a; a -> b", str(tmp_path / "net.dot"), tmp_path / "net.dot"):
        found = fit(frame, model="bayesnet", dag=dag)
        assert isinstance(found.model, BayesianNetwork)
        assert list(found.model.schema_.names) == ["a", "b", "c"]
        assert sorted(found.model.dag_.edges) == [("a", "b"), ("c", "a")]
    assert list(fit(frame, model="bayesnet", dag="a -> b").model.schema_.names) == ["a", "b"]
    with pytest.raises(UnknownNameError, match=r"there is no column 'z'"):
        fit(frame, model="bayesnet", dag="a -> z")


def test_a_stated_graph_is_read_or_refused():
    rng = np.random.default_rng(0)
    rows = {name: rng.integers(0, 2, 60) for name in "abc"}
    model = fit(rows, model="made", dag="a -> b; a -> c", budget="30s").model
    assert model.factorization_.is_d_separated("b", "c", "a")
    assert model.do({"b": 1}).factorization_.edges == (("a", "c"),)
    for name in ("nade", "chowliu"):
        with pytest.raises(InputError, match=f"a dag is read by bayesnet and made, not by {name}"):
            fit(rows, model=name, dag="a -> b; a -> c")
    with pytest.raises(InputError, match="not by chowliu, trees"):
        Auto(models=["chowliu", "trees"], dag="a -> b").fit(rows)
    auto = Auto(models=["made", "boosted"], dag="a -> b; c", budget=60).fit(rows)
    assert not {"made 2", "stack"} & {
        e.name for e in auto.leaderboard_.entries
    }  # one graph, and no order of it


def test_rows_with_holes_are_learned_from_by_every_small_family():
    frame = {
        k: [None if i % 7 == j else x for i, x in enumerate(v)] for j, (k, v) in enumerate(_frame().items())
    }
    for name in ("independent", "chowliu", "bayesnet"):
        found = fit(frame, model=name, dag="a -> b; c" if name == "bayesnet" else None)
        assert np.isfinite(found.model.log_prob(frame)).all()
    counted = fit(frame, model="independent").model
    known = [x for x in frame["c"] if x is not None]
    share = (sum(known) + 0.5) / (len(known) + 1)
    assert counted.query("c").probability(c="1") == pytest.approx(share)


def test_weights_are_those_of_repeated_rows():
    frame = _frame(60)
    weights = np.arange(60) % 3
    weighted = fit(frame | {"w": weights.astype(float)}, model="chowliu", weights="w")
    repeated = fit({k: np.repeat(v, weights) for k, v in frame.items()}, model="chowliu")
    np.testing.assert_allclose(weighted.model.log_prob(frame), repeated.model.log_prob(frame), rtol=1e-9)
    assert weighted.mean_nll_nats == pytest.approx(repeated.mean_nll_nats)


def test_independent_counts_what_is_known_only_where_it_is_told_to():
    with pytest.raises(InputError, match="complete_families"):
        Independent().fit([[0, 1], [1, np.nan]])
    found = Independent(missing="complete_families").fit([[0, 1], [1, np.nan], [1, 0], [1, 0]])
    np.testing.assert_allclose(found.probabilities_, [[0.25, 0.75], [2 / 3, 1 / 3]])
    with pytest.raises(InputError, match="no row knows"):
        Independent(missing="complete_families").fit(Table.read([[0, 1], [1, 0]])[:0])


def test_a_refused_table_says_in_python_what_to_pass():
    rows = _frame() | {"id": [f"i{i}" for i in range(300)], "pay": np.linspace(0, 1, 300)}
    with pytest.raises(RefusedTableError, match=r"pass ignore=\['id'\], bins=\{'pay': 5\}") as caught:
        fit(rows, model="chowliu")
    found = fit(rows, model="chowliu", **caught.value.settings)
    assert list(found.model.schema_.names) == ["a", "b", "c", "pay"]
    assert fit(rows, model="chowliu", fix=True).model.schema_ == found.model.schema_
    assert "read by ignore=['id'], bins={'pay': 5}" in fit(rows, model="chowliu", fix=True).notes


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "nadee"}, "did you mean 'nade'"),
        ({"models": ["trees!"]}, "there is no model"),
        ({"budget": "soon"}, "such as 20s, 10m or 1h"),
        ({"budget": -1}, "such as 20s"),
        ({"seed": -1}, "seed"),
        ({"model": "bayesnet"}, "needs its graph"),
        ({"dag": "nothing.txt"}, "neither a file nor a graph"),
        ({"bins": {"nope": 3}}, "no column 'nope'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ChainruleError, match=message):
        fit(_frame(30), **settings)


# ---- the command


def test_headerless_rows_of_zeros_and_ones_are_recognised(tmp_path, capsys):
    rng = np.random.default_rng(0)
    path = tmp_path / "nltcs.train.data"
    np.savetxt(path, rng.integers(0, 2, (60, 5)), fmt="%d", delimiter=",")
    assert cli.main(["fit", str(path), "-o", str(tmp_path / "m"), "--model", "chowliu", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["rows"], plain["columns"]) == (60, ["x1", "x2", "x3", "x4", "x5"])
    assert load_model(tmp_path / "m").schema_.sizes == (2,) * 5


def test_the_command_reads_by_its_options(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    pay = ["low", "high", "middle"]
    lines = [f"{i};{20 + i % 50};{pay[i % 3]};{'NA' if i % 2 else 'DE'};{i % 3 or 99}" for i in range(90)]
    path.write_text("\n".join(["id;age;pay;land;q", *lines]) + "\n")
    options = [
        "--ignore",
        "id",
        "--bins",
        "age=30,50",
        "--ordinal",
        "pay=low,middle,high",
        "--states",
        "land=DE,NA",
    ]
    options += ["--missing", "q=99", "--unseen", "missing"]
    assert cli.main(["fit", str(path), "-o", str(tmp_path / "m"), "--model", "chowliu", *options]) == 0
    schema = load_model(tmp_path / "m").schema_
    assert schema.states == {
        "age": ("<= 30", "(30, 50]", "> 50"),
        "pay": ("low", "middle", "high"),
        "land": ("DE", "NA"),
        "q": ("1", "2"),
    }
    assert schema["pay"].ordered
    assert schema["q"].unseen == "missing"
    capsys.readouterr()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "nowhere/m"], "there is no folder nowhere; make it first"),
        (["-o", "."], "it is a folder"),
        (["-o", "m", "--bins", "age"], "--bins is NAME=5"),
        (["-o", "m", "--states", "a"], "--states is NAME=STATE,STATE"),
        (["-o", "m", "--missing", "?", "--missing", "a=0"], "name the column each time, or never"),
        (["-o", "m", "--unseen", "missing", "--unseen", "a=error"], "--unseen is one word"),
        (["-o", "m", "--model", "chowli"], "did you mean 'chowliu'"),
        (["-o", "m", "--ignore", "aa"], "there is no column 'aa'"),
        (["-o", "m", "--valid", "none.csv"], "there is no file none.csv"),
        ([], "Missing option"),
    ],
)
def test_mistakes_are_told_in_one_line_before_anything_is_written(
    tmp_path, monkeypatch, capsys, options, message
):
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "rows.csv", _frame(30))
    assert cli.main(["fit", "rows.csv", *options]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert (told.out, told.err.splitlines()[-1][:11]) == ("", "chainrule: ")
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_ctrl_c_writes_the_best_of_what_is_done(tmp_path, monkeypatch, capsys):
    def stopped(request):
        raise KeyboardInterrupt

    monkeypatch.setitem(FAMILIES, "trees", Family("trees", "", stopped))
    path, out = _write(tmp_path / "rows.csv", _frame()), tmp_path / "m"
    assert cli.main(["fit", str(path), "-o", str(out)]) == 130
    told = capsys.readouterr()
    assert f"the best of what was tried is kept in {out}" in told.err
    assert load_model(out).chosen_ == "chowliu"
    for name in ("trees", "latent", "nade"):
        assert f"{name} is left out: the search was stopped" in told.out


def test_an_old_model_stays_where_a_fit_fails(tmp_path, capsys):
    path, out = _write(tmp_path / "rows.csv", _frame()), tmp_path / "m"
    out.write_bytes(b"before")
    assert cli.main(["fit", str(path), "-o", str(out), "--model", "bayesnet", "--dag", "a -> z"]) == 2
    assert out.read_bytes() == b"before"
    assert cli.main(["fit", str(path), "-o", str(out), "--model", "chowliu"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "rows.csv"]


@pytest.mark.parametrize("model", ["made", "latent"])
def test_a_network_is_kept_in_a_folder_and_gone_on_with(model, tmp_path):
    rows = np.random.default_rng(0).integers(0, 2, (80, 3))
    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt), listening(StopAfter(2)):
        fit(rows, model=model, run_dir=folder)
    with pytest.raises(InputError, match="holds a run; resume it"):
        fit(rows, model=model, run_dir=folder, resume=False)
    resumed, whole = fit(rows, model=model, run_dir=folder), fit(rows, model=model)
    assert resumed.model.fit_info_["resumed_from_epoch"] > 0
    np.testing.assert_array_equal(resumed.model.log_prob(rows), whole.model.log_prob(rows))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"model": "auto"}, "steps, latent, latentnet, nade, made, not of auto"),
        ({"model": "chowliu"}, "not of chowliu"),
        ({"model": "nade", "budget": "5s"}, "leave out the budget or run_dir"),
        ({"model": "nade", "run_dir": 3}, "run_dir is a text"),
    ],
)
def test_a_run_that_could_not_be_gone_on_with_is_refused(settings, words, tmp_path):
    with pytest.raises(InputError, match=words):
        fit([[0, 1], [1, 0]], **{"run_dir": tmp_path / "run"} | settings)
    assert list(tmp_path.iterdir()) == []


def _classes(n=120):
    rng = np.random.default_rng(1)
    h = rng.random(n) < 0.5
    return {q: np.where(rng.random(n) < 0.85, h, ~h).astype(int) for q in ("q1", "q2", "class")}


def test_latent_classes_are_a_network_with_one_latent_node_above_all_columns():
    rows = _classes()
    found = fit(rows, model="bayesnet", latent_classes=2, seed=3)
    same = fit(
        rows,
        model="bayesnet",
        dag="c [latent]; c -> {q1 q2 class}",
        latent_states={"c": 2},
        seed=3,
    )
    assert found.model.dag_.latent == ("class_",)
    assert found.model.states_["class_"] == ("0", "1")
    np.testing.assert_array_equal(found.model.log_prob(rows), same.model.log_prob(rows))


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (["--model", "bayesnet", "--dag", "H [latent]; H -> a"], "--latent-states H=2"),
        (["--model", "bayesnet", "--dag", "a -> b", "--latent-states", "H=2"], "no latent node 'H'"),
        (["--latent-classes", "2"], "--model bayesnet"),
        (["--model", "bayesnet", "--latent-classes", "1"], "at least 2"),
        (["--model", "bayesnet", "--dag", "a -> b", "--latent-classes", "2"], "leave out the graph"),
        (
            ["--model", "bayesnet", "--dag", "a -> b", "--latent-states", "H"],
            "--latent-states is NAME=NUMBER",
        ),
        (["--model", "chowliu", "--workers", "0"], "workers must be"),
    ],
)
def test_what_is_not_said_of_latent_nodes_is_asked_for_in_options(tmp_path, capsys, options, advice):
    table = _write(tmp_path / "rows.csv", _frame(20))
    assert cli.main(["fit", str(table), "-o", str(tmp_path / "m"), *options]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert advice in told
    assert "=2}" not in told


def test_several_files_are_one_table_whoever_reads_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("chainrule.tasks.reading._LARGE", 100)
    files = [str(_write(tmp_path / f"{k}.csv", _frame(40, k))) for k in range(3)]
    models = []
    for options in ([], ["--workers", "2"]):
        models.append(tmp_path / f"model{len(models)}")
        assert cli.main(["fit", *files, "-o", str(models[-1]), "--model", "chowliu", *options]) == 0
    one, other = map(load_model, models)
    reference = chow_liu(files)
    assert one.fit_info_["n_rows"] == 120
    for v, table in reference.tables_.items():
        np.testing.assert_array_equal(table, one.tables_[v])
        np.testing.assert_array_equal(table, other.tables_[v])
