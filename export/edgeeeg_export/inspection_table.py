"""An inspection as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from edgeeeg_export.inspection import Inspection, StreamCost


def render(found: Inspection) -> Iterator[RenderableType]:
    """What it is, what it costs layer by layer, which boards hold it, what stands in the way."""
    rate = "at an unknown rate" if found.sfreq is None else f"at {found.sfreq:g} Hz"
    inputs = ", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in found.inputs.items())
    yield f"{inputs} {rate}, {found.weight_bytes:,} bytes of weights (counted)"
    for reason in found.obstacles:
        yield f"[red]in the way:[/] {reason}"
    if found.stream is None or found.boards is None:
        yield "It cannot be exported as it is."
        return
    yield _layers(found.stream)
    yield _summary(found.stream, found.sfreq)
    holding = [name for name, fitting in found.boards.items() if fitting]
    others = [name for name, fitting in found.boards.items() if not fitting]
    yield f"fits: {', '.join(holding) or 'no known board'} ({found.flash})"
    if others:
        yield f"does not fit: {', '.join(others)}"


def _layers(cost: StreamCost) -> Table:
    table = Table(title=f"one step of {cost.hop} samples")
    table.add_column("layer", overflow="fold")
    table.add_column("operator", no_wrap=True)
    for column in ("output", "MACs", "weights", "state"):
        table.add_column(column, justify="right", no_wrap=True)
    for layer in cost.layers:
        shape = "×".join(str(extent) for extent in layer.output)
        table.add_row(
            layer.path,
            layer.operator,
            shape,
            f"{layer.macs:,}" if layer.macs else "",
            f"{layer.weight_bytes:,}" if layer.weight_bytes else "",
            f"{layer.state_bytes:,}" if layer.state_bytes else "",
        )
    return table


def _summary(cost: StreamCost, sfreq: float | None) -> str:
    ratio = cost.macs_of_window / max(cost.macs, 1)
    rate = "" if sfreq is None else f", {cost.macs * sfreq / cost.hop:,.0f} a second of EEG"
    return (
        "continuous (state carried, equal to one pass over the whole recording): "
        f"{cost.macs:,} MACs a step{rate}\n"
        f"windowed (a window of {cost.window_samples} samples computed anew each step): "
        f"{cost.macs_of_window:,} MACs, {ratio:,.0f} times as many\n"
        f"RAM: state {cost.state_bytes:,} bytes, arena {cost.arena_bytes:,} "
        f"(lower bound {cost.arena_bound_bytes:,}, largest at {cost.arena_peak})"
    )
