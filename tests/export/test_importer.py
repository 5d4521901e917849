"""ONNX in: what is folded, and how everything outside the set is refused."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeeeg_export import reference
from edgeeeg_export.errors import CaptureError, GraphError, UnsupportedOperator
from edgeeeg_export.importer import import_onnx
from edgeeeg_export.ops import DOMAIN, FROM_ONNX, NEAREST_REWRITE
from edgeeeg_export.passes.stream import stream


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
        [node("ConvTranspose", ["x", "w"], name="/decoder/up/ConvTranspose")], {"w": ones(3, 1, 2)}
    )
    message = refusal(UnsupportedOperator, model)
    assert "'decoder.up.ConvTranspose' (ConvTranspose)" in message
    assert "use Resize" in message


def test_an_operator_without_a_known_remedy_points_to_the_table(onnx_model):
    assert "docs/operators.md" in refusal(UnsupportedOperator, onnx_model([node("Det", ["x"])]))


def test_no_operator_is_both_supported_and_refused():
    assert not {name for _, name in FROM_ONNX} & set(NEAREST_REWRITE)


def test_the_layer_is_named_by_torchs_scopes(onnx_model):
    unsupported = node("Sinh", ["x"])
    unsupported.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'head.act', 'sinh']")
    assert "'head.act' (Sinh)" in refusal(UnsupportedOperator, onnx_model([unsupported]))


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
        (node("Cast", ["x"], to=7), {}, "casts to int64"),
        (node("Dropout", ["x", "r", "t"]), {"r": ones(), "t": np.array(True)}, "training mode"),
        (node("Pad", ["x", "p"], mode="mirror"), {"p": i64(0, 0, 0, 0, 1, 0)}, "mode 'mirror'"),
        (
            node("BatchNormalization", ["x", *"gbmv"], training_mode=1),
            dict.fromkeys("gbmv", ones(3)),
            "training",
        ),
        (node("Lif", ["x", "b", "b"], domain=DOMAIN, reset="soft"), {"b": ones(32)}, "use one of subtract"),
        (node("Lif", ["x", "b", "b"], domain=DOMAIN, fires="up"), {"b": ones(32)}, "use one of above, at"),
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
        (node("MatMul", ["x", "x"]), {}, "do not multiply"),
        (node("Gather", ["x", "i"], axis=1), {"i": i64(3)}, "outside axis 1"),
        (node("Pad", ["x", "p"], mode="reflect"), {"p": i64(0, 3, 0, 0, 0, 0)}, "past its other end"),
        (node("Slice", ["x", "f", "t", "a"]), {"f": i64(3), "t": i64(9), "a": i64(1)}, "or empty"),
        (node("Add", ["x", "w"]), {"w": ones(4, 1)}, "do not broadcast"),
        (node("Lif", ["x", "b", "b"], domain=DOMAIN), {"b": ones(3)}, "(1, time, neurons)"),
    ],
)
def test_shapes_that_do_not_fit_name_the_layer(onnx_model, bad, weights, fragment):
    message = refusal(GraphError, onnx_model([bad], weights))
    assert fragment in message
    assert message.startswith("layer 'y'")


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


def test_shapes_of_run_time_tensors_are_constants(onnx_model):
    nodes = [
        node("Shape", ["x"], ["shape"], start=1),
        node("ConstantOfShape", ["shape"], ["zeros"]),
        node("CastLike", ["seven", "x"], ["seven_like_x"]),
        node("Add", ["zeros", "seven_like_x"], ["sevens"]),
        node("Mul", ["x", "sevens"]),
    ]
    graph = import_onnx(onnx_model(nodes, {"seven": np.int64(7)}), "m", streaming=False)
    assert [n.op.kind for n in graph.nodes] == ["Mul"]
    np.testing.assert_array_equal(graph.constants["sevens"], 7 * ones(3, 32))


@pytest.mark.parametrize("condition", [True, False])
def test_a_branch_whose_condition_is_known_is_taken(onnx_model, condition):
    def branch(op_type):
        inner = [node(op_type, ["x"], ["t"]), node("Mul", ["t", "two"], ["b"])]
        two = numpy_helper.from_array(np.float32(2), "two")
        value = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
        return helper.make_graph(inner, op_type, [], [value], [two])

    chosen = node("If", ["c"], ["i"], then_branch=branch("Neg"), else_branch=branch("Abs"))
    graph = import_onnx(onnx_model([chosen, node("Relu", ["i"])], {"c": np.array(condition)}), "m")
    x = -ones(1, 3, 32)
    np.testing.assert_array_equal(reference.run(graph, {"x": x}).tensors["y"], 2 * ones(1, 3, 32))
    assert ("Neg" in [n.op.kind for n in graph.nodes]) == condition


def test_arithmetic_on_places_is_refused(onnx_model):
    places = node("ArgMax", ["x"], ["place"], axis=1)
    moved = node("Unsqueeze", ["place", "axis"], ["wide"])
    halved = onnx_model([places, moved, node("Div", ["wide", "wide"])], {"axis": i64(0)})
    assert "'wide' is an integer at run time" in refusal(UnsupportedOperator, halved)


@pytest.mark.parametrize("opset", [12, 40])
def test_opsets_of_other_meaning_are_refused(onnx_model, opset):
    assert f"opset {opset}" in refusal(CaptureError, onnx_model([node("Relu", ["x"])], opset=opset))


def test_truth_values_are_no_samples(onnx_model):
    model = onnx_model([node("Not", ["x"])])
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.BOOL
    assert "truth values, not samples" in refusal(CaptureError, model)
    assert import_onnx(model, "m", streaming=False).inputs["x"].time_axis is None
