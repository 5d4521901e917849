"""Instructions of every kernel on emulated Cortex-M4, M7 and M55, for docs/kernels.md.

Writes benchmarks/results/kernels.json and docs/kernels.md; with `--fit` first the table of costs that the
generator chooses kernels by.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edgeeeg import terminal
from edgeeeg.evidence import Evidence
from edgeeeg_bench.kernels.counting import BOARDS, count
from edgeeeg_bench.kernels.event_costs import event_costs
from edgeeeg_bench.kernels.events import event_rows
from edgeeeg_bench.kernels.fitting import fit
from edgeeeg_bench.kernels.layers import FITTED, LAYERS
from edgeeeg_bench.kernels.section import event_row, layer_rows, render_markdown
from edgeeeg_bench.results_section import replace_results
from edgeeeg_export.kernels import costs
from edgeeeg_export.toolchain import run_tool

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "kernels.json"
DOCUMENT = ROOT / "docs" / "kernels.md"
COSTS = Path(costs.__file__).with_name("costs.json")


def main() -> None:
    """Fit, count, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", action="store_true", help="count every kernel and write the table of costs")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, terminal.progress() as progress:
        scratch = Path(folder)
        bar = progress.add_task("", total=len(BOARDS) * (3 if arguments.fit else 2))
        if arguments.fit:
            table: dict[str, Any] = {"instructions": {}, "fits": {}}
            for core in BOARDS:
                progress.update(bar, description=f"fit {core}")
                found = fit(FITTED, core, scratch / "fit" / core)
                events = event_costs(core, scratch / "fit-events" / core)
                table["instructions"][core] = dict(found.costs) | dict(events.costs)
                worst = {name: round(value, 4) for name, value in (found.worst | events.worst).items()}
                lost = [round(share, 4) for share in found.lost]
                table["fits"][core] = {"cases": found.cases + events.cases, "worst": worst, "lost": lost}
                progress.advance(bar)
            COSTS.write_text(json.dumps(table, indent=2) + "\n")
            costs.table.cache_clear()
        rows, spikes = [], []
        for core in BOARDS:
            progress.update(bar, description=f"layers on {core}")
            counted = count([layer.case for layer in LAYERS], core, scratch / core, per_image=1)
            rows += layer_rows(LAYERS, counted, core)
            progress.advance(bar)
            progress.update(bar, description=f"spikes on {core}")
            spikes += [event_row(row) for row in event_rows(core, scratch / "spikes" / core)]
            progress.advance(bar)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    result = {
        "what": "instructions of one call with requantization, bias present, int8 in and out, at -O2",
        "evidence": {"instructions": str(Evidence.COUNTED), "cycles": str(Evidence.MODELLED)},
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": {
            "edgeeeg": version("edgeeeg"),
            "arm-none-eabi-gcc": run_tool("arm-none-eabi-gcc", "-dumpfullversion").strip(),
            "QEMU": run_tool("qemu-system-arm", "--version").split()[3],
        },
        "commit": commit.stdout.strip(),
        "rows": rows,
        "spikes": spikes,
        "fits": json.loads(COSTS.read_text())["fits"],
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    DOCUMENT.write_text(replace_results(DOCUMENT.read_text(encoding="utf-8"), render_markdown(result)))
    terminal.stdout.print(render_markdown(result), markup=False)


if __name__ == "__main__":
    main()
