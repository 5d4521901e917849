"""The whole way in one command: trained model, export, contract, emulated board, profile, report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeeeg.bundle import Bundle, require_destination
from edgeeeg.data.bonn_segments import Task
from edgeeeg.errors import MissingDependency, RecordingError
from edgeeeg.output_path import require_folder
from edgeeeg.signal import Recording, read_bonn
from edgeeeg.signal.concatenation import concatenate
from edgeeeg_bench.bundle_profile import PROFILE, BundleProfile, profile_bundle
from edgeeeg_bench.demo_recording import (
    EVENTS,
    Data,
    bonn_recording,
    chb_recording,
    find_chb_excerpt,
    synthetic_recording,
)
from edgeeeg_bench.profile_table import without_cycles
from edgeeeg_bench.result import DemoResult, Scores, Sizes, TaskScores, Trace
from edgeeeg_bridge.board_run import emulated_target, require_emulated
from edgeeeg_export import contract_table
from edgeeeg_export.boards import find_board
from edgeeeg_export.contract import Counts, Runner, run_on_host
from edgeeeg_export.footprint import model_flash_bytes
from edgeeeg_export.pipeline import export_model, reload
from edgeeeg_export.toolchain import find_program
from edgeeeg_export.verification_counts import counts_for

MODELS: dict[Task, str] = {"raw": "edge-detector", "normalised": "edge-detector-normalised"}
BOARD_TOOLS = ("arm-none-eabi-gcc", "arm-none-eabi-nm", "qemu-system-arm")
PROFILE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Whom to tell what is being done, and how much of it is done."""

    stage: Callable[[str], None]
    amount: Callable[[int, int], None]


def run_demo(
    data: Data, root: Path | None, task: Task, board: str, out: Path, progress: Progress
) -> DemoResult:
    """Export the shipped detector, prove it on the data, run it on the emulated board and profile it.

    Parameters
    ----------
    data : "synthetic" or "bonn".
    root : folder of the Bonn set.
    task : which of the two shipped detectors.
    board : emulated board with firmware; without cross compiler or emulator its part is left out and said so.
    out : folder for the bundle and the builds.

    Raises
    ------
    EdgeEEGError
        If data are missing or the contract is broken.
    """
    if root is not None and data == "synthetic":
        raise RecordingError("--root is the folder of the Bonn set: add --data bonn, or leave it out")
    require_emulated(board)
    require_folder(out)
    require_destination(out / "bundle")
    left_out: list[str] = []
    progress.stage("reading EEG")
    recording, tasks, protocol = _data(data, root, task, progress, left_out)
    build = out / "build"
    missing = missing_tools()
    extra: dict[str, Runner] = {}
    if missing:
        left_out.append(f"The board was left out: {missing}")
    else:
        extra["board"] = emulated_target(
            board, build / "verify", lambda n: progress.amount(n, recording.n_times)
        )
    bundle = export_model(
        MODELS[task],
        out / "bundle",
        name="detector",
        ch_names=recording.ch_names,
        board=None if missing else board,
        recording=recording,
        extra=extra,
        card=f"The shipped edge detector for the Bonn task `{task}`; see MODEL_CARD.md of the package.",
        on_target=lambda target: progress.stage(f"verifying {target}"),
    )
    counts = counts_for(bundle.manifest, recording)
    profile = None
    if not missing:
        progress.stage("counting instructions")
        excerpt = counts[: int(PROFILE_SECONDS * recording.sfreq)]
        profile = profile_bundle(
            bundle, board, excerpt, build / "profile", lambda n: progress.amount(n, len(excerpt))
        )
        bundle = bundle.add({PROFILE: profile.to_bytes()})
        if not profile.energy:
            left_out.append(f"Cycles, time and energy were left out: {without_cycles(board)}.")
    info = bundle.manifest
    return DemoResult(
        title=f"Edge detector ({task}) on {data} EEG",
        model_hash=info.model_hash,
        trace=_trace(bundle, recording, counts),
        tasks=tasks,
        protocol=protocol,
        contract=contract_table.read(bundle),
        sizes=_sizes(bundle, board, profile),
        board=board,
        steps_per_second=info.input.sfreq / info.hop,
        profile=profile.model if profile else None,
        energy=profile.energy if profile else (),
        left_out=tuple(left_out),
    )


def missing_tools() -> str:
    """What the board part needs and this machine lacks, with the line that installs it; empty if nothing."""
    for program in BOARD_TOOLS:
        try:
            find_program(program)
        except MissingDependency as error:
            return str(error)
    return ""


def _data(
    data: Data, root: Path | None, task: Task, progress: Progress, left_out: list[str]
) -> tuple[Recording, tuple[TaskScores, ...], dict[str, str | int | float]]:
    """The recording to stream, and the task's scores where the task's data are at hand."""
    if data == "synthetic":
        left_out.append(
            "The task was not scored: the Bonn recordings are not part of the package; give --data bonn "
            "--root FOLDER. The detector was trained on Bonn: on synthetic EEG it shows the pipeline, not "
            "its accuracy."
        )
        return synthetic_recording(task), (), {}
    if root is None:
        raise RecordingError("--data bonn needs --root, the folder with Z, O, N, F and S")
    from edgeeeg.data.bonn_segments import TASKS
    from edgeeeg.evaluation.bonn import HEADLINE, PROTOCOL, evaluate_bonn

    segments = read_bonn(root)
    scores = []
    for name in TASKS:
        progress.stage(f"scoring {name}")
        result = evaluate_bonn(segments, name, on_fold=progress.amount)
        semantics: dict[str, Scores] = {kind: values for kind, values in result.detector.items()}
        scores.append(TaskScores(name, result.detector[HEADLINE], result.baselines, semantics))
    recordings = [bonn_recording(segments, task)]
    excerpt = find_chb_excerpt(root)
    if excerpt is None:
        left_out.append("The CHB-MIT excerpt is not beside the Bonn set (chb-mit/): only Bonn was streamed.")
    else:
        recordings.append(chb_recording(excerpt, task))
    return concatenate(recordings), tuple(scores), dict(PROTOCOL)


def _trace(bundle: Bundle, recording: Recording, counts: Counts) -> Trace:
    info = bundle.manifest
    outputs = run_on_host(reload(bundle).program, counts)[:, 0]
    return Trace(
        samples=recording.data,
        ch_names=recording.ch_names,
        sfreq=recording.sfreq,
        unit=recording.unit,
        output_times=(np.arange(1, len(outputs) + 1) * info.hop - 1) / recording.sfreq,
        outputs=outputs,
        threshold=info.outputs[0].threshold or 0.5,
        annotations=recording.annotations,
        events=EVENTS,
        source=recording.source,
    )


def _sizes(bundle: Bundle, board: str, profile: BundleProfile | None) -> Sizes:
    if profile is not None:
        return profile.sizes
    c = bundle.manifest.c
    try:
        flash = model_flash_bytes(reload(bundle).program, find_board(board))
    except MissingDependency:  # without a cross compiler only the weights are known to lie in flash
        return Sizes(c.weight_bytes, c.state_bytes, c.arena_bytes, None, weights_only=True)
    return Sizes(flash, c.state_bytes, c.arena_bytes, None)
