"""The closed operator set. `FROM_ONNX` is its index: what an ONNX node becomes, and in which file."""

from __future__ import annotations

from collections.abc import Callable

from edgeeeg_export.ops import (
    batch_norm,
    cast,
    depth_to_space,
    gemm,
    global_pool,
    group_norm,
    hard_swish,
    instance_norm,
    layer_norm,
    mean,
    stft,
    swish,
)
from edgeeeg_export.ops.abs import Abs
from edgeeeg_export.ops.adaptive_lif import AdaptiveLif
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.arg_max import ArgMax, ArgMin
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.biquad import Biquad
from edgeeeg_export.ops.ceil import Ceil
from edgeeeg_export.ops.celu import Celu
from edgeeeg_export.ops.clip import Clip
from edgeeeg_export.ops.comparison import Equal, Greater, GreaterOrEqual, Less, LessOrEqual
from edgeeeg_export.ops.concat import Concat
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.cumsum import CumSum
from edgeeeg_export.ops.dft import Dft
from edgeeeg_export.ops.div import Div
from edgeeeg_export.ops.elu import Elu
from edgeeeg_export.ops.erf import Erf
from edgeeeg_export.ops.exp import Exp
from edgeeeg_export.ops.expand import Expand
from edgeeeg_export.ops.exponential_moving_average import ExponentialMovingAverage
from edgeeeg_export.ops.floor import Floor
from edgeeeg_export.ops.gather import Gather
from edgeeeg_export.ops.gelu import Gelu
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.hard_sigmoid import HardSigmoid
from edgeeeg_export.ops.interleave import Interleave
from edgeeeg_export.ops.leaky_relu import LeakyRelu
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.linear_attention import LinearAttention
from edgeeeg_export.ops.log import Log
from edgeeeg_export.ops.logical import And, Not, Or, Xor
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.max import Max
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.min import Min
from edgeeeg_export.ops.mish import Mish
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.neg import Neg
from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.pad import Pad
from edgeeeg_export.ops.pow import Pow
from edgeeeg_export.ops.prelu import PRelu
from edgeeeg_export.ops.reciprocal import Reciprocal
from edgeeeg_export.ops.recurrent_lif import RecurrentLif
from edgeeeg_export.ops.reduce_l1 import ReduceL1
from edgeeeg_export.ops.reduce_l2 import ReduceL2
from edgeeeg_export.ops.reduce_log_sum import ReduceLogSum
from edgeeeg_export.ops.reduce_log_sum_exp import ReduceLogSumExp
from edgeeeg_export.ops.reduce_max import ReduceMax
from edgeeeg_export.ops.reduce_mean import ReduceMean
from edgeeeg_export.ops.reduce_min import ReduceMin
from edgeeeg_export.ops.reduce_prod import ReduceProd
from edgeeeg_export.ops.reduce_sum import ReduceSum
from edgeeeg_export.ops.reduce_sum_square import ReduceSumSquare
from edgeeeg_export.ops.relu import Relu
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.resize import Resize
from edgeeeg_export.ops.rms_norm import RmsNormalize
from edgeeeg_export.ops.rnn import Rnn
from edgeeeg_export.ops.round import Round
from edgeeeg_export.ops.running_z_score import RunningZScore
from edgeeeg_export.ops.s4d import S4d
from edgeeeg_export.ops.scan import Scan
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.selu import Selu
from edgeeeg_export.ops.shrink import Shrink
from edgeeeg_export.ops.sigmoid import Sigmoid
from edgeeeg_export.ops.sign import Sign
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.ops.softmax import LogSoftmax, Softmax
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.softsign import Softsign
from edgeeeg_export.ops.sqrt import Sqrt
from edgeeeg_export.ops.sub import Sub
from edgeeeg_export.ops.synaptic import Synaptic
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.ops.thresholded_relu import ThresholdedRelu
from edgeeeg_export.ops.top_k import TopK
from edgeeeg_export.ops.transpose import Transpose
from edgeeeg_export.ops.where import Where
from edgeeeg_export.ops.wkv4 import Wkv4
from edgeeeg_export.ops.wkv6 import Wkv6

DOMAIN = "edgeeeg"

FROM_ONNX: dict[tuple[str, str], Callable[[OnnxNode], Lowered]] = {
    ("", "Abs"): Abs.from_onnx,
    ("", "Add"): Add.from_onnx,
    ("", "And"): And.from_onnx,
    ("", "ArgMax"): ArgMax.from_onnx,
    ("", "ArgMin"): ArgMin.from_onnx,
    ("", "AveragePool"): AveragePool.from_onnx,
    ("", "BatchNormalization"): batch_norm.from_onnx,
    ("", "Cast"): cast.from_onnx,
    ("", "Ceil"): Ceil.from_onnx,
    ("", "Celu"): Celu.from_onnx,
    ("", "Clip"): Clip.from_onnx,
    ("", "Concat"): Concat.from_onnx,
    ("", "Conv"): Conv.from_onnx,
    ("", "CumSum"): CumSum.from_onnx,
    ("", "DepthToSpace"): depth_to_space.depth_to_space,
    ("", "DFT"): Dft.from_onnx,
    ("", "Div"): Div.from_onnx,
    ("", "Dropout"): Reshape.from_dropout,
    ("", "Elu"): Elu.from_onnx,
    ("", "Equal"): Equal.from_onnx,
    ("", "Erf"): Erf.from_onnx,
    ("", "Exp"): Exp.from_onnx,
    ("", "Expand"): Expand.from_onnx,
    ("", "Flatten"): Reshape.from_flatten,
    ("", "Floor"): Floor.from_onnx,
    ("", "GlobalAveragePool"): global_pool.average_from_onnx,
    ("", "GlobalMaxPool"): global_pool.max_from_onnx,
    ("", "GRU"): Gru.from_onnx,
    ("", "Gather"): Gather.from_onnx,
    ("", "Gelu"): Gelu.from_onnx,
    ("", "Gemm"): gemm.from_onnx,
    ("", "Greater"): Greater.from_onnx,
    ("", "GreaterOrEqual"): GreaterOrEqual.from_onnx,
    ("", "GroupNormalization"): group_norm.from_onnx,
    ("", "HardSigmoid"): HardSigmoid.from_onnx,
    ("", "HardSwish"): hard_swish.from_onnx,
    ("", "Identity"): Reshape.from_identity,
    ("", "InstanceNormalization"): instance_norm.from_onnx,
    ("", "LSTM"): Lstm.from_onnx,
    ("", "LayerNormalization"): layer_norm.from_onnx,
    ("", "LeakyRelu"): LeakyRelu.from_onnx,
    ("", "Less"): Less.from_onnx,
    ("", "LessOrEqual"): LessOrEqual.from_onnx,
    ("", "Log"): Log.from_onnx,
    ("", "LogSoftmax"): LogSoftmax.from_onnx,
    ("", "MatMul"): Linear.from_matmul,
    ("", "Max"): Max.from_variadic,
    ("", "MaxPool"): MaxPool.from_onnx,
    ("", "Mean"): mean.from_onnx,
    ("", "Min"): Min.from_variadic,
    ("", "Mish"): Mish.from_onnx,
    ("", "Mul"): Mul.from_onnx,
    ("", "Neg"): Neg.from_onnx,
    ("", "Not"): Not.from_onnx,
    ("", "Or"): Or.from_onnx,
    ("", "PRelu"): PRelu.from_onnx,
    ("", "Pad"): Pad.from_onnx,
    ("", "Pow"): Pow.from_onnx,
    ("", "RMSNormalization"): RmsNormalize.from_onnx,
    ("", "RNN"): Rnn.from_onnx,
    ("", "Reciprocal"): Reciprocal.from_onnx,
    ("", "ReduceL1"): ReduceL1.from_onnx,
    ("", "ReduceL2"): ReduceL2.from_onnx,
    ("", "ReduceLogSum"): ReduceLogSum.from_onnx,
    ("", "ReduceLogSumExp"): ReduceLogSumExp.from_onnx,
    ("", "ReduceMax"): ReduceMax.from_onnx,
    ("", "ReduceMean"): ReduceMean.from_onnx,
    ("", "ReduceMin"): ReduceMin.from_onnx,
    ("", "ReduceProd"): ReduceProd.from_onnx,
    ("", "ReduceSum"): ReduceSum.from_onnx,
    ("", "ReduceSumSquare"): ReduceSumSquare.from_onnx,
    ("", "Relu"): Relu.from_onnx,
    ("", "Reshape"): Reshape.from_onnx,
    ("", "Round"): Round.from_onnx,
    ("", "Scan"): Scan.from_onnx,
    ("", "Selu"): Selu.from_onnx,
    ("", "Shrink"): Shrink.from_onnx,
    ("", "Resize"): Resize.from_onnx,
    ("", "STFT"): stft.from_onnx,
    ("", "Sigmoid"): Sigmoid.from_onnx,
    ("", "Sign"): Sign.from_onnx,
    ("", "Slice"): Slice.from_onnx,
    ("", "Softmax"): Softmax.from_onnx,
    ("", "Softplus"): Softplus.from_onnx,
    ("", "Softsign"): Softsign.from_onnx,
    ("", "SpaceToDepth"): depth_to_space.space_to_depth,
    ("", "Split"): Slice.from_split,
    ("", "Sqrt"): Sqrt.from_onnx,
    ("", "Squeeze"): Reshape.from_squeeze,
    ("", "Sub"): Sub.from_onnx,
    ("", "Sum"): Add.from_variadic,
    ("", "Swish"): swish.from_onnx,
    ("", "TopK"): TopK.from_onnx,
    ("", "Tanh"): Tanh.from_onnx,
    ("", "ThresholdedRelu"): ThresholdedRelu.from_onnx,
    ("", "Tile"): Expand.from_tile,
    ("", "Transpose"): Transpose.from_onnx,
    ("", "Unsqueeze"): Reshape.from_unsqueeze,
    ("", "Where"): Where.from_onnx,
    ("", "Xor"): Xor.from_onnx,
    (DOMAIN, "AdaptiveLif"): AdaptiveLif.from_onnx,
    (DOMAIN, "Biquad"): Biquad.from_onnx,
    (DOMAIN, "ExponentialMovingAverage"): ExponentialMovingAverage.from_onnx,
    (DOMAIN, "Interleave"): Interleave.from_onnx,
    (DOMAIN, "Lif"): Lif.from_onnx,
    (DOMAIN, "LinearAttention"): LinearAttention.from_onnx,
    (DOMAIN, "RecurrentLif"): RecurrentLif.from_onnx,
    (DOMAIN, "RunningZScore"): RunningZScore.from_onnx,
    (DOMAIN, "S4d"): S4d.from_onnx,
    (DOMAIN, "SelectiveScan"): SelectiveScan.from_onnx,
    (DOMAIN, "Wkv4"): Wkv4.from_onnx,
    (DOMAIN, "Wkv6"): Wkv6.from_onnx,
    (DOMAIN, "Synaptic"): Synaptic.from_onnx,
}

NEAREST_REWRITE = {
    "Upsample": "use Resize",
    "ConvTranspose": "use Resize and a Conv behind it",
    "GlobalLpPool": "use ReduceL2",
    "LpPool": "use AveragePool of the squares and Sqrt",
}
"""What to use instead of an operator outside the set, by ONNX name."""
