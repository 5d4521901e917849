import pytest

from edgeeeg.evidence import Evidence
from edgeeeg_bench.energy import ENERGY_MODELS, EnergyModel, estimate, parts_of_the_counted_core
from edgeeeg_bench.errors import EnergyError
from edgeeeg_export.boards import BOARDS


def test_energy_per_cycle_is_current_times_voltage():
    assert EnergyModel("part", 52.0, 3.0, None, "", "high").picojoules_per_cycle == 156
    expected = {"nrf52840": 156, "nrf5340-net": 113, "nrf54l15": 61, "stm32l4p5": 135, "stm32l451": 277,
                "stm32u575": 64, "stm32h743": 908, "apollo4": 7, "raspberry-pi-4": 620}  # fmt: skip
    assert set(expected) == set(ENERGY_MODELS) <= set(BOARDS)
    for part, picojoules in expected.items():
        assert ENERGY_MODELS[part].picojoules_per_cycle == pytest.approx(picojoules, abs=0.6)


def test_estimate_by_hand():
    # 64 000 cycles at 64 MHz are 1 ms; ten a second are 640 000 cycles of 156 pJ, and 99 % sleep at 9.5 µW.
    found = estimate(64_000, 64_000, 64_000, 10.0, "nrf52840")
    assert found.seconds_per_step.mid == pytest.approx(1e-3)
    assert found.real_time_factor.mid == pytest.approx(100.0)
    assert found.includes_sleep
    assert found.joules_per_second_of_eeg.mid == pytest.approx(640_000 * 156e-12 + 9.5e-6 * 0.99)
    assert found.evidence is Evidence.MODELLED


def test_band_takes_thirty_percent_of_cycles_and_a_factor_of_two_of_energy():
    found = estimate(10_000, 20_000, 30_000, 10.0, "stm32l451")
    assert not found.includes_sleep
    picojoules = 84 * 3.3
    assert found.seconds_per_step.low == pytest.approx(7_000 / 80e6)
    assert found.seconds_per_step.high == pytest.approx(39_000 / 80e6)
    assert found.joules_per_second_of_eeg.low == pytest.approx(10 * 7_000 * picojoules * 1e-12 / 2)
    assert found.joules_per_second_of_eeg.mid == pytest.approx(10 * 20_000 * picojoules * 1e-12)
    assert found.joules_per_second_of_eeg.high == pytest.approx(10 * 39_000 * picojoules * 1e-12 * 2)
    assert found.real_time_factor.low == pytest.approx(1 / (39_000 / 80e6 * 10))
    assert found.real_time_factor.high == pytest.approx(1 / (7_000 / 80e6 * 10))


def test_a_part_that_cannot_keep_up_shows_it_and_never_sleeps():
    found = estimate(64e6, 64e6, 64e6, 2.0, "nrf52840")
    assert found.real_time_factor.mid == pytest.approx(0.5)
    assert found.joules_per_second_of_eeg.mid == pytest.approx(128e6 * 156e-12)


@pytest.mark.parametrize("part", ["stm32h743", "stm32u575", "nrf54l15", "raspberry-pi-4"])
def test_another_core_is_given_in_instructions_only(part):
    with pytest.raises(EnergyError, match="instructions only") as caught:
        estimate(1, 2, 3, 1.0, part)
    assert part in str(caught.value)


def test_parts_without_figures_and_wrong_cycles_are_refused():
    assert set(parts_of_the_counted_core()) == {"nrf52840", "stm32l4p5", "stm32l451", "apollo4"}
    with pytest.raises(EnergyError, match="no energy figures for qemu:mps2-an386: choose nrf52840"):
        estimate(1, 2, 3, 1.0, "qemu:mps2-an386")
    for cycles in ((0, 1, 2), (3, 2, 4)):
        with pytest.raises(EnergyError, match="low to high"):
            estimate(*cycles, 1.0, "nrf52840")
    with pytest.raises(EnergyError, match="0 steps"):
        estimate(1, 2, 3, 0.0, "nrf52840")
