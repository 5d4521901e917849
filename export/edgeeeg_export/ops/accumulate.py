"""Sums of products of floats in one order: what edgeeeg_recurrent.h adds up term by term."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.tensor import Array


def accumulate(start: Array, values: Array, weight: Array) -> Array:
    """start + Σ_k values[..., k] weight[:, k], in the order of k; made for many rows at once."""
    total = start.copy()
    for k in range(weight.shape[1]):
        total += values[..., k, None] * weight[:, k]
    return total


def accumulate_step(start: Array, values: Array, weight: Array) -> Array:
    """The same sum in the same order, for the few rows of one step: a running sum is sequential."""
    terms = np.concatenate([start[..., None], values[..., None, :] * weight], axis=-1)
    total: Array = np.add.accumulate(terms, axis=-1)[..., -1]
    return total
