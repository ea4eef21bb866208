"""When school is in session, from the files that a district keeps: its calendar, and the bells of its schools."""

import datetime as dt

import openpyxl
import pandas as pd
import pytest
import town

import safeschools_geo as ssg
from safeschools_geo.district import load_settings
from safeschools_geo.district._program_work import unknown_ids, with_school_time
from safeschools_geo.errors import FileReadError

EVENTS = [
    ("20250901", "20250902", "Labor Day - No School", ""),
    ("20251124", "20251129", "Thanksgiving Break", ""),
    ("20251219", "20251220", "Minimum Day", ""),
    ("20250903", "20250904", "Early Release", "RRULE:FREQ=WEEKLY;COUNT=3\n"),
    ("20251010", "20251011", "Picture day", ""),
]


def ics():
    events = [
        f"BEGIN:VEVENT\nUID:{n}\nDTSTART;VALUE=DATE:{start}\nDTEND;VALUE=DATE:{end}\nSUMMARY:{name}\n{rule}END:VEVENT\n"
        for n, (start, end, name, rule) in enumerate(EVENTS)
    ]
    text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n" + "".join(events) + "END:VCALENDAR\n"
    return text.replace("\n", "\r\n")


def settings_of(folder, more):
    text = f'[district]\nname = "Ours"\ntime_zone = "America/Los_Angeles"\n{more}'
    (folder / "district.toml").write_text(text, encoding="utf-8")
    return load_settings(folder)


def test_a_calendar_gives_holidays_and_minimum_days_and_lists_what_it_leaves_out(tmp_path):
    (tmp_path / "school.ics").write_text(ics(), encoding="utf-8", newline="")
    read, (finding,), files = with_school_time(settings_of(tmp_path, '[calendar]\nfile = "school.ics"\n'))
    week = [f"2025-11-{day}" for day in range(24, 29)]
    assert read.calendar.holidays == ("2025-09-01", *week)
    assert read.calendar.minimum_days == ("2025-09-03", "2025-09-10", "2025-09-17", "2025-12-19")
    assert "6 days without school and 4 minimum days; 1 event says neither: Picture day." in finding.message
    assert [path.name for path in files] == ["school.ics"]


def test_bells_by_school_come_from_a_file_and_the_settings_go_before_it(tmp_path):
    (tmp_path / "bells.csv").write_text(
        "school_id,start,end,minimum_day_end\n0101,8:05,2:45 PM,12:10\n0102,09:00,15:30,\n", encoding="utf-8"
    )
    own = '[hours.schools.0102]\nstart = "08:30"\nend = "15:00"\n'
    more = f'[hours]\nfile = "bells.csv"\nearly_release_end = "13:30"\n{own}'
    read, _, _ = with_school_time(settings_of(tmp_path, more))
    assert read.hours.of("middle", "0101").end_on("whole") == dt.time(14, 45)
    assert read.hours.of("middle", "0101").end_on("minimum_day") == dt.time(12, 10)
    assert read.hours.of("middle", "0101").end_on("early_release") == dt.time(13, 30)
    assert read.hours.of("middle", "0102").start == dt.time(8, 30)
    assert read.hours.of("middle", "0103").end == dt.time(15, 30)


def test_a_bell_schedule_is_read_as_the_district_keeps_it(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["notes", "of the office"])
    sheet = book.create_sheet("Bells")
    for row in [
        ["Bell schedule 2025-26"],
        ["Site", "First bell", "Last bell", "Min"],
        ["0101", dt.time(8, 5), "1445 hrs", None],
        ["0102", "8:30 a.m.", 0.625, "12:10 PM"],
    ]:
        sheet.append(row)
    book.save(tmp_path / "bells.xlsx")
    columns = 'columns = { school_id = "Site", start = "First bell", end = "Last bell", minimum_day_end = "Min" }'
    more = f'[hours.file]\nfile = "bells.xlsx"\nsheet = "Bells"\nheader_row = 2\n{columns}\n'
    read, _, (path,) = with_school_time(settings_of(tmp_path, more))
    assert path.name == "bells.xlsx"
    first, second = (read.hours.schools[school] for school in ("0101", "0102"))
    assert (first.start, first.end, first.minimum_day_end) == (dt.time(8, 5), dt.time(14, 45), None)
    assert (second.start, second.end, second.minimum_day_end) == (dt.time(8, 30), dt.time(15), dt.time(12, 10))


def test_hours_of_ids_that_a_spreadsheet_changed_stop_the_run(tmp_path):
    more = '[hours.schools.101]\nstart = "08:30"\nend = "15:00"\n'
    settings = settings_of(tmp_path, more)
    zones = pd.DataFrame({"zone_id": ["A"]})
    (finding,) = unknown_ids(settings, pd.DataFrame({"school_id": ["0101"]}, dtype="str"), zones, None)
    assert finding.is_blocking
    assert finding.ids == ("101",)
    (finding,) = unknown_ids(settings, pd.DataFrame({"school_id": ["0102"]}, dtype="str"), zones, None)
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("0101,15:00,8:00\n", "row 1"),
        ("0101,soon,15:00\n", "row 1"),
        ("0101,8:00,\n", "row 1"),
        ("0101,8:00,15:00\n0101,8:10,15:00\n", "row 2"),
    ],
)
def test_hours_that_cannot_be_read_are_named(tmp_path, rows, said):
    (tmp_path / "bells.csv").write_text("school_id,start,end\n" + rows, encoding="utf-8")
    with pytest.raises(FileReadError, match=said):
        with_school_time(settings_of(tmp_path, '[hours]\nfile = "bells.csv"\n'))


def test_files_that_are_not_there_or_no_calendar_are_named(tmp_path):
    with pytest.raises(FileReadError, match="no such file"):
        with_school_time(settings_of(tmp_path, '[calendar]\nfile = "none.ics"\n'))
    (tmp_path / "none.ics").write_text("BEGIN:VEVENT\nnonsense", encoding="utf-8")
    with pytest.raises(FileReadError, match="cannot be read"):
        with_school_time(settings_of(tmp_path, '[calendar]\nfile = "none.ics"\n'))


def work_of(district):
    settings = district.settings
    when = {"terms": settings.terms, "calendar": settings.calendar, "hours": settings.hours}
    return ssg.program_work(district.incidents, district.schools, **when)["reason"]


def test_a_call_after_an_early_dismissal_is_patrol_s(tmp_path):
    folder = town.write_town(tmp_path)
    plain = ssg.read_district(folder)
    times = plain.incidents["occurred_at"]
    before = work_of(plain)
    last = times[before == "program_work"].sort_values(key=lambda at: at.dt.hour).iloc[-1]
    more = f'[calendar]\nminimum_days = ["{last:%Y-%m-%d}"]\n[hours]\nminimum_day_end = "{last.hour:02d}:00"\n'
    toml = (folder / "district.toml").read_text("utf-8")
    for part in more.split("\n[hours]\n"):
        name, line = ("[calendar]", part.removeprefix("[calendar]\n")) if "[calendar]" in part else ("[hours]", part)
        toml = toml.replace(f"{name}\n", f"{name}\n{line}\n") if f"{name}\n" in toml else f"{toml}\n{name}\n{line}\n"
    (folder / "district.toml").write_text(toml, encoding="utf-8")
    after = work_of(ssg.read_district(folder))
    moved = before.ne(after)
    assert moved.any()
    assert set(after[moved]) == {"outside_hours"}
    assert set(times[moved].dt.date) == {last.date()}
    assert (times[moved].dt.hour >= last.hour).all()


def test_hours_of_a_school_that_there_is_not_are_said(tmp_path):
    folder = town.write_town(tmp_path)
    toml = (folder / "district.toml").read_text("utf-8")
    more = '\n[hours.schools.nowhere]\nstart = "08:00"\nend = "15:00"\n'
    (folder / "district.toml").write_text(toml + more, encoding="utf-8")
    report = ssg.check_district(ssg.read_district(folder))
    (finding,) = [f for f in report.findings if f.code == "hours_unknown_school"]
    assert finding.ids == ("nowhere",)
    assert pd.notna(finding.message)


def codes_of(tmp_path, **changes):
    settings = town.SETTINGS
    for old, new in changes.values():
        assert old in settings
        settings = settings.replace(old, new, 1)
    district = ssg.read_district(town.write_town(tmp_path, settings=settings))
    return {finding.code: finding for finding in district.findings}


def test_days_of_the_calendar_that_change_nothing_are_said(tmp_path):
    # 2025-09-06 is a Saturday, 2024-09-03 in no term; of the last span one day is a school day of the term.
    days = '["2025-09-01", "2025-09-06", "2024-09-03", "2025-08-25/2025-09-01"]'
    found = codes_of(tmp_path, holidays=('["2025-09-01"]', days))["holidays_idle"]
    assert found.severity == "note"
    assert found.ids == ("2025-09-06", "2024-09-03")


@pytest.mark.parametrize(("end", "is_said"), [("", True), ('early_release_end = "13:00"\n', False)])
def test_early_release_without_its_time_is_said(tmp_path, end, is_said):
    wednesdays = ("[calendar]\n", '[calendar]\nearly_release = ["Wed"]\n')
    found = codes_of(tmp_path, days=wednesdays, hours=('end = "15:00"\n', f'end = "15:00"\n{end}'))
    assert ("early_release_without_end" in found) == is_said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[rebalance]\nlocked = ["1"]\n', "[rebalance] locked names 1 school that there is not: 1 (there is 001)."),
        ('[rebalance]\ntogether = [["001", "009"]]\n', "[rebalance] together names 1 school that there is not: 009."),
        ('[rebalance]\nforbidden = [["001", "C"]]\n', "[rebalance] forbidden names 1 zone that there is not: C."),
        (
            '[[patrol_changes]]\nstart = 2025-09-03\nzones = ["a", "D"]\n',
            "[[patrol_changes]] zones names 2 zones that there are not: a (there is A), D.",
        ),
    ],
)
def test_ids_in_the_settings_that_there_are_not_are_an_error(tmp_path, text, said):
    own = text.startswith("[rebalance]")
    settings = town.SETTINGS.replace("[rebalance]\n", text) if own else town.SETTINGS + text
    findings = ssg.read_district(town.write_town(tmp_path, settings=settings)).findings
    (found,) = [finding for finding in findings if finding.code == "settings_unknown_id"]
    assert said in found.message
    assert found.severity == "error"
