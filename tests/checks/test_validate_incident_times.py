"""Times that cannot be, or that stand for something else."""

import datetime as dt

import pandas as pd
import pytest
import town

from safeschools_geo.checks._incidents import check_hours, check_midnight, check_order, check_terms
from safeschools_geo.settings import Term

FALL = Term(name="Fall", start=dt.date(2025, 9, 1), end=dt.date(2025, 12, 19))
SPRING = Term(name="Spring", start=dt.date(2026, 1, 12), end=dt.date(2026, 5, 29))
TODAY = dt.date(2026, 7, 1)


def local(*texts):
    return pd.Series(pd.to_datetime(pd.Series(texts, dtype="str"), format="mixed")).dt.tz_localize(town.ZONE)


def history(*texts, **columns):
    at = local(*texts)
    ids = [f"I{i}" for i in range(len(at))]
    return pd.DataFrame({"incident_id": ids, "occurred_at": at, "has_time": True, **columns})


def every_day(first, last):
    return [str(day.date()) + " 10:00" for day in pd.date_range(first, last)]


def test_moments_in_order_are_fine_and_may_be_equal_or_missing():
    incidents = history(
        *["2025-09-03 10:00"] * 2,
        received_at=local("2025-09-03 10:00", "2025-09-03 10:00"),
        dispatched_at=local("2025-09-03 10:00", None),
        arrived_at=local("2025-09-03 10:05", None),
        cleared_at=local("2025-09-03 10:30", "2025-09-03 10:01"),
        occurred_to=local("2025-09-03 10:00", None),
    )
    assert check_order(incidents) == []
    assert check_order(history("2025-09-03")) == []


def test_moments_out_of_order_are_counted_by_pair():
    incidents = history(
        *["2025-09-03 10:00"] * 3,
        received_at=local("2025-09-03 10:02", "2025-09-03 10:00", "2025-09-03 10:00"),
        dispatched_at=local("2025-09-03 10:01", None, "2025-09-03 10:01"),
        arrived_at=local("2025-09-03 10:03", "2025-09-03 10:03", "2025-09-03 10:03"),
        cleared_at=local("2025-09-03 10:30", "2025-09-03 09:30", None),
    )
    (finding,) = check_order(incidents)
    assert (finding.severity, finding.code, finding.ids) == ("warning", "times_out_of_order", ("I0", "I1"))
    assert "dispatched_at before received_at: 1, cleared_at before received_at: 1, cleared_at before arrived_at: 1" in (
        finding.message
    )


def test_a_span_that_ends_before_it_begins():
    incidents = history(*["2025-09-03 10:00"] * 2, occurred_to=local("2025-09-03 09:00", "2025-09-03 11:00"))
    (finding,) = check_order(incidents)
    assert (finding.code, finding.ids) == ("span_reversed", ("I0",))


def test_clocks_that_go_back_do_not_reverse_a_call():
    # 01:50 in daylight time is half an hour before 01:20 in standard time.
    first, second = pd.to_datetime(["2025-11-02 08:50Z", "2025-11-02 09:20Z"]).tz_convert(town.ZONE)
    assert first.hour == second.hour == 1
    incidents = history("2025-11-02 00:30", received_at=[first], cleared_at=[second])
    assert check_order(incidents) == []


@pytest.mark.parametrize(("dated", "severity"), [(0, None), (20, "note"), (21, "warning")])
def test_dates_without_a_time_are_counted(dated, severity):
    incidents = history(*["2025-09-03"] * 100).assign(has_time=[i >= dated for i in range(100)])
    findings = check_hours(incidents)
    assert [f.severity for f in findings] == ([severity] if severity else [])
    assert [len(f.ids) for f in findings] == ([dated] if severity else [])


def at_hours(**counts):
    return history(*(f"2025-09-03 {hour[1:]}:00" for hour, n in counts.items() for _ in range(n)))


def test_midnight_that_stands_for_unknown():
    # Hours around midnight have 2 each, so that up to 6 are usual, and at least 10 are a pile.
    usual = {"h22": 2, "h23": 2, "h01": 2, "h02": 2}
    assert check_midnight(at_hours(**usual, h00=9)) == []
    (finding,) = check_midnight(at_hours(**usual, h00=10))
    assert (finding.severity, finding.code, len(finding.ids)) == ("warning", "midnight_pile_up", 10)
    assert finding.ids[0] == "I8"
    assert "midnight_is_unknown = true" in finding.remedy


def test_a_habit_of_writing_full_hours_is_no_pile():
    assert check_midnight(at_hours(h22=10, h23=10, h00=30, h01=10, h02=10)) == []
    assert len(check_midnight(at_hours(h22=10, h23=10, h00=31, h01=10, h02=10))) == 1


def test_a_minute_past_midnight_and_dates_alone_are_not_midnight():
    assert check_midnight(history(*["2025-09-03 00:01"] * 50)) == []
    assert check_midnight(history(*["2025-09-03"] * 50).assign(has_time=False)) == []


def test_terms_with_incidents_on_every_day_are_fine():
    days = [*every_day("2025-09-01", "2025-12-19"), *every_day("2026-01-12", "2026-05-29")]
    assert check_terms(history(*days), (FALL, SPRING), today=TODAY) == []


@pytest.mark.parametrize(
    ("today", "severity"), [(TODAY, "error"), (SPRING.start, "error"), (dt.date(2026, 1, 11), "note")]
)
def test_a_term_that_has_begun_and_has_no_incidents_is_an_error(today, severity):
    fall = history(*every_day("2025-09-01", "2025-12-19"))
    (finding,) = check_terms(fall, (FALL, SPRING), today=today)
    assert (finding.severity, finding.code, finding.ids) == (severity, "term_without_incidents", ("Spring",))
    assert finding.expected == "incidents from 2026-01-12 to 2026-05-29"
    assert "it runs from 2025-09-01 to 2025-12-19" in finding.message


def test_a_term_between_others_needs_no_calendar_to_be_missed():
    found = check_terms(history(*every_day("2026-01-12", "2026-05-29")), (FALL, SPRING), today=dt.date(2025, 1, 1))
    assert [(f.severity, f.ids) for f in found if f.code == "term_without_incidents"] == [("error", ("Fall",))]


def test_a_term_that_falls_silent():
    (finding,) = check_terms(history(*every_day("2025-09-01", "2025-11-19")), (FALL,), today=TODAY)
    assert (finding.code, finding.ids) == ("term_partly_silent", ("Fall",))
    assert finding.message == "The term Fall ends with 30 days without incidents; the rest has 80."
    (finding,) = check_terms(history(*every_day("2025-10-01", "2025-12-19")), (FALL,), today=TODAY)
    assert "begins with 30 days" in finding.message


def test_a_few_incidents_leave_silence_by_chance():
    # Two incidents miss the last 59 of 110 days with probability (51/110)² = 0.2.
    assert check_terms(history("2025-09-01", "2025-10-21"), (FALL,), today=TODAY) == []
    # Sixty incidents miss the last 13 days hardly ever, but a holiday is as long.
    assert check_terms(history(*every_day("2025-09-01", "2025-12-06")), (FALL,), today=TODAY) == []


def test_incidents_outside_the_terms_are_counted_by_where_they_lie():
    days = [*every_day("2025-09-01", "2025-12-19"), *every_day("2026-01-12", "2026-05-29")]
    outside = ["2025-08-31 23:59", "2025-12-20", "2026-01-11 23:59", "2026-05-30"]
    (finding,) = check_terms(history(*outside, *days), (FALL, SPRING), today=TODAY)
    assert (finding.severity, finding.code) == ("note", "incident_outside_terms")
    assert finding.ids == ("I0", "I1", "I2", "I3")
    assert finding.message.endswith("1 before the first, 2 between two, 1 after the last.")


@pytest.mark.parametrize(
    ("date", "is_odd"),
    [("2027-05-30", False), ("2027-06-01", True), ("1995-09-02", False), ("1995-08-31", True), ("2205-03-01", True)],
)
def test_dates_are_judged_by_the_terms_and_not_by_today(date, is_odd):
    days = [*every_day("2025-09-01", "2025-12-19"), *every_day("2026-01-12", "2026-05-29"), date]
    found = {f.code: f for f in check_terms(history(*days), (FALL, SPRING), today=TODAY)}
    assert ("incident_date_unlikely" in found) is is_odd
    if is_odd:
        assert found["incident_date_unlikely"].ids == (f"I{len(days) - 1}",)
        assert date in found["incident_date_unlikely"].message


def test_settings_without_a_term_are_a_warning():
    (finding,) = check_terms(history("2025-09-03"), (), today=TODAY)
    assert (finding.code, finding.table) == ("no_terms", "settings")
