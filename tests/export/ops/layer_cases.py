"""Cases of layers with weights and memory: convolutions, pools, products, recurrences, spectra."""

from __future__ import annotations

import numpy as np
from operator_case import N_TIMES, Case, i64, images, node, transposed, weights

from edgeeeg_export.ops import DOMAIN


def conv(c_out, kernel, stride=1, dilation=1, group=1, pad=None, bias=True, n_chans=3):
    needed = dilation * (kernel - 1) + 1 - stride
    pad = max(needed, 0) if pad is None else pad
    parameters = {"w": weights(c_out, n_chans // group, kernel)}
    if bias:
        parameters["b"] = weights(c_out)
    attributes = {"strides": [stride], "dilations": [dilation], "group": group, "pads": [pad, 0]}
    return Case((node("Conv", ["x", *parameters], **attributes),), parameters, n_chans)


def recurrent(op_type, gates, hidden, initial=False, **attributes):
    """A recurrent layer over three channels, with an initial state or without one."""
    parameters = {
        "w": weights(1, gates * hidden, 3),
        "r": weights(1, gates * hidden, hidden),
        "b": weights(1, 2 * gates * hidden),
    }
    inputs = ["frames", *parameters]
    if initial:
        names = ("h0", "c0") if op_type == "LSTM" else ("h0",)
        parameters |= {name: weights(1, 1, hidden) for name in names}
        inputs += ["", *names]
    return Case(
        (
            node("Transpose", ["x"], ["frames"], perm=[2, 0, 1]),
            node(op_type, inputs, hidden_size=hidden, **attributes),
        ),
        parameters,
    )


LAYER_CASES = {
    "BatchNormalization": Case(
        (node("BatchNormalization", ["x", "g", "b", "m", "v"], epsilon=1e-3),),
        {"g": weights(3), "b": weights(3) + 1, "m": weights(3) * 2, "v": weights(3, low=0.2, high=2.0)},
    ),
    "Conv": conv(4, 5),
    "Conv no bias": conv(4, 5, bias=False),
    "Conv stride": conv(4, 5, stride=2),
    "Conv stride over kernel": conv(2, 2, stride=4),
    "Conv padded past its need": conv(2, 6, stride=4, pad=5),
    "Conv dilation": conv(4, 3, dilation=4),
    "Conv groups": conv(6, 3, group=2, n_chans=4),
    "Conv depthwise multiplier": conv(6, 4, group=3),
    "Conv pointwise": conv(2, 1),
    "Conv pointwise stride": conv(2, 1, stride=4),
    "Conv over electrodes and time": images(
        node("Conv", ["image", "w", "b"], pads=[1, 4, 2, 0], dilations=[1, 2]),
        w=weights(2, 1, 4, 3),
        b=weights(2),
    ),
    "Conv over electrodes": images(
        node("Conv", ["image", "w", "b"], ["z"], pads=[0, 4, 0, 0]),
        node("Conv", ["z", "depthwise"], group=2, strides=[1, 2]),
        w=weights(2, 1, 1, 5),
        b=weights(2),
        depthwise=weights(4, 1, 5, 1),
    ),
    "Conv time first": images(
        node("Transpose", ["image"], ["turned"], perm=[0, 1, 3, 2]),
        node("Conv", ["turned", "w"], pads=[3, 1, 0, 1]),
        w=weights(2, 1, 4, 3),
    ),
    "Conv volume": Case(
        (node("Reshape", ["x", "shape"], ["v"]), node("Conv", ["v", "w"], pads=[0, 1, 2, 1, 0, 0])),
        {"shape": i64(1, 1, 2, 3, -1), "w": weights(3, 1, 2, 2, 3)},
        n_chans=6,
    ),
    "MaxPool": Case((node("MaxPool", ["x"], kernel_shape=[4], strides=[4]),), exact=True),
    "MaxPool overlapping": Case((node("MaxPool", ["x"], kernel_shape=[5], pads=[4, 0]),), exact=True),
    "MaxPool of an image": images(
        node("MaxPool", ["image"], kernel_shape=[2, 3], strides=[2, 2], pads=[1, 1, 0, 0], ceil_mode=1),
        exact=True,
    ),
    "AveragePool": Case(
        (node("AveragePool", ["x"], kernel_shape=[4], strides=[2], pads=[2, 0], count_include_pad=1),)
    ),
    "AveragePool of an image": images(
        node("AveragePool", ["image"], kernel_shape=[3, 4], strides=[1, 4], pads=[1, 0, 1, 0])
    ),
    "LSTM": recurrent("LSTM", 4, 2, initial=True),
    "GRU": recurrent("GRU", 3, 2, initial=True),
    "GRU linear before reset": recurrent("GRU", 3, 2, linear_before_reset=1),
    "RNN": recurrent("RNN", 1, 2, initial=True),
    "DFT over electrodes": Case(
        (
            node("Unsqueeze", ["x", "last"], ["real"]),
            node("DFT", ["real", "", "axis"], onesided=1),
        ),
        {"last": i64(3), "axis": np.int64(1)},
        n_chans=8,  # a power of two: the other transforms of ONNX Runtime round more
    ),
    "STFT behind its padding": Case(
        (
            node("Transpose", ["x"], ["signal"], perm=[1, 2, 0]),
            node("Pad", ["signal", "front"], ["padded"]),
            node("STFT", ["padded", "step", "window"]),
        ),
        {"front": i64(0, 12, 0, 0, 0, 0), "step": np.int64(4), "window": weights(16, low=0.1)},
    ),
    "Resize": Case((node("Resize", ["x", "", "", "sizes"], mode="linear"),), {"sizes": i64(1, 7, N_TIMES)}),
    "Resize nearest": Case(
        (node("Resize", ["x", "", "", "sizes"], coordinate_transformation_mode="asymmetric"),),
        {"sizes": i64(1, 7, N_TIMES)},
        exact=True,
    ),
    "TopK": Case((node("TopK", ["x", "k"], ["y", "where"], axis=1),), {"k": i64(3)}, n_chans=5, exact=True),
    "GlobalAveragePool": Case(
        (node("Transpose", ["x"], ["frames"], perm=[2, 0, 1]), node("GlobalAveragePool", ["frames"]))
    ),
    "GlobalMaxPool": Case(
        (node("Transpose", ["x"], ["frames"], perm=[2, 0, 1]), node("GlobalMaxPool", ["frames"])),
        exact=True,
    ),
    "MatMul": Case(transposed(node("MatMul", ["frames", "w"])), {"w": weights(3, 5)}),
    "MatMul and bias": Case(
        transposed(node("MatMul", ["frames", "w"], ["m"]), node("Add", ["b", "m"])),
        {"w": weights(3, 5), "b": weights(5)},
    ),
    "Gemm": Case(
        transposed(
            node("Squeeze", ["frames", "batch"], ["rows"]),
            node("Gemm", ["rows", "w", "b"], alpha=0.5, beta=2.0, transB=1),
        ),
        {"batch": i64(0), "w": weights(4, 3), "b": weights(4)},
    ),
    "Gemm scalar bias": Case(
        transposed(node("Squeeze", ["frames", "batch"], ["rows"]), node("Gemm", ["rows", "w", "b"])),
        {"batch": i64(0), "w": weights(3, 4), "b": weights(1)},
    ),
    "MatMul from the left": Case((node("MatMul", ["w", "x"]),), {"w": weights(5, 3)}),
    "MatMul by itself": Case(
        transposed(
            node("Reshape", ["frames", "rows"], ["a"]),
            node("Reshape", ["frames", "columns"], ["b"]),
            node("MatMul", ["a", "b"]),
        ),
        {"rows": i64(N_TIMES, 2, 3), "columns": i64(N_TIMES, 3, 2)},
        n_chans=6,
    ),
    "Lif": Case(
        transposed(node("Lif", ["frames", "beta", "threshold"], domain=DOMAIN)),
        {"beta": weights(3, low=0.3, high=0.95), "threshold": weights(3, low=0.3, high=1.0)},
    ),
    "SelectiveScan": Case(
        transposed(
            node("MatMul", ["frames", "wd"], ["d"]),
            node("Softplus", ["d"], ["delta"]),
            node("MatMul", ["frames", "wb"], ["B"]),
            node("MatMul", ["frames", "wc"], ["C"]),
            node("SelectiveScan", ["frames", "delta", "A", "B", "C", "D"], domain=DOMAIN),
        ),
        {
            "wd": weights(3, 3),
            "wb": weights(3, 4),
            "wc": weights(3, 4) * 0.5,
            "A": weights(3, 4, low=-2.0, high=-0.1),
            "D": weights(3),
        },
    ),
}
