"""Overlaps, gaps and slivers of known size, in meters::

y=100 +------------+--+------------+
      |     A      |##|     B      |     ## is 10 m × 100 m = 1,000 m² that both claim
y=0   +------------+--+------------+
     x=0          90 100          200
"""

import itertools

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import town
from drawing import METERS, boundary_of, by_code, is_at, shape, zones_of
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon

from safeschools_geo.checks._polygons import MOST_PLACES, check_cover, gaps, outside, overlaps, pieces


def check(zones, boundary=None):
    return by_code(check_cover(zones, crs=METERS, boundary=boundary))


def test_zones_that_cover_the_district_once_have_no_faults():
    zones = zones_of(A=(0, 0, 100, 100), B=(100, 0, 200, 100))
    assert check(zones, boundary_of(0, 0, 200, 100)) == {}
    assert check(zones) == {}


def test_an_overlap_has_its_zones_area_and_place():
    (finding,) = check(zones_of(A=(0, 0, 100, 100), B=(90, 0, 200, 100)))["zones_overlap"]
    assert finding.severity == "error"
    assert finding.ids == ("A", "B")
    assert "1,000 m²" in finding.message
    assert is_at(finding, 90, 0, 100, 100)


def test_overlaps_of_one_pair_are_reported_together():
    combs = [
        [(0, 0), (100, 0), (100, 40), (120, 40), (120, 50), (100, 50), (100, 80), (120, 80), (120, 90), (100, 90)],
        (100, 0, 200, 100),
    ]
    combs[0] += [(100, 100), (0, 100)]
    (finding,) = check(zones_of(A=combs[0], B=combs[1]))["zones_overlap"]
    # Two teeth of 20 m × 10 m.
    assert "400 m²" in finding.message


def test_a_zone_inside_another_is_an_overlap():
    found = check(zones_of(A=(0, 0, 100, 100), B=(40, 40, 60, 60)))
    assert "400 m²" in found["zones_overlap"][0].message
    assert list(found) == ["zones_overlap"]


def test_land_that_three_zones_claim_is_reported_by_pair():
    zones = zones_of(A=(0, 0, 50, 50), B=(0, 0, 50, 50), C=(0, 0, 50, 50))
    assert [p.ids for p in overlaps(zones, crs=METERS)] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert [p.area_m2 for p in overlaps(zones, crs=METERS)] == pytest.approx([2500] * 3, rel=1e-4)


def test_a_gap_has_its_neighbors_area_and_place():
    zones = zones_of(A=(0, 0, 100, 100), B=(120, 0, 300, 100), C=(0, 100, 100, 200))
    (finding,) = check(zones, boundary_of(0, 0, 300, 100))["zones_gap"]
    assert finding.severity == "warning"
    assert finding.ids == ("A", "B", "C")  # C touches it in a corner
    assert "2,000 m²" in finding.message
    assert is_at(finding, 100, 0, 120, 100)


def test_a_hole_between_zones_is_found_without_a_boundary():
    around = zones_of(A=(0, 0, 100, 30), B=(0, 30, 30, 70), C=(60, 30, 100, 70), D=(0, 70, 100, 100))
    (finding,) = check(around)["zones_gap"]
    # 30 m × 40 m, with B to the left and C to the right.
    assert "1,200 m²" in finding.message
    assert set(finding.ids) == {"A", "B", "C", "D"}
    assert is_at(finding, 30, 30, 60, 70)


def test_a_gap_that_is_open_to_the_outside_needs_the_boundary():
    zones = zones_of(A=(0, 0, 100, 100), B=(120, 0, 220, 100))
    assert check(zones) == {}
    assert list(check(zones, boundary_of(0, 0, 220, 100))) == ["zones_gap"]


def test_a_zone_that_leaves_the_district_is_reported_with_the_excess():
    found = check(zones_of(A=(0, 0, 110, 100)), boundary_of(0, 0, 100, 100))
    (finding,) = found["zones_outside_boundary"]
    assert finding.ids == ("A",)
    assert "1,000 m²" in finding.message
    assert is_at(finding, 100, 0, 110, 100)


@pytest.mark.parametrize(
    ("zones", "kind"),
    [
        (zones_of(A=(0, 0, 100, 100), B=(99.5, 0, 200, 100)), "overlaps: 1 (50 m²)"),
        (zones_of(A=(0, 0, 100, 100), B=(100.5, 0, 200, 100)), "gaps: 1 (50 m²)"),
        (zones_of(A=(0, 0, 100, 100), B=(100, 0, 200.5, 100)), "strips outside the district: 1 (50 m²)"),
    ],
)
def test_half_a_meter_is_a_sliver(zones, kind):
    found = check(zones, boundary_of(0, 0, 200, 100))
    assert list(found) == ["zones_slivers"]
    (finding,) = found["zones_slivers"]
    assert finding.severity == "note"
    assert kind in finding.message


def test_slivers_and_wide_patches_are_kept_apart():
    zones = zones_of(A=(0, 0, 100, 100), B=(99.5, 0, 200, 100), C=(190, 0, 300, 100))
    found = check(zones)
    assert [f.ids for f in found["zones_overlap"]] == [("B", "C")]
    assert found["zones_slivers"][0].ids == ("A", "B")


def test_a_gap_is_seen_at_the_end_of_a_long_sliver():
    """A border that is 0.1 m off for 300 m must not hide the square of 10 m that it leads to."""
    notched = [(100.1, 0), (200, 0), (200, 300), (100.1, 300), (100.1, 160), (110, 160), (110, 150), (100.1, 150)]
    found = check(zones_of(A=(0, 0, 100, 300), B=notched), boundary_of(0, 0, 200, 300))
    (gap,) = found["zones_gap"]
    # 10 m × 10 m, and 3 m of the sliver on both sides.
    assert "101 m²" in gap.message
    assert is_at(gap, 100, 150, 110, 160)
    (sliver,) = found["zones_slivers"]
    # 300 m − 10 m − 2 × 3 m, times 0.1 m.
    assert "gaps: 2 (28 m²)" in sliver.message


def test_a_hole_is_enclosed_even_if_a_crack_leads_out_of_it():
    ring = [(0, 0), (100, 0), (100, 100), (50.2, 100), (50.2, 70), (70, 70), (70, 30), (30, 30), (30, 70), (50, 70)]
    (finding,) = check(zones_of(A=[*ring, (50, 100), (0, 100)]))["zones_gap"]
    assert "1,6" in finding.message  # 40 m × 40 m and the mouth of the crack
    assert finding.ids == ("A",)


def test_a_narrow_hole_is_a_sliver_without_a_boundary_too():
    zones = zones_of(A=[(0, 0), (100, 0), (100, 50), (50, 50.8), (0, 50)], B=[(0, 50), (50, 51.2), (100, 50), (50, 99)])
    assert list(check(zones)) == ["zones_slivers"]


def test_a_centimeter_is_the_rounding_of_coordinates():
    zones = zones_of(A=(0, 0, 100, 100), B=(100.01, 0, 200, 100))
    assert check(zones, boundary_of(0, 0, 200, 100)) == {}


def test_of_many_faults_the_largest_come_alone_and_the_rest_together():
    n = MOST_PLACES + 3
    # The i-th gap is (10 + i) m wide and 10 m high.
    starts = [sum(10 + 10 + k for k in range(i)) for i in range(n + 1)]
    zones = zones_of(**{f"Z{i}": (x, 0, x + 10, 10) for i, x in enumerate(starts)})
    found = check(zones, boundary_of(0, 0, starts[-1] + 10, 10))["zones_gap"]
    assert len(found) == MOST_PLACES + 1
    assert f"{10 * (10 + n - 1)} m²" in found[0].message
    # The three smallest: 10, 11 and 12 m wide.
    assert found[-1].message.startswith("3 more")
    assert "330 m²" in found[-1].message
    assert set(found[-1].ids) == {"Z0", "Z1", "Z2", "Z3"}


def test_one_fault_beyond_the_most_is_reported_like_the_others():
    n = MOST_PLACES + 1
    zones = zones_of(**{f"Z{i}": (30 * i, 0, 30 * i + 10, 10) for i in range(n + 1)})
    found = check(zones, boundary_of(0, 0, 30 * n + 10, 10))["zones_gap"]
    assert len(found) == n
    assert found[-1].message.startswith("A part of the district, 200 m² beside Z")


def test_pieces_are_measured_one_by_one():
    shapes = shapely.MultiPolygon([shape((0, 0, 100, 100)), shape((200, 0, 210, 10))])
    zones = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapes], crs=4326)
    assert [p.area_m2 for p in pieces(zones, crs=METERS)] == pytest.approx([10_000, 100], rel=1e-4)


side = st.integers(0, 40).map(lambda n: 25.0 * n)


@given(x0=side, x1=side, y0=side, y1=side)
def test_two_rectangles_overlap_by_what_arithmetic_says(x0, x1, y0, y1):
    a, b = (200.0, 200.0, 700.0, 700.0), (min(x0, x1), min(y0, y1), max(x0, x1) + 25, max(y0, y1) + 25)
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    zones = zones_of(A=a, B=b)
    expected = [width * height] if min(width, height) > 0 else []
    assert [p.area_m2 for p in overlaps(zones, crs=METERS)] == pytest.approx(expected, rel=0.005)
    beyond = (b[2] - b[0]) * (b[3] - b[1]) - sum(expected)
    inside_a = gpd.GeoDataFrame(geometry=zones.geometry.iloc[:1])
    excess = sum(p.area_m2 for p in outside(zones.iloc[1:], inside_a, crs=METERS))
    assert excess == pytest.approx(beyond, rel=0.005, abs=1)


@given(
    rows=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    cuts=st.lists(st.lists(st.integers(1, 19), max_size=3), min_size=4, max_size=4),
)
def test_zones_that_meet_in_the_middle_of_an_edge_leave_no_slivers(rows, cuts):
    """Rows of zones cut at different places meet in T-junctions, whose vertices are rounded to a centimeter."""
    drawn, y = {}, 0
    for i, height in enumerate(rows):
        edges = [0, *sorted({25 * c for c in cuts[i]}), 500]
        for j, (left, right) in enumerate(itertools.pairwise(edges)):
            drawn[f"{i}.{j}"] = (left, y, right, y + 50 * height)
        y += 50 * height
    zones = zones_of(**drawn)
    rounded = shapely.set_precision(zones.geometry.to_numpy(), 1e-7, mode="pointwise")
    rounded = zones.set_geometry(gpd.GeoSeries(rounded, crs=4326))
    assert check_cover(rounded, crs=METERS) == []
    assert gaps(rounded, crs=METERS, boundary=boundary_of(0, 0, 500, y)) == []


def test_zones_of_the_globe_s_other_side_are_laid_over_each_other_as_well():
    south = gpd.GeoDataFrame(
        {"zone_id": ["A", "B"], "name": ["A", "B"]},
        geometry=[Polygon([(151, -34), (151.01, -34), (151.01, -33.99), (151, -33.99)]) for _ in range(2)],
        crs=4326,
    )
    (patch,) = overlaps(south, crs=south.estimate_utm_crs())
    # 0.01° × cos 34° × 111.3 km by 0.01° × 110.9 km.
    assert patch.area_m2 == pytest.approx(923 * 1109, rel=0.005)


def test_no_zones_leave_the_whole_district_bare():
    nothing = zones_of(A=(0, 0, 1, 1)).iloc[:0]
    (finding,) = check(nothing, boundary_of(0, 0, 100, 100))["zones_gap"]
    assert "10,000 m²" in finding.message
    assert finding.ids == ()
    assert check(nothing) == {}


@pytest.mark.real_data
def test_the_police_districts_fit_and_the_simplified_beats_do_not(real_data):
    def layer(name, column):
        frame = gpd.read_file(real_data / "chicago" / name).rename(columns={column: "zone_id"})
        return frame.dissolve("zone_id", as_index=False, sort=False)

    chicago = "EPSG:32616"
    assert check_cover(layer("police_districts.geojson", "DIST_NUM"), crs=chicago) == []
    beats = by_code(check_cover(layer("police_beats_simple.geojson", "BEAT_NUM"), crs=chicago))
    assert set(beats) == {"zones_overlap", "zones_gap", "zones_slivers"}


def test_the_town_of_the_other_tests_is_covered_once():
    assert check(town.zones(), gpd.GeoDataFrame(geometry=[town.zones().union_all()], crs=4326)) == {}
    shifted = pd.concat([town.zones(), town.zones().assign(zone_id=["C", "D"])])
    assert len(check(shifted)["zones_overlap"]) == 2
