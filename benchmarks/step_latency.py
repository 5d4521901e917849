"""Latency of one step on this host: our C, ONNX Runtime, torch and the NumPy reference, in one run.

Writes benchmarks/results/step_latency.json with machine, versions and commit; asserts nothing. Medians of
interleaved repeats on one thread, so a busy moment of the machine hits all alike; compare the ratios.
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from edgeeeg.bundle import Bundle
from edgeeeg.evidence import Evidence
from edgeeeg.stream import Stream
from edgeeeg_export import reference
from edgeeeg_export.pipeline import export_model, reload
from edgeeeg_export.targets.native import NativeModel

REPEATS = 15
STEPS = 200
RESULTS = Path(__file__).parent / "results"


def runners(bundle: Bundle, build: Path) -> dict[str, Callable[[np.ndarray], object]]:
    """One function a runtime, each of which takes counts (n_times, 1) and carries its state."""
    from edgeeeg.models.pretrained import load_detector

    info = bundle.manifest
    native = NativeModel(bundle.folder / "c", build, info.outputs[0].shape[-1], info.hop, info.c.saved_bytes)
    session = Stream(bundle)
    subject = reload(bundle)
    detector = load_detector("raw")
    states: list[reference.States | None] = [None]

    def by_hop(counts: np.ndarray, step: Callable[[np.ndarray], object]) -> None:
        samples = subject.samples(counts)[info.input.name]
        for start in range(0, samples.shape[2], info.hop):
            step(samples[:, :, start : start + info.hop])

    def numpy_step(hop: np.ndarray) -> None:
        states[0] = reference.run(subject.step, {info.input.name: hop}, states[0]).states

    def torch_window(counts: np.ndarray) -> None:
        # the module has no carried state: one pass over the same samples, per step
        with torch.no_grad():
            detector(torch.from_numpy(subject.samples(counts)[info.input.name]))

    return {
        "c_host": native.push,
        "onnxruntime": lambda counts: by_hop(counts, lambda hop: session.push(hop[0])),
        "torch, whole stretch at once": torch_window,
        "numpy reference": lambda counts: by_hop(counts, numpy_step),
    }


def main() -> None:
    """Export the shipped detector, time every runtime on the same samples, write the result."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        bundle = export_model("edge-detector", Path(scratch) / "bundle", name="detector", ch_names=("EEG",))
        with np.load(bundle.path("golden.npz")) as golden:
            counts = golden["counts"][: STEPS * bundle.manifest.hop]
        steps = len(counts) // bundle.manifest.hop
        times: dict[str, list[float]] = {}
        work = runners(bundle, Path(scratch) / "build")
        for repeat in range(REPEATS + 1):
            for name, run in work.items():
                start = time.perf_counter()
                run(counts)
                if repeat:  # the first round warms up
                    times.setdefault(name, []).append((time.perf_counter() - start) / steps * 1e6)
    medians = {name: statistics.median(values) for name, values in times.items()}
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    result = {
        "what": "microseconds per step of 'edge-detector', one thread, median of interleaved repeats",
        "evidence": str(Evidence.MEASURED),
        "machine": {"processor": platform.processor() or platform.machine(), "system": platform.platform()},
        "versions": {name: version(name) for name in ("edgeeeg", "numpy", "onnxruntime", "torch")},
        "commit": commit.stdout.strip(),
        "repeats": REPEATS,
        "steps": steps,
        "rows": [
            {
                "runtime": name,
                "median_us": median,
                "p99_us": float(np.percentile(times[name], 99)),
                "ratio_to_c": median / medians["c_host"],
            }
            for name, median in medians.items()
        ],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "step_latency.json").write_text(json.dumps(result, indent=2) + "\n")
    for row in result["rows"]:
        print(f"{row['runtime']:30} {row['median_us']:9.2f} µs  {row['ratio_to_c']:8.1f} × C")


if __name__ == "__main__":
    main()
