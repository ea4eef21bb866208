import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from safeschools_geo.assign import _locator as lookup
from safeschools_geo.assign._locator import ZoneLocator
from safeschools_geo.errors import ColumnError, GeometryError, SeveralFaultsError


def frame(*shapes, ids=None):
    return gpd.GeoDataFrame({"zone_id": ids or [str(n) for n in range(len(shapes))]}, geometry=list(shapes), crs=32610)


def one_by_one(zones, x, y):
    """Test every point against every zone in turn."""
    found = np.full(len(x), -1)
    for row in reversed(range(len(zones))):
        found[shapely.intersects_xy(zones.geometry.iloc[row], x, y)] = row
    return found


SQUARES = frame(shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1))


def test_rows_of_zones_and_minus_one_outside():
    found = ZoneLocator(SQUARES).locate([0.5, 1.5, 2.5, 1.0], [0.5, 0.5, 0.5, 0.5])
    assert found.dtype == np.int32
    assert found.tolist() == [0, 1, -1, 0]


@pytest.mark.parametrize("fewest", [0, 10**9])
def test_coordinates_that_are_not_finite_are_outside(monkeypatch, fewest):
    monkeypatch.setattr(lookup, "_FEWEST_FOR_RASTER", fewest)
    x = [np.nan, np.inf, -np.inf, 1e300, 0.5, np.nan, 0.5, 1.7e308, -1.7e308, 0.5]
    y = [0.5, 0.5, 0.5, 0.5, np.nan, np.nan, np.inf, 0.5, 1.7e308, 0.5]
    assert ZoneLocator(SQUARES).locate(x, y).tolist() == [-1] * 9 + [0]


def test_pieces_of_one_zone_answer_with_its_first_row():
    zones = frame(shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(4, 0, 5, 1), ids=["b", "a", "b"])
    assert ZoneLocator(zones).locate([4.5, 1.5, 0.5, 3], [0.5] * 4).tolist() == [0, 1, 0, -1]


def test_rows_are_positions_whatever_the_index():
    zones = frame(shapely.box(9, 9, 10, 10), shapely.box(0, 0, 1, 1)).set_index(pd.Index([70, 70]))
    assert ZoneLocator(zones).locate([0.5], [0.5]).tolist() == [1]


def test_no_points_and_no_zones():
    locator = ZoneLocator(SQUARES)
    assert locator.locate([], []).dtype == np.int32
    locator.locate(np.zeros(5000), np.zeros(5000))
    assert locator.locate([], []).tolist() == []
    assert ZoneLocator(SQUARES.iloc[:0]).locate([0.5] * 3000, [0.5] * 3000).tolist() == [-1] * 3000


def test_whatever_holds_numbers_is_taken():
    x, y = np.array([[0.5, 9.0], [1.5, 9.0]]).T[0], pd.Series([0, 1], index=[3, 3])
    assert ZoneLocator(SQUARES).locate(x, y).tolist() == [0, 1]
    assert ZoneLocator(SQUARES).locate(np.float32([0.5, 1.5]), (0.5, 0.5)).tolist() == [0, 1]


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="each point needs both"):
        ZoneLocator(SQUARES).locate([1.0], [1.0, 2.0])


def test_inputs_are_left_as_they_were():
    x, y = np.array([np.nan, 0.5] * 3000), np.array([1e9, 0.5] * 3000)
    given, zones = (x.copy(), y.copy()), SQUARES.copy()
    ZoneLocator(zones).locate(x, y)
    np.testing.assert_array_equal([x, y], given)
    assert zones.equals(SQUARES)


def test_many_points_answer_as_few_do():
    rng = np.random.default_rng(1)
    centers = shapely.MultiPoint(rng.random((30, 2)) * 1000)
    zones = frame(*shapely.get_parts(shapely.voronoi_polygons(centers, extend_to=shapely.box(0, 0, 1000, 1000))))
    x, y = rng.uniform(-200, 1200, (2, 300_000))
    expected = one_by_one(zones, x, y)
    locator = ZoneLocator(zones)
    assert np.array_equal(locator.locate(x[:5000], y[:5000]), expected[:5000])
    assert np.array_equal(locator.locate(x, y), expected)


def test_points_that_all_lie_on_edges():
    rng = np.random.default_rng(2)
    rings = [shapely.Point(x, y).buffer(100, quad_segs=40) for x in (0, 150) for y in (0, 150)]
    zones = frame(*rings)
    spots = shapely.line_interpolate_point(
        zones.exterior.to_numpy()[rng.integers(4, size=20_000)], rng.random(20_000) * 600
    )
    x, y = shapely.get_coordinates(spots).T
    assert np.array_equal(ZoneLocator(zones).locate(x, y), one_by_one(zones, x, y))


def test_all_faults_of_zones_are_reported_at_once():
    bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(SeveralFaultsError) as caught:
        ZoneLocator(frame(bow_tie, shapely.Point(0, 0), SQUARES.geometry[0], ids=["a", "b", None]))
    missing, invalid = caught.value.faults
    assert isinstance(missing, ColumnError)
    assert missing.ids == ("row 2",)
    assert isinstance(invalid, GeometryError)
    assert invalid.ids == ("a", "b")
    assert invalid.found == "Self-intersection, no polygon"


@pytest.mark.parametrize("blank", [None, np.nan, "", "  "])
def test_a_blank_id_is_no_id(blank):
    with pytest.raises(ColumnError, match="row 1"):
        ZoneLocator(frame(*SQUARES.geometry, ids=["a", blank]))


def test_zones_without_an_id_column_are_refused():
    with pytest.raises(ColumnError, match="zone_id"):
        ZoneLocator(SQUARES[["geometry"]])
