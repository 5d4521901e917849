"""Cases of operators that move, select or repeat elements and compute nothing."""

from __future__ import annotations

import numpy as np
from operator_case import N_TIMES, Case, i64, node, transposed, weights

SHAPE_CASES = {
    "Reshape": Case(
        (node("Reshape", ["x", "shape"], ["r"]), node("Transpose", ["r"], perm=[2, 1, 0])),
        {"shape": i64(2, 3, -1)},
        n_chans=6,
        exact=True,
    ),
    "Reshape keeping": Case(
        (node("Reshape", ["x", "shape"]),), {"shape": i64(0, 2, 3, N_TIMES)}, n_chans=6, exact=True
    ),
    "Squeeze": Case((node("Squeeze", ["x"]),), exact=True),
    "Squeeze axes": Case((node("Squeeze", ["x", "axes"]),), {"axes": i64(-3)}, exact=True),
    "Unsqueeze": Case((node("Unsqueeze", ["x", "axes"]),), {"axes": i64(1, -1)}, exact=True),
    "Transpose": Case((node("Transpose", ["x"], perm=[2, 0, 1]),), exact=True),
    "Transpose reversed": Case((node("Transpose", ["x"]),), exact=True),
    "Slice view": Case(
        (node("Slice", ["x", "from", "to", "axis"]),),
        {"from": i64(1), "to": i64(2**62), "axis": i64(1)},
        exact=True,
    ),
    "Slice copy of two axes": Case(
        (
            node("Reshape", ["x", "shape"], ["r"]),
            node("Slice", ["r", "from", "to", "axes", "steps"]),
        ),
        {
            "shape": i64(1, 3, 4, -1),
            "from": i64(1, -3),
            "to": i64(3, -1),
            "axes": i64(1, -2),
            "steps": i64(1, 1),
        },
        n_chans=12,
        exact=True,
    ),
    "Split": Case(
        transposed(
            node("Split", ["frames", "sizes"], ["a", "b", "c"], axis=2),
            node("Mul", ["a", "c"], ["ac"]),
            node("Add", ["ac", "b"]),
        ),
        {"sizes": i64(1, 4, 1)},
        n_chans=6,
        exact=True,
    ),
    "Split even": Case(
        (node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2), node("Sub", ["b", "a"])),
        n_chans=4,
        exact=True,
    ),
    "Concat": Case(
        (node("Abs", ["x"], ["a"]), node("Neg", ["x"], ["n"]), node("Concat", ["x", "a", "n"], axis=1)),
        exact=True,
    ),
    "Concat inner": Case(
        transposed(node("Abs", ["frames"], ["a"]), node("Concat", ["frames", "a"], axis=2)), exact=True
    ),
    **{
        f"Pad {mode}": Case(
            (node("Pad", ["x", "pads"], mode=mode),), {"pads": i64(0, 2, 0, 0, 1, 0)}, exact=True
        )
        for mode in ("constant", "edge", "reflect", "wrap")
    },
    "Pad away": Case(
        (node("Pad", ["x", "pads", "value"]),),
        {"pads": i64(0, -1, 0, 0, 2, 0), "value": np.float32(0.5)},
        exact=True,
    ),
    "Slice of all time": Case(
        (node("Slice", ["x", "from", "to", "axis"]),),
        {"from": i64(0), "to": i64(2**62), "axis": i64(2)},
        exact=True,
    ),
    "Slice of a padded convolution": Case(
        (
            node("Conv", ["x", "w"], ["c"], dilations=[2], pads=[4, 4]),
            node("Slice", ["c", "from", "to", "axis"]),
        ),
        {"w": weights(2, 3, 3), "from": i64(0), "to": i64(-4), "axis": i64(-1)},
    ),
    "Gather": Case((node("Gather", ["x", "places"], axis=1),), {"places": i64(2, -3, 2)}, exact=True),
    "Gather one": Case((node("Gather", ["x", "place"], axis=1),), {"place": i64(1)[0]}, exact=True),
    "Expand": Case((node("Expand", ["x", "shape"]),), {"shape": i64(2, 3, N_TIMES)}, exact=True),
    "Tile": Case((node("Tile", ["x", "repeats"]),), {"repeats": i64(1, 3, 1)}, exact=True),
    "Flatten": Case((node("Flatten", ["x"], axis=2),), exact=True),
    "Slice every second, backwards": Case(
        (node("Slice", ["x", "from", "to", "axis", "step"]),),
        {"from": i64(-1), "to": i64(-(2**62)), "axis": i64(1), "step": i64(-2)},
        n_chans=6,
        exact=True,
    ),
    "Shape folded": Case(
        (
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "last"], ["n"]),
            node("Unsqueeze", ["n", "axis"], ["end"]),
            node("Concat", ["lead", "end"], ["target"], axis=0),
            node("Reshape", ["x", "target"]),
        ),
        {"last": i64(2)[0], "axis": i64(0), "lead": i64(1, 1, 3)},
        exact=True,
    ),
}
