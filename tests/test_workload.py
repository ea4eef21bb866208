import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import town
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from safeschools_geo.schemas import WORKLOAD
from safeschools_geo.settings import CalendarSettings, Term, WorkloadSettings
from safeschools_geo.workload import (
    imbalance,
    school_workload,
    service_minutes,
    term_comparison,
    travel_minutes,
    zone_workload,
)

CRS_M = CRS.from_user_input(town.UTM)
TERMS = [
    Term(name="Fall", start=dt.date(2025, 9, 1), end=dt.date(2025, 9, 12)),
    Term(name="Spring", start=dt.date(2026, 2, 2), end=dt.date(2026, 2, 13)),
]
CALENDAR = CalendarSettings(holidays=("2025-09-01",))
# 30 km/h is 500 m a minute; with a detour factor of 1 a kilometer takes two minutes.
SETTINGS = WorkloadSettings(
    detour_factor=1.0, speed_kph=30.0, visit_min=10.0, visits_per_week={"elementary": 1, "high": 5}
)
SCHOOL_ZONES = pd.Series({"001": "A", "002": "B", "003": "B"})


def moment(text):
    return pd.Timestamp(text, tz=town.ZONE) if text else pd.NaT


def history(*rows):
    """Rows of (school, term, category, arrived, cleared, dispatched, crosswalk minutes)."""
    frame = pd.DataFrame(
        rows, columns=["school_id", "term", "category", "arrived_at", "cleared_at", "dispatched_at", "service_min"]
    )
    for name in ("arrived_at", "cleared_at", "dispatched_at"):
        frame[name] = pd.Series([moment(t) for t in frame[name]], dtype=f"datetime64[us, {town.ZONE}]")
    return frame.assign(work_of="zone_officer", service_min=frame["service_min"].astype("float64"))


def test_minutes_on_scene_are_measured_then_the_crosswalk_s_then_the_category_s():
    rows = history(
        ("001", "Fall", "weapons", "2025-09-02 10:00", "2025-09-02 10:20", None, 50),
        ("001", "Fall", "weapons", "2025-09-02 10:00", "2025-09-02 09:00", None, 50),
        ("001", "Fall", "weapons", "2025-09-02 10:00", "2025-09-03 10:00", None, None),
        ("001", "Fall", "weapons", None, "2025-09-02 10:20", None, None),
        ("001", "Fall", "non_critical", None, None, None, None),
    )
    found = service_minutes(rows, SETTINGS)
    assert found.tolist() == [20, 50, 75, 75, 0]
    assert found.name == "service_minutes"


def test_travel_is_from_the_other_program_schools_of_the_zone():
    # Four schools on a line in one zone, at 0, 1000, 4000 (not in the program) and 500 m away, in no zone.
    schools = gpd.GeoDataFrame(
        {"school_id": list("abcd"), "in_program": [True, True, False, True]},
        geometry=[town.place(x, 0) for x in (0, 1000, 4000, 500)],
        crs=4326,
    )
    zones = pd.Series({"a": "Z", "b": "Z", "c": "Z", "d": ""})
    found = travel_minutes(schools, zones, SETTINGS, crs=CRS_M)
    # a is 1 km from b: 2 min; c is 4 km from a and 3 km from b: 3.5 km on average, 7 min; d has no zone.
    assert found.round(4).to_dict() == pytest.approx({"a": 2, "b": 2, "c": 7, "d": np.nan}, nan_ok=True)


def test_workload_of_the_town_by_hand():
    rows = history(
        ("001", "Fall", "weapons", "2025-09-02 10:00", "2025-09-02 10:30", "2025-09-02 09:54", None),
        ("002", "Fall", "intruder", None, None, None, None),
    )
    found = school_workload(
        rows, town.schools(), SCHOOL_ZONES, terms=TERMS, calendar=CALENDAR, settings=SETTINGS, crs=CRS_M
    )
    assert list(found.columns) == WORKLOAD.column_names
    assert found[["term", "school_id", "zone_id"]].to_numpy().tolist() == [
        ["Fall", "001", "A"],
        ["Fall", "002", "B"],
        ["Spring", "001", "A"],
        ["Spring", "002", "B"],
    ]
    fall = found.set_index(["term", "school_id"]).loc["Fall"]
    # Nine school days. 001: 30 min on scene, 6 min on the way; one visit of 10 min in five days; alone in its zone.
    assert fall.loc["001", "incident_h"] == pytest.approx(0.5 / 9)
    assert fall.loc["001", "travel_h"] == pytest.approx(0.1 / 9)
    assert fall.loc["001", "visit_h"] == pytest.approx(10 / 60 / 5)
    # 002: the category's 35 min; a visit every day.
    assert fall.loc["002", "workload_h"] == pytest.approx(35 / 60 / 9 + 10 / 60)
    assert fall.loc["001", "student_days"] == 2700
    assert fall.loc["001", "rate_per_1000"] == pytest.approx(1000 / 2700)


def test_only_the_zone_officer_s_work_counts():
    rows = history(("001", "Fall", "weapons", None, None, None, None)).assign(work_of="patrol")
    found = school_workload(
        rows, town.schools(), SCHOOL_ZONES, terms=TERMS[:1], calendar=CALENDAR, settings=SETTINGS, crs=CRS_M
    )
    assert found["incidents"].sum() == 0
    assert found["incident_h"].sum() == 0


def test_zones_add_up_and_an_empty_zone_has_a_row():
    rows = history(("001", "Fall", "weapons", None, None, None, None))
    loads = school_workload(
        rows, town.schools(), SCHOOL_ZONES, terms=TERMS, calendar=CALENDAR, settings=SETTINGS, crs=CRS_M
    )
    zones = pd.concat([town.zones(), town.zones().iloc[[0]].assign(zone_id="C", name="Empty")], ignore_index=True)
    found = zone_workload(loads, gpd.GeoDataFrame(zones, crs=4326))
    assert len(found) == 6
    assert found["workload_h"].sum() == pytest.approx(loads["workload_h"].sum())
    empty = found[found["zone_id"] == "C"].iloc[0]
    assert empty["schools"] == 0
    assert np.isnan(empty["rate_per_1000"])
    assert found.groupby("term")["share_of_mean"].mean().tolist() == pytest.approx([1, 1])


def test_a_rate_leaves_out_incidents_of_schools_without_enrollment():
    schools = town.schools().assign(in_program=True)
    rows = history(
        ("002", "Fall", "weapons", None, None, None, None), ("003", "Fall", "weapons", None, None, None, None)
    )
    loads = school_workload(
        rows, schools, SCHOOL_ZONES, terms=TERMS[:1], calendar=CALENDAR, settings=SETTINGS, crs=CRS_M
    )
    east = zone_workload(loads, town.zones()).set_index("zone_id").loc["B"]
    assert east["incidents"] == 2
    assert east["rate_per_1000"] == pytest.approx(1000 * 1 / 9000)


def test_terms_beside_each_other():
    table = pd.DataFrame(
        {
            "term": ["1", "1", "2", "2"],
            "zone_id": ["A", "B", "A", "B"],
            "schools": [1, 1, 1, 1],
            "incidents": [10, 10, 30, 0],
            "student_days": [1000.0, 1000.0, 1000.0, 0.0],
            "rate_per_1000": [10.0, 10.0, 30.0, np.nan],
            "workload_h": [1.0, 1.0, 3.0, 1.0],
        }
    )
    found = term_comparison(table)
    assert found["imbalance"].tolist() == [0, 0.5]
    assert found["heaviest_zone"].tolist() == ["A", "A"]
    assert found["rate_per_1000"].tolist() == [10, 30]
    assert found["incidents_change_share"].tolist()[1] == 0.5
    # Of four nothing is a percentage, and a term without any incident is no fall of 100 %.
    few = table.assign(incidents=[2, 2, 30, 0])
    gone = table.assign(incidents=[10, 10, 0, 0])
    assert term_comparison(few)["incidents_change_share"].isna().all()
    assert term_comparison(gone)["incidents_change_share"].isna().all()


def test_imbalance_by_hand():
    assert imbalance(pd.Series([2.0, 2.0, 5.0])) == pytest.approx(2 / 3)
    assert imbalance(pd.Series([0.0, 0.0])) == 0
    assert imbalance(pd.Series([], dtype="float64")) == 0


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=12), st.floats(0.1, 100))
def test_imbalance_is_the_same_in_any_unit_and_at_most_one_less_than_the_number_of_zones(loads, factor):
    found = imbalance(pd.Series(loads))
    assert found == pytest.approx(imbalance(pd.Series(loads) * factor), abs=1e-9)
    assert 0 <= found <= max(1, len(loads) - 1) + 1e-9
