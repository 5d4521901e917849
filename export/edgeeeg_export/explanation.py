"""What the rewrites do to a model, and where they began to match and did not fire: `--explain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

import onnx

from edgeeeg_export.importer import import_onnx
from edgeeeg_export.passes import ARRANGEMENT, PIPELINE, Explanation, explain
from edgeeeg_export.quantize.qdq_read import float_model, is_qdq


def explain_model(
    model: onnx.ModelProto, ticks: Mapping[str, int] = MappingProxyType({})
) -> tuple[Explanation, ...]:
    """The explanations of a captured model; `ticks` says what a sample of each input lasts.

    Raises
    ------
    ExportError
        If it cannot be imported; the message names the layer.
    """
    pipeline = ARRANGEMENT if is_qdq(model) else PIPELINE
    return explain(import_onnx(float_model(model), "model", ticks=ticks), pipeline)


def to_json(explanations: Sequence[Explanation]) -> list[dict[str, Any]]:
    """The explanations as JSON values."""
    return [asdict(explanation) for explanation in explanations]


def render(explanations: Sequence[Explanation]) -> Iterator[str]:
    """One line for each thing done or left alone, under the rewrite's name."""
    if not explanations:
        yield "rewrites: none found anything to do"
    for explanation in explanations:
        yield f"rewrite {explanation.rewrite}"
        yield from (f"  done: {line}" for line in explanation.fired)
        yield from (f"  left: {line}" for line in explanation.declined)
