"""Gi*: published values, esda, and grids that say when they say too little."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from esda import G_Local
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.weights import DistanceBand, lat2W
from pyproj import CRS
from scipy import sparse

from safeschools_geo.errors import CRSError, InputError
from safeschools_geo.hotspots.grid import getis_ord_star, grid_hotspots

UTM = CRS("EPSG:32610")
EAST, NORTH = 600_000.0, 4_200_000.0
AREA = shapely.box(EAST, NORTH, EAST + 9000, NORTH + 9000)


def test_six_points_as_published():
    points = [(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)]
    values = [2, 3, 3.2, 5, 8, 7]
    w = DistanceBand(points, threshold=15, silence_warnings=True)
    z = getis_ord_star(values, w)["z"]
    published = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
    assert z.to_numpy() == pytest.approx(published, abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(3, 8), is_queen=st.booleans())
def test_equal_to_esda_on_random_lattices(seed, rows, is_queen):
    w = lat2W(rows, rows + 1, rook=not is_queen)
    values = np.random.default_rng(seed).gamma(2, 3, rows * (rows + 1))
    theirs = G_Local(values, w, star=True, transform="B", permutations=0).Zs
    ours = getis_ord_star(pd.Series(values, index=w.id_order), w)
    assert np.abs(ours["z"] - theirs).max() < 1e-12
    assert (ours["q_value"] >= ours["p_value"] - 1e-15).all()


def test_own_weights_stay_and_constants_are_not_hot():
    weights = sparse.csr_array(np.array([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]))
    values = np.array([1.0, 2, 6])
    mean, deviation = 3.0, np.sqrt(np.mean(values**2) - 9)
    by_hand = (2 * 1 + 2 - mean * 3) / (deviation * np.sqrt((3 * 5 - 9) / 2))
    assert getis_ord_star(values, weights)["z"].iloc[0] == pytest.approx(by_hand)
    flat = getis_ord_star([4.0, 4, 4], weights)
    assert (flat["z"] == 0).all()
    assert (flat["p_value"] == 0.5).all()


def test_bad_input_is_told():
    with pytest.raises(InputError, match="do not fit"):
        getis_ord_star([1, 2], sparse.eye_array(3))
    with pytest.raises(InputError, match="without a value"):
        getis_ord_star([1, np.nan], sparse.eye_array(2))


def points(xy, ids=None):
    at = gpd.GeoSeries(gpd.points_from_xy(EAST + xy[:, 0], NORTH + xy[:, 1]), crs=UTM).to_crs(4326)
    return gpd.GeoDataFrame({"school_id": ids if ids is not None else [None] * len(xy)}, geometry=at, crs=4326)


def test_a_hot_patch_is_found_and_stays_hot_when_the_grid_is_moved():
    rng = np.random.default_rng(0)
    xy = np.r_[rng.uniform(0, 9000, (800, 2)), rng.normal((3000, 3000), 500, (250, 2))]
    found = grid_hotspots(points(xy), crs=UTM, area=AREA, size_m=600)
    centres = found.hot.geometry.to_crs(UTM).centroid
    assert len(found.hot) >= 3
    assert (np.hypot(centres.x - EAST - 3000, centres.y - NORTH - 3000) < 1800).all()
    assert found.hot["stability_share"].mean() > 0.7
    assert found.cells["incidents"].sum() == len(xy)
    assert "counts follow where people are" in found.measure
    assert "stand out" in found.summary()
    assert found.cells.crs == "EPSG:4326"


def test_with_a_denominator_the_rate_is_tested():
    # 64 schools in a lattice of their own, one corner with ten times as many students and incidents: no hotspot.
    rng = np.random.default_rng(1)
    xy = np.array([[600 + 1100 * i, 600 + 1100 * j] for i in range(8) for j in range(8)], dtype=float)
    days = np.where((xy < 2500).all(axis=1), 1e6, 1e5)
    schools = points(xy, [f"S{i}" for i in range(64)]).assign(student_days=days)
    ids = np.repeat(schools["school_id"].to_numpy(), rng.poisson(days / 1e4))
    found = grid_hotspots(points(np.zeros((len(ids), 2)), ids), crs=UTM, area=AREA, size_m=1100, schools=schools)
    assert found.hot.empty
    assert found.cells["student_days"].sum() == pytest.approx(days.sum())
    assert found.cells["value"].mean() == pytest.approx(0.1, rel=0.15)
    many = np.r_[ids, np.repeat(["S0", "S1", "S8", "S9"], 400)]
    again = grid_hotspots(points(np.zeros((len(many), 2)), many), crs=UTM, area=AREA, size_m=1100, schools=schools)
    assert len(again.hot) > 0


def test_too_few_cells_say_nothing():
    schools = points(np.array([[1000.0, 1000], [5000, 5000]]), ["a", "b"]).assign(student_days=[100.0, np.nan])
    found = grid_hotspots(points(np.zeros((3, 2)), ["a", "a", "b"]), crs=UTM, area=AREA, size_m=500, schools=schools)
    assert found.cells["status"].tolist() == ["insufficient_data"]
    assert found.cells["incidents"].tolist() == [2]
    assert "say too little" in found.summary()


def test_degrees_are_refused():
    with pytest.raises(CRSError):
        grid_hotspots(points(np.zeros((1, 2))), crs=CRS("EPSG:4326"), area=AREA, size_m=500)
