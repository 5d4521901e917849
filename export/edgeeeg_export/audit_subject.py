"""What `edgeeeg audit` is given: a shipped detector or `module:factory`, as one model for each fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from edgeeeg.data.bonn_segments import Task
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.loading import SHIPPED, load_module

if TYPE_CHECKING:
    from edgeeeg.evaluation.audit import Program
    from edgeeeg.evaluation.frame_scores import FrameScores
    from edgeeeg_export.quantize.format import Storage
    from edgeeeg_export.quantmath import Width

FOLD = "{fold}"
"""Stands for the number of the fold in the name of a weights file."""


@dataclass(frozen=True, slots=True)
class AuditSubject:
    """A model to audit.

    Parameters
    ----------
    task : what its input is, "raw" in µV or "normalised".
    model_of_fold : the model to score on the held-out files of a fold.
    weights : what its weights were trained on, for people.
    """

    task: Task
    model_of_fold: Callable[[int], FrameScores]
    weights: str


def audit_subject(what: str, weights: str | None, task: Task | None) -> AuditSubject:
    """The subject of an audit from what the command line was given.

    Parameters
    ----------
    what : one of `SHIPPED`, or `module:factory`.
    weights : state dict for `module:factory`; `{fold}` in its name stands for the fold's number, from 0.
    task : for `module:factory`, "raw" if left out.

    Raises
    ------
    CaptureError
        For a model of another kind, or options that a shipped model does not take.
    ModelError
        When a fold's model is asked for: weights that are missing, or a model without one score a frame.
    """
    if what in SHIPPED:
        return _shipped(what, weights, task)
    if ":" not in what:
        raise CaptureError(
            f"'{what}' cannot be audited: it takes {', '.join(SHIPPED)} or module:factory, whose module runs "
            "at any length"
        )
    own: Task = task or "raw"
    if weights is not None and FOLD in weights:
        files = weights

        def of_fold(fold: int) -> FrameScores:
            return _module(what, Path(files.replace(FOLD, str(fold))), own)

        return AuditSubject(
            task or "raw", of_fold, "of each fold, as given: trained without its held-out files"
        )
    one = cache(lambda: _module(what, None if weights is None else Path(weights), own))
    trained = (
        "untrained"
        if weights is None
        else "one set for all folds; it may have seen the files it is scored on"
    )
    return AuditSubject(own, lambda fold: one(), trained)


def integer_program(task: Task, tensors: Width, states: Storage) -> Program:
    """What an export with `--quantize` and `--states` makes of each fold's model, to be scored beside it.

    Its ranges are those of the fold's training files.
    """
    from edgeeeg.evaluation.audit import Program
    from edgeeeg_export.integer_scores import IntegerChoice, integer_scores

    choice = IntegerChoice(tensors, states)
    return Program(choice.name, lambda model, training: integer_scores(model, task, training, choice))


def _shipped(what: str, weights: str | None, task: Task | None) -> AuditSubject:
    own: Task = "normalised" if what.endswith("-normalised") else "raw"
    if weights is not None or task not in (None, own):
        raise CaptureError(f"{what} has its own weights and its task, {own}: leave out --weights and --task")

    def of_fold(fold: int) -> FrameScores:
        from edgeeeg.evaluation.frame_scores import FrameScores
        from edgeeeg.models.pretrained import INPUT_SCALES, load_detector

        return FrameScores(load_detector(own, fold), INPUT_SCALES[own])

    return AuditSubject(own, of_fold, "of each fold, as shipped: trained without its held-out files")


def _module(what: str, weights: Path | None, task: Task) -> FrameScores:
    from edgeeeg.evaluation.frame_scores import FrameScores
    from edgeeeg.models.pretrained import INPUT_SCALES

    return FrameScores(load_module(what, weights), INPUT_SCALES[task])
