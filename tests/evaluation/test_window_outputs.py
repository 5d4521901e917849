import numpy as np
import pytest
import torch

from edgeeeg.data.windows import WindowGrid
from edgeeeg.evaluation.window_outputs import carried_outputs, windowed_outputs
from edgeeeg.models.edge_detector import EdgeDetector

GRID = WindowGrid(n_times=1000, length=347, shift=173)


@pytest.fixture
def model() -> EdgeDetector:
    torch.manual_seed(0)
    return EdgeDetector(input_scale=1.0).eval()


@pytest.fixture
def samples() -> np.ndarray:
    return (20 * np.random.default_rng(0).normal(size=(3, 1000))).astype(np.float32)


def test_windowed_is_the_last_output_of_each_window_alone(model: EdgeDetector, samples: np.ndarray) -> None:
    outputs = windowed_outputs(model, samples, GRID)
    assert outputs.shape == (3, 4)
    n_times = 347 // model.hop * model.hop
    window = torch.from_numpy(samples[1:2, None, 173 * 2 + 347 - n_times : 173 * 2 + 347])
    assert outputs[1, 2] == pytest.approx(model(window)[0, -1, 0].item(), rel=1e-5)


def test_carried_output_has_seen_the_file_to_the_window_and_no_further(
    model: EdgeDetector, samples: np.ndarray
) -> None:
    outputs = carried_outputs(model, samples, GRID)
    assert outputs.shape == (3, 4)
    stop = GRID.stops[2]
    changed = samples.copy()
    changed[:, stop:] += 5.0
    np.testing.assert_array_equal(carried_outputs(model, changed, GRID)[:, :3], outputs[:, :3])
    changed = samples.copy()
    changed[:, stop - model.hop - 1] += 50.0
    assert (carried_outputs(model, changed, GRID)[:, 2] != outputs[:, 2]).all()


def test_the_first_window_alone_has_nothing_carried_into_it(model: EdgeDetector) -> None:
    aligned = WindowGrid(n_times=12 * model.hop, length=4 * model.hop, shift=4 * model.hop)
    samples = (20 * np.random.default_rng(1).normal(size=(2, aligned.n_times))).astype(np.float32)
    windowed, carried = windowed_outputs(model, samples, aligned), carried_outputs(model, samples, aligned)
    np.testing.assert_allclose(windowed[:, 0], carried[:, 0], rtol=1e-5)
    assert (np.abs(windowed[:, 1:] - carried[:, 1:]) > 1e-4).any()
