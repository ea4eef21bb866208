import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.assign import ZoneLocator, locator


def frame(*shapes, ids=None):
    return gpd.GeoDataFrame({"zone_id": ids or [str(n) for n in range(len(shapes))]}, geometry=list(shapes), crs=32610)


def by_hand(zones, x, y):
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


def test_coordinates_that_are_not_finite_are_outside(monkeypatch):
    for fewest in (0, 10**9):
        monkeypatch.setattr(locator, "_FEWEST_FOR_RASTER", fewest)
        x, y = [np.nan, np.inf, -np.inf, 1e300, 0.5], [0.5, 0.5, 0.5, 0.5, np.nan]
        assert ZoneLocator(SQUARES).locate(x, y).tolist() == [-1] * 5


def test_pieces_of_one_zone_answer_with_its_first_row():
    zones = frame(shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(4, 0, 5, 1), ids=["a", "b", "a"])
    assert ZoneLocator(zones).locate([4.5, 1.5], [0.5, 0.5]).tolist() == [0, 1]


def test_no_points_and_no_zones():
    assert ZoneLocator(SQUARES).locate([], []).tolist() == []
    assert ZoneLocator(SQUARES.iloc[:0]).locate([0.5], [0.5]).tolist() == [-1]


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="each point needs both"):
        ZoneLocator(SQUARES).locate([1.0], [1.0, 2.0])


coordinate = st.integers(-40, 40)


@st.composite
def polygons(draw):
    """Draw valid polygons on a small grid, some with holes or of several parts, far from or near to the origin."""
    count = draw(st.integers(1, 5))
    shapes = []
    for _ in range(count):
        corners = draw(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=9, unique=True))
        shape = shapely.make_valid(shapely.Polygon(corners), method="structure", keep_collapsed=False)
        if shape.area:
            shapes.append(shape)
    return shapes or [shapely.box(0, 0, 1, 1)]


@given(polygons(), st.integers(0, 2**32 - 1), st.sampled_from([(0.0, 0.0), (6e5, 4.2e6), (-1e7, 3.0)]))
@settings(max_examples=150, deadline=None)
def test_the_raster_answers_as_the_exact_predicate_does(shapes, seed, origin):
    zones = frame(*[shapely.transform(s, lambda xy: xy + origin) for s in shapes])
    rng = np.random.default_rng(seed)
    vertices = shapely.get_coordinates(zones.geometry.to_numpy())
    ends = vertices[rng.integers(len(vertices), size=(200, 2))]
    on_lines = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * rng.random((200, 1))
    nudged = np.nextafter(vertices, vertices + rng.choice([-1, 1], size=vertices.shape))
    grid = np.stack(np.meshgrid(np.arange(-41, 42, 2.5), np.arange(-41, 42, 2.5)), -1).reshape(-1, 2) + origin
    x, y = np.vstack([vertices, nudged, on_lines, grid]).T
    where = ZoneLocator(zones)
    where._raster = locator.ZoneRaster(where._shapes.polygons, int(rng.choice([3, 16, 64, 257])))
    assert np.array_equal(where.locate(x, y), by_hand(zones, x, y))


def test_many_points_answer_as_few_do():
    rng = np.random.default_rng(1)
    centres = rng.random((30, 2)) * 1000
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.MultiPoint(centres), extend_to=shapely.box(0, 0, 1000, 1000))
    )
    zones = frame(*cells)
    x, y = rng.uniform(-200, 1200, (2, 300_000))
    assert np.array_equal(ZoneLocator(zones).locate(x, y), by_hand(zones, x, y))
