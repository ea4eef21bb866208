"""The command line as a user meets it: exit codes, messages, and files."""

import csv
import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stdout

import geopandas as gpd
import pandas as pd
import pytest
import town
from checkout import ROOT, call

import safeschools_geo as ssg
from safeschools_geo.cli._common import progress_of
from safeschools_geo.cli._main import COMMANDS

MAPS = (
    "zones",
    "history",
    "rates",
    "plan",
    "what_if",
    "coverage",
    "dispatch",
    "absences",
    "hotspots",
    "hours",
    "trends",
    "grid",
)


@pytest.fixture
def folder(tmp_path):
    return town.write_town(tmp_path / "town")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run Fall once, to the folder of settings; give the district folder and what was printed."""
    made = town.write_town(tmp_path_factory.mktemp("ran") / "town")
    with redirect_stdout(io.StringIO()) as printed:
        assert call("run", made, "--term", "Fall", "--strict", "--json") == 0
    return made, printed.getvalue()


def test_help_names_every_command(capsys):
    assert call("--help") == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    assert call(name, "--help") == 0
    assert "Usage: safeschools" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["nonsense"], ["run", "--nonsense"], ["assign"], ["assign", "--points", "a"]])
def test_wrong_usage_is_exit_2(arguments, capsys):
    assert call(*arguments) == 2
    assert "Usage" in capsys.readouterr().err


def test_bad_input_is_exit_1_with_a_message_and_no_traceback(tmp_path, capsys):
    assert call("run", tmp_path / "nowhere") == 1
    text = capsys.readouterr().err
    assert "There is no district.toml" in text
    assert "Remedy" in text
    assert "Traceback" not in text


def test_debug_shows_the_traceback(tmp_path, capsys):
    assert call("run", tmp_path / "nowhere", "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_exit_130(folder, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("safeschools_geo.cli._run.run_term", interrupt)
    assert call("run", folder) == 130
    assert "Interrupted: nothing was changed." in capsys.readouterr().err


def test_an_interrupt_after_the_writing_does_not_say_that_nothing_was_changed(folder, tmp_path, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("safeschools_geo.cli._looks._counted", interrupt)
    boundaries, out = folder / "data" / "boundaries", tmp_path / "zones_of_schools.csv"
    files = ("--points", next(boundaries.glob("schools.*")), "--zones", next(boundaries.glob("zones.*")))
    assert call("assign", *files, "--crs", "4326", "--out", out) == 130
    assert f"Interrupted: written before that, and whole: {out}." in capsys.readouterr().err
    assert out.is_file()


def test_a_fault_of_the_program_is_said_to_be_one(folder, monkeypatch, capsys):
    def fail(*_, **__):
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr("safeschools_geo.cli._run.run_term", fail)
    assert call("run", folder) == 1
    text = capsys.readouterr().err
    assert "fault of the program" in text
    assert "Traceback" not in text


def test_run_writes_the_outputs_of_the_term(ran):
    folder, printed = ran
    assert json.loads(printed)["term"] == "Fall"
    out = folder / "outputs" / "Fall"
    expected = ["check.html", "rejects.csv", "assignments.csv", "incidents.parquet", "workload.csv", "manifest.json"]
    assert {p.name for p in out.iterdir()} >= set(expected)
    assert {p.stem for p in (out / "maps").iterdir()} == {"index", *MAPS, "absence", "visits"}
    assert {"hotspots.csv", "schools.csv", "hours.csv", "summary.txt"} <= {p.name for p in (out / "hotspots").iterdir()}
    # All but the one of Spring, which comes after this term.
    assert len(pd.read_parquet(out / "incidents.parquet")) == 9
    assert [p.name for p in (folder / "outputs").iterdir()] == ["Fall"]


def test_the_same_run_gives_the_same_bytes(ran, folder, tmp_path):
    assert call("run", folder, "--term", "Fall", "--out", tmp_path / "again") == 0
    outs = (ran[0] / "outputs", tmp_path / "again")
    first, second = ({p.relative_to(out): p.read_bytes() for p in out.rglob("*.*")} for out in outs)
    assert first.keys() == second.keys()
    assert len(first) > 50
    assert [str(name) for name in first if first[name] != second[name]] == []


def test_an_unknown_term_names_those_there_are(folder, capsys):
    assert call("run", folder, "--term", "Summer") == 2
    assert "'Fall', 'Spring'" in capsys.readouterr().err
    assert not (folder / "outputs").exists()


@pytest.mark.usefixtures("ran")
def test_strict_turns_rejects_into_exit_1(folder, capsys):
    # Without a reject `ran` is strict, and ended with 0.
    with (folder / "data/incidents/history.csv").open("a", encoding="utf-8") as file:
        file.write("I99,never,weapons,001,,\n")
    assert call("run", folder, "--strict") == 1
    assert "unreadable_time (1)" in capsys.readouterr().err


def test_check_writes_only_its_report(folder, capsys):
    before = {p for p in folder.rglob("*") if p.is_file()}
    assert call("check", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["is_ok"]
    assert {p for p in folder.rglob("*") if p.is_file()} - before == {folder / "outputs" / "check.html"}


def test_check_of_a_folder_that_cannot_be_read_reports_every_fault(folder, capsys):
    (folder / "data/boundaries/zones.geojson").write_text("{", encoding="utf-8")
    (folder / "data/boundaries/schools.csv").write_text("", encoding="utf-8")
    assert call("check", folder, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert sum(f["severity"] == "error" for f in report["findings"]) == 2
    assert (folder / "outputs" / "check.html").is_file()


def test_new_makes_a_folder_whose_settings_load(tmp_path, capsys):
    for preset in ([], ["--preset", "cde"], ["--preset", "socrata"]):
        folder = tmp_path / f"d{len(preset)}{preset[-1:]}"
        assert call("new", folder, *preset) == 0
        assert call("check", folder) == 1  # nothing in it yet: zones and schools are missing
        text = capsys.readouterr().err
        assert "no file for the layer zones" in text.replace("\n", " ")
    assert call("new", tmp_path / "d0[]") == 0
    assert "Nothing is new" in capsys.readouterr().err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine", encoding="utf-8")
    assert call("new", tmp_path / "full") == 1
    assert "not empty" in capsys.readouterr().err


def points_file(path):
    rows = [("007", 500, 500), ("008", 1000, 500), ("009", 2500, 500), ("007", 1500, 500), ("010", None, None)]
    lines = ["code,Lon,Lat"]
    for code, x, y in rows:
        lines.append(f"{code},," if x is None else f"{code},{town.place(x, y).x},{town.place(x, y).y}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_assign_writes_one_row_for_each_point_in_order(folder, tmp_path):
    out = tmp_path / "out.csv"
    points = points_file(tmp_path / "points.csv")
    zones = folder / "data/boundaries/zones.geojson"
    arguments = (
        "assign",
        "--points",
        points,
        "--zones",
        zones,
        "--out",
        out,
        "--id",
        "code",
        "--lon",
        "Lon",
        "--lat",
        "Lat",
    )
    assert call(*arguments) == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["code", "zone_id", "status", "distance_m", "candidates"]
    assert [(r["code"], r["zone_id"], r["status"]) for r in rows] == [
        ("007", "A", "inside"),
        ("008", "A", "boundary"),
        ("009", "", "outside"),
        ("007", "B", "inside"),
        ("010", "", "no_location"),
    ]
    assert float(rows[2]["distance_m"]) == pytest.approx(500, abs=1)
    assert rows[1]["candidates"] == "A;B"
    assert call(*arguments, "--max-snap", "600") == 0
    with out.open(encoding="utf-8", newline="") as file:
        assert [r["status"] for r in csv.DictReader(file)][2] == "nearest"


def test_assign_keeps_a_tie_as_it_was(folder, tmp_path):
    out, previous = tmp_path / "out.csv", tmp_path / "previous.csv"
    points = tmp_path / "points.csv"
    points.write_text(f"code,lon,lat\n1,{town.place(1000, 500).x},{town.place(1000, 500).y}\n", encoding="utf-8")
    previous.write_text("code,zone_id\n1,B\n", encoding="utf-8")
    zones = folder / "data/boundaries/zones.geojson"
    assert (
        call("assign", "--points", points, "--zones", zones, "--out", out, "--id", "code", "--previous", previous) == 0
    )
    assert pd.read_csv(out)["zone_id"].tolist() == ["B"]


def test_assign_refuses_x_and_y_of_no_stated_crs(folder, tmp_path, capsys):
    points = tmp_path / "points.csv"
    points.write_text("id,x,y\n1,600500,4200500\n", encoding="utf-8")
    zones = folder / "data/boundaries/zones.geojson"
    assert call("assign", "--points", points, "--zones", zones, "--out", tmp_path / "o.csv") == 1
    assert "--crs" in capsys.readouterr().err
    assert not (tmp_path / "o.csv").exists()
    assert call("assign", "--points", points, "--zones", zones, "--out", tmp_path / "o.csv", "--crs", "32610") == 0
    assert pd.read_csv(tmp_path / "o.csv")["zone_id"].tolist() == ["A"]


PLACES = [(400, 500), (600, 700), (1400, 500), (1600, 700)]


def written(path, form, header="code,lon,lat"):
    """Write four points of the town, each as `form` makes it of its longitude and latitude."""
    places = [town.place(x, y) for x, y in PLACES]
    rows = [f"0{n},{form.format(x=p.x, y=p.y, a=-p.x)}" for n, p in enumerate(places)]
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_assign_reads_letters_for_the_hemisphere(folder, tmp_path):
    points, out = written(tmp_path / "points.csv", "{a}W,{y}N"), tmp_path / "out.csv"
    zones = folder / "data/boundaries/zones.geojson"
    assert call("assign", "--points", points, "--zones", zones, "--out", out, "--id", "code") == 0
    assert pd.read_csv(out)["zone_id"].tolist() == ["A", "A", "B", "B"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("{y},{x}", ["4 of 4 points", "the wrong way round", "--lon names the longitude"]),
        ("{a},{y}", ["4 of 4 points", "wrong sign", "put the minus sign back"]),
        ("0,0", ["4 of 4 points", "a zero where a coordinate should be", "geocode"]),
        ("6715000.1,1970000.1", ["said to be in degrees", "--crs 2226"]),
        ("west,north", ["cannot be read as coordinates", "“west, north”"]),
        (",", ["4 of 4 points without a place"]),
        ("-100.1,31.1", ["more than 50 km", "both files are of one place"]),
    ],
)
def test_assign_says_what_check_would_and_writes_nothing_without_a_zone(folder, tmp_path, capsys, form, said):
    points, out = written(tmp_path / "points.csv", form), tmp_path / "out.csv"
    zones = folder / "data/boundaries/zones.geojson"
    assert call("assign", "--points", points, "--zones", zones, "--out", out, "--id", "code") == 1
    printed = capsys.readouterr().err
    for words in said:
        assert words in printed
    assert "Remedy" in printed
    for setting in ("district.toml", "`keep`", "settings"):
        assert setting not in printed
    assert not out.exists()


def test_assign_writes_what_it_can_and_says_what_it_cannot(folder, tmp_path, capsys):
    points, out = written(tmp_path / "points.csv", "{x},{y}"), tmp_path / "out.csv"
    with points.open("a", encoding="utf-8") as file:
        file.write("08,0,0\n09,here,there\n")
    zones = folder / "data/boundaries/zones.geojson"
    assert call("assign", "--points", points, "--zones", zones, "--out", out, "--id", "code") == 0
    printed = capsys.readouterr().err
    assert "1 of 6 points with a zero" in printed
    assert "“here, there”" in printed
    assert pd.read_csv(out, dtype=str)["zone_id"].fillna("").tolist() == ["A", "A", "B", "B", "", ""]


@pytest.mark.parametrize(("more", "said"), [(["--wkt", "spot"], []), (["--wkt", "spott"], ["spot", "--wkt"])])
def test_assign_takes_a_column_of_wkt(folder, tmp_path, capsys, more, said):
    points = written(tmp_path / "points.csv", "SRID=4326;POINT ({x} {y})", header="code,spot")
    zones, out = folder / "data/boundaries/zones.geojson", tmp_path / "out.csv"
    assert call("assign", "--points", points, "--zones", zones, "--out", out, *more) == (1 if said else 0)
    printed = capsys.readouterr().err
    assert all(words in printed for words in said)
    assert "district.toml" not in printed
    assert out.exists() is not bool(said)


def test_assign_takes_a_sheet_and_a_layer(folder, tmp_path, capsys):
    table = pd.read_csv(written(tmp_path / "points.csv", "{x},{y}"), dtype={"code": str})
    zones, out = folder / "data/boundaries/zones.geojson", tmp_path / "out.csv"
    with pd.ExcelWriter(tmp_path / "points.xlsx") as book:
        table.to_excel(book, sheet_name="all", index=False)
        table.head(1).rename(columns={"code": "call"}).to_excel(book, sheet_name="first", index=False)
    assert call("assign", "--points", tmp_path / "points.xlsx", "--zones", zones, "--out", out, "--sheet", "first") == 0
    assert len(pd.read_csv(out)) == 1
    shapes = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    for name, rows in (("all", shapes), ("first", shapes.head(1))):
        rows.to_file(tmp_path / "points.gpkg", layer=name, driver="GPKG")
    arguments = ("assign", "--points", tmp_path / "points.gpkg", "--zones", zones, "--out", out)
    assert call(*arguments, "--layer", "all") == 0
    assert len(pd.read_csv(out)) == 4
    capsys.readouterr()
    for more in ([], ["--layer", "none"]):
        assert call(*arguments, *more) == 1
        printed = capsys.readouterr().err
        assert "--layer" in printed
        assert "district.toml" not in printed


@pytest.mark.parametrize(("option", "value"), [("--id", "nothing"), ("--zone-id", "nothing"), ("--lat", "nothing")])
def test_remedies_of_assign_name_its_options(folder, tmp_path, capsys, option, value):
    points, zones = written(tmp_path / "points.csv", "{x},{y}"), folder / "data/boundaries/zones.geojson"
    more = ("--lon", "lon") if option == "--lat" else ()
    out = tmp_path / "out.csv"
    assert call("assign", "--points", points, "--zones", zones, "--out", out, *more, option, value) == 1
    printed = capsys.readouterr().err
    assert option in printed
    assert "district.toml" not in printed


@pytest.mark.parametrize("kind", ["whole numbers", "floats", "text with blanks"])
def test_the_function_and_the_command_give_the_same_ids(tmp_path, kind):
    numbers = {"whole numbers": [7, 8], "floats": [7.0, 8.0], "text with blanks": [" 07 ", "8 "]}[kind]
    zones = town.zones().iloc[:2].assign(zone_id=numbers)[["zone_id", "geometry"]]
    zones.to_file(tmp_path / "zones.geojson", driver="GeoJSON")
    out = tmp_path / "out.csv"
    points = written(tmp_path / "points.csv", "{x},{y}")
    assert call("assign", "--points", points, "--zones", tmp_path / "zones.geojson", "--out", out) == 0
    table = pd.read_csv(points)
    places = gpd.GeoDataFrame(geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    found = ssg.assign_points(places, zones)
    columns = ["zone_id", "status", "candidates"]
    assert found[columns].to_numpy().tolist() == pd.read_csv(out, dtype=str)[columns].to_numpy().tolist()
    assert set(found["zone_id"]) == ({"07", "8"} if kind == "text with blanks" else {"7", "8"})


def test_draft_zones_tile_the_district(folder, tmp_path, capsys):
    out = tmp_path / "zones.geojson"
    (tmp_path / "district.geojson").write_text(
        pd.Series([0]).pipe(lambda _: town.zones().dissolve().to_json()), encoding="utf-8"
    )
    schools = folder / "data/boundaries/schools.csv"
    arguments = ("draft-zones", "--district", tmp_path / "district.geojson", "--schools", schools, "--out", out)
    assert call(*arguments, "--zones", "2", "--crs", "4326", "--json") == 0
    assert json.loads(capsys.readouterr().out)["is_contiguous"]
    assert call(*arguments, "--zones", "9", "--crs", "4326") == 1
    assert "9" in capsys.readouterr().err


def test_draft_zones_of_a_district_take_what_its_settings_say(folder, capsys):
    boundary, zones = folder / "data/boundaries/district.geojson", folder / "data/boundaries/zones.geojson"
    zones_of_today = zones.read_bytes()
    boundary.write_text(town.zones().dissolve().to_json(), encoding="utf-8")
    assert call("draft-zones", folder, "--zones", "2") == 1
    said = capsys.readouterr().err
    assert "has zones already" in said
    assert "--out" in said
    assert zones.read_bytes() == zones_of_today
    zones.unlink()
    (folder / "data/boundaries/roads.geojson").write_text("{}", encoding="utf-8")
    (folder / "data/boundaries/units.geojson").write_text("{}", encoding="utf-8")
    assert "zones = 2" in (folder / "district.toml").read_text(encoding="utf-8")
    assert call("draft-zones", folder) == 0
    said = capsys.readouterr().err
    assert "[2/3] Drawing 2 zones" in said
    assert "units.geojson and roads.geojson are not used" in " ".join(said.split())
    assert len(gpd.read_file(zones)) == 2
    boundary.unlink()
    zones.unlink()
    assert call("draft-zones", folder) == 1
    assert "[boundary]" in capsys.readouterr().err
    assert not zones.exists()


@pytest.mark.parametrize(
    ("more", "said"), [(("--id", "nothing"), "--id"), (("--lon", "nothing", "--lat", "none"), "--lon and --lat")]
)
def test_remedies_of_draft_zones_of_files_name_its_options(folder, tmp_path, capsys, more, said):
    (tmp_path / "district.geojson").write_text(town.zones().dissolve().to_json(), encoding="utf-8")
    arguments = ("--district", tmp_path / "district.geojson", "--schools", folder / "data/boundaries/schools.csv")
    assert call("draft-zones", *arguments, "--out", tmp_path / "zones.geojson", "--crs", "4326", *more) == 1
    printed = capsys.readouterr().err
    assert said in printed
    assert "district.toml" not in printed


def test_remedies_of_draft_zones_of_units_name_its_options(tmp_path, capsys):
    units = tmp_path / "units.geojson"
    units.write_text(town.zones().rename(columns={"zone_id": "tract"}).to_json(), encoding="utf-8")
    for more in ((), ("--unit-id", "tract"), ("--unit-id", "tract", "--workload", "calls")):
        assert call("draft-zones", "--units", units, "--out", tmp_path / "zones.geojson", "--zones", "2", *more) == 1
        printed = capsys.readouterr().err
        assert "--unit-id and --workload" in printed
        assert "district.toml" not in printed


def test_draft_zones_without_a_school_of_the_program_name_the_option(folder, tmp_path, capsys):
    boundary, schools = tmp_path / "district.geojson", folder / "data/boundaries/schools.csv"
    boundary.write_text(town.zones().dissolve().to_json(), encoding="utf-8")
    pd.read_csv(schools, dtype=str).assign(in_program="no").to_csv(schools, index=False)
    arguments = ("--district", boundary, "--schools", schools, "--out", tmp_path / "zones.geojson", "--crs", "4326")
    assert call("draft-zones", *arguments) == 1
    assert "--keep" in capsys.readouterr().err


def test_the_command_starts_without_loading_maps():
    code = "import sys, safeschools_geo.cli._main; print('folium' in sys.modules or 'geopandas' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip() == "False"


def test_hotspots_are_written_and_printed_as_json(folder, capsys):
    assert call("hotspots", folder, "--term", "Fall", "--json") == 0
    printed = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert printed["term"] == "Fall"
    assert printed["hotspots"] == []
    out = folder / "outputs" / "Fall" / "hotspots"
    assert printed["out"] == out.as_posix()
    assert {p.stem for p in (out / "maps").iterdir()} == {"hotspots", "hours", "trends", "grid"}
    schools = pd.read_csv(out / "schools.csv", dtype={"school_id": str})
    assert schools["school_id"].tolist() == ["001", "002"]
    assert schools["status"].tolist() == ["insufficient_data"] * 2
    assert "No school and no group of schools" not in (out / "summary.txt").read_text(encoding="utf-8").splitlines()[0]


def test_hotspots_of_the_demo_are_reported(tmp_path, capsys):
    assert call("hotspots", "--out", tmp_path / "hotspots") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "Three schools in Zone 4 had 3.2 times the reported calls for zone officers expected" in told
    assert "synthetic" in told


def test_a_long_step_says_what_it_is_doing_and_a_short_one_does_not(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 1.0, 6.0, 6.0, 7.0, 20.0, 20.0])
    monkeypatch.setattr("safeschools_geo.cli._common.time.monotonic", lambda: next(clock))
    with progress_of(2) as begin:
        begin("Finding hotspots")  # at 0
        begin.part("rates of schools")  # a second later: too soon for a line
        begin.part("repeats")  # at 6
        begin("Proposing zones")  # at 7
        begin.part("the least imbalance of 2 moves is 4.00% (proven)")  # at 20
    assert capsys.readouterr().err.splitlines() == [
        "[1/2] Finding hotspots",
        "[1/2] Finding hotspots: repeats",
        "[2/2] Proposing zones",
        "[2/2] Proposing zones: the least imbalance of 2 moves is 4.00% (proven)",
    ]


def test_a_run_says_what_its_long_steps_do(folder):
    parts = []
    ssg.run_term(folder, term="Fall", covers=False, protects=False, on_part=parts.append)
    assert parts[:2] == ["history.csv, rows", "history.csv, places of 10 rows"]
    # Reading, checking, counting and finding, in this order.
    steps = ["incidents, their schools", "10 incidents, their piles", "whose work each call is", "rates of schools"]
    assert [part for part in parts if part in steps] == steps
    assert any(part.startswith("repeats") for part in parts)
    assert any(re.fullmatch(r"the least imbalance of \d+ moves? is \d+\.\d\d% \(.*\)", part) for part in parts)


def test_assign_says_which_zones_were_lost_or_given_in_two_ways(folder, tmp_path, capsys):
    zones = gpd.read_file(folder / "data/boundaries/zones.geojson")
    lost = zones.assign(zone_id=["A", "a"], name=["West", "East"])
    lost.loc[2] = {"zone_id": "C", "name": "South", "geometry": None}
    lost.loc[3] = {"zone_id": "A", "name": "Old West", "geometry": zones.geometry[0]}
    lost.to_file(tmp_path / "zones.geojson", driver="GeoJSON")
    points = points_file(tmp_path / "points.csv")
    given = ("--points", points, "--lon", "Lon", "--lat", "Lat")
    assert call("assign", *given, "--zones", tmp_path / "zones.geojson", "--out", tmp_path / "out.csv") == 0
    said = capsys.readouterr().err
    assert "Zone C has no polygon" in said
    assert "“A” and “a” (capitals)" in said
    assert "differ in their name (A: West, Old West)" in said
    assert "A (rows 1, 4)" in said
