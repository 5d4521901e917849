"""QDQ in: what ONNX Runtime's static quantizer writes becomes the same integers, and the rest is refused."""

from __future__ import annotations

import logging

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from edgeeeg_export import capture, reference
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.lowering import lower
from edgeeeg_export.pipeline import export_model, reload
from edgeeeg_export.quantize.qdq_read import is_qdq, read_qdq

N_CHANS, N_TIMES, BATCHES = 3, 64, 20


class Network(nn.Module):
    """Convolutions, a residual, a rounded function of one tensor within another, a dense layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Conv1d(3, 8, 9, padding="same"), nn.Conv1d(8, 8, 5, padding="same")
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = nn.functional.silu(x + torch.sigmoid(self.second(x)))
        return self.head(x.transpose(1, 2))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(1, N_CHANS, N_TIMES)).astype(np.float32) for _ in range(BATCHES)]


@pytest.fixture(scope="module")
def floats(tmp_path_factory):
    path = tmp_path_factory.mktemp("qdq") / "floats.onnx"
    onnx.save(capture.to_onnx(capture.trace(Network().eval(), N_CHANS, N_TIMES)).model, path)
    return path


def quantized_by_onnxruntime(floats, data, **options):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.left = iter([{"eeg": x} for x in data])

        def get_next(self):
            return next(self.left, None)

    path = floats.with_name(f"{'-'.join(options) or 'int8'}.onnx")
    settings = {
        "quant_format": QuantFormat.QDQ,
        "activation_type": QuantType.QInt8,
        "weight_type": QuantType.QInt8,
        "per_channel": True,
        "extra_options": {"ActivationSymmetric": True, "WeightSymmetric": True},
    }
    logging.disable(logging.WARNING)  # it advises a preprocessing of its own
    quantize_static(str(floats), str(path), Reader(), **(settings | options))
    logging.disable(logging.NOTSET)
    return path


@pytest.fixture(scope="module")
def path(floats, data):
    return quantized_by_onnxruntime(floats, data)


def test_the_integer_program_gives_onnxruntimes_outputs_within_a_step(path, data):
    import onnxruntime

    model = onnx.load(path)
    lowered = lower(model, "net")
    (name,) = lowered.captured.outputs
    kinds = [node.op.kind for node in lowered.captured.nodes]
    assert kinds.count("QuantizedConv") == 2
    assert {"QuantizedLinear", "QuantizedAdd", "Table", "QuantizedRelu"} <= set(kinds)
    assert "Conv" not in kinds
    scale = lowered.quantized.formats[name].scale
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for x in data:
        (theirs,) = session.run(None, {"eeg": x})
        ours = reference.run(lowered.captured, {"eeg": x}).tensors[name]
        off = np.rint((theirs - ours) / scale)
        assert np.abs(off).max() <= 1
        assert np.count_nonzero(off) <= 0.01 * off.size


def test_weights_are_equal_integer_for_integer(path):
    model = onnx.load(path)
    given = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    constants = lower(model, "net").captured.constants
    ours = [value for name, value in constants.items() if name.endswith("weight.int8")]
    theirs = [value for name, value in given.items() if value.dtype == np.int8 and value.ndim >= 2]
    assert len(ours) == len(theirs) == 3
    for value in theirs:
        assert any(np.array_equal(value, own) for own in ours)
    biases = {value.tobytes() for name, value in constants.items() if name.endswith("bias.int32")}
    assert {given[f"{layer}.bias_quantized"].tobytes() for layer in ("first", "second")} <= biases


def test_scales_that_are_powers_of_two_survive(path):
    model = onnx.load(path)
    scales = {tensor.name: tensor for tensor in model.graph.initializer}
    tensor = scales["first.weight_scale"]
    coarse = np.exp2(np.ceil(np.log2(numpy_helper.to_array(tensor)))).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(coarse, tensor.name))
    before = numpy_helper.to_array(scales["first.weight_quantized"])
    lowered = lower(model, "net")
    found = [v for n, v in lowered.captured.constants.items() if n.endswith("weight.int8")]
    assert any(np.array_equal(before, value) for value in found)


def test_a_bundle_is_made_without_calibration_and_made_again(path, tmp_path):
    bundle = export_model(str(path), tmp_path / "bundle", sfreq=128.0, lsb=2.0**-5)
    assert bundle.manifest.quantization is not None
    assert reload(bundle).step.hash == bundle.manifest.model_hash


def test_quantizing_it_again_is_refused(path):
    with pytest.raises(QuantizationError, match="leave out --quantize"):
        lower(onnx.load(path), "net", formats={})


def test_unsigned_activations_are_refused_with_the_remedy(floats, data):
    from onnxruntime.quantization import QuantType

    path = quantized_by_onnxruntime(floats, data, activation_type=QuantType.QUInt8, extra_options={})
    with pytest.raises(QuantizationError, match="symmetric int8"):
        read_qdq(onnx.load(path))


def pairs(scales=(0.1, 0.1), zero=0, dtype="int8", between=None, domain=""):
    """x -> Q -> DQ -> Relu -> y."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s0", "z"], ["q"], domain=domain),
        *([helper.make_node(between, ["q"], ["p"])] if between else []),
        helper.make_node("DequantizeLinear", ["p" if between else "q", "s1", "z"], ["d"], domain=domain),
        helper.make_node("Relu", ["d"], ["y"]),
    ]
    shape = [1, 2, 8]
    values = {"s0": np.float32(scales[0]), "s1": np.float32(scales[1]), "z": np.asarray(zero, dtype=dtype)}
    graph = helper.make_graph(
        nodes,
        "pairs",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in values.items()],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"zero": 3}, "zero point 3"),
        ({"dtype": "uint8"}, "symmetric int8"),
        ({"between": "Abs"}, "reads the integers"),
        ({"scales": (-1.0, -1.0)}, "not above 0"),
    ],
)
def test_what_integers_here_cannot_say_is_refused_in_one_line(wrong, message):
    with pytest.raises(QuantizationError, match=message) as caught:
        read_qdq(pairs(**wrong))
    assert "\n" not in str(caught.value)


def test_an_input_that_is_read_by_floats_is_rounded_for_them_too():
    model = pairs()
    model.graph.node[-1].op_type = "Softmax"  # which has no form in integers
    lowered = lower(model, "net")
    x = np.random.default_rng(1).normal(size=(1, 2, 8)).astype(np.float32)
    rounded = np.rint(x / np.float32(0.1)).astype(np.float32) * np.float32(0.1)
    plain = lower(read_qdq(model).model, "net")
    (name,) = lowered.captured.outputs
    np.testing.assert_array_equal(
        reference.run(lowered.captured, {"x": x}).tensors[name],
        reference.run(plain.captured, {"x": rounded}).tensors[name],
    )


def test_int16_of_microsofts_domain_is_read():
    found = read_qdq(pairs(dtype="int16", domain="com.microsoft"))
    assert found.formats["x"].dtype == "int16"
    assert found.formats["x"].scale == np.float32(0.1)
    assert [node.op_type for node in found.model.graph.node] == ["Relu"]


def test_integers_that_are_read_in_other_steps_are_a_multiple():
    lowered = lower(pairs(scales=(0.1, 0.2)), "net")
    x = np.linspace(-1, 1, 16, dtype=np.float32).reshape(1, 2, 8)
    (name,) = lowered.captured.outputs
    doubled = np.maximum(np.rint(x / np.float32(0.1)), 0) * np.float32(0.2)
    np.testing.assert_allclose(reference.run(lowered.captured, {"x": x}).tensors[name], doubled, rtol=1e-6)


def test_a_model_with_weights_of_integers_alone_is_one_of_floats():
    model = pairs()
    graph = model.graph
    graph.node[0].input[0] = "w"
    graph.initializer.append(numpy_helper.from_array(np.ones((1, 2, 8), dtype=np.float32), "w"))
    assert not is_qdq(model)
    assert is_qdq(pairs())
