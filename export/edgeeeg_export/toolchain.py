"""The compilers: where the package touches gcc, for the host and for Arm boards."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from edgeeeg.errors import MissingDependency
from edgeeeg_export.errors import ToolchainError

C_FLAGS = (
    "-std=c99",
    "-O2",
    "-ffp-contract=off",
    "-fno-builtin",
    "-fno-tree-loop-distribute-patterns",
    "-Wall",
    "-Wextra",
    "-Werror",
)
"""Flags of every build of generated code. No contraction, or floats differ from board to board; no library calls
made up by the compiler, or instructions hide in memset and memcpy."""

DEBIAN_PACKAGES = {
    "gcc": "gcc",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "arm-none-eabi-nm": "binutils-arm-none-eabi",
    "arm-none-eabi-size": "binutils-arm-none-eabi",
    "qemu-system-arm": "qemu-system-arm",
}


def find_program(name: str) -> str:
    """The path of a program.

    Raises
    ------
    MissingDependency
        If it is not installed; the message has the line that installs it.
    """
    path = shutil.which(name)
    if path is None:
        package = DEBIAN_PACKAGES.get(name, name)
        raise MissingDependency(f"{name} is not installed; on Debian or Ubuntu: sudo apt-get install -y {package}")
    return path


def run_tool(arguments: list[str]) -> str:
    """Run a compiler or binary tool and return what it printed.

    Raises
    ------
    ToolchainError
        If it fails; the message holds its first error line.
    """
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        reason = lines[0] if lines else f"exit status {done.returncode}"
        raise ToolchainError(f"{Path(arguments[0]).name} failed: {reason}")
    return done.stdout


def compile_object(source: Path, target: Path, compiler: str = "gcc", flags: tuple[str, ...] = ()) -> Path:
    """Compile one generated file with the flags that keep its numbers."""
    run_tool([find_program(compiler), *C_FLAGS, *flags, "-c", str(source), "-o", str(target)])
    return target


def compile_shared(sources: list[Path], include: Path, target: Path) -> Path:
    """Build a shared library for this machine."""
    command = [find_program("gcc"), *C_FLAGS, "-shared", "-fPIC", "-I", str(include)]
    run_tool([*command, *map(str, sources), "-o", str(target)])
    return target
