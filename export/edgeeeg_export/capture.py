"""torch in: a module or an exported program becomes an ONNX model with recurrent layers as single nodes."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import onnx

from edgeeeg.errors import EdgeEEGError
from edgeeeg_export import own_nodes
from edgeeeg_export.errors import CaptureError
from edgeeeg_export.module_outputs import output_names
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
        with evaluating(model), quiet(), contextlib.redirect_stderr(io.StringIO()):
            return torch.export.export(traceable(model), example)
    except CaptureError:
        raise
    except Exception as error:
        raise CaptureError(
            f"torch.export cannot trace {type(model).__name__} on input {', '.join(map(str, shapes))}: "
            f"{_reason(error)}"
        ) from error


def _reason(error: BaseException) -> str:
    """What is at the bottom of an error of torch's, in one line: those above say where it was met."""
    while not isinstance(error, EdgeEEGError):
        deeper = error.__cause__ or error.__context__
        if deeper is None or not str(deeper).strip():
            break
        error = deeper
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


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

    own_nodes.register_operators()
    with quiet():  # only the functional form of a program says what it changes in place
        functional = program.run_decompositions({})
    changed = sorted(functional.graph_signature.buffers_to_mutate.values())
    if changed:
        raise CaptureError(
            f"the model changes its buffer '{changed[0]}' as it runs, a state that the export would lose; "
            "make it a recurrent layer, such as nn.GRU or edgeeeg.layers.MambaBlock"
        )
    names = output_names(program)
    translations = own_nodes.translations(OPSET)
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
    _drop_roundings(converted.exported_program)
    return Converted(converted.model_proto, converted.exported_program)


def _drop_roundings(program: torch.export.ExportedProgram) -> None:
    """Leave out the roundings of what varies, states too: integers are compared with the model of floats.

    Those of weights stay, as the integers are made from rounded ones.
    """
    from edgeeeg.quantization.rounding import ROUND_TO_STEPS
    from edgeeeg.quantization.state_in_steps import STATE_IN_STEPS

    signature = program.graph_signature
    fixed = {*signature.inputs_to_parameters, *signature.inputs_to_buffers}
    for node in list(program.graph.nodes):
        rounds = node.target is ROUND_TO_STEPS and node.args[0].name not in fixed
        if rounds or node.target is STATE_IN_STEPS:
            node.replace_all_uses_with(node.args[0])
            program.graph.erase_node(node)
    program.graph_module.recompile()


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

    own_nodes.register_operators()
    try:
        with quiet():
            return torch.export.load(path)
    except Exception as error:
        raise CaptureError(f"{path} is not an exported program that this torch can read: {error}") from error
