"""Times of an export: dates are no moments in any column, and no date is read two ways."""

import pandas as pd
import pytest

from safeschools_geo import io
from safeschools_geo.district._incident_times import read_times
from safeschools_geo.district._settings_file import settings_from
from safeschools_geo.errors import InputError
from safeschools_geo.sections import TIME_COLUMNS

DAYS = pd.date_range("2025-01-10", periods=60, freq="5D")
MOMENTS = [f"{day:%Y-%m-%d} {n % 24:02}:{n % 60:02}" for n, day in enumerate(DAYS)]
MIDNIGHTS = [str(ms) for ms in DAYS.as_unit("ms").astype("int64")]


def read(tmp_path, columns, /, **options):
    path = tmp_path / "cad.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    table = {"district": {"name": "A", "time_zone": "America/Los_Angeles"}, "incidents": options}
    raw = io.read_table(path)
    rows = pd.Series(data=True, index=raw.frame.index)
    return read_times(raw, rows, settings_from(table, folder=tmp_path, where=""))


def said(times):
    return {finding.code: finding for finding in times.findings}


@pytest.mark.parametrize("name", TIME_COLUMNS[1:])
def test_a_date_in_any_other_column_is_missing_and_said(tmp_path, name):
    times = read(tmp_path, {"occurred_at": MOMENTS, name: MIDNIGHTS})
    assert times.others[name].isna().all()
    assert "All 60 values" in said(times)[f"{name}_means_date"].message
    some = [*MOMENTS[:48], *DAYS[48:].strftime("%Y-%m-%d")]
    times = read(tmp_path, {"occurred_at": MOMENTS, name: some})
    assert times.others[name].notna().sum() == 48
    finding = said(times)[f"{name}_date_only"]
    assert finding.message.startswith("12 of 60 values")
    assert len(finding.ids) == 12


def test_midnights_in_utc_are_the_days_they_name(tmp_path):
    times = read(tmp_path, {"occurred_at": MIDNIGHTS})
    assert times.occurred.at.dt.tz_localize(None).tolist() == list(DAYS)
    assert not times.occurred.has_time.any()
    message = said(times)["occurred_at_means_date"].message
    assert message == (
        "All 60 values of occurred_at in cad.csv that have a time of day are at 00:00 UTC: they are dates, and each is "
        "the day that it names, its time of day unknown."
    )


def test_midnights_that_are_said_to_be_real_are_moments(tmp_path):
    times = read(tmp_path, {"occurred_at": MIDNIGHTS}, time_of_day={"occurred_at": "known"})
    assert times.occurred.has_time.all()
    assert not times.findings


def test_one_time_of_day_is_an_error_in_any_column_until_a_setting_decides(tmp_path):
    noon = [f"{day:%Y-%m-%d} 12:00" for day in DAYS]
    for name in TIME_COLUMNS:
        columns = {"occurred_at": MOMENTS, name: noon}
        with pytest.raises(InputError, match="Nearly all values have one time of day, 12:00:00") as caught:
            read(tmp_path, columns)
        assert caught.value.found == "60 of 60 values at 12:00:00"
        assert f'{name} = "unknown" under [incidents.time_of_day]' in caught.value.remedy
        assert read(tmp_path, columns, time_of_day={name: "known"}).findings == ()
        dates = read(tmp_path, columns, time_of_day={name: "unknown"})
        assert list(said(dates)) == [f"{name}_means_date"]


def test_an_unknown_column_of_times_is_no_setting(tmp_path):
    with pytest.raises(InputError, match="time_of_day"):
        read(tmp_path, {"occurred_at": MOMENTS}, time_of_day={"happened": "known"})


DAY_FIRST = [f"{day:%d/%m/%Y} 10:{n:02}" for n, day in enumerate(DAYS)]
ONLY_DAY = int((DAYS.day > 12).sum())


@pytest.mark.parametrize("name", TIME_COLUMNS)
def test_dates_with_the_day_first_are_an_error_that_names_the_setting(tmp_path, name):
    columns = {"occurred_at": MOMENTS, name: DAY_FIRST}
    with pytest.raises(InputError, match="day first, and the settings do not say so") as caught:
        read(tmp_path, columns)
    error = caught.value
    assert error.found.startswith(
        f"{ONLY_DAY} of 60 dates exist only with the day first; {60 - ONLY_DAY} could be either"
    )
    assert error.remedy == "Set day_first = true under [incidents] in district.toml."
    assert len(error.ids) == ONLY_DAY
    times = read(tmp_path, columns, day_first=True)
    moments = times.occurred.at if name == "occurred_at" else times.others[name]
    assert moments.dt.strftime("%d/%m/%Y %H:%M").tolist() == DAY_FIRST
    with pytest.raises(InputError, match="the settings say day_first = false"):
        read(tmp_path, columns, day_first=False)


def test_a_setting_that_the_calendar_contradicts_is_an_error(tmp_path):
    month_first = [f"{day:%m/%d/%y} 10:{n:02}" for n, day in enumerate(DAYS)]
    assert read(tmp_path, {"occurred_at": month_first}).findings == ()
    with pytest.raises(InputError, match="month first, and the settings say day_first = true") as caught:
        read(tmp_path, {"occurred_at": month_first}, day_first=True)
    assert "day_first = false" in caught.value.remedy


def test_two_orders_in_one_column_are_an_error_until_a_setting_decides(tmp_path):
    both = [*DAY_FIRST[:40], "12/31/2025 10:00", "01/30/2025 10:30"]
    with pytest.raises(InputError, match="two orders") as caught:
        read(tmp_path, {"occurred_at": both})
    assert "12/31/2025 10:00 (row 41)" in caught.value.found
    times = read(tmp_path, {"occurred_at": both}, day_first=True)
    assert times.occurred.fault.dropna().to_dict() == {41: "unreadable_time", 42: "unreadable_time"}


def test_dates_that_could_all_be_either_are_said(tmp_path):
    either = [f"3/{day}/2025 10:{day:02}" for day in range(1, 13)]
    times = read(tmp_path, {"occurred_at": either})
    finding = said(times)["occurred_at_order_not_known"]
    assert finding.message.startswith("11 of 12 dates of occurred_at in cad.csv could have the day or the month first")
    assert times.occurred.at.dt.month.eq(3).all()
    assert read(tmp_path, {"occurred_at": either}, day_first=False).findings == ()


def test_times_of_day_take_the_day_of_their_call_or_the_next(tmp_path):
    calls = ["2025-10-27 14:47", "2025-10-27 23:50", "2025-10-27 14:47", "2025-10-27 14:47"]
    dispatched = ["14:49:00", "0:10", "14:46", "(null)"]
    times = read(tmp_path, {"occurred_at": calls, "dispatched_at": dispatched})
    got = times.others["dispatched_at"].dt.strftime("%Y-%m-%d %H:%M").tolist()
    assert got[:2] == ["2025-10-27 14:49", "2025-10-28 00:10"]
    assert times.others["dispatched_at"].isna().tolist() == [False, False, True, True]
    finding = said(times)["dispatched_at_of_day"]
    assert "of the next where it is earlier. 1 value less than an hour before the call" in finding.message
    assert finding.ids == ("row 3",)


@pytest.mark.parametrize("clocks", [["14:47", "0:05"], ["1447", "5"], ["2:47 PM", "12:05 AM"], ["144700", "000500"]])
def test_a_date_and_a_time_of_day_are_joined_whatever_the_clock_looks_like(tmp_path, clocks):
    columns = {"day": ["2025-10-27 00:00:00", "2025-10-28"], "clock": clocks}
    times = read(tmp_path, columns, columns={"occurred_at": ["day", "clock"]})
    assert times.occurred.at.dt.strftime("%d %H:%M").tolist() == ["27 14:47", "28 00:05"]


def test_dates_that_a_spreadsheet_has_taken_in_part_are_refused(tmp_path):
    columns = {"occurred_at": ["27/10/2025 14:47", "28/10/2025 14:47", "29/10/2025 14:47", "45355.5"]}
    with pytest.raises(InputError, match="day and month may be swapped") as caught:
        read(tmp_path, columns, day_first=True)
    assert "1 as a day number of Excel's, for example 45355.5 (row 4)" in caught.value.found
    times = read(tmp_path, columns, time_format="%d/%m/%Y %H:%M")
    assert times.occurred.fault.dropna().to_dict() == {4: "unreadable_time"}


def test_several_ways_of_writing_in_one_column_are_counted_and_shown(tmp_path):
    times = read(tmp_path, {"occurred_at": ["2025-03-14 10:00", "2025-03-15 11:00", "16-Mar-2025 12:00"]})
    message = said(times)["occurred_at_mixed"].message
    assert "2 as 2025-03-04, for example 2025-03-14 10:00 (row 1); 1 as 4-Mar-2025" in message


ISO = [f"2025-{month:02}-{day:02} 10:00" for month, day in ((1, 5), (2, 9), (3, 11), (4, 12), (5, 2))]


def test_dates_read_in_part_by_a_program_are_refused_until_formats_are_said(tmp_path):
    left = ["27/10/2025 14:47", "28/10/2025 14:47", "29/10/2025 14:47", "13/10/2025 9:00", "31/10/2025 9:00"]
    with pytest.raises(InputError, match="read by a program") as caught:
        read(tmp_path, {"occurred_at": [*ISO, *left]}, day_first=True)
    assert "5 as 2025-03-04, for example 2025-01-05 10:00 (row 1)" in caught.value.found
    formats = ["%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M"]
    times = read(tmp_path, {"occurred_at": [*ISO, *left, "Oct 3, 2025 9:00"]}, time_format=formats)
    assert times.occurred.at.dt.strftime("%d %b").tolist()[:6] == [
        "05 Jan",
        "09 Feb",
        "11 Mar",
        "12 Apr",
        "02 May",
        "27 Oct",
    ]
    assert times.occurred.fault.dropna().to_dict() == {11: "unreadable_time"}
    finding = said(times)["occurred_at_mixed"]
    assert finding.severity == "note"
    assert "5 as %Y-%m-%d %H:%M" in finding.message
    assert "5 as %d/%m/%Y %H:%M" in finding.message


def test_a_mixture_of_which_nothing_says_the_order_is_refused(tmp_path):
    mixed = [*ISO, "2025-06-28 10:00", "3/4/2025 10:00"]
    with pytest.raises(InputError, match="nothing says whether the day or the month") as caught:
        read(tmp_path, {"occurred_at": mixed})
    assert "1 as 3/4/2025, for example 3/4/2025 10:00 (row 7)" in caught.value.found
    for day_first, month in ((True, 4), (False, 3)):
        assert read(tmp_path, {"occurred_at": mixed}, day_first=day_first).occurred.at.dt.month.tolist()[-1] == month


@pytest.mark.parametrize("more", ["3/14/2025 10:00", "14-Mar-2025 10:00", "5/5/2025 10:00"])
def test_a_mixture_that_can_be_read_one_way_only_is_read_and_counted(tmp_path, more):
    times = read(tmp_path, {"occurred_at": [*ISO, "2025-06-28 10:00", more]})
    assert times.occurred.fault.isna().all()
    assert said(times)["occurred_at_mixed"].severity == "warning"


def test_a_format_that_fits_no_value_is_said(tmp_path):
    times = read(tmp_path, {"occurred_at": ISO}, time_format="%d.%m.%Y %Hh%M")
    assert times.occurred.fault.isna().all()
    assert "is written as time_format says" in said(times)["occurred_at_not_by_format"].message


@pytest.mark.parametrize("tag", ["Z", "-07:00", " PDT"])
def test_offsets_in_some_rows_only_are_said(tmp_path, tag):
    some = [f"{moment}{tag}" if n < 20 else moment for n, moment in enumerate(MOMENTS)]
    finding = said(read(tmp_path, {"occurred_at": some}))["occurred_at_offset_mixed"]
    assert finding.message.startswith("20 of 60 times of occurred_at in cad.csv with an offset from UTC")
    assert finding.message.endswith("taken as local.")
    assert len(finding.ids) == 40
    assert said(read(tmp_path, {"occurred_at": some}, times="utc"))["occurred_at_offset_mixed"].message.endswith("UTC.")
    assert "occurred_at_offset_mixed" not in said(read(tmp_path, {"occurred_at": some}, times="local_tagged_utc"))


def test_offsets_in_every_row_or_beside_dates_alone_are_no_fault(tmp_path):
    every = [f"{moment}Z" for moment in MOMENTS]
    assert "occurred_at_offset_mixed" not in said(read(tmp_path, {"occurred_at": every}))
    dates = [f"{moment}Z" if n < 20 else moment[:10] for n, moment in enumerate(MOMENTS)]
    assert "occurred_at_offset_mixed" not in said(read(tmp_path, {"occurred_at": dates}))


def test_durations_are_no_times_of_day_until_a_setting_says_so(tmp_path):
    calls = [f"2025-09-{n:02} 1{n % 5}:00" for n in range(1, 11)]
    minutes = [f"00:0{n % 8}:30" for n in range(10)]
    with pytest.raises(InputError, match="look like durations") as caught:
        read(tmp_path, {"occurred_at": calls, "arrived_at": minutes})
    assert caught.value.found.startswith("10 of 10")
    assert 'arrived_at = ""' in caught.value.remedy
    times = read(tmp_path, {"occurred_at": calls, "arrived_at": minutes}, time_of_day={"arrived_at": "known"})
    assert times.others["arrived_at"].dt.strftime("%m-%d %H:%M:%S").iloc[0] == "09-02 00:00:30"


def test_arrivals_after_midnight_are_no_durations(tmp_path):
    calls = [*(f"2025-09-{n:02} 10:00" for n in range(1, 9)), "2025-09-09 23:50", "2025-09-10 23:55"]
    times = read(tmp_path, {"occurred_at": calls, "arrived_at": ["10:05"] * 8 + ["00:04", "00:02"]})
    assert times.others["arrived_at"].dt.day.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 10, 11]


def test_placeholders_in_other_columns_are_named_apart_from_what_cannot_be_read(tmp_path):
    arrived = ["1/1/1900 12:00:00 AM", "soon", *MOMENTS[2:]]
    found = said(read(tmp_path, {"occurred_at": MOMENTS, "arrived_at": arrived}))
    assert found["arrived_at_placeholder"].ids == ("row 1",)
    assert found["arrived_at_unreadable"].ids == ("row 2",)
    assert "such as soon" in found["arrived_at_unreadable"].message
