"""What quantization did to each tensor: its scale, what was seen of it, what saturated, what noise it has.

With windowed semantics a layer that pads time has frames of its own at the ends of each window, in tensors
apart (`passes.exact_windows`); a tensor's report has all of its frames.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgeeeg_export import quantmath, reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.graph import Graph
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.quantize.post_training import program_of
from edgeeeg_export.quantize.quantized import Quantized
from edgeeeg_export.tensor import Array

TOLERATED = 0.01
"""The share of a tensor's values that may saturate on the recording of the contract."""

EDGES = (".left", ".right", ".whole")
"""What ends the name of a tensor at one end of every window, or of all of it."""


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One tensor: `scale` is what a step of type `dtype` is worth.

    `largest` is the largest magnitude seen in the float model, `saturated` the share of its values beyond
    the last step, `sqnr_db` signal against the difference of the dequantized integers from the float model,
    all layers in front of it included.
    """

    name: str
    dtype: str
    scale: float
    largest: float
    saturated: float
    sqnr_db: float | None


def layer_reports(
    floats: Graph, integers: Graph, quantized: Quantized, inputs: Mapping[str, Array]
) -> tuple[LayerReport, ...]:
    """Both graphs over the same recording from rest, compared tensor by tensor.

    Parameters
    ----------
    floats, integers : the offline graphs, before and after.
    quantized : what the second was made from.
    """
    truth = reference.run(floats, inputs).tensors
    result = reference.run(integers, inputs).tensors
    reports = []
    parts: dict[str, list[str]] = {}
    worth = _worth(integers, quantized)
    for name in worth:
        stem, edge = _stem(name, integers.tensors[name].dtype)
        if stem is not None and f"{stem}{edge}" in truth:
            parts.setdefault(stem, []).append(name)
    for stem, names in parts.items():
        own = worth[names[0]]
        scale = np.float32(own.scale)
        edges = [name.removeprefix(f"{stem}.{own.dtype}") for name in names]
        expected = np.concatenate([truth[f"{stem}{edge}"].ravel() for edge in edges])
        value = np.concatenate([result[name].ravel() for name in names])
        beyond = np.abs(expected) > np.float32(quantmath.HIGH[own.width] + 0.5) * scale
        reports.append(
            LayerReport(
                stem,
                own.dtype,
                float(scale),
                float(np.abs(expected).max(initial=0.0)),
                float(beyond.mean()),
                _ratio_db(expected, quantmath.dequantize(value, scale)),
            )
        )
    return tuple(reports)


def _stem(name: str, dtype: str) -> tuple[str | None, str]:
    """Of which tensor of floats this is the integer form, if of one, and of which end of the windows."""
    whole = _whole(name)
    edge = name.removeprefix(whole)
    stem = whole.removesuffix(f".{dtype}")
    return (None if stem == whole else stem), edge


def _worth(graph: Graph, quantized: Quantized) -> dict[str, Format]:
    """How each tensor in integers is stored, those computed at the ends of windows among them."""
    program = program_of(quantized.floats, quantized.formats, quantized.own)
    stored = {own.name: own.format for own in program.integers.values()}
    names = (name for node in graph.nodes for name in node.outputs)
    return {name: stored[whole] for name in names if (whole := _whole(name)) in stored}


def _whole(name: str) -> str:
    """The tensor that the end of a window is of, or the tensor itself."""
    return next((name.removesuffix(end) for end in EDGES if name.endswith(end)), name)


def require_in_range(reports: tuple[LayerReport, ...]) -> None:
    """Raise if the calibrated range does not hold what the model does on the recording of the contract.

    Raises
    ------
    QuantizationError
        Naming the tensor that saturates most, and the remedy.
    """
    worst = max(reports, key=lambda report: report.saturated, default=None)
    if worst is not None and worst.saturated > TOLERATED:
        limit = worst.scale * quantmath.HIGH[worst.dtype]
        raise QuantizationError(
            f"{100 * worst.saturated:.1f} % of tensor '{worst.name}' saturate: it reaches "
            f"{worst.largest:.3g} and was calibrated up to {limit:.3g}; calibrate on a recording like the "
            "one it is checked on"
        )


def to_json(reports: tuple[LayerReport, ...]) -> list[dict[str, Any]]:
    """The reports as JSON values."""
    return [asdict(report) for report in reports]


def _ratio_db(expected: Array, value: Array) -> float | None:
    """None where nothing differs, or nothing was there."""
    signal = float(np.square(expected, dtype=np.float64).sum())
    noise = float(np.square(np.subtract(value, expected, dtype=np.float64)).sum())
    return 10.0 * math.log10(signal / noise) if signal > 0 and noise > 0 else None
