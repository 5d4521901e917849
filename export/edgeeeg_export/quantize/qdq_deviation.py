"""How far `model_qdq.onnx` in ONNX Runtime is from the program of integers: measured, not a contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnx

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import Array, stretch


@dataclass(frozen=True, slots=True)
class QdqDeviation:
    """Outputs of ONNX Runtime against those of the reference, over a recording, the states carried.

    `differing` is the share of output values that are not the same, `largest` the largest difference in the
    output's unit, `largest_steps` that in steps of its integers; None if no output is stored in integers.
    """

    runtime: str
    steps: int
    values: int
    differing: float
    largest: float
    largest_steps: float | None
    grade: str = "measured"


def measure(
    model: onnx.ModelProto, offline: Graph, step: Graph, formats: Formats, inputs: Mapping[str, Array]
) -> QdqDeviation:
    """Run the QDQ model with ONNX Runtime's default optimizations, step after step.

    Parameters
    ----------
    model : onnx.ModelProto
        The one-step QDQ model of `step`.
    offline, step : the program of integers over a recording, and over a step.
    formats : of the tensors that it was made from.
    inputs : mapping of str to array (1, n_chans, n_times)
        A recording: whole steps of every input.
    """
    import onnxruntime

    truth = reference.run(offline, inputs).tensors
    theirs = run_steps(step, inputs, model=model)
    off = {}
    for name in step.outputs:
        axis = step.tensors[name].time_axis or 0
        whole = stretch(truth[name], axis, 0, theirs[name].shape[axis])  # the frames of whole steps
        off[name] = np.abs(np.subtract(theirs[name], whole, dtype=np.float64))
    in_steps = [
        float(off[name].max(initial=0.0)) / formats[name].scale
        for name in step.outputs
        if name in formats and formats[name].dtype != "float32"
    ]
    values = sum(value.size for value in off.values())
    first, type_ = next(iter(step.inputs.items()))
    return QdqDeviation(
        f"ONNX Runtime {onnxruntime.__version__}",
        inputs[first].shape[type_.time_axis or 0] // type_.frames,
        values,
        sum(int(np.count_nonzero(value)) for value in off.values()) / max(values, 1),
        max(float(value.max(initial=0.0)) for value in off.values()),
        max(in_steps, default=None),
    )


def to_json(deviation: QdqDeviation) -> dict[str, Any]:
    """The deviation as JSON values."""
    return asdict(deviation)


def describe(deviation: Mapping[str, Any]) -> str:
    """One line for people, of the JSON values."""
    steps = deviation["largest_steps"]
    of_steps = "" if steps is None else f", {steps:.3g} steps"
    return (
        f"model_qdq.onnx in {deviation['runtime']}, {deviation['grade']} over {deviation['steps']} steps: "
        f"{100 * deviation['differing']:.2g} % of {deviation['values']} output values differ from the "
        f"integers, by {deviation['largest']:.3g} at most{of_steps}"
    )
