"""C on the host: compile the generated source into a shared library and call it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeeeg.errors import BundleError
from edgeeeg_export.toolchain import compile_shared

Counts = NDArray[np.int16]


class NativeModel:
    """One instance of a compiled model.

    Parameters
    ----------
    c_folder : Path
        The generated sources.
    build : Path
        Where the library goes.
    n_outputs, saved_bytes : int
        As the generated header has them.
    hop : int or mapping of str to int
        Samples of a step; of a model of several inputs those of each by name, in their order.
    """

    def __init__(
        self, c_folder: Path, build: Path, n_outputs: int, hop: int | Mapping[str, int], saved_bytes: int
    ) -> None:
        sources = sorted(c_folder.glob("*.c"))
        build.mkdir(parents=True, exist_ok=True)
        with as_file(files("edgeeeg_export").joinpath("runtime/edgeeeg_host.c")) as host:
            library = compile_shared([*sources, host], c_folder, build / "libmodel.so")
        self._library = ctypes.CDLL(str(library.resolve()))
        self._library.edgeeeg_host_size.restype = ctypes.c_size_t
        self._library.edgeeeg_host_flush.restype = ctypes.c_long
        self._library.edgeeeg_host_save.restype = ctypes.c_size_t
        self._model = ctypes.create_string_buffer(self._library.edgeeeg_host_size())
        several = isinstance(hop, Mapping) and len(hop) > 1
        self._run = self._library.edgeeeg_host_run_inputs if several else self._library.edgeeeg_host_run
        self._run.restype = ctypes.c_long
        self._hops = dict(hop) if isinstance(hop, Mapping) else {"": hop}
        self._n_outputs, self._saved_bytes = n_outputs, saved_bytes
        self.reset()

    def reset(self) -> None:
        """Back to the state before the first sample."""
        self._library.edgeeeg_host_init(self._model)
        self._waiting: dict[str, NDArray[np.int16]] = {}

    def push(self, samples: Counts | Mapping[str, Counts]) -> NDArray[np.float32]:
        """Push (n_times, n_chans) counts, any number; returns (n_steps, n_outputs).

        Parameters
        ----------
        samples : ndarray of int16, or mapping of str to ndarray
            Of a model of several inputs those of each by name; one that is left out gets none.
        """
        if not isinstance(samples, Mapping):
            return self._push_one(np.ascontiguousarray(samples, dtype=np.int16))
        if len(self._hops) == 1:
            (only,) = samples.values()
            return self._push_one(np.ascontiguousarray(only, dtype=np.int16))
        return self._push_several(samples)

    def _push_one(self, samples: Counts) -> NDArray[np.float32]:
        (hop,) = self._hops.values()
        outputs = self._room(len(samples) // hop + 1)
        steps = self._run(
            self._model,
            samples.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(len(samples)),
            outputs.ctypes.data_as(ctypes.c_void_p),
        )
        return self._made(outputs, steps)

    def _push_several(self, samples: Mapping[str, Counts]) -> NDArray[np.float32]:
        """What C does not take yet, because another input lacks samples, waits here."""
        arrays = []
        for name in self._hops:
            pieces = [p for p in (self._waiting.get(name), samples.get(name)) if p is not None]
            joined = np.concatenate(pieces) if pieces else np.empty((0, 0))
            arrays.append(np.ascontiguousarray(joined, dtype=np.int16))
        steps_at_most = min(len(a) // hop for a, hop in zip(arrays, self._hops.values(), strict=True)) + 1
        outputs = self._room(steps_at_most)
        pointers = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
        left = (ctypes.c_size_t * len(arrays))(*map(len, arrays))
        steps = self._run(self._model, pointers, left, outputs.ctypes.data_as(ctypes.c_void_p))
        self._waiting = {
            name: array[len(array) - n :]
            for name, array, n in zip(self._hops, arrays, left, strict=True)
            if n > 0
        }
        return self._made(outputs, steps)

    def _room(self, n_steps: int) -> NDArray[np.float32]:
        return np.empty((n_steps, self._n_outputs), dtype=np.float32)

    @staticmethod
    def _made(outputs: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
        if steps < 0:
            raise BundleError(f"the compiled model refused its input with error {steps}")
        return outputs[:steps]

    def flush(self, n_steps: int) -> NDArray[np.float32]:
        """End the recording; returns the outputs (n_steps, n_outputs) that remain, at most `n_steps`."""
        outputs = self._room(n_steps)
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
