"""A window that slides through spare memory: the same frames, the same saved state, fewer instructions."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export.cache_choices import cache_choices, render
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.ops.cache_form import CacheForm, forms
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.targets import c
from edgeeeg_export.targets.native import NativeModel
from edgeeeg_export.tensor import TensorType

LSB = 2.0**-10


def cached(dtype, rows=3, length=20, frames=2):
    """A cache and a convolution that sums its whole window."""
    weight = np.random.default_rng(0).normal(size=(1, rows, length + frames)).astype(np.float32)
    floats = [Node("cache", Cache(length, 0.0), ("x",), ("w",)), Node("sum", Conv(), ("w", "k"), ("y",))]
    integers = [
        Node("quantize", QuantizeLinear(0.01, dtype), ("x",), ("q",)),
        Node("cache", Cache(length, 0.0), ("q",), ("qw",)),
        Node("back", DequantizeLinear(0.01), ("qw",), ("w",)),
        floats[1],
    ]
    nodes = tuple(floats if dtype == "float32" else integers)
    return Graph("m", {"x": TensorType((1, rows, frames), 2, 1)}, ("y",), nodes, {"k": weight})


def compiled(graph, folder, **how):
    program = c.emit(graph, LSB, **how)
    program.write(folder / "c")
    return NativeModel(folder / "c", folder, program.n_outputs, program.hop, program.saved_bytes)


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16"])
def test_outputs_and_saved_states_are_those_of_a_window_that_moves(dtype, tmp_path):
    """Over several periods, and from a state saved anywhere in one."""
    graph = cached(dtype)
    assert "edgeeeg_slide_cache" in c.emit(graph, LSB).files["m.c"]
    assert "edgeeeg_slide_cache" not in c.emit(graph, LSB, sliding=False).files["m.c"]
    sliding = compiled(graph, tmp_path / "sliding")
    restored = compiled(graph, tmp_path / "restored")
    moving = compiled(graph, tmp_path / "moving", sliding=False)
    steps = np.random.default_rng(1).integers(-1000, 1000, (40, 2, 3)).astype(np.int16)
    for step in steps:
        expected = moving.push(step)
        np.testing.assert_array_equal(sliding.push(step), expected)
        np.testing.assert_array_equal(restored.push(step), expected)
        assert sliding.save() == restored.save() == moving.save()
        restored.restore(sliding.save())  # its window begins anew, and that of the other goes on


def test_spare_memory_is_at_most_a_sixteenth_and_in_whole_steps():
    sliding, moving = forms(22, 63, 8)
    assert (sliding.name, moving.name, moving.spare) == ("sliding", "moving", 0)
    assert sliding.spare % 8 == 0
    assert 0.055 * sliding.size < sliding.spare <= 0.0625 * sliding.size


def test_the_struct_counts_spare_memory_and_a_saved_state_does_not():
    graph = cached("float32")
    sliding, moving = c.emit(graph, LSB), c.emit(graph, LSB, sliding=False)
    (form, _) = forms(3, 20, 2)
    assert sliding.struct_bytes - moving.struct_bytes == 4 * form.spare + 4
    assert sliding.state_bytes - moving.state_bytes == 4 * form.spare
    assert sliding.saved_bytes == moving.saved_bytes


def test_a_cache_moves_where_sliding_saves_little():
    assert forms(32, 12, 1)[0].name == "sliding"
    assert forms(2, 2, 2)[0].name == "moving"
    assert forms(1, 2, 8) == (CacheForm(1, 2, 8, 0),)  # the spare memory would not hold a step


def test_the_choice_and_its_alternative_are_said():
    (choice,) = cache_choices(cached("int8", 22, 63, 1))
    said = choice.to_json()
    assert said["chosen"] == "sliding"
    assert said["forms"]["sliding"]["mean"] < said["forms"]["moving"]["mean"] / 3
    assert said["forms"]["moving"]["bytes"] == 22 * 64
    title, line = render((choice,))
    assert "Cortex-M4" in title
    assert line.startswith("  cache: sliding ")
    assert "; moving " in line
