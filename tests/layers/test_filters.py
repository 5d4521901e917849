import numpy as np
import pytest
import torch
from scipy.signal import butter, iirnotch, sosfilt, sosfreqz, tf2sos

from edgeeeg.errors import ModelError
from edgeeeg.layers.filters import BandPass, Notch, SosFilter

SFREQ = 256.0


@pytest.fixture
def x() -> torch.Tensor:
    return 30 * torch.randn(2, 3, 200, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("layer", "sos"),
    [
        (
            BandPass(3, 0.5, 40.0, SFREQ),
            butter(4, (0.5, 40.0), btype="bandpass", fs=SFREQ, output="sos"),
        ),
        (BandPass(3, 8.0, 12.0, SFREQ, order=2), butter(2, (8, 12), "bandpass", fs=SFREQ, output="sos")),
        (Notch(3, 50.0, SFREQ), tf2sos(*iirnotch(50.0, 30.0, fs=SFREQ))),
        (Notch(3, 60.0, SFREQ, q=5.0), tf2sos(*iirnotch(60.0, 5.0, fs=SFREQ))),
    ],
)
def test_a_layer_is_scipys_design_and_filter(layer: SosFilter, sos: np.ndarray, x: torch.Tensor) -> None:
    expected = sosfilt(sos, x.double().numpy())
    np.testing.assert_allclose(layer(x).numpy(), expected, atol=1e-4, rtol=0)


def test_cut_offs_are_where_the_docstring_says() -> None:
    b0, beta1, beta2, alpha1, alpha2 = BandPass(1, 1.0, 40.0, SFREQ).coefficients.double().numpy().T
    sos = np.stack([b0, beta1 - 2 * b0, beta2 - beta1 + b0, 0 * b0 + 1, alpha1 - 2, alpha2 - alpha1 + 1], 1)
    _, response = sosfreqz(sos, worN=[1.0, 10.0, 40.0], fs=SFREQ)
    np.testing.assert_allclose(np.abs(response), [0.5**0.5, 1.0, 0.5**0.5], atol=1e-3)


def test_an_exported_program_keeps_one_node(x: torch.Tensor) -> None:
    layer = BandPass(3, 0.5, 40.0, SFREQ)
    program = torch.export.export(layer, (x,))
    nodes = [node for node in program.graph.nodes if node.target is torch.ops.edgeeeg.biquad.default]
    assert len(nodes) == 1
    assert not any("unbind" in str(node.target) for node in program.graph.nodes)
    assert torch.equal(program.module()(x), layer(x))


def test_a_gradient_reaches_the_input(x: torch.Tensor) -> None:
    x = x.clone().requires_grad_()
    Notch(3, 50.0, SFREQ)(x).sum().backward()
    assert x.grad is not None
    assert (x.grad[..., 0] != 0).all()


def test_the_coefficients_travel_in_the_state_dict() -> None:
    layer = BandPass(3, 0.5, 40.0, SFREQ)
    layer.load_state_dict(BandPass(3, 1.0, 30.0, SFREQ).state_dict())
    assert torch.equal(layer.coefficients, BandPass(3, 1.0, 30.0, SFREQ).coefficients)


def test_frequencies_that_make_no_filter_are_refused(x: torch.Tensor) -> None:
    with pytest.raises(ModelError, match=r"0.5 to 128 Hz at 256 Hz; use 0 < low < high < 128 Hz"):
        BandPass(3, 0.5, 128.0, SFREQ)
    with pytest.raises(ModelError, match="order is 0"):
        BandPass(3, 0.5, 40.0, SFREQ, order=0)
    with pytest.raises(ModelError, match="150 Hz at 256 Hz"):
        Notch(3, 150.0, SFREQ)
    with pytest.raises(ModelError, match="q is -1"):
        Notch(3, 50.0, SFREQ, q=-1)
    with pytest.raises(ModelError, match=r"BandPass: input of shape \(2, 2, 200\), expected \(batch, 3"):
        BandPass(3, 0.5, 40.0, SFREQ)(x[:, :2])
