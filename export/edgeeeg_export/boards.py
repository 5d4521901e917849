"""The boards a program can be built for, counted on or judged against, and whether it fits them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from edgeeeg_export.errors import DoesNotFit, UnknownBoard

KIB = 1024
MIB = 1024 * KIB

Confidence = Literal["high", "secondary", "low"]


@dataclass(frozen=True, slots=True)
class Board:
    """One part, or one QEMU machine that stands for a part.

    `gcc_flags` select the core (arm-none-eabi-gcc, or aarch64-linux-gnu-gcc for Cortex-A); `machine` is
    QEMU's `-M` name, None for a real part. `ram_bytes` is what one struct may occupy without a gap.
    `stands_for` names the part whose memory decides whether a program fits; None means the board's own.
    `firmware` says whether this project has a start-up file, linker script and port for it. `source` is
    where memory and clock come from, `confidence` how far to trust them.
    """

    name: str
    description: str
    core: str
    machine: str | None
    gcc_flags: tuple[str, ...]
    flash_bytes: int
    ram_bytes: int
    clock_hz: int
    source: str
    confidence: Confidence
    stands_for: str | None = None
    firmware: bool = False


_M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
_M7F = ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard")
_M33F = ("-mcpu=cortex-m33", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard")
_M33_BARE = ("-mcpu=cortex-m33+nodsp", "-mthumb", "-mfloat-abi=soft")
# Helium for integers alone: its float vectors flush subnormal numbers, which no other target does.
_M55 = ("-mcpu=cortex-m55+nomve.fp", "-mthumb", "-mfloat-abi=hard")

_TABLE = (
    Board(
        name="qemu:mps2-an386",
        description="emulated Arm MPS2 with a Cortex-M4F (AN386)",
        core="cortex-m4f",
        machine="mps2-an386",
        gcc_flags=_M4F,
        flash_bytes=4 * MIB,
        ram_bytes=4 * MIB,
        clock_hz=25_000_000,
        source="QEMU 7.2 hw/arm/mps2.c",
        confidence="high",
        stands_for="nrf52840",
        firmware=True,
    ),
    Board(
        name="qemu:mps2-an500",
        description="emulated Arm MPS2 with a Cortex-M7 (AN500)",
        core="cortex-m7f",
        machine="mps2-an500",
        gcc_flags=_M7F,
        flash_bytes=4 * MIB,
        ram_bytes=4 * MIB,
        clock_hz=25_000_000,
        source="QEMU 7.2 hw/arm/mps2.c",
        confidence="high",
        stands_for="stm32h743",
        firmware=True,
    ),
    Board(
        name="qemu:mps3-an547",
        description="emulated Arm MPS3 with a Cortex-M55 and Helium (AN547), instruction and data TCM",
        core="cortex-m55",
        machine="mps3-an547",
        gcc_flags=_M55,
        flash_bytes=512 * KIB,
        ram_bytes=512 * KIB,
        clock_hz=32_000_000,
        source="QEMU 7.2 hw/arm/mps2-tz.c",
        confidence="high",
        stands_for="alif-e7-he",
        firmware=True,
    ),
    Board(
        name="qemu:netduinoplus2",
        description="emulated STM32F405 with a Cortex-M4F",
        core="cortex-m4f",
        machine="netduinoplus2",
        gcc_flags=_M4F,
        flash_bytes=1 * MIB,
        ram_bytes=128 * KIB,
        clock_hz=168_000_000,
        source="QEMU 7.2 hw/arm/stm32f405_soc.c; 64 KiB of CCM RAM not counted",
        confidence="high",
    ),
    Board(
        name="nrf52840",
        description="Nordic nRF52840",
        core="cortex-m4f",
        machine=None,
        gcc_flags=_M4F,
        flash_bytes=1 * MIB,
        ram_bytes=256 * KIB,
        clock_hz=64_000_000,
        source="nRF52840 product specification",
        confidence="high",
    ),
    Board(
        name="nrf5340-net",
        description="Nordic nRF5340, network core (no FPU, no DSP)",
        core="cortex-m33",
        machine=None,
        gcc_flags=_M33_BARE,
        flash_bytes=256 * KIB,
        ram_bytes=64 * KIB,
        clock_hz=64_000_000,
        source="nRF5340 product specification",
        confidence="high",
    ),
    Board(
        name="nrf54l15",
        description="Nordic nRF54L15, application core",
        core="cortex-m33f",
        machine=None,
        gcc_flags=_M33F,
        flash_bytes=1524 * KIB,
        ram_bytes=256 * KIB,
        clock_hz=128_000_000,
        source="nRF54L15 datasheet",
        confidence="high",
    ),
    Board(
        name="stm32l4p5",
        description="ST STM32L4P5 (1 MiB version)",
        core="cortex-m4f",
        machine=None,
        gcc_flags=_M4F,
        flash_bytes=1 * MIB,
        ram_bytes=320 * KIB,
        clock_hz=120_000_000,
        source="STM32L4P5 datasheet, three adjoining SRAMs",
        confidence="high",
    ),
    Board(
        name="stm32l451",
        description="ST STM32L451 (512 KiB version)",
        core="cortex-m4f",
        machine=None,
        gcc_flags=_M4F,
        flash_bytes=512 * KIB,
        ram_bytes=160 * KIB,
        clock_hz=80_000_000,
        source="DS11912",
        confidence="high",
    ),
    Board(
        name="stm32u575",
        description="ST STM32U575 (2 MiB version)",
        core="cortex-m33f",
        machine=None,
        gcc_flags=_M33F,
        flash_bytes=2 * MIB,
        ram_bytes=768 * KIB,
        clock_hz=160_000_000,
        source="STM32U575 datasheet, SRAM1 to SRAM3 (786 kB with the separate SRAM4)",
        confidence="high",
    ),
    Board(
        name="stm32h743",
        description="ST STM32H743 (2 MiB version)",
        core="cortex-m7f",
        machine=None,
        gcc_flags=_M7F,
        flash_bytes=2 * MIB,
        ram_bytes=512 * KIB,
        clock_hz=480_000_000,
        source="DS12110, the AXI SRAM (1 MiB in all, not contiguous)",
        confidence="high",
    ),
    Board(
        name="alif-e7-he",
        description="Alif Ensemble E7, high-efficiency core",
        core="cortex-m55",
        machine=None,
        gcc_flags=_M55,
        flash_bytes=5632 * KIB,
        ram_bytes=256 * KIB,
        clock_hz=160_000_000,
        source="Alif, RAM Regions and Linker Files: the core's data TCM (2 MiB of slower SRAM beside it); "
        "5.5 MiB of MRAM shared with the other cores, after the part number AE722F80F55D5",
        confidence="secondary",
    ),
    Board(
        name="apollo4",
        description="Ambiq Apollo4",
        core="cortex-m4f",
        machine=None,
        gcc_flags=_M4F,
        flash_bytes=2 * MIB,
        ram_bytes=2816 * KIB,
        clock_hz=192_000_000,
        source="secondary table; the 2.75 MiB are several memories",
        confidence="low",
    ),
    Board(
        name="raspberry-pi-4",
        description="Raspberry Pi 4 (1 GiB version) under Linux: programs are loaded into RAM",
        core="cortex-a72",
        machine=None,
        gcc_flags=("-mcpu=cortex-a72",),
        flash_bytes=1024 * MIB,
        ram_bytes=1024 * MIB,
        clock_hz=1_500_000_000,
        source="Raspberry Pi 4 product brief",
        confidence="high",
    ),
)

BOARDS: dict[str, Board] = {board.name: board for board in _TABLE}


def find_board(name: str) -> Board:
    """Return the board of that name.

    Raises
    ------
    UnknownBoard
        No such board; the message gives the nearest name and all of them.
    """
    board = BOARDS.get(name)
    if board is not None:
        return board
    suffixes = {known.removeprefix("qemu:"): known for known in BOARDS}
    near = get_close_matches(name.lower().removeprefix("qemu:"), suffixes, n=1, cutoff=0.4)
    hint = f"did you mean {suffixes[near[0]]}? " if near else ""
    raise UnknownBoard(f"unknown board {name!r}: {hint}Known boards: {', '.join(BOARDS)}")


def memory_of(board: Board) -> Board:
    """Return the board whose memory decides what fits: the part an emulated board stands for, or itself."""
    return find_board(board.stands_for) if board.stands_for is not None else board


def fits(board: Board, flash_bytes: int, ram_bytes: int) -> bool:
    """Say whether a program of that flash and RAM (bytes) fits the board's deciding memory."""
    memory = memory_of(board)
    return flash_bytes <= memory.flash_bytes and ram_bytes <= memory.ram_bytes


def check_fit(board: Board, flash_bytes: int, ram_bytes: int) -> None:
    """Refuse a program that needs more memory than the board, or the part it stands for, has.

    Raises
    ------
    DoesNotFit
        Names the bytes needed and available, and the parts that would hold the program.
    """
    if fits(board, flash_bytes, ram_bytes):
        return
    memory = memory_of(board)
    lacking = [
        f"{kind} {needed:,} bytes needed, {available:,} available"
        for kind, needed, available in (
            ("flash", flash_bytes, memory.flash_bytes),
            ("RAM", ram_bytes, memory.ram_bytes),
        )
        if needed > available
    ]
    judged = f"{board.name} (judged as {memory.name})" if memory is not board else board.name
    roomy = [
        part.name for part in BOARDS.values() if part.machine is None and fits(part, flash_bytes, ram_bytes)
    ]
    remedy = f"it would fit {', '.join(roomy)}" if roomy else "it fits no known board: make the model smaller"
    raise DoesNotFit(f"the program does not fit {judged}: {'; '.join(lacking)}; {remedy}")
