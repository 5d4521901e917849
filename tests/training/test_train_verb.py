import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edgeeeg.cli import build_app
from edgeeeg.errors import MissingDependency, OutputError, RecordingError
from edgeeeg.models.pretrained import load_pretrained
from edgeeeg.signal.bonn import DESCRIPTIONS, N_TIMES
from edgeeeg.training.bonn import plan_runs

RUNNER = CliRunner()


@pytest.fixture(scope="module")
def made_up_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete set of noise, louder in S."""
    root = tmp_path_factory.mktemp("bonn")
    rng = np.random.default_rng(0)
    for set_name in DESCRIPTIONS:
        (root / set_name).mkdir()
        values = rng.normal(0, 300 if set_name == "S" else 50, N_TIMES).astype(int)
        text = "\n".join(map(str, values))
        for number in range(1, 101):
            (root / set_name / f"{set_name}{number:03d}.txt").write_text(text)
    return root


def test_train_writes_weights_that_load(made_up_set: Path, tmp_path: Path) -> None:
    result = RUNNER.invoke(
        build_app(),
        f"train --root {made_up_set} --out {tmp_path} --task raw --no-folds --epochs 1 --json".split(),
        catch_exceptions=False,
    )
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert printed["weights"] == [str(tmp_path / "edge_detector-raw.safetensors")]
    assert load_pretrained("raw", folder=tmp_path).thresholds.keys() == {"windowed", "carried"}


def test_train_without_data_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="Bonn set is incomplete, folder Z is missing"):
        RUNNER.invoke(
            build_app(),
            ["train", "--root", str(tmp_path), "--out", str(tmp_path / "out")],
            catch_exceptions=False,
        )
    assert not (tmp_path / "out").exists()


def test_train_without_torch_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find_spec(name)
    )
    with pytest.raises(
        MissingDependency, match=r"needs torch, not installed here: pip install 'edgeeeg\[train\]'"
    ):
        RUNNER.invoke(
            build_app(), ["train", "--root", str(tmp_path), "--out", str(tmp_path)], catch_exceptions=False
        )


def test_both_tasks_with_folds_are_twelve_runs() -> None:
    runs = plan_runs(("raw", "normalised"), with_folds=True)
    assert [run.fold for run in runs] == [0, 1, 2, 3, 4, None] * 2
    assert runs[2].name == "raw fold 2"
    assert plan_runs(("raw",), with_folds=False)[0].name == "raw all files"


@pytest.mark.parametrize("taken", ["edge_detector-raw.safetensors", "file"])
def test_a_place_that_cannot_be_written_is_refused_before_the_data_are_read(
    tmp_path: Path, taken: str
) -> None:
    out = tmp_path / "out"
    if taken == "file":
        out.write_text("")
    else:
        (out / taken).mkdir(parents=True)
    arguments = ["train", "--root", str(tmp_path / "no data"), "--out", str(out), "--task", "raw"]
    with pytest.raises(OutputError, match=r"is a folder|is not a folder"):
        RUNNER.invoke(build_app(), [*arguments, "--no-folds"], catch_exceptions=False)


def test_make_train_leaves_the_shipped_weights_alone() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    recipe = makefile.partition("\ntrain: ")[2].partition("\n\n")[0]
    assert "--out runs/weights" in recipe
