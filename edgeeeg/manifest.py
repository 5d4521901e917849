"""What a bundle says of itself: the schema of `manifest.json`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from edgeeeg.errors import BundleError

SCHEMA_VERSION = 2


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path or not path:
        raise ValueError(f"path '{path}' leaves the bundle")
    return path


def _identifier(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name):
        raise ValueError(
            f"'{name}' is not a symbol prefix: lower-case letters, digits and _, a letter first, at most 32"
        )
    return name


RelativePath = Annotated[str, AfterValidator(_inside)]
SymbolPrefix = Annotated[str, AfterValidator(_identifier)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputInfo(_Record):
    """One input: float32 in `unit`, or int16 counts worth `lsb` units each; a step takes `hop` samples."""

    name: str
    ch_names: tuple[str, ...] = Field(min_length=1)
    sfreq: float = Field(gt=0, allow_inf_nan=False)
    unit: Literal["uV", "z"]
    lsb: float = Field(gt=0, allow_inf_nan=False)
    hop: int = Field(gt=0)


class OutputInfo(_Record):
    """One output of a step: its shape, and the value from which on it decides, if it does."""

    name: str
    shape: tuple[int, ...]
    threshold: float | None = Field(default=None, allow_inf_nan=False)


class StateInfo(_Record):
    """One state of the step program."""

    name: str
    shape: tuple[int, ...]
    dtype: Literal["float32", "int8", "int16", "int32"] = "float32"
    initial: float | tuple[float, ...] = 0.0


class CInfo(_Record):
    """The C program: its symbol prefix and the memory of one instance, in bytes (counted)."""

    prefix: SymbolPrefix
    state_bytes: int
    arena_bytes: int
    arena_bound_bytes: int
    struct_bytes: int
    saved_bytes: int
    weight_bytes: int


class FileInfo(_Record):
    """Size and SHA-256 of one file."""

    bytes: int
    sha256: Hash


class Manifest(_Record):
    """`manifest.json`, version 2."""

    schema_version: Literal[2] = 2
    generator: str
    name: SymbolPrefix
    model_hash: Hash
    semantics: Literal["continuous", "windowed"]
    quantization: Literal["int8", "int16", "mixed"] | None = None
    """What the layers compute in, where they have a form in integers; float32 without it."""
    hop: int = Field(gt=0)
    """Samples of one step, as those of the window: of the first input."""
    window: int | None = Field(default=None, gt=0)
    """Samples of a window, if something in the model needs whole ones."""
    delay_steps: int = Field(default=0, ge=0)
    """Steps before the first output."""
    flush_steps: int = Field(default=0, ge=0)
    """Outputs that remain after the last sample."""
    ended_state: str | None = None
    """The state to be set to 1 when the recording has ended, if the program needs to be told."""
    inputs: tuple[InputInfo, ...] = Field(min_length=1)
    outputs: tuple[OutputInfo, ...] = Field(min_length=1)
    states: tuple[StateInfo, ...]
    c: CInfo
    files: dict[RelativePath, FileInfo]

    @property
    def input(self) -> InputInfo:
        """The input of a model that has one.

        Raises
        ------
        BundleError
            If it has several: whoever asks can feed only one.
        """
        if len(self.inputs) > 1:
            names = ", ".join(f"{info.name} at {info.sfreq:g} Hz" for info in self.inputs)
            raise BundleError(
                f"model '{self.name}' has {len(self.inputs)} inputs ({names}), and this takes models of one: "
                "push several into edgeeeg.stream.Stream or into the C program"
            )
        return self.inputs[0]

    @model_validator(mode="after")
    def _hop_is_the_first_inputs(self) -> Manifest:
        if self.hop != self.inputs[0].hop:
            raise ValueError(
                f"hop {self.hop} is not the {self.inputs[0].hop} samples of input '{self.inputs[0].name}'"
            )
        if len({info.name for info in self.inputs}) < len(self.inputs):
            raise ValueError("two inputs bear one name")
        return self

    @model_validator(mode="after")
    def _ended_is_a_state(self) -> Manifest:
        if self.ended_state is not None and self.ended_state not in {state.name for state in self.states}:
            raise ValueError(f"ended_state '{self.ended_state}' is none of the states")
        return self
