"""What a user may bring: a shipped model, `module:factory` with weights, a `.pt2`, `.onnx` or `.nir` file."""

from __future__ import annotations

import importlib
import inspect
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from google.protobuf.message import DecodeError

from edgeeeg_export import capture
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.importer import import_inputs
from edgeeeg_export.input_layout import OURS, adapt_module, adapt_onnx
from edgeeeg_export.input_spec import InputSpec, common_ticks, require_one_duration
from edgeeeg_export.quantize.qdq_read import float_model
from edgeeeg_export.snntorch_neuron import spiking_layers
from edgeeeg_export.source import OnnxSource, Source, TorchSource

if TYPE_CHECKING:
    import torch

SHIPPED = ("edge-detector", "edge-detector-normalised")
"""The project's own detector, trained on µV and on amplitude-normalised EEG."""

FILES = (".pt2", ".onnx", ".nir")
"""Endings of files that hold a whole model."""

DEFAULT_TIMES = 1024


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model as ONNX, beside the original that it will be compared with and what that says of its input.

    `inputs` has what it says of each, if it says all; `sfreq` and `unit` are those of the first.
    """

    onnx_model: onnx.ModelProto
    source: Source | None
    sfreq: float | None
    unit: str
    threshold: float | None = None
    sfreq_is_fixed: bool = False
    """Whether the weights were trained for that rate, so that no other may be declared."""
    inputs: tuple[InputSpec, ...] = ()

    @property
    def ticks(self) -> dict[str, int]:
        """What a sample of each input lasts in ticks of the clock that they share."""
        return common_ticks({spec.name: spec.sfreq for spec in self.inputs})


def load_model(
    what: str | torch.nn.Module,
    weights: Path | None = None,
    n_chans: int | None = None,
    n_times: int | None = None,
    layout: str | None = None,
    inputs: tuple[InputSpec, ...] | None = None,
) -> LoadedModel:
    """Load and capture a model.

    Parameters
    ----------
    what : str or torch.nn.Module
        One of `SHIPPED`, `module:factory` (a function or class called without arguments), a path to `.pt2`,
        `.onnx` or `.nir`, or a module.
    weights : Path, optional
        State dict for `module:factory`: `.safetensors`, or `.pt` read with `weights_only`.
    n_chans, n_times : int, optional
        Shape to trace a module with; by default its attributes `n_chans` and `n_times`, or `DEFAULT_TIMES`.
    layout : str, optional
        Axes of the model's input, one of `input_layout.LAYOUTS`; by default (batch, channels, time), and for
        an `.onnx` file with four axes what their sizes tell.
    inputs : tuple of InputSpec, optional
        Each input of a model with several; by default a module's attribute `inputs`.

    Raises
    ------
    CaptureError
        If it cannot be found, read or traced, or an option could have no effect on it; the message says what
        would work.
    """
    _require_effect(what, weights, n_chans, n_times)
    if inputs is not None:
        if n_chans is not None or n_times is not None:
            raise CaptureError(
                "`inputs` says channels and samples of each input: leave out n_chans and n_times"
            )
        require_one_duration(inputs)
    loaded = _load(what, weights, n_chans, n_times, layout, inputs)
    if loaded.inputs:
        _require_shapes(loaded)
        return replace(loaded, sfreq=loaded.inputs[0].sfreq, unit=loaded.inputs[0].unit)
    return loaded


def _load(
    what: str | torch.nn.Module,
    weights: Path | None,
    n_chans: int | None,
    n_times: int | None,
    layout: str | None,
    inputs: tuple[InputSpec, ...] | None,
) -> LoadedModel:
    if not isinstance(what, str):
        return _from_module(what, n_chans, n_times, "uV", layout, inputs)
    if layout is not None and (what in SHIPPED or what.endswith((".pt2", ".nir"))):
        raise CaptureError(f"{what} takes (batch, channels, time); leave out --layout")
    if what in SHIPPED:
        if inputs is not None:
            raise CaptureError(f"{what} has one input and says all of it: leave out `inputs`")
        return _from_shipped(what)
    if what.endswith(".pt2"):
        program = capture.load_program(_existing(what))
        _require_finite(what, program.state_dict)
        names, n_inputs = tuple(spec.name for spec in inputs or ()), len(capture.input_names(program))
        if len(names) not in (0, n_inputs):
            raise CaptureError(
                f"{what} has {n_inputs} inputs and {len(names)} were described: {', '.join(names)}"
            )
        converted = capture.to_onnx(program, names)
        return LoadedModel(converted.model, TorchSource(converted.program), None, "uV", inputs=inputs or ())
    if what.endswith(".onnx"):
        return replace(_from_onnx_file(_existing(what), layout), inputs=inputs or ())
    if what.endswith(".nir"):
        from edgeeeg_export.nir_read import read_nir

        return _from_module(read_nir(_existing(what)), None, None, "uV", layout, inputs)
    if ":" in what:
        return _from_module(load_module(what, weights), n_chans, n_times, "uV", layout, inputs)
    raise CaptureError(
        f"'{what}' is not a model: give one of {', '.join(SHIPPED)}, module:factory, a .pt2, an .onnx "
        "or a .nir file"
    )


def is_factory(what: str) -> bool:
    """Whether a model is a `module:factory`, whose weights and traced shape are still to be chosen."""
    return what not in SHIPPED and not what.endswith(FILES) and ":" in what


def _require_effect(
    what: str | torch.nn.Module, weights: Path | None, n_chans: int | None, n_times: int | None
) -> None:
    """Refuse an option that would be ignored: the user believes that it was heeded."""
    if not isinstance(what, str):
        if weights is not None:
            raise CaptureError(f"{type(what).__name__} is a module that has its weights: leave out `weights`")
        return
    if is_factory(what) or not (what in SHIPPED or what.endswith(FILES)):
        return
    if weights is not None:
        raise CaptureError(f"{what} holds its own weights; leave out --weights")
    for option, value in (("--n-chans", n_chans), ("--n-times", n_times)):
        if value is not None:
            raise CaptureError(f"{what} has its own shape and is not traced again; leave out {option}")


def load_module(what: str, weights: Path | None = None) -> torch.nn.Module:
    """The module of a `module:factory`, with its weights where a file of them is given.

    Raises
    ------
    CaptureError
        If it cannot be imported, built or loaded; the message says what would work.
    """
    module = _build(what)
    if weights is not None:
        _load_weights(module, weights)
    return module


def _from_shipped(what: str) -> LoadedModel:
    from edgeeeg.models.pretrained import load_pretrained

    normalised = what.endswith("-normalised")
    trained = load_pretrained("normalised" if normalised else "raw")
    loaded = _from_module(trained.model, None, None, "z" if normalised else "uV")
    return replace(loaded, threshold=trained.thresholds["carried"], sfreq_is_fixed=True)


def _existing(path: str) -> str:
    if not Path(path).is_file():
        raise CaptureError(f"there is no file {path}")
    return path


def _from_module(
    module: torch.nn.Module,
    n_chans: int | None,
    n_times: int | None,
    unit: str,
    layout: str | None = None,
    inputs: tuple[InputSpec, ...] | None = None,
) -> LoadedModel:
    _require_finite(type(module).__name__, module.state_dict(keep_vars=True))
    inputs = inputs or _declared_inputs(module)
    if inputs:
        if n_chans is not None or n_times is not None:
            raise CaptureError(
                f"{type(module).__name__} says channels and samples of each of its inputs: leave out "
                "--n-chans, --n-times and --channel"
            )
        if layout is not None and len(inputs) > 1:
            raise CaptureError(
                f"{type(module).__name__} has {len(inputs)} inputs, and each is (batch, channels, time): "
                "leave out --layout"
            )
        if spiking_layers(module):
            if len(inputs) > 1:
                raise CaptureError(
                    f"{type(module).__name__} is built from snnTorch layers and has {len(inputs)} inputs; "
                    "use edgeeeg.layers, which take several"
                )
            (spec,) = inputs
            loaded = _from_snntorch(module, spec.shape[1], spec.n_times, layout, spec.name)
            return replace(loaded, inputs=inputs)
        module = adapt_module(module, layout or OURS)
        program = capture.trace_inputs(module, tuple(spec.shape for spec in inputs))
        converted = capture.to_onnx(program, tuple(spec.name for spec in inputs))
        return LoadedModel(converted.model, TorchSource(converted.program, module), None, unit, inputs=inputs)
    n_chans = _declared(module, "n_chans") if n_chans is None else n_chans
    if n_chans is None:
        raise CaptureError(
            f"{type(module).__name__} does not say how many channels it takes: pass --n-chans, or give it an "
            "attribute n_chans"
        )
    declared = _declared(module, "hop")
    hop = 1 if declared is None else declared
    n_times = _declared(module, "n_times") if n_times is None else n_times
    for name, value in (("n_chans", n_chans), ("hop", hop), ("n_times", n_times)):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise CaptureError(
                f"{type(module).__name__}.{name} is {value!r}; it must be a whole number from 1"
            )
    n_times = -(-DEFAULT_TIMES // hop) * hop if n_times is None else n_times
    sfreq = _declared(module, "sfreq")
    if spiking_layers(module):
        return replace(_from_snntorch(module, n_chans, n_times, layout), sfreq=sfreq, unit=unit)
    module = adapt_module(module, layout or OURS)
    program = capture.trace(module, n_chans, n_times)
    converted = capture.to_onnx(program)
    return LoadedModel(converted.model, TorchSource(converted.program, module), sfreq, unit)


def _require_finite(owner: str, state: dict[str, Any]) -> None:
    """Refuse weights that are no finite numbers by their own names, which a traced program does not keep."""
    import torch

    for name, value in state.items():
        if not isinstance(value, torch.Tensor) or torch.nn.parameter.is_lazy(value) or value.is_meta:
            continue  # a module's extra state, or a weight that has no values before the first call
        unfit = value.detach()[~value.detach().isfinite()]
        if unfit.numel():
            kind = "parameter" if isinstance(value, torch.nn.Parameter) else "buffer"
            what = "NaN" if unfit[0].isnan() else "infinity"
            raise CaptureError(
                f"{owner}'s {kind} '{name}' {tuple(value.shape)} holds {what} in {unfit.numel()} of "
                f"{value.numel()} values; train it again or load other weights"
            )


def _from_snntorch(
    module: torch.nn.Module, n_chans: int, n_times: int, layout: str | None, name: str = "eeg"
) -> LoadedModel:
    """A model built from snnTorch layers, to be compared with itself called step by step."""
    from edgeeeg_export.snntorch_model import adapt_snntorch
    from edgeeeg_export.snntorch_source import SnnTorchSource

    adapted = adapt_snntorch(module, n_chans, layout)
    converted = capture.to_onnx(capture.trace(adapted.model, n_chans, n_times), (name,))
    return LoadedModel(converted.model, SnnTorchSource(converted.program, adapted), None, "uV")


def _declared_inputs(module: torch.nn.Module) -> tuple[InputSpec, ...]:
    """The attribute `inputs` of a module, where it describes its inputs; layers may bear that name too."""
    declared = _declared(module, "inputs")
    if not isinstance(declared, (tuple, list)) or not any(isinstance(spec, InputSpec) for spec in declared):
        return ()
    if not all(isinstance(spec, InputSpec) for spec in declared):
        raise CaptureError(f"{type(module).__name__}.inputs is {declared!r}; it must be a tuple of InputSpec")
    require_one_duration(declared)
    return tuple(declared)


def _require_shapes(loaded: LoadedModel) -> None:
    """What is said of the inputs must be true of the model: names, order and shapes."""
    said = {spec.name: spec.shape for spec in loaded.inputs}
    has = {name: type_.shape for name, type_ in import_inputs(loaded.onnx_model).items()}
    if list(said.items()) != list(has.items()):
        described, found = (
            ", ".join(f"{name} {shape}" for name, shape in inputs.items()) for inputs in (said, has)
        )
        raise CaptureError(f"the model's inputs are {found}, and `inputs` says {described}; name them so")


def _from_onnx_file(path: str, layout: str | None) -> LoadedModel:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CaptureError(f"{path} is not a valid ONNX model: {reason}") from error
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < 13:
        raise CaptureError(
            f"{path} has opset {opset}; opset 13 or later is needed: convert it with onnx.version_converter"
        )
    model = adapt_onnx(model, layout)
    ours = any(node.domain == "edgeeeg" for node in model.graph.node)
    return LoadedModel(model, None if ours else OnnxSource(float_model(model)), None, "uV")


def _build(what: str) -> torch.nn.Module:
    import torch

    module_name, _, factory_name = what.partition(":")
    if not module_name or not factory_name:
        raise CaptureError(f"'{what}' names no module or no factory: write module:factory")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        factory: Any = getattr(importlib.import_module(module_name), factory_name)
    except ImportError as error:
        raise CaptureError(
            f"cannot import '{module_name}' ({error}); run where it can be imported"
        ) from error
    except Exception as error:  # whatever the user's own module raises as it is imported
        if isinstance(error, AttributeError) and error.name == factory_name:
            raise CaptureError(f"module '{module_name}' has no '{factory_name}'") from error
        raise CaptureError(
            f"importing '{module_name}' failed with {type(error).__name__}: {error}"
        ) from error
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise CaptureError(f"{what} must be callable without arguments: {error}") from error
    try:
        built = factory()
    except Exception as error:
        raise CaptureError(f"{what} failed with {type(error).__name__}: {error}") from error
    if not isinstance(built, torch.nn.Module):
        raise CaptureError(f"{what} returned a {type(built).__name__}, not a torch.nn.Module")
    return built


def _load_weights(module: torch.nn.Module, weights: Path) -> None:
    import torch
    from safetensors.torch import load_file

    path = _existing(str(weights))
    if weights.suffix not in (".safetensors", ".pt", ".pth"):
        raise CaptureError(f"{weights} must end in .safetensors, .pt or .pth")
    try:
        if weights.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises what its unpickler stumbles over: KeyError, ValueError and more
        raise CaptureError(
            f"{weights} cannot be read as a plain state dict ({type(error).__name__}); save state_dict() "
            "with safetensors"
        ) from error
    try:
        module.load_state_dict(state)
    except (RuntimeError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise CaptureError(f"{weights} does not hold the weights of this model: {reason}") from error


def _declared(module: torch.nn.Module, name: str) -> Any:
    """An attribute in which a module says what it takes, or None."""
    try:
        return getattr(module, name, None)
    except ValueError:  # braindecode's answer for what a model was not told
        return None
