"""Which school is visited on which day: spread over the week, days of about equal length, drawn anew every week."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from safeschools_geo.coverage.visiting.inputs import ZoneWeek
    from safeschools_geo.coverage.visiting.tours import DayWork

_SWEEPS = 20
_NEIGHBOUR_DAYS_MIN = 20.0
"""Minutes of driving that are worth not to visit a school on two days running."""

_EVENNESS_MIN = 30.0
"""A day this many minutes off the mean costs as many minutes of driving."""

_SPECIALS_MIN = 10.0
"""The same for one visit in a special window more or less than the mean."""

_DRAWN = 3
"""Times `variation_min` that a choice of days may be dearer than another and still be drawn."""

_TOO_LONG = 10.0
"""Cost of a minute above the most minutes of a day, in minutes of driving."""


def allot_days(zone: ZoneWeek, day_work: DayWork, rng: np.random.Generator) -> list[dict[int, bool]]:
    """Choose the days of every visit.

    Parameters
    ----------
    zone
        One officer's week.
    day_work
        Least work of its days.
    rng
        Random numbers.

    Returns
    -------
    list of dict
        For each school day, number of the school → whether this visit has to be in an arrival, lunch or dismissal
        window. A school that wants more visits than there are days is visited on each.

    Notes
    -----
    Schools are placed one after the other, in random order, and then each is placed again where it now fits best,
    until nothing changes (coordinate descent). What is made small is, in minutes: the work of the days; the squared
    deviations of the days' work, and of their visits in special windows, from the mean; visits to a school on days
    running; minutes above the most of a day; and a random amount of up to three times `variation_min` for each choice,
    which makes weeks differ. Nothing is left out here: what does not fit is found by the routes.
    """
    schools = range(len(zone))
    options = [_options(zone, school) for school in schools]
    # What of the cost of an option does not depend on other schools.
    own = [
        rng.uniform(0, _DRAWN * zone.rules.variation_min, len(choice)) + _NEIGHBOUR_DAYS_MIN * _running(zone, choice)
        for choice in options
    ]
    order = rng.permutation(len(zone)).tolist()
    chosen: dict[int, int] = {}
    for _ in range(_SWEEPS):
        before = dict(chosen)
        for school in order:
            placed = {s: options[s][number] for s, number in chosen.items() if s != school}
            costs = own[school] + _shared_cost(zone, day_work, placed, school, options[school])
            chosen[school] = int(np.argmin(costs))
        if chosen == before:
            break
    plan = [options[school][chosen[school]] for school in schools]
    return [{s: plan[s][day] == _SPECIAL for s in schools if plan[s][day]} for day in range(len(zone.days))]


_SPECIAL = 2
"""An option has for each day 0 for no visit, 1 for a visit, and 2 for one in a special window."""


def _options(zone: ZoneWeek, school: int) -> NDArray[np.int64]:
    days = len(zone.days)
    visits = min(int(zone.visits[school]), days)
    rows = []
    for chosen in combinations(range(days), visits):
        for special in combinations(chosen, zone.rules.special_visits(visits)):
            row = np.zeros(days, dtype="int64")
            row[list(chosen)] = 1
            row[list(special)] = _SPECIAL
            rows.append(row)
    return np.array(rows)


def _running(zone: ZoneWeek, options: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the days of each option that follow another."""
    follows = np.diff(zone.day_numbers) == 1
    runs: NDArray[np.int64] = ((options[:, 1:] > 0) & (options[:, :-1] > 0) & follows).sum(axis=1)
    return runs


def _shared_cost(
    zone: ZoneWeek,
    day_work: DayWork,
    placed: dict[int, NDArray[np.int64]],
    school: int,
    options: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Price every option of a school beside the others as they are placed, in minutes."""
    today: Sequence[list[int]] = [[s for s, row in placed.items() if row[day]] for day in range(len(zone.days))]
    without = np.array([day_work.minutes(others) for others in today])
    added = np.array([day_work.minutes([*others, school]) for others in today])
    work = np.where(options > 0, added, without)
    others_special = sum((row == _SPECIAL for row in placed.values()), np.zeros(len(zone.days), dtype="int64"))
    special = others_special + (options == _SPECIAL)
    cost: NDArray[np.float64] = (
        work.sum(axis=1)
        + _squares(work) / _EVENNESS_MIN
        + _SPECIALS_MIN * _squares(special)
        + _TOO_LONG * np.maximum(0, work - zone.limit_min).sum(axis=1)
    )
    return cost


def _squares(values: NDArray[np.int64]) -> NDArray[np.float64]:
    squares: NDArray[np.float64] = ((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return squares
