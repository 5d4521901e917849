"""Where a result cannot be written is said before the work."""

from __future__ import annotations

import os

import pytest

from edgeeeg.errors import OutputError
from edgeeeg.output_path import require_file, require_folder


def test_new_and_older_files_and_missing_folders_are_fine(tmp_path):
    (tmp_path / "old.tsv").write_text("")
    for name in ("new.tsv", "old.tsv", "deep/er/new.tsv"):
        require_file(tmp_path / name)
    require_folder(tmp_path / "deep" / "er")
    assert not (tmp_path / "deep").exists()


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="pipe is not a regular file and would be replaced"):
        require_file(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is a folder"):
        require_file(tmp_path)


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file is not a folder; choose another --out"):
        require_folder(tmp_path / "file" / "below")


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(OutputError, match="no permission in"):
        require_folder(tmp_path / "new")
