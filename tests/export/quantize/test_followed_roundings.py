"""ONNX Runtime follows the reference where floats are rounded: flips are counted, other steps break it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.layers.mamba import MambaBlock
from edgeeeg_export import contract, reference
from edgeeeg_export.followed import cut, decided
from edgeeeg_export.graph import Graph
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.passes.force_roundings import rounded
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.subject import Subject
from edgeeeg_export.targets.onnx_run import run_steps

N_CHANS, HOP, STEPS = 2, 8, 40


class Network(nn.Module):
    """A convolution, a recurrence and a dense layer; over a window where the recurrence walks both ways."""

    n_chans, n_times, sfreq = N_CHANS, 64, 128.0

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.both = kind == "bidirectional"
        self.conv, self.head = nn.Conv1d(N_CHANS, 8, 8, stride=4), nn.Linear(8 * (1 + self.both), 1)
        options = {"batch_first": True, "bidirectional": self.both}
        layer = nn.LSTM if kind == "lstm" else nn.GRU
        self.memory = MambaBlock(8) if kind == "mamba" else layer(8, 8, **options)

    def forward(self, x):
        y = self.memory(nn.functional.silu(self.conv(nn.functional.pad(x, (7, 0)))).transpose(1, 2))
        y = y[0] if isinstance(y, tuple) else y
        return self.head(y.mean(1) if self.both else y)


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(4).integers(-900, 900, (HOP * STEPS, N_CHANS)).astype(np.int16)


def subject_of(kind, counts, width="int8", states="float32") -> Subject:
    loaded = load_model(Network(kind).eval())
    plain = compile_model(loaded, name="net", hop=HOP, lsb=2.0**-9).subject
    seen = calibrate(stream(plain.lowered.captured, HOP), plain.samples(counts), "min-max")
    formats = assign(seen, plain.counts_as_they_are(), width, states)
    return compile_model(loaded, name="net", hop=HOP, lsb=2.0**-9, formats=formats).subject


def same_length(subject, name, *values):
    axis = subject.offline.tensors[name].time_axis
    frames = min(value.shape[axis] for value in values)
    return tuple(np.take(value, range(frames), axis).astype(np.int32) for value in values)


@pytest.mark.parametrize("kind", ["lstm", "gru", "bidirectional", "mamba"])
@pytest.mark.parametrize(("width", "states"), [("int8", "float32"), ("int16", "int16")])
def test_what_follows_the_reference_has_its_integers(kind, width, states, counts):
    subject = subject_of(kind, counts, width, states)
    samples = subject.samples(counts)
    truth = reference.run(subject.offline, samples).tensors
    step, followed = cut(subject, truth, decided(subject, truth))
    assert followed
    names = rounded(subject.step)
    found = run_steps(step, {**samples, **followed}, names)
    for name in names:
        ours, theirs = same_length(subject, name, truth[name], found[name])
        assert np.abs(ours - theirs).max() <= 1, name
        assert (ours != theirs).mean() < 0.02, name  # of int16 one in a few hundred, of int8 hardly any
    record = contract.verify(subject, counts)["onnxruntime"]
    assert record.holds
    assert record.forced
    assert record.rounding_flips == sum(
        int((ours != theirs).sum())
        for name in names
        for ours, theirs in [same_length(subject, name, truth[name], found[name])]
    )


def test_a_rounding_in_other_steps_breaks_the_contract(counts):
    """ONNX Runtime of a program whose inner QuantizeLinear has other steps than the reference's."""
    subject = subject_of("mamba", counts)
    step = subject.step
    (name, *_) = rounded(step)

    def coarser(graph: Graph) -> Graph:
        nodes = tuple(
            replace(node, op=replace(node.op, scale=1.05 * node.op.scale))
            if name in node.outputs and isinstance(node.op, QuantizeLinear)
            else node
            for node in graph.nodes
        )
        return replace(graph, nodes=nodes)

    other = replace(subject, lowered=replace(subject.lowered, step=coarser(step)))
    record = contract.verify(other, counts)["onnxruntime"]
    assert not record.holds
    assert record.worst_layer == name


def test_floats_have_nothing_to_follow():
    lowered = lower(load_model(Network("gru").eval()).onnx_model, "net", HOP)
    assert rounded(lowered.step) == ()
