"""The rule by which rows part, and the advice that follows."""

from dataclasses import dataclass

from edgeeeg.evaluation.audit_verdict import judge
from edgeeeg.evaluation.detection_scores import Spread


@dataclass(frozen=True)
class Row:
    name: str
    period: float | None
    auc: Spread
    sensitivity: Spread
    specificity: Spread


def row(
    name: str, auc: float, sensitivity: float = 0.9, sd: float = 0.02, period: float | None = None
) -> Row:
    values = (auc, sensitivity, 0.9)
    return Row(name, period, *(Spread.of([value - sd, value + sd]) for value in values))


WINDOWED = row("windowed", 0.95)


def test_rows_within_the_spread_do_not_part() -> None:
    assert judge((WINDOWED, row("carried", 0.931), row("reset", 0.969, period=10.0))) == ()


def test_a_loss_beyond_the_spread_is_a_warning_with_a_way_out() -> None:
    resets = (row("reset every 10 s", 0.94, period=10.0), row("reset every 60 s", 0.80, period=60.0))
    carried, seldom = judge((WINDOWED, row("carried", 0.70), *resets))
    assert (carried.state, carried.score, carried.loses) == ("carried", "auc", True)
    assert carried.line.startswith("warning: carried loses 0.2500 of AUC against windowed (spread 0.0200): ")
    assert carried.advice.endswith("or deploy it with a reset of its state every 10 s")
    assert seldom.advice.startswith("the reset comes too seldom")
    (alone,) = judge((WINDOWED, row("carried", 0.70)))
    assert alone.advice.endswith("or deploy it windowed")


def test_a_reset_that_comes_too_often_is_not_taken_for_one_too_seldom() -> None:
    often = row("reset every 3 s", 0.90, period=3.0)
    (verdict,) = judge((WINDOWED, row("carried", 0.95), often))
    assert verdict.line.startswith("warning: reset every 3 s loses 0.0500 of AUC")
    assert "lengthen the period" in verdict.advice


def test_a_gain_is_a_note() -> None:
    (gain,) = judge((WINDOWED, row("carried", 0.99)))
    assert gain.line.startswith("note: carried gains 0.0400 of AUC")
    assert gain.advice.endswith("deploy it so")


def test_a_shifted_threshold_is_told_from_a_lost_order() -> None:
    (shifted,) = judge((WINDOWED, row("carried", 0.95, sensitivity=0.6)))
    assert (shifted.score, shifted.loses) == ("sensitivity", True)
    assert "choose the threshold" in shifted.advice
    (lost,) = judge((WINDOWED, row("carried", 0.9, sensitivity=0.6)))
    assert lost.score == "auc"


def test_folds_that_agree_to_the_last_digit_do_not_make_a_difference_of_it() -> None:
    even = row("windowed", 0.95, sd=0.0)
    assert judge((even, row("carried", 0.946, sd=0.0))) == ()
    assert len(judge((even, row("carried", 0.944, sd=0.0)))) == 1
