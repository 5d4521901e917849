"""Ten minutes of EEG through a program of integers: the same bits on the host and on every emulated core."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from edgeeeg_bench.board_soak.run import BoardSoak, integer_subject, soak_boards
from edgeeeg_bench.soak.eeg import SFREQ, hour_counts
from edgeeeg_bridge.build import PORTS

MINUTES = 10


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> BoardSoak:
    for program, package in (
        ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
        ("qemu-system-arm", "qemu-system-arm"),
    ):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install {package}")
    subject = integer_subject("int16")
    kinds = {node.op.kind for node in subject.step.nodes}
    assert {"QuantizedConv", "QuantizedLinear", "QuantizedGru"} <= kinds
    counts = hour_counts(0, MINUTES * 60, 0, ())
    return soak_boards(subject, counts, list(PORTS), tmp_path_factory.mktemp("soak"))


def test_ten_minutes_have_the_same_bits_everywhere(found: BoardSoak) -> None:
    assert set(found.targets) == {"numpy", "c_host", *PORTS}
    assert found.samples == MINUTES * 60 * SFREQ
    assert [name for name, one in found.targets.items() if one.differing or one.first_difference] == []
    assert found.bit_identical
    assert found.targets["numpy"].steps == found.samples // 64


def test_what_integers_lose_does_not_grow(found: BoardSoak) -> None:
    first, *_, last = found.error_by_quarter
    assert len(found.error_by_quarter) == 4
    assert 0.0 < last < 2.0 * first + 0.001
    assert max(found.error_by_quarter) < 0.05


def test_one_wrong_step_is_seen(found: BoardSoak) -> None:
    changed = replace(found.targets["c_host"], sha256="0" * 64)
    assert not replace(found, targets={**found.targets, "c_host": changed}).bit_identical
    assert np.all([len(one.sha256) == 64 for one in found.targets.values()])
