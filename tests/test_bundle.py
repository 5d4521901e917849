"""A bundle is whole or an error; writing one never leaves half of it."""

from __future__ import annotations

import json
import os

import pytest

from edgeeeg.bundle import MANIFEST, Bundle, require_destination
from edgeeeg.errors import BundleError, OutputError
from edgeeeg.manifest import CInfo, InputInfo, Manifest, OutputInfo

INFO = Manifest(
    generator="test",
    name="model",
    model_hash="0" * 64,
    semantics="continuous",
    hop=4,
    inputs=(InputInfo(name="eeg", ch_names=("Cz",), sfreq=128.0, unit="uV", lsb=0.125, hop=4),),
    outputs=(OutputInfo(name="score", shape=(1, 1, 1)),),
    states=(),
    c=CInfo(
        prefix="model",
        state_bytes=0,
        arena_bytes=0,
        arena_bound_bytes=0,
        struct_bytes=24,
        saved_bytes=32,
        weight_bytes=0,
    ),
    files={},
)
CONTENTS = {"model.onnx": b"model", "c/model.c": b"int x;\n"}


@pytest.fixture
def bundle(tmp_path):
    return Bundle.write(tmp_path / "bundle", INFO, CONTENTS)


def edit(bundle, change):
    path = bundle.folder / MANIFEST
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def refusal(folder):
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_written_is_read(bundle):
    again = Bundle.load(str(bundle.folder))
    assert again.manifest == bundle.manifest
    assert again.path("c/model.c").read_bytes() == b"int x;\n"
    assert set(again.manifest.files) == set(CONTENTS)


def test_a_file_it_does_not_hold(bundle):
    with pytest.raises(BundleError, match=r"holds no c/other.c; it has c/model.c, model.onnx"):
        bundle.path("c/other.c")


def test_a_changed_byte(bundle):
    bundle.path("model.onnx").write_bytes(b"modeL")
    assert "model.onnx was altered" in refusal(bundle.folder)


def test_a_truncated_file(bundle):
    bundle.path("model.onnx").write_bytes(b"mode")
    assert "has 4 bytes where the manifest says 5" in refusal(bundle.folder)


def test_a_missing_file(bundle):
    bundle.path("c/model.c").unlink()
    assert "lacks c/model.c" in refusal(bundle.folder)


def test_a_folder_without_manifest_and_no_folder(tmp_path):
    assert "is not a bundle" in refusal(tmp_path)
    assert "edgeeeg export" in refusal(tmp_path / "none")


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda m: m.update(schema_version=3), "schema_version"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m["inputs"][0].update(gain=2), "inputs.0.gain"),
        (lambda m: m["inputs"][0].update(unit="V"), "inputs.0.unit"),
        (lambda m: m.update(model_hash="f00"), "model_hash"),
        (lambda m: m.update(hop=0), "hop"),
        (lambda m: m.update(name="Model"), "name"),
        (lambda m: m.update(outputs=[]), "outputs"),
        (lambda m: m.pop("states"), "states"),
        (lambda m: m.update(delay_steps=-1), "delay_steps"),
        (lambda m: m.update(flush_steps=-1), "flush_steps"),
        (lambda m: m.update(window=0), "window"),
    ],
)
def test_a_manifest_of_another_schema_names_the_field(bundle, change, where):
    edit(bundle, change)
    message = refusal(bundle.folder)
    assert f"not a manifest this version reads: {where}" in message


def test_a_bundle_of_an_older_release_is_replaced_and_nothing_else(bundle):
    edit(bundle, lambda m: m.update(schema_version=1, look_ahead_samples=0))
    assert require_destination(bundle.folder) == bundle.folder.resolve()
    (bundle.folder / "thesis.tex").write_text("mine")
    with pytest.raises(BundleError, match="holds other files"):
        require_destination(bundle.folder)
    (bundle.folder / "thesis.tex").unlink()
    (bundle.folder / MANIFEST).write_text('{"files": {}}')
    with pytest.raises(BundleError, match="is not a bundle"):
        require_destination(bundle.folder)


def test_the_state_that_is_told_of_the_end_must_be_one_of_the_states(bundle):
    clock = {"name": "clock.ended", "shape": [1]}
    edit(bundle, lambda m: m.update(states=[clock], ended_state="clock.ended"))
    assert Bundle.load(bundle.folder).manifest.ended_state == "clock.ended"
    edit(bundle, lambda m: m.update(ended_state="clock.steps"))
    assert "ended_state 'clock.steps' is none of the states" in refusal(bundle.folder)


def test_a_truncated_manifest(bundle):
    path = bundle.folder / MANIFEST
    path.write_bytes(path.read_bytes()[:-40])
    assert "its JSON" in refusal(bundle.folder)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "c/../../secret", "c\\..\\secret", ""])
def test_paths_that_leave_the_bundle(bundle, path):
    (bundle.folder.parent / "secret").write_bytes(b"model")
    edit(bundle, lambda m: m["files"].update({path: m["files"]["model.onnx"]}))
    assert "leaves the bundle" in refusal(bundle.folder)


@pytest.mark.parametrize("link", ["file", "folder"])
def test_links_that_leave_the_bundle(bundle, link):
    outside = bundle.folder.parent / "outside"
    outside.mkdir()
    (outside / "model.c").write_bytes(b"int x;\n")
    inside = bundle.path("c/model.c")
    inside.unlink()
    if link == "file":
        inside.symlink_to(outside / "model.c")
    else:
        inside.parent.rmdir()
        inside.parent.symlink_to(outside)
    assert "link out of the bundle" in refusal(bundle.folder)


def test_a_newer_bundle_replaces_an_older_one_whole(bundle):
    Bundle.write(bundle.folder, INFO, {"model.onnx": b"newer"})
    again = Bundle.load(bundle.folder)
    assert set(again.manifest.files) == {"model.onnx"}
    assert not (bundle.folder / "c").exists()
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["bundle"]


def test_files_may_be_added(bundle):
    more = bundle.add({"verification.json": b"{}", "model.onnx": b"newer"})
    again = Bundle.load(bundle.folder)
    assert again.manifest == more.manifest
    assert again.path("model.onnx").read_bytes() == b"newer"
    assert again.path("c/model.c").read_bytes() == b"int x;\n"


def test_a_folder_that_is_no_bundle_is_left_alone(tmp_path):
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("years of work")
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        Bundle.write(folder, INFO, CONTENTS)
    assert (folder / "chapter.txt").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    Bundle.write(tmp_path / "empty", INFO, CONTENTS)


@pytest.mark.parametrize("failing", [1, 2])
def test_a_write_that_fails_leaves_the_older_bundle(bundle, monkeypatch, failing):
    calls = []

    def replace(source, target):
        calls.append(target)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        os.rename(source, target)

    monkeypatch.setattr("edgeeeg.bundle.os.replace", replace)
    with pytest.raises(BundleError, match=r"cannot write bundle .* No space left"):
        Bundle.write(bundle.folder, INFO, {"model.onnx": b"newer"})
    assert Bundle.load(bundle.folder).manifest == bundle.manifest
    assert [path.name for path in bundle.folder.parent.iterdir()] == ["bundle"]


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file is not a folder"):
        Bundle.write(tmp_path / "file" / "bundle", INFO, CONTENTS)


def test_contents_may_not_leave_the_bundle_either(tmp_path):
    with pytest.raises(ValueError, match="leaves the bundle"):
        Bundle.write(tmp_path / "bundle", INFO, {"../secret": b""})
    assert not list(tmp_path.iterdir())


def test_a_folder_that_only_resembles_a_bundle_is_kept(bundle, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "manifest.json").write_text("{}")
    (project / "thesis.txt").write_text("mine")
    with pytest.raises(BundleError, match="holds other files too"):
        Bundle.write(project, bundle.manifest, {"model.onnx": b"x"})
    assert (project / "thesis.txt").read_text() == "mine"


def test_other_files_inside_a_bundle_are_kept(bundle):
    (bundle.folder / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match="holds other files too"):
        bundle.add({"more": b"x"})
    assert (bundle.folder / "notes.txt").read_text() == "mine"
