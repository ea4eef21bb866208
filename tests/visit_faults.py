"""Visit plans checked again from their tables alone: every rule anew, nothing taken from the planner."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from safeschools_geo.coverage import SchoolHours, VisitPlan


RULES = {
    "school": "a visit is to a school of the officer's zone",
    "day": "visits are on school days, and every zone has each of them once",
    "twice": "a school is visited once a day at most",
    "length": "a visit takes the minutes it should",
    "window": "a visit lies whole in the window that it names",
    "shift": "the day, from the base and back to it, lies in the shift",
    "order": "stops are numbered in the order of time",
    "overlap": "an officer is in one place at a time",
    "travel": "there is time to drive from each place to the next",
    "drive": "the driving that is reported is that of the table of minutes",
    "break": "the break has its length and lies in its hours",
    "free_time": "visits and driving leave the time that is held free for calls",
    "sums": "the figures of days and zones are those of their visits",
    "visits": "a school has the visits that are wanted, or its lack is reported",
    "windows": "a school has its share of arrival, lunch and dismissal, or its lack is reported",
    "first_windows": "a school has a visit in the windows of its level, or its lack is reported",
}
"""Every rule that is checked, by the name that `visit_faults` gives it."""

_SPECIAL = ("arrival", "lunch", "dismissal")
_CLOSE = 1e-6


class Fault(NamedTuple):
    """A rule that is broken.

    Parameters
    ----------
    rule
        One of `RULES`.
    zone_id, day, school_id
        Where; empty where it concerns all.
    detail
        What was found.
    """

    rule: str
    zone_id: str
    day: str
    school_id: str
    detail: str


def visit_faults(
    plan: VisitPlan,
    schools: pd.DataFrame,
    travel_min: pd.DataFrame,
    visits: pd.Series,
    hours: Mapping[str, SchoolHours],
    *,
    days: Sequence[str] = ("Mon", "Tue", "Wed", "Thu", "Fri"),
    bases: Mapping[str, str] | None = None,
    held_free_share: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Check a plan against every rule."""
    places = {str(zone): str(base) for zone, base in (bases or {}).items()}
    shares = {str(zone): share for zone, share in (held_free_share or {}).items()}
    check = _Check(plan, schools, travel_min, visits, hours, tuple(days), places, shares)
    found = [*check.visits(), *check.days(), *check.schools(), *check.zones()]
    return pd.DataFrame(found, columns=list(Fault._fields)).astype("str")


class _Place(NamedTuple):
    """A stretch of time at one place; a break has no school."""

    from_min: int
    to_min: int
    place: str
    school: str


class _Check:
    def __init__(  # noqa: PLR0917 - what a plan is made from
        self,
        plan: VisitPlan,
        schools: pd.DataFrame,
        travel_min: pd.DataFrame,
        wanted: pd.Series,
        hours: Mapping[str, SchoolHours],
        day_names: tuple[str, ...],
        bases: dict[str, str],
        shares: dict[str, float],
    ) -> None:
        self.plan, self.rules, self.hours, self.day_names = plan, plan.rules, hours, day_names
        self.bases, self.shares = bases, shares
        ids = schools["school_id"].astype(str)
        self.level = dict(zip(ids, schools["level"].astype(str), strict=True))
        self.zone = dict(zip(ids, schools["zone_id"].astype(str), strict=True))
        self.wanted = {str(school): int(number) for school, number in wanted.items()}
        self.minutes = {
            (str(before), str(after)): float(minutes)
            for before, row in travel_min.iterrows()
            for after, minutes in row.items()
        }

    def visits(self) -> Iterator[Fault]:
        """Check every visit by itself."""
        for row in self.plan.table.to_dict("records"):
            where = (row["zone_id"], row["day"], row["school_id"])
            if self.zone.get(row["school_id"]) != row["zone_id"]:
                yield Fault("school", *where, f"its zone is {self.zone.get(row['school_id'], 'unknown')}")
                continue
            if row["day"] not in self.day_names:
                yield Fault("day", *where, f"school days are {', '.join(self.day_names)}")
            if row["leave_min"] - row["arrive_min"] != self.rules.visit_min:
                took = row["leave_min"] - row["arrive_min"]
                yield Fault("length", *where, f"{took} min in place of {self.rules.visit_min}")
            windows = self._windows(row["school_id"], row["window"])
            if not any(a <= row["arrive_min"] and row["leave_min"] <= b for a, b in windows):
                yield Fault("window", *where, f"{_span(row['arrive_min'], row['leave_min'])} is not {row['window']}")

    def days(self) -> Iterator[Fault]:
        """Check the days of every zone."""
        keys = list(zip(self.plan.days["zone_id"], self.plan.days["day"], strict=True))
        expected = {(zone, day) for zone in set(self.zone.values()) for day in self.day_names}
        for zone, day in sorted(expected ^ set(keys)):
            yield Fault("day", zone, day, "", "no such day" if (zone, day) in keys else "the day is missing")
        for zone, day in sorted({key for key in keys if keys.count(key) > 1}):
            yield Fault("day", zone, day, "", "the day is there twice")
        visited = zip(self.plan.table["zone_id"], self.plan.table["day"], strict=True)
        for zone, day in sorted(set(visited) - set(keys)):
            yield Fault("day", zone, day, "", "visits on a day that is not in the table of days")
        for row in self.plan.days.to_dict("records"):
            is_today = (self.plan.table["zone_id"] == row["zone_id"]) & (self.plan.table["day"] == row["day"])
            yield from self._day(row, self.plan.table[is_today])

    def _day(self, row: Mapping[Hashable, Any], stops: pd.DataFrame) -> Iterator[Fault]:
        zone, day = row["zone_id"], row["day"]
        rest = _Place(row["break_from_min"], row["break_to_min"], row["break_at"], "")
        visits = [_Place(*v) for v in stops[["arrive_min", "leave_min", "school_id", "school_id"]].to_numpy().tolist()]
        places = sorted([*visits, *([rest] if self.rules.break_min else [])])
        yield from self._numbers(zone, day, stops)
        yield from self._break(zone, day, rest, has_visits=bool(visits))
        base = self.bases.get(zone, "")
        start, end = self.rules.shift_start_min, self.rules.shift_end_min
        # Where the officer has no base, the day starts and ends wherever its first and last place is.
        way = [_Place(start, start, base, ""), *places, _Place(end, end, base, "")] if visits else places
        driven = 0.0
        for before, after in pairwise(way):
            minutes = self._minutes(before.place, after.place)
            driven += minutes
            at_end = before is way[0] or after is way[-1]
            where = (zone, day, after.school or before.school)
            between = f"{_clock(before.to_min)} to {_clock(after.from_min)}"
            if after.from_min < before.to_min:
                yield Fault("shift" if at_end else "overlap", *where, between)
            elif not after.from_min + _CLOSE >= before.to_min + minutes:
                yield Fault("shift" if at_end else "travel", *where, f"{between}, and the way takes {minutes:.1f} min")
        if not visits and (rest.from_min < start or rest.to_min > end) and self.rules.break_min:
            yield Fault("shift", zone, day, "", _span(rest.from_min, rest.to_min))
        yield from self._drives(zone, day, stops, way)
        yield from self._work(row, len(visits), driven, legs=len(way))

    def _numbers(self, zone: str, day: str, stops: pd.DataFrame) -> Iterator[Fault]:
        in_time = stops.sort_values("arrive_min", kind="stable")["stop"].tolist()
        if in_time != list(range(1, len(stops) + 1)):
            yield Fault("order", zone, day, "", f"stops are numbered {', '.join(map(str, in_time))}")
        for school in stops.loc[stops["school_id"].duplicated(), "school_id"].unique():
            yield Fault("twice", zone, day, school, "visited more than once on this day")

    def _break(self, zone: str, day: str, rest: _Place, *, has_visits: bool) -> Iterator[Fault]:
        rules = self.rules
        if rest.to_min - rest.from_min != rules.break_min:
            yield Fault("break", zone, day, "", f"{rest.to_min - rest.from_min} min in place of {rules.break_min}")
        elif rules.break_min and not rules.break_from_min <= rest.from_min <= rules.break_to_min - rules.break_min:
            yield Fault("break", zone, day, "", _span(rest.from_min, rest.to_min))
        known = self.zone.get(rest.place) == zone or rest.place == self.bases.get(zone, "")
        if rules.break_min and not (known and (rest.place or not has_visits)):
            yield Fault("break", zone, day, "", f"at {rest.place or 'no place'}")

    def _drives(self, zone: str, day: str, stops: pd.DataFrame, way: list[_Place]) -> Iterator[Fault]:
        came = {after: before.place for before, after in pairwise(way)}
        for row in stops.to_dict("records"):
            place = _Place(row["arrive_min"], row["leave_min"], row["school_id"], row["school_id"])
            minutes = self._minutes(came[place], place.place)
            if row["from_id"] != came[place]:
                yield Fault("drive", zone, day, place.school, f"from {row['from_id']!r}, not from {came[place]!r}")
            elif not minutes - _CLOSE <= row["drive_min"] < minutes + 1:
                yield Fault("drive", zone, day, place.school, f"{row['drive_min']} min, not {minutes:.1f}")

    def _work(self, row: Mapping[Hashable, Any], visits: int, driven: float, *, legs: int) -> Iterator[Fault]:
        zone, day = row["zone_id"], row["day"]
        shift = self.rules.shift_end_min - self.rules.shift_start_min
        share = self.shares.get(zone, self.rules.held_free_share)
        most = (1 - share) * shift - self.rules.break_min
        spent = visits * self.rules.visit_min
        if visits and spent + driven > most + _CLOSE:
            yield Fault("free_time", zone, day, "", f"{spent + driven:.1f} min of work, {most:.1f} at the most")
        told = {name: row[name] for name in ("visits", "visit_min", "work_min", "free_min", "limit_min")}
        drive = row["drive_min"]
        right = {
            "visits": visits,
            "visit_min": spent,
            "work_min": spent + drive,
            "free_min": shift - self.rules.break_min - spent - drive,
            "limit_min": math.floor(most + _CLOSE),
        }
        yield from (
            Fault("sums", zone, day, "", f"{name} is {told[name]}, not {value}")
            for name, value in right.items()
            if told[name] != value
        )
        # Each way may have been rounded up by less than a minute.
        if not driven - _CLOSE <= drive < driven + max(1, legs):
            yield Fault("sums", zone, day, "", f"drive_min is {drive}, not {driven:.1f}")

    def schools(self) -> Iterator[Fault]:
        """Check what every school gets in the week, and what is reported of its lacks."""
        lacks = {(r["school_id"], r["kind"]): (r["wanted"], r["given"]) for r in self.plan.unmet.to_dict("records")}
        for school, zone in self.zone.items():
            got = self.plan.table.loc[self.plan.table["school_id"] == school, "window"].tolist()
            wanted, special = self.wanted.get(school, 0), sum(window in _SPECIAL for window in got)
            needed = math.ceil(self.rules.window_share * len(got) - _CLOSE)
            first = self.rules.first_windows.get(self.level[school], ())
            has_first = not got or not first or any(window in first for window in got)
            if len(got) > wanted:
                yield Fault("visits", zone, "", school, f"{len(got)} visits, {wanted} wanted")
            right = {
                "visits": (wanted, len(got)) if len(got) < wanted else None,
                "windows": (needed, special) if special < needed else None,
                "first_windows": None if has_first else (1, 0),
            }
            for kind, lack in right.items():
                told = lacks.pop((school, kind), None)
                if told != lack:
                    yield Fault(kind, zone, "", school, f"{_lack(lack)}; told: {_lack(told)}")
        for school, kind in lacks:
            yield Fault(kind if kind in RULES else "visits", "", "", school, "a lack is reported of an unknown school")

    def zones(self) -> Iterator[Fault]:
        """Check the figures of zones."""
        table, rules = self.plan.table, self.rules
        shift = rules.shift_end_min - rules.shift_start_min
        for zone in sorted(set(self.zone.values())):
            if list(self.plan.zones.index).count(zone) != 1:
                yield Fault("sums", zone, "", "", "the zone is not there once")
                continue
            told = self.plan.zones.loc[[zone]].to_dict("records")[0]
            schools = [s for s, z in self.zone.items() if z == zone and self.wanted.get(s, 0)]
            own = self.plan.days[self.plan.days["zone_id"] == zone]
            got = table.loc[table["zone_id"] == zone, "school_id"]
            wanted = sum(self.wanted[s] for s in schools)
            possible = sum(min(self.wanted[s], len(self.day_names)) for s in schools)
            right = {
                "schools": len(schools),
                "visits_wanted": wanted,
                "visits_given": len(got),
                "schools_without": len(set(schools) - set(got)),
                "visit_h": len(got) * rules.visit_min / 60,
                "drive_h": own["drive_min"].sum() / 60,
                "free_share": own["free_min"].sum() / (shift * max(1, len(own))),
            }
            for name, value in right.items():
                if not math.isclose(told[name], value, rel_tol=0, abs_tol=_CLOSE):
                    yield Fault("sums", zone, "", "", f"{name} is {told[name]:g}, not {value:g}")
            if (told["shortfall_h"] > 0) != (len(got) < possible):
                yield Fault("sums", zone, "", "", f"{told['shortfall_h']:.1f} h short with {len(got)} of {possible}")

    def _windows(self, school: str, name: str) -> list[tuple[int, int]]:
        bell, rules = self.hours[self.level[school]], self.rules
        in_class, out = bell.start_min + rules.arrival_after_min, bell.end_min - rules.dismissal_before_min
        return {
            "arrival": [(bell.start_min - rules.arrival_before_min, in_class)],
            "class": [(in_class, bell.lunch_from_min), (bell.lunch_to_min, out)],
            "lunch": [(bell.lunch_from_min, bell.lunch_to_min)],
            "dismissal": [(out, bell.end_min + rules.dismissal_after_min)],
        }.get(name, [])

    def _minutes(self, before: str, after: str) -> float:
        if not before or not after or before == after:
            return 0.0
        return self.minutes.get((before, after), math.inf)


def _lack(lack: tuple[int, int] | None) -> str:
    return "nothing lacks" if lack is None else f"{lack[1]} of {lack[0]}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _span(from_min: int, to_min: int) -> str:
    return f"{_clock(from_min)} to {_clock(to_min)}"
