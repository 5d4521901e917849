"""The arena of every network that we measure is within a tenth of what must live at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgeeeg_bench.quantization.networks import HOP, FrameNetwork, Gru, Rwkv4Block, bidirectional_mamba
from edgeeeg_bench.zoo.entry import Entry, entries
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.plan import plan
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.placement import SEMANTICS
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format

N_TIMES = 336
"""Samples of a window of the networks whose integers are scored: two steps of the longest hop."""


def frames(memory, hop=HOP):
    def load():
        torch.manual_seed(0)
        return load_model(FrameNetwork(memory()).eval(), n_chans=1, n_times=N_TIMES)

    return Entry(memory.__name__, "ours", load, 173.61, hop)


def shipped(name):
    return Entry(name, "ours", lambda: load_model(name), 173.61, HOP)


NETWORKS = (
    *entries(),
    shipped("edge-detector-normalised"),  # the other one has the same layers
    frames(Gru),
    frames(Rwkv4Block),
    frames(bidirectional_mamba, 6 * HOP),
)


def formats(captured, hop, width):
    """Formats of all tensors, from two windows of noise: how much they take does not depend on ranges."""
    step = stream(captured, hop)
    first = next(iter(step.inputs.values()))
    steps = 2 * -(-next(iter(captured.inputs.values())).frames // first.frames)
    rng = np.random.default_rng(0)
    noise = {
        name: rng.normal(0, 20, tuple(n * steps if a == t.time_axis else n for a, n in enumerate(t.shape)))
        for name, t in step.inputs.items()
    }
    counts = dict.fromkeys(step.inputs, Format("int16", 0.1))
    return assign(calibrate(step, noise, "min-max"), counts, width, "float32")


@pytest.mark.filterwarnings(
    "ignore:LogSoftmax final layer", "ignore:.*weight_norm"
)  # of braindecode's models
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_the_arena_is_within_a_tenth_of_its_lower_bound(network):
    loaded = network.load()
    measured = {}
    for semantics in SEMANTICS:
        how = (loaded.onnx_model, "model", network.hop, semantics, loaded.ticks)
        lowered = lower(*how)
        for width in ("float32", "int8", "int16"):
            program = lowered
            if width != "float32":
                program = lower(*how, formats(lowered.captured, lowered.hop, width))
            memory = plan(program.step, waiting=True)
            measured[semantics, width] = (memory.arena, memory.lower_bound)
    over = {how: pair for how, pair in measured.items() if pair[0] > 1.1 * pair[1]}
    assert not over
