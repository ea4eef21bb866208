import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from safeschools_geo.assign._decide import assign_campuses
from safeschools_geo.errors import GeometryError
from safeschools_geo.schemas import ASSIGNMENTS

ZONES = gpd.GeoDataFrame(
    {"zone_id": ["A", "B"]}, geometry=[box(0, 0, 100, 100), box(100, 0, 200, 100)], crs="EPSG:32610"
)


def assign(*shapes, zones=ZONES, **options):
    return assign_campuses(gpd.GeoDataFrame(geometry=list(shapes), crs="EPSG:32610"), zones, **options)


@pytest.mark.parametrize(
    ("campus", "expected"),
    [
        (box(10, 10, 20, 20), ("A", "inside", 0, "A", "A:1.0000")),
        (box(80, 10, 180, 20), ("B", "boundary", 0, "A;B", "A:0.2000;B:0.8000")),
        (box(90, 10, 110, 20), ("A", "boundary", 0, "A;B", "A:0.5000;B:0.5000")),
        (box(150, 10, 250, 20), ("B", "boundary", 0, "B", "B:0.5000")),
        (box(230, 10, 240, 20), ("", "outside", 30, "", "")),
        (box(99.999, 10, 199.999, 20), ("B", "inside", 0, "B", "B:1.0000")),
    ],
)
def test_the_largest_share_decides(campus, expected):
    assert tuple(assign(campus).iloc[0]) == expected


def test_equal_shares_go_to_the_zone_before():
    assert assign(box(90, 10, 110, 20), previous=pd.Series(["B"])).iloc[0]["zone_id"] == "B"


def test_a_campus_nearby_is_snapped():
    assert tuple(assign(box(230, 10, 240, 20), max_snap_m=30).iloc[0]) == ("B", "nearest", 30, "B", "")


def test_overlapping_zones_hold_more_than_all_of_a_campus():
    zones = ZONES.set_geometry([box(0, 0, 120, 100), box(100, 0, 200, 100)], crs="EPSG:32610")
    found = assign(box(100, 0, 140, 100), zones=zones).iloc[0]
    assert found[["zone_id", "status", "shares"]].tolist() == ["B", "overlap", "A:0.5000;B:1.0000"]


def test_points_campuses_and_nothing_side_by_side():
    found = assign(Point(50, 50), box(110, 10, 120, 20), None)
    assert found["zone_id"].tolist() == ["A", "B", ""]
    assert found["status"].tolist() == ["inside", "inside", "no_location"]
    assert found["shares"].tolist() == ["", "B:1.0000", ""]


def test_a_campus_that_crosses_itself_is_named():
    with pytest.raises(GeometryError, match="1"):
        assign(box(0, 0, 1, 1), Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]))


def test_a_line_is_no_campus():
    with pytest.raises(GeometryError, match="Linestring"):
        assign(LineString([(0, 0), (10, 10)]))


def test_a_campus_that_only_touches_the_district_is_outside_unless_snapped():
    touching = box(200, 10, 210, 20)
    assert tuple(assign(touching).iloc[0]) == ("", "outside", 0, "", "")
    assert tuple(assign(touching, max_snap_m=1).iloc[0]) == ("B", "nearest", 0, "B", "")
    # 0.04 % of it is no share; 0.06 % is.
    assert assign(box(199.96, 0, 299.96, 1)).iloc[0]["status"] == "outside"
    assert tuple(assign(box(199.94, 0, 299.94, 1)).iloc[0]) == ("B", "boundary", 0, "B", "B:0.0006")


def test_decided_on_exact_shares_not_on_those_printed():
    found = assign(box(89.999, 10, 110, 20), box(90, 10, 110.001, 20))
    assert found["zone_id"].tolist() == ["A", "B"]
    assert found["shares"].tolist() == ["A:0.5000;B:0.5000", "A:0.5000;B:0.5000"]


def test_a_campus_as_near_to_two_zones_goes_to_the_first_or_to_the_zone_before():
    campus = box(90, 110, 110, 120)
    assert tuple(assign(campus, max_snap_m=10).iloc[0]) == ("A", "nearest", 10, "A;B", "")
    assert assign(campus, max_snap_m=10, previous=pd.Series(["B"])).iloc[0]["zone_id"] == "B"


def test_the_zone_before_counts_only_where_shares_are_equal():
    assert assign(box(80, 10, 180, 20), previous=pd.Series(["A"])).iloc[0]["zone_id"] == "B"


def test_a_campus_of_several_pieces_and_with_a_court():
    pieces = MultiPolygon([box(10, 10, 20, 20), box(150, 10, 160, 30)])
    assert tuple(assign(pieces).iloc[0])[:2] == ("B", "boundary")
    court = box(90, 10, 120, 20) - box(101, 11, 119, 19)
    assert assign(court).iloc[0]["shares"] == "A:0.6410;B:0.3590"  # 100 and 56 of 156 m²


def test_no_campuses_and_no_zones():
    assert list(assign().columns) == [*ASSIGNMENTS.column_names, "shares"]
    found = assign(box(0, 0, 1, 1), Point(1, 1), zones=ZONES.iloc[:0], max_snap_m=5)
    assert found["status"].tolist() == ["outside", "outside"]
    assert found["distance_m"].isna().all()


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2226", "EPSG:3857"])
def test_campuses_in_any_crs_on_an_index_that_repeats(crs):
    shapes = [box(600_010, 4_200_010, 600_020, 4_200_020), Point(600_150, 4_200_050)]
    drawn = ZONES.set_geometry(ZONES.translate(600_000, 4_200_000))
    given = gpd.GeoDataFrame(geometry=shapes, crs="EPSG:32610", index=[5, 5]).to_crs(crs)
    found = assign_campuses(given, drawn.to_crs("EPSG:4326"))
    assert list(found.index) == [5, 5]
    assert found["zone_id"].tolist() == ["A", "B"]
    assert found["shares"].tolist() == ["A:1.0000", ""]
    assert [str(dtype) for dtype in found.dtypes] == ["str", "str", "float64", "str", "str"]


shares_of = st.integers(0, 100)


@given(st.lists(shares_of, min_size=1, max_size=6))
def test_shares_are_those_of_the_drawing(lefts):
    # Campuses of 100 m² whose left edge lies `left` dm west of the border of A and B.
    found = assign(*(box(100 - left / 10, 10, 110 - left / 10, 20) for left in lefts))
    assert found["zone_id"].tolist() == ["A" if left >= 50 else "B" for left in lefts]
    for left, shares in zip(lefts, found["shares"], strict=True):
        parts = [f"A:{left / 100:.4f}"] * (left > 0) + [f"B:{1 - left / 100:.4f}"] * (left < 100)
        assert shares == ";".join(parts)
