"""An option that could have no effect is refused by name: who gave it believes that it was heeded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from edgeeeg.cli import main
from edgeeeg.errors import BundleError, OutputError
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.loading import is_factory, load_model
from edgeeeg_export.pipeline import compile_model, export_model


def refused(monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["edgeeeg", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        main()
    said = capsys.readouterr()
    assert (done.value.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    return line


@pytest.mark.parametrize("model", ["edge-detector", "edge-detector-normalised", "a.pt2", "a.onnx", "a.nir"])
@pytest.mark.parametrize(
    "option", [("--weights", "w.safetensors"), ("--n-chans", "1"), ("--n-times", "64")], ids=lambda o: o[0]
)
def test_a_model_that_is_whole_takes_no_weights_and_no_shape(monkeypatch, capsys, tmp_path, model, option):
    line = refused(monkeypatch, capsys, "export", model, "--out", tmp_path / "b", *option)
    assert line.startswith(f"edgeeeg: {model}")
    assert f"leave out {option[0]}" in line
    assert not (tmp_path / "b").exists()


def test_a_module_in_python_has_its_weights(tmp_path):
    with pytest.raises(CaptureError, match="Conv1d is a module that has its weights"):
        export_model(torch.nn.Conv1d(1, 1, 1), tmp_path / "b", weights=Path("w.pt"))


def test_the_shipped_detector_has_one_rate(monkeypatch, capsys, tmp_path):
    line = refused(monkeypatch, capsys, "export", "edge-detector", "--sfreq", "256", "--out", tmp_path / "b")
    assert "trained at 173.61 Hz" in line
    assert "256 Hz" in line
    assert "leave out --sfreq" in line


def test_its_own_rate_may_be_said():
    compiled = compile_model(load_model("edge-detector"), name="model", sfreq=173.61)
    assert compiled.manifest.input.sfreq == 173.61


def test_a_place_that_cannot_be_written_is_refused_before_the_model_is_loaded(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        export_model("no_such_module:factory", tmp_path)
    with pytest.raises(OutputError, match="is not a folder"):
        export_model("no_such_module:factory", tmp_path / "thesis.tex" / "bundle")


def test_only_a_factory_is_traced_again():
    assert is_factory("package.models:detector")
    assert not any(is_factory(what) for what in ("edge-detector", "a:b.onnx", "a.pt2", "detector"))


def test_a_filter_that_no_node_test_passes_is_refused(monkeypatch, capsys):
    line = refused(monkeypatch, capsys, "conformance", "--filter", "no such operator")
    assert "no node test has 'no such operator' in its name" in line
