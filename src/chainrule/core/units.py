"""Nats and bits: one conversion, written once."""

from __future__ import annotations

import math

__all__ = ["bits_per_dim", "nats_to_bits"]


def nats_to_bits(nats: float) -> float:
    """Nats to bits.

    >>> round(nats_to_bits(math.log(2)), 12)
    1.0
    """
    return nats / math.log(2)


def bits_per_dim(mean_log_prob_nats: float, n_variables: int) -> float:
    """Mean code length in bits per variable, from a mean log-probability in nats per row.

    >>> bits_per_dim(-784 * math.log(2), 784)
    1.0
    """
    return -nats_to_bits(mean_log_prob_nats) / n_variables
