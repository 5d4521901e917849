"""`edgeeeg verify`: what it plays, what it holds the manifest to, and what it refuses in one line."""

from __future__ import annotations

import importlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeeeg.bundle import Bundle
from edgeeeg.cli import main
from edgeeeg.signal import Recording, write_edf
from edgeeeg_export.pipeline import export_model

MODULE = """
import torch
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.layers.lif import Lif

class Detector(torch.nn.Module):
    sfreq, n_chans, n_times, width = 128.0, 2, 64, 4
    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.front = CausalConv1d(2, self.width, 8, stride=4)
            self.lif = Lif(self.width)
            self.head = torch.nn.Linear(self.width, 1)
    def forward(self, x):
        return torch.sigmoid(self.head(self.lif(self.front(x * 0.05).transpose(1, 2))))

class Wider(Detector):
    width = 5

class Plain(Detector):
    def forward(self, x):
        return torch.sigmoid(self.head(torch.tanh(self.front(x)).transpose(1, 2)))
"""


def refused(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["edgeeeg", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        main()
    said = capsys.readouterr()
    assert (done.value.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    return line


@pytest.mark.parametrize("option", [("--weights", "w.safetensors"), ("--layout", "batch,time,channels")])
def test_weights_and_layout_belong_to_a_model(monkeypatch, capsys, tmp_path, option):
    line = refused(monkeypatch, capsys, "verify", tmp_path, *option)
    assert "add --model module:factory" in line


@pytest.mark.parametrize(
    ("board", "reason"),
    [
        ("nrf52840", "is not emulated"),
        ("qemu:netduinoplus2", "no firmware"),
        ("qemu:mps2-an38", "did you mean qemu:mps2-an386"),
    ],
)
def test_a_board_that_cannot_run_it(monkeypatch, capsys, tmp_path, board, reason):
    assert reason in refused(monkeypatch, capsys, "verify", tmp_path, "--board", board)


@pytest.mark.parametrize("option", [("--channel", "Cz"), ("--resample",), ("--normalise",)])
def test_a_recording_is_prepared_only_if_there_is_one(monkeypatch, capsys, tmp_path, option):
    assert "none is given" in refused(monkeypatch, capsys, "verify", tmp_path, *option)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("verify")
    (folder / "verified_models.py").write_text(MODULE)
    rng = np.random.default_rng(0)
    eeg = Recording(40 * rng.standard_normal((2, 1024)).astype(np.float32), ("C3-A2", "C4-A1"), 256.0)
    write_edf(eeg, folder / "eeg.edf")
    write_edf(Recording(150 * eeg.data, ("Fz", "Pz"), 128.0), folder / "loud.edf")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        return export_model(
            "verified_models:Detector",
            folder / "bundle",
            ch_names=("Fz", "Pz"),
            recording=Recording(eeg.data[:, :256], ("Fz", "Pz"), 128.0),
            threshold=0.5,
        )


@pytest.fixture
def bundle(exported, tmp_path, monkeypatch):
    """A copy that a test may alter, with the models importable."""
    monkeypatch.syspath_prepend(str(exported.folder.parent))
    shutil.copytree(exported.folder, tmp_path / "bundle")
    return Bundle.load(tmp_path / "bundle")


def recorded(name):
    """A file beside the models."""
    return Path(importlib.import_module("verified_models").__file__).parent / name


def stored(bundle):
    return json.loads((bundle.folder / "verification.json").read_text())["targets"]


def verified(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["edgeeeg", "verify", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code


def test_a_recording_of_other_names_and_rate_is_prepared_as_run_does_it(bundle, monkeypatch, capsys):
    edf = recorded("eeg.edf")
    line = refused(monkeypatch, capsys, "verify", bundle.folder, "--recording", edf)
    assert "Fz" in line
    channels = ("--channel", "C3-A2", "--channel", "C4-A1")
    line = refused(monkeypatch, capsys, "verify", bundle.folder, "--recording", edf, *channels)
    assert "--resample" in line
    before = stored(bundle)["torch"]
    verified(monkeypatch, bundle.folder, "--recording", edf, *channels, "--resample")
    after = stored(bundle)
    assert "eeg.edf" in after["c_host"]["recording"]
    assert after["torch"] == before  # the export's, with the recording it was taken on
    assert "eeg.edf" not in before["recording"]


def test_what_a_device_would_saturate_is_verified_as_it_is(bundle, monkeypatch):
    verified(monkeypatch, bundle.folder, "--recording", recorded("loud.edf"))
    assert stored(bundle)["c_host"]["holds"]


def test_the_original_is_compared_again(bundle, monkeypatch):
    recording = recorded("loud.edf")
    verified(monkeypatch, bundle.folder, "--recording", recording, "--model", "verified_models:Detector")
    assert "loud.edf" in stored(bundle)["torch"]["recording"]


@pytest.mark.parametrize("model", ["verified_models:Wider", "verified_models:Plain", "edge-detector"])
def test_another_model_is_one_line(bundle, monkeypatch, capsys, model):
    line = refused(monkeypatch, capsys, "verify", bundle.folder, "--model", model)
    assert f"{model} is not the model that" in line


@pytest.mark.parametrize(("array", "at"), [("outputs", (3, 0)), ("counts", (7, 1))])
def test_golden_samples_that_the_program_does_not_give(bundle, monkeypatch, capsys, array, at):
    with np.load(bundle.path("golden.npz")) as golden:
        vectors = {name: golden[name].copy() for name in golden}
    vectors[array][at] += 3000 if array == "counts" else np.float32(1e-6)
    rewrite(bundle, vectors)
    line = refused(monkeypatch, capsys, "verify", bundle.folder)
    assert "numpy does not give the outputs of golden.npz: step" in line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: {"counts": v["counts"]}, "holds no counts and outputs"),
        (lambda v: v | {"counts": v["counts"].astype(np.int32)}, "counts int32"),
        (lambda v: v | {"counts": v["counts"][:, :1]}, "counts int16 (256, 1)"),
        (lambda v: v | {"outputs": v["outputs"][:-1]}, "gives outputs"),
    ],
)
def test_golden_samples_that_are_none(bundle, monkeypatch, capsys, change, said):
    with np.load(bundle.path("golden.npz")) as golden:
        vectors = {name: golden[name] for name in golden}
    rewrite(bundle, change(vectors))
    line = refused(monkeypatch, capsys, "verify", bundle.folder)
    assert said in line


def rewrite(bundle, vectors):
    buffer = io.BytesIO()
    np.savez(buffer, **vectors)
    bundle.add({"golden.npz": buffer.getvalue()})


MISSTATED = {
    "window": 64,
    "delay_steps": 1,
    "flush_steps": 2,
    "ended_state": "lif.membrane",
    "inputs.0.name": "ecg",
    "inputs.0.ch_names": ["Fz"],
    "outputs.0.name": "probability",
    "outputs.0.shape": [1, 1, 2],
    "states.0.shape": [1, 1, 8],
    "states.0.initial": 0.5,
    "c.state_bytes": 4,
    "c.arena_bytes": 4,
    "c.arena_bound_bytes": 4,
    "c.struct_bytes": 4,
    "c.saved_bytes": 4,
    "c.weight_bytes": 4,
    "c.prefix": "other",
}


@pytest.mark.parametrize("field", MISSTATED)
def test_a_manifest_that_misstates_the_program(bundle, monkeypatch, capsys, field):
    path = bundle.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    if field == "ended_state":
        MISSTATED[field] = manifest["states"][0]["name"]
    *parents, last = field.split(".")
    place = manifest
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[last] = MISSTATED[field]
    path.write_text(json.dumps(manifest))
    line = refused(monkeypatch, capsys, "verify", bundle.folder)
    assert field in line
    assert line.endswith("export the model again")


@pytest.mark.parametrize("field", ["sfreq", "lsb"])
def test_a_rate_or_a_count_that_is_no_number(bundle, monkeypatch, capsys, field):
    path = bundle.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["inputs"][0][field] = 0.0
    path.write_text(json.dumps(manifest))
    assert f"inputs.0.{field}" in refused(monkeypatch, capsys, "verify", bundle.folder)


def test_another_size_of_a_count_is_another_program(bundle, monkeypatch, capsys):
    path = bundle.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["inputs"][0]["lsb"] = 0.25
    path.write_text(json.dumps(manifest))
    line = refused(monkeypatch, capsys, "verify", bundle.folder)
    assert "is not what captured.onnx and the manifest give" in line
