import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

from safeschools_geo.assign import assign_points
from safeschools_geo.errors import ColumnError, CRSError, GeometryError
from safeschools_geo.schemas import ASSIGNMENTS

CRS = "EPSG:32610"
EAST, NORTH = 600_000.0, 4_200_000.0


def zones(**boxes):
    shapes = [box(EAST + x0, NORTH + y0, EAST + x1, NORTH + y1) for x0, y0, x1, y1 in boxes.values()]
    return gpd.GeoDataFrame({"zone_id": list(boxes)}, geometry=shapes, crs=CRS)


def points(*xys, crs=CRS):
    shapes = [None if xy is None else Point(EAST + xy[0], NORTH + xy[1]) for xy in xys]
    frame = gpd.GeoDataFrame({"n": range(len(xys))}, geometry=shapes, crs=CRS, index=range(10, 10 + len(xys)))
    return frame if crs == CRS else frame.to_crs(crs)


# Two squares of 100 m side by side; the border is x = 100.
TWO = zones(A=(0, 0, 100, 100), B=(100, 0, 200, 100))


def decide(xy, frame=TWO, **options):
    return tuple(assign_points(points(xy), frame, **options).iloc[0])


@pytest.mark.parametrize("crs", [CRS, "EPSG:4326", "EPSG:2226"])
def test_one_row_a_point_in_order_on_the_index_given(crs):
    given = points((50, 50), (150, 50), (300, 50), None, (50, 50), crs=crs)
    found = assign_points(given, TWO)
    assert list(found.columns) == ASSIGNMENTS.column_names
    assert list(found.index) == list(given.index)
    assert found["zone_id"].tolist() == ["A", "B", "", "", "A"]
    assert found["status"].tolist() == ["inside", "inside", "outside", "no_location", "inside"]
    assert found["distance_m"].to_numpy() == pytest.approx([0, 0, 100, np.nan, 0], abs=1e-3, nan_ok=True)


@pytest.mark.parametrize(
    ("xy", "expected"),
    [
        ((100, 50), ("A", "boundary", 0, "A;B")),
        ((100.49, 50), ("A", "boundary", 0, "A;B")),
        ((99.51, 50), ("A", "boundary", 0, "A;B")),
        ((100.51, 50), ("B", "inside", 0, "B")),
        ((0, 50), ("A", "inside", 0, "A")),  # the outer edge is no shared edge
        ((0.2, 50), ("A", "inside", 0, "A")),
        ((-0.2, 50), ("", "outside", pytest.approx(0.2), "")),
        ((100, 100.3), ("A", "boundary", 0, "A;B")),  # the end of the border, just outside both
        ((100, 101), ("", "outside", pytest.approx(1), "")),
    ],
)
def test_borders(xy, expected):
    assert decide(xy) == expected


def test_the_tie_goes_to_the_first_of_the_file_or_to_the_zone_before():
    assert decide((100, 50), TWO.iloc[::-1])[0] == "B"
    assert decide((100, 50), previous=pd.Series(["B"], index=[10]))[0] == "B"
    assert decide((100, 50), previous=pd.Series(["C"], index=[10]))[0] == "A"
    assert decide((50, 50), previous=pd.Series(["B"], index=[10]))[0] == "A"


def test_zones_before_are_matched_by_label():
    given = points((100, 50), (100, 60))
    assert assign_points(given, TWO, previous=pd.Series({11: "B", 10: "A"}))["zone_id"].tolist() == ["A", "B"]
    twice = given.set_axis([1, 1])
    assert assign_points(twice, TWO, previous=pd.Series(["B", "A"], index=[1, 1]))["zone_id"].tolist() == ["B", "A"]
    with pytest.raises(ColumnError, match="labels repeat"):
        assign_points(twice, TWO, previous=pd.Series({1: "B"}))


def test_a_border_drawn_with_a_small_gap_or_overlap_is_a_border():
    for gap in (-0.4, 0.4):
        drawn = zones(A=(0, 0, 100, 100), B=(100 + gap, 0, 200, 100))
        assert decide((100 + gap / 2, 50), drawn) == ("A", "boundary", 0, "A;B")


def test_a_wide_overlap_is_an_overlap():
    drawn = zones(A=(0, 0, 110, 100), B=(100, 0, 200, 100))
    assert decide((105, 50), drawn) == ("A", "overlap", 0, "A;B")
    assert decide((105, 50), drawn, previous=pd.Series(["B"], index=[10]))[0] == "B"
    # On the edge of B alone, deep inside A: no border that two zones share, but in both.
    assert decide((100, 50), drawn) == ("A", "overlap", 0, "A;B")


def test_a_zone_inside_another_is_an_overlap():
    drawn = zones(A=(0, 0, 100, 100), B=(40, 40, 60, 60))
    assert decide((50, 50), drawn) == ("A", "overlap", 0, "A;B")
    assert decide((39, 50), drawn) == ("A", "inside", 0, "A")


def test_where_three_zones_meet():
    drawn = zones(A=(0, 0, 100, 100), B=(100, 0, 200, 100), C=(0, 100, 200, 200))
    assert decide((100, 100), drawn) == ("A", "boundary", 0, "A;B;C")


def test_snapping_reaches_as_far_as_stated():
    assert decide((-30, 50), max_snap_m=29) == ("", "outside", pytest.approx(30), "")
    assert decide((-30, 50), max_snap_m=31) == ("A", "nearest", pytest.approx(30), "A")
    # Equally far from both: the first of the file, or the zone before.
    assert decide((100, 130), max_snap_m=50) == ("A", "nearest", pytest.approx(30), "A;B")
    assert decide((100, 130), max_snap_m=50, previous=pd.Series(["B"], index=[10]))[0] == "B"


def test_pieces_with_one_id_are_one_zone():
    drawn = zones(A=(0, 0, 100, 100), B=(100, 0, 200, 100), C=(200, 0, 300, 100)).assign(zone_id=["A", "B", "A"])
    assert decide((250, 50), drawn) == ("A", "inside", 0, "A")
    joined = zones(A=(0, 0, 100, 100), B=(100, 0, 200, 100)).assign(zone_id=["A", "A"])
    assert decide((100, 50), joined) == ("A", "inside", 0, "A")


def test_unusable_places_have_no_location():
    given = gpd.GeoDataFrame(geometry=[None, Point(), Point(np.nan, 1)], crs=CRS)
    assert assign_points(given, TWO)["status"].tolist() == ["no_location"] * 3


def test_nothing_to_assign_and_nothing_to_assign_to():
    assert len(assign_points(points(), TWO)) == 0
    found = assign_points(points((50, 50)), TWO.iloc[:0])
    assert found.iloc[0][["zone_id", "status"]].tolist() == ["", "outside"]


def test_inputs_are_left_as_they_were():
    given, drawn = points((50, 50), crs="EPSG:4326"), TWO.copy()
    before = given.copy()
    assign_points(given, drawn)
    assert given.equals(before)
    assert drawn.equals(TWO)


def test_a_missing_crs_is_an_error_that_names_the_layer():
    with pytest.raises(CRSError, match="points states no CRS"):
        assign_points(points((50, 50)).set_crs(None, allow_override=True), TWO)
    with pytest.raises(CRSError, match="zones states no CRS"):
        assign_points(points((50, 50)), TWO.set_crs(None, allow_override=True))


def test_wrong_geometry_is_an_error_that_names_the_rows():
    with pytest.raises(GeometryError, match="10"):
        assign_points(points((1, 1)).set_geometry([box(0, 0, 1, 1)], crs=CRS), TWO)
    bow_tie = TWO.set_geometry([TWO.geometry[0], Point(0, 0)], crs=CRS)
    with pytest.raises(GeometryError, match="B"):
        assign_points(points((1, 1)), bow_tie)
    with pytest.raises(ColumnError, match="zone_id"):
        assign_points(points((1, 1)), TWO.rename(columns={"zone_id": "id"}))
