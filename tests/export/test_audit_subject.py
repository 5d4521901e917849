"""What `edgeeeg audit` takes, and the verb itself on a complete made-up set."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from edgeeeg.cli import build_app, main
from edgeeeg.errors import ModelError
from edgeeeg.models.frame_lstm import FrameLstm
from edgeeeg.signal.bonn import DESCRIPTIONS, N_TIMES
from edgeeeg_export.audit_subject import audit_subject, integer_program
from edgeeeg_export.errors import CaptureError

FACTORY = "edgeeeg.models.frame_lstm:FrameLstm"


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small tensors on many threads wait for each other, and for whatever else the machine does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def weights_of(seed):
    torch.manual_seed(seed)
    return FrameLstm().state_dict()


def test_weights_of_each_fold(tmp_path):
    for fold in range(2):
        save_file(weights_of(fold), tmp_path / f"w{fold}.safetensors")
    subject = audit_subject(FACTORY, str(tmp_path / "w{fold}.safetensors"), None)
    assert subject.task == "raw"
    assert "of each fold" in subject.weights
    for fold in range(2):
        found = subject.model_of_fold(fold).module.state_dict()
        assert torch.equal(found["head.weight"], weights_of(fold)["head.weight"])
    with pytest.raises(CaptureError, match=r"no file .*w2\.safetensors"):
        subject.model_of_fold(2)


def test_one_file_of_weights_is_said_to_be_one(tmp_path):
    save_file(weights_of(3), tmp_path / "w.safetensors")
    subject = audit_subject(FACTORY, str(tmp_path / "w.safetensors"), "normalised")
    assert subject.task == "normalised"
    assert "one set for all folds" in subject.weights
    assert subject.model_of_fold(0) is subject.model_of_fold(4)
    assert audit_subject(FACTORY, None, None).weights == "untrained"


def test_a_shipped_detector_brings_task_and_fold_weights():
    subject = audit_subject("edge-detector-normalised", None, None)
    assert subject.task == "normalised"
    one, two = (subject.model_of_fold(fold).module.state_dict()["head.weight"] for fold in (0, 1))
    assert not torch.equal(one, two)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("model.onnx", None, None), "cannot be audited"),
        (("edge-detector", "w.safetensors", None), "leave out --weights"),
        (("edge-detector", None, "normalised"), "its task, raw"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, said):
    with pytest.raises(CaptureError, match=said):
        audit_subject(*arguments)


def test_the_verb_prints_one_json_object(tmp_path):
    rng = np.random.default_rng(0)
    for set_name in DESCRIPTIONS:
        (tmp_path / set_name).mkdir()
        text = "\n".join(map(str, rng.normal(0, 60 if set_name == "S" else 50, N_TIMES).astype(int)))
        for number in range(1, 101):
            (tmp_path / set_name / f"{set_name}{number:03d}.txt").write_text(text)
    arguments = ["audit", FACTORY, "--root", str(tmp_path), "--reset", "30", "--json"]
    result = CliRunner().invoke(build_app(), arguments, catch_exceptions=False)
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert printed["model"] == FACTORY
    assert printed["data"] == "bonn"
    assert [row["state"] for row in printed["rows"]] == ["windowed", "carried", "reset every 30 s"]
    assert printed["protocol"]["weights"] == "untrained"
    assert (printed["program"], printed["program_rows"]) == (None, [])


@pytest.mark.parametrize(
    ("options", "name"),
    [(("--quantize", "int8"), "int8"), (("--quantize", "int16", "--states", "int32"), "int16/int32 state")],
)
def test_the_verb_has_a_program_of_integers_scored(options, name, tmp_path, monkeypatch):
    asked = {}

    def seen(segments, task, model_of_fold, weights, **rest):
        asked.update(rest)
        raise ModelError("enough")

    monkeypatch.setattr("edgeeeg.evaluation.audit.audit_bonn", seen)
    monkeypatch.setattr("edgeeeg.signal.bonn.read_bonn", lambda root: ())
    monkeypatch.setattr("sys.argv", ["edgeeeg", "audit", FACTORY, "--root", str(tmp_path), *options])
    with pytest.raises(SystemExit):
        main()
    assert asked["program"].name == name


@pytest.mark.parametrize(("tensors", "states"), [("int8", "float32"), ("int16", "int16")])
def test_a_program_of_integers_follows_its_model(tensors, states):
    subject = audit_subject("edge-detector-normalised", None, None)
    model = subject.model_of_fold(0)
    rng = np.random.default_rng(0)
    training = rng.normal(size=(11, 1024)).astype(np.float32)
    program = integer_program("normalised", tensors, states)
    assert program.name == ("int8" if states == "float32" else "int16/int16 state")
    made = program.make(model, training)
    x = torch.from_numpy(rng.normal(size=(2, 1, 512)).astype(np.float32))
    with torch.no_grad():
        expected = model(x)
    found = made(x)
    assert (made.hop, found.shape) == (model.hop, expected.shape)
    assert 0 < float((found - expected).abs().mean()) < 0.1
    assert torch.equal(made(x[1:]), found[1:])  # every row begins anew


def test_ranges_are_those_of_the_training_files():
    model = audit_subject("edge-detector-normalised", None, None).model_of_fold(0)
    x = 8 * np.random.default_rng(0).normal(size=(2, 1024)).astype(np.float32)
    rows = torch.from_numpy(x[:, None, :512])
    with torch.no_grad():
        expected = model(rows)
    wide, narrow = (
        integer_program("normalised", "int8", "float32").make(model, training)(rows)
        for training in (x, x / 64)
    )
    assert float((wide - expected).abs().max()) < float((narrow - expected).abs().max())


def test_states_need_integers_around_them(tmp_path, monkeypatch, capsys):
    arguments = ["edgeeeg", "audit", FACTORY, "--root", str(tmp_path), "--states", "int16"]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "give --quantize int8 or int16 too" in line
