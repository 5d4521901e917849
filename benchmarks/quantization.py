"""What int8 costs in accuracy and saves in memory, on amplitude-normalised Bonn, for docs/quantization.md.

Needs EDGEEEG_DATA. Writes benchmarks/results/quantization.json, the results in docs/quantization.md, and the
weights that it trains to runs/quantization.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import torch

from edgeeeg import terminal
from edgeeeg.data.bonn_segments import label_segments
from edgeeeg.data.folds import file_folds
from edgeeeg.errors import RecordingError
from edgeeeg.evaluation.bonn import PROTOCOL
from edgeeeg.evidence import Evidence
from edgeeeg.signal.bonn import read_bonn
from edgeeeg_bench.quantization.entry import entries
from edgeeeg_bench.quantization.section import render_markdown
from edgeeeg_bench.quantization.trial import CALIBRATION_EVERY, REPORT_EVERY, VARIANTS, score
from edgeeeg_bench.results_section import replace_results

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "quantization.json"
DOCUMENT = ROOT / "docs" / "quantization.md"
WEIGHTS = ROOT / "runs" / "quantization"


def main() -> None:
    """Train, quantize, score, write."""
    data = os.environ.get("EDGEEEG_DATA")
    if data is None:
        raise RecordingError("the table needs real EEG: set EDGEEEG_DATA to the folder that holds bonn/")
    torch.set_num_threads(1)
    started = time.perf_counter()
    labelled = label_segments(read_bonn(Path(data) / "bonn"), "normalised")
    folds = file_folds(labelled.ictal)
    chosen, trials = entries(labelled, folds, WEIGHTS), []
    with terminal.progress() as progress:
        programs = sum(
            len(entry.folds) * (1 + len(VARIANTS) + (entry.retrained is not None)) for entry in chosen
        )
        bar = progress.add_task("scoring", total=programs)
        for entry in chosen:
            progress.update(bar, description=entry.name)
            trials.append(score(entry, labelled, folds, lambda: progress.advance(bar)).to_json())
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    packages = ("edgeeeg", "braindecode", "numpy", "scikit-learn", "torch")
    stored = {
        "what": "AUC on Bonn of models as float32 and, after training, in integers; bytes of their C",
        "evidence": {"auc": str(Evidence.MEASURED), "bytes": str(Evidence.COUNTED)},
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": {name: version(name) for name in packages},
        "commit": commit.stdout.strip(),
        "seconds": round(time.perf_counter() - started, 1),
        "protocol": PROTOCOL
        | {
            "task": "normalised",
            "runs": "NumPy reference",
            "calibrated_on": f"every {CALIBRATION_EVERY}th training file in one stream, state carried",
            "noise_on": f"every {REPORT_EVERY}th held-out file in one stream",
        },
        "trials": trials,
    }
    RESULTS.write_text(json.dumps(stored, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_results(document, render_markdown(stored)), encoding="utf-8")
    terminal.stdout.print(render_markdown(stored), markup=False)


if __name__ == "__main__":
    main()
