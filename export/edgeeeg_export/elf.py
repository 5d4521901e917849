"""Reading the section and segment tables of 32-bit Arm ELF files (System V ABI, chapters 4 and 5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from edgeeeg_export.errors import ToolchainError

_MAGIC_32_LITTLE, _EM_ARM = b"\x7fELF\x01\x01", 40
_PT_LOAD, _SHT_NOBITS = 1, 8
_SHF_WRITE, _SHF_ALLOC, _SHF_EXECINSTR = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes that are loaded, and the address where the program finds them."""

    address: int
    content: bytes

    @property
    def end(self) -> int:
        """First address after the segment."""
        return self.address + len(self.content)


@dataclass(frozen=True, slots=True)
class Section:
    """A section that takes memory; `holds_content` is False where it only reserves zeroed or unset bytes."""

    n_bytes: int
    is_writable: bool
    is_code: bool
    holds_content: bool


def _read(path: Path) -> bytes:
    image = path.read_bytes()
    if len(image) < 52 or image[:6] != _MAGIC_32_LITTLE or struct.unpack_from("<H", image, 18)[0] != _EM_ARM:
        raise ToolchainError(
            f"{path.name} is not a 32-bit Arm ELF file: give an image or object of arm-none-eabi-gcc"
        )
    return image


def segments(path: Path) -> tuple[Segment, ...]:
    """Return the loaded segments with content, by the address they run at."""
    image = _read(path)
    (table,) = struct.unpack_from("<I", image, 28)
    entry_size, n_entries = struct.unpack_from("<HH", image, 42)
    found = []
    for index in range(n_entries):
        kind, offset, address, _, n_bytes = struct.unpack_from("<5I", image, table + index * entry_size)
        if kind == _PT_LOAD and n_bytes:
            found.append(Segment(address, image[offset : offset + n_bytes]))
    return tuple(sorted(found, key=lambda segment: segment.address))


def sections(path: Path) -> tuple[Section, ...]:
    """Return the sections that take memory on the board."""
    image = _read(path)
    (table,) = struct.unpack_from("<I", image, 32)
    entry_size, n_entries = struct.unpack_from("<HH", image, 46)
    found = []
    for index in range(n_entries):
        _, kind, flags, _, _, n_bytes = struct.unpack_from("<6I", image, table + index * entry_size)
        if flags & _SHF_ALLOC:
            found.append(
                Section(
                    n_bytes=n_bytes,
                    is_writable=bool(flags & _SHF_WRITE),
                    is_code=bool(flags & _SHF_EXECINSTR),
                    holds_content=kind != _SHT_NOBITS,
                )
            )
    return tuple(found)
