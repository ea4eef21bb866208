"""Visit plans as files that other programs open: CSV for a spreadsheet, iCalendar for a calendar."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd
from icalendar import CLASS, Calendar, Event

from safeschools_geo.errors import InputError, SettingsError
from safeschools_geo.io.text import safe_cells

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from safeschools_geo.coverage.visiting.plan import VisitPlan

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
    calendar = Calendar.new(prodid=_PRODUCT, uid=uid, name=_calendar_name(plan, zone_id))
    for row in _events(plan):
        if zone_id in {None, row["zone_id"]}:
            calendar.add_component(_event(row, week_start, zone, stamp))
    calendar.add_missing_timezones(dt.date(week_start.year, 1, 1), dt.date(week_start.year + 1, 12, 31))
    text: bytes = calendar.to_ical()
    return text.decode("utf-8")


def _calendar_name(plan: VisitPlan, zone_id: str | None) -> str:
    return f"School visits, {f'zone {zone_id}' if zone_id else 'all zones'}, week {plan.week}"


def _events(plan: VisitPlan) -> list[dict[Hashable, Any]]:
    visits = plan.table.assign(
        place=plan.table["school_id"], from_min=plan.table["arrive_min"], to_min=plan.table["leave_min"]
    )
    has_break = plan.days["break_to_min"] > plan.days["break_from_min"]
    breaks = plan.days[has_break].rename(
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
