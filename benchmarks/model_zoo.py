"""Networks of the field as streams: work, delay and memory, counted for docs/models.md.

Writes benchmarks/results/model_zoo.json and the tables of docs/models.md.
"""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from edgeeeg import terminal
from edgeeeg.evidence import Evidence
from edgeeeg_bench.results_section import replace_results
from edgeeeg_bench.zoo.entry import entries
from edgeeeg_bench.zoo.page import render_markdown
from edgeeeg_bench.zoo.row import count

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "model_zoo.json"
DOCUMENT = ROOT / "docs" / "models.md"


def main() -> None:
    """Count every model and write the tables."""
    torch.set_num_threads(1)
    zoo, rows = entries(), []
    with terminal.progress() as progress:
        bar = progress.add_task("counting", total=len(zoo))
        for entry in zoo:
            progress.update(bar, description=entry.name)
            rows.append(count(entry).to_json())
            progress.advance(bar)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    packages = ("edgeeeg", "braindecode", "torch", "onnx")
    result = {
        "what": "multiply-accumulates, delay and memory of networks as streams; weights are untrained",
        "evidence": str(Evidence.COUNTED),
        "versions": {name: version(name) for name in packages},
        "commit": commit.stdout.strip(),
        "models": rows,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_results(document, render_markdown(result)), encoding="utf-8")
    terminal.stdout.print(render_markdown(result), markup=False)


if __name__ == "__main__":
    main()
