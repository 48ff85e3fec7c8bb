"""Held-out nats as a score: what the networks themselves give those rows, and searches that find the best."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import InputError, ValuesError
from chainrule.models import BayesianNetwork, exact_search, hill_climb
from chainrule.models.bayesian_network.structure.held_out import held_out_scores
from chainrule.tables import Table
from tests.models.test_structure_learning import every_graph, random_table


def held_out_by_networks(train, judges, dag, settings):
    model = BayesianNetwork(dag, schema=train.schema, **settings).fit(train)
    weights = np.ones(judges.n_rows) if judges.weights is None else judges.weights
    return float(model.log_prob(Table(judges.schema, judges.codes)) @ weights)


@pytest.mark.parametrize("prior", ["cell", "bdeu"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_graph_scores_what_its_network_gives_rows_that_it_was_not_fitted_to(prior, weighted):
    table = random_table(3, 4, 90, weighted)
    train, judges = table[:60], table[60:]
    settings = {"pseudocount": 1.5, "prior": prior}
    for search in (hill_climb, exact_search):
        found = search(train, score="held-out", valid=judges, **settings)
        expected = held_out_by_networks(train, judges, found.dag_, settings)
        assert found.fit_info_["score_nats"] == pytest.approx(expected, rel=1e-12)


def test_folds_judge_each_row_once_by_all_other_folds():
    table = random_table(4, 4, 50)
    settings = {"pseudocount": 2.0, "prior": "bdeu"}
    scores = held_out_scores(table, None, folds=5, rng=np.random.default_rng(7), **settings)
    fold = np.random.default_rng(7).permutation(50) % 5
    names = table.schema.names
    for parents in every_graph(4)[::90]:
        dag = {names[v]: [names[u] for u in range(4) if above >> u & 1] for v, above in enumerate(parents)}
        text = "; ".join([*names, *(f"{u} -> {v}" for v, above in dag.items() for u in above)])
        expected = sum(
            held_out_by_networks(table[fold != f], table[fold == f], text, settings) for f in range(5)
        )
        assert scores.total([int(p) for p in parents]) == pytest.approx(expected, rel=1e-12)


def test_no_graph_scores_better_than_the_one_that_exact_search_finds():
    table = random_table(6, 4, 60)
    scores = held_out_scores(
        table, None, folds=5, rng=np.random.default_rng(0).spawn(1)[0], pseudocount=4.0, prior="bdeu"
    )
    best = max(scores.total([int(p) for p in parents]) for parents in every_graph(4))
    found = exact_search(table, score="held-out").fit_info_["score_nats"]
    assert found == pytest.approx(best, rel=1e-12)
    assert hill_climb(table, score="held-out").fit_info_["score_nats"] <= found + 1e-6


def test_what_cannot_be_judged_is_refused_with_what_to_do():
    table = random_table(1, 3, 20)
    for more, error, match in (
        ({"score": "bic", "valid": table}, InputError, "leave it out"),
        ({"score": "held-out", "pseudocount": 0}, InputError, "pseudocount above 0"),
        ({"score": "held-out", "folds": 21}, InputError, "set folds"),
        ({"score": "held-out", "folds": 1}, InputError, "folds"),
        ({"score": "held-out", "valid": np.full((1, 3), np.nan)}, ValuesError, "valid has a missing value"),
    ):
        for search in (hill_climb, exact_search):
            with pytest.raises(error, match=match):
                search(table, **more)
