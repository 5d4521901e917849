"""What `edgeeeg audit` takes, and the verb itself on a complete made-up set."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from edgeeeg.cli import build_app
from edgeeeg.models.frame_lstm import FrameLstm
from edgeeeg.signal.bonn import DESCRIPTIONS, N_TIMES
from edgeeeg_export.audit_subject import audit_subject
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
