"""The raster against the exact predicate: shapes and points that lie as awkwardly as they can."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.assign._locator import ZoneLookup, ZoneRaster, ZoneShapes

SIDES = (1, 3, 16, 64, 257)


def shapes_of(polygons):
    return ZoneShapes.of(gpd.GeoDataFrame({"zone_id": range(len(polygons))}, geometry=list(polygons)))


def with_raster(shapes, side, reach=0.0):
    lookup = ZoneLookup(shapes, reach=reach)
    lookup._raster = ZoneRaster(shapes, side, reach=reach)
    return lookup


def one_by_one(shapes, x, y):
    found = np.full(len(x), -1)
    for number in reversed(range(len(shapes.ids))):
        found[shapely.intersects_xy(shapes.polygons[number], x, y)] = number
    return found


def awkward_points(shapes, raster, rng):
    """Vertices, their neighbors among the floating-point numbers, points on edges, on cell borders, and anywhere."""
    vertices = shapely.get_coordinates(shapes.polygons)
    nudged = np.nextafter(vertices, vertices + rng.choice([-1, 1], size=vertices.shape))
    ends = vertices[rng.integers(len(vertices), size=(100, 2))]
    on_lines = ends[:, 0] + (ends[:, 1] - ends[:, 0]) * rng.random((100, 1))
    edge = rng.integers(len(shapes.starts), size=100)
    on_edges = shapes.starts[edge] + (shapes.ends - shapes.starts)[edge] * rng.random((100, 1))
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    anywhere = rng.uniform(low - (high - low) / 9, high + (high - low) / 9, (200, 2))
    counts = np.array([raster._nx, raster._ny])
    corners = raster._origin + rng.integers(0, counts + 1, (200, 2)) * raster._size
    beside = np.nextafter(corners, corners + rng.choice([-1, 1], size=corners.shape))
    on_rows = np.where(rng.random((100, 2)) < 0.5, on_edges, corners[:100])
    return np.vstack([vertices, nudged, on_lines, on_edges, anywhere, corners, beside, on_rows]).T


whole = st.integers(-40, 40).map(float)
fine = st.floats(-40, 40, allow_nan=False, width=32)


@st.composite
def polygons(draw):
    """Draw valid polygons, some with holes or of several parts, that overlap, touch, nest, or lie apart."""
    shapes = []
    for _ in range(draw(st.integers(1, 5))):
        number = draw(st.sampled_from([whole, whole, fine]))
        corners = draw(st.lists(st.tuples(number, number), min_size=3, max_size=9, unique=True))
        ring = shapely.make_valid(shapely.Polygon(corners), method="structure", keep_collapsed=False)
        scale = draw(st.sampled_from([1.0, 1.0, 1.0, 0.01]))
        shape = shapely.transform(ring, lambda xy, scale=scale: xy * scale)
        if shape.area > 0 and shape.is_valid:
            shapes.append(shape)
    return shapes or [shapely.box(0, 0, 1, 1)]


origins = st.sampled_from([(0.0, 0.0), (6e5, 4.2e6), (-1e7, 3.0), (-121.3, 38.6), (1e12, -1e12)])


@given(polygons(), st.integers(0, 2**32 - 1), origins, st.sampled_from(SIDES))
@settings(max_examples=300)
def test_the_raster_answers_as_the_exact_predicate_does(drawn, seed, origin, side):
    moved = [shapely.transform(shape, lambda xy: xy + origin) for shape in drawn]
    shapes = shapes_of([shape for shape in moved if shape.is_valid and shape.area > 0] or [shapely.box(0, 0, 1, 1)])
    lookup = with_raster(shapes, side)
    x, y = awkward_points(shapes, lookup._raster, np.random.default_rng(seed))
    assert np.array_equal(lookup.numbers(x, y), one_by_one(shapes, x, y))


@given(polygons(), st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.5, 30.0]), st.sampled_from(SIDES))
@settings(max_examples=150)
def test_no_point_near_an_edge_is_ruled_out(drawn, seed, reach, side):
    shapes = shapes_of(drawn)
    lookup = with_raster(shapes, side, reach)
    rng = np.random.default_rng(seed)
    x, y = awkward_points(shapes, lookup._raster, rng)
    angle = rng.uniform(0, 2 * np.pi, len(x))
    x, y = np.concatenate([x, x + reach * np.cos(angle)]), np.concatenate([y, y + reach * np.sin(angle)])
    is_near = np.zeros(len(x), dtype=bool)
    for boundary in shapely.boundary(shapes.polygons):
        is_near |= shapely.dwithin(boundary, shapely.points(x, y), reach)
    assert lookup.may_be_near_edge(x, y)[is_near].all()
    assert np.array_equal(lookup.numbers(x, y), one_by_one(shapes, x, y))


def test_points_far_from_every_edge_are_ruled_out():
    lookup = with_raster(shapes_of([shapely.box(0, 0, 100, 100)]), 50, reach=0.5)
    x, y = np.array([50.0, 300.0, np.nan, 0.4, -0.4]), np.array([50.0, 50.0, np.nan, 50.0, 50.0])
    assert lookup.may_be_near_edge(x, y).tolist() == [False, False, False, True, True]


def test_a_zone_thinner_than_a_cell_is_found():
    shapes = shapes_of([shapely.box(0, 0, 1e-7, 1e-7), shapely.box(500, 500, 500.001, 1000)])
    x, y = np.array([5e-8, 2e-7, 500.0005, 500.002]), np.array([5e-8, 2e-7, 700.0, 700.0])
    assert with_raster(shapes, 16).numbers(x, y).tolist() == [0, -1, 1, -1]


def test_a_hole_in_a_ring_of_zones_is_no_zone():
    ring = shapely.box(0, 0, 30, 30).difference(shapely.box(10, 10, 20, 20))
    lookup = with_raster(shapes_of([ring, shapely.box(14, 14, 16, 16)]), 100)
    x = np.array([5.0, 12.0, 15.0, 10.0])
    assert lookup.numbers(x, x).tolist() == [0, -1, 1, 0]


@pytest.mark.parametrize("reach", [0.0, 0.5])
def test_a_raster_stays_small_whatever_the_reach(reach):
    speck = shapes_of([shapely.box(0, 0, 1e-6, 1e-6)])
    assert len(ZoneRaster(speck, 2048, reach=reach).codes) < 2100**2
