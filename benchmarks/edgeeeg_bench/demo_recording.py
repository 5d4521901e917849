"""What the demonstration streams: at least ten minutes, real where data are given, synthetic otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from edgeeeg.data.bonn_segments import Task
from edgeeeg.signal import (
    ASSUMED_UV_PER_COUNT,
    BonnSegment,
    Recording,
    read_chb01_26,
    synthesize,
)
from edgeeeg.signal.bonn import SFREQ
from edgeeeg.signal.concatenation import concatenate

Data = Literal["synthetic", "bonn"]

EVENTS = ("ictal", "seizure")
"""Descriptions of the annotations that a detector is meant to find."""

SEGMENTS_OF_EACH_SET = 6  # 30 segments of 23.6 s: 11.8 minutes
CHB_FILE = "chb01_26_one_channel_int16_256hz.npy"
CHB_MINUTES = (1740.0, 2100.0)  # s: two minutes before the seizure of 1862-1963 s to two after it


def synthetic_recording(task: Task) -> Recording:
    """Ten seeded minutes with seizures and artefacts, in the unit of the task."""
    recording = synthesize(600.0, SFREQ)
    return recording.zscored() if task == "normalised" else recording


def bonn_recording(segments: tuple[BonnSegment, ...], task: Task) -> Recording:
    """The first segments of each set, set after set in turn, as one recording without reset."""
    by_set = {name: [s.recording for s in segments if s.set_name == name] for name in "ZONFS"}
    chosen = [by_set[name][k] for k in range(SEGMENTS_OF_EACH_SET) for name in by_set]
    return concatenate([recording.zscored() if task == "normalised" else recording for recording in chosen])


def find_chb_excerpt(bonn_root: Path) -> Path | None:
    """The CHB-MIT excerpt in the folder `chb-mit` beside the Bonn set, if it is there."""
    path = bonn_root.resolve().parent / "chb-mit" / CHB_FILE
    return path if path.is_file() else None


def chb_recording(path: Path, task: Task) -> Recording:
    """Six minutes around chb01_26's seizure at the detector's rate; the gain is the database's usual one."""
    whole = read_chb01_26(path, uv_per_count=ASSUMED_UV_PER_COUNT)
    part = whole.crop(*CHB_MINUTES).resample(SFREQ)
    return part.zscored() if task == "normalised" else part
