"""An hour of EEG through a program of integers: NumPy, C on the host and C on emulated M4, M7 and M55.

The samples are synthetic EEG with artefacts, a third of them CHB-MIT where EDGEEEG_DATA is set. Writes
benchmarks/results/board_soak.json. Exits with 1 if a bit differs.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import torch

from edgeeeg import terminal
from edgeeeg.evidence import Evidence
from edgeeeg_bench.board_soak.run import integer_subject, soak_boards
from edgeeeg_bench.soak.eeg import SFREQ, hour_counts, read_excerpts
from edgeeeg_bridge.build import PORTS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "board_soak.json"
SECONDS = 3600


def main() -> None:
    """Carry the hour through every target and write what came out."""
    torch.set_num_threads(1)
    data = os.environ.get("EDGEEEG_DATA")
    excerpts = read_excerpts(Path(data) / "chb-mit") if data else ()
    started = time.perf_counter()
    subject = integer_subject("int16")
    counts = hour_counts(0, SECONDS, 0, excerpts)
    counts = counts[: len(counts) // subject.hop * subject.hop]
    with tempfile.TemporaryDirectory() as build, terminal.progress() as progress:
        progress.add_task("soaking", total=None)
        found = soak_boards(subject, counts, list(PORTS), Path(build))
    bits = "the same bits" if found.bit_identical else "DIFFERENT BITS"
    errors = ", ".join(f"{value:.2g}" for value in found.error_by_quarter)
    terminal.stdout.print(
        f"{len(counts) // subject.hop} steps: {bits} on {', '.join(found.targets)}; "
        f"median difference from float32 by quarter {errors}"
    )
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    result = {
        "what": "one stream through a program of int8 with int16 states, without a reset, on every target",
        "evidence": str(Evidence.EMULATED),
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": {name: version(name) for name in ("edgeeeg", "numpy", "torch")},
        "commit": commit.stdout.strip(),
        "seconds": round(time.perf_counter() - started, 1),
        "stream": {"seconds": SECONDS, "sfreq": SFREQ, "excerpts": len(excerpts), "seed": 0},
        "program": found.to_json(),
    }
    RESULTS.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")
    terminal.stdout.print(f"{RESULTS.relative_to(ROOT)}")
    if not found.bit_identical:
        sys.exit(1)


if __name__ == "__main__":
    main()
