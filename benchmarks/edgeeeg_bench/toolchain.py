"""Running the compilers and binary tools that counting and sizes need."""

from __future__ import annotations

import shutil
import subprocess

from edgeeeg.errors import MissingDependency
from edgeeeg_bench.errors import BuildError

_PACKAGES = {
    "gcc": "gcc",
    "arm-none-eabi-nm": "binutils-arm-none-eabi",
    "arm-none-eabi-size": "binutils-arm-none-eabi",
}


def run_tool(program: str, *arguments: str) -> str:
    """Run a tool and return what it printed on stdout.

    Raises
    ------
    MissingDependency
        The program is not installed; the message has the line that installs it.
    BuildError
        The program failed; the message has the first line it printed on stderr.
    """
    path = shutil.which(program)
    if path is None:
        package = _PACKAGES[program]
        raise MissingDependency(f"{program} is not installed: apt-get install {package}")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise BuildError(f"{program} failed with status {done.returncode}: {said[0]}")
    return done.stdout
