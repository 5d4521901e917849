"""The audit as people read it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from edgeeeg.evaluation.audit import AuditResult
from edgeeeg.evaluation.audit_verdict import RULE
from edgeeeg.evaluation.detection_scores import Spread


def render(result: AuditResult, model: str) -> Iterator[RenderableType]:
    """The table, what the model remembers, the verdicts and the protocol."""
    table = Table(title=f"{model}: Bonn {result.task}, mean ± SD over {result.protocol['folds']} folds")
    table.add_column("state", no_wrap=True)
    for column in ("AUC", "sensitivity", "specificity"):
        table.add_column(column, justify="right", no_wrap=True)
    for k, row in enumerate(result.rows):
        table.add_row(row.name, *map(_cell, (row.auc, row.sensitivity, row.specificity)))
        if result.program_rows:
            made, less = result.program_rows[k], result.differences[k]
            table.add_row(f" {result.program}", *map(_cell, (made.auc, made.sensitivity, made.specificity)))
            table.add_row(" difference", *map(_difference, (less.auc, less.sensitivity, less.specificity)))
    yield table
    yield memory_line(result)
    yield from (verdict.line for verdict in result.verdicts)
    if not result.verdicts:
        yield "no row parts from windowed: carry the state, which costs the least"
    yield f"rule: {RULE}"
    yield "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in result.protocol.items())


def memory_line(result: AuditResult) -> str:
    """For how long the model remembers, and what that means for the audit."""
    seconds = f"{result.memory.seconds:.3g} s"
    if result.stateless:
        return (
            f"no state to carry: {seconds} after it, nothing of the past changes the output, as in a pure "
            f"convolution; that is within the window of {result.protocol['window_s']} s"
        )
    if result.memory.lasting:
        return f"state: {seconds} after it, the past still changes the output; the probe is no longer"
    return f"state: the past changes the output for up to {seconds}"


def _cell(spread: Spread) -> str:
    return f"{spread.mean:.4f} ± {spread.sd:.4f}"


def _difference(spread: Spread) -> str:
    return f"{spread.mean:+.4f} ± {spread.sd:.4f}"
