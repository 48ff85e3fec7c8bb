"""Answers equal sums over the joint; do() equals the truncated product; a learned graph says what it is."""

import itertools

import numpy as np
import pytest

from chainrule import cli
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.models import Auto, BayesianNetwork, ChowLiu, Independent, LatentMixture, TreeNetwork, chow_liu
from chainrule.tasks import fit, most_probable, query, sensitivity

DAG = "season -> rain; season -> sprinkler; rain -> wet <- sprinkler"
STATES = {"season": ["dry", "wet"], "rain": ["no", "yes"], "sprinkler": ["off", "on", "broken"], "wet": 2}


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    model = BayesianNetwork(DAG)
    sizes = {"season": 2, "rain": 2, "sprinkler": 3, "wet": 2}
    dag = model._checked()
    tables = {v: rng.dirichlet(np.ones(sizes[v]), [sizes[u] for u in dag.parents(v)]) for v in dag.nodes}
    return BayesianNetwork.from_tables(DAG, STATES, tables)


def _truncated(network, done):
    """The joint under do(), by the definition: the product of all tables but those of what is set."""
    names, schema = network.schema_.names, network.schema_
    out = {}
    for row in itertools.product(*(range(k) for k in schema.sizes)):
        state = dict(zip(names, row, strict=True))
        if any(schema[v].states[state[v]] != s for v, s in done.items()):
            continue
        p = 1.0
        for v in names:
            if v not in done:
                p *= network.tables_[v][tuple(state[u] for u in (*network.dag_.parents(v), v))]
        out[row] = p
    return out


def test_setting_a_variable_is_the_truncated_product_and_not_conditioning(network):
    joint = _truncated(network, {"sprinkler": "on"})
    assert sum(joint.values()) == pytest.approx(1.0)
    wet, rain = network.schema_.index("wet"), network.schema_.index("rain")
    expected = sum(p for row, p in joint.items() if row[wet] == 1)
    found = query(network, "P(wet=1 | do(sprinkler=on))")
    assert found.probability == pytest.approx(expected, abs=1e-12)
    assert found.probability != pytest.approx(query(network, "P(wet=1 | sprinkler=on)").probability, abs=1e-6)
    given = sum(p for row, p in joint.items() if row[wet] == 1 and row[rain] == 1)
    known = sum(p for row, p in joint.items() if row[rain] == 1)
    asked = query(network, "P(wet=1 | rain=yes, do(sprinkler=on))")
    assert asked.probability == pytest.approx(given / known, abs=1e-12)


def test_setting_what_has_no_parents_is_conditioning(network):
    both = [query(network, q).probability for q in ("P(wet=1 | do(season=dry))", "P(wet=1 | season=dry)")]
    assert both[0] == pytest.approx(both[1], abs=1e-12)


def test_two_actions_at_once(network):
    joint = _truncated(network, {"sprinkler": "off", "rain": "no"})
    wet = network.schema_.index("wet")
    expected = sum(p for row, p in joint.items() if row[wet] == 0)
    found = query(network, "P(wet=0 | do(sprinkler=off, rain=no))")
    assert found.probability == pytest.approx(expected, abs=1e-12)


def test_several_actions_with_evidence_and_several_variables_asked(network):
    joint = _truncated(network, {"sprinkler": "off", "season": "wet"})
    at = network.schema_.index
    found = query(network, "P(rain | do(sprinkler=off), wet=1, do(season=wet))")
    mass = {
        k: sum(p for row, p in joint.items() if row[at("wet")] == 1 and row[at("rain")] == k) for k in (0, 1)
    }
    expected = [mass[0] / sum(mass.values()), mass[1] / sum(mass.values())]
    np.testing.assert_allclose(found.posterior.probabilities, expected, rtol=1e-12)
    assert found.done == {"sprinkler": "off", "season": "wet"}
    pair = query(network, "P(rain=yes, wet=0 | do(sprinkler=off), do(season=wet))")
    both = sum(p for row, p in joint.items() if row[at("wet")] == 0 and row[at("rain")] == 1)
    assert pair.probability == pytest.approx(both, abs=1e-12)


def test_a_learned_graph_answers_with_a_note_and_a_model_without_one_refuses():
    rows = {"a": ["x", "y"] * 30, "b": ["u", "v"] * 30}
    for model in (
        chow_liu(rows),
        ChowLiu().fit(rows),
        TreeNetwork().fit(rows),
        Auto(models=["chowliu"]).fit(rows),
    ):
        found = query(model, "P(a | do(b=u))")
        assert "not what causes what" in found.note
        assert found.to_dict()["note"] == found.note
    assert query(BayesianNetwork("a -> b").fit(rows), "P(a | do(b=u))").note == ""
    with pytest.raises(InputError, match="do\\(\\) needs a DAG, and LatentMixture has none"):
        query(LatentMixture(epochs=1, random_state=0).fit(rows), "P(a | do(b=u))")


def test_a_graph_that_was_stated_answers_through_fit_and_auto():
    rng = np.random.default_rng(1)
    cause = rng.integers(0, 2, 400)
    rows = {"cause": cause, "effect": (cause + (rng.random(400) < 0.1)) % 2}
    for model, models in (("bayesnet", None), ("auto", ["independent", "bayesnet"])):
        found = fit(rows, model=model, models=models, dag="cause -> effect").model
        assert query(found, "P(cause=1 | do(effect=1))").probability == pytest.approx(
            query(found, "P(cause=1)").probability
        )
        assert query(found, "P(effect=1 | do(cause=1))").probability > 0.8


def test_numbers_name_the_interval_that_holds_them():
    rng = np.random.default_rng(2)
    age = rng.integers(18, 90, 300)
    rows = {"age": age, "old": np.where(age > 60, "yes", "no")}
    model = fit(rows, model="chowliu", bins={"age": [40, 60]}).model
    assert query(model, "P(old=yes | age=75)").probability > 0.9
    assert (
        query(model, "P(old=yes | age=> 60)").probability == query(model, "P(old=yes | age=75)").probability
    )
    assert query(model, "P(age=30, old=no)").probability > 0.2


def test_some_states_leave_a_slice_of_the_joint(network):
    whole = query(network, "P(rain, wet)").posterior.probabilities
    part = query(network, "P(rain=yes, wet)")
    assert part.probability is None
    np.testing.assert_allclose(part.posterior.probabilities, whole[1], rtol=1e-12)
    assert part.posterior.variables == ("wet",)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("P(snow)", "there is no variable 'snow'"),
        ("P(rain | wet=7)", "there is no state of 'wet' '7'"),
        ("P(rain | rain=yes)", "is in the evidence"),
        ("P(rain | do(rain=yes))", "set by do\\(\\) and named again"),
        ("P(rain | wet=1, do(wet=1))", "set by do\\(\\) and named again"),
    ],
)
def test_questions_that_make_no_sense_are_refused(network, question, message):
    with pytest.raises((InputError, UnknownNameError), match=message):
        query(network, question)


def test_soft_evidence_most_probable_states_and_sensitivity_go_through_questions(network):
    found = query(network, "P(rain=yes | wet=1)", likelihood={"season": [1, 2]})
    joint = network.query(["season", "rain"], {"wet": 1}).probabilities * [[1], [2]]
    assert found.probability == pytest.approx(joint[:, 1].sum() / joint.sum())
    assert found.text().endswith("where wet=1; likelihood season=(dry: 1, wet: 2)")
    best = most_probable(network, "P(rain, season | wet=1)", 2, likelihood={"season": [1, 2]})
    assert best.probabilities.tolist() == pytest.approx(
        np.sort((joint / joint.sum()).ravel())[::-1][:2].tolist()
    )
    depends = sensitivity(network, "P(rain=yes | wet=1, do(sprinkler=on))")
    assert depends.probability == pytest.approx(
        query(network, "P(rain=yes | wet=1, do(sprinkler=on))").probability
    )
    assert "sprinkler" not in {entry.node for entry in depends.ranked()}


def test_models_without_tables_list_states_and_refuse_sensitivity():
    rows = {"a": ["x", "y", "y"] * 30, "b": ["u", "v", "v"] * 30}
    for model in (Independent(0.5), ChowLiu(), TreeNetwork(), Auto(models=["chowliu"])):
        fitted = model.fit(rows)
        found = most_probable(fitted, "P(a, b)", k=2)
        table = np.sort(fitted.query(["a", "b"]).probabilities.ravel())[::-1]
        np.testing.assert_allclose(found.probabilities, table[:2], rtol=1e-9)
    assert sensitivity(ChowLiu().fit(rows), "P(a=x | b=u)").ranked()
    with pytest.raises(InputError, match="Independent has none"):
        sensitivity(Independent(0.5).fit(rows), "P(a=x)")
    with pytest.raises(InputError, match="name a state of each variable"):
        sensitivity(ChowLiu().fit(rows), "P(a)")
    with pytest.raises(InputError, match="name variables alone"):
        most_probable(ChowLiu().fit(rows), "P(a=x)")


def test_soft_evidence_on_the_command_line(network, tmp_path, capsys):
    network.save(tmp_path / "m")
    asked = ["query", str(tmp_path / "m"), "P(rain=yes)"]
    assert cli.main([*asked, "--likelihood", "wet=(1, 3)", "--jeffrey", "season=(dry: 0.2, wet: 0.8)"]) == 0
    expected = query(
        network, "P(rain=yes)", likelihood={"wet": [1, 3]}, jeffrey={"season": [0.2, 0.8]}
    ).probability
    assert f"P(rain=yes) = {expected:.6g}" in capsys.readouterr().out
    assert cli.main([*asked, "--sensitivity", "--wanted", "0.5", "--json"]) == 0
    assert '"changes"' in capsys.readouterr().out
    assert cli.main(["query", str(tmp_path / "m"), "P(rain, wet)", "--most-probable", "3"]) == 0
    assert "the 3 most probable states of P(rain, wet)" in capsys.readouterr().out
    for bad in ("wet", "wet=1", "wet=(1, x)", "wet=(1, b: 2)"):
        assert cli.main([*asked, "--likelihood", bad]) == 2
        assert "xray=(0.2, 0.9)" in capsys.readouterr().err


def test_several_questions_on_the_command_line(network, tmp_path, capsys):
    network.save(tmp_path / "m")
    assert cli.main(["query", str(tmp_path / "m"), "P(wet | rain=yes)", "P(wet=1)"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("P(wet | rain=yes)  where rain=yes\n  0")
    assert "P(wet=1) = 0." in out


def test_questions_may_name_latent_nodes_and_the_record_says_which() -> None:
    tables = {"H": [0.3, 0.7], "x": [[0.9, 0.1], [0.2, 0.8]]}
    network = BayesianNetwork.from_tables("H [latent]; H -> x", {"H": 2, "x": 2}, tables)
    asked = query(network, "P(H=1 | x=1)")
    assert asked.probability == pytest.approx(0.56 / 0.59)
    assert (asked.latent, asked.to_dict()["latent"]) == (("H",), ["H"])
    assert "no row has it" in asked.note
    assert query(network, "P(x=1 | H=1)").probability == pytest.approx(0.8)
    assert query(network, "P(x=1)").latent == ()
    assert query(network, "P(H=1 | do(x=1))").probability == pytest.approx(0.7)


def test_do_sums_a_latent_cause_out_as_it_is_and_not_as_what_was_done_would_tell() -> None:
    network = BayesianNetwork.from_tables(
        "H [latent]; H -> {x y}; x -> y",
        {"H": 2, "x": 2, "y": 2},
        {
            "H": [0.3, 0.7],
            "x": [[0.9, 0.1], [0.2, 0.8]],
            "y": [[[0.6, 0.4], [0.5, 0.5]], [[0.3, 0.7], [0.1, 0.9]]],
        },
    )
    tables = network.tables_
    axes = [network.dag_.parents("y").index(v) for v in ("H", "x")]
    y = tables["y"].transpose([*axes, 2])
    done = sum(tables["H"][h] * y[h, 1, 1] for h in (0, 1))
    assert query(network, "P(y=1 | do(x=1))").probability == pytest.approx(done)
    assert query(network, "P(y=1 | x=1)").probability != pytest.approx(done, abs=1e-3)
