"""QuantizedEventLinear: a dense layer of integers behind spikes of 0 and 1; see `EventLinear`."""

from __future__ import annotations

from dataclasses import dataclass

from edgeeeg_export.kernels.choice import scratch
from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.event_kernels import event_kernels
from edgeeeg_export.ops.op import require
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.tensor import TensorType


@dataclass(frozen=True, slots=True)
class QuantizedEventLinear(QuantizedLinear):
    """Inputs as of `QuantizedLinear`, x of int8; every element of x is 0 or 1."""

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As of any integers."""
        require(inputs[0].dtype == "int8", f"spikes are {inputs[0].dtype}; it takes int8")
        return QuantizedLinear.infer(self, inputs)

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """Events below the break-even of each family, the dense kernel above it."""
        k, n = inputs[1].shape
        (dense,) = QuantizedLinear.kernels(self, inputs)
        return event_kernels(dense, inputs[0].size // k, k, n, ("int8", self.width))

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """Where neurons fired."""
        return scratch(self.kernels(inputs))
