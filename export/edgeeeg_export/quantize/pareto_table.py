"""The programs that a budget chose from, as people read them."""

from __future__ import annotations

from typing import Any

from rich.table import Table


def render(candidates: list[dict[str, Any]], budget: str) -> Table:
    """A row per program, the smallest first: its cost, its noise, and the layers that are not in int8."""
    table = Table(title=f"precisions for {budget}; bytes counted, instructions modelled")
    for column in ("", "bytes", "instructions", "SQNR"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("not in int8", overflow="fold")
    for one in candidates:
        table.add_row(
            "*" if one["chosen"] else "",
            f"{one['cost']['flash_bytes']:,}",
            f"{one['cost']['instructions']:,}",
            decibels(one["error"]["sqnr_db"]),
            ", ".join(f"{name} {chosen}" for name, chosen in one["precisions"].items() if chosen != "int8"),
        )
    return table


def decibels(ratio: float | None) -> str:
    """A ratio, or that nothing differs."""
    return "exact" if ratio is None else f"{ratio:.1f} dB"
