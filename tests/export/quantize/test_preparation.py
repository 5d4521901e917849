"""Preparation, and bundles made with it: adjustments that help are kept and travel, a budget is heeded."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg.bundle import Bundle
from edgeeeg.cli import main
from edgeeeg.signal import Recording, write_edf
from edgeeeg_export.errors import ExportError, QuantizationError
from edgeeeg_export.loading import load_model
from edgeeeg_export.lowering import lower
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.pipeline import export_model, reload
from edgeeeg_export.quantize.adjustments import Adjustments
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.preparation import STRETCH, Settings, prepare, stretch
from edgeeeg_export.stored_quantization import ADJUSTMENTS

SFREQ, N_CHANS, SECONDS = 128.0, 2, 20


class Model(nn.Module):
    """Two convolutions and a head; `apart` is how far the channels between them are from each other."""

    n_chans, n_times, sfreq = N_CHANS, 64, SFREQ

    def __init__(self, apart=1.0):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv1d(N_CHANS, 8, 8, stride=4), nn.Conv1d(8, 8, 1)
        self.head = nn.Linear(8, 1)
        scale = torch.logspace(-0.5, 0.5, 8) ** apart
        with torch.no_grad():
            self.first.weight.mul_(scale[:, None, None] * 0.02)
            self.first.bias.mul_(scale)
            self.second.weight.div_(scale[:, None])

    def forward(self, x):
        y = torch.relu(self.second(torch.relu(self.first(x))))
        return self.head(y.transpose(1, 2))


def uneven():
    return Model(6.0)


def recording(seed=0):
    samples = 40.0 * np.random.default_rng(seed).normal(size=(N_CHANS, int(SFREQ) * SECONDS))
    return Recording(samples.astype(np.float32), ("EEG1", "EEG2"), SFREQ)


def prepared(model, **settings):
    graph = lower(load_model(model.eval()).onnx_model, "m", 8).captured
    (name,) = graph.inputs
    samples = {name: recording().data[None, :, :2048]}
    inputs = {name: Format("int16", 0.125)}
    return prepare(graph, 8, samples, Settings("percentile", inputs, **settings))


def test_channels_that_are_far_apart_are_equalized_and_others_are_not():
    assert prepared(uneven()).adjustments.exponents
    alike = Model(0.0)
    for layer in (alike.first, alike.second, alike.head):
        nn.init.uniform_(layer.weight, 0.004, 0.005)
    assert prepared(alike).adjustments is None


def test_biases_are_corrected_where_that_takes_away_noise():
    class Coarse(nn.Module):
        n_chans, n_times, sfreq = 16, 64, SFREQ

        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.only = nn.Conv1d(16, 4, 4, stride=4)
            with torch.no_grad():
                self.only.weight[:, 0] = 8.0  # of a silent channel: steps too coarse for all others

        def forward(self, x):
            return self.only(x)

    graph = lower(load_model(Coarse().eval()).onnx_model, "m", 8).captured
    (name,) = graph.inputs
    samples = np.random.default_rng(0).uniform(0.9, 1.1, (1, 16, 2048)).astype(np.float32)
    samples[:, 0] = 0.0
    settings = Settings("min-max", {name: Format("int16", 2.0**-12)})
    assert prepare(graph, 8, {name: samples}, settings).adjustments.corrections


def test_programs_are_compared_on_the_middle_of_a_recording_in_whole_steps():
    graph = lower(load_model(Model().eval()).onnx_model, "m", 12).captured
    step, (name,) = stream(graph, 12), graph.inputs
    ramp = np.broadcast_to(np.arange(12 * 4000, dtype=np.float32), (1, N_CHANS, 12 * 4000))
    part = stretch(step, {name: ramp})[name]
    assert part.shape[2] == STRETCH // 12 * 12
    assert part[0, 0, 0] % 12 == 0
    assert abs(part[0, 0].mean() - ramp[0, 0].mean()) <= 12
    assert stretch(step, {name: ramp[..., :36]})[name].shape[2] == 36


def test_adjustments_survive_a_file():
    adjustments = Adjustments({"a": (0, -3)}, {"b": (0.1, float(np.float32(1 / 3)))})
    assert Adjustments.from_json(json.loads(json.dumps(adjustments.to_json()))) == adjustments
    for broken in (None, [], {"log2_of_channels": {"a": "no"}, "added_to_biases": {}}):
        with pytest.raises(QuantizationError, match="adjustments must be lists of numbers by layer"):
            Adjustments.from_json(broken)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    out = tmp_path_factory.mktemp("mixed") / "bundle"
    return export_model(
        uneven(), out, calibration=recording(), recording=recording(1), budget="accuracy=40dB"
    )


def test_a_bundle_of_mixed_precision_keeps_its_budget_and_says_what_it_chose_from(bundle):
    stored = json.loads(bundle.path("quantization.json").read_text())
    (chosen,) = (one for one in stored["pareto"] if one["chosen"])
    assert chosen["error"]["sqnr_db"] >= 40
    assert chosen["cost"]["flash_bytes"] == bundle.manifest.c.weight_bytes
    types = {entry["dtype"] for entry in json.loads(bundle.path("formats.json").read_text()).values()}
    assert "int8" in types
    assert types & {"int16", "float32"}


def test_it_is_the_same_program_again_with_its_adjustments(bundle):
    assert json.loads(bundle.path(ADJUSTMENTS).read_text())["log2_of_channels"]
    assert reload(bundle).step.hash == bundle.manifest.model_hash


def test_the_report_has_the_tensors_between_equalized_layers(bundle):
    layers = json.loads(bundle.path("quantization.json").read_text())["layers"]
    between = [layer for layer in layers if layer["name"].endswith(".equalized")]
    assert between
    assert all(layer["sqnr_db"] > 25 for layer in between)


def test_adjustments_that_are_none_are_refused_in_one_line(bundle, tmp_path):
    copy = tmp_path / "bundle"
    shutil.copytree(bundle.folder, copy)
    (copy / ADJUSTMENTS).write_text("{}")
    with pytest.raises(ExportError, match=r"adjustments.json: adjustments must be lists"):
        reload(Bundle(copy, bundle.manifest))


def test_a_budget_needs_a_recording(tmp_path):
    with pytest.raises(ExportError, match="give a calibration"):
        export_model(Model(), tmp_path / "b", budget="accuracy=40dB")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    (tmp_path / "mine_mixed.py").write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(__file__).rpartition('/')[0]!r})\n"
        "from test_preparation import uneven as model\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    write_edf(recording(), tmp_path / "night.edf")

    def call(verb, *arguments):
        monkeypatch.setattr(
            "sys.argv",
            ["edgeeeg", verb, "mine_mixed:model", "--calibrate", str(tmp_path / "night.edf"), *arguments],
        )
        with pytest.raises(SystemExit) as done:
            main()
        return done.value.code, *capsys.readouterr()

    return call


def test_the_verb_sensitivity_has_a_row_for_each_layer(run):
    code, out, _ = run("sensitivity", "--json", "--threshold", "0.1")
    assert code == 0
    found = json.loads(out)
    assert found["layers"][0]["layer"] == "first"
    assert found["int16"]["sqnr_db"] > found["int8"]["sqnr_db"]
    assert found["int8"]["decisions_flipped"] is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--quantize", "mixed"), "--quantize mixed and --budget go together"),
        (("--quantize", "int8", "--budget", "flash=1kB"), "--quantize mixed and --budget go together"),
        (("--quantize", "mixed", "--budget", "ram=1kB"), "'ram=1kB' is no budget"),
        (("--quantize", "mixed", "--budget", "flash=1B"), "no precision keeps --budget flash=1B"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(run, tmp_path, arguments, said):
    code, out, err = run("export", "--out", str(tmp_path / "b"), *arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert said in line
    assert not (tmp_path / "b").exists()
