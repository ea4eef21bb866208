"""Cuts for set partitions: of any three things to be covered, no two sets can each cover two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.rebalance.problem import Numbers

_VIOLATED = 0.02
_FRACTIONAL = 1e-6


def violated_triples(covers: NDArray[np.int8], weight: Numbers, *, most: int = 60) -> list[tuple[int, int, int]]:
    """Find the triples of rows that a fractional set partition violates most.

    Parameters
    ----------
    covers
        Which of r rows each of s sets covers, shape (s, r), 0 or 1.
    weight
        Weight of each set in the solution, shape (s,).
    most
        Most triples to return.

    Returns
    -------
    list of tuple of int
        Rows of each triple, the most violated first: the weights of the sets that cover two or three of them add up
        to more than 1.

    References
    ----------
    Jepsen, M., Petersen, B., Spoorendonk, S., and Pisinger, D. (2008). Subset-row inequalities applied to the
    vehicle-routing problem with time windows. Operations Research 56(2), 497–511.
    """
    is_split = (weight > _FRACTIONAL) & (weight < 1 - _FRACTIONAL)
    rows = np.flatnonzero(covers[is_split].any(axis=0))
    if len(rows) < 3:  # noqa: PLR2004 - a triple has three rows
        return []
    cover, weight = covers[is_split][:, rows].astype("float64"), weight[is_split]
    pairs = (cover * weight[:, None]).T @ cover
    found = []
    for i in range(len(rows) - 2):
        with_i = cover[:, i]
        later = cover[:, i + 1 :]
        triple = (later * (weight * with_i)[:, None]).T @ later
        value = pairs[i, i + 1 :, None] + pairs[i, None, i + 1 :] + pairs[i + 1 :, i + 1 :] - 2 * triple
        j, k = np.nonzero(np.triu(value > 1 + _VIOLATED, 1))
        found += [(-float(value[a, b]), i, i + 1 + int(a), i + 1 + int(b)) for a, b in zip(j, k, strict=True)]
    return [(int(rows[i]), int(rows[j]), int(rows[k])) for _, i, j, k in sorted(found)[:most]]
