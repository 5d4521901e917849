"""C functions on the host: many programs of whole tensors in one shared library, called by name."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from edgeeeg_export.targets.c_function import CFunction
from edgeeeg_export.tensor import Array
from edgeeeg_export.toolchain import compile_shared


class NativeFunctions:
    """Compiled programs without a time axis.

    Parameters
    ----------
    programs : sequence of CFunction
        Of distinct names; they are compiled as one translation unit, which reads the kernels once.
    build : Path
        Where sources and library go.
    flags : tuple of str
        For the compiler, behind those of every build.
    """

    def __init__(self, programs: Sequence[CFunction], build: Path, flags: tuple[str, ...] = ()) -> None:
        build.mkdir(parents=True, exist_ok=True)
        for program in programs:
            for name, text in program.files.items():
                (build / name).write_text(text, encoding="utf-8")
        together = build / "programs_all.c"
        together.write_text("".join(f'#include "{program.prefix}.c"\n' for program in programs))
        with as_file(files("edgeeeg_export").joinpath("runtime")) as runtime:
            library = compile_shared([together], runtime, build / "libprograms.so", flags)
        self._library = ctypes.CDLL(str(library.resolve()))
        self._programs = {program.prefix: program for program in programs}

    def run(self, name: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Call one program; its outputs by name.

        Raises
        ------
        ValueError
            If an input does not have the shape that the program was generated for.
        """
        program = self._programs[name]
        arrays = {key: np.asarray(inputs[key], dtype=np.float32, order="C") for key in program.inputs}
        for key, shape in program.inputs.items():
            if arrays[key].shape != shape:
                raise ValueError(f"input '{key}' is {arrays[key].shape}; {name} was generated for {shape}")
        outputs = {key: np.empty(shape, dtype=np.float32) for key, shape in program.outputs.items()}
        pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (*arrays.values(), *outputs.values())]
        function = getattr(self._library, f"{name}_run")
        function.restype = None
        function(ctypes.create_string_buffer(program.struct_bytes), *pointers)
        return outputs
