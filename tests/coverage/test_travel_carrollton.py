"""Carrollton's real streets: 4,599 rows, with a speed limit of 0 in some, and 325 areas."""

import geopandas as gpd
import numpy as np
import pytest

from safeschools_geo.coverage._roads import RoadRules, place_points
from safeschools_geo.coverage._usual_day import TravelSettings, travel_times
from safeschools_geo.errors import ColumnError

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def streets(real_data):
    return gpd.read_file(real_data / "carrollton" / "StreetCenterlines.shp").rename(columns={"Minutes": "minutes"})


@pytest.fixture(scope="module")
def areas(real_data):
    return place_points(gpd.read_file(real_data / "carrollton" / "ReportingAreas.shp"), "PDGrid")


@pytest.fixture(scope="module")
def found(streets, areas):
    return travel_times(areas, roads=streets)


def test_every_area_reaches_every_other(found):
    minutes = found.minutes.to_numpy()
    assert minutes.shape == (325, 325)
    assert np.isfinite(minutes).all()
    assert "2E47" in found.minutes.index
    assert minutes == pytest.approx(minutes.T)
    assert np.diag(minutes).max() == 0
    for via in range(0, 325, 40):
        assert (minutes <= minutes[:, [via]] + minutes[[via], :] + 1e-9).all()


def test_the_town_is_crossed_in_a_quarter_of_an_hour(found):
    assert found.minutes.to_numpy().max() == pytest.approx(17, abs=1)
    assert found.access["access_m"].max() == pytest.approx(884, abs=1)


def test_what_the_layer_leaves_apart_is_reported(found):
    # By the ends of streets alone it falls into 44 parts: many end in the middle of another.
    assert found.parts["length_km"].round(1).tolist() == [848.2, 0.5]
    assert found.parts["places"].tolist() == [325, 0]
    codes = {finding.code: finding for finding in found.findings}
    assert {"road_gaps_closed", "road_ends_met", "road_crossings_left", "road_parts"} == set(codes)
    assert codes["road_parts"].severity == "note"


def test_no_way_is_shorter_than_a_straight_line_at_the_highest_speed(streets, areas):
    meters = areas.to_crs(32614)
    apart = np.hypot(*(np.subtract.outer(c, c) for c in (meters.x.to_numpy(), meters.y.to_numpy())))
    length_m = streets.to_crs(32614).length
    fastest = float((length_m / streets["minutes"]).max())
    rules = RoadRules(access_speed_kph=fastest * 60 / 1000)
    direct = travel_times(areas, roads=streets, settings=TravelSettings(roads=rules), crs=32614)
    assert (direct.minutes.to_numpy() >= apart / fastest - 1e-9).all()


def test_speed_limits_of_zero_are_refused_with_their_rows(streets, areas):
    limits = streets.drop(columns="minutes").assign(speed_kph=streets["SpeedLimit"] * 1.609344)
    with pytest.raises(ColumnError, match=r"359 of 4,599 roads cannot be driven") as caught:
        travel_times(areas, roads=limits)
    assert len(caught.value.ids) == 359
    assert caught.value.found == "0.0"
