"""Outputs become detections in time and rows in a file."""

import numpy as np
import pytest

from edgeeeg.detections import above_threshold, write_outputs
from edgeeeg.errors import OutputError
from edgeeeg.manifest import CInfo, InputInfo, Manifest, OutputInfo


def manifest(threshold: float | None) -> Manifest:
    return Manifest(
        generator="test",
        name="model",
        model_hash="0" * 64,
        semantics="continuous",
        hop=50,
        inputs=(InputInfo(name="eeg", ch_names=("EEG",), sfreq=100.0, unit="uV", lsb=0.125, hop=50),),
        outputs=(
            OutputInfo(name="score", shape=(1, 1, 1), threshold=threshold),
            OutputInfo(name="rate", shape=(1, 1, 2)),
        ),
        states=(),
        c=CInfo(
            prefix="model",
            state_bytes=0,
            arena_bytes=0,
            arena_bound_bytes=0,
            struct_bytes=0,
            saved_bytes=0,
            weight_bytes=0,
        ),
        files={},
    )


SCORES = np.array([[0.9, 0, 1], [0.1, 0, 1], [0.5, 2, 3], [0.7, 0, 1]], dtype=np.float32)


def test_stretches_at_or_above_the_threshold_are_detections():
    found = above_threshold(manifest(0.5), SCORES)
    assert [(d.onset, d.duration, d.description) for d in found] == [(0.0, 0.5, "score"), (1.0, 1.0, "score")]


def test_without_a_threshold_or_outputs_nothing_is_detected():
    assert above_threshold(manifest(None), SCORES) is None
    assert above_threshold(manifest(0.5), SCORES[:0]) == ()


def test_rows_bear_the_time_of_their_last_sample_and_all_bits(tmp_path):
    path = tmp_path / "new" / "out.tsv"
    write_outputs(path, manifest(0.5), SCORES)
    header, *rows = path.read_text().splitlines()
    assert header.split("\t") == ["time", "score", "rate_0", "rate_1"]
    values = np.array([[float(cell) for cell in row.split("\t")] for row in rows])
    assert values[:, 0] == pytest.approx([0.49, 0.99, 1.49, 1.99])
    assert np.array_equal(values[:, 1:].astype(np.float32), SCORES)
    assert [item.name for item in path.parent.iterdir()] == ["out.tsv"]


def test_a_folder_is_no_file_to_write(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write_outputs(tmp_path, manifest(0.5), SCORES)
