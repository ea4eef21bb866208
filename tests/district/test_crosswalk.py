from pathlib import Path

import pandas as pd
import pytest

from safeschools_geo.district._crosswalk import _dictionary, categorize, read_crosswalk, suggest_categories
from safeschools_geo.errors import CrosswalkError
from safeschools_geo.schemas import CATEGORIES


def crosswalk(tmp_path, text):
    (tmp_path / "crosswalk.csv").write_text(text, encoding="utf-8")
    return read_crosswalk(tmp_path / "crosswalk.csv")


TEXT = (
    "source_value,category,service_min\n"
    "BATTERY,assault_battery,40\n"
    "BATTERY | SIMPLE,welfare_check,\n"
    "Noise  complaint ,non_critical,\n"
)


def column(*values):
    return pd.Series(list(values), index=range(10, 10 + len(values)), dtype="str")


def test_case_and_spaces_do_not_matter(tmp_path):
    table, findings = categorize([column("battery", " NOISE complaint")], crosswalk(tmp_path, TEXT), unmapped="stop")
    assert table["category"].tolist() == ["assault_battery", "non_critical"]
    assert table["service_min"].tolist()[0] == 40
    assert list(table.index) == [10, 11]
    assert findings == []


def test_whole_numbers_are_minutes_too(tmp_path):
    whole = crosswalk(tmp_path, "source_value,category,service_min\nBATTERY,assault_battery,40\n")
    table, _ = categorize([column("BATTERY")], whole, unmapped="stop")
    assert table["service_min"].dtype == "float64"


def test_a_column_that_nothing_reads_is_named(tmp_path):
    read = crosswalk(tmp_path, "source_value,category,severity_weight,service_min\nBATTERY,assault_battery,2,40\n")
    (found,) = read.findings()
    assert (found.severity, found.code) == ("note", "crosswalk_unused")
    assert "are not used: severity_weight." in found.message
    assert crosswalk(tmp_path, TEXT).findings() == []


def test_the_finer_value_comes_before_the_coarser(tmp_path):
    sources = [column("BATTERY", "BATTERY", "BATTERY"), column("SIMPLE", "AGGRAVATED", None)]
    table, _ = categorize(sources, crosswalk(tmp_path, TEXT), unmapped="stop")
    assert table["category"].tolist() == ["welfare_check", "assault_battery", "assault_battery"]
    assert table["source_category"].tolist()[1] == "BATTERY | AGGRAVATED"


def test_unmapped_values_stop_the_run_and_are_counted(tmp_path):
    with pytest.raises(CrosswalkError) as caught:
        categorize([column("ARSON", "ARSON", None, "BATTERY")], crosswalk(tmp_path, TEXT), unmapped="stop")
    assert "2 source values (3 incidents)" in str(caught.value)
    assert "ARSON (2)" in str(caught.value)
    assert "(empty) (1)" in str(caught.value)


def test_unmapped_values_count_as_other_work_when_asked(tmp_path):
    table, findings = categorize([column("ARSON")], crosswalk(tmp_path, TEXT), unmapped="non_critical")
    assert table["category"].tolist() == ["non_critical"]
    assert findings[0].code == "category_unmapped"
    assert findings[0].ids == ("ARSON (1) → non_critical?",)


@pytest.mark.parametrize(
    ("row", "part"), [("FIRE,burning,,", "FIRE → burning"), ("battery,weapons,,", "BATTERY → assault_battery")]
)
def test_a_wrong_crosswalk_is_refused_with_its_rows(tmp_path, row, part):
    with pytest.raises(CrosswalkError) as caught:
        crosswalk(tmp_path, TEXT + row + "\n")
    assert part in str(caught.value)


def test_without_a_crosswalk_our_own_words_are_understood(tmp_path):
    table, _ = categorize([column("weapons")], read_crosswalk(tmp_path / "none.csv"), unmapped="stop")
    assert table["category"].tolist() == ["weapons"]
    with pytest.raises(CrosswalkError, match="not there"):
        categorize([column("GUN")], read_crosswalk(tmp_path / "none.csv"), unmapped="stop")


def test_codes_that_a_spreadsheet_changed_are_named_beside_their_row(tmp_path):
    rows = crosswalk(tmp_path, "source_value,category\n0450,assault_battery\n")
    with pytest.raises(CrosswalkError) as caught:
        categorize([pd.Series(["450", "450.0", "999"])], rows, unmapped="stop")
    assert caught.value.found.startswith("450 (1); 450.0 (1); 999 (1). Written otherwise in the crosswalk: “0450” and")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source_value,category,service_min\nA,weapons,ten\n", "values of service_min that are no numbers"),
        ("source_value,category,service_mins\nA,weapons,10\n", "has no column service_min, but “service_mins”"),
    ],
)
def test_minutes_that_would_be_passed_over_are_refused(tmp_path, text, said):
    with pytest.raises(CrosswalkError, match=said):
        crosswalk(tmp_path, text)


def test_a_row_without_a_category_is_left_open(tmp_path):
    rows = crosswalk(tmp_path, "source_value,category,suggested,reason\nBATTERY,assault_battery,,\nARSON,,,\n")
    assert rows.unused == ()
    with pytest.raises(CrosswalkError, match=r"1 source value \(2 incidents\) without a category"):
        categorize([column("ARSON", "ARSON", "BATTERY")], rows, unmapped="stop")


def suggested(*values):
    return suggest_categories(dict.fromkeys(values, 1)).set_index("source_value")["suggested"].to_dict()


def test_most_calls_at_chicago_s_schools_are_suggested_as_a_person_would_map_them():
    key = pd.read_csv(Path(__file__).with_name("chicago_school_calls.csv"))
    table = suggest_categories(dict(zip(key["source_value"], key["calls"], strict=True))).merge(key, on="source_value")
    assert key["calls"].sum() == 3061
    assert table["calls"][table["suggested"] == table["category"]].sum() / 3061 > 0.95
    # What the dictionary does not know is left open: a wrong suggestion is worse than none.
    assert table["calls"][(table["suggested"] != table["category"]) & (table["suggested"] != "")].sum() < 0.01 * 3061


@pytest.mark.parametrize(
    ("values", "category"),
    [
        (
            ("245(a)(1) PC", "PC 242", "P.C. 243.4", "13A", "48900(a)(1) EC", "ADW", "FIGHT IN PROGRESS"),
            "assault_battery",
        ),
        (("626.9 PC", "PC417", "520", "MAN W/GUN", "48915(c)(1) EC", "BRANDISHING A KNIFE"), "weapons"),
        (("626.8 PC", "90J", "TRESPASS", "SUSPICIOUS PERSON ON CAMPUS"), "intruder"),
        (("11357(a) HS", "H&S 11377", "647(f) PC", "647F", "MARIJUANA", "UNDER THE INFLUENCE"), "alcohol_drugs"),
        (("5150 W&I", "WI 5585", "5150", "SUICIDAL SUBJECT", "MENTAL HEALTH"), "assessment_5150"),
        (("PC 422", "13C", "BOMB THREAT", "Threats via social media"), "threat_assessment"),
        (("WELFARE CHECK", "MISSING JUVENILE", "273A PC", "RUNAWAY"), "welfare_check"),
        (("594 PC - VANDALISM", "23C", "THEFT FROM BUILDING", "TRAFFIC STOP", "NOISE COMPLAINT"), "non_critical"),
        (("186.22 PC", "GANG ACTIVITY"), "gang_activity"),
        (("90Z", "XYZZY", "602 WI", "CODE 7"), ""),
    ],
)
def test_codes_and_words_of_each_category(values, category):
    assert suggested(*values) == dict.fromkeys(values, category)


def test_a_bare_number_is_read_in_the_system_of_its_column():
    penal = suggest_categories({"242": 50, "594": 20, "240": 10}).set_index("source_value")
    nibrs = suggest_categories({"13B": 50, "23D": 20, "240": 10}).set_index("source_value")
    assert penal["suggested"]["240"] == "assault_battery"
    assert nibrs["suggested"]["240"] == "non_critical"
    assert "but NIBRS: motor vehicle theft" in penal["reason"]["240"]


def test_every_entry_of_the_dictionary_is_one_of_our_categories_or_open():
    entries = [entry for codes in _dictionary().values() for entry in codes.values()]
    assert {category for category, _ in entries} == {*CATEGORIES, ""}
    assert all(meaning for _, meaning in entries)
