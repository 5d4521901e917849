"""A bundle whose recurrences are integers, states and all: exported, verified and run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg.signal import Recording
from edgeeeg.stream import Stream
from edgeeeg_export.pipeline import export_model, reload

SFREQ, SECONDS = 128.0, 20


class Small(torch.nn.Module):
    n_chans, n_times, sfreq = 2, 64, SFREQ

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.front = CausalConv1d(2, 8, 16, stride=4)
        self.layers = torch.nn.Sequential(MambaBlock(8), TimeMixing4(8), Lif(8))
        self.head = torch.nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.layers(3 * torch.tanh(self.front(x * 0.02)).transpose(1, 2)))


def recording(seed=0):
    samples = 40 * np.random.default_rng(seed).normal(size=(2, int(SFREQ) * SECONDS))
    return Recording(samples.astype(np.float32), ("EEG1", "EEG2"), SFREQ)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    out = tmp_path_factory.mktemp("states") / "bundle"
    return export_model(Small(), out, calibration=recording(), recording=recording(seed=1), states="int16")


def test_every_state_is_an_integer(bundle):
    types = {state.name.rpartition(".")[2]: state.dtype for state in bundle.manifest.states}
    assert {types[name] for name in ("h", "num", "den", "mem")} == {"int16"}
    assert (types["max"], types["started"]) == ("int32", "int8")


def test_every_target_has_the_same_bits(bundle):
    targets = json.loads(bundle.path("verification.json").read_text())["targets"]
    assert all(record["holds"] for record in targets.values())
    exact = ("chunked", "numpy", "c_host")
    assert all(targets[name]["bit_identical"] for name in exact)


def test_a_stream_of_it_carries_its_integers(bundle):
    samples = recording(seed=2).data
    stream = Stream(bundle)
    pieces = [stream.push(samples[:, :301]), stream.push(samples[:, 301:])]
    np.testing.assert_array_equal(np.concatenate(pieces), Stream(bundle).push(samples))


def test_it_is_built_again_from_the_bundle_alone(bundle):
    assert reload(bundle).step.hash == bundle.manifest.model_hash
