"""DepthToSpace and SpaceToDepth: blocks of channels become blocks of an image, and back, by reordering."""

from __future__ import annotations

from edgeeeg_export.ops.op import Lowered, OnnxNode
from edgeeeg_export.ops.reshape import Reshape
from edgeeeg_export.ops.transpose import Transpose


def depth_to_space(node: OnnxNode) -> Lowered:
    """(b, c s s, h, w) to (b, c, h s, w s), depth first (DCR) or columns first (CRD)."""
    (batch, depth, height, width), size = _still(node), node.attribute("blocksize", 1)
    channels = depth // size**2
    if node.attribute("mode", "DCR") == "DCR":
        split, perm = (batch, size, size, channels, height, width), (0, 3, 4, 1, 5, 2)
    else:
        split, perm = (batch, channels, size, size, height, width), (0, 1, 4, 2, 5, 3)
    return _reorder(node, split, perm, (batch, channels, height * size, width * size))


def space_to_depth(node: OnnxNode) -> Lowered:
    """(b, c, h s, w s) to (b, s s c, h, w)."""
    (batch, channels, height, width), size = _still(node), node.attribute("blocksize", 1)
    rows, columns = height // size, width // size
    split = (batch, channels, rows, size, columns, size)
    return _reorder(node, split, (0, 3, 5, 1, 2, 4), (batch, channels * size**2, rows, columns))


def _still(node: OnnxNode) -> tuple[int, ...]:
    """The shape of an image that does not vary in time."""
    x = node.type(0)
    if x.time_axis is not None:
        raise node.refuse("it mixes time with channels; reorder electrodes with Reshape and Transpose")
    return x.shape


def _reorder(
    node: OnnxNode, split: tuple[int, ...], perm: tuple[int, ...], shape: tuple[int, ...]
) -> Lowered:
    blocks, moved = f"{node.outputs[0]}.blocks", f"{node.outputs[0]}.moved"
    return (
        (Reshape(split), node.inputs, (blocks,)),
        (Transpose(perm), (blocks,), (moved,)),
        (Reshape(shape), (moved,), node.outputs),
    )
