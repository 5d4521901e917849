"""Gemm: y = α A B + β C, each of A and B transposed or not; a dense layer where B and C are constant."""

from __future__ import annotations

import numpy as np

from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.matmul import MatMul
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Lowered, OnnxNode, Op
from edgeeeg_export.ops.transpose import Transpose


def from_onnx(node: OnnxNode) -> Lowered:
    """A dense layer, or transpositions, a product, scalings and an addition."""
    has_bias = len(node.inputs) == 3
    row_bias = not has_bias or (node.is_constant(2) and node.type(2).size in (1, node.type(2).shape[-1]))
    if node.is_constant(1) and row_bias and not node.attribute("transA", 0):
        return Linear.from_gemm(node)
    steps: list[tuple[Op, tuple[str, ...], tuple[str, ...]]] = []

    def step(op: Op, inputs: tuple[str, ...], purpose: str) -> str:
        steps.append((op, inputs, (f"{node.outputs[0]}.{purpose}",)))
        return f"{node.outputs[0]}.{purpose}"

    a, b = (
        step(Transpose((1, 0)), (name,), flag) if node.attribute(flag, 0) else name
        for name, flag in zip(node.inputs, ("transA", "transB"), strict=False)
    )
    y = step(MatMul(), (a, b), "product")
    alpha, beta = node.attribute("alpha", 1.0), node.attribute("beta", 1.0)
    if alpha != 1.0:
        y = step(Mul(), (y, node.add_constant(np.array(alpha), "alpha")), "scaled")
    if has_bias:
        bias = node.inputs[2]
        if beta != 1.0:
            bias = step(Mul(), (bias, node.add_constant(np.array(beta), "beta")), "bias")
        step(Add(), (y, bias), "sum")
    op, inputs, _ = steps.pop()
    return (*steps, (op, inputs, node.outputs))
