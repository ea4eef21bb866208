"""Zones one by one: names, number, pieces."""

import geopandas as gpd
import pandas as pd
import pytest
from drawing import METERS, boundary_of, by_code, is_at, shape, zones_of
from shapely.geometry import MultiPolygon, Polygon

from safeschools_geo.checks._places import check_number, check_pieces, check_zone_names, check_zones

TWO = zones_of(A=(0, 0, 100, 100), B=(100, 0, 200, 100))


def test_clean_zones_have_no_faults():
    assert check_zones(TWO, TWO, crs=METERS, boundary=boundary_of(0, 0, 200, 100), expected=2) == []
    assert check_zones(TWO, TWO, crs=METERS) == []


def test_every_fault_is_reported_at_once():
    zones = zones_of(A=(0, 0, 100, 100), B=(90, 0, 200, 100), C=(220, 0, 310, 100))
    rows = pd.concat([zones, zones.iloc[:1].assign(name="Other")])
    found = by_code(check_zones(zones, rows, crs=METERS, boundary=boundary_of(0, 0, 300, 100), expected=8))
    assert set(found) == {"zone_id_conflict", "zone_count", "zones_overlap", "zones_gap", "zones_outside_boundary"}


def test_one_id_with_two_names_is_an_error():
    rows = pd.concat([TWO, TWO.iloc[:1].assign(name="Westside")])
    (finding,) = check_zone_names(rows)
    assert (finding.severity, finding.code, finding.ids) == ("error", "zone_id_conflict", ("A",))
    assert "A: Zone A, Westside" in finding.message


def test_one_id_with_two_officers_is_a_warning():
    rows = pd.concat([TWO, TWO.iloc[:1]]).assign(officer=["P1", "P2", "P3"], team=["T"] * 3)
    (finding,) = check_zone_names(rows)
    assert (finding.severity, finding.ids) == ("warning", ("A",))
    assert "officer" in finding.message


def test_an_attribute_that_one_row_leaves_out_is_no_conflict():
    rows = pd.concat([TWO, TWO.iloc[:1]]).assign(officer=pd.Series(["P1", "P2", None], dtype="str").to_numpy())
    assert check_zone_names(rows) == []


def test_two_ids_with_one_name_are_a_warning():
    (finding,) = check_zone_names(TWO.assign(name=["North", " north"]))
    assert (finding.code, finding.ids) == ("zone_name_shared", ("A", "B"))


def test_the_number_of_zones_is_compared_only_when_it_is_known():
    assert check_number(TWO, None) == check_number(TWO, 2) == []
    (finding,) = check_number(TWO, 8)
    assert (finding.severity, finding.code) == ("error", "zone_count")
    assert finding.message == "2 zones in the zone file, and 8 in the settings."


def test_a_zone_in_two_pieces_is_located_at_the_smaller():
    shapes = MultiPolygon([shape((0, 0, 100, 100)), shape((200, 0, 210, 30))])
    zones = gpd.GeoDataFrame({"zone_id": ["A"], "name": ["A"]}, geometry=[shapes], crs=4326)
    (finding,) = check_pieces(zones, crs=METERS)
    assert (finding.severity, finding.code, finding.ids) == ("warning", "zone_in_pieces", ("A",))
    assert "2 pieces: 10,000 m², 300 m²" in finding.message
    assert is_at(finding, 200, 0, 210, 30)


def test_of_many_pieces_the_smallest_are_only_counted():
    shapes = MultiPolygon([shape((30 * i, 0, 30 * i + 10, 10 + i)) for i in range(8)])
    zones = gpd.GeoDataFrame({"zone_id": ["A"], "name": ["A"]}, geometry=[shapes], crs=4326)
    (finding,) = check_pieces(zones, crs=METERS)
    assert finding.message == "Zone A is in 8 pieces: 170 m², 160 m², 150 m², 140 m², 130 m² and 3 smaller."


def test_a_zone_beyond_repair_is_left_to_the_repair():
    zones = pd.concat([TWO, gpd.GeoDataFrame({"zone_id": ["C"], "name": ["C"]}, geometry=[Polygon()], crs=4326)])
    assert check_zones(zones, zones, crs=METERS) == []


@pytest.mark.real_data
def test_district_31_is_in_three_pieces(real_data):
    rows = gpd.read_file(real_data / "chicago" / "police_districts.geojson")
    rows = rows.rename(columns={"DIST_NUM": "zone_id", "DIST_LABEL": "name"})
    zones = rows.dissolve("zone_id", as_index=False, sort=False)
    (finding,) = check_zones(zones, rows, crs="EPSG:32616")
    assert (finding.code, finding.ids) == ("zone_in_pieces", ("31",))
    assert "3 pieces" in finding.message
