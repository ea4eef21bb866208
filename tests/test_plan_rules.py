"""Rules that people ask of a proposal, from the settings of a district or the options of the command to verify."""

import json
import re
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pytest
from checkout import call
from plan_districts import School, row, write_district
from shapely.affinity import translate
from shapely.geometry import LineString, box
from town import UTM, place

from safeschools_geo.district._district import DistrictError, check_district, read_district
from safeschools_geo.errors import ColumnError, SettingsError
from safeschools_geo.hotspots._result import Hotspots
from safeschools_geo.sections import Change
from safeschools_geo.term._plan import _forecast, prepare_plan, propose_zones
from safeschools_geo.term._run import run_term
from safeschools_geo.verify._verify import verify_folder

FEW = [
    School(300, 1000, 30, "high", 900),
    School(900, 1000, 20, "middle", 400),
    School(1400, 1000, 15, "elementary", 300),
    School(1850, 1000, 25, "high", 800),
    School(2600, 1000, 10, "elementary", 200),
    School(3400, 1000, 5, "middle", 350),
]
"""Zone 1 has four schools in a row, zone 2 has two; the most even plan moves the third and the fourth."""


def district(folder, schools=FEW, **more):
    return write_district(folder, row(0, 1), schools, moves=2, **more)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """Read the district once; what is asked of plans is laid over it."""
    folder = district(tmp_path_factory.mktemp("rules") / "district")
    return run_term(folder, proposes=False, covers=False, protects=False)


@pytest.fixture(scope="module")
def free(record):
    return propose_zones(record, follows_rule=False)


def asked(result, changes=(), layers=None, **rebalance):
    """Ask something of the plans of a district, or give it another layer."""
    settings = result.district.settings
    settings = replace(settings, rebalance=replace(settings.rebalance, **rebalance), changes=changes)
    return replace(result, district=replace(result.district, settings=settings, **(layers or {})))


def best(result, **options):
    return propose_zones(result, follows_rule=False, **options)


def test_one_of_each_level_and_few_students(record, free):
    assert free.plan.moves["unit_id"].tolist() == ["003", "004"]
    held = best(asked(record, one_of_each=("high", "middle"), most_students_moved=900))
    # Each zone is to have a high school: the fourth moves, and no other with it, for that makes more than 900.
    assert held.plan.moves["unit_id"].tolist() == ["004"]
    facts = held.plan.certificate
    assert facts["one_of_each"] == {"high school": ["001", "004"], "middle school": ["002", "006"]}
    assert facts["most_students"] == 900
    assert "has a high school in each zone, has a middle school in each zone" in held.summary()
    assert "moves at most 900 students" in held.summary()
    scores = held.comparison.set_index("measure")
    assert scores.loc["zones_without_high_school", ["current", "proposed"]].tolist() == ["1", "0"]
    assert scores.loc["students_beyond", "proposed"] == "0"
    assert "zones_without_high_school" not in free.comparison["measure"].tolist()


def test_the_command_takes_the_rules_and_verify_checks_them(tmp_path, capsys):
    more = 'one_of_each = ["high"]\nmost_students_moved = 900'
    folder, out = district(tmp_path / "district", more=more), tmp_path / "plan"
    options = ("--max-moves", 2, "--most-students", 850, "--one-of-each", "middle", "--keep-feeders", "--keep-hotspots")
    assert call("rebalance", folder, *options, "--out", out, "--json") == 0
    certificate = json.loads(capsys.readouterr().out)["certificate"]
    assert certificate["most_students"] == 850
    assert set(certificate["one_of_each"]) == {"high school", "middle school"}
    report = verify_folder(out)
    assert report.is_ok, report.summary()
    told = {c.name: c.message for c in report.checks}
    assert "at most 850 were allowed" in told["students"]
    assert told["one_of_each"] == "Every zone has a high school and a middle school."


def test_rules_that_conflict_and_students_that_are_not_known_stop_the_search(record):
    with pytest.raises(SettingsError, match=r"(?s)Every zone is to have a high school.*zone 2 can have none"):
        best(asked(record, one_of_each=("high",), locked=("001", "004")))
    schools = record.district.schools
    unknown = schools.assign(enrollment=schools["enrollment"].mask(schools["school_id"] == "002"))
    result = asked(record, most_students_moved=900, keeps_roots=False, layers={"schools": unknown})
    assert pd.isna(prepare_plan(result).units.set_index("unit_id")["students"]["002"])
    with pytest.raises(ColumnError, match=r"(?s)cannot be limited.*002.*Fill in their enrollment"):
        best(result)


def areas(path, *, overlap_m=0.0, gap_m=0.0):
    """Draw six squares in a row in zones A and B; the fourth reaches into the third, the last lies off."""
    west = [600_000 + 1000 * i - (overlap_m if i == 3 else 0) + (gap_m if i == 5 else 0) for i in range(6)]
    east = [601_000 + 1000 * i + (gap_m if i == 5 else 0) for i in range(6)]
    shapes = [box(w, 4_200_000, e, 4_201_000) for w, e in zip(west, east, strict=True)]
    columns = {"area": list("abcdef"), "beat": list("AAAABB"), "minutes": [5, 1, 1, 1, 1, 1], "students": [90] * 6}
    gpd.GeoDataFrame(columns, geometry=shapes, crs=UTM).to_file(path)
    return path


def of_units(path, out, *more):
    named = ("--unit-id", "area", "--zone", "beat", "--workload", "minutes", "--free-roots", "--max-moves", 2)
    return call("rebalance", "--units", path, *named, "--out", out, *more)


def test_areal_units_have_students_where_the_file_does_and_no_levels(tmp_path, capsys):
    path = areas(tmp_path / "areas.gpkg")
    assert of_units(path, tmp_path / "plan", "--most-students", 100) == 0
    plan = pd.read_csv(tmp_path / "plan/plan.csv")
    assert plan.loc[plan["moved"], "unit_id"].tolist() == ["d"]
    assert "moves at most 100 students" in " ".join(capsys.readouterr().err.split())
    for option in (("--one-of-each", "high"), ("--keep-hotspots",)):
        assert of_units(path, tmp_path / "none", *option) == 2
        assert "does not go with --units" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("drawn", "code", "said"),
    [
        ({"overlap_m": 5}, 0, ["5,000 m² lie in two areas; they are divided among them"]),
        (
            {"overlap_m": 200},
            1,
            ["Some areas overlap.", "Rows: c and d", "Found: 0.20 km²", "Remedy: Cut"],
        ),
        ({"gap_m": 500}, 0, ["The district is in parts; 1 link over the gaps", "e and f (500 m)"]),
    ],
)
def test_areas_that_overlap_or_lie_apart_are_repaired_and_listed_or_refused(tmp_path, capsys, drawn, code, said):
    assert of_units(areas(tmp_path / "areas.gpkg", **drawn), tmp_path / "plan") == code
    told = " ".join(capsys.readouterr().err.split())
    assert [words for words in said if words not in told] == []


IN_FILE = 'feeder_file = "feeders.csv"\n'


def feeder_file(folder, text):
    (folder / "feeders.csv").write_text(text, encoding="utf-8")
    return folder


def test_feeder_patterns_come_from_a_file_and_are_kept_whole_where_asked(tmp_path, record):
    text = "school_id,feeder\n002,001\n003,001\n006,Upper\n005,Upper\n"
    more = IN_FILE + '[rebalance.feeders]\nUpper = ["004"]\n'
    feeders = read_district(feeder_file(district(tmp_path / "free", more=more), text)).feeders
    # The pattern that is called by the id of a school holds it, and has its name.
    assert feeders == {"Upper": ("004", "006", "005"), "School 001 High": ("002", "003", "001")}
    layers = {"feeders": feeders}
    assert prepare_plan(asked(record, layers=layers)).rules.whole == {}
    held = best(asked(record, keeps_feeders=True, keeps_roots=False, layers=layers))
    splits = held.current.splits.set_index("name")["is_split"]
    assert splits[["Upper", "School 001 High"]].tolist() == [True, False]
    assert set(held.plan.certificate["whole"]) == {"feeder pattern Upper", "feeder pattern School 001 High"}
    assert held.plan.assignment.reindex(["004", "005", "006"]).unique().size == 1
    assert held.proposed.splits["is_split"].sum() == 0
    said = held.summary()
    assert "Feeder pattern Upper is split over zones 1 and 2 today; every plan brings it into one." in said
    assert "keeps feeder pattern Upper, feeder pattern School 001 High whole" in said


def test_what_is_wrong_with_a_file_of_feeders_is_found(tmp_path):
    folder = feeder_file(district(tmp_path / "d", more=IN_FILE), "school_id,feeder\n001,A\n001,B\n,A\n999,B\n")
    found = {f.code: f for f in read_district(folder).findings}
    assert found["feeders_school_twice"].ids == ("001",)
    assert found["feeders_unknown_school"].ids == ("999",)
    assert found["feeders_blank"].ids == ("row 3",)
    with pytest.raises(DistrictError, match=r"(?s)but for zeros.*Write the ids as the file of schools does"):
        read_district(feeder_file(folder, "school_id,feeder\n1,A\n"))
    with pytest.raises(DistrictError, match="feeder"):
        read_district(feeder_file(folder, "school_id\n001\n"))
    (folder / "feeders.csv").unlink()
    with pytest.raises(DistrictError, match="There is no such file"):
        read_district(folder)


def test_hotspots_are_kept_whole_where_asked(record, free, monkeypatch):
    monkeypatch.setattr(Hotspots, "groups_of_schools", {"G1": ["002", "003"]})
    assert free.plan.assignment.reindex(["002", "003"]).unique().size == 2
    held = best(asked(record, keeps_hotspots=True))
    assert held.plan.certificate["whole"] == {"hotspot G1": ["002", "003"]}
    assert held.plan.assignment.reindex(["002", "003"]).unique().size == 1
    assert held.proposed.splits.query("kind == 'hotspots'")["is_split"].tolist() == [False]
    assert "hotspot G1 whole" in held.summary()


def lines(*drawn):
    """Draw lines, in meters from the corner of the district."""
    return gpd.GeoDataFrame(geometry=[LineString([place(x, y) for x, y in line]) for line in drawn], crs=4326)


BARRIER = lines([(1600, -100), (1600, 2100)])
"""Between the third school and the fourth, and so through zone 1."""


def test_a_barrier_parts_schools_but_at_roads(record):
    across = asked(record, keeps_roots=False, layers={"barriers": BARRIER})
    inputs = prepare_plan(across)
    assert inputs.rules.barriers["pairs"] == [("003", "004")]
    assert {f.code: f for f in inputs.findings}["barrier_cuts_zone"].ids == ("1",)
    assert "004" not in {*inputs.edges.query("unit_a == '003'")["unit_b"]}
    with pytest.raises(SettingsError, match=r"Add the road that crosses a barrier \(between 003 and 004\)"):
        best(asked(across, max_moves=1, locked=("004",), keeps_roots=False))
    by_road = asked(record, layers={"barriers": BARRIER, "roads": lines([(300, 900), (3400, 900)])})
    assert prepare_plan(by_road).rules.barriers == {}


def test_barriers_and_a_forecast_of_the_folder_are_in_the_plan_that_is_written(tmp_path, capsys):
    folder, out = (
        district(tmp_path / "d", more=f"keeps_roots = false\n{in_toml(GROWS, CLOSES, opens())}"),
        tmp_path / "plan",
    )
    BARRIER.to_file(folder / "data/boundaries/barriers.geojson", driver="GeoJSON")
    assert call("rebalance", folder, "--max-moves", 2, "--out", out) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "Loads are a forecast, not the record" in said
    assert "A barrier cuts 1 zone of today into pieces: 1." in said
    certificate = json.loads((out / "certificate.json").read_text(encoding="utf-8"))
    assert certificate["barriers"]["pairs"] == [["002", "004"]]
    assert len(certificate["forecast"]) == 3
    report = verify_folder(out)
    assert report.is_ok, report.summary()
    assert "barriers" in {c.name for c in report.checks}
    assert {c.name: c.message for c in report.notes}["forecast"].startswith("Loads are a forecast, not the record: ")
    note = {f.code: f for f in check_district(read_district(folder)).findings}["changes_forecast"]
    assert note.ids == ("002", "003", "101")


GROWS = {"school_id": "002", "change": "grows", "enrollment": 800}
CLOSES = {"school_id": "003", "change": "closes"}


def opens(school_id="101", x=2200, y=500):
    at = place(x, y)
    return {
        "school_id": school_id,
        "change": "opens",
        "level": "elementary",
        "enrollment": 600,
        "lon": at.x,
        "lat": at.y,
    }


def in_toml(*changes):
    tables = ["\n".join(f"{key} = {json.dumps(value)}" for key, value in change.items()) for change in changes]
    return "".join(f"\n[[changes]]\n{table}\n" for table in tables)


def changed(*changes):
    return tuple(Change(**change) for change in changes)


def test_twice_the_students_are_twice_the_calls_and_the_ways_to_them_and_no_more_visits(record):
    told, said = _forecast(asked(record, changed(GROWS)))
    now, then = (w[w["term"] == record.term.name].set_index("school_id") for w in (record.workload, told.workload))
    school, visits = now.loc["002"], 2.0 / 5
    days = school["student_days"] / 400
    trip_min = school["travel_h"] * 60 / (school["incidents"] / days + visits)
    calls = school["incident_h"] + school["incidents"] / days * trip_min / 60
    assert then["workload_h"]["002"] - school["workload_h"] == pytest.approx(calls)
    assert (then["workload_h"] - now["workload_h"]).drop("002").abs().max() < 1e-12
    assert then["enrollment"]["002"] == 800
    assert said == ("calls at 002 count 2.00 times",)


def test_schools_that_open_close_and_grow_are_planned_on_as_a_forecast(record, free):
    result = asked(record, changed(GROWS, CLOSES, opens()))
    # The record stays what it is: only who asks for a forecast gets one, and it says so.
    assert prepare_plan(result).units["workload"].tolist() == free.inputs.units["workload"].tolist()
    assert "forecast" not in free.summary()
    plan = best(result, forecasts=True)
    loads = plan.inputs.units.set_index("unit_id")["workload"]
    assert sorted(loads.index) == ["001", "002", "004", "005", "006", "101"]
    # The new school has the calls for each student of the one elementary school that stays, of 200 students.
    assert loads["101"] == pytest.approx(3 * loads["005"], rel=0.2)
    said = plan.summary()
    assert said.startswith("Loads are a forecast, not the record: ")
    for words in (
        "calls at 002 count 2.00 times",
        "003 closes",
        "101 opens in zone 2 with",
        "by the calls of elementary",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("changes", "rules", "words"),
    [
        ([{**GROWS, "school_id": "999"}], {}, r"schools that there are not.*999.*opens"),
        ([opens("002")], {}, r"are there already.*002.*other ids"),
        ([opens(x=9000)], {}, r"outside every zone.*101.*lon and lat"),
        ([CLOSES, {**GROWS, "school_id": "003"}], {}, r"two changes.*003.*Keep one"),
        (
            [CLOSES],
            {"locked": ("003",), "roots": {"1": "003"}},
            r"rules that keep them.*003 \(roots, locked\).*Take them",
        ),
        ([GROWS], {}, r"enrollment of today is not known.*002.*Say by which factor"),
    ],
)
def test_a_forecast_that_cannot_come_true_says_which_schools(record, changes, rules, words):
    schools = record.district.schools
    unknown = schools.assign(enrollment=schools["enrollment"].mask(schools["school_id"] == "002"))
    result = asked(record, changed(*changes), layers={"schools": unknown}, **rules)
    assert re.search(f"(?s){words}", "\n".join(map(str, result.district.change_faults())))
    with pytest.raises(SettingsError, match=f"(?s){words}"):
        propose_zones(result, forecasts=True)
    # `check` tells of it too.
    assert any(re.search(words, f"{f.message} {f.ids} {f.remedy}") for f in check_district(result.district).findings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"school_id": "9", "change": "opens", "enrollment": 5}, "needs a level and a place"),
        ({"school_id": "9", "change": "grows"}, "not said how a school grows"),
        ({"school_id": "9", "change": "closes", "factor": 2.0}, "says nothing of a school that closes"),
    ],
)
def test_a_change_says_what_its_kind_needs(change, words):
    with pytest.raises(SettingsError, match=words):
        Change(**change)


def test_a_plan_of_a_forecast_is_scored_as_one_and_one_of_the_record_beside_it(tmp_path, capsys):
    folder = district(tmp_path / "d", more=f"keeps_roots = false\n{in_toml(GROWS, CLOSES, opens())}")
    assert call("rebalance", folder, "--max-moves", 1, "--out", tmp_path / "plan") == 0
    written = json.loads((tmp_path / "plan/certificate.json").read_text(encoding="utf-8"))
    (tmp_path / "record.csv").write_text(
        "school_id,zone_id\n003,2\n001,1\n002,1\n004,2\n005,2\n006,2\n", encoding="utf-8"
    )
    BARRIER.to_file(folder / "data/boundaries/barriers.geojson", driver="GeoJSON")
    files = {"forecast": "plan/plan.csv", "record": "record.csv", "drawn": "plan/zones.geojson"}
    plans = [f"{name}={tmp_path / file}" for name, file in files.items()]
    capsys.readouterr()
    options = [part for plan in plans for part in ("--plan", plan)]
    assert call("score", folder, *options, "--out", tmp_path / "scores", "--json") == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert found["forecast"] == written["forecast"]
    assert found["summary"].startswith("Loads are a forecast, not the record: ")
    plans = found["plans"]
    assert plans["forecast"]["imbalance"] == plans["drawn"]["imbalance"] == pytest.approx(written["imbalance_after"])
    # A plan of the record names who closes, and not who opens: both are reported, and nothing else is made of it.
    said = " ".join(" ".join(plans["record"]["findings"]).split())
    assert "Schools of the plan close by the forecast" in said
    assert "The plan does not name schools that open by the forecast" in said
    assert plans["forecast"]["findings"] == []
    page = (tmp_path / "scores/plans.html").read_text(encoding="utf-8")
    assert "Loads are a forecast, not the record" in page
    assert "a forecast</caption>" in page
    assert "Ticked lines on the maps are barriers" in page
    assert page.count('stroke-dasharray="1.5 6.5"') == 4
    # The border that the barrier runs along is as long as it was.
    borders = {row["measure"]: row for row in found["scores"]}["border_km"]
    assert borders["current"] == "2.0"


def test_a_plan_of_a_forecast_that_names_nobody_known_is_refused(tmp_path, capsys):
    folder = district(tmp_path / "d", more=in_toml(opens()))
    (tmp_path / "plan.csv").write_text("school_id,zone_id\n999,2\n*,keep\n", encoding="utf-8")
    assert call("score", folder, "--plan", tmp_path / "plan.csv") == 1
    assert "The plan names schools that are not known." in " ".join(capsys.readouterr().err.split())


def test_areal_units_are_parted_by_barriers_but_at_roads(tmp_path, capsys):
    path = areas(tmp_path / "areas.gpkg")
    lines([(3000, -100), (3000, 1100)]).to_file(tmp_path / "barriers.geojson", driver="GeoJSON")
    lines([(2500, 500), (3500, 500)]).to_file(tmp_path / "roads.geojson", driver="GeoJSON")
    barriers = ("--barriers", tmp_path / "barriers.geojson")
    assert of_units(path, tmp_path / "plan", *barriers) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "parted by a barrier that no road crosses between them, is not linked: c and d." in said
    assert "A barrier cuts 1 zone of today into pieces: A." in said
    certificate = json.loads((tmp_path / "plan/certificate.json").read_text(encoding="utf-8"))
    assert certificate["barriers"]["pairs"] == [["c", "d"]]
    report = verify_folder(tmp_path / "plan")
    assert report.is_ok, report.summary()
    assert "barriers" in {c.name for c in report.checks}
    assert of_units(path, tmp_path / "by_road", *barriers, "--roads", tmp_path / "roads.geojson") == 0
    assert "barriers" not in json.loads((tmp_path / "by_road/certificate.json").read_text(encoding="utf-8"))
    assert of_units(path, tmp_path / "none", "--roads", tmp_path / "roads.geojson") == 2
    assert of_units(path, tmp_path / "none", "--barriers", path) == 1
    assert "expected: lines" in " ".join(capsys.readouterr().err.split()).lower()


@pytest.mark.parametrize(
    ("shift_m", "code", "said"),
    [
        (5, 0, "warning: The zones 1, 2 overlap by 10,000 m². [1, 2] note: Where zones overlap or leave a crack"),
        (300, 1, "Zones of the plan overlap where schools or units are. Where: {} Rows: 004 (zones 1 and 2) Expected:"),
        (300_000, 1, "The zones of the plan are not in this district. Where: {} Rows: 1, 2 Found: polygons around"),
    ],
)
def test_drawn_plans_that_overlap_or_lie_elsewhere_are_repaired_and_listed_or_refused(
    tmp_path, capsys, shift_m, code, said
):
    folder, path = district(tmp_path / "d"), tmp_path / "plan.gpkg"
    zones = gpd.read_file(next((folder / "data/boundaries").glob("zones.*"))).to_crs(UTM)[["zone_id", "geometry"]]
    is_near = [0, 1] if shift_m < 1000 else [1, 1]
    shapes = [translate(shape, -shift_m * moved) for shape, moved in zip(zones.geometry, is_near, strict=True)]
    zones.set_geometry(shapes, crs=UTM).to_crs(4326).to_file(path)
    assert call("score", folder, "--plan", path) == code
    assert said.format(path) in " ".join(capsys.readouterr().err.split())


def test_zones_that_overlap_and_a_forecast_for_nobody_are_reported_by_every_command(tmp_path, capsys):
    folder = district(tmp_path / "d")
    path = next((folder / "data/boundaries").glob("zones.*"))
    zones = gpd.read_file(path)
    shapes = [translate(shape, -5 * at) for at, shape in enumerate(zones.to_crs(UTM).geometry)]
    zones.set_geometry(gpd.GeoSeries(shapes, crs=UTM).to_crs(4326)).to_file(path, driver="GeoJSON")
    (tmp_path / "same.csv").write_text("school_id,zone_id\n*,keep\n", encoding="utf-8")
    commands = (
        ("rebalance", folder, "--max-moves", 1, "--out", tmp_path / "plan"),
        ("score", folder, "--plan", tmp_path / "same.csv"),
    )
    for command in commands:
        assert call(*command) == 0
        assert "10,000 m² lie in two zones or more; they count to the first" in " ".join(
            capsys.readouterr().err.split()
        )
    toml = folder / "district.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + in_toml({**GROWS, "school_id": "999"}), encoding="utf-8")
    for command in commands:
        assert call(*command) == 1
        said = " ".join(capsys.readouterr().err.split())
        assert "A forecast is about schools that there are not. Where: [[changes]] Rows: 999 Expected: ids of" in said
