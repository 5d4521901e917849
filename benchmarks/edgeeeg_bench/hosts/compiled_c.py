"""Our C on this host, timed by a loop in C, and once through the door that Python uses."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.hosts.runner import Runner, Times, timed
from edgeeeg_bench.hosts.subject import Subject
from edgeeeg_export.targets.native import NativeModel
from edgeeeg_export.tensor import Array
from edgeeeg_export.toolchain import C_FLAGS, compile_shared

NATIVE = ("-O3", "-march=native")
"""Flags behind those of every build of generated code."""


def runners(subject: Subject, scratch: Path) -> Iterator[Runner]:
    """The program as every build compiles it, for this processor, and as the contract calls it."""
    source = scratch / "c"
    source.mkdir(parents=True)
    for name, text in subject.compiled.subject.program.files.items():
        (source / name).write_text(text, encoding="utf-8")
    for flags in ((), NATIVE):
        yield _in_c(subject, source, scratch / f"lib{len(flags)}.so", flags)
    yield _through_python(subject, source, scratch / "native")


def _in_c(subject: Subject, source: Path, target: Path, flags: tuple[str, ...]) -> Runner:
    with as_file(files("edgeeeg_bench").joinpath("hosts/timing_loop.c")) as loop:
        compile_shared([*sorted(source.glob("*.c")), loop], source, target, flags)
    library = ctypes.CDLL(str(target.resolve()))
    library.timing_loop_run.restype = ctypes.c_long
    library.timing_loop_size.restype = ctypes.c_size_t
    model = ctypes.create_string_buffer(library.timing_loop_size())
    counts, hops = np.ascontiguousarray(subject.counts), len(subject.samples)

    def run(rounds: int) -> tuple[Array, Times]:
        outputs = np.empty((hops * rounds, subject.truth.shape[1]), dtype=np.float32)
        nanoseconds = np.empty(hops * rounds, dtype=np.int64)
        arrays = (a.ctypes.data_as(ctypes.c_void_p) for a in (outputs, nanoseconds))
        sizes = (ctypes.c_size_t(hops), ctypes.c_size_t(rounds))
        steps = library.timing_loop_run(model, counts.ctypes.data_as(ctypes.c_void_p), *sizes, *arrays)
        if steps < 0:
            raise BenchError(f"{subject.model.name}: the C program refused its samples with {steps}")
        return outputs[:steps], nanoseconds

    described = " ".join(flag for flag in (*C_FLAGS, *flags) if not flag.startswith("-W"))
    return Runner("edgeeeg C", "C", described, run, target.stat().st_size, 0.0)


def _through_python(subject: Subject, source: Path, build: Path) -> Runner:
    program, hop = subject.compiled.subject.program, subject.model.hop
    native = NativeModel(source, build, program.n_outputs, program.hops, program.saved_bytes)
    pieces = np.split(np.ascontiguousarray(subject.counts), len(subject.samples))
    found: list[Array] = []

    def step(k: int) -> None:
        found[:] = [native.push(pieces[k])]

    run = timed(native.reset, step, lambda: found[0], len(pieces))
    size = (build / "libmodel.so").stat().st_size
    flags = " ".join(flag for flag in C_FLAGS if not flag.startswith("-W"))
    return Runner(f"edgeeeg C through Python, {hop} samples a call", "C", flags, run, size, 0.0)
