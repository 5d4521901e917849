"""Sensitivities as people read them."""

from __future__ import annotations

from rich.table import Table

from edgeeeg_export.quantize.output_error import OutputError
from edgeeeg_export.quantize.pareto_table import decibels
from edgeeeg_export.quantize.sensitivity import Sensitivity


def render(found: Sensitivity) -> Table:
    """A row per layer and one for all: noise at the outputs, and what flips with everything in int8."""
    table = Table(title="signal to quantization noise of the outputs")
    table.add_column("layer", overflow="fold")
    table.add_column("operators", overflow="fold")
    for column in ("alone, int8", "alone, int16", "all int8 but it"):
        table.add_column(column, justify="right")
    flips = {"decisions": found.int8.decisions_flipped, "spikes": found.int8.spikes_flipped}
    shown = [name for name, share in flips.items() if share is not None]
    for name in shown:
        table.add_column(f"{name} flipped, alone int8", justify="right")
    for layer in found.layers:
        errors = (layer.int8, layer.int16, layer.without)
        ratios = (decibels(error.sqnr_db) for error in errors)
        table.add_row(layer.layer, ", ".join(layer.operators), *ratios, *_flipped(layer.int8, shown))
    table.add_row(
        "all",
        "",
        decibels(found.int8.sqnr_db),
        decibels(found.int16.sqnr_db),
        "",
        *_flipped(found.int8, shown),
    )
    return table


def _flipped(error: OutputError, shown: list[str]) -> list[str]:
    shares = {"decisions": error.decisions_flipped, "spikes": error.spikes_flipped}
    return [f"{100 * (shares[name] or 0.0):.3g} %" for name in shown]
