"""What LSTM, GRU and RNN share: directions, layouts, and a state carried from call to call.

Every sum starts from its bias and adds the inputs in order, then the hidden values in order. A forward layer
that walks over time carries its state, so chunks equal the whole. One that walks over another axis (time is
then the batch), or backwards, starts every call from its initial state.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgeeeg_export.ops.accumulate import accumulate, accumulate_step
from edgeeeg_export.ops.op import CCall, OnnxCall, OnnxNode, Op, require
from edgeeeg_export.ops.workspace import WorkArray, definitions, planned_bytes, started
from edgeeeg_export.tensor import Array, DType, State, TensorType

Memory = tuple[Array, ...]
"""One array (batch, hidden) per memory: h, and c of an LSTM."""

Parameters = tuple[Array, ...]
"""Weights of inputs, weights of hidden values and bias of one direction."""

ALL = slice(None)

DIRECTIONS = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
"""Per direction: whether it walks backwards."""


@dataclass(frozen=True, slots=True)
class Recurrence(Op):
    """Inputs x, W (directions, gates hidden, inputs), R (directions, gates hidden, hidden) and bias.

    In layout 0 x is (steps, batch, inputs) and y (steps, directions, batch, hidden); in layout 1 they are
    (batch, steps, inputs) and (batch, steps, directions, hidden). `outputs` are y and, where asked for, the
    memories after the last step. `initial` has a row of values per memory, (directions, batch, hidden) in
    order; without it they are 0.
    """

    direction: str = "forward"
    layout: int = 0
    outputs: tuple[str, ...] = ("y",)
    initial: tuple[tuple[float, ...], ...] = ()
    gates: ClassVar[int]
    biases: ClassVar[int]
    """Values of bias, and of the sums that the kernel works in, in units of the hidden size."""
    operands: ClassVar[int] = 4
    """How many its inputs are."""
    memories: ClassVar[tuple[str, ...]] = ("h",)
    activations: ClassVar[tuple[str, ...]]
    kernel: ClassVar[str]

    @classmethod
    def attributes(cls, node: OnnxNode) -> dict[str, Any]:
        """Fields that only this kind of layer has."""
        return {}

    @classmethod
    def merge(cls, bias: Array, hidden: int) -> Array:
        """ONNX's biases of inputs and of hidden values, added where both enter one sum."""
        half = cls.gates * hidden
        return bias[:, :half] + bias[:, half:]

    def drive(self, x: Array, parameters: Parameters) -> Array:
        """Bias and inputs (steps, batch, inputs) of all steps: (steps, batch, gates hidden)."""
        weight, _, bias = parameters
        return accumulate(np.broadcast_to(bias[: len(weight)], (*x.shape[:2], len(weight))), x, weight)

    def past(self, start: Array, h: Array, parameters: Parameters, rows: slice = ALL) -> Array:
        """The sum that goes on from `start` over the hidden values, for some rows of their weights."""
        return accumulate_step(start, h, parameters[1][rows])

    def drive_to_onnx(self, call: OnnxCall, x: str, bias: str, weights: Sequence[str]) -> str:
        """The same sum over inputs, of one step: Gemm."""
        return call.builder.add("Gemm", (x, weights[0], bias), transB=1)

    def past_to_onnx(
        self, call: OnnxCall, start: str, h: str, weights: Sequence[str], rows: slice = ALL
    ) -> str:
        """The same sum over hidden values: Gemm."""
        return call.builder.add("Gemm", (h, rows_to_onnx(call, weights[1], rows), start), transB=1)

    @abstractmethod
    def cell(self, drive: Array, memory: Memory, parameters: Parameters) -> Memory:
        """The memories after one step; `drive` (batch, gates hidden) is bias and inputs, summed."""

    @abstractmethod
    def cell_to_onnx(
        self, call: OnnxCall, x: str, memory: Sequence[str], weights: Sequence[str]
    ) -> tuple[str, ...]:
        """One step of (batch, inputs) in standard operators: names of the memories after it."""

    @property
    def backwards(self) -> tuple[bool, ...]:
        """Per direction, whether it walks backwards."""
        return DIRECTIONS[self.direction]

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """y, then the final memories."""
        x, weight, recurrent, bias = inputs
        directions, rows, hidden = recurrent.shape
        require(
            len(x.shape) == 3
            and weight.shape == (directions, rows, x.shape[2])
            and rows == self.gates * hidden
            and bias.shape == (directions, self.biases * hidden)
            and directions == len(self.backwards),
            f"input {x.shape} does not match weights {weight.shape} and {recurrent.shape}, {self.direction}",
        )
        require(x.time_axis != 2, "it is dense over the time axis; make time the axis that it walks over")
        steps, batch = x.shape[self.layout], x.shape[1 - self.layout]
        over_batch = x.time_axis == 1 - self.layout
        if self.layout == 0:
            y, final = (steps, directions, batch, hidden), (directions, batch, hidden)
        else:
            y, final = (batch, steps, directions, hidden), (batch, directions, hidden)
        # the batch comes third in y and second in the final memories, or first in both
        axis_of_batch = (2, 1) if self.layout == 0 else (0, 0)
        time = axis_of_batch if over_batch else (x.time_axis, None)
        finals = (TensorType(final, time[1], x.samples_per_frame if over_batch else 0),)
        return (TensorType(y, time[0], x.samples_per_frame, self.result), *finals * (len(self.outputs) - 1))

    @property
    def result(self) -> DType:
        """What y is made of."""
        return "float32"

    def result_of(self, h: Array) -> Array:
        """y of one step."""
        return h

    def c_result(self, h: str) -> str:
        """The same of one element in C."""
        return h

    def result_to_onnx(self, call: OnnxCall, frames: Sequence[str], axis: int) -> None:
        """y of every step, along an axis, under the name of the output: Concat."""
        call.builder.add("Concat", frames, call.outputs[0], axis=axis)

    def settled(self, memory: Memory) -> Memory:
        """What the next step finds of the memories that a step has made."""
        return memory

    def stored(self, memory: Memory) -> Memory:
        """Memories as the states have them."""
        return memory

    def restored(self, states: Memory) -> Memory:
        """Memories of the states."""
        return states

    def found_to_onnx(self, call: OnnxCall, memory: Sequence[str], t: int, d: int) -> tuple[str, ...]:
        """What a step finds of the memories that the step before left."""
        return tuple(memory)

    def settled_to_onnx(self, call: OnnxCall, memory: Sequence[str]) -> tuple[str, ...]:
        """What the next step finds of the memories."""
        return tuple(memory)

    def stored_to_onnx(self, call: OnnxCall, memory: Sequence[str]) -> tuple[str, ...]:
        """Memories as the states have them."""
        return tuple(memory)

    def restored_to_onnx(self, call: OnnxCall, states: Sequence[str]) -> tuple[str, ...]:
        """Memories of the states."""
        return tuple(states)

    def carries(self, x: TensorType) -> bool:
        """Whether its state goes from call to call."""
        return self.direction == "forward" and x.time_axis == self.layout

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """A direction that begins at the end, or a result that exists at the end only."""
        if inputs[0].time_axis != self.layout:
            return None
        if self.direction != "forward":
            return f"its direction is {self.direction}, so it needs its whole window; use a forward layer"
        if len(self.outputs) > 1:
            return (
                "its final state (Y_h, Y_c) is that of a whole window; read Y at every frame: its last frame "
                "is Y_h"
            )
        return None

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The memories, (batch, hidden) each, where they are carried."""
        x, hidden = inputs[0], inputs[2].shape[2]
        if not self.carries(x):
            return ()
        values: tuple[float | tuple[float, ...], ...] = self.initial or (0.0,) * len(self.memories)
        shape = (x.shape[1 - self.layout], hidden)
        return tuple(State(name, shape, v) for name, v in zip(self.memories, values, strict=True))

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Every weight once per step and row of the batch."""
        x = inputs[0]
        return x.shape[0] * x.shape[1] * (inputs[1].size + inputs[2].size)

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step by step; the sums over inputs of all steps are made at once."""
        y, after, _ = self._walk(inputs, states)
        nexts = self.stored(tuple(after[:, 0])) if states else ()
        if self.layout == 1:
            y, after = y.transpose(2, 0, 1, 3), after.transpose(0, 2, 1, 3)
        finals = tuple(after[self.memories.index(name.removeprefix("final_"))] for name in self.outputs[1:])
        return tuple(np.ascontiguousarray(value) for value in (y, *finals)), nexts

    def trajectory(self, inputs: tuple[Array, ...], states: tuple[Array, ...]) -> tuple[Array, ...]:
        """What every step finds of each memory, in the shape of y, of a run from these states."""
        *_, before = self._walk(inputs, states)
        order = (0, 1, 2, 3) if self.layout == 0 else (2, 0, 1, 3)
        return tuple(np.ascontiguousarray(memory.transpose(order)) for memory in before)

    def _walk(self, inputs: tuple[Array, ...], states: tuple[Array, ...]) -> tuple[Array, Array, Array]:
        """y (steps, directions, batch, hidden), and memories behind the last step and in front of each."""
        x = np.moveaxis(inputs[0], self.layout, 0)
        (steps, batch, _), (directions, _, hidden) = x.shape, inputs[2].shape
        y = np.empty((steps, directions, batch, hidden), dtype=self.result)
        after = np.empty((len(self.memories), directions, batch, hidden), dtype=np.float32)
        before = np.empty((len(self.memories), *y.shape), dtype=np.float32)
        starts = np.zeros_like(after)
        if self.initial:
            starts[...] = np.array(self.initial, dtype=np.float32).reshape(
                len(starts), directions, -1, hidden
            )
        for d, backwards in enumerate(self.backwards):
            memory = self.restored(states) if states else tuple(starts[:, d])
            parameters = tuple(value[d] for value in inputs[1:])
            drive = self.drive(x, parameters)
            for t in reversed(range(steps)) if backwards else range(steps):
                before[:, t, d] = memory
                memory = self.settled(self.cell(drive[t], memory, parameters))
                y[t, d] = self.result_of(memory[0])
            after[:, d] = memory
        return y, after, before

    def emit_c(self, call: CCall) -> str:
        """One call of the cell's kernel in edgeeeg_recurrent.h per step and row of the batch."""
        x, (directions, _, hidden) = call.input_types[0], call.input_types[2].shape
        steps, batch, width = x.shape[self.layout], x.shape[1 - self.layout], x.shape[2]
        row = f"t * {batch} + b" if self.layout == 0 else f"b * {steps} + t"
        arrays = self.c_arrays(call.input_types)
        lines = definitions(arrays, call.scratch)
        for d, backwards in enumerate(self.backwards):
            own = tuple(f"{name}{d}" for name in self.memories)
            memory = self.c_memories(call, own)
            if not call.states:
                lines += self._c_start(d, memory, batch * hidden, directions)
            lines += self.c_restored(call, memory)
            operands = (
                f"{call.inputs[0]} + ({row}) * {width}",
                *(
                    f"{pointer} + {d * (type_.size // directions)}"
                    for pointer, type_ in zip(call.inputs[1:], call.input_types[1:], strict=True)
                ),
                *(f"{name} + b * {hidden}" for name in memory),
                *(array.name for array in self.c_work(hidden)),
                str(width),
                str(hidden),
                *self.c_arguments(call),
            )
            place = (
                f"(t * {directions} + {d}) * {batch} + b"
                if self.layout == 0
                else f"(b * {steps} + t) * {directions} + {d}"
            )
            lines += (
                f"for (size_t i = 0; i < {steps}; i++) {{",
                f"    const size_t t = {f'{steps - 1} - i' if backwards else 'i'};",
                f"    for (size_t b = 0; b < {batch}; b++) {{",
                f"        {self.kernel}({', '.join(operands)});",
                *(f"        {line}" for line in self.c_settled(memory, hidden)),
                f"        for (size_t j = 0; j < {hidden}; j++) {{",
                f"            {call.outputs[0]}[({place}) * {hidden} + j] = "
                f"{self.c_result(f'{memory[0]}[b * {hidden} + j]')};",
                "        }",
                "    }",
                "}",
            )
            for name, result in zip(self.outputs[1:], call.outputs[1:], strict=True):
                source = memory[self.memories.index(name.removeprefix("final_"))]
                at = f"{d} * {batch} + b" if self.layout == 0 else f"b * {directions} + {d}"
                lines += (
                    f"for (size_t b = 0; b < {batch}; b++) {{",
                    f"    for (size_t j = 0; j < {hidden}; j++) {{",
                    f"        {result}[({at}) * {hidden} + j] = {source}[b * {hidden} + j];",
                    "    }",
                    "}",
                )
            lines += self.c_stored(call, memory)
        return "\n".join(lines)

    def c_memories(self, call: CCall, own: tuple[str, ...]) -> tuple[str, ...]:
        """Where the kernel finds the memories: the states, or arrays of its own where it carries none."""
        return call.states or own

    def c_restored(self, call: CCall, memory: tuple[str, ...]) -> tuple[str, ...]:
        """Statements in front of the first step, if memories are not what is carried."""
        return ()

    def c_settled(self, memory: tuple[str, ...], hidden: int) -> tuple[str, ...]:
        """Statements behind each step of row b."""
        return ()

    def c_stored(self, call: CCall, memory: tuple[str, ...]) -> tuple[str, ...]:
        """Statements behind the last step."""
        return ()

    def c_work(self, hidden: int) -> tuple[WorkArray, ...]:
        """What the kernel works in, in the order of its arguments."""
        return (WorkArray("gates", self.biases * hidden),)

    def c_arrays(self, inputs: tuple[TensorType, ...]) -> tuple[WorkArray, ...]:
        """All arrays of a call: what the kernel works in, and memories that are no states as they are."""
        x, hidden = inputs[0], inputs[2].shape[2]
        size = x.shape[1 - self.layout] * hidden
        own: tuple[str, ...] = ()
        if not self.carries(x) or self.converts_states:
            own = tuple(f"{name}{d}" for d in range(len(self.backwards)) for name in self.memories)
        return (*self.c_work(hidden), *(WorkArray(name, size) for name in own))

    @property
    def converts_states(self) -> bool:
        """Whether the kernel's memories are other numbers than the states."""
        return False

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """The larger ones of its arrays."""
        return planned_bytes(self.c_arrays(inputs))

    def c_arguments(self, call: CCall) -> tuple[str, ...]:
        """Further arguments of the kernel."""
        return ()

    def _c_start(self, d: int, names: Sequence[str], size: int, directions: int) -> list[str]:
        """Initial values of the memories of a layer that carries none."""
        lines = []
        for k, name in enumerate(names):
            values: float | list[float] = 0.0
            if self.initial:
                values = np.array(self.initial[k], dtype=np.float32).reshape(directions, size)[d].tolist()
            lines += started(WorkArray(name, size), values)
        return lines

    def to_onnx(self, call: OnnxCall) -> None:
        """The cell in standard operators, unrolled over the steps of a hop."""
        add, constant = call.builder.add, call.builder.constant
        steps, n = call.input_types[0].shape[self.layout], len(self.backwards)
        results: list[list[str]] = [[""] * n for _ in range(steps)]
        finals: list[tuple[str, ...]] = []
        # y is (steps, directions, batch, hidden) or (batch, steps, directions, hidden)
        axis_of_steps, axis_of_directions = (0, 1) if self.layout == 0 else (1, 2)
        both = constant([axis_of_steps, axis_of_directions], "int64")
        for d, backwards in enumerate(self.backwards):
            weights = [
                add("Gather", (name, constant(d, "int64")), axis=0) for name in call.inputs[1 : self.operands]
            ]
            memory: tuple[str, ...] = ()
            if len(call.inputs) == self.operands:
                memory = self._start_to_onnx(call, d)
            for t in reversed(range(steps)) if backwards else range(steps):
                x = add("Gather", (call.inputs[0], constant(t, "int64")), axis=self.layout)
                memory = self.cell_to_onnx(call, x, self.found_to_onnx(call, memory, t, d), weights)
                memory = self.settled_to_onnx(call, memory)
                results[t][d] = add("Unsqueeze", (memory[0], both))
            finals.append(memory)
        frames = [add("Concat", row, axis=axis_of_directions) for row in results]
        self.result_to_onnx(call, frames, axis_of_steps)
        for name, result in zip(self.outputs[1:], call.outputs[1:], strict=True):
            k = self.memories.index(name.removeprefix("final_"))
            axis = constant([self.layout], "int64")
            add("Concat", [add("Unsqueeze", (f[k], axis)) for f in finals], result, axis=self.layout)
        nexts = self.stored_to_onnx(call, finals[0]) if call.states else ()
        for name, following in zip(nexts, call.next_states, strict=True):
            add("Identity", (name,), following)

    def _start_to_onnx(self, call: OnnxCall, d: int) -> tuple[str, ...]:
        """The memories of the states, or the initial ones of a direction that carries none."""
        if call.states:
            return self.restored_to_onnx(call, call.states)
        directions, _, hidden = call.input_types[2].shape
        batch = call.input_types[0].shape[1 - self.layout]
        rows = self.initial or ((0.0,) * (directions * batch * hidden),) * len(self.memories)
        return tuple(call.builder.constant(np.reshape(row, (directions, batch, hidden))[d]) for row in rows)


def rows_to_onnx(call: OnnxCall, name: str, rows: slice) -> str:
    """Some rows of a matrix, or elements of a vector."""
    if rows == ALL:
        return name
    extent = call.input_types[2].shape[1]
    first, last, _ = rows.indices(extent)
    bounds = [call.builder.constant([value], "int64") for value in (first, last, 0)]
    return call.builder.add("Slice", (name, *bounds))
