"""ExponentialMovingAverage and RunningZScore: their cells, with a time constant in seconds."""

import math

import pytest
import torch

from edgeeeg.cells import exponential_moving_average as average
from edgeeeg.cells import running_z_score as z_score
from edgeeeg.errors import ModelError
from edgeeeg.layers.exponential_moving_average import ExponentialMovingAverage
from edgeeeg.layers.running_z_score import RunningZScore

SFREQ = 100.0


@pytest.fixture
def x() -> torch.Tensor:
    return 3 + torch.randn(2, 3, 120, generator=torch.Generator().manual_seed(0))


def test_the_layers_scan_their_cells(x: torch.Tensor) -> None:
    mean, score = ExponentialMovingAverage(3, 0.3, SFREQ), RunningZScore(3, 0.3, SFREQ, epsilon=0.5)
    assert torch.equal(mean(x), average.scan(average.AverageParams(mean.alpha), x)[0])
    assert torch.equal(score(x), z_score.scan(z_score.ZScoreParams(score.alpha, 0.5), x)[0])


@pytest.mark.parametrize("layer", [ExponentialMovingAverage(1, 0.2, SFREQ), RunningZScore(1, 0.2, SFREQ)])
def test_the_memory_of_a_sample_falls_to_1_e_in_the_time_constant(
    layer: ExponentialMovingAverage | RunningZScore,
) -> None:
    assert (1 - layer.alpha.item()) ** (0.2 * SFREQ) == pytest.approx(math.exp(-1), rel=1e-5)


@pytest.mark.parametrize(
    ("layer", "node"),
    [
        (ExponentialMovingAverage(3, 0.3, SFREQ), "exponential_moving_average"),
        (RunningZScore(3, 0.3, SFREQ), "running_z_score"),
    ],
)
def test_an_exported_program_keeps_one_node(layer: torch.nn.Module, node: str, x: torch.Tensor) -> None:
    program = torch.export.export(layer, (x,))
    target = getattr(torch.ops.edgeeeg, node).default
    assert [n.target for n in program.graph.nodes if n.op == "call_function"] == [target]
    assert torch.equal(program.module()(x), layer(x))


@pytest.mark.parametrize("kind", [ExponentialMovingAverage, RunningZScore])
def test_settings_and_shapes_that_do_not_fit_are_refused(kind, x: torch.Tensor) -> None:
    with pytest.raises(ModelError, match="time_constant is 0"):
        kind(3, 0.0, SFREQ)
    with pytest.raises(ModelError, match="sfreq is -1"):
        kind(3, 1.0, -1.0)
    with pytest.raises(ModelError, match=rf"{kind.__name__}: input of shape \(2, 2, 120\)"):
        kind(3, 1.0, SFREQ)(x[:, :2])


def test_an_epsilon_of_zero_is_refused() -> None:
    with pytest.raises(ModelError, match="epsilon is 0"):
        RunningZScore(3, 1.0, SFREQ, epsilon=0.0)
