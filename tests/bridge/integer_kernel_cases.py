"""Cases of every kernel of integer layers: odd sizes, remainders, strides, padding, groups, all widths."""

from __future__ import annotations

from math import prod

from edgeeeg_bridge.kernel_case import KernelCase, Operand
from edgeeeg_bridge.operand_draw import integers, uniform
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.quantmath import HIGH, Width
from edgeeeg_export.tensor import DType

RESULTS = 100_000  # sums are exact: what differs are shapes, not values


def layer(
    kernel: str,
    name: str,
    op: QuantizedConv | QuantizedLinear,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    dtype: DType = "int8",
) -> KernelCase:
    """Results of one kernel, which reach both ends of their type."""
    dense = isinstance(op, QuantizedLinear)
    seen, c_out = (weight[0], weight[1]) if dense else (prod(weight[1:]), weight[0])
    spread = 70.0 * (HIGH[dtype] * 0.6) * seen**0.5  # of sums of that many products
    scale = HIGH[op.width] / spread
    operands = (
        Operand(x, integers(dtype)),
        Operand(weight, integers("int8")),
        Operand((c_out,), integers("int32", -int(spread), int(spread))),
        Operand((c_out,), uniform(scale / 2, 2 * scale)),
    )
    (y,) = op.infer(tuple(operand.type for operand in operands))
    return KernelCase(f"{kernel}_{name}", op, operands, -(-RESULTS // y.size), kernel)


def of_widths(
    kernel: str,
    name: str,
    op: type[QuantizedConv] | type[QuantizedLinear],
    x: tuple[int, ...],
    weight: tuple[int, ...],
    **attributes: object,
) -> tuple[KernelCase, ...]:
    """The widths of x and of the result that are not both int8."""
    widths: tuple[tuple[DType, Width], ...] = (("int8", "int16"), ("int16", "int8"), ("int16", "int16"))
    return tuple(
        layer(kernel, f"{name}_{dtype}_{width}", op(**attributes, width=width), x, weight, dtype)
        for dtype, width in widths
    )


LINES = {"strides": (1, 1), "dilations": (1, 1), "pads": (0, 0, 0, 0)}

INTEGER_KERNELS = (
    layer("window", "planes", QuantizedConv((2, 1), (1, 2), 2, (1, 0, 0, 3)), (1, 4, 7, 18), (6, 2, 3, 4)),
    layer("slide", "long", QuantizedConv(pads=(9, 7)), (1, 3, 77), (5, 3, 17)),
    layer("slide", "short", QuantizedConv(groups=3), (2, 6, 34), (9, 2, 3)),
    layer("slide", "blocks", QuantizedConv(), (1, 18, 90), (7, 18, 8)),
    layer("slide", "stride", QuantizedConv((3,), groups=2, pads=(2, 3)), (1, 4, 90), (6, 2, 7)),
    layer("slide", "same", QuantizedConv((1, 1), (1, 1), 6, (1, 1, 1, 1)), (1, 6, 9, 13), (12, 1, 3, 3)),
    layer("slide", "lines", QuantizedConv((2, 2), (1, 1), 3, (2, 1, 0, 2)), (1, 3, 19, 38), (3, 1, 4, 6)),
    layer("slide", "tall", QuantizedConv((1, 1), (1, 1), 2, (0, 3, 0, 4)), (1, 2, 61, 50), (2, 1, 2, 8)),
    layer("slide", "planes", QuantizedConv((2, 1), (2, 1), 1, (1, 2, 3, 2)), (1, 2, 9, 21), (3, 2, 3, 5)),
    layer("slide", "far_padding", QuantizedConv(pads=(11, 12)), (1, 2, 3), (3, 2, 4)),
    *of_widths("slide", "odd", QuantizedConv, (1, 2, 43), (6, 2, 11), pads=(5, 4)),
    *of_widths("slide", "stride", QuantizedConv, (1, 2, 43), (6, 2, 3), strides=(2,)),
    layer("columns", "pointwise", QuantizedConv(), (2, 7, 37), (9, 7, 1)),
    layer("columns", "every_other", QuantizedConv((2,), pads=(0, 2)), (1, 3, 3), (5, 3, 1)),
    layer("columns", "dilated", QuantizedConv((2,), (3,), 1, (4, 3)), (1, 3, 50), (7, 3, 5)),
    layer("columns", "electrodes", QuantizedConv(**LINES, groups=2), (1, 2, 5, 23), (6, 1, 5, 1)),
    layer("columns", "same", QuantizedConv((1, 1), (1, 1), 1, (1, 1, 1, 1)), (1, 2, 9, 11), (5, 2, 3, 3)),
    layer("columns", "blocks", QuantizedConv(groups=2), (1, 36, 70), (6, 18, 3)),
    *of_widths("columns", "odd", QuantizedConv, (1, 5, 31), (6, 5, 2), strides=(2,), pads=(1, 0)),
    *of_widths("columns", "pointwise", QuantizedConv, (1, 6, 30), (6, 6, 1)),
    layer("across", "electrodes", QuantizedConv(**LINES, groups=2), (2, 4, 6, 35), (8, 2, 6, 1)),
    layer("across", "three_lines", QuantizedConv(groups=2), (1, 6, 50), (4, 3, 1)),
    layer("across", "narrow", QuantizedConv(), (3, 9, 3), (7, 9, 1)),
    *of_widths("across", "lines", QuantizedConv, (1, 1, 11, 41), (3, 1, 11, 1), **LINES),
    layer("dense", "odd", QuantizedLinear(), (7, 23), (23, 10)),
    layer("dense", "short", QuantizedLinear(), (5, 3), (3, 6)),
    layer("dense", "of_all", QuantizedConv(), (3, 5, 9), (11, 5, 9)),
    *of_widths("dense", "rows", QuantizedLinear, (7, 22), (22, 9)),
    layer("tiles", "odd", QuantizedLinear(), (7, 23), (23, 10)),
    layer("tiles", "short", QuantizedLinear(), (5, 3), (3, 6)),
    layer("tiles", "one", QuantizedLinear(), (16, 1), (1, 1)),
    layer("tiles", "of_all", QuantizedConv(), (3, 5, 9), (11, 5, 9)),
    *of_widths("tiles", "rows", QuantizedLinear, (7, 22), (22, 9)),
)
