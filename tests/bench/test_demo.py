"""The demonstration, its verbs and its JSON object, from the shipped weights to the emulated board."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeeeg.bundle import Bundle
from edgeeeg_bench import demo
from edgeeeg_bench.demo_recording import bonn_recording, chb_recording, find_chb_excerpt, synthetic_recording
from edgeeeg_export.toolchain import find_program

PROGRAM = str(Path(sys.executable).with_name("edgeeeg"))


def edgeeeg(*arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == expect, done.stderr
    return done


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    missing = demo.missing_tools()
    if missing:
        pytest.skip(missing)
    out = tmp_path_factory.mktemp("demo")
    return out, json.loads(edgeeeg("demo", "--out", str(out), "--json").stdout)


def test_our_own_targets_agree_in_every_bit_over_ten_minutes(shown):
    _, result = shown
    for target in ("chunked", "numpy", "c_host", "board"):
        record = result["contract"][target]
        assert record["bit_identical"], target
        assert (record["max_abs"], record["flips"], record["first_over"]) == (0, 0, None)
        assert record["samples"] >= 600 * 173


def test_torch_and_onnx_runtime_stay_within_the_tolerance(shown):
    _, result = shown
    for target in ("torch", "onnxruntime"):
        record = result["contract"][target]
        assert record["max_abs"] <= 1e-4
        assert record["worst_layer_error"] <= 1e-4
        assert record["layers"] >= 15
        assert record["flips_outside_episodes"] == 0


def test_the_board_is_counted_sized_and_modelled(shown):
    _, result = shown
    assert result["board"]["name"] == "qemu:mps2-an386"
    assert result["board"]["evidence"] == "counted"
    assert 10_000 < result["board"]["instructions_per_step"] < 1_000_000
    assert 0 < result["sizes"]["stack_bytes"] < 8192
    assert result["sizes"]["state_bytes"] > 0
    low, high = result["energy"]["band"]
    assert low < result["energy"]["joules_per_second_of_eeg"] < high
    assert result["energy"]["evidence"] == "modelled"
    assert (
        result["energy"]["real_time_factor_band"][0] > 1
    )  # keeps up with real time even at the band's worst


def test_the_report_and_the_bundle_are_whole(shown):
    out, result = shown
    page = (out / "report.html").read_text()
    assert result["left_out"]
    assert "bokeh" in page
    assert "modelled" in page
    bundle = Bundle.load(out / "bundle")
    assert {"golden.npz", "verification.json", "profile.json", "model.onnx"} <= bundle.manifest.files.keys()


def test_profile_repeats_to_the_instruction(shown):
    out, _ = shown
    counted = [
        json.loads(edgeeeg("profile", str(out / "bundle"), "--json").stdout)["instructions"] for _ in range(2)
    ]
    assert counted[0] == counted[1]
    total = sum(symbol["instructions_per_step"] for symbol in counted[0]["per_symbol"])
    assert total == pytest.approx(counted[0]["per_step"])


@pytest.mark.parametrize(
    ("board", "part", "core"),
    [("qemu:mps2-an500", "stm32h743", "cortex-m7f"), ("qemu:mps3-an547", "alif-e7-he", "cortex-m55")],
)
def test_a_core_without_a_timing_model_is_profiled_in_instructions(shown, tmp_path, board, part, core):
    copy = tmp_path / "bundle"
    shutil.copytree(shown[0] / "bundle", copy)
    profile = json.loads(edgeeeg("profile", str(copy), "--board", board, "--json").stdout)
    assert 10_000 < profile["instructions"]["per_step"] < 1_000_000
    assert profile["instructions"]["evidence"] == "counted"
    assert profile["cycles"] is None
    assert {symbol["cycles_per_step"] for symbol in profile["instructions"]["per_symbol"]} == {None}
    assert profile["energy"] == []
    assert profile["fit"] == {"part": part, "fits": True}
    printed = " ".join(edgeeeg("profile", str(copy), "--board", board).stdout.split())
    assert core in printed
    assert "cycles, time, energy" in printed
    assert "time per step" not in printed


def test_verify_stores_the_boards_record_and_finds_a_tampered_model(shown, tmp_path):
    out, _ = shown
    copy = tmp_path / "bundle"
    shutil.copytree(out / "bundle", copy)
    edgeeeg("verify", str(copy), "--model", "edge-detector", "--board", "qemu:mps2-an386")
    stored = json.loads((copy / "verification.json").read_text())["targets"]
    assert stored["board"]["bit_identical"]
    source = copy / "c" / "detector.c"
    source.write_text(source.read_text().replace("return 1;", "return 1 ;", 1))
    refused = edgeeeg("verify", str(copy), expect=2)
    assert refused.stderr.count("\n") == 1
    assert "detector.c" in refused.stderr


def test_a_machine_without_a_cross_compiler_still_runs_the_host_part(tmp_path, monkeypatch):
    tools = tmp_path / "bin"
    tools.mkdir()
    for program in ("gcc", "as", "ld", "cc1", "collect2"):
        found = shutil.which(program)
        if found:
            (tools / program).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    stages: list[str] = []
    progress = demo.Progress(stages.append, lambda done, of: None)
    result = demo.run_demo("synthetic", None, "raw", "qemu:mps2-an386", tmp_path / "out", progress)
    assert "board" not in result.contract
    assert result.contract["c_host"]["bit_identical"]
    assert any("arm-none-eabi-gcc" in sentence for sentence in result.left_out)
    assert result.to_dict()["energy"] is None
    assert result.to_dict()["sizes"]["flash_content"] == "weights only"


def test_a_missing_tool_is_named_with_the_line_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install -y gcc-arm-none-eabi" in demo.missing_tools()


def test_bonn_without_its_folder_is_one_line(tmp_path):
    refused = edgeeeg("demo", "--data", "bonn", "--out", str(tmp_path / "demo"), expect=2)
    assert refused.stderr == "edgeeeg: --data bonn needs --root, the folder with Z, O, N, F and S\n"


def test_a_folder_of_bonn_is_not_ignored_on_synthetic_data(tmp_path):
    refused = edgeeeg("demo", "--root", "data/bonn", "--out", str(tmp_path / "demo"), expect=2)
    assert refused.stderr == (
        "edgeeeg: --root is the folder of the Bonn set: add --data bonn, or leave it out\n"
    )


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "thesis.tex").write_text("mine")
    refused = edgeeeg("demo", "--out", str(tmp_path), expect=2)
    assert "exists and is not a bundle" in refused.stderr
    assert not (tmp_path / "build").exists()
    assert "is not a folder" in edgeeeg("demo", "--out", "/dev/null", expect=2).stderr


def test_boards_lists_memory_and_sources():
    listed = json.loads(edgeeeg("boards", "--json").stdout)
    assert listed["nrf52840"]["flash_bytes"] == 1024 * 1024
    assert listed["nrf52840"]["picojoules_per_cycle"] == 156
    assert listed["qemu:mps2-an386"]["firmware"]
    assert "nrf52840" in edgeeeg("boards").stdout


def test_synthetic_recording_lasts_ten_minutes_with_seizures():
    recording = synthetic_recording("raw")
    assert recording.duration >= 600
    assert any(a.description == "seizure" for a in recording.annotations)
    assert synthetic_recording("normalised").unit == "z"


def test_real_recordings_last_over_ten_minutes(bonn_root):
    from edgeeeg.signal import read_bonn

    recording = bonn_recording(read_bonn(bonn_root), "raw")
    assert recording.duration > 600
    assert sum(a.description == "ictal" for a in recording.annotations) == 6
    path = find_chb_excerpt(bonn_root)
    assert path is not None
    excerpt = chb_recording(path, "raw")
    assert excerpt.sfreq == recording.sfreq
    (seizure,) = excerpt.annotations
    assert (seizure.onset, seizure.duration) == pytest.approx((122, 101), abs=0.1)
    assert np.abs(excerpt.data).max() < 4096


def test_tools_are_found_where_they_are_installed():
    assert Path(find_program("gcc")).is_file()
