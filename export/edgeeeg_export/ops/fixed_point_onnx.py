"""`edgeeeg_export.fixed_point` in standard operators, in int64: ONNX shifts unsigned integers alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeeeg.cells.state_width import EXPONENT_BITS, LARGEST_EXPONENT, StateWidth
from edgeeeg_export.fixed_point import LARGEST_COUNT
from edgeeeg_export.ops.op import OnnxBuilder
from edgeeeg_export.tensor import DType

CODES = {"float32": 1, "int8": 3, "int16": 5, "int32": 6, "int64": 7}
"""TensorProto's numbers of the types."""


@dataclass(frozen=True, slots=True)
class Int64:
    """Adds nodes that compute on int64, whole numbers among their operands being constants."""

    builder: OnnxBuilder

    def of(self, name: str) -> str:
        """A tensor of another type as int64."""
        return self.builder.add("Cast", (name,), to=CODES["int64"])

    def op(self, kind: str, *operands: str | int) -> str:
        """A node of two or three operands."""
        names = (x if isinstance(x, str) else self.builder.constant(x, "int64") for x in operands)
        return self.builder.add(kind, tuple(names))

    def write(self, value: str, dtype: DType, name: str) -> None:
        """The tensor in the type that it leaves in, under a name."""
        self.builder.add("Cast", (value,), name, to=CODES[dtype])

    def as_float(self, value: str) -> str:
        """float32 next to each, ties to even."""
        return self.builder.add("Cast", (value,), to=CODES["float32"])

    def scaled(self, value: str, multiplier: str | float) -> str:
        """float32 of each, times a tensor or a number."""
        factor = multiplier if isinstance(multiplier, str) else self.builder.constant(multiplier)
        return self.builder.add("Mul", (self.as_float(value), factor))

    def saturate(self, value: str, low: int, high: int) -> str:
        """int64 next to float32 values within low and high, ties to even."""
        add, constant = self.builder.add, self.builder.constant
        return self.of(add("Round", (add("Clip", (value, constant(low), constant(high))),)))

    def requantize(self, total: str, multiplier: str | float, low: int, high: int) -> str:
        """One float32 multiplication, then `saturate`."""
        return self.saturate(self.scaled(total, multiplier), low, high)

    def limit(self, value: str, width: StateWidth) -> str:
        """A state within its width."""
        return self.op("Clip", value, width.low, width.high)

    def count(self, counter: str, moved: Sequence[tuple[str, str]], name: str) -> None:
        """Write a counter (1,) of int32 that went on by the values that were moved; it stops at its end.

        `moved` has pairs of tensors, before and after a limit.
        """
        total = self.of(counter)
        for before, after in moved:
            differ = self.builder.add("Not", (self.builder.add("Equal", (before, after)),))
            total = self.op("Add", total, self.builder.add("ReduceSum", (self.of(differ),), keepdims=0))
        self.write(self.op("Min", total, LARGEST_COUNT), "int32", name)

    def shifted(self, value: str, bits: int, largest: int) -> str:
        """floor(value / 2^bits) of a magnitude up to 2^largest; Div cuts towards 0, so it sees none below."""
        above = self.op("Add", value, 1 << largest)
        return self.op("Sub", self.op("Div", above, 1 << bits), 1 << (largest - bits))

    def faded(self, value: str, decay: str, width: StateWidth) -> str:
        """A state times a decay in 2^-fraction, to the nearest integer; half a step goes up."""
        product = self.op("Add", self.op("Mul", value, decay), width.one >> 1)
        return self.shifted(product, width.fraction, 2 * width.fraction + 1)

    def power(self, exponent: str, lost: str, width: StateWidth) -> str:
        """2^-e in 2^-fraction for exponents in 2^-24, none below 0; `lost` is the table of the width."""
        op, add = self.op, self.builder.add
        e = op("Min", exponent, LARGEST_EXPONENT)
        whole, part = op("Div", e, 1 << EXPONENT_BITS), op("Mod", e, 1 << EXPONENT_BITS)
        at, rest = op("Div", part, 1 << 16), op("Mod", part, 1 << 16)
        table = self.of(lost)
        here = add("Gather", (table, at))
        rise = op("Mul", op("Sub", add("Gather", (table, op("Add", at, 1))), here), rest)
        line = op("Div", op("Add", rise, 0x8000), 1 << 16)
        kept = op("Sub", width.one, op("Add", here, line))
        twos = self.builder.constant([1 << k for k in range(32)], "int64")
        unit = add("Gather", (twos, whole))
        return op("Div", op("Add", kept, op("Div", unit, 2)), unit)
