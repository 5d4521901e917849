"""Time and energy per second of EEG, modelled from modelled cycles; never a measurement."""

from __future__ import annotations

from dataclasses import dataclass

from edgeeeg.evidence import Evidence
from edgeeeg_bench.errors import EnergyError
from edgeeeg_export.boards import Confidence, find_board

COUNTED_CORE = "cortex-m4f"
"""The core whose timing `plugin/m4_timing.c` models; another core's cycles would be wrong beyond any band."""

CYCLES_TOLERANCE = 0.30
"""Relative error granted to modelled cycles: no wait states, unaligned access or late addresses in them."""

ENERGY_FACTOR = 2.0
"""Factor granted each way to energy per cycle: it varies with supply, regulator, cache and code."""


@dataclass(frozen=True, slots=True)
class EnergyModel:
    """Active and sleeping power of one part of the board table.

    `microampere_per_megahertz` (µA/MHz) while executing, at `volts` (V); one of the other makes 1 pJ/cycle.
    `sleep_microwatts` (µW) with RAM retained and a timer to wake it, None where no figure is at hand.
    """

    part: str
    microampere_per_megahertz: float
    volts: float
    sleep_microwatts: float | None
    source: str
    confidence: Confidence

    @property
    def picojoules_per_cycle(self) -> float:
        """Energy of one active cycle (pJ)."""
        return self.microampere_per_megahertz * self.volts


_TABLE = (
    EnergyModel(
        part="nrf52840",
        microampere_per_megahertz=52.0,
        volts=3.0,
        sleep_microwatts=9.5,
        source="secondary table, 3 V with DC/DC; sleep 3.16 µA, all RAM kept, woken by the RTC",
        confidence="secondary",
    ),
    EnergyModel(
        part="nrf5340-net",
        microampere_per_megahertz=2400 / 64,
        volts=3.0,
        sleep_microwatts=None,
        source="Nordic specification, 2.4 mA at 64 MHz and 3 V",
        confidence="high",
    ),
    EnergyModel(
        part="nrf54l15",
        microampere_per_megahertz=2600 / 128,
        volts=3.0,
        sleep_microwatts=None,
        source="Nordic specification, 2.6 mA at 128 MHz and 3 V",
        confidence="high",
    ),
    EnergyModel(
        part="stm32l4p5",
        microampere_per_megahertz=41.0,
        volts=3.3,
        sleep_microwatts=None,
        source="secondary table, with SMPS; 3.3 V assumed",
        confidence="secondary",
    ),
    EnergyModel(
        part="stm32l451",
        microampere_per_megahertz=84.0,
        volts=3.3,
        sleep_microwatts=None,
        source="DS11912; 3.3 V assumed",
        confidence="high",
    ),
    EnergyModel(
        part="stm32u575",
        microampere_per_megahertz=19.5,
        volts=3.3,
        sleep_microwatts=None,
        source="Zephyr's page of the board; 3.3 V assumed",
        confidence="secondary",
    ),
    EnergyModel(
        part="stm32h743",
        microampere_per_megahertz=275.0,
        volts=3.3,
        sleep_microwatts=None,
        source="DS12110 through a secondary table; 3.3 V assumed",
        confidence="secondary",
    ),
    EnergyModel(
        part="apollo4",
        microampere_per_megahertz=4.0,
        volts=1.8,
        sleep_microwatts=None,
        source="secondary table; 1.8 V assumed",
        confidence="low",
    ),
    EnergyModel(
        part="raspberry-pi-4",
        microampere_per_megahertz=0.93 / 5.0 / 1500 * 1e6,
        volts=5.0,
        sleep_microwatts=None,
        source="board-level table, 0.93 W more for a busy core at 1.5 GHz; 5 V supply",
        confidence="secondary",
    ),
)

ENERGY_MODELS: dict[str, EnergyModel] = {model.part: model for model in _TABLE}


@dataclass(frozen=True, slots=True)
class Band:
    """A modelled figure with the range it may lie in."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class EnergyEstimate:
    """Time and energy of a model on one part.

    `seconds_per_step` (s) at the part's clock; `real_time_factor` is how many times faster than the recording
    steps come out, below 1 the part cannot keep up; `joules_per_second_of_eeg` (J/s) includes sleep between
    steps only where `includes_sleep` says so.
    """

    part: str
    clock_hz: int
    seconds_per_step: Band
    real_time_factor: Band
    joules_per_second_of_eeg: Band
    includes_sleep: bool
    source: str
    confidence: Confidence
    evidence: Evidence = Evidence.MODELLED


def parts_of_the_counted_core() -> tuple[str, ...]:
    """Return the parts for which cycles counted on the emulated Cortex-M4F may be turned into energy."""
    return tuple(part for part in ENERGY_MODELS if find_board(part).core == COUNTED_CORE)


def estimate(
    cycles_low: float, cycles_mid: float, cycles_high: float, steps_per_second: float, part: str
) -> EnergyEstimate:
    """Model time per step and energy per second of EEG on a part with the counted core.

    E = steps/s × cycles × pJ/cycle + P_sleep × (1 − time active); the band takes the low and high cycle
    models, ±30 % on cycles, and a factor of two each way on energy per cycle (and on sleep).

    Parameters
    ----------
    cycles_low, cycles_mid, cycles_high
        Modelled cycles per step, ascending.
    steps_per_second
        Steps per second of EEG (1/s).
    part
        Name in the board table.

    Raises
    ------
    EnergyError
        No energy figures for the part, another core than the counted one, or cycles that are not ascending.
    """
    model = ENERGY_MODELS.get(part)
    if model is None:
        raise EnergyError(f"no energy figures for {part}: choose {', '.join(parts_of_the_counted_core())}")
    board = find_board(part)
    if board.core != COUNTED_CORE:
        raise EnergyError(
            f"cycles were modelled for {COUNTED_CORE}, {part} has {board.core}: give it in instructions "
            f"only, or choose {', '.join(parts_of_the_counted_core())}"
        )
    if not 0 < cycles_low <= cycles_mid <= cycles_high or steps_per_second <= 0:
        raise EnergyError(
            f"cycles per step {cycles_low:g}, {cycles_mid:g}, {cycles_high:g} at {steps_per_second:g} steps "
            "a second: give positive figures, low to high"
        )
    cycles = Band(cycles_low * (1 - CYCLES_TOLERANCE), cycles_mid, cycles_high * (1 + CYCLES_TOLERANCE))
    seconds = Band(cycles.low / board.clock_hz, cycles.mid / board.clock_hz, cycles.high / board.clock_hz)

    def joules_per_second(n_cycles: float, factor: float) -> float:
        active = steps_per_second * n_cycles * model.picojoules_per_cycle * 1e-12
        idle_share = max(0.0, 1.0 - steps_per_second * n_cycles / board.clock_hz)
        return factor * (active + (model.sleep_microwatts or 0.0) * 1e-6 * idle_share)

    return EnergyEstimate(
        part=part,
        clock_hz=board.clock_hz,
        seconds_per_step=seconds,
        real_time_factor=Band(
            1 / (seconds.high * steps_per_second),
            1 / (seconds.mid * steps_per_second),
            1 / (seconds.low * steps_per_second),
        ),
        joules_per_second_of_eeg=Band(
            joules_per_second(cycles.low, 1 / ENERGY_FACTOR),
            joules_per_second(cycles.mid, 1.0),
            joules_per_second(cycles.high, ENERGY_FACTOR),
        ),
        includes_sleep=model.sleep_microwatts is not None,
        source=model.source,
        confidence=model.confidence,
    )
