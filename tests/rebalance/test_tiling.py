from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from grid_town import CM_DEG, EAST, NORTH, UTM, district_of, grid_district, grid_schools, school_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box
from tiling import tiling_faults

from safeschools_geo.assign._decide import assign_campuses, assign_points
from safeschools_geo.district._district import demo_folder, read_district
from safeschools_geo.errors import ColumnError
from safeschools_geo.findings import conform
from safeschools_geo.io._export import write_geojson
from safeschools_geo.rebalance._areas import units_of_areas
from safeschools_geo.rebalance._cells import service_areas
from safeschools_geo.rebalance._draft import draft_zones
from safeschools_geo.rebalance._neighbors import unit_edges
from safeschools_geo.rebalance._tiling import reading_order, zones_of_plan, zones_of_units
from safeschools_geo.rebalance._units import units_of_schools
from safeschools_geo.schemas import ZONES
from safeschools_geo.term._run import assign_schools, zone_by_school


def numbers(rows, columns, label):
    """Return the numbers of the zones, laid out as the grid is, the northern row first."""
    units = service_areas(grid_schools(rows, columns), grid_district(rows, columns))
    label = np.asarray(label)[::-1].ravel()
    return reading_order(units, label, crs=UTM)[label].reshape(rows, columns)[::-1].tolist()


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ([[3, 0, 2, 1]], [["1", "2", "3", "4"]]),
        ([[3], [0], [2], [1]], [["1"], ["2"], ["3"], ["4"]]),
        ([[5, 4, 3, 2], [1, 0, 7, 6]], [["1", "2", "3", "4"], ["5", "6", "7", "8"]]),
        ([[1, 1, 0, 0], [1, 1, 0, 0]], [["1", "1", "2", "2"], ["1", "1", "2", "2"]]),
        ([[3, 2], [1, 0]], [["1", "2"], ["3", "4"]]),
        ([[0, 0], [0, 0]], [["1", "1"], ["1", "1"]]),
    ],
)
def test_zones_are_numbered_like_words_on_a_page(label, expected):
    assert numbers(len(label), len(label[0]), label) == expected


def test_zones_are_the_union_of_their_units():
    units = service_areas(grid_schools(2, 4), grid_district(2, 4))
    zone_id = ["2", "2", "10", "10", "2", "2", "10", "10"]
    zones = zones_of_units(units.assign(zone_id=zone_id))
    conform(zones, ZONES)
    assert zones["zone_id"].tolist() == ["2", "10"]
    assert zones["name"].tolist() == ["Zone 2", "Zone 10"]
    shapes = zones.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    assert zones.geom_type.tolist() == ["Polygon", "Polygon"]
    assert zones.to_crs(UTM).area.tolist() == pytest.approx([4e6, 4e6], rel=1e-3)
    assert zones.crs.to_epsg() == 4326


def test_ids_that_are_words_come_after_numbers():
    units = service_areas(grid_schools(1, 3), grid_district(1, 3))
    zones = zones_of_units(units.assign(zone_id=pd.array(["West", "3", "East"], dtype="str")))
    assert zones["zone_id"].tolist() == ["3", "East", "West"]


def zones_frame(**shapes: Polygon) -> gpd.GeoDataFrame:
    """Make zones of shapes drawn in meters, with posts and teams; vertices every 10 m keep lines straight."""
    drawn = district_of(*shapes.values())
    ids = [z.removeprefix("z") for z in shapes]
    return gpd.GeoDataFrame(
        {
            "zone_id": pd.array(ids, dtype="str"),
            "name": pd.array([f"Patrol {z}" for z in ids], dtype="str"),
            "officer": pd.array([f"SS-{z}" for z in ids], dtype="str"),
            "team": pd.array(["North"] * len(ids), dtype="str"),
        },
        geometry=drawn.geometry.segmentize(10).to_crs(4326),
        crs=4326,
    )


# Two rows of four squares in three zones, "2" first in the file.
SCHOOLS = grid_schools(2, 4)
THREE = zones_frame(z2=box(0, 0, 2000, 2000), z1=box(2000, 0, 4000, 1000), z3=box(2000, 1000, 4000, 2000))


def built_of(schools, zones, *, zone_of=None, district=None):
    """Build units of schools in the zones that they fall in, each with a load of 1."""
    found = assign_campuses(schools, zones)["zone_id"].set_axis(schools["school_id"])
    given_zones = found if zone_of is None else found.where(~found.index.isin(zone_of), found.index.map(zone_of))
    return units_of_schools(schools, zones, district, given_zones, pd.Series(1.0, index=schools["school_id"])).units


def current(units):
    return units.set_index("unit_id")["zone_id"]


def moved_at_random(units, edges, seed, moves):
    """Move units to the zone of a neighbor, one after another, as long as their zone keeps a unit."""
    rng = np.random.default_rng(seed)
    plan = current(units)
    for _ in range(moves):
        pairs = edges[edges["unit_a"].map(plan).to_numpy() != edges["unit_b"].map(plan).to_numpy()]
        if pairs.empty:
            break
        a, b = pairs[["unit_a", "unit_b"]].sample(1, random_state=int(rng.integers(2**31))).iloc[0]
        unit, other = (a, b) if rng.integers(2) else (b, a)
        if (plan == plan[unit]).sum() > 1:
            plan[unit] = plan[other]
    return plan.rename("zone_id")


def assert_plan_is_drawn(units, plan, zones, schools, folder):
    """The zones tile, survive being written, and every school falls in its planned zone when assigned again."""
    drawn = zones_of_plan(units, plan, zones, schools=schools)
    conform(drawn, ZONES)
    shapes = drawn.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert tiling_faults(drawn, units) == []
    assert drawn["zone_id"].tolist() == [z for z in zones["zone_id"] if z in set(plan)]
    write_geojson(folder / "zones.geojson", drawn)
    written = gpd.read_file(folder / "zones.geojson")
    assert shapely.coverage_is_valid(written.geometry.to_numpy())
    assert shapely.equals_exact(written.geometry.to_numpy(), shapes, 0.0).all()
    members = units.explode("school_ids").dropna(subset="school_ids").set_index("school_ids")
    asked = schools[schools["school_id"].isin(members.index)]
    is_point = asked.geom_type.eq("Point").all()
    found = (assign_points if is_point else assign_campuses)(asked, written)["zone_id"]
    expected = members.loc[asked["school_id"], "unit_id"].map(plan)
    assert found.tolist() == expected.tolist()
    return drawn


def test_a_plan_becomes_zones_as_the_file_has_them(tmp_path):
    units = built_of(SCHOOLS, THREE)
    plan = current(units)
    plan["r1c1"] = "3"
    drawn = assert_plan_is_drawn(units, plan, THREE, SCHOOLS, tmp_path)
    assert drawn.columns.tolist() == ["zone_id", "name", "officer", "team", "geometry"]
    assert drawn["officer"].tolist() == ["SS-2", "SS-1", "SS-3"]
    shape = drawn.geometry.to_crs(UTM).translate(-EAST, -NORTH).iloc[2]
    assert shape.symmetric_difference(box(1000, 1000, 4000, 2000)).area < 100
    bare = zones_of_plan(units, plan, THREE[["zone_id"]])
    assert bare["name"].tolist() == ["Zone 2", "Zone 1", "Zone 3"]
    assert bare.columns.tolist() == ["zone_id", "name", "geometry"]


def test_the_current_plan_is_the_zones_as_they_are(tmp_path):
    units = built_of(SCHOOLS, THREE)
    drawn = assert_plan_is_drawn(units, current(units), THREE, SCHOOLS, tmp_path)
    for was, now in zip(THREE.geometry, drawn.geometry, strict=True):
        assert shapely.hausdorff_distance(was.boundary, now.boundary) < CM_DEG


def test_a_zone_without_units_is_left_out(tmp_path):
    units = built_of(SCHOOLS, THREE)
    plan = current(units).replace("1", "3")
    drawn = assert_plan_is_drawn(units, plan, THREE, SCHOOLS, tmp_path)
    assert drawn["zone_id"].tolist() == ["2", "3"]


def test_a_plan_that_does_not_fit_is_refused():
    units = built_of(SCHOOLS, THREE)
    plan = current(units).rename({"r0c0": "q"})
    plan["r1c1"] = "9"
    plan = pd.concat([plan, plan.loc[["r0c1"]]])
    with pytest.raises(ColumnError) as error:
        zones_of_plan(units, plan, THREE)
    assert error.value.ids == ("r0c0", "q", "r0c1", "9")


@pytest.mark.parametrize("file_order", [[0, 1], [1, 0]])
def test_a_school_on_an_edge_falls_where_it_is_planned(tmp_path, file_order):
    # B stands 0.3 m east of the edge of zones 1 and 2, and is assigned to 1 or 2, whichever the file has first.
    zones = zones_frame(z1=box(0, 0, 2000, 1000), z2=box(2000, 0, 3000, 1000), z3=box(3000, 0, 4000, 1000))
    zones = zones.iloc[[*file_order, 2]].reset_index(drop=True)
    schools = school_at({"A": (500, 500), "B": (2000.3, 500), "C": (2500, 500), "D": (3500, 500)})
    units = built_of(schools, zones)
    same = assert_plan_is_drawn(units, current(units), zones, schools, tmp_path)
    for was, now in zip(zones.geometry, same.geometry, strict=True):
        assert shapely.hausdorff_distance(was.boundary, now.boundary) < CM_DEG
    for target in ("1", "2", "3"):
        assert_plan_is_drawn(units, _with(units, B=target), zones, schools, tmp_path)
    assert_plan_is_drawn(units, _with(units, C="3", B="2"), zones, schools, tmp_path)


def _with(units, **moves):
    plan = current(units)
    plan.update(pd.Series(moves))
    return plan


def test_a_school_that_an_earlier_decision_put_across_the_edge_falls_there(tmp_path):
    # By the tie it would be the first zone's; it was the second's before.
    zones = zones_frame(z1=box(0, 0, 2000, 1000), z2=box(2000, 0, 4000, 1000))
    schools = school_at({"A": (500, 500), "B": (1999.7, 500), "C": (3500, 500)})
    units = built_of(schools, zones, zone_of={"B": "2"})
    assert current(units)["B"] == "2"
    assert_plan_is_drawn(units, current(units), zones, schools, tmp_path)


def test_a_campus_falls_where_it_is_planned(tmp_path):
    # The campus lies in three zones: 45 % in its own, and 30 % and 25 % in two that the plan makes one.
    zones = zones_frame(z1=box(0, 0, 1000, 1000), z2=box(1000, 0, 2000, 500), z3=box(1000, 500, 2000, 1000))
    schools = school_at({"A": (300, 500), "B": (1600, 200), "C": (1600, 800)})
    campus = gpd.GeoSeries([box(910, 450, 1110, 550)]).translate(EAST, NORTH).iloc[0]
    schools.loc[0, "geometry"] = campus
    units = built_of(schools, zones, zone_of={"A": "1"})
    assert_plan_is_drawn(units, _with(units, C="2"), zones, schools, tmp_path)
    assert_plan_is_drawn(units, current(units), zones, schools, tmp_path)


def test_schools_of_one_site_are_all_held(tmp_path):
    zones = zones_frame(z1=box(0, 0, 2000, 1000), z2=box(2000, 0, 4000, 1000))
    schools = school_at({"A": (500, 500), "B": (1998.5, 500), "C": (1999.9, 500), "D": (3500, 500)})
    units = built_of(schools, zones, zone_of={"C": "1"})
    assert units["school_ids"].tolist() == [("A",), ("B", "C"), ("D",)]
    plan = _with(units, A="2", D="1")
    assert_plan_is_drawn(units, plan, zones, schools, tmp_path)


def test_areas_of_any_crs_become_zones_that_tile():
    drawn = district_of(box(0, 0, 100, 100), box(100.4, 0, 200, 100), box(199.7, 0, 300, 100)).to_crs(2226)
    units = drawn.assign(unit_id=list("abc"), zone_id=["1", "1", "2"], workload=1.0)
    zones = pd.DataFrame({"zone_id": ["1", "2"]})
    found = zones_of_plan(units, pd.Series({"a": "1", "b": "2", "c": "2"}), zones)
    assert found.geom_type.tolist() == ["Polygon", "Polygon"]
    assert shapely.coverage_is_valid(found.geometry.to_numpy())
    assert tiling_faults(found, district_of(box(0, 0, 300, 100))) == []


GROUND = district_of(box(0, 0, 2000, 1000)).geometry.segmentize(10)


@pytest.mark.parametrize(
    ("shapes", "sentences"),
    [
        ([box(0, 0, 1000, 1000), box(1000, 0, 2000, 1000)], []),
        ([box(0, 0, 1000, 1000), box(950, 0, 2000, 1000)], ["Zones 1 and 2 overlap by 50,000 m²."]),
        ([box(0, 0, 1000, 1000), box(1000.5, 0, 2000, 1000)], ["(a sliver)"]),
        ([box(0, 0, 900, 1000), box(1000, 0, 2000, 1000)], ["Ground beside zones 1 and 2 lies in no zone: 0.10 km²."]),
        ([box(0, 0, 1000, 1000), box(1000, 0, 2100, 1000)], ["Zone 2 reaches beyond its ground by 0.10 km²."]),
        ([box(0, 0, 1000, 1000), Polygon()], ["Zone 2 is no area."]),
        (
            [box(0, 0, 1000, 1000), Polygon([(1000, 0), (2000, 1000), (2000, 0), (1000, 1000)])],
            ["The polygon of zone 2 is not valid."],
        ),
    ],
)
def test_faults_of_a_tiling_are_reported(shapes, sentences):
    drawn = district_of(*shapes).geometry
    drawn = drawn.where(drawn.is_empty | ~drawn.is_valid, drawn.segmentize(10)).to_crs(4326)
    zones = gpd.GeoDataFrame({"zone_id": ["1", "2"]}, geometry=drawn)
    told = tiling_faults(zones, GROUND)
    assert len(told) == len(sentences)
    for sentence, words in zip(told, sentences, strict=True):
        assert words in sentence


def test_neighbors_that_do_not_share_their_vertices_are_reported():
    zones = gpd.GeoDataFrame(
        {"zone_id": ["1", "2"]},
        geometry=[box(0, 0, 0.01, 0.01), Polygon([(0.01, 0), (0.02, 0), (0.02, 0.01), (0.01, 0.01), (0.01, 0.005)])],
        crs=4326,
    )
    assert tiling_faults(zones, zones) == ["Neighbors do not share the vertices of their borders: zones 1, 2."]
    twice = zones.assign(zone_id="1")
    assert tiling_faults(twice, zones) == ["Zone 1 comes more than once."]


@st.composite
def plans(draw):
    """Draw a small town on squared paper whose schools are off the middle, its zones, and some moves."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    places = {
        f"r{r}c{c}": ((c + rng.uniform(0.02, 0.98)) * 1000, (r + rng.uniform(0.02, 0.98)) * 1000)
        for r in range(rows)
        for c in range(columns)
    }
    cut = draw(st.integers(1, columns - 1)) * 1000 + draw(st.sampled_from([0.0, 0.31, 170.0]))
    # Some schools stand on the very edge of the zones, or within half a meter of it.
    for school in list(places)[: draw(st.integers(0, 2))]:
        places[school] = (cut + draw(st.sampled_from([-0.4, 0.0, 0.2])), places[school][1])
    north, east = rows * 1000, columns * 1000
    shapes = {"z1": box(0, 0, cut, north), "z2": box(cut, 0, east, north)}
    if rows > 1:
        shapes |= {"z2": box(cut, 0, east, 1000), "z3": box(cut, 1000, east, north)}
    zones = zones_frame(**shapes).sample(frac=1, random_state=draw(st.integers(0, 99))).reset_index(drop=True)
    return school_at(places), zones, draw(st.integers(0, 99)), draw(st.integers(0, 6))


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(plans())
def test_any_plan_of_any_small_town_can_be_written_and_assigned_again(tmp_path_factory, town):
    schools, zones, seed, moves = town
    units = built_of(schools, zones)
    plan = moved_at_random(units, unit_edges(units), seed, moves)
    assert_plan_is_drawn(units, plan, zones, schools, tmp_path_factory.mktemp("plan"))


def test_demo(tmp_path):
    district = read_district(demo_folder())
    school_zones = zone_by_school(assign_schools(district))
    load = pd.Series(1.0, index=district.schools["school_id"])
    built = units_of_schools(district.schools, district.zones, district.boundary, school_zones, load, crs=district.crs)
    edges = unit_edges(built.units, crs=district.crs)
    same = assert_plan_is_drawn(built.units, current(built.units), district.zones, district.schools, tmp_path)
    for was, now in zip(district.zones.geometry, same.geometry, strict=True):
        assert shapely.hausdorff_distance(was.boundary, now.boundary) < CM_DEG
    for seed in range(5):
        plan = moved_at_random(built.units, edges, seed, 8)
        drawn = assert_plan_is_drawn(built.units, plan, district.zones, district.schools, tmp_path)
        assert tiling_faults(drawn, district.boundary) == []


@pytest.mark.real_data
def test_san_juan(real_data, san_juan_schools, tmp_path):
    district = gpd.read_file(real_data / "san_juan" / "district_2012.geojson")
    zones = draft_zones(san_juan_schools, district, zones=8, starts=1).zones
    units = built_of(san_juan_schools, zones, district=district)
    assert len(units) == 76
    edges = unit_edges(units)
    for seed in range(4):
        plan = moved_at_random(units, edges, seed, 10)
        drawn = assert_plan_is_drawn(units, plan, zones, san_juan_schools, tmp_path)
        assert tiling_faults(drawn, district) == []


@pytest.mark.real_data
def test_carrollton(real_data, tmp_path):
    frame = gpd.read_file(real_data / "carrollton" / "ReportingAreas.shp").assign(load=1.0)
    units = units_of_areas(frame, unit_id="PDGrid", zone="BEATNUMBER", workload="load", no_zone=["0"]).units
    zones = pd.DataFrame({"zone_id": [str(i) for i in range(1, 13)]})
    plan = moved_at_random(units, unit_edges(units), 1, 20)
    drawn = zones_of_plan(units, plan, zones)
    assert tiling_faults(drawn, units) == []
    write_geojson(tmp_path / "zones.geojson", drawn)
    written = gpd.read_file(tmp_path / "zones.geojson")
    points = units.set_geometry("anchor")[["unit_id", "anchor"]]
    assert assign_points(points, written)["zone_id"].tolist() == plan[units["unit_id"]].tolist()
    raw = frame.assign(unit_id=frame["PDGrid"], zone_id=units["zone_id"])
    assert tiling_faults(zones_of_plan(raw, plan, zones), units) == []
