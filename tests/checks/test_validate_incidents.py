"""A history of the town, clean, and with each fault alone."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import town
from drawing import METERS, by_code, schools_at
from shapely.geometry import Point

from safeschools_geo.checks._incidents import MOST_PILES, check_incidents, check_piles, check_places, check_responders
from safeschools_geo.district._settings_file import load_settings
from safeschools_geo.schemas import CRITICAL_CATEGORIES

SCHOOLS = schools_at((500, 400), (1500, 400))
AWAY = (300, 800)


@pytest.fixture
def settings(tmp_path):
    return load_settings(town.write_town(tmp_path))


def history(n=16, **columns):
    """List incidents on school days of the town's two terms, at both schools in turn."""
    days = [*pd.date_range("2025-09-02", "2025-09-12", freq="D"), *pd.date_range("2026-02-02", "2026-02-13", freq="D")]
    at = [days[i % len(days)] + pd.Timedelta(hours=9, minutes=i % 60) for i in range(n)]
    frame = {
        "incident_id": [f"I{i}" for i in range(n)],
        "occurred_at": pd.Series(at).dt.tz_localize(town.ZONE),
        "has_time": True,
        "category": [list(CRITICAL_CATEGORIES)[i % 8] for i in range(n)],
        "school_id": pd.Series([f"00{1 + i % 2}" for i in range(n)], dtype="str"),
        "responder": pd.Series(["zone_officer"] * n, dtype="str"),
        "geometry": [SCHOOLS.geometry.iloc[i % 2] for i in range(n)],
        **columns,
    }
    return gpd.GeoDataFrame(frame, crs=4326)


def check(incidents, settings, schools=SCHOOLS):
    return by_code(check_incidents(incidents, schools, settings=settings, crs=METERS))


def test_a_clean_history_has_no_faults(settings):
    assert check(history(40), settings) == {}


def test_an_empty_history_is_reported_by_reading(settings):
    assert check(history(40).iloc[:0], settings) == {}


def piled(n, place, others=20):
    """Put `n` incidents at a place and the others at schools."""
    at_schools = [SCHOOLS.geometry.iloc[i % 2] for i in range(others)]
    return history(n + others, geometry=[town.place(*place)] * n + at_schools)


@pytest.mark.parametrize(("n", "is_pile"), [(24, False), (25, True)])
def test_a_pile_begins_at_the_number_of_the_settings(settings, n, is_pile):
    found = check(piled(n, AWAY), settings)
    assert ("incident_pile_up" in found) is is_pile


def test_a_pile_has_its_ids_and_its_place(settings):
    (finding,) = check(piled(30, AWAY), settings)["incident_pile_up"]
    spot = town.place(*AWAY)
    assert finding.ids == tuple(f"I{i}" for i in range(30))
    assert finding.location == pytest.approx((spot.x, spot.y), abs=1e-6)
    assert finding.message.startswith("30 incidents at one point")


@pytest.mark.parametrize(("meters", "is_pile"), [(0, False), (99, False), (101, True)])
def test_a_pile_within_100_m_of_a_school_is_the_school_s(meters, is_pile):
    found = check_piles(piled(30, (500 + meters, 400), others=0), SCHOOLS, pile_up=25, crs=METERS)
    assert bool(found) is is_pile


def test_without_any_school_every_pile_counts():
    for schools in (SCHOOLS.iloc[:0], schools_at(None, None)):
        assert len(check_piles(piled(30, (500, 400)), schools, pile_up=25, crs=METERS)) == 1


def test_places_are_equal_to_ten_centimeters():
    here = town.place(*AWAY)
    jittered = [Point(here.x + 1e-9 * i, here.y) for i in range(30)]
    (finding,) = check_piles(history(30, geometry=jittered), SCHOOLS, pile_up=30, crs=METERS)
    assert len(finding.ids) == 30
    meters_apart = [town.place(AWAY[0] + i, AWAY[1]) for i in range(30)]
    assert check_piles(history(30, geometry=meters_apart), SCHOOLS, pile_up=2, crs=METERS) == []


def test_the_largest_piles_come_alone_and_the_rest_together():
    sizes = range(2, 2 + MOST_PILES + 2)
    places = [town.place(100 * i, 900) for i, size in enumerate(sizes) for _ in range(size)]
    found = check_piles(history(len(places), geometry=places), SCHOOLS, pile_up=2, crs=METERS)
    assert [len(f.ids) for f in found] == [8, 7, 6, 5, 4, 3 + 2]
    assert found[-1].message.startswith("5 incidents at 2 more points")


def test_incidents_without_coordinates_are_distinguished_by_school():
    nowhere = [None, Point(), None, *SCHOOLS.geometry, *SCHOOLS.geometry]
    school_id = pd.Series(["001", None, None, "001", "002", "001", "002"], dtype="str")
    found = by_code(check_places(history(7, geometry=nowhere, school_id=school_id)))
    assert found["incident_placed_by_school"][0].ids == ("I0",)
    (finding,) = found["incident_no_location"]
    assert finding.ids == ("I1", "I2")
    assert finding.message.startswith("2 of 7 incidents (28.6 %)")
    assert finding.severity == "warning"


def test_a_few_without_a_place_are_only_a_note():
    geometry = [None, *[SCHOOLS.geometry.iloc[0]] * 19]
    school_id = pd.Series([None] + ["001"] * 19, dtype="str")
    (finding,) = check_places(history(20, geometry=geometry, school_id=school_id))
    assert (finding.severity, finding.ids) == ("note", ("I0",))


def test_categories_never_seen_are_named(settings):
    (finding,) = check(history(6), settings)["category_never_seen"]
    assert finding.ids == ("threat_assessment", "welfare_check")
    assert "Threat assessment, Safety and welfare check" in finding.message


def test_unknown_responders_are_counted():
    some = pd.Series(["patrol", None, "patrol", None], dtype="str")
    (finding,) = check_responders(history(4, responder=some))
    assert finding.ids == ("I1", "I3")
    assert finding.message == "2 of 4 incidents (50.0 %) without a known responder."


def test_a_history_that_never_names_a_responder_says_so_once():
    for bare in (history(4, responder=pd.Series([None] * 4, dtype="str")), history(4).drop(columns="responder")):
        (finding,) = check_responders(bare)
        assert finding.ids == ()
        assert "any of its 4 incidents" in finding.message


def test_schools_without_incidents_are_noted(settings):
    schools = schools_at((500, 400), (1500, 400), (1500, 800), (1600, 800), in_program=[True, True, True, False])
    (finding,) = check(history(40), settings, schools)["school_without_incidents"]
    assert (finding.severity, finding.ids) == ("note", ("003",))
    assert finding.message.startswith("1 of 3 program schools")


def test_a_history_that_names_no_school_is_a_warning(settings):
    found = check(history(40, school_id=pd.Series([None] * 40, dtype="str")), settings)
    (finding,) = found["school_without_incidents"]
    assert (finding.severity, finding.ids) == ("warning", ("001", "002"))


@pytest.mark.parametrize(("blank", "severity"), [(1, "note"), (2, "note"), (3, "warning")])
def test_incidents_at_a_school_that_are_tied_to_none_are_counted(settings, blank, severity):
    # Of 40 at a school two in a hundred are no more than a slip here and there; above one in twenty they are many.
    ids = pd.Series([None] * blank + ["001"] * (40 - blank), dtype="str")
    (finding,) = check(history(40, school_id=ids), settings)["school_unnamed"]
    assert (finding.severity, finding.ids) == (severity, tuple(f"I{i}" for i in range(blank)))
    assert "within 50 m of a school but tied to none" in finding.message
    assert finding.message.endswith(f"tied to a school: {40 - blank}.")


def test_what_is_off_campus_or_left_to_the_nearest_school_is_no_fault(settings):
    ids = pd.Series([None] * 9 + ["001"] * 31, dtype="str")
    away = [town.place(*AWAY)] * 9 + [SCHOOLS.geometry.iloc[0]] * 31
    assert "school_unnamed" not in check(history(40, school_id=ids, geometry=away), settings)
    nearest = replace(settings, incidents=replace(settings.incidents, nearest_school_m=100.0))
    assert "school_unnamed" not in check(history(40, school_id=ids), nearest)


def test_every_fault_is_reported_at_once(settings):
    n = 60
    incidents = history(
        n,
        occurred_at=pd.Series(pd.to_datetime(["2025-09-03"] * 30 + ["2031-01-01"] * 30)).dt.tz_localize(town.ZONE),
        has_time=np.arange(n) % 3 > 0,
        category="weapons",
        responder=pd.Series([None] * n, dtype="str"),
        school_id=pd.Series([None] * n, dtype="str"),
        geometry=[town.place(*AWAY)] * 30 + [None] * 30,
        received_at=pd.Series(pd.to_datetime(["2025-09-03 10:00"] * n)).dt.tz_localize(town.ZONE),
        cleared_at=pd.Series(pd.to_datetime(["2025-09-03 09:00"] * n)).dt.tz_localize(town.ZONE),
    )
    assert set(check(incidents, settings)) == {
        "times_out_of_order",
        "incident_no_time",
        "midnight_pile_up",
        "term_without_incidents",
        "incident_outside_terms",
        "incident_date_unlikely",
        "incident_no_location",
        "incident_pile_up",
        "category_never_seen",
        "responder_unknown",
        "school_without_incidents",
    }
