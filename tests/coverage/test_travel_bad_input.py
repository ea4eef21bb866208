"""Roads and places that cannot be traveled are refused, with the rows, all at once."""

import geopandas as gpd
import numpy as np
import pytest
from drawn_streets import UTM, line, places, roads

from safeschools_geo.coverage._roads import RoadRules
from safeschools_geo.coverage._usual_day import TravelSettings, travel_times
from safeschools_geo.errors import ColumnError, CRSError, GeometryError, InputError, SettingsError, SeveralFaultsError

THERE = places(A=(0, 0), B=(500, 0))
STREETS = [line((500 * i, 0), (500 * i + 500, 0)) for i in range(5)]


def refused(kind, there=THERE, net=None, **options):
    with pytest.raises(kind) as caught:
        travel_times(there, roads=net, **options)
    return caught.value


def test_roads_need_minutes_or_a_speed():
    error = refused(ColumnError, net=roads(*STREETS, name="x"))
    assert "neither minutes nor a speed" in str(error)
    assert "columns name, geometry" in str(error)


@pytest.mark.parametrize("column", ["speed_kph", "minutes"])
def test_figures_that_cannot_be_driven_by_are_listed_by_row(column):
    net = roads(*STREETS, **{column: [30.0, 0.0, -1.0, np.nan, np.inf]})
    error = refused(SeveralFaultsError, net=net)
    wrong, missing = error.faults
    assert wrong.ids == ("row 1", "row 2", "row 4")
    assert "3 of 5 roads cannot be driven by what " + column in str(wrong)
    assert wrong.found == "0.0, -1.0, inf"
    assert missing.ids == ("row 3",)


def test_a_word_is_no_speed():
    error = refused(ColumnError, net=roads(*STREETS, speed_kph=["30", "30 mph", "30", "30", "30"]))
    assert error.ids == ("row 1",)
    assert error.found == "30 mph"


def test_a_wrong_speed_is_reported_even_where_minutes_are_known():
    net = roads(*STREETS, minutes=[1.0] * 5, speed_kph=[30, 30, 0, 30, 30])
    assert refused(ColumnError, net=net).ids == ("row 2",)


def test_labels_of_the_layer_name_the_rows():
    net = roads(*STREETS, speed_kph=[30, 30, 0, 30, 30]).set_index(np.array(list("vwxyz")))
    assert refused(ColumnError, net=net).ids == ("row x",)


@pytest.mark.parametrize("word", ["F", "T", "perhaps", 2])
def test_a_direction_that_may_mean_two_things_is_refused(word):
    error = refused(ColumnError, net=roads(*STREETS, speed_kph=30.0, one_way=["no", word, "yes", "", None]))
    assert error.ids == ("row 1",)
    assert "one of true, yes, 1, ft, -1, reverse, tf, nothing, false" in str(error)


def test_both_layers_need_a_crs_and_both_are_reported():
    error = refused(
        SeveralFaultsError,
        there=THERE.set_crs(None, allow_override=True),
        net=roads(*STREETS).set_crs(None, allow_override=True),
    )
    assert [type(fault) for fault in error.faults] == [CRSError, CRSError]
    assert [fault.where for fault in error.faults] == ["origins", "roads"]


def test_degrees_that_are_meters_are_refused():
    assert "coordinates are not" in str(refused(CRSError, net=roads(*STREETS).set_crs(4326, allow_override=True)))


def test_areas_are_no_roads():
    areas = gpd.GeoDataFrame({"speed_kph": [30.0]}, geometry=[STREETS[0].buffer(5)], crs=UTM)
    assert refused(GeometryError, net=areas).found == "Polygon"


def test_a_layer_without_roads_is_refused():
    fault = refused(GeometryError, net=roads(*STREETS).iloc[:0])
    assert (fault.where, fault.found) == ("roads", "0 rows")


def test_roads_without_length_are_refused():
    assert "None of the roads has a length." in str(refused(GeometryError, net=roads(line((0, 0), (0, 0)))))


def test_roads_of_another_place_reach_nothing():
    far = roads(line((9000, 0), (9500, 0)))
    error = refused(GeometryError, net=far)
    assert "reach none of the origins" in str(error)
    assert "the nearest is 8,500 m from a road" in str(error)


def test_roads_of_another_continent_reach_nothing():
    far = gpd.GeoDataFrame({"speed_kph": [30.0]}, geometry=[line((0, 0), (500, 0))], crs="EPSG:32755")
    assert "reach none of the origins" in str(refused(GeometryError, net=far))


def test_roads_that_do_not_touch_lead_nowhere():
    net = roads(line((0, 0), (100, 0)), line((400, 0), (500, 0)))
    error = refused(GeometryError, net=net)
    assert "lead from no place to another" in str(error)
    assert "2 parts that do not touch, 2 with places" in str(error)


@pytest.mark.parametrize(
    ("there", "text"),
    [(THERE.iloc[:0], "There are no origins."), (places(A=(0, 0)).set_axis(["A"]).where([False]), "has a location")],
)
def test_without_places_there_is_nothing_to_do(there, text):
    assert text in str(refused(InputError, there=there))


def test_ids_that_repeat_are_named():
    twice = THERE.set_axis(["7", "7"])
    assert refused(ColumnError, there=twice).ids == ("7",)


def test_destinations_are_checked_too():
    error = refused(SeveralFaultsError, there=THERE.iloc[:0], destinations=THERE.set_axis(["7", "7"]))
    assert [fault.where for fault in error.faults] == ["origins", "destinations"]


def test_settings_that_make_no_sense_are_reported_together():
    with pytest.raises(SeveralFaultsError) as caught:
        TravelSettings(detour_factor=0.9, speed_kph=0)
    assert [fault.where for fault in caught.value.faults] == ["[workload] detour_factor", "[workload] speed_kph"]
    with pytest.raises(SeveralFaultsError) as caught:
        RoadRules(join_m=-1, access_speed_kph=0, max_access_m=float("nan"))
    assert len(caught.value.faults) == 3
    with pytest.raises(SettingsError):
        TravelSettings(speed_kph=float("inf"))
