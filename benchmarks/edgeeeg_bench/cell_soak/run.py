"""One layer through a day in C: finite, bounded, NumPy's bits, and beside a float64 twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bench.cell_soak.network import HOP, layer_network
from edgeeeg_bench.cell_soak.signal import LSB, eeg_since, layer_counts
from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.soak.day import Day, Errors, summarize
from edgeeeg_bench.soak.run import SoakPlan
from edgeeeg_bench.soak.side_by_side import RATE, Second, side_by_side
from edgeeeg_bench.soak.stretch import Stretch, check_stretches
from edgeeeg_bench.soak.twin import Float64Twin
from edgeeeg_export.contract import Subject
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.targets import c
from edgeeeg_export.targets.c_layout import StreamLayout, lay_out_stream
from edgeeeg_export.targets.native import NativeModel
from edgeeeg_export.tensor import Array


@dataclass(frozen=True, slots=True)
class LayerDay:
    """A day of one layer.

    Parameters
    ----------
    subject : its program.
    day : distance from the twin on the EEG of each hour, and comparisons with NumPy on all of it.
    largest_output : |output| of each hour.
    largest_state : of each state by name, over the day.
    """

    subject: Subject
    day: Day
    largest_output: tuple[float, ...]
    largest_state: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """What was found as JSON values, without what only networks with neurons have."""
        found = self.day.to_json()
        return {
            "model_hash": self.subject.step.hash,
            "state_bytes": self.subject.program.state_bytes,
            "largest_output": list(self.largest_output),
            "largest_state": self.largest_state,
            **{name: value for name, value in found.items() if "flip" not in name},
        }


def soak_layer(
    kind: str,
    normalized: bool,
    plan: SoakPlan,
    build: Path,
    on_progress: Callable[[int], None] = lambda hours: None,
) -> LayerDay:
    """Carry C and its twin through the whole stream without a reset, and hold C to NumPy on the way.

    Parameters
    ----------
    kind, normalized : as `edgeeeg_bench.cell_soak.network.layer_network` has them.
    build : folder for the generated sources and libraries.
    on_progress : called with the hours done.

    Raises
    ------
    BenchError
        If an output or a state is not finite.
    """
    network = layer_network(kind, normalized, plan.seed)
    subject = compile_model(load_model(network), name="layer", hop=HOP, lsb=LSB).subject
    layout, program = lay_out_stream(subject.step, LSB, sliding=False), subject.program
    folder = program.write(build / "c")
    native = NativeModel(folder, build, program.n_outputs, program.hop, program.saved_bytes)
    twin = Float64Twin(
        c.emit(subject.step, LSB, sliding=False), build / "twin", sum(field.size for field in layout.states)
    )
    hours: list[Errors] = []
    stretches: list[Stretch] = []
    outputs: list[float] = []
    states = np.zeros(len(layout.states))
    for hour in range(plan.hours):
        counts = layer_counts(hour, plan.hour_seconds, plan.seed)
        saved = [native.save()]
        seconds = list(side_by_side(native, twin, layout, counts))
        saved += [second.saved for second in seconds]
        made = np.concatenate([second.outputs for second in seconds])
        if not np.isfinite(made).all():
            raise BenchError(f"cell soak: {kind} gives an output that is not finite in hour {hour + 1}")
        outputs.append(float(np.abs(made).max()))
        numbers = np.abs(np.stack([second.state for second in seconds]))
        states = np.maximum(states, _by_state(layout, numbers).max(axis=0))
        hours.append(_errors(layout, seconds[eeg_since(plan.hour_seconds) :]))
        stretches += check_stretches(
            subject, layout, plan.stretches, counts, made, saved, hour * plan.hour_seconds
        )
        on_progress(hour + 1)
    names = tuple(state.name for state in subject.step.all_states())
    day = summarize(hours, names, stretches, RATE // program.hop)
    return LayerDay(subject, day, tuple(outputs), dict(zip(names, states.tolist(), strict=True)))


def _errors(layout: StreamLayout, seconds: list[Second]) -> Errors:
    """The distances over these seconds, relative above 1; without neurons there are no flips."""
    outputs = np.concatenate([_apart(second.outputs, second.twin_outputs).max(axis=1) for second in seconds])
    states = np.stack([_apart(second.state, second.twin_state) for second in seconds])
    return Errors(outputs, np.zeros(len(outputs), np.int64), _by_state(layout, states))


def _apart(mine: Array, twin: NDArray[np.float64]) -> NDArray[np.float64]:
    """|float32 - float64|, in units of the twin's magnitude where that is above 1."""
    distance: NDArray[np.float64] = np.abs(mine - twin) / np.maximum(1.0, np.abs(twin))
    return distance


def _by_state(layout: StreamLayout, numbers: NDArray[Any]) -> NDArray[np.float64]:
    """The largest of each state's numbers, (n_seconds, n_states)."""
    edges = np.cumsum([0, *(field.size for field in layout.states)])[:-1]
    return np.maximum.reduceat(numbers, edges, axis=1).astype(np.float64)
