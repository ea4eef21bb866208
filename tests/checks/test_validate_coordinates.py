"""Coordinates that cannot be where they say."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import town
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from safeschools_geo.checks._places import check_coordinates, classify_coordinates

TOWN = town.zones().geometry
HERE = town.place(500, 400)


def codes(*points, extent=TOWN):
    return classify_coordinates(gpd.GeoSeries(list(points), crs=4326), extent).tolist()


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        (HERE.x, HERE.y, "ok"),
        (HERE.y, HERE.x, "swapped"),
        (HERE.y, -HERE.x, "swapped"),
        (-HERE.x, HERE.y, "sign_flipped"),
        (HERE.x, -HERE.y, "sign_flipped"),
        (-HERE.x, -HERE.y, "sign_flipped"),
        (0.0, 0.0, "null_island"),
        (HERE.x, 0.0, "null_island"),
        (0.0, HERE.y, "null_island"),
        (600_500.0, 4_200_400.0, "not_degrees"),
        (6_712_345.0, 1_972_345.0, "not_degrees"),
        # One degree of latitude is 111 km; the margin is 50 km.
        (HERE.x, HERE.y + 0.44, "ok"),
        (HERE.x, HERE.y + 0.46, "far_outside"),
        (-87.6, 41.9, "far_outside"),
    ],
)
def test_each_fault_is_distinguished_from_the_others(x, y, code):
    assert codes(Point(x, y)) == [code]


def test_what_is_not_there_is_missing():
    with np.errstate(invalid="ignore"):
        unknown = shapely.points([np.nan, HERE.x], [np.nan, np.nan])
    assert codes(None, Point(), *unknown, HERE) == ["missing"] * 4 + ["ok"]


def test_codes_keep_the_index():
    points = gpd.GeoSeries([HERE, None], index=[7, 3], crs=4326)
    found = classify_coordinates(points, TOWN)
    assert found.index.tolist() == [7, 3]
    assert found.name == "coordinates"
    assert found.dtype == "str"


def test_no_points_have_no_codes():
    assert codes() == []


def test_a_campus_is_judged_by_its_middle():
    assert codes(town.square(100, 100, 300, 300)) == ["ok"]


def test_a_district_on_the_equator_is_not_full_of_faults():
    # Pontianak: half of the town is south of the equator, and 0° is a street in it.
    extent = gpd.GeoSeries([box(109.2, -0.1, 109.5, 0.1)], crs=4326)
    assert codes(Point(109.3, -0.05), Point(109.3, 0.05), Point(109.3, 0.0), extent=extent) == ["ok"] * 3
    assert codes(Point(0.05, 109.3), Point(0, 0), extent=extent) == ["swapped", "null_island"]


def test_nothing_is_judged_against_an_empty_district():
    for extent in (TOWN.iloc[:0], gpd.GeoSeries([Polygon()], crs=4326)):
        assert codes(HERE, None, extent=extent) == ["ok", "missing"]


def test_a_district_at_the_pole_is_not_divided_by_zero():
    extent = gpd.GeoSeries([box(-1, 89.9, 1, 90)], crs=4326)
    assert codes(Point(0.5, 89.95), extent=extent) == ["ok"]


@given(x=st.floats(-500, 2500), y=st.floats(-500, 1500))
def test_places_of_the_district_are_known_in_every_disguise(x, y):
    p = town.place(x, y)
    disguises = (p, Point(p.y, p.x), Point(-p.x, p.y), Point(p.x, -p.y))
    assert codes(*disguises) == ["ok", "swapped", "sign_flipped", "sign_flipped"]


def test_findings_name_the_rows_and_the_remedy():
    points = gpd.GeoSeries([HERE, Point(HERE.y, HERE.x), Point(0, 0), None, Point(0, 0)], crs=4326)
    found = check_coordinates(points, pd.Series(list("abcde")), TOWN, table="incidents")
    assert [(f.code, f.ids, f.severity) for f in found] == [
        ("coordinates_swapped", ("b",), "warning"),
        ("coordinates_null_island", ("c", "e"), "warning"),
    ]
    assert found[0].message.startswith("1 of 5 incidents with longitude and latitude the wrong way round")
    assert f"{HERE.y:.6g}, {HERE.x:.6g}" in found[0].message
    assert "Exchange the two columns" in found[0].remedy


def test_a_place_that_is_only_far_away_is_never_an_error():
    points = gpd.GeoSeries([Point(-87.6, 41.9), Point(0, 0)], crs=4326)
    found = check_coordinates(points, pd.Series(["a", "b"]), TOWN, table="schools", severity="error")
    assert {f.code: f.severity for f in found} == {
        "coordinates_null_island": "error",
        "coordinates_far_outside": "warning",
    }


def test_good_places_are_not_mentioned():
    points = gpd.GeoSeries([HERE, None], crs=4326)
    assert check_coordinates(points, pd.Series(["a", "b"]), TOWN, table="incidents") == []


def check_at(*points, table="schools"):
    places = gpd.GeoSeries([Point(x, y) for x, y in points], crs=4326)
    ids = pd.Series([str(n) for n in range(len(places))])
    return {finding.code: finding for finding in check_coordinates(places, ids, TOWN, table=table)}


@pytest.mark.parametrize(("decimals", "off"), [(0, "55,660 m"), (1, "5,566 m"), (2, "557 m"), (3, "56 m"), (4, None)])
def test_coordinates_that_were_rounded_are_named_with_how_far_they_may_be_off(decimals, off):
    # A degree is 111,320 m; half a step of the last decimal lies to each side.
    places = [(round(HERE.x + n / 7000, decimals), round(HERE.y + n / 9000, decimals)) for n in range(6)]
    found = check_at(*places)
    assert ("coordinates_coarse" in found) == (off is not None)
    if off:
        assert f"6 of 6 schools with at most {decimals} decimal" in found["coordinates_coarse"].message
        assert off in found["coordinates_coarse"].message


def test_a_few_round_numbers_among_others_are_chance():
    assert check_at(*[(HERE.x + n / 7001.3, HERE.y) for n in range(6)], (-121.5, 37.9)) == {}


def test_places_that_are_mostly_far_away_may_be_in_another_system():
    far = check_at(*[(HERE.x + 1.5 + n / 7001.3, HERE.y) for n in range(6)])["coordinates_far_outside"]
    assert far.severity == "error"
    assert "CRS" in far.remedy
