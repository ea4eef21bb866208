"""What else is published about the counts: roundings, classes, sentences, and figures of earlier releases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from safeschools_geo.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.disclosure.cells import Cells


@dataclass(frozen=True, eq=False)
class Fact:
    """A statement that a weighted sum of the finest counts lies between two numbers.

    Parameters
    ----------
    weights
        Weight of each finest count, shape (n_atoms,).
    low, high
        The sum lies between them; infinite where nothing is said.
    source
        Where it can be read, such as ``map class`` or ``release 2``.
    """

    weights: NDArray[np.float64]
    low: float
    high: float
    source: str

    def holds(self, counts: NDArray[np.int64] | NDArray[np.float64], *, slack: float = 1e-6) -> bool:
        """Say whether counts agree with the statement.

        Parameters
        ----------
        counts
            The finest counts, shape (n_atoms,).
        slack
            How far outside is still taken as agreeing, as rounding is.

        Returns
        -------
        bool
            Whether they do.
        """
        value = float(self.weights @ counts)
        return self.low - slack <= value <= self.high + slack


def cell_fact(cells: Cells, *, low: float, high: float, source: str, **key: str) -> Fact:
    """State that one figure lies between two numbers, as the class of a map does.

    Parameters
    ----------
    cells
        The figures of the release.
    low, high
        The figure lies between them.
    source
        Where it can be read.
    **key
        Value of each dimension of the figure.

    Returns
    -------
    Fact
        The statement.
    """
    inside = np.ones(len(cells.atoms))
    for name, value in key.items():
        inside *= (cells.atoms[name] == value).to_numpy()
    return Fact(inside, low, high, source)


def fact_rows(facts: Sequence[Fact], n_atoms: int) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
    """Put statements under each other.

    Parameters
    ----------
    facts
        The statements.
    n_atoms
        Number of finest counts.

    Returns
    -------
    matrix : scipy.sparse.csr_array
        Shape (n_facts, n_atoms).
    low, high : numpy.ndarray
        Shape (n_facts,).

    Raises
    ------
    ColumnError
        When a statement is not about these counts.
    """
    wrong = [fact.source for fact in facts if fact.weights.shape != (n_atoms,)]
    if wrong:
        raise ColumnError(
            "A statement is not about the counts of this release.", ids=wrong, expected=f"{n_atoms} weights"
        )
    if not facts:
        return csr_array((0, n_atoms)), np.empty(0), np.empty(0)
    return (
        csr_array(np.vstack([fact.weights for fact in facts])),
        np.array([fact.low for fact in facts]),
        np.array([fact.high for fact in facts]),
    )
