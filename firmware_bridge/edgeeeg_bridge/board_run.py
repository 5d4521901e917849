"""One recording through one board, emulated or on a port: outputs and counters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bridge.build import PORTS, build_firmware
from edgeeeg_bridge.device import Device
from edgeeeg_bridge.emulator import EmulatedBoard
from edgeeeg_bridge.errors import BoardRefused, BuildError
from edgeeeg_bridge.messages import Stats
from edgeeeg_export.boards import find_board
from edgeeeg_export.contract import Runner
from edgeeeg_export.targets.c import CProgram

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class BoardRun:
    """Outputs (n_steps, n_outputs) as the board sent them, bit for bit, and its counters afterwards."""

    outputs: NDArray[np.float32]
    stats: Stats


def require_emulated(board: str) -> str:
    """QEMU's machine for a board with firmware.

    Raises
    ------
    BuildError
        It is not an emulated one, or has no firmware.
    UnknownBoard
        No board has that name.
    """
    found = find_board(board)
    if found.machine is None:
        raise BuildError(f"{board} is not emulated: connect it and give its port, or use {', '.join(PORTS)}")
    if board not in PORTS:
        raise BuildError(f"there is no firmware for {board} yet: use {', '.join(PORTS)}")
    return found.machine


def run_emulated(
    c_folder: Path,
    build_dir: Path,
    board: str,
    counts: NDArray[np.int16],
    qemu_args: Callable[[Path], tuple[str, ...]] = lambda elf: (),
    on_progress: Progress | None = None,
) -> BoardRun:
    """Build the firmware around a model, boot it in QEMU and stream the counts (n_times, n_chans) to it.

    Parameters
    ----------
    c_folder : the export's C files.
    build_dir : where firmware and objects are built.
    board : name of an emulated board in `edgeeeg_export.boards`.
    qemu_args : more arguments for QEMU, given the firmware's ELF file.
    on_progress : called with the number of frames answered.

    Raises
    ------
    BuildError
        The board is not an emulated one with firmware, or the compiler refuses the model.
    MissingDependency
        Cross compiler or QEMU are not installed.
    """
    machine = require_emulated(board)
    elf = build_firmware(c_folder, build_dir, board)
    with EmulatedBoard(elf, machine, qemu_args(elf)) as emulated, Device(emulated.url) as device:
        return _stream(device, counts, on_progress)


def emulated_target(board: str, build_dir: Path, on_progress: Progress | None = None) -> Runner:
    """An emulated board as a target of the contract; it builds its firmware under `build_dir`."""

    def run(program: CProgram, counts: NDArray[np.int16]) -> NDArray[np.float32]:
        c_folder = program.write(build_dir / "c")
        return run_emulated(c_folder, build_dir, board, counts, on_progress=on_progress).outputs

    return run


def run_on_port(
    url: str, model_hash: str, counts: NDArray[np.int16], on_progress: Progress | None = None
) -> BoardRun:
    """Stream the counts to a board that is connected, from its initial state.

    Raises
    ------
    BoardRefused
        It runs another model.
    """
    with Device(url) as device:
        if device.hello.model_hash != model_hash[: len(device.hello.model_hash)]:
            raise BoardRefused(
                f"the board on {url} runs model {device.hello.model_hash}, not {model_hash[:16]}: flash this "
                "bundle's firmware"
            )
        device.reset()
        return _stream(device, counts, on_progress)


def _stream(device: Device, counts: NDArray[np.int16], on_progress: Progress | None) -> BoardRun:
    """The whole recording; the model waits for a reset then, if anything remained of it."""
    outputs = np.concatenate([device.stream(counts, on_progress=on_progress), device.flush()])
    return BoardRun(outputs, device.stats())
