"""Real places in real zones: what is known of them must come out."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from safeschools_geo.assign._decide import assign_campuses, assign_points
from safeschools_geo.assign._locator import ZoneLocator

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def districts(real_data):
    return gpd.read_file(real_data / "chicago" / "police_districts.geojson").rename(columns={"DIST_NUM": "zone_id"})


@pytest.fixture(scope="module")
def crimes(real_data):
    table = pd.read_parquet(real_data / "chicago" / "crimes_2018_h1.parquet")
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["Longitude"], table["Latitude"]), crs=4326)


@pytest.fixture(scope="module")
def schools(real_data):
    table = pd.read_csv(real_data / "san_juan" / "cde_public_schools_sacramento_county_2018.csv", dtype="str")
    is_active = table["CDSCode"].str.startswith("3467447") & (table["StatusType"] == "Active") & table["School"].notna()
    table = table[is_active].set_index("CDSCode")
    places = gpd.points_from_xy(table["Longitude"].astype(float), table["Latitude"].astype(float))
    return gpd.GeoDataFrame(geometry=places, index=table.index, crs=4326)


def boundary(real_data, name):
    return gpd.read_file(real_data / "san_juan" / f"{name}.geojson").assign(zone_id="district")


def test_chicago_incidents_agree_with_the_recorded_district(crimes, districts):
    found = assign_points(crimes, districts)
    assert len(found) == 125_590
    assert found.index.equals(crimes.index)
    is_located = found["status"] != "no_location"
    assert is_located.sum() == 124_904
    assert (found["status"] == "outside").sum() == 332
    recorded = crimes["District"].astype("Int64").astype("str")
    agrees = (found["zone_id"] == recorded)[is_located]
    rows = ZoneLocator(districts).locate(crimes.geometry.x, crimes.geometry.y)
    exact = (np.append(districts["zone_id"], "")[rows] == recorded)[is_located]
    assert exact.mean() == pytest.approx(0.9825, abs=0.00005)
    # Districts meet in the middle of streets: there the order of the file decides, not the side of the street.
    assert agrees.mean() == pytest.approx(0.9825, abs=0.0003)
    is_clear = found["status"][is_located] != "boundary"
    assert agrees[is_clear].equals(exact[is_clear])


def test_the_three_pieces_of_district_31_are_one_zone(districts):
    pieces = districts[districts["zone_id"] == "31"]
    assert len(pieces) == 3
    inside = gpd.GeoDataFrame(geometry=pieces.representative_point())
    assert assign_points(inside, districts)["zone_id"].tolist() == ["31"] * 3
    rows = ZoneLocator(districts).locate(inside.geometry.x, inside.geometry.y)
    assert rows.tolist() == [int(np.flatnonzero(districts["zone_id"] == "31")[0])] * 3


def test_locating_incidents_agrees_with_a_spatial_join(crimes, districts):
    located = crimes[crimes.geometry.is_valid].reset_index(drop=True)
    joined = gpd.sjoin(located, districts.reset_index(drop=True)[["geometry"]], predicate="within", how="left")
    # An incident on a border is within no zone; one in two zones comes twice.
    once = joined[~joined.index.duplicated(keep=False)]["index_right"].dropna().astype("int64")
    rows = ZoneLocator(districts).locate(located.geometry.x, located.geometry.y)
    ids = districts["zone_id"].to_numpy()
    assert len(once) > 124_000
    assert (ids[rows[once.index]] == ids[once]).all()


def test_every_san_juan_school_is_inside_its_district(schools, real_data):
    for assign in (assign_points, assign_campuses):
        found = assign(schools, boundary(real_data, "district_2012"))
        assert found["status"].tolist() == ["inside"] * 79
        assert list(found.index) == list(schools.index)


def test_an_oversimplified_boundary_leaves_seven_schools_outside(schools, real_data):
    found = assign_points(schools, boundary(real_data, "district_2016_oversimplified"))
    assert found["status"].value_counts().to_dict() == {"inside": 72, "outside": 7}
    outside = found.loc[found["status"] == "outside", "distance_m"]
    assert outside.min() == pytest.approx(4, abs=0.5)
    assert outside.max() == pytest.approx(1990, abs=5)


def test_snapping_brings_the_schools_outside_back(schools, real_data):
    found = assign_points(schools, boundary(real_data, "district_2016_oversimplified"), max_snap_m=2000)
    assert found["status"].value_counts().to_dict() == {"inside": 72, "nearest": 7}
    assert (found["zone_id"] == "district").all()
