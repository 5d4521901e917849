"""A host that only talks to boards needs neither torch nor any other heavy package."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "onnx", "onnxruntime", "scipy", "mne", "sklearn", "bokeh")


def test_the_bridge_imports_nothing_heavy() -> None:
    script = (
        "import sys, edgeeeg_bridge.device, edgeeeg_bridge.emulator\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
