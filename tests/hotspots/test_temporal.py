import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.hotspots._hours import checked_week, hour_tables, session_hours, timed_incidents
from safeschools_geo.hotspots.temporal import aoristic
from safeschools_geo.settings import Bells, CalendarSettings, HoursSettings, Term

LA = "America/Los_Angeles"
ZONES = [LA, "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca", "UTC"]
MON, FRI, SAT, SUN = 0, 4, 5, 6


def week(**cells):
    # week(d0h10=2 / 3) has 2/3 on Monday at 10 and 0 elsewhere.
    weights = np.zeros((7, 24))
    for name, weight in cells.items():
        day, hour = name[1:].split("h")
        weights[int(day), int(hour)] = weight
    return weights


def spread(*ranges, tz=LA):
    start, end = zip(*ranges, strict=True)
    return aoristic(
        pd.Series(pd.to_datetime(list(start), format="ISO8601")),
        pd.Series(pd.to_datetime(list(end), format="ISO8601")),
        tz=tz,
    )


def assert_week(found, expected):
    assert found.shape == (7, 24)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


# 2025-09-01 is a Monday.


def test_a_range_is_spread_over_its_hours():
    # 45 minutes: 30 of them from 10:30 to 11:00, 15 from 11:00 to 11:15.
    assert_week(spread(("2025-09-01 10:30", "2025-09-01 11:15")), week(d0h10=2 / 3, d0h11=1 / 3))


def test_a_range_within_one_hour_and_one_that_ends_on_the_hour():
    assert_week(spread(("2025-09-01 10:05", "2025-09-01 10:06")), week(d0h10=1))
    assert_week(spread(("2025-09-01 10:00", "2025-09-01 12:00")), week(d0h10=0.5, d0h11=0.5))


def test_sunday_is_followed_by_monday():
    found = spread(("2025-09-07 23:30", "2025-09-08 01:00"))
    assert_week(found, week(d6h23=1 / 3, d0h0=2 / 3))


def test_weeks_go_round():
    # Two weeks and twelve hours from Monday, 0:00: 348 hours, the first twelve of the week thrice, the others twice.
    expected = np.full((7, 24), 2 / 348)
    expected[MON, :12] = 3 / 348
    assert_week(spread(("2025-09-01 00:00", "2025-09-15 12:00")), expected)


def test_a_week_less_or_more_than_an_hour():
    # From Monday 10:30, a week but for 15 minutes: the hour begun gets 15 minutes at the end and 30 at the start.
    expected = np.full((7, 24), 60 / 10065)
    expected[MON, 10] = 45 / 10065
    assert_week(spread(("2025-09-01 10:30", "2025-09-08 10:15")), expected)
    expected = np.full((7, 24), 60 / 10095)
    expected[MON, 10] = 75 / 10095
    assert_week(spread(("2025-09-01 10:30", "2025-09-08 10:45")), expected)


def test_missing_equal_and_unbelievable_ends_mean_the_start():
    found = spread(
        ("2025-09-01 10:59:59", None),
        ("2025-09-02 10:00", "2025-09-02 10:00"),
        ("2025-09-03 10:30", "2025-09-01 08:00"),
    )
    assert_week(found, week(d0h10=1, d1h10=1, d2h10=1))


def test_a_missing_start_means_the_end_and_both_missing_are_named():
    assert_week(spread((None, "2025-09-01 08:15")), week(d0h8=1))
    start = pd.Series([pd.Timestamp("2025-09-01 08:15"), pd.NaT, pd.NaT], index=[11, 12, 13])
    end = pd.Series([pd.NaT, pd.Timestamp("2025-09-01 08:15"), pd.NaT], index=[11, 12, 13])
    with pytest.raises(InputError, match="neither") as caught:
        aoristic(start, end, tz=LA)
    assert caught.value.ids == ("13",)


def test_the_hour_that_is_skipped_gets_nothing():
    # Los Angeles, 2025-03-09: 2:00 is 3:00. From 1:00 to 4:00 two hours pass.
    assert_week(spread(("2025-03-09 01:00", "2025-03-09 04:00")), week(d6h1=0.5, d6h3=0.5))
    # Sunday to Sunday, 167 hours.
    expected = np.full((7, 24), 1 / 167)
    expected[SUN, 2] = 0
    assert_week(spread(("2025-03-09 00:00", "2025-03-16 00:00")), expected)


def test_the_hour_that_comes_twice_gets_twice_its_time():
    # Los Angeles, 2025-11-02: 2:00 is 1:00 again. From 0:00 to 3:00 four hours pass.
    assert_week(spread(("2025-11-02 00:00", "2025-11-02 03:00")), week(d6h0=0.25, d6h1=0.5, d6h2=0.25))
    expected = np.full((7, 24), 1 / 169)
    expected[SUN, 1] = 2 / 169
    assert_week(spread(("2025-11-02 00:00", "2025-11-09 00:00")), expected)


def test_both_changes_in_one_range():
    # 2025-03-01 to 2025-11-29 are 39 weeks by the clock and by the hour; Sunday lost 2:00 once and had 1:00 once more.
    expected = np.full((7, 24), 39.0)
    expected[SUN, 1], expected[SUN, 2] = 40, 38
    assert_week(spread(("2025-03-01", "2025-11-29")), expected / (39 * 168))


def test_half_an_hour_of_daylight_saving():
    # Lord Howe: 2025-04-06, 2:00 is 1:30 again: from 1:00 to 3:00 two and a half hours pass, one and a half of them
    # at one o'clock. 2025-10-05, 2:00 is 2:30: from 1:00 to 4:00 two and a half hours pass, half of one at two.
    zone = "Australia/Lord_Howe"
    assert_week(spread(("2025-04-06 01:00", "2025-04-06 03:00"), tz=zone), week(d6h1=0.6, d6h2=0.4))
    assert_week(spread(("2025-10-05 01:00", "2025-10-05 04:00"), tz=zone), week(d6h1=0.4, d6h2=0.2, d6h3=0.4))


def test_a_day_that_never_was():
    # Samoa skipped Friday, 2011-12-30: from Thursday to the end of Saturday 48 hours pass.
    expected = np.zeros((7, 24))
    expected[[3, SAT]] = 1 / 48
    assert_week(spread(("2011-12-29", "2012-01-01"), tz="Pacific/Apia"), expected)
    # A time on that day is moved to the end of the gap, Saturday 0:00.
    assert_week(spread(("2011-12-30 10:00", None), tz="Pacific/Apia"), week(d5h0=1))


def test_local_times_that_are_skipped_or_come_twice():
    assert_week(spread(("2025-03-09 02:30", None)), week(d6h3=1))
    # Lord Howe: 2:15 is moved to 2:30, the end of the gap; until 3:30 an hour passes.
    zone = "Australia/Lord_Howe"
    assert_week(spread(("2025-10-05 02:15", "2025-10-05 03:30"), tz=zone), week(d6h2=0.5, d6h3=0.5))
    # The first 1:30: half an hour, the hour from 1:00 once more, then half an hour from 2:00.
    assert_week(spread(("2025-11-02 01:30", "2025-11-02 02:30")), week(d6h1=0.75, d6h2=0.25))


def test_times_with_a_zone_are_recognized_by_the_local_clock():
    # 17:30 UTC is 10:30 in Los Angeles in September; the end is given in London's time (18:15 there).
    start = pd.Series(pd.to_datetime(["2025-09-01 17:30"]).tz_localize("UTC"))
    end = pd.Series(pd.to_datetime(["2025-09-01 19:15"]).tz_localize("Europe/London"))
    assert_week(aoristic(start, end, tz=LA), week(d0h10=2 / 3, d0h11=1 / 3))
    # The second 1:30 of 2025-11-02 is 9:30 UTC.
    start = pd.Series(pd.to_datetime(["2025-11-02 09:30"]).tz_localize("UTC").tz_convert(LA))
    assert_week(aoristic(start, pd.Series(pd.to_datetime(["2025-11-02 02:30"])), tz=LA), week(d6h1=0.5, d6h2=0.5))


@pytest.mark.parametrize(
    "make",
    [
        list,
        pd.DatetimeIndex,
        lambda times: np.array(times, dtype="datetime64[s]"),
        lambda times: np.array(times, dtype="datetime64[ns]"),
        lambda times: [t.to_pydatetime() for t in times],
        lambda times: [t.to_pydatetime().replace(tzinfo=ZoneInfo(LA)) for t in times],
        lambda times: [t.tz_localize(LA).tz_convert(dt.timezone(dt.timedelta(hours=h))) for h, t in enumerate(times)],
        lambda times: pd.Series(times).astype("timestamp[us][pyarrow]"),
    ],
)
def test_kinds_of_datetimes(make):
    start = [pd.Timestamp("2025-09-01 10:30"), pd.Timestamp("2025-12-01 12:00")]
    end = [pd.Timestamp("2025-09-01 11:15"), pd.Timestamp("2025-12-01 12:00")]
    assert_week(aoristic(make(start), make(end), tz=LA), week(d0h10=2 / 3, d0h11=1 / 3, d0h12=1))


def test_a_zone_may_be_given_as_a_zone():
    start, end = [pd.Timestamp("2025-09-01 10:30")], [pd.NaT]
    np.testing.assert_array_equal(aoristic(start, end, tz=ZoneInfo(LA)), aoristic(start, end, tz=LA))


def test_nothing_is_spread_as_nothing():
    assert_week(aoristic([], [], tz=LA), np.zeros((7, 24)))


def test_incidents_may_count_more_or_less():
    start = pd.to_datetime(["2025-09-01 10:30", "2025-09-02 08:00"])
    end = pd.to_datetime(["2025-09-01 11:15", None])
    assert_week(aoristic(start, end, tz=LA, weights=[3, 0.25]), week(d0h10=2, d0h11=1, d1h8=0.25))


def test_the_shortest_ranges_keep_their_weight():
    # A microsecond before and one after eleven o'clock.
    found = spread(*[("2025-09-01 10:59:59.999999", "2025-09-01 11:00:00.000001")] * 100)
    assert_week(found, week(d0h10=50, d0h11=50))


MOMENTS = st.datetimes(dt.datetime(2008, 1, 1), dt.datetime(2027, 12, 31))  # noqa: DTZ001
LENGTHS = st.timedeltas(dt.timedelta(days=-2), dt.timedelta(weeks=3)) | st.none()


@given(
    st.lists(st.tuples(MOMENTS, LENGTHS), min_size=1, max_size=20),
    st.sampled_from(ZONES),
    st.sampled_from([None, "UTC", "Asia/Tokyo"]),
)
@example([(dt.datetime(2025, 3, 9, 2, 30), None)], LA, None)  # noqa: DTZ001
@settings(max_examples=150)
def test_weights_add_up_to_the_incidents(ranges, zone, given_in):
    start = pd.Series([pd.Timestamp(moment) for moment, _ in ranges])
    end = pd.Series([pd.NaT if length is None else moment + length for moment, length in ranges], dtype=start.dtype)
    if given_in is not None:
        start, end = start.dt.tz_localize(given_in), end.dt.tz_localize(given_in)
    found = aoristic(start, end, tz=zone)
    assert found.sum() == pytest.approx(len(ranges), rel=1e-9)
    assert (found >= 0).all()


def by_the_minute(start, end, zone):
    minutes = pd.date_range(start, end, freq="min", inclusive="left").tz_convert(zone)
    cells = minutes.day_of_week.to_numpy() * 24 + minutes.hour.to_numpy()
    return (np.bincount(cells, minlength=168) / len(minutes)).reshape(7, 24)


# Minutes from 2025-01-01, at most three weeks long; half of them begin in the week before a change of the clock.
NEAR = [dt.datetime(2025, *day) for day in ((3, 2), (3, 24), (3, 31), (9, 29), (10, 20), (10, 27))]  # noqa: DTZ001
FROM = st.builds(
    lambda day, minutes: pd.Timestamp(day) + pd.Timedelta(minutes=minutes),
    st.sampled_from(NEAR) | st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2025, 12, 1)).map(dt.datetime.date),  # noqa: DTZ001
    st.integers(0, 7 * 1440),
)


@given(st.lists(st.tuples(FROM, st.integers(1, 21 * 1440)), min_size=1, max_size=3), st.sampled_from(ZONES))
@settings(max_examples=60)
def test_as_counted_minute_by_minute(ranges, zone):
    start = pd.DatetimeIndex([moment for moment, _ in ranges]).tz_localize("UTC")
    end = start + pd.to_timedelta([minutes for _, minutes in ranges], unit="min")
    expected = sum(by_the_minute(a, b, zone) for a, b in zip(start, end, strict=True))
    np.testing.assert_allclose(aoristic(start, end, tz=zone), expected, rtol=1e-9, atol=1e-12)


# Of a gap of half an hour pandas does not find the end.
@given(st.lists(FROM, min_size=1, max_size=30), st.sampled_from([z for z in ZONES if z != "Australia/Lord_Howe"]))
@settings(max_examples=60)
def test_local_times_are_taken_as_pandas_takes_them(times, zone):
    naive = pd.DatetimeIndex(times)
    local = naive.tz_localize(zone, ambiguous=np.ones(len(naive), dtype="bool"), nonexistent="shift_forward")
    later = local + pd.Timedelta(minutes=90)
    found = aoristic(naive, later, tz=zone)
    np.testing.assert_allclose(found, aoristic(local, later, tz=zone), rtol=1e-12, atol=0)


def test_the_input_is_left_as_it_was():
    start = pd.Series(pd.to_datetime([None, "2025-09-01 10:30"]))
    end = pd.Series(pd.to_datetime(["2025-09-01 10:30", None]))
    before = start.copy(), end.copy()
    aoristic(start, end, tz=LA)
    pd.testing.assert_series_equal(start, before[0])
    pd.testing.assert_series_equal(end, before[1])


AT = pd.Timestamp("2025-09-01 10:30")


@pytest.mark.parametrize(
    ("start", "end", "options", "message"),
    [
        ([AT, AT], [AT], {}, "same incidents"),
        (pd.Series([AT], index=[1]), pd.Series([AT], index=[2]), {}, "same incidents"),
        (["2025-09-01 10:30"], [AT], {}, "no datetimes"),
        ([1_756_722_600], [AT], {}, "no datetimes"),
        ([AT.date()], [AT], {}, "no datetimes"),
        ([AT, AT.tz_localize("UTC")], [AT, AT], {}, "no datetimes"),
        ([[AT]], [[AT]], {}, "no datetimes"),
        (np.array(["3025-01-01"], dtype="datetime64[s]"), [AT], {}, "no year"),
        ([AT], [AT], {"tz": "Mars/Olympus"}, "time zone"),
        ([AT], [AT], {"weights": [1, 2]}, "one weight"),
        ([AT], [AT], {"weights": [-1]}, "0 or more"),
        ([AT], [AT], {"weights": [np.nan]}, "0 or more"),
    ],
)
def test_input_that_cannot_be_meant_is_named(start, end, options, message):
    with pytest.raises(InputError, match=message):
        aoristic(start, end, **{"tz": LA, **options})


# A week of school: Monday 2025-09-01 is a holiday; high schools begin at 7:00, the others at 8:30; all end at 15:15.
TERMS = [Term(name="Fall", start=dt.date(2025, 9, 1), end=dt.date(2025, 9, 7))]
CALENDAR = CalendarSettings(holidays=("2025-09-01",))
HOURS = HoursSettings(
    start=dt.time(8, 30), end=dt.time(15, 15), levels={"high": Bells(start=dt.time(7), end=dt.time(15, 15))}
)
LEVELS_OF = pd.Series({"001": "high", "002": "elementary", "003": None}, dtype="str")


def test_session_hours_by_hand():
    # Tuesday to Friday, one day each. At 7 the high school; at 8 that and half an hour of two others; from 9 to 15 all
    # three; at 15 a quarter of an hour of three.
    expected = np.zeros((7, 24))
    expected[1:5, 7] = 1
    expected[1:5, 8] = 2
    expected[1:5, 9:15] = 3
    expected[1:5, 15] = 0.75
    assert_week(session_hours(TERMS, CALENDAR, HOURS, LEVELS_OF), expected)
    # 4 days of 8.25 + 6.75 + 6.75 hours.
    assert expected.sum() == 4 * 21.75


def test_session_hours_of_several_terms_count_each_day_once():
    later = Term(name="Late", start=dt.date(2025, 9, 5), end=dt.date(2025, 9, 8))
    found = session_hours([*TERMS, later], CALENDAR, HOURS, LEVELS_OF)
    assert found[:, 10].tolist() == [3, 3, 3, 3, 3, 0, 0]


def test_no_terms_or_no_schools_are_no_hours():
    assert not session_hours([], CALENDAR, HOURS, LEVELS_OF).any()
    assert not session_hours(TERMS, CALENDAR, HOURS, LEVELS_OF[:0]).any()


def test_an_unknown_level_is_named():
    with pytest.raises(InputError, match="kindergarten"):
        session_hours(TERMS, CALENDAR, HOURS, pd.Series(["kindergarten"]))


def incidents_at(*times, has_time=True, **columns):
    at = pd.Series(pd.to_datetime(list(times), format="ISO8601")).dt.tz_localize(LA)
    return pd.DataFrame({"occurred_at": at, "has_time": has_time, "category": "weapons", "school_id": "001", **columns})


def tables_of(incidents):
    return hour_tables(incidents, LEVELS_OF, terms=TERMS, calendar=CALENDAR, hours=HOURS, tz=LA)


def all_hours(incidents):
    found = tables_of(incidents)
    return found[found["by"] == "all"].drop(columns=["by", "group"])


def test_incidents_without_a_time_of_day_are_left_out():
    incidents = incidents_at("2025-09-02 10:00", "2025-09-02", has_time=[True, False])
    kept, left_out = timed_incidents(incidents)
    assert kept.index.tolist() == [0]
    assert left_out == 1
    table = all_hours(incidents)
    assert table["incidents"].sum() == 1
    assert table.loc[table["hour"] == 0, "incidents"].sum() == 0


def test_a_pile_at_midnight_is_left_out_and_never_a_hotspot():
    daytime = ["2025-09-02 10:00", "2025-09-02 00:00:01", "2025-09-03 23:00"]
    kept, left_out = timed_incidents(incidents_at(*daytime, *["2025-09-03 00:00"] * 12))
    assert (len(kept), left_out) == (3, 12)
    # Nine are no pile, nor are twelve where the full hours around have as many.
    assert timed_incidents(incidents_at(*["2025-09-03 00:00"] * 9))[1] == 0
    around = [f"2025-09-03 {hour:02d}:00" for hour in (22, 23, 1, 2) for _ in range(5)]
    assert timed_incidents(incidents_at(*around, *["2025-09-03 00:00"] * 12))[1] == 0


def test_midnight_is_recognized_by_the_clock_of_the_district():
    incidents = incidents_at(*["2025-09-03 00:00"] * 12)
    utc = incidents.assign(occurred_at=incidents["occurred_at"].dt.tz_convert("UTC"))
    assert timed_incidents(utc)[1] == 0
    assert timed_incidents(utc, tz=LA)[1] == 12


def test_rates_are_over_hours_in_session():
    incidents = incidents_at("2025-09-02 10:30", "2025-09-02 12:00", "2025-09-06 10:00")
    ends = pd.to_datetime(["2025-09-02 11:15", None, None])
    incidents = incidents.assign(occurred_to=pd.Series(ends).dt.tz_localize(LA))
    table = all_hours(incidents)
    assert table.columns.tolist() == ["weekday", "hour", "incidents", "school_hours", "rate_per_1000_h"]
    assert len(table) == 168
    cells = table.set_index(["weekday", "hour"])
    # Tuesday at 10: two thirds of an incident in three school-hours.
    np.testing.assert_allclose(cells.loc[(1, 10)], [2 / 3, 3, 2000 / 9])
    np.testing.assert_allclose(cells.loc[(1, 12)], [1, 3, 1000 / 3])
    np.testing.assert_allclose(cells.loc[(2, 12)], [0, 3, 0])
    # Saturday: the incident is there, a rate is not.
    np.testing.assert_allclose(cells.loc[(SAT, 10)], [1, 0, np.nan])
    assert table["incidents"].sum() == pytest.approx(3)


def test_tables_by_category_and_level_hold_the_same_incidents():
    incidents = incidents_at(
        "2025-09-02 10:30",
        "2025-09-03 07:30",
        "2025-09-04 12:00",
        "2025-09-05 12:00",
        "2025-09-05",
        has_time=[True, True, True, True, False],
        category=["weapons", "intruder", "weapons", "assault_battery", "weapons"],
        school_id=["001", "001", "003", None, "001"],
    )
    found = tables_of(incidents)
    groups = found.groupby(["by", "group"], sort=False)[["incidents", "school_hours"]].sum()
    assert groups.index.tolist() == [
        ("all", "all"),
        ("category", "assault_battery"),
        ("category", "weapons"),
        ("category", "intruder"),
        ("level", "elementary"),
        ("level", "high"),
        ("level", "other"),
        ("level", "no_level"),
    ]
    assert groups["incidents"].tolist() == [4, 1, 2, 1, 0, 2, 1, 1]
    # 4 days: high 8.25 hours, the others 6.75 each.
    assert groups["school_hours"].tolist() == [87, 87, 87, 87, 27, 33, 27, 0]
    high = found[(found["group"] == "high") & (found["weekday"] == 2) & (found["hour"] == 7)]
    assert high["rate_per_1000_h"].tolist() == [1000]
    assert found.columns.tolist()[:4] == ["by", "group", "weekday", "hour"]


def test_a_pile_at_midnight_is_one_pile_in_all_tables():
    # Twelve at midnight of one category beside 20 at the full hours around of another: no pile in all.
    around = [f"2025-09-03 {hour:02d}:00" for hour in (22, 23, 1, 2) for _ in range(5)]
    category = ["intruder"] * 20 + ["weapons"] * 12
    found = tables_of(incidents_at(*around, *["2025-09-03 00:00"] * 12, category=category))
    assert found.groupby("by")["incidents"].sum().tolist() == pytest.approx([32, 32, 32])


def test_tables_without_incidents():
    found = tables_of(incidents_at("2025-09-02 10:30")[:0])
    assert found["incidents"].sum() == 0
    assert found["group"].unique().tolist() == ["all", "elementary", "high", "other"]


def test_tables_name_what_is_missing_or_wrong():
    incidents = incidents_at("2025-09-02 10:30")
    with pytest.raises(ColumnError, match="has_time"):
        timed_incidents(incidents.drop(columns="has_time"))
    with pytest.raises(ColumnError, match="category"):
        tables_of(incidents.drop(columns="category"))
    with pytest.raises(InputError, match="7 days"):
        checked_week(np.ones((24, 7)), "exposure")
    with pytest.raises(InputError, match="weekday 0 hour 3"):
        checked_week(week(d0h3=-1), "exposure")
    with pytest.raises(InputError, match="one level"):
        hour_tables(incidents, pd.concat([LEVELS_OF, LEVELS_OF]), terms=TERMS, calendar=CALENDAR, hours=HOURS, tz=LA)
