"""The report's tables, as HTML."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from edgeeeg.evaluation.detection_scores import Spread
from edgeeeg.evidence import Evidence
from edgeeeg_bench.energy import Band, EnergyEstimate
from edgeeeg_bench.result import Scores, Sizes, TaskScores, board_evidence
from edgeeeg_export.boards import BOARDS, Board, fits

_TARGETS = {
    "chunked": "offline, in chunks",
    "numpy": "NumPy, step by step",
    "onnxruntime": "ONNX Runtime, step by step",
    "c_host": "C on this host",
    "torch": "PyTorch, offline",
    "onnx": "the given ONNX, offline",
}
_SEMANTICS = {"carried": "state carried, as deployed", "windowed": "state reset for each window"}
_METHODS = {"logistic_regression": "logistic regression", "boosted_trees": "boosted trees"}


def evidence_badge(evidence: Evidence) -> str:
    """Return the label that goes beside a figure."""
    return f'<span class="evidence {evidence}">{evidence}</span>'


def _table(head: Sequence[str], rows: Iterable[str]) -> str:
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(rows)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


def _row(*cells: str, chosen: bool = False) -> str:
    """A row of cells that are HTML already."""
    return f"<tr{' class=chosen' if chosen else ''}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def contract_table(contract: Mapping[str, Mapping[str, Any]], board: str) -> str:
    """Return a row for each target: what it was held to, and how far its outputs are from the reference's."""
    rows = []
    for target, record in contract.items():
        evidence = board_evidence(board) if target == "board" else Evidence.MEASURED
        name = f"C on {board}" if target == "board" else _TARGETS.get(target, target)
        if record["holds"]:
            verdict = '<span class="yes">kept</span>'
        else:
            verdict = '<span class="no">broken</span>'
            if record["first_over"] is not None:
                verdict += f'<div class="band">from sample {record["first_over"]:,}</div>'
        episodes = f"{record['episodes']:,}"
        if record["episodes"]:
            episodes += f'<div class="band">longest {record["longest_episode_samples"]:,} samples</div>'
        rows.append(
            _row(
                escape(name),
                verdict,
                f"{record['tolerance']:g}" if record["tolerance"] else "same bits",
                '<span class="yes">yes</span>' if record["bit_identical"] else "no",
                f"{record['max_abs']:.2g}",
                f"{record['mean_abs']:.2g}",
                f"{record['flips']:,} ({record['flips_outside_episodes']:,})",
                episodes,
                f"{record['samples']:,}",
                evidence_badge(evidence),
            )
        )
    head = ("target", "contract", "held to", "bit-identical", "max |Δ|", "mean |Δ|", "flips",
            "episodes", "samples", "evidence")  # fmt: skip
    return _table(head, rows)


def tasks_table(tasks: Sequence[TaskScores]) -> str:
    """Return a row for each task and method: means and standard deviations over the folds."""

    def spread(score: Spread) -> str:
        return f"{score.mean:.4f} ± {score.sd:.4f}"

    def row(task: str, method: str, scores: Scores, chosen: bool) -> str:
        badge = evidence_badge(Evidence.MEASURED)
        figures = (spread(scores.auc), spread(scores.sensitivity), spread(scores.specificity))
        return _row(f"{escape(task)}, {escape(method)}", *figures, badge, chosen=chosen)

    rows = []
    for task in tasks:
        rows += [
            row(
                task.name,
                f"this detector, {_SEMANTICS.get(name, name)}",
                scores,
                chosen=scores is task.detector,
            )
            for name, scores in task.semantics.items()
        ]
        rows += [
            row(task.name, _METHODS.get(name, name), scores, chosen=False)
            for name, scores in task.baselines.items()
        ]
    return _table(("task, method", "AUC", "sensitivity", "specificity", "evidence"), rows)


def sizes_table(sizes: Sizes, stack_evidence: Evidence) -> str:
    """Return a row for each kind of memory."""
    stack = "not seen" if sizes.stack_bytes is None else f"{sizes.stack_bytes:,}"
    counted = evidence_badge(Evidence.COUNTED)
    rows = (
        _row(f"flash: {sizes.flash_content}", f"{sizes.flash_bytes:,}", counted),
        _row("RAM: state", f"{sizes.state_bytes:,}", counted),
        _row("RAM: arena", f"{sizes.arena_bytes:,}", counted),
        _row(
            "RAM: stack, deepest",
            stack,
            evidence_badge(stack_evidence) if sizes.stack_bytes is not None else "–",
        ),
    )
    return _table(("memory", "bytes", "evidence"), rows)


def three_figures(value: float) -> str:
    """Return a number with three significant figures and no exponent."""
    decimals = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{decimals}f}"


def _band(band: Band, scale: float) -> str:
    low, mid, high = (three_figures(value * scale) for value in (band.low, band.mid, band.high))
    return f'{mid}<div class="band">{low} – {high}</div>'


def _memory(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.4g} MiB" if n_bytes >= 2**20 else f"{n_bytes / 2**10:,.4g} KiB"


def boards_table(sizes: Sizes, energy: Sequence[EnergyEstimate]) -> str:
    """Return a row for each real part: whether the model fits, and time and energy where modelled."""
    estimates = {estimate.part: estimate for estimate in energy}

    def row(board: Board) -> str:
        memory = (escape(board.core), _memory(board.flash_bytes), _memory(board.ram_bytes))
        holds = fits(board, sizes.flash_bytes, sizes.ram_bytes)
        fit = '<span class="yes">yes</span>' if holds else '<span class="no">no</span>'
        if holds and sizes.weights_only:
            fit = "not known without the code"
        estimate = estimates.get(board.name)
        if estimate is None:
            return _row(escape(board.name), *memory, fit, "–", "–", "–", evidence_badge(Evidence.DECLARED))
        return _row(
            escape(board.name),
            *memory,
            fit,
            _band(estimate.seconds_per_step, 1e3),
            _band(estimate.real_time_factor, 1),
            _band(estimate.joules_per_second_of_eeg, 1e6),
            evidence_badge(estimate.evidence),
            chosen=estimate is energy[0],
        )

    head = ("part", "core", "flash", "RAM", "fits", "ms per step", "× real time", "µJ per s of EEG",
            "evidence")  # fmt: skip
    return _table(head, (row(board) for board in BOARDS.values() if board.machine is None))
