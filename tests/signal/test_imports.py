from __future__ import annotations

import subprocess
import sys


def test_importing_signals_and_synthesising_one_channel_need_numpy_alone() -> None:
    program = (
        "import sys; import edgeeeg.signal; edgeeeg.signal.synthesize(70.0); "
        "print([name for name in ('torch', 'mne', 'scipy', 'edfio') if name in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == "[]"
