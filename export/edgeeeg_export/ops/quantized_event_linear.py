"""QuantizedEventLinear: a dense layer of integers behind spikes of 0 and 1; see `EventLinear`."""

from __future__ import annotations

from dataclasses import dataclass

from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.dense_kernels import dense_kernels
from edgeeeg_export.ops.event_kernels import Dense, event_kernels
from edgeeeg_export.ops.op import require
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.quantmath import Width
from edgeeeg_export.tensor import TensorType


@dataclass(frozen=True, slots=True)
class QuantizedEventLinear(QuantizedLinear):
    """Inputs as of `QuantizedLinear`, x of int8; every element of x is 0 or 1."""

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of any integers."""
        require(inputs[0].dtype == "int8", f"spikes are {inputs[0].dtype}; it takes int8")
        return QuantizedLinear.infer(self, inputs)

    def dense(self, inputs: tuple[TensorType, ...]) -> Dense:
        """It, with its dense kernels."""
        k, n = inputs[1].shape
        widths: tuple[Width, Width] = ("int8", self.width)
        return Dense(inputs[0].size // k, k, n, widths, lambda rows: dense_kernels(rows, k, n, widths))

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """Events up to the break-even of each family, a dense kernel above it."""
        return event_kernels(self.dense(inputs))
