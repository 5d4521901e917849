"""`export --quantize int8`: a bundle of integers, and what is refused in one line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from edgeeeg.bundle import Bundle
from edgeeeg.cli import main
from edgeeeg.errors import EdgeEEGError
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif
from edgeeeg.signal import Recording, write_edf
from edgeeeg.stream import Stream
from edgeeeg_export.errors import ExportError, QuantizationError
from edgeeeg_export.pipeline import export_model, reload
from edgeeeg_export.quantize import report_table

SFREQ, SECONDS = 128.0, 20


class Small(torch.nn.Module):
    n_chans, n_times, sfreq = 2, 64, SFREQ

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.front, self.spikes = CausalConv1d(2, 8, 16, stride=4), Lif(8)
        self.head = torch.nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.spikes(torch.tanh(self.front(x * 0.02)).transpose(1, 2)))


def recording(amplitude=40.0, seed=0, ch_names=("EEG1", "EEG2")):
    samples = amplitude * np.random.default_rng(seed).normal(size=(len(ch_names), int(SFREQ) * SECONDS))
    return Recording(samples.astype(np.float32), ch_names, SFREQ)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    out = tmp_path_factory.mktemp("integers") / "bundle"
    return export_model(Small(), out, calibration=recording(), recording=recording(seed=1))


def test_the_manifest_says_so_and_states_have_their_types(bundle):
    info = bundle.manifest
    assert info.quantization == "int8"
    types = {state.name: state.dtype for state in info.states}
    assert [dtype for name, dtype in types.items() if name.endswith(".frames")] == ["int16"]
    assert [dtype for name, dtype in types.items() if name.endswith(".mem")] == ["float32"]
    assert info.c.saved_bytes < 4 * sum(int(np.prod(state.shape)) for state in info.states) + 200


def test_every_target_keeps_the_contract_and_torch_is_held_to_the_float_twin(bundle):
    targets = json.loads(bundle.path("verification.json").read_text())["targets"]
    assert set(targets) == {"chunked", "numpy", "c_host", "onnxruntime", "torch"}
    assert all(record["holds"] for record in targets.values())
    assert all(targets[name]["bit_identical"] for name in ("chunked", "numpy", "c_host"))


def test_the_report_has_scale_range_saturation_and_noise(bundle):
    layers = json.loads(bundle.path("quantization.json").read_text())["layers"]
    by_name = {layer["name"]: layer for layer in layers}
    counts = bundle.manifest.inputs[0].lsb
    assert (by_name["eeg"]["dtype"], by_name["eeg"]["scale"]) == ("int16", pytest.approx(counts))
    assert by_name["eeg"]["sqnr_db"] is None  # the counts are what they are
    front = by_name["conv1d"]
    assert (front["dtype"], front["scale"]) == ("int8", pytest.approx(front["largest"] / 127, rel=0.2))
    assert 30 < front["sqnr_db"] < 50
    assert all(0 <= layer["saturated"] < 0.01 for layer in layers)


def test_the_report_reads_as_a_table(bundle):
    table = report_table.render(report_table.read(bundle))
    names, *_, ratios = ([str(cell) for cell in column.cells] for column in table.columns)
    assert names[0] == "eeg"
    assert all(ratio == "exact" or ratio.endswith(" dB") for ratio in ratios)


def test_it_is_built_again_from_the_bundle_alone(bundle):
    subject = reload(Bundle.load(bundle.folder))
    assert subject.step.hash == bundle.manifest.model_hash
    assert subject.twin is not None


def test_a_stream_of_it_carries_its_integers(bundle):
    samples = recording(seed=2).data
    whole = Stream(Bundle.load(bundle.folder)).push(samples)
    stream = Stream(Bundle.load(bundle.folder))
    pieces = [stream.push(samples[:, :301]), stream.push(samples[:, 301:])]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert len(np.unique(whole)) > 10


def test_formats_that_were_changed_are_seen(bundle, tmp_path):
    copy = tmp_path / "bundle"
    shutil.copytree(bundle.folder, copy)
    formats = json.loads((copy / "formats.json").read_text())
    formats["eeg"]["scale"] *= 2
    (copy / "formats.json").write_text(json.dumps(formats))
    with pytest.raises(EdgeEEGError, match=r"formats\.json"):
        reload(Bundle.load(copy))


def test_a_range_that_saturates_is_refused(tmp_path):
    with pytest.raises(QuantizationError, match=r"% of tensor '.*' saturate: it reaches .* calibrate on"):
        export_model(
            Small(), tmp_path / "b", calibration=recording(amplitude=4.0), recording=recording(seed=1)
        )
    assert not (tmp_path / "b").exists()


def test_data_of_other_channels_is_refused(tmp_path):
    with pytest.raises(EdgeEEGError, match="no channel 'EEG1'; available: Fp1, Fp2"):
        export_model(Small(), tmp_path / "b", calibration=recording(ch_names=("Fp1", "Fp2")))


@pytest.mark.parametrize("options", [("--quantize", "int8"), ("--calibrate", "night.edf")])
def test_one_option_without_the_other_is_refused(options, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_edf(recording(), tmp_path / "night.edf")
    arguments = ("edgeeeg", "export", "edge-detector", "--out", str(tmp_path / "b"), *options)
    monkeypatch.setattr("sys.argv", list(arguments))
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert "--quantize and --calibrate FILE.edf go together" in capsys.readouterr().err


def test_a_silent_recording_is_no_calibration(tmp_path):
    quiet = recording(amplitude=0.0)
    with pytest.raises(ExportError, match="is 0 throughout the calibration recording"):
        export_model(Small(), tmp_path / "b", calibration=quiet, recording=recording(seed=1))
