"""From an ONNX model to the two graphs that everything else works on: over a recording, and over a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import onnx

from edgeeeg_export.graph import Graph
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.exact_windows import exact_windows
from edgeeeg_export.passes.stream import at_hop, stream
from edgeeeg_export.placement import Semantics
from edgeeeg_export.quantize.format import Formats
from edgeeeg_export.quantize.post_training import quantize


@dataclass(frozen=True, slots=True)
class Lowered:
    """The offline graph of a model and its step program, equal in their outputs to the last bit.

    `captured` is the offline graph before the edges of windows were set apart: what a whole window costs.
    """

    captured: Graph
    offline: Graph
    step: Graph

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
        Make it a program of integers: how each tensor is stored.

    Raises
    ------
    CaptureError, UnsupportedOperator, GraphError, NotCausal
        Naming the layer that stands in the way, and what would work.
    """
    captured = simplify(import_onnx(model, name, semantics=semantics, ticks=ticks))
    if hop is not None:
        hop *= ticks.get(next(iter(captured.inputs), ""), 1)  # graphs count time in ticks
    captured = at_hop(captured, hop)
    if formats is not None:
        captured = quantize(captured, formats)
    offline = exact_windows(captured) if semantics == "windowed" else captured
    return Lowered(captured, offline, stream(offline, hop))
