"""What export tests share: small ONNX models, int16 samples, and their C compiled for this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export import reference
from edgeeeg_export.contract import by_step, stack_outputs
from edgeeeg_export.graph import Graph
from edgeeeg_export.importer import Semantics, import_onnx
from edgeeeg_export.lowering import Lowered, lower
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.passes import simplify
from edgeeeg_export.targets import c
from edgeeeg_export.targets.native import NativeModel
from edgeeeg_export.targets.onnx_run import run_steps

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


@pytest.fixture
def streamed_as_offline(
    counts: Callable[..., np.ndarray], as_input: Callable[[np.ndarray], np.ndarray]
) -> Callable[..., np.ndarray]:
    """Hold a step graph, flushed, to one offline pass in chunks of 1, 3 and 7 steps and the whole.

    It returns the outputs (n_steps, n_outputs) on which they agree to the last bit.
    """

    def check(offline: Graph, step: Graph, n_steps: int, seed: int = 0) -> np.ndarray:
        ((name, type_),) = step.inputs.items()
        x = as_input(counts(n_steps * type_.frames, type_.shape[1], seed))
        truth = stack_outputs(step, reference.run(offline, {name: x}).tensors)
        for chunk in (1, 3, 7, n_steps):
            ours = stack_outputs(step, reference.run_stream(step, {name: x}, chunk))
            assert ours.shape == truth.shape, f"{chunk} steps a call"
            np.testing.assert_array_equal(
                ours.view(np.uint32), truth.view(np.uint32), err_msg=f"{chunk} steps a call"
            )
        return truth

    return check


@pytest.fixture
def same_everywhere(
    streamed_as_offline: Callable[..., np.ndarray],
    counts: Callable[..., np.ndarray],
    as_input: Callable[[np.ndarray], np.ndarray],
    native: Callable[[Graph], NativeModel],
) -> Callable[..., np.ndarray]:
    """The same, and C to the last bit, pushed in uneven pieces, and ONNX Runtime within `atol`."""

    def check(offline: Graph, step: Graph, n_steps: int, seed: int = 0, atol: float = 1e-5) -> np.ndarray:
        truth = streamed_as_offline(offline, step, n_steps, seed)
        ((name, type_),) = step.inputs.items()
        samples = counts(n_steps * type_.frames, type_.shape[1], seed)
        model = native(step)
        pieces = [model.push(piece) for piece in np.split(samples, [1, len(samples) // 3 + 1])]
        remaining = model.flush(step.timing.flush + 1)
        assert len(remaining) <= step.timing.flush
        in_c = np.concatenate([*pieces, remaining])
        assert in_c.shape == truth.shape
        np.testing.assert_array_equal(in_c.view(np.uint32), truth.view(np.uint32))
        in_onnxruntime = stack_outputs(step, run_steps(step, {name: as_input(samples)}))
        assert in_onnxruntime.shape == truth.shape
        np.testing.assert_allclose(in_onnxruntime, truth, rtol=0, atol=atol * max(1.0, np.abs(truth).max()))
        return truth

    return check


@pytest.fixture
def windows_as_alone(
    same_everywhere: Callable[..., np.ndarray],
    counts: Callable[..., np.ndarray],
    as_input: Callable[[np.ndarray], np.ndarray],
) -> Callable[..., Lowered]:
    """Lower a model, and hold every window of a recording to that window alone.

    To the last bit, to the same graph over a recording that is no longer; and but for rounding, as fusions
    may differ, to the graph of the model that knows nothing of time. The step program is then held to the
    windows everywhere.
    """

    def check(
        model: onnx.ModelProto,
        hop: int,
        semantics: Semantics = "continuous",
        n_windows: int = 5,
        atol: float = 1e-5,
    ) -> Lowered:
        lowered = lower(model, "m", hop, semantics)
        assert lowered.window is not None
        alone = simplify(import_onnx(model, "m", streaming=False))
        ((name, type_),) = lowered.captured.inputs.items()
        n_steps = -(-lowered.window // hop) + n_windows - 1
        x = as_input(counts(n_steps * hop, type_.shape[1]))
        together = reference.run(lowered.offline, {name: x}).tensors
        for output in lowered.step.outputs:
            rows = by_step(together[output], lowered.step.tensors[output].time_axis, 1)
            assert len(rows) == n_windows
            for k, row in enumerate(rows):
                window = np.ascontiguousarray(x[:, :, k * hop : k * hop + lowered.window])
                where = f"window {k} of '{output}'"
                exact = reference.run(lowered.captured, {name: window}).tensors[output].ravel()
                np.testing.assert_array_equal(row.view(np.uint32), exact.view(np.uint32), err_msg=where)
                expected = reference.run(alone, {name: window}).tensors[output].ravel()
                np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-6, err_msg=where)
        same_everywhere(lowered.offline, lowered.step, n_steps, atol=atol)
        return lowered

    return check
