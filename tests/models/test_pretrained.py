from pathlib import Path

import pytest
import torch

from edgeeeg.data.bonn_segments import TASKS, Task
from edgeeeg.data.folds import N_FOLDS
from edgeeeg.errors import ModelError
from edgeeeg.models.pretrained import (
    WEIGHTS,
    Pretrained,
    detector_for,
    load_detector,
    load_pretrained,
    save_pretrained,
    weights_file,
)

THRESHOLDS = {"windowed": 0.25, "carried": 0.5}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("fold", [None, *range(N_FOLDS)])
def test_every_shipped_weight_set_loads(task: Task, fold: int | None) -> None:
    shipped = load_pretrained(task, fold)
    assert not shipped.model.training
    assert shipped.thresholds.keys() == {"windowed", "carried"}
    assert all(0 < value < 1 for value in shipped.thresholds.values())
    assert all(tensor.isfinite().all() for tensor in shipped.model.state_dict().values())


def test_shipped_weights_are_under_300_kilobytes() -> None:
    files = list(WEIGHTS.iterdir())
    assert len(files) == len(TASKS) * (N_FOLDS + 1)
    assert sum(file.stat().st_size for file in files) < 300_000


def test_saved_weights_come_back_bit_for_bit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = detector_for("raw").eval()
    save_pretrained(Pretrained(model, THRESHOLDS), weights_file("raw", 3, tmp_path))
    loaded = load_pretrained("raw", 3, tmp_path)
    assert loaded.thresholds == THRESHOLDS
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)
    assert [file.name for file in tmp_path.iterdir()] == ["edge_detector-raw-fold3.safetensors"]


def test_a_write_that_fails_leaves_the_old_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights_file("raw", None, tmp_path)
    save_pretrained(Pretrained(detector_for("raw"), THRESHOLDS), path)
    before = path.read_bytes()

    def interrupt(self: Path, payload: bytes) -> int:
        with self.open("wb") as file:
            file.write(payload[: len(payload) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_pretrained(Pretrained(detector_for("raw"), THRESHOLDS), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_missing_weights_name_the_file_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"edge_detector-raw\.safetensors do not exist: `edgeeeg train`"):
        load_detector("raw", folder=tmp_path)


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(ModelError, match="'cooked': use one of raw, normalised"):
        load_detector("cooked")  # type: ignore[arg-type]


def test_corrupt_weights_are_refused(tmp_path: Path) -> None:
    path = weights_file("raw", None, tmp_path)
    path.write_bytes(weights_file("raw").read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be read as safetensors"):
        load_detector("raw", folder=tmp_path)


def test_weights_of_another_model_name_the_tensor(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    state = detector_for("raw").state_dict()
    state["head.weight"] = torch.zeros(1, 3)
    save_file(state, weights_file("raw", None, tmp_path))
    with pytest.raises(ModelError, match=r"tensor head\.weight has shape \(1, 3\), the detector needs"):
        load_detector("raw", folder=tmp_path)
