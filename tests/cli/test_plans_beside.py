"""Several plans beside each other and beside the zones of today: the command, its files, and the page.

The district is `plan_districts.one_term`: two zones, 1 and 2, of 2 km; school 004 stands 200 m west of their border.
"""

import json
import re

import geopandas as gpd
import pandas as pd
import pytest
from axe import axe_faults
from checkout import call
from plan_districts import one_term
from town import square

import safeschools_geo as ssg

HOSTILE = "<b>Fall & “x”"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Lay out the district, a plan drawn and the same as a table, and one in which nothing moves."""
    place = tmp_path_factory.mktemp("plans")
    one_term(place / "town")
    drawn = gpd.GeoDataFrame({"zone_id": ["2"]}, geometry=[square(1700, 0, 4000, 2000)], crs=4326)
    drawn.to_file(place / "drawn.gpkg")
    (place / "table.csv").write_text("school_id,zone_id\n004,2\n*,keep\n", encoding="utf-8")
    (place / "none.csv").write_text("school_id,zone_id\n*,keep\n", encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def scored(place):
    """Score the three plans once."""
    plans = [f"{HOSTILE}={place / 'drawn.gpkg'}", place / "table.csv", place / "none.csv"]
    options = [part for plan in plans for part in ("--plan", plan)]
    assert call("score", place / "town", *options, "--out", place / "out") == 0
    return place / "out"


def test_a_plan_drawn_and_the_same_as_a_table_score_alike(scored):
    table = pd.read_csv(scored / "scores.csv").set_index("measure")
    assert list(table.columns) == ["label", "unit", "better", "current", HOSTILE, "table", "none", "best"]
    assert table[HOSTILE].equals(table["table"].rename(HOSTILE))
    assert table["current"].equals(table["none"].rename("current"))
    assert table.loc["schools_moved", ["current", HOSTILE, "none"]].tolist() == ["0", "1", "0"]
    assert table.loc["imbalance", "best"] == f"{HOSTILE};table"


def test_every_plan_has_a_folder_of_its_own_and_can_be_read_again(place, scored):
    folders = sorted(p.name for p in scored.iterdir() if p.is_dir())
    assert len(folders) == 3
    district = ssg.read_district(place / "town")
    for name in ("table", "none"):
        for file in ("plan.csv", "plan.xlsx", "zones.geojson", "plan.kml", "plan.gpkg", "plan.zip"):
            again = ssg.read_plan(scored / name / file, district).assignment
            assert again["004"] == ("2" if name == "table" else "1")
            assert again.drop("004").tolist() == ["1", "1", "1", "2", "2", "2"]


def test_a_gain_is_reported_with_its_price(scored):
    summary = (scored / "summary.txt").read_text(encoding="utf-8")
    first = summary.splitlines()[0]
    assert first.startswith("Imbalance today ")
    assert "1 school, 1,500 students with another officer, mean response by the model" in first
    assert "none" in first
    assert "nothing moves" in first
    assert "The price: 1,500 students get another zone officer." in summary


def test_in_the_terminal_a_figure_has_its_unit_and_its_plan(place, capsys):
    assert call("score", place / "town", "--plan", place / "drawn.gpkg") == 0
    lines = "".join(capsys.readouterr()).splitlines()
    assert "today under the plan" in [" ".join(line.split()) for line in lines]
    assert [line for line in lines if re.match(r"Travel, load × km +[\d.]+ +[\d.]+$", line)]


def test_the_answer_for_machines(place, capsys):
    plan = place / "drawn.gpkg"
    assert call("score", place / "town", "--plan", plan, "--json") == 0
    one = json.loads(capsys.readouterr().out)
    told = {"imbalance", "is_contiguous", "moves", "change", "summary", "stability", "findings"}
    assert told | {"scores", "forecast"} == set(one)
    assert call("score", place / "town", "--plan", f"a={plan}", "--plan", f"b={plan}", "--json") == 0
    two = json.loads(capsys.readouterr().out)
    assert set(two) == {"scores", "forecast", "plans", "summary"}
    assert two["plans"]["a"] == two["plans"]["b"]
    assert {key: one[key] for key in two["plans"]["a"]} == two["plans"]["a"]


@pytest.mark.parametrize("names", [("x", "x"), ("current", "y"), ("a;b", "c")])
def test_names_that_are_none(place, names, capsys):
    plans = [part for name in names for part in ("--plan", f"{name}={place / 'table.csv'}")]
    assert call("score", place / "town", *plans) == 2
    assert "NAME=FILE" in capsys.readouterr().err


def test_faults_of_all_plans_are_reported_at_once_and_nothing_is_written(place, tmp_path, capsys):
    (tmp_path / "a.csv").write_text("school_id,zone_id\n001,9\n*,keep\n", encoding="utf-8")
    away = gpd.GeoDataFrame({"zone_id": ["2"]}, geometry=[square(90_000, 0, 92_000, 2000)], crs=4326)
    away.to_file(tmp_path / "b.geojson")
    code = call(
        *("score", place / "town", "--plan", tmp_path / "a.csv", "--plan", tmp_path / "b.geojson"),
        *("--out", tmp_path / "out"),
    )
    told = " ".join(capsys.readouterr().err.split())
    assert code == 1
    assert "The plan names zones that are not known." in told
    assert "The zones of the plan are not in this district." in told
    assert not (tmp_path / "out").exists()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing_wide_or_narrow(browser, scored, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    tab = context.new_page()
    tab.goto((scored / "plans.html").as_uri())
    assert axe_faults(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator("section table").count() >= 5
    assert HOSTILE in tab.locator("section table").first.inner_text()
    assert tab.locator(".pictures svg").count() == 4
    context.close()


def test_the_bytes_are_the_same_again(place, scored, tmp_path):
    plans = [f"{HOSTILE}={place / 'drawn.gpkg'}", place / "table.csv", place / "none.csv"]
    options = [part for plan in plans for part in ("--plan", plan)]
    assert call("score", place / "town", *options, "--out", tmp_path / "second") == 0
    files = sorted(p.relative_to(scored) for p in scored.rglob("*") if p.is_file())
    assert len(files) > 25
    assert [f for f in files if (scored / f).read_bytes() != (tmp_path / "second" / f).read_bytes()] == []
