"""Float kernels have the bits of the reference in registers of any width: one lane, SSE's, this machine's."""

from __future__ import annotations

import numpy as np
import pytest

from edgeeeg_export import reference
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.elu import Elu
from edgeeeg_export.ops.exp import Exp
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.sigmoid import Sigmoid
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import TensorType

WIDTHS = {
    "one lane": ("-DEDGEEEG_LANES=1",),
    "as every build": (),
    "this machine": ("-O3", "-march=native"),
}

FUNCTIONS = {"exp": Exp(), "elu": Elu(0.7), "sigmoid": Sigmoid(), "softplus": Softplus(), "tanh": Tanh()}
N_VALUES = 4099  # whole registers of all widths, and a rest


def draw(rng, *shape):
    """Values of both signs, and zeros of both."""
    values = rng.uniform(-1, 1, shape).astype(np.float32)
    values[rng.uniform(size=shape) < 0.1] = -0.0
    return values


def one_operator(op, name, x, constants):
    names = ("x", *constants)
    types = tuple(TensorType(value.shape) for value in (x, *constants.values()))
    graph = Graph(
        name=name,
        inputs={"x": types[0]},
        outputs=("y",),
        nodes=(Node(name, op, names, ("y",)),),
        constants=constants,
    )
    return graph


def convolutions(rng):
    """Geometries around the widths of registers: few and many outputs, edges, strides, groups, three axes."""
    for k in range(60):
        rank = int(rng.integers(1, 4))
        groups = int(rng.choice([1, 1, 2, 5]))
        per_group = int(rng.choice([1, 2, 4, 5, 9]))
        c_group = int(rng.integers(1, 4))
        leading = tuple(int(v) for v in rng.integers(1, 4, rank - 1))
        last = int(rng.choice([1, 2, 3, 7, 16, 17, 31, 33, 64, 70, 131]))
        kernel = (*(int(v) for v in rng.integers(1, 4, rank - 1)), int(rng.choice([1, 2, 5, 16, 40])))
        strides = (*(1,) * (rank - 1), int(rng.choice([1, 1, 1, 2, 3])))
        dilations = (*(1,) * (rank - 1), int(rng.choice([1, 1, 2, 9])))
        reach = dilations[-1] * (kernel[-1] - 1) + 1
        before = int(rng.integers(0, reach + 1))
        after = max(0, reach - last - before) + int(rng.integers(0, 3))
        ends = [(size, size) for size in kernel[:-1]]
        pads = (*(a for a, _ in ends), before, *(b for _, b in ends), after)
        x = draw(rng, int(rng.integers(1, 3)), groups * c_group, *leading, last)
        constants = {"w": draw(rng, groups * per_group, c_group, *kernel)}
        if rng.integers(2):
            constants["b"] = draw(rng, groups * per_group)
        yield f"conv{k}", Conv(strides, dilations, groups, pads), x, constants


def hops(rng):
    """What a stream asks for: a frame of outputs from all of x, cropped ends, mixes of channels."""
    for k, (channels, frames, taps, groups) in enumerate(
        [
            (8, 8, 8, 1),
            (12, 4, 4, 12),
            (6, 9, 8, 1),
            (5, 3, 1, 1),
            (7, 40, 1, 1),
            (4, 16, 1, 1),
            (9, 21, 1, 1),
        ]
    ):
        constants = {"w": draw(rng, channels, channels // groups, taps), "b": draw(rng, channels)}
        yield f"hop{k}", Conv(groups=groups), draw(rng, 1, channels, frames), constants


def dense(rng):
    for k, (rows, n_in, n_out) in enumerate(
        [(1, 16, 64), (1, 32, 17), (3, 5, 3), (2, 9, 16), (1, 7, 131), (1, 1, 33), (2, 4, 1)]
    ):
        constants = {"w": draw(rng, n_in, n_out)}
        if k % 2:
            constants["b"] = draw(rng, n_out)
        yield f"dense{k}", Linear(), draw(rng, 1, rows, n_in), constants


def functions(rng):
    """Over all exponents, and where a polynomial takes over from another."""
    bits = rng.integers(0, 2**32, N_VALUES, dtype=np.uint32).view(np.float32)
    near = rng.uniform(-100, 100, N_VALUES).astype(np.float32)
    edges = np.array(
        [0.0, -0.0, np.inf, -np.inf, np.nan, 88.72283, 88.72284, -87.33655, -87.33656], np.float32
    )
    x = np.concatenate([bits, near, edges, rng.uniform(-1, 1, N_VALUES).astype(np.float32)])
    for name, op in FUNCTIONS.items():
        yield name, op, x, {}


CASES = {
    name: (op, x, constants)
    for make in (convolutions, hops, dense, functions)
    for name, op, x, constants in make(np.random.default_rng(6))
}


@pytest.fixture(scope="module")
def graphs():
    return {name: one_operator(op, name, x, constants) for name, (op, x, constants) in CASES.items()}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_bits_of_every_kernel_are_the_reference_s(width, graphs, tmp_path):
    native = NativeFunctions([emit_function(graph) for graph in graphs.values()], tmp_path, WIDTHS[width])
    for name, graph in graphs.items():
        x = CASES[name][1]
        with np.errstate(all="ignore"):
            truth = reference.run(graph, {"x": x}).tensors["y"]
        found = native.run(name, {"x": x})["y"]
        wrong = (found.view(np.int32) != truth.view(np.int32)) & ~(np.isnan(found) & np.isnan(truth))
        assert not wrong.any(), f"{name}: {found[wrong][:3]} is not {truth[wrong][:3]} ({width})"
