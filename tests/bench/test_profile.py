import shutil
import subprocess

import pytest

from edgeeeg.evidence import Evidence
from edgeeeg_bench.counters import Cycles, SymbolCount
from edgeeeg_bench.errors import CountError
from edgeeeg_bench.profile import ModelSymbols, model_profile, model_symbols
from edgeeeg_export.footprint import footprint

CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
needs_compiler = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None,
    reason="needs arm-none-eabi-gcc: apt-get install gcc-arm-none-eabi",
)


def count(name, exclusive, calls=1, address=0):
    cycles = Cycles(exclusive, 2 * exclusive, 3 * exclusive)
    return SymbolCount(name, address, False, calls, exclusive, exclusive, cycles)


COUNTS = (
    count("conv", 600, calls=10),
    count("net_step", 100, calls=20),
    count("net_init", 77),
    count("memcpy", 50),
    count("link_receive", 9999),
)
SYMBOLS = ModelSymbols(defined=("conv", "net_step", "net_init", "net_save"), outside=("memcpy", "memset"))


def test_a_step_is_the_models_functions_without_the_link_or_what_runs_once():
    profile = model_profile(COUNTS, SYMBOLS, n_steps=10, core="cortex-m4f")
    assert profile.instructions_per_step == 70
    assert profile.cycles_per_step == Cycles(70, 140, 210)
    assert [(part.name, part.calls, part.instructions_per_step) for part in profile.per_symbol] == [
        ("conv", 10, 60),
        ("net_step", 20, 10),
    ]
    assert [part.name for part in profile.once] == ["net_init"]
    assert [(part.name, part.instructions) for part in profile.outside] == [("memcpy", 50)]
    assert (profile.instructions_evidence, profile.cycles_evidence) == (Evidence.COUNTED, Evidence.MODELLED)


def test_a_core_without_a_timing_model_is_counted_in_instructions_alone():
    counted, other = (model_profile(COUNTS, SYMBOLS, 10, core) for core in ("cortex-m4f", "cortex-m7f"))
    assert other.instructions_per_step == counted.instructions_per_step
    assert other.cycles_per_step is None
    assert {part.cycles_per_step for part in (*other.per_symbol, *other.once, *other.outside)} == {None}


def test_a_name_that_the_firmware_also_defines_cannot_be_told_apart():
    with pytest.raises(CountError, match="conv is defined by the model and by other code"):
        model_profile((*COUNTS, count("conv", 3, address=64)), SYMBOLS, n_steps=10, core="cortex-m4f")


def test_no_steps_and_foreign_objects_are_refused():
    with pytest.raises(CountError, match="0 steps"):
        model_profile(COUNTS, SYMBOLS, n_steps=0, core="cortex-m4f")
    with pytest.raises(CountError, match="none of the model's 1 functions ran"):
        model_profile(COUNTS, ModelSymbols(("other",), ()), n_steps=10, core="cortex-m4f")


@pytest.fixture
def compiled(tmp_path):
    source = tmp_path / "net.c"
    source.write_text(
        "extern float sinf(float);\n"
        "static const float weights[100] = {1.0f, 2.0f};\n"
        "int steps = 3;\nstatic unsigned char arena[512];\n"
        "__attribute__((noinline)) static float layer(int i) { return weights[i] * sinf(arena[i]); }\n"
        "float net_step(int i) { arena[i] = 1; return layer(i) * layer(steps++); }\n"
    )
    built = tmp_path / "net.o"
    subprocess.run(["arm-none-eabi-gcc", *CORE, "-O2", "-c", source, "-o", built], check=True)
    return built


@needs_compiler
def test_object_files_give_functions_and_what_they_need_elsewhere(compiled):
    symbols = model_symbols([compiled])
    assert set(symbols.defined) == {"layer", "net_step"}
    assert symbols.outside == ("sinf",)


@needs_compiler
def test_objects_without_functions_are_refused(tmp_path):
    source, built = tmp_path / "weights.c", tmp_path / "weights.o"
    source.write_text("const int weights[2] = {1, 2};\n")
    subprocess.run(["arm-none-eabi-gcc", *CORE, "-c", source, "-o", built], check=True)
    with pytest.raises(CountError, match=r"no functions in weights\.o"):
        model_symbols([built])


@needs_compiler
def test_footprint_puts_each_kind_of_byte_where_the_board_keeps_it(compiled):
    found = footprint([compiled])
    assert (found.rodata, found.data, found.bss) == (400, 4, 512)
    assert found.text > 0
    assert found.flash_bytes == found.text + 404
    assert found.ram_bytes == 516
