"""Whatever is passed to a public method of a Bayesian network, what comes is an answer or an error of ours."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError, InputError
from chainrule.models import BayesianNetwork, chow_liu
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

ROWS = {"a": ["x", "y"], "b": ["u", "v"]}
HOLED = {"a": ["x", "y", None], "b": ["u", "v", "v"]}
HOSTILE = [
    None, 3, -1, 1.5, True, np.nan, "zz", "", b"x", [], {}, (), set(), [None], [[]], [3], {"a": None}, {3: 1},
    {"a": [1]}, {"q": 1}, object(), object, np.array(3), iter([1]), lambda: 0, ["a", "zz"], {"a": ["x"], "b": 3},
    {"a": ["x"], "b": ["u", "v"]}, {"a": [["x"]], "b": [["u"]]},
]  # fmt: skip
ARRAYS = [
    np.zeros((2, 9)),
    np.zeros((0, 2)),
    np.array([["x", "y"]]),
    [[1, 2], [3]],
    [[1e300, np.inf]],
    [[1j, 0]],
]


def fitted() -> BayesianNetwork:
    return BayesianNetwork("a -> b").fit(ROWS)


def with_prior() -> BayesianNetwork:
    return BayesianNetwork("a -> b", pseudocount=1).fit(ROWS)


CALLS = {
    "fit": lambda v: BayesianNetwork("a -> b").fit(v),
    "fit(valid)": lambda v: BayesianNetwork("a -> b").fit(ROWS, valid=v),
    "fit(sample_weight)": lambda v: BayesianNetwork("a -> b").fit(ROWS, sample_weight=v),
    "count": lambda v: fitted().count(v),
    "count(sample_weight)": lambda v: fitted().count(ROWS, sample_weight=v),
    "fit(client)": lambda v: BayesianNetwork("a -> b").fit(ROWS, client=v),
    "count(client)": lambda v: fitted().count(ROWS, client=v),
    "fit_counts": lambda v: fitted().fit_counts(v),
    "log_prob": lambda v: fitted().log_prob(v),
    "conditionals": lambda v: fitted().conditionals(v),
    "state_log_probs": lambda v: fitted().state_log_probs(v),
    "states_in_turn": lambda v: next(fitted().states_in_turn(v)),
    "score": lambda v: fitted().score(v),
    "score_samples": lambda v: fitted().score_samples(v),
    "sample": lambda v: fitted().sample(v),
    "sample(given)": lambda v: fitted().sample(2, given=v),
    "sample(rng)": lambda v: fitted().sample(2, rng=v),
    "impute": lambda v: fitted().impute(v),
    "impute(how)": lambda v: fitted().impute(ROWS, how=v),
    "impute(rng)": lambda v: fitted().impute(ROWS, rng=v),
    "query": lambda v: fitted().query(v),
    "query(evidence)": lambda v: fitted().query("a", v),
    "posterior_marginals": lambda v: fitted().posterior_marginals(v),
    "query(likelihood)": lambda v: fitted().query("a", likelihood=v),
    "query(likelihood of a)": lambda v: fitted().query("b", likelihood={"a": v}),
    "query(jeffrey)": lambda v: fitted().query("a", jeffrey=v),
    "query(jeffrey of a)": lambda v: fitted().query("b", jeffrey={"a": v}),
    "posterior_marginals(likelihood)": lambda v: fitted().posterior_marginals(likelihood=v),
    "posterior_marginals(jeffrey)": lambda v: fitted().posterior_marginals(jeffrey=v),
    "mpe": lambda v: fitted().mpe(v),
    "most_probable": lambda v: fitted().most_probable(v),
    "most_probable(k)": lambda v: fitted().most_probable(k=v),
    "most_probable(over)": lambda v: fitted().most_probable(over=v),
    "most_probable(likelihood)": lambda v: fitted().most_probable(likelihood=v),
    "most_probable(jeffrey)": lambda v: fitted().most_probable(jeffrey=v),
    "sensitivity": lambda v: fitted().sensitivity(v),
    "sensitivity(evidence)": lambda v: fitted().sensitivity({"a": "x"}, v),
    "sensitivity(likelihood)": lambda v: fitted().sensitivity({"a": "x"}, likelihood=v),
    "sensitivity(entry)": lambda v: fitted().sensitivity({"a": "x"}).entry(v, v, v),
    "sensitivity(ranked)": lambda v: fitted().sensitivity({"a": "x"}).ranked(v),
    "sensitivity(changes)": lambda v: fitted().sensitivity({"a": "x"}).changes(v, v),
    "table_posteriors": lambda v: with_prior().table_posteriors(v),
    "table_posteriors(sample_weight)": lambda v: with_prior().table_posteriors(ROWS, sample_weight=v),
    "table_posteriors(interval)": lambda v: with_prior().table_posteriors(ROWS)["b"].interval(v),
    "table_posteriors(entry)": lambda v: with_prior().table_posteriors(ROWS)["b"].entry(v, v),
    "inference_cost(most_probable)": lambda v: fitted().inference_cost(most_probable=v),
    "inference_cost": lambda v: fitted().inference_cost(v),
    "inference_cost(evidence)": lambda v: fitted().inference_cost("a", v),
    "cpt": lambda v: fitted().cpt(v),
    "probability": lambda v: fitted().query("a").probability(a=v),
    "do": lambda v: fitted().do(v),
    "do(state)": lambda v: fitted().do({"a": v}),
    "standard_errors": lambda v: fitted().standard_errors(v),
    "standard_errors(method)": lambda v: fitted().standard_errors(ROWS, method=v),
    "standard_errors(n_resamples)": lambda v: fitted().standard_errors(
        ROWS, method="bootstrap", n_resamples=v
    ),
    "standard_errors(sample_weight)": lambda v: fitted().standard_errors(ROWS, sample_weight=v),
    "standard_errors(rng)": lambda v: fitted().standard_errors(
        ROWS, method="bootstrap", n_resamples=2, rng=v
    ),
    "from_tables": lambda v: BayesianNetwork.from_tables(v, {"a": 2}, {"a": [0.5, 0.5]}),
    "from_tables(states)": lambda v: BayesianNetwork.from_tables("a", v, {"a": [0.5, 0.5]}),
    "from_tables(states of a)": lambda v: BayesianNetwork.from_tables("a", {"a": v}, {"a": [0.5, 0.5]}),
    "from_tables(tables)": lambda v: BayesianNetwork.from_tables("a", {"a": 2}, v),
    "from_tables(table of a)": lambda v: BayesianNetwork.from_tables("a", {"a": 2}, {"a": v}),
    "read": BayesianNetwork.read,
    "write": lambda v: fitted().write(v),
    "save": lambda v: fitted().save(v),
    "load": BayesianNetwork.load,
    "chow_liu": chow_liu,
}
SETTINGS = [name for name in inspect.signature(BayesianNetwork).parameters if name != "self"]
OF_THE_TREE = [name for name in inspect.signature(chow_liu).parameters if name != "table"]
CALLS |= {
    f"BayesianNetwork({s})": lambda v, s=s: BayesianNetwork(**({"dag": "a -> b"} | {s: v})).fit(ROWS).mpe()
    for s in SETTINGS
}
CALLS |= {
    f"EM({s})": lambda v, s=s: BayesianNetwork(**({"dag": "a -> b", "missing": "em"} | {s: v})).fit(HOLED)
    for s in SETTINGS
}
CALLS |= {f"chow_liu({s})": lambda v, s=s: chow_liu(ROWS, **{s: v}) for s in OF_THE_TREE}
# the checks of these arguments are not the network's
NOT_ARRAYS = {"sample(given)", "impute(how)"}


@pytest.mark.parametrize("call", CALLS)
def test_misuse_is_an_answer_or_an_error_of_ours(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # "zz" is a path that can be written
    for value in (*HOSTILE, *(() if call in NOT_ARRAYS else ARRAYS)):
        try:
            CALLS[call](value)
        except ChainruleError:
            continue


def test_every_public_method_is_tried():
    named = {call.partition("(")[0] for call in CALLS}
    for cls in BayesianNetwork.__mro__:
        if cls.__module__.startswith("chainrule"):
            methods = {n for n, m in vars(cls).items() if callable(m) or isinstance(m, classmethod)}
            assert {n for n in methods if not n.startswith("_")} <= named


# ---- every option that an error advises exists where it is advised


def advised(error: Exception) -> set[str]:
    """The names of settings in a message: what is written as ``name=…`` and is not an argument of ``Table.read``."""
    text = re.sub(r"Table\.read\(.*?\)", "", str(error))
    return set(re.findall(r"\b([a-z_]+)=", text)) | set(re.findall(r"\braise ([a-z_]+)", text))


TOO_LARGE = np.zeros((3, 3), int)
REFUSED = [
    lambda fit: fit({"a": ["x", None], "b": ["y", "z"]}),
    lambda fit: fit(TOO_LARGE, max_bytes=1),
    lambda fit: fit(TOO_LARGE, schema=3),
    lambda fit: fit(TOO_LARGE, missing="drop"),
    lambda fit: fit(TOO_LARGE, prior="jeffreys"),
    lambda fit: fit(TOO_LARGE, pseudocount=-1),
    lambda fit: fit(TOO_LARGE, sample_weight=[1]),
    lambda fit: fit(TOO_LARGE, sample_weight=np.zeros(3)),
]
IN_A_TABLE = [
    lambda fit: fit({"a": [0.5, 0.25, 0.1], "b": ["x", "y", "x"]}),
    lambda fit: fit({"a": [f"id{i}" for i in range(400)], "b": ["x", "y"] * 200}),
    lambda fit: fit({"a": ["x", "y"], "b": [1j, 2j]}),
]


def _fit_network(rows, *, sample_weight=None, **settings):
    dag = "a -> b" if isinstance(rows, dict) else "x1 -> x2; x3"
    return BayesianNetwork(dag, **settings).fit(rows, sample_weight=sample_weight)


def _check(fit, refused, allowed):
    with pytest.raises(InputError) as caught:
        refused(fit)
    assert advised(caught.value) <= allowed, str(caught.value)


FITS = {
    "network": (_fit_network, {*inspect.signature(BayesianNetwork).parameters, "sample_weight"}),
    "tree": (chow_liu, {*inspect.signature(chow_liu).parameters}),
}


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("refused", REFUSED)
def test_an_option_that_an_error_advises_exists_there(fit, refused):
    _check(FITS[fit][0], refused, FITS[fit][1])


@pytest.mark.skipif(not hasattr(Table, "read"), reason="tables do not yet say what stands in their way")
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("refused", IN_A_TABLE)
def test_an_option_that_an_error_of_the_table_advises_exists_there(fit, refused):
    _check(FITS[fit][0], refused, FITS[fit][1])


def test_counts_that_do_not_add_up_name_the_setting_that_helps():
    small, large = (BayesianNetwork("x1", schema=Schema.of({"x1": k})).count([[0]]) for k in (1, 2))
    with pytest.raises(InputError, match=r"BayesianNetwork\(schema=…\)"):
        small + large
    assert "schema" in inspect.signature(BayesianNetwork).parameters
