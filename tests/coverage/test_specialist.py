"""The specialist's caseload, counted by hand on two short terms."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from small_record import call, record

from safeschools_geo.coverage._staffing import caseload
from safeschools_geo.errors import ColumnError, SettingsError
from safeschools_geo.settings import CalendarSettings, Term, WorkloadSettings

TERMS = [
    Term(name="Fall", start=dt.date(2025, 9, 8), end=dt.date(2025, 9, 19)),
    Term(name="Spring", start=dt.date(2026, 1, 5), end=dt.date(2026, 1, 23)),
]
CALENDAR = CalendarSettings(holidays=("2026-01-19/2026-01-23",))


def case(when, term, **options):
    return call("a", when, category="threat_assessment", work_of="specialist", term=term, **options)


CASES = [
    case("2025-09-08 10:00", "Fall", scene=100.0),
    case("2025-09-13 10:00", "Fall", scene=None),
    *[case(f"2026-01-{day:02d} 10:00", "Spring", scene=90.0) for day in (5, 6, 7)],
    case("2025-12-29 10:00", None),
    call("a", "2026-01-05 10:00"),
]


def load_of(cases, **options):
    options = {"terms": TERMS, "calendar": CALENDAR, "settings": WorkloadSettings(), **options}
    return caseload(record(cases), **options)


def test_cases_weeks_and_hours_by_hand():
    table = load_of(CASES).table.set_index("term")
    assert table["school_days"].tolist() == [10, 10]
    assert table["school_weeks"].tolist() == [2.0, 2.0]
    assert table["cases"].tolist() == [2, 3]
    assert table["cases_per_week"].tolist() == [1.0, 1.5]
    # Fall: 100 measured and 120 assumed; Spring: 90 each.
    assert table["mean_min"].tolist() == [110.0, 90.0]
    assert table["hours_per_week"].tolist() == pytest.approx([110 / 60, 1.5 * 1.5])
    assert table["change_share"].tolist() == pytest.approx([np.nan, 0.5], nan_ok=True)


def test_open_cases_by_littles_law():
    # 3 cases in 10 school days, each open for 10 days: 3 at a time; for 4 days: 1.2.
    assert load_of(CASES).table["open_cases"].tolist() == pytest.approx([2.0, 3.0])
    assert load_of(CASES, open_days=4.0).table["open_cases"].tolist() == pytest.approx([0.8, 1.2])


def test_the_interval_is_garwoods():
    # Ten cases: 4.795 to 18.39, the published limits.
    table = load_of([case("2025-09-08 10:00", "Fall")] * 10).table
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx([4.795 / 2, 18.39 / 2], rel=1e-3)
    # None: 0 to 3.689.
    assert table.loc[1, ["low", "high"]].tolist() == pytest.approx([0.0, 3.689 / 2], rel=1e-3)


def test_nothing_of_others_is_counted_and_nothing_is_lost():
    found = load_of(CASES)
    assert found.outside_terms == 1
    assert found.table["cases"].sum() + found.outside_terms == 6
    assert found.durations.loc["scene"].tolist() == [5, 1, 0]


def test_minutes_that_are_not_believed_are_listed():
    found = load_of([case("2025-09-08 10:00", "Fall", scene=-30.0)])
    assert found.rejects["incident_id"].tolist() == ["c0"]
    assert found.table.loc[0, "mean_min"] == 120.0


def test_the_finding_is_of_the_last_term_and_keeps_cases_apart():
    found = load_of(CASES)
    assert found.finding() == (
        "In Spring 3 threat assessments came, 1.5 in a school week (0.3 to 4.4), which take 2.2 hours a week; if a "
        "case stays open for 10 school days, about 3.0 are open at a time. There are too few cases or terms to tell a "
        "trend. They are the specialist’s, and in no zone’s load."
    )
    assert "measured for 5 cases and assumed for 1" in found.summary()
    assert "1 case came outside the terms." in found.summary()


def test_a_term_without_a_case_is_said_to_be():
    assert load_of(CASES[:2]).finding().startswith("No threat assessment came in Spring.")
    assert (
        load_of(CASES, terms=[]).finding() == "There is no term with a school day to count the specialist’s cases in."
    )


def weekly_terms(counts):
    starts = pd.date_range("2025-09-08", periods=len(counts), freq="7D")
    terms = [Term(name=f"T{i}", start=d.date(), end=(d + pd.Timedelta(days=4)).date()) for i, d in enumerate(starts)]
    cases = [
        case(f"{start:%Y-%m-%d} 10:00", f"T{i}")
        for i, (start, count) in enumerate(zip(starts, counts, strict=True))
        for _ in range(count)
    ]
    return load_of(cases, terms=terms)


def test_a_trend_by_hand():
    # Ten, twenty and thirty cases in weeks alike: Σ t n = 80 against 60, variance 60 × 2/3 = 40, z = 20/√40 = 3.162.
    found = weekly_terms([10, 20, 30])
    assert found.trend_p_value == pytest.approx(0.001565, abs=2e-6)
    assert "Cases rise over 3 terms, from 10.0 in T0 to 30.0 a school week." in found.finding()
    assert "Cases fall" in weekly_terms([30, 20, 10]).finding()


def test_a_level_load_has_no_trend():
    found = weekly_terms([20, 20, 20])
    assert found.trend_p_value == 1.0
    assert "There is no clear trend over 3 terms" in found.finding()


@pytest.mark.parametrize("counts", [[3, 3, 3], [10, 20]])
def test_too_little_is_no_trend(counts):
    assert np.isnan(weekly_terms(counts).trend_p_value)


def test_a_case_is_open_for_some_days():
    with pytest.raises(SettingsError, match="stays open"):
        load_of(CASES, open_days=0.0)


def test_missing_columns_are_named():
    with pytest.raises(ColumnError, match="category, term"):
        caseload(
            record(CASES).drop(columns=["category", "term"]),
            terms=TERMS,
            calendar=CALENDAR,
            settings=WorkloadSettings(),
        )
