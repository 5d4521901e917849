"""The layers that are counted: integer layers at the shapes of EEG networks, and more to fit costs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

from edgeeeg_bridge.kernel_case import KernelCase, Operand
from edgeeeg_bridge.operand_draw import integers, uniform
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_linear import QuantizedLinear

ROUNDS = 2
M4, M7, M55 = "cortex-m4", "cortex-m7", "cortex-m55"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of int8 or float32 with a bias, and what a vendor's library executes for a MAC, by core."""

    name: str
    op: Op
    x: tuple[int, ...]
    weight: tuple[int, ...]
    vendor: Mapping[str, float] = field(default_factory=dict)

    @property
    def case(self) -> KernelCase:
        """It with drawn operands, its results past both ends of an int8."""
        return self._case(None)

    @property
    def macs(self) -> int:
        """Multiply-accumulates; what padding multiplies is counted too, as everywhere."""
        return self.op.macs(self.case.input_types)

    @property
    def bytes_read(self) -> int:
        """Operands, each read once."""
        return prod(self.x) + prod(self.weight)

    @property
    def outputs(self) -> int:
        """Elements of the result."""
        return self.case.output_types[0].size

    def forced(self) -> Iterator[KernelCase]:
        """It by each of the kernels that it could have."""
        return (self._case(kernel.name) for kernel in self.op.kernels(self.case.input_types))

    def _case(self, kernel: str | None) -> KernelCase:
        name = "".join(c if c.isalnum() else "_" for c in self.name.lower())
        dense = isinstance(self.op, Linear)
        n = self.weight[-1 if dense else 0]
        if isinstance(self.op, QuantizedConv | QuantizedLinear):
            reach = 128 * prod(self.weight) / n
            operands: tuple[Operand, ...] = (
                Operand(self.x, integers("int8")),
                Operand(self.weight, integers("int8"), held=True),
                Operand((n,), integers("int32", -20_000, 20_000), held=True),
                Operand((n,), uniform(0.5 / reach, 20 / reach), held=True),
            )
        else:
            operands = (
                Operand(self.x, uniform(-1.0, 1.0)),
                Operand(self.weight, uniform(-1.0, 1.0), held=True),
                Operand((n,), uniform(-1.0, 1.0), held=True),
            )
        return KernelCase(f"k_{name}" + (f"_{kernel}" if kernel else ""), self.op, operands, ROUNDS, kernel)


def conv(
    groups: int = 1, pads: tuple[int, ...] = (0, 0), stride: int = 1, dilation: int = 1
) -> QuantizedConv:
    """A convolution over one axis, or over two that pads say, strided and dilated along the last."""
    rank = len(pads) // 2
    ones = (1,) * (rank - 1)
    return QuantizedConv((*ones, stride), (*ones, dilation), groups, pads)


LAYERS = (
    Layer("FC 64-64", QuantizedLinear(), (1, 64), (64, 64), {M4: 2.69, M55: 0.71}),
    Layer("FC 128-128", QuantizedLinear(), (1, 128), (128, 128), {M4: 2.27, M55: 0.58}),
    Layer("FC 256-4", QuantizedLinear(), (1, 256), (256, 4), {M4: 2.24, M55: 0.71}),
    Layer("conv 1x1 16-32 x64", conv(), (1, 16, 64), (32, 16, 1), {M4: 4.04, M55: 1.08}),
    Layer("conv 1x8 16-16 x57", conv(), (1, 16, 64), (16, 16, 8), {M4: 2.38, M55: 0.30}),
    Layer(
        "temporal conv 1x64 1-8, 22x256",
        conv(pads=(0, 32, 0, 32)),
        (1, 1, 22, 256),
        (8, 1, 1, 64),
        {M4: 7.36, M55: 2.95},
    ),
    Layer("depthwise 1x16, 16 ch x241", conv(16), (1, 16, 256), (16, 1, 16), {M4: 12.5, M55: 2.79}),
    Layer(
        "depthwise 22x1, 16 ch x256",
        conv(16, (0, 0, 0, 0)),
        (1, 16, 22, 256),
        (16, 1, 22, 1),
        {M4: 13.0, M55: 3.60},
    ),
    Layer(
        "depthwise 3x3, 16 ch, 16x16",
        conv(16, (1, 1, 1, 1)),
        (1, 16, 16, 16),
        (16, 1, 3, 3),
        {M4: 7.38, M55: 3.14},
    ),
    Layer("conv 3x3 8-8, 16x16", conv(pads=(1, 1, 1, 1)), (1, 8, 16, 16), (8, 8, 3, 3)),
    Layer(
        "conv 3x3x3 4-8, 8x8x8",
        QuantizedConv((1, 1, 1), (1, 1, 1), 1, (1,) * 6),
        (1, 4, 8, 8, 8),
        (8, 4, 3, 3, 3),
    ),
    Layer("cached conv 1x16 8-16, 1 frame", conv(), (1, 8, 16), (16, 8, 16)),
    Layer("cached conv 1x16 8-16, 4 frames", conv(), (1, 8, 19), (16, 8, 16)),
)
"""The vendor's figures are counts at -O2 under the same emulator."""

DENSE = ((4, 32, 16), (8, 20, 32), (1, 16, 3), (16, 48, 24), (1, 30, 7), (2, 200, 10), (1, 8, 8))

FITTED = (
    *LAYERS,
    *(Layer(f"fit dense {rows} {k} {n}", QuantizedLinear(), (rows, k), (k, n)) for rows, k, n in DENSE),
    *(
        Layer(f"fit linear {rows} {k} {n}", Linear(), (rows, k), (k, n))
        for rows, k, n in (*DENSE, (1, 64, 64), (1, 256, 4))
    ),
    *(
        Layer(f"fit conv {number}", op, x, weight)
        for number, (op, x, weight) in enumerate(
            (
                (conv(), (1, 4, 40), (8, 4, 5)),
                (conv(), (1, 22, 8), (8, 22, 1)),
                (conv(), (1, 3, 96), (3, 3, 1)),
                (conv(), (1, 32, 24), (16, 32, 3)),
                (conv(stride=2, pads=(3, 2)), (1, 6, 64), (12, 6, 6)),
                (conv(dilation=4), (1, 8, 60), (8, 8, 4)),
                (conv(8, (7, 0)), (1, 8, 64), (8, 1, 8)),
                (conv(16), (1, 16, 36), (32, 1, 5)),
                (conv(2), (1, 8, 50), (12, 4, 7)),
                (conv(4, (0, 0, 0, 0)), (1, 4, 8, 32), (8, 1, 8, 1)),
                (conv(1, (0, 0, 0, 0)), (1, 1, 22, 64), (16, 1, 22, 1)),
                (conv(1, (0, 0, 0, 0)), (1, 1, 8, 128), (8, 1, 8, 16)),
                (conv(), (1, 16, 4), (16, 16, 4)),
                (conv(), (1, 4, 32), (4, 4, 32)),
                (conv(pads=(31, 0)), (1, 2, 128), (4, 2, 32)),
                (conv(1, (2, 2, 2, 2)), (1, 3, 20, 20), (6, 3, 5, 5)),
            )
        )
    ),
)
"""Layers whose counts, by each kernel that they could have, the table of costs is fitted to."""
