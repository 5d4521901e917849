"""Every emulated board: the shipped detector, what comes late, states that move between cores, faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from edgeeeg.layers.lif import Lif
from edgeeeg.layers.mamba import MambaBlock
from edgeeeg_bridge.board_run import require_emulated, run_emulated
from edgeeeg_bridge.build import PORTS, build_firmware
from edgeeeg_bridge.device import Device
from edgeeeg_bridge.emulator import EmulatedBoard
from edgeeeg_bridge.errors import LinkLost
from edgeeeg_export import reference
from edgeeeg_export.boards import BOARDS
from edgeeeg_export.contract import run_on_host, stack_outputs
from edgeeeg_export.loading import load_model
from edgeeeg_export.passes.stream import stream
from edgeeeg_export.pipeline import compile_model
from edgeeeg_export.quantize.assignment import assign
from edgeeeg_export.quantize.calibration import calibrate
from edgeeeg_export.quantize.format import Format
from edgeeeg_export.subject import Subject

Bits = NDArray[np.uint32]
boards = pytest.mark.parametrize("board", PORTS)


class LateNetwork(nn.Module):
    """Neurons and a selective scan between two convolutions that look ahead."""

    n_chans, n_times, sfreq = 2, 32, 128.0

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(2, 4, 5, padding=2), nn.Conv1d(4, 1, 3, padding=1)
        self.neurons, self.scan = Lif(4), MambaBlock(4, d_state=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = (self.first(x) * 0.05).transpose(1, 2)
        features = torch.tanh(features + self.neurons(features))
        scores: torch.Tensor = self.second((features + self.scan(features)).transpose(1, 2))
        return scores


@dataclass(frozen=True, slots=True)
class Played:
    """A compiled model, counts (n_times, n_chans) for it, and the bits of the reference's outputs."""

    subject: Subject
    counts: NDArray[np.int16]
    bits: Bits

    def c_folder(self, folder: Path) -> Path:
        return self.subject.program.write(folder / "c")


def drawn_counts(subject: Subject, n_times: int) -> NDArray[np.int16]:
    n_chans = len(subject.inputs[0].ch_names)
    noise = np.random.default_rng(0).integers(-800, 800, (n_times, n_chans))
    swell = np.sin(np.arange(n_times) / 100)  # so that the detector rises and falls
    return (noise * swell[:, None]).astype(np.int16)


def played(subject: Subject, n_times: int) -> Played:
    counts = drawn_counts(subject, n_times)
    truth = reference.run(subject.offline, subject.samples(counts)).tensors
    bits = stack_outputs(subject.step, truth).view(np.uint32)
    assert np.array_equal(run_on_host(subject.program, counts).view(np.uint32), bits)
    return Played(subject, counts, bits)


@pytest.fixture(scope="module", params=["float32", "int8"])
def detector(request: pytest.FixtureRequest) -> Played:
    loaded = load_model("edge-detector")
    plain = compile_model(loaded, name="detector").subject
    if request.param == "float32":
        return played(plain, 4000)
    graph = stream(plain.lowered.captured, plain.hop)
    seen = calibrate(graph, plain.samples(drawn_counts(plain, 4000)), "min-max")
    inputs = {spec.name: Format("int16", spec.count) for spec in plain.inputs}
    return played(compile_model(loaded, name="detector", formats=assign(seen, inputs)).subject, 4000)


@pytest.fixture(scope="module")
def late() -> Played:
    torch.manual_seed(0)
    return played(compile_model(load_model(LateNetwork()), name="late").subject, 400)


@pytest.fixture(scope="module")
def detector_image(
    detector: Played, firmware_elf: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The detector's firmware for a board, built once; `firmware_elf` skips where the tools are missing."""
    images: dict[str, Path] = {}

    def image(board: str) -> Path:
        if board not in images:
            folder = tmp_path_factory.mktemp("detector")
            images[board] = build_firmware(detector.c_folder(folder), folder / "build", board)
        return images[board]

    return image


def test_the_boards_with_firmware_are_those_with_a_port() -> None:
    assert list(PORTS) == [board.name for board in BOARDS.values() if board.firmware]


@boards
def test_the_shipped_detector_has_the_references_bits(
    board: str, detector: Played, detector_image: Callable[[str], Path]
) -> None:
    with (
        EmulatedBoard(detector_image(board), require_emulated(board)) as emulated,
        Device(emulated.url) as device,
    ):
        assert device.hello.hop == detector.subject.hop
        bits = device.stream(detector.counts).view(np.uint32)
        stats = device.stats()
    assert np.array_equal(bits, detector.bits)
    assert len(np.unique(bits)) > 10
    assert 0 < stats.stack_high_water < stats.stack_size == 8192
    assert stats.rx_overruns == 0


def test_a_state_moves_from_core_to_core_in_mid_recording(
    detector: Played, detector_image: Callable[[str], Path]
) -> None:
    state, bits = None, []
    for board, counts in zip(PORTS, np.array_split(detector.counts, len(PORTS)), strict=True):
        with (
            EmulatedBoard(detector_image(board), require_emulated(board)) as emulated,
            Device(emulated.url) as device,
        ):
            if state is not None:
                device.restore(state)
            bits.append(device.stream(counts).view(np.uint32))
            state = device.save()
    assert np.array_equal(np.concatenate(bits), detector.bits)


@boards
def test_what_comes_late_is_flushed(board: str, late: Played, firmware_elf: Path, tmp_path: Path) -> None:
    assert late.subject.program.flush == 3
    run = run_emulated(late.c_folder(tmp_path), tmp_path / "build", board, late.counts)
    assert np.array_equal(run.outputs.view(np.uint32), late.bits)


@boards
def test_a_stack_overflow_restarts_the_board_and_the_host_learns_why(
    board: str,
    firmware_elf: Path,
    fake_model_directory: Path,
    tmp_path: Path,
    recording: NDArray[np.int16],
    reference: Callable[[NDArray[np.int16]], NDArray[np.float32]],
) -> None:
    elf = build_firmware(fake_model_directory, tmp_path, board)
    overflowing = recording[:40].copy()
    overflowing[20, 0] = -32767
    with EmulatedBoard(elf, require_emulated(board)) as emulated, Device(emulated.url) as device:
        with pytest.raises(LinkLost, match="restarted after exception 3"):
            device.stream(overflowing)
        assert device.connect().exception == 3
        assert device.stream(recording).tobytes() == reference(recording).tobytes()
