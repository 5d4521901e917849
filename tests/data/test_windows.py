import numpy as np
import pytest

from edgeeeg.data.folds import file_folds
from edgeeeg.data.windows import WindowGrid
from edgeeeg.errors import RecordingError


def test_bonn_windows_are_2_s_with_half_overlap() -> None:
    grid = WindowGrid.of_seconds(4097, 173.61)
    assert (grid.length, grid.shift) == (347, 173)
    assert len(grid.stops) == 22
    assert grid.stops[0] == 347
    assert grid.stops[-1] <= 4097 < grid.stops[-1] + grid.shift


def test_windows_end_at_their_stops() -> None:
    grid = WindowGrid(n_times=20, length=6, shift=4)
    windows = grid.cut(np.arange(40, dtype=np.float32).reshape(2, 20))
    assert windows.shape == (2, 4, 6)
    np.testing.assert_array_equal(windows[0, :, -1], grid.stops - 1)
    np.testing.assert_array_equal(windows[1, 2], np.arange(28, 34))


def test_windows_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RecordingError, match="windows of 347 samples every 173 do not fit segments of 300"):
        WindowGrid.of_seconds(300, 173.61)
    with pytest.raises(RecordingError, match="segments of 19 samples, expected 20"):
        WindowGrid(20, 6, 4).cut(np.zeros((1, 19), np.float32))


def test_folds_are_by_file_disjoint_and_complete() -> None:
    ictal = np.arange(500) >= 400
    folds = file_folds(ictal)
    assert len(folds) == 5
    held_out = np.concatenate([fold.held_out for fold in folds])
    np.testing.assert_array_equal(np.sort(held_out), np.arange(500))
    for fold in folds:
        assert np.intersect1d(fold.train, fold.held_out).size == 0
        assert len(fold.train) + len(fold.held_out) == 500
        assert ictal[fold.held_out].sum() == 20


def test_folds_repeat_with_their_seed() -> None:
    ictal = np.arange(50) >= 40
    again = zip(file_folds(ictal), file_folds(ictal), strict=True)
    assert all(np.array_equal(one.held_out, two.held_out) for one, two in again)
    assert not np.array_equal(file_folds(ictal)[0].held_out, file_folds(ictal, seed=1)[0].held_out)
