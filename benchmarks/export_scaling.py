"""Seconds and memory of an export against the depth of the model.

Writes benchmarks/results/export_scaling.json. Each depth is exported by a process of its own, so that its
peak of memory is its own; what every export takes, torch among it, is in the row of two layers.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from edgeeeg import terminal
from edgeeeg.evidence import Evidence
from edgeeeg_export.pipeline import export_model

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "export_scaling.json"
DEPTHS = (2, 25, 50, 100, 200)
"""Layers: convolutions over time, every second one padded, and the ReLUs behind them."""
N_CHANS, N_TIMES, SFREQ = 8, 1024, 256.0


def network(depth: int) -> nn.Module:
    """So many layers."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for k in range((depth + 1) // 2):
        layers += [nn.Conv1d(N_CHANS, N_CHANS, 3, padding=k % 2), nn.ReLU()]
    return nn.Sequential(*layers[:depth]).eval()


def export(depth: int) -> dict[str, float]:
    """Export one network, with its contract on everything that an export checks by default."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        export_model(network(depth), Path(folder) / "bundle", sfreq=SFREQ, n_chans=N_CHANS, n_times=N_TIMES)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"layers": depth, "seconds": round(seconds, 1), "peak_mib": round(peak)}


def main() -> None:
    """Export every depth and write the file."""
    rows = []
    for depth in DEPTHS:
        command = [sys.executable, __file__, str(depth)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout))
        terminal.stdout.print(rows[-1])
    result = {
        "what": "one export, from the torch module to the verified bundle, with the default recording",
        "evidence": str(Evidence.MEASURED),
        "network": f"Conv1d({N_CHANS}, {N_CHANS}, 3) and ReLU in turn, a step of one sample, on one host",
        "exports": rows,
    }
    RESULTS.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(export(int(sys.argv[1]))))
    else:
        main()
