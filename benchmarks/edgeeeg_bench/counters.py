"""Instructions per function, counted exactly while QEMU executes an image, and modelled Cortex-M4 cycles."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgeeeg_bench.errors import CountError
from edgeeeg_bench.symbols import code_symbols
from edgeeeg_export.toolchain import run_tool

PLUGIN_SOURCES = Path(__file__).parent / "plugin"
_COMPLETE = "# complete"


@dataclass(frozen=True, slots=True)
class Cycles:
    """Modelled Cortex-M4 cycles: three complete estimates, see `plugin/m4_timing.h`."""

    low: float
    mid: float
    high: float

    def __add__(self, other: Cycles) -> Cycles:
        return Cycles(self.low + other.low, self.mid + other.mid, self.high + other.high)

    def __truediv__(self, divisor: float) -> Cycles:
        return Cycles(self.low / divisor, self.mid / divisor, self.high / divisor)


@dataclass(frozen=True, slots=True)
class SymbolCount:
    """What one function executed in a run.

    `exclusive` instructions are its own; `inclusive` adds its callees', and leaves out the interrupt
    handlers that ran meanwhile; `cycles` belong to the exclusive instructions, and to the branch that led
    here. The name `?` is code outside every symbol.
    """

    name: str
    address: int
    is_handler: bool
    calls: int
    exclusive: int
    inclusive: int
    cycles: Cycles


def build_plugin(build_dir: Path) -> Path:
    """Compile the counting plugin with the host's gcc, once per version of its sources, and return its path.

    Raises
    ------
    MissingDependency, ToolchainError
        No host gcc, or it refused the sources.
    """
    sources = sorted(PLUGIN_SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    library = build_dir.resolve() / f"insn_count-{digest[:16]}.so"
    if library.exists():
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    # Another process may build at the same time: each compiles its own file, and the last rename wins.
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        built = Path(scratch) / library.name
        flags = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden")
        translation_units = [str(source) for source in sources if source.suffix == ".c"]
        run_tool("gcc", *flags, "-o", str(built), *translation_units)
        os.replace(built, library)
    return library


def plugin_args(elf: Path, out_path: Path, build_dir: Path) -> tuple[str, ...]:
    """Return the arguments that make qemu-system-arm 7.2 count the functions of `elf` into `out_path`.

    The plugin and the table of functions go to `build_dir`. The result is written when the emulator exits
    (SIGTERM counts as a clean exit, SIGKILL does not), so an older one at `out_path` is removed first.
    """
    plugin = build_plugin(build_dir)
    table = build_dir.resolve() / f"{elf.stem}.symbols"
    table.write_text(
        "".join(
            f"{symbol.address:08x} {symbol.size:x} {int(symbol.is_handler)} {symbol.name}\n"
            for symbol in code_symbols(elf)
        ),
        encoding="utf-8",
    )
    out_path.unlink(missing_ok=True)
    # QEMU splits options at commas; a doubled comma is a literal one.
    paths = [str(path).replace(",", ",,") for path in (plugin, table, out_path.resolve())]
    return ("-plugin", f"{paths[0]},symbols={paths[1]},out={paths[2]}")


def read_counts(path: Path) -> tuple[SymbolCount, ...]:
    """Read what the plugin wrote, the most executed function first.

    Raises
    ------
    CountError
        The file is missing, was cut short, or the plugin lost track.
    """
    if not path.exists():
        raise CountError(f"no counts in {path.name}: the emulator was killed or refused the plugin")
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) < 2 or not lines[-1].startswith("# "):
        raise CountError(f"the counts in {path.name} were cut short: count again")
    if lines[-1] != _COMPLETE:
        raise CountError(f"the counts in {path.name} cannot be trusted: {lines[-1].removeprefix('# ')}")
    counts = []
    for line in lines[1:-1]:
        address, is_handler, calls, exclusive, inclusive, low, mid, high, name = line.split("\t")
        counts.append(
            SymbolCount(
                name=name,
                address=int(address, 16),
                is_handler=is_handler == "1",
                calls=int(calls),
                exclusive=int(exclusive),
                inclusive=int(inclusive),
                cycles=Cycles(int(low), int(mid), int(high)),
            )
        )
    return tuple(sorted(counts, key=lambda count: (-count.exclusive, count.address)))
