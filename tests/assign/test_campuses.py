import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Point, Polygon, box

from safeschools_geo.assign import assign_campuses
from safeschools_geo.errors import GeometryError

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
    with pytest.raises(GeometryError, match="0"):
        assign(Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]))
