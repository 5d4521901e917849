"""What the build refuses, and that the model's work stays in the model's symbols."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgeeeg.errors import MissingDependency
from edgeeeg_bridge import build
from edgeeeg_bridge.errors import BuildError


def test_a_missing_compiler_names_the_packages(
    fake_model_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="apt-get install -y gcc-arm-none-eabi libnewlib"):
        build.build_firmware(fake_model_directory, tmp_path)


def test_a_board_without_firmware_names_those_with(fake_model_directory: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="'nrf52840', only for qemu:mps2-an386"):
        build.build_firmware(fake_model_directory, tmp_path, "nrf52840")


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="holds no exported model"):
        build.build_firmware(tmp_path, tmp_path)


def test_the_compilers_words_reach_the_user_in_one_line(
    firmware_elf: Path, fake_model_directory: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(fake_model_directory, tmp_path / "model")
    with (model / "edgeeeg_model.c").open("a", encoding="utf-8") as source:
        source.write("int broken(void) { return undeclared; }\n")
    with pytest.raises(BuildError, match="undeclared") as refusal:
        build.build_firmware(model, tmp_path / "build")
    assert "\n" not in str(refusal.value)


def test_arithmetic_from_the_c_library_is_refused(
    firmware_elf: Path, fake_model_directory: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(fake_model_directory, tmp_path / "model")
    source = (model / "edgeeeg_model.c").read_text(encoding="utf-8")
    called = source.replace("counted.number;", "expf(counted.number);", 1)
    (model / "edgeeeg_model.c").write_text(f"float expf(float);\n{called}", encoding="utf-8")
    with pytest.raises(BuildError, match="undefined reference to `expf'"):
        build.build_firmware(model, tmp_path / "build")


def test_objects_of_an_earlier_model_do_not_stay(
    firmware_elf: Path, fake_model_directory: Path, tmp_path: Path
) -> None:
    stale = tmp_path / "model" / "earlier.o"
    stale.parent.mkdir()
    stale.touch()
    build.build_firmware(fake_model_directory, tmp_path)
    assert [path.name for path in stale.parent.iterdir()] == ["edgeeeg_model.o"]


def test_the_firmware_lies_beside_the_package() -> None:
    assert (build.firmware_directory() / "main.c").is_file()


def test_the_image_calls_no_allocator_and_no_stdio(firmware_elf: Path) -> None:
    listing = subprocess.run(["arm-none-eabi-nm", firmware_elf], capture_output=True, text=True, check=True)
    symbols = {line.split()[-1] for line in listing.stdout.splitlines()}
    assert {"edgeeeg_model_step", "link_receive", "reset_handler"} <= symbols
    assert not symbols & {"malloc", "_malloc_r", "printf", "_sbrk", "exit"}
    assert (firmware_elf.parent / "model" / "edgeeeg_model.o").is_file()
