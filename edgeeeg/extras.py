"""Packages that only some installations have, and the line that says how to get them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from edgeeeg.errors import MissingDependency

PACKAGES = {
    "bokeh": "bokeh",
    "cobs": "cobs",
    "edfio": "edfio",
    "mne": "mne",
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


def needs(extras: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a verb whose imports these extras bring: one that fails becomes a line that names them.

    Parameters
    ----------
    extras : str
        As pip takes them, such as ``"ort,eeg"``.

    Raises
    ------
    MissingDependency
        By the verb, where a package of `PACKAGES` is not installed; another missing module is a bug.
    """

    def decorate(verb: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(verb)
        def checked(*arguments: P.args, **options: P.kwargs) -> R:
            try:
                return verb(*arguments, **options)
            except ModuleNotFoundError as error:
                package = PACKAGES.get((error.name or "").partition(".")[0])
                if package is None:
                    raise
                raise MissingDependency(
                    f"this needs {package}, which is not installed: pip install 'edgeeeg[{extras}]'"
                ) from error

        return checked

    return decorate
