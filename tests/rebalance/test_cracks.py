"""Neighbors of areas whose drawings do not meet, on a town of squares that is small enough to draw.

::

    y=600 +-----+-----+-----+
          |  g  |  h  |  i  |     squares of 200 m; each has a neighbor at every side, and none at a corner
          +-----+-----+-----+
          |  d  |  e  |  f  |
          +-----+-----+-----+
          |  a  |  b  |  c  |
      y=0 +-----+-----+-----+
         x=0               600
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS
from shapely.geometry import LineString, Polygon, box

from safeschools_geo.errors import GeometryError
from safeschools_geo.rebalance._areas import units_of_areas
from safeschools_geo.rebalance._neighbors import unit_edges
from safeschools_geo.rebalance._tiling import as_coverage, zones_of_plan
from safeschools_geo.rebalance._units import units_of_schools

UTM = "EPSG:32610"
EAST, NORTH = 600_000.0, 4_200_000.0
ORIGIN = np.array([EAST, NORTH])
SIDE = 200.0
SQUARES = {
    name: box(x, y, x + SIDE, y + SIDE)
    for name, (x, y) in zip("abcdefghi", ((SIDE * i, SIDE * j) for j in range(3) for i in range(3)), strict=True)
}
ROOK = {"ab", "bc", "de", "ef", "gh", "hi", "ad", "be", "cf", "dg", "eh", "fi"}


def units_of(shapes, crs=UTM):
    placed = [shapely.transform(shape, lambda xy: xy + ORIGIN) for shape in shapes.values()]
    return gpd.GeoDataFrame({"unit_id": list(shapes)}, geometry=placed, crs=UTM).to_crs(crs)


def borders(shapes, crs=UTM, **options):
    edges = unit_edges(units_of(shapes, crs), crs=UTM, **options)
    edges = edges[edges["kind"] == "border"]
    return {a + b for a, b in zip(edges["unit_a"], edges["unit_b"], strict=True)}


def moved(shapes, far_m, seed, step=None):
    """Move every vertex by up to so much, each square by itself."""
    rng = np.random.default_rng(seed)

    def shaken(shape):
        xy = shapely.get_coordinates(shapely.segmentize(shape, step) if step else shape)[:-1]
        angle, length = rng.uniform(0, 2 * np.pi, len(xy)), far_m * np.sqrt(rng.uniform(size=len(xy)))
        return Polygon(xy + length[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))

    return {name: shaken(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("gap_m", [-3.0, -0.5, -0.02, 0.02, 0.1, 1.0, 5.0, 9.0])
def test_seams_all_around_change_no_border(gap_m):
    apart = {name: shape.buffer(-gap_m / 2, join_style="mitre") for name, shape in SQUARES.items()}
    assert borders(apart) == ROOK


@pytest.mark.parametrize("gap_m", [-3.0, 0.02, 0.1, 3.0, 9.0])
def test_a_seam_anywhere_changes_no_border(gap_m):
    seams = {
        "straight": LineString([(200, -50), (200, 650)]),
        "slanted": LineString([(150, -50), (260, 650)]),
        "bent": LineString([(-50, 320), (300, 280), (650, 330)]),
    }
    for seam in seams.values():
        wide = seam.buffer(abs(gap_m) / 2, cap_style="flat")
        cut = {name: shape.difference(wide) for name, shape in SQUARES.items()}
        if gap_m < 0:
            cut = {name: shape.union(wide.intersection(shape.buffer(-gap_m))) for name, shape in SQUARES.items()}
        assert borders(cut) == ROOK


@pytest.mark.parametrize(("far_m", "step"), [(0.05, None), (1.0, None), (5.0, None), (5.0, 50.0)])
def test_moving_every_vertex_by_half_the_tolerance_changes_no_border(far_m, step):
    for seed in range(3):
        assert borders(moved(SQUARES, far_m, seed, step)) == ROOK


def test_simplifying_each_area_alone_changes_no_border():
    # Borders that wind by 8 m; each area is simplified by itself, from another vertex.
    def winding(x, y):
        return x + 8 * np.sin(y / 30), y + 8 * np.sin(x / 25)

    dense = {name: shapely.segmentize(shape, 10.0) for name, shape in SQUARES.items()}
    wound = {
        name: shapely.transform(s, lambda xy: np.column_stack(winding(*xy.T)), include_z=False)
        for name, s in dense.items()
    }
    assert borders(wound) == ROOK
    assert borders({name: shapely.simplify(s, 4.0) for name, s in wound.items()}) == ROOK


def test_another_crs_changes_no_border():
    for crs in ("EPSG:4326", "EPSG:2226", "EPSG:3857"):
        assert borders(SQUARES, crs) == ROOK
        apart = {name: shape.buffer(-0.5, join_style="mitre") for name, shape in SQUARES.items()}
        assert borders(apart, crs) == ROOK


def test_water_wider_than_the_tolerance_is_not_crossed():
    # A river of 12 m between the columns at x=200; it narrows to 8 m for 60 m at the north end.
    river = box(194, -1, 206, 540).union(box(196, 539, 204, 601))
    shapes = {name: shape.difference(river) for name, shape in SQUARES.items()}
    assert borders(shapes) == ROOK - {"ab", "de"}
    assert borders(shapes, tolerance_m=13.0) == ROOK
    assert borders(shapes, tolerance_m=7.0) == ROOK - {"ab", "de", "gh"}
    wide = {name: shape.buffer(-7.5, join_style="mitre") for name, shape in SQUARES.items()}
    assert borders(wide) == set()
    assert borders(wide, tolerance_m=20.0) == ROOK


def test_no_unit_is_a_neighbor_across_another():
    # A strip of 2 m with cracks of 3 m at both sides: its neighbors are 8 m apart, and do not meet.
    strip = {"a": box(0, 0, 100, 200), "s": box(103, 0, 105, 200), "b": box(108, 0, 208, 200)}
    assert borders(strip) == {"as", "sb"}
    # Where the strip ends early, they do.
    assert borders(strip | {"s": box(103, 0, 105, 150)}) == {"as", "sb", "ab"}


def test_a_crack_is_divided_along_its_middle():
    apart = {"a": box(0, 0, 100, 200), "b": box(106, 0, 206, 200)}
    units = units_of(apart)
    meters = CRS.from_user_input(UTM)
    drawn = as_coverage(units.geometry, meters)
    shapes = gpd.GeoSeries(drawn.shapes, crs=4326).to_crs(UTM)
    assert shapes.area.tolist() == pytest.approx([103 * 200] * 2, rel=1e-3)
    assert drawn.closed_m2 == pytest.approx(6 * 200, rel=1e-3)
    assert shapes.intersection(units.geometry.iloc[1].buffer(2.9)).area.iloc[0] < 5
    assert shapely.coverage_is_valid(drawn.shapes)
    over = as_coverage(units_of(apart | {"b": box(96, 0, 206, 200)}).geometry, meters)
    shapes = gpd.GeoSeries(over.shapes, crs=4326).to_crs(UTM)
    assert shapes.area.tolist() == pytest.approx([98 * 200, 108 * 200], rel=1e-3)
    assert over.overlap_m2 == pytest.approx(4 * 200, rel=1e-3)
    assert over.overlapping == (0, 1)


def test_an_exact_drawing_stays_as_it_is():
    exact = as_coverage(units_of(SQUARES).geometry, CRS.from_user_input(UTM)).shapes
    again = as_coverage(gpd.GeoSeries(exact, crs=4326), CRS.from_user_input(UTM))
    assert shapely.equals_exact(again.shapes, exact, 0).all()
    assert again.closed_m2 == 0
    # A notch at the rim is narrow ground between two areas that are neighbors anyway: nothing is redrawn.
    notched = SQUARES | {"a": SQUARES["a"].difference(box(197, -1, 200, 60))}
    drawn = as_coverage(units_of(notched).geometry, CRS.from_user_input(UTM), tolerance_m=1.0).shapes
    kept = as_coverage(gpd.GeoSeries(drawn, crs=4326), CRS.from_user_input(UTM))
    assert shapely.equals_exact(kept.shapes, drawn, 0).all()


def test_areas_inside_others_are_named():
    nested = units_of({"a": box(0, 0, 100, 100), "b": box(20, 20, 60, 60)})
    with pytest.raises(GeometryError, match="wholly in others"):
        as_coverage(nested.geometry, CRS.from_user_input(UTM))


def test_zones_stay_one_piece_when_shrunk():
    frame = units_of(moved(SQUARES, 4.0, 0)).assign(zone=list("112112333"), load=1.0)
    built = units_of_areas(frame, unit_id="unit_id", zone="zone", workload="load")
    assert {"units_overlap", "units_slivers"} == {f.code for f in built.findings}
    today = built.units.set_index("unit_id")["zone_id"]
    zones = zones_of_plan(built.units, today, built.units[["zone_id"]].drop_duplicates()).to_crs(UTM)
    assert zones.buffer(-1.0).geom_type.tolist() == ["Polygon"] * 3


def test_a_seam_between_zones_is_divided_where_no_boundary_is_given():
    # Two zones 2 m apart, two schools in each: without a boundary nothing else would close the seam.
    zones = units_of({"W": box(0, 0, 399, 400), "E": box(401, 0, 800, 400)}).rename(columns={"unit_id": "zone_id"})
    places = shapely.points([[EAST + x, NORTH + 200] for x in (100, 300, 500, 700)])
    schools = gpd.GeoDataFrame({"school_id": list("1234")}, geometry=places, crs=UTM)
    zone_of = gpd.pd.Series(["W", "W", "E", "E"], index=schools["school_id"])
    built = units_of_schools(schools, zones, None, zone_of, gpd.pd.Series(1.0, index=schools["school_id"]))
    edges = unit_edges(built.units)
    assert edges[["unit_a", "unit_b", "kind"]].to_numpy().tolist() == [
        ["1", "2", "border"],
        ["2", "3", "border"],
        ["3", "4", "border"],
    ]
    assert [f.code for f in built.findings] == ["units_slivers"]
    apart = units_of_schools(
        schools, zones, None, zone_of, gpd.pd.Series(1.0, index=schools["school_id"]), tolerance_m=1.0
    )
    assert "bridge" in set(unit_edges(apart.units, tolerance_m=1.0)["kind"])
