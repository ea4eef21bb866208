"""Chicago's police districts and incidents, from the raw files: what is known of them must come out."""

import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import said

from safeschools_geo.district._district import read_district
from safeschools_geo.rebalance import rebalance, units_of_areas, zones_of_plan
from safeschools_geo.term._run import run_term
from safeschools_geo.term._write import write_plan
from safeschools_geo.verify._verify import verify_folder

pytestmark = pytest.mark.real_data

SETTINGS = """
[district]
name = "Chicago, by police district"
time_zone = "America/Chicago"

[zones]
file = "data/boundaries/police_districts.geojson"
columns = {{ zone_id = "DIST_NUM", name = "DIST_LABEL" }}

[schools]
file = "data/boundaries/cps_school_locations_sy1415.csv"
crs = "EPSG:4326"
default_level = "other"
columns = {{ school_id = "SCHOOL_ID", name = "SCHOOL_NM", level = "GRADE_CAT", x = "X", y = "Y" }}
levels = {{ ES = "elementary", MS = "middle", HS = "high" }}

[incidents]
file = "data/incidents/{file}"
crs = "EPSG:4326"
times = "local_tagged_utc"
unmapped = "non_critical"
nearest_school_m = {nearest}
columns = {{ occurred_at = "Date", category = "PrimaryType", x = "Longitude", y = "Latitude" }}

[hotspots]
simulations = 999

[rebalance]
max_moves = 1
bootstrap = 20
time_limit_s = 5

[coverage]
draws = 20

[[terms]]
name = "Spring 2018"
start = 2018-01-08
end = 2018-06-19
"""
CROSSWALK = """source_value,category
ASSAULT,assault_battery
BATTERY,assault_battery
WEAPONS VIOLATION,weapons
CONCEALED CARRY LICENSE VIOLATION,weapons
CRIMINAL TRESPASS,intruder
NARCOTICS,alcohol_drugs
LIQUOR LAW VIOLATION,alcohol_drugs
INTIMIDATION,threat_assessment
"""


def folder_of(real_data, folder, file, nearest):
    for name in ("boundaries", "incidents"):
        (folder / "data" / name).mkdir(parents=True)
    for name in ("police_districts.geojson", "cps_school_locations_sy1415.csv"):
        shutil.copy(real_data / "chicago" / name, folder / "data" / "boundaries")
    shutil.copy(real_data / "chicago" / file, folder / "data" / "incidents")
    (folder / "district.toml").write_text(SETTINGS.format(file=file, nearest=nearest), encoding="utf-8")
    (folder / "crosswalk.csv").write_text(CROSSWALK, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def everything(real_data, tmp_path_factory):
    folder = folder_of(real_data, tmp_path_factory.mktemp("chicago"), "crimes_2018_h1.parquet", 0)
    # To the end of the record: a run leaves out what came after its term.
    toml = folder / "district.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace("2018-06-19", "2018-06-30"), encoding="utf-8")
    out = tmp_path_factory.mktemp("outputs")
    return run_term(folder, out=out, protects=False), out


def test_what_is_said_is_said_everywhere_alike(everything):
    result, out = everything
    assert said.contradictions(out / "Spring 2018", result.summary()) == []
    assert said.against_tables(out / "Spring 2018", result.summary()) == []


def test_every_row_is_accounted_for(everything):
    result, _ = everything
    assert result.district.counts["incidents"] == {"read": 125_590, "kept": 125_590, "rejected": 0}
    assert (result.history["zone_status"] == "no_location").sum() == 686
    assert result.district.incidents.geometry.notna().sum() == 124_904


def test_the_three_pieces_of_district_31_are_one_zone(everything):
    result, _ = everything
    assert len(result.district.zone_pieces) == 25
    assert len(result.district.zones) == 23
    assert result.district.zones["zone_id"].is_unique


def test_zones_agree_with_the_recorded_district(everything, real_data):
    result, _ = everything
    recorded = (
        pd.read_parquet(real_data / "chicago" / "crimes_2018_h1.parquet")["District"].astype("Int64").astype("str")
    )
    located = result.history["zone_status"].to_numpy() != "no_location"
    # Of points on a border the tie goes to the first zone; the record's own choice is as good.
    agrees = (result.history["zone_id"].to_numpy() == recorded.to_numpy())[located]
    assert agrees.mean() == pytest.approx(0.9825, abs=0.0003)
    assert (result.history["zone_status"] == "outside").sum() == 332


def test_local_times_tagged_utc_stay_local(everything, real_data):
    result, _ = everything
    raw = pd.read_parquet(real_data / "chicago" / "crimes_2018_h1.parquet").index
    assert (
        result.history["occurred_at"].dt.tz_localize(None).to_numpy() == raw.tz_localize(None).to_numpy()
    ).mean() > 0.9999
    assert str(result.history["occurred_at"].dt.tz) == "America/Chicago"


def test_all_maps_are_drawn_and_the_history_is_small(everything):
    _, out = everything
    maps = out / "Spring 2018" / "maps"
    assert {p.stem for p in maps.iterdir()} == {
        # No incident is tied to a school here, so that there is no workload to plan by.
        *("index", "zones", "history", "rates"),
        *("hotspots", "hours", "trends", "grid"),
    }
    assert (maps / "history.html").stat().st_size < 1_500_000


def test_without_enrollment_places_are_described_and_no_rate_is_given(everything):
    found = everything[0].hotspots
    assert found.schools.rates.summary().startswith("There are no reported calls for zone officers in the term")
    assert found.schools.by_zone["rate_per_1000"].isna().all()
    assert not found.places.grid.has_rates
    assert set(found.spots["kind"]) == {"cell", "place"}
    assert found.spots.loc[found.spots["kind"] == "cell", "warning"].str.contains("where people are").all()
    assert len(found.places.piles) > 100
    assert "piles of equal coordinates that are no school" in found.summary()


def test_school_incidents_without_enrollment_go_through_the_permutation_model(real_data, tmp_path):
    folder = folder_of(real_data, tmp_path, "crimes_at_schools_2018_h1.csv", 500)
    # Of routine visits nothing is asked here.
    visits = "[workload.visits_per_week]\nelementary = 0\nmiddle = 0\nhigh = 0\nk8 = 0\nother = 0\n"
    with (folder / "district.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"\n{visits}")
    result = run_term(folder)
    found = result.hotspots
    assert found.schools.months.model == "permutation"
    assert "No school can be compared with others of its level for its enrollment" in found.schools.months.summary()
    assert found.schools.counts["reported"].sum() > 1000
    assert found.schools.groups.table.empty
    # Lunch and the afternoon, at schools of every level: the hours do not need an enrollment.
    hours = found.hours.windows.set_index("group").loc["all"]
    assert hours["status"] == "high"
    assert 10 <= hours["start_hour"] <= 14
    assert found.backtest.status == "insufficient_data"
    # Twenty-three districts have too many officers for the exact model, which is said, and calls come at noon.
    coverage = result.coverage
    assert not coverage.model.is_exact
    assert "approximation" in coverage.model.summary()
    officers = len(coverage.usual_day.waiting)
    assert sorted(zone for case in coverage.absences for zone in case.absent) == sorted(
        coverage.usual_day.waiting.index
    )
    assert f"here there are {officers}, and only single absences are" in " ".join(coverage.not_covered)
    assert coverage.staffing.table["officers"].tolist() == list(range(officers - 2, officers + 3))
    assert f"one officer fewer than today’s {officers}" in coverage.staffing.finding()
    assert "an approximation" in coverage.staffing.finding()
    by_hour = coverage.hours.to_frame().set_index("hour")
    assert 10 <= by_hour["calls_per_h"].idxmax() <= 14
    assert by_hour["mean_busy_share"].idxmax() == by_hour["calls_per_h"].idxmax()
    assert np.isfinite(coverage.response.zones.mean_min).sum() > 15
    # Six hundred schools without enrollment: the packet has counts and no rates, and tells no small count.
    board = result.board
    assert not board.counts.to_frame()["count"].dropna().between(1, 10).any()
    assert board.audit.is_safe
    assert len(board.audit.hidden) > 5000
    assert board.content.zone_rates["rate_per_1000"].isna().all()
    assert (board.to_frame().query("is_chosen")["withheld_share"] < 0.2).all()


def test_school_incidents_are_matched_to_the_nearest_school(real_data, tmp_path):
    folder = folder_of(real_data, tmp_path, "crimes_at_schools_2018_h1.csv", 20_000)
    incidents = read_district(folder).incidents
    assert len(incidents) == 3061
    located = incidents[incidents.geometry.notna()]
    assert (located["school_match"] == "nearest").all()
    assert located["school_distance_m"].median() == pytest.approx(31, abs=1)
    assert located["school_distance_m"].quantile(0.9) == pytest.approx(212, abs=3)


def test_beats_of_few_moves_have_a_bound_and_their_plan_is_verified(real_data, tmp_path):
    """274 beats in 22 districts: what a minute does not prove is said with a gap, and nothing is above its bound."""
    frame = gpd.read_file(real_data / "chicago" / "police_beats_simple.geojson")
    frame = frame[frame["DISTRICT"] != "31"].reset_index(drop=True)
    calls = pd.read_csv(real_data / "chicago" / "crimes_at_schools_2018_h1.csv", usecols=["Beat"])[
        "Beat"
    ].value_counts()
    frame["calls"] = frame["BEAT_NUM"].astype(int).map(calls).fillna(0).astype("int64")
    units = units_of_areas(frame, unit_id="BEAT_NUM", zone="DISTRICT", workload="calls").units
    plan = rebalance(units, max_moves=2, time_limit_s=5)
    assert plan.is_contiguous
    assert len(plan.moves) <= 2
    assert 0 < plan.bound <= plan.value <= plan.imbalance_before
    assert plan.gap == 0 or plan.gap == pytest.approx(plan.value - plan.bound)
    names = units[["zone_id"]].drop_duplicates().sort_values("zone_id", ignore_index=True)
    write_plan(tmp_path, plan, zones_of_plan(units, plan.assignment, names.assign(name=names["zone_id"])))
    report = verify_folder(tmp_path)
    assert report.is_ok, report.summary()
