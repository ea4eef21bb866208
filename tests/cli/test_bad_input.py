"""Bad input, from the command line: a message, exit 1 or a reject row, no traceback, nothing half-written."""

import csv

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import town
from checkout import call

from safeschools_geo.district._district import read_district

ZONES = "data/boundaries/zones.geojson"
SCHOOLS = "data/boundaries/schools.csv"
HISTORY = "data/incidents/history.csv"
TWO_POINTS = (
    '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"zone_id":"A","name":"West"},'
    '"geometry":{"type":"Polygon","coordinates":[[[-121.8,37.9],[-121.7,37.9]]]}}]}'
)


@pytest.fixture
def folder(tmp_path):
    return town.write_town(tmp_path / "town")


def replace(folder, name, data, *, instead=None):
    (folder / name).unlink()
    path = folder / (instead or name)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def truncated_shapefile(folder):
    (folder / ZONES).unlink()
    path = folder / "data/boundaries/zones.shp"
    town.zones().to_file(path)
    path.write_bytes(path.read_bytes()[:150])


def degrees_said_to_be_feet(folder):
    text = (folder / "district.toml").read_text(encoding="utf-8")
    changed = text.replace('[schools]\ncrs = "EPSG:4326"', '[schools]\ncrs = "EPSG:2226"')
    (folder / "district.toml").write_text(changed, encoding="utf-8")


def meters_said_to_be_degrees(folder):
    frame = pd.read_csv(folder / HISTORY).assign(x=600500.0, y=4200500.0)
    frame.to_csv(folder / HISTORY, index=False)


# What is wrong → how to make it so, and words of the message.
BAD = {
    "an empty zone file": (lambda f: replace(f, ZONES, b""), ["zones.geojson", "empty"]),
    "an empty school file": (lambda f: replace(f, SCHOOLS, b""), ["schools.csv", "empty"]),
    "an empty history": (lambda f: replace(f, HISTORY, b""), ["history.csv", "empty"]),
    "zones with a header only": (
        lambda f: replace(f, ZONES, "zone_id,name,wkt\n", instead="data/boundaries/zones.csv"),
        ["zones.csv", "has no rows"],
    ),
    "a truncated shapefile": (truncated_shapefile, ["zones.shp", "cut short"]),
    "text named parquet": (
        lambda f: replace(f, HISTORY, "a,b\n1,2\n", instead="data/incidents/h.parquet"),
        ["h.parquet", "not Parquet"],
    ),
    "text named xlsx": (
        lambda f: replace(f, HISTORY, "a,b\n1,2\n", instead="data/incidents/h.xlsx"),
        ["h.xlsx", "no workbook"],
    ),
    "a missing column": (
        lambda f: replace(f, HISTORY, "incident_id,x,y\n1,2,3\n"),
        ["history.csv", "occurred_at", "category"],
    ),
    "a wide file without our columns": (
        lambda f: replace(f, SCHOOLS, ",".join(f"c{n}" for n in range(500)) + "\n" + ",".join(["1"] * 500) + "\n"),
        ["schools.csv", "school_id", "470 more"],
    ),
    "degrees said to be feet": (degrees_said_to_be_feet, ["schools.csv", "look like degrees"]),
    "meters said to be degrees": (meters_said_to_be_degrees, ["history.csv", "coordinates are not"]),
    "zones that are points": (
        lambda f: replace(f, ZONES, town.schools()[["geometry"]].assign(zone_id="A").to_json()),
        ["zones.geojson", "Point"],
    ),
    "categories that are not mapped": (
        lambda f: replace(f, HISTORY, "incident_id,occurred_at,category,x,y\n1,2025-09-02,ARSON,,\n"),
        ["ARSON (1)", "crosswalk"],
    ),
    "settings that are no TOML": (lambda f: replace(f, "district.toml", "[district"), ["district.toml", "TOML"]),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["run", "check"])
def test_bad_input_is_reported_and_leaves_nothing_half_written(folder, capsys, name, command):
    spoil, words = BAD[name]
    spoil(folder)
    assert call(command, folder, "--json") == 1
    printed = capsys.readouterr()
    text = printed.out + printed.err
    for word in words:
        assert word in text
    assert "Traceback" not in text
    left = {p.name for p in (folder / "outputs").rglob("*")} if (folder / "outputs").exists() else set()
    assert left <= {"check.html"}


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_history_with_a_header_only_is_an_export_that_went_wrong(folder, capsys, command):
    (folder / HISTORY).write_text("incident_id,occurred_at,category,school_id,x,y\n", encoding="utf-8")
    assert call(command, folder, "--json") == 1
    printed = capsys.readouterr()
    assert "history.csv has no rows, only the names of its columns." in printed.out + printed.err


@pytest.mark.parametrize("command", ["run", "check"])
def test_an_export_whose_every_row_is_rejected_is_said_with_its_reasons(folder, capsys, command):
    rows = "I1,soon,weapons,001,,\nI2,,weapons,001,,\n"
    (folder / HISTORY).write_text("incident_id,occurred_at,category,school_id,x,y\n" + rows, encoding="utf-8")
    assert call(command, folder, "--json") == 1
    printed = capsys.readouterr()
    said = "No row of history.csv is kept, of 2: missing_time (1), unreadable_time (1)."
    assert said in printed.out + printed.err


def test_a_polygon_of_two_points_is_reported(folder, capsys):
    (folder / ZONES).write_text(TWO_POINTS, encoding="utf-8")
    assert call("run", folder) == 1
    text = capsys.readouterr().err
    assert "zones" in text
    assert "Traceback" not in text
    assert not (folder / "outputs").exists()


def test_coordinates_that_are_no_numbers_leave_an_incident_without_a_place(folder):
    frame = pd.read_csv(folder / HISTORY, dtype={"school_id": "str"})
    frame.loc[0, ["x", "y"]] = np.nan
    frame.astype({"x": "str"}).assign(x=lambda d: d["x"].mask(d.index == 1, "west")).to_csv(
        folder / HISTORY, index=False
    )
    assert call("run", folder) == 0
    district = read_district(folder)
    assert district.incidents.geometry.isna().sum() == 2
    assert any(f.code == "coordinate_unreadable" for f in district.findings)


def test_a_field_of_ten_megabytes_is_read(folder):
    frame = pd.read_csv(folder / HISTORY, dtype=str).assign(note="")
    frame.loc[0, "note"] = "x" * 10_000_000
    frame.to_csv(folder / HISTORY, index=False)
    assert call("check", folder) == 0
    assert len(read_district(folder).incidents) == 10


def test_code_in_names_stays_text_everywhere(folder):
    evil = ["<script>document.title='x'</script>", '=HYPERLINK("http://x")', "</script><img src=//x>"]
    schools = pd.read_csv(folder / SCHOOLS, dtype=str).assign(name=evil)
    schools.to_csv(folder / SCHOOLS, index=False)
    zones = gpd.read_file(folder / ZONES).assign(name=evil[:2])
    zones.to_file(folder / ZONES, driver="GeoJSON")
    assert call("run", folder, "--term", "Fall") == 0
    out = folder / "outputs" / "Fall"
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script>document" not in text
        assert "<img src=//x" not in text
    for table in out.rglob("*.csv"):
        with table.open(encoding="utf-8", newline="") as file:
            assert not any(cell.startswith("=") for row in csv.reader(file) for cell in row)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty"]),
        ("id,place\n1,here\n", ["coordinates", "x and y"]),
        ("id,lon,lat\n1,2\n", ["row 1", "fields"]),
    ],
)
def test_assign_says_what_is_wrong_with_points(folder, tmp_path, capsys, text, words):
    (tmp_path / "points.csv").write_text(text, encoding="utf-8")
    out = tmp_path / "out.csv"
    assert call("assign", "--points", tmp_path / "points.csv", "--zones", folder / ZONES, "--out", out) == 1
    printed = capsys.readouterr().err
    for word in ["points.csv", *words]:
        assert word in printed
    assert not out.exists()
