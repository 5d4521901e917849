"""EEGNet as Keras exports it: ONNX with (N, C, T, 1) inputs and a transposition on each side of every layer.

Lawhern et al. 2018, EEGNet-8,2, in the manner of tf2onnx without its optimisers; weights are random.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

N_CHANS, N_TIMES, SFREQ = 22, 256, 256.0
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


def keras_eegnet(n_outputs: int = 4, seed: int = 0) -> onnx.ModelProto:
    """The model, with a batch that is left open."""
    rng = np.random.default_rng(seed)
    weights: list[TensorProto] = []
    nodes: list[onnx.NodeProto] = []
    last = "eeg"

    def constant(name: str, value: NDArray[np.generic]) -> str:
        weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(kind: str, name: str, *constants: str, **attributes: Any) -> None:
        nonlocal last
        nodes.append(helper.make_node(kind, [last, *constants], [name], name=name, **attributes))
        last = name

    def conv(name: str, shape: tuple[int, ...], pads: tuple[int, ...], group: int = 1) -> None:
        scale = 1.0 / np.sqrt(np.prod(shape[1:]))
        kernel = constant(f"{name}/kernel", (scale * rng.standard_normal(shape)).astype(np.float32))
        add("Transpose", f"{name}/nchw", perm=TO_NCHW)
        add("Conv", f"{name}/conv", kernel, kernel_shape=shape[2:], pads=pads, group=group)
        add("Transpose", f"{name}/nhwc", perm=TO_NHWC)

    def norm(name: str, n: int) -> None:
        statistics = {"scale": (0.5, 1.5), "bias": (-0.1, 0.1), "mean": (-0.1, 0.1), "variance": (0.5, 1.5)}
        stored = [
            constant(f"{name}/{kind}", rng.uniform(low, high, n).astype(np.float32))
            for kind, (low, high) in statistics.items()
        ]
        add("Transpose", f"{name}/nchw", perm=TO_NCHW)
        add("BatchNormalization", f"{name}/norm", *stored, epsilon=1e-3)
        add("Transpose", f"{name}/nhwc", perm=TO_NHWC)

    def pool(name: str, width: int) -> None:
        add("Transpose", f"{name}/nchw", perm=TO_NCHW)
        add("AveragePool", f"{name}/pool", kernel_shape=(1, width), strides=(1, width))
        add("Transpose", f"{name}/nhwc", perm=TO_NHWC)

    conv("temporal", (8, 1, 1, 64), (0, 31, 0, 32))
    norm("norm_1", 8)
    conv("spatial", (16, 1, N_CHANS, 1), (0, 0, 0, 0), group=8)
    norm("norm_2", 16)
    add("Elu", "elu_1")
    pool("pool_1", 4)
    conv("depthwise", (16, 1, 1, 16), (0, 7, 0, 8), group=16)
    conv("pointwise", (16, 16, 1, 1), (0, 0, 0, 0))
    norm("norm_3", 16)
    add("Elu", "elu_2")
    pool("pool_2", 8)
    n_features = 16 * (N_TIMES // 32)
    add("Reshape", "flatten", constant("flatten/shape", np.array([-1, n_features], dtype=np.int64)))
    dense = rng.standard_normal((n_features, n_outputs)) / np.sqrt(n_features)
    add("MatMul", "dense", constant("dense/kernel", dense.astype(np.float32)))
    add("Softmax", "probability", axis=1)
    graph = helper.make_graph(
        nodes,
        "keras_eegnet",
        [helper.make_tensor_value_info("eeg", TensorProto.FLOAT, ["N", N_CHANS, N_TIMES, 1])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["N", n_outputs])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model
