"""Rules that people ask of a proposal, from the settings of a district or the options of the command to verify."""

import json
import re

import geopandas as gpd
import pandas as pd
import pytest
from checkout import call
from plan_districts import School, row, write_district
from shapely.geometry import LineString
from town import place

from safeschools_geo.district._district import DistrictError, check_district, read_district
from safeschools_geo.errors import ColumnError
from safeschools_geo.hotspots._result import Hotspots
from safeschools_geo.term._plan import prepare_plan, propose_zones
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
"""Zone Z0 has four schools in a row, Z1 two; evening out moves the fourth, a high school of 800."""


def district(folder, schools=FEW, **more):
    return write_district(folder, row(0, 1), schools, moves=2, **more)


def read(folder):
    return run_term(folder, proposes=False, covers=False, protects=False)


def test_one_of_each_level_and_few_students_from_the_settings(tmp_path):
    free = propose_zones(read(district(tmp_path / "free")), follows_rule=False)
    assert "004" in set(free.plan.moves["unit_id"])
    asked = district(tmp_path / "asked", more='one_of_each = ["high", "middle"]\nmost_students_moved = 900')
    held = propose_zones(read(asked), follows_rule=False)
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
    folder, out = district(tmp_path / "district"), tmp_path / "plan"
    assert call("rebalance", folder, "--max-moves", 2, "--most-students", 500, "--out", out, "--json") == 0
    certificate = json.loads(capsys.readouterr().out)["certificate"]
    assert certificate["most_students"] == 500
    report = verify_folder(out)
    assert report.is_ok, report.summary()
    told = {c.name: c.message for c in report.checks}
    assert "at most 500 were allowed" in told["students"]
    assert call("rebalance", folder, "--max-moves", 1, "--one-of-each", "middle", "--lock", "002", "--out", out) == 0
    capsys.readouterr()
    lock = ("--lock", "001", "--lock", "004", "--one-of-each", "high")
    assert call("rebalance", folder, "--max-moves", 1, *lock, "--out", tmp_path / "none") == 1
    assert "Every zone is to have a high school." in capsys.readouterr().err


def test_students_that_are_not_known_stop_the_run_where_they_are_limited(tmp_path):
    schools = [FEW[0], FEW[1]._replace(students=None), *FEW[2:]]
    result = read(district(tmp_path / "asked", schools, more="most_students_moved = 900\nkeeps_roots = false"))
    assert pd.isna(prepare_plan(result).units.set_index("unit_id")["students"]["002"])
    with pytest.raises(ColumnError, match=r"(?s)cannot be limited.*002.*Fill in their enrollment"):
        propose_zones(result)


def feeder_file(folder, text):
    (folder / "feeders.csv").write_text(text, encoding="utf-8")
    return folder


IN_FILE = 'feeder_file = "feeders.csv"\n'


def test_feeder_patterns_come_from_a_file_and_are_kept_whole_where_asked(tmp_path):
    text = "school_id,feeder\n002,001\n003,001\n006,Upper\n005,Upper\n"
    more = IN_FILE + '[rebalance.feeders]\nUpper = ["004"]\n'
    free = read(feeder_file(district(tmp_path / "free", more=more), text))
    # The pattern that is called by the id of a school holds it, and has its name.
    patterns = {"Upper": ("004", "006", "005"), "School 001 High": ("002", "003", "001")}
    assert free.district.feeders == patterns
    plan = propose_zones(free, follows_rule=False)
    assert plan.plan.settings.rules.whole == {}
    splits = plan.current.splits.set_index("name")
    assert splits.loc["Upper", "is_split"]
    assert not splits.loc["School 001 High", "is_split"]
    whole = read(
        feeder_file(district(tmp_path / "whole", more=f"keeps_feeders = true\nkeeps_roots = false\n{more}"), text)
    )
    held = propose_zones(whole, follows_rule=False)
    assert set(held.plan.certificate["whole"]) == {"feeder pattern Upper", "feeder pattern School 001 High"}
    assert held.plan.assignment.reindex(["004", "005", "006"]).unique().size == 1
    assert held.proposed.splits["is_split"].sum() == 0
    assert re.search(
        "Feeder pattern Upper is split over zones . and . today; every plan brings it into one", held.summary()
    )
    assert "keeps feeder pattern Upper, feeder pattern School 001 High whole" in held.summary()


def test_what_is_wrong_with_a_file_of_feeders_is_found(tmp_path):
    text = "school_id,feeder\n001,A\n001,B\n,A\n999,B\n"
    found = {
        f.code: f
        for f in check_district(read_district(feeder_file(district(tmp_path / "d", more=IN_FILE), text))).findings
    }
    assert found["feeders_school_twice"].ids == ("001",)
    assert found["feeders_unknown_school"].ids == ("999",)
    assert found["feeders_blank"].ids == ("row 3",)
    with pytest.raises(DistrictError, match=r"(?s)but for zeros.*Write the ids as the file of schools does"):
        read_district(feeder_file(tmp_path / "d", "school_id,feeder\n1,A\n"))
    with pytest.raises(DistrictError, match="feeder"):
        read_district(feeder_file(tmp_path / "d", "school_id\n001\n"))
    (tmp_path / "d" / "feeders.csv").unlink()
    with pytest.raises(DistrictError, match="There is no such file"):
        read_district(tmp_path / "d")


def test_hotspots_are_kept_whole_where_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(Hotspots, "groups_of_schools", {"G1": ["002", "003"]})
    free = propose_zones(read(district(tmp_path / "free")), follows_rule=False)
    assert free.plan.moves["unit_id"].tolist() == ["003", "004"]
    held = propose_zones(read(district(tmp_path / "held", more="keeps_hotspots = true")), follows_rule=False)
    assert held.plan.certificate["whole"] == {"hotspot G1": ["002", "003"]}
    assert held.plan.assignment.reindex(["002", "003"]).unique().size == 1
    assert held.proposed.splits.query("kind == 'hotspots'")["is_split"].tolist() == [False]
    assert "hotspot G1 whole" in held.summary()


def layer(folder, name, *lines):
    """Write a layer of lines, in meters from the corner of the district."""
    shapes = [LineString([place(x, y) for x, y in line]) for line in lines]
    gpd.GeoDataFrame(geometry=shapes, crs=4326).to_file(folder / f"data/boundaries/{name}.geojson", driver="GeoJSON")


def test_a_barrier_of_the_folder_parts_schools_but_at_roads(tmp_path, capsys):
    folder, out = district(tmp_path / "district", more="keeps_roots = false"), tmp_path / "plan"
    # Between the third school and the fourth, and so through the first zone.
    layer(folder, "barriers", [(1600, -100), (1600, 2100)])
    inputs = prepare_plan(read(folder))
    assert inputs.rules.barriers["pairs"] == [("003", "004")]
    found = {f.code: f for f in inputs.findings}
    assert found["barrier_cuts_zone"].ids == ("1",)
    assert "004" not in {*inputs.edges.query("unit_a == '003'")["unit_b"]}
    assert call("rebalance", folder, "--max-moves", 1, "--out", out, "--json") == 0
    certificate = json.loads(capsys.readouterr().out)["certificate"]
    assert certificate["barriers"]["pairs"] == [["003", "004"]]
    assert pd.read_csv(out / "plan.csv", dtype=str).query("moved == 'True'")["unit_id"].tolist() == ["004"]
    report = verify_folder(out)
    assert report.is_ok, report.summary()
    assert "barriers" in {c.name for c in report.checks}
    assert call("rebalance", folder, "--max-moves", 1, "--lock", "004", "--out", tmp_path / "none") == 1
    assert "Add the road that crosses a barrier (between 003 and 004)" in " ".join(capsys.readouterr().err.split())
    layer(folder, "roads", [(300, 900), (3400, 900)])
    assert prepare_plan(read(folder)).rules.barriers == {}
