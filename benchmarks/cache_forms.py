"""What a step of a cache costs on Cortex-M4 in each of its forms, counted under QEMU.

Writes benchmarks/results/cache_forms.json. A window that slides moves back in one step of its period: counts
of a whole period, and of one step less, give the mean and the worst step.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from edgeeeg import terminal
from edgeeeg.evidence import Evidence
from edgeeeg_bench.counters import plugin_args, read_counts
from edgeeeg_bridge.board_run import run_emulated
from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.cache import Cache
from edgeeeg_export.ops.cache_form import CacheForm
from edgeeeg_export.ops.conv import Conv
from edgeeeg_export.ops.dequantize_linear import DequantizeLinear
from edgeeeg_export.ops.quantize_linear import QuantizeLinear
from edgeeeg_export.ops.slice import Slice
from edgeeeg_export.targets import c
from edgeeeg_export.tensor import DType, TensorType

BOARD, LAYER = "qemu:mps2-an386", "cache_layer_cache"
ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "cache_forms.json"
SHAPES: tuple[tuple[int, int, int], ...] = (
    (22, 63, 1),
    (22, 63, 8),
    (22, 63, 32),
    (8, 15, 1),
    (16, 15, 4),
    (32, 2, 1),
    (1, 24, 8),
)
"""Rows, old frames and new frames: long kernels over electrodes, short ones over features, one channel."""


def graph(rows: int, length: int, new: int, dtype: DType) -> Graph:
    """A step of a cache of floats or int8."""
    cache = Node("cache", Cache(length), ("q",), ("window",))
    first = Node("first", Slice(1, 0, 1), ("window",), ("row",))  # the link carries few outputs
    whole = Node("sum", Conv(), ("sum_of", "weight"), ("y",))
    x = {"q" if dtype == "float32" else "x": TensorType((1, rows, new), 2, 1)}
    weight = {"weight": np.ones((1, 1, length + new), dtype=np.float32)}
    if dtype == "float32":
        return Graph("cache", x, ("y",), (cache, first, whole.renamed({"sum_of": "row"})), weight)
    nodes = (
        Node("quantize", QuantizeLinear(0.25, "int8"), ("x",), ("q",)),
        cache,
        first,
        Node("dequantize", DequantizeLinear(0.25), ("row",), ("sum_of",)),
        whole,
    )
    return Graph("cache", x, ("y",), nodes, weight)


def counted(program: c.CProgram, rows: int, frames: int) -> int:
    """Instructions of the cache's layer while so many frames run on the board."""
    noise = np.random.default_rng(0).integers(-100, 100, (frames, rows)).astype(np.int16)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        found = scratch / "counts.tsv"
        sources = program.write(scratch / "c")
        run_emulated(sources, scratch, BOARD, noise, lambda elf: plugin_args(elf, found, scratch))
        return next(count.inclusive for count in read_counts(found) if count.name == LAYER)


def row(rows: int, length: int, new: int, dtype: DType) -> dict[str, object]:
    """Both forms of one cache: instructions of the mean and of the worst step, and bytes."""
    step = graph(rows, length, new, dtype)
    (cache,) = (node for node in step.nodes if node.name == "cache")
    forms = cache.op.forms(step.types(cache.inputs)) if isinstance(cache.op, Cache) else ()
    found: dict[str, object] = {"rows": rows, "old": length, "new": new, "dtype": dtype}
    found["chosen"] = forms[0].name
    for form in forms:
        program = c.emit(step, 1.0, sliding=bool(form.spare))
        if form.spare and form is not forms[0]:
            continue  # the generator would not make it
        found[form.name] = counts(form, program)
    return found


def counts(form: CacheForm, program: c.CProgram) -> dict[str, float]:
    """One form: of a period, and of its last step."""
    period = form.spare // form.new + 1
    before = counted(program, form.rows, period * form.new)
    whole = counted(program, form.rows, (period + 1) * form.new)
    if not form.spare:
        return {"mean": whole - before, "worst": whole - before, "bytes": form.size * form.element}
    one_less = counted(program, form.rows, (period - 1) * form.new)
    return {
        "mean": round(before / period, 1),
        "worst": before - one_less,
        "bytes": (form.size + form.spare) * form.element,
        "modelled_mean": round(form.mean, 1),
    }


def main() -> None:
    """Count every cache and write the file."""
    found = []
    for dtype in ("float32", "int8"):
        for shape in SHAPES:
            found.append(row(*shape, dtype))
            terminal.stdout.print(found[-1])
    result = {
        "what": "instructions of a step of a cache, by how its frames go on; bytes with spare memory",
        "evidence": str(Evidence.COUNTED),
        "core": "cortex-m4",
        "caches": found,
    }
    RESULTS.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
