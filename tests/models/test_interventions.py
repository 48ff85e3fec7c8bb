"""do(): the truncated factorisation, of tables, forests and trees; every question works on what it gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import chisquare

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.progress import listening
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, ChowLiu, Independent, TreeNetwork, load_model
from tests.models.networks_by_hand import joint_of, random_network

seeds = st.integers(0, 2**32 - 1)


class Notes(list):
    """A listener that keeps what it is told."""

    def note(self, text):
        self.append(text)


@pytest.fixture
def sprinkler():
    """The network of Russell and Norvig: cloudy, sprinkler, rain, wet grass."""
    return BayesianNetwork.from_tables(
        "C -> {S R} -> W",
        dict.fromkeys("CSRW", 2),
        {
            "C": [0.5, 0.5],
            "S": [[0.5, 0.5], [0.9, 0.1]],
            "R": [[0.8, 0.2], [0.2, 0.8]],
            "W": [[[1, 0], [0.1, 0.9]], [[0.1, 0.9], [0.01, 0.99]]],
        },
    )


def truncated(model: BayesianNetwork, done: dict[str, int]) -> np.ndarray:
    """The joint under do(): the product of the entries of all tables but those of what is set, at its state."""
    names = model.variables_
    joint = np.zeros([len(model.states_[v]) for v in names])
    for index in np.ndindex(joint.shape):
        x = dict(zip(names, index, strict=True))
        if all(x[v] == state for v, state in done.items()):
            factors = (
                model.tables_[v][tuple(x[u] for u in (*model.dag_.parents(v), v))]
                for v in names
                if v not in done
            )
            joint[index] = np.prod([*factors, 1.0])
    return joint


def test_the_sprinkler_wets_the_grass_more_often_when_turned_on_than_when_seen_on(sprinkler):
    done = sprinkler.do({"S": 1})
    assert done.query("W").probability(W=1) == pytest.approx(0.945, abs=1e-12)
    assert sprinkler.query("W", {"S": 1}).probability(W=1) == pytest.approx(0.927, abs=1e-12)
    assert done.dag_ == DAG.parse("C -> R -> W <- S")
    assert done.query("R").probability(R=1) == pytest.approx(0.5, abs=1e-12)


@examples(max_examples=40)
@given(seeds, st.integers(1, 5))
def test_do_is_the_truncated_factorisation(seed, d):
    rng = np.random.default_rng(seed)
    model = random_network(rng, d, zeros=0.2)
    some = rng.choice(model.variables_, rng.integers(0, d + 1), replace=False).tolist()
    done = {v: int(rng.integers(len(model.states_[v]))) for v in some}
    cut = model.do({v: model.states_[v][code] for v, code in done.items()})
    expected = truncated(model, done)
    assert expected.sum() == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(joint_of(cut), expected, atol=1e-12)
    rows = np.stack(np.unravel_index(np.arange(expected.size), expected.shape), axis=1)
    np.testing.assert_allclose(np.exp(cut.log_prob(rows)), expected.ravel(), atol=1e-12)
    one_by_one = model
    for v, code in done.items():
        one_by_one = one_by_one.do({v: model.states_[v][code]})
    np.testing.assert_array_equal(joint_of(one_by_one), joint_of(cut))


def test_draws_most_probable_states_and_posteriors_are_those_of_the_cut_network(sprinkler, tmp_path):
    done = sprinkler.do({"S": 1, "R": 0})
    joint = truncated(sprinkler, {"S": 1, "R": 0})
    codes = done.sample(4000, rng=0).codes.astype(np.intp)
    counts = np.bincount(np.ravel_multi_index(codes.T, joint.shape), minlength=joint.size)
    assert not counts[joint.ravel() == 0].any()
    some = joint.ravel() > 0
    assert chisquare(counts[some], 4000 * joint.ravel()[some]).pvalue > 1e-3
    best = done.mpe({"W": 0})
    assert best.log_prob == pytest.approx(np.log(joint[..., 0].max()))
    marginals = done.posterior_marginals({"C": 1})
    assert marginals["W"].probability(W=1) == pytest.approx(0.9)
    assert marginals["S"].probability(S=1) == pytest.approx(1.0)
    done.save(tmp_path / "done")
    again = load_model(tmp_path / "done")
    assert again.fit_info_["do"] == {"S": "1", "R": "0"}
    np.testing.assert_array_equal(joint_of(again), joint_of(done))


def test_latent_nodes_and_columns_stay_as_they_are():
    rows = {"b": ["no", "yes", "yes"], "a": ["u", "v", "u"]}
    done = BayesianNetwork("a -> b", pseudocount=1).fit(rows).do({"b": "yes"})
    assert isinstance(done.sample(2, rng=0), dict)
    assert list(done.sample(2, rng=0)) == ["b", "a"]
    hidden = DAG([("U", "X"), ("U", "Y"), ("X", "Y")], latent=["U"])
    tables = {"U": [0.5, 0.5], "X": [[0.9, 0.1], [0.1, 0.9]], "Y": np.full((2, 2, 2), 0.5)}
    assert BayesianNetwork.from_tables(hidden, dict.fromkeys("UXY", 2), tables).do({"X": 1}).dag_.latent == (
        "U",
    )


def test_variables_on_their_own_stay_when_another_is_set():
    rows = np.random.default_rng(0).integers(0, 3, (50, 3))
    model = Independent(0.5).fit(rows)
    done = model.do({"x2": 2})
    assert done.log_prob([[0, 2, 1]]) == pytest.approx(model.log_prob([[0, np.nan, 1]]))
    assert done.log_prob([[0, 1, 1]]).tolist() == [-np.inf]
    assert done.fit_info_["do"] == {"x2": "2"}


def test_what_cannot_be_set_is_refused(sprinkler):
    with pytest.raises(UnknownNameError, match="no variable 'snow'"):
        sprinkler.do({"snow": 1})
    with pytest.raises(InputError, match="'S'"):
        sprinkler.do({"S": 7})


@examples(max_examples=10)
@given(seeds)
def test_trees_and_forests_agree_with_their_networks_of_tables(seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, [2, 3, 2, 1], (60, 4))
    rows[:, 1] = np.where(rng.random(60) < 0.7, rows[:, 0], rows[:, 1])
    rows[:, 2] = np.where(rng.random(60) < 0.7, rows[:, 1] > 0, rows[:, 2])
    done = {f"x{i + 1}": int(rng.integers(rows[:, i].max() + 1)) for i in rng.choice(4, 2, replace=False)}
    trees = TreeNetwork(penalty="none", pruning=-1.0, max_splits=8).fit(rows)
    forest = ChowLiu(penalty="none").fit(rows)
    states = np.stack(np.meshgrid(*(range(k) for k in trees.schema_.sizes), indexing="ij"), -1).reshape(-1, 4)
    for model, network in ((trees, trees.to_bayesian_network()), (forest, forest.bayesian_network_)):
        cut = model.do(done)
        assert type(cut) is type(model)
        np.testing.assert_allclose(cut.log_prob(states), network.do(done).log_prob(states), atol=1e-9)
        assert not {child for _, child in cut.factorization_.edges} & done.keys()
        known = {name: code for name, code in zip(("x1", "x2"), (0, 1), strict=True) if name not in done}
        expected = network.do(done).query(["x3"] if "x3" not in done else ["x4"], known).probabilities
        found = cut.query(["x3"] if "x3" not in done else ["x4"], known).probabilities
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_learned_graph_tells_so_and_a_stated_one_does_not(sprinkler, tmp_path):
    rows = sprinkler.sample(300, rng=0)
    for model in (ChowLiu().fit(rows), TreeNetwork().fit(rows)):
        with listening(heard := Notes()):
            done = model.do({"S": 1})
        assert len(heard) == 1
        assert "not what causes what" in heard[0]
        done.save(tmp_path / "done")
        again = load_model(tmp_path / "done")
        np.testing.assert_array_equal(again.log_prob(rows), done.log_prob(rows))
    with listening(heard := Notes()):
        sprinkler.do({"S": 1})
    assert not heard
