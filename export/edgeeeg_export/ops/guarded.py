"""Guarded: an operator with state that sleeps while its input lies before the start of the recording.

Its delay is a whole number of steps; until they are over it gives zeros and its state stays as it began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.fixed_point_onnx import CODES
from edgeeeg_export.ops.op import CCall, OnnxBuilder, OnnxCall, Op
from edgeeeg_export.tensor import Array, DType, State, TensorType

ZERO: Mapping[DType, str] = MappingProxyType({"float32": "0.0f", "int8": "0", "int16": "0", "int32": "0"})
"""In C."""


@dataclass(frozen=True, slots=True)
class Guarded(Op):
    """Inputs of `op`, then the clock; `axes` and `result_axes` are those of time, None for a constant."""

    op: Op
    steps: int
    axes: tuple[int | None, ...]
    result_axes: tuple[int, ...]

    @property
    def kind(self) -> str:
        """The name of what it guards."""
        return self.op.kind

    @property
    def core(self) -> Op:
        """What it guards."""
        return self.op.core

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """As what it guards."""
        return self.op.infer(inputs[:-1])

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """As what it guards."""
        return self.op.states(inputs[:-1])

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """As what it guards."""
        return self.op.macs(inputs[:-1])

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Zeros for the steps before the start, the operator from there on."""
        clock, operands = inputs[-1], inputs[:-1]
        asleep = int((clock[:, 0] < self.steps).sum())
        if asleep == 0:
            return self.op.run(operands, states)

        def part(value: Array, axis: int | None, first: int, last: int) -> Array:
            """Steps first to last of an operand."""
            if axis is None:
                return value
            frames = value.shape[axis] // len(clock)
            return np.ascontiguousarray(np.take(value, range(first * frames, last * frames), axis))

        def steps(first: int, last: int) -> tuple[Array, ...]:
            return tuple(part(v, axis, first, last) for v, axis in zip(operands, self.axes, strict=True))

        before, _ = self.op.run(steps(0, 1), states)  # for the shapes alone
        zeros = tuple(
            np.concatenate([np.zeros_like(y)] * asleep, axis)
            for y, axis in zip(before, self.result_axes, strict=True)
        )
        if asleep == len(clock):
            return zeros, states
        results, after = self.op.run(steps(asleep, len(clock)), states)
        joined = zip(zeros, results, self.result_axes, strict=True)
        return tuple(np.concatenate([zero, y], axis) for zero, y, axis in joined), after

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """As what it guards."""
        return self.op.kernels(inputs[:-1])

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """As what it guards."""
        return self.op.scratch(inputs[:-1])

    def emit_c(self, call: CCall) -> str:
        """The operator behind a condition."""
        inner = replace(call, inputs=call.inputs[:-1], input_types=call.input_types[:-1])
        body = "\n".join(f"    {line}" for line in self.op.emit_c(inner).splitlines())
        zeros = "\n".join(
            f"    for (size_t i = 0; i < {type_.size}; i++) {{\n        {y}[i] = {ZERO[type_.dtype]};\n    }}"
            for y, type_ in zip(call.outputs, call.output_types, strict=True)
        )
        return f"if ({call.inputs[-1]}[0] < {self.steps}.0f) {{\n{zeros}\n}} else {{\n{body}\n}}"

    def to_onnx(self, call: OnnxCall) -> None:
        """The operator, and Where on its results and states."""
        add, constant = call.builder.add, call.builder.constant
        free = replace(
            call,
            inputs=call.inputs[:-1],
            input_types=call.input_types[:-1],
            outputs=tuple(f"{name}.free" for name in call.outputs),
            next_states=tuple(f"{name}.free" for name in call.next_states),
        )
        self.op.to_onnx(free)
        steps = add("Gather", (add("Squeeze", (call.inputs[-1],)), constant(0, "int64")))
        awake = add("GreaterOrEqual", (steps, constant(float(self.steps))))
        for result, name, type_ in zip(free.outputs, call.outputs, call.output_types, strict=True):
            nothing = constant(0, type_.dtype)
            _where_to_onnx(call.builder, awake, result, nothing, name, type_.dtype)
        kept = zip(free.next_states, call.states, call.next_states, strict=True)
        states = self.op.states(free.input_types)
        for (following, before, name), state in zip(kept, states, strict=True):
            _where_to_onnx(call.builder, awake, following, before, name, state.dtype)


def _where_to_onnx(builder: OnnxBuilder, awake: str, value: str, other: str, name: str, dtype: DType) -> None:
    """Where, of integers in int32: ONNX Runtime has it for no narrower ones of either sign."""
    if dtype == "float32":
        builder.add("Where", (awake, value, other), name)
        return
    wide = [builder.add("Cast", (each,), to=CODES["int32"]) for each in (value, other)]
    builder.add("Cast", (builder.add("Where", (awake, *wide)),), name, to=CODES[dtype])
