"""Every rule catches a rewrite that breaks it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeeeg_export.errors import GraphError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.passes.verifier import verify
from edgeeeg_export.tensor import TensorType

X = {"x": TensorType((1, 2, 8), 2, 1)}
WEIGHT = {"w": np.ones((3, 2, 1), dtype=np.float32)}
CONV = Node("conv", Conv(), ("x", "w"), ("m",))
RELU = Node("relu", Relu(), ("m",), ("y",))
BEFORE = Graph("g", X, ("y",), (CONV, RELU), WEIGHT)


def rewritten(nodes=(CONV, RELU), inputs=None, outputs=("y",), constants=None):
    return Graph("g", X if inputs is None else inputs, outputs, nodes, WEIGHT | (constants or {}))


def test_a_rewrite_that_keeps_everything_passes():
    verify("none", BEFORE, rewritten())


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        (rewritten(inputs={"x": TensorType((1, 2, 9), 2, 1)}), "inputs were"),
        (rewritten(outputs=("y", "m")), "outputs were"),
        (
            rewritten((CONV, Node("flat", Reshape((3, -1)), ("m",), ("y",)))),
            "tensor 'y' was",
        ),
        (rewritten((replace(CONV, op=Conv((2,))), RELU)), "tensor 'm' was"),
        (rewritten(constants={"left": np.ones(1, dtype=np.float32)}), "nothing reads constant 'left'"),
        (
            rewritten(
                (replace(CONV, inputs=("x", "v")), RELU, Node("keep", Conv(), ("x", "w"), ("z",))),
                constants={"v": np.full((3, 2, 1), np.inf, dtype=np.float32)},
            ),
            "constant 'v' holds NaN or infinity",
        ),
        (
            rewritten((CONV, RELU, Node("again", Conv(), ("x", "w"), ("z",)))),
            "it takes 96 multiply-accumulates, where 48 were enough",
        ),
    ],
    ids=["input", "output", "type of output", "type of layer", "unread", "infinite", "work"],
)
def test_a_rule_that_is_broken_is_named(after, broken):
    with pytest.raises(GraphError, match=broken) as raised:
        verify("it", BEFORE, after)
    assert "rewrite 'it' is wrong for this model" in str(raised.value)
