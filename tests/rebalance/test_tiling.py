from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from grid_town import UTM, grid_district, grid_schools

from safeschools_geo.conform import conform
from safeschools_geo.rebalance.cells import service_areas
from safeschools_geo.rebalance.tiling import reading_order, zones_of_units
from safeschools_geo.schemas import ZONES


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
