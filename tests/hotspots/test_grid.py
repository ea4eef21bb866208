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
from scipy import sparse, stats

from safeschools_geo.errors import ColumnError, CRSError, InputError, SettingsError
from safeschools_geo.hotspots.grid import getis_ord_star, grid_hotspots, lattice_over

UTM = CRS("EPSG:32610")
EAST, NORTH = 600_000.0, 4_200_000.0
AREA = shapely.box(EAST, NORTH, EAST + 9000, NORTH + 9000)
COLUMNS = [
    "cell_id",
    "incidents",
    "student_days",
    "value",
    "z",
    "p_value",
    "q_value",
    "is_hot",
    "stability_share",
    "status",
    "geometry",
]


def test_six_points_as_published():
    points = [(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)]
    values = [2, 3, 3.2, 5, 8, 7]
    w = DistanceBand(points, threshold=15, silence_warnings=True)
    z = getis_ord_star(values, w)["z"]
    published = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
    assert z.to_numpy() == pytest.approx(published, abs=1e-8)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), rows=st.integers(3, 8), is_queen=st.booleans())
def test_equal_to_esda_on_random_lattices(seed, rows, is_queen):
    w = lat2W(rows, rows + 1, rook=not is_queen)
    values = np.random.default_rng(seed).gamma(2, 3, rows * (rows + 1))
    theirs = G_Local(values, w, star=True, transform="B", permutations=0).Zs
    ours = getis_ord_star(pd.Series(values, index=w.id_order), w)
    assert np.abs(ours["z"] - theirs).max() < 1e-12
    assert ours["p_value"].to_numpy() == pytest.approx(stats.norm.sf(theirs), rel=1e-9)
    assert ours["q_value"].to_numpy() == pytest.approx(stats.false_discovery_control(ours["p_value"]))


@pytest.mark.parametrize("kind", ["square", "hexagon"])
def test_our_lattices_agree_with_esda_too(kind):
    from libpysal.weights import WSP  # noqa: PLC0415 - only here

    lattice = lattice_over((0, 0, 1000, 1000), size_m=100, kind=kind)
    cells = np.random.default_rng(0).choice(lattice.count, lattice.count // 2, replace=False)
    values = np.random.default_rng(1).poisson(3.0, len(cells)).astype(float)
    weights = lattice.weights(cells)
    with_self = WSP(sparse.csr_matrix(weights)).to_W(silence_warnings=True)
    theirs = G_Local(values, with_self, star=True, transform="B", permutations=0).Zs
    assert np.abs(getis_ord_star(values, weights)["z"] - theirs).max() < 1e-12


def test_own_weights_stay_as_given():
    weights = sparse.csr_array(np.array([[2.0, 1, 0], [1, 2, 1], [0, 1, 2]]))
    values = np.array([1.0, 2, 6])
    mean, deviation = 3.0, np.sqrt(np.mean(values**2) - 9)
    by_hand = (2 * 1 + 2 - mean * 3) / (deviation * np.sqrt((3 * 5 - 9) / 2))
    assert getis_ord_star(values, weights)["z"].iloc[0] == pytest.approx(by_hand)
    bare = sparse.csr_array(np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    whole = bare + sparse.eye_array(3)
    for tail in ("normal", "gamma"):
        pd.testing.assert_frame_equal(
            getis_ord_star(values, bare, tail=tail), getis_ord_star(values, sparse.csr_array(whole), tail=tail)
        )


def test_what_cannot_be_distinguished_is_not_hot():
    weights = sparse.csr_array(np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]))
    for tail in ("normal", "gamma"):
        flat = getis_ord_star([4.1, 4.1, 4.1], weights, tail=tail)
        assert (flat["z"] == 0).all()
        assert (flat[["p_value", "q_value"]] == 1).all(axis=None)
        # The middle cell neighbors all three: its sum is the same however the values are dealt out.
        assert getis_ord_star([1, 2, 6], weights, tail=tail).iloc[1].tolist() == [0, 1, 1]
    assert getis_ord_star([], sparse.csr_array((0, 0))).empty
    assert getis_ord_star([3.0], sparse.eye_array(1), tail="gamma")["p_value"].tolist() == [1]


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), is_binary=st.booleans())
def test_moments_are_those_of_all_orders_of_the_values(seed, is_binary):
    # All 720 orders of six values: the sum around a cell has mean 0, variance 1 and the skewness of the gamma tail.
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 9, 6).astype(float)
    values[0] = 9.5
    row = rng.integers(0, 2, 6).astype(float) if is_binary else rng.random(6)
    row[:2] = 1, 0
    dealt = np.array(np.meshgrid(*[np.arange(6)] * 6)).reshape(6, -1).T
    dealt = dealt[(np.sort(dealt, axis=1) == np.arange(6)).all(axis=1)]
    sums = values[dealt] @ row
    assert len(sums) == 720
    z = (row @ values - sums.mean()) / sums.std()
    weights = sparse.csr_array(np.vstack([row, np.eye(6)[1:]]))
    first = getis_ord_star(values, weights, tail="gamma").iloc[0]
    assert first["z"] == pytest.approx(z)
    assert first["p_value"] == pytest.approx(stats.pearson3.sf(z, stats.skew(sums)), rel=1e-4, abs=1e-9)


def test_the_gamma_tail_is_the_normal_one_where_nothing_leans():
    values = np.r_[np.arange(50.0), -np.arange(50.0)]
    weights = sparse.diags_array([np.ones(100), np.ones(99), np.ones(99)], offsets=[0, 1, -1])
    normal, gamma = (getis_ord_star(values, weights, tail=tail)["p_value"] for tail in ("normal", "gamma"))
    assert gamma.to_numpy() == pytest.approx(normal.to_numpy(), rel=1e-3)


def flagged_share(values_of, terms):
    """Share of terms with at least one cell called hot, by the normal and by the gamma tail."""
    lattice = lattice_over((0, 0, 20_000, 20_000), size_m=600)
    weights = lattice.weights(np.arange(lattice.count))
    rng = np.random.default_rng(3)
    flags = np.zeros(2)
    for _ in range(terms):
        values = values_of(rng, lattice.count)
        flags += [(getis_ord_star(values, weights, tail=tail)["q_value"] <= 0.05).any() for tail in ("normal", "gamma")]
    return flags / terms


def test_where_nothing_is_clustered_few_terms_have_a_hot_cell():
    poisson = flagged_share(lambda rng, n: rng.poisson(0.2, n).astype(float), 120)
    spread = flagged_share(lambda rng, n: rng.poisson(rng.gamma(1.0, 1.0, n)).astype(float), 120)
    assert poisson[1] <= 0.10
    assert spread[1] <= 0.10
    # Why the tail matters.
    assert poisson[0] > 0.5
    assert spread[0] > 0.5


def test_the_index_stays_and_nothing_is_changed():
    values = pd.Series([1.0, 5, 2], index=["c", "a", "b"])
    weights = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    before, data = values.copy(), weights.data.copy()
    found = getis_ord_star(values, weights)
    assert found.index.tolist() == ["c", "a", "b"]
    assert found.columns.tolist() == ["z", "p_value", "q_value"]
    pd.testing.assert_series_equal(values, before)
    assert (weights.data == data).all()
    assert weights.dtype == data.dtype


def test_bad_input_is_reported():
    with pytest.raises(InputError, match="do not fit"):
        getis_ord_star([1, 2], sparse.eye_array(3))
    with pytest.raises(InputError, match="do not fit"):
        getis_ord_star([[1, 2]], sparse.eye_array(2))
    with pytest.raises(InputError, match="without a value"):
        getis_ord_star([1, np.nan], sparse.eye_array(2))
    with pytest.raises(InputError, match="0 or more"):
        getis_ord_star([1, 2], sparse.csr_array(np.array([[1.0, -1], [-1, 1]])))


def points(xy, ids=None):
    at = gpd.GeoSeries(gpd.points_from_xy(EAST + xy[:, 0], NORTH + xy[:, 1]), crs=UTM).to_crs(4326)
    return gpd.GeoDataFrame({"school_id": ids if ids is not None else [None] * len(xy)}, geometry=at, crs=4326)


@pytest.mark.parametrize("kind", ["square", "hexagon"])
def test_a_hot_patch_is_found_and_stays_hot_when_the_grid_is_moved(kind):
    rng = np.random.default_rng(0)
    patch = rng.normal((3000, 3000), 500, (250, 2))
    xy = np.r_[rng.uniform(0, 9000, (800, 2)), patch]
    found = grid_hotspots(points(xy), crs=UTM, area=AREA, size_m=600, kind=kind)
    assert found.cells.columns.tolist() == COLUMNS
    centers = found.hot.geometry.to_crs(UTM).centroid
    assert len(found.hot) >= 3
    assert (np.hypot(centers.x - EAST - 3000, centers.y - NORTH - 3000) < 1800).all()
    assert found.hot["stability_share"].mean() > 0.7
    # The core of the patch is hot however the grid is laid, and nothing far from it is under any.
    far = found.cells.geometry.to_crs(UTM).centroid.distance(shapely.Point(EAST + 3000, NORTH + 3000))
    assert found.cells["stability_share"][far < 500].min() == 1
    assert found.cells["stability_share"][far > 3500].max() == 0
    assert ((found.cells["stability_share"] * 9) % 1 < 1e-9).all()
    assert found.cells["incidents"].sum() == len(xy) - found.left_out
    assert "counts follow where people are" in found.measure
    assert "are hot with their neighbors" in found.summary()
    assert found.cells.crs == "EPSG:4326"
    assert (found.cells["is_hot"] == (found.cells["status"] == "hot")).all()
    assert (found.cells["is_hot"] == (found.cells["q_value"] <= 0.05)).all()


def test_cells_take_part_whether_or_not_anything_happened_there():
    # One incident in the area, one in a cell that touches it, one far off, and one without a place.
    incidents = points(np.array([[4500.0, 4500], [-10, 4500], [-5000, 4500], [0, 0]]))
    incidents.loc[3, "geometry"] = None
    found = grid_hotspots(incidents, crs=UTM, area=AREA, size_m=1000, kind="square")
    empty = grid_hotspots(incidents.head(0), crs=UTM, area=AREA, size_m=1000, kind="square")
    assert found.cells["cell_id"].tolist() == empty.cells["cell_id"].tolist()
    assert found.cells["incidents"].sum() == 2
    assert found.left_out == 2
    assert found.summary().endswith("2 critical incidents lie in no cell.")
    assert (empty.cells["status"] == "not_hot").all()
    # What could not have failed is not called a finding.
    assert empty.summary() == "There are no critical incidents in any cell of 1000 m, so no cell is tested."
    assert (empty.cells["p_value"] == 1).all()
    assert empty.left_out == 0
    area = shapely.union_all(found.cells.geometry.to_crs(UTM).to_numpy())
    assert AREA.buffer(-1).within(area.buffer(1))


def test_without_an_area_the_grid_lies_over_the_incidents():
    xy = np.random.default_rng(2).uniform(0, 5000, (60, 2))
    found = grid_hotspots(points(xy), crs=UTM, size_m=700)
    assert found.cells["incidents"].sum() == 60
    assert found.left_out == 0
    assert len(found.cells) < 100
    alone = grid_hotspots(points(xy[:1]), crs=UTM, size_m=700)
    assert (alone.cells["status"] == "insufficient_data").all()
    assert alone.cells["incidents"].sum() == 1
    with pytest.raises(InputError, match="no area"):
        grid_hotspots(points(xy[:0]), crs=UTM, size_m=700)


def lattice_of_schools():
    """64 schools a cell apart, four of them, in one corner, with ten times as many student-days; one in 10⁴ days."""
    xy = np.array([[600 + 1100 * i, 600 + 1100 * j] for i in range(8) for j in range(8)], dtype=float)
    days = np.where((xy < 2500).all(axis=1), 1e6, 1e5)
    schools = points(xy, [f"S{i}" for i in range(64)]).assign(student_days=days)
    return schools, np.repeat(schools["school_id"].to_numpy(), np.random.default_rng(1).poisson(days / 1e4))


def incidents_at(ids):
    return points(np.zeros((len(ids), 2)), ids)


def test_with_a_denominator_the_rate_is_tested():
    schools, ids = lattice_of_schools()
    options = {"crs": UTM, "area": AREA, "size_m": 1100, "kind": "square", "schools": schools}
    found = grid_hotspots(incidents_at(ids), **options)
    # Ten times the incidents at ten times the student-days is no hotspot.
    assert found.hot.empty
    assert "No cell of 1100 m is hot with its neighbors" in found.summary()
    assert found.has_rates
    assert found.cells["student_days"].sum() == pytest.approx(4 * 1e6 + 60 * 1e5)
    assert found.cells["value"].to_numpy() == pytest.approx(
        1000 * found.cells["incidents"] / found.cells["student_days"]
    )
    again = grid_hotspots(incidents_at(np.r_[ids, np.repeat(["S0", "S1", "S8", "S9"], 400)]), **options)
    _, _, east, north = again.hot.to_crs(UTM).total_bounds
    assert len(again.hot) >= 4
    assert (east < EAST + 4000, north < NORTH + 4000) == (True, True)


def test_incidents_elsewhere_and_schools_without_days_have_no_say():
    schools, ids = lattice_of_schools()
    schools.loc[5, "student_days"] = np.nan
    schools.loc[6, "student_days"] = 0
    schools.loc[7, "geometry"] = None
    ours = ids[~np.isin(ids, ["S5", "S6", "S7"])]
    found = grid_hotspots(
        incidents_at(np.r_[ids, ["no such school", None]]), crs=UTM, area=AREA, size_m=1100, schools=schools
    )
    assert found.cells["incidents"].sum() == len(ours)
    assert found.left_out == len(ids) - len(ours) + 2
    assert found.cells["student_days"].notna().all()
    # Missing as pandas writes it in tables with missing integers.
    nullable = schools.assign(student_days=schools["student_days"].astype("Int64"))
    again = grid_hotspots(incidents_at(ours), crs=UTM, area=AREA, size_m=1100, schools=nullable)
    pd.testing.assert_frame_equal(again.to_frame(), found.to_frame())


def test_a_school_beside_the_area_takes_part():
    schools, ids = lattice_of_schools()
    small = shapely.box(EAST, NORTH, EAST + 4000, NORTH + 4000)
    found = grid_hotspots(incidents_at(ids), crs=UTM, area=small, size_m=1100, schools=schools)
    assert found.cells["incidents"].sum() == len(ids)


def test_too_few_cells_say_nothing():
    schools = points(np.array([[1000.0, 1000], [5000, 5000]]), ["a", "b"]).assign(student_days=[100.0, np.nan])
    found = grid_hotspots(incidents_at(["a", "a", "b"]), crs=UTM, area=AREA, size_m=500, schools=schools)
    assert found.cells["status"].tolist() == ["insufficient_data"]
    assert found.cells["incidents"].tolist() == [2]
    assert found.cells["value"].tolist() == [20]
    assert found.cells[["z", "p_value", "q_value"]].isna().all(axis=None)
    assert found.hot.empty
    assert "fewer than 30 say too little" in found.summary()
    assert found.summary().endswith("1 reported call for zone officers lies in no cell.")
    assert found.to_frame().columns.tolist() == COLUMNS[:-1]


def test_the_fewest_cells_are_a_setting():
    schools, ids = lattice_of_schools()
    found = grid_hotspots(
        incidents_at(ids), crs=UTM, area=AREA, size_m=1100, kind="square", schools=schools, fewest_cells=65
    )
    assert (found.cells["status"] == "insufficient_data").all()
    assert (found.cells["stability_share"] == 0).all()
    assert "fewer than 65" in found.summary()
    assert found.settings["fewest_cells"] == 65


def test_the_same_bytes_again_and_inputs_as_they_were():
    schools, ids = lattice_of_schools()
    incidents = incidents_at(ids)
    before = incidents.copy(), schools.copy()
    first, second = (grid_hotspots(incidents, crs=UTM, area=AREA, size_m=1100, schools=schools).cells for _ in range(2))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    pd.testing.assert_frame_equal(incidents, before[0])
    pd.testing.assert_frame_equal(schools, before[1])


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2227"])
def test_degrees_and_feet_are_refused(crs):
    with pytest.raises(CRSError, match="in meters"):
        grid_hotspots(points(np.zeros((1, 2))), crs=CRS(crs), area=AREA, size_m=500)


def test_bad_grids_are_reported():
    schools, ids = lattice_of_schools()
    incidents = incidents_at(ids)
    options = {"crs": UTM, "area": AREA, "size_m": 1100}
    with pytest.raises(CRSError, match="incidents"):
        grid_hotspots(incidents.set_crs(None, allow_override=True), **options)
    with pytest.raises(ColumnError, match="student_days"):
        grid_hotspots(incidents, schools=schools.drop(columns="student_days"), **options)
    with pytest.raises(ColumnError, match=r"comes once(.|\n)*S3"):
        grid_hotspots(incidents, schools=pd.concat([schools, schools.iloc[[3]]]), **options)
    with pytest.raises(ColumnError, match=r"not negative(.|\n)*S0"):
        grid_hotspots(incidents, schools=schools.assign(student_days=[-1.0] + [1.0] * 63), **options)
    for wrong in ({"alpha": 0}, {"alpha": 5}, {"shifts": 0}, {"fewest_cells": 2}):
        with pytest.raises(SettingsError):
            grid_hotspots(incidents, **options, **wrong)
