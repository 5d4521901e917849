"""The contract: offline = chunked = step by step = ONNX Runtime = C over hours, checked at export."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeeeg_export import reference
from edgeeeg_export.comparison import Record, Trace, compare_exact, compare_within
from edgeeeg_export.drift import drift_curve
from edgeeeg_export.errors import ContractBroken, ExportError
from edgeeeg_export.followed import cut, decided
from edgeeeg_export.graph import Graph
from edgeeeg_export.ops.spiking import Decisions, Forced
from edgeeeg_export.passes.force_roundings import rounded
from edgeeeg_export.passes.force_spikes import spiking
from edgeeeg_export.source import Source
from edgeeeg_export.subject import Counts as Counts
from edgeeeg_export.subject import Subject as Subject
from edgeeeg_export.targets.c import CProgram
from edgeeeg_export.targets.native import NativeModel
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import Array, stretch

CHUNKS = (3, 7)
"""Hops per call of the chunked runs; `numpy` is one hop at a time, and the whole at once comes last."""

LAYERS_RUN = 1 << 16
"""Layers that a chunked run of the NumPy reference dispatches: about two seconds. What lies between the start
and the end of a longer recording is one call."""

LAYERS_RUN_BY_ORT = 1 << 20
"""Layers that ONNX Runtime, which sees a step at a time, runs: a longer recording it sees from its start."""

SOURCE_WINDOWS = 16
"""Windows of the recording on which a model of whole windows is compared with its original."""

REMEDIES = {
    False: "this package's own targets must give the same bits, so report it with the model",
    True: "scale what comes into the layer down, or give neurons that hardly leak more of a leak; if the "
    "numbers are small already, report it with the model",
}
"""What to do about a target of ours, and about another runtime."""

Runner = Callable[[CProgram, Counts], Array]
"""A target of ours: runs a program of one input on counts (n_times, n_chans) from its initial state and
returns its outputs (n_steps, n_outputs)."""


def verify(
    subject: Subject,
    counts: Counts | Mapping[str, Counts],
    extra: Mapping[str, Runner] | None = None,
    on_target: Callable[[str], None] = lambda name: None,
) -> dict[str, Record]:
    """Run every target over the same counts, carried without reset, beside the NumPy reference.

    Parameters
    ----------
    subject : Subject
    counts : ndarray of int16, (n_times, n_chans), or mapping of str to ndarray
        What the board would be sent, for each input by name where there are several; a remainder shorter than
        a step is left out.
    extra : mapping of str to Runner, optional
        More targets of ours, such as a board on a serial link.
    on_target : callable, optional
        Told the name of each target as it begins.

    Returns
    -------
    dict of str to Record
        `chunked`, `numpy`, `onnxruntime`, `c_host`, the source's kind (`torch` or `onnx`), and `extra`'s.

    Raises
    ------
    ExportError
        If the counts are fewer than one step or window, or `extra` cannot take several inputs.
    ContractBroken
        If a target did not return outputs for every hop, or the model's own are not finite.
    """
    if extra and len(subject.inputs) > 1:
        names = ", ".join(spec.name for spec in subject.inputs)
        raise ExportError(
            f"{', '.join(extra)} takes models of one input, and this one has {len(subject.inputs)} "
            f"({names}): leave it out"
        )
    counts = whole_steps(subject, subject.by_input(counts))
    samples = subject.samples(counts)
    on_target("reference")
    truth = reference.run(subject.offline, samples).tensors
    outputs = stack_outputs(subject.step, truth)
    _require_finite(outputs, subject.hop)
    records: dict[str, Record] = {}
    on_target("chunked")
    records["chunked"] = _chunked(subject, samples, outputs)
    on_target("numpy")
    stepped = _in_chunks(subject, samples, 1)
    records["numpy"] = compare_exact(outputs, stepped, subject.hop, subject.thresholds)
    single = counts[subject.inputs[0].name]
    on_target("c_host")
    in_c = run_on_host(subject.program, counts)
    records["c_host"] = _exact(subject, "c_host", outputs, in_c)
    for name, run in (extra or {}).items():
        on_target(name)
        records[name] = _exact(subject, name, outputs, run(subject.program, single))
    on_target("onnxruntime")
    records["onnxruntime"] = _onnxruntime(subject, samples, truth)
    source = subject.source
    if source is not None:
        on_target(source.kind)
        if subject.twin is not None:
            subject = replace(subject, lowered=subject.twin, twin=None)
            truth = reference.run(subject.offline, samples).tensors
        records[source.kind] = _source(subject, source, samples, truth)
    return records


def whole_steps(subject: Subject, counts: Mapping[str, Counts]) -> dict[str, Counts]:
    """The counts of all inputs over as many steps as all of them last.

    Raises
    ------
    ExportError
        If they are fewer than a step, or than a window of the model.
    """
    hops = subject.program.hops
    steps = min(len(counts[name]) // hop for name, hop in hops.items())
    first = subject.inputs[0].name
    needed = max(subject.hop, subject.lowered.window or 0)
    if len(counts[first]) < needed or steps == 0:
        shortest = ", ".join(f"{len(counts[name])} samples of {name}" for name in hops)
        raise ExportError(
            f"{shortest} are fewer than those of one step or window, {needed} of {first}: verify on a longer "
            "recording"
        )
    return {
        name: np.ascontiguousarray(counts[name][: steps * hop], dtype=np.int16) for name, hop in hops.items()
    }


def _exact(subject: Subject, name: str, outputs: Array, theirs: Array) -> Record:
    """The record of a target of ours, which must have an output for every step."""
    if theirs.shape != outputs.shape:
        raise ContractBroken(
            f"the contract is broken: {name} returned outputs {theirs.shape}, expected {outputs.shape} "
            "(steps, outputs)"
        )
    return compare_exact(outputs, theirs, subject.hop, subject.thresholds)


def _require_finite(outputs: Array, hop: int) -> None:
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(bad):
        raise ContractBroken(
            f"the model's own output is NaN or infinite from sample {int(bad[0]) * hop} on, and a state "
            "that is not finite never recovers on a device: limit the input inside the model, as tanh does"
        )


def require_kept(records: Mapping[str, Record]) -> None:
    """Raise unless every target keeps the contract.

    Raises
    ------
    ContractBroken
        Naming the targets, what differs, where, and what to do.
    """
    broken = [
        f"{name} differs: {', and '.join(record.breaches())}"
        for name, record in records.items()
        if not record.holds
    ]
    if not broken:
        return
    remedies = [REMEDIES[record.tolerance > 0] for record in records.values() if not record.holds]
    raise ContractBroken(f"the contract is broken: {'; '.join((*broken, *dict.fromkeys(remedies)))}")


def to_json(records: Mapping[str, Record]) -> dict[str, Any]:
    """The records as JSON values."""
    return {name: record.to_json() for name, record in records.items()}


def stack_outputs(graph: Graph, tensors: Mapping[str, Array], names: Sequence[str] | None = None) -> Array:
    """Outputs of a run of any length as (n_steps, n_outputs): what each step of the board would send.

    Frames at the end that fill no step are left out.
    """
    rows = [
        by_step(tensors[name], graph.tensors[name].time_axis, graph.tensors[name].frames)
        for name in (graph.outputs if names is None else names)
    ]
    steps = min((len(row) for row in rows), default=0)
    whole = [row[:steps] for row in rows]
    return np.ascontiguousarray(np.concatenate(whole, axis=1)) if rows else np.empty((0, 0), np.float32)


def by_step(value: Array, time_axis: int | None, frames: int) -> Array:
    """A tensor over many steps as (n_steps, elements of one step), each row in the tensor's own order."""
    if time_axis is None:
        raise ValueError("a tensor without a time axis has no steps")
    steps = value.shape[time_axis] // frames
    value = stretch(value, time_axis, 0, steps * frames)
    split = value.reshape(*value.shape[:time_axis], steps, frames, *value.shape[time_axis + 1 :])
    size = math.prod(value.shape[:time_axis] + value.shape[time_axis + 1 :]) * frames
    return np.moveaxis(split, time_axis, 0).reshape(steps, size)


def run_on_host(program: CProgram, counts: Counts | Mapping[str, Counts]) -> Array:
    """Compile the program for this machine and run it, on each input by name if several: target `c_host`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = program.write(Path(scratch) / "c")
        model = NativeModel(folder, Path(scratch), program.n_outputs, program.hops, program.saved_bytes)
        return np.concatenate([model.push(counts), model.flush(program.flush)])


def _in_chunks(subject: Subject, samples: Mapping[str, Array], steps: int) -> Array:
    """The step program's NumPy reference, so many steps at a time with its states carried."""
    most = max(LAYERS_RUN // len(subject.step.nodes), 1)
    return stack_outputs(subject.step, reference.run_stream(subject.step, samples, steps, most))


def _chunked(subject: Subject, samples: Mapping[str, Array], outputs: Array) -> Record:
    """Several hops at a time: the first chunking that differs, or the last of those that are all equal."""
    whole = samples[subject.inputs[0].name].shape[2] // subject.hop
    for steps in (*CHUNKS, whole):
        outcome = _in_chunks(subject, samples, steps)
        record = compare_exact(outputs, outcome, subject.hop, subject.thresholds)
        if not record.holds:
            break
    return record


def _layer_names(subject: Subject) -> tuple[str, ...]:
    """Tensors that the step program and the offline graph both have, but for decisions: those are counted."""
    step, offline = subject.step, subject.offline
    shared = (name for node in step.nodes for name in node.outputs if name in offline.tensors)
    counted = {*spiking(step), *rounded(step)}
    return tuple(name for name in shared if name not in counted)


def _trace(subject: Subject, tensors: Mapping[str, Array], like: Mapping[str, Array]) -> Trace:
    """Tensors of one run, over many steps, in comparable form: as long as those that they are like."""
    layers = {
        name: _as_long(subject, name, tensors[name], like[name])
        for name in _layer_names(subject)
        if name in tensors and name in like
    }
    outputs = stack_outputs(subject.step, tensors)
    steps, whole = len(outputs), rounded(subject.step)
    integers = {name: _stack(subject, tensors, steps, (name,)) for name in whole if name in tensors}
    return Trace(outputs, _stack(subject, tensors, steps, spiking(subject.step)), layers, integers)


def _as_long(subject: Subject, name: str, value: Array, like: Array) -> Array:
    """A tensor without the frames that the other one lacks."""
    axis = subject.offline.tensors[name].time_axis
    if axis is None:
        return value
    return stretch(value, axis, 0, like.shape[axis])


def _stack(subject: Subject, values: Mapping[str, Array], n_steps: int, names: Sequence[str]) -> Array:
    """Something that every element of these tensors has, by their names, as (n_steps, elements of a step)."""
    if not names:
        return np.zeros((n_steps, 0), dtype=np.float32)
    rows = stack_outputs(subject.step, values, names)[:n_steps]
    return np.pad(rows, ((0, n_steps - len(rows)), (0, 0)))  # outputs that padding alone makes have none


def _spiking_layers(subject: Subject) -> list[str]:
    """The layer of every spike of a step."""
    step = subject.step
    return [name for name in spiking(step) for _ in range(step.tensors[name].size)]


def _margins(decided: Mapping[str, Decisions]) -> dict[str, Array]:
    return {name: decisions.margins for name, decisions in decided.items()}


def _compare(
    subject: Subject,
    truth: Mapping[str, Array],
    free: Mapping[str, Array],
    forced: Mapping[str, Array],
    margins: Mapping[str, Array],
) -> Record:
    expected, with_spikes = _trace(subject, truth, forced), _trace(subject, forced, truth)
    record = compare_within(
        expected,
        _trace(subject, free, truth),
        with_spikes,
        _stack(subject, margins, len(expected.outputs), spiking(subject.step)),
        subject.hop,
        subject.sfreq,
        subject.thresholds,
        _spiking_layers(subject),
    )
    curve = drift_curve(expected.outputs, with_spikes.outputs, subject.hop / subject.sfreq)
    return replace(record, drift=curve)


def _source(
    subject: Subject, source: Source, samples: Mapping[str, Array], truth: Mapping[str, Array]
) -> Record:
    """The original over the recording, or over stretches of it that are as long as it can take."""
    pieces = _pieces(subject, source, samples)
    runs = [_source_run(subject, source, piece, truth) for piece in pieces]
    joined = tuple(_join(subject, parts) for parts in zip(*runs, strict=True))
    first = subject.inputs[0].name
    seen = sum(piece[first].shape[2] for piece in pieces)
    return replace(_compare(subject, *joined), samples=seen)


def _source_run(
    subject: Subject, source: Source, piece: Mapping[str, Array], truth: Mapping[str, Array]
) -> tuple[Mapping[str, Array], ...]:
    """The reference, the original running freely and with its spikes, and the margins, on one stretch."""
    first = subject.inputs[0].name
    if piece[first].shape[2] < truth[first].shape[2]:
        truth = reference.run(subject.offline, piece).tensors
    decisions = decided(subject, truth)
    free = source.run(piece)
    # what the step program computes window by window is one window of the original
    own = {
        name: Forced(*(value[0] if value.ndim == 4 else value for value in (d.spikes, d.reset)))
        for name, d in decisions.items()
    }
    forced = source.run(piece, own) if own else free
    return truth, free, forced, _margins(decisions)


def _pieces(subject: Subject, source: Source, samples: Mapping[str, Array]) -> list[Mapping[str, Array]]:
    """The recording, or stretches spread over it: a model of whole windows sees one at a time."""
    n_times, window = samples[subject.inputs[0].name].shape[2], subject.lowered.window
    if window is not None:
        last = n_times - window
        spread = (round(last * k / (SOURCE_WINDOWS - 1)) for k in range(SOURCE_WINDOWS))
        starts = sorted({start - start % subject.grain for start in spread})
        return [subject.cut(samples, start, start + window) for start in starts]
    length = source.longest(n_times)
    return [subject.cut(samples, 0, length - length % subject.hop)]


def _join(subject: Subject, parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Tensors of several stretches, one after the other along time, in the shapes of the graph."""
    joined = {}
    for name in parts[0]:
        type_ = subject.offline.tensors.get(name)
        if type_ is None or type_.time_axis is None:
            continue
        values = [part[name] for part in parts]
        if values[0].ndim != len(type_.shape):  # windows that are computed apart have an axis more
            values = [value.reshape(1, *value.shape) for value in values]
        joined[name] = np.concatenate(values, axis=type_.time_axis)
    return joined


def _within_reach(
    subject: Subject, samples: Mapping[str, Array], truth: Mapping[str, Array]
) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """What ONNX Runtime sees of the recording, and the reference on that."""
    steps = max(LAYERS_RUN_BY_ORT // len(subject.step.nodes), subject.lowered.window or 0, 1)
    if steps * subject.hop >= samples[subject.inputs[0].name].shape[2]:
        return samples, truth
    samples = subject.cut(samples, 0, steps * subject.hop)
    return samples, reference.run(subject.offline, samples).tensors


def _onnxruntime(subject: Subject, samples: Mapping[str, Array], truth: Mapping[str, Array]) -> Record:
    spikes, whole = spiking(subject.step), rounded(subject.step)
    samples, truth = _within_reach(subject, samples, truth)
    names = (*_layer_names(subject), *whole)
    free = run_steps(subject.step, samples, (*names, *spikes))
    if not spikes and not whole:
        return _compare(subject, truth, free, free, {})
    decisions = decided(subject, truth)
    step, followed = cut(subject, truth, decisions)
    forced = run_steps(step, {**samples, **followed}, names)
    return _compare(subject, truth, free, forced, _margins(decisions))
