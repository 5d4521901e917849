"""Layers with weights: int8 per output row or channel, symmetric; a bias of int32 in steps of the sums."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from edgeeeg_export import quantmath
from edgeeeg_export.graph import Node
from edgeeeg_export.ops.average_pool import AveragePool
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.gru import Gru
from edgeeeg_export.ops.linear import Linear
from edgeeeg_export.ops.lstm import Lstm
from edgeeeg_export.ops.op import Op
from edgeeeg_export.ops.per_window import PerWindow
from edgeeeg_export.ops.quantized_conv import QuantizedConv
from edgeeeg_export.ops.quantized_gru import QuantizedGru
from edgeeeg_export.ops.quantized_linear import QuantizedLinear
from edgeeeg_export.ops.quantized_lstm import QuantizedLstm
from edgeeeg_export.ops.quantized_rnn import QuantizedRnn
from edgeeeg_export.ops.rnn import Rnn
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.quantize.format import Format, state_name
from edgeeeg_export.quantize.integer_program import IntegerProgram, Integers
from edgeeeg_export.quantize.observers import STEPS
from edgeeeg_export.tensor import Array


def weighted_layer(program: IntegerProgram, node: Node, op: Op) -> bool:
    """A convolution, its output channels on axis 0 of the weights, or a dense layer: on the last."""
    made: Op
    (output,) = node.outputs
    if type(op) not in (Conv, Linear) or not program.both_in_integers(node.inputs[0], output):
        return False
    if program.own is not None and output not in program.own.weights:
        return False
    x, y = program.as_integers(node.inputs[0]), program.format_of(output)
    if isinstance(op, Conv):
        axis, made = 0, QuantizedConv(op.strides, op.dilations, op.groups, op.pads, width=y.width)
    else:
        axis, made = 1, QuantizedLinear(width=y.width)
    weight = program.graph.constants[node.inputs[1]]
    bias = _bias(program, node, weight.shape[axis])
    each = weight_steps(program, node, x)
    whole = quantmath.quantize(weight, each)
    step = each.ravel() * x.scale
    start = np.rint(bias.ravel() / step).astype(np.int32)
    worth = np.full(each.size, y.scale, dtype=np.float32)
    slices = _slices(program, node, 1 if isinstance(op, Conv) else -1)
    rounded = program.own is not None and output in program.own.rounded
    if rounded or any(program.format_of(name).dtype != y.dtype for name in slices):
        slices = {}
    for name, part in slices.items():
        worth[part.start : part.stop : part.step] = program.format_of(name).scale
    names = (
        x.name,
        program.constant(node, "weight.int8", whole),
        *((program.shared_constant(node, "bias.int32", start),) if start.any() else ()),
        program.constant(node, "multiplier", (step / worth).astype(np.float32)),
    )
    form = program.wrapped(node, made, names)
    if slices:
        program.parted[output] = f"{output}.parts"
        program.nodes.append(replace(node, op=form, inputs=names, outputs=(program.parted[output],)))
    else:
        program.make(node, form, names, y)
    return True


def weight_steps(program: IntegerProgram, node: Node, x: Integers) -> Array:
    """What one step of each output row of a layer's weights is worth, to be broadcast against them.

    Parameters
    ----------
    node : Node
        A convolution, its output rows on axis 0, or a dense layer: on the last.
    x : its operand in integers.
    """
    weight = program.graph.constants[node.inputs[1]]
    axis = 0 if isinstance(node.op.core, Conv) else 1
    within = tuple(k for k in range(weight.ndim) if k != axis)
    if program.own is not None:
        return np.expand_dims(program.own.weights[node.outputs[0]], within)
    bias = _bias(program, node, weight.shape[axis])
    return _rows(weight, within, _most(weight, bias, within, x))[1]


def _bias(program: IntegerProgram, node: Node, rows: int) -> Array:
    """The bias of a layer, zeros if it has none."""
    return program.graph.constants[node.inputs[2]] if len(node.inputs) == 3 else np.zeros(rows)


def _slices(program: IntegerProgram, node: Node, axis: int) -> dict[str, Slice]:
    """The slices of output channels that a layer's result is cut into, if nothing else reads it; else none.

    One scale for all would waste steps of parts with a smaller range; a multiplier per output channel gives
    each part its own, for nothing. In a trained Mamba block a part gains up to 3.6 dB.
    """
    (name,), graph = node.outputs, program.graph
    readers = graph.consumers(name)
    cuts = {reader.outputs[0]: reader.op for reader in readers if isinstance(reader.op, Slice)}
    if len(cuts) < len(readers) or name in graph.outputs:
        return {}
    channels = axis % len(graph.tensors[name].shape)
    taken = [k for cut in cuts.values() for k in range(cut.start, cut.stop, cut.step)]
    alone = len(taken) == len(set(taken))
    fits = all(cut.axis == channels and cut.step > 0 for cut in cuts.values())
    return cuts if alone and fits else {}


def pool(program: IntegerProgram, node: Node, op: Op) -> bool:
    """A mean is a convolution of each channel with ones, and a multiplier."""
    if not isinstance(op, AveragePool) or not op.count_include_pad or op.ceil_mode:
        return False
    if not program.both_in_integers(node.inputs[0], node.outputs[0]):
        return False
    x, y = program.as_integers(node.inputs[0]), program.format_of(node.outputs[0])
    channels = program.graph.tensors[node.inputs[0]].shape[1 + isinstance(node.op, PerWindow)]
    factor = x.scale / np.float32(y.scale) / np.float32(np.prod(op.kernel))
    names = (
        x.name,
        program.shared_constant(node, "ones", np.ones((channels, 1, *op.kernel), dtype=np.int8)),
        program.constant(node, "multiplier", np.full(channels, factor, dtype=np.float32)),
    )
    made = QuantizedConv(op.strides, op.dilations, channels, op.pads, width=y.width)
    program.make(node, program.wrapped(node, made, names), names, y)
    return True


def recurrence(program: IntegerProgram, node: Node, op: Op) -> bool:
    """Matrices per row; h is rounded in steps of the layer's result, of which it is the last frame."""
    made: type[QuantizedLstm | QuantizedGru | QuantizedRnn]
    if type(op) is Lstm:
        made = QuantizedLstm
    elif type(op) is Gru:
        made = QuantizedGru
    elif type(op) is Rnn:
        made = QuantizedRnn
    else:
        return False
    # no pair around a layer can say in what steps h is rounded inside
    if program.own is not None and node.outputs[0] not in program.own.hidden:
        return False
    if not program.both_in_integers(node.inputs[0], node.outputs[0]):
        return False
    x, h = program.as_integers(node.inputs[0]), program.format_of(node.outputs[0])
    (weight, of_x), (recurrent, of_h) = (
        _rows(matrix, (2,), _most(matrix, np.zeros(matrix.shape[:2]), (2,), own))
        for matrix, own in (
            (program.graph.constants[node.inputs[1]], x),
            (program.graph.constants[node.inputs[2]], Integers(node.outputs[0], h)),
        )
    )
    names = (
        x.name,
        program.constant(node, "weight.int8", weight),
        program.constant(node, "recurrent_weight.int8", recurrent),
        node.inputs[3],
        program.constant(node, "multiplier", of_x[..., 0] * x.scale),
        program.constant(node, "recurrent_multiplier", of_h[..., 0] * np.float32(h.scale)),
    )
    attributes = {item.name: getattr(op, item.name) for item in fields(op)}
    in_integers = len(node.outputs) == 1
    state_scales = _state_scales(program, node, op.memories)
    for memory, step in zip(op.memories, state_scales, strict=False):  # none, or one for each
        program.states[state_name(node.outputs[0], memory)] = Format("int16", step)
    form = made(
        **attributes,
        h_scale=h.scale,
        in_integers=in_integers,
        width=h.width,
        state_scales=state_scales,
    )
    hybrid = program.wrapped(node, form, names)
    if in_integers:
        program.make(node, hybrid, names, h)
    else:
        program.make_float(replace(node, op=hybrid, inputs=names))
    return True


def _state_scales(program: IntegerProgram, node: Node, memories: tuple[str, ...]) -> tuple[float, ...]:
    """What a step of each memory is worth where int16 is asked for; int32 is no narrower than floats."""
    wanted = [program.formats.get(state_name(node.outputs[0], memory)) for memory in memories]
    scales = tuple(own.scale for own in wanted if own is not None and own.dtype == "int16")
    return scales if len(scales) == len(memories) else ()


def _rows(weight: Array, within: tuple[int, ...], least: Array | float = 0.0) -> tuple[Array, Array]:
    """Weights in int8 and what a step is worth, one for all that differ only on the axes `within`.

    Parameters
    ----------
    least : below which no step may be, broadcast against those.
    """
    largest = np.abs(weight).max(axis=within, keepdims=True)
    each = np.where(largest > 0, largest / np.float32(STEPS), np.float32(1.0)).astype(np.float32)
    each = np.maximum(each, least).astype(np.float32)
    return quantmath.quantize(weight, each), each


def _most(weight: Array, bias: Array, within: tuple[int, ...], x: Integers) -> Array:
    """The finest steps of weights whose sums int32 holds, whatever x is; 0 if any do.

    Of int8 operands only rows of 130,000 weights come near; of int16, those of 500.
    """
    reach = -quantmath.LOW[x.width]
    absolute = np.abs(weight, dtype=np.float64)
    # rounding adds half a step to every weight and to the bias, and 2^-24 to the step itself
    room = 2.0**31 - reach * (weight.size // bias.size) / 2 - 2**9
    total = reach * absolute.sum(axis=within, keepdims=True)
    offset = np.abs(bias.reshape(total.shape), dtype=np.float64) / float(x.scale)
    finest: Array = (total + offset) / room
    return finest
