"""The gain of the next sample in an exponentially weighted mean that is right from its first sample on.

w[t] = w[t-1] + α (1 - w[t-1]);  g[t] = α / w[t]

w is the sum of the weights α (1 - α)^k given so far. Source: Kingma and Ba 2015, arXiv 1412.6980, section 3.
"""

from __future__ import annotations

import numpy as np

from edgeeeg_export.ops.op import OnnxBuilder, require
from edgeeeg_export.tensor import Array, TensorType

ONE = np.float32(1.0)


def require_signal(x: TensorType, alpha: TensorType) -> None:
    """Raise GraphError unless x is (1, channels, time) and there is one α."""
    require(
        len(x.shape) == 3 and x.shape[0] == 1 and x.time_axis == 2,
        f"it expects (1, channels, time), not {x.shape}",
    )
    require(alpha.shape == (1,), f"its alpha is {alpha.shape}; expected (1,)")


def gains(alpha: Array, weight: Array, frames: int) -> tuple[Array, Array]:
    """The gain of each frame, (frames,), and the weight (1,) after the last."""
    each = np.empty(frames, dtype=np.float32)
    for t in range(frames):
        weight = weight + alpha * (ONE - weight)
        each[t] = (alpha / weight)[0]
    return each, weight


def gain_to_onnx(builder: OnnxBuilder, alpha: str, weight: str, following: str) -> str:
    """Sub, Mul, Add, Div: the gain (1,) of this frame; the weight (1,) after it is called `following`."""
    missing = builder.add("Sub", (builder.constant(1.0), weight))
    weight = builder.add("Add", (weight, builder.add("Mul", (alpha, missing))), following)
    return builder.add("Div", (alpha, weight))
