"""Bytes of flash and RAM that a linked image and a model's object files take."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeeeg_export.boards import Board
from edgeeeg_export.elf import sections
from edgeeeg_export.targets.c import CProgram
from edgeeeg_export.toolchain import compile_object


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes by kind, counted from section headers: code, constants, initialised and zeroed variables."""

    text: int
    rodata: int
    data: int
    bss: int

    @property
    def flash_bytes(self) -> int:
        """Bytes of flash: code, constants and the start values of initialised variables."""
        return self.text + self.rodata + self.data

    @property
    def ram_bytes(self) -> int:
        """Bytes of RAM: variables, and the stack where the linker script reserves it as a section."""
        return self.data + self.bss


def footprint(files: Sequence[Path]) -> Footprint:
    """Add up the sections of one linked image, or of a model's object files.

    Objects give an upper bound: the linker may drop functions that nothing calls. Which memory a section
    goes to is read from its flags, not its name; constants that a linker script puts among the code count as
    code.

    Raises
    ------
    ToolchainError
        A file is not a 32-bit Arm ELF file.
    """
    text = rodata = data = bss = 0
    for path in files:
        for section in sections(path):
            if not section.holds_content:
                bss += section.n_bytes
            elif section.is_writable:
                data += section.n_bytes
            elif section.is_code:
                text += section.n_bytes
            else:
                rodata += section.n_bytes
    return Footprint(text, rodata, data, bss)


def build_objects(program: CProgram, board: Board, folder: Path) -> tuple[Path, ...]:
    """Compile the generated sources for a board's core; the object files.

    Raises
    ------
    MissingDependency
        If the cross compiler is not installed.
    """
    sources = sorted(program.write(folder).glob("*.c"))
    return tuple(
        compile_object(source, source.with_suffix(".o"), "arm-none-eabi-gcc", board.gcc_flags)
        for source in sources
    )


def model_flash_bytes(program: CProgram, board: Board) -> int:
    """Flash of the model alone, code and weights, compiled for a board's core.

    A Raspberry-Pi class board loads programs into RAM, so only its weights are counted there.
    """
    if board.core.startswith("cortex-a"):
        return program.weight_bytes
    with tempfile.TemporaryDirectory() as folder:
        return footprint(build_objects(program, board, Path(folder))).flash_bytes
