"""From an ONNX model to the two graphs that everything else works on: over a recording, and over a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import onnx

from edgeeeg_export.graph import Graph
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes import ARRANGEMENT, PIPELINE, simplify
from edgeeeg_export.passes.event_driven import event_driven
from edgeeeg_export.passes.exact_windows import exact_windows
from edgeeeg_export.passes.stream import at_hop, stream
from edgeeeg_export.placement import Semantics
from edgeeeg_export.quantize.adjustments import Adjustments
from edgeeeg_export.quantize.bias_correction import correct
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.quantize.post_training import quantize
from edgeeeg_export.quantize.qdq_graph import settle
from edgeeeg_export.quantize.qdq_read import float_model, is_qdq, read_qdq, require_floats
from edgeeeg_export.quantize.quantized import Quantized


@dataclass(frozen=True, slots=True)
class Lowered:
    """The offline graph of a model and its step program, equal in their outputs to the last bit.

    `captured` is the offline graph before the edges of windows were set apart: what a whole window costs.
    """

    captured: Graph
    offline: Graph
    step: Graph
    quantized: Quantized | None = None
    """What a program of integers was made from."""

    @property
    def hop(self) -> int:
        """Samples of the first input in one step."""
        (type_, *_) = self.step.inputs.values()
        return type_.frames

    @property
    def window(self) -> int | None:
        """Samples of the first input in a window, where something in the model needs whole ones."""
        if not any(isinstance(node.op, Windows) for node in self.captured.nodes):
            return None
        (type_, *_) = self.captured.inputs.values()
        return type_.frames


def lower(
    model: onnx.ModelProto,
    name: str,
    hop: int | None = None,
    semantics: Semantics = "continuous",
    ticks: Mapping[str, int] = MappingProxyType({}),
    formats: Formats | None = None,
    adjustments: Adjustments | None = None,
) -> Lowered:
    """Import, simplify and stream a model.

    Parameters
    ----------
    model : onnx.ModelProto
    name : str
        The symbol prefix of the program.
    hop : int, optional
        Samples of one step of the first input.
    semantics : "continuous" or "windowed"
    ticks : mapping of str to int
        What one sample of each input lasts (`edgeeeg_export.input_spec.common_ticks`).
    formats : Formats, optional
        Make it a program of integers: how each tensor is stored. A QDQ model says so itself.
    adjustments : Adjustments, optional
        What is changed before rounding; without formats the channels alone, which changes no output.

    Raises
    ------
    CaptureError, UnsupportedOperator, GraphError, NotCausal, QuantizationError
        Naming the layer that stands in the way, and what would work.
    """
    qdq = read_qdq(model) if is_qdq(model) else None
    if formats is not None:
        require_floats(model)
    imported = import_onnx(model if qdq is None else qdq.model, name, semantics=semantics, ticks=ticks)
    captured = simplify(imported, PIPELINE if qdq is None else ARRANGEMENT)
    if hop is not None:
        hop *= ticks.get(next(iter(captured.inputs), ""), 1)  # graphs count time in ticks
    captured = at_hop(captured, hop)
    if adjustments is not None:
        captured = adjustments.equalized(captured)
    quantized = None
    if qdq is not None:
        quantized = settle(captured, qdq.formats, qdq.weights, qdq.hidden, qdq.states)
    elif formats is not None:
        corrections = {} if adjustments is None else adjustments.corrections
        quantized = Quantized(correct(captured, corrections), formats)
    if quantized is not None:
        captured = quantize(quantized.floats, quantized.formats, quantized.own)
    offline = exact_windows(captured) if semantics == "windowed" else captured
    offline = simplify(offline, (event_driven,))
    return Lowered(captured, offline, stream(offline, hop), quantized)


def twin_of(
    lowered: Lowered,
    model: onnx.ModelProto,
    name: str,
    hop: int | None,
    semantics: Semantics,
    ticks: Mapping[str, int],
    adjustments: Adjustments | None = None,
) -> tuple[Lowered | None, Formats | None]:
    """The float32 program beside one of integers, and how tensors of that are stored."""
    if lowered.quantized is None:
        return None, None
    twin = lower(float_model(model), name, hop, semantics, ticks, None, adjustments)
    return twin, lowered.quantized.formats
