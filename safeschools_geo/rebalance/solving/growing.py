"""A linear program that gets more columns, solved again from where it stood."""

from __future__ import annotations

import time
from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csc_array

from safeschools_geo.programs import quiet_highs
from safeschools_geo.rebalance.problem import Numbers

_NOTHING = np.zeros(0)
_PRIMAL = 4
"""HiGHS's number of the primal simplex method: more columns leave the last answer feasible."""


class OutOfTimeError(Exception):
    """There is no answer in the time given."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a linear program came to.

    Parameters
    ----------
    value
        Its value.
    x
        The solution, in the order in which columns were added.
    row_dual
        Duals of the rows, shape (m,).
    """

    value: float
    x: Numbers
    row_dual: Numbers


class GrowingProgram:
    """Minimise ``cost @ x`` with ``low <= matrix @ x <= high`` and ``x >= 0``, over columns that are added bit by bit.

    Parameters
    ----------
    low, high
        Limits of the rows, shape (m,); infinite where there is none.
    """

    def __init__(self, low: Numbers, high: Numbers) -> None:
        self._highs = quiet_highs(is_precise=True)
        self._highs.setOptionValue("presolve", "off")
        self._highs.setOptionValue("simplex_strategy", _PRIMAL)
        empty = np.zeros(0, dtype=np.int32)
        self._highs.addRows(len(low), low, high, 0, empty, empty, _NOTHING)

    def add(self, cost: Numbers, columns: csc_array) -> None:
        """Add columns.

        Parameters
        ----------
        cost
            Cost of each, shape (n,).
        columns
            Shape (m, n), sparse by columns.
        """
        count = len(cost)
        if count:
            begins, rows = columns.indptr[:-1].astype(np.int32), columns.indices.astype(np.int32)
            low, high = np.zeros(count), np.full(count, np.inf)
            self._highs.addCols(count, cost, low, high, columns.nnz, begins, rows, columns.data.astype("float64"))

    def soften(self, rows: range, price: float, *, sign: float) -> None:
        """Let rows be missed at a price, so that there is an answer before columns can keep them.

        Parameters
        ----------
        rows
            The rows.
        price
            Price of missing any of them by 1; no row's dual is larger.
        sign
            1 where too little may be made up for, -1 where too much may.
        """
        places = (np.asarray(rows), np.arange(len(rows)))
        count = self._highs.getNumRow()
        self.add(np.full(len(rows), price), csc_array((np.full(len(rows), sign), places), shape=(count, len(rows))))

    def solve(self, *, deadline: float = np.inf) -> Answer:
        """Solve the program over the columns that are there.

        Parameters
        ----------
        deadline
            Moment of `time.perf_counter` at which to stop.

        Returns
        -------
        Answer
            Value, solution and prices.

        Raises
        ------
        OutOfTimeError
            When there is no answer by then.
        """
        left = deadline - time.perf_counter()
        if left <= 0:
            raise OutOfTimeError
        if np.isfinite(left):
            # HiGHS counts the time of all runs together.
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + left)
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise OutOfTimeError
        found = self._highs.getSolution()
        return Answer(
            float(self._highs.getInfo().objective_function_value),
            np.asarray(found.col_value, dtype="float64"),
            np.asarray(found.row_dual, dtype="float64"),
        )
