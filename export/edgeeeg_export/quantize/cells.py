"""Recurrences in integers, where the formats give their states integers too; rules of `edgeeeg.cells`.

A state's format is that of `format.state_name`: its type is the width of the state, its scale a wish. A
step of a membrane becomes the threshold over a power of two; one in which a frame's share would not fit is
coarsened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from edgeeeg.cells.state_width import RESULTS, WIDTHS, StateWidth
from edgeeeg.errors import ModelError
from edgeeeg_export.errors import QuantizationError
from edgeeeg_export.graph import Node
from edgeeeg_export.ops.lif import Lif
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.quantized_lif import QuantizedLif
from edgeeeg_export.ops.quantized_selective_scan import QuantizedSelectiveScan
from edgeeeg_export.ops.quantized_wkv4 import QuantizedWkv4
from edgeeeg_export.ops.selective_scan import SelectiveScan
from edgeeeg_export.ops.wkv4 import Wkv4
from edgeeeg_export.quantize.format import Format, state_name
from edgeeeg_export.quantize.integer_program import IntegerProgram

if TYPE_CHECKING:
    from torch import Tensor

SPIKES = Format("int8", 1.0)
"""0 and 1, so that the next layer sums weights."""


def neurons(program: IntegerProgram, node: Node, op: Op) -> bool:
    """LIF neurons on integers; their spikes are whole numbers."""
    widths = _widths(program, node, ("mem",))
    if type(op) is not Lif or len(node.inputs) != 3 or widths is None or not _integers(program, node, 1):
        return False
    from edgeeeg.cells import quantized_lif
    from edgeeeg.cells.lif import LifParams

    (width,), x = widths, program.as_integers(node.inputs[0])
    params = LifParams(*_parameters(program, node.inputs[1:]))
    with _named(node):
        wish = program.format_of(state_name(node.outputs[0], "mem")).scale
        step = quantized_lif.membrane_scale(params.threshold, wish, width)
        made = quantized_lif.quantize_params(params, quantized_lif.LifFormat(float(x.scale), step, width))
    names = (
        x.name,
        program.shared_constant(node, "decay", made.decay.numpy().astype(np.int32)),
        program.shared_constant(node, "threshold.int32", made.threshold.numpy().astype(np.int32)),
    )
    program.states[state_name(node.outputs[0], "mem")] = Format(width.name, step)
    form = QuantizedLif(made.multiplier, width.name, op.reset, op.reset_delay, op.fires)
    program.make(node, program.wrapped(node, form, names), names, SPIKES)
    return True


def selective_scan(program: IntegerProgram, node: Node, op: Op) -> bool:
    """Mamba's scan: decays are powers of two of integers, sums are exact."""
    widths = _widths(program, node, ("h",))
    if type(op) is not SelectiveScan or widths is None or program.stays_float(node.outputs[0]):
        return False
    if not _integers(program, node, 2, slice(3, 5)):
        return False
    from edgeeeg.cells import quantized_selective_scan
    from edgeeeg.cells.selective_scan import ScanParams

    u, delta, b, c = (program.as_integers(node.inputs[k]) for k in (0, 1, 3, 4))
    (width,), y = widths, program.format_of(node.outputs[0])
    wish = program.format_of(state_name(node.outputs[0], "h")).scale
    formats = quantized_selective_scan.ScanFormat(
        u_scale=float(u.scale),
        delta_scale=float(delta.scale),
        b_scale=float(b.scale),
        c_scale=float(c.scale),
        h_scale=width.coarsened(wish),
        y_scale=y.scale,
        width=width,
        result=y.width,
    )
    with _named(node):
        params = ScanParams(*_parameters(program, (node.inputs[2], node.inputs[5])))
        made = quantized_selective_scan.quantize_params(params, formats)
    names = (
        u.name,
        delta.name,
        program.constant(node, "rate", made.rate.numpy().astype(np.int32)),
        b.name,
        c.name,
        program.constant(node, "through", made.through.numpy()),
        program.shared_constant(node, "lost", width.lost().astype(width.name)),
    )
    program.states[state_name(node.outputs[0], "h")] = Format(width.name, formats.h_scale)
    form = QuantizedSelectiveScan(made.shift, made.drive, made.read, width.name, y.width)
    program.make(node, program.wrapped(node, form, names), names, y)
    return True


def wkv4(program: IntegerProgram, node: Node, op: Op) -> bool:
    """RWKV-4's average of the past: exponents are integers, both sums have the width of the wider one."""
    widths = _widths(program, node, ("num", "den"))
    if type(op) is not Wkv4 or widths is None or program.stays_float(node.outputs[0]):
        return False
    if not _integers(program, node, 2):
        return False
    from edgeeeg.cells import quantized_wkv4
    from edgeeeg.cells.wkv4 import Wkv4Params

    width = max(widths, key=lambda each: each.fraction)
    k, v = (program.as_integers(name) for name in node.inputs[:2])
    y = program.format_of(node.outputs[0])
    num, den = (
        _wish(program.format_of(state_name(node.outputs[0], state)), width) for state in ("num", "den")
    )
    formats = quantized_wkv4.Wkv4Format(
        float(k.scale),
        float(v.scale),
        *quantized_wkv4.sum_scales(num, den, float(v.scale), width, -RESULTS[v.width][0]),
        y.scale,
        width,
        -RESULTS[k.width][0],
        y.width,
    )
    with _named(node):
        made = quantized_wkv4.quantize_params(Wkv4Params(*_parameters(program, node.inputs[2:])), formats)
    names = (
        k.name,
        v.name,
        program.constant(node, "decay", made.w.numpy().astype(np.int32)),
        program.constant(node, "bonus", made.u.numpy().astype(np.int32)),
        program.shared_constant(node, "lost", width.lost().astype(width.name)),
    )
    for state, step in (("num", formats.num_scale), ("den", formats.den_scale)):
        program.states[state_name(node.outputs[0], state)] = Format(width.name, step)
    form = QuantizedWkv4(
        made.key, made.shift, made.fraction, made.value, made.unit, made.read, width.name, y.width
    )
    program.make(node, program.wrapped(node, form, names), names, y)
    return True


def _widths(program: IntegerProgram, node: Node, states: tuple[str, ...]) -> tuple[StateWidth, ...] | None:
    """The widths of a layer's states; None if one is to be float32."""
    formats = [program.formats.get(state_name(node.outputs[0], state)) for state in states]
    found = tuple(WIDTHS[one.dtype] for one in formats if one is not None and one.dtype in WIDTHS)
    return found if len(found) == len(states) else None


def _wish(form: Format, width: StateWidth) -> float:
    """What a step of a sum would be worth in this width, whichever its format was made for."""
    return form.scale * (WIDTHS[form.dtype].high / width.high)


def _integers(program: IntegerProgram, node: Node, *varying: int | slice) -> bool:
    """Whether operands (the first so many, or a slice) are to be integers and all others constants."""
    parts = [slice(part) if isinstance(part, int) else part for part in varying]
    moving = [name for part in parts for name in node.inputs[part]]
    rest = [name for name in node.inputs if name not in moving]
    return all(name in program.graph.constants for name in rest) and all(
        program.offered(name) is not None for name in moving
    )


def _parameters(program: IntegerProgram, names: tuple[str, ...]) -> Iterator[Tensor]:
    """Constants of the graph of floats, for the cell's own rules."""
    import torch

    return (torch.from_numpy(program.graph.constants[name].copy()) for name in names)


@contextmanager
def _named(node: Node) -> Iterator[None]:
    """What a cell refuses, with the name of the layer."""
    try:
        yield
    except ModelError as error:
        raise QuantizationError(f"layer {node.label}: {error}") from error
