from __future__ import annotations

import math

import geopandas as gpd
import pandas as pd
import pytest
from grid_town import EAST, NORTH, UTM
from shapely.geometry import Point
from town_of_units import six_units

from safeschools_geo.errors import SettingsError
from safeschools_geo.rebalance._problem import anchors_km, travel_km, zone_centers


def test_the_medoid_is_the_center():
    centers = zone_centers(six_units(), crs=UTM)
    # d has more work than a; b more than e; c and f have the same, and c comes first.
    assert centers.to_dict() == {"1": "d", "2": "b", "3": "c"}
    assert (centers.name, centers.index.name) == ("unit_id", "zone_id")


def test_a_root_is_the_center_of_its_zone():
    assert zone_centers(six_units(), {"1": "a", "4": "f"}, crs=UTM).to_dict() == {
        "1": "a",
        "2": "b",
        "3": "c",
        "4": "f",
    }
    with pytest.raises(SettingsError, match="Rows: x"):
        zone_centers(six_units(), {"1": "x"})


def test_units_of_a_zone_without_work_count_alike():
    # Five units in one zone without any work: a plus b, c, d, e; the middle of the T is b.
    units = six_units()[:5].assign(zone_id="1", workload=0.0)
    assert zone_centers(units, crs=UTM).to_dict() == {"1": "b"}


def test_travel_is_measured_in_kilometers():
    table = travel_km(six_units(), pd.Series({"1": "d", "2": "b"}), crs=UTM)
    assert (table.index.name, table.columns.name) == ("unit_id", "zone_id")
    assert table["1"].tolist() == pytest.approx([1, math.sqrt(2), math.sqrt(5), 0, 1, 2])
    assert table["2"].tolist() == pytest.approx([1, 0, 1, math.sqrt(2), 1, math.sqrt(2)])
    in_degrees = travel_km(six_units().to_crs(4326), pd.Series({"1": "d", "2": "b"}), crs=UTM)
    assert in_degrees.to_numpy() == pytest.approx(table.to_numpy(), abs=1e-3)


def test_travel_is_measured_from_the_anchor_where_there_is_one():
    anchors = gpd.GeoSeries([Point(EAST + 100, NORTH + 200), None, *[Point()] * 4], crs=UTM).to_crs(4326)
    units = six_units().assign(anchor=anchors)
    places = anchors_km(units, crs=UTM) - [EAST / 1000, NORTH / 1000]
    assert places[0] == pytest.approx([0.1, 0.2], abs=1e-6)
    assert places[1:].ravel() == pytest.approx([1.5, 0.5, 2.5, 0.5, 0.5, 1.5, 1.5, 1.5, 2.5, 1.5])
