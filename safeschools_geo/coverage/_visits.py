"""Weekly visit plans of officers: every visit has a time, and what cannot be given is said."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from icalendar import CLASS, Calendar, Event

from safeschools_geo.coverage._visit_routes import (
    BREAK,
    FIRST_VISIT_PRIZE,
    FIRST_WINDOW_PRIZE,
    SPECIAL_PRIZE,
    VISIT_PRIZE,
    DayRoute,
    DayWork,
    Want,
    cheapest_insertion,
    draw_day,
    draw_times,
    fewest_days,
    route_day,
)
from safeschools_geo.coverage._visit_rules import DAYS, SPECIAL_WINDOWS, VisitRules, zone_weeks
from safeschools_geo.errors import InputError, SettingsError, count_text
from safeschools_geo.io import safe_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.coverage._visit_routes import Timed
    from safeschools_geo.coverage._visit_rules import SchoolHours, ZoneWeek


# ── What a week leaves out: which schools get less than is wanted, why, and how many officer-hours are missing


class Shortfall(NamedTuple):
    """What a school does not get."""

    school: int  # Number of the school
    kind: str  # `visits`, `windows` or `first_windows`
    # How many
    wanted: int
    given: int
    reason: str  # Why, in plain words


def shortfalls(zone: ZoneWeek, routes: Sequence[DayRoute]) -> list[Shortfall]:
    """List what schools do not get."""
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

    Minutes by which days would be above their most minutes of work, if each visit left out were added to the day,
    among those without a visit to that school, on which it goes over least. A visit that is left out though a day has
    minutes enough counts in full: no minutes of that day can be used for it. Visits above one a day are not counted.

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
    """Say whether it is proven that no plan gives every school of a zone a visit.

    True where some school cannot be visited on any day, or the schools cannot be parted into as many tours as there
    are days, none above the most minutes of work (`fewest_days`). Windows and the break are not looked
    at, so that False proves nothing; nor are sets of schools in zones of more than 14.
    """
    if any(not windows or day_work.minutes([s]) > zone.limit_min for s, windows in enumerate(zone.windows)):
        return True
    return day_work.is_exact and fewest_days(day_work).least_days > len(zone.days)


# ── A weekly visit plan that can speak: who is where when, what could not be given, and how much time is missing

STOP_COLUMNS = (
    "zone_id",
    "day",
    "stop",
    "school_id",
    "name",
    "arrive_min",
    "leave_min",
    "window",
    "from_id",
    "drive_min",
)
DAY_COLUMNS = (
    "zone_id",
    "day",
    "visits",
    "visit_min",
    "drive_min",
    "work_min",
    "limit_min",
    "break_from_min",
    "break_to_min",
    "break_at",
    "free_min",
)
UNMET_COLUMNS = ("zone_id", "school_id", "kind", "wanted", "given", "reason")


@dataclass(frozen=True, eq=False)
class VisitPlan:
    """The visits of a week."""

    # Every visit, in the order of zones, days and stops: `zone_id`; `day` (``Mon`` …); `stop`, from 1; `school_id`;
    # `name`; `arrive_min` and `leave_min`, minutes of the day; `window` (`arrival`, `class`, `lunch`, `dismissal`);
    # `from_id`, the place the officer drives from (the stop before, the place of the break, the base; empty at the
    # start of a day without a base); `drive_min`, whole minutes from there
    table: pd.DataFrame
    # Every day of every zone: `visits`, `visit_min`, `drive_min` (with the way back to the base), `work_min` (both),
    # `limit_min` (the most it may be), `break_from_min`, `break_to_min`, `break_at` (id of a school or the base; empty
    # where the officer may be anywhere), `free_min` (shift less work and break). Where the rules have no break, its
    # minutes are 0
    days: pd.DataFrame
    # What a school does not get: `zone_id`, `school_id`, `kind` (`visits`; `windows`, of arrival, lunch and dismissal;
    # `first_windows`, those its level has to have), `wanted`, `given`, `reason`
    unmet: pd.DataFrame
    # By `zone_id`: `schools` that want a visit, `visits_wanted`, `visits_given`, `schools_without` a visit, `visit_h`,
    # `drive_h`, `free_share` of all shifts, `shortfall_h`, and `is_proven_short`: whether it is proven that no plan
    # gives every school a visit
    zones: pd.DataFrame
    rules: VisitRules
    seed: int
    week: int  # Number of the week

    @property
    def is_complete(self) -> bool:
        """Whether every school gets what is wanted."""
        return self.unmet.empty

    def summary(self) -> str:
        """Say plainly what the district and each zone can give, those that fall short first."""
        wanted, given = int(self.zones["visits_wanted"].sum()), int(self.zones["visits_given"].sum())
        days = self.days["day"].nunique()
        where = f"in {count_text(len(self.zones), 'zone')} on {count_text(days, 'day')}"
        visits = count_text(given, "visit", of=wanted)
        lines = [f"Week {self.week}: {visits} planned {where}, {self.rules.visit_min} min each."]
        short = self.zones["schools_without"] > 0
        rest = self.zones["visits_given"] < self.zones["visits_wanted"]
        order = (2 * short + (rest & ~short)).sort_values(ascending=False, kind="stable").index
        lines += [self.sentence(str(zone)) for zone in order]
        return "\n".join(lines)

    def sentence(self, zone_id: str) -> str:
        """Say plainly what one zone can give.

        For example ``"Zone 6 cannot give every school a weekly visit: 3.1 h short (2 of 9 schools have none)."``
        *Cannot* is said only where that is proven.
        """
        zone = self.zones.loc[[zone_id]].to_dict("records")[0]
        missing = zone["visits_wanted"] - zone["visits_given"]
        hours = _hours_short(zone["shortfall_h"])
        if not zone["visits_wanted"]:
            return f"Zone {zone_id} wants no visits this week."
        if zone["schools_without"]:
            without = count_text(zone["schools_without"], "school", of=zone["schools"])
            verb = "has" if zone["schools_without"] == 1 else "have"
            can = "cannot give" if zone["is_proven_short"] else "does not give, in the best plan found,"
            text = f"Zone {zone_id} {can} every school a weekly visit: {hours} ({without} {verb} none)."
        elif missing:
            lack = f"{count_text(missing, 'visit', of=zone['visits_wanted'])} wanted {'is' if missing == 1 else 'are'}"
            text = f"Zone {zone_id} gives every school a weekly visit, but {lack} missing: {hours}."
        else:
            text = (
                f"Zone {zone_id} gives every school its visits: {zone['visit_h']:.1f} h of visits and "
                f"{zone['drive_h']:.1f} h of driving, {zone['free_share']:.0%} of the shift left for calls."
            )
        return f"{text}{self._windows_missed(zone_id)}"

    def to_frame(self) -> pd.DataFrame:
        """Return every visit, with `arrive` and `leave` as ``"07:42"`` in place of minutes of the day."""
        frame = self.table.rename(columns={"arrive_min": "arrive", "leave_min": "leave"})
        return frame.assign(**{name: clock_times(frame[name]) for name in ("arrive", "leave")})

    def _windows_missed(self, zone_id: str) -> str:
        kinds = self.unmet[(self.unmet["zone_id"] == zone_id) & (self.unmet["kind"] != "visits")]
        if kinds.empty:
            return ""
        schools = kinds["school_id"].nunique()
        return f" {count_text(schools, 'school')} {'lacks' if schools == 1 else 'lack'} a visit in a wanted window."


def _hours_short(hours: float) -> str:
    if not hours:
        return "a school gets one a day at most"
    return f"{hours:.1f} h short" if hours >= _SHOWN_H else "less than 0.1 h short"


_SHOWN_H = 0.05


def clock_times(minutes: pd.Series) -> pd.Series:
    """Write minutes of the day as times."""
    texts = [f"{int(m) // 60:02d}:{int(m) % 60:02d}" for m in minutes]
    return pd.Series(texts, index=minutes.index, name=minutes.name, dtype="str")


# ── Which school is visited on which day: spread over the week, days of about equal length, drawn anew every week

_SWEEPS = 20
_NEIGHBOR_DAYS_MIN = 20.0
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

    For each school day, number of the school → whether this visit has to be in an arrival, lunch or dismissal window.
    A school that wants more visits than there are days is visited on each.

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
        rng.uniform(0, _DRAWN * zone.rules.variation_min, len(choice)) + _NEIGHBOR_DAYS_MIN * _running(zone, choice)
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


# ── One officer's week: days are routed one by one, and what a day leaves out is tried on the others

_PASSES = 3
"""Times that all visits left out are tried again."""


def route_week(zone: ZoneWeek, day_work: DayWork, rng: np.random.Generator) -> list[DayRoute]:
    """Route every day of an officer's week.

    Where some school is left without a visit, the week is also routed from the schools parted into the fewest days
    (`fewest_days`), and the better of the two is taken.
    """
    week = _Week(zone, day_work, rng)
    week.route(allot_days(zone, day_work, rng))
    if day_work.is_exact and week.has_school_without():
        other = week.tried_by_cover(rng)
        week = max(week, other, key=_Week.worth)
    return week.routes


class _Week:
    def __init__(self, zone: ZoneWeek, day_work: DayWork, rng: np.random.Generator) -> None:
        self.zone = zone
        self.day_work = day_work
        self.draws = [draw_day(zone, rng) for _ in zone.days]
        self.routes = [DayRoute((), 0, 0) for _ in zone.days]
        self.known: dict[tuple[int, frozenset[tuple[int, Want]]], DayRoute] = {}

    def route(self, allotted: list[dict[int, bool]]) -> None:
        """Route the days as allotted, then fix."""
        for day, wants in enumerate(allotted):
            self.routes[day] = self.routed(day, wants)
        for _ in range(_PASSES):
            if not any([self.repair_visits(), self.repair_windows()]):
                break

    def has_school_without(self) -> bool:
        """Say whether a school that can be visited has no visit."""
        return any(windows and not self.windows(school) for school, windows in enumerate(self.zone.windows))

    def tried_by_cover(self, rng: np.random.Generator) -> _Week:
        """Route another week from the fewest days that hold all schools."""
        other = _Week(self.zone, self.day_work, rng)
        parts = fewest_days(self.day_work).days[: len(self.zone.days)]
        days = rng.permutation(len(self.zone.days)).tolist()
        allotted: list[dict[int, bool]] = [{} for _ in days]
        for day, schools in zip(days, parts, strict=False):
            allotted[day] = dict.fromkeys(schools, True)
        other.route(allotted)
        return other

    def routed(self, day: int, wants: Mapping[int, bool]) -> DayRoute:
        """Route a day anew: school → whether its visit is meant for a special window."""
        full = {}
        for school, is_special in wants.items():
            other = self.windows(school, but=day)
            missing = self.zone.rules.special_visits(int(self.zone.visits[school])) - _special(other)
            first = self.zone.first_windows(school)
            full[school] = Want(
                is_first=not other,
                is_special=missing > 0 and is_special,
                needs_first_window=bool(first) and not set(first) & set(other),
                other_windows=frozenset(other),
            )
        key = (day, frozenset(full.items()))
        if key not in self.known:
            self.known[key] = route_day(self.zone, full, self.draws[day])
        return self.known[key]

    def windows(self, school: int, *, but: int | None = None) -> list[str]:
        """Name the windows of a school's visits, those of one day left out."""
        return [r.windows[school] for day, r in enumerate(self.routes) if day != but and school in r.windows]

    def worth(self) -> int:
        """Return what the week is worth, in the terms in which each day is routed."""
        total = -sum(route.work_min for route in self.routes)
        for school in range(len(self.zone)):
            windows = self.windows(school)
            needed = self.zone.rules.special_visits(int(self.zone.visits[school]))
            first = self.zone.first_windows(school)
            total += VISIT_PRIZE * len(windows) + (FIRST_VISIT_PRIZE - VISIT_PRIZE) * bool(windows)
            total += SPECIAL_PRIZE * min(needed, _special(windows))
            total += FIRST_WINDOW_PRIZE * any(w in first for w in windows)
            total -= self.zone.rules.variation_min * (len(windows) - len(set(windows)))
        return total

    def repair_visits(self) -> bool:
        """Try every visit left out on other days, those of schools without any first."""
        is_better = False
        short = [s for s in range(len(self.zone)) if self._missing(s) > 0 and self.zone.windows[s]]
        for school in sorted(short, key=lambda s: (len(self.windows(s)), s)):
            free = [d for d, route in enumerate(self.routes) if school not in route.windows]
            for day in sorted(free, key=lambda d: (self.routes[d].work_min, d)):
                if self._missing(school) > 0 and self._may_take(day, school):
                    is_better |= self._tried({day: {**self._now(day), school: True}})
        return is_better

    def repair_windows(self) -> bool:
        """Try to bring visits into the windows that schools still need, on the same day or on another."""
        is_better = False
        for school in range(len(self.zone)):
            # Once a change is kept, the others are out of date.
            is_better |= self._lacks_windows(school) and any(self._tried(change) for change in self._changes(school))
        return is_better

    def _changes(self, school: int) -> Iterator[dict[int, dict[int, bool]]]:
        visited = [d for d, route in enumerate(self.routes) if school in route.windows]
        for day in visited:
            yield {day: {**self._now(day), school: True}}
        for day in visited:
            for other in range(len(self.routes)):
                if school not in self.routes[other].windows and self._has_room(other, school):
                    left = {s: special for s, special in self._now(day).items() if s != school}
                    yield {day: left, other: {**self._now(other), school: True}}

    def _has_room(self, day: int, school: int) -> bool:
        return self.day_work.minutes([*self.routes[day].windows, school]) <= self.zone.limit_min

    def _may_take(self, day: int, school: int) -> bool:
        """Say whether a day has room, or a visit that can give way to the only one of a school."""
        gives_way = not self.windows(school) and any(self.windows(s, but=day) for s in self.routes[day].windows)
        return gives_way or self._has_room(day, school)

    def _now(self, day: int) -> dict[int, bool]:
        return {school: window in SPECIAL_WINDOWS for school, window in self.routes[day].windows.items()}

    def _missing(self, school: int) -> int:
        return min(int(self.zone.visits[school]), len(self.zone.days)) - len(self.windows(school))

    def _lacks_windows(self, school: int) -> bool:
        windows = self.windows(school)
        first = self.zone.first_windows(school)
        lacks_first = bool(first) and bool(windows) and not any(w in first for w in windows)
        return lacks_first or _special(windows) < self.zone.rules.special_visits(len(windows))

    def _tried(self, change: Mapping[int, Mapping[int, bool]]) -> bool:
        """Route some days anew, and keep that if the week is worth more."""
        before, worth = list(self.routes), self.worth()
        for day, wants in change.items():
            self.routes[day] = self.routed(day, wants)
        if self.worth() > worth:
            return True
        self.routes = before
        return False


def _special(windows: list[str]) -> int:
    return sum(window in SPECIAL_WINDOWS for window in windows)


# ── Weekly visit plans of officers: every visit has a time, and what cannot be given is said


def plan_visits(
    schools: pd.DataFrame,
    travel_min: pd.DataFrame,
    visits: pd.Series,
    hours: Mapping[str, SchoolHours],
    *,
    rules: VisitRules | None = None,
    days: Sequence[str] = DAYS[:5],
    bases: Mapping[str, str] | None = None,
    held_free_share: Mapping[str, float] | None = None,
    seed: int = 0,
    week: int = 0,
    on_part: Callable[[str], None] = lambda _: None,
) -> VisitPlan:
    """Plan the visits of a week, one officer for each zone.

    Parameters
    ----------
    schools
        `school_id`, `name`, `level`, `zone_id`: the schools of one zone or of many.
    travel_min
        Minutes of driving from the place of the row to that of the column, by `school_id` and the ids of bases.
    visits
        Whole visits wanted this week by `school_id` (`visits_per_week`); 0 for none.
    hours
        School or level → its bells; a school's own go before those of its level.
    rules
        What has to be kept; None for the defaults.
    days
        School days of the week, ``Mon`` to ``Sun``.
    bases
        Zone → id of the place where its officer's day starts and ends. In other zones a day starts at its first visit
        and ends at its last.
    held_free_share
        Zone → share of the shift held free for calls, where it is not that of the rules.
    seed
        Seed of everything random.
    week
        Number of the week, which is part of the seed: another week is another plan.
    on_part
        Called with whose visits are planned next.

    Returns
    -------
    VisitPlan
        The same for the same input, seed and week.

    Raises
    ------
    InputError
        When something is missing or makes no sense; `SeveralFaultsError`, when several things are wrong.

    Notes
    -----
    1. Visits are given days, spread and balanced (`allot_days`). 2. Each day is routed by PyVRP: every visit
    is optional, with a prize, and has one choice for each of its windows, of which one may be taken; the break is a
    stop at one of the places of the day, so that it skips no driving; minutes of visits and driving are limited to
    what the shift leaves beside the break and the time held free for calls. 3. Visits left out are tried on other days
    (`route_week`). 4. Times are drawn within what the route leaves open (`draw_times`).

    Driving is rounded up to whole minutes. All of it can be checked again from the tables. A visit that is left out is
    not proven impossible, except where the summary says *cannot*.

    References
    ----------
    Wouda, N. A., Lan, L. and Kool, W. (2024). PyVRP: a high-performance VRP solver package. INFORMS Journal on
    Computing 36 (4), 943–955.
    """
    _check_seed(seed, week)
    zones = zone_weeks(
        schools,
        travel_min,
        visits,
        hours,
        rules=rules or VisitRules(),
        days=days,
        bases={str(zone): str(base) for zone, base in (bases or {}).items()},
        held_free_share={str(zone): share for zone, share in (held_free_share or {}).items()},
    )
    parts = []
    for number, zone in enumerate(zones, start=1):
        on_part(f"visits in zone {zone.zone_id}, {number} of {len(zones)}")
        parts.append(_planned(zone, seed, week))
    return VisitPlan(
        _frame([row for part in parts for row in part["stops"]], STOP_COLUMNS),
        _frame([row for part in parts for row in part["days"]], DAY_COLUMNS),
        _frame([row for part in parts for row in part["unmet"]], UNMET_COLUMNS),
        pd.DataFrame([part["zone"] for part in parts]).set_index("zone_id"),
        rules or VisitRules(),
        seed,
        week,
    )


def _check_seed(seed: int, week: int) -> None:
    wrong = {name: value for name, value in (("seed", seed), ("week", week)) if value < 0}
    if wrong:
        raise SettingsError("A seed and a week are whole numbers from 0.", where=", ".join(wrong), found=wrong)


def _planned(zone: ZoneWeek, seed: int, week: int) -> dict[str, Any]:
    rng = zone.random(seed, week)
    day_work = DayWork(zone)
    routes = route_week(zone, day_work, rng)
    timed = [draw_times(zone, route, rng) for route in routes]
    missed = shortfalls(zone, routes)
    return {
        "stops": [row for day, stops in zip(zone.days, timed, strict=True) for row in _stop_rows(zone, day, stops)],
        "days": [_day_row(zone, *parts) for parts in zip(zone.days, routes, timed, strict=True)],
        "unmet": [(zone.zone_id, zone.school_ids[m.school], *m[1:]) for m in missed],
        "zone": _zone_row(zone, day_work, routes),
    }


def _stop_rows(zone: ZoneWeek, day: str, stops: list[Timed]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    before = zone.base_place
    for stop in stops:
        if stop.window != BREAK and stop.place is not None:
            school, drive = stop.place, 0 if before is None else int(zone.drive_min[before, stop.place])
            place = (zone.school_ids[school], zone.names[school])
            came = (zone.place_id(before), drive)
            rows.append((zone.zone_id, day, len(rows) + 1, *place, stop.from_min, stop.to_min, stop.window, *came))
        before = stop.place
    return rows


def _day_row(zone: ZoneWeek, day: str, route: DayRoute, stops: list[Timed]) -> tuple[Any, ...]:
    pause = next((stop for stop in stops if stop.window == BREAK), None)
    rest = (0, 0, "") if pause is None else (pause.from_min, pause.to_min, zone.place_id(pause.place))
    work = (len(route.windows), route.visit_min, route.drive_min, route.work_min, zone.limit_min)
    return (zone.zone_id, day, *work, *rest, zone.rules.shift_min - zone.rules.break_min - route.work_min)


def _zone_row(zone: ZoneWeek, day_work: DayWork, routes: list[DayRoute]) -> dict[str, Any]:
    visited = {school for route in routes for school in route.windows}
    work = sum(route.work_min for route in routes)
    shifts = zone.rules.shift_min * len(routes)
    without = len(zone) - len(visited)
    return {
        "zone_id": zone.zone_id,
        "schools": len(zone),
        "visits_wanted": int(zone.visits.sum()),
        "visits_given": sum(len(route.windows) for route in routes),
        "schools_without": without,
        "visit_h": sum(route.visit_min for route in routes) / 60,
        "drive_h": sum(route.drive_min for route in routes) / 60,
        "free_share": (shifts - zone.rules.break_min * len(routes) - work) / shifts,
        "shortfall_h": shortfall_minutes(zone, routes) / 60,
        "is_proven_short": without > 0 and is_proven_short(zone, day_work),
    }


def _frame(rows: list[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    kinds = {c: "int64" if c.endswith("_min") or c in _COUNTS else "str" for c in columns}
    return frame.astype(kinds)


_COUNTS = ("stop", "visits", "wanted", "given")


# ── Visit plans as files that other programs open: CSV for a spreadsheet, iCalendar for a calendar

_PRODUCT = "-//safeschools-geo//visit plan//EN"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "visits.safeschools-geo")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOWS = {
    "arrival": "Arrival",
    "class": "Class time",
    "lunch": "Lunch",
    "dismissal": "Dismissal",
}


def visits_csv(plan: VisitPlan, *, zone_id: str | None = None) -> str:
    """Write the visits of a plan as CSV.

    Parameters
    ----------
    plan
        The plan.
    zone_id
        Zone of the officer; None for all.

    Returns
    -------
    str
        One row for each visit, with clock times; lines end in a line feed. Text that a spreadsheet would take for a
        formula gets an apostrophe in front.

    Raises
    ------
    InputError
        When the plan has no such zone.
    """
    frame = plan.to_frame()
    if zone_id is not None:
        _check_zone(plan, zone_id)
        frame = frame[frame["zone_id"] == zone_id]
    safe = {name: safe_cells(frame[name]) for name in frame.columns}
    return pd.DataFrame(safe, index=frame.index).to_csv(index=False, lineterminator="\n")


def visits_ics(plan: VisitPlan, week_start: dt.date, time_zone: str, *, zone_id: str | None = None) -> str:
    """Write the visits and breaks of a plan as iCalendar.

    Parameters
    ----------
    plan
        The plan.
    week_start
        The Monday of the week.
    time_zone
        IANA name of the time zone of the schools, such as ``"America/Los_Angeles"``.
    zone_id
        Zone of the officer; None for all.

    Returns
    -------
    str
        A calendar with one event for each visit (category ``VISIT``) and each break (``BREAK``), marked confidential,
        and the time zone they are in. The same plan and week give the same text: the time stamp is the start of the
        week, and ids come from zone, day, place and kind, so that a plan made anew replaces the events it shares.

    Raises
    ------
    InputError
        When the week does not start on a Monday, the time zone is unknown, or the plan has no such zone.

    References
    ----------
    Desruisseaux, B. (2009). Internet Calendaring and Scheduling Core Object Specification (iCalendar). RFC 5545.
    """
    zone = _time_zone(time_zone)
    if week_start.weekday() != 0:
        raise SettingsError(
            "The week of a calendar starts on a Monday.",
            where="week_start",
            found=f"{week_start.isoformat()}, a {week_start:%A}",
            remedy="Give the Monday of the week, also where there is no school on it.",
        )
    if zone_id is not None:
        _check_zone(plan, zone_id)
    stamp = dt.datetime.combine(week_start, dt.time(), tzinfo=dt.UTC)
    uid = _uid(week_start.isoformat(), zone_id)
    name = f"School visits, {f'zone {zone_id}' if zone_id else 'all zones'}, week {plan.week}"
    calendar = Calendar.new(prodid=_PRODUCT, uid=uid, name=name)
    for row in _events(plan, zone_id):
        calendar.add_component(_event(row, week_start, zone, stamp))
    calendar.add_missing_timezones(dt.date(week_start.year, 1, 1), dt.date(week_start.year + 1, 12, 31))
    text: bytes = calendar.to_ical()
    return text.decode("utf-8")


def _events(plan: VisitPlan, zone_id: str | None) -> list[dict[Hashable, Any]]:
    table, days = (f if zone_id is None else f[f["zone_id"] == zone_id] for f in (plan.table, plan.days))
    visits = table.assign(place=table["school_id"], from_min=table["arrive_min"], to_min=table["leave_min"])
    breaks = days[days["break_to_min"] > days["break_from_min"]].rename(
        columns={"break_from_min": "from_min", "break_to_min": "to_min", "break_at": "place"}
    )
    rows = [*visits.to_dict("records"), *breaks.to_dict("records")]
    zones = {zone: number for number, zone in enumerate(plan.zones.index)}
    return sorted(rows, key=lambda r: (zones[r["zone_id"]], _DAYS.index(r["day"]), r["from_min"]))


def _event(row: Mapping[Hashable, Any], week_start: dt.date, zone: ZoneInfo, stamp: dt.datetime) -> Event:
    day = week_start + dt.timedelta(days=_DAYS.index(row["day"]))
    midnight = dt.datetime.combine(day, dt.time())
    start, end = ((midnight + dt.timedelta(minutes=row[name])).replace(tzinfo=zone) for name in ("from_min", "to_min"))
    is_visit = "school_id" in row
    kind = "VISIT" if is_visit else "BREAK"
    key = (str(row["zone_id"]), day.isoformat(), kind, str(row["place"]) if is_visit else None)
    # A line break in a name would be one in the calendar.
    place = " ".join(str(row["name" if is_visit else "place"]).split())
    if is_visit:
        summary = f"Visit {place}"
        description = f"{_WINDOWS[str(row['window'])]}; stop {row['stop']}; {row['drive_min']} min of driving before."
    else:
        summary, description = "Break", f"At {place or 'any place'}."
    return Event.new(
        start=start,
        end=end,
        stamp=stamp,
        uid=f"{_uid(*key)}@safeschools-geo",
        summary=summary,
        location=place or None,
        description=f"Zone {row['zone_id']}. {description}",
        categories=[kind],
        classification=CLASS.CONFIDENTIAL,
    )


def _uid(*key: str | None) -> str:
    """Make an id of a key; joined by a sign that ids may hold, two keys could be one."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(key)))


def _time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            "The time zone is not known.",
            where="time_zone",
            found=name,
            expected='an IANA name, such as "America/Los_Angeles"',
        ) from error


def _check_zone(plan: VisitPlan, zone_id: str) -> None:
    if zone_id not in plan.zones.index:
        raise InputError(
            "The plan has no such zone.", where="zone_id", found=zone_id, expected=", ".join(map(str, plan.zones.index))
        )
