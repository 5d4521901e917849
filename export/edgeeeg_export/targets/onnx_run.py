"""The one-step ONNX model in ONNX Runtime, step after step over a whole recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from edgeeeg_export.graph import Graph
from edgeeeg_export.ops.clock import ENDED, Clock
from edgeeeg_export.targets import onnx_step
from edgeeeg_export.tensor import Array, stretch


def run_steps(
    graph: Graph,
    inputs: Mapping[str, Array],
    expose: Sequence[str] = (),
    model: onnx.ModelProto | None = None,
) -> dict[str, Array]:
    """Outputs and exposed tensors of a streaming graph by name, each over the recording along its time axis.

    The recording is flushed at its end, and frames from before its start are left out.

    Parameters
    ----------
    inputs : mapping of str to array
        All inputs of the graph over the same number of hops.
    expose : sequence of str
        Intermediate tensors to return as well.
    model : onnx.ModelProto, optional
        Another one-step form of the graph than `onnx_step.emit` gives, such as QDQ; it exposes nothing.
    """
    import onnxruntime

    wanted = tuple(dict.fromkeys((*graph.outputs, *expose)))
    if model is None:
        model = onnx_step.emit(graph, expose=wanted[len(graph.outputs) :])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a step is too short to share
    session: Any = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    states = {state.name: state.start() for state in graph.all_states()}
    fetched = [*wanted, *(name + onnx_step.NEXT for name in states)]
    hops = {name: _hops(value, graph, name) for name, value in inputs.items()}
    steps = min(len(pieces) for pieces in hops.values())
    ended = {
        f"{node.name}.{ENDED}": np.ones(1, dtype=np.float32)
        for node in graph.nodes
        if isinstance(node.op, Clock)
    }
    pieces: list[list[Array]] = []
    for step in range(steps + graph.timing.flush):
        if step == steps:
            states |= ended
        feeds = {
            name: values[step] if step < len(values) else np.zeros_like(values[0])
            for name, values in hops.items()
        }
        results = session.run(fetched, feeds | states)
        pieces.append(results[: len(wanted)])
        states = dict(zip(states, results[len(wanted) :], strict=True))
    return {
        name: _within(graph, name, np.concatenate(values, axis=graph.tensors[name].time_axis))
        for name, values in zip(wanted, zip(*pieces, strict=True), strict=True)
    }


def _within(graph: Graph, name: str, value: Array) -> Array:
    """A tensor over all steps, from its first frame of the recording on."""
    axis = graph.tensors[name].time_axis or 0
    return stretch(value, axis, graph.timing.behind.get(name, 0), value.shape[axis])


def _hops(value: Array, graph: Graph, name: str) -> list[Array]:
    """An input cut into hops along its time axis."""
    type_ = graph.tensors[name]
    axis = type_.time_axis or 0
    pieces = np.split(value, value.shape[axis] // type_.frames, axis=axis)
    return [np.ascontiguousarray(piece) for piece in pieces]
