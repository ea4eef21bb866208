"""One officer's week: days are routed one by one, and what a day leaves out is tried on the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.coverage.visiting.days import allot_days
from safeschools_geo.coverage.visiting.routes import (
    FIRST_VISIT_PRIZE,
    FIRST_WINDOW_PRIZE,
    SPECIAL_PRIZE,
    VISIT_PRIZE,
    DayRoute,
    Want,
    draw_day,
    route_day,
)
from safeschools_geo.coverage.visiting.rules import SPECIAL_WINDOWS
from safeschools_geo.coverage.visiting.tours import fewest_days

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from safeschools_geo.coverage.visiting.inputs import ZoneWeek
    from safeschools_geo.coverage.visiting.tours import DayWork

_PASSES = 3
"""Times that all visits left out are tried again."""


def route_week(zone: ZoneWeek, day_work: DayWork, rng: np.random.Generator) -> list[DayRoute]:
    """Route every day of an officer's week.

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
    list of DayRoute
        One for each school day.

    Notes
    -----
    Where some school is left without a visit, the week is also routed from the schools parted into the fewest days
    (`visit_tours.fewest_days`), and the better of the two is taken.
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
        """Route the days as allotted, then mend."""
        for day, wants in enumerate(allotted):
            self.routes[day] = self.routed(day, wants)
        for _ in range(_PASSES):
            if not any([self.mend_visits(), self.mend_windows()]):
                break

    def has_school_without(self) -> bool:
        """Tell whether a school that can be visited has no visit."""
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

    def mend_visits(self) -> bool:
        """Try every visit left out on other days, those of schools without any first."""
        is_better = False
        short = [s for s in range(len(self.zone)) if self._missing(s) > 0 and self.zone.windows[s]]
        for school in sorted(short, key=lambda s: (len(self.windows(s)), s)):
            free = [d for d, route in enumerate(self.routes) if school not in route.windows]
            for day in sorted(free, key=lambda d: (self.routes[d].work_min, d)):
                if self._missing(school) > 0 and self._may_take(day, school):
                    is_better |= self._tried({day: {**self._now(day), school: True}})
        return is_better

    def mend_windows(self) -> bool:
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
        """Tell whether a day has room, or a visit that can give way to the only one of a school."""
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
