"""Moments: every notation, local and UTC, clock changes, dates without times, and placeholders."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeschools_geo import io

ZONE = "America/Los_Angeles"
EXCEL_START = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a serial counts days on the wall
FORMATS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.000",
    "%Y/%m/%d %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%y %I:%M:%S %p",
    "%m-%d-%Y %H%M%S",
    "%m.%d.%Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%d %B %Y, %I:%M:%S %p",
    "%B %d, %Y %I:%M:%S%p",
    "%a, %d %b %Y %H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%dT%H%M%S",
    "%Y%m%d%H%M%S",
]
# Whole seconds; the two changes of the clock of a year are tested apart.
WALL = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2060, 1, 1)).map(lambda t: t.replace(microsecond=0))  # noqa: DTZ001


def parse(values, dtype=None, **options):
    return io.parse_times(pd.Series(values, dtype=dtype), time_zone=ZONE, **options)


def one(value, **options):
    """Return the moment, as text without its zone, whether it has a time, and its fault or note."""
    times = parse([value], **options)
    moment, fault, note = times.at.iloc[0], times.fault.iloc[0], times.notes.iloc[0]
    code = fault if pd.notna(fault) else note
    text = None if pd.isna(moment) else moment.tz_localize(None).isoformat(sep=" ")
    return text, bool(times.has_time.iloc[0]), None if pd.isna(code) else code


AFTERNOON = "2025-03-14 13:45:00"


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-14 13:45",
        "2025-03-14T13:45:00",
        "2025-03-14T13:45:00.0000000",
        "2025-3-14 13:45:00,000",
        "2025/03/14 13:45",
        "2025.03.14 13:45:00",
        "3/14/25 13:45",
        "3/14/2025 1:45 PM",
        "03/14/2025 01:45:00 pm",
        "3/14/2025 1:45 p.m.",
        "3/14/2025 1:45:00 P.M.",
        "3/14/2025 1:45p",
        "3/14/2025 1:45\u202fPM",
        "3/14/2025\u00a01:45 PM",
        "3/14/2025, 1:45:00 PM",
        "  3/14/2025   1:45 PM ",
        "3/14/2025 1345",
        "03-14-2025 13:45",
        "Fri 3/14/2025 13:45",
        "14-Mar-2025 13:45",
        "14-MAR-25 13:45:00",
        "14 March 2025 13:45",
        "14Mar2025 13:45",
        "14 March 2025, 13:45",
        "Fri, 14 Mar 2025 20:45:00 GMT",
        "Mar 14, 2025 1:45 PM",
        "Mar. 14 2025 13:45",
        "March 14, 2025 1:45 p.m.",
        "Fri, 14 Mar 2025 13:45:00",
        "20250314 1345",
        "20250314T134500",
        "202503141345",
        "20250314134500",
        "2025-03-14T13:45:00-07:00",
        "2025-03-14 13:45:00 -0700",
        "2025-03-14T13:45-07",
        "2025-03-14T20:45:00Z",
        "2025-03-14 20:45:00 UTC",
        "2025-03-14 20:45:00+00:00",
        "3/14/2025 1:45 PM PDT",
        "3/14/2025 4:45 PM EDT",
        "1741985100",
        "1741985100000",
        "1.7419851e12",
        "45730.5729166667",
    ],
)
def test_an_afternoon_in_every_notation(text):
    assert one(text) == (AFTERNOON, True, None)


@pytest.mark.parametrize(
    "text",
    ["2025-03-14", "3/14/25", "03/14/2025", "14-Mar-2025", "March 14, 2025", "20250314", "45730", "2025.03.14"],
)
def test_a_date_without_a_time_is_local_midnight(text):
    for times in ("local", "utc", "local_tagged_utc"):
        assert one(text, times=times) == ("2025-03-14 00:00:00", False, None)


@pytest.mark.parametrize(
    "text",
    [
        "14/03/2025",
        "2025-02-30",
        "2/29/2025",
        "2025-13-01",
        "2025-00-10",
        "2025-01-00",
        "3/14/2025 25:00",
        "3/14/2025 13:60",
        "3/14/2025 13:45:60",
        "3/14/2025 13:45 PM",
        "yesterday",
        "12",
        "5",
        "12:30",
        "3/14",
        "14 Foo 2025",
        "1e400",
        "2500-01-01",
        "1066-10-14 09:00",
        "45730,5",
        "3/14/2025 1:45 PM and later",
    ],
)
def test_what_is_no_moment_is_unreadable(text):
    assert one(text) == (None, False, "unreadable_time")


@pytest.mark.parametrize("value", [None, "", "  ", "\u00a0", "NULL", "null", "NaN", "N/A", "-", "None"])
def test_what_is_missing_is_missing(value):
    assert one(value) == (None, False, "missing_time")


@pytest.mark.parametrize(
    "value",
    [
        "1900-01-01",
        "1/1/1900 12:00:00 AM",
        "1900-01-01 13:45",
        "1/1/00",
        "01/01/00 12:00:00 AM",
        "12/30/1899",
        "1899-12-31 00:00:00",
        "1753-01-01",
        "1970-01-01",
        "1970-01-01T00:00:00Z",
        "1969-12-31 16:00:00-08:00",
        "0001-01-01T00:00:00",
        "9999-12-31",
        "9999-12-31 23:59:59",
        "0",
        "0.0",
        0,
        "-2208988800000",
    ],
)
def test_placeholders_are_named(value):
    assert one(value) == (None, False, "sentinel_time")


def test_an_early_hour_of_1970_is_a_moment():
    assert one("1970-01-01 00:01:00") == ("1970-01-01 00:01:00", True, None)


@pytest.mark.parametrize(("text", "hour"), [("12:05 AM", 0), ("12:05 PM", 12), ("1:05 AM", 1), ("11:05 PM", 23)])
def test_noon_and_midnight_on_a_clock_of_twelve_hours(text, hour):
    assert one(f"3/14/2025 {text}")[0] == f"2025-03-14 {hour:02}:05:00"


@pytest.mark.parametrize(("year", "expected"), [("00", 2000), ("25", 2025), ("68", 2068), ("69", 1969), ("99", 1999)])
def test_years_of_two_digits_turn_at_69(year, expected):
    assert one(f"3/14/{year} 13:45")[0] == f"{expected}-03-14 13:45:00"


def test_the_day_comes_first_when_said():
    assert one("3/4/2025", day_first=True)[0] == "2025-04-03 00:00:00"
    assert one("3/4/2025")[0] == "2025-03-04 00:00:00"
    assert one("14.03.2025 13:45", day_first=True)[0] == AFTERNOON
    assert one("3/14/2025", day_first=True) == (None, False, "unreadable_time")
    assert one("2025-03-14", day_first=True)[0] == "2025-03-14 00:00:00"


def test_fractions_of_seconds_are_kept_to_the_microsecond():
    assert one("2025-03-14 13:45:00.1")[0] == "2025-03-14 13:45:00.100000"
    assert one("2025-03-14 13:45:00.123456789")[0] == "2025-03-14 13:45:00.123456"


def test_the_meaning_of_times():
    tagged, plain = "2025-07-01T12:00:00Z", "2025-07-01 12:00:00"
    assert one(tagged)[0] == "2025-07-01 05:00:00"
    assert one(plain)[0] == "2025-07-01 12:00:00"
    assert one(tagged, times="utc")[0] == one(plain, times="utc")[0] == "2025-07-01 05:00:00"
    assert one(tagged, times="local_tagged_utc")[0] == one(plain, times="local_tagged_utc")[0] == plain
    assert one("2025-07-01T12:00:00+03:00", times="local_tagged_utc")[0] == plain
    assert one("1751371200000", times="local_tagged_utc")[0] == plain


def test_an_hour_that_comes_twice_is_the_first_and_noted():
    times = parse(["2025-11-02 01:30:00", "2025-11-02 00:30:00", "2025-11-02 02:30:00"])
    assert times.at.iloc[0].utcoffset() == dt.timedelta(hours=-7)
    assert times.notes.fillna("").tolist() == ["dst_repeat_first", "", ""]
    assert times.fault.isna().all()


def test_an_hour_that_is_skipped_is_moved_to_its_end_and_noted():
    times = parse(["2025-03-09 02:30:00", "2025-03-09 01:30:00", "2025-03-09 03:30:00"])
    assert times.at.iloc[0] == pd.Timestamp("2025-03-09 03:00:00-07:00")
    assert times.notes.fillna("").tolist() == ["dst_gap_shifted", "", ""]
    assert times.fault.isna().all()


def test_moments_with_an_offset_are_never_doubtful():
    times = parse(["2025-11-02T01:30:00-08:00", "2025-11-02T01:30:00-07:00", "2025-03-09T02:30:00-08:00"])
    assert times.at.tolist() == [
        pd.Timestamp("2025-11-02T01:30:00-08:00"),
        pd.Timestamp("2025-11-02T01:30:00-07:00"),
        pd.Timestamp("2025-03-09T03:30:00-07:00"),
    ]
    assert times.notes.isna().all()


def test_midnight_among_other_times_is_a_time_unless_said_otherwise():
    texts = ["2025-03-14 00:00:00", "2025-03-14 00:00:01"]
    assert parse(texts).has_time.tolist() == [True, True]
    assert parse(texts, midnight_is_unknown=True).has_time.tolist() == [False, True]


def test_midnight_is_midnight_as_written():
    # In UTC: as a moment it would be the afternoon before in California.
    times = parse(["2025-03-14T00:00:00Z", "2025-03-14T12:00:00Z"])
    assert times.at.dt.tz_localize(None).tolist() == [
        pd.Timestamp("2025-03-13 17:00"),
        pd.Timestamp("2025-03-14 05:00"),
    ]
    assert times.has_time.all()
    assert one("2025-03-14T00:00:00Z", midnight_is_unknown=True) == ("2025-03-14 00:00:00", False, None)


DAYS = pd.date_range("2025-01-10", "2025-12-20", freq="9D")  # both sides of the changes of the clock
LOCAL = DAYS.tz_localize(ZONE)


@pytest.mark.parametrize(
    ("values", "clock"),
    [
        (DAYS.as_unit("ms").astype("int64"), "00:00 UTC"),
        (DAYS.as_unit("s").astype("int64").astype("str"), "00:00 UTC"),
        (DAYS.as_unit("us").astype("int64"), "00:00 UTC"),
        (DAYS.strftime("%Y-%m-%dT00:00:00.000Z"), "00:00 UTC"),
        (DAYS.strftime("%Y-%m-%dT00:00:00+00:00"), "00:00 UTC"),
        (DAYS.strftime("%m/%d/%Y 12:00:00 AM"), "00:00"),
        (DAYS.strftime("%Y-%m-%d 00:00"), "00:00"),
        (DAYS, "00:00"),
        (DAYS.tz_localize("UTC"), "00:00 UTC"),
        (LOCAL.as_unit("ms").astype("int64"), "00:00"),
        (LOCAL.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"), "00:00"),
        (LOCAL.tz_convert("UTC"), "00:00"),
        (list(DAYS.to_pydatetime()), "00:00"),
    ],
)
def test_values_that_are_all_at_midnight_are_the_days_they_name(values, clock):
    times = parse(values)
    assert not times.has_time.any()
    assert times.at.dt.tz_localize(None).tolist() == list(DAYS)
    assert times.dates_at == io.OneClock(clock, len(DAYS), len(DAYS))
    assert times.one_clock is None


@pytest.mark.parametrize("values", [DAYS.strftime("%Y-%m-%d"), (DAYS - pd.Timestamp(EXCEL_START)).days, DAYS.date])
def test_dates_without_a_clock_need_no_word(values):
    times = parse(values)
    assert not times.has_time.any()
    assert times.at.dt.tz_localize(None).tolist() == list(DAYS)
    assert times.dates_at is None


@pytest.mark.parametrize(
    ("shift", "clock"),
    [("16h", "16:00:00"), ("12h", "12:00:00"), ("8h", "08:00:00"), ("1s", "00:00:01")],
)
def test_one_time_of_day_in_nearly_all_rows_is_named(shift, clock):
    moments = list(DAYS + pd.Timedelta(shift))
    moments[3] += pd.Timedelta("77min")
    times = parse([m.isoformat() for m in moments])
    assert times.one_clock == io.OneClock(clock, len(DAYS) - 1, len(DAYS))
    assert times.has_time.all()
    in_utc = parse([f"{m.isoformat()}Z" for m in moments])
    assert in_utc.one_clock == io.OneClock(clock, len(DAYS) - 1, len(DAYS))
    for decided in ("known", "unknown"):
        judged = parse([m.isoformat() for m in moments], time_of_day=decided)
        assert judged.one_clock is None
        assert judged.has_time.all() == (decided == "known")


def test_a_column_of_dates_takes_the_day_from_the_clock_that_is_at_midnight():
    moments = [f"{day:%Y-%m-%d}T00:00:00Z" for day in DAYS]
    moments[0] = "2025-01-10T09:30:00Z"
    assert parse(moments).one_clock == io.OneClock("00:00:00", len(DAYS) - 1, len(DAYS))
    assert parse(moments, time_of_day="unknown").at.dt.tz_localize(None).tolist() == list(DAYS)
    shifted = LOCAL.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ").to_list()
    shifted[0] = "2025-01-10T17:30:00Z"
    assert parse(shifted, time_of_day="unknown").at.dt.tz_localize(None).tolist() == list(DAYS)


def test_times_that_differ_or_are_few_have_no_one_clock():
    assert parse([f"2025-03-14 {hour}:00" for hour in range(24)]).one_clock is None
    assert parse(["2025-03-14 16:00"] * 19).one_clock is None


def test_the_order_of_day_and_month_is_what_the_calendar_allows():
    texts = ["27/10/2025 14:47", "10/27/2025", "3-4-25", "12.12.2025", "2025-03-04", "45/1/2025", "4 Mar 2025", None]
    assert parse(texts).order.fillna("").tolist() == ["D", "M", "?", "=", "", "", "", ""]


def test_a_mixture_of_notations_is_read():
    texts = ["2025-03-14 13:45", "3/14/2025 1:45 PM", "45730.5729166667", "14-Mar-25 13:45", "never", None]
    times = parse(texts)
    assert (times.at.iloc[:4] == times.at.iloc[0]).all()
    assert times.fault.fillna("").tolist() == ["", "", "", "", "unreadable_time", "missing_time"]


@given(st.lists(WALL, min_size=1, max_size=20), st.sampled_from(FORMATS))
def test_each_format_is_read_back(moments, layout):
    if "%y" in layout:
        # In two digits, the first moment of 2000 is the placeholder 1900-01-01.
        moments = [m.replace(year=1990 + m.year % 70) for m in moments if (m.month, m.day) not in {(2, 29), (1, 1)}]
    times = parse([m.strftime(layout) for m in moments], "str", time_of_day="known")
    is_odd = times.notes == "dst_gap_shifted"
    assert times.at.dt.tz_localize(None)[~is_odd].tolist() == [
        pd.Timestamp(m) for m, odd in zip(moments, is_odd, strict=True) if not odd
    ]
    assert times.has_time.all()
    assert times.fault.isna().all()


@given(st.lists(WALL, min_size=1, max_size=20), st.sampled_from(["s", "ms", "us", "ns", "excel", "iso"]))
def test_counts_and_offsets_are_read_back(moments, unit):
    aware = [m.replace(tzinfo=ZoneInfo(ZONE)) for m in moments if m.year >= 1975]
    scale = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    if unit == "excel":
        values = [(m - EXCEL_START) / dt.timedelta(days=1) for m in moments]
        assert (
            parse([*values, 40000.5]).at.dt.tz_localize(None)[:-1].isin([pd.Timestamp(m) for m in moments]).mean() > 0.5
        )
        return
    values = [a.isoformat() if unit == "iso" else int(a.timestamp()) * scale[unit] for a in aware]
    times = parse(values, "object" if unit == "iso" else "int64", time_of_day="known")
    assert times.at.tolist() == [pd.Timestamp(a) for a in aware]
    assert times.notes.isna().all()


def test_excel_serials_are_exact_to_the_second():
    seconds = np.arange(0, 86_400, 97)
    times = parse(45730 + seconds / 86_400, "float64")
    expected = pd.Timestamp("2025-03-14") + pd.to_timedelta(seconds, unit="s")
    assert times.at.dt.tz_localize(None).tolist() == expected.tolist()
    assert times.has_time.all()


def test_serials_that_are_all_whole_are_dates():
    assert parse([45730, 45731]).has_time.tolist() == [False, False]
    assert parse([45730, 45731.5]).has_time.tolist() == [True, True]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_typed_moments_are_taken_as_they_are(unit):
    naive = pd.Series(pd.to_datetime([AFTERNOON, None])).astype(f"datetime64[{unit}]")
    times = io.parse_times(naive, time_zone=ZONE)
    assert times.at.iloc[0] == pd.Timestamp(AFTERNOON, tz=ZONE)
    assert times.fault.tolist()[1] == "missing_time"
    tagged = naive.dt.tz_localize("UTC")
    assert io.parse_times(tagged, time_zone=ZONE).at.iloc[0] == pd.Timestamp(AFTERNOON, tz="UTC")
    local = io.parse_times(tagged, time_zone=ZONE, times="local_tagged_utc")
    assert local.at.iloc[0] == pd.Timestamp(AFTERNOON, tz=ZONE)


def test_typed_moments_that_are_all_at_midnight_are_dates():
    days = pd.Series(pd.to_datetime(["2025-03-14", "2025-03-15", None]))
    assert io.parse_times(days, time_zone=ZONE).has_time.tolist() == [False, False, False]
    tagged = io.parse_times(days.dt.tz_localize("UTC"), time_zone=ZONE)
    assert tagged.at.iloc[0] == pd.Timestamp("2025-03-14", tz=ZONE)
    timed = pd.Series(pd.to_datetime(["2025-03-14 00:00", "2025-03-15 00:01"]))
    assert io.parse_times(timed, time_zone=ZONE).has_time.tolist() == [True, True]


def test_objects_of_several_types_are_read():
    values = [
        dt.datetime(2025, 3, 14, 13, 45),  # noqa: DTZ001 - as workbooks have it
        dt.datetime(2025, 3, 14, 20, 45, tzinfo=dt.UTC),
        pd.Timestamp(AFTERNOON),
        "3/14/2025 1:45 PM",
        45730.5729166667,
        dt.date(2025, 3, 14),
        np.nan,
        True,
        dt.time(13, 45),
    ]
    times = parse(values, "object")
    assert (times.at.iloc[:5] == times.at.iloc[0]).all()
    assert times.has_time.tolist() == [True] * 5 + [False] * 4
    assert times.fault.fillna("").tolist() == [""] * 6 + ["missing_time", "unreadable_time", "unreadable_time"]


def test_the_answer_is_on_the_index_of_the_question():
    values = pd.Series(["3/14/2025", "never"], index=[7, 3], name="Date")
    times = io.parse_times(values, time_zone=ZONE)
    for part in (times.at, times.has_time, times.fault, times.notes):
        assert part.index.tolist() == [7, 3]
    assert str(times.at.dtype) == f"datetime64[us, {ZONE}]"
    assert times.at.name == "Date"
    assert times.has_time.dtype == bool


@pytest.mark.parametrize("dtype", ["str", "object", "float64", "Int64", "datetime64[us]", "datetime64[us, UTC]"])
def test_an_empty_column_gives_empty_answers(dtype):
    times = parse([], dtype)
    assert len(times.at) == len(times.has_time) == len(times.fault) == len(times.notes) == 0
    assert str(times.at.dtype) == f"datetime64[us, {ZONE}]"


SPELLINGS = """
03/04/2024 1345 hrs|13:45 03/04/2024|1:45 PM 3/4/2024|13:45:00 04-MAR-24|1345 hrs 03/04/2024|13:45 PST 03/04/2024
04MAR2024:13:45:00|2024-03-04-13.45.00.000000|Mar  4 2024  1:45PM|Mar  4 2024  1:45:00:000PM|03/04/2024 13:45 Monday
03/04/2024 (Mon) 13:45|Monday, March 4, 2024 1:45 PM|03/04/2024 1:45 p.m.|03/04/2024 13:45 PST|2024-03-04T21:45Z
2024-03-04T13:45:00-08:00[America/Los_Angeles]|2024-03-04 13:45 America/Los_Angeles|03/04/2024 13:45 Pacific Time
2024-03-04 16:45 America/New_York|2024-03-04 16:45 ET|2024-03-04 14:45 Mountain Standard Time|/Date(1709588700000)/
Mon Mar 04 2024 13:45:00 GMT-0800 (Pacific Standard Time)|Mon Mar  4 13:45:00 PST 2024|Mon Mar  4 13:45:00 2024
March 4th, 2024 at 1:45 PM|03/04/2024 @ 13:45|4 Mar 2024 13h45|"2024-03-04 13:45"|2024/03/04 - 13:45|3/4/2024 13:45h
04-MAR-24 01.45.00.000000000 PM -08:00|04-MAR-24 01.45.00.000000 PM|2024-W10-1 13:45|2024-064T13:45:00|3/4/2024 13.45
"""


@pytest.mark.parametrize("text", [text for line in SPELLINGS.strip().splitlines() for text in line.split("|")])
def test_spellings_of_other_systems_are_one_moment(text):
    read = io.parse_times(pd.Series([text, text]), time_zone="America/Los_Angeles")
    assert read.at.tolist() == [pd.Timestamp("2024-03-04 13:45", tz="America/Los_Angeles")] * 2
    assert read.has_time.all()


@pytest.mark.parametrize("text", ["2024-03-04 24:00", "03/04/2024 24:00:00", "2024-03-04T23:59:60"])
def test_the_end_of_a_day_is_the_start_of_the_next(text):
    read = io.parse_times(pd.Series([text, "2024-03-04 13:45"]), time_zone="America/Los_Angeles")
    assert read.at[0] == pd.Timestamp("2024-03-05", tz="America/Los_Angeles")
    assert read.has_time[0]


@pytest.mark.parametrize("text", ["2024-03-04 24:01", "2024-03-04 25:00", "13:45", "2024-03-04 13:45 Nowhere/Town"])
def test_what_looks_like_a_spelling_and_is_none_stays_unreadable(text):
    assert io.parse_times(pd.Series([text]), time_zone="UTC").fault[0] == "unreadable_time"


WALL = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2035, 1, 1)).map(lambda t: t.replace(second=0, microsecond=0))  # noqa: DTZ001
DATES = ("%Y-%m-%d", "%d-%b-%Y", "%b %d, %Y", "%Y%m%d")
CLOCKS = ("%H:%M", "%I:%M %p", "%H%M hrs", "%H:%M:%S")


@given(moment=WALL, date=st.sampled_from(DATES), clock=st.sampled_from(CLOCKS), day=st.sampled_from(["", " %A", " %a"]))
def test_the_parts_of_a_moment_may_stand_in_any_order(moment, date, clock, day):
    texts = [
        moment.strftime(form) for form in (f"{date} {clock}{day}", f"{clock} {date}{day}", f"{day} {date} {clock}")
    ]
    read = io.parse_times(pd.Series(texts), time_zone="UTC", time_of_day="known")
    assert read.at.dt.tz_localize(None).tolist() == [pd.Timestamp(moment)] * 3


@given(
    seconds=st.integers(0, 86_399), form=st.sampled_from(["%H:%M:%S", "%I:%M:%S %p", "%H%M%S", "1899-12-30 %H:%M:%S"])
)
def test_times_of_day_are_read_without_a_date(seconds, form):
    clock = (dt.datetime(2000, 1, 1) + dt.timedelta(seconds=seconds)).strftime(form)  # noqa: DTZ001
    assert io.times_of_day(pd.Series([clock])).tolist() == [seconds]


@pytest.mark.parametrize("text", ["25:00", "13:60", "24:01", "45355.5", "2024-03-04 13:45", "#N/A", "", "1,345"])
def test_what_is_no_time_of_day_is_none(text):
    assert io.times_of_day(pd.Series([text])).isna().all()


def test_a_format_is_read_and_nothing_else_of_the_column():
    values = pd.Series(["4|3|24 13u45", "2024-03-04 13:45", "(null)"])
    read = io.parse_times(values, time_zone="UTC", formats=["%d|%m|%y %Hu%M"])
    assert read.at[0] == pd.Timestamp("2024-03-04 13:45", tz="UTC")
    assert read.fault.tolist()[1:] == ["unreadable_time", "missing_time"]
    plain = io.parse_times(values[1:2], time_zone="UTC", formats=["%d|%m|%y %Hu%M"])
    assert plain.fault.isna().all()


@pytest.mark.parametrize("text", ["1.74199E+12", "1.7E+12", "1.741985E+12", "1.74199e+09", "1.74199E+15"])
def test_a_count_that_a_spreadsheet_has_rounded_is_no_moment(text):
    # 1.74199E+12 ms is any moment of ten million ms, 2.8 hours.
    assert one(text) == (None, False, "rounded_time")


def test_a_count_that_is_written_shortly_among_others_is_a_moment():
    # 2025-03-14 13:45:00 and 13:45:30 in California; a program that leaves zeros out writes the first shorter.
    times = parse(["1.7419851e12", "1.74198513e12"])
    assert times.fault.isna().all()
    assert times.at.dt.strftime("%H:%M:%S").tolist() == ["13:45:00", "13:45:30"]
