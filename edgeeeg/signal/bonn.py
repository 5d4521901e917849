"""The University of Bonn EEG set: 500 single-channel segments in five sets.

Andrzejak et al. 2001, Phys. Rev. E 64:061907. Z and O are scalp EEG of healthy people, N, F and S
intracranial EEG of patients; the segments carry no patient codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeeeg.errors import RecordingError
from edgeeeg.signal.annotation import Annotation
from edgeeeg.signal.recording import Recording

SFREQ = 173.61  # Hz
N_TIMES = 4097
SEGMENTS_PER_SET = 100
CH_NAME = "EEG"
DESCRIPTIONS = {
    "Z": "healthy eyes open",
    "O": "healthy eyes closed",
    "N": "interictal opposite hippocampus",
    "F": "interictal epileptogenic zone",
    "S": "ictal",
}


@dataclass(frozen=True, slots=True)
class BonnSegment:
    """One file of the set.

    Parameters
    ----------
    set_name : str
        Z, O, N, F or S.
    number : int
        1 to 100 within its set.
    recording : Recording
        4097 samples at 173.61 Hz of the channel ``"EEG"``, one annotation over the whole.
    """

    set_name: str
    number: int
    recording: Recording

    @property
    def ictal(self) -> bool:
        """Whether the segment was recorded during a seizure."""
        return self.set_name == "S"


def read_bonn(root: str | Path) -> tuple[BonnSegment, ...]:
    """Read the complete set, in the order Z, O, N, F, S and by number within each.

    The files hold integers, taken as µV as the literature does (standard deviations of about 41 µV in Z to
    307 µV in S agree with it).

    Parameters
    ----------
    root : str or Path
        Folder with the folders Z, O, N, F and S, each of 100 files such as ``S/S001.txt`` (or ``.TXT``).

    Raises
    ------
    RecordingError
        If a folder or file is missing, or one does not hold 4097 integers.
    """
    root = Path(root)
    return tuple(
        BonnSegment(set_name, number, _read_segment(path, set_name))
        for set_name in DESCRIPTIONS
        for number, path in enumerate(_segment_paths(root, set_name), start=1)
    )


def _segment_paths(root: Path, set_name: str) -> list[Path]:
    folder = root / set_name
    if not folder.is_dir():
        raise RecordingError(
            f"{root}: the Bonn set is incomplete, folder {set_name} is missing: "
            f"it needs the folders {', '.join(DESCRIPTIONS)} of {SEGMENTS_PER_SET} files each"
        )
    by_stem = {path.stem: path for path in folder.iterdir() if path.suffix.lower() == ".txt"}
    stems = [f"{set_name}{number:03d}" for number in range(1, SEGMENTS_PER_SET + 1)]
    missing = [stem for stem in stems if stem not in by_stem]
    if missing:
        raise RecordingError(
            f"{folder}: the Bonn set is incomplete, {len(missing)} of {SEGMENTS_PER_SET} files are missing, "
            f"the first is {missing[0]}.txt: download the set again"
        )
    return [by_stem[stem] for stem in stems]


def _read_segment(path: Path, set_name: str) -> Recording:
    tokens = path.read_bytes().split()
    if len(tokens) != N_TIMES:
        raise RecordingError(
            f"{path}: {N_TIMES} integers expected, {len(tokens)} found: the file is truncated or altered"
        )
    try:
        values = [int(token) for token in tokens]
    except ValueError as error:
        raise RecordingError(f"{path}: holds something else than integers: {error}") from error
    return Recording(
        np.array([values], dtype=np.float32),
        (CH_NAME,),
        SFREQ,
        (Annotation(0.0, N_TIMES / SFREQ, DESCRIPTIONS[set_name]),),
        source=f"bonn/{path.stem}",
    )
