import numpy as np
import pytest
import torch
from scipy.signal import butter, iirnotch, sosfilt, tf2sos

from edgeeeg.cells import biquad
from edgeeeg.errors import ModelError

SFREQ = 256.0
DESIGNS = {
    "band-pass": butter(4, (0.5, 40.0), btype="bandpass", fs=SFREQ, output="sos"),
    "high-pass": butter(3, 0.1, btype="highpass", fs=SFREQ, output="sos"),
    "low-pass": butter(5, 100.0, fs=SFREQ, output="sos"),
    "notch": tf2sos(*iirnotch(50.0, 30.0, fs=SFREQ)),
}


def params(sos: np.ndarray, dtype: torch.dtype = torch.float64) -> biquad.BiquadParams:
    return biquad.BiquadParams(torch.from_numpy(biquad.delta_coefficients(sos)).to(dtype))


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 3, 80, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("name", DESIGNS)
def test_scan_is_scipys_filter(name: str, x: torch.Tensor) -> None:
    y, _ = biquad.scan(params(DESIGNS[name]), x)
    np.testing.assert_allclose(y.numpy(), sosfilt(DESIGNS[name], x.numpy()), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("chunk", [1, 3, 7])
def test_chunks_with_carried_state_are_the_whole(chunk: int, x: torch.Tensor) -> None:
    p = params(DESIGNS["band-pass"], torch.float32)
    whole, last = biquad.scan(p, x.float())
    parts, state = [], None
    for part in x.float().split(chunk, dim=2):
        y, state = biquad.scan(p, part, state)
        parts.append(y)
    assert torch.equal(torch.cat(parts, 2), whole)
    assert state is not None
    assert torch.equal(state.memory, last.memory)


def test_steps_are_the_scan(x: torch.Tensor) -> None:
    p = params(DESIGNS["band-pass"], torch.float32)
    whole, last = biquad.scan(p, x.float())
    state = biquad.init_state(2, 3, p)
    for t, x_t in enumerate(x.float().unbind(2)):
        y, state = biquad.step(p, x_t, state)
        assert torch.equal(y, whole[:, :, t])
    assert torch.equal(state.memory, last.memory)


def test_silence_leaves_nothing() -> None:
    """Saturation, then silence: every memory passes through small numbers and ends at exactly 0."""
    p = params(DESIGNS["low-pass"], torch.float32)
    x = torch.zeros(1, 1, 2000)
    x[..., :40] = 4096.0
    y, state = biquad.scan(p, x)
    assert y[..., :100].abs().max() > 1000
    assert not state.memory.any()
    assert not ((y != 0) & (y.abs() < torch.finfo(torch.float32).tiny)).any()


def test_gradients_are_those_of_finite_differences(x: torch.Tensor) -> None:
    leaf = x[:1, :2, :6].clone().requires_grad_()
    p = params(DESIGNS["low-pass"])
    assert torch.autograd.gradcheck(lambda part: biquad.scan(p, part)[0], (leaf,))


def test_custom_op_runs_the_scan(x: torch.Tensor) -> None:
    p = params(DESIGNS["notch"])
    assert torch.equal(biquad.biquad(x, p.coefficients), biquad.scan(p, x)[0])


def test_sections_that_are_no_filter_are_refused(x: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"shape \(4, 5\), expected \(n_sections, 6\)"):
        biquad.delta_coefficients(DESIGNS["band-pass"][:, :5])
    with pytest.raises(ModelError, match="a0 other than 1"):
        biquad.delta_coefficients(2 * DESIGNS["notch"])
    unstable = np.vstack([DESIGNS["notch"], [[1.0, 0.0, 0.0, 1.0, -2.0, 1.0]]])
    with pytest.raises(ModelError, match="section 1 has a pole on or outside the unit circle"):
        biquad.delta_coefficients(unstable)
    with pytest.raises(ModelError, match=r"\(2, 3\), expected \(batch, n_chans, n_times\)"):
        biquad.scan(params(DESIGNS["notch"]), x[..., 0])
