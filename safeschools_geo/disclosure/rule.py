"""What the rule itself gives away: a withheld figure that could not be hidden, were it small, is known not to be.

Whoever knows that every small count can be anything from 1 to 10 sees a withheld figure that must lie between 4 and 20,
and knows that it is 11 or more: were it small, it would not have been left so. That may narrow down others, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

from safeschools_geo.disclosure.attacker import Known
from safeschools_geo.disclosure.complement import complementary, is_protected, narrow
from safeschools_geo.disclosure.facts import Said, together
from safeschools_geo.errors import DisclosureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.disclosure.complement import Pattern, Problem

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]

_MOST_ROUNDS = 8
_NEAR = 1e-6


def told_by_rule(low: Numbers, high: Numbers, *, largest_small: int) -> tuple[Indices, Numbers]:
    """Work out which figures are known not to be small.

    Parameters
    ----------
    low, high
        What is known of figures that are not small, shape (n,).
    largest_small
        The largest small count.

    Returns
    -------
    rows : numpy.ndarray
        Those that could be small by this, but could not be hidden if they were.
    limits : numpy.ndarray
        What the rule tells of each, shape (n_rows, 2): 0 where only 0 is left, else above the small counts.
    """
    is_partly_small = (low <= largest_small + _NEAR) & (high >= 1 - _NEAR)
    is_narrow = (low > 1 + _NEAR) | (high < largest_small - _NEAR)
    rows = np.flatnonzero(is_partly_small & is_narrow)
    is_none = low[rows] <= 1 + _NEAR
    above = np.where(is_none, 0.0, float(largest_small + 1))
    return rows, np.column_stack([above, np.where(is_none, 0.0, np.inf)])


def said_by_rule(figures: csr_array, rows: Indices, limits: Numbers) -> Said:
    """Write down what the rule tells.

    Parameters
    ----------
    figures
        The figures as sums of the finest counts, shape (n, n_atoms).
    rows, limits
        Result of `told_by_rule`.

    Returns
    -------
    Said
        A statement for each.
    """
    return Said(figures[rows], limits[:, 0], limits[:, 1])


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
            if is_protected(replace(problem, known=learned.known), found.is_withheld):
                return found if found is pattern else replace(found, is_proven=False)
            hidden = _harmful(problem, found, learned) if only_harmful else learned
            try:
                found, wanted = _next(wanted, hidden, largest_small)
            except DisclosureError:
                break
    for rank in range(int(problem.rank.max(initial=0)) + 1):
        found = replace(pattern, is_withheld=pattern.is_withheld | (problem.rank <= rank), is_proven=False)
        learned = _learn(problem, found, largest_small)
        if is_protected(replace(problem, known=learned.known), found.is_withheld):
            return found
    raise DisclosureError(
        "No pattern was found that is safe from somebody who knows the rule.",
        remedy="Publish a coarser table.",
    )


@dataclass(frozen=True, eq=False)
class _Learned:
    """All that the rule tells, to its end.

    Parameters
    ----------
    known
        What is known then.
    rows
        The figures it is told of, as sums of the finest counts.
    cells
        Number of each among the cells of the tables; −1 for a group that no table shows.
    said
        What is told of each.
    """

    known: Known
    rows: csr_array
    cells: Indices
    said: Said


def _learn(problem: Problem, pattern: Pattern, largest_small: int) -> _Learned:
    cells = np.flatnonzero(pattern.is_withheld & ~problem.is_sensitive)
    rows = vstack([problem.known.matrix[cells], problem.groups]).tocsr()
    number = np.concatenate([cells, np.full(problem.groups.shape[0], -1)])
    left, learned = np.arange(rows.shape[0]), np.empty(0, dtype="int64")
    said = Said(rows[:0], np.empty(0), np.empty(0))
    while len(left):
        known = replace(problem.known, said=together(problem.known.said, said))
        short, ends = narrow(
            replace(problem, known=known), pattern.is_withheld, rows[left], low=1.0, high=float(largest_small)
        )
        told, limits = told_by_rule(ends[:, 0], ends[:, 1], largest_small=largest_small)
        if not len(told):
            break
        new = left[short[told]]
        said = together(said, Said(rows[new], limits[:, 0], limits[:, 1]))
        learned, left = np.concatenate([learned, new]), np.setdiff1d(left, new)
    known = replace(problem.known, said=together(problem.known.said, said))
    return _Learned(known, rows[learned], number[learned], said)


def _harmful(problem: Problem, pattern: Pattern, learned: _Learned) -> _Learned:
    """Leave out figures that may be known not to be small, one after another, as long as nothing is given away."""
    harmless = np.zeros(learned.rows.shape[0], dtype=bool)
    for i in range(len(harmless)):
        harmless[i] = True
        said = Said(learned.said.matrix[harmless], learned.said.low[harmless], learned.said.high[harmless])
        known = replace(problem.known, said=together(problem.known.said, said))
        harmless[i] = is_protected(replace(problem, known=known), pattern.is_withheld)
    return replace(learned, rows=learned.rows[~harmless], cells=learned.cells[~harmless])


def _next(problem: Problem, learned: _Learned, largest_small: int) -> tuple[Pattern, Problem]:
    """Hide these figures as if they were small; where that cannot be, publish those that tables show."""
    cells, n = learned.cells[learned.cells >= 0], learned.rows.shape[0]
    hiding = replace(
        problem,
        is_sensitive=problem.is_sensitive | np.isin(np.arange(len(problem.is_sensitive)), cells),
        targets=vstack([problem.targets, learned.rows]).tocsr(),
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
