"""Recurrences that carry integers while they are trained: LIF, Mamba's scan, RWKV-4's average."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import CELL_NETWORKS, Frames, signal, trained
from torch import nn

from edgeeeg.cells import quantized_lif, quantized_selective_scan
from edgeeeg.cells.firing import Firing
from edgeeeg.cells.lif import LifParams
from edgeeeg.cells.selective_scan import ScanInput, ScanParams
from edgeeeg.cells.state_width import INT16
from edgeeeg.errors import ModelError
from edgeeeg.layers.lif import Lif
from edgeeeg.quantization.integers import Integers
from edgeeeg.quantization.prepare import prepare

CELLS = [name for name in CELL_NETWORKS if name != "windows"]


def values(model, x):
    with torch.no_grad():
        return model.run(x)[0]


@pytest.mark.parametrize("name", CELLS)
def test_training_lowers_the_loss_and_reaches_every_parameter(name):
    x = signal(4)
    quantized = prepare(trained(name), x, x, states="int16")
    optimizer = torch.optim.Adam(quantized.parameters(), 1e-2)
    losses = []
    for _ in range(6):
        loss = (quantized(x) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    assert not {n for n, p in quantized.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}


@pytest.mark.parametrize("states", ["int16", "int32"])
@pytest.mark.parametrize("name", ["Mamba", "RWKV", "windows"])
def test_it_is_near_the_float_model(name, states):
    model, x = trained(name), signal(4)
    with torch.no_grad():
        y, truth = prepare(model, x, x, states=states)(x), model(x)
    assert 0 < (y - truth).square().mean() < 0.02 * truth.square().mean()


def test_spikes_are_those_of_the_integer_neurons():
    quantized = prepare(trained("LIF"), signal(4), signal(4), states="int16")
    seen, layer = values(quantized, signal(4)), quantized.layers["at_lif_1"]
    x, beta, threshold = (seen[name] for name in quantized.operands["lif_1"])
    step = quantized_lif.membrane_scale(threshold, layer.states.wish("mem"), INT16)
    formats = quantized_lif.LifFormat(float(x.scale), step, INT16)
    params = quantized_lif.quantize_params(LifParams(beta, threshold), formats)
    spikes, _ = quantized_lif.scan(params, INT16, x.whole.long(), firing=Firing("zero"))
    assert 0 < spikes.float().mean() < 1
    assert seen["lif_1"].scale == 1
    torch.testing.assert_close(seen["lif_1"].value, spikes.float(), rtol=0, atol=0)


def test_a_scan_is_that_of_the_integers():
    quantized = prepare(trained("Mamba"), signal(4), signal(4), states="int16")
    seen, layer = values(quantized, signal(4)), quantized.layers["at_selective_scan"]
    u, delta, a, b, c, d = (seen[name] for name in quantized.operands["selective_scan"])
    y = seen["selective_scan"]
    scales = [float(each.scale) for each in (u, delta, b, c)]
    formats = quantized_selective_scan.ScanFormat(*scales, layer.states.wish("h"), float(y.scale), INT16)
    params = quantized_selective_scan.quantize_params(ScanParams(a, d), formats)
    steps = ScanInput(*(each.whole.long() for each in (u, delta, b, c)))
    whole, _ = quantized_selective_scan.scan(params, formats, steps)
    torch.testing.assert_close(y.whole, whole.float(), rtol=0, atol=0)
    torch.testing.assert_close(y.value, whole.float() * y.scale, rtol=0, atol=0)


def test_a_membrane_has_room_for_twice_the_largest_of_a_recording_from_end_to_end():
    class Neurons(nn.Module):
        def __init__(self):
            super().__init__()
            self.lif = Lif(4, beta=1.0, threshold=1e3, learn_beta=False, reset_mechanism="none")

        def forward(self, x):
            return self.lif(x.transpose(1, 2))

    recording = signal(1)
    quantized = prepare(Neurons(), recording[..., :8], recording, states="int16")
    largest = recording.cumsum(-1).abs().max()
    wish = quantized.layers["at_lif"].states.wish("mem")
    assert wish == pytest.approx(2 * float(largest) / 32767, rel=1e-5)


def test_cells_carry_floats_unless_asked():
    quantized = prepare(trained("LIF"), signal(4), signal(4))
    assert not {"lif", "lif_1"} & quantized.operands.keys()
    with pytest.raises(ModelError, match="states of 'int8': choose one of float32, int16, int32"):
        prepare(trained("LIF"), signal(4), signal(4), states="int8")


def test_states_that_are_not_finite_are_refused_by_name():
    class Growing(nn.Module):
        def __init__(self):
            super().__init__()
            self.lif = Lif(4, beta=1.0, threshold=1.0, learn_beta=False, reset_mechanism="none")

        def forward(self, x):
            return self.lif(x.transpose(1, 2))

    recording = torch.full((1, 4, 64), 3e38)
    with pytest.raises(ModelError, match="state 'mem' of 'lif' is not finite on the calibration recordings"):
        prepare(Growing(), recording, recording, states="int16")


def test_means_differences_and_gains_of_channels_are_rounded_once():
    quantized = prepare(trained("windows"), signal(4), signal(4))
    seen = values(quantized, signal(4))
    assert all(isinstance(seen[name], Integers) for name in ("mean", "sub", "div", "mean_1"))
    (source,) = quantized.operands["mean"]
    y, mean, centred, scaled = (seen[name] for name in (source, "mean", "sub", "div"))
    f32 = np.float32
    q = y.whole.numpy()
    step = (y.scale / mean.scale).numpy() / f32(q.shape[1])
    expected = np.rint(np.clip(q.sum(1, keepdims=True).astype(f32) * step, -128, 127))
    np.testing.assert_array_equal(mean.whole.numpy(), expected)
    left, right = ((each.scale / centred.scale).numpy() for each in (y, mean))
    expected = np.rint(np.clip(q * left - mean.whole.numpy() * right, -128, 127))
    np.testing.assert_array_equal(centred.whole.numpy(), expected)
    gain = f32(1) / np.linspace(0.5, 2, 8, dtype=f32) * (centred.scale / scaled.scale).numpy()
    expected = np.rint(np.clip(centred.whole.numpy() * gain, -128, 127))
    np.testing.assert_array_equal(scaled.whole.numpy(), expected)


def test_a_constant_that_widens_a_tensor_leaves_it_to_floats():
    class Widened(nn.Module):
        def __init__(self):
            super().__init__()
            self.frames, self.offset = Frames(nn.Identity()), nn.Parameter(torch.ones(3, 1, 2))

        def forward(self, x):
            return self.frames(x).unsqueeze(1) + self.offset

    seen = values(prepare(Widened().eval(), signal(4), signal(4)), signal(4))
    assert isinstance(seen["unsqueeze"], Integers)
    assert not isinstance(seen["add"], Integers)
