"""What a model is, what it costs as a stream, which boards hold it, and what stands in its way."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import onnx

from edgeeeg.errors import MissingDependency
from edgeeeg_export.boards import BOARDS, fits
from edgeeeg_export.errors import GraphError, NotCausal, UnsupportedOperator
from edgeeeg_export.footprint import model_flash_bytes
from edgeeeg_export.graph import Graph
from edgeeeg_export.importer import import_onnx, outside_the_set
from edgeeeg_export.loading import LoadedModel
from edgeeeg_export.passes import simplify
from edgeeeg_export.passes.stream import obstacles, stream
from edgeeeg_export.targets import c


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One operator of the step program; bytes and multiply-accumulates are counted, for one step."""

    path: str
    operator: str
    output: tuple[int, ...]
    weight_bytes: int
    state_bytes: int
    macs: int


@dataclass(frozen=True, slots=True)
class StreamCost:
    """What the continuous form costs.

    `macs_of_window` is one pass over as many samples as the model was traced with: the price of computing a
    window anew at every hop.
    """

    hop: int
    macs: int
    macs_of_window: int
    window_samples: int
    state_bytes: int
    arena_bytes: int
    arena_bound_bytes: int
    arena_peak: str
    layers: tuple[LayerCost, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """The findings; `stream` and `boards` are absent where obstacles stand in the way."""

    inputs: dict[str, tuple[int | str, ...]]
    sfreq: float | None
    weight_bytes: int
    obstacles: tuple[str, ...]
    stream: StreamCost | None
    boards: dict[str, bool] | None
    flash: str

    def to_json(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return asdict(self)


def inspect_model(loaded: LoadedModel, hop: int | None = None) -> Inspection:
    """Look at a model without verifying it; obstacles are collected, not raised."""
    outside = outside_the_set(loaded.onnx_model)
    if outside:
        return _stopped(loaded, outside)
    try:
        graph = simplify(import_onnx(loaded.onnx_model, "model"))
    except (GraphError, UnsupportedOperator) as error:
        return _stopped(loaded, (str(error),))
    standing = obstacles(graph)
    if standing:
        return _stopped(loaded, standing)
    try:
        step = stream(graph, hop)
    except NotCausal as error:
        return _stopped(loaded, (str(error),))
    program = c.emit(step, 1.0)
    ((_, captured),) = graph.inputs.items()
    cost = StreamCost(
        hop=program.hop,
        macs=_macs(step),
        macs_of_window=_macs(graph),
        window_samples=captured.frames,
        state_bytes=program.state_bytes,
        arena_bytes=program.arena_bytes,
        arena_bound_bytes=program.arena_bound_bytes,
        arena_peak=program.arena_peak,
        layers=tuple(_layer_costs(step)),
    )
    fitting, flash = _boards(program)
    return Inspection(_inputs(loaded), loaded.sfreq, _weight_bytes(loaded), (), cost, fitting, flash)


def _inputs(loaded: LoadedModel) -> dict[str, tuple[int | str, ...]]:
    graph = loaded.onnx_model.graph
    weights = {tensor.name for tensor in graph.initializer}
    return {
        value.name: tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in graph.input
        if value.name not in weights
    }


def _stopped(loaded: LoadedModel, reasons: tuple[str, ...]) -> Inspection:
    return Inspection(_inputs(loaded), loaded.sfreq, _weight_bytes(loaded), reasons, None, None, "")


def _weight_bytes(loaded: LoadedModel) -> int:
    floats = (t for t in loaded.onnx_model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)
    return 4 * sum(int(math.prod(tensor.dims)) for tensor in floats)


def _macs(graph: Graph) -> int:
    return sum(node.op.macs(graph.types(node.inputs)) for node in graph.nodes)


def _layer_costs(step: Graph) -> list[LayerCost]:
    return [
        LayerCost(
            path=node.path or node.name,
            operator=node.op.kind,
            output=step.tensors[node.outputs[0]].shape,
            weight_bytes=4 * sum(step.constants[name].size for name in node.inputs if name in step.constants),
            state_bytes=4 * sum(state.size for state in step.states[node.name]),
            macs=node.op.macs(step.types(node.inputs)),
        )
        for node in step.nodes
    ]


def _boards(program: c.CProgram) -> tuple[dict[str, bool], str]:
    """Which boards hold the model alone, and how its flash was found: compiled for each core if possible."""
    fitting: dict[str, bool] = {}
    how = "compiled for each core"
    for name, board in BOARDS.items():
        try:
            flash = model_flash_bytes(program, board)
        except MissingDependency as error:
            flash, how = program.weight_bytes, f"weights alone: {error}"
        fitting[name] = fits(board, flash, program.struct_bytes)
    return fitting, how
