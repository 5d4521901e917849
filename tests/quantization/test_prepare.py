"""A model in training computes the integers of SPEC section 8, and learns by Brevitas' gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import NETWORKS, signal, trained
from torch import nn

from edgeeeg import floatmath
from edgeeeg.errors import ModelError
from edgeeeg.quantization.integers import Integers, saturate
from edgeeeg.quantization.prepare import prepare


def values(model, x):
    with torch.no_grad():
        return model.run(x)[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_near_the_float_model_and_everything_learns(name):
    model, x = trained(name), signal(4)
    quantized = prepare(model, x, x)
    y = quantized(x)
    with torch.no_grad():
        truth = model(x)
    assert 0 < (y - truth).square().mean() < 0.02 * truth.square().mean()
    y.square().sum().backward()
    silent = {n for n, p in quantized.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    assert not silent


def test_training_in_integers_lowers_the_loss():
    model, x = trained("gates"), signal(4)
    quantized = prepare(model, x, x)
    optimizer = torch.optim.Adam(quantized.parameters(), 2e-2)
    losses = []
    for _ in range(8):
        loss = (quantized(x) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_a_convolution_is_an_exact_sum_rounded_once():
    model, x = trained("EEGNet"), signal(4)
    quantized = prepare(model, x, x)
    seen = values(quantized, x)
    layer = quantized.layers["at_conv2d_1"]
    of_x, of_y = seen["conv2d"], seen["conv2d_1"]
    weight, bias = layer.layer.weight.detach().numpy(), layer.layer.bias.detach().numpy()
    step_w = np.abs(weight).max(axis=(1, 2, 3)) / np.float32(127)
    whole = np.rint(weight / step_w[:, None, None, None]).astype(np.int64)
    step = step_w * of_x.scale.numpy()
    start = np.rint(bias / step).astype(np.int64)
    q = of_x.whole.numpy().astype(np.int64)  # (batch, 8, chans, times), two outputs to a group
    total = np.einsum("bgct,goc->bgot", q, whole[..., 0, :, 0].reshape(8, 2, -1)).reshape(4, 16, -1)
    total = (total + start[:, None]).astype(np.float32)
    expected = np.rint(np.clip(total * (step / of_y.scale.numpy())[:, None], -128, 127))
    np.testing.assert_array_equal(of_y.whole.numpy()[:, :, 0], expected)


def test_a_gate_written_out_is_one_table_of_the_exporters_functions():
    quantized = prepare(trained("gates"), signal(4), signal(4))
    assert "sigmoid" in quantized.inside
    seen = values(quantized, signal(4))
    a, b = seen["conv1d"], seen["mul"]
    x = a.whole.numpy() * a.scale.numpy()
    expected = saturate(torch.from_numpy(x * floatmath.sigmoid(x)) / b.scale)
    torch.testing.assert_close(b.whole, expected, rtol=0, atol=0)


def test_a_product_with_a_number_keeps_its_integers():
    seen = values(prepare(trained("gates"), signal(4), signal(4)), signal(4))
    torch.testing.assert_close(seen["mul_1"].whole, seen["add"].whole, rtol=0, atol=0)
    assert seen["mul_1"].scale == 0.5 * seen["add"].scale


def test_parts_of_a_dense_layer_have_scales_of_their_own():
    seen = values(prepare(trained("Mamba"), signal(4), signal(4)), signal(4))
    parts = seen["split_with_sizes"]
    assert all(isinstance(part, Integers) for part in parts)
    assert len({part.scale.item() for part in parts}) == 3


def test_hidden_values_are_rounded_on_their_way_into_their_matrix_alone():
    quantized = prepare(trained("GRU"), signal(4), signal(4))
    recurrence = quantized.layers["at_gru"]
    seen = values(quantized, signal(4))
    x = seen["transpose"]
    (direction,) = recurrence.directions
    step = recurrence.quantizer.scale().detach().numpy()
    start, late = (each.detach().numpy() for each in direction.biases())
    matrices = []
    for layer, scale in ((direction.inputs, x.scale.numpy()), (direction.hidden, step)):
        weight = layer.weight.detach().numpy()
        rows = np.abs(weight).max(1) / np.float32(127)
        matrices.append((np.rint(weight / rows[:, None]).astype(np.int64), rows * scale))
    (w, m), (r, n) = matrices
    h, hidden = np.zeros((4, 8), dtype=np.float32), []
    for t in range(x.value.shape[1]):
        drive = start + (x.whole[:, t].numpy().astype(np.int64) @ w.T).astype(np.float32) * m
        q = np.rint(np.clip(h / step, -128, 127)).astype(np.int64)
        past = (q @ r.T).astype(np.float32) * n
        reset, update = (floatmath.sigmoid(drive[:, k : k + 8] + past[:, k : k + 8]) for k in (0, 8))
        g = floatmath.tanh(drive[:, 16:] + reset * (late + past[:, 16:]))
        h = (1 - update) * g + update * h
        hidden.append(np.rint(np.clip(h / step, -128, 127)))
    np.testing.assert_array_equal(seen["getitem"].whole.numpy(), np.stack(hidden, 1))


def test_ranges_are_those_of_whole_recordings():
    model = trained("gates")
    loud = signal(1).repeat(1, 1, 4) * torch.linspace(0.1, 5.0, 4 * signal(1).shape[-1])
    quiet, long = (prepare(model, signal(1), each) for each in (signal(1) * 0.1, loud))
    assert long.quantizers["at_x"].scale() > 10 * quiet.quantizers["at_x"].scale()


def test_what_cannot_be_trained_is_refused_by_name():
    class TwoLayers(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(4, 4, 2, batch_first=True)

        def forward(self, x):
            return self.gru(x.transpose(1, 2))[0]

    with pytest.raises(ModelError, match=r"'gru' is a recurrence of 2 layers; chain 2 of one layer each"):
        prepare(TwoLayers(), signal(2)[..., :8], signal(2)[..., :8])
    with pytest.raises(ModelError, match="'x' is not finite on the calibration recordings"):
        prepare(trained("EEGNet"), signal(2), signal(2) * float("inf"))
    with pytest.raises(ModelError, match=r"torch.export cannot trace EegNet on input \(2, 3, 7\)"):
        prepare(trained("EEGNet"), torch.zeros(2, 3, 7), signal(2))
