import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeschools_geo.coverage._record import program_hours
from safeschools_geo.hotspots._hours import session_hours
from safeschools_geo.school_calendar import day_kinds, is_in_hours, is_school_day, local_day, school_days, term_of
from safeschools_geo.settings import Bells, CalendarSettings, HoursSettings, Term

ZONE = "America/Los_Angeles"
# Monday 1 September 2025 is Labor Day; the fortnight has 9 other weekdays.
FALL = Term(name="Fall", start=dt.date(2025, 9, 1), end=dt.date(2025, 9, 12))
SPRING = Term(name="Spring", start=dt.date(2026, 2, 2), end=dt.date(2026, 2, 13))
CALENDAR = CalendarSettings(holidays=("2025-09-01", "2026-02-09/2026-02-10"))


def moments(*texts):
    return pd.Series(
        pd.to_datetime(list(texts), format="ISO8601").tz_localize(ZONE), index=[f"i{n}" for n in range(len(texts))]
    )


def test_school_days_leave_out_weekends_and_holidays():
    assert [d.day for d in school_days(FALL, CALENDAR)] == [2, 3, 4, 5, 8, 9, 10, 11, 12]
    assert len(school_days(SPRING, CALENDAR)) == 8


def test_term_of_includes_first_and_last_day():
    found = term_of(
        moments("2025-09-01 00:00", "2025-09-12 23:59", "2025-09-13 00:00", "2026-02-02 08:00"), [FALL, SPRING]
    )
    assert found.tolist()[:2] == ["Fall", "Fall"]
    assert pd.isna(found["i2"])
    assert found["i3"] == "Spring"
    assert list(found.index) == ["i0", "i1", "i2", "i3"]


def test_school_days_of_moments():
    found = is_school_day(
        moments("2025-09-01 10:00", "2025-09-02 23:00", "2025-09-06 10:00", "2025-12-01 10:00"), [FALL], CALENDAR
    )
    assert found.tolist() == [False, True, False, False]
    assert not is_school_day(moments("2025-09-02 10:00"), [], CALENDAR).any()


def test_hours_include_their_start_and_not_their_end():
    hours = HoursSettings(start=dt.time(8), end=dt.time(15), levels={"high": Bells(start=dt.time(7), end=dt.time(16))})
    times = moments(
        "2025-09-02 08:00", "2025-09-02 15:00", "2025-09-02 15:00", "2025-09-02 07:59:59", "2025-09-02 07:59"
    )
    levels = pd.Series(["middle", "middle", "high", None, "high"], index=times.index, dtype="str")
    assert is_in_hours(times, levels, hours).tolist() == [True, False, True, False, True]


def test_hours_are_wall_clock_on_the_day_clocks_change():
    # 2 November 2025: 08:00 is nine hours after midnight, since the hour from one to two came twice.
    times = moments("2025-11-02 07:30", "2025-11-02 08:00")
    levels = pd.Series(["other", "other"], index=times.index, dtype="str")
    assert is_in_hours(times, levels, HoursSettings(start=dt.time(8), end=dt.time(15))).tolist() == [False, True]


@given(st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1)))  # noqa: DTZ001 - localized below
def test_the_local_day_is_the_day_on_the_wall(moment):
    stamp = pd.Series(pd.DatetimeIndex([moment]).tz_localize(ZONE, ambiguous=True, nonexistent="shift_forward"))
    assert local_day(stamp).iloc[0].date() == stamp.iloc[0].date()


EARLY = CalendarSettings(early_release=("Wed",), minimum_days=("2025-09-04", "2025-09-10"))
EARLY_HOURS = HoursSettings(
    start=dt.time(8),
    end=dt.time(15),
    early_release_end=dt.time(14),
    minimum_day_end=dt.time(12),
    levels={"high": Bells(start=dt.time(7), end=dt.time(16), early_release_end=dt.time(15))},
    schools={"0101": Bells(start=dt.time(9), end=dt.time(13))},
)


def test_days_end_when_their_kind_says():
    days = pd.DatetimeIndex(["2025-09-02", "2025-09-03", "2025-09-04", "2025-09-10"])
    assert day_kinds(days, EARLY).tolist() == ["whole", "early_release", "minimum_day", "minimum_day"]


@pytest.mark.parametrize(
    ("at", "level", "school", "expected"),
    [
        ("2025-09-02 14:30", "middle", "0102", True),
        ("2025-09-03 14:30", "middle", "0102", False),
        ("2025-09-03 14:30", "high", "0103", True),
        ("2025-09-04 12:30", "middle", "0102", False),
        ("2025-09-04 11:30", "middle", "0102", True),
        ("2025-09-04 12:30", "high", "0103", False),
        # A school's own hours go before its level's; its whole day ends before a day of early release would.
        ("2025-09-02 08:30", "middle", "0101", False),
        ("2025-09-03 12:59", "middle", "0101", True),
        ("2025-09-03 13:30", "middle", "0101", False),
        ("2025-09-04 12:30", "middle", "0101", False),
    ],
)
def test_a_call_after_dismissal_is_not_in_session(at, level, school, expected):
    times = moments(at)
    levels, schools = (pd.Series([word], index=times.index, dtype="str") for word in (level, school))
    found = is_in_hours(times, levels, EARLY_HOURS, calendar=EARLY, school_ids=schools)
    assert found.tolist() == [expected]


def test_denominators_follow_the_days_that_end_early():
    term = Term(name="Week", start=dt.date(2025, 9, 1), end=dt.date(2025, 9, 5))
    levels = pd.Series({"0101": "middle", "0102": "middle", "0103": "high"})
    # By hand: 0101 four whole days of four hours and a minimum day of three; 0102 three days of seven, Wednesday six,
    # Thursday four; 0103 three days of nine, Wednesday eight, Thursday five.
    assert session_hours([term], EARLY, EARLY_HOURS, levels).sum() == pytest.approx(4 * 4 + 3 + 31 + 40)
    days = school_days(term, EARLY)
    kinds = pd.Series(day_kinds(days, EARLY)).value_counts(normalize=True).to_dict()
    assert program_hours(levels, EARLY_HOURS, kinds).sum().to_dict() == pytest.approx(
        {"0101": 19 / 5, "0102": 31 / 5, "0103": 40 / 5}
    )
