"""ONNX in: what is folded, and how everything outside the set is refused."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgeeeg_export import reference
from edgeeeg_export.errors import CaptureError, GraphError, UnsupportedOperator
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops import DOMAIN, FROM_ONNX, NEAREST_REWRITE


def node(op_type, inputs, outputs=("y",), domain="", name="", **attributes):
    return helper.make_node(op_type, list(inputs), list(outputs), domain=domain, name=name, **attributes)


def ones(*shape):
    return np.ones(shape, dtype=np.float32)


def i64(*values):
    return np.array(values, dtype=np.int64)


def refusal(error_type, model):
    with pytest.raises(error_type) as caught:
        import_onnx(model, "m")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_an_operator_outside_the_set_names_the_layer_and_the_remedy(onnx_model):
    model = onnx_model(
        [node("LSTM", ["x", "w", "r"], name="/encoder/lstm/LSTM")], {"w": ones(1), "r": ones(1)}
    )
    message = refusal(UnsupportedOperator, model)
    assert "'encoder.lstm.LSTM' (LSTM)" in message
    assert "MambaBlock" in message


def test_an_operator_without_a_known_remedy_points_to_the_table(onnx_model):
    assert "docs/operators.md" in refusal(UnsupportedOperator, onnx_model([node("Erf", ["x"])]))


def test_no_operator_is_both_supported_and_refused():
    assert not {name for _, name in FROM_ONNX} & set(NEAREST_REWRITE)


def test_the_layer_is_named_by_torchs_scopes(onnx_model):
    unsupported = node("Gelu", ["x"])
    unsupported.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'head.act', 'gelu']")
    assert "'head.act' (Gelu)" in refusal(UnsupportedOperator, onnx_model([unsupported]))


@pytest.mark.parametrize(
    ("shape", "fragment"),
    [
        ((1, 3), "2 axes; expected (batch, channels, time)"),
        ((1, 1, 3, 32), "4 axes"),
        ((1, 3, "time"), "unknown sizes [1, 3, None]"),
        ((2, 3, 32), "batch 2"),
    ],
)
def test_inputs_of_another_form(onnx_model, shape, fragment):
    assert fragment in refusal(CaptureError, onnx_model([node("Relu", ["x"])], shape=shape))


def test_a_symbolic_batch_is_one(onnx_model):
    graph = import_onnx(onnx_model([node("Relu", ["x"])], shape=("batch", 3, 32)), "m")
    assert graph.inputs["x"].shape == (1, 3, 32)


def test_a_float64_input(onnx_model):
    model = onnx_model([node("Relu", ["x"])])
    model.graph.input[0].type.tensor_type.elem_type = 11
    assert "not float32" in refusal(CaptureError, model)


@pytest.mark.parametrize(
    ("bad", "weights", "fragment"),
    [
        (node("Conv", ["x", "x"]), {}, "must be constant"),
        (node("Conv", ["x", "w"]), {"w": ones(2, 3, 3, 3)}, "not (batch, channels, 1 to 3 axes)"),
        (node("MatMul", ["x", "x"]), {}, "must be constant"),
        (node("MatMul", ["x", "w"]), {"w": ones(32)}, "constant matrix"),
        (node("Gemm", ["x", "w"], transA=1), {"w": ones(3, 4)}, "not transposed"),
        (node("Reshape", ["x", "s"]), {"s": i64(1, 96)}, "mixes time with another axis"),
        (node("Reshape", ["x", "s"]), {"s": i64(1, 32, 3)}, "mixes time with another axis"),
        (node("Slice", ["x", "f", "t", "a", "s"]), {k: i64(2) for k in "ftas"}, "step of 1"),
        (
            node("BatchNormalization", ["x", *"gbmv"], training_mode=1),
            dict.fromkeys("gbmv", ones(3)),
            "training",
        ),
        (node("Lif", ["x", "b", "b"], domain=DOMAIN, reset="zero"), {"b": ones(32)}, "reset='subtract'"),
    ],
)
def test_uses_of_an_operator_outside_the_set(onnx_model, bad, weights, fragment):
    message = refusal(UnsupportedOperator, onnx_model([bad], weights))
    assert fragment in message
    assert f"({bad.op_type})" in message


@pytest.mark.parametrize(
    ("bad", "weights", "fragment"),
    [
        (node("Conv", ["x", "w"]), {"w": ones(2, 2, 3)}, "does not match a weight"),
        (node("Conv", ["x", "w"]), {"w": ones(2, 3, 33)}, "fewer than the 33"),
        (node("MatMul", ["x", "w"]), {"w": ones(32, 4)}, "dense over the time axis"),
        (node("Add", ["x", "w"]), {"w": ones(4, 1)}, "do not broadcast"),
        (node("Add", ["x", "w"]), {"w": ones(32)}, "differs from frame to frame"),
        (node("Slice", ["x", "f", "t", "a"]), {"f": i64(1), "t": i64(9), "a": i64(2)}, "cuts the time axis"),
        (node("Lif", ["x", "b", "b"], domain=DOMAIN), {"b": ones(3)}, "(1, time, neurons)"),
    ],
)
def test_shapes_that_do_not_fit_name_the_layer(onnx_model, bad, weights, fragment):
    message = refusal(GraphError, onnx_model([bad], weights))
    assert fragment in message
    assert message.startswith("layer 'y'")


def test_branches_at_different_frame_rates(onnx_model):
    strided = node("Conv", ["x", "w"], ["s"], strides=[32])
    message = refusal(GraphError, onnx_model([strided, node("Add", ["s", "x"])], {"w": ones(3, 3, 1)}))
    assert "different time axes or frame rates" in message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(onnx_model, value):
    model = onnx_model([node("Mul", ["x", "gain"])], {"gain": np.float32(value)})
    assert "'gain' () holds NaN or infinity" in refusal(CaptureError, model)


def test_constants_are_folded_and_unused_ones_dropped(onnx_model):
    nodes = [
        node("Constant", [], ["two"], value_float=2.0),
        node("Exp", ["log_gain"], ["gain"]),
        node("Mul", ["gain", "two"], ["g"]),
        node("Mul", ["x", "g"]),
    ]
    graph = import_onnx(onnx_model(nodes, {"log_gain": ones(3, 1) * 0, "unused": ones(9)}), "m")
    assert [n.op.kind for n in graph.nodes] == ["Mul"]
    assert set(graph.constants) == {"g"}
    np.testing.assert_array_equal(graph.constants["g"], 2 * ones(3, 1))


def test_dropout_and_identity_cost_no_code(onnx_model, native):
    from edgeeeg_export.passes.plan import plan
    from edgeeeg_export.passes.stream import stream

    model = onnx_model([node("Dropout", ["x"], ["d"]), node("Identity", ["d"], ["i"]), node("Abs", ["i"])])
    step = stream(import_onnx(model, "m"))
    assert len(plan(step).views) == 2


def test_nodes_get_distinct_names_from_paths_without_letters_too(onnx_model):
    nodes = [node("Relu", ["x"], ["a"], name="0"), node("Relu", ["a"], name="0")]
    graph = import_onnx(onnx_model(nodes), "m")
    assert len({n.name for n in graph.nodes}) == 2
    assert {n.path for n in graph.nodes} == {"0"}


def test_batch_norm_keeps_small_variances_exact(onnx_model):
    given = {"g": ones(3), "b": ones(3), "m": 100 * ones(3), "v": 1e-8 * ones(3)}
    graph = import_onnx(onnx_model([node("BatchNormalization", ["x", *"gbmv"], epsilon=1e-8)], given), "m")
    x = np.full((1, 3, 32), 100.0, dtype=np.float32)
    np.testing.assert_allclose(reference.run(graph, {"x": x}).tensors["y"], 1.0, atol=1e-1)
    assert [n.op.kind for n in graph.nodes] == ["Mul", "Add"]
