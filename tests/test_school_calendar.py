import datetime as dt

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from safeschools_geo.school_calendar import is_in_hours, is_school_day, local_day, school_days, term_of
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
