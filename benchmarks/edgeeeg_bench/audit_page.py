"""The audits of docs/audit.md as a Markdown table, from `benchmarks/results/audit.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def render_markdown(result: Mapping[str, Any]) -> str:
    """A row for each model and way to handle its state, the verdicts below."""
    lines = [
        f"Mean ± SD over five folds. One core of {result['machine']['processor']}, commit "
        f"{result['commit'][:10]}, {result['seconds']:.0f} s with the training.",
        "",
        "| model | state | AUC | sensitivity | specificity |",
        "|---|---|---|---|---|",
    ]
    for audit in result["audits"]:
        for number, row in enumerate(audit["rows"]):
            cells = (_cell(row[score]) for score in ("auc", "sensitivity", "specificity"))
            name = audit["model"] if number == 0 else ""
            lines.append(f"| {name} | {row['state']} | {' | '.join(cells)} |")
    lines += ["", f"Rule: {audit['rule']}. What `edgeeeg audit` says of them:", ""]
    for audit in result["audits"]:
        said = audit["lines"] or ["no row parts from windowed"]
        lines += [f"- {audit['model']}: {line}" for line in said]
    return "\n".join(lines) + "\n"


def _cell(spread: Mapping[str, Any]) -> str:
    return f"{spread['mean']:.4f} ± {spread['sd']:.4f}"
