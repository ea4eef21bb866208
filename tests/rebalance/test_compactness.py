from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from grid_town import UTM, district_of
from shapely.geometry import Point, Polygon, box

from safeschools_geo.errors import CRSError
from safeschools_geo.rebalance._measures import polsby_popper, reock

SHAPES = district_of(Point(0, 0).buffer(500, quad_segs=256), box(0, 0, 100, 100), box(0, 0, 400, 100)).set_index(
    pd.Index(["circle", "square", "ribbon"])
)


def test_polsby_popper_by_hand():
    # Square: 4 pi a^2 / (4 a)^2 = pi / 4. Ribbon of 4 squares: 4 pi 4 a^2 / (10 a)^2 = 4 pi / 25.
    found = polsby_popper(SHAPES, crs=UTM)
    expected = pd.Series([1.0, np.pi / 4, 4 * np.pi / 25], index=SHAPES.index, name="polsby_popper")
    pd.testing.assert_series_equal(found, expected, rtol=1e-4)


def test_reock_by_hand():
    # Square: a^2 / (pi a^2 / 2) = 2 / pi. Ribbon: 4 a^2 / (pi 17 a^2 / 4) = 16 / (17 pi).
    found = reock(SHAPES, crs=UTM)
    expected = pd.Series([1.0, 2 / np.pi, 16 / (17 * np.pi)], index=SHAPES.index, name="reock")
    pd.testing.assert_series_equal(found, expected, rtol=1e-4)


@pytest.mark.parametrize("measure", [polsby_popper, reock])
def test_series_and_degrees_will_do(measure):
    in_degrees = measure(SHAPES.to_crs(4326).geometry)
    pd.testing.assert_series_equal(in_degrees, measure(SHAPES, crs=UTM), rtol=1e-3)


@pytest.mark.parametrize("measure", [polsby_popper, reock])
def test_no_area_has_no_compactness(measure):
    empty = gpd.GeoSeries([Polygon(), box(0, 0, 100, 100)], crs=UTM)
    assert measure(empty, crs=UTM).isna().tolist() == [True, False]


@pytest.mark.parametrize("measure", [polsby_popper, reock])
def test_degrees_are_no_measure(measure):
    with pytest.raises(CRSError):
        measure(SHAPES, crs=4326)
