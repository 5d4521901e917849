"""Recordings joined in time."""

import numpy as np
import pytest

from edgeeeg.errors import RecordingError
from edgeeeg.signal import Annotation, Recording
from edgeeeg.signal.concatenation import concatenate


def recording(start: float, n_times: int = 200, sfreq: float = 100.0, **others) -> Recording:
    data = np.arange(start, start + n_times, dtype=np.float32)[None] + 100
    fields = {"annotations": (Annotation(0.5, 1.0, "seizure"),), "source": f"part {start:g}"}
    return Recording(data, ("EEG",), sfreq, **(fields | others))


def test_samples_follow_each_other_and_annotations_move_along():
    whole = concatenate([recording(0.0), recording(200.0), recording(400.0, 100, annotations=())])
    assert whole.data[0].tolist() == [100.0 + k for k in range(500)]
    assert [(a.onset, a.duration) for a in whole.annotations] == [(0.5, 1.0), (2.5, 1.0)]
    assert whole.source == "part 0 to part 400"


@pytest.mark.parametrize(("change", "named"), [({"sfreq": 128.0}, "sfreq 128.0"), ({"unit": "z"}, "unit z")])
def test_what_differs_is_named(change, named):
    with pytest.raises(RecordingError, match=named):
        concatenate([recording(0.0), recording(200.0, **change)])


def test_nothing_to_join_is_an_error():
    with pytest.raises(RecordingError, match="at least one"):
        concatenate([])
