"""What a file may not mean: words, names of columns, ids, places and terms that nobody has given a meaning."""

import geopandas as gpd
import pandas as pd
import pytest
import town
from shapely.geometry import Point

from safeschools_geo import io
from safeschools_geo.district._district import DistrictError, check_district, read_district
from safeschools_geo.district._settings_file import load_settings
from safeschools_geo.errors import NoRecordError, SettingsError
from safeschools_geo.term._compare import compare_terms
from safeschools_geo.term._run import run_term

SCHOOLS = "data/boundaries/schools.csv"


def incidents(**columns):
    return pd.DataFrame(town.incident_rows()).assign(**columns)


def made(folder, *, schools=None, history=None, settings=""):
    town.write_town(folder, settings=settings + town.SETTINGS, incidents=history)
    if schools is not None:
        schools(pd.read_csv(folder / SCHOOLS, dtype=str)).to_csv(folder / SCHOOLS, index=False)
    return folder


def with_section(section, lines):
    """Add lines to a section that the town's settings already have."""
    return town.SETTINGS.replace(f"[{section}]\n", f"[{section}]\n{lines}\n", 1)


def set_up(folder, section, lines, **given):
    made(folder, **given)
    (folder / "district.toml").write_text(with_section(section, lines), encoding="utf-8")
    return folder


def stopped(folder):
    """Return the findings that stop a run, by code."""
    with pytest.raises(DistrictError) as caught:
        read_district(folder)
    report = check_district(caught.value.read)
    assert not report.is_ok
    return {f.code: f for f in report.findings if f.is_blocking}


def notices(folder):
    return {f.code: f for f in check_district(read_district(folder)).findings}


def words_of(column, *words):
    return lambda schools: schools.assign(**{column: list(words)})


# Words


def test_plain_words_of_truth_are_read_whatever_their_case(tmp_path):
    for number, (yes, no) in enumerate([("Yes ", "no"), ("T", "F"), ("1.0", "0.0"), ("y", "N"), ("TRUE", "false")]):
        folder = made(tmp_path / str(number), schools=words_of("in_program", yes, no, yes))
        assert read_district(folder).schools["in_program"].tolist() == [True, False, True]


def test_a_word_that_is_neither_true_nor_false_stops_the_run_with_all_words_and_their_numbers(tmp_path):
    folder = made(tmp_path, schools=words_of("in_program", "Active", "X", "X"))
    finding = stopped(folder)["in_program_unknown"]
    assert "3 of 3 rows of schools.csv" in finding.message
    assert finding.message.endswith("“X” (2), “Active” (1).")
    assert finding.ids == ("001", "002", "003")
    assert '[schools.in_program] in district.toml: "Active" = …, "X" = …' in finding.remedy


def test_a_blank_truth_is_not_no_until_a_setting_says_so(tmp_path):
    blank = words_of("in_program", "X", None, "X")
    finding = stopped(set_up(tmp_path / "a", "schools", 'in_program = ["x"]', schools=blank))["in_program_unknown"]
    assert finding.message.endswith("(blank) (1).")
    folder = set_up(tmp_path / "b", "schools", 'in_program = { X = true, "" = false }', schools=blank)
    assert read_district(folder).schools["in_program"].tolist() == [True, False, True]


def test_without_a_column_in_program_it_is_said_what_is_assumed(tmp_path):
    folder = made(tmp_path, schools=lambda s: s.drop(columns="in_program"))
    assert notices(folder)["in_program_assumed"].severity == "note"


def test_a_level_that_is_not_ours_stops_the_run_until_one_is_given(tmp_path):
    spans = words_of("level", "K-6", "9-12", "Middle")
    assert stopped(made(tmp_path / "a", schools=spans))["level_unknown"].message.endswith("“9-12” (1), “K-6” (1).")
    mapped = set_up(tmp_path / "b", "schools", 'levels = { "k-6" = "elementary", "9-12" = "high" }', schools=spans)
    assert read_district(mapped).schools["level"].tolist() == ["elementary", "high", "middle"]
    default = set_up(tmp_path / "c", "schools", 'default_level = "other"', schools=spans)
    assert notices(default)["level_unknown"].severity == "note"


@pytest.mark.parametrize(("column", "ours"), [("origin", "officer_initiated"), ("responder", "unknown")])
def test_words_of_incidents_stop_the_run_until_they_have_a_meaning(tmp_path, column, ours):
    history = incidents(**{column: ["On-view"] * 3 + [None] * 7})
    finding = stopped(made(tmp_path / "a", history=history))[f"{column}_unknown"]
    assert finding.message.endswith("“On-view” (3).")
    assert finding.ids == ("I1", "I2", "I3")
    folder = set_up(tmp_path / "b", "incidents", f'{column}s = {{ On-view = "{ours}" }}', history=history)
    read = read_district(folder).incidents[column]
    expected = ["officer_initiated"] * 3 + ["reported"] * 7 if column == "origin" else [None] * 10
    assert [None if pd.isna(word) else word for word in read] == expected


# Columns


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("enrolment", "enrollment"), ("in_programme", "in_program"), ("enrollmnet", "enrollment"), ("levels", "level")],
)
def test_a_column_one_slip_away_from_an_optional_one_stops_the_run(tmp_path, theirs, ours):
    folder = made(tmp_path, schools=lambda s: s.rename(columns={ours: theirs}))
    finding = stopped(folder)["column_nearly_named"]
    assert finding.message == f"schools.csv has no column {ours}, but “{theirs}”, which is not read."
    assert f'[schools.columns] in district.toml: {ours} = "{theirs}"' in finding.remedy


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("recieved_at", "received_at"), ("occured_to", "occurred_to"), ("incident_di", "incident_id"), ("arrived", None)],
)
def test_columns_of_incidents_that_are_nearly_ours(tmp_path, theirs, ours):
    history = incidents(**{theirs: "2025-09-02 10:00"}).drop(columns=["incident_id"] if ours == "incident_id" else [])
    folder = made(tmp_path, history=history)
    if ours is None:
        assert "column_nearly_named" not in notices(folder)
    else:
        assert stopped(folder)["column_nearly_named"].message.startswith(f"history.csv has no column {ours}, but")


def test_the_settings_can_say_that_a_column_is_not_meant(tmp_path):
    folder = set_up(
        tmp_path,
        "schools",
        'columns = { enrollment = "" }',
        schools=lambda s: s.rename(columns={"enrollment": "enrollment"}),
    )
    assert read_district(folder).schools["enrollment"].isna().all()


def test_case_and_blanks_are_read_through_and_said(tmp_path):
    folder = made(tmp_path, history=incidents().rename(columns={"incident_id": "Incident ID"}))
    assert read_district(folder).incidents["incident_id"].tolist()[:2] == ["I1", "I2"]
    assert notices(folder)["columns_respelled"].message.endswith("read are Incident ID as incident_id.")


def test_names_that_a_shapefile_cut_are_taken_as_the_names_they_are_and_said(tmp_path):
    folder = made(tmp_path, settings='[incidents.columns]\ncategory = "call_category_code"\n')
    (folder / "district.toml").write_text(
        town.SETTINGS.replace("[incidents]\n", '[incidents]\ncolumns = { category = "call_category_code" }\n'), "utf-8"
    )
    rows = pd.DataFrame(town.incident_rows())
    layer = gpd.GeoDataFrame(
        rows.rename(columns={"incident_id": "incident_i", "occurred_at": "occurred_a", "category": "call_categ"}).drop(
            columns=["x", "y"]
        ),
        geometry=[Point(x, y) for x, y in zip(rows["x"], rows["y"], strict=True)],
        crs=4326,
    ).assign(dispatched=rows["occurred_at"])
    (folder / "data/incidents/history.csv").unlink()
    layer.to_file(folder / "data/incidents/history.shp")
    district = read_district(folder)
    assert district.incidents["incident_id"].tolist() == rows["incident_id"].tolist()
    assert district.incidents["dispatched_at"][0] == district.incidents["occurred_at"][0]
    (finding,) = [f for f in district.findings if f.code == "columns_cut"]
    assert "incident_i as incident_id" in finding.message
    assert "dispatched as dispatched_at" in finding.message
    assert not [f for f in district.findings if f.code == "column_nearly_named"]


@pytest.mark.parametrize(
    ("section", "lines", "words"),
    [
        ("schools", 'columns = { name = "Nmae" }', "The file has no column Nmae. Close to it: name."),
        ("incidents", 'columns = { responder = "unit" }', "The file has no column unit."),
    ],
)
def test_an_optional_column_that_the_settings_name_has_to_be_there(tmp_path, section, lines, words):
    with pytest.raises(DistrictError, match=words):
        read_district(set_up(tmp_path, section, lines))


@pytest.mark.parametrize(
    ("section", "lines", "words"),
    [
        ("schools", 'columns = { enrolment = "Students" }', "did you mean 'enrollment'?"),
        ("schools", 'columns = { school_id = ["a", "b"] }', "expected one column, found 2"),
        ("schools", "columns = { level = [] }", "names no column"),
        ("incidents", 'columns = { wkt = "shape", x = "lon" }', "x and y are not read"),
    ],
)
def test_names_of_columns_that_would_be_ignored_are_refused(tmp_path, section, lines, words):
    with pytest.raises(SettingsError) as caught:
        load_settings(set_up(tmp_path, section, lines))
    assert words in str(caught.value)


@pytest.mark.parametrize("time", ["10:05", "10:05:00", "10:05 AM"])
def test_a_date_and_a_time_of_day_make_one_moment(tmp_path, time):
    history = incidents(day="2025-09-02", clock=[time] * 9 + [None]).drop(columns="occurred_at")
    folder = set_up(tmp_path, "incidents", 'columns = { occurred_at = ["day", "clock"] }', history=history)
    read = read_district(folder).incidents
    assert read["has_time"].tolist() == [True] * 9 + [False]
    assert set(read["occurred_at"].dt.strftime("%Y-%m-%d %H:%M")) == {"2025-09-02 10:05", "2025-09-02 00:00"}


# Ids


def test_what_spreadsheets_do_to_ids_leaves_their_key():
    ids = pd.Series(["0123", "123", "123.0", " 1 23", "1.23E+02", "A-001", "a-1", "2E47", "2e47", None, "10.01"])
    key = io.id_key(ids)
    assert key[:5].tolist() == ["123"] * 5
    assert key[5] == key[6] == "a-1"
    assert key[7] == key[8] == "2e47"
    assert pd.isna(key[9])
    assert key[10] == "10.01"


@pytest.mark.parametrize(
    ("given", "known", "said"),
    [
        ("101", "0101", "leading zeros"),
        ("101.0", "101", "a decimal"),
        ("101.0", "0101", "a decimal and leading zeros"),
        ("a 1", "A1", "blanks and capitals"),
        ("1.01E+02", "101", "scientific notation"),
        ("101", "1.01e+2", "scientific notation"),
    ],
)
def test_it_is_said_how_ids_differ(given, known, said):
    assert io.difference_text(given, known) == said


def spoiled(ids):
    """Write the school ids 001, 002, 003 of the incidents otherwise."""
    return incidents().assign(school_id=lambda d: d["school_id"].map(ids))


@pytest.mark.parametrize("pattern", ["{}", "{}.0"])
def test_school_ids_that_a_spreadsheet_changed_stop_the_run_with_the_reason(tmp_path, pattern):
    history = spoiled({f"00{n}": pattern.format(n) for n in (1, 2, 3)})
    finding = stopped(made(tmp_path / "a", history=history))["school_id_alike"]
    assert finding.message.startswith("9 of 9 incidents with a school id")
    assert f"“{pattern.format(1)}” for “001”" in finding.message
    same = read_district(set_up(tmp_path / "b", "incidents", 'similar_ids = "same"', history=history))
    assert same.incidents["school_id"].dropna().tolist() == incidents()["school_id"].dropna().tolist()


def test_school_ids_of_which_none_is_known_stop_the_run_and_a_few_are_a_warning(tmp_path):
    other = {f"00{n}": f"Z{n}" for n in (1, 2, 3)}
    assert (
        "No school id that an incident names"
        in stopped(made(tmp_path / "a", history=spoiled(other)))["school_id_unknown"].message
    )
    some = made(tmp_path / "b", history=spoiled({**other, "001": "001"}))
    assert notices(some)["school_id_unknown"].severity == "warning"


def test_ids_in_scientific_notation_have_lost_their_digits(tmp_path):
    folder = made(tmp_path, schools=words_of("school_id", "3.46745E+13", "3.46745E+13", "3.46745E+13"))
    finding = stopped(folder)["ids_scientific"]
    assert finding.message.startswith("3 of 3 values of school_id in schools.csv are in scientific notation")


def two_exports(folder, second, settings=None):
    made(folder)
    second.to_csv(folder / "data/incidents/second.csv", index=False)
    if settings:
        (folder / "district.toml").write_text(with_section("incidents", settings), encoding="utf-8")
    return folder


def zeros_before(ids):
    return "i" + "0" + ids.str[1:]


def test_the_same_calls_under_ids_that_differ_in_zeros_and_case_count_once(tmp_path):
    again = incidents().assign(incident_id=lambda d: zeros_before(d["incident_id"]))
    district = read_district(two_exports(tmp_path / "a", again))
    assert district.counts["incidents"] == {"read": 20, "kept": 10, "rejected": 10}
    assert set(district.rejects["reason_code"]) == {"same_call_other_id"}
    (finding,) = [f for f in district.findings if f.code == "same_call_other_id"]
    assert finding.message.startswith("10 rows repeating a call")
    assert "“I1” and “i01” (capitals and leading zeros)" in finding.message
    apart = read_district(two_exports(tmp_path / "b", again, 'similar_ids = "apart"'))
    assert apart.counts["incidents"]["kept"] == 20


def test_other_calls_under_such_ids_stop_the_run_until_a_setting_decides(tmp_path):
    other = incidents(occurred_at="2025-09-04 10:00").assign(incident_id=lambda d: zeros_before(d["incident_id"]))
    finding = stopped(two_exports(tmp_path / "a", other))["ids_alike"]
    assert finding.message.startswith("10 incidents with the id of another")
    same = read_district(two_exports(tmp_path / "b", other, 'similar_ids = "same"'))
    assert same.counts["incidents"] == {"read": 20, "kept": 10, "rejected": 10}
    assert set(same.rejects["reason_code"]) == {"conflicting_id"}
    apart = read_district(two_exports(tmp_path / "c", other, 'similar_ids = "apart"'))
    assert apart.counts["incidents"]["kept"] == 20


# Places


def spread(inside, outside, shift_m):
    """Place calls of no school inside the west zone, and others so far north of it."""
    spots = [town.place(100 + n, 100) for n in range(inside)]
    spots += [town.place(100 + n, 1000 + shift_m) for n in range(outside)]
    return pd.DataFrame(
        {
            "incident_id": [f"C{n}" for n in range(len(spots))],
            "occurred_at": [f"2025-09-02 {9 + n // 60:02}:{n % 60:02}" for n in range(len(spots))],
            "category": "weapons",
            "x": [p.x for p in spots],
            "y": [p.y for p in spots],
        }
    )


@pytest.mark.parametrize(("inside", "outside", "severity"), [(1, 99, "error"), (2, 98, "warning"), (50, 50, None)])
def test_an_export_that_lies_mostly_outside_is_said_with_its_share(tmp_path, inside, outside, severity):
    folder = made(tmp_path, history=spread(inside, outside, 5_000))
    finding = notices(folder).get("export_outside_district")
    if severity is None:
        assert finding is None
        return
    assert finding.severity == severity
    share = f"{outside} of 100 incidents ({outside}.0 %) of history.csv"
    assert finding.message.startswith(f"{share} outside the district and at none of its schools, 0 of them")
    assert "whole county" in finding.message
    assert "[incidents.keep]" in finding.remedy


def test_an_export_far_away_looks_like_another_crs(tmp_path):
    finding = notices(made(tmp_path, history=spread(5, 95, 300_000)))["export_outside_district"]
    assert "95 of them more than 50 km away" in finding.message
    assert "`crs`" in finding.remedy


# Terms


def without_spring():
    return incidents().iloc[:9]


def test_a_term_without_a_record_is_an_error_and_cannot_be_run(tmp_path):
    folder = made(tmp_path, history=without_spring())
    district = read_district(folder)
    assert notices(folder)["term_without_incidents"].severity == "error"
    assert [t.name for t in district.settings.terms] == ["Fall"]
    assert [t.name for t in district.terms] == ["Fall", "Spring"]
    for term in (None, "Spring"):
        with pytest.raises(NoRecordError, match="The record holds no incident of the term Spring") as caught:
            run_term(folder, term=term)
        assert caught.value.found == "9 incidents from 2025-09-02 to 2025-09-06"
        assert '--term "Fall"' in caught.value.remedy
    assert district.term("Fall").name == "Fall"
    with pytest.raises(NoRecordError):
        compare_terms(folder, "Fall", "Spring")
    with pytest.raises(SettingsError, match="There is no such term"):
        district.term("Summer")


def test_a_term_without_a_record_before_the_one_that_is_run_is_left_out_and_said(tmp_path):
    folder = made(tmp_path, history=incidents().iloc[9:])
    result = run_term(folder, proposes=False, covers=False, protects=False)
    assert result.workload["term"].unique().tolist() == ["Spring"]
    assert "The record holds no incident of Fall, so no trend and no comparison has it." in result.summary()


def test_a_history_that_ends_before_every_term_is_an_error(tmp_path):
    folder = made(tmp_path, history=incidents(occurred_at="2024-09-03 10:00"))
    findings = [f for f in check_district(read_district(folder)).findings if f.code == "term_without_incidents"]
    assert [(f.severity, f.ids) for f in findings] == [("error", ("Fall",)), ("error", ("Spring",))]
    with pytest.raises(NoRecordError):
        run_term(folder)


def test_one_export_without_rows_among_others_is_an_error_that_stops_nothing(tmp_path):
    folder = two_exports(tmp_path, incidents().iloc[:0])
    finding = notices(folder)["export_empty"]
    assert (finding.severity, finding.is_blocking) == ("error", False)
    assert finding.message == "second.csv has no rows, only the names of its columns."
