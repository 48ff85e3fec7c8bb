"""Credible intervals of answers against scipy's beta distributions, and against draws of the posterior tables."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import beta

from chainrule import cli
from chainrule.core.errors import DataError, InputError
from chainrule.models import BayesianNetwork, ChowLiu, LatentMixture
from chainrule.tasks import credible_intervals, fit
from tests.models.networks_by_hand import joint_of

DAG = "a -> b; a -> c; b -> d <- c"


def draws_of_rows(n, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 3, n)
    b = (rng.random(n) < 0.2 + 0.25 * a).astype(int)
    c = (rng.random(n) < 0.7 - 0.2 * a).astype(int)
    d = (rng.random(n) < np.array([[0.1, 0.6], [0.5, 0.9]])[b, c]).astype(int)
    return {v: np.array(["no", "yes", "so"])[x] for v, x in zip("abcd", (a, b, c, d), strict=True)}


def counted(rows, **states):
    return int(np.all([rows[v] == s for v, s in states.items()], axis=0).sum())


def test_a_root_and_an_entry_of_a_node_with_two_states_have_their_beta_distribution():
    rows = draws_of_rows(80)
    network = BayesianNetwork(DAG, pseudocount=1.5).fit(rows)
    root = credible_intervals(network, "P(a)", rows, level=0.8)
    law = [1.5 + counted(rows, a=s) for s in root.answer.posterior.states[0]]
    for k, x in enumerate(law):
        expected = beta(x, sum(law) - x)
        assert (root.lower[k], root.upper[k]) == pytest.approx(expected.interval(0.8))
        assert root.standard_deviation[k] == pytest.approx(expected.std())
    assert root.is_exact.all()
    one = credible_intervals(
        network, "P(d=yes | b=no, c=yes, a=so)", rows
    )  # given its parents, a says nothing
    yes, no = (counted(rows, b="no", c="yes", d=s) + 1.5 for s in ("yes", "no"))
    assert (float(one.lower), float(one.upper)) == pytest.approx(beta(yes, no).interval(0.95))
    assert one.answer.probability == pytest.approx(beta(yes, no).mean())
    assert one.is_exact
    assert one.text().splitlines()[1].startswith("  95 % credible interval: ")


def test_intervals_of_other_answers_hold_draws_of_the_posterior_as_often_as_they_say():
    rows, rng = draws_of_rows(400), np.random.default_rng(1)
    network = BayesianNetwork(DAG, pseudocount=1).fit(rows)
    posteriors = network.table_posteriors(rows)
    joints = []
    for _ in range(2000):
        tables = {}
        for v, posterior in posteriors.items():
            drawn = rng.standard_gamma(posterior.concentration)
            tables[v] = drawn / drawn.sum(axis=-1, keepdims=True)
        joints.append(joint_of(BayesianNetwork.from_tables(network.dag_, network.schema_, tables)))
    joint = np.array(joints)  # draws, then a, b, c, d as the columns are
    assert network.variables_ == ("a", "b", "c", "d")
    yes = {v: network.states_[v].index("yes") for v in "abcd"}
    weights = np.array([1.0, 3.0])

    given_d = joint[..., yes["d"]]
    given_c = joint[:, :, :, yes["c"]].sum(axis=-1)
    under = np.moveaxis(joint, 4, -1) * weights
    p_c = joint.sum(axis=(1, 2, 4))
    both = np.moveaxis(joint.sum(axis=(1,)), 2, 1)[:, :, yes["b"]].sum(axis=-1)  # c, b=yes
    cases = [
        (("P(b=yes)", {}), joint[:, :, yes["b"]].sum(axis=(1, 2, 3)), False),
        (("P(a=yes | d=yes)", {}), given_d[:, yes["a"]].sum((1, 2)) / given_d.sum((1, 2, 3)), False),
        (("P(b=yes | c=yes)", {}), given_c[:, :, yes["b"]].sum(-1) / given_c.sum((1, 2)), False),
        (
            ("P(b=yes)", {"likelihood": {"d": weights}}),
            under[:, :, yes["b"]].sum((1, 2, 3)) / under.sum((1, 2, 3, 4)),
            False,
        ),
        (("P(b=yes)", {"jeffrey": {"c": [0.2, 0.8]}}), (both / p_c * [0.2, 0.8]).sum(-1), False),
        (("P(d=yes | b=yes, c=yes)", {}), None, True),
    ]
    for (question, soft), drawn, exact in cases:
        found = credible_intervals(network, question, rows, level=0.9, **soft)
        assert bool(found.is_exact) == exact
        if drawn is not None:
            assert 0.88 < np.mean((found.lower < drawn) & (drawn < found.upper)) < 0.92, question
            assert drawn.std() == pytest.approx(float(found.standard_deviation), rel=0.06)
            assert ("(to first order)" in found.text()) == (not exact)


def test_what_was_done_has_no_posterior_and_what_follows_has():
    rows = draws_of_rows(100)
    network = BayesianNetwork(DAG, pseudocount=1).fit(rows)
    done = credible_intervals(network, "P(b=yes | do(a=no))", rows)
    yes, no = (1 + counted(rows, a="no", b=s) for s in ("yes", "no"))
    assert (float(done.lower), float(done.upper)) == pytest.approx(beta(yes, no).interval(0.95))
    assert done.is_exact
    sure = credible_intervals(network, "P(a=no, b | c=yes)", rows)
    assert sure.lower.shape == sure.answer.posterior.probabilities.shape == (2,)
    assert (sure.lower < sure.answer.posterior.probabilities).all()
    assert (sure.answer.posterior.probabilities < sure.upper).all()


def test_a_forest_and_what_auto_chose_know_their_rows_and_others_are_refused():
    rows = draws_of_rows(300)
    tree = ChowLiu().fit(rows)
    assert credible_intervals(tree, "P(a)", rows).is_exact.all()
    weights = np.arange(1.0, 301.0)
    weighted = BayesianNetwork("a; b", pseudocount=1).fit({v: rows[v] for v in "ab"}, sample_weight=weights)
    with pytest.raises(DataError, match=r"P\(a=.*\) is 0\..* in the model and 0\..* by the rows"):
        credible_intervals(weighted, "P(a)", rows)
    table = {**rows, "w": weights}
    assert credible_intervals(weighted, "P(a)", table, weights="w").is_exact.all()
    auto = fit(rows, models=["chowliu"])
    assert auto.held_out_rows is not None
    assert credible_intervals(auto.model, "P(a)", rows).is_exact.all()
    with pytest.raises(DataError, match="not those that the model was fitted to"):
        credible_intervals(auto.model, "P(a)", draws_of_rows(299))


def test_what_has_no_posterior_is_refused():
    rows = draws_of_rows(60)
    with pytest.raises(InputError, match="LatentMixture has none; fit a Bayesian network"):
        credible_intervals(LatentMixture(epochs=1, random_state=0).fit(rows), "P(a)", rows)
    with pytest.raises(InputError, match="fit with a pseudocount above 0"):
        credible_intervals(BayesianNetwork(DAG).fit(rows), "P(a)", rows)
    network = BayesianNetwork(DAG, pseudocount=1).fit(rows)
    for level in (0, 1, "high", None):
        with pytest.raises(InputError, match="strictly between 0 and 1"):
            credible_intervals(network, "P(a)", rows, level=level)  # type: ignore[arg-type]


def test_the_shell_prints_intervals_and_refuses_what_does_not_go_with_them(tmp_path, capsys):
    rows = draws_of_rows(120)
    file, model = tmp_path / "rows.csv", str(tmp_path / "m")
    file.write_text("a,b,c,d\n" + "".join(",".join(r) + "\n" for r in zip(*rows.values(), strict=True)))
    BayesianNetwork(DAG, pseudocount=1).fit(str(file)).save(model)
    asked = ["query", model, "P(b=yes | a=so)", "P(a | d=yes)", "--intervals", str(file)]
    assert cli.main([*asked, "--level", "0.9", "--json"]) == 0
    one, other = json.loads(capsys.readouterr().out)
    yes, no = (1 + counted(rows, a="so", b=s) for s in ("yes", "no"))
    assert one["interval"]["is_exact"]
    assert [one["interval"][end] for end in ("lower", "upper")] == pytest.approx(beta(yes, no).interval(0.9))
    assert other["interval"]["level"] == 0.9
    assert [len(other["interval"][end]) for end in ("lower", "upper", "standard_deviation")] == [3, 3, 3]
    assert other["interval"]["is_exact"] == [False] * 3
    assert cli.main(asked) == 0
    out = capsys.readouterr().out
    low, high = beta(yes, no).interval(0.95)
    assert f"  95 % credible interval: {low:.6g} to {high:.6g}\n" in out
    assert "where d=yes  columns: probability, 95 % credible interval (to first order)\n" in out
    for more, message in (
        ([*asked, "--sensitivity"], "--intervals are of probabilities"),
        ([*asked, "--most-probable", "2"], "--intervals are of probabilities"),
        ([*asked, "--level", "2"], "strictly between 0 and 1"),
        (["query", model, "P(a)", "--level", "0.9"], "add --intervals TABLE"),
        (["query", model, "P(a)", "--weights", "w"], "add --intervals TABLE"),
        (["query", model, "P(a)", "--intervals"], "requires an argument"),
        (["query", model, "P(a)", "--intervals", str(tmp_path / "no.csv")], "no.csv"),
    ):
        assert cli.main(more) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1
