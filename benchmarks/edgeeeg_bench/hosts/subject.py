"""The models of the host bench, each compiled by us and in the forms that other runtimes take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from torch import nn

from edgeeeg_bench.hosts.step_model import OneStep, StepModel
from edgeeeg_bench.zoo.crnn import Crnn
from edgeeeg_bench.zoo.entry import SEED, braindecode_module
from edgeeeg_bench.zoo.epidenet import EpiDeNet
from edgeeeg_export import contract, reference
from edgeeeg_export.loading import load_model
from edgeeeg_export.pipeline import Compiled, compile_model
from edgeeeg_export.targets import onnx_step
from edgeeeg_export.tensor import Array
from edgeeeg_export.verification_counts import counts_for


@dataclass(frozen=True, slots=True)
class HostModel:
    """A model of the bench: how it is built, its rate (Hz), the samples of a step, and steps of a repeat."""

    name: str
    build: Callable[[], nn.Module]
    n_chans: int
    n_times: int
    sfreq: float
    hop: int
    steps: int

    @property
    def streams(self) -> bool:
        """Whether states are carried; else every step is a window of its own."""
        return self.hop < self.n_times


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A compiled model, samples for its steps, and what they must give.

    `counts` (n_times, n_chans) int16; `samples` one array (1, n_chans, hop) a step; `truth` (n_steps,
    n_outputs) of the NumPy reference. `forms` has ONNX models by name: `step` is ours, `captured` what torch
    exported, where a step is a whole window. `module` takes a step and the states `initial`.
    """

    model: HostModel
    compiled: Compiled
    counts: contract.Counts
    samples: tuple[Array, ...]
    truth: Array
    forms: dict[str, onnx.ModelProto]
    module: nn.Module
    initial: tuple[torch.Tensor, ...]

    @property
    def states(self) -> dict[str, Array]:
        """Initial values of the states of `forms["step"]`."""
        return {state.name: state.start() for state in self.compiled.subject.step.all_states()}


def models() -> tuple[HostModel, ...]:
    """The step model of one sample a step, and three networks that classify whole windows."""
    return (
        HostModel("conv + LIF + RWKV + selective scan", StepModel, 8, 256, 256.0, 1, 500),
        HostModel("EEGNetv4, 22 × 256", braindecode_module("EEGNetv4", 22, 256), 22, 256, 256.0, 256, 30),
        HostModel("EpiDeNet, 4 × 1024", EpiDeNet, 4, 1024, 256.0, 1024, 30),
        HostModel("conv + LSTM, 22 × 256", lambda: Crnn(cell=nn.LSTM), 22, 256, 256.0, 256, 30),
    )


def prepare(model: HostModel) -> Subject:
    """Build with seeded weights, compile, and run the reference over the samples of all steps."""
    loaded = load_model(_seeded(model), n_chans=model.n_chans, n_times=model.n_times)
    compiled = compile_model(
        loaded,
        name="model",
        sfreq=model.sfreq,
        hop=model.hop,
        semantics="continuous" if model.streams else "windowed",
    )
    subject = compiled.subject
    # eight windows, or as many samples as a repeat has steps: a ring that later repeats read again
    counts = counts_for(compiled.manifest, None)[: model.hop * (model.steps if model.streams else 8)]
    samples = subject.samples(counts)
    truth = contract.stack_outputs(subject.step, reference.run(subject.offline, samples).tensors)
    (values,) = samples.values()
    hops = tuple(np.ascontiguousarray(hop) for hop in np.split(values, len(counts) // model.hop, axis=2))
    forms = {"step": onnx_step.emit(subject.step)}
    module = _seeded(model)
    if isinstance(module, StepModel):
        stepper = OneStep(module).eval()
        return Subject(model, compiled, counts, hops, truth, forms, stepper, stepper.initial())
    return Subject(model, compiled, counts, hops, truth, forms | {"captured": loaded.onnx_model}, module, ())


def _seeded(model: HostModel) -> nn.Module:
    torch.manual_seed(SEED)
    module = model.build().eval()
    for parameter in module.parameters():  # braindecode's were made in inference mode, which no export takes
        parameter.data = parameter.data.clone()
    return module
