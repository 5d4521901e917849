"""MatMul: y[..., m, n] = Σ_k a[..., m, k] b[..., k, n], summed in the order of k; batches broadcast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.ops.loop_nest import element, nest
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, require
from edgeeeg_export.ops.pointwise import broadcast_strides
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.tensor import Array, TensorType

REMEDY = "sum over channels or features; over time use a recurrent layer"


@dataclass(frozen=True, slots=True)
class MatMul(Op):
    """Product of two tensors of two axes or more; `Linear` is that with a constant matrix on the right."""

    @classmethod
    def from_onnx(cls, node: OnnxNode) -> Lowered:
        """MatMul; an operand of one axis is a row on the left and a column on the right."""
        ranks = [len(node.type(k).shape) for k in range(2)]
        result = node.outputs[0] if min(ranks) > 1 else f"{node.outputs[0]}.matrix"
        before: list[tuple[Op, tuple[str, ...], tuple[str, ...]]] = []
        operands = list(node.inputs)
        for k, axis in ((0, 0), (1, 1)):
            if ranks[k] > 1:
                continue
            width = node.type(k).shape[0]
            shape = (1, width) if axis == 0 else (width, 1)
            if node.is_constant(k):
                operands[k] = node.add_constant(np.asarray(node.constant(k)).reshape(shape), f"operand{k}")
            else:
                operands[k] = f"{node.outputs[0]}.operand{k}"
                before.append((Reshape(shape), (node.inputs[k],), (operands[k],)))
        product = (cls(), tuple(operands), (result,))
        if min(ranks) > 1:
            return (*before, product)
        a, b = (node.type(k).shape for k in range(2))
        if any(node.type(k).time_axis is not None for k in range(2)):
            raise node.refuse("an operand of one axis beside time is not supported; make it a matrix")
        batch = np.broadcast_shapes(a[:-2], b[:-2])
        shape = (*batch, *(a[-2:-1] if ranks[0] > 1 else ()), *(b[-1:] if ranks[1] > 1 else ()))
        return (*before, product, (Reshape(shape), (result,), node.outputs))

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """The broadcast batch, rows of a, columns of b; time may be any of them, but of one operand's."""
        a, b = inputs
        require(
            min(len(a.shape), len(b.shape)) >= 2 and a.shape[-1] == b.shape[-2],
            f"shapes {a.shape} and {b.shape} do not multiply",
        )
        try:
            batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            require(False, f"the batches of {a.shape} and {b.shape} do not broadcast")
        shape = (*batch, a.shape[-2], b.shape[-1])
        if self.obstacle(inputs) is not None:
            return (TensorType(shape),)  # summed over time
        bases = {
            (type_.time_axis - len(type_.shape), type_.samples_per_frame)
            for type_ in inputs
            if type_.time_axis is not None
        }
        require(len(bases) <= 1, "both operands vary in time, and not on one batch axis; this is attention")
        if not bases:
            return (TensorType(shape),)
        ((axis, samples_per_frame),) = bases
        still = [t for t in inputs if t.time_axis is None and len(t.shape) >= -axis]
        require(
            axis >= -2 or all(t.shape[axis] == 1 for t in still),
            "it multiplies by a constant that differs from frame to frame; use one for all",
        )
        return (TensorType(shape, len(shape) + axis, samples_per_frame),)

    def obstacle(self, inputs: tuple[TensorType, ...]) -> str | None:
        """A sum over time."""
        a, b = inputs
        if a.time_axis == len(a.shape) - 1 or b.time_axis == len(b.shape) - 2:
            return f"it sums {a.shape} and {b.shape} over time, so it needs its whole window; {REMEDY}"
        return None

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """Outputs times k."""
        return self.infer(inputs)[0].size * inputs[0].shape[-1]

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Accumulate over k in order, all outputs at once."""
        a, b = inputs
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        y = np.zeros((*batch, a.shape[-2], b.shape[-1]), dtype=np.float32)
        for k in range(a.shape[-1]):
            y += a[..., :, k, None] * b[..., k, None, :]
        return (y,), ()

    def emit_c(self, call: CCall) -> str:
        """The dense kernel of edgeeeg_kernels.h for every matrix of the batch."""
        a, b = (type_.shape for type_ in call.input_types)
        y = call.output_types[0].shape
        batch = y[:-2]
        sizes = (a[-2] * a[-1], b[-2] * b[-1], y[-2] * y[-1])
        offsets = [
            element([stride * size for stride in broadcast_strides(shape[:-2], batch)])
            for shape, size in zip((a, b, y), sizes, strict=True)
        ]
        at = [
            pointer if offset == "0" else f"{pointer} + {offset}"
            for pointer, offset in zip((*call.inputs, *call.outputs), offsets, strict=True)
        ]
        return nest(batch, (f"edgeeeg_linear({at[0]}, {at[1]}, 0, {at[2]}, {a[-2]}, {a[-1]}, {b[-1]});",))

    def to_onnx(self, call: OnnxCall) -> None:
        """MatMul."""
        call.builder.add("MatMul", call.inputs, call.outputs[0])
