"""The report of a program of integers as people read it."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

from edgeeeg.bundle import Bundle

REPORT = "quantization.json"


def read(bundle: Bundle) -> list[dict[str, Any]]:
    """The layers' reports that a bundle carries."""
    layers: list[dict[str, Any]] = json.loads(bundle.path(REPORT).read_text())["layers"]
    return layers


def read_states(bundle: Bundle) -> list[dict[str, Any]]:
    """The reports of states that a bundle carries."""
    states: list[dict[str, Any]] = json.loads(bundle.path(REPORT).read_text())["states"]
    return states


def read_qdq(bundle: Bundle) -> dict[str, Any]:
    """How far the QDQ model that a bundle carries is from its integers."""
    deviation: dict[str, Any] = json.loads(bundle.path(REPORT).read_text())["qdq"]
    return deviation


def read_pareto(bundle: Bundle) -> list[dict[str, Any]]:
    """The programs of mixed precision that a bundle's was chosen from; none without a budget."""
    candidates: list[dict[str, Any]] = json.loads(bundle.path(REPORT).read_text()).get("pareto", [])
    return candidates


def render(layers: list[dict[str, Any]]) -> Table:
    """A row per tensor in integers: its step, what was seen of it, what saturated, how noisy it is."""
    table = Table(title="in integers, on the recording of the contract")
    table.add_column("tensor", overflow="fold")
    for column in ("type", "step", "largest", "saturated", "SQNR"):
        table.add_column(column, justify="right", no_wrap=True)
    for layer in layers:
        ratio = layer["sqnr_db"]
        table.add_row(
            layer["name"],
            layer["dtype"],
            f"{layer['scale']:.3g}",
            f"{layer['largest']:.3g}",
            f"{100 * layer['saturated']:.2g} %",
            "exact" if ratio is None else f"{ratio:.1f} dB",
        )
    return table


def render_states(states: list[dict[str, Any]]) -> Table:
    """A row per state in integers; `limited` is what its layer's counter says."""
    table = Table(title="states in integers, on the recording of the contract")
    table.add_column("state", overflow="fold")
    for column in ("type", "step", "largest", "saturated", "limited"):
        table.add_column(column, justify="right", no_wrap=True)
    for state in states:
        table.add_row(
            state["name"],
            state["dtype"],
            f"{state['scale']:.3g}",
            f"{state['largest']:.3g}",
            f"{100 * state['saturated']:.2g} %",
            "not counted" if state["counted"] is None else f"{state['counted']}",
        )
    return table
