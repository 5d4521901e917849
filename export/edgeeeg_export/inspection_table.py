"""An inspection as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from edgeeeg_export.inspection import Inspection, LayerCost, StreamCost
from edgeeeg_export.placement import Semantics

PLACES = ("stream", "edge", "window")
PLUMBING = ("Blocks", "Concat", "Windows")
"""What brings the edges of windows to a layer, and is no layer of the model."""
MEANING: dict[Semantics, str] = {
    "continuous": "state carried for ever, equal to one pass over the whole recording",
    "windowed": "every window of {window} samples equal to a pass over it alone",
}


def render(found: Inspection) -> Iterator[RenderableType]:
    """What it is, what it costs layer by layer, which boards hold it, what stands in the way."""
    inputs = ", ".join(
        f"{name} {'×'.join(map(str, shape))} {_rate(found.rates.get(name, found.sfreq))}"
        for name, shape in found.inputs.items()
    )
    yield f"{inputs}, {found.weight_bytes:,} bytes of weights (counted)"
    for reason in found.obstacles:
        yield f"[red]in the way:[/] {reason}"
    if not found.streams or found.boards is None:
        yield "It cannot be exported as it is."
        return
    for semantics, cost in found.streams.items():
        yield _layers(semantics, cost)
    for semantics, cost in found.streams.items():
        yield _summary(semantics, cost, found.sfreq)
    yield f"which to choose: {found.advice}"
    holding = [name for name, fitting in found.boards.items() if fitting]
    others = [name for name, fitting in found.boards.items() if not fitting]
    yield f"fits: {', '.join(holding) or 'no known board'} ({found.flash})"
    if others:
        yield f"does not fit: {', '.join(others)}"


def _rate(sfreq: float | None) -> str:
    return "at an unknown rate" if sfreq is None else f"at {sfreq:g} Hz"


def _layers(semantics: Semantics, cost: StreamCost) -> Table:
    """A row per layer; what runs several times, on the stream and on the edges of windows, is summed up."""
    table = Table(title=f"{semantics}: one step of {cost.hop} samples")
    table.add_column("layer", overflow="fold")
    table.add_column("operators")
    table.add_column("output", justify="right", no_wrap=True)
    for column in ("late", *(f"MACs, {place}" for place in PLACES), "weights", "state"):
        table.add_column(column, justify="right")
    groups: dict[str, list[LayerCost]] = {}
    for layer in cost.layers:
        groups.setdefault(layer.path, []).append(layer)
    for path, parts in groups.items():
        working = [part for part in parts if part.runs != "upkeep"] or parts
        kinds = dict.fromkeys(part.operator for part in working if part.operator not in PLUMBING)
        macs = [sum(part.macs for part in parts if part.runs == place) for place in PLACES]
        weights = max(part.weight_bytes for part in parts)  # each is read from one place in flash
        numbers = (working[0].late, *macs, weights, sum(part.state_bytes for part in parts))
        table.add_row(
            path,
            ", ".join(kinds or dict.fromkeys(part.operator for part in working)),
            "×".join(str(extent) for extent in working[0].output),
            *(f"{number:,.10g}" if number else "" for number in numbers),
        )
    return table


def _summary(semantics: Semantics, cost: StreamCost, sfreq: float | None) -> str:
    ratio = cost.macs_of_window / max(cost.macs, 1)
    rate = "" if sfreq is None else f", {cost.macs * sfreq / cost.hop:,.0f} a second of EEG"
    late = f"{cost.delay_samples:,} samples" + (
        "" if sfreq is None else f" ({1000 * cost.delay_samples / sfreq:,.0f} ms)"
    )
    return (
        f"{semantics} ({MEANING[semantics].format(window=cost.window_samples)}): {cost.macs:,} MACs a step"
        f"{rate}; "
        f"a window computed anew each step takes {cost.macs_of_window:,}, {ratio:,.1f} times as many; "
        f"the first output is {late} late\n"
        f"    RAM {cost.struct_bytes:,} bytes: state {cost.state_bytes:,}, arena {cost.arena_bytes:,} "
        f"(lower bound {cost.arena_bound_bytes:,}, largest at {cost.arena_peak})"
    )
