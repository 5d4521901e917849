"""The closed operator set. `FROM_ONNX` is its index: what an ONNX node becomes, and in which file."""

from __future__ import annotations

from collections.abc import Callable

from edgeeeg_export.ops import batch_norm
from edgeeeg_export.ops.abs import Abs
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.exp import Exp
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.neg import Neg
from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.rnn import Rnn
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.sigmoid import Sigmoid
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.ops.transpose import Transpose

DOMAIN = "edgeeeg"

FROM_ONNX: dict[tuple[str, str], Callable[[OnnxNode], Lowered]] = {
    ("", "Abs"): Abs.from_onnx,
    ("", "Add"): Add.from_onnx,
    ("", "AveragePool"): AveragePool.from_onnx,
    ("", "BatchNormalization"): batch_norm.from_onnx,
    ("", "Conv"): Conv.from_onnx,
    ("", "Div"): Div.from_onnx,
    ("", "Dropout"): Reshape.from_identity,
    ("", "Exp"): Exp.from_onnx,
    ("", "GRU"): Gru.from_onnx,
    ("", "Gemm"): Linear.from_gemm,
    ("", "Identity"): Reshape.from_identity,
    ("", "LSTM"): Lstm.from_onnx,
    ("", "MatMul"): Linear.from_matmul,
    ("", "MaxPool"): MaxPool.from_onnx,
    ("", "Mul"): Mul.from_onnx,
    ("", "Neg"): Neg.from_onnx,
    ("", "RNN"): Rnn.from_onnx,
    ("", "Relu"): Relu.from_onnx,
    ("", "Reshape"): Reshape.from_onnx,
    ("", "Sigmoid"): Sigmoid.from_onnx,
    ("", "Slice"): Slice.from_onnx,
    ("", "Softplus"): Softplus.from_onnx,
    ("", "Split"): Slice.from_split,
    ("", "Squeeze"): Reshape.from_squeeze,
    ("", "Sub"): Sub.from_onnx,
    ("", "Tanh"): Tanh.from_onnx,
    ("", "Transpose"): Transpose.from_onnx,
    ("", "Unsqueeze"): Reshape.from_unsqueeze,
    (DOMAIN, "Lif"): Lif.from_onnx,
    (DOMAIN, "SelectiveScan"): SelectiveScan.from_onnx,
}

NEAREST_REWRITE = {
    "Clip": "use ReLU or Tanh",
    "Concat": "use a Linear or Conv1d per branch and add them",
    "ConvTranspose": "use Resize and a Conv behind it",
    "Elu": "use ReLU, SiLU or Tanh",
    "Expand": "drop it: every operator of the set broadcasts",
    "Gelu": "use SiLU",
    "GlobalAveragePool": "it needs the whole window; use a leaky average: edgeeeg.layers.Lif or MambaBlock",
    "LpPool": "use AveragePool of the squares and Sqrt",
    "LayerNormalization": "use BatchNorm1d, which folds away",
    "LeakyRelu": "use ReLU",
    "LogSoftmax": "use Sigmoid per output",
    "Pad": "put the padding into the Conv1d behind it: edgeeeg.layers.CausalConv1d",
    "Pow": "multiply the tensor by itself",
    "PRelu": "use ReLU",
    "ReduceMax": "over time it needs the whole window; use a recurrent layer",
    "ReduceMean": "over time it needs the whole window; use a recurrent layer; over features, a Linear",
    "ReduceSum": "over time it needs the whole window; use a recurrent layer; over features, a Linear",
    "Shape": "export the model with fixed sizes",
    "Softmax": "use Sigmoid per output",
}
"""What to use instead of an operator outside the set, by ONNX name."""
