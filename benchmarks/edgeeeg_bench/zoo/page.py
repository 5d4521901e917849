"""The tables of docs/models.md, from `benchmarks/results/model_zoo.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SEMANTICS = ("continuous", "windowed")


def render_markdown(result: Mapping[str, Any]) -> str:
    """Cost, then what streams and what waits, then what was compared; a row per model and semantics."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        f"Commit {result['commit'][:10]}; {versions}. Work, memory and delay are {result['evidence']}.",
        "",
        "| model | from | weights, B | window | MACs of a window: imported | rewritten |",
        "|---|---|---|---|---|---|",
    ]
    for model in result["models"]:
        window = f"{model['window']:,} samples, {model['window'] / model['sfreq']:.3g} s"
        numbers = (model["weight_bytes"], model["macs_imported"], model["macs_rewritten"])
        cells = (
            model["name"],
            model["origin"],
            f"{numbers[0]:,}",
            window,
            f"{numbers[1]:,}",
            f"{numbers[2]:,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| model | semantics | hop | MACs a step | of a window | delay | beyond the window | state, B "
        "| arena, B | RAM, B |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_cost(*row) for row in _streams(result)),
        "",
        "| model | semantics | along time | edges anew | once a step, on the whole window | contract |",
        "|---|---|---|---|---|---|",
        *(_places(*row) for row in _streams(result)),
    ]
    missing = [f"- {model['name']}: {reason}" for model in result["models"] for reason in model["obstacles"]]
    return "\n".join([*lines, *([""] if missing else []), *missing]) + "\n"


def _streams(result: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every program: its model, named once, its semantics, and its counts."""
    for model in result["models"]:
        name = model["name"]
        for semantics in SEMANTICS:
            if model[semantics] is not None:
                yield name, semantics, model[semantics]
                name = ""


def _cost(name: str, semantics: str, row: Mapping[str, Any]) -> str:
    cells = (
        name,
        semantics,
        str(row["hop"]),
        f"{row['macs']:,}",
        f"1/{row['ratio']:.1f}",
        f"{row['delay']:,} ({row['delay_ms']:,.0f} ms)",
        str(row["beyond_window"]),
        f"{row['state_bytes']:,}",
        f"{row['arena_bytes']:,}",
        f"{row['struct_bytes']:,}",
    )
    return f"| {' | '.join(cells)} |"


def _places(name: str, semantics: str, row: Mapping[str, Any]) -> str:
    cells = (name, semantics, *(", ".join(row[place]) for place in ("streams", "edges", "waits")))
    cells = (*cells, _contract(row["proof"]))
    return f"| {' | '.join(cells)} |"


def _contract(proof: Mapping[str, Any]) -> str:
    """How far the worst of the foreign runtimes is off, and who broke the contract in which layer."""
    farthest = max(proof["max_abs"], key=lambda name: float(proof["max_abs"][name]))
    off = f"{farthest} {proof['max_abs'][farthest]:.1g} off"
    if proof["broken"]:
        layers = ", ".join(f"{name} in layer '{layer}'" for name, layer in proof["broken"].items())
        return f"**broken** by {layers}; outputs: {off}"
    return f"kept over {proof['samples']:,} samples; {off}"
