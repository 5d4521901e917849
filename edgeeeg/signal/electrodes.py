"""Names of electrodes and channels: one spelling for those that mean the same place.

The 10-20 system called four temporal electrodes T3, T4, T5 and T6; the 10-10 system renamed them T7, T8, P7
and P8 (American Clinical Neurophysiology Society, Guideline 2, 2016). Files use either, in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

RENAMED_IN_10_10 = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8"}


def canonical_name(name: str) -> str:
    """Lower-case 10-10 spelling of an electrode, or of each in a derivation: ``T3-T5`` is ``t7-p7``."""
    parts = (part.strip().lower() for part in name.split("-"))
    return "-".join(RENAMED_IN_10_10.get(part, part) for part in parts)


def describe_missing(missing: str, available: Sequence[str]) -> str:
    """One line for an error: the absent channel, its likely spelling here, and what there is.

    Parameters
    ----------
    missing : str
        The name that was asked for.
    available : sequence of str
        The names that exist.
    """
    wanted = canonical_name(missing)
    by_canonical = {canonical_name(name): name for name in available}
    if wanted in by_canonical:
        hint = f"here it is called {by_canonical[wanted]!r}; "
    elif close := get_close_matches(wanted, by_canonical, n=1, cutoff=0.5):
        hint = f"did you mean {by_canonical[close[0]]!r}? "
    else:
        hint = ""
    return f"no channel {missing!r}; {hint}available: {', '.join(available)}"
