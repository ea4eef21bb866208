from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from grid_town import UTM, district_of, grid_district, grid_schools, school_at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon, box

from safeschools_geo.errors import ColumnError, CRSError, GeometryError, SettingsError
from safeschools_geo.findings import conform
from safeschools_geo.io._export import write_geojson
from safeschools_geo.rebalance._draft import draft_zones, draft_zones_of_units
from safeschools_geo.rebalance._neighbors import is_contiguous
from safeschools_geo.schemas import ZONES
from safeschools_geo.sections import RebalanceSettings


def groups(draft) -> list[list[str]]:
    """List the schools of each zone, in the order of the zones."""
    return [sorted(draft.assignment.index[draft.assignment == z]) for z in draft.zones["zone_id"]]


def assert_sound(draft, schools, district):
    """The zones are a table of zones that tiles the district, and every school lies in its own."""
    conform(draft.zones, ZONES)
    assert draft.zones.crs.to_epsg() == 4326
    assert draft.zones["zone_id"].tolist() == [str(i + 1) for i in range(draft.settings.zones)]
    shapes = draft.zones.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    area = shapely.make_valid(district.geometry.to_crs(4326).union_all(), method="structure")
    whole = shapely.union_all(shapes)
    assert shapely.difference(whole, shapely.buffer(area, 2e-7)).is_empty
    assert shapely.difference(shapely.buffer(area, -2e-7), whole).is_empty
    assert draft.assignment.index.tolist() == schools["school_id"].tolist()
    for point, zone in zip(schools.geometry.to_crs(4326), draft.assignment, strict=True):
        distance = shapely.distance(shapes, point)
        assert draft.zones["zone_id"].iloc[distance.argmin()] == zone
        assert distance.min() < 2e-7
    zone_of = draft.units.set_index("unit_id")["zone_id"]
    assert is_contiguous(zone_of, pd.concat([draft.edges, draft.bridges]))
    assert draft.is_contiguous
    pd.testing.assert_series_equal(
        draft.weights.values.groupby(draft.assignment).sum().sort_index(), draft.loads.sort_index(), check_index=False
    )


def test_two_rows_of_four_become_two_blocks():
    draft = draft_zones(grid_schools(2, 4), grid_district(2, 4), zones=2)
    assert groups(draft) == [["r0c0", "r0c1", "r1c0", "r1c1"], ["r0c2", "r0c3", "r1c2", "r1c3"]]
    assert draft.loads.to_dict() == {"1": 400, "2": 400}
    assert draft.imbalance == 0
    assert draft.zones.geometry.to_crs(UTM).area.tolist() == pytest.approx([4e6, 4e6], rel=1e-3)
    assert_sound(draft, grid_schools(2, 4), grid_district(2, 4))


def test_four_rows_of_four_become_four_quarters():
    draft = draft_zones(grid_schools(4, 4), grid_district(4, 4), zones=4)
    assert groups(draft)[0] == ["r2c0", "r2c1", "r3c0", "r3c1"]  # the north-west
    assert groups(draft)[1] == ["r2c2", "r2c3", "r3c2", "r3c3"]  # the north-east
    assert groups(draft)[3] == ["r0c2", "r0c3", "r1c2", "r1c3"]  # the south-east
    assert draft.table["polsby_popper"].tolist() == pytest.approx([np.pi / 4] * 4, rel=1e-3)


def test_pairs_lie_the_near_way():
    # Columns 3 km apart, rows 1 km: each zone is a column.
    draft = draft_zones(grid_schools(2, 4, width=3000), grid_district(2, 4, width=3000), zones=4)
    assert groups(draft) == [[f"r0c{c}", f"r1c{c}"] for c in range(4)]


def test_enrollment_decides_where_the_line_is_drawn():
    schools = grid_schools(1, 4).assign(enrollment=pd.array([900, 300, 300, 300], dtype="Int64"))
    by_students = draft_zones(schools, grid_district(1, 4), zones=2)
    assert groups(by_students) == [["r0c0"], ["r0c1", "r0c2", "r0c3"]]
    assert by_students.loads.name == "enrollment"
    by_schools = draft_zones(schools, grid_district(1, 4), zones=2, weight=None)
    assert groups(by_schools) == [["r0c0", "r0c1"], ["r0c2", "r0c3"]]
    assert by_schools.loads.to_dict() == {"1": 2, "2": 2}
    assert by_schools.loads.name == "schools"


def test_what_cannot_be_balanced_is_said():
    schools = grid_schools(1, 3).assign(enrollment=pd.array([800, 100, 100], dtype="Int64"))
    draft = draft_zones(schools, grid_district(1, 3), zones=2)
    assert draft.imbalance == pytest.approx(0.6)
    assert draft.largest_unit_share == pytest.approx(1.6)
    assert "imbalance 60.0%" in draft.summary()
    assert "more than the 5.0% aimed at" in draft.summary()
    assert "the largest alone is 160% of the mean zone" in draft.summary()


def test_missing_enrollment_is_said():
    schools = grid_schools(1, 4).assign(enrollment=pd.array([100, None, 300, 200], dtype="Int64"))
    draft = draft_zones(schools, grid_district(1, 4), zones=2)
    assert draft.weights.values["r0c1"] == 200
    assert "The enrollment of 1 of the 4 schools is not known" in draft.summary()
    none_known = draft_zones(schools.assign(enrollment=pd.NA), grid_district(1, 4), zones=2)
    assert none_known.loads.to_dict() == {"1": 2, "2": 2}
    assert "No school has a figure for enrollment, so schools are counted." in none_known.summary()


def test_a_district_in_two_parts():
    # Two schools on the mainland, one across 500 m of water.
    district = district_of(box(0, 0, 2000, 1000), box(2500, 0, 3500, 1000))
    schools = school_at({"A": (500, 500), "B": (1500, 500), "C": (3000, 500)})
    apart = draft_zones(schools, district, zones=2, weight=None, tolerance=0.5)
    assert groups(apart) == [["A", "B"], ["C"]]
    assert apart.bridges.empty
    assert apart.zones.geom_type.tolist() == ["Polygon", "Polygon"]
    heavy = schools.assign(enrollment=pd.array([500, 200, 200], dtype="Int64"))
    joined = draft_zones(heavy, district, zones=2)
    assert groups(joined) == [["A"], ["B", "C"]]
    assert joined.is_contiguous
    assert joined.zones.geom_type.tolist() == ["Polygon", "MultiPolygon"]
    assert "zones reach over the gaps between them (B and C, 500 m)" in joined.summary()
    assert_sound(joined, heavy, district)


def test_an_island_without_a_school_is_said():
    district = district_of(box(0, 0, 2000, 1000), box(2500, 0, 2600, 100))
    draft = draft_zones(grid_schools(1, 2), district, zones=2)
    assert "Parts of the district without a school go with the nearest school (r0c1)." in draft.summary()
    assert draft.zones.geom_type.tolist() == ["Polygon", "MultiPolygon"]


def test_the_zones_survive_being_written(tmp_path):
    draft = draft_zones(grid_schools(3, 4), grid_district(3, 4), zones=3)
    write_geojson(tmp_path / "zones.geojson", draft.zones)
    read = gpd.read_file(tmp_path / "zones.geojson")
    assert read["zone_id"].tolist() == ["1", "2", "3"]
    assert shapely.equals_exact(read.geometry.to_numpy(), draft.zones.geometry.to_numpy(), normalize=True).all()
    assert shapely.coverage_is_valid(read.geometry.to_numpy())
    assert len(json.loads((tmp_path / "zones.geojson").read_text())["features"]) == 3


def test_the_table():
    draft = draft_zones(grid_schools(2, 4), grid_district(2, 4), zones=2)
    table = draft.to_frame()
    assert table.columns.tolist() == [
        "zone_id",
        "name",
        "schools",
        "load",
        "share_of_mean",
        "area_km2",
        "polsby_popper",
    ]
    assert table["schools"].tolist() == [4, 4]
    assert table["share_of_mean"].tolist() == [1, 1]
    assert table["area_km2"].tolist() == pytest.approx([4, 4], rel=1e-3)
    table["load"] = 0
    assert draft.to_frame()["load"].tolist() == [400, 400]


def test_the_summary():
    draft = draft_zones(grid_schools(2, 4), grid_district(2, 4), zones=2, seed=3)
    assert draft.summary() == (
        "2 zones drafted from 8 schools at 8 sites (seed 3); every zone is contiguous. "
        "Load (enrollment) from 400 to 400, mean 400; imbalance 0.0%. "
        "Compactness (Polsby–Popper) from 0.79 to 0.79, where a circle has 1. "
        "Total travel 682.84 (enrollment × km to the center of the zone); no plan within an imbalance "
        f"of 5.0%, contiguous or not, can have less than {draft.bound:,.5g} (gap {draft.gap:.1%}). "
        "Zones are drafted for compactness, on which no bound is known: a good draft, not a proven best."
    )


def test_travel_is_bounded():
    # Blocks of 2 x 2, a kilometer apart: 100 students x (1 + 1 + sqrt 2) km in each of the two.
    draft = draft_zones(grid_schools(2, 4), grid_district(2, 4), zones=2)
    best = 200 * (2 + np.sqrt(2))
    assert draft.travel == pytest.approx(best, rel=1e-3)
    assert draft.any_bound == draft.bound <= draft.travel
    assert draft.gap < 0.02
    assert draft.centers.index.tolist() == ["1", "2"]
    assert (draft.assignment[draft.centers] == draft.centers.index).all()
    shortest = draft_zones(grid_schools(2, 4), grid_district(2, 4), zones=2, objective="travel")
    assert shortest.travel == pytest.approx(best, rel=1e-3)
    assert shortest.gap <= 0.01 + 1e-6
    assert shortest.any_bound <= shortest.bound <= shortest.travel


def test_the_bound_is_over_what_the_draft_can_keep():
    schools = grid_schools(1, 3).assign(enrollment=pd.array([800, 100, 100], dtype="Int64"))
    draft = draft_zones(schools, grid_district(1, 3), zones=2)
    assert draft.bound_tolerance == pytest.approx(0.6)
    assert draft.travel == pytest.approx(100, rel=1e-3)
    assert "within an imbalance of 60.0%" in draft.summary()
    with pytest.raises(SettingsError, match="There is no plan whose zones") as error:
        draft_zones(schools, grid_district(1, 3), zones=2, objective="travel")
    assert error.value.expected.startswith("60.00% or more")


def test_least_travel_is_not_longer_than_compact_zones():
    rng = np.random.default_rng(2)
    schools = school_at({f"S{i}": tuple(xy) for i, xy in enumerate(rng.uniform(0, 9000, (40, 2)))})
    compact, short = (
        draft_zones(schools, grid_district(9, 9), zones=5, tolerance=0.1, starts=5, objective=objective)
        for objective in ("compactness", "travel")
    )
    assert short.travel <= compact.travel * 1.01
    assert short.gap <= 0.01 + 1e-6
    assert short.imbalance <= 0.1 + 1e-6
    assert compact.bound <= short.travel
    assert "Zones are drafted for compactness" not in short.summary()
    assert "no contiguous plan within an imbalance of 10.0%" in short.summary()
    assert_sound(short, schools, grid_district(9, 9))


def areal_units() -> gpd.GeoDataFrame:
    """Two rows of four squares of a kilometer."""
    cells = [(r, c) for r in range(2) for c in range(4)]
    shapes = [box(1000 * c, 1000 * r, 1000 * c + 1000, 1000 * r + 1000) for r, c in cells]
    figures = {"tract": [f"0{r}{c}" for r, c in cells], "hours": [3.0, 1, 1, 1, 3, 1, 1, 1]}
    return gpd.GeoDataFrame(figures, geometry=shapes, crs=UTM)


def test_areal_units_become_zones():
    kept = areal_units()
    given = areal_units()
    draft = draft_zones_of_units(given, unit_id="tract", workload="hours", zones=2)
    # The western column, 6 of 12 hours, and the other three.
    assert groups(draft) == [["000", "010"], ["001", "002", "003", "011", "012", "013"]]
    assert draft.loads.to_dict() == {"1": 6, "2": 6}
    assert draft.assignment.index.name == "unit_id"
    assert draft.table["units"].tolist() == [2, 6]
    assert draft.summary().startswith("2 zones drafted from 8 units (seed 0); every zone is contiguous. Load (hours)")
    assert set(draft.input_sha256) == {"units"}
    assert shapely.coverage_is_valid(draft.zones.geometry.to_numpy())
    pd.testing.assert_frame_equal(pd.DataFrame(given), pd.DataFrame(kept))
    with pytest.raises(SettingsError, match="more zones than units"):
        draft_zones_of_units(given, unit_id="tract", workload="hours", zones=9)
    with pytest.raises(ColumnError):
        draft_zones_of_units(given, unit_id="tract", workload="minutes", zones=2)


def test_the_same_input_and_seed_give_the_same_zones():
    rng = np.random.default_rng(1)
    schools = school_at({f"S{i}": tuple(xy) for i, xy in enumerate(rng.uniform(0, 9000, (40, 2)))})
    one, two = (draft_zones(schools, grid_district(9, 9), zones=5, seed=4, starts=5) for _ in range(2))
    pd.testing.assert_series_equal(one.assignment, two.assignment)
    assert one.zones.geometry.geom_equals(two.zones.geometry).all()
    assert one.input_sha256 == two.input_sha256
    other = draft_zones(schools.iloc[1:], grid_district(9, 9), zones=5, seed=4, starts=5)
    assert other.input_sha256["schools"] != one.input_sha256["schools"]
    assert other.input_sha256["district"] == one.input_sha256["district"]


def test_inputs_are_left_alone():
    schools, district = grid_schools(2, 2), grid_district(2, 2)
    kept = schools.copy(deep=True), district.copy(deep=True)
    draft_zones(schools, district, zones=2)
    pd.testing.assert_frame_equal(pd.DataFrame(schools), pd.DataFrame(kept[0]))
    pd.testing.assert_frame_equal(pd.DataFrame(district), pd.DataFrame(kept[1]))


def test_settings_are_checked_all_at_once():
    with pytest.raises(SettingsError) as error:
        draft_zones(grid_schools(1, 2), grid_district(1, 2), zones=0, tolerance=1.0, starts=0, seed=-1, objective="x")
    for rule in (
        "objective compactness or travel",
        "zones of 1 or more",
        "tolerance from 0 to below 1",
        "starts of 1 or more",
        "seed of 0 or more",
    ):
        assert rule in str(error.value)


def test_more_zones_than_sites_is_refused():
    schools = school_at({"A": (500, 500), "B": (500, 500), "C": (1500, 500)})
    with pytest.raises(SettingsError, match="3 schools at 2 sites") as error:
        draft_zones(schools, grid_district(1, 2), zones=3)
    assert "at most 2 zones" in str(error.value)


@pytest.mark.parametrize(
    ("schools", "error"),
    [
        (grid_schools(1, 2).drop(columns="enrollment"), ColumnError),
        (grid_schools(1, 2).set_crs(None, allow_override=True), CRSError),
        (grid_schools(1, 3), GeometryError),
    ],
)
def test_bad_schools_are_refused(schools, error):
    with pytest.raises(error):
        draft_zones(schools, grid_district(1, 2), zones=2)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), count=st.integers(6, 40), zones=st.integers(1, 6))
def test_any_town_can_be_divided(seed, count, zones):
    rng = np.random.default_rng(seed)
    rim = Polygon([(0, 0), (9000, 0), (9000, 4000), (4000, 4000), (4000, 9000), (0, 9000)])
    lake = Polygon(rng.uniform(1000, 3500, (3, 2)))
    area = rim.difference(lake.buffer(10))
    points = rng.uniform(0, 9000, (500, 2))
    inside = points[shapely.contains_xy(area.buffer(-1), points)][:count]
    schools = school_at(
        {f"S{i}": tuple(xy) for i, xy in enumerate(inside)},
        enrollment=[None if x < 0.1 else int(2000 * x) for x in rng.uniform(0, 1, count)],
    )
    district = district_of(*shapely.get_parts(area))
    draft = draft_zones(schools, district, zones=zones, starts=2, seed=seed)
    assert_sound(draft, schools, district)
    assert draft.zones.geom_type.eq("Polygon").all() or len(draft.bridges) or draft.units["islands"].any()


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["district_2012", "district_2012_self_intersecting"])
def test_san_juan_unified_gets_eight_zones(real_data, san_juan_schools, name):
    district = gpd.read_file(real_data / "san_juan" / f"{name}.geojson")
    district = district.set_geometry(district.geometry.make_valid())
    draft = draft_zones(san_juan_schools, district, zones=8)
    assert_sound(draft, san_juan_schools, district)
    assert draft.zones.geom_type.eq("Polygon").all()
    assert draft.imbalance <= 0.05
    assert draft.table["polsby_popper"].min() > 0.45
    assert len(draft.weights.estimated) == 7
    known = san_juan_schools["enrollment"].sum()
    assert known == 48_548
    assert draft.loads.sum() > known


@pytest.mark.real_data
def test_san_juan_as_published_is_refused_with_a_remedy(real_data, san_juan_schools):
    folder = real_data / "san_juan"
    with pytest.raises(GeometryError, match="Self-intersection"):
        draft_zones(san_juan_schools, gpd.read_file(folder / "district_2012_self_intersecting.geojson"))
    with pytest.raises(GeometryError, match=r"by up to 1,98\d") as error:
        draft_zones(san_juan_schools, gpd.read_file(folder / "district_2016_oversimplified.geojson"))
    assert len(error.value.ids) == 7


def test_the_search_says_what_it_does_and_how_far_it_is():
    said = {"compactness": [], "travel": []}
    for objective, parts in said.items():
        draft_zones(
            *(grid_schools(5, 6), grid_district(5, 6)),
            zones=4,
            weight=None,
            tolerance=0.1,
            starts=3,
            objective=objective,
            on_part=parts.append,
        )
    assert said["compactness"][0].startswith("plan 1 of 3; the best so far has an imbalance of ")
    for parts in said.values():
        assert any(part.startswith("bounding the travel of all plans, gap so far ") for part in parts)
    assert any(part.startswith("looking for better centers, gap so far ") for part in said["travel"])


def test_rules_that_a_draft_does_not_keep_are_said():
    levels = ["high", "elementary", "middle", "elementary", "high", "middle"]
    schools, district = grid_schools(1, 6).assign(level=levels), grid_district(1, 6)
    draft = draft_zones(schools, district, zones=3, starts=2)
    assert groups(draft) == [["r0c0", "r0c1"], ["r0c2", "r0c3"], ["r0c4", "r0c5"]]
    rules = RebalanceSettings(
        one_of_each=("high", "middle"),
        together=(("r0c0", "r0c1"), ("r0c1", "r0c2")),
        feeders={"East": ("r0c3", "r0c4")},
    )
    broken, unread = draft.about_rules(rules, schools), draft.about_rules(RebalanceSettings(locked=("r0c0",)), schools)
    assert [finding.code for finding in (*broken, *unread)] == ["draft_breaks_rules", "draft_rules_not_looked_at"]
    assert broken[0].message.endswith(
        "no high school in 1 zone (zone 2); no middle school in 1 zone (zone 1); r0c1 + r0c2 divided (zone 1, 2)."
    )
    whole = draft.about_rules(replace(rules, keeps_feeders=True), schools)
    assert "feeder pattern East divided (zone 2, 3)" in whole[0].message
    assert unread[0].ids == ("locked",)
    assert draft.about_rules(RebalanceSettings(), schools) == []


def test_a_barrier_parts_a_draft_of_schools():
    wall = gpd.GeoDataFrame(geometry=[LineString([(600_000 - 100, 4_201_000), (600_000 + 3_100, 4_201_000)])], crs=UTM)
    draft = draft_zones(grid_schools(2, 4), grid_district(2, 4), zones=2, starts=2, barriers=wall)
    assert groups(draft) == [[f"r1c{c}" for c in range(4)], [f"r0c{c}" for c in range(4)]]
    assert [finding.code for finding in draft.findings] == ["barriers_part_units"]
    free = draft_zones(grid_schools(2, 4), grid_district(2, 4), zones=2, starts=2)
    assert free.findings == ()
    assert groups(free) != groups(draft)
