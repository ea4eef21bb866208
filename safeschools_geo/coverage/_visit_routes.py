"""One day's route: visits and the break in the windows that are worth most, with a time for every stop."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyvrp
from pyvrp.exceptions import PenaltyBoundWarning
from pyvrp.stop import MaxIterations
from scipy.optimize import Bounds, LinearConstraint, milp

from safeschools_geo.coverage._visit_rules import SPECIAL_WINDOWS, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.coverage._visit_rules import ZoneWeek


# ── The shortest tour of a day's schools: exact for zones of up to fourteen schools, else by cheapest insertion

MOST_SCHOOLS = 14
"""Schools of a zone up to which every set of them is looked at."""

_NOWHERE = 10**9
_ROUNDING = 1e-6


class DayWork:
    """Least minutes of visits and driving of a day of one officer's week, for any set of schools.

    Where `is_exact`, they are the fewest there can be; else they are those of a tour by cheapest insertion.
    """

    def __init__(self, zone: ZoneWeek) -> None:
        self.zone = zone
        self.is_exact = len(zone) <= MOST_SCHOOLS
        self._least = least_work(zone) if self.is_exact else np.empty(0, dtype="int64")
        self._known: dict[frozenset[int], int] = {}

    def minutes(self, schools: Iterable[int]) -> int:
        """Return the minutes of visits and driving of a day; windows and the break are not looked at."""
        today = frozenset(schools)
        if self.is_exact:
            return int(self._least[sum(1 << school for school in today)])
        if today not in self._known:
            self._known[today] = len(today) * self.zone.rules.visit_min + self._drive(sorted(today))
        return self._known[today]

    def feasible_sets(self) -> NDArray[np.int64]:
        """List the largest sets of schools that a day can hold.

        Shape (sets, n), 1 for a school that is in: sets within the most minutes of work to which no school can be
        added. Only where the minutes are exact.
        """
        n = len(self.zone)
        number = np.arange(len(self._least))
        fits = self._least <= self.zone.limit_min
        is_largest = fits & (number > 0)
        for school in range(n):
            is_largest &= ~(fits[number | (1 << school)] & (number >> school & 1 == 0))
        members: NDArray[np.int64] = (number[is_largest, None] >> np.arange(n)) & 1
        return members

    def _drive(self, schools: Sequence[int]) -> int:
        tour: list[int] = []
        total = 0
        for school in schools:
            extra, at = cheapest_insertion(self.zone, tour, school)
            tour.insert(at, school)
            total += extra
        return total


def cheapest_insertion(zone: ZoneWeek, tour: Sequence[int], place: int) -> tuple[int, int]:
    """Find where a place lengthens a day's driving least."""
    drive, base = zone.drive_min, zone.base_place
    if len(tour) == 0:
        return (0 if base is None else int(drive[base, place] + drive[place, base])), 0
    extras = []
    for before, after in pairwise([base, *tour, base]):
        to = 0 if before is None else drive[before, place]
        on = 0 if after is None else drive[place, after]
        straight = 0 if before is None or after is None else drive[before, after]
        extras.append(int(to + on - straight))
    at = int(np.argmin(extras))
    return extras[at], at


def least_work(zone: ZoneWeek) -> NDArray[np.int64]:
    """Work out the fewest minutes of visits and driving for every set of schools.

    Shape (2 ** n,), minutes; bit i of the index is school i. Windows and the break are not looked at.

    Dynamic programming over sets and the last school of each (Held and Karp). Ways may lead over a third place where
    that is shorter, as a way to the break may, so that no plan has less work.

    Held, M. and Karp, R. M. (1962). A dynamic programming approach to sequencing problems. Journal of the Society for
    Industrial and Applied Mathematics 10 (1), 196–210.
    """
    n, drive, base = len(zone), zone.drive_min, zone.base_place
    for place in range(len(drive)):
        drive = np.minimum(drive, drive[:, [place]] + drive[[place], :])
    to = np.zeros(n, dtype="int64") if base is None else drive[base, :n]
    back = np.zeros(n, dtype="int64") if base is None else drive[:n, base]
    members = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    sizes = members.sum(axis=1)
    # Shortest way through a set that ends at each of its schools.
    ends = np.full((2**n, n), _NOWHERE, dtype="int64")
    ends[1 << np.arange(n), np.arange(n)] = to
    for size in range(2, n + 1):
        sets = np.flatnonzero(sizes == size)
        for last in range(n):
            own = sets[members[sets, last]]
            ends[own, last] = (ends[own ^ (1 << last)] + drive[:n, last]).min(axis=1)
    least: NDArray[np.int64] = sizes * zone.rules.visit_min
    least[1:] += (ends[1:] + back).min(axis=1, initial=2 * _NOWHERE)
    return least


class DayCover(NamedTuple):
    """Schools parted into days."""

    days: list[list[int]]  # Schools of each day; every school is in one, unless no day can hold it
    least_days: int  # Proven: no fewer days can hold all schools


def fewest_days(day_work: DayWork) -> DayCover:
    """Part the schools of a zone into the fewest days.

    A smallest set cover by sets of schools within the most minutes of work. Windows and the break are not looked at.
    """
    sets = day_work.feasible_sets()
    if not len(sets):
        return DayCover([], 0)
    solved = milp(
        np.ones(len(sets)),
        constraints=LinearConstraint(sets[:, sets.any(axis=0)].T, lb=1),
        integrality=np.ones(len(sets), dtype="int64"),
        bounds=Bounds(0, 1),
    )
    days: list[list[int]] = []
    placed: set[int] = set()
    for row in sets[np.asarray(solved.x) > 0.5]:  # noqa: PLR2004 - whole up to rounding
        today = [school for school in np.flatnonzero(row).tolist() if school not in placed]
        placed |= set(today)
        days.append(today)
    return DayCover(days, math.ceil((solved.mip_dual_bound or 0.0) - _ROUNDING))


# ── One day's route: PyVRP takes the visits and the break that fit, in the windows that are worth most

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
    """What is wanted of a visit."""

    is_first: bool  # Whether the school has no other visit in the week
    is_special: bool  # Whether it should lie in an arrival, lunch or dismissal window
    needs_first_window: bool  # Whether no other visit lies in the windows of which the school's level has to have one
    other_windows: frozenset[str]  # Windows of the school's other visits in the week


class Stop(NamedTuple):
    """A stop of a day, before its time is drawn."""

    place: int  # Number of the school or the base
    window: str  # Name of the window, or `BREAK`
    # Earliest and latest start, minutes of the day
    early_min: int
    late_min: int
    duration_min: int  # Minutes it takes


@dataclass(frozen=True, eq=False)
class DayRoute:
    """The stops of a day in their order."""

    stops: tuple[Stop, ...]  # Visits, and the break; empty on a day without a visit
    drive_min: int  # Minutes of driving, from and to the base if there is one
    visit_min: int  # Minutes of visits

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
    """What is drawn for a day before it is routed, so that every week is another."""

    taste_min: tuple[tuple[int, ...], ...]  # Worth of each window of each school, in minutes of driving
    spans: tuple[tuple[Window, ...], ...]  # Windows of each school, those of class time cut to a span drawn at random
    seed: int  # Seed of the search


def draw_day(zone: ZoneWeek, rng: np.random.Generator) -> DayDraws:
    """Draw what makes a day unlike others."""
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

    The visits that fit, and the break. Where a visit does not fit into the spans that were drawn, the whole windows
    are tried.
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


# ── The clock of a day: a time for every stop, drawn within what the route leaves open


class Timed(NamedTuple):
    """A stop with its time."""

    place: int | None  # Number of the school or the base; None for a break on a day without visits and without a base
    window: str  # Name of the window, or `visit_routes.BREAK`
    # Arrival and leaving, minutes of the day
    from_min: int
    to_min: int


def draw_times(zone: ZoneWeek, route: DayRoute, rng: np.random.Generator) -> list[Timed]:
    """Give every stop of a day its time.

    From the earliest times that the route allows, each stop in turn draws any minute that its window, the stop before
    and the stop after leave open, and again, many times over (Gibbs sampling): every timetable that keeps the route is
    then about as likely as any other, and no minute is a favorite.
    """
    stops = route.stops or _break_alone(zone)
    starts = _earliest(zone, stops)
    for _ in range(_SWEEPS):
        for number in range(len(stops)):
            low, high = _open(zone, stops, starts, number)
            starts[number] = int(rng.integers(low, high + 1))
    nowhere = not route.stops and zone.base_place is None
    return [
        Timed(None if nowhere else stop.place, stop.window, start, start + stop.duration_min)
        for stop, start in zip(stops, starts, strict=True)
    ]


_SWEEPS = 20


def _earliest(zone: ZoneWeek, stops: tuple[Stop, ...]) -> list[int]:
    starts: list[int] = []
    for number in range(len(stops)):
        low, _ = _open(zone, stops, starts, number)
        starts.append(low)
    return starts


def _open(zone: ZoneWeek, stops: tuple[Stop, ...], starts: list[int], number: int) -> tuple[int, int]:
    """Return the first and the last minute at which a stop can start beside those that have a time."""
    stop, last = stops[number], len(stops) - 1
    ready = zone.rules.shift_start_min if number == 0 else starts[number - 1] + stops[number - 1].duration_min
    before = zone.base_place if number == 0 else stops[number - 1].place
    after = zone.base_place if number == last else stops[number + 1].place
    due = starts[number + 1] if number + 1 < len(starts) else zone.rules.shift_end_min
    low = max(stop.early_min, ready + _drive(zone, before, stop.place))
    return low, min(stop.late_min, due - _drive(zone, stop.place, after) - stop.duration_min)


def _break_alone(zone: ZoneWeek) -> tuple[Stop, ...]:
    rules = zone.rules
    if not rules.break_min:
        return ()
    early = max(rules.break_from_min, rules.shift_start_min)
    late = min(rules.break_to_min, rules.shift_end_min) - rules.break_min
    return (Stop(zone.base_place or 0, BREAK, early, late, rules.break_min),)


def _drive(zone: ZoneWeek, before: int | None, after: int | None) -> int:
    return 0 if before is None or after is None else int(zone.drive_min[before, after])
