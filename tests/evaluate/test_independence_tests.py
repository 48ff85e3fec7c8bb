"""Tests of independence against SciPy, definitions, and data whose truth is known."""

from __future__ import annotations

import json
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2, chi2_contingency

import chainrule
from chainrule import evaluate
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.records import dump_json
from chainrule.evaluate import check_independencies, conditional_independence_test
from chainrule.evaluate import independence_tests as tests
from chainrule.evaluate.contingency import joint_codes, relabel
from chainrule.graphs import DAG
from chainrule.tables import Schema, Table


@st.composite
def tables(draw: st.DrawFn, *, missing: bool = False) -> Table:
    """Up to 60 rows of four columns of 2 to 4 states; small states, so that strata and margins are often empty."""
    n = draw(st.integers(1, 60))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 5, 4)
    codes = np.column_stack([rng.choice(k, n, p=rng.dirichlet(np.ones(k))) for k in sizes])
    if missing:
        codes[rng.random(codes.shape) < 0.2] = -1
    states = [[str(s) for s in range(k)] for k in sizes]
    return Table(Schema.of(dict(zip("abcd", states, strict=True))), codes)


def _strata(table, x, y, z):
    """Dense tables of the strata that occur, without empty rows and columns: the definition, by dictionary."""
    dense: dict[tuple, dict[tuple, int]] = {}
    columns = [table.select(names).codes.tolist() if names else [[]] * table.n_rows for names in (x, y, z)]
    for i, j, k in zip(*columns, strict=True):
        if -1 not in (*i, *j, *k):
            cells = dense.setdefault(tuple(k), {})
            cells[tuple(i), tuple(j)] = cells.get((tuple(i), tuple(j)), 0) + 1
    for cells in dense.values():
        rows, cols = sorted({i for i, _ in cells}), sorted({j for _, j in cells})
        yield np.array([[cells.get((i, j), 0) for j in cols] for i in rows])


@given(tables(missing=True), st.sampled_from(["g", "chi2"]), st.sampled_from([0.0, 1.0, 5.0]))
def test_statistics_are_those_of_scipy_summed_over_the_strata(table, statistic, min_expected):
    for x, y, z in (("a", "b", ""), ("a", "b", "c"), ("a", "bc", "d"), ("ab", "c", ""), ("d", "a", "bc")):
        total, dof, n, sparse = 0.0, [], 0, 0
        for dense in _strata(table, x, y, z):
            if min(dense.shape) > 1:
                which = "log-likelihood" if statistic == "g" else "pearson"
                found = chi2_contingency(dense, correction=False, lambda_=which)
                expected = found.expected_freq
                if (expected >= min_expected).mean() < 0.8 or expected.min() < min_expected / 5:
                    sparse += dense.sum()
                    continue
                total += found.statistic
                dof.append(found.dof)
            else:
                dof.append(0)
            n += dense.sum()
        test = tests.conditional_independence_test(
            table, tuple(x), tuple(y), tuple(z), statistic=statistic, min_expected=min_expected
        )
        assert (test.n, test.n_sparse, test.dof) == (n, sparse, sum(dof))
        assert [d for d, strata in test.dof_by_stratum for _ in range(strata)] == sorted(dof)
        assert test.n_missing == table.n_rows - n - sparse
        assert test.statistic == pytest.approx(total, rel=1e-9, abs=1e-9)  # sums in another order
        assert (test.verdict == "untestable") == (sum(dof) == 0) == bool(test.reason)


@given(tables())
def test_g_is_two_n_times_the_conditional_mutual_information(table):
    def entropy(names):
        _, counts = np.unique(table.select(names).codes, axis=0, return_counts=True)
        p = counts / counts.sum()
        return -(p * np.log(p)).sum()

    test = tests.conditional_independence_test(table, "a", ["b", "c"], "d", min_expected=0)
    cmi = entropy("ad") + entropy("bcd") - entropy("d") - entropy("abcd")
    assert test.n == table.n_rows
    assert test.cmi_nats == pytest.approx(cmi, abs=1e-10)  # differences of entropies
    assert test.statistic == pytest.approx(2 * table.n_rows * test.cmi_nats, abs=1e-10)


def test_many_given_variables_cost_no_more_than_their_rows():
    rng = np.random.default_rng(0)
    n, many = 2000, 40  # 10^40 configurations: more than 64 bits can number
    z = np.repeat(rng.integers(0, 10, (n // 100, many)), 100, axis=0)
    codes = np.hstack([rng.integers(0, 2, (n, 2)), z])
    table = Table(Schema.of_sizes([2, 2, *[10] * many]), codes)
    test = tests.conditional_independence_test(table, "x1", "x2", table.schema.names[2:])
    assert (test.n_strata, test.dof, test.n) == (20, 20, n)
    assert test.statistic == pytest.approx(
        sum(
            chi2_contingency(dense, correction=False, lambda_="log-likelihood").statistic
            for dense in _strata(table, ["x1"], ["x2"], table.schema.names[2:])
        )
    )


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([51, 10_000]))
def test_relabelling_keeps_order_and_equality(values, size):
    codes, n = relabel(np.array(values), size)
    assert sorted(set(codes.tolist())) == list(range(n))
    for i, a in enumerate(values):
        for j, b in enumerate(values):
            assert (a < b) == (codes[i] < codes[j])


def test_joint_codes_tell_all_joint_states_apart():
    rng = np.random.default_rng(0)
    columns = [rng.integers(0, 1000, 500) for _ in range(9)]
    columns += columns  # the second half adds nothing
    joint = joint_codes(columns, [1000] * 18, 500)
    assert len(np.unique(joint)) == len(np.unique(np.column_stack(columns), axis=0))


def _exact_p(row, column):
    """P(G at least as large) over all 2 x 2 tables with these margins, by the hypergeometric distribution."""

    def n_log_n(a):
        cells = np.array([a, row[0] - a, column[0] - a, row[1] - column[0] + a], float)
        return sum(k * np.log(k) for k in cells if k)

    possible = range(max(0, column[0] - row[1]), min(row[0], column[0]) + 1)
    weights = {a: comb(row[0], a) * comb(row[1], column[0] - a) for a in possible}
    return lambda seen: (
        sum(w for a, w in weights.items() if n_log_n(a) >= n_log_n(seen) - 1e-9) / sum(weights.values())
    )


@pytest.mark.parametrize("seen", [2, 4, 6, 7])
def test_permutation_p_values_are_the_exact_ones(seen):
    cells = np.array([[seen, 9 - seen], [8 - seen, 3 + seen]])
    x, y = (np.repeat(a.ravel(), cells.ravel()) for a in np.indices((2, 2)))
    exact = _exact_p((9, 11), (8, 12))(seen)
    draws = 20_000
    p = tests.conditional_independence_test(
        {"x": x, "y": y}, "x", "y", statistic="permutation", n_permutations=draws, rng=seen
    ).p_value
    assert p == pytest.approx(exact, abs=5 * np.sqrt(exact / draws) + 1 / draws)  # five standard errors


def test_drawing_tables_is_shuffling_within_strata():
    rng = np.random.default_rng(1)
    z = np.repeat([0, 1, 2], [20, 30, 5])
    x, y = rng.integers(0, 3, 55), rng.integers(0, 2, 55)
    table = {"x": x, "y": y, "z": z}

    def g(y):
        return tests.conditional_independence_test({**table, "y": y}, "x", "y", "z", min_expected=0).statistic

    shuffles = 2000
    seen = g(y)
    keys = rng.random((shuffles, 55)) + z  # sorting them shuffles within the strata, which are in order
    at_least = sum(g(y[order]) >= seen - 1e-9 for order in np.argsort(keys, axis=1))
    p = tests.conditional_independence_test(
        table, "x", "y", "z", statistic="permutation", n_permutations=20_000, rng=0
    ).p_value
    assert p == pytest.approx(at_least / shuffles, abs=5 * np.sqrt(p * (1 - p) / shuffles))


def _within(count, n, level):
    """Whether a count of n events of probability ``level`` is one that happens: one in 10,000 is not."""
    low, high = binom.ppf([5e-5, 1 - 5e-5], n, level)
    return low <= count <= high


@pytest.mark.parametrize(("statistic", "repeats"), [("g", 2000), ("chi2", 2000), ("permutation", 1000)])
def test_false_alarms_of_one_test_come_at_the_stated_rate(statistic, repeats):
    rng = np.random.default_rng(5)
    p_values = []
    for _ in range(repeats):
        z = rng.integers(0, 3, 600)
        x, y = (rng.random((2, 600)) < np.array([0.3, 0.5, 0.6])[z]).astype(int) + rng.integers(
            0, 2, (2, 600)
        )
        table = Table.read(np.column_stack([x, y, z]))
        test = tests.conditional_independence_test(
            table, "x1", "x2", "x3", statistic=statistic, n_permutations=199, rng=rng
        )
        p_values.append(test.p_value)
    for level in (0.01, 0.05, 0.2, 0.5):
        assert _within(sum(p <= level for p in p_values), repeats, level), level


def test_a_permutation_test_errs_at_most_at_the_stated_rate_on_few_rows():
    rng = np.random.default_rng(6)
    rejected, untestable = 0, 0
    for _ in range(1000):
        table = Table(Schema.of_sizes([3, 3]), rng.integers(0, 3, (12, 2)))
        test = tests.conditional_independence_test(
            table, "x1", "x2", statistic="permutation", n_permutations=99, rng=rng
        )
        rejected += test.verdict == "contradicted"
        untestable += tests.conditional_independence_test(table, "x1", "x2").verdict == "untestable"
    assert rejected <= binom.ppf(1 - 1e-4, 1000, 0.05)
    assert untestable == 1000  # 12 rows cannot have 80 % of nine cells expect five


def test_holm_errs_anywhere_at_most_at_the_stated_rate():
    rng = np.random.default_rng(7)
    dag, repeats = DAG.empty([*"ABCDEF"]), 300
    wrong = 0
    for _ in range(repeats):
        table = dict(zip("ABCDEF", rng.integers(0, 2, (6, 300)), strict=True))
        wrong += bool(tests.check_independencies(dag, table).missing_edges_blamed)
    assert wrong <= binom.ppf(1 - 1e-4, repeats, 0.05)


def test_benjamini_hochberg_keeps_the_share_of_wrong_discoveries():
    rng = np.random.default_rng(8)
    dag, repeats, shares, found = DAG.empty([*"ABCDEF"]), 300, [], 0
    for _ in range(repeats):
        columns = rng.integers(0, 2, (6, 300))
        columns[1::2] = columns[::2] ^ (rng.random((3, 300)) < 0.35)  # A-B, C-D and E-F depend
        table = dict(zip("ABCDEF", columns, strict=True))
        report = tests.check_independencies(dag, table, correction="bh")
        pairs = {(b.x, b.y) for b in report.missing_edges_blamed}
        right = pairs & {("A", "B"), ("C", "D"), ("E", "F")}
        shares.append(1 - len(right) / max(len(pairs), 1) if pairs else 0.0)
        found += len(right)
    assert np.mean(shares) <= 0.05 + 4 * np.std(shares) / np.sqrt(repeats)  # four standard errors
    assert found > 0.8 * 3 * repeats


def _sampled(n, rng):
    """Rows of A -> B -> D <- C <- A, D -> E, with B noisy, C and D noisy ors."""

    def flip(p_one):
        return (rng.random(n) < p_one).astype(int)

    a = flip(0.5)
    b = flip(np.where(a, 0.8, 0.3))
    c = flip(np.where(a, 0.3, 0.7))
    d = flip(np.where(b | c, 0.8, 0.1) - 0.3 * (b & ~c & 1))
    e = flip(np.where(d, 0.9, 0.2))
    return {"A": a, "B": b, "C": c, "D": d, "E": e}


TRUTH = DAG.parse("A -> {B C} -> D -> E")


@pytest.mark.parametrize("missing", TRUTH.edges)
def test_the_edge_that_a_model_lacks_is_blamed_first(missing):
    rows = _sampled(4000, np.random.default_rng(9))
    right = tests.check_independencies(TRUTH, rows)
    assert {t.verdict for t in right.tests} == {"consistent"}
    wrong = DAG([e for e in TRUTH.edges if e != missing], nodes=TRUTH.nodes)
    first = tests.check_independencies(wrong, rows).missing_edges_blamed[0]
    assert {first.x, first.y} == set(missing)
    assert first.share_contradicted == 1
    assert first.weakest_nats > 0.005


def test_pairs_are_ranked_by_share_and_then_by_what_no_separator_takes_away():
    rows = _sampled(4000, np.random.default_rng(10))
    report = tests.check_independencies(DAG.parse("A -> B; C; D -> E"), rows)
    keys = [(-b.share_contradicted, -b.weakest_nats) for b in report.missing_edges_blamed]
    assert keys == sorted(keys)
    for b in report.missing_edges_blamed:
        group = [t for t in report.tests if {*t.x, *t.y} == {b.x, b.y}]
        assert b.n_contradicted == sum(t.verdict == "contradicted" for t in group) > 0
        assert b.weakest_nats == min(t.excess_nats for t in group)
        assert b.n_contradicted + b.n_consistent + b.n_untestable == len(group)


@pytest.mark.parametrize("kind", ["missing_edge", "local", "ordered", "all_pairs"])
def test_each_kind_tests_each_pair_of_its_own_statements_once(kind):
    rows = _sampled(3000, np.random.default_rng(11))
    report = tests.check_independencies(TRUTH, rows, kind=kind)
    tested = [(frozenset(t.x + t.y), frozenset(t.given)) for t in report.tests]
    implied = {
        (frozenset((x, y)), frozenset(s.given))
        for s in TRUTH.implied_independencies(kind)
        for x in s.x
        for y in s.y
    }
    assert len(tested) == len(implied)
    assert set(tested) == implied
    wrong = tests.check_independencies(DAG.parse("A -> {B C}; D -> E; D"), rows, kind=kind)
    blamed = {frozenset((b.x, b.y)) for b in wrong.missing_edges_blamed}
    assert blamed >= {frozenset("BD"), frozenset("CD")}


def test_a_set_is_tested_as_one_variable_which_sees_what_no_pair_shows():
    rng = np.random.default_rng(20)
    a, b = rng.integers(0, 2, (2, 500))
    table = {"a": a, "b": b, "c": a ^ b}
    verdicts = [tests.conditional_independence_test(table, "c", y).verdict for y in ("a", "b", ["a", "b"])]
    assert verdicts == ["consistent", "consistent", "contradicted"]


def test_latent_nodes_need_no_column_and_are_in_no_statement():
    rows = _sampled(3000, np.random.default_rng(12))
    hidden = DAG(TRUTH.edges, nodes=TRUTH.nodes, latent=["D"])
    del rows["D"]
    for kind in ("missing_edge", "local", "ordered", "all_pairs"):
        report = tests.check_independencies(hidden, rows, kind=kind)
        assert all("D" not in (*t.x, *t.y, *t.given) for t in report.tests)
        assert report.tests or kind == "local"
    with pytest.raises(UnknownNameError, match="there is no column 'D'"):
        tests.check_independencies(TRUTH, rows)


def test_untestable_statements_say_why():
    n = 400
    rng = np.random.default_rng(13)
    rows = {
        "A": rng.integers(0, 2, n).astype(float),
        "B": rng.integers(0, 2, n).astype(float),
        "constant": np.zeros(n),
        "rare": np.arange(n) == 0,
        "never": np.full(n, np.nan),
    }
    rows["A"][: n // 2] = np.nan
    rows["B"][n // 2 :] = np.nan
    table = Table(
        Schema.of(dict.fromkeys(rows, 2)),
        np.column_stack([np.where(np.isnan(c), -1, c) for c in map(np.float64, rows.values())]).astype(
            np.int32
        ),
    )
    reasons = {(t.x[0], t.y[0]): t.reason for t in tests.check_independencies(DAG.empty(rows), table).tests}
    assert reasons["A", "B"] == "no row has a value for each of its variables"
    assert reasons["A", "constant"] == "one side has only one value"
    assert reasons["B", "rare"] == "no stratum where both sides vary expects 5 rows in 80 % of its cells"
    copies = np.repeat([[0, 0, 0], [1, 1, 1]], 50, axis=0)
    test = tests.conditional_independence_test(copies, "x1", "x2", "x3")
    assert test.reason == "in no stratum do both sides take two values"
    assert test.text() == f"x1 ⟂ x2 | x3: untestable, {test.reason}"


def test_untestable_statements_do_not_count_in_the_correction():
    rng = np.random.default_rng(14)
    rows = {"A": rng.integers(0, 2, 300), "B": rng.integers(0, 2, 300), "C": np.zeros(300, int)}
    report = tests.check_independencies(DAG.empty([*"ABC"]), rows)
    assert [t.verdict for t in report.tests] == ["consistent", "untestable", "untestable"]
    assert report.tests[0].p_corrected == report.tests[0].p_value


def test_permutation_tests_are_seeded_each_statement_from_its_own_stream():
    rows = _sampled(300, np.random.default_rng(15))

    def p_values(**settings):
        report = tests.check_independencies(TRUTH, rows, statistic="permutation", correction=None, **settings)
        return [t.p_value for t in report.tests]

    assert p_values(rng=3) == p_values(rng=3) != p_values(rng=4)
    assert p_values(rng=3, limit=2) == p_values(rng=3)[:2]


def test_a_limit_is_told():
    rows = _sampled(300, np.random.default_rng(16))
    n = len(TRUTH.implied_independencies())
    assert tests.check_independencies(TRUTH, rows, limit=n).complete
    cut = tests.check_independencies(TRUTH, rows, limit=n - 1)
    assert (len(cut.tests), cut.complete) == (n - 1, False)
    assert "cut off by the limit" in cut.text()


def test_reports_read_well_and_become_plain_data():
    rows = _sampled(1000, np.random.default_rng(17))
    report = tests.check_independencies(DAG.parse("A; B; C; D; E"), rows, correction="bh")
    text = report.text(most=2)
    assert text.startswith(
        "10 statements (missing_edge), G test on 1,000 rows, alpha 0.05, Benjamini-Hochberg"
    )
    assert "… and" in text
    assert "a common cause that nobody measured" in text
    plain = json.loads(dump_json(report.to_rows()))
    assert plain[0]["x"] == ["A"]
    assert [row["p_value"] for row in plain] == [t.p_value for t in report.tests]
    fine = tests.check_independencies(TRUTH, rows).text()
    assert "0 contradicted" in fine
    assert "common cause" not in fine


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"statistic": "t"}, "statistic must be one of"),
        ({"correction": "bonferroni"}, "correction must be"),
        ({"alpha": 0}, "alpha must lie between 0 and 1"),
        ({"alpha": 1.0}, "alpha must lie between 0 and 1"),
        ({"min_expected": -1}, "min_expected"),
        ({"limit": 0}, "limit"),
        ({"n_permutations": 0}, "n_permutations"),
        ({"kind": "markov"}, "kind must be one of"),
        ({"statistic": "permutation", "n_permutations": 50}, "take at least 119"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        tests.check_independencies(TRUTH, _sampled(50, np.random.default_rng(18)), **settings)


def test_statements_that_make_no_sense_are_refused():
    rows = _sampled(50, np.random.default_rng(19))
    for x, y, z in (("A", "A", ()), ("A", "B", "A"), ((), "B", ()), ("A", (), ())):
        with pytest.raises(InputError, match="must not overlap"):
            tests.conditional_independence_test(rows, x, y, z)
    with pytest.raises(UnknownNameError):
        tests.conditional_independence_test(rows, "A", "Z")
    with pytest.raises(InputError, match="dag must be a DAG or its text, got a list"):
        tests.check_independencies([("A", "B")], rows)  # type: ignore[arg-type]


def test_the_report_says_how_many_rows_were_used_and_why_not_all():
    rng = np.random.default_rng(21)
    rows = {name: rng.integers(2, size=400).astype(object) for name in "ABC"}
    assert "\neach test used all 400 rows\n" in tests.check_independencies("A; B; C", rows).text() + "\n"
    rows["C"][:199] = None
    told = tests.check_independencies("A; B; C", rows).text().splitlines()
    assert told[2] == "tests used 201 to 400 of 400 rows; left out were 0 to 199 because a value is missing"
    half = {name: rng.integers(2, size=200) for name in "AB"}
    small = {"A": [0, 1, 0, 1, 0], "B": [0, 0, 1, 1, 0]}  # 40 strata of five rows beside one of 200
    rows = {name: np.append(half[name], np.tile(small[name], 40)) for name in "AB"}
    rows["C"] = np.repeat(np.arange(41), [200, *[5] * 40])
    told = tests.check_independencies("A <- C -> B", rows).text().splitlines()
    assert told[2] == (
        "tests used 200 of 400 rows; left out were 200 because the stratum is too small for the approximation"
    )
    assert (
        "rows" not in tests.check_independencies("A; B", {"A": [1, 1], "B": [1, 2]}).text().split("\n", 1)[1]
    )


def test_the_functions_are_exported_where_they_are_looked_for():
    assert chainrule.check_independencies is evaluate.check_independencies is tests.check_independencies
    assert all(getattr(evaluate, name) for name in evaluate.__all__)
    with pytest.raises(AttributeError):
        evaluate.test_independencies  # noqa: B018


def test_the_text_of_a_dag_is_as_good_as_the_dag():
    rows = _sampled(300, np.random.default_rng(20))
    assert tests.check_independencies(TRUTH.to_text(), rows) == tests.check_independencies(TRUTH, rows)


def test_rows_with_weights_are_refused_rather_than_counted_once():
    table = Table(Schema.of({"a": 2, "b": 2}), [[0, 0], [1, 1], [0, 1]], [2.0, 1.0, 3.0])
    with pytest.raises(InputError, match="rows with weights cannot be tested; give each row as often"):
        check_independencies("a; b", table)
    with pytest.raises(InputError, match="rows with weights cannot be tested"):
        conditional_independence_test(table, "a", "b")


def test_p_values_are_those_of_the_chi_square_distribution():
    rows = np.random.default_rng(0).integers(0, [2, 3, 4], (300, 3))
    found = conditional_independence_test(rows, "x1", "x2", "x3")
    assert found.p_value == pytest.approx(chi2.sf(found.statistic, found.dof), rel=1e-12)
