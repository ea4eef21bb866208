"""Areal units of a district of schools, on two square zones that are small enough to draw.

::

    y=1000 +---------+----+----+---------+
           |    A    |    B    |    C    |     zones W to x=1000, E beyond
           |   S1    | S2 |    |   S3    |
    y=0    +---------+----+----+---------+
          x=0       700 1000 1300      2000
"""

from __future__ import annotations

import itertools

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Point, box

from safeschools_geo.errors import ColumnError, GeometryError
from safeschools_geo.rebalance._neighbors import unit_edges
from safeschools_geo.rebalance._propose import rebalance
from safeschools_geo.rebalance._units import units_of_school_areas

UTM = "EPSG:32610"
EAST, NORTH = 600_000.0, 4_200_000.0


def rectangle(west, east, south=0.0, north=1000.0):
    return box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def town(edges=(0, 700, 1300, 2000), names="ABC", schools=((500, 500), (900, 500), (1600, 500))):
    zones = gpd.GeoDataFrame({"zone_id": ["W", "E"]}, geometry=[rectangle(0, 1000), rectangle(1000, 2000)], crs=UTM)
    shapes = [rectangle(a, b) for a, b in itertools.pairwise(edges)]
    areas = gpd.GeoDataFrame({"unit_id": list(names)}, geometry=shapes, crs=UTM)
    points = [Point(EAST + x, NORTH + y) for x, y in schools]
    ids = [f"S{i + 1}" for i in range(len(points))]
    table = gpd.GeoDataFrame({"school_id": ids, "enrollment": [300, 200, None][: len(ids)]}, geometry=points, crs=UTM)
    zone_of = pd.Series(["W" if x < 1000 else "E" for x, _ in schools], index=ids)
    return areas, zones, table, zone_of, pd.Series([2.0, 1.0, 0.5][: len(ids)], index=ids)


def test_areas_are_cut_where_zones_meet():
    built = units_of_school_areas(*town(), incidents=pd.Series({"S1": 4, "S2": 2}))
    units = built.units.set_index("unit_id").sort_index()
    assert units["zone_id"].to_dict() == {"A": "W", "B@E": "E", "B@W": "W", "C": "E"}
    assert units["workload"].to_dict() == {"A": 2.0, "B@E": 0.0, "B@W": 1.0, "C": 0.5}
    assert units["school_ids"].to_dict() == {"A": ("S1",), "B@E": (), "B@W": ("S2",), "C": ("S3",)}
    assert units["schools"].tolist() == [1, 0, 1, 1]
    assert units["incidents"].tolist() == [4, 0, 2, 0]
    assert units["students"].fillna(-1).tolist() == [300, -1, 200, -1]
    assert units.to_crs(UTM).area.round(-2).tolist() == pytest.approx([700_000, 300_000, 300_000, 700_000], rel=1e-3)
    anchor = gpd.GeoSeries(units["anchor"], crs="EPSG:4326").to_crs(UTM)
    assert (anchor["A"].x - EAST, anchor["A"].y - NORTH) == pytest.approx((500, 500), abs=0.1)
    assert [f.code for f in built.findings] == ["units_cut"]
    assert "cut" in built.findings[0].message


def test_an_area_a_little_over_the_edge_goes_with_the_rest():
    built = units_of_school_areas(*town(edges=(0, 700, 1002, 2000)))
    units = built.units.set_index("unit_id")
    assert units["zone_id"].to_dict() == {"A": "W", "B": "W", "C": "E"}
    assert units.to_crs(UTM).area["B"] == pytest.approx(302_000, rel=1e-3)
    assert built.findings == ()


def test_a_school_goes_with_an_area_of_the_zone_it_is_assigned_to():
    areas, zones, schools, _, workload = town(schools=((500, 500), (1005, 500), (1600, 500)))
    built = units_of_school_areas(areas, zones, schools, pd.Series({"S1": "W", "S2": "W", "S3": "E"}), workload)
    held = built.units.set_index("unit_id")["school_ids"]
    assert held["B@W"] == ("S2",)
    assert [f.code for f in built.findings] == ["units_cut", "schools_outside_areas"]
    assert "S2 to B@W" in built.findings[1].message


def test_land_that_no_area_covers_is_reported():
    areas, *rest = town()
    built = units_of_school_areas(areas.iloc[:2], *rest[:2], rest[2].where(rest[2] != "E", ""), rest[3])
    assert "units_leave_ground" in [f.code for f in built.findings]
    wide = town(edges=(0, 700, 1300, 2500))
    assert "units_beyond_zones" in [f.code for f in units_of_school_areas(*wide).findings]


def test_a_plan_moves_areas_with_their_schools():
    built = units_of_school_areas(*town(edges=(0, 700, 1000, 2000)))
    plan = rebalance(built.units, adjacency=unit_edges(built.units), max_moves=1)
    # Loads 3 and .5: with B, E has 1.5 and W 2.
    assert plan.assignment.to_dict() == {"A": "W", "B": "E", "C": "E"}
    assert plan.is_proven


def test_what_cannot_be_used_is_refused():
    areas, zones, schools, zone_of, workload = town()
    with pytest.raises(ColumnError, match="unit_id"):
        units_of_school_areas(areas.drop(columns="unit_id"), zones, schools, zone_of, workload)
    with pytest.raises(GeometryError, match="no area of its own"):
        units_of_school_areas(areas.iloc[2:], zones, schools, zone_of, workload)
    far = areas.assign(geometry=areas.translate(50_000))
    with pytest.raises(GeometryError, match="none of the zones"):
        units_of_school_areas(far, zones, schools, zone_of, workload)
