"""PerWindow: any operator without a time axis, run for one window after the other.

What takes a batch of windows as its batch does so; what merges the batch with another axis, or has none,
runs here on each window by itself, which lies along a new leading axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.op import CCall, OnnxCall, Op
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class PerWindow(Op):
    """`op` on operands (windows, …) where `varying` says so, and on constants."""

    op: Op
    varying: tuple[bool, ...]

    @property
    def kind(self) -> str:
        """The name of what it runs."""
        return self.op.kind

    @property
    def core(self) -> Op:
        """What it runs."""
        return self.op.core

    def _single(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The operands of one window."""
        pairs = zip(inputs, self.varying, strict=True)
        return tuple(_one(x) if varies else x for x, varies in pairs)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """(windows, …) of what the operator gives."""
        first = inputs[self.varying.index(True)]
        return tuple(
            TensorType((first.shape[0], *y.shape), 0, first.samples_per_frame, y.dtype)
            for y in self.op.infer(self._single(inputs))
        )

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """As often as there are windows."""
        windows = inputs[self.varying.index(True)].shape[0]
        return windows * self.op.macs(self._single(inputs))

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Window by window."""
        count = len(inputs[self.varying.index(True)])
        rows = []
        for window in range(count):
            pairs = zip(inputs, self.varying, strict=True)
            results, _ = self.op.run(tuple(x[window] if varies else x for x, varies in pairs), ())
            rows.append(tuple(np.asarray(y) for y in results))
        return tuple(np.stack(column) for column in zip(*rows, strict=True)), ()

    def view(self, inputs: tuple[TensorType, ...]) -> tuple[int, ...] | None:
        """As the operator, of one window."""
        one = self.varying[0] and inputs[0].shape[0] == 1
        return self.op.view(self._single(inputs)) if one else None

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """As the operator, of one window."""
        return self.op.kernels(self._single(inputs))

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """As the operator, of one window."""
        return self.op.scratch(self._single(inputs))

    def emit_c(self, call: CCall) -> str:
        """The operator: a step has one window."""
        outputs = tuple(_one(y) for y in call.output_types)
        return self.op.emit_c(replace(call, input_types=self._single(call.input_types), output_types=outputs))

    def to_onnx(self, call: OnnxCall) -> None:
        """The operator between reshapes: a step has one window."""
        add, constant = call.builder.add, call.builder.constant
        single = self._single(call.input_types)
        inputs = tuple(
            add("Reshape", (name, constant(list(type_.shape), "int64"))) if varies else name
            for name, type_, varies in zip(call.inputs, single, self.varying, strict=True)
        )
        outputs = tuple(f"{name}.single" for name in call.outputs)
        types = tuple(_one(y) for y in call.output_types)
        self.op.to_onnx(replace(call, inputs=inputs, outputs=outputs, input_types=single, output_types=types))
        for name, result, type_ in zip(outputs, call.outputs, call.output_types, strict=True):
            add("Reshape", (name, constant(list(type_.shape), "int64")), result)


def _one(x: TensorType) -> TensorType:
    """What one window of a tensor is."""
    return TensorType(x.shape[1:], dtype=x.dtype)
