"""Where the ways to handle a state part, by a stated rule, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from edgeeeg.evaluation.detection_scores import Spread

LEAST = 0.005
"""Differences below this are never reported: folds may agree to more digits than a score is worth."""

SCORES = ("auc", "sensitivity", "specificity")

RULE = (
    "a row parts from windowed where its mean AUC, sensitivity or specificity differs by more than "
    f"windowed's standard deviation over the folds, and by more than {LEAST:g}"
)


class ScoredRow(Protocol):
    """A row of the audit."""

    @property
    def name(self) -> str:
        """Of the way to handle the state."""

    @property
    def period(self) -> float | None:
        """Seconds between resets, if there are."""

    @property
    def auc(self) -> Spread:
        """Area under the ROC curve over the folds."""

    @property
    def sensitivity(self) -> Spread:
        """Share of ictal windows found, over the folds."""

    @property
    def specificity(self) -> Spread:
        """Share of other windows left alone, over the folds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row that parts from windowed.

    Parameters
    ----------
    state : name of the row.
    score : of `SCORES`, the one that parts: a loss before a gain, AUC before the rates, the larger first.
    difference : mean over folds of the row less that of windowed.
    spread : standard deviation of windowed over the folds.
    advice : what to do, in one sentence.
    """

    state: str
    score: str
    difference: float
    spread: float
    advice: str

    @property
    def loses(self) -> bool:
        """Whether the row is worse than windowed."""
        return self.difference < 0

    @property
    def line(self) -> str:
        """The verdict for people."""
        moved = "loses" if self.loses else "gains"
        kind = "warning" if self.loses else "note"
        return (
            f"{kind}: {self.state} {moved} {abs(self.difference):.4f} of {self.score.replace('auc', 'AUC')} "
            f"against windowed (spread {self.spread:.4f}): {self.advice}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain types, for JSON."""
        return asdict(self)


def judge(rows: Sequence[ScoredRow]) -> tuple[Verdict, ...]:
    """Verdicts of every row but the first; the first two are windowed and carried."""
    windowed, *others = rows
    parted = [(row, _parted(windowed, row)) for row in others]
    losing = [row for row, found in parted if found is not None and found[1] < 0]
    return tuple(
        Verdict(row.name, *found, _advice(row, *found[:2], others, losing))
        for row, found in parted
        if found is not None
    )


def _parted(windowed: ScoredRow, row: ScoredRow) -> tuple[str, float, float] | None:
    """Name, difference and spread of the score that parts, if one does."""
    found = []
    for name in SCORES:
        before: Spread = getattr(windowed, name)
        after: Spread = getattr(row, name)
        difference = after.mean - before.mean
        if abs(difference) > max(before.sd, LEAST):
            found.append((name, difference, before.sd))
    return min(found, key=lambda item: (item[1] > 0, item[0] != "auc", -abs(item[1])), default=None)


def _advice(
    row: ScoredRow, score: str, difference: float, others: Sequence[ScoredRow], losing: Sequence[ScoredRow]
) -> str:
    train = "train it with states that come from long crops"
    if row.period is not None and row in losing and others[0] not in losing:
        return "just after a reset it decides on less than a window; lengthen the period, or carry the state"
    if score != "auc":
        return (
            "its scores shift while their order holds (AUC does not fall); choose the threshold on outputs "
            "that were made with this state"
        )
    if difference > 0:
        return "its state holds evidence that a window does not; deploy it so"
    if row.period is not None:
        return f"the reset comes too seldom; shorten the period, {train}, or deploy it windowed"
    safe = [other for other in others if other.period is not None and other not in losing]
    if safe:
        # the longest keeps the most of what the state has gathered
        longest = max(safe, key=lambda candidate: candidate.period or 0.0)
        return f"{train}, or deploy it with a {longest.name.replace('every', 'of its state every')}"
    return f"{train}, or deploy it windowed"
