"""Bytes of flash and RAM that a linked image and a model's object files take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeeeg_bench.elf import sections


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
    CountError
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
