"""Whether a result can be written where it is to go, asked before the work and not after it."""

from __future__ import annotations

import os
from pathlib import Path

from edgeeeg.errors import OutputError


def require_file(path: Path) -> None:
    """Refuse a place where no regular file can be written; an older file there may be replaced.

    Files are replaced by renaming, so a device such as /dev/null would be lost by it.

    Raises
    ------
    OutputError
        If something other than a file lies there, or its folder cannot be made or written to.
    """
    if path.is_dir():
        raise OutputError(f"{path} is a folder: give the name of a file")
    if path.exists() and not path.is_file():
        raise OutputError(f"{path} is not a regular file and would be replaced: give the name of a file")
    require_folder(path.parent)


def require_folder(path: Path) -> None:
    """Refuse a folder that cannot be made or written to; it is not made yet.

    Raises
    ------
    OutputError
        Naming the part of the path that is in the way.
    """
    nearest = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise OutputError(f"cannot write to {path}: {nearest} is not a folder; choose another --out")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write to {path}: no permission in {nearest}; choose another --out")
