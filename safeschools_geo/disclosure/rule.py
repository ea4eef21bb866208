"""What the rule itself gives away: a withheld figure that could not be hidden, were it small, is known not to be.

Whoever knows that every small count can be anything from 1 to 10 sees a withheld figure that must lie between 4 and 20,
and knows that it is 11 or more: were it small, it would not have been left so. That may narrow down others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, vstack

from safeschools_geo.disclosure.attacker import Attacker
from safeschools_geo.disclosure.complement import complementary, is_protected
from safeschools_geo.disclosure.facts import Said, together
from safeschools_geo.errors import DisclosureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.disclosure.complement import Pattern, Problem

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_MOST_ROUNDS = 10
_NEAR = 1e-6


def told_by_rule(
    matrix: csr_array, low: Numbers, high: Numbers, is_sought: Flags, *, largest_small: int
) -> tuple[Said, NDArray[np.int64]]:
    """Work out which withheld figures are known not to be small.

    Parameters
    ----------
    matrix
        The withheld figures as sums of the finest counts, shape (n, n_atoms).
    low, high
        What is known of each from what is published, shape (n,).
    is_sought
        Which have to be able to be any small count, shape (n,): these are.
    largest_small
        The largest small count.

    Returns
    -------
    said : Said
        What the rule tells: 0 where only 0 is left, else above the small counts.
    rows : numpy.ndarray
        Which of the figures it is told of.
    """
    is_partly_small = (low <= largest_small) & (high >= 1)
    is_narrow = (low > 1 + _NEAR) | (high < largest_small - _NEAR)
    rows = np.flatnonzero(~is_sought & is_partly_small & is_narrow)
    is_none = low[rows] <= 1 + _NEAR
    return (
        Said(
            matrix[rows],
            np.where(is_none, 0.0, float(largest_small + 1)),
            np.where(is_none, 0.0, np.inf),
        ),
        rows,
    )


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
        One that also protects it from somebody who does; not always the least.

    Raises
    ------
    DisclosureError
        When none was found.
    """
    wanted = problem
    for _ in range(_MOST_ROUNDS):
        said, cells = _told(problem, pattern, largest_small)
        if not len(cells):
            return pattern
        known = replace(problem.known, said=together(problem.known.said, said))
        if is_protected(replace(problem, known=known), pattern.is_withheld):
            return pattern
        pattern, wanted = _next(wanted, cells, largest_small)
    raise DisclosureError(
        "No pattern was found that is safe from somebody who knows the rule.",
        remedy="Publish a coarser table.",
    )


def _next(problem: Problem, cells: NDArray[np.int64], largest_small: int) -> tuple[Pattern, Problem]:
    """Hide these figures as if they were small; where that cannot be, publish them."""
    hiding = replace(
        problem,
        is_sensitive=problem.is_sensitive | np.isin(np.arange(len(problem.is_sensitive)), cells),
        targets=vstack([problem.targets, problem.known.matrix[cells]]).tocsr(),
        low=np.concatenate([problem.low, np.ones(len(cells))]),
        high=np.concatenate([problem.high, np.full(len(cells), float(largest_small))]),
    )
    try:
        return complementary(hiding), hiding
    except DisclosureError:
        may = problem.may.copy()
        may[cells] = False
        showing = replace(problem, may=may)
        return complementary(showing), showing


def _told(problem: Problem, pattern: Pattern, largest_small: int) -> tuple[Said, NDArray[np.int64]]:
    attacker = Attacker(problem.known, pattern.is_withheld, whole=False)
    cells = np.flatnonzero(pattern.is_withheld & ~problem.is_sensitive)
    figures = attacker.kinds.added(problem.known.matrix[cells])
    ends = np.array(
        [
            [attacker.extreme(figures[[row]].toarray()[0], most=most).value for most in (False, True)]
            for row in range(len(cells))
        ]
    ).reshape(-1, 2)
    said, rows = told_by_rule(
        problem.known.matrix[cells],
        ends[:, 0],
        ends[:, 1],
        np.zeros(len(cells), dtype=bool),
        largest_small=largest_small,
    )
    return said, cells[rows]
