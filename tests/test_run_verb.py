"""`edgeeeg run`: the device's numbers from an EDF file, and what it says where nothing is decided."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from edgeeeg.bundle import Bundle
from edgeeeg.cli import main
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.signal import Recording, read_edf, write_edf
from edgeeeg_export.contract import run_on_host
from edgeeeg_export.pipeline import export_model, reload


class Detector(torch.nn.Sequential):
    n_chans, sfreq, n_times = 1, 128.0, 64

    def __init__(self):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            super().__init__(CausalConv1d(1, 1, 8, stride=4))


LSB = 4.0  # so coarse that unrounded samples would give visibly other outputs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("run")
    data = 60 * np.random.default_rng(0).standard_normal((1, 512)).astype(np.float32)
    recording = Recording(data, ("Cz",), 128.0)
    write_edf(recording, folder / "eeg.edf")
    loud = data.copy()
    loud[0, 40:43] = 140_000
    write_edf(Recording(loud, ("Cz",), 128.0), folder / "loud.edf")
    for name, threshold in (("deciding", 0.0), ("silent", None)):
        export_model(
            Detector(), folder / name, ch_names=("Cz",), lsb=LSB, threshold=threshold, recording=recording
        )
    return folder


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["edgeeeg", "run", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        main()
    return done.value.code or 0


def test_it_gives_the_numbers_of_the_contract(folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "scores.tsv"
    assert run(monkeypatch, folder / "deciding", folder / "eeg.edf", "--out", out) == 0
    rows = np.loadtxt(out, skiprows=1, dtype=np.float32)
    recording = read_edf(folder / "eeg.edf")
    bundle = Bundle.load(folder / "deciding")
    counts, _ = recording.to_int16(LSB)
    device = run_on_host(reload(bundle).program, counts)
    np.testing.assert_allclose(rows[:, 1:], device, atol=1e-4)
    with torch.no_grad():
        unrounded = Detector().eval()(torch.from_numpy(recording.data.copy())[None]).numpy()
    assert np.abs(unrounded[0].T - device).max() > 0.05
    assert "detections" in capsys.readouterr().out


def test_without_a_threshold_nothing_is_decided(folder, monkeypatch, capsys):
    assert run(monkeypatch, folder / "silent", folder / "eeg.edf") == 0
    assert "no threshold is set: outputs only" in capsys.readouterr().out
    assert run(monkeypatch, folder / "silent", folder / "eeg.edf", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["detections"] is None
    assert printed["saturated_samples"] == 0


def test_saturation_is_counted_and_said(folder, monkeypatch, capsys):
    assert run(monkeypatch, folder / "deciding", folder / "loud.edf", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["saturated_samples"] == 3
    assert "3 of 512 samples exceed ±131068 uV and saturate" in said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--channel", "Cz", "--channel", "Cz"), "2 were chosen: give --channel once for each"),
        (("--channel", "Pz"), "Pz"),
        (("--normalise",), "leave out --normalise"),
        (("--out", "/dev/null"), "/dev/null is not a regular file"),
        (("--out", "/dev/null/scores.tsv"), "/dev/null is not a folder"),
    ],
)
def test_what_does_not_fit_is_one_line(folder, monkeypatch, capsys, arguments, said):
    assert run(monkeypatch, folder / "deciding", folder / "eeg.edf", *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_device_survives_being_named_as_output(folder, monkeypatch):
    run(monkeypatch, folder / "deciding", folder / "eeg.edf", "--out", "/dev/null")
    assert not Path("/dev/null").is_file()
    assert not Path("/dev/null.partial").exists()
