"""The embedded demo: made by its generator, sound as a map, and spoilt in as many rows as it says."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from checkout import DEMO, ROOT
from demo_tables import EXPORTS, PLANTED, TRUTHS

from safeschools_geo.checks._incidents import check_order

if TYPE_CHECKING:
    from pathlib import Path

WORKBOOK = "incidents/cad_2024-25.xlsx"
LARGEST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def made_again(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, "-m", "data.make_demo", str(folder)], cwd=ROOT, check=True)
    return folder


def test_the_settings_say_that_it_is_synthetic(settings):
    assert settings.district.is_synthetic
    assert "synthetic" in settings.district.name
    assert settings.district.zones == 8
    assert [t.name for t in settings.terms] == [
        "Fall 2023",
        "Spring 2024",
        "Fall 2024",
        "Spring 2025",
        "Fall 2025",
        "Spring 2026",
    ]


def test_the_generator_makes_the_committed_files(made_again):
    made = {p.relative_to(made_again).as_posix(): p for p in made_again.rglob("*") if p.is_file()}
    assert len(made) == 9
    for name, path in made.items():
        if name != WORKBOOK:
            assert path.read_bytes() == (DEMO / name).read_bytes(), f"{name} is not what the generator makes"


def test_the_generator_makes_the_committed_workbook(made_again):
    # Libraries of other versions may pack the same cells into other bytes.
    again, committed = (openpyxl.load_workbook(f / WORKBOOK, read_only=True) for f in (made_again, DEMO))
    assert list(again.active.values) == list(committed.active.values)
    for folder in (made_again, DEMO):
        with zipfile.ZipFile(folder / WORKBOOK) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(2026, 6, 30, 0, 0, 0)}
            assert archive.read("docProps/core.xml").count(b"2026-06-30T00:00:00Z") == 2


def test_text_files_have_unix_line_ends():
    for path in DEMO.rglob("*"):
        if path.suffix in {".csv", ".json", ".geojson", ".toml", ".md", ".py"}:
            assert b"\r" not in path.read_bytes(), path


def test_it_is_small():
    files = [p for p in DEMO.rglob("*") if p.is_file() and not {"__pycache__", "outputs"} & set(p.parts)]
    assert sum(p.stat().st_size for p in files) < LARGEST_BYTES


def test_zones_tile_the_district_exactly(zones):
    boundary = gpd.read_file(DEMO / "boundaries/district.geojson").geometry.iloc[0]
    assert zones["zone_id"].tolist() == list("12345678")
    assert zones.geometry.is_valid.all()
    assert set(zones.geom_type) == {"Polygon"}
    assert shapely.coverage_is_valid(zones.geometry.to_numpy())
    assert shapely.coverage_union_all(zones.geometry.to_numpy()).equals(boundary)
    assert 180 < zones.to_crs("EPSG:32611").area.sum() / 1e6 < 230


def test_zones_have_officers_and_teams(zones):
    assert zones["officer"].tolist() == [f"SS-{n}" for n in range(1, 9)]
    assert zones["team"].value_counts().to_dict() == {"North": 4, "South": 4}
    assert all(zones["name"].str.match(r"Zone \d \w"))


def test_streets_are_one_network_inside_the_district(zones):
    roads = gpd.read_file(DEMO / "boundaries/roads.geojson")
    parent: dict[tuple[float, float], tuple[float, float]] = {}

    def root(node):
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for line in roads.geometry:
        parent[root(line.coords[0])] = root(line.coords[-1])
    assert len({root(node) for node in parent}) == 1
    assert 300 < len(roads) < 1000
    assert zones.union_all().covers(roads.union_all())
    assert (shapely.get_num_points(roads.geometry.to_numpy()) > 2).all()
    assert roads["speed_kph"].between(30, 100).all()


def test_places_lie_in_the_district(zones):
    places = gpd.read_file(DEMO / "boundaries/places.geojson")
    assert len(places) == 4
    assert places.within(zones.union_all()).all()


def test_every_school_lies_in_one_zone_and_away_from_its_border(schools, zones):
    assert len(schools) == TRUTHS["schools"]["count"] == 64
    lines = zones.to_crs("EPSG:32611").boundary.union_all()
    assert schools.to_crs("EPSG:32611").distance(lines).min() > 100


def test_schools_are_many_small_and_few_large(schools):
    spans = schools["GradeSpan"].replace({"K-5": "K-6", "6-8": "7-8"}).value_counts().to_dict()
    assert spans == {"K-6": 38, "7-8": 12, "9-12": 8, "K-8": 4, "ALT": 2}
    assert schools["Enrolled"].sum() == TRUTHS["schools"]["students"]
    assert 40_000 < schools["Enrolled"].sum() < 45_000
    assert schools.loc[schools["Enrolled"].isna(), "SchoolCode"].tolist() == TRUTHS["schools"]["without_enrollment"]
    assert schools.loc[schools["Program"] == "N", "SchoolCode"].tolist() == TRUTHS["schools"]["not_in_program"]


def test_school_ids_are_text_of_seven_digits(schools):
    assert schools["SchoolCode"].str.fullmatch(r"0\d{6}").all()
    assert schools["SchoolCode"].is_unique
    assert schools["SchoolName"].is_unique


@pytest.mark.real_data
def test_no_school_is_called_like_a_real_one(schools, real_data):
    cde = pd.read_csv(real_data / "san_juan/cde_public_schools_sacramento_county_2018.csv", dtype="str")["School"]
    chicago = [
        pd.read_csv(path, dtype="str")["SCHOOL_NM"] for path in sorted((real_data / "chicago").glob("cps_*.csv"))
    ]
    real = {word for name in pd.concat([cde, *chicago]).dropna().str.casefold() for word in name.split()}
    roots = set(schools["SchoolName"].str.split().str[0].str.casefold())
    assert len(real) > 500
    assert not roots & real


@pytest.mark.parametrize("name", EXPORTS)
def test_every_file_has_the_rows_it_says(raw, name):
    assert (raw["file"] == name).sum() == TRUTHS["files"][name]["rows"]


def test_the_files_add_up():
    total = Counter()
    for file in TRUTHS["files"].values():
        total.update(file["faults"])
        assert file["kept"] + sum(file["rejected"].values()) == file["rows"]
    assert total == TRUTHS["faults"]
    assert TRUTHS["fault_descriptions"].keys() == TRUTHS["faults"].keys()
    rows = sum(file["rows"] for file in TRUTHS["files"].values())
    assert 8_800 < rows < 9_200
    assert 0.03 < sum(TRUTHS["faults"].values()) / rows < 0.05


def test_faults_that_can_be_counted_in_the_raw_rows(raw):
    faults = TRUTHS["faults"]
    blank = raw["SchoolCode"].isna() & raw["SchoolName"].notna()
    counted = {
        "missing_id": raw["CaseNo"].isna().sum(),
        "swapped": (raw["X"] > 0).sum() - (raw["X"] > 100).sum(),
        "sign_flipped": (raw["X"] > 100).sum(),
        "null_island": ((raw["X"] == 0) & (raw["Y"] == 0)).sum(),
        "far_outside": ((raw["Y"] > 40) & (raw["X"] < 0)).sum(),
        "pile_up": ((raw["X"] == PLANTED["pile_up"]["x"]) & (raw["Y"] == PLANTED["pile_up"]["y"])).sum(),
        "name_script": (raw["SchoolName"] == "<script>alert(1)</script>").sum(),
        "name_formula": (raw["SchoolName"] == '=HYPERLINK("http://x")').sum(),
        "sentinel_time": raw["occurred_as"].str.contains("1900").sum(),
        "dst_gap": (raw["Occurred"] == "2025-03-09 02:30").sum(),
        "dst_repeat": (raw["Occurred"] == "2024-11-03 01:30").sum(),
        "cleared_before_arrived": (raw["Cleared"] < raw["Arrived"]).sum(),
        "arrived_before_dispatched": (raw["Arrived"] < raw["Dispatched"]).sum(),
    }
    assert counted == {kind: faults[kind] for kind in counted}
    assert (blank & raw["X"].isna()).sum() == sum(faults[f"name_{kind}"] for kind in ("exact", "misspelt", "hopeless"))
    assert raw["CaseNo"].dropna().duplicated().sum() == sum(
        faults[kind] for kind in ("exact_duplicate", "duplicate_in_next_file", "conflicting_id")
    )


def test_the_pile_up_is_in_a_town_at_no_school(schools):
    pile = gpd.GeoSeries([shapely.Point(PLANTED["pile_up"]["x"], PLANTED["pile_up"]["y"])], crs="EPSG:4326")
    assert schools.to_crs("EPSG:32611").distance(pile.to_crs("EPSG:32611").iloc[0]).min() > 300
    towns = gpd.read_file(DEMO / "boundaries/places.geojson")
    assert towns.loc[towns.contains(pile.iloc[0]), "name"].tolist() == ["Tessaly"]


def test_call_types_are_mapped_with_every_category_in_use(raw, history):
    written = pd.read_csv(DEMO / "crosswalk.csv")["source_value"]
    assert set(raw["CallType"].str.strip().str.upper()) == set(written)
    assert (~raw["CallType"].isin(written)).sum() == TRUTHS["faults"]["call_type_odd"]
    shares = history["category"].value_counts(normalize=True)
    assert len(shares) == 9
    assert 0.3 < shares["non_critical"] < 0.4


@pytest.mark.parametrize("name", EXPORTS)
def test_the_reader_rejects_what_it_should(district, name):
    rejects = district.rejects
    found = rejects[rejects["source_file"] == name]["reason_code"].value_counts().to_dict()
    assert found == TRUTHS["files"][name]["rejected"]
    assert (district.incidents["source_file"] == name).sum() == TRUTHS["files"][name]["kept"]


def test_the_reader_finds_what_it_should(district):
    faults = TRUTHS["faults"]
    matches = district.incidents["school_match"].value_counts()
    decisions = district.school_review.groupby("decision")["incidents"].sum()
    assert matches["exact_name"] == faults["name_exact"]
    assert matches["fuzzy_name"] == faults["name_misspelt"] == decisions["fuzzy_name"]
    assert decisions["no_match"] == sum(faults[f"name_{kind}"] for kind in ("hopeless", "script", "formula"))
    assert (~district.incidents["has_time"]).sum() == faults["date_only"]
    found = {f.code: f.ids for f in district.findings}
    for kind in ("swapped", "sign_flipped", "null_island", "far_outside"):
        assert len(found[f"coordinates_{kind}"]) == faults[kind]
    out_of_order = faults["cleared_before_arrived"] + faults["arrived_before_dispatched"]
    assert [len(finding.ids) for finding in check_order(district.incidents)] == [out_of_order]
    assert len(found["dst_gap_shifted"]) == faults["dst_gap"]
    assert len(found["dst_repeat_first"]) == faults["dst_repeat"]


def test_misspelt_names_find_their_own_school(district, schools):
    review = district.school_review
    fuzzy = review[review["decision"] == "fuzzy_name"]
    named = fuzzy["school_id"].map(schools.set_index("SchoolCode")["SchoolName"])
    # A letter was left out, or two exchanged: the first stays, and no letter is new.
    assert (fuzzy["name_in_export"].str[0] == named.str[0]).all()
    assert all(set(ours) <= set(real) for ours, real in zip(fuzzy["name_in_export"], named, strict=True))


def test_every_origin_and_responder_is_known(district):
    assert not {"origin_unknown", "responder_unknown", "category_unmapped"} & {f.code for f in district.findings}
    assert set(district.incidents["responder"].dropna()) == {"zone_officer", "backup_officer", "patrol", "specialist"}
