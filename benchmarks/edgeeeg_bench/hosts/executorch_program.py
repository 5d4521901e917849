"""ExecuTorch with its XNNPACK backend, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from edgeeeg_bench.hosts.runner import Absent, Runner, timed
from edgeeeg_bench.hosts.subject import Subject
from edgeeeg_export.tensor import Array

NAME = "ExecuTorch, XNNPACK"
TOLERANCE = 1e-4


def runners(subject: Subject, target: Path) -> Iterator[Runner | Absent]:
    """The exported module, its states as arguments and results; its program is written to `target`."""
    try:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower
        from executorch.runtime import Runtime
    except ImportError as error:
        yield Absent(NAME, "module", f"not installed ({error}): pip install executorch")
        return
    hops = [torch.from_numpy(samples) for samples in subject.samples]
    try:
        exported = torch.export.export(subject.module, (hops[0], *subject.initial))
        lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch()
    except RuntimeError as error:
        yield Absent(NAME, "module", f"its export refuses the module: {str(error).strip().splitlines()[0]}")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(lowered.buffer)
    program = Runtime.get().load_program(target)
    method = program.load_method("forward")
    states: list[tuple[Any, ...]] = [subject.initial]
    found: list[Any] = []

    def reset() -> None:
        nonlocal method
        method = program.load_method("forward")  # it dies with its program, which this keeps
        states[0] = subject.initial

    def step(k: int) -> None:
        results = method.execute([hops[k], *states[0]])
        found[:], states[0] = results[:1], tuple(results[1:])

    def fetch() -> Array:
        value: Array = found[0].numpy()
        return value

    run = timed(reset, step, fetch, len(hops))
    size = target.stat().st_size + _runtime_bytes()
    yield Runner(NAME, "module", "XNNPACK partitioner, 1 thread", run, size, TOLERANCE)


def _runtime_bytes() -> int:
    """Of the libraries that a program of XNNPACK's and portable kernels needs."""
    import executorch

    parts = ("", "_threadpool", "_kernels_optimized", "_backend_xnnpack")
    (folder, *_) = executorch.__path__
    return sum((Path(folder) / "lib" / f"libexecutorch{part}.so").stat().st_size for part in parts)
