"""Steps of the same models in our C and in the runtimes of a host, in one run on one core.

Writes benchmarks/results/hosts.json with machine, versions and commit, and the tables of docs/hosts.md;
asserts nothing about time. Every runtime's outputs are checked against the reference before it is timed.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from edgeeeg import terminal
from edgeeeg.evidence import Evidence
from edgeeeg_bench.hosts import allocations, compiled_c, executorch_program, ort, torch_program, tvm_machine
from edgeeeg_bench.hosts.row import key, measure
from edgeeeg_bench.hosts.runner import Absent, Runner
from edgeeeg_bench.hosts.section import render_markdown
from edgeeeg_bench.hosts.subject import Subject, models, prepare
from edgeeeg_bench.results_section import replace_results
from edgeeeg_export.toolchain import run_tool

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "hosts.json"
DOCUMENT = ROOT / "docs" / "hosts.md"


def all_runners(subject: Subject, scratch: Path) -> Iterator[Runner | Absent]:
    """Ours first; its second row is the one that others are compared with."""
    yield from compiled_c.runners(subject, scratch)
    yield from ort.runners(subject)
    yield from tvm_machine.runners(subject, scratch)
    # before torch, which runs in inference mode: no export takes weights that a network limited there
    yield from executorch_program.runners(subject, scratch / "program.pte")
    yield from torch_program.runners(subject)


def count_allocations(scratch: Path) -> None:
    """What the preloaded process does: no clock, only counts."""
    counts: dict[str, float] = {}
    for number, model in enumerate(models()):
        subject = prepare(model)
        for runner in tuple(all_runners(subject, scratch / str(number))):
            if isinstance(runner, Runner):
                counts[key(subject, runner)] = allocations.per_step(runner)
    allocations.leave(counts)


def main() -> None:
    """Pin, prepare, check, time, and write the result."""
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if allocations.counting():
            count_allocations(scratch)
            return
        counts = allocations.count_elsewhere(Path(__file__), scratch)
        rows, absent = [], []
        chosen = models()
        with terminal.progress() as progress:
            bar = progress.add_task("", total=len(chosen))
            for number, model in enumerate(chosen):
                progress.update(bar, description=model.name)
                subject = prepare(model)
                found = tuple(all_runners(subject, scratch / str(number)))
                rows += measure(subject, [r for r in found if isinstance(r, Runner)], counts)
                absent += [
                    {"model": model.name, "runtime": r.runtime, "form": r.form, "reason": r.reason}
                    for r in found
                    if isinstance(r, Absent)
                ]
                progress.advance(bar)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    result = {
        "what": "a step of each model, one thread on one core, medians of interleaved repeats; allocations"
        " are calls of malloc and its kin",
        "evidence": str(Evidence.MEASURED),
        "machine": {"processor": processor(), "system": platform.platform()},
        "versions": versions() | {"gcc": run_tool("gcc", "-dumpfullversion").strip()},
        "commit": commit.stdout.strip(),
        "rows": [row.to_json() for row in rows],
        "absent": absent,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(replace_results(document, render_markdown(result)), encoding="utf-8")
    terminal.stdout.print(render_markdown(result), markup=False)


def versions() -> dict[str, str]:
    """Of every package that is there."""
    found = {}
    for name in ("edgeeeg", "numpy", "onnxruntime", "apache-tvm", "torch", "executorch"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def processor() -> str:
    """The model that the system says it has, with the vectors that we use."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    by_name = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in by_name.items()}
    flags = fields.get("flags", "").split()
    widest = next((name for name in ("avx512f", "avx2", "sse2") if name in flags), "")
    return " ".join(part for part in (fields.get("model name", platform.machine()), widest) if part)


if __name__ == "__main__":
    main()
