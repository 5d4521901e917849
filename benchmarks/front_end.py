"""Figures of docs/front_end.md: what the layers of the front end cost, how late and how exact they are.

Writes benchmarks/results/front_end.json with machine, versions and commit; asserts nothing. Each table has
its grade: errors, delays and times are measured on programs of this host, instructions counted on the
emulated Cortex-M4, where they depend on the cross compiler alone.
"""

from __future__ import annotations

import json
import platform
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch

from edgeeeg import terminal
from edgeeeg_bench.front_end.costs import costs, ratios
from edgeeeg_bench.front_end.filters import accuracy, delays
from edgeeeg_bench.front_end.section import Section
from edgeeeg_bench.front_end.spectra import spectra
from edgeeeg_bench.front_end.walks import walks
from edgeeeg_export.toolchain import run_tool

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Count and measure, write the result and print it."""
    torch.set_num_threads(1)
    sections: dict[str, Section] = {}
    with tempfile.TemporaryDirectory() as folder, terminal.progress() as progress:
        scratch = Path(folder)
        work: dict[str, Callable[[], Section]] = {
            "accuracy": partial(accuracy, scratch / "accuracy"),
            "delays": partial(delays, scratch / "delays"),
            "costs": partial(costs, scratch / "costs"),
            "ratios": ratios,
            "spectra": partial(spectra, scratch / "spectra"),
            "walks": walks,
        }
        bar = progress.add_task("", total=len(work))
        for name, find in work.items():
            progress.update(bar, description=name)
            sections[name] = find()
            progress.advance(bar)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    packages = {name: version(name) for name in ("edgeeeg", "numpy", "scipy", "torch")}
    compiler = run_tool("arm-none-eabi-gcc", "-dumpfullversion").strip()
    result = {
        "what": "the layers of the front end: costs, delays and errors, a grade beside each table",
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": packages | {"arm-none-eabi-gcc": compiler},
        "commit": commit.stdout.strip(),
        **{name: section.to_json() for name, section in sections.items()},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "front_end.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    for section in sections.values():
        terminal.stdout.print(section.to_table())


if __name__ == "__main__":
    main()
