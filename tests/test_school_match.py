import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import town
from pyproj import CRS

from safeschools_geo.district._school_match import match_schools, plain_name
from safeschools_geo.settings import IncidentSettings

SCHOOLS = gpd.GeoDataFrame(
    {
        "school_id": ["001", "002", "003", "004"],
        "name": ["Plimwick Elementary", "Quorndale High School", "Zephrin Middle", "Zephron Middle"],
    },
    geometry=[town.place(500, 400), town.place(1500, 400), town.place(1500, 800), None],
    crs=4326,
)


def match(*rows, schools=SCHOOLS, **settings):
    """Match rows of (given id, name in the export, place)."""
    index = [f"row{n}" for n in range(len(rows))]
    ids = pd.Series([r[0] for r in rows], index=index, dtype="str")
    names = pd.Series([r[1] for r in rows], index=index, dtype="str")
    points = gpd.GeoSeries([r[2] for r in rows], index=index, crs=4326)
    incident_ids = pd.Series([f"I{n}" for n in range(len(rows))], index=index)
    crs = CRS.from_user_input(town.UTM)
    return match_schools(incident_ids, ids, names, points, schools, crs=crs, settings=IncidentSettings(**settings))


def outcome(row, **settings):
    found = match(row, **settings)
    school, how = found.table.iloc[0][["school_id", "school_match"]]
    return (None if pd.isna(school) else school, None if pd.isna(how) else how)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PLIMWICK ELEM.", ("001", "exact_name")),
        ("Plimwick ES", ("001", "exact_name")),
        ("Quorndale HS", ("002", "exact_name")),
        ("Plimwik Elementary", ("001", "fuzzy_name")),
        ("Elementary, Plimwick", ("001", "fuzzy_name")),
        ("Zephran Middle", (None, None)),  # as near to Zephrin as to Zephron
        ("Harrowgate High", (None, None)),
        (None, (None, None)),
    ],
)
def test_names(name, expected):
    assert outcome((None, name, None)) == expected


def test_the_given_id_comes_before_the_name():
    assert outcome(("002", "Plimwick Elementary", None)) == ("002", "given")


def test_an_unknown_id_falls_back_on_the_name_and_else_is_reported():
    found = match(("999", "Plimwick Elementary", None), ("999", None, None))
    assert found.table["school_match"].tolist()[0] == "exact_name"
    (finding,) = [f for f in found.findings if f.code == "school_id_unknown"]
    assert finding.ids == ("I1",)


def test_every_likeness_is_listed_for_review():
    found = match((None, "Plimwik Elementary", None), (None, "Plimwik Elementary", None), (None, "Nowhere", None))
    listed = found.review.set_index("name_in_export")
    assert listed.loc["Plimwik Elementary", ["incidents", "school_id", "decision"]].tolist() == [2, "001", "fuzzy_name"]
    assert listed.loc["Nowhere", "decision"] == "no_match"
    assert {f.code for f in found.findings} == {"school_matched_by_likeness", "school_name_unmatched"}


def test_a_higher_score_asks_for_more_likeness():
    assert outcome((None, "Plimwik Elementary", None), name_score=99.0) == (None, None)


def test_the_nearest_school_only_when_asked_and_only_without_a_name():
    there = town.place(500, 500)
    assert outcome((None, None, there)) == (None, None)
    assert outcome((None, None, there), nearest_school_m=99.0) == (None, None)
    assert outcome((None, None, there), nearest_school_m=101.0) == ("001", "nearest")
    assert outcome((None, "Nowhere", there), nearest_school_m=101.0) == (None, None)


def test_distances_are_in_meters():
    found = match(
        (None, None, town.place(500, 500)),
        ("002", None, town.place(1500, 430)),
        ("004", None, town.place(0, 0)),
        nearest_school_m=500.0,
    )
    assert found.table["school_distance_m"].tolist() == pytest.approx([100, 30, np.nan], abs=0.01, nan_ok=True)


def test_two_schools_of_one_name_are_never_told_apart_by_it():
    twins = pd.concat([SCHOOLS, SCHOOLS.iloc[[0]].assign(school_id="005")], ignore_index=True)
    found = match((None, "Plimwick Elementary", None), schools=twins)
    assert found.table["school_id"].isna().all()
    assert found.review["decision"].tolist() == ["several_schools"]


def test_plain_names():
    assert plain_name("St. Elmo's  JR. High School") == "saint elmos junior high"
    assert plain_name("School") == "school"
