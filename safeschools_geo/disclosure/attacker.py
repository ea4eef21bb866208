"""An attacker who knows all that is published, and asks how small and how large a figure can be.

The attacker takes any finest counts, whole and not negative, that agree with every published figure: a *world*. The
interval of a figure is from the least to the most it has in any world (the disclosure auditing of M. Fischetti and J.
Salazar-González, "Models and algorithms for optimizing cell suppression in tabular data with linear constraints",
Journal of the American Statistical Association 95(451), 2000, with whole counts).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components

from safeschools_geo.disclosure.block import CEILING, Block, ContradictionError
from safeschools_geo.disclosure.facts import Said
from safeschools_geo.disclosure.kinds import kinds_of
from safeschools_geo.errors import DisclosureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_NEAR = 1e-6
_STRIDE = 7919


class Extreme(NamedTuple):
    """The least or the most that a figure can be.

    Attributes
    ----------
    value
        By linear programming, which allows for fractions.
    duals
        How much `value` changes with each published figure, shape (n_cells,); 0 where it is withheld.
    world
        How much there is of each kind in a world that comes to it, or closest to it if counts have to be whole; shape
        (n_kinds,).
    """

    value: float
    duals: Numbers
    world: Numbers


@dataclass(frozen=True, eq=False)
class Known:
    """What is published: some figures exactly, and statements.

    Parameters
    ----------
    matrix
        The figures as sums of the finest counts, shape (n_cells, n_atoms).
    values
        Their values, shape (n_cells,); those of open cells are not looked at.
    said
        The statements.
    """

    matrix: csr_array
    values: Numbers
    said: Said


class Attacker:
    """All that can be worked out from what is published.

    Counts that enter the same figures are of one kind, and one variable. Kinds fall into blocks that no figure joins,
    such as the terms of a release: each is a linear program of its own.

    Parameters
    ----------
    known
        What is published.
    is_open
        Which figures are withheld, shape (n_cells,).
    whole
        Whether worlds have to be whole; else fractions will do, which is faster and nearly as strict.
    """

    def __init__(self, known: Known, is_open: Flags, *, whole: bool = True) -> None:
        said = known.said
        rows = vstack([known.matrix, said.matrix]).tocsr() if said.matrix.shape[0] else known.matrix
        self.kinds = kinds_of(rows)
        self._rows, self._values = self.kinds.added(rows), known.values
        self._fact_low, self._fact_high = said.low, said.high
        # Nobody is helped by a ceiling below what the published figures and statements allow.
        told = np.concatenate([known.values, said.low, said.high])
        self.ceiling = float(max(CEILING, 2 * np.abs(told[np.isfinite(told)]).max(initial=0.0)))
        self.is_open = np.ones(len(is_open), dtype=bool)
        self._whole = whole
        free = np.full(len(is_open), np.inf)
        limits = np.concatenate([-free, said.low]), np.concatenate([free, said.high])
        self._blocks = [
            Block(self._rows, own, kinds, limits, ceiling=self.ceiling) for own, kinds in _parts(self._rows)
        ]
        self._world = np.full(self._rows.shape[1], np.nan)
        self.open(is_open)

    def open(self, is_open: Flags) -> None:
        """Withhold these figures and no others.

        Parameters
        ----------
        is_open
            Which figures are withheld, shape (n_cells,).
        """
        changed = np.flatnonzero(is_open != self.is_open)
        low = np.where(is_open, -np.inf, self._values)
        high = np.where(is_open, np.inf, self._values)
        for block in self._blocks:
            mine = changed[np.isin(changed, block.rows)]
            if len(mine):
                block.limit(mine, low[mine], high[mine])
                self._world[block.kinds] = np.nan
        self.is_open = is_open.copy()

    def extreme(self, weights: Numbers, *, most: bool) -> Extreme:
        """Find the least or the most that a figure can be.

        Parameters
        ----------
        weights
            The figure as a sum over kinds, shape (n_kinds,).
        most
            Whether the most.

        Returns
        -------
        Extreme
            What was found.

        Raises
        ------
        DisclosureError
            When no counts agree with what is published.
        """
        value, duals = 0.0, np.zeros(len(self.is_open))
        for block in self._blocks:
            mine = weights[block.kinds]
            if not mine.any():
                continue
            with _told():
                found, prices, counts = block.extreme(mine, most=most, whole=self._whole)
            value += found
            is_cell = block.rows < len(duals)
            duals[block.rows[is_cell]] += prices[is_cell]
            self._world[block.kinds] = counts
        return Extreme(value, duals, self._whole_world())

    def spread(self, room: Numbers) -> Numbers:
        """Look for a world in which much is large at once.

        Parameters
        ----------
        room
            How large each kind should be, shape (n_kinds,); 0 where it does not matter.

        Returns
        -------
        numpy.ndarray
            How much there is of each kind, shape (n_kinds,).

        Raises
        ------
        DisclosureError
            When no counts agree with what is published.
        """
        for block in self._blocks:
            mine = room[block.kinds]
            if mine.any():
                with _told():
                    self._world[block.kinds] = block.spread(mine, whole=self._whole)
        return self._whole_world()

    def agrees(self, world: Numbers) -> bool:
        """Say whether a world agrees with all that is published.

        Parameters
        ----------
        world
            How much there is of each kind, shape (n_kinds,).

        Returns
        -------
        bool
            Whether it does.
        """
        found = self._rows @ world
        n = len(self.is_open)
        is_near = np.abs(found[:n] - self._values) <= _NEAR
        says = (found[n:] >= self._fact_low - _NEAR) & (found[n:] <= self._fact_high + _NEAR)
        return bool((world >= 0).all() and (is_near | self.is_open).all() and says.all())

    def _whole_world(self) -> Numbers:
        """Put the latest counts of every block together, and find some where there are none yet."""
        for block in self._blocks:
            if np.isnan(self._world[block.kinds[0]]):
                with _told():
                    nothing = np.zeros(len(block.kinds))
                    self._world[block.kinds] = block.extreme(nothing, most=False, whole=self._whole)[2]
        return self._world.copy()


def room_for(figures: csr_array, rows: NDArray[np.int64], amount: Numbers, *, turn: int) -> Numbers:
    """Say how large kinds should be for these figures to be, one kind for each.

    Parameters
    ----------
    figures
        The figures as sums over kinds, shape (n_figures, n_kinds).
    rows
        Which of them.
    amount
        How large they should be, shape of `rows`.
    turn
        Another number asks it of other kinds.

    Returns
    -------
    numpy.ndarray
        Shape (n_kinds,), for `Attacker.spread`.
    """
    starts, sizes = figures.indptr[rows], np.diff(figures.indptr)[rows]
    some = sizes > 0
    kinds = figures.indices[starts[some] + (turn * _STRIDE + rows[some]) % sizes[some]]
    room = np.zeros(figures.shape[1])
    np.maximum.at(room, kinds, amount[some])
    return room


@contextmanager
def _told() -> Iterator[None]:
    """Say it in our words where what is published contradicts itself."""
    try:
        yield
    except ContradictionError as error:
        raise DisclosureError(
            "What is published contradicts itself: no counts agree with all of it.",
            found=str(error),
            remedy="Look for figures of earlier releases that have been corrected since.",
        ) from error


def _parts(rows: csr_array) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split figures and kinds into parts that no figure joins."""
    n_rows, n_kinds = rows.shape
    links = rows.tocoo()
    size = n_rows + n_kinds
    graph = csr_array((np.ones(links.nnz), (links.row, links.col + n_rows)), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    found = []
    for number in np.unique(part[n_rows:]):
        members = np.flatnonzero(part == number)
        found.append((members[members < n_rows], members[members >= n_rows] - n_rows))
    return found
