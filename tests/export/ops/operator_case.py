"""One case of the operator tests: a small foreign ONNX model, and what such models are built of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from onnx import helper

N_TIMES = 48


@dataclass(frozen=True)
class Case:
    nodes: tuple
    weights: dict = field(default_factory=dict)
    n_chans: int = 3
    exact: bool = False
    """No rounding at all: equal to ONNX Runtime to the last bit."""


def node(op_type, inputs, outputs=("y",), domain="", **attributes):
    return helper.make_node(op_type, list(inputs), list(outputs), domain=domain, **attributes)


def weights(*shape, low=-1.0, high=1.0):
    return np.random.default_rng(sum(shape)).uniform(low, high, shape).astype(np.float32)


def i64(*values):
    return np.array(values, dtype=np.int64)


def transposed(*inner):
    """Nodes that see (1, time, channels), as a layer over features does."""
    return (node("Transpose", ["x"], ["frames"], perm=[0, 2, 1]), *inner)


def images(*inner, exact=False, **parameters):
    """Nodes that see five electrodes as an image (1, 1, electrodes, time)."""
    return Case(
        (node("Unsqueeze", ["x", "channel"], ["image"]), *inner),
        {"channel": i64(1), **parameters},
        n_chans=5,
        exact=exact,
    )


def unary(op_type, exact=False, **attributes):
    return Case((node(op_type, ["x"], **attributes),), exact=exact)
