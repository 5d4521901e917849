"""A device needs no torch: what the base install, the bridge and a running bundle may import."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeeeg.bundle import Bundle
from edgeeeg.manifest import CInfo, InputInfo, Manifest, OutputInfo, StateInfo
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets import onnx_step

HEAVY = ("torch", "onnx", "onnxscript", "mne", "scipy", "sklearn", "bokeh", "serial")


def heavy_after(program, *arguments):
    program += f"\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "module",
    [
        "edgeeeg",
        "edgeeeg.bundle",
        "edgeeeg.stream",
        "edgeeeg.signal",
        "edgeeeg_bridge",
        "edgeeeg_bridge.session",
        "edgeeeg_export.boards",
    ],
)
def test_importing_is_light(module):
    assert heavy_after(f"import {module}") == "[]"


def test_the_command_line_and_its_help_are_light():
    program = (
        "import sys, edgeeeg.cli\n"
        "sys.argv = ['edgeeeg', '--help']\n"
        "try:\n    edgeeeg.cli.main()\nexcept SystemExit as done:\n    assert not done.code"
    )
    assert heavy_after(program) == "[]"


def test_running_a_bundle_imports_numpy_and_onnxruntime_alone(tmp_path):
    graph = runpy.run_path(str(Path(__file__).parent / "update_golden.py"))["graph"]()
    step = stream(graph)
    info = Manifest(
        generator="test",
        name="golden",
        model_hash=step.hash,
        semantics="continuous",
        hop=2,
        inputs=(InputInfo(name="eeg", ch_names=("Fz", "Cz"), sfreq=128.0, unit="uV", lsb=0.125, hop=2),),
        outputs=(OutputInfo(name="score", shape=step.tensors["score"].shape),),
        states=tuple(StateInfo(name=s.name, shape=s.shape, initial=s.initial) for s in step.all_states()),
        c=CInfo(
            prefix="golden",
            **dict.fromkeys(set(CInfo.model_fields) - {"prefix"}, 0),
        ),
        files={},
    )
    model = onnx_step.emit(step).SerializeToString()
    Bundle.write(tmp_path / "bundle", info, {"model.onnx": model})
    np.save(tmp_path / "samples.npy", np.ones((2, 12), dtype=np.float32))
    program = (
        "import sys, numpy\n"
        "from edgeeeg.bundle import Bundle\nfrom edgeeeg.stream import Stream\n"
        "outputs = Stream(Bundle.load(sys.argv[1])).push(numpy.load(sys.argv[2]))\n"
        "assert outputs.shape == (6, 4), outputs.shape"
    )
    assert heavy_after(program, str(tmp_path / "bundle"), str(tmp_path / "samples.npy")) == "[]"
