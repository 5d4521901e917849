"""Builds the firmware of a board around the C files of an exported model."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeeeg_bridge.errors import BuildError
from edgeeeg_export.boards import find_board
from edgeeeg_export.errors import ToolchainError
from edgeeeg_export.toolchain import compile_object, run_tool

COMPILER = "arm-none-eabi-gcc"

_FIRMWARE_FLAGS = ("-g", "-ffunction-sections", "-fdata-sections")
# -lc for the copies of structs that GCC emits; no -lm, so that the model's arithmetic is its own.
_LINK_FLAGS = (
    "-nostartfiles",
    "-nodefaultlibs",
    "--specs=nano.specs",
    "-Wl,--gc-sections",
    "-Wl,--fatal-warnings",
)
_LIBRARIES = ("-lc", "-lgcc")


@dataclass(frozen=True, slots=True)
class Port:
    """What one board adds to the firmware: its header, its linker script and its UART."""

    header: str
    linker_script: str
    uart: str


PORTS = {
    "qemu:mps2-an386": Port("board_mps2.h", "mps2.ld", "uart_cmsdk.c"),
    "qemu:mps2-an500": Port("board_mps2.h", "mps2.ld", "uart_cmsdk.c"),
    "qemu:mps3-an547": Port("board_mps3_an547.h", "mps3_an547.ld", "uart_cmsdk.c"),
}
"""Ports by board name; another board is one more header, script and, where its UART differs, driver."""

_SOURCES = ("startup.c", "systick.c", "framing.c", "link.c", "main.c")
"""The firmware that runs a model behind the link, without its UART."""


def firmware_directory() -> Path:
    """Folder of the firmware's C files: in the installed package, or beside it in a checkout."""
    packaged = Path(__file__).parent / "firmware"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "firmware"


def build_firmware(model_dir: Path, build_dir: Path, board: str = "qemu:mps2-an386") -> Path:
    """Compile a model's C files and the firmware, and return the ELF file `build_dir/firmware.elf`.

    The objects stay beside it, the model's in `build_dir/model`, the firmware's in `build_dir/firmware`.

    Parameters
    ----------
    model_dir
        Folder with `edgeeeg_model.h` and the `*.c` of an export.
    build_dir
        Folder for what is built; made where it is missing.
    board
        Name in `edgeeeg_export.boards`.

    Raises
    ------
    MissingDependency
        The compiler is not installed.
    BuildError
        The board has no port, the folder holds no model, or the compiler refuses it.
    """
    model_sources = sorted(model_dir.glob("*.c"))
    if not model_sources or not (model_dir / "edgeeeg_model.h").is_file():
        raise BuildError(
            f"{model_dir} holds no exported model: edgeeeg_model.h and C files are expected there"
        )
    return build_image(model_sources, model_dir, _SOURCES, build_dir, board)


def build_image(
    sources: Sequence[Path], include: Path, program: tuple[str, ...], build_dir: Path, board: str
) -> Path:
    """Compile C files and a program of the firmware's folder for a board; the ELF file in `build_dir`.

    Parameters
    ----------
    sources
        C files that know no hardware; their objects go to `build_dir/model`.
    include
        Folder of the headers that the program includes of them.
    program
        Names of the firmware's C files, without the UART.
    build_dir
        Folder for what is built; made where it is missing.
    board
        Name in `edgeeeg_export.boards`.

    Raises
    ------
    MissingDependency
        The compiler is not installed.
    BuildError
        The board has no port, or the compiler refuses the files.
    """
    port = PORTS.get(board)
    if port is None:
        raise BuildError(f"there is no firmware for board {board!r}, only for {', '.join(PORTS)}")
    firmware = firmware_directory()
    core = find_board(board).gcc_flags
    flags = (*core, *_FIRMWARE_FLAGS)
    includes = (f"-I{include}", f"-I{firmware}", f'-DBOARD_HEADER="{port.header}"')
    own = [firmware / name for name in (*program, port.uart)]
    elf = build_dir / "firmware.elf"
    try:
        objects = [
            *_compile(flags, sources, build_dir / "model"),
            *_compile((*flags, *includes), own, build_dir / "firmware"),
        ]
        script = (f"-L{firmware}", f"-T{port.linker_script}")  # -L: the script includes sections.ld
        run_tool(COMPILER, *core, *_LINK_FLAGS, *script, *objects, *_LIBRARIES, "-o", elf)
    except ToolchainError as error:
        raise BuildError(f"the firmware cannot be built from {include}: {error}") from error
    return elf


def _compile(flags: tuple[str, ...], sources: Sequence[Path], build_dir: Path) -> list[Path]:
    shutil.rmtree(build_dir, ignore_errors=True)  # an object of an older model must not be linked in
    build_dir.mkdir(parents=True)
    return [compile_object(source, build_dir / f"{source.stem}.o", COMPILER, flags) for source in sources]
