"""Fresh: an operator with state on a whole window, from its initial state each time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.op import CCall, OnnxCall, Op
from edgeeeg_export.ops.workspace import WorkArray, behind, definitions, planned_bytes, started
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Fresh(Op):
    """`op` on operands whose axes `axes` are the time that it walks over, without carrying anything."""

    op: Op
    axes: tuple[int | None, ...]

    @property
    def kind(self) -> str:
        """The name of what it runs."""
        return self.op.kind

    @property
    def core(self) -> Op:
        """What it runs."""
        return self.op.core

    def _timed(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The operands as the operator knows them."""
        pairs = zip(inputs, self.axes, strict=True)
        return tuple(TensorType(x.shape, axis, 0 if axis is None else 1, x.dtype) for x, axis in pairs)

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """What the operator gives, which varies in time no more."""
        produced = self.op.infer(self._timed(inputs))
        return tuple(TensorType(y.shape, dtype=y.dtype) for y in produced)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """As the operator."""
        return self.op.macs(self._timed(inputs))

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """From the initial state."""
        types = tuple(TensorType(np.shape(x), dtype=x.dtype.name) for x in inputs)  # type: ignore[arg-type]
        start = self.op.states(self._timed(types))
        return self.op.run(inputs, tuple(state.start() for state in start))[0], ()

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """As the operator."""
        return self.op.kernels(self._timed(inputs))

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """As the operator, and its state."""
        return planned_bytes(self._arrays(inputs)) + self.op.scratch(self._timed(inputs))

    def _arrays(self, inputs: tuple[TensorType, ...]) -> tuple[WorkArray, ...]:
        """The operator's states."""
        states = self.op.states(self._timed(inputs))
        return tuple(WorkArray(f"state{k}", state.size, state.dtype) for k, state in enumerate(states))

    def emit_c(self, call: CCall) -> str:
        """The operator on arrays that hold its state."""
        timed, arrays = self._timed(call.input_types), self._arrays(call.input_types)
        lines = definitions(arrays, call.scratch)
        for array, state in zip(arrays, self.op.states(timed), strict=True):
            lines += started(array, state.initial)
        inner = replace(
            call,
            states=tuple(array.name for array in arrays),
            input_types=timed,
            output_types=self.op.infer(timed),
            scratch=behind(call.scratch, planned_bytes(arrays)),
        )
        return "\n".join((*lines, self.op.emit_c(inner)))

    def to_onnx(self, call: OnnxCall) -> None:
        """The operator on constants; what it would carry is left unread."""
        timed = self._timed(call.input_types)
        start = self.op.states(timed)
        inner = replace(
            call,
            states=tuple(call.builder.constant(state.start(), state.dtype) for state in start),
            next_states=tuple(f"{call.outputs[0]}.unread.{k}" for k in range(len(start))),
            input_types=timed,
            output_types=self.op.infer(timed),
        )
        self.op.to_onnx(inner)
