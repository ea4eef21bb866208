"""Schools on the town's sheet: zone A is x from 0 to 1000, zone B from 1000 to 2000, y from 0 to 1000 meters."""

import geopandas as gpd
import pandas as pd
import pytest
import town
from drawing import METERS, by_code, schools_at, shape, zones_of
from shapely.geometry import Point, Polygon

from safeschools_geo.checks._places import check_schools

ZONES = zones_of(A=(0, 0, 1000, 1000), B=(1000, 0, 2000, 1000))


def check(schools, zones=ZONES, boundary=None):
    return by_code(check_schools(schools, zones, crs=METERS, boundary=boundary))


def test_clean_schools_have_no_faults():
    whole = gpd.GeoDataFrame(geometry=[ZONES.union_all()], crs=4326)
    assert check(schools_at((500, 400), (1500, 400), shape((100, 100, 200, 200))), boundary=whole) == {}


def test_no_schools_have_no_faults():
    assert check(schools_at((500, 400)).iloc[:0], boundary=ZONES) == {}


def test_without_zones_every_school_is_outside():
    for nothing in (ZONES.iloc[:0], ZONES.iloc[:1].set_geometry([Polygon()], crs=4326)):
        (finding,) = check(schools_at((500, 400)), nothing)["school_outside_zones"]
        assert finding.message == "1 program school outside every zone."


def test_ids_must_be_unique():
    (finding,) = check(schools_at((100, 100), (200, 200), (300, 300), school_id=["1", "2", "1"]))["school_id_duplicate"]
    assert (finding.severity, finding.ids) == ("error", ("1",))


def test_names_are_compared_without_capitals_and_spaces():
    found = check(schools_at((1, 1), (2, 2), (3, 3), (4, 4), name=["Oak  Hill", "oak hill ", "Elm", "Elm Park"]))
    assert found["school_name_duplicate"][0].ids == ("001", "002")
    assert "school_name_missing" not in found


def test_a_name_that_is_the_id_is_none():
    found = check(schools_at((1, 1), (2, 2), (3, 3), name=["001", " ", None]))
    assert found["school_name_missing"][0].ids == ("001", "002", "003")
    assert "school_name_duplicate" not in found


def test_other_levels_are_noted():
    (finding,) = check(schools_at((1, 1), (2, 2), level=["other", "high"]))["school_level_other"]
    assert (finding.severity, finding.ids) == ("note", ("001",))
    assert finding.message.startswith("1 school of the level other")


def test_enrollment_is_missing_only_at_program_schools():
    enrollment = pd.array([pd.NA, pd.NA, 300], dtype="Int64")
    schools = schools_at((1, 1), (2, 2), (3, 3), enrollment=enrollment, in_program=[True, False, True])
    (finding,) = check(schools)["enrollment_missing"]
    assert (finding.severity, finding.ids) == ("warning", ("001",))
    assert finding.message.startswith("1 of 2 program schools")


def test_enrollment_that_is_hard_to_believe():
    enrollment = pd.array([0, -5, 6000, 6001, 1, pd.NA], dtype="Int64")
    found = check(schools_at(*((i, i) for i in range(1, 7)), enrollment=enrollment))
    (finding,) = found["enrollment_unlikely"]
    assert finding.ids == ("001", "002", "004")
    assert "001 (0), 002 (-5), 004 (6,001)" in finding.message


def test_a_school_without_a_place_is_an_error_if_it_is_in_the_program():
    (finding,) = check(schools_at((1, 1), None, Point()))["school_no_location"]
    assert (finding.severity, finding.ids) == ("error", ("002", "003"))
    (finding,) = check(schools_at((1, 1), None, in_program=[True, False]))["school_no_location"]
    assert finding.severity == "note"
    assert "none of them in the program" in finding.message


def test_schools_at_one_place_are_noted_with_the_number_of_places():
    campus = shape((100, 100, 200, 200))
    found = check(schools_at((1, 1), (1, 1), (20, 20), campus, campus, (1, 1), None, None))
    (finding,) = found["schools_same_place"]
    assert finding.ids == ("001", "002", "004", "005", "006")
    assert "2 places" in finding.message


def test_schools_outside_every_zone_are_reported_with_their_distance():
    found = check(schools_at((500, 400), (500, 1250), (-4, 500)))
    (finding,) = found["school_outside_zones"]
    assert (finding.severity, finding.ids) == ("error", ("002", "003"))
    assert finding.message == "2 program schools outside every zone: 002 by 250 m, 003 by 4 m."


def test_a_school_that_is_not_in_the_program_may_be_outside():
    (finding,) = check(schools_at((500, 1250), in_program=[False]))["school_outside_zones"]
    assert finding.severity == "note"
    (finding,) = check(schools_at((500, 1250), (500, 1300), in_program=[False, True]))["school_outside_zones"]
    assert finding.severity == "error"
    assert finding.message.startswith("2 schools, 1 of them in the program, outside every zone")


@pytest.mark.parametrize(
    ("x", "y", "codes"),
    [
        (1000.0, 500, ["school_on_border"]),
        (999.6, 500, ["school_on_border"]),
        (1000.4, 500, ["school_on_border"]),
        (999.4, 500, []),
        (1000.6, 500, []),
        (1000.0, 1000.3, ["school_on_border"]),  # the end of the shared edge, from outside
        (0.2, 500, []),  # the outer edge is no border between zones
        (500, 999.9, []),
        (500, 1000.4, ["school_outside_zones"]),
    ],
)
def test_half_a_meter_from_a_shared_edge_is_the_border(x, y, codes):
    found = check(schools_at((x, y)))
    assert list(found) == codes


def test_a_border_drawn_twice_is_one_border():
    apart = zones_of(A=(0, 0, 1000, 1000), B=(1000.4, 0, 2000, 1000))
    assert list(check(schools_at((1000.2, 500)), apart)) == ["school_on_border"]


def test_a_school_where_zones_overlap_is_in_two():
    overlapping = zones_of(A=(0, 0, 1000, 1000), B=(900, 0, 2000, 1000))
    found = check(schools_at((950, 500), (500, 500)), overlapping)
    (finding,) = found["school_in_two_zones"]
    assert (finding.severity, finding.ids) == ("warning", ("001",))


def test_a_campus_that_reaches_into_a_zone_is_not_outside():
    assert check(schools_at(shape((-500, 0, 10, 100)), shape((990, 100, 1190, 200)))) == {}
    found = check(schools_at(shape((-200, 0, -100, 100))))
    assert found["school_outside_zones"][0].message == "1 program school outside every zone: 001 by 100 m."


def test_schools_outside_the_district():
    district = gpd.GeoDataFrame(geometry=[shape((0, 0, 2000, 800))], crs=4326)
    found = check(schools_at((500, 400), (500, 900)), boundary=district)
    assert list(found) == ["school_outside_boundary"]
    (finding,) = found["school_outside_boundary"]
    assert (finding.severity, finding.ids) == ("warning", ("002",))
    assert "002 by 100 m" in finding.message


def test_a_school_with_swapped_coordinates_is_reported_once():
    here = town.place(500, 400)
    found = check(schools_at(Point(here.y, here.x), Point(-here.x, here.y), Point(0, 0)))
    assert {code: f[0].ids for code, f in found.items()} == {
        "coordinates_swapped": ("001",),
        "coordinates_sign_flipped": ("002",),
        "coordinates_null_island": ("003",),
    }
    assert {f.severity for findings in found.values() for f in findings} == {"error"}


def test_a_school_of_another_town_is_far_away_and_outside():
    found = check(schools_at(Point(-87.6, 41.9)))
    assert set(found) == {"coordinates_far_outside", "school_outside_zones"}


def test_the_frames_given_are_left_alone():
    schools = schools_at((500, 400), None, (5000, 1))
    before = schools.copy()
    check(schools)
    pd.testing.assert_frame_equal(pd.DataFrame(schools), pd.DataFrame(before))


def test_schools_a_meter_apart_share_a_place():
    (finding,) = check(schools_at((500, 400), (501, 400), (520, 400)))["schools_same_place"]
    assert finding.ids == ("001", "002")
    assert "2 schools within 5 m of another school, at 1 place in all." in finding.message


def test_a_campus_with_a_good_part_in_the_next_zone_is_reported_with_its_shares():
    found = check(
        schools_at(*(shape(box) for box in ((960, 100, 1040, 200), (900, 300, 1005, 400), (100, 300, 200, 400))))
    )
    (finding,) = found["campus_in_two_zones"]
    assert finding.ids == ("001 (A 50%, B 50%)",)
    assert finding.message.startswith("1 campus has a good part in another zone")
