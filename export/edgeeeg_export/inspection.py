"""What a model is, what it costs as a stream, which boards hold it, and what stands in its way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import onnx

from edgeeeg.errors import MissingDependency
from edgeeeg_export.boards import BOARDS, fits
from edgeeeg_export.errors import GraphError, NotCausal, UnsupportedOperator
from edgeeeg_export.footprint import model_flash_bytes
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.importer import outside_the_set
from edgeeeg_export.loading import LoadedModel
from edgeeeg_export.lowering import Lowered, lower
from edgeeeg_export.ops.blocks import Blocks
from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.ops.clock import Clock
from edgeeeg_export.ops.delay import Delay
from edgeeeg_export.ops.gate import Gate
from edgeeeg_export.ops.windows import Windows
from edgeeeg_export.passes.rewriting import macs
from edgeeeg_export.placement import SEMANTICS, Semantics
from edgeeeg_export.quantize.qdq_read import float_model
from edgeeeg_export.targets import c


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One operator of the step program; bytes and multiply-accumulates are counted, for one step.

    `runs` says where: on the `stream` of frames, once a step on a whole `window`, on the `edge` of one, or as
    `upkeep` of caches and delays. `late` is by how many samples of the first input its result is behind.
    """

    path: str
    operator: str
    runs: str
    output: tuple[int, ...]
    late: float
    weight_bytes: int
    state_bytes: int
    macs: int


@dataclass(frozen=True, slots=True)
class StreamCost:
    """What a model costs as a stream.

    `macs_of_window` is one pass over as many samples as the model was traced with: the price of computing a
    window anew at every hop. `delay_samples` is what look-ahead and windows cost in time.
    """

    hop: int
    delay_samples: int
    flush_steps: int
    macs: int
    macs_of_window: int
    window_samples: int
    state_bytes: int
    struct_bytes: int
    arena_bytes: int
    arena_bound_bytes: int
    arena_peak: str
    layers: tuple[LayerCost, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """The findings: what each semantics costs, and which boards hold the cheapest.

    `sfreq` is the rate of the first input, `rates` has those of all where the model says them, in Hz.
    `obstacles` has what stands in the way of a semantics that is absent from `streams`; `advice` says which
    one suits the model.
    """

    inputs: dict[str, tuple[int | str, ...]]
    sfreq: float | None
    rates: dict[str, float]
    weight_bytes: int
    obstacles: tuple[str, ...]
    streams: dict[Semantics, StreamCost]
    advice: str
    boards: dict[str, bool] | None
    flash: str

    def to_json(self) -> dict[str, Any]:
        """The findings as JSON values."""
        return asdict(self)


def inspect_model(loaded: LoadedModel, hop: int | None = None) -> Inspection:
    """Look at a model without verifying it; obstacles are collected, not raised."""
    inputs = _inputs(loaded)
    if len(inputs) > 1 and not loaded.inputs:
        unknown = (
            f"the model has {len(inputs)} inputs ({', '.join(inputs)}) and does not say their rates: give "
            "the module an attribute `inputs`, an InputSpec for each"
        )
        return _found(loaded, (unknown,), {})
    outside = outside_the_set(float_model(loaded.onnx_model))
    if outside:
        return _found(loaded, outside, {})
    reasons: dict[str, None] = {}
    lowered: dict[Semantics, Lowered] = {}
    for semantics in SEMANTICS:
        try:
            lowered[semantics] = lower(loaded.onnx_model, "model", hop, semantics, loaded.ticks)
        except (GraphError, NotCausal, UnsupportedOperator) as error:
            reasons[str(error)] = None
    return _found(loaded, tuple(reasons), lowered)


def _found(loaded: LoadedModel, reasons: tuple[str, ...], lowered: Mapping[Semantics, Lowered]) -> Inspection:
    programs = {semantics: c.emit(program.step, 1.0) for semantics, program in lowered.items()}
    streams = {semantics: _cost(program, programs[semantics]) for semantics, program in lowered.items()}
    smallest = min(programs.values(), key=lambda program: program.struct_bytes, default=None)
    fitting, flash = (None, "") if smallest is None else _boards(smallest)
    return Inspection(
        _inputs(loaded),
        loaded.sfreq,
        {spec.name: spec.sfreq for spec in loaded.inputs},
        _weight_bytes(loaded),
        reasons,
        streams,
        _advice(lowered, streams),
        fitting,
        flash,
    )


def _cost(lowered: Lowered, program: c.CProgram) -> StreamCost:
    (captured, *_) = lowered.captured.inputs.values()
    tick = Fraction(captured.samples_per_frame)
    return StreamCost(
        hop=program.hop,
        delay_samples=program.delay * program.hop,
        flush_steps=program.flush,
        macs=macs(lowered.step),
        macs_of_window=macs(lowered.captured),
        window_samples=captured.frames,
        state_bytes=program.state_bytes,
        struct_bytes=program.struct_bytes,
        arena_bytes=program.arena_bytes,
        arena_bound_bytes=program.arena_bound_bytes,
        arena_peak=program.arena_peak,
        layers=tuple(_layer_costs(lowered.step, tick)),
    )


def _advice(lowered: Mapping[Semantics, Lowered], streams: Mapping[Semantics, StreamCost]) -> str:
    """Which semantics suits the model, and why."""
    if len(streams) < len(SEMANTICS):
        return f"{next(iter(streams))}, the only one that works" if streams else ""
    graph, exact = lowered["continuous"].step, lowered["windowed"].step
    if macs(graph) == macs(exact) and len(graph.nodes) == len(exact.nodes):
        return "either: nothing in it pads time or keeps a state, so both are the same program"
    ratio = streams["windowed"].macs / max(streams["continuous"].macs, 1)
    stateful = [node.label for node in graph.nodes if graph.states[node.name] and not _is_upkeep(node)]
    if stateful:
        return (
            f"continuous if it was trained on long sequences, as {stateful[0]} then carries its state for "
            "ever (`edgeeeg audit` tells what that does to a model trained on windows); windowed, at "
            f"{ratio:.1f} times the work, if every window must begin anew as in such training"
        )
    return (
        "continuous, which differs from what it was trained on only where a window's ends were padded; "
        f"windowed, at {ratio:.1f} times the work, if those must be equal too"
    )


def _is_upkeep(node: Node) -> bool:
    return isinstance(node.op, (Cache, Clock, Delay, Gate))


def _inputs(loaded: LoadedModel) -> dict[str, tuple[int | str, ...]]:
    graph = loaded.onnx_model.graph
    weights = {tensor.name for tensor in graph.initializer}
    return {
        value.name: tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in graph.input
        if value.name not in weights
    }


def _weight_bytes(loaded: LoadedModel) -> int:
    floats = (t for t in loaded.onnx_model.graph.initializer if t.data_type == onnx.TensorProto.FLOAT)
    return 4 * sum(int(math.prod(tensor.dims)) for tensor in floats)


def _layer_costs(step: Graph, tick: Fraction) -> list[LayerCost]:
    """Every layer; a sample of the first input lasts `tick`."""
    places = _places(step)
    return [
        LayerCost(
            path=node.path or node.name,
            operator=node.op.kind,
            runs=places[node.name],
            output=step.tensors[node.outputs[0]].shape,
            late=float(
                step.timing.behind.get(node.outputs[0], 0)
                * step.tensors[node.outputs[0]].samples_per_frame
                / tick
            ),
            weight_bytes=sum(step.constants[name].nbytes for name in node.inputs if name in step.constants),
            state_bytes=sum(state.nbytes for state in step.states[node.name]),
            macs=node.op.macs(step.types(node.inputs)),
        )
        for node in step.nodes
    ]


def _places(step: Graph) -> dict[str, str]:
    """Where each node runs, by its name."""
    edges = _of_edges(step)
    tensors: dict[str, str] = dict.fromkeys(step.inputs, "stream")
    places: dict[str, str] = {}
    for node in step.nodes:
        sources = [tensors[name] for name in node.inputs if name in tensors]
        place = next((name for name in ("window", "edge") if name in sources), "stream")
        if isinstance(node.op, Windows):
            place = "edge" if node.outputs[0] in edges else "window"
        elif isinstance(node.op, Blocks):
            place = "edge"
        tensors.update(dict.fromkeys(node.outputs, place))
        places[node.name] = "upkeep" if _is_upkeep(node) else place
    return places


def _of_edges(step: Graph) -> set[str]:
    """Tensors that end in blocks: the edges of windows on their way through a layer."""
    edges: set[str] = set()
    for node in reversed(step.nodes):
        if isinstance(node.op, Blocks) or (
            edges.intersection(node.outputs) and not isinstance(node.op, Windows)
        ):
            edges.update(node.inputs)
    return edges


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
