"""All hotspots of the demo together: planted truths, one sentence each, the same result each time."""

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from safeschools_geo.findings import conform
from safeschools_geo.hotspots._find import TermInputs, find_hotspots
from safeschools_geo.schemas import HOTSPOTS
from safeschools_geo.settings import HotspotSettings
from safeschools_geo.term._run import count_workload

QUICK = HotspotSettings(simulations=999)


@pytest.fixture(scope="module")
def given(demo):
    district = demo.district
    school_zones = demo.zones.reset_index()
    workload, _ = count_workload(district, school_zones, demo.history)
    return TermInputs(
        history=demo.history,
        schools=district.schools,
        zones=district.zones,
        school_zones=demo.zones,
        workload=workload,
        term=district.settings.term("Spring 2026"),
        settings=replace(district.settings, hotspots=QUICK),
        crs=district.crs,
    )


@pytest.fixture(scope="module")
def found(given):
    return find_hotspots(given, inputs={"a.csv": "0" * 64})


def test_every_hotspot_has_what_the_rules_ask_for(found):
    conform(found.spots, HOTSPOTS)
    assert found.spots["hotspot_id"].is_unique
    tested = found.spots[found.spots["kind"] != "place"]
    assert (tested["p_value"].notna() | tested["q_value"].notna()).all()
    schools = found.spots[found.spots["kind"].isin(["school", "schools", "schools_in_time", "hours"])]
    measures = ["ratio", "ratio_low", "ratio_high", "rate_per_1000", "detectable_ratio", "stability_share"]
    assert schools[[*measures, "officer_initiated_share"]].notna().all(axis=None)
    assert (schools["ratio_low"] <= schools["ratio"]).all()
    assert (schools["ratio"] <= schools["ratio_high"]).all()
    assert schools["sentence"].str.endswith(".").all()
    assert found.to_frame() is not found.spots


def test_the_planted_hotspot_leads_and_is_reported_in_the_summary(demo, found):
    first = found.spots.iloc[0]
    assert first["kind"] == "schools"
    assert set(first["members"].split(";")) == set(demo.planted["hotspot"]["schools"])
    assert found.finding().startswith(first["sentence"])
    # Two without an enrollment; the four of small levels are judged by their own past.
    assert (
        "2 of 62 program schools with 19 of the 830 reported calls for zone officers were not judged" in found.finding()
    )
    assert first["sentence"] in found.summary()
    assert found.groups_of_schools == {"G1": first["members"].split(";")}


def test_the_school_with_the_posted_officer_is_no_hotspot_and_is_flagged(demo, found):
    school = demo.planted["officer_initiated"]["school"]
    assert not found.spots["members"].str.contains(school).any()
    rates = found.schools.rates.table.set_index("school_id")
    assert rates.loc[school, "status"] == "rests_on_officer_initiated"
    assert "only with what officers started themselves" in found.summary()


def test_the_lunch_peak_is_found_and_a_date_is_no_midnight(demo, found):
    windows = found.hours.windows.set_index("group")
    peak = windows.loc[demo.planted["lunch_peak"]["category"]]
    assert peak["status"] == "high"
    assert (peak["start_hour"], peak["end_hour"]) == (demo.planted["lunch_peak"]["hour"], 13)
    assert found.hours.without_time == 1
    assert found.hours.week()["incidents"].iloc[[0, 24, 48, 72, 96]].sum() == 0


def test_the_pile_is_left_out_and_named(demo, found):
    planted = demo.planted["pile_up"]
    assert found.places.piles[["x", "y", "incidents"]].to_numpy().tolist() == [
        [planted["x"], planted["y"], planted["incidents"]]
    ]
    assert f"{planted['incidents']} at {planted['y']:.5f}" in found.summary()


def test_shares_of_zones_and_the_backtest(demo, found):
    shares = found.zone_shares.set_index("zone_id")["inside_share"]
    assert shares[demo.planted["hotspot"]["zone"]] > 0.1
    assert shares.drop(demo.planted["hotspot"]["zone"]).eq(0).all()
    assert found.backtest.table["judged_on"].nunique() == 4
    assert "last year" in found.backtest.summary()


def test_settings_seed_and_inputs_are_kept(found):
    assert found.settings["simulations"] == 999
    assert (found.seed, found.inputs) == (0, {"a.csv": "0" * 64})


def test_the_result_is_the_same_on_any_number_of_processors(given, found, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    again = find_hotspots(given)
    pd.testing.assert_frame_equal(again.spots, found.spots)
    pd.testing.assert_frame_equal(again.schools.groups.to_frame(), found.schools.groups.to_frame())
    assert again.places.repeats == found.places.repeats


def test_the_first_term_stands_alone(given):
    first = find_hotspots(replace(given, term=given.settings.terms[0]))
    assert first.trends.change_schools.empty
    assert first.backtest.status == "insufficient_data"
    assert set(first.schools.counts["term"]) == {"Fall 2023"}
    assert set(first.trends.classes["class"]) == {"insufficient_data"}


def test_terms_to_come_change_nothing(given, demo):
    fall = given.settings.terms[4]
    known = demo.history[demo.history["occurred_at"] < pd.Timestamp("2026-01-01", tz="America/Los_Angeles")]
    one, other = (find_hotspots(replace(given, term=fall, history=h)) for h in (demo.history, known))
    pd.testing.assert_frame_equal(
        one.schools.rates.table.drop(columns="sentence"), other.schools.rates.table.drop(columns="sentence")
    )
    assert one.schools.groups.to_frame().equals(other.schools.groups.to_frame())


def test_no_history_finds_nothing_and_says_so(given):
    empty = find_hotspots(replace(given, history=given.history.iloc[:0]))
    assert empty.spots.empty
    assert empty.finding() == (
        "The record of Spring 2026 has no reported calls for zone officers at program schools: whether a school stands "
        "out cannot be said."
    )
    for claim in ("no hotspot", "stands out in", "none had", "clearly"):
        assert claim not in empty.summary()
    assert empty.trends.change_all.empty
    assert empty.places.density is None
    assert empty.places.repeats is None


def test_without_an_area_of_schools_nothing_breaks(given):
    nowhere = given.schools.set_geometry([None] * len(given.schools), crs=4326)
    found = find_hotspots(replace(given, schools=nowhere))
    assert len(found.schools.groups.without_place) > 50
    assert found.places.grid.cells.empty
    assert np.isfinite(found.schools.rates.table["p_value"].dropna()).all()
