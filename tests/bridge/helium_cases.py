"""Kernels of Helium where they could go wrong: tails, strides, padding, groups, widths, extremes."""

from __future__ import annotations

from kernel_cases import requantized

from edgeeeg_bridge.kernel_case import KernelCase, Operand
from edgeeeg_bridge.operand_draw import finite, integers
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.quantmath import Width

WIDTHS: tuple[tuple[Width, Width], ...] = (
    ("int8", "int8"),
    ("int8", "int16"),
    ("int16", "int8"),
    ("int16", "int16"),
)
ROUNDS = 8


def case(
    kernel: str,
    name: str,
    op: QuantizedConv | QuantizedLinear,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    x_width: Width = "int8",
) -> KernelCase:
    """Of `kernel`, whatever another would cost."""
    bias = 20_000 if x_width == "int8" else 5_000_000
    drawn = requantized(f"{kernel}_{name}", op, x, weight, ROUNDS, bias, x_width)
    return KernelCase(drawn.name, op, drawn.operands, ROUNDS, kernel)


def dense(k: int, n: int, x: Width, y: Width) -> KernelCase:
    return case("dense", f"{k}_{n}_{x}_{y}", QuantizedLinear(width=y), (3, k), (k, n), x)


def without_bias(given: KernelCase) -> KernelCase:
    x, weight, _, multiplier = given.operands
    return KernelCase(f"{given.name}_no_bias", given.op, (x, weight, multiplier), given.rounds, given.kernel)


def extremes(kernel: str, width: Width) -> KernelCase:
    """Multipliers of any exponent, subnormal ones among them, and sums that no float32 holds."""
    op: QuantizedConv | QuantizedLinear = QuantizedConv(width=width)
    x: tuple[int, ...] = (4, 1, 16)
    weight: tuple[int, ...] = (64, 1, 1)
    if kernel == "dense":
        op, x, weight = QuantizedLinear(width=width), (16, 1), (1, 64)
    operands = (
        Operand(x, integers("int8")),
        Operand(weight, integers("int8")),
        Operand((64,), integers("int32", -(1 << 31) + (1 << 14), (1 << 31) - 1 - (1 << 14))),
        Operand((64,), finite()),
    )
    return KernelCase(f"extremes_{kernel}_{width}", op, operands, 1024 if kernel == "dense" else 256, kernel)


Settings = dict[str, tuple[int, ...] | int]
Shape = tuple[str, Settings, tuple[int, ...], tuple[int, ...]]
"""A name, what the convolution is given, x and weight."""

SLIDES: tuple[Shape, ...] = (
    ("padded", {"pads": (32, 31)}, (1, 1, 75), (3, 1, 64)),
    ("in_place", {"groups": 5}, (2, 5, 61), (5, 1, 16)),
    ("odd_kernel", {"pads": (3, 4)}, (1, 2, 37), (3, 2, 9)),
    ("stride", {"strides": (3,), "pads": (5, 1)}, (1, 3, 50), (4, 3, 7)),
    ("few_outputs", {}, (1, 2, 19), (3, 2, 17)),
    ("few_taps", {"pads": (1, 1), "groups": 2}, (1, 4, 37), (6, 2, 3)),
    ("few_taps_stride", {"strides": (2,), "pads": (2, 0)}, (2, 2, 23), (3, 2, 5)),
    ("far_padding", {"pads": (40, 40)}, (1, 1, 9), (2, 1, 8)),
    ("cropped", {"pads": (-3, -2)}, (1, 2, 40), (2, 2, 8)),
)
PLANES: tuple[Shape, ...] = (
    ("plane", {"pads": (1, 1, 1, 1), "groups": 3}, (2, 3, 9, 18), (6, 1, 3, 3)),
    ("plane_stride", {"strides": (2, 2), "pads": (2, 1, 0, 1)}, (1, 2, 8, 21), (3, 2, 3, 6)),
    ("plane_dilated", {"dilations": (2, 1), "pads": (2, 3, 2, 3)}, (1, 2, 7, 20), (2, 2, 3, 8)),
    ("tall", {"pads": (0, 0, 0, 0), "groups": 2}, (1, 4, 6, 33), (4, 2, 4, 1)),
    ("volume", {"pads": (1, 0, 1, 0, 1, 0)}, (1, 2, 3, 4, 11), (2, 2, 2, 3, 4)),
)
DILATED: tuple[Shape, ...] = (
    ("dilated", {"dilations": (3,), "pads": (4, 2)}, (1, 2, 40), (3, 2, 5)),
    (
        "plane_gaps",
        {"dilations": (1, 2), "strides": (1, 3), "pads": (1, 1, 0, 2)},
        (1, 2, 5, 29),
        (2, 2, 2, 3),
    ),
    ("pointwise", {}, (2, 19, 23), (5, 19, 1)),
    ("pointwise_stride", {"strides": (2,), "groups": 3}, (1, 6, 21), (6, 2, 1)),
    ("far_apart", {"strides": (4100,)}, (1, 1, 12305), (2, 1, 3)),
)
ACROSS: tuple[Shape, ...] = (
    ("electrodes", {"groups": 3, "pads": (0, 0, 0, 0)}, (2, 3, 7, 45), (6, 1, 7, 1)),
    ("short", {"pads": (0, 0, 0, 0)}, (1, 2, 5, 3), (3, 2, 5, 1)),
)


def convolution(kernel: str, shape: Shape, widths: tuple[Width, Width]) -> KernelCase:
    name, settings, x, weight = shape
    rank = len(x) - 2
    given: Settings = {"strides": (1,) * rank, "dilations": (1,) * rank, "pads": (0, 0) * rank, **settings}
    op = QuantizedConv(**given, width=widths[1])  # type: ignore[arg-type]
    return case(kernel, f"{name}_{widths[0]}_{widths[1]}", op, x, weight, widths[0])


CASES = (
    *(dense(k, n, *widths) for widths in WIDTHS for k, n in ((1, 1), (16, 4), (37, 7), (64, 3), (129, 9))),
    *(convolution("slide", each, widths) for widths in WIDTHS for each in (*SLIDES, *PLANES)),
    *(convolution("columns", each, widths) for widths in WIDTHS for each in (*SLIDES, *PLANES, *DILATED)),
    *(convolution("across", each, widths) for widths in WIDTHS for each in ACROSS),
    without_bias(dense(20, 6, "int8", "int8")),
    without_bias(convolution("slide", SLIDES[0], WIDTHS[0])),
    without_bias(convolution("columns", DILATED[0], WIDTHS[0])),
    *(
        extremes(kernel, width)
        for kernel in ("dense", "slide", "columns", "across")
        for width in ("int8", "int16")
    ),
)
