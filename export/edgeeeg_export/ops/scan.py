"""Scan: any recurrence, given as the operators of one step.

memory[t], y[t] = body(memory[t-1], x[t])

What torch's `scan` and the loops of other frameworks become, and what a cell's own kernel is held to. Source:
ONNX operator Scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeeeg_export.ops.op import CCall, Lowered, OnnxBuilder, OnnxCall, OnnxNode, Op, require
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.workspace import WorkArray, behind, definitions, planned_bytes, started
from edgeeeg_export.tensor import Array, State, TensorType


@dataclass(frozen=True, slots=True)
class Scan(Op):
    """Inputs are sequences, then constants of the body; outputs are sequences.

    Attributes
    ----------
    body : operators of one step, with the names of their operands and results.
    frames, axes : what the body calls a frame of each sequence, and the axis that it walks along.
    captured : what the body calls its constants.
    memories, following : what it calls its memories before and after a step.
    shapes, initial : of each memory; the values in order.
    results, result_axes : what it calls its results, and where their sequences have time.
    """

    body: Lowered
    frames: tuple[str, ...]
    axes: tuple[int, ...]
    captured: tuple[str, ...]
    memories: tuple[str, ...]
    following: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    initial: tuple[tuple[float, ...], ...]
    results: tuple[str, ...]
    result_axes: tuple[int, ...]

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """Scan forwards, from constant memories, whose last values nobody reads."""
        n_frames = node.attribute("num_scan_inputs", 0)
        n_memories = len(node.inputs) - n_frames
        n_results = len(node.outputs) - n_memories
        if any(node.attribute("scan_input_directions", ())) or any(
            node.attribute("scan_output_directions", ())
        ):
            raise node.refuse("it walks backwards; flip its operand and walk forwards")
        for k in range(n_memories):
            if node.used(k):
                raise node.refuse(
                    "its final state is that of a whole window; give out the state of every frame as a result"
                )
        starts = tuple(node.constant(k) for k in range(n_memories))
        shapes = tuple(np.shape(start) for start in starts if start is not None)
        axes = tuple(
            axis % len(node.type(n_memories + k).shape)
            for k, axis in enumerate(node.attribute("scan_input_axes", [0] * n_frames))
        )
        if not axes:
            raise node.refuse("it scans nothing; a loop of fixed length must be unrolled")
        types = tuple(TensorType(shape) for shape in shapes) + tuple(
            _frame(node.type(n_memories + k), axis) for k, axis in enumerate(axes)
        )
        body = node.body("body", types)
        produced = {name for _, _, results in body.operators for name in results}
        operators = list(body.operators)
        outputs = []
        for name in body.outputs:
            if name in produced:
                outputs.append(name)
                continue
            # a memory or result that is an operand as it is: of its own, so that nothing is overwritten early
            outputs.append(f"{name}.as_it_is.{len(outputs)}")
            operators.append((Reshape(body.shapes[name]), (name,), (outputs[-1],)))
        sequences = node.inputs[n_memories:]
        op = cls(
            body=tuple(operators),
            frames=body.inputs[n_memories:],
            axes=axes,
            captured=body.captured,
            memories=body.inputs[:n_memories],
            following=tuple(outputs[:n_memories]),
            shapes=shapes,
            initial=tuple(tuple(float(v) for v in np.ravel(start)) for start in starts if start is not None),
            results=tuple(outputs[n_memories:]),
            result_axes=tuple(
                axis % (len(body.shapes[name]) + 1)
                for name, axis in zip(
                    body.outputs[n_memories:],
                    node.attribute("scan_output_axes", [0] * n_results),
                    strict=True,
                )
            ),
        )
        return ((op, (*sequences, *body.captured), node.outputs[n_memories:]),)

    def _types(self, inputs: tuple[TensorType, ...]) -> dict[str, TensorType]:
        """Every tensor of one step by name."""
        n = len(self.frames)
        pairs = zip(self.frames, inputs, self.axes, strict=False)
        types = {name: _frame(type_, axis) for name, type_, axis in pairs}
        types |= dict(zip(self.captured, inputs[n:], strict=True))
        types |= {name: TensorType(shape) for name, shape in zip(self.memories, self.shapes, strict=True)}
        for op, operands, produced in self.body:
            types.update(zip(produced, op.infer(tuple(types[name] for name in operands)), strict=True))
        return types

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """Sequences as long as the first."""
        sequences = inputs[: len(self.frames)]
        length = sequences[0].shape[self.axes[0]]
        for type_, axis in zip(sequences, self.axes, strict=True):
            require(type_.shape[axis] == length, f"its sequences are {type_.shape[axis]} and {length} long")
            require(
                type_.time_axis in (None, axis),
                f"it walks along axis {axis} of {type_.shape}, and time is axis {type_.time_axis}",
            )
        require(
            len({type_.samples_per_frame for type_ in sequences}) == 1, "its sequences differ in frame rate"
        )
        types = self._types(inputs)
        for before, after, shape in zip(self.memories, self.following, self.shapes, strict=True):
            require(
                types[after].shape == shape, f"its memory '{before}' {shape} becomes {types[after].shape}"
            )
        first = sequences[0]
        produced = []
        for name, axis in zip(self.results, self.result_axes, strict=True):
            shape = types[name].shape
            time = None if first.time_axis is None else axis
            produced.append(TensorType((*shape[:axis], length, *shape[axis:]), time, first.samples_per_frame))
        return tuple(produced)

    def _carries(self, inputs: tuple[TensorType, ...]) -> bool:
        return inputs[0].time_axis is not None

    def states(self, inputs: tuple[TensorType, ...]) -> tuple[State, ...]:
        """The memories, where the sequences are time; elsewhere every call begins anew."""
        if not self._carries(inputs):
            return ()
        return tuple(
            State(f"memory_{k}", shape, values)
            for k, (shape, values) in enumerate(zip(self.shapes, self.initial, strict=True))
        )

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Those of the body, for every frame."""
        types = self._types(inputs)
        step = sum(op.macs(tuple(types[name] for name in operands)) for op, operands, _ in self.body)
        return inputs[0].shape[self.axes[0]] * step

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Step by step."""
        n = len(self.frames)
        memories = states or tuple(
            np.array(values, dtype=np.float32).reshape(shape)
            for values, shape in zip(self.initial, self.shapes, strict=True)
        )
        captured = dict(zip(self.captured, inputs[n:], strict=True))
        rows: list[tuple[Array, ...]] = []
        for t in range(inputs[0].shape[self.axes[0]]):
            tensors: dict[str, Array] = dict(captured)
            tensors.update(zip(self.memories, memories, strict=True))
            for name, value, axis in zip(self.frames, inputs, self.axes, strict=False):
                tensors[name] = np.ascontiguousarray(np.take(value, t, axis))
            for op, operands, produced in self.body:
                results, _ = op.run(tuple(tensors[name] for name in operands), ())
                tensors.update(zip(produced, map(np.asarray, results), strict=True))
            memories = tuple(tensors[name] for name in self.following)
            rows.append(tuple(tensors[name] for name in self.results))
        columns = zip(*rows, strict=True)
        stacked = tuple(np.stack(c, axis) for c, axis in zip(columns, self.result_axes, strict=True))
        return tuple(np.ascontiguousarray(y) for y in stacked), memories if states else ()

    def scratch(self, inputs: tuple[TensorType, ...]) -> int:
        """The larger tensors of a step, and as much as the most demanding operator of its body."""
        types = self._types(inputs)
        inner = (op.scratch(tuple(types[name] for name in operands)) for op, operands, _ in self.body)
        return planned_bytes(self._arrays(inputs)) + max(inner, default=0)

    def _arrays(self, inputs: tuple[TensorType, ...]) -> tuple[WorkArray, ...]:
        """Memories that are not carried, a frame of each sequence, and what the body computes."""
        types = self._types(inputs)
        own = [] if self._carries(inputs) else [len(values) for values in self.initial]
        return (
            *(WorkArray(f"memory_{k}", size) for k, size in enumerate(own)),
            *(WorkArray(f"frame_{k}", types[name].size) for k, name in enumerate(self.frames)),
            *(WorkArray(place, types[name].size) for name, place in self._local().items()),
        )

    def emit_c(self, call: CCall) -> str:
        """A loop over the frames, with every tensor of a step in an array of its own."""
        types, arrays = self._types(call.input_types), self._arrays(call.input_types)
        length = call.input_types[0].shape[self.axes[0]]
        scratch = behind(call.scratch, planned_bytes(arrays))
        pointers = dict(zip(self.captured, call.inputs[len(self.frames) :], strict=True))
        lines = definitions(arrays, call.scratch)
        memories = call.states or tuple(f"memory_{k}" for k in range(len(self.memories)))
        if not call.states:
            for name, values in zip(memories, self.initial, strict=True):
                lines += started(WorkArray(name, len(values)), values)
        pointers.update(zip(self.memories, memories, strict=True))
        step: list[str] = []
        read = {name for _, operands, _ in self.body for name in operands}
        for k, (name, type_, axis) in enumerate(zip(self.frames, call.input_types, self.axes, strict=False)):
            pointers[name] = f"frame_{k}"
            step += _each(type_.shape, axis, f"frame_{k}[j]", f"{call.inputs[k]}[%s]")
            if name not in read:  # a compiler would call it unused
                step.append(f"(void)frame_{k};")
        pointers.update(self._local())
        for op, operands, produced in self.body:
            inner = CCall(
                tuple(pointers[name] for name in operands),
                tuple(pointers[name] for name in produced),
                (),
                tuple(types[name] for name in operands),
                tuple(types[name] for name in produced),
                scratch,
            )
            step += ("{", *(f"    {line}" for line in op.emit_c(inner).splitlines()), "}")
        for name, axis, result, type_ in zip(
            self.results, self.result_axes, call.outputs, call.output_types, strict=True
        ):
            step += _each(type_.shape, axis, f"{result}[%s]", f"{pointers[name]}[j]")
        for place, name in zip(memories, self.following, strict=True):
            step += (
                f"for (size_t j = 0; j < {types[name].size}; j++) {{",
                f"    {place}[j] = {pointers[name]}[j];",
                "}",
            )
        loop = (f"for (size_t t = 0; t < {length}; t++) {{", *(f"    {line}" for line in step), "}")
        return "\n".join((*lines, *loop))

    def _local(self) -> dict[str, str]:
        """Names of arrays for what the body computes."""
        produced = (name for _, _, results in self.body for name in results)
        return {name: f"step_{k}" for k, name in enumerate(produced)}

    def to_onnx(self, call: OnnxCall) -> None:
        """A Scan over the same body."""
        types = self._types(call.input_types)
        n = len(self.frames)
        stem = call.outputs[0]
        memories = call.states or tuple(
            call.builder.constant(np.reshape(values, shape))
            for values, shape in zip(self.initial, self.shapes, strict=True)
        )
        nexts = call.next_states or tuple(f"{stem}.unread.{k}" for k in range(len(memories)))
        names = {name: f"{stem}.{name}" for name in types}
        names |= dict(zip(self.captured, call.inputs[n:], strict=True))

        def body(builder: OnnxBuilder) -> None:
            for op, operands, produced in self.body:
                inside = replace(
                    call,
                    builder=builder,
                    inputs=tuple(names[name] for name in operands),
                    outputs=tuple(names[name] for name in produced),
                    states=(),
                    next_states=(),
                    input_types=tuple(types[name] for name in operands),
                    output_types=tuple(types[name] for name in produced),
                )
                op.to_onnx(inside)

        call.builder.scan(
            body,
            [names[name] for name in (*self.memories, *self.frames)],
            [names[name] for name in (*self.following, *self.results)],
            (*memories, *call.inputs[:n]),
            (*nexts, *call.outputs),
            {},
            scan_input_axes=list(self.axes),
            scan_output_axes=list(self.result_axes),
        )


def _frame(type_: TensorType, axis: int) -> TensorType:
    """One frame of a sequence."""
    return TensorType((*type_.shape[:axis], *type_.shape[axis + 1 :]))


def _each(shape: Sequence[int], axis: int, target: str, source: str) -> Iterator[str]:
    """Copy frame t of a sequence: j counts the elements of the frame, %s stands for their place."""
    inner = int(np.prod(shape[axis + 1 :], dtype=np.int64))
    size = int(np.prod(shape, dtype=np.int64)) // shape[axis]
    place = f"(j / {inner} * {shape[axis]} + t) * {inner} + j % {inner}"
    yield f"for (size_t j = 0; j < {size}; j++) {{"
    yield f"    {target.replace('%s', place)} = {source.replace('%s', place)};"
    yield "}"
