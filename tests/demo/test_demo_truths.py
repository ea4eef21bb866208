"""What is planted in the embedded demo can be found again in its raw rows."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from checkout import DEMO
from demo_tables import PLANTED, TRUTHS

from safeschools_geo.school_calendar import school_days
from safeschools_geo.term._plan import describe_usual_day, prepare_plan
from safeschools_geo.term._run import (
    assign_incidents,
    assign_schools,
    count_workload,
    history_in_context,
    zone_by_school,
)


def test_what_is_planted_is_as_large_as_the_readme_says():
    assert PLANTED["hotspot"]["times_expected"] == 3.0
    assert PLANTED["hotspot"]["terms"] == ["Fall 2025", "Spring 2026"]
    assert len(PLANTED["hotspot"]["schools"]) == 3
    assert PLANTED["heavy_zone"]["share_of_mean"] == 1.6
    assert PLANTED["officer_initiated"]["share"] == pytest.approx(2 / 3, abs=1e-3)
    assert PLANTED["officer_initiated"]["terms"][0] == "Spring 2025"
    for trend, ends in {"rising": [0.45, 1.95], "falling": [1.95, 0.45]}.items():
        factors = list(PLANTED[trend]["factors"].values())
        assert [factors[0], factors[-1]] == ends


def test_hotspot_has_three_times_the_expected_number(history, schools, settings):
    hot, late = PLANTED["hotspot"]["schools"], PLANTED["hotspot"]["terms"]
    assert set(schools.set_index("SchoolCode").loc[hot, "zone_id"]) == {"4"}
    reported = history[history["Source"] != "On-view"]
    counts = pd.crosstab(reported["SchoolCode"], reported["term"].isin(late))
    rest = counts.drop(index=hot).sum()
    # What the three had before, grown as the others grew.
    expected = counts.loc[hot, False].sum() * rest[True] / rest[False]
    before, after = counts.loc[hot, False].sum(), counts.loc[hot, True].sum()
    # Both are drawn: three standard errors of the logarithm of a ratio of Poisson numbers.
    slack = 3 * np.sqrt(1 / before + 1 / after)
    assert np.log(after / expected) == pytest.approx(np.log(PLANTED["hotspot"]["times_expected"]), abs=slack)
    # What other schools of the same grades have for as many students.
    known = schools.dropna(subset="Enrolled").set_index("SchoolCode")
    late_counts = counts[True].reindex(known.index, fill_value=0)
    others = known.drop(index=hot)
    rate = late_counts[others.index].groupby(others["GradeSpan"]).sum() / others.groupby("GradeSpan")["Enrolled"].sum()
    by_grades = (known.loc[hot, "GradeSpan"].map(rate) * known.loc[hot, "Enrolled"]).sum()
    assert late_counts[hot].sum() / by_grades == pytest.approx(PLANTED["hotspot"]["times_expected"], abs=0.6)
    assert late == [t.name for t in settings.terms[-2:]]


def test_hotspot_schools_are_neighbors(schools):
    places = schools.set_index("SchoolCode").to_crs("EPSG:32611").geometry
    hot = places.loc[PLANTED["hotspot"]["schools"]]
    assert max(a.distance(b) for a in hot for b in hot) < 2_500


def test_one_zone_has_far_larger_schools_and_no_more_incidents_for_each_student(history, schools):
    heavy = PLANTED["heavy_zone"]["zone"]
    known = schools.dropna(subset="Enrolled").assign(is_heavy=schools["zone_id"] == heavy)
    size = known.pivot_table(index="GradeSpan", columns="is_heavy", values="Enrolled").dropna()
    assert (size[True] / size[False]).mean() == pytest.approx(PLANTED["heavy_zone"]["student_factor"], abs=0.2)
    zone = history["SchoolCode"].map(schools.set_index("SchoolCode")["zone_id"])
    rate = zone.value_counts() / schools.groupby("zone_id")["Enrolled"].sum()
    assert 0.9 < rate[heavy] / rate.drop(heavy).mean() < 1.25


def test_one_zone_carries_far_more_than_the_mean_in_every_term(district):
    school_zones = assign_schools(district)
    history = history_in_context(district, school_zones, assign_incidents(district))
    _, loads = count_workload(district, school_zones, history)
    heaviest = loads.loc[loads.groupby("term")["workload_h"].idxmax()]
    assert set(heaviest["zone_id"]) == {PLANTED["heavy_zone"]["zone"]}
    assert heaviest["share_of_mean"].mean() == pytest.approx(PLANTED["heavy_zone"]["share_of_mean"], abs=0.1)


def test_officers_start_most_incidents_at_one_school(history, schools):
    planted = PLANTED["officer_initiated"]
    is_late = history["term"].isin(planted["terms"])
    is_started = history["Source"] == "On-view"
    share = is_started[is_late].groupby(history["SchoolCode"]).mean()
    assert share[planted["school"]] == pytest.approx(planted["share"], abs=0.08)
    assert share.drop(planted["school"]).max() < 0.45
    before = (history["SchoolCode"] == planted["school"]) & ~is_late
    assert is_started[before].mean() < 0.3
    # Told by what is reported, nothing sets the school apart from others of its level.
    middle = schools[schools["GradeSpan"].isin(["6-8", "7-8"])].set_index("SchoolCode")["Enrolled"]
    rate = history[is_late & ~is_started].groupby("SchoolCode").size().reindex(middle.index) / middle
    assert 0.6 < rate[planted["school"]] / rate.median() < 1.5


@pytest.mark.parametrize(("trend", "sign"), [("rising", 1), ("falling", -1)])
def test_one_school_rises_and_one_falls(history, settings, trend, sign):
    order = [t.name for t in settings.terms]
    counts = pd.crosstab(history["SchoolCode"], history["term"])[order]
    slope = counts.apply(lambda row: np.polyfit(range(6), row / row.mean(), 1)[0], axis=1)
    others = [*PLANTED["hotspot"]["schools"], PLANTED["officer_initiated"]["school"]]
    large = slope[counts.sum(axis=1) > 100].drop(index=others, errors="ignore")
    assert list(PLANTED[trend]["factors"]) == order
    assert (sign * large).idxmax() == PLANTED[trend]["school"]


def test_assaults_peak_at_lunch(history):
    timed = history[history["Occurred"].dt.normalize() != history["Occurred"]]
    hours = timed.groupby("category")["Occurred"].agg(lambda t: t.dt.hour.value_counts(normalize=True).get(12, 0.0))
    peak = timed.loc[timed["category"] == PLANTED["lunch_peak"]["category"], "Occurred"].dt.hour.value_counts()
    assert peak.idxmax() == PLANTED["lunch_peak"]["hour"]
    assert hours.idxmax() == "assault_battery"
    assert hours.drop("assault_battery").max() < 0.7 * hours["assault_battery"]


def test_how_officers_come_is_recovered_and_foretells_the_last_term(district):
    school_zones = assign_schools(district)
    history = history_in_context(district, school_zones, assign_incidents(district))
    workload, _ = count_workload(district, school_zones, history)
    last = district.settings.terms[-1]
    zone_of = zone_by_school(school_zones)
    parts = {"district": district, "workload": workload, "history": history, "zone_of": zone_of}
    run = SimpleNamespace(**parts, term=last, hotspots=SimpleNamespace(groups_of_schools={}), seed=0)
    day = describe_usual_day(run, prepare_plan(run))
    table = day.calibration.table.query("zone_id == ''").set_index("measure")
    assert day.calibration.terms == tuple(term.name for term in district.settings.terms[:-1])
    for name in ("turnout_min", "trip_factor", "diverted_share", "unavailable_share"):
        assert table.loc[name, "low"] <= PLANTED["dispatch"][name] <= table.loc[name, "high"], name
    assert table.loc["roaming_share", "value"] > 0.8
    assert table.loc["kept_share", "value"] == 0.0
    judged = day.validation.table
    assert judged.query("zone_id == ''")["is_within"].all()
    assert judged.query("zone_id != ''")["is_within"].mean() > 0.85


def test_response_and_service_times_are_plausible(raw):
    response = (raw["Arrived"] - raw["Dispatched"]).dt.total_seconds() / 60
    service = (raw["Cleared"] - raw["Arrived"]).dt.total_seconds() / 60
    called = response[raw["Source"] != "On-view"]
    assert 5 < called.median() < 12
    assert 25 < service.median() < 50
    assert ((raw["Dispatched"] >= raw["Received"]) | raw["Dispatched"].isna()).all()
    assert service.quantile(0.99) < 300


def test_a_patrol_is_longer_on_its_way_the_farther_a_school_is_from_town(raw, schools):
    middles = gpd.read_file(DEMO / "boundaries/places.geojson").to_crs("EPSG:32611").centroid
    places = schools.set_index("SchoolCode").to_crs("EPSG:32611").geometry
    far_m = places.map(lambda place: middles.distance(place).min())
    called = raw[raw["Unit"].str.startswith("P-", na=False) & (raw["Source"] != "On-view")]
    way_min = (called["Arrived"] - called["Dispatched"]).dt.total_seconds() / 60
    third = pd.qcut(called["SchoolCode"].map(far_m), 3, labels=["near", "middle", "far"])
    median = way_min.groupby(third, observed=True).median()
    assert median["near"] < median["middle"] < median["far"]
    assert median["far"] > 1.5 * median["near"]


def test_schools_differ_by_more_than_chance(history, schools, settings):
    rates, factors = TRUTHS["model"]["incidents_per_student_day"], TRUTHS["model"]["zone_factors"]
    special = [
        *PLANTED["hotspot"]["schools"],
        *(PLANTED[p]["school"] for p in ("officer_initiated", "rising", "falling")),
    ]
    table = schools.dropna(subset="Enrolled").set_index("SchoolCode").drop(index=special)
    days = sum(len(school_days(term, settings.calendar)) for term in settings.terms)
    expected = table["Enrolled"] * table["GradeSpan"].map(rates) * table["zone_id"].map(factors) * days
    observed = history["SchoolCode"].value_counts().reindex(table.index)
    # Of Poisson numbers this is 1; of negative binomial ones, 1 + mean / shape.
    spread = ((observed - expected) ** 2 / expected).mean()
    assert spread == pytest.approx(1 + expected.mean() / TRUTHS["model"]["school_gamma_shape"], rel=0.5)
    assert spread > 2
    assert observed.sum() == pytest.approx(expected.sum(), rel=0.1)
