"""What export tests share: small ONNX models, int16 samples, and their C compiled for this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export.capture import register_schemas
from edgeeeg_export.graph import Graph
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.targets import c
from edgeeeg_export.targets.native import NativeModel

LSB = 2.0**-9
"""Counts of a few hundred are values around one."""


@pytest.fixture
def onnx_model() -> Callable[..., onnx.ModelProto]:
    """Build a model from nodes: input `x`, by default (1, 3, 32), output `y`, weights by name."""

    def build(
        nodes: Sequence[onnx.NodeProto],
        weights: Mapping[str, object] | None = None,
        shape: Sequence[int | str] = (1, 3, 32),
        outputs: Sequence[str] = ("y",),
        output_shape: Sequence[int | str] | None = None,
        opset: int = 20,
    ) -> onnx.ModelProto:
        register_schemas()
        initializers = [
            numpy_helper.from_array(np.asarray(value), name) for name, value in (weights or {}).items()
        ]
        graph = helper.make_graph(
            list(nodes),
            "test",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, output_shape) for name in outputs],
            initializers,
        )
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(DOMAIN, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    return build


@pytest.fixture
def counts() -> Callable[..., np.ndarray]:
    """Seeded int16 samples (n_times, n_chans) whose values are around one."""

    def draw(n_times: int, n_chans: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).integers(-1200, 1200, (n_times, n_chans)).astype(np.int16)

    return draw


@pytest.fixture
def as_input() -> Callable[[np.ndarray], np.ndarray]:
    """What counts stand for: float32 (1, n_chans, n_times)."""
    return lambda counts: np.ascontiguousarray(counts.T[None].astype(np.float32) * np.float32(LSB))


@pytest.fixture
def native(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Graph], NativeModel]:
    """Compile a streaming graph for this machine."""

    def build(graph: Graph) -> NativeModel:
        program = c.emit(graph, LSB)
        folder: Path = tmp_path_factory.mktemp("c")
        program.write(folder)
        return NativeModel(folder, folder / "build", program.n_outputs, program.hop, program.saved_bytes)

    return build
