"""What tests of integer cells share: one operator in C, in ONNX Runtime, and in chunks, on given integers."""

from __future__ import annotations

import ctypes

import numpy as np

from edgeeeg_export.graph import Graph, Node
from edgeeeg_export.ops.op import CCall
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.targets.onnx_run import run_steps
from edgeeeg_export.tensor import C_TYPE
from edgeeeg_export.toolchain import compile_shared

RUNTIME = "edgeeeg_kernels.h"


def operator_graph(op, sequences, constants):
    """A graph of the operator alone: types of what varies in time, and constants, by the operands' names."""
    node = Node("cell", op, op.operands, op.results)
    return Graph("cell", sequences, op.results, (node,), constants)


def as_in_onnxruntime(graph, hop, values):
    """The outputs of the step model by name, step after step."""
    return run_steps(stream(graph, hop), values)


def as_in_c(op, types, values, folder, states=None):
    """Outputs and last states of the operator's own C, compiled for this machine."""
    from importlib.resources import as_file, files

    outputs, memories = op.infer(types), op.states(types)
    names = {
        "x": [t.dtype for t in types],
        "y": [t.dtype for t in outputs],
        "state": [s.dtype for s in memories],
    }
    arguments = [
        f"{C_TYPE[dtype]} *{stem}{k}" for stem, dtypes in names.items() for k, dtype in enumerate(dtypes)
    ]
    pointers = {stem: tuple(f"{stem}{k}" for k in range(len(dtypes))) for stem, dtypes in names.items()}
    call = op.emit_c(CCall(pointers["x"], pointers["y"], pointers["state"], types, outputs))
    source = folder / "cell.c"
    source.write_text(
        f'#include "{RUNTIME}"\nvoid cell({", ".join(arguments)});\n'
        f"void cell({', '.join(arguments)}) {{\n{call}\n}}\n"
    )
    with as_file(files("edgeeeg_export").joinpath("runtime")) as runtime:
        library = compile_shared([source], runtime, folder / "cell.so")
    made = [np.empty(t.shape, t.dtype) for t in outputs]
    after = [s.start() for s in memories] if states is None else [s.copy() for s in states]
    held = [np.ascontiguousarray(value) for value in values]
    arrays = (*held, *made, *after)
    ctypes.CDLL(str(library)).cell(*(array.ctypes.data_as(ctypes.c_void_p) for array in arrays))
    return made, after


def in_chunks(op, values, states, chunk):
    """Outputs, and last states, of calls on `chunk` frames each."""
    frames = next(v.shape[a] for v, a in zip(values, op.window_axes, strict=True) if a is not None)
    pieces = []
    for start in range(0, frames, chunk):
        part = tuple(
            value if axis is None else np.take(value, range(start, min(start + chunk, frames)), axis)
            for value, axis in zip(values, op.window_axes, strict=True)
        )
        results, states = op.run(part, states)
        pieces.append(results)
    return [np.concatenate(column, axis=1) for column in zip(*pieces, strict=True)], states
