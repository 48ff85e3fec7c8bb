"""From rows to the log-odds of all components: train the network, read it at the points of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.models.latent_mixture.layout import Layout
from chainrule.models.latent_mixture.network import LatentNetwork
from chainrule.models.latent_mixture.plan import Plan
from chainrule.models.shared.own_torch import own_torch
from chainrule.models.shared.training import Recipe, train
from chainrule.tables.table import Table

__all__ = ["fit_log_odds"]


def fit_log_odds(
    layout: Layout,
    bias: NDArray[np.float64],
    table: Table,
    valid: Table | None,
    plan: Plan,
    n_components: int,
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """The log-odds (width, n_components) after training by ``plan`` from ``bias`` (width,), and what happened."""
    n = table.n_rows if table.weights is None else int(np.count_nonzero(table.weights))
    epochs, batch_size = plan.length(n)
    if not len(bias):  # every variable has one state: there is nothing to learn
        epochs_done = {
            "epochs": 0,
            "best_epoch": 0,
            "resumed_from_epoch": 0,
            "train_nll_nats": [],
            "valid_nll_nats": [],
        }
        return np.zeros((0, n_components), np.float32), epochs_done | {"seconds": 0.0, "warm_up_seconds": 0.0}
    streams = np.random.SeedSequence(plan.seed).generate_state(3)
    with own_torch():
        network = LatentNetwork(
            layout,
            bias,
            latent=plan.latent,
            hidden=plan.hidden,
            n_points=plan.n_points,
            n_looked=2 * plan.n_points,
            seed=int(streams[0]),
            generator=torch.Generator().manual_seed(int(streams[1])),
        )
        recipe = Recipe(
            epochs,
            batch_size,
            plan.learning_rate,
            plan.weight_decay,
            int(streams[2]),
            plan.run_dir,
            plan.settings,
        )
        info = train(
            network,
            table.codes,
            None if valid is None else valid.codes,
            recipe,
            weights=table.weights,
            valid_weights=None if valid is None else valid.weights,
        )
        with torch.no_grad():
            return network.log_odds(network.points(n_components)).numpy(), info
