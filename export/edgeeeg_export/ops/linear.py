"""Linear: y[..., n] = bias[n] + sum_k x[..., k] weight[k, n], summed in the order of k, bias first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeeeg_export.kernels.choice import choose, emit
from edgeeeg_export.kernels.kernel import Kernel
from edgeeeg_export.ops.dense_kernels import linear_kernels
from edgeeeg_export.ops.matmul import MatMul
from edgeeeg_export.ops.op import CCall, Lowered, OnnxCall, OnnxNode, Op, lower_one, require
from edgeeeg_export.tensor import Array, TensorType


@dataclass(frozen=True, slots=True)
class Linear(Op):
    """Dense layer on the last axis: inputs x (..., k), weight (k, n) and, unless absent, bias (n,)."""

    @classmethod
    def from_matmul(cls, node: OnnxNode) -> Lowered:
        """MatMul: dense where the right operand is a constant matrix, else a general product."""
        if node.is_constant(1) and len(node.type(1).shape) == 2:
            return lower_one(cls(), node)
        return MatMul.from_onnx(node)

    @classmethod
    def from_gemm(cls, node: OnnxNode) -> Lowered:
        """Gemm with constant B and C; their scale factors and B's transposition go into the weights."""
        weight, bias = np.asarray(node.constant(1)), node.constant(2)
        if node.attribute("transB", 0):
            weight = weight.T
        inputs = [
            node.inputs[0],
            node.add_constant(weight * np.float32(node.attribute("alpha", 1.0)), "weight"),
        ]
        if bias is not None:
            scaled = np.broadcast_to(bias.ravel() * np.float32(node.attribute("beta", 1.0)), weight.shape[1:])
            inputs.append(node.add_constant(scaled, "bias"))
        return lower_one(cls(), node, tuple(inputs))

    def infer(self, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        """(..., n), on the time axis of x, which must not be the one that is summed."""
        x, weight = inputs[0], inputs[1]
        require(
            len(weight.shape) == 2 and x.shape[-1] == weight.shape[0],
            f"input {x.shape} does not match a weight of {weight.shape}",
        )
        require(
            x.time_axis is None or x.time_axis != len(x.shape) - 1,
            "it is dense over the time axis, so it needs its whole window; make it a causal convolution or a "
            "recurrent layer",
        )
        return (TensorType((*x.shape[:-1], weight.shape[1]), x.time_axis, x.samples_per_frame),)

    def macs(self, inputs: tuple[TensorType, ...]) -> int:
        """rows * k * n."""
        return inputs[0].size * inputs[1].shape[1]

    def run(
        self, inputs: tuple[Array, ...], states: tuple[Array, ...]
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Accumulate over k in order, all rows and outputs at once."""
        x, weight = inputs[0], inputs[1]
        y = np.zeros((*x.shape[:-1], weight.shape[1]), dtype=np.float32)
        if len(inputs) == 3:
            y[...] = inputs[2]  # not added to 0, which would turn a bias of -0 into +0
        for k in range(weight.shape[0]):
            y += x[..., k, None] * weight[k]
        return (y,), ()

    def kernels(self, inputs: tuple[TensorType, ...]) -> tuple[Kernel, ...]:
        """That of edgeeeg_dense.h."""
        k, n = inputs[1].shape
        return linear_kernels(inputs[0].size // k, k, n)

    def emit_c(self, call: CCall) -> str:
        """The kernel chosen."""
        return emit(choose(self.kernels(call.input_types)), call)

    def to_onnx(self, call: OnnxCall) -> None:
        """MatMul, and Add for the bias."""
        if len(call.inputs) == 2:
            call.builder.add("MatMul", call.inputs, call.outputs[0])
            return
        product = call.builder.add("MatMul", call.inputs[:2])
        call.builder.add("Add", (product, call.inputs[2]), call.outputs[0])
