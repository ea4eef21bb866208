"""A district folder proposed from files as agencies write them: the same town, written in many ways."""

import json
import tomllib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import safeschools_geo as ssg
from safeschools_geo.district import NewDistrict, new_district
from safeschools_geo.district._propose import level_of
from safeschools_geo.errors import FileReadError, OutputError

WEST, SOUTH = -121.40, 38.56
STEP = 0.02
TYPES = ["242 PC", "BATTERY", "WELFARE CHECK", "TRESPASS", "594 PC - VANDALISM", "CODE 7"]
TREES = ["Ash", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gum", "Hazel", "Ivy"]
LEVELS = ["K-6", "7-8", "9-12"]
TERM = '\n[[terms]]\nname = "Fall 2025"\nstart = 2025-08-18\nend = 2025-12-19\n'


def town_schools():
    return pd.DataFrame(
        {
            "Site Code": [f"01{n:02d}" for n in range(1, 10)],
            "School Name": [f"{word} School" for word in TREES],
            "Grades": [LEVELS[n % 3] for n in range(9)],
            "Students": [300 + 50 * n for n in range(9)],
            "Long": [WEST + STEP * (n % 3 + 0.5) for n in range(9)],
            "Lat": [SOUTH + STEP * (n // 3 + 0.5) for n in range(9)],
        }
    )


def town_zones():
    boxes = [shapely.box(WEST + STEP * n, SOUTH, WEST + STEP * (n + 1), SOUTH + 3 * STEP) for n in range(3)]
    return gpd.GeoDataFrame({"Beat": ["A1", "B2", "C3"], "geometry": boxes}, crs="EPSG:4326")


def town_calls(number=240):
    schools = town_schools()
    rng = np.random.default_rng(7)
    which = rng.integers(0, 9, number)
    days = pd.Timestamp("2025-08-18") + pd.to_timedelta(rng.integers(0, 120, number), unit="D")
    at = days + pd.to_timedelta(rng.integers(8 * 60, 15 * 60, number), unit="min")
    return pd.DataFrame(
        {
            "CAD Number": [f"25-{n:05d}" for n in range(number)],
            "Call Received": at.strftime("%m/%d/%Y %H:%M"),
            "Call Type": [TYPES[n % 6] for n in range(number)],
            "Longitude": (schools["Long"].to_numpy()[which] + rng.normal(0, 2e-4, number)).round(6),
            "Latitude": (schools["Lat"].to_numpy()[which] + rng.normal(0, 2e-4, number)).round(6),
        }
    )


def made(tmp_path, calls, *, schools=None, **files):
    (town_schools() if schools is None else schools).to_csv(tmp_path / "directory.csv", index=False)
    town_zones().to_file(tmp_path / "beats.geojson")
    calls.to_csv(tmp_path / "cad.csv", index=False)
    given = {"schools": "directory.csv", "zones": "beats.geojson", **files}
    return new_district(
        tmp_path / "ours", **{name: tmp_path / file for name, file in given.items()}, incidents=[tmp_path / "cad.csv"]
    )


def proposed(found: NewDistrict, table, key):
    return next((guess.value for guess in found.guesses if (guess.table, guess.key) == (table, key)), None)


def asked(found: NewDistrict):
    return " ".join(f"{question.text} {question.setting}" for question in found.questions)


def read(found: NewDistrict):
    """Answer what only a person can, and read the district."""
    toml = found.folder / "district.toml"
    text = toml.read_text("utf-8").replace("[incidents]\n", '[incidents]\nunmapped = "non_critical"\n', 1)
    toml.write_text(text + TERM, encoding="utf-8")
    return ssg.read_district(found.folder)


def test_a_town_runs_when_its_questions_are_answered(tmp_path):
    found = made(tmp_path, town_calls())
    assert proposed(found, "schools.columns", "school_id") == "Site Code"
    assert proposed(found, "schools.levels", "K-6") == "elementary"
    assert proposed(found, "zones.columns", "zone_id") == "Beat"
    assert proposed(found, "incidents.columns", "category") == "Call Type"
    assert proposed(found, "incidents", "day_first") is False
    district = read(found)
    assert district.counts["incidents"] == {"read": 240, "kept": 240, "rejected": 0}
    assert district.counts["schools"]["kept"] == 9
    assert district.incidents["school_id"].notna().mean() > 0.95
    assert district.schools["enrollment"].sum() == 4500
    categories = district.incidents["category"].value_counts()
    assert categories.to_dict() == {
        "assault_battery": 80,
        "non_critical": 80,
        "welfare_check": 40,
        "intruder": 40,
    }


def test_every_line_has_its_evidence_and_every_question_its_setting(tmp_path):
    found = made(tmp_path, town_calls())
    toml = (found.folder / "district.toml").read_text("utf-8")
    lines = [line for line in toml.splitlines() if " = " in line and not line.startswith("#")]
    own = ("name =", "time_zone =", "start =", "end =")
    assert all(" # " in line for line in lines if not line.startswith(own))
    assert "Long" in toml
    assert "100 % in −121.4…−121.3: longitude" in toml
    page = (found.folder / "questions.md").read_text("utf-8")
    assert all(question.text in page and question.setting in page for question in found.questions)
    assert "[[terms]]" in asked(found)
    assert "CODE 7 (40)" in asked(found)
    assert [line for line in toml.splitlines() if "[[terms]]" in line] == ["# [[terms]]"]


def test_the_crosswalk_has_every_value_with_its_calls_and_a_reason(tmp_path):
    found = made(tmp_path, town_calls())
    table = pd.read_csv(found.folder / "crosswalk.csv", dtype="str", keep_default_na=False)
    assert set(table["source_value"]) == set(TYPES)
    assert table["incidents"].astype(int).sum() == 240
    assert (table["in_district"].astype(int) == table["incidents"].astype(int)).all()
    assert table["at_schools"].astype(int).sum() > 220
    rows = table.set_index("source_value")
    assert rows["category"]["CODE 7"] == ""
    assert "Penal Code 242: battery" in rows["reason"]["242 PC"]


@pytest.mark.parametrize("epsg", [32610, 26910, 26942, 2226, 3857])
def test_the_system_of_coordinates_is_found_by_laying_the_points_on_the_schools(tmp_path, epsg):
    calls = town_calls()
    points = gpd.GeoSeries(gpd.points_from_xy(calls["Longitude"], calls["Latitude"]), crs=4326).to_crs(epsg)
    found = made(tmp_path, calls.assign(Longitude=points.x.round(2), Latitude=points.y.round(2)))
    there = gpd.GeoSeries(points.to_numpy(), crs=proposed(found, "incidents", "crs")).to_crs(26910)
    assert there.distance(points.to_crs(26910)).max() < 5
    assert read(found).incidents["school_id"].notna().mean() > 0.95


def test_the_columns_of_longitude_and_latitude_are_recognized_by_what_they_hold(tmp_path):
    calls = town_calls().rename(columns={"Longitude": "Y", "Latitude": "X"})
    found = made(tmp_path, calls)
    assert proposed(found, "incidents.columns", "x") == "Y"
    assert proposed(found, "incidents.columns", "y") == "X"


def test_a_date_and_a_time_of_day_in_two_columns(tmp_path):
    calls = town_calls()
    at = pd.to_datetime(calls.pop("Call Received"))
    found = made(
        tmp_path, calls.assign(**{"Call Date": at.dt.strftime("%Y-%m-%d"), "Call Time": at.dt.strftime("%H:%M")})
    )
    assert proposed(found, "incidents.columns", "occurred_at") == ["Call Date", "Call Time"]
    assert read(found).incidents["has_time"].all()


def test_the_day_first_is_inferred_from_all_rows_or_asked(tmp_path):
    calls = town_calls()
    at = pd.to_datetime(calls["Call Received"])
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    calls["Call Received"] = at.dt.strftime("%d/%m/%Y %H:%M")
    assert proposed(made(tmp_path / "a", calls), "incidents", "day_first") is True
    few = calls[at.dt.day <= 12]
    found = made(tmp_path / "b", few)
    assert proposed(found, "incidents", "day_first") is None
    assert "Does the day or the month come first" in asked(found)


@pytest.mark.parametrize("is_utc", [True, False])
def test_times_marked_as_utc_are_judged_by_when_calls_come(tmp_path, is_utc):
    calls = town_calls()
    local = pd.to_datetime(calls["Call Received"]).dt.tz_localize("America/Los_Angeles")
    marked = local.dt.tz_convert("UTC") if is_utc else local.dt.tz_localize(None)
    found = made(tmp_path, calls.assign(**{"Call Received": marked.dt.strftime("%Y-%m-%dT%H:%M:%SZ")}))
    assert proposed(found, "incidents", "times") == ("utc" if is_utc else "local_tagged_utc")
    assert read(found).incidents["occurred_at"].dt.hour.between(8, 15).all()


def test_schools_named_in_the_export_are_known_by_the_schools_themselves(tmp_path):
    calls = town_calls().drop(columns=["Longitude", "Latitude"])
    names = town_schools()["School Name"].to_numpy()
    found = made(tmp_path, calls.assign(Premise=[names[n % 9].upper() for n in range(len(calls))]))
    assert proposed(found, "incidents.columns", "school_name") == "Premise"
    assert read(found).incidents["school_id"].notna().all()


def test_rows_that_repeat_an_id_are_asked_about(tmp_path):
    calls = town_calls()
    found = made(tmp_path, pd.concat([calls, calls.iloc[:60]]))
    assert "60 of 300 rows repeat an id in CAD Number" in asked(found)


def test_words_that_nobody_can_interpret_are_asked_about_and_not_read(tmp_path):
    known = made_in(tmp_path / "known", town_calls().assign(Source=["Phone", "On-View"] * 120))
    assert proposed(known, "incidents.columns", "origin") == "Source"
    assert proposed(known, "incidents.origins", "On-View") == "officer_initiated"
    unknown = made_in(tmp_path / "unknown", town_calls().assign(Source=["Phone", "Q7"] * 120))
    assert proposed(unknown, "incidents.columns", "origin") is None
    assert "Q7 (120)" in asked(unknown)


def made_in(folder, calls):
    folder.mkdir()
    return made(folder, calls)


def test_a_second_look_keeps_what_a_person_wrote_and_says_what_is_new(tmp_path):
    found = made(tmp_path, town_calls())
    toml, crosswalk = found.folder / "district.toml", found.folder / "crosswalk.csv"
    written = crosswalk.read_text("utf-8").replace("CODE 7,,", "CODE 7,non_critical,25")
    crosswalk.write_text(written, encoding="utf-8")
    before = toml.read_bytes()
    newer = town_calls().assign(**{"Call Type": "BRANDISHING A KNIFE"})
    newer["CAD Number"] = "26-" + newer["CAD Number"].str[3:]
    newer.to_csv(tmp_path / "cad 2026.csv", index=False)
    again = new_district(found.folder, incidents=[tmp_path / "cad 2026.csv"])
    assert toml.read_bytes() == before
    assert crosswalk.read_text("utf-8").startswith(written)
    assert "Added data/incidents/cad 2026.csv." in again.changes
    assert "BRANDISHING A KNIFE (240)" in again.summary()
    assert pd.read_csv(crosswalk).set_index("source_value")["category"]["BRANDISHING A KNIFE"] == "weapons"
    once_more = new_district(found.folder)
    assert once_more.changes == ("Nothing is new: the files, their columns and their categories are as they were.",)


def test_a_file_that_is_added_is_for_its_owner_only(tmp_path):
    found = made(tmp_path, town_calls())
    town_calls().to_csv(tmp_path / "more.csv", index=False)
    new_district(found.folder, incidents=[tmp_path / "more.csv"])
    for name in ("cad.csv", "more.csv"):
        assert (found.folder / "data" / "incidents" / name).stat().st_mode & 0o077 == 0
    # A file that lies there already is looked at again, and stays.
    again = new_district(found.folder, incidents=[found.folder / "data" / "incidents" / "more.csv"])
    assert "Nothing is new" in again.summary()


def test_a_file_that_no_source_names_is_asked_about(tmp_path):
    found = made(tmp_path, town_calls())
    toml = found.folder / "district.toml"
    toml.write_text(
        toml.read_text("utf-8").replace("[incidents]\n", '[incidents]\nfiles = "data/incidents/cad*.csv"\n', 1), "utf-8"
    )
    town_calls().to_csv(tmp_path / "other.csv", index=False)
    assert "Of which source is other.csv?" in asked(new_district(found.folder, incidents=[tmp_path / "other.csv"]))


def test_an_export_whose_columns_changed_is_named(tmp_path):
    found = made(tmp_path, town_calls())
    town_calls().rename(columns={"Call Type": "Final Type"}).to_csv(tmp_path / "next.csv", index=False)
    again = new_district(found.folder, incidents=[tmp_path / "next.csv"])
    assert "next.csv cannot be read as the settings say" in asked(again)
    assert "Call Type" in asked(again)


def test_another_file_of_the_same_name_is_refused(tmp_path):
    found = made(tmp_path, town_calls())
    town_calls(90).to_csv(tmp_path / "cad.csv", index=False)
    before = (found.folder / "data" / "incidents" / "cad.csv").read_bytes()
    with pytest.raises(FileReadError, match="Another file of this name"):
        new_district(found.folder, incidents=[tmp_path / "cad.csv"])
    assert (found.folder / "data" / "incidents" / "cad.csv").read_bytes() == before


def test_without_files_the_folder_asks_for_them(tmp_path):
    found = new_district(tmp_path / "ours")
    assert tomllib.loads((found.folder / "district.toml").read_text("utf-8"))["district"]["name"] == "ours"
    assert "Where are the schools?" in asked(found)
    assert json.dumps(found.to_json())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError):
        new_district(tmp_path / "full")


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("K-5", "elementary"),
        ("PK-6", "elementary"),
        ("Grades 7-8", "middle"),
        ("6–8", "middle"),
        ("9-12", "high"),
        ("K-8", "k8"),
        ("K-12", "other"),
        ("ES", "elementary"),
        ("Junior High", "middle"),
        ("Senior High", "high"),
        ("Continuation", "other"),
        ("Purple", ""),
    ],
)
def test_levels_are_inferred_from_words_and_grades(value, level):
    assert level_of(value) == level


@pytest.mark.real_data
def test_san_juan_is_found_in_the_state_s_directory(real_data, tmp_path):
    data = real_data / "san_juan"
    found = new_district(
        tmp_path / "ours",
        schools=data / "cde_public_schools_sacramento_county_2018.csv",
        boundary=data / "district_2012.geojson",
        enrollment=data / "frpm_sacramento_county_2014-15.csv",
    )
    assert proposed(found, "schools", "preset") == "cde"
    assert tomllib.loads((found.folder / "district.toml").read_text("utf-8"))["district"]["name"] == "San Juan Unified"
    assert proposed(found, "schools.keep", "CDSCode") == "3467447*"
    assert proposed(found, "schools.enrollment_file", "key") == ["County Code:2", "District Code:5", "School Code:7"]
    assert "72 of 79 schools are in it" in (found.folder / "district.toml").read_text("utf-8")


@pytest.mark.real_data
def test_chicago_is_read_from_its_raw_record(real_data, tmp_path):
    data = real_data / "chicago"
    found = new_district(
        tmp_path / "ours",
        schools=data / "cps_school_locations_sy1415.csv",
        zones=data / "police_districts.geojson",
        incidents=[data / "crimes_2018_h1.parquet"],
    )
    assert proposed(found, "incidents", "times") == "local_tagged_utc"
    assert proposed(found, "incidents.columns", "category") == ["PrimaryType", "Description"]
    assert proposed(found, "zones.columns", "zone_id") == "DIST_NUM"
    open_calls = found.crosswalk.loc[found.crosswalk["category"] == "", "incidents"].sum()
    assert found.crosswalk["incidents"].sum() == 125_590
    assert open_calls < 0.02 * 125_590


def in_minutes(degrees, letters):
    size = abs(degrees)
    return f"{letters[degrees < 0]} {int(size)} {(size % 1) * 60:.4f}"


@pytest.mark.parametrize(
    ("east", "north"),
    [
        (lambda x: in_minutes(x, "EW"), lambda y: in_minutes(y, "NS")),
        (lambda x: f"{x}".replace(".", ","), lambda y: f"{y}".replace(".", ",")),
    ],
)
def test_degrees_in_other_spellings_are_proposed_as_they_will_be_read(tmp_path, east, north):
    calls = town_calls()
    calls["Longitude"], calls["Latitude"] = calls["Longitude"].map(east), calls["Latitude"].map(north)
    found = made(tmp_path, calls)
    assert proposed(found, "incidents", "crs") == "EPSG:4326"
    assert "coordinate system" not in asked(found)
    assert read(found).incidents["school_id"].notna().mean() > 0.95


def test_degrees_without_their_decimal_point_are_asked_about(tmp_path):
    calls = town_calls()
    for column in ("Longitude", "Latitude"):
        calls[column] = (calls[column] * 1e6).round().astype("int64")
    assert "degrees without their decimal point" in asked(made(tmp_path, calls))


def test_zones_without_a_crs_are_laid_on_the_schools(tmp_path):
    zones = town_zones().to_crs(2226)
    zones.to_file(tmp_path / "beats.shp")
    (tmp_path / "beats.prj").unlink()
    found = made(tmp_path, town_calls(), zones="beats.shp")
    assert proposed(found, "zones", "crs") == "EPSG:2226"
    assert "coordinate system" not in asked(found)
    written = zones.assign(the_geom=zones.geometry.to_wkt()).drop(columns="geometry")
    written.to_csv(tmp_path / "beats.csv", index=False)
    again = new_district(
        tmp_path / "again", schools=tmp_path / "directory.csv", zones=tmp_path / "beats.csv", incidents=()
    )
    assert proposed(again, "zones", "crs") == "EPSG:2226"
    written.assign(the_geom="SRID=2226;" + written["the_geom"]).to_csv(tmp_path / "beats.csv", index=False)
    third = new_district(
        tmp_path / "third", schools=tmp_path / "directory.csv", zones=tmp_path / "beats.csv", incidents=()
    )
    assert proposed(third, "zones", "crs") is None
    assert len(read(third).zones) == 3


def test_a_file_that_cannot_be_read_is_asked_about_once_and_by_the_place_it_gets(tmp_path):
    (tmp_path / "beats.kml").write_text("<html/>", encoding="utf-8")
    found = made(tmp_path, town_calls(), zones="beats.kml")
    (question,) = [one for one in found.questions if "cannot be read" in one.text]
    assert str(found.folder / "data/boundaries/beats.kml") in question.text
    assert ".safeschools" not in question.text


def test_calls_that_were_canceled_or_a_test_are_asked_about(tmp_path):
    calls = town_calls().assign(Disposition=["RPT"] * 230 + ["CAN"] * 6 + ["DUP"] * 3 + ["TEST"])
    found = made(tmp_path, calls)
    assert "Do calls count whose Disposition is CAN (6), DUP (3), TEST (1)?" in asked(found)
    assert proposed(found, "incidents.keep", "Disposition") is None
    assert "Do calls count" not in asked(made_again(tmp_path, calls.assign(Disposition="RPT")))


def made_again(tmp_path, calls):
    calls.to_csv(tmp_path / "cad.csv", index=False)
    return new_district(
        tmp_path / "again",
        schools=tmp_path / "directory.csv",
        zones=tmp_path / "beats.geojson",
        incidents=[tmp_path / "cad.csv"],
    )


def test_a_column_that_names_schools_among_other_words_is_pointed_out(tmp_path):
    calls = town_calls().drop(columns=["Longitude", "Latitude"])
    names = town_schools()["School Name"].str.upper()
    calls["Location"] = [f"{names[n % 9]} @ 1200 MAIN ST (PARKING LOT)" for n in range(len(calls))]
    question = asked(made(tmp_path, calls))
    assert "no column that names schools by themselves. 100 % of Location hold a school's name" in question


def test_ids_of_schools_that_are_none_are_asked_about_and_not_replaced_by_the_nearest(tmp_path):
    found = made(tmp_path, town_calls().assign(school_id="S-1"))
    assert "None of its values, such as 'S-1', is the id of a school, such as '0101'" in asked(found)
    assert proposed(found, "incidents", "nearest_school_m") is None


def test_longitudes_without_their_sign_do_not_decide_the_time_zone(tmp_path):
    schools = town_schools()
    found = made(tmp_path, town_calls(), schools=schools.assign(Long=-schools["Long"]))
    assert "Is the minus sign missing?" in asked(found)
    assert 'time_zone = "America/Los_Angeles"' in (found.folder / "district.toml").read_text("utf-8")


def test_a_column_of_our_own_name_is_taken_with_a_few_cells_that_do_not_fit(tmp_path):
    grades = ["K-6", "12-Sep", "8-Jun", "K-6", "7-8", "9-12", "K-6", "7-8", "PK"]
    schools = town_schools().drop(columns="Grades").assign(level=grades)
    found = made(tmp_path, town_calls(), schools=schools)
    assert proposed(found, "schools.columns", "level") == "level"
    assert proposed(found, "schools", "default_level") is None
    assert "12-Sep (1), 8-Jun (1), PK (1)? Spreadsheets make dates of grades" in asked(found)


def test_why_a_column_of_ids_is_not_taken_is_said(tmp_path):
    schools = town_schools().drop(columns="Site Code").assign(CDSCode="3.46744E+13")
    said = "CDSCode is called so, but 11 % different in every row, such as '3.46744E+13'."
    assert said in asked(made(tmp_path, town_calls(), schools=schools))


def test_words_for_no_data_are_no_cells_of_a_column(tmp_path):
    schools = town_schools().astype("str")
    schools.loc[[7, 8], ["Long", "Lat", "Grades"]] = "No Data"
    found = made(tmp_path, town_calls(), schools=schools)
    assert proposed(found, "schools.columns", "x") == "Long"
    assert proposed(found, "schools.columns", "level") == "Grades"
