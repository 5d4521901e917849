"""torch: eager, and compiled by Inductor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from edgeeeg_bench.hosts.runner import Absent, Runner, timed
from edgeeeg_bench.hosts.subject import Subject
from edgeeeg_export.tensor import Array

TOLERANCE = 1e-4


def runners(subject: Subject) -> Iterator[Runner | Absent]:
    """The module as it is, then compiled."""
    yield _program(subject, subject.module, "torch eager", "inference mode, 1 thread")
    torch._dynamo.reset()
    compiled = torch.compile(subject.module, fullgraph=True)
    try:
        with torch.inference_mode():
            compiled(torch.from_numpy(subject.samples[0]), *subject.initial)
    except (RuntimeError, ImportError) as error:  # Inductor needs a C++ compiler with OpenMP
        said = str(error).strip().splitlines() or [type(error).__name__]
        yield Absent("torch.compile", "module", said[0])
        return
    yield _program(subject, compiled, "torch.compile", "inductor, full graph, inference mode, 1 thread")


def _program(subject: Subject, module: Callable[..., Any], name: str, flags: str) -> Runner:
    hops = [torch.from_numpy(samples) for samples in subject.samples]
    states = [subject.initial]
    found: list[torch.Tensor] = []

    def reset() -> None:
        states[0] = subject.initial

    @torch.inference_mode()
    def step(k: int) -> None:
        results = module(hops[k], *states[0])
        if subject.initial:
            found[:], states[0] = results[:1], results[1:]
        else:
            found[:] = [results]

    def fetch() -> Array:
        value: Array = found[0].numpy()
        return value

    run = timed(reset, step, fetch, len(hops))
    size = sum(path.stat().st_size for path in (Path(torch.__file__).parent / "lib").glob("libtorch_cpu*.so"))
    return Runner(name, "module", flags, run, size, TOLERANCE)
