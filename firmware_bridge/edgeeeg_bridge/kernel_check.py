"""Kernels of the C runtime on a board, held to their NumPy reference by checksum.

The board draws the operands itself and sends eight bytes for millions of results, so the link is no
bottleneck. Cases are compiled together, with the flags of every build of generated code.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

from edgeeeg_bridge.board_run import require_emulated
from edgeeeg_bridge.build import build_image, firmware_directory
from edgeeeg_bridge.emulator import EmulatedBoard
from edgeeeg_bridge.errors import IllegalCase, LinkLost
from edgeeeg_bridge.framing import FrameDecoder
from edgeeeg_bridge.kernel_case import KernelCase
from edgeeeg_bridge.kernel_source import kernel_source
from edgeeeg_bridge.port import Port
from edgeeeg_export.targets.c import RUNTIME_HEADERS
from edgeeeg_export.toolchain import compile_shared

_SOURCES = ("startup.c", "systick.c", "framing.c", "kernel_check.c")
_MOST_CASES = 256


def checksums_on_host(cases: Sequence[KernelCase], build_dir: Path) -> dict[str, int]:
    """The checksum of each case by name, compiled for this machine under `build_dir`.

    Raises
    ------
    MissingDependency, ToolchainError
        There is no gcc, or it refuses the cases.
    """
    source = _write(cases, build_dir / "cases")
    library = ctypes.CDLL(str(compile_shared([source], source.parent, build_dir.resolve() / "cases.so")))
    library.kernel_check_run.restype = ctypes.c_uint64
    return {case.name: library.kernel_check_run(n) for n, case in enumerate(cases)}


def checksums_on_board(
    cases: Sequence[KernelCase],
    build_dir: Path,
    board: str,
    timeout: float = 120.0,
    *,
    plain: bool = False,
    qemu_args: Callable[[Path], tuple[str, ...]] = lambda elf: (),
) -> dict[str, int]:
    """The checksum of each case by name, on an emulated board; firmware is built under `build_dir`.

    Parameters
    ----------
    cases : at most 256, of different names.
    build_dir : where it is built.
    board : name of an emulated board in `edgeeeg_export.boards`.
    timeout : most seconds that one case may take.
    plain : the kernels of plain C, whatever the core has.
    qemu_args : more arguments for QEMU, given the firmware's ELF file; a plugin has written what it writes at
        exit when this returns.

    Raises
    ------
    BuildError
        The board is not an emulated one with firmware, or the compiler refuses the cases.
    MissingDependency
        Cross compiler or QEMU are not installed.
    LinkLost
        A case does not end within the time-out.
    """
    machine = require_emulated(board)
    source = _write(cases, build_dir / "cases", plain)
    elf = build_image([source], source.parent, _SOURCES, build_dir, board)
    with EmulatedBoard(elf, machine, qemu_args(elf)) as emulated, Port(emulated.url) as port:
        return {case.name: _ask(port, n, f"{case.name} on {board}", timeout) for n, case in enumerate(cases)}


def _write(cases: Sequence[KernelCase], folder: Path, plain: bool = False) -> Path:
    """The cases' C and the headers it includes, in one folder."""
    names = [case.name for case in cases]
    if not names or len(set(names)) < len(names) or len(names) > _MOST_CASES:
        raise IllegalCase(f"cases {', '.join(names) or 'none'}: give 1 to {_MOST_CASES}, each its own name")
    folder.mkdir(parents=True, exist_ok=True)
    runtime = files("edgeeeg_export").joinpath("runtime")
    for header in RUNTIME_HEADERS:
        (folder / header).write_text(runtime.joinpath(header).read_text(encoding="utf-8"), encoding="utf-8")
    checks = firmware_directory() / "kernel_check.h"
    (folder / checks.name).write_text(checks.read_text(encoding="utf-8"), encoding="utf-8")
    source = folder / "kernel_cases.c"
    source.write_text(kernel_source(cases, plain), encoding="utf-8")
    return source


def _ask(port: Port, number: int, what: str, timeout: float) -> int:
    """The checksum that the board sends for a case."""
    port.write(bytes([number]))
    decoder, deadline = FrameDecoder(), time.monotonic() + timeout
    while time.monotonic() < deadline:
        for payload in decoder.receive_data(port.read(min(1.0, timeout))):
            if len(payload) == 9 and payload[0] == number:
                return int.from_bytes(payload[1:], "little")
    raise LinkLost(f"no checksum of {what} within {timeout:g} s: take fewer rounds, or allow more time")
