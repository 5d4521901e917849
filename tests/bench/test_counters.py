"""Counts against an image whose every instruction is counted by hand, see `counted/counted.S`."""

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from edgeeeg.errors import MissingDependency
from edgeeeg_bench.counters import Cycles, build_plugin, plugin_args, read_counts
from edgeeeg_bench.errors import CountError
from edgeeeg_bench.symbols import code_symbols
from edgeeeg_export.errors import ToolchainError
from edgeeeg_export.footprint import footprint

SOURCES = Path(__file__).parent / "counted"
CORE = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")

pytestmark = pytest.mark.skipif(
    not all(shutil.which(name) for name in ("gcc", "arm-none-eabi-gcc", "qemu-system-arm")),
    reason="needs gcc, arm-none-eabi-gcc, qemu-system-arm: "
    "apt-get install gcc gcc-arm-none-eabi qemu-system-arm",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("counted, with a comma")


@pytest.fixture(scope="module")
def elf(folder):
    image = folder / "counted.elf"
    flags = (*CORE, "-nostdlib", "-Wl,--build-id=none", "-Wl,-T", SOURCES / "counted.ld")
    subprocess.run(["arm-none-eabi-gcc", *flags, "-o", image, SOURCES / "counted.S"], check=True)
    return image


def run(elf, out):
    machine = ("-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none")
    semihosting = ("-semihosting-config", "enable=on,target=native")
    extra = plugin_args(elf, out, elf.parent / "build")
    command = ["qemu-system-arm", *machine, *semihosting, "-kernel", str(elf), *extra]
    subprocess.run(command, check=True, timeout=60)


@pytest.fixture(scope="module")
def counts(elf, folder):
    out = folder / "counts.tsv"
    run(elf, out)
    return {count.name: count for count in read_counts(out)}


# name: calls, exclusive, inclusive
BY_HAND = {
    "count_down": (1, 1 + 1000 * 2 + 1, 2002),
    "skip_in_it_block": (1, 8, 8),  # the three that the block skips are executed, without effect
    "repeat_calls": (1, 2 + 10 * 3 + 1, 33 + 10 * 2),
    "leaf": (10 + 40, 50 * 2, 50 * 2),
    "recurse": (5, 4 * 5 + 4, 24),
    "call_in_tail": (7, 7 * 2, 7 * (2 + 2)),
    "called_in_tail": (7, 7 * 2, 7 * 2),
    "float_chain": (1, 7, 7),
    "interrupted": (1, 4 + 40 * 6 + 1, 245 + 40 * (2 + 2 + 3)),
    "pend_and_return": (40, 40 * 2, 40 * 2),
    "pend_and_pop": (40, 40 * 3, 40 * 3),
    # three exceptions a turn, each taken twice: ten instructions the first time, eight the second
    "PendSV_Handler": (240, 120 * (10 + 8), 120 * 18 + 240 * 2),
    "SysTick_Handler": (240, 240 * 2, 240 * (2 + 2)),
    "handle": (480, 480 * 2, 480 * 2),
    "Reset_Handler": (1, 9 + 5 + 7 * 3 + 2 + 4, 41 + 2002 + 8 + 53 + 24 + 28 + 7 + 525),
}


def test_counts_equal_the_hand_count_of_every_function(counts):
    found = {name: (count.calls, count.exclusive, count.inclusive) for name, count in counts.items()}
    assert found == BY_HAND


def test_only_what_the_vector_table_enters_is_a_handler(counts):
    assert {name for name, count in counts.items() if count.is_handler} == {
        "PendSV_Handler",
        "SysTick_Handler",
    }


def test_cycles_equal_the_manuals_table(counts):
    # 2002 instructions of one cycle; entered by a branch, and 999 times round the loop.
    assert counts["count_down"].cycles == Cycles(2002 + 1000, 2002 + 2000, 2002 + 3000)
    # Entered by a branch; VADD waits for VMUL, VFMA takes 3, its late addend waits for nothing, VDIV 14.
    assert counts["float_chain"].cycles == Cycles(22 + 1, 22 + 1 + 2, 22 + 1 + 3)
    # Each entry by an exception is 12 and stores nothing here: add, b.w.
    assert counts["SysTick_Handler"].cycles == Cycles(240 * 14, 240 * 14, 240 * 14)


def test_a_second_run_counts_the_same_to_the_instruction(counts, elf, folder):
    out = folder / "again.tsv"
    run(elf, out)
    assert {count.name: count for count in read_counts(out)} == counts


def test_the_plugin_is_built_once(folder):
    build_dir = folder / "build"
    first = build_plugin(build_dir)
    stamp = first.stat().st_mtime_ns
    assert build_plugin(build_dir) == first
    assert first.stat().st_mtime_ns == stamp
    assert [path.name for path in build_dir.glob("insn_count*")] == [first.name]


def test_a_missing_host_compiler_is_named_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match="sudo apt-get install -y gcc"):
        build_plugin(tmp_path)


def test_functions_cover_the_image_without_overlap(elf):
    symbols = code_symbols(elf)
    assert {symbol.name for symbol in symbols} == set(BY_HAND)
    for symbol, following in pairwise(symbols):
        assert symbol.size > 0
        assert symbol.address + symbol.size <= following.address


def test_aliases_and_functions_without_a_size(tmp_path):
    source = tmp_path / "alias.s"
    source.write_text(
        ".syntax unified\n.thumb\n.global strong\n.weak alias\n"
        ".thumb_func\nstrong:\n.thumb_func\nalias:\nnop\nbx lr\n.global last\n.thumb_func\nlast: bx lr\n"
    )
    image = tmp_path / "alias.elf"
    flags = (*CORE, "-nostdlib", "-Wl,-Ttext=0x100", "-Wl,-e,strong")
    subprocess.run(["arm-none-eabi-gcc", *flags, "-o", image, source], check=True)
    found = [(symbol.name, symbol.address, symbol.size) for symbol in code_symbols(image)]
    assert found == [("strong", 0x100, 4), ("last", 0x104, 2)]


def test_an_object_that_is_no_arm_image_is_refused(tmp_path):
    path = tmp_path / "model.elf"
    path.write_bytes(b"\x7fELF" + bytes(100))
    with pytest.raises(ToolchainError, match=r"model\.elf is not a 32-bit Arm ELF file"):
        code_symbols(path)
    with pytest.raises(ToolchainError, match="not a 32-bit Arm"):
        footprint([path])


HEADER = "# address\thandler\tcalls\texclusive\tinclusive\tcycles_low\tcycles_mid\tcycles_high\tname\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no counts in counts.tsv"),
        ("", "cut short"),
        (HEADER + "00000040\t0\t1\t41\t41\t1\t2\t3\tmain\n", "cut short"),
        (HEADER + "# calls nested too deep\n", "cannot be trusted: calls nested too deep"),
    ],
)
def test_a_result_that_cannot_be_trusted_is_refused(tmp_path, content, complaint):
    path = tmp_path / "counts.tsv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CountError, match=complaint):
        read_counts(path)


def test_too_many_nested_calls_are_reported_not_miscounted(tmp_path):
    deep = tmp_path / "deep.S"
    deep.write_text((SOURCES / "counted.S").read_text().replace("movs r0, #5\n", "movw r0, #300\n"))
    image = tmp_path / "deep.elf"
    flags = (*CORE, "-nostdlib", "-Wl,-T", SOURCES / "counted.ld")
    subprocess.run(["arm-none-eabi-gcc", *flags, "-o", image, deep], check=True)
    out = tmp_path / "deep.tsv"
    run(image, out)
    with pytest.raises(CountError, match="calls nested too deep"):
        read_counts(out)
