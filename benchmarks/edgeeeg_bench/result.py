"""What a demonstration found, from the task's scores to the modelled energy, and its JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeeeg.evaluation.detection_scores import Spread
from edgeeeg.evidence import Evidence
from edgeeeg.signal.annotation import Annotation
from edgeeeg_bench.energy import EnergyEstimate
from edgeeeg_bench.errors import BenchError
from edgeeeg_bench.profile import ModelProfile

CONTRACT_KEYS = (
    "holds", "tolerance", "bit_identical", "max_abs", "mean_abs", "first_over", "flips",
    "flips_outside_episodes", "episodes", "longest_episode_samples", "samples",
)  # fmt: skip
"""What the record of each target holds at least; `edgeeeg_export.comparison.Record` has them as JSON."""


class Scores(Protocol):
    """Scores of one method over folds; `edgeeeg.evaluation.bonn.Scores` has this form."""

    @property
    def auc(self) -> Spread:
        """Area under the ROC curve."""

    @property
    def sensitivity(self) -> Spread:
        """Share of ictal windows that were detected."""

    @property
    def specificity(self) -> Spread:
        """Share of other windows that were not."""


@dataclass(frozen=True, slots=True)
class TaskScores:
    """One task, such as "raw" or "normalised": the detector beside baselines by name, on the same folds.

    `semantics` holds the detector's scores for each way of carrying its state, `detector` the one deployed.
    """

    name: str
    detector: Scores
    baselines: Mapping[str, Scores]
    semantics: Mapping[str, Scores]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A recording and what the detector said about it.

    Parameters
    ----------
    samples : (n_chans, n_times), in `unit`, at `sfreq` (Hz).
    output_times : (n_steps,), s from the first sample; an output belongs to its step's last sample.
    outputs : (n_steps,), probability.
    threshold : from which on the detector reports a seizure.
    events : descriptions of the annotations that the detector is meant to find.
    """

    samples: NDArray[np.float32]
    ch_names: tuple[str, ...]
    sfreq: float
    unit: str
    output_times: NDArray[np.float64]
    outputs: NDArray[np.float32]
    threshold: float
    annotations: tuple[Annotation, ...]
    events: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.shape[0] != len(self.ch_names) or self.samples.size == 0:
            raise BenchError(
                f"samples of shape {self.samples.shape} for {len(self.ch_names)} channel names: "
                "give (n_chans, n_times)"
            )
        if self.output_times.ndim != 1 or self.output_times.shape != self.outputs.shape:
            raise BenchError(
                f"outputs of shape {self.outputs.shape} at times of shape {self.output_times.shape}: "
                "give one time for each output of (n_steps,)"
            )

    @property
    def duration(self) -> float:
        """Length of the recording (s)."""
        return float(self.samples.shape[1] / self.sfreq)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes that the model takes, counted; the stack is seen on the board, None without one.

    `weights_only` where no cross compiler could say how large the code is.
    """

    flash_bytes: int
    state_bytes: int
    arena_bytes: int
    stack_bytes: int | None
    weights_only: bool = False

    @property
    def flash_content(self) -> str:
        """What the bytes of flash hold."""
        return "weights only" if self.weights_only else "code and weights"

    @property
    def ram_bytes(self) -> int:
        """Bytes of RAM: state, arena and, where it was seen, stack."""
        return self.state_bytes + self.arena_bytes + (self.stack_bytes or 0)


@dataclass(frozen=True, slots=True, eq=False)
class DemoResult:
    """Everything that the report shows and the JSON object holds.

    `contract` maps each target to its record with `CONTRACT_KEYS`. `profile` and `energy` are absent where
    no board could be emulated; `left_out` then says so, a sentence each. The first of `energy` is the part
    that the board stands for. `steps_per_second` (1/s) is the rate of outputs in real time.
    """

    title: str
    model_hash: str
    trace: Trace
    tasks: tuple[TaskScores, ...]
    protocol: Mapping[str, Any]
    contract: Mapping[str, Mapping[str, Any]]
    sizes: Sizes
    board: str
    steps_per_second: float
    profile: ModelProfile | None
    energy: tuple[EnergyEstimate, ...]
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for target, record in self.contract.items():
            missing = [key for key in CONTRACT_KEYS if key not in record]
            if missing:
                raise BenchError(f"the contract's record of {target} lacks {', '.join(missing)}")

    def to_dict(self) -> dict[str, Any]:
        """The result as plain types for JSON; what could not be had is null, never a guess."""
        estimate = self.energy[0] if self.energy else None
        return {
            "task": {task.name: _task_to_dict(task) for task in self.tasks}
            | {"protocol": dict(self.protocol)},
            "contract": {target: dict(record) for target, record in self.contract.items()},
            "sizes": {
                "flash_bytes": self.sizes.flash_bytes,
                "flash_content": self.sizes.flash_content,
                "state_bytes": self.sizes.state_bytes,
                "arena_bytes": self.sizes.arena_bytes,
                "stack_bytes": self.sizes.stack_bytes,
            },
            "board": {
                "name": self.board,
                "instructions_per_step": self.profile.instructions_per_step if self.profile else None,
                "evidence": str(self.profile.instructions_evidence) if self.profile else None,
            },
            "energy": estimate and _energy_to_dict(estimate),
            "left_out": list(self.left_out),
        }


def board_evidence(board: str) -> Evidence:
    """Grade of what was seen while running on a board: emulated for QEMU's, else measured."""
    return Evidence.EMULATED if board.startswith("qemu:") else Evidence.MEASURED


def _scores_to_dict(scores: Scores) -> dict[str, Any]:
    return {
        "auc": scores.auc.mean,
        "auc_sd": scores.auc.sd,
        "sensitivity": scores.sensitivity.mean,
        "sensitivity_sd": scores.sensitivity.sd,
        "specificity": scores.specificity.mean,
        "specificity_sd": scores.specificity.sd,
    }


def _task_to_dict(task: TaskScores) -> dict[str, Any]:
    baselines = {name: _scores_to_dict(scores) for name, scores in task.baselines.items()}
    semantics = {name: _scores_to_dict(scores) for name, scores in task.semantics.items()}
    return _scores_to_dict(task.detector) | {"semantics": semantics, "baselines": baselines}


def _energy_to_dict(estimate: EnergyEstimate) -> dict[str, Any]:
    joules, factor = estimate.joules_per_second_of_eeg, estimate.real_time_factor
    return {
        "part": estimate.part,
        "joules_per_second_of_eeg": joules.mid,
        "band": [joules.low, joules.high],
        "includes_sleep": estimate.includes_sleep,
        "seconds_per_step": estimate.seconds_per_step.mid,
        "real_time_factor": factor.mid,
        "real_time_factor_band": [factor.low, factor.high],
        "evidence": str(estimate.evidence),
    }
