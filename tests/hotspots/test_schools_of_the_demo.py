"""What is planted at the schools of the demo is found, and said for what it is."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from safeschools_geo.hotspots import _schools
from safeschools_geo.hotspots._expected import month_counts, number_word, once_in_terms, school_counts
from safeschools_geo.hotspots._months import school_months
from safeschools_geo.hotspots._result import split_groups, zone_shares
from safeschools_geo.hotspots._schools import officer_share, overlap, school_groups, school_rates, warning_for
from safeschools_geo.settings import PatrolChange
from safeschools_geo.text import listed

LATE = ("Fall 2025", "Spring 2026")


@pytest.fixture(scope="module")
def rates(demo):
    return {term: school_rates(demo.counts, term=term) for term in demo.counts["term"].unique()}


@pytest.fixture(scope="module")
def groups(demo, rates):
    return {t: school_groups(rates[t], demo.places, crs=demo.district.crs) for t in rates}


def test_very_many_schools_are_scanned_with_fewer_simulations_and_that_is_what_is_recorded(demo, rates, monkeypatch):
    monkeypatch.setattr(_schools, "_SIMULATIONS_OF_MANY", 59)
    for most, draws in ((len(demo.places), 99), (5, 59)):
        monkeypatch.setattr(_schools, "_MANY_SCHOOLS", most)
        found = school_groups(rates[LATE[1]], demo.places, crs=demo.district.crs, simulations=99)
        assert found.settings["simulations"] == draws
        assert {scan.settings["simulations"] for scan in found.scans.values()} == {draws}
        # No p-value is smaller than so many simulations can show.
        assert found.table["p_value"].min() == 1 / (draws + 1)


def test_counts_are_those_of_the_history(demo):
    work = demo.history[demo.history["work_of"] == "zone_officer"]
    assert demo.counts["incidents"].sum() == work["term"].notna().sum()
    assert demo.counts["reported"].sum() == ((work["origin"] == "reported") & work["term"].notna()).sum()
    assert len(demo.counts) == 6 * demo.district.schools["in_program"].sum()
    known = demo.counts[demo.counts["enrollment"].notna()]
    # Spring 2026: 101 school days.
    spring = known[known["term"] == "Spring 2026"]
    assert spring["student_days"].tolist() == (spring["enrollment"].astype(float) * 101).tolist()


def test_months_add_up_to_the_term(demo):
    term = demo.district.settings.term("Spring 2026")
    table = demo.counts[demo.counts["term"] == term.name]
    cases, days = month_counts(demo.history, table, term=term, calendar=demo.district.settings.calendar)
    assert cases.sum(axis=1).tolist() == table["reported"].tolist()
    assert days.sum() == 101
    assert list(cases.columns) == ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"]


@pytest.mark.parametrize("term", LATE)
def test_the_planted_hotspot_is_found_and_nothing_else(demo, groups, term):
    high = groups[term].high
    assert len(high) == 1
    row = high.iloc[0]
    assert set(row["members"].split(";")) == set(demo.planted["hotspot"]["schools"])
    assert row["zone_id"] == demo.planted["hotspot"]["zone"]
    assert row["ratio"] == pytest.approx(demo.planted["hotspot"]["times_expected"], rel=0.3)
    assert row["ratio_low"] < demo.planted["hotspot"]["times_expected"] < row["ratio_high"]
    assert row["stability_share"] > 0.5
    assert row["sentence"].startswith("Three schools in Zone 4 had 3.")
    assert f"after looking at all {groups[term].schools} schools" in row["sentence"]
    assert groups[term].summary() == row["sentence"]


@pytest.mark.parametrize("term", ["Fall 2023", "Spring 2024", "Fall 2024", "Spring 2025"])
def test_no_group_is_found_before(groups, term):
    assert groups[term].high.empty
    assert "No group" in groups[term].summary()


@pytest.mark.parametrize("term", ["Spring 2025", "Spring 2026"])
def test_where_officers_looked_is_flagged_as_such(demo, rates, term):
    school = demo.planted["officer_initiated"]["school"]
    row = rates[term].table.set_index("school_id").loc[school]
    assert row["status"] == "rests_on_officer_initiated"
    settings = demo.district.settings
    told = warning_for(demo.counts, [school], term=term, terms=settings.terms)
    assert "Officers started" in told


def test_new_patrol_is_seen_in_the_term_it_came(demo):
    planted, terms = demo.planted["officer_initiated"], demo.district.settings.terms
    told = warning_for(demo.counts, [planted["school"]], term=planted["terms"][0], terms=terms)
    assert "their hours there may have changed" in told
    others = [s for s in demo.counts["school_id"].unique() if s != planted["school"]]
    alarms = sum("may have changed" in warning_for(demo.counts, [s], term="Spring 2025", terms=terms) for s in others)
    assert alarms <= 3


def test_a_change_of_patrol_on_record_is_named(demo):
    terms = demo.district.settings.terms
    school = demo.counts.loc[demo.counts["zone_id"] == "4", "school_id"].iloc[0]
    change = PatrolChange(start=terms[-1].start, zones=("4",), note="a second officer")
    told = warning_for(demo.counts, [school], term=terms[-1].name, terms=terms, changes=[change])
    assert "Patrol changed on 05 January 2026: a second officer." in told
    other = PatrolChange(start=terms[-1].start, zones=("5",))
    assert "Patrol changed" not in warning_for(demo.counts, [school], term=terms[-1].name, terms=terms, changes=[other])
    early = PatrolChange(start=terms[0].start)
    assert "Patrol changed" not in warning_for(demo.counts, [school], term=terms[-1].name, terms=terms, changes=[early])


@pytest.mark.parametrize("term", LATE)
def test_months_of_the_hotspot(demo, rates, term):
    settings = demo.district.settings
    result = school_months(
        demo.history,
        rates[term],
        demo.places,
        term=settings.term(term),
        calendar=settings.calendar,
        crs=demo.district.crs,
    )
    assert result.model == "poisson"
    members = set(";".join(result.high["members"]).split(";"))
    assert members <= set(demo.planted["hotspot"]["schools"])
    assert len(members) >= 2


def test_without_enrollment_the_permutation_model_is_used_and_it_is_said_why(demo):
    counts = demo.counts.assign(student_days=np.nan, enrollment=pd.array([None] * len(demo.counts), dtype="Int64"))
    settings, term = demo.district.settings, demo.district.settings.term()
    rates = school_rates(counts, term=term.name)
    groups = school_groups(rates, demo.places, crs=demo.district.crs, simulations=99)
    assert groups.table.empty
    assert "No groups of neighboring schools were looked for" in groups.summary()
    result = school_months(
        demo.history,
        rates,
        demo.places,
        term=term,
        calendar=settings.calendar,
        crs=demo.district.crs,
        simulations=99,
    )
    assert result.model == "permutation"
    assert "No school can be compared with others of its level for its enrollment" in result.summary()


def test_a_school_without_a_place_is_named(demo, rates):
    places = demo.places.copy()
    lost = rates["Spring 2026"].table["school_id"].iloc[0]
    places.loc[lost] = None
    groups = school_groups(rates["Spring 2026"], gpd.GeoSeries(places, crs=4326), crs=demo.district.crs, simulations=99)
    assert groups.without_place == (lost,)


def test_no_history_counts_nothing(demo):
    settings = demo.district.settings
    counts = school_counts(
        demo.history.iloc[:0], demo.district.schools, demo.zones, terms=settings.terms, calendar=settings.calendar
    )
    assert counts["incidents"].sum() == 0
    rates = school_rates(counts, term="Spring 2026")
    assert rates.high.empty
    assert school_groups(rates, demo.places, crs=demo.district.crs).scans == {}


def test_zone_shares_by_hand():
    loads = pd.DataFrame(
        {"school_id": ["a", "b", "c", "d"], "zone_id": ["1", "1", "2", ""], "workload_h": [1.0, 3.0, 2.0, 9.0]}
    )
    table = zone_shares({"G1": ["b", "c"], "G2": ["b"]}, loads).set_index("zone_id")
    assert table["inside_share"].to_dict() == {"1": 0.75, "2": 1.0}
    assert table["hotspots"].to_dict() == {"1": "G1;G2", "2": "G1"}
    assert zone_shares({}, loads)["inside_share"].tolist() == [0, 0]


def test_a_plan_that_cuts_a_group_is_reported():
    plan = pd.Series({"a": "1", "b": "1", "c": "2"})
    table = split_groups({"G1": ["a", "b"], "G2": ["a", "b", "c"], "G3": ["z"]}, plan).set_index("hotspot_id")
    assert table["is_split"].to_dict() == {"G1": False, "G2": True, "G3": False}
    assert table.loc["G2", "largest_share"] == pytest.approx(2 / 3)
    assert table.loc["G2", "zones"] == "1;2"


def test_words():
    assert once_in_terms(0.025) == "once in 40 terms"
    assert once_in_terms(2.0) == "in about every term"
    assert once_in_terms(1e-9) == "once in 1,000 terms or less often"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert (number_word(3), number_word(11)) == ("Three", "11")
    assert overlap([1, 2], [2, 3]) == pytest.approx(1 / 3)
    assert overlap([], []) == 0
    assert np.isnan(officer_share(pd.DataFrame({"school_id": [], "incidents": [], "reported": []}), ["x"]))
