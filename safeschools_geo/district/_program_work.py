"""Whose work a call is: the one rule that decides, and why; and the files that say when school is in session."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import icalendar
import numpy as np
import pandas as pd
from dateutil.rrule import rrulestr

from safeschools_geo import io
from safeschools_geo.errors import FileReadError, count_text, name_ids
from safeschools_geo.findings import Finding
from safeschools_geo.schemas import SPECIALIST_CATEGORY
from safeschools_geo.school_calendar import is_in_hours, is_school_day
from safeschools_geo.settings import Bells

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import geopandas as gpd

    from safeschools_geo.settings import CalendarSettings, HoursSettings, Settings, Term


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
    of the doubt and told apart by its reason (A2).
    """
    school = schools.set_index("school_id").reindex(incidents["school_id"])
    in_program = school["in_program"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    levels = pd.Series(school["level"].to_numpy(), index=incidents.index, dtype="str")
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
    return pd.DataFrame(
        {
            "work_of": np.select(tests, [who for *_, who in conditions], "zone_officer"),
            "reason": np.select(tests, [why for _, why, _ in conditions], "program_work"),
        },
        index=incidents.index,
    ).astype("str")


# ── When school is in session, from files: the district's calendar, and the hours of its schools

_NO_SCHOOL = r"no school|school closed|holiday|break|recess|vacation|non-?student|staff (day|development)|in-?service"
_SHORT_DAY = r"minimum day|early (release|dismissal|out)|half day|short(ened)? day|noon dismissal"
_LISTED, _MOST_OCCURRENCES = 12, 400


def with_school_time(settings: Settings) -> tuple[Settings, list[Finding], list[Path]]:
    """Put what the files of ``[calendar]`` and ``[hours]`` say into the settings; what was found, and the files."""
    findings: list[Finding] = []
    files: list[Path] = []
    if settings.calendar.file:
        path = _require(settings, settings.calendar.file, "[calendar] file")
        calendar, said = _read_calendar(path, settings.calendar)
        settings = replace(settings, calendar=calendar)
        findings.append(said)
        files.append(path)
    if settings.hours.file:
        path = _require(settings, settings.hours.file, "[hours] file")
        schools = {**_read_bells(path, settings), **settings.hours.schools}
        settings = replace(settings, hours=replace(settings.hours, schools=schools))
        files.append(path)
    return settings, findings, files


def unknown_schools(settings: Settings, schools: pd.DataFrame) -> list[Finding]:
    """Name the schools that have hours of their own and are none of the district's."""
    known = set(schools["school_id"])
    strange = [school for school in settings.hours.schools if school not in known]
    if not strange:
        return []
    number = len(settings.hours.schools)
    message = f"{len(strange)} of the {number} schools with hours of their own are none of the district's."
    remedy = "Correct their ids, or take them out."
    return [Finding("warning", "hours_unknown_school", "schools", message, tuple(strange), remedy=remedy)]


def _require(settings: Settings, name: str, where: str) -> Path:
    path = settings.folder / name
    if not path.is_file():
        raise FileReadError(
            "There is no such file.", where=path, found=f'{where} = "{name}"', remedy="Correct its name."
        )
    return path


def _read_bells(path: Path, settings: Settings) -> dict[str, Bells]:
    """Read the hours of single schools."""
    raw = io.read_table(path, limits=settings.reading)
    ids = io.as_text(io.require(raw, {}, "school_id"))
    times = {name: io.as_text(io.require(raw, {}, name)) for name in ("start", "end")}
    for name in ("early_release_end", "minimum_day_end"):
        cells = io.take(raw, {}, name)
        times[name] = pd.Series(pd.NA, index=ids.index, dtype="str") if cells is None else io.as_text(cells)
    read = {name: cells.map(_clock, na_action="ignore") for name, cells in times.items()}
    wrong = [row for row in ids.index if any(pd.notna(times[n][row]) and read[n][row] is None for n in times)]
    missing = ids.isna() | times["start"].isna() | times["end"].isna()
    if wrong or missing.any() or ids.duplicated().any():
        rows = sorted({*wrong, *missing.index[missing], *ids.index[ids.duplicated()]})
        raise FileReadError(
            "The hours of these schools cannot be read.",
            where=path,
            ids=[f"row {row}" for row in rows],
            expected='a row for each school: school_id, start, end, times of day such as "08:05" or "2:45 PM"',
            remedy="Correct these rows.",
        )
    none = {name: [None if pd.isna(one) else one for one in read[name]] for name in read}
    columns = zip(ids, none["start"], none["end"], none["early_release_end"], none["minimum_day_end"], strict=True)
    return {
        str(school): Bells(start=start, end=end, early_release_end=early, minimum_day_end=minimum)  # type: ignore[arg-type]
        for school, start, end, early, minimum in columns
    }


def _clock(text: str) -> dt.time | None:
    for form in ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p"):
        try:
            return dt.datetime.strptime(text.strip().upper(), form).time()  # noqa: DTZ007 - a time of day
        except ValueError:
            continue
    return None


def _read_calendar(path: Path, calendar: CalendarSettings) -> tuple[CalendarSettings, Finding]:
    """Take days without school and minimum days out of a calendar; say which events were left out."""
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
    message = f"{path.name} gives {len(set(free))} days without school and {len(set(short))} minimum days" + (
        f"; {count_text(len(others), 'event')} {'says' if len(others) == 1 else 'say'} neither: {listed}."
        if others
        else "."
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
