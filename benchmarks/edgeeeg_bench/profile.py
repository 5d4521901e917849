"""What one step of a model costs on the board: a counting run, seen through the model's object files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeeeg.evidence import Evidence
from edgeeeg_bench.counters import Cycles, SymbolCount
from edgeeeg_bench.energy import COUNTED_CORE
from edgeeeg_bench.errors import CountError
from edgeeeg_export.toolchain import run_tool

# The parts of the C interface that run once, not once per step: NAME_init, NAME_save, NAME_restore.
_ONCE = ("_init", "_save", "_restore")


@dataclass(frozen=True, slots=True)
class ModelSymbols:
    """Functions that a model's object files define, and names they leave for the linker to find elsewhere."""

    defined: tuple[str, ...]
    outside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SymbolProfile:
    """One function: calls and exclusive instructions of the whole run, instructions and cycles per step.

    Cycles are None on a core whose timing is not modelled.
    """

    name: str
    calls: int
    instructions: int
    instructions_per_step: float
    cycles_per_step: Cycles | None


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """What `n_steps` steps cost, per step.

    `per_symbol` adds up to `instructions_per_step`, largest first. `once` are functions of the model that do
    not run every step. `outside` are functions beyond the model's objects that it refers to and that ran:
    what they did for the model is at most their count, and is not in the sum. `cycles_per_step` is None on
    a core whose timing is not modelled.
    """

    n_steps: int
    instructions_per_step: float
    cycles_per_step: Cycles | None
    per_symbol: tuple[SymbolProfile, ...]
    once: tuple[SymbolProfile, ...]
    outside: tuple[SymbolProfile, ...]
    instructions_evidence: Evidence = Evidence.COUNTED
    cycles_evidence: Evidence = Evidence.MODELLED


def model_symbols(objects: Sequence[Path]) -> ModelSymbols:
    """Return the functions that object files define and what they need from elsewhere.

    Raises
    ------
    CountError
        The files define no function.
    """
    defined: list[str] = []
    undefined: set[str] = set()
    for path in objects:
        for line in run_tool("arm-none-eabi-nm", str(path)).splitlines():
            *_, kind, name = line.split()
            if kind in "TtWw" and len(line.split()) == 3:
                defined.append(name)
            elif kind == "U":
                undefined.add(name)
    if not defined:
        names = ", ".join(path.name for path in objects) or "no file"
        raise CountError(f"no functions in {names}: give the object files that the model was compiled to")
    return ModelSymbols(tuple(defined), tuple(sorted(undefined - set(defined))))


def _profile(counts: Sequence[SymbolCount], n_steps: int, has_cycles: bool) -> tuple[SymbolProfile, ...]:
    return tuple(
        SymbolProfile(
            name=count.name,
            calls=count.calls,
            instructions=count.exclusive,
            instructions_per_step=count.exclusive / n_steps,
            cycles_per_step=count.cycles / n_steps if has_cycles else None,
        )
        for count in sorted(counts, key=lambda count: (-count.exclusive, count.name))
    )


def model_profile(
    counts: Sequence[SymbolCount], symbols: ModelSymbols, n_steps: int, core: str
) -> ModelProfile:
    """Divide the exclusive counts of a model's functions by the steps that returned outputs.

    Interrupt handlers and the link have functions of their own, so exclusive counts need no correction. The
    plugin models the Cortex-M4F's cycles whatever it counts; they are kept for that core alone.

    Parameters
    ----------
    counts : of the whole run.
    symbols : of the model's object files.
    n_steps : steps that returned outputs.
    core : the core that executed them, as in the board table.

    Raises
    ------
    CountError
        No steps; none of the functions ran; or a name is defined in the image more often than by the model,
        so that its count cannot be told apart.
    """
    if n_steps < 1:
        raise CountError(f"{n_steps} steps were run: stream enough samples for the model to give an output")
    known = Counter(symbols.defined)
    ran = [count for count in counts if count.name in known]
    if not ran:
        raise CountError(
            f"none of the model's {len(known)} functions ran: are these the objects of that image?"
        )
    for name, times in Counter(count.name for count in ran).items():
        if times > known[name]:
            raise CountError(
                f"{name} is defined by the model and by other code of the image: rename one of them"
            )
    every_step = [count for count in ran if not count.name.endswith(_ONCE)]
    has_cycles = core == COUNTED_CORE
    cycles = sum((count.cycles for count in every_step), Cycles(0, 0, 0))
    return ModelProfile(
        n_steps=n_steps,
        instructions_per_step=sum(count.exclusive for count in every_step) / n_steps,
        cycles_per_step=cycles / n_steps if has_cycles else None,
        per_symbol=_profile(every_step, n_steps, has_cycles),
        once=_profile([count for count in ran if count.name.endswith(_ONCE)], n_steps, has_cycles),
        outside=_profile([count for count in counts if count.name in symbols.outside], n_steps, has_cycles),
    )
