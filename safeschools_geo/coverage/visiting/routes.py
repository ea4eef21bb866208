"""One day's route: PyVRP takes the visits and the break that fit, in the windows that are worth most."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyvrp
from pyvrp.exceptions import PenaltyBoundWarning
from pyvrp.stop import MaxIterations

from safeschools_geo.coverage.visiting.rules import SPECIAL_WINDOWS, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.coverage.visiting.inputs import ZoneWeek

BREAK = "break"
"""What a break is called where a window is named."""

VISIT_PRIZE = 500
"""Worth of a visit, in minutes of driving: more than any detour of a day."""

FIRST_VISIT_PRIZE = 2500
"""Worth of the only visit of a school in the week."""

SPECIAL_PRIZE = 250
"""Worth of a visit in a special window where the school still needs one."""

FIRST_WINDOW_PRIZE = 200
"""Worth of one in a window that the level has to have."""


class Want(NamedTuple):
    """What is wanted of a visit.

    Parameters
    ----------
    is_first
        Whether the school has no other visit in the week.
    is_special
        Whether it should lie in an arrival, lunch or dismissal window.
    needs_first_window
        Whether no other visit lies in the windows of which the school's level has to have one.
    other_windows
        Windows of the school's other visits in the week.
    """

    is_first: bool
    is_special: bool
    needs_first_window: bool
    other_windows: frozenset[str]


class Stop(NamedTuple):
    """A stop of a day, before its time is drawn.

    Parameters
    ----------
    place
        Number of the school or the base.
    window
        Name of the window, or `BREAK`.
    early_min, late_min
        Earliest and latest start, minutes of the day.
    duration_min
        Minutes it takes.
    """

    place: int
    window: str
    early_min: int
    late_min: int
    duration_min: int


@dataclass(frozen=True, eq=False)
class DayRoute:
    """The stops of a day in their order.

    Parameters
    ----------
    stops
        Visits, and the break; empty on a day without a visit.
    drive_min
        Minutes of driving, from and to the base if there is one.
    visit_min
        Minutes of visits.
    """

    stops: tuple[Stop, ...]
    drive_min: int
    visit_min: int

    @property
    def work_min(self) -> int:
        """Work of the day, visits and driving, in minutes."""
        return self.drive_min + self.visit_min

    @property
    def windows(self) -> dict[int, str]:
        """School visited → window it is visited in."""
        return {stop.place: stop.window for stop in self.stops if stop.window != BREAK}


@dataclass(frozen=True, eq=False)
class DayDraws:
    """What is drawn for a day before it is routed, so that every week is another.

    Parameters
    ----------
    taste_min
        Worth of each window of each school, in minutes of driving.
    spans
        Windows of each school, those of class time cut to a span drawn at random.
    seed
        Seed of the search.
    """

    taste_min: tuple[tuple[int, ...], ...]
    spans: tuple[tuple[Window, ...], ...]
    seed: int


def draw_day(zone: ZoneWeek, rng: np.random.Generator) -> DayDraws:
    """Draw what makes a day unlike others.

    Parameters
    ----------
    zone
        One officer's week.
    rng
        Random numbers.

    Returns
    -------
    DayDraws
        For every school, also those not visited on that day.
    """
    most = zone.rules.variation_min
    taste = tuple(tuple(rng.integers(0, most + 1, len(windows)).tolist()) for windows in zone.windows)
    spans = tuple(tuple(_span(window, zone.rules.class_span_min, rng) for window in w) for w in zone.windows)
    return DayDraws(taste, spans, int(rng.integers(2**31)))


def _span(window: Window, span_min: int, rng: np.random.Generator) -> Window:
    room = window.to_min - window.from_min - span_min
    if window.name != "class" or room <= 0:
        return window
    start = window.from_min + int(rng.integers(0, room + 1))
    return Window(window.name, start, start + span_min)


def route_day(zone: ZoneWeek, wants: Mapping[int, Want], draws: DayDraws) -> DayRoute:
    """Route a day.

    Parameters
    ----------
    zone
        One officer's week.
    wants
        Number of the school → what is wanted of its visit.
    draws
        What was drawn for the day.

    Returns
    -------
    DayRoute
        The visits that fit, and the break. Where a visit does not fit into the spans that were drawn, the whole
        windows are tried.
    """
    visited = {school: want for school, want in wants.items() if zone.windows[school]}
    if not visited:
        return DayRoute((), 0, 0)
    route = _solved(zone, visited, draws, draws.spans)
    if _is_all_there(route, visited):
        return route
    whole = _solved(zone, visited, draws, zone.windows)
    return max(route, whole, key=lambda r: _worth(zone, r, visited))


def _is_all_there(route: DayRoute, wants: Mapping[int, Want]) -> bool:
    windows = route.windows
    return all(s in windows and (windows[s] in SPECIAL_WINDOWS or not w.is_special) for s, w in wants.items())


def _worth(zone: ZoneWeek, route: DayRoute, wants: Mapping[int, Want]) -> int:
    return sum(_prize(zone, s, w, wants[s]) for s, w in route.windows.items()) - route.work_min


def _prize(zone: ZoneWeek, school: int, window: str, want: Want) -> int:
    prize = FIRST_VISIT_PRIZE if want.is_first else VISIT_PRIZE
    prize += SPECIAL_PRIZE * (want.is_special and window in SPECIAL_WINDOWS)
    prize += FIRST_WINDOW_PRIZE * (want.needs_first_window and window in zone.first_windows(school))
    return prize - zone.rules.variation_min * (window in want.other_windows)


class _Choice(NamedTuple):
    """A stop that the search may take, its worth, and the group of which it may take one."""

    stop: Stop
    prize: int
    group: int


def _solved(
    zone: ZoneWeek, wants: Mapping[int, Want], draws: DayDraws, windows: tuple[tuple[Window, ...], ...]
) -> DayRoute:
    places = sorted(wants) + ([] if zone.base_place is None else [zone.base_place])
    choices = _choices(zone, wants, draws, windows, places)
    data = _problem(zone, places, choices, groups=len(wants))
    with warnings.catch_warnings():
        # The search says so where it finds little that fits; what did not fit is reported by the plan.
        warnings.simplefilter("ignore", PenaltyBoundWarning)
        found = pyvrp.solve(data, MaxIterations(zone.rules.iterations), seed=draws.seed, collect_stats=False).best
    if not found.is_feasible():
        return DayRoute((), 0, 0)
    stops = tuple(choices[step.idx].stop for route in found.routes() for step in route.schedule() if step.is_client())
    if all(stop.window == BREAK for stop in stops):
        return DayRoute((), 0, 0)
    return DayRoute(stops, *_minutes(zone, stops))


def _choices(
    zone: ZoneWeek,
    wants: Mapping[int, Want],
    draws: DayDraws,
    windows: tuple[tuple[Window, ...], ...],
    places: list[int],
) -> list[_Choice]:
    rules = zone.rules
    choices = [
        _Choice(
            Stop(school, window.name, window.from_min, window.to_min - rules.visit_min, rules.visit_min),
            _prize(zone, school, window.name, want) + draws.taste_min[school][number],
            group,
        )
        for group, (school, want) in enumerate(sorted(wants.items()))
        for number, window in enumerate(windows[school])
    ]
    if rules.break_min:
        early = max(rules.break_from_min, rules.shift_start_min)
        late = min(rules.break_to_min, rules.shift_end_min) - rules.break_min
        choices += [_Choice(Stop(p, BREAK, early, late, rules.break_min), 0, len(wants)) for p in places]
    return choices


def _problem(zone: ZoneWeek, places: list[int], choices: list[_Choice], *, groups: int) -> pyvrp.ProblemData:
    """Set the day up for PyVRP.

    Each place is there twice: once for visits and once for the break, which is taken at one of the places of the day,
    so that no driving is skipped. The distance of PyVRP is the work of the day: minutes of driving, and those of the
    visit at its end. Its largest distance is then the most minutes of work; waiting costs nothing.
    """
    n = len(places)
    twice = np.array(places * 2)
    # The first location is where the day starts and ends: the base, or nowhere, at no distance of anything.
    duration: Any = np.zeros((1 + 2 * n, 1 + 2 * n), dtype="int64")
    duration[1:, 1:] = zone.drive_min[np.ix_(twice, twice)]
    if zone.base_place is not None:
        duration[0, 1:] = zone.drive_min[zone.base_place, twice]
        duration[1:, 0] = zone.drive_min[twice, zone.base_place]
    work = duration.copy()
    work[:, 1 : n + 1] += zone.rules.visit_min
    np.fill_diagonal(work, 0)
    at = {place: 1 + number for number, place in enumerate(places)}
    clients = [
        pyvrp.Client(
            location=at[c.stop.place] + n * (c.stop.window == BREAK),
            service_duration=c.stop.duration_min,
            tw_early=c.stop.early_min,
            tw_late=c.stop.late_min,
            prize=c.prize,
            required=False,
            group=c.group,
        )
        for c in choices
    ]
    members: list[list[int]] = [[] for _ in range(groups + bool(zone.rules.break_min))]
    for number, choice in enumerate(choices):
        members[choice.group].append(number)
    officer = pyvrp.VehicleType(
        tw_early=zone.rules.shift_start_min, tw_late=zone.rules.shift_end_min, max_distance=max(0, zone.limit_min)
    )
    return pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in range(1 + 2 * n)],
        clients,
        [pyvrp.Depot(0)],
        [officer],
        [work],
        [duration],
        [pyvrp.ClientGroup(m, required=group == groups) for group, m in enumerate(members)],
    )


def _minutes(zone: ZoneWeek, stops: tuple[Stop, ...]) -> tuple[int, int]:
    places = [stop.place for stop in stops]
    if zone.base_place is not None:
        places = [zone.base_place, *places, zone.base_place]
    drive = sum(int(zone.drive_min[a, b]) for a, b in pairwise(places))
    return drive, sum(stop.duration_min for stop in stops if stop.window != BREAK)
