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
    "-fno-math-errno",
    "-fno-tree-loop-distribute-patterns",
    "-Wall",
    "-Wextra",
    "-Werror",
)
"""Flags of every build of generated code. No contraction, or floats differ from board to board; no library
calls made up by the compiler, or instructions hide in memset and memcpy; no errno, or roots are calls too."""

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
        package = DEBIAN_PACKAGES[name]
        raise MissingDependency(
            f"{name} is not installed; on Debian or Ubuntu: sudo apt-get install -y {package}"
        )
    return path


def run_tool(program: str, *arguments: str | Path) -> str:
    """Run a compiler or binary tool and return what it printed.

    Raises
    ------
    MissingDependency
        If it is not installed.
    ToolchainError
        If it fails; the message holds its first error line.
    """
    command = [find_program(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        reason = next((line for line in said if "error" in line or "undefined" in line), said[0])
        raise ToolchainError(f"{program} failed: {reason}")
    return done.stdout


def compile_object(source: Path, target: Path, compiler: str = "gcc", flags: tuple[str, ...] = ()) -> Path:
    """Compile one C file with the flags that keep its numbers."""
    run_tool(compiler, *C_FLAGS, *flags, "-c", source, "-o", target)
    return target


def compile_shared(sources: list[Path], include: Path, target: Path, flags: tuple[str, ...] = ()) -> Path:
    """Build a shared library for this machine; `flags` follow those that keep its numbers."""
    run_tool("gcc", *C_FLAGS, *flags, "-shared", "-fPIC", "-I", include, *sources, "-o", target)
    return target
