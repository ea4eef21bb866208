"""The commands rebalance and score: from a district or any areal units to a folder that verify accepts."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from checkout import call
from plan_districts import School, normal, write_district
from plan_districts import row as zones_in_a_row
from shapely.geometry import box

from safeschools_geo.district._district import DistrictError, demo_folder, read_district
from safeschools_geo.verify._verify import verify_folder

UTM = 32610


@pytest.fixture
def squares(tmp_path) -> Path:
    """Draw six squares in a row: zone A has loads 5 1 1 1, zone B has 1 1; moving the fourth makes 7 against 3."""
    frame = gpd.GeoDataFrame(
        {"area": list("abcdef"), "beat": list("AAAABB"), "minutes": [5, 1, 1, 1, 1, 1]},
        geometry=[box(600_000 + 1000 * i, 4_200_000, 601_000 + 1000 * i, 4_201_000) for i in range(6)],
        crs=UTM,
    )
    path = tmp_path / "areas.gpkg"
    frame.to_file(path)
    return path


def of_units(path, *more):
    return call("rebalance", "--units", path, "--unit-id", "area", "--zone", "beat", "--workload", "minutes", *more)


def test_units_with_few_moves(squares, tmp_path, capsys):
    out = tmp_path / "plan"
    assert of_units(squares, "--max-moves", 2, "--free-roots", "--out", out, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    plan = pd.read_csv(out / "plan.csv")
    assert plan.loc[plan["moved"], "unit_id"].tolist() == ["c", "d"]
    # Loads 6 and 4 around a mean of 5.
    assert printed["certificate"]["imbalance_after"] == pytest.approx(0.2)
    assert printed["certificate"]["bound"] == pytest.approx(0.2)
    assert printed["certificate"]["is_proven"]
    assert "The plan moves 2 units:" in printed["summary"]
    frontier = pd.read_csv(out / "frontier.csv")
    assert frontier["imbalance"].tolist() == pytest.approx([0.6, 0.4, 0.2])
    assert verify_folder(out).is_ok


def test_units_within_a_tolerance(squares, tmp_path):
    out = tmp_path / "plan"
    assert of_units(squares, "--tolerance", 0.45, "--free-roots", "--out", out) == 0
    certificate = json.loads((out / "certificate.json").read_text(encoding="utf-8"))
    assert (certificate["objective"], certificate["value"], certificate["bound"]) == ("moves", 1, 1)
    assert verify_folder(out).is_ok


def test_an_impossible_tolerance_names_the_nearest(squares, tmp_path, capsys):
    out = tmp_path / "plan"
    # The two squares that are locked carry 6 of 10, and the mean is 5.
    assert of_units(squares, "--tolerance", 0.0, "--lock", "a", "--lock", "b", "--free-roots", "--out", out) == 1
    said = capsys.readouterr().err
    assert "20" in said or "0.2" in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--max-moves", 1), "--out"),
        (("--out", "x"), "--max-moves K or --tolerance T"),
        (("--max-moves", 1, "--tolerance", 0.1, "--out", "x"), "not both"),
        (("--max-moves", 1, "--no-slower", "--out", "x"), "areal units hold no calls"),
    ],
)
def test_wrong_usage(squares, arguments, said, capsys):
    assert of_units(squares, *arguments) == 2
    assert said in capsys.readouterr().err


def test_a_zone_may_move_away_altogether(squares, tmp_path):
    out = tmp_path / "plan"
    # With the second square locked, 5 and 5 is reached when zone B becomes the heavy square, and A all others.
    assert of_units(squares, "--tolerance", 0.0, "--lock", "b", "--free-roots", "--out", out) == 0
    plan = pd.read_csv(out / "plan.csv").set_index("unit_id")["zone_after"]
    assert plan.to_dict() == {"a": "B", "b": "A", "c": "A", "d": "A", "e": "A", "f": "A"}


def test_a_column_that_is_not_there(squares, tmp_path, capsys):
    code = call(
        *("rebalance", "--units", squares, "--unit-id", "area", "--zone", "beat", "--workload", "hours"),
        *("--max-moves", 1, "--out", tmp_path / "plan"),
    )
    assert code == 1
    assert "hours" in capsys.readouterr().err


def test_a_plan_of_the_demo_is_scored_and_verified(tmp_path, capsys):
    out = tmp_path / "plan"
    assert call("rebalance", demo_folder(), "--max-moves", 2, "--slower", "--out", out, "--json") == 0
    certificate = json.loads(capsys.readouterr().out)["certificate"]
    assert certificate["is_proven"]
    assert certificate["moves"] == 2
    assert "moves at most 2 schools" in certificate["proof"]["statement"]
    summary = (out / "summary.txt").read_text(encoding="utf-8")
    assert "The plan moves 2 schools:" in summary
    assert "unit" not in summary
    assert verify_folder(out).is_ok
    assert call("score", demo_folder(), "--plan", out / "plan.csv", "--out", tmp_path / "score", "--json") == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["imbalance"] == pytest.approx(certificate["imbalance_after"], abs=1e-9)
    assert scored["is_contiguous"]
    assert len(scored["moves"]) == 2
    assert {p.name for p in (tmp_path / "score").iterdir()} == {
        *("scores.csv", "moves.csv", "stability.csv", "summary.txt", "manifest.json", "plans.html", "plan.csv"),
        *("zones.geojson", "units.geojson", "plan.gpkg", "plan.kml", "plan.zip", "plan.xlsx"),
    }


def test_a_district_that_supplies_areas_is_planned_by_them(tmp_path):
    folder = tmp_path / "demo"
    shutil.copytree(demo_folder(), folder)
    zones = gpd.read_file(folder / "boundaries" / "zones.geojson")
    # Two areas to a zone, cut through the middle of each.
    halves = []
    for row in zones.itertuples():
        west, south, east, north = row.geometry.bounds
        for side, half in (("w", (west, (west + east) / 2)), ("e", ((west + east) / 2, east))):
            part = row.geometry.intersection(box(half[0], south, half[1], north))
            halves.append((f"{row.zone_id}{side}", part))
    areas = gpd.GeoDataFrame(halves, columns=["TRACT", "geometry"], crs=zones.crs)
    areas.to_file(folder / "boundaries" / "units.geojson")
    toml = folder / "district.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + '\n[units.columns]\nunit_id = "TRACT"\n', encoding="utf-8")
    out = tmp_path / "out"
    assert call("rebalance", folder, "--max-moves", 1, "--out", out) == 0
    plan = pd.read_csv(out / "plan.csv", dtype={"unit_id": str, "zone_before": str})
    assert set(plan["unit_id"]) == set(areas["TRACT"])
    assert (plan["zone_before"] == plan["unit_id"].str[:-1]).all()
    assert "area" in (out / "summary.txt").read_text(encoding="utf-8")
    assert verify_folder(out).is_ok
    toml.write_text(toml.read_text(encoding="utf-8").replace('unit_id = "TRACT"', ""), encoding="utf-8")
    with pytest.raises(DistrictError, match="The file has no column unit_id"):
        read_district(folder)


def failed(folder: Path) -> dict[str, str]:
    return {check.name: check.message for check in verify_folder(folder).failures}


def test_first_the_plan_in_which_nobody_waits_longer_and_its_minutes_are_worked_out_again(tmp_path, capsys):
    # The third school lies a kilometer from the others of its zone, and next to the second zone, whose work is light.
    schools = [School(300, 1000, 30), School(700, 1000, 30), School(1900, 1000, 20)]
    schools += [School(2100, 1000, 10), School(3300, 1000, 10)]
    district = write_district(tmp_path / "district", zones_in_a_row(0, 1), schools, moves=1)
    out = tmp_path / "plan"
    assert call("rebalance", district, "--no-slower", "--out", out) == 0
    assert "in which nobody waits longer). The price:" in capsys.readouterr().err.replace("\n", " ")
    plan = pd.read_csv(out / "plan.csv", dtype=str)
    assert plan.loc[plan["moved"] == "True", "unit_id"].tolist() == ["003"]
    said = (out / "summary.txt").read_text(encoding="utf-8")
    assert "Where longer waits are allowed the same is proposed." in said
    assert "it is in no zone longer than today." in said
    table = pd.read_csv(out / "response.csv", dtype=dict.fromkeys(("unit_id", "place_id", "place_unit_id"), str))
    assert len(table) == 5 * 5
    assert table.drop_duplicates("unit_id")["calls"].tolist() == [30, 30, 20, 10, 10]
    assert list(pd.read_csv(out / "frontier_other.csv")["moves"]) == [0, 1]
    response = json.loads((out / "certificate.json").read_text(encoding="utf-8"))["response"]
    assert response["no_slower"]
    for now, then in [response["district"], *(zone["minutes"] for zone in response["zones"].values())]:
        assert then <= now + 1e-9
    report = verify_folder(out)
    assert report.is_ok, report.summary()
    assert {c.name: c.passed for c in report.checks}["response"]
    # A minute that was changed afterwards, and a certificate that says nobody waits longer where somebody does.
    shown = table.assign(minutes=table["minutes"] + 1.0)
    shown.to_csv(out / "response.csv", index=False)
    assert "by response.csv" in failed(out)["response"]
    table["minutes"] = table["minutes"].where(table["unit_id"] != "003", 60.0)
    table.to_csv(out / "response.csv", index=False)
    assert "would wait longer" in failed(out)["response"]
    (out / "response.csv").unlink()
    assert {c.name: c.passed for c in verify_folder(out).checks}["response"] is None


def test_where_every_plan_lets_somebody_wait_longer_the_other_is_shown_and_that_is_said(tmp_path):
    district = normal(tmp_path / "district", moves=1, more='protect = ["response"]')
    out = tmp_path / "plan"
    assert call("rebalance", district, "--out", out) == 0
    said = (out / "summary.txt").read_text(encoding="utf-8")
    assert "Moving 1 school brings the imbalance from 36.5% to 0.7%" in said
    assert "it is longer than today in zone 2." in said
    assert "Where nobody may wait longer: No plan of at most 1 move is clearly more even than today" in said
    assert not json.loads((out / "certificate.json").read_text(encoding="utf-8"))["response"]["no_slower"]
    assert verify_folder(out).is_ok
