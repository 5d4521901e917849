"""Calls of malloc and its kin in a step, counted by a library that is preloaded in front of glibc's."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.hosts.runner import Runner
from edgeeeg_export.toolchain import run_tool

COUNTED = "edgeeeg_bench_allocations"
"""Set in the environment of the process that counts."""


def counting() -> bool:
    """Whether this process is the one that counts."""
    return COUNTED in os.environ


def count_elsewhere(program: Path, scratch: Path) -> dict[str, float]:
    """Allocations of a step by model and row, of the same program in a process of its own.

    Raises
    ------
    BenchError
        If that process fails.
    """
    library, found = (scratch / "allocation_count.so").resolve(), (scratch / "allocations.json").resolve()
    with as_file(files("edgeeeg_bench").joinpath("hosts/allocation_count.c")) as source:
        run_tool("gcc", "-std=gnu11", "-O2", "-fPIC", "-shared", source, "-o", library)
    environment = os.environ | {"LD_PRELOAD": str(library), COUNTED: str(found)}
    done = subprocess.run([sys.executable, str(program)], env=environment, check=False)
    if done.returncode:
        raise BenchError(f"counting allocations failed with {done.returncode}; its own output says why")
    counts: dict[str, float] = json.loads(found.read_text(encoding="utf-8"))
    return counts


def leave(counts: dict[str, float]) -> None:
    """Hand counts over to the process that asked for them."""
    Path(os.environ[COUNTED]).write_text(json.dumps(counts), encoding="utf-8")


def per_step(runner: Runner) -> float:
    """Allocations of one more step, of the loop around it apart: three times as many steps against once."""
    total: Callable[[], int] = ctypes.CDLL(None).allocation_count
    runner.run(1)

    def calls(rounds: int) -> tuple[int, int]:
        before = total()
        _, nanoseconds = runner.run(rounds)
        return total() - before, len(nanoseconds)

    few, steps_few = calls(1)
    many, steps_many = calls(3)
    return (many - few) / (steps_many - steps_few)
