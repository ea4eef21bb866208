"""Whose work a call is: the one rule that decides, and why; and the files that say when school is in session."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from dateutil.rrule import rrulestr

from safeschools_geo import io
from safeschools_geo.district._layers import read_source
from safeschools_geo.errors import FileReadError, attempt_all, count_text, name_ids
from safeschools_geo.findings import Finding
from safeschools_geo.schemas import SPECIALIST_CATEGORY
from safeschools_geo.school_calendar import is_in_hours, is_school_day
from safeschools_geo.settings import Bells, FileSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import geopandas as gpd
    import icalendar

    from safeschools_geo.settings import CalendarSettings, HoursFile, HoursSettings, Settings, Term


def program_work(
    incidents: pd.DataFrame,
    schools: gpd.GeoDataFrame,
    *,
    terms: Iterable[Term],
    calendar: CalendarSettings,
    hours: HoursSettings,
) -> pd.DataFrame:
    """Tell whose work each incident is.

    A threat assessment is the specialist's, wherever and whenever. Any other incident is the zone officer's when it is
    critical, at a program school, on a day school is in session, within program hours. All else is patrol's.

    Parameters
    ----------
    incidents
        Table `incidents`.
    schools
        Table `schools`.
    terms
        Terms of the district.
    calendar
        Weekdays with school, holidays, and days that end early.
    hours
        Program hours, by level and school.

    Returns
    -------
    pandas.DataFrame
        `work_of` (``zone_officer``, ``specialist`` or ``patrol``) and `reason` (a key of `schemas.WORK_REASONS`: the
        first condition that fails), on the index of `incidents`.

    Notes
    -----
    The rule is assumption A1 of ``docs/assumptions.md``; an incident whose time of day is unknown is given the benefit
    of the doubt and distinguished by its reason (A2).
    """
    # Of a million calls few are at different schools; −1 takes the last, which is none.
    number, ids = pd.factorize(incidents["school_id"])
    school = np.append(pd.Index(schools["school_id"]).get_indexer(ids), -1)[number]
    program = schools["in_program"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    in_program = np.append(program, False)[school]
    levels = pd.Series(schools["level"].array.take(school, allow_fill=True), index=incidents.index, dtype="str")
    occurred = incidents["occurred_at"]
    in_hours = is_in_hours(occurred, levels, hours, calendar=calendar, school_ids=incidents["school_id"])
    conditions = [
        (incidents["category"] == SPECIALIST_CATEGORY, "threat_assessment", "specialist"),
        (incidents["category"] == "non_critical", "non_critical", "patrol"),
        (incidents["school_id"].isna(), "no_school", "patrol"),
        (~in_program, "school_not_in_program", "patrol"),
        (~is_school_day(occurred, list(terms), calendar), "not_a_school_day", "patrol"),
        (~incidents["has_time"], "program_work_hour_unknown", "zone_officer"),
        (~in_hours, "outside_hours", "patrol"),
    ]
    tests = [np.asarray(test, dtype=bool) for test, _, _ in conditions]
    first = np.select(tests, list(range(len(tests))), len(tests))
    reasons = pd.array([*(why for _, why, _ in conditions), "program_work"], dtype="str")
    who = pd.array([*(who for *_, who in conditions), "zone_officer"], dtype="str")
    return pd.DataFrame({"work_of": who.take(first), "reason": reasons.take(first)}, index=incidents.index)


# ── When school is in session, from files: the district's calendar, and the hours of its schools

_NO_SCHOOL = r"no school|school closed|holiday|break|recess|vacation|non-?student|staff (day|development)|in-?service"
_SHORT_DAY = r"minimum day|early (release|dismissal|out)|half day|short(ened)? day|noon dismissal"
_LISTED, _MOST_OCCURRENCES, _DAY_S = 12, 400, 86_400


def with_school_time(settings: Settings) -> tuple[Settings, list[Finding], list[Path]]:
    """Put what the files of ``[calendar]`` and ``[hours]`` say into the settings; what was found, and the files."""
    findings = _without_effect(settings)
    files: list[Path] = []
    if settings.calendar.file:
        path = _require(settings, settings.calendar.file, "[calendar] file")
        calendar, said = _read_calendar(path, settings.calendar)
        settings = replace(settings, calendar=calendar)
        findings.append(said)
        files.append(path)
    if source := settings.hours.file:
        path = _require(settings, source.file, "[hours] file")
        schools = {**_read_bells(path, source, settings), **settings.hours.schools}
        settings = replace(settings, hours=replace(settings.hours, schools=schools))
        files.append(path)
    return settings, findings, files


_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _without_effect(settings: Settings) -> list[Finding]:
    """Name the days of the calendar that change nothing, which a slip of the pen may have moved."""
    calendar, hours, found = settings.calendar, settings.hours, list[Finding]()
    for name in ("holidays", "minimum_days"):
        idle = tuple(day for day in getattr(calendar, name) if settings.terms and not _is_of_school(day, settings))
        if idle:
            message = (
                f"{count_text(len(idle), 'date')} of [calendar] {name} in no term, or on no day of the week with "
                f"school, and so without effect: {name_ids(idle)}."
            )
            remedy = "Nothing needs doing if these are such days; else correct the dates."
            found.append(Finding("note", f"{name}_idle", "terms", message, idle, remedy=remedy))
    bells = (hours, *hours.levels.values(), *hours.schools.values())
    for days, end in (("early_release", "early_release_end"), ("minimum_days", "minimum_day_end")):
        if getattr(calendar, days) and hours.file is None and not any(getattr(one, end) for one in bells):
            message = (
                f"[calendar] {days} says when schools end early, and no hours say at what time: nothing is changed."
            )
            remedy = f'Add {end} = "…" under [hours], or under the levels and schools that have it.'
            found.append(Finding("warning", f"{days}_without_end", "terms", message, remedy=remedy))
    return found


def _is_of_school(entry: str, settings: Settings) -> bool:
    first, *last = (dt.date.fromisoformat(day) for day in entry.split("/"))
    days = (first + dt.timedelta(days=n) for n in range(((last or [first])[0] - first).days + 1))
    return any(
        _WEEKDAYS[day.weekday()] in settings.calendar.weekdays
        and any(term.start <= day <= term.end for term in settings.terms)
        for day in days
    )


def unknown_ids(
    settings: Settings, schools: pd.DataFrame, zones: pd.DataFrame, areas: pd.DataFrame | None
) -> list[Finding]:
    """Name the schools, units and zones that the settings speak of and that there are not."""
    own = list(settings.hours.schools)
    rules = settings.rebalance
    units = set(schools["school_id"] if areas is None else areas["unit_id"]) | {c.school_id for c in settings.changes}
    said_of_units = {
        "locked": rules.locked,
        "together": [one for group in rules.together for one in group],
        "forbidden": [unit for unit, _ in rules.forbidden],
        "roots": list(rules.roots.values()),
    }
    said_of_zones = {
        "[rebalance] forbidden": [zone for _, zone in rules.forbidden],
        "[rebalance] roots": list(rules.roots),
        "[coverage] staging": list(settings.coverage.staging),
        "[[patrol_changes]] zones": [zone for change in settings.patrol_changes for zone in change.zones],
    }
    staging = {"[coverage] staging": list(settings.coverage.staging.values())}
    return [
        *_none_of_the_district(own, schools, "hours_unknown_school", "with hours of their own"),
        *_strangers(
            {f"[rebalance] {name}": ids for name, ids in said_of_units.items()},
            units,
            "school" if areas is None else "unit",
        ),
        *_strangers(staging, set(schools["school_id"]), "school"),
        *_strangers(said_of_zones, set(zones["zone_id"]), "zone"),
    ]


def _strangers(said: Mapping[str, Iterable[str]], known: set[str], what: str) -> list[Finding]:
    keys = dict(zip(io.id_key(pd.Series(sorted(known), dtype="str")), sorted(known), strict=True))
    found = []
    for where, ids in said.items():
        strange = tuple(dict.fromkeys(one for one in ids if one not in known))
        if strange:
            near = io.id_key(pd.Series(strange, dtype="str")).map(keys)
            texts = [
                one if pd.isna(like) else f"{one} (there is {like})" for one, like in zip(strange, near, strict=True)
            ]
            found.append(
                Finding(
                    "error",
                    "settings_unknown_id",
                    f"{what}s",
                    f"{where} names {count_text(len(strange), what)} that there "
                    f"{'is' if len(strange) == 1 else 'are'} not: {name_ids(texts)}.",
                    ids=strange,
                    expected=f"ids of {what}s",
                    remedy="Correct the ids in district.toml, or take them out.",
                )
            )
    return found


def _none_of_the_district(own: list[str], schools: pd.DataFrame, code: str, which: str) -> list[Finding]:
    known = set(schools["school_id"])
    strange = [school for school in own if school not in known]
    keys = io.id_key(pd.Series(strange, dtype="str")).isin(io.id_key(schools["school_id"]))
    if not strange:
        return []
    message = f"{len(strange)} of the {len(own)} schools {which} not among the district's."
    remedy = "Correct their ids, or take them out."
    if not keys.any():
        return [Finding("warning", code, "schools", message, tuple(strange), remedy=remedy)]
    message = (
        f"{int(keys.sum())} of the {len(own)} schools {which} with the id of a school of the district "
        "but for zeros, blanks, capitals or the way a number is written, as spreadsheets change ids."
    )
    remedy = "Write the ids as the file of schools does, as text; what is said of these schools would not count."
    alike = tuple(school for school, is_alike in zip(strange, keys, strict=True) if is_alike)
    return [Finding("error", code, "schools", message, alike, remedy=remedy, is_blocking=True)]


def read_feeders(
    settings: Settings, schools: pd.DataFrame
) -> tuple[dict[str, tuple[str, ...]], list[Finding], list[Path]]:
    """Gather the feeder patterns of the settings and of the file they name: the schools of each, and what is wrong."""
    name, files = settings.rebalance.feeder_file, list["Path"]()
    rows = [(school, feeder) for feeder, ids in settings.rebalance.feeders.items() for school in ids]
    findings = []
    if name is not None:
        path = _require(settings, name, "[rebalance] feeder_file")
        raw = read_source(path, FileSettings(), settings.reading)
        named = {column: io.as_text(io.require(raw, {}, column)) for column in ("school_id", "feeder")}
        table = pd.DataFrame(named)
        blank = [f"row {row}" for row in table.index[table.isna().any(axis=1)]]
        if blank:
            message = f"{count_text(len(blank), 'row')} of {path.name} without a school or a feeder pattern."
            remedy = "Fill in both, or take the rows out."
            findings.append(Finding("warning", "feeders_blank", "schools", message, tuple(blank), remedy=remedy))
        table = table.dropna().astype("str")
        # A pattern that is called by the id of a school is that school's, and has its name where no other school does.
        called = schools.drop_duplicates("name", keep=False).set_index("school_id")["name"]
        own = table["feeder"][table["feeder"].isin(set(schools["school_id"]))].drop_duplicates()
        rows += zip(table["school_id"], table["feeder"].map(called).fillna(table["feeder"]), strict=True)
        rows += zip(own, own.map(called).fillna(own), strict=True)
        files = [path]
    patterns = {
        feeder: tuple(dict.fromkeys(s for s, f in rows if f == feeder)) for feeder in dict.fromkeys(f for _, f in rows)
    }
    every = [school for ids in patterns.values() for school in ids]
    twice = tuple(school for school, number in Counter(every).items() if number > 1)
    if twice:
        message = f"{count_text(len(twice), 'school')} in two feeder patterns or more"
        message += "; kept whole, these patterns are in one zone." if settings.rebalance.keeps_feeders else "."
        remedy = "Give each school one pattern, if one is meant."
        findings.append(Finding("warning", "feeders_school_twice", "schools", message, twice, remedy=remedy))
    strange = _none_of_the_district(list(dict.fromkeys(every)), schools, "feeders_unknown_school", "in feeder patterns")
    return patterns, [*findings, *strange], files


def _require(settings: Settings, name: str, where: str) -> Path:
    path = settings.folder / name
    if not path.is_file():
        raise FileReadError(
            "There is no such file.", where=path, found=f'{where} = "{name}"', remedy="Correct its name."
        )
    return path


def _read_bells(path: Path, source: HoursFile, settings: Settings) -> dict[str, Bells]:
    """Read the hours of single schools."""
    raw = read_source(path, source, settings.reading)
    columns = cast("dict[str, str]", source.columns)
    required = attempt_all({name: partial(io.require, raw, columns, name) for name in ("school_id", "start", "end")})
    ids = io.as_text(required.pop("school_id"))
    optional = {name: io.take(raw, columns, name) for name in ("early_release_end", "minimum_day_end")}
    cells = required | {name: column for name, column in optional.items() if column is not None}
    read = {name: io.times_of_day(column) for name, column in cells.items()}
    wrong = ids.isna() | read["start"].isna() | read["end"].isna() | ids.duplicated()
    for name, seconds in read.items():
        is_said = io.plain_text(cells[name]).notna()
        wrong |= is_said & (seconds.isna() | (seconds >= _DAY_S))
        wrong |= (seconds <= read["start"]) & (name != "start")
    if wrong.any():
        raise FileReadError(
            "The hours of these schools cannot be read.",
            where=path,
            ids=[f"row {row}" for row in wrong.index[wrong]],
            expected='a row for each school: school_id, start, end, times of day such as "08:05" or "2:45 PM", each '
            "end after the start",
            remedy="Correct these rows.",
        )
    clocks = {name: [_clock(one) for one in seconds] for name, seconds in read.items()}
    return {
        str(school): Bells(**{name: clocks[name][n] for name in clocks})  # type: ignore[arg-type]
        for n, school in enumerate(ids)
    }


def _clock(seconds: float) -> dt.time | None:
    return None if np.isnan(seconds) else dt.time(int(seconds // 3600), *divmod(int(seconds % 3600), 60))


def _read_calendar(path: Path, calendar: CalendarSettings) -> tuple[CalendarSettings, Finding]:
    """Take days without school and minimum days out of a calendar; say which events were left out."""
    import icalendar  # noqa: PLC0415 - most districts have no such file, and it takes long to load

    try:
        events = icalendar.Calendar.from_ical(path.read_bytes()).walk("VEVENT")
    except (ValueError, IndexError) as error:
        expected = "a calendar as programs export it (.ics, iCalendar)"
        raise FileReadError("The calendar cannot be read.", where=path, found=error, expected=expected) from error
    free, short, others = [], [], []
    for event in events:
        name = str(event.get("SUMMARY", ""))
        days = list(_days(event))
        if re.search(_SHORT_DAY, name, re.IGNORECASE):
            short += days
        elif re.search(_NO_SCHOOL, name, re.IGNORECASE):
            free += days
        else:
            others.append(name)
    listed = name_ids(dict.fromkeys(others), shown=_LISTED)
    message = (
        f"{path.name} gives {count_text(len(set(free)), 'day')} without school and "
        f"{count_text(len(set(short)), 'minimum day')}"
        + (
            f"; {count_text(len(others), 'event')} {'says' if len(others) == 1 else 'say'} neither: {listed}."
            if others
            else "."
        )
    )
    remedy = "If one of them is a day without school, or a minimum day, write it under [calendar]."
    taken = replace(
        calendar,
        holidays=(*calendar.holidays, *sorted(set(free))),
        minimum_days=(*calendar.minimum_days, *sorted(set(short))),
    )
    return taken, Finding("note", "calendar_read", "settings", message, remedy=remedy)


def _days(event: icalendar.cal.Component) -> Iterator[str]:
    """List the days of an event, and of its occurrences if it comes again."""
    start, end = event.decoded("DTSTART"), event.decoded("DTEND", None)
    first = start.date() if isinstance(start, dt.datetime) else start
    if end is None:
        last = first
    else:
        last = end.date() if isinstance(end, dt.datetime) else max(first, end - dt.timedelta(days=1))
    starts = [first]
    if rule := event.get("RRULE"):
        # A moment in UTC may end the rule; days are all that counts here.
        text = re.sub(r"(UNTIL=\d{8})T\d+Z?", r"\1", rule.to_ical().decode())
        again = rrulestr(text, dtstart=dt.datetime.combine(first, dt.time()))
        starts = [moment.date() for moment in itertools.islice(again, _MOST_OCCURRENCES)]
    for day in starts:
        for ahead in range((last - first).days + 1):
            yield (day + dt.timedelta(days=ahead)).isoformat()
