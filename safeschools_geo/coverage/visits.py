"""Weekly visit plans of officers: every visit has a time, and what cannot be given is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.coverage.visiting.checks import DAYS
from safeschools_geo.coverage.visiting.inputs import zone_weeks
from safeschools_geo.coverage.visiting.plan import DAY_COLUMNS, STOP_COLUMNS, UNMET_COLUMNS, VisitPlan
from safeschools_geo.coverage.visiting.routes import BREAK
from safeschools_geo.coverage.visiting.rules import VisitRules
from safeschools_geo.coverage.visiting.shortfall import is_proven_short, shortfall_minutes, shortfalls
from safeschools_geo.coverage.visiting.times import draw_times
from safeschools_geo.coverage.visiting.tours import DayWork
from safeschools_geo.coverage.visiting.weeks import route_week
from safeschools_geo.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.coverage.visiting.inputs import ZoneWeek
    from safeschools_geo.coverage.visiting.routes import DayRoute
    from safeschools_geo.coverage.visiting.rules import SchoolHours
    from safeschools_geo.coverage.visiting.times import Timed


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
) -> VisitPlan:
    """Plan the visits of a week, one officer for each zone.

    Parameters
    ----------
    schools
        `school_id`, `name`, `level`, `zone_id`: the schools of one zone or of many.
    travel_min
        Minutes of driving from the place of the row to that of the column, by `school_id` and the ids of bases.
    visits
        Whole visits wanted this week by `school_id` (`visit_needs.visits_per_week`); 0 for none.
    hours
        Level → its bells.
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
    1. Visits are given days, spread and balanced (`visit_days.allot_days`). 2. Each day is routed by PyVRP: every visit
    is optional, with a prize, and has one choice for each of its windows, of which one may be taken; the break is a
    stop at one of the places of the day, so that it skips no driving; minutes of visits and driving are limited to
    what the shift leaves beside the break and the time held free for calls. 3. Visits left out are tried on other days
    (`visit_weeks.route_week`). 4. Times are drawn within what the route leaves open (`visit_times.draw_times`).

    Driving is rounded up to whole minutes. All of it can be checked again from the tables
    (`visit_faults.visit_faults`). A visit that is left out is not proven impossible, except where the summary says
    *cannot*.

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
    parts = [_planned(zone, seed, week) for zone in zones]
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
