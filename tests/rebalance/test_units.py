from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from grid_town import CM_DEG, EAST, NORTH, UTM, district_of, grid_district, grid_schools, school_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely.geometry import GeometryCollection, LineString, Point, Polygon, box

from safeschools_geo.district._district import demo_folder, read_district
from safeschools_geo.errors import ColumnError, CRSError, GeometryError, SeveralFaultsError
from safeschools_geo.rebalance._areas import units_of_areas
from safeschools_geo.rebalance._cells import Land
from safeschools_geo.rebalance._neighbors import rook_adjacency
from safeschools_geo.rebalance._units import units_of_schools
from safeschools_geo.term._run import assign_schools, zone_by_school


def dense(frame):
    """Add vertices every 10 m: a line straight in meters is bent in degrees, over 2 km by some 5 cm."""
    return frame.set_geometry(frame.geometry.segmentize(10))


# Two rows of four squares; the zones are the two halves, unless told.
SCHOOLS = grid_schools(2, 4)
TOWN = dense(grid_district(2, 4))
WEST, EAST_HALF = box(0, 0, 2000, 2000), box(2000, 0, 4000, 2000)


def zones_of(**shapes: Polygon) -> gpd.GeoDataFrame:
    return dense(district_of(*shapes.values())).assign(
        zone_id=pd.array([z.removeprefix("z") for z in shapes], dtype="str"),
        name=pd.array([f"Zone {z}" for z in shapes], dtype="str"),
    )


HALVES = zones_of(z1=WEST, z2=EAST_HALF)


def by_school(schools, zone_of):
    """Return the zone of each school: a mapping, or a function of meters east."""
    ids = schools["school_id"]
    if callable(zone_of):
        east = schools.geometry.centroid.x - EAST
        return pd.Series([zone_of(x) for x in east], index=ids, dtype="str")
    return pd.Series([zone_of[i] for i in ids], index=ids, dtype="str")


def loads(schools, value=1.0):
    return pd.Series(value, index=schools["school_id"])


def halves(x):
    return "1" if x < 2000 else "2"


def build(schools=SCHOOLS, zones=HALVES, district=TOWN, zone_of=halves, **options):
    return units_of_schools(schools, zones, district, by_school(schools, zone_of), loads(schools), **options)


def meters(units):
    return units.geometry.to_crs(UTM).translate(-EAST, -NORTH).set_axis(units["unit_id"])


def codes(built):
    return [f.code for f in built.findings]


def assert_exact(units, land, *, slack=2 * CM_DEG):
    shapes = units.geometry.to_numpy()
    assert units.crs.to_epsg() == 4326
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    xy = shapely.get_coordinates(shapes)
    np.testing.assert_array_equal(xy, np.round(xy, 7))
    given_area = shapely.union_all(shapely.make_valid(land.geometry.to_crs(4326).to_numpy(), method="structure"))
    whole = shapely.union_all(shapes)
    assert shapely.difference(whole, shapely.buffer(given_area, slack)).is_empty
    assert shapely.difference(shapely.buffer(given_area, -slack), whole).is_empty


def assert_dissolve_to(units, zones, *, slack=2 * CM_DEG):
    """The units of each zone make up the zone as it is, to the rounding of the grid."""
    for zone_id, zone in zip(zones["zone_id"], zones.geometry.to_crs(4326), strict=True):
        own = shapely.union_all(units.geometry[units["zone_id"] == zone_id].to_numpy())
        assert shapely.difference(own, shapely.buffer(zone, slack)).is_empty, zone_id
        assert shapely.difference(shapely.buffer(zone, -slack), own).is_empty, zone_id


def test_the_cells_of_a_grid_are_its_squares():
    built = build(incidents=loads(SCHOOLS, 3))
    units = built.units
    assert units["unit_id"].tolist() == SCHOOLS["school_id"].tolist()
    assert units["zone_id"].tolist() == ["1", "1", "2", "2"] * 2
    assert units["workload"].tolist() == [1.0] * 8
    assert units["schools"].tolist() == [1] * 8
    assert units["students"].tolist() == [100.0] * 8
    assert units["incidents"].tolist() == [3] * 8
    assert units["school_ids"].tolist() == [(i,) for i in SCHOOLS["school_id"]]
    assert units.dtypes.astype(str).to_dict() == {
        "unit_id": "str",
        "zone_id": "str",
        "workload": "float64",
        "school_ids": "object",
        "schools": "int64",
        "students": "float64",
        "incidents": "int64",
        "anchor": "geometry",
        "geometry": "geometry",
    }
    assert units["anchor"].to_crs(UTM).distance(SCHOOLS.geometry).max() < 0.01
    assert_exact(units, TOWN)
    assert_dissolve_to(units, HALVES)
    assert built.findings == ()
    idle = units_of_schools(SCHOOLS, HALVES, TOWN, by_school(SCHOOLS, halves), loads(SCHOOLS, 0.0))
    assert (len(idle.units), idle.findings) == (8, ())


def test_the_edges_of_zones_are_kept_where_cells_would_cross_them():
    # The zones meet 300 m east of the middle between the schools.
    zones = zones_of(z1=box(0, 0, 2300, 2000), z2=box(2300, 0, 4000, 2000))
    built = build(zones=zones)
    shape = meters(built.units)["r0c1"]
    assert shape.symmetric_difference(box(1000, 0, 2300, 1000)).area < 300
    assert_dissolve_to(built.units, zones)
    assert_exact(built.units, TOWN)
    assert built.findings == ()


def test_inputs_are_left_alone():
    before = [frame.copy(deep=True) for frame in (SCHOOLS, HALVES, TOWN)]
    build()
    for frame, copy in zip((SCHOOLS, HALVES, TOWN), before, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(copy))


def test_a_part_of_a_zone_cut_off_from_its_school_stays_in_the_zone():
    # Zone 1 is a U whose arms embrace zone 2; the top of the western arm is nearest to E in a straight line.
    inner = box(500, 1000, 2500, 2000)
    u = box(0, 0, 3000, 2000).difference(inner)
    schools = school_at({"S": (2600, 100), "E": (2600, 1900), "M": (1500, 1500)})
    zones = zones_of(z1=u, z2=inner)
    built = build(schools, zones, dense(district_of(box(0, 0, 3000, 2000))), {"S": "1", "E": "1", "M": "2"})
    assert meters(built.units)["S"].contains(box(100, 1600, 400, 1900))
    assert_dissolve_to(built.units, zones)


def test_a_part_of_a_zone_without_a_school_goes_with_the_nearest_unit_of_the_zone():
    # Zone 1 has a second part in the east of zone 2.
    far = box(3000, 0, 4000, 2000)
    zones = zones_of(z1=WEST.union(far), z2=box(2000, 0, 3000, 2000))
    schools = grid_schools(2, 3)
    built = build(schools, zones, TOWN, halves)
    in_far = [i for i, shape in meters(built.units).items() if shape.intersects(far.buffer(-1))]
    assert len(in_far) == 1
    assert built.units.set_index("unit_id")["zone_id"][in_far[0]] == "1"
    assert codes(built) == ["units_islands"]
    assert_dissolve_to(built.units, zones)


def test_a_zone_without_a_school_is_a_unit_without_workload():
    zones = zones_of(z1=WEST, z2=box(2000, 0, 4000, 1000), z3=box(2000, 1000, 4000, 2000))
    schools = SCHOOLS[~SCHOOLS["school_id"].isin(["r1c2", "r1c3"])]
    built = build(schools, zones)
    last = built.units.iloc[-1]
    assert (last["unit_id"], last["zone_id"], last["workload"], last["schools"]) == ("zone:3", "3", 0.0, 0)
    assert last["school_ids"] == ()
    assert last["students"] == 0.0
    assert last["geometry"].contains(last["anchor"])
    assert codes(built) == ["units_zone_without_school"]
    assert built.findings[0].ids == ("3",)
    assert "1 zone has no school" in built.findings[0].message
    assert_dissolve_to(built.units, zones)


def test_an_id_that_a_school_has_is_not_given_to_an_empty_zone():
    zones = zones_of(z1=WEST, z2=EAST_HALF)
    schools = school_at({"zone:2": (500, 500)})
    assert build(schools, zones, TOWN, {"zone:2": "1"}).units["unit_id"].tolist() == ["zone:2", "zone:zone:2"]


def test_a_gap_goes_to_the_nearest_units():
    # Between the zones lies a strip 200 m wide that no zone claims: its west is nearer to the western schools.
    zones = zones_of(z1=box(0, 0, 1900, 2000), z2=box(2100, 0, 4000, 2000))
    built = build(zones=zones)
    assert meters(built.units)["r0c1"].symmetric_difference(box(1000, 0, 2000, 1000)).area < 300
    assert_exact(built.units, TOWN)
    assert codes(built) == ["units_gap"]
    assert built.findings[0].ids == ("1", "2")
    assert "0.40 km²" in built.findings[0].message


def test_a_gap_beside_an_empty_zone_is_not_lost():
    zones = zones_of(z1=box(0, 0, 1900, 2000), z2=box(2100, 0, 4000, 2000))
    schools = school_at({"A": (100, 1000)})
    built = build(schools, zones, TOWN, {"A": "1"})
    assert_exact(built.units, TOWN)


def test_land_that_two_zones_claim_is_the_first_ones():
    zones = zones_of(z1=box(0, 0, 2200, 2000), z2=EAST_HALF)
    built = build(zones=zones)
    assert_exact(built.units, TOWN)
    west = shapely.union_all(meters(built.units)[built.units["zone_id"].to_numpy() == "1"].to_numpy())
    assert west.symmetric_difference(box(0, 0, 2200, 2000)).area < 300
    assert codes(built) == ["units_overlap"]


def test_a_zone_inside_another_has_no_land():
    with pytest.raises(GeometryError, match="no ground of their own") as error:
        build(zones=zones_of(z1=box(0, 0, 4000, 2000), z2=EAST_HALF))
    assert error.value.ids == ("2",)


def test_land_beyond_the_district_stays_with_its_zone():
    zones = zones_of(z1=WEST, z2=box(2000, 0, 4300, 2000))
    built = build(zones=zones)
    assert_dissolve_to(built.units, zones)
    assert codes(built) == ["units_beyond"]
    assert build(zones=zones, district=None).findings == ()


def test_a_school_on_the_edge_of_its_zone_divides_its_zone():
    # 0.3 m east of the edge, and by the tie the first zone's.
    schools = school_at({"A": (500, 500), "B": (2000.3, 500), "C": (3500, 500)})
    built = build(schools, HALVES, TOWN, {"A": "1", "B": "1", "C": "2"})
    assert_dissolve_to(built.units, HALVES)
    assert codes(built) == ["units_on_edge"]
    assert meters(built.units)["B"].distance(Point(2000.3, 500)) < 0.4
    assert built.units["anchor"].to_crs(UTM).iloc[1].distance(schools.geometry.iloc[1]) < 0.01


def test_a_school_outside_every_zone_has_the_nearest_land_of_its_zone():
    # N stands 40 m north of the district.
    schools = school_at({"A": (500, 500), "N": (1500, 2040), "C": (3500, 500)})
    built = build(schools, HALVES, TOWN, {"A": "1", "N": "1", "C": "2"})
    assert codes(built) == ["units_outside_zones"]
    assert "by up to 40 m" in built.findings[0].message
    nearest = meters(built.units).distance(Point(1500, 2040))
    assert nearest.idxmin() == "N"
    assert nearest["N"] == pytest.approx(40, abs=0.1)
    assert_dissolve_to(built.units, HALVES)


def test_a_school_in_a_gap_has_the_land_it_stands_on():
    zones = zones_of(z1=box(0, 0, 1800, 2000), z2=box(2200, 0, 4000, 2000))
    schools = school_at({"A": (500, 500), "G": (1850, 1000), "C": (3500, 500)})
    built = build(schools, zones, TOWN, {"A": "1", "G": "1", "C": "2"})
    assert meters(built.units)["G"].contains(Point(1850, 1000).buffer(5))
    assert built.units.geom_type.eq("Polygon").all()
    assert_exact(built.units, TOWN)
    assert codes(built) == ["units_gap", "units_outside_zones"]


def test_a_school_well_inside_another_zone_takes_its_area_there_with_it():
    zone_of = dict.fromkeys(SCHOOLS["school_id"], "1") | {"r0c2": "1", "r0c3": "2", "r1c2": "2", "r1c3": "2"}
    built = build(zone_of=zone_of)
    units = built.units.set_index("unit_id")
    assert units.loc["r0c2", "zone_id"] == "1"
    assert meters(built.units)["r0c2"].symmetric_difference(box(2000, 0, 3000, 1000)).area < 300
    assert codes(built) == ["units_in_other_zone"]
    assert built.findings[0].severity == "warning"
    assert_exact(built.units, TOWN)


def test_schools_at_one_site_are_one_unit():
    schools = school_at({"A": (500, 500), "B": (500, 501), "C": (3500, 500)}, enrollment=[10, None, None])
    built = build(schools, HALVES, TOWN, halves)
    assert built.units["unit_id"].tolist() == ["A", "C"]
    assert built.units["school_ids"].tolist() == [("A", "B"), ("C",)]
    assert built.units["workload"].tolist() == [2.0, 1.0]
    assert built.units["schools"].tolist() == [2, 1]
    np.testing.assert_array_equal(built.units["students"], [10.0, np.nan])
    assert codes(built) == ["units_one_site"]


def test_schools_at_one_place_in_different_zones_are_in_the_zone_they_stand_in():
    schools = school_at({"A": (500, 500), "B": (500, 500), "C": (3500, 500)})
    for zone_of in ({"A": "1", "B": "2", "C": "2"}, {"A": "2", "B": "1", "C": "2"}):
        built = build(schools, HALVES, TOWN, zone_of)
        assert built.units[["unit_id", "zone_id"]].to_numpy().tolist() == [["A", "1"], ["C", "2"]]
        moved = next(f for f in built.findings if f.code == "units_zone_differs")
        assert moved.ids == tuple(i for i in ("A", "B") if zone_of[i] == "2")
        assert_dissolve_to(built.units, HALVES)


def test_schools_across_the_edge_of_two_zones_are_two_units():
    schools = school_at({"A": (1999.2, 500), "B": (2000.7, 500)})
    built = build(schools, HALVES, TOWN, {"A": "1", "B": "2"})
    assert built.units["unit_id"].tolist() == ["A", "B"]
    assert_dissolve_to(built.units, HALVES)


def test_schools_that_are_in_no_unit_are_reported():
    schools = grid_schools(1, 4).assign(in_program=[True, False, True, True])
    schools.loc[3, "geometry"] = None
    zone_of = dict(zip(schools["school_id"], ["1", "1", "", "2"], strict=True))
    zones = zones_of(z1=box(0, 0, 2000, 1000), z2=box(2000, 0, 4000, 1000))
    built = units_of_schools(schools, zones, None, by_school(schools, zone_of), loads(schools))
    assert built.units["unit_id"].tolist() == ["r0c0", "zone:2"]
    told = {f.code: (f.severity, f.ids) for f in built.findings}
    assert told["schools_not_in_the_program"] == ("note", ("r0c1",))
    assert told["schools_without_a_zone"] == ("warning", ("r0c2",))
    assert told["schools_without_a_place"] == ("warning", ("r0c3",))


def test_a_campus_belongs_to_its_own_unit():
    # The campus of r0c0 reaches 200 m beyond the middle between the two schools; its own point stays west of it.
    schools = grid_schools(1, 2)
    campus = box(300, 400, 1200, 600)
    schools.loc[0, "geometry"] = gpd.GeoSeries([campus]).translate(EAST, NORTH).iloc[0]
    zones = zones_of(z1=box(0, 0, 2000, 1000))
    built = units_of_schools(schools, zones, None, by_school(schools, lambda _: "1"), loads(schools))
    assert meters(built.units)["r0c0"].contains(campus.buffer(-0.1))
    assert_exact(built.units, zones)


def test_all_faults_are_reported_together():
    schools = pd.concat([SCHOOLS, SCHOOLS.iloc[:1]], ignore_index=True)
    workload = loads(SCHOOLS)
    workload["r0c1"] = -1.0
    workload = workload.drop("r1c1")
    bow = Polygon([(0, 0), (2000, 2000), (2000, 0), (0, 2000)])
    zones = HALVES.set_geometry(district_of(bow, EAST_HALF).geometry)
    school_zones = by_school(SCHOOLS, halves).replace("2", "9")
    with pytest.raises(SeveralFaultsError) as error:
        units_of_schools(schools, zones, TOWN, school_zones, workload)
    told = str(error.value)
    for words in ("r0c0", "not valid areas", "zones that there are not", "r0c1, r1c1"):
        assert words in told
    assert len(error.value.faults) == 4


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"schools": SCHOOLS.drop(columns="school_id")}, ColumnError, "school_id"),
        ({"zones": HALVES.drop(columns="zone_id")}, ColumnError, "zone_id"),
        ({"zones": HALVES.set_crs(None, allow_override=True)}, CRSError, "zones"),
        ({"schools": SCHOOLS.set_crs(None, allow_override=True)}, CRSError, "schools"),
        ({"schools": SCHOOLS.iloc[:0]}, ColumnError, "no school"),
        ({"district": district_of(Point(1, 1))}, GeometryError, "district"),
    ],
)
def test_what_cannot_be_used_is_refused(change, error, words):
    given = {"schools": SCHOOLS, "zones": HALVES, "district": TOWN} | change
    with pytest.raises(error, match=words):
        units_of_schools(**given, school_zones=by_school(SCHOOLS, halves), workload=loads(SCHOOLS))


def test_a_line_beside_an_area_costs_no_land():
    # An overlay of areas may leave a line behind; a collection has no boundary, and its ground was lost.
    spike = LineString([(EAST, NORTH), (EAST, NORTH - 50)])
    spiked = HALVES.set_geometry(
        gpd.GeoSeries([GeometryCollection([HALVES.geometry[0], spike]), HALVES.geometry[1]], crs=UTM)
    )
    land = Land.of(spiked, None, CRS.from_user_input(UTM))
    assert [shape.geom_type for shape in land.shapes] == ["Polygon", "Polygon"]
    assert land.area_m2(land.shapes[0]) == pytest.approx(4_000_000, rel=1e-6)


@st.composite
def zoned_towns(draw):
    """Draw a town of one to six zones with wild edges, some drawn twice some centimeters apart, and schools in it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corners = draw(st.integers(4, 20))
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    rim = Polygon(np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(1500, 8000, (corners, 1)))
    area = shapely.make_valid(rim).buffer(50)
    seeds = rng.uniform(-5000, 5000, (draw(st.integers(1, 6)), 2))
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=area))
    zones = [z for z in (cells.tolist() or [area.envelope]) if z.intersection(area).area > 100]
    # Cells that are left out are no gap of the zones: the district does without them too.
    area = shapely.intersection(area, shapely.union_all(zones))
    offset = draw(st.sampled_from([0.0, 0.05, 0.7]))
    shifted = [shapely.affinity.translate(z, *rng.uniform(-offset, offset, 2)) for z in zones]
    shapes = [shapely.intersection(z, area) for z in shifted]
    candidates = rng.uniform(-8000, 8000, (4000, 2))
    core = area.buffer(-2)
    inside = candidates[shapely.contains_xy(core, candidates)][: draw(st.integers(1, 30))]
    frame = zones_of(**{f"z{i}": z for i, z in enumerate(shapes, start=1)})
    return school_at({f"S{i}": tuple(xy) for i, xy in enumerate(inside)}), frame, dense(district_of(area)), offset


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(zoned_towns())
def test_units_tile_any_town_and_keep_its_zones(town):
    schools, zones, district, offset = town
    shapes = zones.geometry.to_numpy()
    nearest = [zones["zone_id"].iloc[int(np.argmin(shapely.distance(shapes, p)))] for p in schools.geometry]
    zone_of = dict(zip(schools["school_id"], nearest, strict=True))
    built = build(schools, zones, district, zone_of)
    units = built.units
    assert_exact(units, pd.concat([district, zones[["geometry"]]]))
    assert sorted(i for ids in units["school_ids"] for i in ids) == sorted(schools["school_id"])
    assert set(units["zone_id"]) == set(zones["zone_id"])
    if not offset:
        assert_dissolve_to(units, zones)
    unit_of = units.explode("school_ids").dropna(subset="school_ids").set_index("school_ids")
    grounds = meters(units)
    for school, point in zip(schools["school_id"], schools.geometry, strict=True):
        assert unit_of.loc[school, "zone_id"] == zone_of[school]
        assert grounds[unit_of.loc[school, "unit_id"]].distance(shapely.affinity.translate(point, -EAST, -NORTH)) < 1.5


def test_demo():
    district = read_district(demo_folder())
    school_zones = zone_by_school(assign_schools(district))
    built = units_of_schools(
        district.schools,
        district.zones,
        district.boundary,
        school_zones,
        loads(district.schools),
        crs=district.crs,
    )
    assert len(built.units) == district.schools["in_program"].sum() == 62
    assert_dissolve_to(built.units, district.zones)
    assert_exact(built.units, district.boundary)
    assert codes(built) == ["schools_not_in_the_program"]
    assert built.units["name"].is_unique


AREAS = district_of(box(0, 0, 100, 100), box(100, 0, 200, 100), box(0, 100, 100, 200), box(100, 100, 200, 200)).assign(
    area=["2E47", "2E48", "007", "1E5"], beat=[1.0, 1.0, 2.0, 2.0], load=[4, 1, 2, 3]
)


def areas(frame=AREAS, **options):
    return units_of_areas(frame, **({"unit_id": "area", "zone": "beat", "workload": "load"} | options))


def test_areas_become_units():
    built = areas(AREAS.assign(name=list("abcd"), students=5.0))
    units = built.units
    assert units["unit_id"].tolist() == ["2E47", "2E48", "007", "1E5"]
    assert units["zone_id"].tolist() == ["1", "1", "2", "2"]
    assert units["workload"].tolist() == [4.0, 1.0, 2.0, 3.0]
    assert units["name"].tolist() == list("abcd")
    assert units["students"].tolist() == [5.0] * 4
    assert units["anchor"].within(units.geometry).all()
    assert built.findings == ()
    assert_exact(units, AREAS)
    given = gpd.GeoSeries([Point(EAST + 1, NORTH + 1)] * 3 + [None], crs=UTM)
    kept = areas(AREAS.assign(anchor=given)).units["anchor"].to_crs(UTM)
    assert kept.iloc[:3].distance(given.iloc[0]).max() < 0.01
    assert kept.iloc[3].within(units.geometry.to_crs(UTM).iloc[3])


def test_areas_drawn_twice_become_neighbors():
    # b stands 40 cm off a, c overlaps b by 30 cm; the crack between a and b is open to the outside.
    drawn = district_of(box(0, 0, 100, 100), box(100.4, 0, 200, 100), box(199.7, 0, 300, 100))
    frame = drawn.assign(area=list("abc"), beat="1", load=1)
    built = areas(frame)
    edges = rook_adjacency(built.units, snap_m=0)
    assert edges[["unit_a", "unit_b"]].to_numpy().tolist() == [["a", "b"], ["b", "c"]]
    assert codes(built) == ["units_overlap", "units_slivers"]
    assert built.units.to_crs(UTM).area.sum() == pytest.approx(30_000, abs=5)
    assert_exact(built.units, district_of(box(0, 0, 300, 100)))
    assert len(rook_adjacency(areas(frame, tolerance_m=0.1).units, snap_m=0)) == 1


def test_a_hole_between_areas_stays():
    ring = district_of(box(0, 0, 100, 100).difference(box(40, 40, 60, 60)), box(100, 0, 200, 100))
    built = areas(ring.assign(area=["a", "b"], beat="1", load=1))
    assert built.units.to_crs(UTM).area.sum() == pytest.approx(19_600, abs=5)


def test_areas_without_a_zone_may_join_the_one_beside_them():
    frame = AREAS.assign(beat=[1.0, 0.0, 0.0, np.nan])
    with pytest.raises(ColumnError, match="no zone") as error:
        areas(frame, no_zone=["0"])
    assert "1E5" in error.value.ids
    built = areas(frame, no_zone=["0", ""])
    assert built.units["zone_id"].tolist() == ["1"] * 4
    assert codes(built) == ["units_without_zone"]
    assert built.findings[0].ids == ("2E48", "007", "1E5")
    apart = district_of(box(0, 0, 100, 100), box(500, 0, 600, 100), box(1500, 0, 1600, 100))
    far = areas(apart.assign(area=list("abc"), beat=["1", "", "2"], load=1), no_zone=[""])
    assert far.units["zone_id"].tolist() == ["1", "1", "2"]


def test_faults_of_areas_are_reported_together():
    bow = Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
    shapes = gpd.GeoSeries([bow, *AREAS.geometry.translate(-EAST, -NORTH).iloc[1:]]).translate(EAST, NORTH)
    frame = AREAS.set_geometry(shapes.set_crs(UTM)).assign(
        area=["2E47", "x", "x", None], beat=[1.0, np.nan, 1.0, 1.0], load=["4", "much", "-1", "2"]
    )
    with pytest.raises(SeveralFaultsError) as error:
        areas(frame)
    told = str(error.value)
    for words in ("x, row 4", "no zone", "x, x", "Self-intersection"):
        assert words in told
    assert len(error.value.faults) == 4


def test_areas_that_overlap_are_refused():
    drawn = district_of(box(0, 0, 100, 100), box(50, 0, 200, 100))
    with pytest.raises(GeometryError, match="overlap") as error:
        areas(drawn.assign(area=["a", "b"], beat="1", load=1))
    assert error.value.ids == ("a and b",)
    with pytest.raises(ColumnError, match="lacks columns"):
        areas(zone="nothing")


@pytest.mark.real_data
def test_carrollton(real_data):
    frame = gpd.read_file(real_data / "carrollton" / "ReportingAreas.shp")
    work = gpd.read_file(real_data / "carrollton" / "RA_Centroids.dbf").set_index("PDGrid")["Sum_Minu_1"]
    built = units_of_areas(
        frame.assign(minutes=frame["PDGrid"].map(work)),
        unit_id="PDGrid",
        zone="BEATNUMBER",
        workload="minutes",
        no_zone=["0"],
    )
    units = built.units
    assert len(units) == 325
    assert "2E47" in set(units["unit_id"])
    assert sorted(units["zone_id"].unique(), key=int) == [str(i) for i in range(1, 13)]
    assert next(f for f in built.findings if f.code == "units_without_zone").ids == (
        "5C06",
        "5C03",
        "5C02",
        "5C01",
        "2C18",
    )
    shapes = units.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    before, after = frame.to_crs(32614).area, units.to_crs(32614).area
    assert (after - before).abs().max() < 20
    assert after.sum() == pytest.approx(frame.to_crs(32614).union_all().area, abs=50)


@pytest.mark.real_data
def test_census_tracts_are_taken_as_they_are(real_data):
    tracts = gpd.read_file(real_data / "san_juan" / "census2000_tracts.geojson").assign(zone="1", load=1.0)
    built = units_of_areas(tracts, unit_id="FIPS", zone="zone", workload="load")
    assert len(built.units) == 73
    assert built.findings == ()
    assert (built.units.to_crs(UTM).area - tracts.to_crs(UTM).area).abs().max() < 200
