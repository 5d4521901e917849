"""What quantization did to each state of a recurrence: its scale, what was seen of it, what saturated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgeeeg.cells.state_width import SATURATED, WIDTHS
from edgeeeg_export import quantmath, reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.quantize.calibration import MOMENTS
from edgeeeg_export.quantize.format import Format, state_name
from edgeeeg_export.quantize.post_training import program_of
from edgeeeg_export.quantize.quantized import Quantized
from edgeeeg_export.quantize.report import TOLERATED
from edgeeeg_export.quantize.rollout import states_along
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class StateReport:
    """One state in integers: `scale` is what a step of type `dtype` is worth.

    Parameters
    ----------
    name : of the tensor that its layer makes, a colon, and the state's own.
    largest : magnitude of the float model's state.
    saturated : share of its values beyond the last step, both seen at a thousand moments or more.
    counted : how often the integers of the layer were limited, by its counter at the end; None without one.
    """

    name: str
    dtype: str
    scale: float
    largest: float
    saturated: float
    counted: int | None


def state_reports(
    floats: Graph, integers: Graph, quantized: Quantized, inputs: Mapping[str, Array]
) -> tuple[StateReport, ...]:
    """States of both programs over the same recording, carried from its first sample to its last.

    Parameters
    ----------
    floats : the step graph before.
    integers : the offline graph after.
    quantized : what that was made from.
    """
    formats = program_of(quantized.floats, quantized.formats, quantized.own).states
    counts = _counts(integers, reference.run(integers, inputs).states) if formats else {}
    # a layer that is computed on windows alone carries nothing, and was nevertheless given formats
    layers = {node.outputs[0]: node for node in floats.nodes if floats.states[node.name]}
    found = {
        name: (node, k)
        for output, node in layers.items()
        for k, state in enumerate(_own_names(floats, node))
        if (name := state_name(output, state)) in formats
    }
    if not found:
        return ()
    seen: dict[str, list[Array]] = {name: [] for name in found}
    for states in states_along(floats, inputs, MOMENTS):
        for name, (node, k) in found.items():
            seen[name].append(np.abs(states[node.name][k]))
    return tuple(
        _report(name, formats[name], np.stack(seen[name]), counts.get(node.outputs[0]))
        for name, (node, _) in found.items()
    )


def require_states_in_range(reports: tuple[StateReport, ...]) -> None:
    """Raise if the calibrated range does not hold what a state does on the recording of the contract.

    Raises
    ------
    QuantizationError
        Naming the state that saturates most, and the remedy.
    """
    worst = max(reports, key=lambda report: report.saturated, default=None)
    if worst is not None and worst.saturated > TOLERATED:
        end = worst.scale * _last_step(worst.dtype, worst.counted)
        # gated layers have no memories of int32
        wider = "--states int32, or " if worst.dtype == "int16" and worst.counted is not None else ""
        raise QuantizationError(
            f"{100 * worst.saturated:.1f} % of state '{worst.name}' saturate: it reaches {worst.largest:.3g} "
            f"and its {worst.dtype} end at {end:.3g}; ask for wider states: "
            f"{wider}float32, or calibrate on a recording like the one it is checked on"
        )


def to_json(reports: tuple[StateReport, ...]) -> list[dict[str, Any]]:
    """The reports as JSON values."""
    return [asdict(report) for report in reports]


def _counts(graph: Graph, states: reference.States) -> dict[str, int]:
    """What each counter says, by the float tensor that its layer makes."""
    return {
        node.outputs[0].removesuffix(f".{graph.tensors[node.outputs[0]].dtype}"): int(value[0])
        for node in graph.nodes
        for name, value in zip(_own_names(graph, node), states[node.name], strict=True)
        if name == SATURATED
    }


def _own_names(graph: Graph, node: Node) -> list[str]:
    """What the states of a layer are called in it."""
    return [state.name.removeprefix(f"{node.name}.") for state in graph.states[node.name]]


def _report(name: str, own: Format, magnitudes: Array, counted: int | None) -> StateReport:
    beyond = magnitudes > np.float32(own.scale) * np.float32(_last_step(own.dtype, counted) + 0.5)
    largest = float(magnitudes.max(initial=0.0))
    return StateReport(name, own.dtype, float(own.scale), largest, float(beyond.mean()), counted)


def _last_step(dtype: str, counted: int | None) -> int:
    """The largest integer: memories of LSTM, GRU and RNN, which are not counted, end where tensors do."""
    return quantmath.HIGH[dtype] if counted is None else WIDTHS[dtype].high
