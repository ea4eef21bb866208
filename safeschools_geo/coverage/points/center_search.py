"""Looking for points that reach every place in time: exchanges that always help the farthest place, with a memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from safeschools_geo.coverage.points.staging_problem import Labels
    from safeschools_geo.programs import Numbers

_BARRED_OUT, _BARRED_IN = 7, 3
"""Steps for which a point that was given up is not taken again, and one that was taken is kept."""


def search_center(minutes: Numbers, chosen: Labels, limit: float, *, steps: int, seed: int) -> Labels | None:
    """Look for points that reach every place within a time.

    Parameters
    ----------
    minutes
        Minutes from each point to each place, shape (n, m).
    chosen
        Points to begin with, two at least.
    limit
        The time.
    steps
        Exchanges to make at most.
    seed
        Seed of the choice among exchanges that are as good.

    Returns
    -------
    numpy.ndarray or None
        Columns of points that do, rising; None where none were found, which proves nothing.

    Notes
    -----
    As long as some place is too far, one point within the time of the farthest is taken, and one is given up, so that
    the minutes by which places are too far, added up, are as few as possible, even if they are more than before. For a
    few steps no exchange is undone.

    References
    ----------
    Mladenović, N., Labbé, M., and Hansen, P. (2003). Solving the p-center problem with tabu search and variable
    neighborhood search. Networks 42(1), 48–64.
    """
    rng = np.random.default_rng(seed)
    # Single precision is enough to choose an exchange; whether all are in time is asked of the minutes themselves.
    from_point = np.minimum(minutes.T, 10.0 * limit + 1.0).astype("float32")
    chosen = chosen.copy()
    places = np.arange(len(minutes))
    barred = np.zeros(len(from_point), dtype="int64")
    for step in range(steps):
        near = np.argpartition(minutes[:, chosen], 1, axis=1)[:, :2]
        farthest = int(minutes[places, chosen[near[:, 0]]].argmax())
        if minutes[farthest, chosen].min() <= limit:
            return np.sort(chosen)
        new = np.flatnonzero((minutes[farthest] <= limit) & (barred <= step))
        free = np.flatnonzero(barred[chosen] <= step)
        if not len(new) or not len(free):
            barred[:] = 0
            continue
        first, second = (from_point[chosen[near[:, k]], places] for k in (0, 1))
        # A place that two points reach in time stays so whatever one exchange does.
        at_stake = np.flatnonzero(second > limit)
        there = from_point[np.ix_(new, at_stake)]
        kept = np.maximum(np.minimum(first[at_stake], there) - limit, 0.0)
        left = np.maximum(np.minimum(second[at_stake], there) - limit, 0.0)
        belongs = (near[at_stake, 0] == free[:, None]).astype("float32")
        excess = kept.sum(axis=1) + belongs @ (left - kept).T
        ties = np.flatnonzero(excess.ravel() <= excess.min())
        out, taken = np.unravel_index(int(ties[rng.integers(len(ties))]), excess.shape)
        barred[chosen[free[out]]] = step + _BARRED_OUT
        barred[new[taken]] = step + _BARRED_IN
        chosen[free[out]] = new[taken]
    return None
