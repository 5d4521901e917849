"""The contract as people read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table

from edgeeeg.bundle import Bundle
from edgeeeg_export.drift import Drift, describe

VERIFICATION = "verification.json"


def read(bundle: Bundle) -> dict[str, Any]:
    """The records that a bundle carries, by target."""
    stored = json.loads(bundle.path(VERIFICATION).read_text())
    targets: dict[str, Any] = stored["targets"]
    return targets


def _number(value: float | None) -> str:
    """A difference; None stands for one that is not a number."""
    return "NaN" if value is None else f"{value:.2g}"


def render(records: Mapping[str, Mapping[str, Any]]) -> Group:
    """A row per target: how far it is from the NumPy reference, what it was held to, and how it came out.

    "of peak" is the difference in units of the output's largest magnitude so far, or of 1: what is held to
    the tolerance. Below, how the difference of foreign runtimes moves over the run: it must not grow.
    """
    samples = max(record["samples"] for record in records.values())
    table = Table(title=f"contract: {samples} samples without reset, against the NumPy reference")
    table.add_column("target", no_wrap=True)
    for column in ("max |Δ|", "of peak", "flips", "episodes"):
        table.add_column(column, justify="right")
    table.add_column("held to", no_wrap=True)
    table.add_column("verdict")
    for name, record in records.items():
        held = "same bits" if record["tolerance"] == 0 else f"{record['tolerance']:g}"
        verdict = "[green]kept[/]" if record["holds"] else f"[red]broken at sample {record['first_over']}[/]"
        part = "" if record["samples"] == samples else f" ({record['samples']} samples)"
        table.add_row(
            name + part,
            _number(record["max_abs"]),
            _number(record["max_relative"]),
            str(record["flips"]),
            str(record["episodes"]),
            held,
            verdict,
        )
    curves = [
        f"drift of {name}: {describe(Drift.from_json(record['drift']))}"
        for name, record in records.items()
        if record.get("drift") is not None
    ]
    return Group(table, *curves)
