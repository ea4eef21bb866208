"""What the rule itself gives away: a withheld figure that could not be hidden, were it small, is known not to be.

Whoever knows that every small count can be anything from 1 to 10 sees a withheld figure that must lie between 4 and 20,
and knows that it is 11 or more: were it small, it would not have been left so. That may narrow down others, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

from safeschools_geo.disclosure.complement import complementary, is_protected, narrow
from safeschools_geo.disclosure.facts import Said, together
from safeschools_geo.errors import DisclosureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.disclosure.complement import Pattern, Problem

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]
    Flags = NDArray[np.bool_]

_MOST_ROUNDS = 8
_NEAR = 1e-6


def told_by_rule(figures: csr_array, low: Numbers, high: Numbers, *, largest_small: int) -> tuple[Indices, Said]:
    """Work out which figures are known not to be small.

    Parameters
    ----------
    figures
        Figures that are not small, as sums of the finest counts, shape (n, n_atoms).
    low, high
        What is known of each, shape (n,).
    largest_small
        The largest small count.

    Returns
    -------
    rows : numpy.ndarray
        Those that could be small by this, but could not be hidden if they were.
    said : Said
        What the rule tells of each of these: 0 where only 0 is left, else above the small counts.
    """
    is_partly_small = (low <= largest_small + _NEAR) & (high >= 1 - _NEAR)
    is_narrow = (low > 1 + _NEAR) | (high < largest_small - _NEAR)
    rows = np.flatnonzero(is_partly_small & is_narrow)
    is_none = low[rows] <= 1 + _NEAR
    above = np.where(is_none, 0.0, float(largest_small + 1))
    return rows, Said(figures[rows], above, np.where(is_none, 0.0, np.inf))


def against_rule(problem: Problem, pattern: Pattern, *, largest_small: int) -> Pattern:
    """Withhold more where the rule would give a small count away.

    Parameters
    ----------
    problem
        What has to be protected.
    pattern
        A pattern that protects it from somebody who does not know the rule.
    largest_small
        The largest small count.

    Returns
    -------
    Pattern
        One that also protects it from somebody who does; where that takes more, it is not proven to be the least.

    Raises
    ------
    DisclosureError
        When none was found.
    """
    # As little more as it takes; where that goes round in circles, all that the rule tells; in the end, whole ranks.
    for only_harmful in (True, False):
        found, wanted = pattern, problem
        for _ in range(_MOST_ROUNDS):
            learned = _learn(problem, found, largest_small)
            if _tells_nothing(problem, found, learned.said):
                return found if found is pattern else replace(found, is_proven=False)
            hidden = _harmful(problem, found, learned) if only_harmful else learned
            try:
                found, wanted = _next(wanted, hidden, largest_small)
            except DisclosureError:
                break
    for rank in range(int(problem.rank.max(initial=0)) + 1):
        found = replace(pattern, is_withheld=pattern.is_withheld | (problem.rank <= rank), is_proven=False)
        learned = _learn(problem, found, largest_small)
        if _tells_nothing(problem, found, learned.said):
            return found
    raise DisclosureError(
        "No pattern was found that is safe from somebody who knows the rule.",
        remedy="Publish a coarser table.",
    )


@dataclass(frozen=True, eq=False)
class _Learned:
    """What the rule tells, and of which figures.

    Parameters
    ----------
    said
        What is told of each.
    cells
        Number of each among the cells of the tables; −1 for a group that no table shows.
    """

    said: Said
    cells: Indices

    def only(self, chosen: Flags) -> _Learned:
        """Keep what is told of these figures, shape (n,)."""
        said = self.said
        return _Learned(Said(said.matrix[chosen], said.low[chosen], said.high[chosen]), self.cells[chosen])


def _knowing(problem: Problem, said: Said) -> Problem:
    return replace(problem, known=replace(problem.known, said=together(problem.known.said, said)))


def _tells_nothing(problem: Problem, pattern: Pattern, said: Said) -> bool:
    return not len(said.low) or is_protected(_knowing(problem, said), pattern.is_withheld)


def _learn(problem: Problem, pattern: Pattern, largest_small: int) -> _Learned:
    """Follow the rule to its end: what it tells of one figure may narrow another."""
    cells = np.flatnonzero(pattern.is_withheld & ~problem.is_sensitive)
    rows = vstack([problem.known.matrix[cells], problem.groups]).tocsr()
    number = np.concatenate([cells, np.full(problem.groups.shape[0], -1)])
    left, learned = np.arange(rows.shape[0]), np.empty(0, dtype="int64")
    said = Said(rows[:0], np.empty(0), np.empty(0))
    while len(left):
        short, ends = narrow(
            _knowing(problem, said), pattern.is_withheld, rows[left], low=1.0, high=float(largest_small)
        )
        told, new = told_by_rule(rows[left[short]], ends[:, 0], ends[:, 1], largest_small=largest_small)
        if not len(told):
            break
        said = together(said, new)
        learned, left = np.concatenate([learned, left[short[told]]]), np.setdiff1d(left, left[short[told]])
    return _Learned(said, number[learned])


def _harmful(problem: Problem, pattern: Pattern, learned: _Learned) -> _Learned:
    """Leave out figures that may be known not to be small, one after another, as long as nothing is given away."""
    harmless = np.zeros(len(learned.cells), dtype=bool)
    for i in range(len(harmless)):
        harmless[i] = True
        harmless[i] = _tells_nothing(problem, pattern, learned.only(harmless).said)
    return learned.only(~harmless)


def _next(problem: Problem, learned: _Learned, largest_small: int) -> tuple[Pattern, Problem]:
    """Hide these figures as if they were small; where that cannot be, publish those that tables show."""
    cells, n = learned.cells[learned.cells >= 0], len(learned.cells)
    hiding = replace(
        problem,
        is_sensitive=problem.is_sensitive | np.isin(np.arange(len(problem.is_sensitive)), cells),
        targets=vstack([problem.targets, learned.said.matrix]).tocsr(),
        low=np.concatenate([problem.low, np.ones(n)]),
        high=np.concatenate([problem.high, np.full(n, float(largest_small))]),
    )
    try:
        return complementary(hiding), hiding
    except DisclosureError:
        may = problem.may.copy()
        may[cells] = False
        showing = replace(problem, may=may)
        return complementary(showing), showing
