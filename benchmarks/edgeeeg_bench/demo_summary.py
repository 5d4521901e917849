"""The demonstration's figures on one screen."""

from __future__ import annotations

from rich.table import Table

from edgeeeg_bench.profile_table import energy_rows
from edgeeeg_bench.result import DemoResult, board_evidence


def render_summary(result: DemoResult) -> Table:
    """Scores, sizes, instructions, energy and what was left out; a grade beside every figure."""
    table = Table(title=result.title)
    table.add_column("figure")
    table.add_column("value")
    table.add_column("evidence", no_wrap=True)
    for task in result.tasks:
        others = ", ".join(
            f"{name.replace('_', ' ')} {scores.auc.mean:.4f}" for name, scores in task.baselines.items()
        )
        table.add_row(
            f"AUC, {task.name} (5 folds by file)",
            f"{task.detector.auc.mean:.4f} ± {task.detector.auc.sd:.4f} ({others})",
            "measured",
        )
    table.add_row(f"flash, {result.sizes.flash_content}", f"{result.sizes.flash_bytes:,} bytes", "counted")
    table.add_row(
        "RAM: state, arena", f"{result.sizes.state_bytes:,}, {result.sizes.arena_bytes:,} bytes", "counted"
    )
    if result.sizes.stack_bytes is not None:
        table.add_row(
            "stack, deepest", f"{result.sizes.stack_bytes:,} bytes", str(board_evidence(result.board))
        )
    if result.profile is not None:
        table.add_row(
            f"instructions per step, {result.board}",
            f"{result.profile.instructions_per_step:,.0f}",
            str(result.profile.instructions_evidence),
        )
    for estimate in result.energy[:1]:
        for row in energy_rows(estimate):
            table.add_row(*row)
    for sentence in result.left_out:
        table.add_row("left out", sentence, "")
    return table
