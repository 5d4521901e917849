"""The artifact people hand to each other: a folder that says what it is and proves that it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from edgeeeg.errors import BundleError
from edgeeeg.manifest import FileInfo, Manifest
from edgeeeg.output_path import require_folder

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle on disk whose manifest and files have been checked.

    Use `Bundle.load` to read one and `Bundle.write` to make one.
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def load(cls, folder: str | Path) -> Bundle:
        """Read and validate a bundle: schema, paths, sizes and hashes of all files.

        Raises
        ------
        BundleError
            If anything is missing, altered, unknown or outside the folder.
        """
        folder = Path(folder)
        path = folder / MANIFEST
        if not path.is_file():
            raise BundleError(
                f"{folder} is not a bundle: it has no {MANIFEST}; make one with `edgeeeg export`"
            )
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "its JSON"
            raise BundleError(
                f"{path} is not a manifest this version reads: {where}: {first['msg']}; "
                "export the model again"
            ) from error
        for name, info in manifest.files.items():
            _check_file(folder, name, info)
        return cls(folder, manifest)

    @classmethod
    def write(cls, folder: str | Path, manifest: Manifest, contents: Mapping[str, bytes]) -> Bundle:
        """Write all files and the manifest, replacing an older bundle; nothing half-written is ever seen.

        Parameters
        ----------
        manifest : Manifest
            Its `files` are filled in from `contents`.
        contents : mapping of str to bytes
            Files by their path inside the bundle.

        Raises
        ------
        BundleError
            If the folder exists and is something else than a bundle, or cannot be written: then an older
            bundle is still there.
        """
        folder = require_destination(folder)
        complete = Manifest.model_validate(
            manifest.model_dump() | {"files": {name: _describe(data) for name, data in contents.items()}}
        )
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
                fresh = Path(scratch) / "new"
                _write_files(fresh, contents)
                (fresh / MANIFEST).write_text(complete.model_dump_json(indent=2) + "\n", encoding="utf-8")
                _swap(fresh, folder, Path(scratch) / "old")
        except OSError as error:
            raise BundleError(f"cannot write bundle {folder}: {error}") from error
        return cls(folder, complete)

    def add(self, contents: Mapping[str, bytes]) -> Bundle:
        """The same bundle with more files, or newer ones, such as the result of a verification."""
        kept = {name: (self.folder / name).read_bytes() for name in self.manifest.files}
        return Bundle.write(self.folder, self.manifest, kept | dict(contents))

    def path(self, name: str) -> Path:
        """Where a file of the bundle lies.

        Raises
        ------
        BundleError
            If the manifest does not list it.
        """
        if name not in self.manifest.files:
            raise BundleError(
                f"{self.folder} holds no {name}; it has {', '.join(sorted(self.manifest.files))}"
            )
        return self.folder / name


def require_destination(folder: str | Path) -> Path:
    """The folder, absolute, if a bundle may be written there: it is new, empty or an older bundle.

    Raises
    ------
    BundleError
        If something else would be lost.
    OutputError
        If it cannot be made or written to.
    """
    folder = Path(folder).resolve()  # who stands inside an older bundle must not lose it
    if folder.exists() and not _replaceable(folder):
        raise BundleError(
            f"{folder} exists and is not a bundle, or holds other files too; choose another --out"
        )
    require_folder(folder.parent)
    return folder


def _describe(data: bytes) -> FileInfo:
    return FileInfo(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _write_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _swap(fresh: Path, folder: Path, old: Path) -> None:
    """Put `fresh` where `folder` is; if that fails, what was there comes back."""
    existed = folder.exists()
    if existed:
        os.replace(folder, old)
    try:
        os.replace(fresh, folder)
    except OSError:
        if existed:
            os.replace(old, folder)
        raise


def _check_file(folder: Path, name: str, info: FileInfo) -> None:
    path = folder / name
    if not path.is_file():
        raise BundleError(f"bundle {folder} lacks {name}; copy it again or export the model again")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"bundle {folder}: {name} is a link out of the bundle; replace it by the file")
    if path.stat().st_size != info.bytes:
        raise BundleError(
            f"bundle {folder}: {name} has {path.stat().st_size} bytes where the manifest says {info.bytes}; "
            "copy it again or export the model again"
        )
    if hashlib.sha256(path.read_bytes()).hexdigest() != info.sha256:
        raise BundleError(
            f"bundle {folder}: {name} was altered (its SHA-256 differs); export the model again"
        )


def _replaceable(folder: Path) -> bool:
    """Whether a folder is empty, or a bundle of any version with no file that its manifest does not list."""
    if not folder.is_dir():
        return False
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if not present:
        return not any(folder.iterdir())
    try:
        stated = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    if not isinstance(stated, dict) or not isinstance(stated.get("files"), dict):
        return False
    # of any version: what an older release wrote is ours to replace as well
    ours = isinstance(stated.get("schema_version"), int) and "model_hash" in stated
    return ours and present <= {MANIFEST, *stated["files"]}
