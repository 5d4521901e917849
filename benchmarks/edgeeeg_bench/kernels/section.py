"""The rows of `benchmarks/results/kernels.json`, and the tables of docs/kernels.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from edgeeeg_bench.kernels.counting import Count
from edgeeeg_bench.kernels.events import FAMILY, EventRow
from edgeeeg_bench.kernels.layers import Layer
from edgeeeg_export.kernels.choice import choose

MACS_PER_INSTRUCTION = {"plain": 1, "cortex-m4": 2, "cortex-m7": 2, "cortex-m55": 16}
"""int8 products of one instruction: MLA, SMLAD, VMLADAVA."""
BYTES_PER_LOAD = {"plain": 4, "cortex-m4": 4, "cortex-m7": 4, "cortex-m55": 16}
"""A register, or a vector of Helium."""


def limit(layer: Layer, core: str) -> float:
    """Instructions per MAC that no kernel gets below: products, each operand loaded once, each result stored.

    Requantization is left out, as is that registers are few.
    """
    loads = layer.bytes_read / BYTES_PER_LOAD[core]
    return 1 / MACS_PER_INSTRUCTION[core] + (loads + layer.outputs) / layer.macs


def layer_rows(layers: Iterable[Layer], counts: Mapping[str, Count], core: str) -> Iterator[dict[str, Any]]:
    """One for each layer: what the generator chose, counted."""
    for layer in layers:
        case = layer.case
        found = counts[case.name]
        chosen = choose(layer.op.kernels(case.input_types))[FAMILY[core]]
        cycles = found.cycles
        yield {
            "core": core,
            "layer": layer.name,
            "kernel": chosen.name,
            "instructions_per_mac": round(found.instructions / layer.macs, 4),
            "cycles_per_mac": None
            if cycles is None
            else [round(each / layer.macs, 4) for each in (cycles.low, cycles.mid, cycles.high)],
            "vendor": layer.vendor.get(core),
            "limit": round(limit(layer, core), 4),
            "bit_exact": found.bit_exact,
        }


def render_markdown(result: Mapping[str, Any]) -> str:
    """Instructions per MAC by layer and core, spikes, and how well the table of costs fits."""
    rows: Sequence[Mapping[str, Any]] = result["rows"]
    cores = list(dict.fromkeys(row["core"] for row in rows))
    at = {(row["layer"], row["core"]): row for row in rows}
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        f"Instructions {result['evidence']['instructions']}, cycles {result['evidence']['cycles']}; commit "
        f"{result['commit'][:10]}; {versions}.",
        "",
        f"| layer | {' | '.join(f'{core}: ours (kernel), vendor, limit' for core in cores)} | cycles, M4 |",
        "|---" * (len(cores) + 2) + "|",
    ]
    for name in dict.fromkeys(row["layer"] for row in rows):
        cells = [_cell(at[name, core]) for core in cores]
        lines.append(f"| {name} | {' | '.join(cells)} | {_cycles(at[name, 'cortex-m4'])} |")
    lines += ["", *_spikes(result["spikes"]), "", *_fits(result["fits"])]
    return "\n".join(lines) + "\n"


def _cell(row: Mapping[str, Any]) -> str:
    vendor = "–" if row["vendor"] is None else f"{row['vendor']:.2f}"
    ours = f"{row['instructions_per_mac']:.2f} ({row['kernel']})"
    return f"{ours if row['bit_exact'] else f'{ours} WRONG'}, {vendor}, {row['limit']:.2f}"


def _cycles(row: Mapping[str, Any]) -> str:
    if row["cycles_per_mac"] is None:
        return "–"
    low, _, high = row["cycles_per_mac"]
    return f"{low:.2f} to {high:.2f}"


def _spikes(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    rates = list(dict.fromkeys(row["rate"] for row in rows))
    yield "Instructions of one row of a dense layer behind spikes, by firing rate: events / dense / chosen."
    yield ""
    yield f"| core | layer | break-even | {' | '.join(f'{rate:.0%}' for rate in rates)} |"
    yield "|---" * (len(rates) + 3) + "|"
    keys = dict.fromkeys((row["core"], row["dtype"], row["k"], row["n"]) for row in rows)
    for key in keys:
        own = [row for row in rows if (row["core"], row["dtype"], row["k"], row["n"]) == key]
        core, dtype, k, n = key
        cells = " | ".join(
            f"{row['events']:,.0f} / {row['dense']:,.0f} / {row['chosen']:,.0f}" for row in own
        )
        yield f"| {core} | {dtype} {k}-{n} | {own[0]['break_even']:.0%} | {cells} |"


def _fits(fits: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "The table of costs: of the layers with a choice, how many get the kernel with the lowest count,"
    yield "what the others execute more at worst, and how far a kernel's costs are off a count at worst."
    yield ""
    yield "| core | counts | layers | best chosen | lost at worst | off a count at worst |"
    yield "|---|---|---|---|---|---|"
    for core, fitted in fits.items():
        lost = fitted["lost"]
        best = sum(share == 0 for share in lost)
        worst = ", ".join(f"{kernel} {share:.0%}" for kernel, share in fitted["worst"].items())
        yield f"| {core} | {fitted['cases']} | {len(lost)} | {best} | {max(lost):.0%} | {worst} |"


def event_row(row: EventRow) -> dict[str, Any]:
    """A row as JSON."""
    return {
        "core": row.core,
        "dtype": row.dtype,
        "k": row.k,
        "n": row.n,
        "rate": row.rate,
        "events": round(row.events, 1),
        "dense": round(row.dense, 1),
        "chosen": round(row.chosen, 1),
        "break_even": round(row.break_even, 4),
        "bit_exact": row.bit_exact,
    }
