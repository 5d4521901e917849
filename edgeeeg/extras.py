"""Packages that only some installations have, and the line that says how to get them."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from edgeeeg.errors import MissingDependency

PACKAGES = {
    "bokeh": "bokeh",
    "brevitas": "brevitas",
    "cobs": "cobs",
    "edfio": "edfio",
    "mne": "mne",
    "nir": "nir",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "onnxscript": "onnxscript",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "serial": "pyserial",
    "sklearn": "scikit-learn",
    "torch": "torch",
}
"""Modules of the extras in pyproject.toml by the name they are imported under, and their packages."""

P = ParamSpec("P")
R = TypeVar("R")


def needs(extras: str, *modules: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a verb with what it imports: where that is not installed, one line names the extras.

    Parameters
    ----------
    extras : str
        As pip takes them, such as ``"ort,eeg"``.
    modules : str
        Names in `PACKAGES` that the verb always comes to; they are looked for before it begins its work.

    Raises
    ------
    MissingDependency
        By the verb, also where it only now comes to a package of `PACKAGES` that is not installed; another
        missing module is a bug.
    """

    def decorate(verb: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(verb)
        def checked(*arguments: P.args, **options: P.kwargs) -> R:
            missing = tuple(name for name in modules if importlib.util.find_spec(name) is None)
            if missing:
                raise _missing(extras, missing)
            try:
                return verb(*arguments, **options)
            except ModuleNotFoundError as error:
                name = (error.name or "").partition(".")[0]
                if name not in PACKAGES:
                    raise
                raise _missing(extras, (name,)) from error

        return checked

    return decorate


def _missing(extras: str, modules: tuple[str, ...]) -> MissingDependency:
    packages = ", ".join(PACKAGES[name] for name in modules)
    return MissingDependency(f"this needs {packages}, not installed here: pip install 'edgeeeg[{extras}]'")
