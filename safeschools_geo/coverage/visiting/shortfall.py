"""What a week leaves out: which schools get less than is wanted, why, and how many officer-hours are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from safeschools_geo.coverage.visiting.rules import SPECIAL_WINDOWS
from safeschools_geo.coverage.visiting.tours import cheapest_insertion, fewest_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.coverage.visiting.inputs import ZoneWeek
    from safeschools_geo.coverage.visiting.routes import DayRoute
    from safeschools_geo.coverage.visiting.tours import DayWork


class Shortfall(NamedTuple):
    """What a school does not get.

    Parameters
    ----------
    school
        Number of the school.
    kind
        `visits`, `windows` or `first_windows`.
    wanted, given
        How many.
    reason
        Why, in plain words.
    """

    school: int
    kind: str
    wanted: int
    given: int
    reason: str


def shortfalls(zone: ZoneWeek, routes: Sequence[DayRoute]) -> list[Shortfall]:
    """List what schools do not get.

    Parameters
    ----------
    zone
        One officer's week.
    routes
        Its days.

    Returns
    -------
    list of Shortfall
        In the order of the schools.
    """
    found: list[Shortfall] = []
    for school in range(len(zone)):
        windows = [route.windows[school] for route in routes if school in route.windows]
        wanted, given = int(zone.visits[school]), len(windows)
        if given < wanted:
            found.append(Shortfall(school, "visits", wanted, given, _why(zone, routes, school, given)))
        special = sum(window in SPECIAL_WINDOWS for window in windows)
        needed = zone.rules.special_visits(given)
        if special < needed:
            reason = "no arrival, lunch or dismissal window fits beside the other visits"
            found.append(Shortfall(school, "windows", needed, special, reason))
        first = zone.first_windows(school)
        if given and first and not set(first) & set(windows):
            found.append(Shortfall(school, "first_windows", 1, 0, f"no visit fits at {' or '.join(first)}"))
    return found


def _why(zone: ZoneWeek, routes: Sequence[DayRoute], school: int, given: int) -> str:
    days = len(zone.days)
    if not zone.windows[school]:
        return "no window of its school day lies in the shift"
    alone = _alone(zone, school)
    if alone > zone.limit_min:
        return f"one visit with its driving takes {alone} min, and a day has {zone.limit_min}"
    if given == days:
        return f"more visits are wanted than there are school days ({days})"
    extra = [_added(zone, route, school) + route.work_min for route in routes if school not in route.windows]
    if min(extra) > zone.limit_min:
        return "the work of every day is full"
    return "no window of its school day can be reached beside the other visits and the break"


def _alone(zone: ZoneWeek, school: int) -> int:
    return zone.rules.visit_min + cheapest_insertion(zone, [], school)[0]


def _added(zone: ZoneWeek, route: DayRoute, school: int) -> int:
    return zone.rules.visit_min + cheapest_insertion(zone, [stop.place for stop in route.stops], school)[0]


def shortfall_minutes(zone: ZoneWeek, routes: Sequence[DayRoute]) -> int:
    """Estimate the minutes of work a week that are missing.

    Parameters
    ----------
    zone
        One officer's week.
    routes
        Its days.

    Returns
    -------
    int
        Minutes by which days would be above their most minutes of work, if each visit left out were added to the day,
        among those without a visit to that school, on which it goes over least. A visit that is left out though a day
        has minutes enough counts in full: no minutes of that day can be used for it. Visits above one a day are not
        counted.

    Notes
    -----
    Visits are added one after the other, each where it lengthens the driving least. It is an estimate from above: a
    week planned anew with as many minutes more may need fewer.
    """
    work = [route.work_min for route in routes]
    tours = [[stop.place for stop in route.stops] for route in routes]
    missing = 0
    for school in range(len(zone)):
        free = [day for day, route in enumerate(routes) if school not in route.windows]
        wanted = min(int(zone.visits[school]), len(routes)) - (len(routes) - len(free))
        for _ in range(wanted):
            choices = []
            for day in free:
                drive, at = cheapest_insertion(zone, tours[day], school)
                extra = zone.rules.visit_min + drive
                over = extra - max(0, min(extra, zone.limit_min - work[day]))
                choices.append((over, extra, day, at))
            over, extra, day, at = min(choices)
            tours[day].insert(at, school)
            work[day] += extra
            missing += over or extra
            free.remove(day)
    return missing


def is_proven_short(zone: ZoneWeek, day_work: DayWork) -> bool:
    """Tell whether it is proven that no plan gives every school of a zone a visit.

    Parameters
    ----------
    zone
        One officer's week.
    day_work
        Least work of its days.

    Returns
    -------
    bool
        True where some school cannot be visited on any day, or the schools cannot be parted into as many tours as
        there are days, none above the most minutes of work (`visit_tours.fewest_days`). Windows and the break are not
        looked at, so that False proves nothing; nor are sets of schools in zones of more than 14.
    """
    if any(not windows or day_work.minutes([s]) > zone.limit_min for s, windows in enumerate(zone.windows)):
        return True
    return day_work.is_exact and fewest_days(day_work).least_days > len(zone.days)
