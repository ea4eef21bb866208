import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeschools_geo.io import parse_times

ZONE = "America/Los_Angeles"


def parse(*values, dtype="object", **options):
    series = pd.Series(list(values), dtype=dtype, index=[f"r{n}" for n in range(len(values))])
    found = parse_times(series, time_zone=ZONE, **options)
    assert list(found.at.index) == list(series.index)
    return found


def one(value, **options):
    """Parse one value; return the wall-clock moment (or the fault) and whether it has a time."""
    found = parse(value, **options)
    if found.fault.notna().iloc[0]:
        return found.fault.iloc[0]
    return found.at.iloc[0].tz_localize(None).isoformat(sep=" "), bool(found.has_time.iloc[0])


@pytest.mark.parametrize(
    "text",
    [
        "3/14/25 1:05 PM",
        "03/14/2025 01:05 p.m.",
        "3/14/2025 13:05",
        "3-14-2025 13:05:00",
        "3.14.2025 13:05:00",
        "2025-03-14 13:05",
        "2025-03-14T13:05:00",
        "2025-03-14T13:05:00.000",
        "2025-03-14T20:05:00Z",
        "2025-03-14 13:05:00-07:00",
        "2025-03-14 16:05:00 -0400",
        "2025/03/14 13:05",
        "14-Mar-2025 13:05",
        "14 March 2025, 13:05",
        "Mar 14, 2025 1:05 PM",
        "Fri, 14 Mar 2025 20:05:00 GMT",
        "20250314 13:05",
        "45730.545138889",
        "1741982700",
        "1741982700000",
        45730.545138889,
        1741982700000,
        dt.datetime(2025, 3, 14, 13, 5),  # noqa: DTZ001 - as Excel has it
    ],
)
def test_every_usual_notation_is_the_same_moment(text):
    assert one(text) == ("2025-03-14 13:05:00", True)


@pytest.mark.parametrize(
    "text",
    ["2025-03-14", "3/14/2025", "3/14/25", "20250314", 20250314, "14-Mar-25", "45730", 45730, dt.date(2025, 3, 14)],
)
def test_a_date_has_no_time(text):
    assert one(text) == ("2025-03-14 00:00:00", False)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "missing_time"),
        (None, "missing_time"),
        ("   ", "missing_time"),
        (np.nan, "missing_time"),
        ("soon", "unreadable_time"),
        ("13/14/2025", "unreadable_time"),
        ("2/30/2025", "unreadable_time"),
        ("2025-03-14 25:00", "unreadable_time"),
        ("2025-03-14 13:65", "unreadable_time"),
        ("3/14/2025 13:05 PM", "unreadable_time"),
        ("12:30", "unreadable_time"),
        ("5", "unreadable_time"),
        ("1850-01-01", "unreadable_time"),
        ("1900-01-01", "sentinel_time"),
        ("1/1/1900 12:00 AM", "sentinel_time"),
        ("12/30/1899", "sentinel_time"),
        ("1/1/00 12:00 AM", "sentinel_time"),
        ("1970-01-01T00:00:00Z", "sentinel_time"),
        ("9999-12-31 00:00", "sentinel_time"),
        ("0001-01-01", "sentinel_time"),
    ],
)
def test_what_cannot_be_a_time_has_a_reason(text, fault):
    assert one(text) == fault


def test_noon_and_midnight():
    assert one("3/14/2025 12:00 PM") == ("2025-03-14 12:00:00", True)
    assert one("3/14/2025 12:00 AM") == ("2025-03-14 00:00:00", True)
    assert one("3/14/2025 12:00 AM", midnight_is_unknown=True) == ("2025-03-14 00:00:00", False)


def test_day_first():
    assert one("3/4/2025") == ("2025-03-04 00:00:00", False)
    assert one("3/4/2025", day_first=True) == ("2025-04-03 00:00:00", False)


def test_two_digit_years_turn_at_69():
    assert one("1/2/68") == ("2068-01-02 00:00:00", False)
    assert one("1/2/69") == ("1969-01-02 00:00:00", False)


def test_what_times_mean():
    assert one("2025-03-14 20:05", times="utc") == ("2025-03-14 13:05:00", True)
    assert one("2025-03-14 13:05Z", times="local_tagged_utc") == ("2025-03-14 13:05:00", True)
    tagged = pd.Series(pd.to_datetime(["2025-03-14 13:05"]).tz_localize("UTC"))
    assert parse_times(tagged, time_zone=ZONE, times="local_tagged_utc").at.iloc[0].hour == 13
    assert parse_times(tagged, time_zone=ZONE).at.iloc[0].hour == 6
    # A date is a day on the wall, in whatever zone the times are.
    assert one("2025-03-14", times="utc") == ("2025-03-14 00:00:00", False)


def test_the_hour_that_is_skipped_and_the_hour_that_comes_twice():
    found = parse("2025-03-09 02:30", "2025-11-02 01:30", "2025-11-02 01:30-08:00", "2025-11-02 02:30")
    assert found.at.map(lambda t: t.isoformat()).tolist() == [
        "2025-03-09T03:00:00-07:00",
        "2025-11-02T01:30:00-07:00",
        "2025-11-02T01:30:00-08:00",
        "2025-11-02T02:30:00-08:00",
    ]
    assert found.notes.fillna("").tolist() == ["dst_gap_shifted", "dst_repeat_first", "", ""]
    assert found.fault.isna().all()


def test_typed_moments_that_are_all_midnights_are_dates():
    days = pd.Series(pd.to_datetime(["2025-03-14", "2025-03-15"]))
    assert parse_times(days, time_zone=ZONE).has_time.tolist() == [False, False]
    some = pd.Series(pd.to_datetime(["2025-03-14 00:00", "2025-03-15 08:00"]))
    assert parse_times(some, time_zone=ZONE).has_time.tolist() == [True, True]
    cells = parse(dt.datetime(2025, 3, 14), dt.datetime(2025, 3, 15))  # noqa: DTZ001
    assert cells.has_time.tolist() == [False, False]


def test_a_mixed_column():
    found = parse("3/14/2025", None, 45730.5, "junk", dt.datetime(2025, 3, 14, 8))  # noqa: DTZ001
    assert found.fault.fillna("").tolist() == ["", "missing_time", "", "unreadable_time", ""]
    assert found.has_time.tolist() == [False, False, True, False, True]


def test_no_rows():
    assert len(parse_times(pd.Series([], dtype="str"), time_zone=ZONE).at) == 0


FORMATS = ["%m/%d/%y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d-%b-%Y %H:%M:%S", "%Y%m%d %H:%M:%S"]


@given(
    st.lists(st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2068, 1, 1)), min_size=1),  # noqa: DTZ001 - wall clock
    st.sampled_from(FORMATS),
)
def test_what_is_written_is_read(moments, form):
    placeholder = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - in two digits it stands for 1900-01-01
    whole = [m.replace(microsecond=0) for m in moments if m.replace(microsecond=0) != placeholder]
    found = parse_times(pd.Series([m.strftime(form) for m in whole]), time_zone=ZONE)
    wall = found.at.dt.tz_localize(None)
    moved = (found.notes == "dst_gap_shifted").to_numpy()
    assert [w for w, m in zip(wall, moved, strict=True) if not m] == [
        t for t, m in zip(whole, moved, strict=True) if not m
    ]
    assert found.has_time.all()
