"""The float64 twin: the same generated C with every float a double, and libm for the elementary functions."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeeeg_bench.errors import BenchError
from edgeeeg_export.targets.c import CProgram
from edgeeeg_export.toolchain import C_FLAGS, run_tool

MATH_HEADER = "edgeeeg_math.h"


class Float64Twin:
    """One instance of a program in float64: weights as they are, arithmetic and state in double.

    Parameters
    ----------
    program : CProgram
        What the exporter generated.
    build : Path
        Folder for its sources and library.
    n_states : int
        Numbers in its state.

    Raises
    ------
    ToolchainError
        If gcc refuses it.
    BenchError
        If the state of the compiled struct holds another count of numbers.
    """

    def __init__(self, program: CProgram, build: Path, n_states: int) -> None:
        soak = files("edgeeeg_bench") / "soak"
        header = (soak / "double_math.h").read_text(encoding="utf-8")
        folder = replace(program, files={**program.files, MATH_HEADER: header}).write(build / "c")
        library = build / "libtwin.so"
        with (
            as_file(files("edgeeeg_export") / "runtime" / "edgeeeg_host.c") as host,
            as_file(soak / "state_door.c") as door,
        ):
            flags = (*C_FLAGS, "-Dfloat=double", "-DEDGEEEG_LANES=1", "-shared", "-fPIC", "-I", folder)
            run_tool("gcc", *flags, *sorted(folder.glob("*.c")), host, door, "-lm", "-o", library)
        self._library = ctypes.CDLL(str(library.resolve()))
        self._library.edgeeeg_host_size.restype = ctypes.c_size_t
        self._library.edgeeeg_host_run.restype = ctypes.c_long
        self._library.state_door_bytes.restype = ctypes.c_size_t
        self._library.state_door.restype = ctypes.c_void_p
        bytes_ = self._library.state_door_bytes()
        if bytes_ != 8 * n_states:
            raise BenchError(
                f"the twin's state holds {bytes_} bytes where {n_states} doubles take {8 * n_states}: a "
                "state that is not made of floats alone needs its own reading here"
            )
        self._model = ctypes.create_string_buffer(self._library.edgeeeg_host_size())
        self._hop, self._n_outputs, self._n_states = program.hop, program.n_outputs, n_states
        self._library.edgeeeg_host_init(self._model)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float64]:
        """Push whole hops of counts (n_times, n_chans); returns (n_steps, n_outputs)."""
        samples = np.ascontiguousarray(samples, dtype=np.int16)
        outputs = np.empty((len(samples) // self._hop, self._n_outputs))
        steps = self._library.edgeeeg_host_run(
            self._model,
            samples.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(len(samples)),
            outputs.ctypes.data_as(ctypes.c_void_p),
        )
        if steps != len(outputs) or len(samples) % self._hop:
            raise BenchError(
                f"the twin made {steps} steps of {len(samples)} samples: push multiples of {self._hop}"
            )
        return outputs

    @property
    def states(self) -> NDArray[np.float64]:
        """Every number of the state now, in the order of the saved state: (n_states,)."""
        address = self._library.state_door(self._model)
        return np.frombuffer(ctypes.string_at(address, 8 * self._n_states))
