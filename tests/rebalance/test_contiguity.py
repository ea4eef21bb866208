from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from grid_town import UTM, district_of, grid_district, grid_schools
from shapely.geometry import Polygon, box

from safeschools_geo.errors import CRSError, SettingsError
from safeschools_geo.rebalance._cells import service_areas
from safeschools_geo.rebalance._neighbors import (
    adjacency_matrix,
    bridges,
    components,
    is_contiguous,
    rook_adjacency,
    shared_borders,
    zone_pieces,
)


def units_of(**shapes: Polygon) -> gpd.GeoDataFrame:
    frame = district_of(*shapes.values())
    return frame.assign(unit_id=pd.array(list(shapes), dtype="str"))


def pairs(edges: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(edges["unit_a"], edges["unit_b"], strict=True))


FOUR = {
    "sw": box(0, 0, 100, 100),
    "se": box(100, 0, 200, 100),
    "nw": box(0, 100, 100, 200),
    "ne": box(100, 100, 200, 200),
}


@pytest.mark.parametrize("snap_m", [0.0, 0.1])
def test_corners_are_no_borders(snap_m):
    edges = rook_adjacency(units_of(**FOUR), crs=UTM, snap_m=snap_m)
    assert edges.columns.tolist() == ["unit_a", "unit_b", "shared_m"]
    assert list(zip(edges["unit_a"], edges["unit_b"], strict=True)) == [
        ("sw", "se"),
        ("sw", "nw"),
        ("se", "ne"),
        ("nw", "ne"),
    ]
    np.testing.assert_allclose(edges["shared_m"], 100, atol=0.5)


def test_slivers_and_overlaps_are_tolerated():
    # b lies 3 m away from a, c overlaps b by 2 m, d is 50 m off.
    units = units_of(a=box(0, 0, 100, 100), b=box(103, 0, 200, 100), c=box(198, 0, 300, 100), d=box(350, 0, 400, 100))
    assert pairs(rook_adjacency(units, crs=UTM)) == {("b", "c")}
    assert pairs(rook_adjacency(units, crs=UTM, snap_m=5, min_shared_m=20)) == {("a", "b"), ("b", "c")}


def test_the_shortest_border_that_counts():
    units = units_of(a=box(0, 0, 100, 100), b=box(100, 99, 200, 200))
    assert pairs(rook_adjacency(units, crs=UTM)) == {("a", "b")}
    assert pairs(rook_adjacency(units, crs=UTM, min_shared_m=2)) == set()


def test_a_unit_in_a_hole_borders_its_surroundings():
    inner = box(40, 40, 60, 60)
    edges = rook_adjacency(units_of(outer=box(0, 0, 100, 100).difference(inner), inner=inner), crs=UTM)
    assert pairs(edges) == {("outer", "inner")}
    assert edges["shared_m"].iloc[0] == pytest.approx(80, abs=1)


def test_a_corner_must_not_pass_for_a_border():
    with pytest.raises(SettingsError, match="corner"):
        rook_adjacency(units_of(**FOUR), snap_m=1.0)


def test_degrees_are_measured_in_meters():
    in_meters = rook_adjacency(units_of(**FOUR), crs=UTM)
    in_degrees = rook_adjacency(units_of(**FOUR).to_crs(4326))
    assert pairs(in_degrees) == pairs(in_meters)
    np.testing.assert_allclose(in_degrees["shared_m"], in_meters["shared_m"], atol=0.1)
    with pytest.raises(CRSError):
        rook_adjacency(units_of(**FOUR), crs=4326)


def test_shared_borders_of_an_exact_coverage():
    a, b, shared_m = shared_borders(np.array(list(FOUR.values())))
    assert a.tolist() == [0, 0, 1, 2]
    assert b.tolist() == [1, 2, 3, 3]
    assert shared_m.tolist() == [100, 100, 100, 100]


def test_the_grid_has_the_edges_one_can_count():
    edges = rook_adjacency(service_areas(grid_schools(2, 4), grid_district(2, 4)))
    assert len(edges) == 2 * 3 + 4
    assert ("r0c0", "r0c1") in pairs(edges)
    assert ("r0c0", "r1c0") in pairs(edges)
    assert ("r0c0", "r1c1") not in pairs(edges)
    np.testing.assert_allclose(edges["shared_m"], 1000, rtol=1e-3)


def test_one_unit_has_no_edges():
    units = units_of(a=box(0, 0, 1, 1))
    edges = rook_adjacency(units)
    assert edges.empty
    assert components(units["unit_id"], edges).tolist() == [0]
    assert bridges(units, edges).empty


EDGES = pd.DataFrame({"unit_a": ["a", "b", "d"], "unit_b": ["b", "c", "e"], "shared_m": [5.0, 7.0, 9.0]})


def test_adjacency_matrix():
    matrix = adjacency_matrix(["c", "b", "a"], EDGES)
    assert matrix.toarray().tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    lengths = adjacency_matrix(["c", "b", "a"], EDGES, values="shared_m")
    assert lengths.toarray().tolist() == [[0, 7, 0], [7, 0, 5], [0, 5, 0]]


def test_components_are_numbered_by_their_first_units():
    found = components(["d", "a", "e", "c", "b", "x"], EDGES)
    assert found.index.tolist() == ["d", "a", "e", "c", "b", "x"]
    assert found.tolist() == [0, 1, 0, 1, 1, 2]
    assert (found.name, found.index.name) == ("component", "unit_id")


@pytest.mark.parametrize(
    ("zones", "pieces"),
    [
        ({"a": "1", "b": "1", "c": "1", "d": "2", "e": "2"}, {"1": 1, "2": 1}),
        ({"a": "1", "b": "2", "c": "1", "d": "2", "e": "2"}, {"1": 2, "2": 2}),
        ({"a": "1", "b": "1", "c": "1", "d": "1", "e": "2"}, {"1": 2, "2": 1}),
    ],
)
def test_zone_pieces(zones, pieces):
    assignment = pd.Series(zones)
    assert zone_pieces(assignment, EDGES).to_dict() == pieces
    assert is_contiguous(assignment, EDGES) == (set(pieces.values()) == {1})


def test_bridges_join_the_parts_the_shortest_way():
    # Three islands in a row, 10 m and 30 m apart, and a fourth that touches the third in a corner only.
    units = units_of(
        a=box(0, 0, 100, 100),
        b=box(110, 0, 200, 100),
        c=box(200, 0, 210, 100),
        d=box(240, 0, 300, 100),
        e=box(300, 100, 400, 200),
    )
    edges = rook_adjacency(units, crs=UTM)
    found = bridges(units, edges, crs=UTM)
    assert list(zip(found["unit_a"], found["unit_b"], strict=True)) == [("a", "b"), ("c", "d"), ("d", "e")]
    np.testing.assert_allclose(found["distance_m"], [10, 30, 0], atol=1e-6)
    assert components(units["unit_id"], pd.concat([edges, found])).eq(0).all()


@pytest.mark.real_data
def test_census_tracts_hang_together(real_data):
    tracts = gpd.read_file(real_data / "san_juan" / "census2000_tracts.geojson").rename(columns={"FIPS": "unit_id"})
    exact, tolerant = (rook_adjacency(tracts, snap_m=snap) for snap in (0.0, 0.1))
    assert len(exact) == 164
    assert pairs(exact) == pairs(tolerant)
