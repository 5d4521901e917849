"""A bundle whose recurrences are integers, states and all: exported, verified and run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from edgeeeg.cli import main
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg.layers.time_mixing4 import TimeMixing4
from edgeeeg.signal import Recording, write_edf
from edgeeeg.stream import Stream
from edgeeeg_export import reference
from edgeeeg_export.pipeline import export_model, reload
from edgeeeg_export.quantize import report_table

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


def test_a_stream_counts_what_saturates_as_the_reference_does(bundle):
    samples = recording(seed=2).data
    quiet, loud = Stream(bundle), Stream(bundle)
    quiet.push(samples)
    assert set(quiet.saturations.values()) == {0}
    offset = np.full_like(samples, 4000.0)  # adds up in a memory as no noise does
    loud.push(offset)
    subject = reload(bundle)
    counts, _ = Recording(offset, ("EEG1", "EEG2"), SFREQ).to_int16(
        bundle.manifest.input.lsb, allow_clipping=True
    )
    assert set(loud.saturations) == {
        name.rpartition(".")[0]
        for name in (state.name for state in bundle.manifest.states)
        if name.endswith(".saturated")
    }
    after = reference.run(subject.step, subject.samples(counts)).states
    assert loud.saturations == {layer: int(after[layer][-1][0]) for layer in loud.saturations}
    assert max(loud.saturations.values()) > 0
    loud.reset()
    assert set(loud.saturations.values()) == {0}


def test_run_says_which_layers_saturated(bundle, tmp_path, monkeypatch, capsys):
    offset = np.full((2, 2560), 4000.0, dtype=np.float32)
    write_edf(Recording(offset, ("EEG1", "EEG2"), SFREQ), tmp_path / "offset.edf")
    arguments = ["edgeeeg", "run", str(bundle.folder), str(tmp_path / "offset.edf"), "--json"]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as done:
        main()
    said = capsys.readouterr()
    assert not done.value.code
    limited = json.loads(said.out)["saturated_states"]
    assert limited
    for layer, count in limited.items():
        assert count > 0
        assert f"{layer} {count} times" in said.err


def test_the_report_has_every_state(bundle):
    states = report_table.read_states(bundle)
    assert [state["name"].rpartition(":")[2] for state in states] == ["h", "num", "den", "mem"]
    assert all(state["dtype"] == "int16" and state["saturated"] == 0 for state in states)
    names, types, *_ = (list(column.cells) for column in report_table.render_states(states).columns)
    assert (names[0], types[0]) == (states[0]["name"], "int16")


def test_it_is_built_again_from_the_bundle_alone(bundle):
    assert reload(bundle).step.hash == bundle.manifest.model_hash
