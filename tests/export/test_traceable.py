"""Layers that torch cannot trace become plain ones with the same numbers, in a copy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgeeeg_export.capture import to_onnx, trace
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.lowering import lower
from edgeeeg_export.traceable import traceable


class MaxNorm(nn.Conv2d):
    """EEGNet's constraint as braindecode has it: weights renormalized in place in every forward pass."""

    max_norm = 0.5

    def forward(self, x):
        self.weight.data = torch.renorm(self.weight.data, p=2, dim=0, maxnorm=self.max_norm)
        return super().forward(x)


class MaxNormLinear(nn.Linear):
    def forward(self, x):
        self.weight.data = torch.renorm(self.weight.data, p=2, dim=0, maxnorm=0.25)
        return super().forward(x)


class Doubling(MaxNorm):
    """Does more than its constraint."""

    def forward(self, x):
        self.weight.data = torch.renorm(self.weight.data, p=2, dim=0, maxnorm=self.max_norm)
        return 2 * super(MaxNorm, self).forward(x)


class Net(nn.Module):
    def __init__(self, layer=MaxNorm):
        super().__init__()
        self.conv = layer(1, 4, (2, 5), dilation=(1, 2))
        self.head = MaxNormLinear(4, 2)

    def forward(self, x):
        return self.head(self.conv(x[:, None]).squeeze(2).transpose(1, 2))


@pytest.fixture
def net():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Net().eval()


def test_constrained_layers_become_plain_with_the_numbers_they_give(net):
    x = torch.randn(1, 2, 32, generator=torch.Generator().manual_seed(1))
    before = net.conv.weight.clone()
    assert before.flatten(1).norm(dim=1).max() > 0.5  # the constraint binds
    plain = traceable(net)
    assert (type(plain.conv), type(plain.head)) == (nn.Conv2d, nn.Linear)
    assert type(net.conv) is MaxNorm
    assert torch.equal(net.conv.weight, before)  # the model itself is as it was
    assert plain.conv.weight.flatten(1).norm(dim=1).max() <= 0.5 + 1e-6
    with torch.no_grad():
        assert torch.equal(plain(x), net(x))


def test_such_a_model_exports(net, same_everywhere, as_input, counts):
    lowered = lower(to_onnx(trace(net, 2, 32)).model, "net")
    truth = same_everywhere(lowered.offline, lowered.step, 24)
    with torch.no_grad():
        expected = net(torch.from_numpy(as_input(counts(24, 2)))).numpy()
    np.testing.assert_allclose(truth, expected[0], atol=1e-6)


def test_what_does_more_than_its_constraint_is_refused_by_its_path():
    with pytest.raises(CaptureError, match="layer 'conv' sets its own weights as it runs and does more"):
        traceable(Net(Doubling).eval())


def test_a_model_that_can_be_traced_is_itself():
    model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3)).eval()
    assert traceable(model) is model


def test_tensors_made_in_inference_mode_are_copied():
    with torch.inference_mode():
        model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3)).eval()
    assert model[0].weight.is_inference()
    plain = traceable(model)
    assert plain is not model
    assert not any(t.is_inference() for t in (*plain.parameters(), *plain.buffers()))
    x = torch.ones(1, 2, 8)
    with torch.inference_mode():
        expected = model(x)
    with torch.no_grad():
        assert torch.equal(plain(x), expected)
    assert lower(to_onnx(trace(model, 2, 16)).model, "net").step.timing.delay == 2
