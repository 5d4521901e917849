"""Cell: a recurrence over frames, whose step is one node with a state in and a state out.

In the one-step ONNX model that node is a call of a function, `edgeeeg::KindStep(frame, …, state) -> (y,
next state)`, whose body is the step in standard operators: ONNX Runtime runs it, `onnx.inliner` takes it
apart for others. A hop of several frames is a Scan over that node.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import fields, replace
from typing import ClassVar

from edgeeeg_export.ops.op import OnnxBuilder, OnnxCall, Op
from edgeeeg_export.tensor import TensorType


class Cell(Op):
    """An operator that walks over time and carries its state; `window_axes` says where time is.

    Its outputs have time where its first operand has it. Operands that vary in time have batch 1 as axis 0.
    """

    __slots__ = ()
    operands: ClassVar[tuple[str, ...]]
    """What the operands are called in the function; the last of them may be left out."""
    results: ClassVar[tuple[str, ...]] = ("y",)

    @abstractmethod
    def step_to_onnx(self, call: OnnxCall) -> None:
        """Add nodes in standard operators that compute one frame.

        Operands and results that vary in time come without their batch and time axes.
        """

    def to_onnx(self, call: OnnxCall) -> None:
        """The node of one step; for several frames a Scan over it."""
        axes = self.window_axes[: len(call.inputs)]
        types = call.input_types
        varying = tuple(k for k, axis in enumerate(axes) if axis is not None)
        time = axes[varying[0]] or 0
        frames = types[varying[0]].shape[time]
        add, constant = call.builder.add, call.builder.constant
        frame_types = tuple(
            type_ if axis is None else _frame(type_, axis) for type_, axis in zip(types, axes, strict=True)
        )
        result_types = tuple(_frame(type_, time) for type_ in call.output_types)
        one = replace(call, input_types=frame_types, output_types=result_types)
        memories = tuple(state.name for state in self.states(types))
        if frames == 1:
            inputs = tuple(
                name if axis is None else add("Squeeze", (name, constant([0, axis], "int64")))
                for name, axis in zip(call.inputs, axes, strict=True)
            )
            results = tuple(f"{name}.frame" for name in call.outputs)
            self._call_step(replace(one, inputs=inputs, outputs=results), memories)
            for result, name in zip(results, call.outputs, strict=True):
                add("Unsqueeze", (result, constant([0, time], "int64")), name)
            return
        batch = constant([0], "int64")
        sequences = tuple(add("Squeeze", (call.inputs[k], batch)) for k in varying)
        stem = call.outputs[0]
        inner = tuple(
            f"{stem}.{self.operands[k]}" if k in varying else name for k, name in enumerate(call.inputs)
        )
        one = replace(
            one,
            inputs=inner,
            outputs=tuple(f"{stem}.{name}" for name in self.results),
            states=tuple(f"{stem}.{name}" for name in memories),
            next_states=tuple(f"{stem}.{name}_next" for name in memories),
        )
        rows = tuple(f"{name}.frames" for name in call.outputs)
        memory_types = tuple(state.dtype for state in self.states(types))
        call.builder.scan(
            lambda builder: self._call_step(replace(one, builder=builder), memories),
            (*one.states, *(inner[k] for k in varying)),
            (*one.next_states, *one.outputs),
            (*call.states, *sequences),
            (*call.next_states, *rows),
            dict(zip((*one.states, *one.next_states), memory_types * 2, strict=True))
            | {inner[k]: types[k].dtype for k in varying}
            | {name: type_.dtype for name, type_ in zip(one.outputs, call.output_types, strict=True)},
            scan_input_axes=[(axes[k] or 0) - 1 for k in varying],
            scan_output_axes=[time - 1] * len(rows),
        )
        for row, name in zip(rows, call.outputs, strict=True):
            add("Unsqueeze", (row, batch), name)

    def _call_step(self, call: OnnxCall, states: tuple[str, ...]) -> None:
        """The node of one step, and its function where the model has none yet."""
        nexts = tuple(f"{name}_next" for name in states)
        operands = self.operands[: len(call.inputs)]

        def body(inside: OnnxBuilder) -> None:
            formal = replace(
                call, builder=inside, inputs=operands, outputs=self.results, states=states, next_states=nexts
            )
            self.step_to_onnx(formal)

        # every attribute: what the state means is named in the graph
        attributes = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        call.builder.call(
            f"{self.kind}Step",
            body,
            (*operands, *states),
            (*self.results, *nexts),
            (*call.inputs, *call.states),
            (*call.outputs, *call.next_states),
            {name: int(value) if isinstance(value, bool) else value for name, value in attributes.items()},
        )


def _frame(type_: TensorType, time: int) -> TensorType:
    """One frame of a tensor, without its batch and time axes."""
    shape = tuple(n for axis, n in enumerate(type_.shape) if axis not in (0, time))
    return TensorType(shape, dtype=type_.dtype)
