"""Cross-validation folds over files, so that no file is on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_FOLDS = 5
SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """File numbers of one fold, each (n_files_of_that_side,)."""

    train: NDArray[np.intp]
    held_out: NDArray[np.intp]


def file_folds(ictal: NDArray[np.bool_], n_folds: int = N_FOLDS, seed: int = SEED) -> tuple[Fold, ...]:
    """Folds over files, shuffled with the seed and with the same share of ictal files in each.

    Parameters
    ----------
    ictal : (n_files,) bool, in the order of `read_bonn`: the folds depend on it.
    """
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    return tuple(Fold(train, held_out) for train, held_out in splitter.split(ictal, ictal))
