"""Plans as files: a spreadsheet sees no formula, and a calendar read again is the table."""

from __future__ import annotations

import datetime as dt
import io
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from icalendar import Calendar
from visit_town import QUICK, random_town

from safeschools_geo.coverage._visits import plan_visits, visits_csv, visits_ics
from safeschools_geo.errors import InputError, SettingsError
from safeschools_geo.io._columns import safe_cells

ZONE = "America/Los_Angeles"
MONDAY = dt.date(2025, 11, 3)
NAMES = ['=HYPERLINK("http://x")', "+1 School", "Ünïte, Écôle; 5", "Line\r\nEND:VEVENT\rX\u2028Y", "-12", "@cmd"]
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")


def plan(**options):
    town = random_town(2, zones=2, per_zone=3)
    town["schools"]["name"] = NAMES
    return plan_visits(**town, rules=QUICK, **options)


def test_csv_is_the_table_with_clock_times_and_no_formulas():
    made = plan()
    read = pd.read_csv(io.StringIO(visits_csv(made)), dtype=str, keep_default_na=False, lineterminator="\n")
    frame = made.to_frame()
    assert list(read.columns) == list(frame.columns)
    for column in ("zone_id", "school_id", "arrive", "leave", "window", "from_id"):
        assert read[column].tolist() == frame[column].tolist()
    assert read["name"].tolist() == safe_cells(frame["name"]).tolist()
    assert read["drive_min"].astype(int).tolist() == frame["drive_min"].tolist()
    assert not read["name"].str.match(r"[=+@]").any()
    assert (read["name"] == "-12").any()


def test_csv_of_one_officer_has_that_zone_only():
    read = pd.read_csv(io.StringIO(visits_csv(plan(), zone_id="2")), dtype=str)
    assert set(read["zone_id"]) == {"2"}


def test_a_plan_without_visits_is_a_header():
    town = random_town(2, per_zone=2)
    empty = plan_visits(**(town | {"visits": town["visits"] * 0}), rules=QUICK)
    assert visits_csv(empty).splitlines() == [",".join(empty.to_frame().columns)]
    assert empty.summary().splitlines()[1] == "Zone 1 wants no visits this week."
    events = Calendar.from_ical(visits_ics(empty, MONDAY, ZONE)).walk("VEVENT")
    assert [event["SUMMARY"] for event in events] == ["Break"] * 5


def events_of(text: str, category: str) -> list:
    return [event for event in Calendar.from_ical(text).walk("VEVENT") if event.categories == [category]]


@pytest.mark.parametrize("monday", [MONDAY, dt.date(2026, 3, 9), dt.date(2025, 12, 29)])
def test_a_calendar_read_again_is_the_table(monday):
    # Among the weeks, those after clocks went back and forth, and one that ends in another year.
    made = plan()
    events = events_of(visits_ics(made, monday, ZONE), "VISIT")
    assert len(events) == len(made.table)
    local = ZoneInfo(ZONE)
    for event, row in zip(events, made.table.to_dict("records"), strict=True):
        midnight = dt.datetime.combine(monday + dt.timedelta(days=DAYS.index(row["day"])), dt.time())
        assert event.start.replace(tzinfo=None) == midnight + dt.timedelta(minutes=row["arrive_min"])
        assert event.end.replace(tzinfo=None) == midnight + dt.timedelta(minutes=row["leave_min"])
        assert event.start.utcoffset() == event.start.replace(tzinfo=local).utcoffset()
        assert event["SUMMARY"] == f"Visit {' '.join(row['name'].split())}"
        assert event["CLASS"] == "CONFIDENTIAL"


def test_breaks_are_in_the_calendar_and_at_their_place():
    made = plan()
    events = events_of(visits_ics(made, MONDAY, ZONE, zone_id="1"), "BREAK")
    own = made.days[made.days["zone_id"] == "1"]
    assert [e.start.hour * 60 + e.start.minute for e in events] == own["break_from_min"].tolist()
    assert [str(e["LOCATION"]) for e in events] == own["break_at"].tolist()


def test_a_calendar_names_its_time_zone_once_and_ids_are_unique():
    text = visits_ics(plan(), MONDAY, ZONE)
    calendar = Calendar.from_ical(text)
    assert calendar.get_missing_tzids() == set()
    assert [zone.tz_name for zone in calendar.timezones] == [ZONE]
    uids = [str(event["UID"]) for event in calendar.walk("VEVENT")]
    assert len(set(uids)) == len(uids)
    assert text.count("\r\nEND:VEVENT\r\n") == len(uids)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))


def test_the_same_plan_is_the_same_calendar_and_its_stamp_is_the_week():
    first, again = (visits_ics(plan(), MONDAY, ZONE) for _ in range(2))
    assert first == again
    assert {event["DTSTAMP"].dt for event in Calendar.from_ical(first).walk("VEVENT")} == {
        dt.datetime(2025, 11, 3, tzinfo=dt.UTC)
    }
    assert visits_ics(plan(), MONDAY + dt.timedelta(days=7), ZONE) != first


def test_a_plan_made_anew_keeps_the_id_of_a_visit_on_the_same_day():
    ids = {}
    for seed in (1, 2):
        made = plan(seed=seed)
        uids = [str(event["UID"]) for event in events_of(visits_ics(made, MONDAY, ZONE), "VISIT")]
        ids[seed] = dict(zip(zip(made.table["day"], made.table["school_id"], strict=True), uids, strict=True))
    shared = ids[1].keys() & ids[2].keys()
    assert shared
    assert all(ids[1][key] == ids[2][key] for key in shared)


def test_a_week_starts_on_a_monday():
    with pytest.raises(SettingsError, match="Monday"):
        visits_ics(plan(), dt.date(2025, 11, 4), ZONE)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_time_zone_has_to_be_known(name):
    with pytest.raises(SettingsError, match="time zone"):
        visits_ics(plan(), MONDAY, name)


def test_a_zone_has_to_be_in_the_plan():
    made = plan()
    with pytest.raises(InputError, match="no such zone"):
        visits_csv(made, zone_id="9")
    with pytest.raises(InputError, match="no such zone"):
        visits_ics(made, MONDAY, ZONE, zone_id="9")
