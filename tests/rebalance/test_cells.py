from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from grid_town import CM_DEG, EAST, NORTH, UTM, district_of, grid_district, grid_schools, school_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from safeschools_geo.errors import CRSError, GeometryError
from safeschools_geo.rebalance._cells import service_areas


def meters(units):
    return units.geometry.to_crs(UTM).translate(-EAST, -NORTH)


def holes(area) -> int:
    return int(shapely.get_num_interior_rings(shapely.get_parts(area)).sum())


def assert_exact_coverage(units, district):
    """Neighbors share their vertices, no gap is left, and every coordinate has seven decimals."""
    shapes = units.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    coordinates = shapely.get_coordinates(shapes)
    np.testing.assert_array_equal(coordinates, np.round(coordinates, 7))
    whole = shapely.union_all(shapes)
    given_area = shapely.union_all(shapely.make_valid(district.geometry.to_crs(4326).to_numpy(), method="structure"))
    assert holes(whole) == holes(shapely.set_precision(given_area, CM_DEG))
    # What differs lies within the rounding of the boundary: half a centimeter, and as much again where lines meet it.
    assert shapely.difference(whole, shapely.buffer(given_area, 2 * CM_DEG)).is_empty
    assert shapely.difference(shapely.buffer(given_area, -2 * CM_DEG), whole).is_empty


def test_the_cells_of_a_grid_are_its_squares():
    units = service_areas(grid_schools(2, 3), grid_district(2, 3))
    assert units["unit_id"].tolist() == ["r0c0", "r0c1", "r0c2", "r1c0", "r1c1", "r1c2"]
    assert units["unit_id"].dtype == "str"
    for shape, (row, column) in zip(meters(units), [(r, c) for r in range(2) for c in range(3)], strict=True):
        square = box(column * 1000, row * 1000, column * 1000 + 1000, row * 1000 + 1000)
        # A line straight in meters is bent in degrees: over the 3 km of the outline by some 10 cm.
        assert shape.symmetric_difference(square).area < 200
    assert_exact_coverage(units, grid_district(2, 3))


def test_the_inputs_are_left_alone_and_rows_keep_their_labels():
    schools = grid_schools(1, 2).set_index(pd.Index([7, 3]))
    before = schools.copy(deep=True)
    units = service_areas(schools, grid_district(1, 2).geometry)
    assert units.index.tolist() == [7, 3]
    assert units.crs.to_epsg() == 4326
    pd.testing.assert_frame_equal(pd.DataFrame(schools), pd.DataFrame(before))


def test_one_school_has_the_whole_district():
    units = service_areas(school_at({"only": (300, 400)}), grid_district(1, 1))
    assert len(units) == 1
    assert meters(units).area.iloc[0] == pytest.approx(1e6, abs=100)


def test_schools_at_one_site_share_a_cell():
    # B and C stand 1 m apart, D 1.5 m further on: a chain.
    schools = school_at({"A": (500, 500), "B": (1500, 500), "C": (1500, 501), "D": (1500, 502.5), "E": (1500, 510)})
    units = service_areas(schools, grid_district(1, 2))
    assert units["school_ids"].tolist() == [("A",), ("B", "C", "D"), ("E",)]
    assert units["unit_id"].tolist() == ["A", "B", "E"]
    assert units.index.tolist() == [0, 1, 4]
    shapes = units.geometry.to_crs(UTM)
    for point, unit in zip(schools.geometry, [0, 1, 1, 1, 2], strict=True):
        assert shapes.iloc[unit].contains(point)


def test_schools_at_the_same_coordinates_share_a_cell():
    units = service_areas(school_at({"A": (500, 500), "B": (500, 500), "C": (1500, 500)}), grid_district(1, 2))
    assert units["school_ids"].tolist() == [("A", "B"), ("C",)]


def test_a_piece_cut_off_goes_to_the_neighbor_with_the_longest_border():
    #    +--+    +--+      By straight line the top of the western arm is nearest to E, but it can only be reached
    #    |  |    |E |      through the area of S.
    #    |  +----+  |
    #    |         S|
    u_shape = Polygon(
        [(0, 0), (3000, 0), (3000, 2000), (2500, 2000), (2500, 1000), (500, 1000), (500, 2000), (0, 2000)]
    )
    schools = school_at({"S": (2600, 100), "E": (2600, 1900)})
    units = service_areas(schools, district_of(u_shape))
    west_arm = box(100, 1600, 400, 1900)
    assert shapely.distance(west_arm.centroid, Point(2600, 1900)) < shapely.distance(
        west_arm.centroid, Point(2600, 100)
    )
    assert meters(units).iloc[0].contains(west_arm)
    assert units.geom_type.tolist() == ["Polygon", "Polygon"]
    assert units["islands"].tolist() == [0, 0]
    assert_exact_coverage(units, district_of(u_shape))


def test_an_island_without_a_school_goes_to_the_nearest_cell():
    island = box(2600, 0, 2800, 200)
    units = service_areas(grid_schools(1, 2), district_of(box(0, 0, 2000, 1000), island))
    assert units["islands"].tolist() == [0, 1]
    assert units.geom_type.tolist() == ["Polygon", "MultiPolygon"]
    assert meters(units).iloc[1].contains(island.buffer(-1))


def test_an_island_nearer_to_land_of_another_school_goes_there():
    # From the island, the school B is nearer in a straight line, yet the shore across the water is A's.
    land = Polygon([(0, 0), (1000, 0), (1000, 1000), (400, 1000), (400, 3000), (0, 3000)])
    schools = school_at({"A": (100, 1900), "B": (900, 900)})
    units = service_areas(schools, district_of(land, box(420, 1500, 520, 1550)))
    assert units["islands"].tolist() == [1, 0]


def test_a_hole_belongs_to_nobody():
    ring = box(0, 0, 2000, 1000).difference(box(900, 400, 1100, 600))
    units = service_areas(grid_schools(1, 2), district_of(ring))
    assert meters(units).area.sum() == pytest.approx(2e6 - 4e4, abs=100)
    assert_exact_coverage(units, district_of(ring))


def test_a_district_that_crosses_itself_only_once_reprojected_is_divided():
    # The 8 km edge sags by some 60 cm in degrees, over the hole that lies 5 cm inside it.
    district = district_of(box(0, 0, 8000, 1000).difference(box(3900, 900, 4100, 999.95)))
    assert district.is_valid.all()
    assert not district.to_crs(4326).is_valid.all()
    units = service_areas(school_at({"A": (500, 500), "B": (7500, 500)}), district)
    assert_exact_coverage(units, district)


def test_a_campus_stands_for_a_point_inside_it():
    campus = grid_schools(1, 2)
    campus = campus.set_geometry(campus.geometry.buffer(100))
    pd.testing.assert_series_equal(
        meters(service_areas(campus, grid_district(1, 2))).area,
        meters(service_areas(grid_schools(1, 2), grid_district(1, 2))).area,
        rtol=1e-6,
    )


def test_schools_without_a_place_and_outside_are_named_together():
    schools = school_at({"in": (500, 500), "out": (1250, 500), "lost": (1, 1)})
    schools.loc[2, "geometry"] = None
    with pytest.raises(GeometryError) as error:
        service_areas(schools, grid_district(1, 1))
    assert error.value.ids == ("out", "lost")
    assert "by up to 250.0 m: out" in str(error.value)
    assert "without a place: lost" in str(error.value)


def test_a_school_on_the_boundary_is_inside():
    units = service_areas(school_at({"A": (0, 500), "B": (1000, 1000)}), grid_district(1, 1))
    assert units["unit_id"].tolist() == ["A", "B"]


def test_a_school_in_a_needle_is_named():
    # The needle is a tenth of a millimeter wide: less than the grid can hold.
    needle = Polygon([(0, 0), (1000, 0), (1000, 499.9999), (1400, 500), (1000, 500.0001), (1000, 1000), (0, 1000)])
    with pytest.raises(GeometryError) as error:
        service_areas(school_at({"A": (500, 500), "B": (1300, 500)}), district_of(needle))
    assert error.value.ids == ("B",)


@pytest.mark.parametrize(
    ("district", "found"),
    [
        (gpd.GeoDataFrame(geometry=[Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])], crs=4326), "Self-intersection"),
        (gpd.GeoDataFrame(geometry=[Point(0, 0)], crs=4326), "Point"),
        (gpd.GeoDataFrame(geometry=[], crs=4326), "no polygon at all"),
    ],
)
def test_a_district_that_is_no_area_is_refused(district, found):
    with pytest.raises(GeometryError, match=found):
        service_areas(grid_schools(1, 1), district)


def test_no_schools_are_refused():
    with pytest.raises(GeometryError, match="no schools"):
        service_areas(grid_schools(1, 1).iloc[:0], grid_district(1, 1))


def test_a_layer_without_crs_is_refused():
    with pytest.raises(CRSError, match="schools"):
        service_areas(grid_schools(1, 1).set_crs(None, allow_override=True), grid_district(1, 1))
    with pytest.raises(CRSError, match="district"):
        service_areas(grid_schools(1, 1), grid_district(1, 1).set_crs(None, allow_override=True))


@st.composite
def towns(draw):
    """Draw a star-shaped district with a hole, and schools in it, some of them close together."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corners = draw(st.integers(3, 40))
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    rim = Polygon(np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(800, 8000, (corners, 1)))
    area = shapely.make_valid(rim).buffer(50).difference(Point(rng.uniform(-500, 500, 2)).buffer(300))
    if draw(st.booleans()):
        area = area.union(box(0, 0, *rng.uniform(50, 4000, 2))).union(box(6000, 6000, 6500, 8000))
    # A line straight in meters is bent in degrees: schools keep a meter away from the rim.
    core = area.buffer(-1)
    candidates = rng.uniform(-8000, 8000, (4000, 2))
    inside = candidates[shapely.contains_xy(core, candidates)][: draw(st.integers(1, 40))]
    pairs = inside[: draw(st.integers(0, 3))] + rng.uniform(-3, 3, 2)
    both = np.concatenate([inside, pairs[shapely.contains_xy(core, pairs)]])
    return school_at({f"S{i}": tuple(xy) for i, xy in enumerate(both)}), district_of(area)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(towns())
def test_cells_tile_any_town_and_hold_their_schools(town):
    schools, district = town
    units = service_areas(schools, district)
    assert_exact_coverage(units, district)
    assert sorted(i for ids in units["school_ids"] for i in ids) == sorted(schools["school_id"])
    assert (units.geom_type[units["islands"] == 0] == "Polygon").all()
    unit_of = units.explode("school_ids").set_index("school_ids")["unit_id"]
    shapes = units.set_index("unit_id").geometry
    places = schools.to_crs(4326)
    for school, point in zip(places["school_id"], places.geometry, strict=True):
        nearest = shapely.distance(shapes.to_numpy(), point)
        assert shapes.index[nearest.argmin()] == unit_of[school]


@pytest.mark.real_data
def test_san_juan(real_data, san_juan_schools):
    district = gpd.read_file(real_data / "san_juan" / "district_2012.geojson")
    units = service_areas(san_juan_schools, district)
    assert len(units) == 76  # three pairs of the 79 schools share their coordinates
    assert units.geom_type.eq("Polygon").all()
    assert_exact_coverage(units, district)
    assert units.to_crs(UTM).area.sum() == pytest.approx(district.to_crs(UTM).area.sum(), abs=100)
