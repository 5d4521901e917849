"""C on the host: compile the generated source into a shared library and call it."""

from __future__ import annotations

import ctypes
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import BundleError
from edgeeeg_export.toolchain import compile_shared


class NativeModel:
    """One instance of a compiled model.

    Parameters
    ----------
    c_folder : Path
        The generated sources.
    build : Path
        Where the library goes.
    n_outputs, hop, saved_bytes : int
        As the generated header has them.
    """

    def __init__(self, c_folder: Path, build: Path, n_outputs: int, hop: int, saved_bytes: int) -> None:
        sources = sorted(c_folder.glob("*.c"))
        build.mkdir(parents=True, exist_ok=True)
        with as_file(files("edgeeeg_export").joinpath("runtime/edgeeeg_host.c")) as host:
            library = compile_shared([*sources, host], c_folder, build / "libmodel.so")
        self._library = ctypes.CDLL(str(library.resolve()))
        self._library.edgeeeg_host_size.restype = ctypes.c_size_t
        self._library.edgeeeg_host_run.restype = ctypes.c_long
        self._library.edgeeeg_host_flush.restype = ctypes.c_long
        self._library.edgeeeg_host_save.restype = ctypes.c_size_t
        self._model = ctypes.create_string_buffer(self._library.edgeeeg_host_size())
        self._n_outputs, self._hop, self._saved_bytes = n_outputs, hop, saved_bytes
        self.reset()

    def reset(self) -> None:
        """Back to the state before the first sample."""
        self._library.edgeeeg_host_init(self._model)

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Push (n_times, n_chans) counts, any number; returns (n_steps, n_outputs)."""
        samples = np.ascontiguousarray(samples, dtype=np.int16)
        outputs = np.empty((len(samples) // self._hop + 1, self._n_outputs), dtype=np.float32)
        steps = self._library.edgeeeg_host_run(
            self._model,
            samples.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(len(samples)),
            outputs.ctypes.data_as(ctypes.c_void_p),
        )
        if steps < 0:
            raise BundleError(f"the compiled model refused its input with error {steps}")
        return outputs[:steps]

    def flush(self, n_steps: int) -> NDArray[np.float32]:
        """End the recording; returns the outputs (n_steps, n_outputs) that remain, at most `n_steps`."""
        outputs = np.empty((n_steps, self._n_outputs), dtype=np.float32)
        steps = self._library.edgeeeg_host_flush(
            self._model, outputs.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(n_steps)
        )
        return outputs[:steps]

    def save(self) -> bytes:
        """The state, as the board would save it."""
        buffer = ctypes.create_string_buffer(self._saved_bytes)
        written = self._library.edgeeeg_host_save(self._model, buffer, ctypes.c_size_t(self._saved_bytes))
        return buffer.raw[:written]

    def restore(self, saved: bytes) -> None:
        """Continue from a saved state.

        Raises
        ------
        BundleError
            If the bytes are another model's, or damaged.
        """
        if self._library.edgeeeg_host_restore(self._model, saved, ctypes.c_size_t(len(saved))):
            raise BundleError(
                "the saved state belongs to another model or is damaged; the model keeps its own"
            )
