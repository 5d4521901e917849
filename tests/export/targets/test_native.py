"""The host library: any number of samples, states saved and restored."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg.errors import BundleError
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.tensor import TensorType


@pytest.fixture
def model(native):
    weight = np.arange(12, dtype=np.float32).reshape(1, 2, 6) / 8
    node = Node("conv", Conv((3,), (1,), 1, (3, 0)), ("x", "w"), ("y",))
    return native(
        stream(Graph("filter", {"x": TensorType((1, 2, 30), 2, 1)}, ("y",), (node,), {"w": weight}))
    )


@pytest.mark.parametrize("sizes", [(60,), (1,) * 60, (7,) * 8 + (4,), (0, 2, 58)])
def test_any_pushes_give_the_same_outputs(model, counts, sizes):
    samples = counts(60, 2)
    whole = model.push(samples)
    model.reset()
    ends = np.cumsum(sizes)
    pieces = [model.push(samples[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert whole.shape == (20, 1)


def test_a_saved_state_continues(model, counts):
    samples = counts(61, 2)
    model.push(samples[:31])
    saved = model.save()
    expected = model.push(samples[31:])
    model.reset()
    model.restore(saved)
    np.testing.assert_array_equal(model.push(samples[31:]), expected)


def test_another_state_is_refused(model):
    with pytest.raises(BundleError, match="belongs to another model"):
        model.restore(b"\0" * len(model.save()))
