"""Run a bundle on this machine, any number of samples at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeeeg.bundle import Bundle
from edgeeeg.cells.state_width import SATURATED
from edgeeeg.errors import BundleError, MissingDependency, RecordingError
from edgeeeg.manifest import InputInfo, StateInfo

MODEL = "model.onnx"
NEXT = ".next"
Samples = NDArray[np.float32]


class Stream:
    """A bundle's step program in ONNX Runtime, with its states and the samples that wait for a full step.

    Parameters
    ----------
    bundle : Bundle, or path of its folder

    Raises
    ------
    MissingDependency
        If onnxruntime is not installed.
    """

    def __init__(self, bundle: Bundle | str | Path) -> None:
        bundle = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingDependency(
                "running a bundle needs onnxruntime; install it with: pip install 'edgeeeg[ort]'"
            ) from error
        self.bundle = bundle
        options = onnxruntime.SessionOptions()
        # a step is a few microseconds of arithmetic: threads would only add their waking up
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(bundle.path(MODEL)), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own exceptions have no common base but this
            raise BundleError(
                f"{bundle.folder}: onnxruntime cannot load {MODEL} ({type(error).__name__}); export it again"
            ) from error
        self._require_agreement()
        self._outputs = [info.name for info in bundle.manifest.outputs]
        self._nexts = [info.name + NEXT for info in bundle.manifest.states]
        self.reset()

    def _require_agreement(self) -> None:
        """The model must take and give what the manifest says."""
        info = self.bundle.manifest
        takes = {value.name: tuple(value.shape) for value in self._session.get_inputs()}
        gives = {value.name: tuple(value.shape) for value in self._session.get_outputs()}
        states = {state.name: state.shape for state in info.states}
        expected_in = {each.name: (1, len(each.ch_names), each.hop) for each in info.inputs} | states
        expected_out = {output.name: output.shape for output in info.outputs}
        expected_out |= {name + NEXT: shape for name, shape in states.items()}
        if takes != expected_in or gives != expected_out:
            raise BundleError(
                f"{self.bundle.folder}: {MODEL} and manifest.json disagree in names or shapes; export "
                "the model again"
            )

    def reset(self) -> None:
        """Back to the state before the first sample."""
        info = self.bundle.manifest
        self._waiting = {each.name: _silence(each, 0) for each in info.inputs}
        self._states = {state.name: _start(state) for state in info.states}
        self._early = info.delay_steps
        self._ended = False

    @property
    def saturations(self) -> dict[str, int]:
        """How often integer states would have left their range, by layer, as a device counts it.

        Layers whose states are float32 have no counter.
        """
        counters = {name: name.rpartition(".") for name in self._states}
        return {
            layer: int(self._states[name][0])
            for name, (layer, _, state) in counters.items()
            if state == SATURATED
        }

    def push(self, samples: Samples | Mapping[str, Samples]) -> NDArray[np.float32]:
        """Append samples and run every step that they complete.

        Parameters
        ----------
        samples : ndarray, (n_chans, n_times), or mapping of str to ndarray
            In the unit of the manifest; any n_times. Of a model of several inputs those of each by name, in
            any amounts; one that is left out gets none, and a step runs when it has all it takes of each.

        Returns
        -------
        ndarray of float32, (n_steps, n_outputs)
            All outputs of each step, flattened in manifest order; n_steps may be 0. The first come as many
            steps later as the manifest says.

        Raises
        ------
        RecordingError
            If channels or inputs do not match, a sample is not finite or the recording has been ended;
            nothing is taken then.
        """
        inputs = self.bundle.manifest.inputs
        given = samples if isinstance(samples, Mapping) else self._of_the_only_input(samples)
        for name in given:
            if name not in self._waiting:
                raise RecordingError(f"the model has no input '{name}', only {', '.join(self._waiting)}")
        checked = {info.name: _checked(info, given[info.name]) for info in inputs if info.name in given}
        if self._ended:
            raise RecordingError("the recording was ended by flush(); reset() begins another")
        for name, more in checked.items():
            self._waiting[name] = np.concatenate([self._waiting[name], more], axis=1)
        steps = []
        while all(self._waiting[info.name].shape[1] >= info.hop for info in inputs):
            steps.append(self._step({i.name: self._waiting[i.name][:, : i.hop] for i in inputs}))
            self._waiting = {info.name: self._waiting[info.name][:, info.hop :] for info in inputs}
        return self._ready(steps)

    def _of_the_only_input(self, samples: Samples) -> dict[str, Samples]:
        (first, *others) = self._waiting
        if others:
            raise RecordingError(
                f"the model has {len(self._waiting)} inputs: push a mapping of {', '.join(self._waiting)} to "
                "their samples"
            )
        return {first: samples}

    def flush(self) -> NDArray[np.float32]:
        """End the recording and return the outputs (n_steps, n_outputs) that its last samples complete.

        Samples that fill no step are left out. Only a model that looks ahead has any; after this, `reset`.
        """
        info = self.bundle.manifest
        if self._ended:
            return self._ready([])
        self._ended = True
        if info.ended_state is not None:
            self._states[info.ended_state] = np.ones_like(self._states[info.ended_state])
        silence = {each.name: _silence(each, each.hop) for each in info.inputs}
        return self._ready([self._step(silence) for _ in range(info.flush_steps)])

    def _ready(self, steps: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The outputs of these steps, without those from before the start of the recording."""
        early = min(self._early, len(steps))
        self._early -= early
        size = sum(int(np.prod(output.shape)) for output in self.bundle.manifest.outputs)
        ready = steps[early:]
        return np.stack(ready) if ready else np.empty((0, size), dtype=np.float32)

    def _step(self, hop: Mapping[str, Samples]) -> NDArray[np.float32]:
        feeds = {name: np.ascontiguousarray(values[None]) for name, values in hop.items()} | self._states
        results = self._session.run([*self._outputs, *self._nexts], feeds)
        self._states = dict(zip(self._states, results[len(self._outputs) :], strict=True))
        return np.concatenate([np.ravel(value) for value in results[: len(self._outputs)]])


def _silence(info: InputInfo, n_times: int) -> Samples:
    return np.zeros((len(info.ch_names), n_times), dtype=np.float32)


def _checked(info: InputInfo, samples: Samples) -> Samples:
    """Samples of an input that fit it, as float32."""
    samples = np.asarray(samples, dtype=np.float32)
    if samples.ndim != 2 or samples.shape[0] != len(info.ch_names):
        raise RecordingError(
            f"samples of shape {samples.shape} do not fit input '{info.name}'; expected "
            f"({len(info.ch_names)}, n_times) for channels {', '.join(info.ch_names)}"
        )
    if not np.isfinite(samples).all():
        channel, time = np.argwhere(~np.isfinite(samples))[0]
        raise RecordingError(
            f"channel {info.ch_names[channel]} has a sample that is not finite at index {time}; "
            "repair or interpolate it before pushing"
        )
    return samples


def _start(state: StateInfo) -> NDArray[Any]:
    size = int(np.prod(state.shape))
    return np.full(size, state.initial, dtype=state.dtype).reshape(state.shape)
