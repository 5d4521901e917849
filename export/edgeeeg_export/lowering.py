"""From an ONNX model to the two graphs that everything else works on: over a recording, and over a step."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from edgeeeg_export.graph import Graph
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.exact_windows import exact_windows
from edgeeeg_export.passes.stream import at_hop, stream
from edgeeeg_export.placement import Semantics


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
        """Samples of one step."""
        (type_, *_) = self.step.inputs.values()
        return int(type_.frames * type_.samples_per_frame)

    @property
    def window(self) -> int | None:
        """Samples of a window, where something in the model needs whole ones."""
        if not any(isinstance(node.op, Windows) for node in self.captured.nodes):
            return None
        (type_, *_) = self.captured.inputs.values()
        return int(type_.frames * type_.samples_per_frame)


def lower(
    model: onnx.ModelProto, name: str, hop: int | None = None, semantics: Semantics = "continuous"
) -> Lowered:
    """Import, simplify and stream a model.

    Parameters
    ----------
    model : onnx.ModelProto
    name : str
        The symbol prefix of the program.
    hop : int, optional
        Samples of one step.
    semantics : "continuous" or "windowed"

    Raises
    ------
    CaptureError, UnsupportedOperator, GraphError, NotCausal
        Naming the layer that stands in the way, and what would work.
    """
    captured = at_hop(simplify(import_onnx(model, name, semantics=semantics)), hop)
    offline = exact_windows(captured) if semantics == "windowed" else captured
    return Lowered(captured, offline, stream(offline, hop))
