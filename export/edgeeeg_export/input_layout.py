"""What a model calls its input: (batch, channels, time) here, and other orders and extra axes elsewhere.

A name such as `nc1t` lists the axes: n the batch, c the channels, t time, and 1 an axis of extent one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export.errors import CaptureError

if TYPE_CHECKING:
    import torch

OURS = "nct"
LAYOUTS = (OURS, "ntc", "n1ct", "nc1t", "nct1", "n1tc", "nt1c", "ntc1")


def require_layout(layout: str) -> str:
    """The layout itself.

    Raises
    ------
    CaptureError
        If it is none of `LAYOUTS`.
    """
    if layout not in LAYOUTS:
        raise CaptureError(f"'{layout}' is no layout: give one of {', '.join(LAYOUTS)} (see --help)")
    return layout


def layout_of(value: onnx.ValueInfoProto) -> str:
    """The layout of an input that nobody has named: `nct`, or with one more axis of extent one.

    Of the two other axes behind that of the batch the longer is taken for time.

    Raises
    ------
    CaptureError
        If that does not tell which axis is which.
    """
    sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in value.type.tensor_type.shape.dim]
    if len(sizes) != 4:
        return OURS
    ones = [axis for axis in (1, 2, 3) if sizes[axis] == 1]
    rest = [axis for axis in (1, 2, 3) if axis not in ones]
    if len(ones) != 1 or sizes[rest[0]] == sizes[rest[1]]:
        raise CaptureError(
            f"input '{value.name}' {sizes} does not tell which axis is time: pass --layout, one of "
            f"{', '.join(LAYOUTS)} (n batch, c channels, t time)"
        )
    time = max(rest, key=lambda axis: sizes[axis])
    return "n" + "".join("1" if axis in ones else "t" if axis == time else "c" for axis in (1, 2, 3))


def adapt_onnx(model: onnx.ModelProto, layout: str | None) -> onnx.ModelProto:
    """The model behind a transposition and a reshape of (1, channels, time), if it takes another layout."""
    weights = {tensor.name for tensor in model.graph.initializer}
    values = [value for value in model.graph.input if value.name not in weights]
    if len(values) != 1 or not values[0].type.HasField("tensor_type"):
        return model
    (value,) = values
    layout = layout_of(value) if layout is None else require_layout(layout)
    dims = value.type.tensor_type.shape.dim
    if layout == OURS:
        return model
    if len(dims) != len(layout):
        raise CaptureError(
            f"input '{value.name}' has {len(dims)} axes, and layout {layout} has {len(layout)}"
        )
    sizes = {axis: dim.dim_value for axis, dim in zip(layout, dims, strict=True)}
    outer, shape = f"{value.name}.{OURS}", f"{value.name}.shape"
    ordered, nodes = outer, []
    if layout.index("t") < layout.index("c"):
        ordered = f"{value.name}.ordered"
        nodes.append(helper.make_node("Transpose", [outer], [ordered], name=ordered, perm=[0, 2, 1]))
    nodes.append(helper.make_node("Reshape", [ordered, shape], [value.name], name=f"{value.name}.layout"))
    adapted = onnx.ModelProto()
    adapted.CopyFrom(model)
    extents = np.array([1 if axis in "n1" else sizes[axis] for axis in layout], dtype=np.int64)
    adapted.graph.initializer.append(numpy_helper.from_array(extents, shape))
    for node in reversed(nodes):
        adapted.graph.node.insert(0, node)
    at = next(k for k, given in enumerate(adapted.graph.input) if given.name == value.name)
    ours = helper.make_tensor_value_info(outer, TensorProto.FLOAT, [1, sizes["c"], sizes["t"]])
    adapted.graph.input[at].CopyFrom(ours)
    return adapted


def adapt_module(module: torch.nn.Module, layout: str) -> torch.nn.Module:
    """The module behind a view of (1, channels, time), if it takes another layout."""
    import torch

    if require_layout(layout) == OURS:
        return module
    transposed = layout.index("t") < layout.index("c")
    ones = [axis for axis, letter in enumerate(layout) if letter == "1"]

    class InLayout(torch.nn.Module):
        """A module with its input rearranged."""

        def __init__(self) -> None:
            super().__init__()
            self.model = module

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Take (batch, channels, time)."""
            x = x.transpose(1, 2) if transposed else x
            for axis in ones:
                x = x.unsqueeze(axis)
            result: torch.Tensor = self.model(x)
            return result

    return InLayout()
