"""24 hours through each linear recurrence in C: finite and bounded, NumPy's bits, error against float64.

Each layer runs twice: behind a layer norm, as in the published blocks, and fed whatever comes in, up to
±10,000. Writes benchmarks/results/cell_soak.json. Exits with 1 if a bit differs, or if the error of a
normalized layer grows; a layer that is not normalized only has to stay finite, since float32 knows exponents
of 10,000 to 0.001 and no better.
"""

from __future__ import annotations

import json
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
from edgeeeg_bench.cell_soak.network import HOP, LAYERS, N_CHANS
from edgeeeg_bench.cell_soak.run import soak_layer
from edgeeeg_bench.cell_soak.signal import LOUD, LOUD_PART, SILENT_PART
from edgeeeg_bench.soak.eeg import SFREQ
from edgeeeg_bench.soak.run import SoakPlan

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "cell_soak.json"


def main() -> None:
    """Run every layer's day and write what came out."""
    torch.set_num_threads(1)
    plan = SoakPlan()
    started = time.perf_counter()
    layers, kept = {}, True
    with terminal.progress() as progress:
        bar = progress.add_task("soaking, hours", total=2 * len(LAYERS) * plan.hours)
        for kind in LAYERS:
            for normalized in (True, False):
                with tempfile.TemporaryDirectory() as build:
                    found = soak_layer(
                        kind, normalized, plan, Path(build), lambda hours: progress.advance(bar)
                    )
                day = found.day
                kept = kept and day.bit_identical and (day.steady or not normalized)
                name = f"{kind}, normalized" if normalized else kind
                layers[name] = found.to_json()
                first, last = day.output.median[0], day.output.median[-1]
                bits = "equal" if day.bit_identical else "DIFFER"
                terminal.stdout.print(
                    f"{name:28s} bits {bits} on {len(day.stretches)} stretches, output to "
                    f"{max(found.largest_output):.2g}, error {first:.1e} in the first hour and {last:.1e} in "
                    "the last"
                )
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    samples = plan.hours * plan.hour_seconds * int(SFREQ)
    result = {
        "what": "one stream a layer through C in float32 without a reset, against NumPy and a float64 twin",
        "evidence": str(Evidence.MEASURED),
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": {name: version(name) for name in ("edgeeeg", "numpy", "torch")},
        "commit": commit.stdout.strip(),
        "seconds": round(time.perf_counter() - started, 1),
        "stream": {
            "hours": plan.hours,
            "samples": samples,
            "frames": samples // HOP,
            "channels": N_CHANS,
            "sfreq": SFREQ,
            "source": f"of each hour {LOUD_PART:.3f} full-scale noise and steps of ±{LOUD:g}, "
            f"{SILENT_PART:.3f} silence, the rest synthetic EEG with artefacts in its standard deviations",
            "error": "on the EEG alone: |float32 - float64|, relative where the twin is above 1",
            "seed": plan.seed,
        },
        "layers": layers,
    }
    RESULTS.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")
    terminal.stdout.print(f"{samples} samples each; {RESULTS.relative_to(ROOT)}")
    if not kept:
        sys.exit(1)


if __name__ == "__main__":
    main()
