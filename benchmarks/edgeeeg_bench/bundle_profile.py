"""The profile of a bundle: instructions counted, memory counted, stack seen, cycles and energy modelled."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeeeg.bundle import Bundle
from edgeeeg.evidence import Evidence
from edgeeeg_bench.counters import Cycles, plugin_args, read_counts
from edgeeeg_bench.energy import EnergyEstimate, estimate, parts_of_the_counted_core
from edgeeeg_bench.profile import ModelProfile, model_profile, model_symbols
from edgeeeg_bench.result import Sizes
from edgeeeg_bridge.board_run import Progress, run_emulated
from edgeeeg_export.boards import find_board, fits, memory_of
from edgeeeg_export.contract import Counts
from edgeeeg_export.footprint import footprint

PROFILE = "profile.json"


@dataclass(frozen=True, slots=True)
class BundleProfile:
    """What one bundle costs on one board.

    `energy` begins with the part that the board stands for; it is empty where the core's cycles are not
    modelled.
    """

    board: str
    seconds_of_eeg: float
    steps_per_second: float
    sizes: Sizes
    image_flash_bytes: int
    model: ModelProfile
    energy: tuple[EnergyEstimate, ...]

    @property
    def fits(self) -> bool:
        """Whether model and stack fit the memory of the part that the board stands for."""
        return fits(find_board(self.board), self.image_flash_bytes, self.sizes.ram_bytes)

    def to_bytes(self) -> bytes:
        """`profile.json`."""
        return (json.dumps(self.to_json(), indent=2) + "\n").encode()

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON values, a grade beside every figure; cycles are null where not modelled."""
        cycles = self.model.cycles_per_step
        per_symbol = [
            {
                "symbol": symbol.name,
                "instructions_per_step": symbol.instructions_per_step,
                "cycles_per_step": symbol.cycles_per_step and asdict(symbol.cycles_per_step),
            }
            for symbol in self.model.per_symbol
        ]
        return {
            "board": self.board,
            "seconds_of_eeg": self.seconds_of_eeg,
            "steps_per_second": self.steps_per_second,
            "instructions": {
                "per_step": self.model.instructions_per_step,
                "steps": self.model.n_steps,
                "per_symbol": per_symbol,
                "evidence": str(self.model.instructions_evidence),
            },
            "cycles": cycles and {"per_step": asdict(cycles), "evidence": str(self.model.cycles_evidence)},
            "sizes": {
                "flash_bytes": self.sizes.flash_bytes,
                "image_flash_bytes": self.image_flash_bytes,
                "state_bytes": self.sizes.state_bytes,
                "arena_bytes": self.sizes.arena_bytes,
                "evidence": str(Evidence.COUNTED),
            },
            "stack": {"bytes": self.sizes.stack_bytes, "evidence": str(Evidence.EMULATED)},
            "fit": {"part": memory_of(find_board(self.board)).name, "fits": self.fits},
            "energy": [asdict(item) | {"evidence": str(item.evidence)} for item in self.energy],
        }


def profile_bundle(
    bundle: Bundle, board: str, counts: Counts, build_dir: Path, on_progress: Progress | None = None
) -> BundleProfile:
    """Run the bundle's C on an emulated board under the counting plugin.

    Parameters
    ----------
    bundle : Bundle
    board : emulated board with firmware.
    counts : (n_times, n_chans), what is streamed; a few seconds are enough, since counts repeat exactly.
    build_dir : where firmware and plugin are built.

    Raises
    ------
    MissingDependency
        Compiler or QEMU are not installed.
    BuildError
        The board has no firmware.
    """
    info = bundle.manifest
    sfreq = info.input.sfreq
    out = build_dir / "counts.tsv"
    run = run_emulated(
        bundle.folder / "c",
        build_dir,
        board,
        counts,
        lambda elf: plugin_args(elf, out, build_dir),
        on_progress,
    )
    objects = sorted((build_dir / "model").glob("*.o"))
    model = model_profile(read_counts(out), model_symbols(objects), len(run.outputs), find_board(board).core)
    steps_per_second = sfreq / info.hop
    return BundleProfile(
        board=board,
        seconds_of_eeg=len(counts) / sfreq,
        steps_per_second=steps_per_second,
        sizes=Sizes(
            flash_bytes=footprint(objects).flash_bytes,
            state_bytes=info.c.state_bytes,
            arena_bytes=info.c.arena_bytes,
            stack_bytes=run.stats.stack_high_water,
        ),
        image_flash_bytes=footprint([build_dir / "firmware.elf"]).flash_bytes,
        model=model,
        energy=_energy(model.cycles_per_step, steps_per_second, memory_of(find_board(board)).name),
    )


def _energy(cycles: Cycles | None, steps_per_second: float, first: str) -> tuple[EnergyEstimate, ...]:
    """Time and energy of the parts with the core whose cycles are modelled, one of them first."""
    if cycles is None:
        return ()
    parts = sorted(parts_of_the_counted_core(), key=lambda part: part != first)
    return tuple(estimate(cycles.low, cycles.mid, cycles.high, steps_per_second, part) for part in parts)
