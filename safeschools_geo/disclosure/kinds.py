"""Counts that are alike: those that enter the same published figures cannot be told apart by anyone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Kinds:
    """Kinds of finest counts; what is published only tells how much there is of each kind.

    Parameters
    ----------
    of_atom
        Kind of each finest count, shape (n_atoms,), numbered in the order of their first count.
    first
        First count of each kind, shape (n_kinds,).
    size
        Number of counts of each kind, shape (n_kinds,).
    """

    of_atom: Indices
    first: Indices
    size: Indices

    def added(self, matrix: csr_array) -> csr_array:
        """Write figures as sums over kinds.

        Parameters
        ----------
        matrix
            Figures as sums of finest counts, shape (n_figures, n_atoms), all counts of a kind with the same weight.

        Returns
        -------
        scipy.sparse.csr_array
            Shape (n_figures, n_kinds).
        """
        return matrix.tocsc()[:, self.first].tocsr()

    def reach(self, matrix: csr_array) -> tuple[csr_array, csr_array]:
        """Write the most and the least that figures can be as sums over kinds.

        Parameters
        ----------
        matrix
            Figures, 0 or 1, shape (n_figures, n_atoms).

        Returns
        -------
        most, least : scipy.sparse.csr_array
            Shape (n_figures, n_kinds), 0 or 1: a figure can have all there is of every kind that it has a count of, and
            has at least all there is of kinds that it has every count of.
        """
        n_atoms, n_kinds = len(self.of_atom), len(self.first)
        belongs = csr_array((np.ones(n_atoms), (np.arange(n_atoms), self.of_atom)), shape=(n_atoms, n_kinds))
        inside = (matrix @ belongs).tocsr()
        most, least = inside.copy(), inside.copy()
        most.data = np.ones_like(inside.data)
        least.data = (inside.data >= self.size[inside.indices]).astype("float64")
        least.eliminate_zeros()
        return most, least


def kinds_of(rows: csr_array) -> Kinds:
    """Sort finest counts by the figures that they enter.

    Parameters
    ----------
    rows
        Everything published, shape (n_rows, n_atoms).

    Returns
    -------
    Kinds
        The kinds.
    """
    columns = rows.tocsc()
    columns.sort_indices()
    numbers: dict[bytes, int] = {}
    of_atom = np.empty(columns.shape[1], dtype="int64")
    for atom, (a, b) in enumerate(zip(columns.indptr[:-1], columns.indptr[1:], strict=True)):
        sign = columns.indices[a:b].tobytes() + columns.data[a:b].tobytes()
        of_atom[atom] = numbers.setdefault(sign, len(numbers))
    _, first, size = np.unique(of_atom, return_index=True, return_counts=True)
    return Kinds(of_atom, first.astype("int64"), size.astype("int64"))
