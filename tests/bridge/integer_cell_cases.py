"""Cases of the kernel check: recurrences in integers, their states carried through a million values."""

from __future__ import annotations

from edgeeeg.cells.state_width import WIDTHS
from edgeeeg_bridge.kernel_case import KernelCase, Operand
from edgeeeg_bridge.operand_draw import integers, uniform
from edgeeeg_export.ops.quantized_lif import QuantizedLif
from edgeeeg_export.ops.quantized_selective_scan import QuantizedSelectiveScan
from edgeeeg_export.ops.quantized_wkv4 import QuantizedWkv4
from edgeeeg_export.tensor import DType

FRAMES, WIDTH, STATES, ROUNDS = 16, 64, 2, 1024
INT16, INT32 = WIDTHS["int16"], WIDTHS["int32"]


def sequence(dtype: DType, width: int = WIDTH, low: int | None = None) -> Operand:
    return Operand((1, FRAMES, width), integers(dtype, low), time_axis=1)


def held(low: int, high: int, *shape: int) -> Operand:
    return Operand(shape, integers("int32", low, high), held=True)


def table(state: DType) -> Operand:
    """No decay's table, but of what any entry may be: every line between two is walked."""
    return Operand((257,), integers(state, 0, WIDTHS[state].one >> 1), held=True)


def neurons(name: str, x: DType, op: QuantizedLif) -> KernelCase:
    one, high = op.width.one, op.width.peak
    operands = (sequence(x), held(one >> 1, one, WIDTH), held(high >> 6, high >> 2, WIDTH))
    return KernelCase(name, op, operands, ROUNDS)


def scan(name: str, x: DType, op: QuantizedSelectiveScan) -> KernelCase:
    """Delta of both signs, and rates from those that hardly fade to those that leave nothing of a frame."""
    operands = (
        sequence(x),
        sequence(x),
        held(0, 1 << 24 if x == "int8" else 1 << 16, WIDTH, STATES),
        sequence(x, STATES),
        sequence(x, STATES),
        Operand((WIDTH,), uniform(-0.5, 0.5), held=True),
        table(op.state),
    )
    return KernelCase(name, op, operands, ROUNDS)


def attention(name: str, x: DType, op: QuantizedWkv4) -> KernelCase:
    log2 = 1 << op.fraction
    operands = (
        sequence(x),
        sequence(x),
        held(0, 2 * log2, WIDTH),
        held(-2 * log2, 2 * log2, WIDTH),
        table(op.state),
    )
    return KernelCase(name, op, operands, ROUNDS)


INTEGER_CELLS = (
    neurons("lif_int8", "int8", QuantizedLif(40.0)),
    neurons("lif_int8_at_once", "int8", QuantizedLif(40.0, "int16", "zero", False, "at")),
    neurons("lif_int16_int32", "int16", QuantizedLif(9.7, "int32", "subtract", False)),
    neurons("lif_int16_no_reset", "int16", QuantizedLif(0.31, "int16", "none")),
    scan("selective_scan_int8", "int8", QuantizedSelectiveScan(2, 1e-3, 4e-4)),
    scan("selective_scan_int8_int32", "int8", QuantizedSelectiveScan(2, 0.1, 4e-6, "int32")),
    scan("selective_scan_int16", "int16", QuantizedSelectiveScan(2, 1e-10, 2e-4, "int16", "int16")),
    scan("selective_scan_int16_int32", "int16", QuantizedSelectiveScan(2, 1e-8, 2e-6, "int32", "int16")),
    attention("wkv4_int8", "int8", QuantizedWkv4(12000, 4, 14, 2e-4, 0.02, 128.0)),
    attention("wkv4_int8_int32", "int8", QuantizedWkv4(12000, 0, 18, 1e-7, 1e-5, 128.0, "int32")),
    attention("wkv4_int16", "int16", QuantizedWkv4(12000, 4, 18, 2e-6, 0.02, 1.2e4, "int16", "int16")),
    attention("wkv4_int16_int32", "int16", QuantizedWkv4(12000, 4, 18, 4e-10, 1e-5, 3e4, "int32", "int16")),
)
