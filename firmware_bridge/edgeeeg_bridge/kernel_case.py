"""One operator over drawn operands, again and again, and the checksum of all that it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgeeeg_bridge.errors import IllegalCase
from edgeeeg_bridge.operand_draw import Draw, draw_words
from edgeeeg_bridge.word_checksum import START, extend_checksum
from edgeeeg_export.kernels.choice import choose, emit
from edgeeeg_export.kernels.kernel import Family, Kernel
from edgeeeg_export.ops.op import CCall, Op
from edgeeeg_export.tensor import Array, State, TensorType

SEED = 20


@dataclass(frozen=True, slots=True)
class Operand:
    """Shape, elements and time axis of one operand; what is `held` is drawn once, not in every round."""

    shape: tuple[int, ...]
    draw: Draw
    held: bool = False
    time_axis: int | None = None

    @property
    def type(self) -> TensorType:
        """As the operator sees it; a frame per sample where it has time."""
        frames_last = 0 if self.time_axis is None else 1
        return TensorType(self.shape, self.time_axis, frames_last, self.draw.dtype)


@dataclass(frozen=True, slots=True)
class KernelCase:
    """An operator and its operands; its state is carried through all `rounds`.

    Operands are drawn in their order, those held before all others, from a generator of a fixed seed. The
    checksum is that of the outputs of every round, and of the states that remain. `kernel` names the one that
    computes it in C; without it the generator chooses.

    Raises
    ------
    IllegalCase
        The name is no C identifier, there is no round, or the operator has no such kernel there.
    GraphError
        The operator does not take such operands.
    """

    name: str
    op: Op
    operands: tuple[Operand, ...]
    rounds: int
    kernel: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise IllegalCase(f"'{self.name}' is no name of a C function: use small letters, digits and _")
        if self.rounds < 1:
            raise IllegalCase(f"case {self.name} has {self.rounds} rounds: give at least one")
        self.op.infer(self.input_types)
        known = [kernel.name for kernel in self.op.kernels(self.input_types)]
        if self.kernel is not None and self.kernel not in known:
            raise IllegalCase(
                f"case {self.name} has no kernel '{self.kernel}', only {', '.join(known) or 'one'}"
            )

    @property
    def input_types(self) -> tuple[TensorType, ...]:
        """Types of the operands."""
        return tuple(operand.type for operand in self.operands)

    @property
    def output_types(self) -> tuple[TensorType, ...]:
        """Types of the results."""
        return self.op.infer(self.input_types)

    @property
    def states(self) -> tuple[State, ...]:
        """What is carried from round to round."""
        return self.op.states(self.input_types)

    @property
    def kernels(self) -> Mapping[Family, Kernel]:
        """What computes it in each family, if there is a choice."""
        offered = self.op.kernels(self.input_types)
        if self.kernel is None:
            return choose(offered) if offered else {}
        return {each: kernel for kernel in offered if kernel.name == self.kernel for each in kernel.families}

    @property
    def scratch(self) -> int:
        """Bytes that the C works in."""
        if self.kernel is None:
            return self.op.scratch(self.input_types)
        return max(kernel.scratch for kernel in self.kernels.values())

    def statements(self, call: CCall) -> str:
        """The C that computes it."""
        if self.kernel is None:
            return self.op.emit_c(call)
        return emit(self.kernels, call)

    @property
    def n_values(self) -> int:
        """Elements of output that the checksum covers."""
        return self.rounds * sum(type_.size for type_ in self.output_types)


def checksum_in_numpy(case: KernelCase) -> int:
    """The checksum of the operator's NumPy reference."""
    generator, checksum = SEED, START
    inputs: dict[int, Array] = {}

    def fill(held: bool) -> None:
        nonlocal generator
        for index, operand in enumerate(case.operands):
            if operand.held == held:
                words, generator = draw_words(generator, operand.type.size)
                inputs[index] = operand.draw.numpy(words).reshape(operand.shape)

    fill(held=True)
    states = tuple(state.start() for state in case.states)
    for _ in range(case.rounds):
        fill(held=False)
        with np.errstate(over="ignore", under="ignore"):  # drawn values may overflow, as silently as in C
            outputs, states = case.op.run(tuple(inputs[i] for i in range(len(inputs))), states)
        for output in outputs:
            checksum = extend_checksum(checksum, output)
    for state in states:
        checksum = extend_checksum(checksum, state)
    return checksum
