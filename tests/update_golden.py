"""Write the generated C of a small model to tests/golden, to be reviewed as code: `make golden`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.sigmoid import Sigmoid
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets import c
from edgeeeg_export.tensor import TensorType

GOLDEN = Path(__file__).parent / "golden"
NAME = "golden"


def ramp(*shape: int) -> np.ndarray:
    """Weights that are the same floats on every machine: multiples of 1/16 around zero."""
    values = (np.arange(np.prod(shape)) * 7 % 13 - 6) / 16
    return values.astype(np.float32).reshape(shape)


def graph() -> Graph:
    """Two channels; a strided convolution, spikes, a dense layer, and a sum of a tensor and its part."""
    constants = {
        "conv.weight": ramp(3, 2, 4),
        "lif.beta": np.full(3, 0.75, dtype=np.float32),
        "lif.threshold": np.full(3, 0.5, dtype=np.float32),
        "dense.weight": ramp(3, 4),
        "dense.bias": ramp(4),
    }
    nodes = (
        Node("conv", Conv((2,), (1,), 1, (2, 0)), ("eeg", "conv.weight"), ("current",), "front.conv"),
        Node("turn", Transpose((0, 2, 1)), ("current",), ("frames",)),
        Node("lif", Lif(), ("frames", "lif.beta", "lif.threshold"), ("spikes",), "front.lif"),
        Node("dense", Linear(), ("spikes", "dense.weight", "dense.bias"), ("hidden",), "head.dense"),
        Node("positive", Softplus(), ("hidden",), ("rate",), "head.positive"),
        Node("first", Slice(2, 0, 1), ("rate",), ("gate",), "head.first"),
        Node("gated", Add(), ("rate", "gate"), ("sum",), "head.gated"),
        Node("squash", Sigmoid(), ("sum",), ("score",), "head.squash"),
    )
    return Graph(NAME, {"eeg": TensorType((1, 2, 8), 2, 1)}, ("score",), nodes, constants)


def generate() -> Mapping[str, str]:
    """The generated files by name, without the runtime headers, which are sources themselves."""
    files = c.emit(stream(graph()), lsb=0.125).files
    return {name: text for name, text in files.items() if name not in c.RUNTIME_HEADERS}


if __name__ == "__main__":
    for name, text in generate().items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
