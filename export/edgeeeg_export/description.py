"""The manifest that a program deserves, and a bundle's own held to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from edgeeeg import __version__
from edgeeeg.bundle import Bundle
from edgeeeg.errors import BundleError
from edgeeeg.manifest import CInfo, InputInfo, Manifest, OutputInfo, StateInfo
from edgeeeg_export.errors import ExportError
from edgeeeg_export.input_spec import InputSpec
from edgeeeg_export.ops.clock import ENDED, Clock
from edgeeeg_export.quantize.tail import tail
from edgeeeg_export.subject import Subject
from edgeeeg_export.tensor import TensorType

STATED = ("generator", "files")
"""Fields that speak of the bundle and not of the program."""


def describe(
    subject: Subject,
    name: str,
    semantics: str,
    thresholds: tuple[float | None, ...],
) -> Manifest:
    """What a bundle says of a program; its files are not known yet.

    Parameters
    ----------
    thresholds : one for each output.

    Raises
    ------
    ExportError
        If a value cannot stand in a manifest; the message names its field.
    """
    step, program = subject.step, subject.program
    try:
        return Manifest.model_validate(
            {
                "generator": f"edgeeeg {__version__}",
                "name": name,
                "model_hash": step.hash,
                "semantics": semantics,
                "quantization": _quantization(subject),
                "hop": program.hop,
                "window": subject.lowered.window,
                "delay_steps": step.timing.delay,
                "flush_steps": step.timing.flush,
                "ended_state": next(
                    (f"{node.name}.{ENDED}" for node in step.nodes if isinstance(node.op, Clock)), None
                ),
                "inputs": tuple(
                    InputInfo.model_validate(
                        {
                            "name": spec.name,
                            "ch_names": spec.ch_names,
                            "sfreq": spec.sfreq,
                            "unit": spec.unit,
                            "lsb": spec.count,
                            "hop": program.hops[spec.name],
                        }
                    )
                    for spec in subject.inputs
                ),
                "outputs": tuple(
                    OutputInfo(name=output, shape=step.tensors[output].shape, threshold=threshold)
                    for output, threshold in zip(step.outputs, thresholds, strict=True)
                ),
                "states": tuple(
                    StateInfo(name=s.name, shape=s.shape, dtype=s.dtype, initial=s.initial)
                    for s in step.all_states()
                ),
                "c": CInfo(**{field: getattr(program, field) for field in CInfo.model_fields}),
                "files": {},
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ExportError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from error


def stated_inputs(bundle: Bundle, types: Mapping[str, TensorType]) -> tuple[InputSpec, ...]:
    """The inputs of a bundle's captured model, each with the rate, electrodes, unit and count it declares.

    Parameters
    ----------
    types : mapping of str to TensorType
        What the captured model takes, (1, n_chans, n_times) each.

    Raises
    ------
    BundleError
        If the manifest has other inputs than the model, or other numbers of electrodes.
    """
    stated = bundle.manifest.inputs
    if len(stated) != len(types):
        raise BundleError(
            f"{bundle.folder}: manifest.json names {len(stated)} inputs where the program has {len(types)}; "
            "export the model again"
        )
    for k, (info, type_) in enumerate(zip(stated, types.values(), strict=True)):
        if len(info.ch_names) != type_.shape[1]:
            raise BundleError(
                f"{bundle.folder}: manifest.json names {len(info.ch_names)} electrodes (inputs.{k}.ch_names) "
                f"where the program takes {type_.shape[1]}; export the model again"
            )
    return tuple(
        InputSpec(name, info.ch_names, info.sfreq, type_.frames, info.unit, info.lsb)
        for info, (name, type_) in zip(stated, types.items(), strict=True)
    )


def require_described(bundle: Bundle, subject: Subject) -> None:
    """Hold every field of a bundle's manifest to the program.

    Rates, units, electrodes, threshold and the sizes of counts are what the manifest declares
    (`stated_inputs`); the last of these are compiled in, and so are the numbers of channels.

    Raises
    ------
    BundleError
        Naming the first field that says something else.
    """
    info = bundle.manifest
    thresholds = dict(zip(subject.step.outputs, (output.threshold for output in info.outputs), strict=False))
    true = describe(
        subject,
        info.name,
        info.semantics,
        tuple(thresholds.get(output) for output in subject.step.outputs),
    )
    said, is_so = (manifest.model_dump(exclude=set(STATED)) for manifest in (info, true))
    for field, stated, found in _differences(said, is_so):
        raise BundleError(
            f"{bundle.folder}: manifest.json says {field} is {stated} where the program has {found}; "
            "export the model again"
        )


def _differences(said: Any, is_so: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two manifests' plain values differ: the field's path and both values."""
    if isinstance(said, dict) and isinstance(is_so, dict):
        for name in said:
            yield from _differences(said[name], is_so[name], f"{at}.{name}" if at else name)
    elif isinstance(said, tuple) and isinstance(is_so, tuple) and len(said) == len(is_so):
        for index, pair in enumerate(zip(said, is_so, strict=True)):
            yield from _differences(*pair, at=f"{at}.{index}")
    elif said != is_so:
        yield at, said, is_so


def _quantization(subject: Subject) -> str | None:
    """What activations are stored in, the inputs left out: one type, or "mixed"."""
    if subject.formats is None:
        return None
    # the tail of a program of int8 is int16
    apart = {*subject.offline.inputs, *(tail(subject.twin.captured) if subject.twin is not None else ())}
    made = {name.rpartition(".")[0] for node in subject.offline.nodes for name in node.outputs}
    dtypes = {subject.formats[name].dtype for name in made - apart if name in subject.formats}
    return dtypes.pop() if len(dtypes) == 1 else "mixed"
