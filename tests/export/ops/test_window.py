"""Windows of convolutions and pools: ONNX Runtime's numbers, C to the last bit, and what streams."""

from __future__ import annotations

import itertools

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export import reference
from edgeeeg_export.errors import NotCausal, UnsupportedOperator
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.max_pool import LOWEST, MaxPool
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.c_function import emit_function
from edgeeeg_export.targets.native_function import NativeFunctions
from edgeeeg_export.tensor import TensorType

N_TIMES = 24


def draw(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def model(op_type, shape, weights=(), outputs=("y",), **attributes):
    """One operator on a tensor of any shape."""
    values = {f"w{k}": value for k, value in enumerate(weights)}
    graph = helper.make_graph(
        [helper.make_node(op_type, ["x", *values], list(outputs), **attributes)],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def pools(rng):
    """A hundred pools of one to three axes that ONNX Runtime accepts."""
    for k in range(100):
        rank = int(rng.integers(1, 4))
        kernel = rng.integers(1, 4, rank)
        attributes = {
            "kernel_shape": kernel.tolist(),
            # a stride over the kernel makes ONNX Runtime work out negative padding
            "strides": np.minimum(rng.integers(1, 4, rank), kernel).tolist(),
            "ceil_mode": int(rng.integers(2)),
        }
        if k % 3:
            attributes["pads"] = [int(rng.integers(0, extent)) for extent in (*kernel, *kernel)]
        elif not attributes["ceil_mode"]:
            attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        if k % 2:
            attributes["count_include_pad"] = int(rng.integers(2))
        yield (
            ("AveragePool" if k % 2 else "MaxPool"),
            (2, 3, *rng.integers(4, 8, rank).tolist()),
            (),
            attributes,
        )


def convolutions(rng):
    """Sixty convolutions of one to three axes, with groups and dilations."""
    for k in range(60):
        rank = int(rng.integers(1, 4))
        groups, kernel = int(rng.integers(1, 3)), rng.integers(1, 4, rank).tolist()
        attributes = {
            "strides": rng.integers(1, 3, rank).tolist(),
            "dilations": rng.integers(1, 3, rank).tolist(),
            "group": groups,
        }
        if k % 2:
            attributes["pads"] = rng.integers(0, 3, 2 * rank).tolist()
        else:
            attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
            attributes["dilations"] = [1] * rank
        weights = (draw(2 * groups, 2, *kernel, seed=k), draw(2 * groups, seed=k))
        yield "Conv", (2, 2 * groups, *rng.integers(6, 9, rank).tolist()), weights, attributes


@pytest.mark.parametrize("family", [pools, convolutions])
def test_random_windows_are_onnx_runtimes_and_the_same_in_c(family, tmp_path):
    graphs, inputs = [], []
    for op_type, shape, weights, attributes in family(np.random.default_rng(11)):
        proto = model(op_type, shape, weights, **attributes)
        graph = import_onnx(proto, f"window_{len(graphs)}", streaming=False)
        x = draw(*shape, seed=len(graphs))
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        (expected,) = session.run(["y"], {"x": x})
        ours = reference.run(graph, {"x": x}).tensors["y"]
        assert ours.shape == expected.shape, (op_type, shape, attributes)
        np.testing.assert_allclose(
            ours, expected, rtol=2e-6, atol=2e-6, err_msg=f"{op_type} {shape} {attributes}"
        )
        graphs.append(graph)
        inputs.append({"x": x})
    functions = NativeFunctions([emit_function(graph) for graph in graphs], tmp_path)
    for graph, feeds in zip(graphs, inputs, strict=True):
        ours = reference.run(graph, feeds).tensors["y"]
        in_c = functions.run(graph.name, feeds)["y"]
        np.testing.assert_array_equal(in_c.view(np.uint32), ours.view(np.uint32))


def windowed(op, *weights):
    """A window that slides over four electrodes and time."""
    constants = {f"w{k}": value for k, value in enumerate(weights)}
    type_ = TensorType((1, 1, 4, N_TIMES), 3, 1)
    node = Node("layer", op, ("x", *constants), ("y",), path="front.layer")
    return Graph("g", {"x": type_}, ("y",), (node,), constants)


def layers():
    """Every operator with a window, at every kernel, stride, padding and rounding of the time axis."""
    for kernel, stride, dilation, left, right, ceil in itertools.product(
        (1, 2, 3, 5), (1, 2, 3), (1, 2), range(6), (0, 1), (False, True)
    ):
        sizes = ((2, kernel), (2, stride), (1, dilation), (0, left, 1, right))
        reach = dilation * (kernel - 1) + 1
        if left >= reach or right >= reach:
            continue
        yield windowed(MaxPool(*sizes, ceil))
        yield windowed(AveragePool(*sizes, ceil, True))
        if not ceil:
            yield windowed(Conv(sizes[1], sizes[2], 1, sizes[3]), draw(2, 1, 2, kernel), draw(2))


def test_every_window_streams_to_the_offline_result_but_where_ceil_mode_adds_a_frame():
    """What a last frame of ceil_mode lacks is at the end of a recording, and a stream has none."""
    streamed = late = refused = 0
    reasons: set[str] = set()
    x = draw(1, 1, 4, N_TIMES)
    for graph in layers():
        (node,) = graph.nodes
        try:
            step = stream(graph)
        except NotCausal as error:
            refused += 1
            reasons.add(str(error))
            assert node.op.window.ceil_mode
            continue
        streamed += 1
        late += step.timing.delay > 0
        offline = reference.run(graph, {"x": x}).tensors["y"]
        for chunk in (1, 5):
            whole = reference.run_stream(step, {"x": x}, chunk)["y"]
            np.testing.assert_array_equal(
                whole.view(np.uint32), offline.view(np.uint32), err_msg=str(graph.nodes)
            )
    assert len(reasons) == 2  # one of each pool
    assert all("ceil_mode adds a frame at the end of a recording" in reason for reason in reasons)
    assert streamed > 400
    assert late > 100
    assert refused > 40


def test_a_start_that_divides_by_fewer_frames_does_not_stream():
    with pytest.raises(NotCausal, match="set count_include_pad"):
        stream(windowed(AveragePool((1, 3), (1, 1), (1, 1), (0, 2, 0, 0))))


def test_the_cache_of_a_maximum_starts_below_every_sample():
    step = stream(windowed(MaxPool((1, 3), (1, 1), (1, 1), (0, 2, 0, 0))))
    (state,) = step.all_states()
    assert (state.shape, state.initial) == ((1, 1, 4, 2), LOWEST["float32"])


def test_time_may_be_the_batch_but_not_the_channels():
    pool = MaxPool((2,), (2,), (1,), (0, 0))
    frames = TensorType((N_TIMES, 3, 8), 0, 1)
    assert pool.infer((frames,)) == (TensorType((N_TIMES, 3, 4), 0, 1),)
    assert pool.obstacle((frames,)) is None
    with pytest.raises(Exception, match="sums over the time axis"):
        Conv().infer((TensorType((1, N_TIMES, 8), 1, 1), TensorType((2, N_TIMES, 1))))


def test_indices_of_maxima_are_refused():
    proto = model("MaxPool", (1, 3, 8), outputs=("y", "where"), kernel_shape=[2])
    import_onnx(proto, "unread", streaming=False)
    proto.graph.output.append(helper.make_tensor_value_info("where", TensorProto.INT64, None))
    with pytest.raises(UnsupportedOperator, match="indices"):
        import_onnx(proto, "read", streaming=False)
