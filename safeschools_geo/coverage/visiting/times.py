"""The clock of a day: a time for every stop, drawn within what the route leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from safeschools_geo.coverage.visiting.routes import BREAK, Stop

if TYPE_CHECKING:
    import numpy as np

    from safeschools_geo.coverage.visiting.inputs import ZoneWeek
    from safeschools_geo.coverage.visiting.routes import DayRoute


class Timed(NamedTuple):
    """A stop with its time.

    Parameters
    ----------
    place
        Number of the school or the base; None for a break on a day without visits and without a base.
    window
        Name of the window, or `visit_routes.BREAK`.
    from_min, to_min
        Arrival and leaving, minutes of the day.
    """

    place: int | None
    window: str
    from_min: int
    to_min: int


def draw_times(zone: ZoneWeek, route: DayRoute, rng: np.random.Generator) -> list[Timed]:
    """Give every stop of a day its time.

    Parameters
    ----------
    zone
        One officer's week.
    route
        The stops in their order.
    rng
        Random numbers.

    Returns
    -------
    list of Timed
        In the order of the day; on a day without visits the break alone.

    Notes
    -----
    From the earliest times that the route allows, each stop in turn draws any minute that its window, the stop before
    and the stop after leave open, and again, many times over (Gibbs sampling): every timetable that keeps the route is
    then about as likely as any other, and no minute is a favourite.
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
