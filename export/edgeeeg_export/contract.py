"""The contract: offline = chunked = step by step = ONNX Runtime = C over hours, checked at export."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg_export import reference
from edgeeeg_export.comparison import Record, Trace, compare_exact, compare_within
from edgeeeg_export.errors import ContractBroken
from edgeeeg_export.graph import Graph
from edgeeeg_export.passes.force_spikes import force_spikes, forced_names, spiking
from edgeeeg_export.source import Source
from edgeeeg_export.targets import onnx_step
from edgeeeg_export.targets.c import CProgram
from edgeeeg_export.targets.native import NativeModel
from edgeeeg_export.tensor import Array

CHUNKS = (3, 7)
"""Hops per call of the chunked runs; `numpy` is one hop at a time, and the whole at once comes last."""

Counts = NDArray[np.int16]
Runner = Callable[[CProgram, Counts], Array]
"""A target of ours: runs a program on counts (n_times, n_chans) from its initial state, and returns the outputs
(n_steps, n_outputs)."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The model under test in all of its forms."""

    offline: Graph
    step: Graph
    source: Source | None
    program: CProgram
    lsb: float
    sfreq: float
    thresholds: tuple[float | None, ...]

    @property
    def hop(self) -> int:
        """Samples of one step."""
        return self.program.hop

    @property
    def input(self) -> str:
        """Name of the input."""
        return next(iter(self.step.inputs))

    def samples(self, counts: Counts) -> Array:
        """What the counts stand for: (1, n_chans, n_times) in the input's unit."""
        return np.ascontiguousarray(counts.T[None].astype(np.float32) * np.float32(self.lsb))


def verify(
    subject: Subject,
    counts: Counts,
    extra: Mapping[str, Runner] | None = None,
    on_target: Callable[[str], None] = lambda name: None,
) -> dict[str, Record]:
    """Run every target over the same counts, carried without reset, beside the NumPy reference.

    Parameters
    ----------
    subject : Subject
    counts : ndarray of int16, (n_times, n_chans)
        What the board would be sent; a remainder shorter than a hop is left out.
    extra : mapping of str to Runner, optional
        More targets of ours, such as a board on a serial link.
    on_target : callable, optional
        Told the name of each target as it begins.

    Returns
    -------
    dict of str to Record
        `chunked`, `numpy`, `onnxruntime`, `c_host`, the source's kind (`torch` or `onnx`), and `extra`'s.
    """
    counts = np.ascontiguousarray(counts[: len(counts) - len(counts) % subject.hop], dtype=np.int16)
    samples = subject.samples(counts)
    on_target("reference")
    truth = reference.run(subject.offline, {subject.input: samples}).tensors
    outputs = stack_outputs(subject.step, truth)
    records: dict[str, Record] = {}
    on_target("chunked")
    records["chunked"] = _chunked(subject, samples, outputs)
    on_target("numpy")
    records["numpy"] = compare_exact(outputs, _in_chunks(subject, samples, subject.hop), subject.hop, subject.thresholds)
    for name, run in {"c_host": run_on_host, **(extra or {})}.items():
        on_target(name)
        records[name] = compare_exact(outputs, run(subject.program, counts), subject.hop, subject.thresholds)
    on_target("onnxruntime")
    records["onnxruntime"] = _onnxruntime(subject, samples, truth)
    if subject.source is not None:
        on_target(subject.source.kind)
        records[subject.source.kind] = _source(subject, subject.source, samples, truth)
    return records


def require_kept(records: Mapping[str, Record]) -> None:
    """Raise unless every target keeps the contract.

    Raises
    ------
    ContractBroken
        Naming the targets, how far they are off and where it begins.
    """
    broken = [
        f"{name} differs by {record.max_abs:.3g} (tolerance {record.tolerance:g}) from sample "
        f"{record.first_over}, worst layer {record.worst_layer or 'output'} {record.worst_layer_error:.3g}, "
        f"{record.flips_outside_episodes} unexplained flips"
        for name, record in records.items()
        if not record.holds
    ]
    if broken:
        raise ContractBroken(f"the contract is broken: {'; '.join(broken)}")


def to_json(records: Mapping[str, Record]) -> dict[str, Any]:
    """The records as JSON values."""
    return {name: record.to_json() for name, record in records.items()}


def stack_outputs(graph: Graph, tensors: Mapping[str, Array], names: Sequence[str] | None = None) -> Array:
    """Outputs of a run of any length as (n_steps, n_outputs): what each step of the board would send."""
    rows = [
        by_step(tensors[name], graph.tensors[name].time_axis, graph.tensors[name].frames)
        for name in (graph.outputs if names is None else names)
    ]
    return np.ascontiguousarray(np.concatenate(rows, axis=1)) if rows else np.empty((0, 0), dtype=np.float32)


def by_step(value: Array, time_axis: int | None, frames: int) -> Array:
    """A tensor over many steps as (n_steps, elements of one step), each row in the tensor's own order."""
    if time_axis is None:
        raise ValueError("a tensor without a time axis has no steps")
    steps = value.shape[time_axis] // frames
    split = value.reshape(*value.shape[:time_axis], steps, frames, *value.shape[time_axis + 1 :])
    return np.moveaxis(split, time_axis, 0).reshape(steps, -1)


def run_on_host(program: CProgram, counts: Counts) -> Array:
    """Compile the program for this machine and run it: the target `c_host`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = program.write(Path(scratch) / "c")
        model = NativeModel(folder, Path(scratch), program.n_outputs, program.hop, program.saved_bytes)
        return model.push(counts)


def _in_chunks(subject: Subject, samples: Array, chunk: int) -> Array:
    """The step program's NumPy reference, `chunk` samples at a time with its states carried."""
    states, rows = None, []
    for start in range(0, samples.shape[2], chunk):
        result = reference.run(subject.step, {subject.input: samples[:, :, start : start + chunk]}, states)
        states = result.states
        rows.append(stack_outputs(subject.step, result.tensors))
    return np.concatenate(rows)


def _chunked(subject: Subject, samples: Array, outputs: Array) -> Record:
    """Several hops at a time: the first chunking that differs, or the last of those that are all equal."""
    whole = samples.shape[2]
    for chunk in (*(hops * subject.hop for hops in CHUNKS), whole):
        outcome = _in_chunks(subject, samples, chunk)
        record = compare_exact(outputs, outcome, subject.hop, subject.thresholds)
        if not record.holds:
            break
    return record


def _layer_names(graph: Graph) -> tuple[str, ...]:
    return tuple(
        name
        for node in graph.nodes
        for name in node.outputs
        if graph.tensors[name].time_axis is not None and "." not in name
    )


def _trace(graph: Graph, tensors: Mapping[str, Array], spikes: Sequence[str]) -> Trace:
    """Tensors of one run, over many steps, in comparable form."""
    layers = {name: tensors[name] for name in _layer_names(graph) if name in tensors}
    outputs = stack_outputs(graph, tensors)
    fired = stack_outputs(graph, tensors, spikes) if spikes else np.zeros((len(outputs), 0), dtype=np.float32)
    return Trace(outputs, fired, layers)


def _source(subject: Subject, source: Source, samples: Array, truth: Mapping[str, Array]) -> Record:
    length = source.longest(samples.shape[2])
    length -= length % subject.hop
    piece = samples[:, :, :length]
    spikes = spiking(subject.step)
    if length < samples.shape[2]:
        truth = reference.run(subject.offline, {subject.input: piece}).tensors
    free = source.run(piece)
    forced = source.run(piece, {name: truth[name] for name in spikes}) if spikes else free
    return compare_within(
        _trace(subject.step, truth, spikes),
        _trace(subject.step, free, spikes),
        _trace(subject.step, forced, spikes),
        subject.hop,
        subject.sfreq,
        subject.thresholds,
    )


def _onnxruntime(subject: Subject, samples: Array, truth: Mapping[str, Array]) -> Record:
    spikes, names = spiking(subject.step), _layer_names(subject.step)
    free = _run_onnx(subject.step, {subject.input: samples}, names, subject.hop)
    if spikes:
        forced_graph = force_spikes(subject.step)
        inputs = {subject.input: samples}
        for name in spikes:
            now, before = forced_names(name)
            inputs[now] = truth[name]
            inputs[before] = np.concatenate([np.zeros_like(truth[name][:, :1]), truth[name][:, :-1]], axis=1)
        forced = _run_onnx(forced_graph, inputs, names, subject.hop)
    else:
        forced = free
    return compare_within(
        _trace(subject.step, truth, spikes),
        _trace(subject.step, free, spikes),
        _trace(subject.step, forced, spikes),
        subject.hop,
        subject.sfreq,
        subject.thresholds,
    )


def _run_onnx(graph: Graph, inputs: Mapping[str, Array], names: Sequence[str], hop: int) -> dict[str, Array]:
    """The one-step model in ONNX Runtime, step after step, with these tensors in view."""
    import onnxruntime

    wanted = [name for name in names if name not in graph.outputs]
    model = onnx_step.emit(graph, expose=wanted)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    fetched = [*graph.outputs, *wanted]
    states = {state.name: state.start() for state in graph.all_states()}
    nexts = [name + onnx_step.NEXT for name in states]
    pieces: dict[str, list[Array]] = {name: [] for name in fetched}
    n_steps = next(iter(inputs.values())).shape[2] // hop
    feeds_by_step = {name: _split(value, graph, name, n_steps) for name, value in inputs.items()}
    for step in range(n_steps):
        feeds = {name: values[step] for name, values in feeds_by_step.items()}
        results = session.run([*fetched, *nexts], feeds | states)
        states = dict(zip(states, results[len(fetched) :], strict=True))
        for name, value in zip(fetched, results, strict=False):
            pieces[name].append(value)
    return {
        name: np.concatenate(values, axis=graph.tensors[name].time_axis or 0)
        for name, values in pieces.items()
    }


def _split(value: Array, graph: Graph, name: str, n_steps: int) -> list[Array]:
    axis = graph.tensors[name].time_axis
    return [
        np.ascontiguousarray(piece)
        for piece in np.split(value, n_steps, axis=axis if axis is not None else 0)
    ]
