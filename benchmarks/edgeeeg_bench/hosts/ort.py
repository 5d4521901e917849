"""ONNX Runtime: `run` with arrays, and IO binding with states that two bindings pass to each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgeeeg_bench.hosts.runner import Runner, timed
from edgeeeg_bench.hosts.subject import Subject
from edgeeeg_export.targets.onnx_step import NEXT
from edgeeeg_export.tensor import Array

TOLERANCE = 1e-4
FLAGS = "CPU provider, all graph optimizations, 1 thread"


def runners(subject: Subject) -> Iterator[Runner]:
    """Both ways of calling it, for each form of the model."""
    for form in subject.forms:
        yield _run(subject, form)
        yield _bound(subject, form)


def _session(subject: Subject, form: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        subject.forms[form].SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _size() -> int:
    import onnxruntime

    folder = Path(onnxruntime.__file__).parent / "capi"
    return sum(path.stat().st_size for path in folder.glob("*.so*"))


def _names(session: Any) -> tuple[str, list[str], list[str]]:
    """The input, the states, and the outputs that are no states."""
    inputs = [value.name for value in session.get_inputs()]
    outputs = [value.name for value in session.get_outputs()]
    states = [name for name in inputs if f"{name}{NEXT}" in outputs]
    (samples,) = (name for name in inputs if name not in states)
    return samples, states, [name for name in outputs if not name.endswith(NEXT)]


def _run(subject: Subject, form: str) -> Runner:
    session = _session(subject, form)
    samples, states, results = _names(session)
    fetched = [*results, *(f"{name}{NEXT}" for name in states)]
    carried: dict[str, Array] = {}
    found: list[Array] = []

    def reset() -> None:
        carried.update({name: subject.states[name] for name in states})

    def step(k: int) -> None:
        found[:] = session.run(fetched, {samples: subject.samples[k]} | carried)
        carried.update(zip(states, found[len(results) :], strict=True))

    def fetch() -> Array:
        return np.concatenate([value.ravel() for value in found[: len(results)]])

    run = timed(reset, step, fetch, len(subject.samples))
    return Runner("ONNX Runtime, run", form, FLAGS, run, _size(), TOLERANCE)


def _bound(subject: Subject, form: str) -> Runner:
    import onnxruntime

    session = _session(subject, form)
    samples, states, results = _names(session)
    value = onnxruntime.OrtValue.ortvalue_from_numpy
    held = value(np.zeros_like(subject.samples[0]))
    shapes = {output.name: output.shape for output in session.get_outputs()}
    made = {name: value(np.zeros(shapes[name], np.float32)) for name in results}
    buffers = [{name: value(subject.states[name].copy()) for name in states} for _ in range(2)]
    bindings = []
    for old, new in (buffers, buffers[::-1]):
        binding = session.io_binding()
        binding.bind_ortvalue_input(samples, held)
        for name in states:
            binding.bind_ortvalue_input(name, old[name])
            binding.bind_ortvalue_output(f"{name}{NEXT}", new[name])
        for name in results:
            binding.bind_ortvalue_output(name, made[name])
        bindings.append(binding)
    turn = [0]

    def reset() -> None:
        turn[0] = 0
        for name in states:
            buffers[0][name].update_inplace(subject.states[name])

    def step(k: int) -> None:
        held.update_inplace(subject.samples[k])
        session.run_with_iobinding(bindings[turn[0]])
        turn[0] = 1 - turn[0]

    def fetch() -> Array:
        return np.concatenate([made[name].numpy().ravel() for name in results])

    run = timed(reset, step, fetch, len(subject.samples))
    return Runner("ONNX Runtime, IO binding", form, FLAGS, run, _size(), TOLERANCE)
