"""The tables of docs/hosts.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = (
    "| runtime | given | median µs | p99 µs | × ours | allocations | library kB | flags |\n"
    "|---|---|---|---|---|---|---|---|\n"
)


def render_markdown(result: Mapping[str, Any]) -> str:
    """Machine and versions, then a table for each model."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    parts = [f"{machine['processor']}, one core; {versions}.\n"]
    for model in dict.fromkeys(row["model"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["model"] == model]
        hop = rows[0]["hop"]
        parts.append(f"\n### {model}, {hop} sample{'' if hop == 1 else 's'} a step\n\n{HEAD}")
        parts += [_line(row) for row in rows]
        parts += [
            f"| {row['runtime']} | {row['form']} | – | – | – | – | – | {row['reason']} |\n"
            for row in result["absent"]
            if row["model"] == model
        ]
    return "".join(parts)


def _line(row: Mapping[str, Any]) -> str:
    allocations = "–" if row["allocations"] is None else f"{row['allocations']:.4g}"
    return (
        f"| {row['runtime']} | {row['form']} | {row['median_us']:.4g} | {row['p99_us']:.4g} "
        f"| {row['ratio']:.3g} | {allocations} | {row['library_bytes'] / 1000:.4g} | {row['flags']} |\n"
    )
