import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import town
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

import safeschools_geo as ssg
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


def test_two_schools_of_one_name_are_never_distinguished_by_it():
    twins = pd.concat([SCHOOLS, SCHOOLS.iloc[[0]].assign(school_id="005")], ignore_index=True)
    found = match((None, "Plimwick Elementary", None), schools=twins)
    assert found.table["school_id"].isna().all()
    assert found.review["decision"].tolist() == ["several_schools"]


def test_plain_names():
    assert plain_name("St. Elmo's  JR. High School") == "saint elmos junior high"
    assert plain_name("School") == "school"


NUMBERED = gpd.GeoDataFrame(
    {
        "school_id": ["115", "116", "8", "9", "10"],
        "name": ["PS 115", "PS 116", "José Ortega K-8", "O'Brien & Lee Elementary", "Ortega Elementary"],
        "address": ["3738 Walnut Ave", "3738 Fifth Street North", "12 Main St.", None, "12 Main Street"],
    },
    geometry=[None] * 5,
    crs=4326,
)


@pytest.mark.parametrize(
    ("name", "school"),
    [
        ("P.S. 115", "115"),
        ("ps 116 school", "116"),
        ("Public School 116", "116"),
        ("O Brien and Lee Elem Sch", "9"),
        ("PS 117", None),
        ("PS 1116", None),
        ("JOSE ORTEGA K8", "8"),
        ("Jose\u0301 Ortega K - 8", "8"),
        ("Obrien and Lee Elem.", "9"),
        ("O\u2019Brien & Lee ES", "9"),
        ("O`Brien & Lee School", None),
    ],
)
def test_names_as_dispatchers_type_them(name, school):
    found = match((None, name, None), schools=NUMBERED).table["school_id"].iloc[0]
    assert (None if pd.isna(found) else found) == school


@given(st.integers(0, 9999), st.integers(0, 9999), st.sampled_from(["PS {}", "School No. {}", "{} Street Elementary"]))
def test_a_name_whose_number_differs_is_never_alike(one, other, pattern):
    schools = NUMBERED.iloc[:1].assign(name=pattern.format(one))
    found = match((None, pattern.format(other), None), schools=schools, name_score=1.0)
    assert found.table["school_id"].notna().iloc[0] == (one == other)


def at_address(*addresses, schools=NUMBERED, **settings):
    index = range(len(addresses))
    nothing = pd.Series(pd.NA, index=index, dtype="str")
    points = gpd.GeoSeries([None] * len(addresses), index=index, crs=4326)
    return match_schools(
        *(pd.Series([f"I{n}" for n in index]), nothing, nothing, points, schools),
        crs=CRS.from_user_input(town.UTM),
        settings=IncidentSettings(**settings),
        addresses=pd.Series(addresses, dtype="str"),
    )


@pytest.mark.parametrize(
    ("address", "school", "how"),
    [
        ("3738 WALNUT AVENUE", "115", "exact_address"),
        ("3738 Walnut Av., Carmichael CA 95608", "115", "exact_address"),
        ("3738 5th St N", "116", "exact_address"),
        ("3738 Wallnut Ave", "115", "fuzzy_address"),
        ("3739 Walnut Ave", None, None),
        ("3738 Elm Ct", None, None),
        ("37XX WALNUT AVE", None, None),
        ("Walnut Ave / 5th St", None, None),
        ("12 Main St", None, None),  # two schools have it
        (None, None, None),
    ],
)
def test_a_street_address_is_a_school_s(address, school, how):
    row = at_address(address).table.iloc[0]
    assert (None if pd.isna(row["school_id"]) else row["school_id"]) == school
    assert (None if pd.isna(row["school_match"]) else row["school_match"]) == how


def test_addresses_are_said_and_their_likenesses_listed():
    found = at_address("3738 Walnut Ave", "3738 Wallnut Ave", "12 Main St", "99 Elm Ct")
    assert found.review["name_in_export"].tolist() == ["3738 Wallnut Ave", "12 Main St"]
    (note,) = [f for f in found.findings if f.code == "school_matched_by_address"]
    assert "1 incident names no school but its address" in note.message
    assert at_address("3738 Wallnut Ave", address_score=99.0).table["school_id"].isna().all()


def test_the_calls_of_one_district_are_kept_of_a_county_s_and_the_rest_is_counted(tmp_path):
    rows = pd.DataFrame(town.incident_rows())
    far = rows.iloc[:3].assign(x=rows["x"] + 1.0, incident_id=["F1", "F2", "F3"], school_id=[None, None, "001"])
    settings = town.SETTINGS.replace("[incidents]\n", '[incidents]\nwithin = "district"\n')
    assert "within" in settings
    folder = town.write_town(tmp_path, settings=settings, incidents=pd.concat([rows, far]))
    district = ssg.read_district(folder)
    counts = district.counts["incidents"]
    plain = ssg.read_district(town.write_town(tmp_path / "plain", incidents=rows)).incidents
    inside = set(plain["incident_id"])
    kept = set(district.incidents["incident_id"])
    assert counts["read"] == counts["kept"] + counts["rejected"] == len(rows) + 3
    assert kept <= inside | {"F3"}
    left = district.rejects[district.rejects["reason_code"] == "excluded_by_within"]
    assert {"F1", "F2"} <= set(left["id"])
    assert "F3" in kept
    assert any("excluded" in f.code or "within" in f.message for f in ssg.check_district(district).findings)


CDS = SCHOOLS.assign(school_id=["34674390110101", "34674390110102", "34-67439-0110103", "04674390110104"])


@pytest.mark.parametrize(
    ("given_id", "school", "how"),
    [
        ("0110101", "34674390110101", "without county and district"),
        ("110102", "34674390110102", "without county and district"),
        ("34-67439-0110101", "34674390110101", "hyphens"),
        ("34674390110103", "34-67439-0110103", "hyphens"),
        ("4674390110104", "04674390110104", "leading zeros"),
        ("19674390110101", None, None),  # another county
    ],
)
def test_codes_of_schools_are_known_without_hyphens_county_and_district_when_asked(given_id, school, how):
    found = match((given_id, None, None), schools=CDS, similar_ids="same")
    given_school = found.table["school_id"].iloc[0]
    assert (None if pd.isna(given_school) else given_school) == school
    stopped = match((given_id, None, None), schools=CDS)
    assert stopped.table["school_id"].isna().all()
    (finding,) = stopped.findings
    assert finding.code == ("school_id_alike" if school else "school_id_unknown")
    assert finding.is_blocking
    assert how is None or f"“{given_id}” for “{school}” ({how})" in finding.message


def test_an_incident_that_names_an_unknown_school_is_not_taken_to_be_at_the_nearest():
    near = town.place(505, 400)
    found = match(("999", None, near), (None, None, near), nearest_school_m=150)
    assert found.table["school_id"].fillna("").tolist() == ["", "001"]
    assert [finding.code for finding in found.findings] == ["school_id_unknown"]
