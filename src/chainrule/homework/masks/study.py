"""Problem 6: masks that turn an autoencoder into an autoregressive model, worked by hand and proved."""

from __future__ import annotations

import numpy as np
import torch

from chainrule.core.records import StudyRecord
from chainrule.graphs import DAG
from chainrule.homework.context import StudyContext
from chainrule.homework.masks.claims import claims
from chainrule.homework.masks.numbers import break_rules, count_solutions, prove, work_larger
from chainrule.homework.masks.page import broken_part, count_part, larger_part, proof_part, worked_part
from chainrule.homework.masks.worked_masks import explain_masks
from chainrule.models.made.network import MADENetwork
from chainrule.models.shared.ordering import variable_names

__all__ = ["study"]

_ORDER, _HIDDEN = "x2,x4,x1,x3", [4, 4]

_LARGER = [(1, [3]), (16, [8, 8]), (784, [500]), (784, [500, 500]), (784, [8000])]


def study(context: StudyContext) -> StudyRecord:
    """Work four inputs in the order x2, x4, x1, x3; prove the masks twice; break each rule; count solutions."""
    rng = np.random.default_rng([context.seed, 6])
    e = explain_masks(_ORDER, _HIDDEN)
    dag = DAG.fully_connected([variable_names(e.ordering.size)[i] for i in e.ordering])
    network = MADENetwork(
        e.ordering, e.degrees, generator=torch.Generator().manual_seed(int(rng.integers(2**31)))
    ).double()
    proof = prove(e, dag, network, rng)
    broken = break_rules(e, network)
    counts = count_solutions(e)
    larger = [work_larger(d, hidden, rng) for d, hidden in _LARGER]
    return StudyRecord(
        problem="6",
        title="Masks for an autoregressive autoencoder",
        asks="Find masks that make an autoencoder of four inputs autoregressive in the order x2, x4, x1, x3, "
        "in detail, and show that they do what they should. The solution is not unique.",
        blocks=[
            *worked_part(e),
            *proof_part(e, dag, proof),
            *broken_part(broken),
            *count_part(counts),
            *larger_part(larger),
        ],
        numbers={
            "example": e.to_plain(),
            "proof": proof,
            "broken": broken,
            "solutions": counts,
            "larger": larger,
        },
        claims=claims(e, proof, broken, counts),
    )
