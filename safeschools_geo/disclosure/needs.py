"""How small and how large a figure has to be able to be for nobody to know it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from safeschools_geo.disclosure.cells import Cells
    from safeschools_geo.disclosure.facts import Fact
    from safeschools_geo.disclosure.policy import Policy

    Numbers = NDArray[np.float64]


def needs_of_small(is_small: NDArray[np.bool_], policy: Policy) -> Numbers:
    """Ask that small counts can be any small count.

    Parameters
    ----------
    is_small
        Which figures are small, or of a small group; shape (n,).
    policy
        The policy.

    Returns
    -------
    numpy.ndarray
        Least and greatest that each figure has to be able to be, shape (n, 2); missing where it does not matter.
    """
    return np.where(is_small[:, None], [[1.0, float(policy.largest_small)]], np.nan)


def needs_of_restated(
    restated: Sequence[Fact], atoms: pd.DataFrame, truth: NDArray[np.int64], policy: Policy
) -> tuple[Fact, ...]:
    """Ask that corrections by a small count can be any small correction.

    Parameters
    ----------
    restated
        Figures that were published once and have been corrected since, `low` and `high` as published.
    atoms
        The dimensions of each finest count.
    truth
        The finest counts, shape (n_atoms,).
    policy
        The policy.

    Returns
    -------
    tuple of Fact
        For each that moved by a small count, that it has to be able to be from 1 to the largest small count away from
        what was published, on the side where it is: whatever tables show of it.
    """
    needs = []
    for fact in restated:
        moved = round(float(fact.row(atoms) @ truth) - fact.low)
        if policy.is_small(abs(moved)):
            near, far = (1, policy.largest_small) if moved > 0 else (-policy.largest_small, -1)
            needs.append(replace(fact, low=fact.low + near, high=fact.low + far, is_need=True))
    return tuple(needs)


def targets(
    cells: Cells,
    is_small: NDArray[np.bool_],
    hidden: Cells,
    is_hidden_small: NDArray[np.bool_],
    *,
    needs: Sequence[Fact],
    policy: Policy,
) -> tuple[csr_array, Numbers, Numbers]:
    """List the figures nobody may narrow down.

    Parameters
    ----------
    cells, is_small
        Figures that the tables would show, and which of them are small.
    hidden, is_hidden_small
        The same of groups that no table shows.
    needs
        What else must not be known.
    policy
        The policy.

    Returns
    -------
    rows : scipy.sparse.csr_array
        The figures as sums of the finest counts, shape (n_targets, n_atoms).
    low, high : numpy.ndarray
        How small and how large each has to be able to be, shape (n_targets,).
    """
    shown, unseen = np.flatnonzero(is_small), np.flatnonzero(is_hidden_small)
    others = [csr_array(fact.row(cells.atoms)[None, :]) for fact in needs]
    rows = vstack([cells.matrix[shown], hidden.matrix[unseen], *others]).tocsr()
    both = np.vstack(
        [
            needs_of_small(np.ones(len(shown) + len(unseen), dtype=bool), policy),
            np.array([[fact.low, fact.high] for fact in needs]).reshape(-1, 2),
        ]
    )
    return rows, both[:, 0], both[:, 1]
