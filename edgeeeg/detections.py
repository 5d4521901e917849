"""From a stream of outputs to detections in time, and to a file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeeeg.manifest import Manifest
from edgeeeg.output_path import require_file
from edgeeeg.signal.annotation import Annotation


def above_threshold(manifest: Manifest, outputs: NDArray[np.float32]) -> tuple[Annotation, ...] | None:
    """Stretches of steps whose first output is at or above its threshold, as annotations in seconds.

    Parameters
    ----------
    manifest : Manifest
    outputs : (n_steps, n_outputs)

    Returns
    -------
    tuple of Annotation, or None
        None where the manifest states no threshold, so that nothing is decided. An output counts from the
        first sample to the last of the step with which it came: of a model that looks ahead, later than what
        it speaks of.
    """
    threshold = manifest.outputs[0].threshold
    if threshold is None:
        return None
    decided = np.concatenate([[False], outputs[:, 0] >= threshold, [False]])
    edges = np.flatnonzero(decided[1:] != decided[:-1]) + manifest.delay_steps
    seconds = manifest.hop / manifest.inputs[0].sfreq
    return tuple(
        Annotation(float(start * seconds), float((stop - start) * seconds), manifest.outputs[0].name)
        for start, stop in edges.reshape(-1, 2)
    )


def write_outputs(path: Path, manifest: Manifest, outputs: NDArray[np.float32]) -> None:
    """Write a tab-separated file, a row per output: time of the last sample it took in s, then the values.

    An interrupted write leaves an older file as it was.
    """
    names = []
    for info in manifest.outputs:
        size = int(np.prod(info.shape))
        names += [info.name] if size == 1 else [f"{info.name}_{k}" for k in range(size)]
    sfreq = manifest.inputs[0].sfreq
    times = ((np.arange(len(outputs)) + manifest.delay_steps + 1) * manifest.hop - 1) / sfreq
    lines = ["\t".join(["time", *names])]
    for time, row in zip(times, outputs, strict=True):
        lines.append("\t".join([f"{time:.6f}", *(f"{value:.9g}" for value in row)]))
    require_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text("\n".join(lines) + "\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
