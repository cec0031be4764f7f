"""The best of many scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def highest(scores: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """The places of the highest scores, best first; of equal ones, the first come first.

    Without sorting them all, which would take most of a search among 100,000.

    >>> highest(np.array([1, 3, 2, 3], dtype=np.float32), 3).tolist()
    [1, 3, 2]
    """
    if 0 < most < len(scores):
        least = np.partition(scores, len(scores) - most)[len(scores) - most]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    best: NDArray[np.intp] = places[np.argsort(-scores[places], kind="stable")[:most]]
    return best
