"""Carrollton's real calls: twelve officers at the published centers, over the real streets."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest

from safeschools_geo.coverage._dispatch import zone_dispatch
from safeschools_geo.coverage._response import response
from safeschools_geo.coverage._roads import place_points
from safeschools_geo.coverage._staging import place_officers
from safeschools_geo.coverage._staging_points import StagingSettings
from safeschools_geo.coverage._usual_day import travel_times
from safeschools_geo.coverage.queueing import hypercube

pytestmark = pytest.mark.real_data
OFFICERS = 12


@pytest.fixture(scope="module")
def town(real_data):
    areas = gpd.read_file(real_data / "carrollton" / "ReportingAreas.shp")
    streets = gpd.read_file(real_data / "carrollton" / "StreetCenterlines.shp").rename(columns={"Minutes": "minutes"})
    minutes = travel_times(place_points(areas, "PDGrid"), roads=streets).minutes
    figures = pyogrio.read_dataframe(real_data / "carrollton" / "RA_Centroids.dbf", read_geometry=False)
    calls = figures.set_index("NumberId")["Cnt_ra"].loc[areas["NumberId"]]
    return minutes, pd.Series(calls.to_numpy(dtype="float64"), index=areas["PDGrid"].astype("str")).fillna(0.0)


def test_twelve_officers_answer_the_calls_of_325_areas(town):
    minutes, calls = town
    staging = place_officers(minutes.T, calls, points=OFFICERS, settings=StagingSettings(objective="mean"))
    assert staging.is_proven
    posts = staging.points["point_id"].astype(str)
    response_min = minutes.loc[posts].T
    response_min.columns = [f"P{i}" for i in range(OFFICERS)]
    zones = pd.Series(response_min.to_numpy().argmin(axis=1).astype(str), index=minutes.index)
    officer_zones = pd.Series([str(i) for i in range(OFFICERS)], index=response_min.columns)
    dispatch = zone_dispatch(zones, officer_zones, response_min)
    # Calls of a year, half an hour each: a little under half of the officers' time.
    arrivals = calls.to_numpy() / calls.sum() * 10.0
    model = hypercube(arrivals, np.full(OFFICERS, 2.0), dispatch.preference)
    assert model.dispatch_share.sum() + model.overflow_share == pytest.approx(1, abs=1e-9)
    assert model.busy_share.mean() == pytest.approx(10.0 * (1 - model.overflow_share) / 2.0 / OFFICERS)
    found = response(model, dispatch.travel_min, zone_of_place=zones.to_list(), home_zone=officer_zones.to_list())
    # Somebody farther away comes now and then: slower than the nearest, by less than twice.
    assert staging.value < found.district.mean_min[0] < 2 * staging.value
    assert 0.4 < found.district_in_zone_share < 0.8
    assert found.backup_share.sum(axis=1) == pytest.approx(np.ones(OFFICERS))
