"""Can so few points reach every place? The set-covering problem, made small by dominance and then decided exactly."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.sparse import csc_array

from safeschools_geo.coverage.points.staging_problem import Labels
from safeschools_geo.programs import Flags, Program, solve

if TYPE_CHECKING:
    from safeschools_geo.programs import Numbers

Effort = Literal["greedy", "relaxed", "exact"]

_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Cover:
    """An answer to whether so few points reach every place.

    Parameters
    ----------
    chosen
        Columns of points that do, rising; None where none were found.
    is_impossible
        Whether it is proven that none do. False with no points means that it is not known.
    """

    chosen: Labels | None
    is_impossible: bool

    @property
    def is_open(self) -> bool:
        """Whether neither is known."""
        return self.chosen is None and not self.is_impossible


def find_cover(covers: Flags, most: int, *, effort: Effort = "exact", deadline: float = np.inf, seed: int = 0) -> Cover:
    """Look for a few points that together reach every place.

    Parameters
    ----------
    covers
        Which points (columns) reach which places (rows), shape (n, m).
    most
        Most points that may be chosen.
    effort
        ``greedy``: only look; ``relaxed``: look, and try to prove that there are none by linear programming;
        ``exact``: go on until one or the other is certain.
    deadline
        Moment of `time.monotonic` at which to give up.
    seed
        Seed of the solver.

    Returns
    -------
    Cover
        The points, or that there are none, or neither, where the effort or the time was not enough.

    Notes
    -----
    A place that is reached by every point that reaches another is left out, as is a point that reaches nothing that
    another does not; where one point alone reaches a place it is taken. The linear relaxation of what is left gives a
    price of each place; prices are scaled until no point earns more than 1, so that their sum is a lower bound on the
    number of points whatever rounding the solver made. An integer program decides the rest.

    References
    ----------
    Toregas, C., Swain, R., ReVelle, C., and Bergman, L. (1971). The location of emergency service facilities.
    Operations Research 19(6), 1363–1373.
    """
    small = _reduce(covers)
    if small is None or len(small.forced) > most:
        return Cover(None, is_impossible=True)
    left = most - len(small.forced)
    answer = small.answer(_greedy_cover(small.covers), left)
    if answer.is_open and effort != "greedy":
        answer = _by_relaxation(small, left)
    if answer.is_open and effort == "exact" and time.monotonic() < deadline:
        answer = _by_program(small, left, time_limit_s=deadline - time.monotonic(), seed=seed)
    return answer


@dataclass(frozen=True, eq=False)
class _Small:
    """What is left of a covering problem: its own table, the columns it is made of, and those that are taken."""

    covers: Flags
    columns: Labels
    forced: Labels

    def answer(self, chosen: Labels, left: int) -> Cover:
        """Answer with these columns of the small table, if they are few enough."""
        if len(chosen) > left:
            return Cover(None, is_impossible=False)
        columns = np.concatenate([self.forced, self.columns[chosen]])
        return Cover(np.sort(columns).astype("int64"), is_impossible=False)


def _reduce(covers: Flags) -> _Small | None:
    """Leave out what does not matter; None where a place is reached by no point."""
    columns = np.arange(covers.shape[1], dtype="int64")
    forced: list[int] = []
    while True:
        size = covers.shape
        covers = covers[~_holds_another(covers)]
        is_needed = ~_is_within_another(covers.T)
        covers, columns = covers[:, is_needed], columns[is_needed]
        reached_by = covers.sum(axis=1)
        if (reached_by == 0).any():
            return None
        alone = np.unique(covers[reached_by == 1].argmax(axis=1)) if (reached_by == 1).any() else np.empty(0, "int64")
        forced += columns[alone].tolist()
        columns, covers = np.delete(columns, alone), np.delete(covers[~covers[:, alone].any(axis=1)], alone, axis=1)
        if covers.shape == size:
            return _Small(covers, columns, np.array(forced, dtype="int64"))


def _holds_another(sets: Flags) -> Flags:
    """Say which rows hold all of another row (of equal ones: all but the first)."""
    common, size = _in_common(sets)
    held: Flags = ((common == size[None, :]) & _comes_first(size).T).any(axis=1)
    return held


def _is_within_another(sets: Flags) -> Flags:
    """Say which rows are held by another row (of equal ones: all but the first)."""
    common, size = _in_common(sets)
    within: Flags = ((common == size[:, None]) & _comes_first(-size).T).any(axis=1)
    return within


def _comes_first(size: Numbers) -> Flags:
    """Say of every pair whether the row's is smaller than the column's, or as large and earlier."""
    order = np.arange(len(size))
    is_equal = size[:, None] == size[None, :]
    first: Flags = (size[:, None] < size[None, :]) | (is_equal & (order[:, None] < order[None, :]))
    return first


def _in_common(sets: Flags) -> tuple[Numbers, Numbers]:
    # Sums of up to 2²⁴ ones are exact in single precision, and quick.
    table = sets.astype("float32")
    return table @ table.T, table.sum(axis=1)


def _greedy_cover(covers: Flags, share: Numbers | None = None) -> Labels:
    """Take the point that reaches most of what is left, again and again; `share` of the relaxation goes first."""
    left = np.ones(len(covers), dtype=bool)
    table = covers.astype("float32")
    first = np.zeros(covers.shape[1]) if share is None else share
    chosen: list[int] = []
    while left.any():
        reached = left.astype("float32") @ table
        chosen.append(int((reached * (1.0 + len(covers) * first)).argmax()))
        left &= ~covers[:, chosen[-1]]
    return np.array(chosen, dtype="int64")


def _by_relaxation(small: _Small, left: int) -> Cover:
    """Bound the number of points from below by prices of the places; else round the relaxation."""
    found = solve(_program(small.covers))
    price = np.maximum(found.row_dual, 0.0) if found.is_optimal else np.zeros(len(small.covers))
    earned = float((price @ small.covers).max())
    if earned > 0 and float(price.sum()) / earned > left + _ROUNDING:
        return Cover(None, is_impossible=True)
    return small.answer(_greedy_cover(small.covers, found.x), left)


def _by_program(small: _Small, left: int, *, time_limit_s: float, seed: int) -> Cover:
    """Minimise the number of points, until so few are found, or the bound says that there are none."""
    # A limit on the number, as a row, was seen to make the solver five times slower.
    known = np.zeros(small.covers.shape[1])
    known[_greedy_cover(small.covers)] = 1.0
    program = replace(_program(small.covers), is_integer=np.ones(len(known), dtype=bool))
    found = solve(program, start=known, enough=left + 0.5, time_limit_s=time_limit_s, seed=seed)
    if found.bound > left + _ROUNDING:
        return Cover(None, is_impossible=True)
    x = known if found.x is None else found.x
    return small.answer(np.flatnonzero(x > 0.5), left)  # noqa: PLR2004 - whole numbers, up to rounding


def _program(covers: Flags) -> Program:
    n, m = covers.shape
    table = csc_array(covers.astype("float64"))
    return Program(np.ones(m), table, np.ones(n), np.full(n, np.inf), np.zeros(m), np.ones(m))
