"""24 hours of EEG at 256 Hz through the generated C: bits against NumPy, error against float64, by hour.

Writes benchmarks/results/soak.json, the results in docs/soak.md and runs/soak/soak.html. A third of each
hour is CHB-MIT where EDGEEEG_DATA is set. Exits with 1 if a bit differs or an error grows.
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
from edgeeeg_bench.results_section import replace_results
from edgeeeg_bench.soak.eeg import CH_NAMES, SFREQ, read_excerpts
from edgeeeg_bench.soak.page import render_markdown, write_plot
from edgeeeg_bench.soak.run import SoakPlan, run_soak

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "soak.json"
DOCUMENT = ROOT / "docs" / "soak.md"
PLOT = ROOT / "runs" / "soak" / "soak.html"


def main() -> None:
    """Run the whole day and write what came out."""
    torch.set_num_threads(1)
    plan = SoakPlan()
    data = os.environ.get("EDGEEEG_DATA")
    excerpts = read_excerpts(Path(data) / "chb-mit") if data else ()
    started = time.perf_counter()
    with terminal.progress() as progress, tempfile.TemporaryDirectory() as build:
        bar = progress.add_task("soaking, hours", total=plan.hours)
        subject, day = run_soak(
            plan, excerpts, Path(build), lambda done: progress.update(bar, completed=done)
        )
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    samples = plan.hours * plan.hour_seconds * int(SFREQ)
    spikes_per_step = subject.program.n_outputs - 1
    result = {
        "what": "one stream through C in float32 without a reset, against NumPy and a float64 twin",
        "evidence": str(Evidence.MEASURED),
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": {name: version(name) for name in ("edgeeeg", "numpy", "torch")},
        "commit": commit.stdout.strip(),
        "seconds": round(time.perf_counter() - started, 1),
        "graph": {
            "network": "convolution, LIF, convolution, Mamba, GRU, dense; seeded weights, batch norms on EEG",
            "model_hash": subject.step.hash,
            "operators": sorted({node.op.kind for node in subject.step.nodes}),
            "hop": subject.hop,
            "state_bytes": subject.program.state_bytes,
            "seed": plan.seed,
        },
        "stream": {
            "hours": plan.hours,
            "samples": samples,
            "steps": samples // subject.hop,
            "spikes": samples // subject.hop * spikes_per_step,
            "channels": len(CH_NAMES),
            "sfreq": SFREQ,
            "source": "synthetic EEG with artefacts, seed 0 and on"
            + (", and a third of each hour CHB-MIT (two excerpts of 301 s, looped)" if excerpts else ""),
        },
        "result": day.to_json(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")
    DOCUMENT.write_text(
        replace_results(DOCUMENT.read_text(encoding="utf-8"), render_markdown(result)), encoding="utf-8"
    )
    write_plot(PLOT, result)
    terminal.stdout.print(
        f"{samples} samples: bits {'equal' if day.bit_identical else 'DIFFER'} on {len(day.stretches)} "
        f"stretches, error {'steady' if day.steady else 'GROWS'}, {sum(day.flips)} spike flips; "
        f"{RESULTS.relative_to(ROOT)}, {PLOT.relative_to(ROOT)}"
    )
    if not (day.bit_identical and day.steady):
        sys.exit(1)


if __name__ == "__main__":
    main()
