"""Every verb on an installation without its extra: one line that says which to install, exit code 2."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from edgeeeg.bundle import Bundle
from edgeeeg.errors import MissingDependency
from edgeeeg.extras import PACKAGES, needs
from edgeeeg.manifest import CInfo, InputInfo, Manifest, OutputInfo
from edgeeeg.signal import Recording, write_edf

ORT, EEG = {"onnxruntime"}, {"edfio", "mne", "scipy"}
EXPORT = ORT | EEG | {"torch", "onnx", "onnxscript", "safetensors"}

PROGRAM = """
import contextlib, io, json, sys
from importlib.machinery import PathFinder

hidden, calls = json.loads(sys.argv[1])
found = PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in hidden else found(name, path, target)
PathFinder.find_spec = find_spec
from edgeeeg.cli import main
said = []
for arguments in calls:
    sys.argv = ["edgeeeg", *arguments]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as done:
            code = done.code or 0
    said.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(said))
"""


def with_only(present, calls):
    """What each call says where of the extras' packages only these are installed."""
    hidden = sorted(set(PACKAGES) - present)
    command = [sys.executable, "-c", PROGRAM, json.dumps([hidden, [list(map(str, call)) for call in calls]])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extras")
    write_edf(Recording(np.ones((1, 256), dtype=np.float32), ("Cz",), 128.0), folder / "eeg.edf")
    sizes = dict.fromkeys(set(CInfo.model_fields) - {"prefix"}, 0)
    info = Manifest(
        generator="test",
        name="model",
        model_hash="0" * 64,
        semantics="continuous",
        hop=2,
        inputs=(InputInfo(name="eeg", ch_names=("Cz",), sfreq=128.0, unit="uV", lsb=0.125, hop=2),),
        outputs=(OutputInfo(name="score", shape=(1, 1, 1)),),
        states=(),
        c=CInfo(prefix="model", **sizes),
        files={},
    )
    Bundle.write(folder / "bundle", info, {"model.onnx": b"", "golden.npz": b"", "captured.onnx": b""})
    return folder


def verbs(files):
    return {
        "train": ("train", "--root", files, "--out", files / "weights"),
        "run": ("run", files / "bundle", files / "eeg.edf"),
        "export": ("export", "edge-detector", "--out", files / "new"),
        "inspect": ("inspect", "edge-detector"),
        "audit": ("audit", "edge-detector", "--root", files),
        "conformance": ("conformance", "--filter", "relu"),
        "verify": ("verify", files / "bundle"),
        "demo": ("demo", "--out", files / "demo"),
        "profile": ("profile", files / "bundle"),
    }


@pytest.mark.parametrize(
    "present", [set(), ORT, ORT | EEG, EXPORT - {"torch"}], ids=["base", "ort", "ort,eeg", "no torch"]
)
def test_a_verb_without_its_extra_names_it(files, present):
    calls = verbs(files)
    if present >= ORT | EEG:
        del calls["run"]
    if present >= EXPORT - {"torch"}:
        calls = {verb: calls[verb] for verb in ("train", "export", "inspect", "audit")}
    for verb, (code, out, err) in zip(calls, with_only(present, calls.values()), strict=True):
        assert (code, out) == (2, ""), f"{verb}: {err}"
        assert re.fullmatch(r"edgeeeg: [^\n]*pip install 'edgeeeg\[[a-z,]+\]'\n", err), f"{verb}: {err}"


@pytest.mark.parametrize(("present", "missing"), [(EEG, "onnxruntime"), (ORT, "edfio")])
def test_running_a_recording_needs_both_extras(files, present, missing):
    ((code, _, err),) = with_only(present, [verbs(files)["run"]])
    assert code == 2
    assert err == f"edgeeeg: this needs {missing}, not installed here: pip install 'edgeeeg[ort,eeg]'\n"


def test_all_that_is_missing_is_named_before_the_work(files):
    ((code, _, err),) = with_only(EXPORT, [verbs(files)["train"]])
    assert code == 2
    assert err == "edgeeeg: this needs scikit-learn, not installed here: pip install 'edgeeeg[train]'\n"


def test_a_package_that_only_some_options_need_is_named_when_it_comes_to_it():
    @needs("eeg")
    def verb() -> None:
        raise ModuleNotFoundError("No module named 'scipy.signal'", name="scipy.signal")

    with pytest.raises(MissingDependency, match=r"needs scipy, .* 'edgeeeg\[eeg\]'"):
        verb()


def test_help_version_and_boards_need_no_extra():
    calls = [("--help",), ("--version",), ("boards",), ("export", "--help"), ("demo", "--help")]
    assert [code for code, _, _ in with_only(set(), calls)] == [0] * len(calls)


def test_a_missing_module_that_no_extra_brings_is_a_bug():
    @needs("export")
    def verb() -> None:
        import no_such_module_of_ours  # noqa: F401

    with pytest.raises(ModuleNotFoundError):
        verb()


def test_every_package_is_in_an_extra_of_the_project():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    verbs = extras.keys() - {"dev", "tvm", "zoo"}  # what tests and benchmarks need, and no verb
    brought = {re.split(r"[<>=\[]", line)[0] for name in verbs for line in extras[name]}
    assert set(PACKAGES.values()) == brought - {"edgeeeg"}
