"""How small and how large a figure has to be able to be for nobody to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from safeschools_geo.disclosure.cells import Cells
    from safeschools_geo.disclosure.facts import Restated
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


def needs_of_restated(cells: Cells, values: NDArray[np.int64], restated: Sequence[Restated], policy: Policy) -> Numbers:
    """Ask that corrections by a small count can be any small correction.

    Parameters
    ----------
    cells
        The figures.
    values
        Their values, shape (n_cells,).
    restated
        Figures that were published once and are others now.
    policy
        The policy.

    Returns
    -------
    numpy.ndarray
        Least and greatest that each figure has to be able to be, shape (n_cells, 2): from 1 to the largest small count
        away from what was published, on the side where it is; missing where it does not matter.
    """
    needs = np.full((len(values), 2), np.nan)
    for entry in restated:
        for cell in np.flatnonzero(cells.named([dict(entry.key)])):
            now, then = int(values[cell]), entry.published
            if policy.is_small(abs(now - then)):
                near, far = (1, policy.largest_small) if now > then else (-1, -policy.largest_small)
                needs[cell] = _wider(needs[cell], np.sort([float(then + near), float(then + far)]))
    return needs


def wider(one: Numbers, two: Numbers) -> Numbers:
    """Ask for all that two have asked for.

    Parameters
    ----------
    one, two
        Least and greatest, shape (n, 2); missing where it does not matter.

    Returns
    -------
    numpy.ndarray
        Shape (n, 2).
    """
    return np.array([_wider(a, b) for a, b in zip(one, two, strict=True)]).reshape(-1, 2)


def targets(cells: Cells, needs: Numbers, hidden: Cells, hidden_needs: Numbers) -> tuple[csr_array, Numbers, Numbers]:
    """List the figures nobody may narrow down.

    Parameters
    ----------
    cells, needs
        Figures that the tables would show, and what each has to be able to be.
    hidden, hidden_needs
        The same of groups that no table shows.

    Returns
    -------
    rows : scipy.sparse.csr_array
        The figures as sums of the finest counts, shape (n_targets, n_atoms).
    low, high : numpy.ndarray
        What each has to be able to be, shape (n_targets,).
    """
    shown, unseen = (np.flatnonzero(~np.isnan(n[:, 0])) for n in (needs, hidden_needs))
    rows = vstack([cells.matrix[shown], hidden.matrix[unseen]]).tocsr()
    both = np.vstack([needs[shown], hidden_needs[unseen]])
    return rows, both[:, 0], both[:, 1]


def _wider(one: Numbers, two: Numbers) -> Numbers:
    return np.array([np.fmin(one[0], two[0]), np.fmax(one[1], two[1])])
