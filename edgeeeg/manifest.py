"""What a bundle says of itself: the schema of `manifest.json`."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION = 1


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
    """What the program is fed: float32 in `unit`, or int16 counts worth `lsb` units each."""

    name: str
    ch_names: tuple[str, ...] = Field(min_length=1)
    sfreq: float = Field(gt=0, allow_inf_nan=False)
    unit: Literal["uV", "z"]
    lsb: float = Field(gt=0, allow_inf_nan=False)


class OutputInfo(_Record):
    """One output of a step: its shape, and the value from which on it decides, if it does."""

    name: str
    shape: tuple[int, ...]
    threshold: float | None = Field(default=None, allow_inf_nan=False)


class StateInfo(_Record):
    """One state of the step program."""

    name: str
    shape: tuple[int, ...]
    dtype: Literal["float32"] = "float32"
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
    """`manifest.json`, version 1."""

    schema_version: Literal[1] = 1
    generator: str
    name: SymbolPrefix
    model_hash: Hash
    semantics: Literal["continuous", "windowed"]
    hop: int = Field(gt=0)
    window: int | None = Field(default=None, gt=0)
    """Samples of a window, if something in the model needs whole ones."""
    delay_steps: int = Field(default=0, ge=0)
    """Steps before the first output."""
    flush_steps: int = Field(default=0, ge=0)
    """Outputs that remain after the last sample."""
    ended_state: str | None = None
    """The state to be set to 1 when the recording has ended, if the program needs to be told."""
    input: InputInfo
    outputs: tuple[OutputInfo, ...] = Field(min_length=1)
    states: tuple[StateInfo, ...]
    c: CInfo
    files: dict[RelativePath, FileInfo]

    @model_validator(mode="after")
    def _ended_is_a_state(self) -> Manifest:
        if self.ended_state is not None and self.ended_state not in {state.name for state in self.states}:
            raise ValueError(f"ended_state '{self.ended_state}' is none of the states")
        return self
