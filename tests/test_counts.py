import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
import town

from safeschools_geo.counts import in_context, incident_counts, work_summary
from safeschools_geo.errors import ColumnError
from safeschools_geo.settings import Term

TERMS = [Term(name="Fall", start=dt.date(2025, 9, 1), end=dt.date(2025, 9, 12))]


def example_incidents():
    incidents = gpd.GeoDataFrame(
        {
            "occurred_at": pd.to_datetime(["2025-09-02 10:00", "2025-09-03 00:00", "2025-10-05 23:00"]).tz_localize(
                town.ZONE
            ),
            "has_time": [True, False, True],
            "school_id": pd.array(["001", None, None], dtype="str"),
            "origin": ["reported", "officer_initiated", "reported"],
        },
        geometry=[town.place(1500, 10), town.place(1500, 20), None],
        crs=4326,
        index=[7, 8, 9],
    )
    zones = pd.DataFrame({"zone_id": ["B", "B", ""], "status": ["inside", "inside", "no_location"]}, index=[7, 8, 9])
    work = pd.DataFrame(
        {"work_of": ["zone_officer", "patrol", "patrol"], "reason": ["program_work", "no_school", "no_school"]},
        index=[7, 8, 9],
    )
    return in_context(incidents, incident_zones=zones, school_zones=pd.Series({"001": "A"}), work=work, terms=TERMS)


def test_an_incident_at_a_school_belongs_to_the_school_s_zone():
    found = example_incidents()
    assert found["zone_id"].tolist() == ["A", "B", ""]
    assert found["zone_by"].tolist() == ["school", "place", ""]
    assert list(found.index) == [7, 8, 9]


def test_an_unknown_hour_is_missing_and_never_midnight():
    found = example_incidents()
    assert found["hour"].isna().tolist() == [False, True, False]
    assert found["hour"].iloc[0] == 10
    assert found["weekday"].tolist() == [1, 2, 6]
    assert found["term"].isna().tolist() == [False, False, True]


def test_counts_count_everything_once():
    counts = incident_counts(example_incidents(), ["term"])
    assert counts["incidents"].tolist() == [2, 1]
    assert counts["officer_initiated_share"].tolist() == [0.5, 0]
    assert incident_counts(example_incidents(), ["zone_id", "origin"])["incidents"].sum() == 3
    assert work_summary(example_incidents()).to_numpy().tolist() == [
        ["patrol", "no_school", 2],
        ["zone_officer", "program_work", 1],
    ]


def test_counting_by_an_unknown_column_names_it():
    with pytest.raises(ColumnError, match="zone"):
        incident_counts(example_incidents(), ["zone"])


def test_the_input_is_left_as_it_was():
    incidents = example_incidents()
    before = incidents.copy()
    incident_counts(incidents, ["zone_id"])
    pd.testing.assert_frame_equal(incidents, before)
