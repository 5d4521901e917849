"""A bundle's profile as people read it."""

from __future__ import annotations

from rich.table import Table

from edgeeeg_bench.bundle_profile import BundleProfile
from edgeeeg_bench.energy import COUNTED_CORE, EnergyEstimate
from edgeeeg_bench.result import board_evidence
from edgeeeg_export.boards import find_board, memory_of


def render_profile(profile: BundleProfile) -> tuple[Table, Table]:
    """Where the instructions go, and what the whole costs."""
    per_step = profile.model.instructions_per_step
    layers = Table(title=f"{per_step:,.0f} instructions per step on {profile.board} (counted)")
    layers.add_column("symbol", no_wrap=True)
    layers.add_column("instructions", justify="right")
    layers.add_column("share", justify="right")
    for symbol in profile.model.per_symbol:
        share = symbol.instructions_per_step / per_step
        layers.add_row(symbol.name, f"{symbol.instructions_per_step:,.0f}", f"{share:.1%}")
    costs = Table(title="what it costs")
    for column in ("figure", "value", "evidence"):
        costs.add_column(column)
    sizes = profile.sizes
    part = memory_of(find_board(profile.board)).name
    costs.add_row(
        "flash: model / whole image",
        f"{sizes.flash_bytes:,} / {profile.image_flash_bytes:,} bytes",
        "counted",
    )
    costs.add_row("RAM: state / arena", f"{sizes.state_bytes:,} / {sizes.arena_bytes:,} bytes", "counted")
    costs.add_row("stack, deepest", f"{sizes.stack_bytes:,} bytes", str(board_evidence(profile.board)))
    costs.add_row(f"fits {part}", "yes" if profile.fits else "no", "declared memory")
    for estimate in profile.energy[:1]:
        for row in energy_rows(estimate):
            costs.add_row(*row)
    if not profile.energy:
        costs.add_row("cycles, time, energy", f"none: {without_cycles(profile.board)}", "")
    return layers, costs


def without_cycles(board: str) -> str:
    """Why a board's profile ends at instructions."""
    return f"the timing of {find_board(board).core} is not modelled, only that of {COUNTED_CORE}"


def energy_rows(estimate: EnergyEstimate) -> list[tuple[str, str, str]]:
    """Time, real-time factor and energy on one part: figure, value with its band, grade."""
    milli = estimate.seconds_per_step
    factor, joules = estimate.real_time_factor, estimate.joules_per_second_of_eeg
    grade = str(estimate.evidence)
    return [
        (
            f"time per step, {estimate.part}",
            f"{1e3 * milli.mid:.2f} ms ({1e3 * milli.low:.2f} to {1e3 * milli.high:.2f})",
            grade,
        ),
        ("faster than real time", f"{factor.mid:.1f} × ({factor.low:.1f} to {factor.high:.1f})", grade),
        (
            "energy per second of EEG",
            f"{1e6 * joules.mid:.0f} µJ ({1e6 * joules.low:.0f} to {1e6 * joules.high:.0f})",
            grade,
        ),
    ]
