"""TVM's virtual machine, states in TVM's tensors; its schedules are those it has without a tuner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgeeeg.errors import MissingDependency
from edgeeeg_bench.hosts.runner import Absent, Runner, timed
from edgeeeg_bench.hosts.subject import Subject
from edgeeeg_export.errors import ExportError
from edgeeeg_export.targets.tvm_step import TvmStep
from edgeeeg_export.tensor import Array

NAME = "TVM virtual machine, untuned"
TARGET = {"kind": "llvm", "mcpu": "native"}
TOLERANCE = 1e-4


def runners(subject: Subject, scratch: Path) -> Iterator[Runner | Absent]:
    """Each form of the model that its importer takes."""
    for form in subject.forms:
        try:
            yield _machine(subject, form, scratch / f"tvm_{form}.so")
        except MissingDependency as error:
            yield Absent(NAME, form, f"not installed: {error}")
        except ExportError as error:
            yield Absent(NAME, form, str(error))


def _machine(subject: Subject, form: str, target: Path) -> Runner:
    model = subject.forms[form]
    machine = TvmStep(model, subject.states if form == "step" else {}, host_target())
    name = model.graph.input[0].name
    hops = [machine.tensors({name: samples}) for samples in subject.samples]
    found: list[Any] = []

    def step(k: int) -> None:
        found[:] = machine.advance(hops[k])

    def fetch() -> Array:
        return np.concatenate([value.numpy().ravel() for value in found])

    run = timed(machine.reset, step, fetch, len(hops))
    flags = ", ".join(f"{key} {value}" for key, value in host_target().items())
    return Runner(NAME, form, flags, run, machine.save(target).stat().st_size + _runtime_bytes(), TOLERANCE)


def host_target() -> dict[str, str]:
    """This processor, by the name that LLVM has for it."""
    import tvm

    name = tvm.get_global_func("target.llvm_get_system_cpu")()
    return {"kind": "llvm", "mcpu": str(name)}


def _runtime_bytes() -> int:
    import tvm

    return max(path.stat().st_size for path in Path(tvm.__file__).parent.rglob("libtvm_runtime*.so"))
