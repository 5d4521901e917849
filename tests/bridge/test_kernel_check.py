"""Operators over a million drawn values each: NumPy, C on the host and C on every board, by checksum."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeeeg_bridge.build import PORTS
from edgeeeg_bridge.kernel_case import KernelCase, Operand, checksum_in_numpy
from edgeeeg_bridge.kernel_check import checksums_on_board, checksums_on_host
from edgeeeg_bridge.operand_draw import finite, integers, uniform
from edgeeeg_export.ops.adaptive_lif import AdaptiveLif
from edgeeeg_export.ops.add import Add
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.erf import Erf
from edgeeeg_export.ops.exp import Exp
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.log import Log
from edgeeeg_export.ops.mul import Mul
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.quantized_add import QuantizedAdd
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.softplus import Softplus
from edgeeeg_export.ops.synaptic import Synaptic
from edgeeeg_export.ops.table import Table
from edgeeeg_export.ops.tanh import Tanh
from edgeeeg_export.tensor import DType

MILLION = 1_000_000
ELEMENTS, ROUNDS = 1024, 1024


def drawn(dtype: DType, *shape: int) -> Operand:
    return Operand(shape, integers(dtype))


def over_time(*shape: int, low: float, high: float) -> Operand:
    return Operand(shape, uniform(low, high), time_axis=1)


def per_neuron(low: float, high: float) -> Operand:
    return Operand((32,), uniform(low, high), held=True)


def elementwise(name: str, op: Op, *operands: Operand) -> KernelCase:
    return KernelCase(name, op, operands, ROUNDS)


def requantized(
    name: str, op: Op, x: tuple[int, ...], weight: tuple[int, ...], rounds: int, bias: int = 20_000
) -> KernelCase:
    """An integer layer, its multipliers such that its results reach both ends of int8 and pass them."""
    c_out = weight[-1] if isinstance(op, QuantizedLinear) else weight[0]
    operands = (
        drawn("int8", *x),
        drawn("int8", *weight),
        Operand((c_out,), integers("int32", -bias, bias)),
        Operand((c_out,), uniform(20 / bias, 400 / bias)),
    )
    return KernelCase(name, op, operands, rounds)


SIGNAL = over_time(1, 32, 32, low=-1.0, high=1.5)
FLOATS = (
    elementwise("add_finite", Add(), *(Operand((ELEMENTS,), finite()),) * 2),
    elementwise("mul_finite", Mul(), *(Operand((ELEMENTS,), finite()),) * 2),
    elementwise("exp", Exp(), Operand((ELEMENTS,), uniform(-90.0, 90.0))),
    elementwise("exp_finite", Exp(), Operand((ELEMENTS,), finite())),
    elementwise("log_finite", Log(), Operand((ELEMENTS,), finite())),
    elementwise("tanh", Tanh(), Operand((ELEMENTS,), uniform(-10.0, 10.0))),
    elementwise("erf", Erf(), Operand((ELEMENTS,), uniform(-5.0, 5.0))),
    elementwise("softplus", Softplus(), Operand((ELEMENTS,), uniform(-30.0, 30.0))),
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
            over_time(1, 32, 32, low=0.01, high=0.5),
            Operand((32, 2), uniform(-4.0, -0.1), held=True),
            over_time(1, 32, 2, low=-1.0, high=1.0),
            over_time(1, 32, 2, low=-1.0, high=1.0),
            per_neuron(-1.0, 1.0),
        ),
        ROUNDS,
    ),
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
    elementwise("add", QuantizedAdd(0.71, 0.43), drawn("int8", ELEMENTS), drawn("int8", ELEMENTS)),
    elementwise("add_ties", QuantizedAdd(0.5, 0.25), drawn("int8", ELEMENTS), drawn("int8", ELEMENTS)),
    elementwise("table", Table(), drawn("int8", ELEMENTS), drawn("int8", 256)),
    elementwise("quantize", QuantizeLinear(0.037), Operand((ELEMENTS,), uniform(-6.0, 6.0))),
    elementwise("quantize_finite", QuantizeLinear(0.037), Operand((ELEMENTS,), finite())),
    elementwise("dequantize", DequantizeLinear(0.037), drawn("int8", ELEMENTS)),
)
CASES = (*FLOATS, *INTEGERS)


@pytest.fixture(scope="module")
def expected() -> dict[str, int]:
    return {case.name: checksum_in_numpy(case) for case in CASES}


def test_every_case_covers_a_million_values() -> None:
    assert {case.name: case.n_values for case in CASES if case.n_values < MILLION} == {}


def test_the_host_agrees_with_numpy_in_every_bit(expected: dict[str, int], tmp_path: Path) -> None:
    assert checksums_on_host(CASES, tmp_path) == expected


@pytest.mark.parametrize("board", PORTS)
def test_a_board_agrees_with_numpy_in_every_bit(
    board: str, expected: dict[str, int], firmware_elf: Path, tmp_path: Path
) -> None:
    assert checksums_on_board(CASES, tmp_path, board) == expected
