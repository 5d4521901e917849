"""Cases of the kernel check: operators of floats and of integers, over a million values each."""

from __future__ import annotations

from integer_cell_cases import INTEGER_CELLS

from edgeeeg_bridge.kernel_case import KernelCase, Operand
from edgeeeg_bridge.operand_draw import finite, integers, uniform
from edgeeeg_export.ops.adaptive_lif import AdaptiveLif
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.biquad import Biquad
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.erf import Erf
from edgeeeg_export.ops.exp import Exp
from edgeeeg_export.ops.exponential_moving_average import ExponentialMovingAverage
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.interpolated_table import InterpolatedTable
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.linear_attention import LinearAttention
from edgeeeg_export.ops.log import Log
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.max_pool import MaxPool
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.pow import Pow
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.quantized_add import QuantizedAdd
from edgeeeg_export.ops.quantized_affine import QuantizedAffine
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_gru import QuantizedGru
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.ops.quantized_lstm import QuantizedLstm
from edgeeeg_export.ops.quantized_mean import QuantizedMean
from edgeeeg_export.ops.quantized_mul import QuantizedMul
from edgeeeg_export.ops.quantized_relu import QuantizedRelu
from edgeeeg_export.ops.quantized_rnn import QuantizedRnn
from edgeeeg_export.ops.quantized_standardize import QuantizedStandardize
from edgeeeg_export.ops.recurrent_lif import RecurrentLif
from edgeeeg_export.ops.requantize import Requantize
from edgeeeg_export.ops.running_z_score import RunningZScore
from edgeeeg_export.ops.s4d import S4d
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.sigmoid import Sigmoid
from edgeeeg_export.ops.softmax import Softmax
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.synaptic import Synaptic
from edgeeeg_export.ops.table import Table
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.ops.wkv4 import Wkv4
from edgeeeg_export.ops.wkv6 import Wkv6
from edgeeeg_export.quantmath import HIGH
from edgeeeg_export.tensor import DType

ELEMENTS, ROUNDS = 1024, 1024


def drawn(dtype: DType, *shape: int) -> Operand:
    return Operand(shape, integers(dtype))


def within_int8(*shape: int) -> Operand:
    """int16 in steps 256 times as fine as those of an int8, as far as that goes."""
    return Operand(shape, integers("int16", -32768, 32639))


def over_time(*shape: int, low: float, high: float) -> Operand:
    return Operand(shape, uniform(low, high), time_axis=1)


def fresh(*shapes: tuple[int, ...]) -> tuple[Operand, ...]:
    return tuple(Operand(shape, uniform(-1.0, 1.0)) for shape in shapes)


def held(low: float, high: float, *shape: int) -> Operand:
    return Operand(shape, uniform(low, high), held=True)


def per_neuron(low: float, high: float) -> Operand:
    return held(low, high, WIDTH)


def recurrence(gates: int, biases: int) -> tuple[Operand, ...]:
    """Many short sequences: x (steps, batch, inputs), and weights of 4 memories."""
    return (
        Operand((4, 64, 3), uniform(-2.0, 2.0)),
        held(-1.0, 1.0, 1, 4 * gates, 3),
        held(-1.0, 1.0, 1, 4 * gates, 4),
        held(-1.0, 1.0, 1, 4 * biases),
    )


def hybrid_recurrence(gates: int, biases: int, dtype: DType = "int8") -> tuple[Operand, ...]:
    """The same with matrices of integers, and multipliers per row."""
    of_x = 1e-4 if dtype == "int8" else 4e-7
    return (
        drawn(dtype, 4, 64, 3),
        Operand((1, 4 * gates, 3), integers("int8"), held=True),
        Operand((1, 4 * gates, 4), integers("int8"), held=True),
        held(-1.0, 1.0, 1, 4 * biases),
        held(of_x / 10, of_x, 1, 4 * gates),
        held(of_x / 10, of_x, 1, 4 * gates),
    )


def repeated(name: str, op: Op, *operands: Operand) -> KernelCase:
    return KernelCase(name, op, operands, ROUNDS)


def requantized(
    name: str,
    op: QuantizedConv | QuantizedLinear,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    rounds: int,
    bias: int = 20_000,
    dtype: DType = "int8",
) -> KernelCase:
    """An integer layer, its multipliers such that its results reach both ends of their type and pass them."""
    c_out = weight[-1] if isinstance(op, QuantizedLinear) else weight[0]
    of_y = HIGH[op.width] / HIGH["int8"]
    operands = (
        drawn(dtype, *x),
        drawn("int8", *weight),
        Operand((c_out,), integers("int32", -bias, bias)),
        Operand((c_out,), uniform(20 / bias * of_y, 400 / bias * of_y)),
    )
    return KernelCase(name, op, operands, rounds)


FRAMES, WIDTH = 16, 64  # of a cell; their product is ELEMENTS
SIGNAL = over_time(1, FRAMES, WIDTH, low=-1.0, high=1.5)
UNIT = over_time(1, FRAMES, WIDTH, low=-1.0, high=1.0)
CHANNELS = Operand((1, 32, 32), uniform(-3.0, 4.0), time_axis=2)
BETWEEN_0_AND_1 = over_time(1, FRAMES, WIDTH, low=0.0, high=1.0)
FLOATS = (
    repeated("add_finite", Add(), *(Operand((ELEMENTS,), finite()),) * 2),
    repeated("mul_finite", Mul(), *(Operand((ELEMENTS,), finite()),) * 2),
    repeated("exp", Exp(), Operand((ELEMENTS,), uniform(-90.0, 90.0))),
    repeated("exp_finite", Exp(), Operand((ELEMENTS,), finite())),
    repeated("log_finite", Log(), Operand((ELEMENTS,), finite())),
    repeated("tanh", Tanh(), Operand((ELEMENTS,), uniform(-10.0, 10.0))),
    repeated("sigmoid", Sigmoid(), Operand((ELEMENTS,), uniform(-30.0, 30.0))),
    repeated("pow", Pow(), Operand((ELEMENTS,), uniform(0.1, 9.0)), Operand((ELEMENTS,), uniform(-5.0, 5.0))),
    repeated("erf", Erf(), Operand((ELEMENTS,), uniform(-5.0, 5.0))),
    repeated("softplus", Softplus(), Operand((ELEMENTS,), uniform(-30.0, 30.0))),
    KernelCase("lif", Lif(), (SIGNAL, per_neuron(0.5, 1.0), per_neuron(0.5, 2.0)), ROUNDS),
    KernelCase(
        "lif_reset_at_once",
        Lif("zero", reset_delay=False, fires="at"),
        (SIGNAL, per_neuron(0.5, 1.0), per_neuron(0.5, 2.0)),
        ROUNDS,
    ),
    KernelCase(
        "synaptic",
        Synaptic(),
        (SIGNAL, per_neuron(0.5, 0.9), per_neuron(0.5, 1.0), per_neuron(0.5, 2.0)),
        ROUNDS,
    ),
    KernelCase(
        "adaptive_lif",
        AdaptiveLif(),
        (SIGNAL, *(per_neuron(low, high) for low, high in ((0.5, 1), (0.5, 2), (0.5, 1), (0.1, 1)))),
        ROUNDS,
    ),
    KernelCase(
        "selective_scan",
        SelectiveScan(),
        (
            SIGNAL,
            over_time(1, FRAMES, WIDTH, low=0.01, high=0.5),
            held(-4.0, -0.1, WIDTH, 2),
            over_time(1, FRAMES, 2, low=-1.0, high=1.0),
            over_time(1, FRAMES, 2, low=-1.0, high=1.0),
            per_neuron(-1.0, 1.0),
        ),
        ROUNDS,
    ),
    KernelCase(
        "recurrent_lif",
        RecurrentLif(),
        (
            over_time(1, 64, 16, low=-1.0, high=1.5),
            held(0.5, 1.0, 16),
            held(0.5, 2.0, 16),
            held(-0.2, 0.2, 16, 16),
            held(-0.1, 0.1, 16),
        ),
        ROUNDS,
    ),
    KernelCase("wkv4", Wkv4(), (SIGNAL, UNIT, per_neuron(0.01, 2.0), per_neuron(-1.0, 1.0)), ROUNDS),
    KernelCase("wkv6", Wkv6(), (UNIT, SIGNAL, UNIT, BETWEEN_0_AND_1, held(-1.0, 1.0, 32, 2)), ROUNDS),
    KernelCase("linear_attention", LinearAttention(), (UNIT, SIGNAL, UNIT, held(0.5, 1.0, 32)), ROUNDS),
    KernelCase(
        "s4d",
        S4d(),
        (
            SIGNAL,
            held(-0.7, 0.7, WIDTH, 2),
            held(-0.7, 0.7, WIDTH, 2),
            held(-1.0, 1.0, WIDTH, 2),
            held(-1.0, 1.0, WIDTH, 2),
            per_neuron(-1.0, 1.0),
        ),
        ROUNDS,
    ),
    KernelCase("biquad", Biquad(), (CHANNELS, held(0.05, 0.3, 2, 5)), ROUNDS),
    KernelCase("moving_average", ExponentialMovingAverage(), (CHANNELS, held(0.01, 0.1, 1)), ROUNDS),
    KernelCase("z_score", RunningZScore(0.1), (CHANNELS, held(0.01, 0.1, 1)), ROUNDS),
    KernelCase("gru", Gru(), recurrence(gates=3, biases=4), ROUNDS),
    KernelCase("lstm", Lstm(), recurrence(gates=4, biases=4), ROUNDS),
    repeated("softmax", Softmax(1), Operand((64, 16), uniform(-20.0, 20.0))),
    repeated("dense", Linear(), *fresh((64, 12), (12, 16), (16,))),
    repeated("filters", Conv(groups=2, pads=(3, 4)), *fresh((1, 4, 128), (8, 2, 8), (8,))),
)
INTEGERS = (
    requantized("conv", QuantizedConv(strides=(2,), pads=(3, 2)), (1, 3, 255), (16, 3, 5), 512),
    requantized("conv_depthwise", QuantizedConv(groups=16, pads=(4, 3)), (1, 16, 64), (16, 1, 8), 1024),
    requantized("conv_dilated", QuantizedConv(dilations=(3,)), (1, 2, 140), (8, 2, 5), 1024),
    requantized(
        "conv_electrodes", QuantizedConv((1, 1), (1, 1), 4, (0, 0, 0, 0)), (1, 4, 6, 64), (16, 1, 6, 1), 1024
    ),
    requantized("conv_1x1", QuantizedConv(), (1, 12, 64), (16, 12, 1), 1024),
    requantized("linear", QuantizedLinear(), (32, 20), (20, 32), 1024),
    # sums that no float32 holds, so that the conversion rounds too
    requantized("requantize", QuantizedLinear(), (32, 1), (1, 32), 1024, bias=1 << 30),
    repeated(
        "requantize_ties",
        QuantizedLinear(),
        drawn("int8", 32, 1),
        Operand((1, 32), integers("int8", -2, 2)),
        Operand((32,), integers("int32", -9, 9)),
        Operand((32,), uniform(0.5, 0.5 + 1e-9)),  # nothing but 0.5: every odd sum is a tie
    ),
    repeated("add", QuantizedAdd(0.71, 0.43), drawn("int8", ELEMENTS), drawn("int8", ELEMENTS)),
    repeated("add_ties", QuantizedAdd(0.5, 0.25), drawn("int8", ELEMENTS), drawn("int8", ELEMENTS)),
    repeated("mul", QuantizedMul(0.0131), drawn("int8", ELEMENTS), drawn("int8", ELEMENTS)),
    repeated("mul_ties", QuantizedMul(1 / 128), drawn("int8", ELEMENTS), drawn("int8", ELEMENTS)),
    repeated("relu", QuantizedRelu(), drawn("int8", ELEMENTS)),
    repeated("max_pool", MaxPool((3,), (1,), (2,), (3, 1)), drawn("int8", 1, 8, 128)),
    repeated("gru_int8", QuantizedGru(linear_before_reset=True, h_scale=1 / 127), *hybrid_recurrence(3, 4)),
    repeated("gru_int8_reset_first", QuantizedGru(h_scale=0.01), *hybrid_recurrence(3, 4)),
    repeated(
        "gru_int8_result",
        QuantizedGru(linear_before_reset=True, h_scale=1 / 127, in_integers=True),
        *hybrid_recurrence(3, 4),
    ),
    repeated("lstm_int8", QuantizedLstm(h_scale=0.004), *hybrid_recurrence(4, 4)),
    repeated(
        "lstm_int16",
        QuantizedLstm(h_scale=3e-5, in_integers=True, width="int16", state_scales=(2.0**-14, 2.0**-11)),
        *hybrid_recurrence(4, 4, "int16"),
    ),
    repeated(
        "gru_int16_reset_first",
        QuantizedGru(h_scale=4e-5, in_integers=True, width="int16", state_scales=(2.0**-14,)),
        *hybrid_recurrence(3, 4, "int16"),
    ),
    repeated("rnn_int8", QuantizedRnn(h_scale=1 / 127), *hybrid_recurrence(1, 1)),
    repeated("table", Table(), drawn("int8", ELEMENTS), drawn("int8", 256)),
    repeated("quantize", QuantizeLinear(0.037), Operand((ELEMENTS,), uniform(-6.0, 6.0))),
    repeated("quantize_finite", QuantizeLinear(0.037), Operand((ELEMENTS,), finite())),
    repeated("dequantize", DequantizeLinear(0.037), drawn("int8", ELEMENTS)),
    requantized(
        "conv_int16", QuantizedConv(width="int16"), (1, 6, 40), (8, 6, 9), 4096, bias=5_000_000, dtype="int16"
    ),
    requantized(
        "conv_int16_int8", QuantizedConv(), (1, 6, 40), (8, 6, 9), 4096, bias=5_000_000, dtype="int16"
    ),
    requantized("conv_int8_int16", QuantizedConv(width="int16"), (1, 6, 40), (8, 6, 9), 4096),
    requantized(
        "linear_int16",
        QuantizedLinear(width="int16"),
        (32, 20),
        (20, 32),
        1024,
        bias=5_000_000,
        dtype="int16",
    ),
    requantized("linear_int16_int8", QuantizedLinear(), (32, 20), (20, 32), 1024, 5_000_000, "int16"),
    requantized("linear_int8_int16", QuantizedLinear(width="int16"), (32, 20), (20, 32), 1024),
    repeated(
        "add_mixed",
        QuantizedAdd(131.0, 0.43, width="int16"),
        drawn("int8", ELEMENTS),
        drawn("int16", ELEMENTS),
    ),
    repeated("add_int16", QuantizedAdd(0.71, 0.43, width="int16"), *(drawn("int16", ELEMENTS),) * 2),
    repeated("mul_mixed", QuantizedMul(1 / 128), drawn("int16", ELEMENTS), drawn("int8", ELEMENTS)),
    repeated("mul_int16", QuantizedMul(1.3e-5, width="int16"), *(drawn("int16", ELEMENTS),) * 2),
    repeated(
        "affine",
        QuantizedAffine("int8"),
        drawn("int8", 16, 64),
        held(0.2, 2.0, 64),
        held(-90.0, 90.0, 64),
    ),
    repeated(
        "affine_int16",
        QuantizedAffine("int16"),
        drawn("int16", 16, 64),
        held(0.2, 2.0, 16, 1),
        held(-9000.0, 9000.0, 16, 1),
    ),
    repeated("add_broadcast", QuantizedAdd(0.71, -0.43), drawn("int8", 16, 64), drawn("int8", 16, 1)),
    repeated("mul_broadcast", QuantizedMul(0.0131), drawn("int8", 16, 64), drawn("int8", 64)),
    KernelCase(
        "mean",
        QuantizedMean((1,), multiplier=0.031, width="int8"),
        (drawn("int8", 64, 12, 16),),
        ROUNDS,
    ),
    KernelCase(
        "mean_int16",
        QuantizedMean((1,), multiplier=0.031, width="int16"),
        (drawn("int16", 64, 12, 16),),
        ROUNDS,
    ),
    KernelCase(
        "standardize",
        QuantizedStandardize(1, 9.5, multiplier=42.3, width="int8"),
        (drawn("int8", 32, 32),),
        ROUNDS,
    ),
    KernelCase(
        "standardize_int16",
        QuantizedStandardize(1, 9500.0, multiplier=10845.0, width="int16"),
        (drawn("int16", 32, 32),),
        ROUNDS,
    ),
    repeated("relu_int16", QuantizedRelu(), drawn("int16", ELEMENTS)),
    repeated("narrow", Requantize(0.0039, "int8"), drawn("int16", ELEMENTS)),
    repeated("widen", Requantize(301.7, "int16"), drawn("int8", ELEMENTS)),
    repeated("table_to_int16", Table(), drawn("int8", ELEMENTS), drawn("int16", 256)),
    repeated("interpolated", InterpolatedTable("int16"), drawn("int16", ELEMENTS), drawn("int16", 257)),
    repeated("interpolated_int8", InterpolatedTable("int8"), drawn("int16", ELEMENTS), within_int8(257)),
    repeated("quantize_int16", QuantizeLinear(0.0001, "int16"), Operand((ELEMENTS,), uniform(-6.0, 6.0))),
    repeated("quantize_int16_finite", QuantizeLinear(0.0001, "int16"), Operand((ELEMENTS,), finite())),
    repeated("dequantize_int16", DequantizeLinear(0.0001), drawn("int16", ELEMENTS)),
    repeated("max_pool_int16", MaxPool((3,), (2,), (1,), (1, 1)), drawn("int16", 1, 16, 128)),
)
CASES = (*FLOATS, *INTEGERS, *INTEGER_CELLS)
