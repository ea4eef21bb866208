"""Piles of equal coordinates that are no school: found, named, and left out of places."""

import geopandas as gpd
import numpy as np
import pandas as pd
import town
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely.geometry import Point

from safeschools_geo.checks._places import find_piles, pile_of

UTM = CRS(town.UTM)
SCHOOLS = gpd.GeoSeries([town.place(500, 400), None, town.square(1500, 200, 1600, 300)], crs=4326)


def points_at(*places):
    return gpd.GeoSeries([None if place is None else town.place(*place) for place in places], crs=4326)


def test_only_piles_away_from_schools_are_piles():
    # 20 at the default of a geocoder; 30 at 90 m from a school and 40 at 80 m from a campus, which are theirs;
    # 9 somewhere, which are too few.
    points = points_at(*[(1000, 900)] * 20, *[(590, 400)] * 30, *[(1550, 380)] * 40, *[(100, 100)] * 9)
    piles = find_piles(points, SCHOOLS, smallest=10, crs=UTM)
    assert piles.columns.tolist() == ["x", "y", "incidents"]
    assert piles["incidents"].tolist() == [20]
    at = town.place(1000, 900)
    assert (piles["x"].item(), piles["y"].item()) == (round(at.x, 6), round(at.y, 6))
    assert (pile_of(points, piles) >= 0).tolist() == [True] * 20 + [False] * 79


def test_the_distance_to_a_school_is_in_meters():
    # 99 m is a school’s, 101 m is not, to the east as to the north.
    at_99, at_101 = ([(500 + d, 400)] * 5 + [(500, 400 + d)] * 6 for d in (99, 101))
    assert find_piles(points_at(*at_99), SCHOOLS, smallest=5, crs=UTM).empty
    assert find_piles(points_at(*at_101), SCHOOLS, smallest=5, crs=UTM)["incidents"].tolist() == [6, 5]


def test_the_largest_comes_first_and_the_smallest_counts():
    points = points_at(*[(1000, 900)] * 5, *[(100, 900)] * 7, *[(300, 900)] * 4)
    assert find_piles(points, SCHOOLS, smallest=5, crs=UTM)["incidents"].tolist() == [7, 5]


def test_one_place_is_equal_to_six_decimals():
    points = gpd.GeoSeries([Point(-121.5, 38.5), Point(-121.5000004, 38.4999996), Point(-121.500002, 38.5)], crs=4326)
    piles = find_piles(points, SCHOOLS, smallest=2, crs=UTM)
    assert piles.to_numpy().tolist() == [[-121.5, 38.5, 2]]
    assert (pile_of(points, piles) >= 0).tolist() == [True, True, False]


def test_without_a_school_every_pile_is_one():
    points = points_at(*[(500, 400)] * 3)
    for schools in (SCHOOLS.iloc[:0], SCHOOLS.iloc[[1]]):
        assert find_piles(points, schools, smallest=3, crs=UTM)["incidents"].tolist() == [3]


def test_incidents_without_a_place_are_in_no_pile():
    points = points_at(*[(1000, 900)] * 5, *[None] * 9).set_axis(range(100, 114))
    points.iloc[-1] = Point()
    piles = find_piles(points, SCHOOLS, smallest=5, crs=UTM)
    assert piles["incidents"].tolist() == [5]
    found = pile_of(points, piles)
    assert found.index.equals(points.index)
    assert found.tolist() == [0] * 5 + [-1] * 9


def test_nothing_piles_up_nowhere():
    for points in (points_at(), points_at(None), points_at((1000, 900))):
        piles = find_piles(points, SCHOOLS, smallest=2, crs=UTM)
        assert piles.empty
        assert pile_of(points, piles).tolist() == [-1] * len(points)


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_piles_and_their_members_agree_in_any_order(seed):
    rng = np.random.default_rng(seed)
    points = points_at(*(rng.integers(0, 4, (40, 2)) * 250.0))
    piles = find_piles(points, SCHOOLS, smallest=3, crs=UTM)
    members = pile_of(points, piles)
    assert np.bincount(members[members >= 0], minlength=len(piles)).tolist() == piles["incidents"].tolist()
    pd.testing.assert_frame_equal(find_piles(points.iloc[rng.permutation(40)], SCHOOLS, smallest=3, crs=UTM), piles)
