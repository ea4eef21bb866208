"""Polygons that are not valid, drawn by hand and as published."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import town
from drawing import METERS, is_at, shape
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import GeometryCollection, LineString, Point, Polygon

from safeschools_geo.checks._polygons import area_text, in_meters, polygon_parts, repair, spot_of

BOWTIE = [(0, 0), (100, 100), (100, 0), (0, 100)]


def frame_of(*shapes):
    return gpd.GeoDataFrame({"zone_id": [f"Z{i}" for i in range(len(shapes))]}, geometry=list(shapes), crs=4326)


def test_both_lobes_of_a_bow_tie_are_kept():
    frame = frame_of(shape(BOWTIE), shape((200, 0, 300, 100)))
    repaired, (finding,) = repair(frame, table="zones", id_column="zone_id")
    # Two triangles of base 100 m and height 50 m: 2 × 2,500 m². Drawn as it was, one lobe runs against the other.
    assert repaired.geometry.is_valid.all()
    assert repaired.to_crs(town.UTM).area.tolist() == pytest.approx([5000, 10_000], rel=1e-5)
    assert (finding.severity, finding.code, finding.ids) == ("warning", "geometry_repaired", ("Z0",))
    assert "self-intersection" in finding.message
    assert is_at(finding, 49, 49, 51, 51)


def test_the_frame_given_is_left_alone():
    frame = frame_of(shape(BOWTIE))
    before = frame.copy()
    repaired, _ = repair(frame, table="zones", id_column="zone_id")
    assert frame.geometry.iloc[0].equals_exact(before.geometry.iloc[0])
    assert repaired.index.equals(frame.index)
    assert repaired.crs == frame.crs


def test_valid_polygons_points_and_missing_geometry_are_not_touched():
    frame = frame_of(shape((0, 0, 10, 10)), Point(-121, 38), None, Point(), Polygon())
    repaired, findings = repair(frame, table="schools", id_column="zone_id")
    assert findings == []
    assert repaired.geometry.tolist() == frame.geometry.tolist()


@pytest.mark.parametrize(
    "drawn",
    [
        Polygon([(0, 0), (1, 1), (2, 2), (0, 0)]),
        Polygon([(0, 0), (1, 1), (0, 0), (0, 0)]),
        GeometryCollection([LineString([(0, 0), (1, 1)])]),
    ],
)
def test_what_encloses_no_area_is_an_error_and_counts_as_empty(drawn):
    repaired, (finding,) = repair(frame_of(shape((0, 0, 10, 10)), drawn), table="zones", id_column="zone_id")
    assert (finding.severity, finding.code, finding.ids) == ("error", "geometry_beyond_repair", ("Z1",))
    assert repaired.geometry.is_empty.tolist() == [False, True]


def test_corners_that_are_no_numbers_are_beyond_repair():
    with np.errstate(invalid="ignore"):
        broken = shapely.polygons([[(0, 0), (1, np.nan), (1, 1), (0, 0)]])[0]
    repaired, (finding,) = repair(frame_of(broken), table="zones", id_column="zone_id")
    assert finding.code == "geometry_beyond_repair"
    assert repaired.geometry.is_empty.all()


def test_of_a_collection_only_the_area_is_kept():
    mixed = GeometryCollection([shape((0, 0, 20, 10)), shape((10, 0, 30, 10)), LineString([(0, 0), (1, 1)])])
    repaired, (finding,) = repair(frame_of(mixed), table="zones", id_column="zone_id")
    # 20 × 10 and 20 × 10 that share 10 × 10.
    assert repaired.to_crs(town.UTM).area.iloc[0] == pytest.approx(300, rel=1e-5)
    assert repaired.geom_type.iloc[0] == "Polygon"
    assert finding.code == "geometry_repaired"


corner = st.tuples(st.integers(0, 6), st.integers(0, 6))


@given(st.lists(st.lists(corner, min_size=3, max_size=8), min_size=1, max_size=4))
def test_repair_leaves_nothing_to_repair(rings):
    frame = frame_of(*(Polygon(ring) for ring in rings))
    repaired, _ = repair(frame, table="zones", id_column="zone_id")
    assert repaired.geometry.is_valid.all()
    assert set(repaired.geom_type) <= {"Polygon", "MultiPolygon"}
    assert repair(repaired, table="zones", id_column="zone_id") == (repaired, [])


def test_parts_come_with_the_row_they_are_from():
    nested = GeometryCollection([shapely.MultiPolygon([shape((0, 0, 1, 1)), shape((2, 0, 3, 1))]), Point(0, 0)])
    parts, rows = polygon_parts(np.array([None, nested, Point(0, 0), shape((5, 5, 6, 6))], dtype=object))
    assert rows.tolist() == [1, 1, 3]
    assert [p.geom_type for p in parts] == ["Polygon"] * 3


def test_a_long_edge_stays_where_it_was_drawn():
    edge = gpd.GeoSeries([LineString([(-121.4, 38.6), (-121.2, 38.6)])], crs=4326)
    middle = gpd.GeoSeries([Point(-121.3, 38.6)], crs=4326).to_crs(METERS)
    # A parallel of 17 km bends by L² tan φ / 8R = 4.8 m when only its ends are projected.
    assert edge.to_crs(METERS).distance(middle).iloc[0] == pytest.approx(4.8, abs=0.2)
    assert in_meters(edge, METERS).distance(middle).iloc[0] < 0.002


def test_areas_are_written_as_people_do():
    assert area_text(0.25) == "0.25 m²"
    assert area_text(1000) == "1,000 m²"
    assert area_text(199_800_000) == "199.80 km²"


def test_the_spot_of_a_ring_is_inside_it():
    ring = Point(0, 0).buffer(2).difference(Point(0, 0).buffer(1.9))
    assert ring.contains(Point(spot_of(ring)))


@pytest.mark.real_data
def test_the_published_boundary_that_crosses_itself_is_repaired(real_data):
    frame = gpd.read_file(real_data / "san_juan" / "district_2012_self_intersecting.geojson")
    repaired, (finding,) = repair(frame, table="boundary", id_column="GEOID")
    assert repaired.geometry.is_valid.all()
    assert repaired.to_crs(town.UTM).area.sum() == pytest.approx(199.8e6, rel=0.001)
    assert finding.ids == (str(frame["GEOID"].iloc[0]),)
    assert finding.location == pytest.approx((-121.316078, 38.723289), abs=1e-6)
