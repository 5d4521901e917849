"""Audits on Bonn for docs/audit.md: the shipped detectors, and an LSTM trained on windows from zero state.

Needs EDGEEEG_DATA. Writes benchmarks/results/audit.json, the results in docs/audit.md, and the LSTM's weights
to runs/audit, where `edgeeeg audit` can read them.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from edgeeeg import terminal
from edgeeeg.data.bonn_segments import label_segments
from edgeeeg.data.folds import file_folds
from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import RecordingError
from edgeeeg.evaluation.audit import audit_bonn
from edgeeeg.evidence import Evidence
from edgeeeg.models.frame_lstm import FrameLstm
from edgeeeg.signal.bonn import SFREQ, BonnSegment, read_bonn
from edgeeeg_bench.audit_page import render_markdown
from edgeeeg_bench.results_section import replace_results
from edgeeeg_bench.window_training import WindowTraining, train_on_windows
from edgeeeg_export.audit_subject import audit_subject

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "audit.json"
DOCUMENT = ROOT / "docs" / "audit.md"
WEIGHTS = ROOT / "runs" / "audit"

EPOCHS = (12, 40)
"""Trainings of the LSTM: stopped early, and until its loss is level."""


def train_folds(segments: tuple[BonnSegment, ...], epochs: int) -> str:
    """Train an LSTM for each fold on normalised 2 s windows and return its files, `{fold}` for the number."""
    labelled = label_segments(segments, "normalised")
    grid = WindowGrid.of_seconds(labelled.samples.shape[1], SFREQ)
    files = str(WEIGHTS / f"lstm-{epochs}-epochs-fold{{fold}}.safetensors")
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    for number, fold in enumerate(file_folds(labelled.ictal)):
        torch.manual_seed(number)
        model = FrameLstm()
        train = labelled.take(fold.train)
        windows = grid.cut(train.samples)[..., grid.length % model.hop :]
        ictal = np.repeat(train.ictal, windows.shape[1])
        rows = np.ascontiguousarray(windows.reshape(len(ictal), -1))
        train_on_windows(model, rows, ictal, WindowTraining(epochs=epochs))
        save_file(model.state_dict(), files.format(fold=number))
    return files


def main() -> None:
    """Train, audit, write."""
    data = os.environ.get("EDGEEEG_DATA")
    if data is None:
        raise RecordingError("the audits need real EEG: set EDGEEEG_DATA to the folder that holds bonn/")
    torch.set_num_threads(1)
    started = time.perf_counter()
    segments = read_bonn(Path(data) / "bonn")
    subjects = {
        f"shipped detector, {task}": audit_subject(model, None, None)
        for task, model in (("raw", "edge-detector"), ("normalised", "edge-detector-normalised"))
    }
    audits: list[dict[str, Any]] = []
    with terminal.progress() as progress:
        bar = progress.add_task("training", total=len(EPOCHS) + len(subjects) + len(EPOCHS))
        for epochs in EPOCHS:
            name = f"LSTM trained on windows, {epochs} epochs, normalised"
            files = train_folds(segments, epochs)
            subjects[name] = audit_subject("edgeeeg.models.frame_lstm:FrameLstm", files, "normalised")
            progress.advance(bar)
        for name, subject in subjects.items():
            progress.update(bar, description=name)
            result = audit_bonn(segments, subject.task, subject.model_of_fold, subject.weights)
            lines = [verdict.line for verdict in result.verdicts]
            audits.append({"model": name, "lines": lines} | result.to_dict())
            progress.advance(bar)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    stored = {
        "what": "scores on Bonn with the state windowed, carried and periodically reset",
        "evidence": str(Evidence.MEASURED),
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": {name: version(name) for name in ("edgeeeg", "numpy", "scikit-learn", "torch")},
        "commit": commit.stdout.strip(),
        "seconds": round(time.perf_counter() - started, 1),
        "audits": audits,
    }
    RESULTS.write_text(json.dumps(stored, indent=2, allow_nan=False) + "\n")
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_results(document, render_markdown(stored)), encoding="utf-8")
    terminal.stdout.print(render_markdown(stored), markup=False)


if __name__ == "__main__":
    main()
