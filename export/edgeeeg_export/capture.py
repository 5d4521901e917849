"""torch in: a module or an exported program becomes an ONNX model with recurrent layers as single nodes."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx

from edgeeeg_export.errors import CaptureError
from edgeeeg_export.module_outputs import output_names
from edgeeeg_export.ops import DOMAIN
from edgeeeg_export.traceable import traceable

if TYPE_CHECKING:
    import torch

OPSET = 20


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No warnings and no log lines of torch's: what goes wrong is raised, and becomes one line."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


@contextlib.contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """A module in evaluation mode; afterwards each of its layers is in the mode that its owner left it in."""
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


def trace(model: torch.nn.Module, n_chans: int, n_times: int) -> torch.export.ExportedProgram:
    """Trace a module of one input (1, n_chans, n_times) in evaluation mode."""
    return trace_inputs(model, ((1, n_chans, n_times),))


def trace_inputs(model: torch.nn.Module, shapes: Sequence[tuple[int, ...]]) -> torch.export.ExportedProgram:
    """Trace a module on inputs of these shapes, in the order of its arguments, in evaluation mode.

    Raises
    ------
    CaptureError
        If torch cannot trace it, for example because its forward branches on values.
    """
    import torch

    example = tuple(torch.zeros(shape) for shape in shapes)
    try:
        with evaluating(model), quiet():
            return torch.export.export(traceable(model), example)
    except CaptureError:
        raise
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CaptureError(
            f"torch.export cannot trace {type(model).__name__} on input {', '.join(map(str, shapes))}: "
            f"{reason}"
        ) from error


@dataclass(frozen=True, slots=True)
class Converted:
    """A program as ONNX, and as the exporter had it last: with the same names for the same tensors.

    The exporter takes operators apart, and the names of what comes out are not those of the program before.
    """

    model: onnx.ModelProto
    program: torch.export.ExportedProgram


def to_onnx(program: torch.export.ExportedProgram, inputs: Sequence[str] = ()) -> Converted:
    """Translate an exported program with torch's dynamo exporter, our recurrent layers as nodes of their own.

    Parameters
    ----------
    inputs : sequence of str, optional
        What to call its inputs, in order; without it one is `eeg`, and several are called as the arguments.

    Raises
    ------
    CaptureError
        If torch knows no ONNX form of one of its operators, or the model returns something else than tensors.
    """
    import torch

    register_operators()
    with quiet():  # only the functional form of a program says what it changes in place
        functional = program.run_decompositions({})
    changed = sorted(functional.graph_signature.buffers_to_mutate.values())
    if changed:
        raise CaptureError(
            f"the model changes its buffer '{changed[0]}' as it runs, a state that the export would lose; "
            "make it a recurrent layer, such as nn.GRU or edgeeeg.layers.MambaBlock"
        )
    register_schemas()
    names = output_names(program)
    translations = _translations()
    try:
        with quiet(), contextlib.redirect_stdout(io.StringIO()):
            converted = torch.onnx.export(
                program,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(inputs or input_names(program)),
                output_names=names,
                custom_translation_table=translations,
                verbose=False,
            )
    except Exception as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise CaptureError(f"torch's ONNX exporter refused the model: {reason}") from error
    if converted is None or converted.exported_program is None:
        raise CaptureError("torch's ONNX exporter returned nothing")
    return Converted(converted.model_proto, converted.exported_program)


def input_names(program: torch.export.ExportedProgram) -> tuple[str, ...]:
    """What the inputs of a torch model are called from here on, unless it says so itself."""
    arguments = tuple(map(str, program.graph_signature.user_inputs))
    return ("eeg",) if len(arguments) == 1 else arguments


def load_program(path: str) -> torch.export.ExportedProgram:
    """Read a `.pt2` file.

    Raises
    ------
    CaptureError
        If it is not an exported program.
    """
    import torch

    register_operators()
    try:
        with quiet():
            return torch.export.load(path)
    except Exception as error:
        raise CaptureError(f"{path} is not an exported program that this torch can read: {error}") from error


def register_operators() -> None:
    """Make torch know the operators of our own that a program may contain."""
    from edgeeeg.cells import (  # noqa: F401 - registers them
        biquad,
        exponential_moving_average,
        lif,
        running_z_score,
        selective_scan,
    )
    from edgeeeg.layers import interleave  # noqa: F401 - registers it


def register_schemas() -> None:
    """Make ONNX know the nodes of our own, so that the exporter and the checker accept them."""
    schema = onnx.defs.OpSchema
    known = {entry.name for entry in onnx.defs.get_all_schemas_with_history() if entry.domain == DOMAIN}
    attribute = schema.Attribute
    nodes = {
        "Biquad": (("x", "coefficients"), "y", []),
        "ExponentialMovingAverage": (("x", "alpha"), "y", []),
        "Interleave": (("x",), "y", []),
        "Lif": (
            ("x", "beta", "threshold"),
            "spikes",
            [
                attribute("reset", schema.AttrType.STRING, "subtract, zero or none"),
                attribute("reset_delay", schema.AttrType.INT, "1: one step after the spike"),
            ],
        ),
        "LinearAttention": (("q", "k", "v", "decay"), "y", []),
        "RunningZScore": (
            ("x", "alpha"),
            "y",
            [attribute("epsilon", schema.AttrType.FLOAT, "added to the variance, in squared units of x")],
        ),
        "S4d": (("u", "lambda_re", "lambda_im", "C_re", "C_im", "D"), "y", []),
        "SelectiveScan": (("u", "delta", "A", "B", "C", "D"), "y", []),
        "Wkv4": (("k", "v", "w", "u"), "y", []),
        "Wkv6": (("r", "k", "v", "w", "u"), "y", []),
    }
    for name, (inputs, output, attributes) in nodes.items():
        if name not in known:
            onnx.defs.register_schema(
                schema(
                    name,
                    DOMAIN,
                    1,
                    inputs=[schema.FormalParameter(i, "T") for i in inputs],
                    outputs=[schema.FormalParameter(output, "T")],
                    type_constraints=[("T", ["tensor(float)"], "float32")],
                    attributes=attributes,
                )
            )


def _translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    import onnxscript
    import torch

    ours = onnxscript.values.Opset(DOMAIN, 1)
    standard = onnxscript.values.Opset("", OPSET)

    def biquad(x: Any, coefficients: Any) -> Any:
        return ours.Biquad(x, coefficients)

    def exponential_moving_average(x: Any, alpha: Any) -> Any:
        return ours.ExponentialMovingAverage(x, alpha)

    def interleave(x: Any) -> Any:
        return ours.Interleave(x)

    def lif(x: Any, beta: Any, threshold: Any, reset: str = "subtract", reset_delay: bool = True) -> Any:
        return ours.Lif(x, beta, threshold, reset=reset, reset_delay=int(reset_delay))

    def running_z_score(x: Any, alpha: Any, epsilon: float) -> Any:
        return ours.RunningZScore(x, alpha, epsilon=epsilon)

    def selective_scan(u: Any, delta: Any, A: Any, B: Any, C: Any, D: Any) -> Any:
        return ours.SelectiveScan(u, delta, A, B, C, D)

    def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
        # torch returns x itself above its threshold: from 20 on that is the same float32
        if beta == 1.0 and threshold >= 20.0:
            return standard.Softplus(x)
        raise CaptureError(
            f"Softplus with beta={beta}, threshold={threshold} is not supported; use the defaults"
        )

    return {
        torch.ops.edgeeeg.biquad.default: biquad,
        torch.ops.edgeeeg.exponential_moving_average.default: exponential_moving_average,
        torch.ops.edgeeeg.interleave.default: interleave,
        torch.ops.edgeeeg.lif.default: lif,
        torch.ops.edgeeeg.running_z_score.default: running_z_score,
        torch.ops.edgeeeg.selective_scan.default: selective_scan,
        torch.ops.aten.softplus.default: softplus,
    }
