"""Cases of operators over the features of a frame, or sums over time: reductions, softmax, normalizations."""

from __future__ import annotations

import onnx
from operator_case import N_TIMES, Case, i64, node, transposed, weights


def reduction(op_type, exact=False, **attributes):
    """Over the features of each frame."""
    return Case(
        transposed(node("Abs", ["frames"], ["a"]), node(op_type, ["a", "axes"], **attributes)),
        {"axes": i64(-1)},
        n_chans=7,
        exact=exact,
    )


REDUCTION_CASES = {
    **{
        op_type: reduction(op_type)
        for op_type in (
            *("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean", "ReduceProd"),
            *("ReduceSum", "ReduceSumSquare"),
        )
    },
    "ReduceMax": reduction("ReduceMax", exact=True, keepdims=0),
    "ReduceMin": reduction("ReduceMin", exact=True),
    "ReduceMean of two axes": Case(
        (node("Reshape", ["x", "shape"], ["r"]), node("ReduceMean", ["r", "axes"], keepdims=0)),
        {"shape": i64(2, 3, N_TIMES), "axes": i64(0, 1)},
        n_chans=6,
    ),
    "ArgMax": Case(
        (
            node("Round", ["x"], ["r"]),
            node("ArgMax", ["r"], ["place"], axis=1, select_last_index=1),
            node("Cast", ["place"], to=onnx.TensorProto.FLOAT),
        ),
        n_chans=6,
        exact=True,
    ),
    "ArgMin": Case(
        (
            node("Round", ["x"], ["r"]),
            node("ArgMin", ["r"], ["place"], axis=1, keepdims=0),
            node("Cast", ["place"], to=onnx.TensorProto.FLOAT),
        ),
        n_chans=6,
        exact=True,
    ),
    "CumSum over time": Case((node("CumSum", ["x", "axis"]),), {"axis": i64(2)[0]}),
    "CumSum over time, exclusive": Case((node("CumSum", ["x", "axis"], exclusive=1),), {"axis": i64(2)[0]}),
    "CumSum reverse": Case((node("CumSum", ["x", "axis"], reverse=1),), {"axis": i64(1)[0]}),
    "Softmax": Case((node("Softmax", ["x"], axis=1),), n_chans=5),
    "LogSoftmax": Case(transposed(node("LogSoftmax", ["frames"], axis=-1)), n_chans=5),
    "LayerNormalization": Case(
        transposed(node("LayerNormalization", ["frames", "g", "b"], axis=-1, epsilon=1e-3)),
        {"g": weights(8), "b": weights(8)},
        n_chans=8,
    ),
    "LayerNormalization without bias": Case(
        transposed(node("LayerNormalization", ["frames", "g"], axis=-1)), {"g": weights(8)}, n_chans=8
    ),
}
