"""The functions of a Cortex-M image: where each begins and ends, and which the vector table enters."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from edgeeeg_bench.errors import CountError
from edgeeeg_export.elf import Segment, segments
from edgeeeg_export.toolchain import run_tool

# Stack pointer and reset come first; 15 system exceptions and at most 240 interrupts follow (Armv7-M, B1.5).
_FIRST_HANDLER, _VECTORS = 2, 256
# Of several names for one address the strong global one is the definition, weak ones are its aliases.
_NAME_PREFERENCE = {"T": 0, "t": 1, "W": 2, "w": 3}


@dataclass(frozen=True, slots=True)
class CodeSymbol:
    """One function: addresses `address` to `address + size` (bytes), Thumb bit cleared."""

    address: int
    size: int
    name: str
    is_handler: bool


def _end_of_segment(loaded: tuple[Segment, ...], address: int) -> int | None:
    """First address after the segment that holds `address`; None when no segment does."""
    for segment in loaded:
        if segment.address <= address < segment.end:
            return segment.end
    return None


def _handlers(loaded: tuple[Segment, ...], starts: frozenset[int]) -> frozenset[int]:
    """First addresses in the vector table at the image's lowest address, up to a word that is no vector."""
    words = loaded[0].content[: 4 * _VECTORS]
    handlers = set()
    for (word,) in struct.iter_unpack("<I", words[4 * _FIRST_HANDLER : len(words) // 4 * 4]):
        if word == 0:
            continue
        if not word & 1 or word - 1 not in starts:
            break
        handlers.add(word - 1)
    return frozenset(handlers)


def code_symbols(elf: Path) -> tuple[CodeSymbol, ...]:
    """Return the functions of a linked image, ascending and without overlap.

    A function without a size (assembly) reaches to the next one, or to the end of its segment.

    Raises
    ------
    CountError
        Not a 32-bit Arm image, or one without functions.
    """
    loaded = segments(elf)
    named: dict[int, tuple[int, str, int]] = {}
    for line in run_tool("arm-none-eabi-nm", "--defined-only", "--print-size", str(elf)).splitlines():
        address, *sizes, kind, name = line.split()
        start = int(address, 16) & ~1
        if kind not in _NAME_PREFERENCE or _end_of_segment(loaded, start) is None:
            continue
        candidate = (_NAME_PREFERENCE[kind], name, int(sizes[0], 16) if sizes else 0)
        named[start] = min(candidate, named.get(start, candidate))
    if not named:
        raise CountError(f"{elf.name} has no functions to count: link it without stripping its symbols")
    starts = sorted(named)
    handlers = _handlers(loaded, frozenset(starts))
    symbols = []
    last_end = _end_of_segment(loaded, starts[-1]) or starts[-1]
    for start, following in pairwise([*starts, last_end]):
        _, name, size = named[start]
        room = following - start
        symbols.append(CodeSymbol(start, min(size or room, room), name, start in handlers))
    return tuple(symbols)
