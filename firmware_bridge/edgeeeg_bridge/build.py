"""Builds the firmware of a board around the C files of an exported model."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgeeeg.errors import MissingDependency
from edgeeeg_bridge.errors import BuildError
from edgeeeg_export.boards import find_board

COMPILER = "arm-none-eabi-gcc"

_COMMON_FLAGS = ("-std=c99", "-O2", "-g", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections")
_WARNINGS = ("-Wall", "-Wextra", "-Werror")
# Neither may turn a loop into a call of the C library: instructions are attributed by symbol, and start-up
# runs before the library's own data exist.
_NO_LIBRARY_CALLS = ("-fno-builtin", "-fno-tree-loop-distribute-patterns")
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


PORTS = {"qemu:mps2-an386": Port("board_mps2.h", "mps2.ld", "uart_cmsdk.c")}
"""Ports by board name; another board is one more header, script and, where its UART differs, driver."""

_SOURCES = ("startup.c", "systick.c", "framing.c", "link.c", "main.c")


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
    port = PORTS.get(board)
    if port is None:
        raise BuildError(f"there is no firmware for board {board!r}, only for {', '.join(PORTS)}")
    model_sources = sorted(model_dir.glob("*.c"))
    if not model_sources or not (model_dir / "edgeeeg_model.h").is_file():
        raise BuildError(
            f"{model_dir} holds no exported model: edgeeeg_model.h and C files are expected there"
        )
    compiler = shutil.which(COMPILER)
    if compiler is None:
        raise MissingDependency(
            f"{COMPILER} is not installed: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
        )
    firmware = firmware_directory()
    core = find_board(board).gcc_flags
    flags = (*core, *_COMMON_FLAGS, *_WARNINGS, *_NO_LIBRARY_CALLS)
    includes = (f"-I{model_dir}", f"-I{firmware}", f'-DBOARD_HEADER="{port.header}"')
    objects = [
        *_compile(compiler, flags, model_sources, build_dir / "model"),
        *_compile(
            compiler,
            (*flags, *includes),
            [firmware / name for name in (*_SOURCES, port.uart)],
            build_dir / "firmware",
        ),
    ]
    elf = build_dir / "firmware.elf"
    script = f"-T{firmware / port.linker_script}"
    _run([compiler, *core, *_LINK_FLAGS, script, *map(str, objects), *_LIBRARIES, "-o", str(elf)])
    return elf


def _compile(compiler: str, flags: tuple[str, ...], sources: list[Path], build_dir: Path) -> list[Path]:
    build_dir.mkdir(parents=True, exist_ok=True)
    for stale in build_dir.glob("*.o"):
        stale.unlink()  # of another model: whoever lists the objects must find only this one's
    objects = []
    for source in sources:
        target = build_dir / f"{source.stem}.o"
        _run([compiler, *flags, "-c", str(source), "-o", str(target)])
        objects.append(target)
    return objects


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        lines = result.stderr.splitlines()
        first = next(
            (line for line in lines if "error" in line or "undefined" in line), result.stderr.strip()
        )
        raise BuildError(f"{Path(command[0]).name} failed: {first}")
