"""Any causal module as a detector of one score a hop, and how long it remembers."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from edgeeeg.errors import ModelError
from edgeeeg.evaluation.frame_scores import FrameScores, measure_memory
from edgeeeg.layers.causal_conv import CausalConv1d
from edgeeeg.models.edge_detector import EdgeDetector
from edgeeeg.models.frame_lstm import FrameLstm

SFREQ = 100.0


class Convolution(nn.Module):
    """Two causal convolutions: remembers 15 + 4 · 3 = 27 samples and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(CausalConv1d(1, 4, 16, stride=4), nn.ReLU(), CausalConv1d(4, 1, 4))

    def forward(self, x: Tensor) -> Tensor:
        """Scores (batch, 1, n_frames)."""
        scores: Tensor = self.layers(x)
        return scores


def stretches(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=2000).astype(np.float32), rng.normal(size=200).astype(np.float32)


@pytest.mark.parametrize(
    ("module", "hop"), [(EdgeDetector(input_scale=1.0), 8), (Convolution(), 4), (FrameLstm(), 8)]
)
def test_hop_and_axis_are_found(module: nn.Module, hop: int) -> None:
    torch.manual_seed(0)
    model = FrameScores(module)
    assert model.hop == hop
    with torch.no_grad():
        x = torch.randn(3, 1, 240)
        torch.testing.assert_close(model(x).flatten(), module.eval()(x).flatten())
        assert model(x).shape == (3, 240 // hop, 1)


def test_the_first_of_several_outputs_is_the_score() -> None:
    class Two(Convolution):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
            return super().forward(x), x

    assert FrameScores(Two()).hop == 4


def test_a_convolution_remembers_its_kernels_alone() -> None:
    torch.manual_seed(0)
    memory = measure_memory(FrameScores(Convolution()), *stretches(), SFREQ)
    assert not memory.lasting
    # the last sample of what was changed is read by the frames of the next 27 samples
    assert memory.seconds == pytest.approx(0.24, abs=0.04)
    assert memory.within(0.3)
    assert not memory.within(0.1)


def test_an_lstm_with_open_gates_remembers_for_long() -> None:
    torch.manual_seed(0)
    module = FrameLstm()
    with torch.no_grad():
        module.memory.bias_ih_l0[24:48] = 9.0
    memory = measure_memory(FrameScores(module), *stretches(), SFREQ)
    assert memory.lasting
    assert memory.seconds == pytest.approx(18.0)
    assert not memory.within(60.0)


class LastOnly(FrameLstm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, -1]


class Several(FrameLstm):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).expand(-1, -1, 2)


class Padded(nn.Conv1d):
    def __init__(self) -> None:
        super().__init__(1, 1, 9, padding=4)


class Valid(nn.Conv1d):
    def __init__(self) -> None:
        super().__init__(1, 1, 9)


class TwoChannels(FrameLstm):
    def __init__(self) -> None:
        super().__init__()
        self.n_chans = 2


class OddHop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), 1, -1, 7).mean(-1)


class Failing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise KeyError("electrode")


class WrongHop(FrameLstm):
    def __init__(self) -> None:
        super().__init__()
        self.hop = 8.0  # type: ignore[assignment]


class Mapping(nn.Module):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"score": x}


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (LastOnly, "return the output of every frame"),
        (Several, "has 2 scores a frame"),
        (Padded, "looks ahead or needs its whole window"),
        (Valid, "pad on the left"),
        (TwoChannels, "takes 2 channels"),
        (OddHop, "state its hop as the attribute"),
        (Failing, "with KeyError: 'electrode'"),
        (Mapping, "returns a dict"),
        (WrongHop, "hop is 8.0"),
    ],
)
def test_what_cannot_be_audited_is_refused(module: type[nn.Module], said: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(ModelError, match=said):
        FrameScores(module())


def test_looking_ahead_is_found_at_the_amplitude_of_the_input() -> None:
    class Deaf(Padded):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(torch.relu(x - 50.0))

    torch.manual_seed(0)
    assert FrameScores(Deaf()).hop == 1  # noise of one µV passes nothing on
    with pytest.raises(ModelError, match="looks ahead"):
        FrameScores(Deaf(), amplitude=100.0)
