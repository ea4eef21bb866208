"""One block of an attack: kinds of counts that published figures join, as a linear program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import highspy
import numpy as np
from scipy.sparse import csr_array, hstack

from safeschools_geo.programs import Program, model_of, quiet_highs, solve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]

CEILING = 10_000
"""Counts that nothing published limits are not followed further than this."""

_NEAR = 1e-6
# The nodes are the limit; the seconds only keep a slow machine from standing still.
_INTEGER_NODES, _INTEGER_LIMIT_S = 1000, 60.0
_ENOUGH = 0.1
_OPTIMAL = highspy.HighsModelStatus.kOptimal


class ContradictionError(Exception):
    """No counts agree with what is published."""


class Block:
    """A linear program over kinds, with a second column for each that `spread` rewards.

    Parameters
    ----------
    rows
        Everything published, shape (n_rows, n_kinds).
    own_rows, kinds
        Those of this block.
    limits
        Least and greatest value of all rows.
    ceiling
        Greatest value of a count.
    """

    def __init__(
        self, rows: csr_array, own_rows: Indices, kinds: Indices, limits: tuple[Numbers, Numbers], *, ceiling: float
    ) -> None:
        self.rows, self.kinds = own_rows, kinds
        self._matrix = rows[own_rows][:, kinds].tocsc()
        self._n = len(kinds)
        self._low, self._high = limits[0][own_rows].copy(), limits[1][own_rows].copy()
        self._ceiling = ceiling
        self._costs, self._room = np.zeros(2 * self._n), np.zeros(self._n)
        self._highs = quiet_highs()
        self._pass_model()

    def _pass_model(self) -> None:
        both = hstack([self._matrix, self._matrix]).tocsc()
        high = np.concatenate([np.full(self._n, self._ceiling), np.zeros(self._n)])
        nothing = np.zeros(2 * self._n)
        self._highs.passModel(model_of(Program(nothing, both, self._low, self._high, nothing, high)))

    def limit(self, rows: Indices, low: Numbers, high: Numbers) -> None:
        """Change what is known of figures.

        Parameters
        ----------
        rows
            Their numbers among all rows.
        low, high
            Least and greatest value, infinite where nothing is known.
        """
        own = np.searchsorted(self.rows, rows)
        self._low[own], self._high[own] = low, high
        for i in own:
            self._highs.changeRowBounds(int(i), float(self._low[i]), float(self._high[i]))

    def extreme(self, weights: Numbers, *, most: bool, whole: bool) -> tuple[float, Numbers, Numbers]:
        """Find the least or the most that a sum can be.

        Parameters
        ----------
        weights
            Weight of each kind of the block, shape (n,).
        most
            Whether the most.
        whole
            Whether the counts have to be whole.

        Returns
        -------
        value : float
            By linear programming.
        duals : numpy.ndarray
            Change of `value` with each row of the block.
        counts : numpy.ndarray
            Counts that reach it, or, if they have to be whole, come closest; shape (n,).

        Raises
        ------
        ContradictionError
            When there are none.
        """
        sign = -1.0 if most else 1.0
        self._run(sign * weights, np.zeros(self._n))
        found = self._highs.getSolution()
        value = sign * float(self._highs.getInfo().objective_function_value)
        counts = np.maximum(np.asarray(found.col_value)[: self._n], 0.0)
        duals = sign * np.asarray(found.row_dual)
        if whole:
            rounded = np.rint(counts)
            counts = rounded if self._is_whole(counts, rounded) else self._whole(sign * weights)
        return value, duals, counts

    def spread(self, room: Numbers, *, whole: bool) -> Numbers:
        """Make as many kinds large as go together.

        Parameters
        ----------
        room
            How large each kind should be, shape (n,); 0 where it does not matter.
        whole
            Whether the counts have to be whole.

        Returns
        -------
        numpy.ndarray
            Counts, shape (n,).

        Raises
        ------
        ContradictionError
            When there are none.
        """
        self._run(np.zeros(self._n), room)
        x = np.maximum(np.asarray(self._highs.getSolution().col_value), 0.0)
        counts = x[: self._n] + x[self._n :]
        if whole:
            rounded = np.rint(counts)
            if not self._is_whole(counts, rounded):
                x = self._whole(self._costs, room, gap=_ENOUGH)
                rounded = x[: self._n] + x[self._n :]
            counts = rounded
        return np.asarray(counts)

    def _run(self, cost: Numbers, room: Numbers) -> None:
        """Minimise; columns with room are rewarded, and shut where there is none."""
        costs = np.concatenate([cost, -(room > 0).astype("float64")])
        wanted = np.flatnonzero(costs != self._costs).astype("int32")
        if len(wanted):
            self._highs.changeColsCost(len(wanted), wanted, costs[wanted])
        moved = np.flatnonzero(room != self._room).astype("int32") + self._n
        if len(moved):
            self._highs.changeColsBounds(len(moved), moved, np.zeros(len(moved)), room[moved - self._n])
        self._costs, self._room = costs, room
        self._highs.run()
        if self._highs.getModelStatus() != _OPTIMAL:
            raise ContradictionError(str(self._highs.getModelStatus()).rsplit(".", maxsplit=1)[-1])

    def _is_whole(self, counts: Numbers, rounded: Numbers) -> bool:
        values = self._matrix @ rounded
        fits = (values >= self._low - _NEAR) & (values <= self._high + _NEAR)
        return bool(fits.all()) and bool(np.abs(counts - rounded).max(initial=0.0) <= _NEAR)

    def _whole(self, cost: Numbers, room: Numbers | None = None, *, gap: float = 0.0) -> Numbers:
        """Find whole counts where linear programming came to fractions."""
        parts = 1 if room is None else 2
        top = np.full(self._n, self._ceiling)
        found = solve(
            Program(
                cost=cost,
                matrix=hstack([self._matrix] * parts).tocsc(),
                row_low=self._low,
                row_high=self._high,
                low=np.zeros(parts * self._n),
                high=top if room is None else np.concatenate([top, room]),
                is_integer=np.ones(parts * self._n, dtype=bool),
            ),
            time_limit_s=_INTEGER_LIMIT_S,
            node_limit=_INTEGER_NODES,
            gap=gap,
        )
        if found.x is None:
            raise ContradictionError("no whole counts were found in time")
        return np.asarray(np.rint(found.x))
