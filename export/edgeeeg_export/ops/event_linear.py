"""EventLinear: a dense layer behind spikes of 0 and 1, whose kernel adds the weights of neurons that fired.

y[..., n] = bias[n] + sum_k x[..., k] weight[k, n], to the last bit as `Linear`, for a bias other than -0.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeeeg_export.kernels.choice import scratch
from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.dense_kernels import linear_kernels
from edgeeeg_export.ops.event_kernels import Dense, event_kernels
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.tensor import TensorType


@dataclass(frozen=True, slots=True)
class EventLinear(Linear):
    """Inputs as of `Linear`; every element of x is 0 or 1."""

    def dense(self, inputs: tuple[TensorType, ...]) -> Dense:
        """It, with its dense kernels."""
        k, n = inputs[1].shape
        rows = inputs[0].size // k
        return Dense(rows, k, n, ("float32", "float32"), lambda count: linear_kernels(count, k, n))

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """Events up to the break-even of each family, a dense kernel above it."""
        return event_kernels(self.dense(inputs))

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """Where neurons fired."""
        return scratch(self.kernels(inputs))
