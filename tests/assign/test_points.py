import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from safeschools_geo.assign import _locator as lookup
from safeschools_geo.assign._decide import NearestEdges, ZoneEdges, assign_points
from safeschools_geo.errors import ColumnError, CRSError, GeometryError, SettingsError, SeveralFaultsError
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
    assert [str(dtype) for dtype in found.dtypes] == [column.dtype for column in ASSIGNMENTS.columns]
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
    assert decide((-30, 50), max_snap_m=30)[1] == "nearest", "the end belongs to it"
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
    found = assign_points(points((50, 50), None), TWO.iloc[:0], max_snap_m=9)
    assert found["zone_id"].tolist() == ["", ""]
    assert found["status"].tolist() == ["outside", "no_location"]
    assert found["distance_m"].isna().all()
    assert list(assign_points(points(), TWO.iloc[:0]).columns) == ASSIGNMENTS.column_names


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
    with pytest.raises(GeometryError, match="11"):
        assign_points(points((1, 1), (2, 2)).set_geometry([Point(1, 1), box(0, 0, 1, 1)], crs=CRS), TWO)
    with pytest.raises(GeometryError, match="B"):
        assign_points(points((1, 1)), TWO.set_geometry([TWO.geometry[0], Point(0, 0)], crs=CRS))
    with pytest.raises(ColumnError, match="zone_id"):
        assign_points(points((1, 1)), TWO.rename(columns={"zone_id": "id"}))
    with pytest.raises(ColumnError, match="points has no geometry"):
        assign_points(pd.DataFrame({"x": [1]}), TWO)


def test_all_faults_are_reported_at_once():
    lines = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (1, 1)])])
    with pytest.raises(SeveralFaultsError) as caught:
        assign_points(lines, TWO.assign(zone_id=["A", None]), max_snap_m=-1)
    assert [type(f) for f in caught.value.faults] == [CRSError, GeometryError, SettingsError, ColumnError]


def test_zones_in_other_coordinates_than_they_state_are_refused():
    with pytest.raises(CRSError, match="degrees"):
        assign_points(points((50, 50)), TWO.set_crs(4326, allow_override=True))


def test_three_zones_on_top_of_each_other():
    drawn = zones(A=(0, 0, 100, 100), B=(20, 20, 120, 120), C=(40, 40, 140, 140))
    assert decide((70, 70), drawn) == ("A", "overlap", 0, "A;B;C")
    assert decide((110, 110), drawn) == ("B", "overlap", 0, "B;C")
    assert decide((110, 110), drawn, previous=pd.Series(["C"], index=[10]))[0] == "C"
    assert decide((130, 130), drawn) == ("C", "inside", 0, "C")


def test_a_gap_wider_than_the_border_is_outside():
    drawn = zones(A=(0, 0, 100, 100), B=(104, 0, 200, 100))
    assert decide((101, 50), drawn) == ("", "outside", pytest.approx(1), "")
    assert decide((101, 50), drawn, max_snap_m=1.5) == ("A", "nearest", pytest.approx(1), "A")
    assert decide((102, 50), drawn, max_snap_m=5) == ("A", "nearest", pytest.approx(2), "A;B")


def test_a_zone_around_another_shares_its_edge():
    ring = box(EAST, NORTH, EAST + 100, NORTH + 100) - box(EAST + 40, NORTH + 40, EAST + 60, NORTH + 60)
    drawn = TWO.set_geometry([ring, box(EAST + 40, NORTH + 40, EAST + 60, NORTH + 60)], crs=CRS)
    assert decide((40.3, 50), drawn) == ("A", "boundary", 0, "A;B")
    assert decide((50, 50), drawn) == ("B", "inside", 0, "B")
    assert decide((50, 50), drawn.iloc[:1]) == ("", "outside", pytest.approx(10), "")


def test_labels_may_repeat_and_ids_may_have_been_numbers():
    given = points((100, 50), (50, 50), (100, 60)).set_axis([7, 7, 7])
    numbered = TWO.assign(zone_id=[1, 2])
    found = assign_points(given, numbered, previous=pd.Series([2, 2, np.nan], index=[7, 7, 7]).astype("Int64"))
    assert found["zone_id"].tolist() == ["2", "1", "1"]
    assert list(found.index) == [7, 7, 7]


def test_leading_zeros_stay():
    assert decide((50, 50), TWO.assign(zone_id=["007", "2E47"]))[0] == "007"


def test_a_long_border_is_the_same_line_for_both_its_sides():
    # The border of A is one edge of 20 km along a parallel; B has a vertex halfway. Straightened in meters, the chord
    # of A would lie 6 m from the vertex of B and leave a gap between the two.
    south = Polygon([(-121.2, 38.5), (-120.97, 38.5), (-120.97, 38.6), (-121.2, 38.6)])
    north = Polygon([(-121.2, 38.6), (-121.085, 38.6), (-120.97, 38.6), (-120.97, 38.7), (-121.2, 38.7)])
    drawn = gpd.GeoDataFrame({"zone_id": ["A", "B"]}, geometry=[south, north], crs=4326)
    meter = 1 / 111_000
    spots = [Point(-121.1, 38.6 + meters * meter) for meters in (-3, -1, -0.3, 0, 0.3, 1, 3)]
    found = assign_points(gpd.GeoDataFrame(geometry=spots, crs=4326), drawn)
    assert found["status"].tolist() == ["inside"] * 2 + ["boundary"] * 3 + ["inside"] * 2
    assert found["zone_id"].tolist() == ["A"] * 5 + ["B"] * 2


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:2226", "EPSG:26910", "EPSG:3310"])
def test_meters_are_meters_whatever_the_crs_of_the_zones(crs):
    moved = TWO.to_crs(crs)
    found = assign_points(points((100.4, 50), (100.6, 50), (-30, 50)), moved, max_snap_m=31)
    assert found["status"].tolist() == ["boundary", "inside", "nearest"]
    # Map projections of a state stretch by some tenths of a per cent.
    assert found["distance_m"].tolist() == pytest.approx([0, 0, 30], rel=0.002)


def test_impossible_coordinates_are_no_location_and_far_ones_are_outside():
    given = gpd.GeoDataFrame(geometry=[Point(-121.3, 91), Point(38.6, -121.3), Point(0, 0)], crs=4326)
    assert assign_points(given, TWO)["status"].tolist() == ["no_location", "no_location", "outside"]


def by_definition(x, y, shapes, snap):
    """Decide one point from distances alone."""
    spot = Point(x, y)
    holds = [n for n, shape in enumerate(shapes) if shape.intersects(spot)]
    near = [n for n, shape in enumerate(shapes) if shape.boundary.dwithin(spot, 0.5)]
    if len(near) > 1:
        return "boundary", sorted({*near, *holds}), 0.0
    if holds:
        return ("inside" if len(holds) == 1 else "overlap"), holds, 0.0
    meters = [shape.distance(spot) for shape in shapes]
    nearest = [n for n, m in enumerate(meters) if m == min(meters)]
    return ("nearest", nearest, min(meters)) if min(meters) <= snap else ("outside", [], min(meters))


tenths = st.integers(0, 400).map(lambda n: n / 10)
sides = st.integers(1, 200).map(lambda n: n / 10)
boxes = st.lists(
    st.tuples(tenths, tenths, sides, sides).map(lambda b: box(b[0], b[1], b[0] + b[2], b[1] + b[3])),
    min_size=1,
    max_size=5,
)


@given(boxes, st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 5.0]), st.booleans())
@settings(max_examples=100)
def test_every_point_is_decided_by_the_definition(shapes, seed, snap, by_raster):
    rng = np.random.default_rng(seed)
    x, y = np.round(rng.uniform(-3, 65, (2, 200)), 1) + 0.03
    drawn = gpd.GeoDataFrame({"zone_id": list("ABCDE")[: len(shapes)]}, geometry=shapes, crs=CRS)
    before = rng.choice(list("ABCDEF"), len(x))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "_FEWEST_FOR_RASTER", 0 if by_raster else 10**9)
        found = assign_points(
            gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=CRS),
            drawn,
            max_snap_m=snap,
            previous=pd.Series(before),
        )
    assert list(found.index) == list(range(len(x)))
    for row, (status, candidates, meters) in enumerate(
        by_definition(*xy, shapes, snap) for xy in zip(x, y, strict=True)
    ):
        ids = ["ABCDE"[n] for n in candidates]
        zone = before[row] if before[row] in ids else ids[0] if ids else ""
        assert tuple(found.iloc[row]) == (zone, status, pytest.approx(meters, abs=1e-9), ";".join(ids))


@pytest.mark.parametrize("seed", range(6))
def test_distances_of_many_points_are_those_of_the_tree_of_edges(seed):
    rng = np.random.default_rng(seed)
    n = 3_000
    centers = rng.uniform((600_000, 4_200_000), (620_000, 4_220_000), (rng.integers(1, 12), 2))
    shapes = [shapely.Point(c).buffer(rng.uniform(1, 4_000), quad_segs=int(rng.integers(1, 20))) for c in centers]
    areas = gpd.GeoDataFrame({"zone_id": [str(k) for k in range(len(shapes))]}, geometry=shapes, crs="EPSG:32610")
    x, y = rng.normal(610_000, 10.0 ** rng.uniform(2, 6), n), rng.normal(4_210_000, 10.0 ** rng.uniform(2, 6), n)
    x[:500] = np.round(x[:500], -2)
    prepared = lookup.ZoneShapes.of(areas)
    asked = np.arange(n)
    pairs, expected = ZoneEdges(prepared).nearest(x, y, asked)
    assert NearestEdges(prepared).distances(x, y).tolist() == pytest.approx(expected.tolist(), rel=1e-12, abs=1e-9)
    for snap in (0.0, 500.0):
        table = assign_points(
            gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs="EPSG:32610"), areas, max_snap_m=snap
        )
        is_out = table["status"].isin(["nearest", "outside"]).to_numpy()
        assert table["distance_m"].to_numpy()[is_out].tolist() == pytest.approx(expected[is_out].tolist(), rel=1e-12)
        is_near = is_out & (expected <= snap)
        assert (table["status"] == "nearest").tolist() == is_near.tolist()
        nearest = pairs.of(is_near)
        named = pd.Series(prepared.ids[nearest.zone]).groupby(nearest.place).agg(";".join)
        assert table["candidates"].to_numpy()[is_near].tolist() == named.tolist()


@pytest.mark.parametrize("turn", [0, 30, 90])
def test_an_edge_whose_ends_are_far_is_not_ruled_out(turn):
    # A long wall, and a hut 3 km from its middle: the places are 100 m to 1 km from the wall.
    x, y = np.random.default_rng(turn).uniform((9_000, 100), (11_000, 1_000), (3_000, 2)).T
    shapes = gpd.GeoSeries([box(0, -50, 20_000, 0), box(10_000, 3_000, 10_010, 3_010), *gpd.points_from_xy(x, y)])
    turned = shapes.rotate(turn, origin=(0, 0)).translate(EAST, NORTH)
    areas = gpd.GeoDataFrame({"zone_id": ["wall", "hut"]}, geometry=turned[:2].to_numpy(), crs=CRS)
    places = turned[2:].reset_index(drop=True)
    found = NearestEdges(lookup.ZoneShapes.of(areas)).distances(places.x.to_numpy(), places.y.to_numpy())
    assert found.tolist() == pytest.approx(y.tolist(), abs=1e-6)
