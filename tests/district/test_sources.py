"""Several sources of one history: each with its own columns, and a call that two of them hold is one call."""

import pandas as pd
import pytest
import town

import safeschools_geo as ssg
from safeschools_geo.errors import SettingsError

HEAD, _, TAIL = town.SETTINGS.partition("[incidents]")
REST = TAIL[TAIL.index("\n[") :] if "\n[" in TAIL else ""

SOURCES = """
[[incidents]]
name = "dispatch"
files = "data/incidents/cad.csv"
crs = "EPSG:4326"
unmapped = "non_critical"
columns = { incident_id = "CAD", occurred_at = "Received", category = "Type", x = "Lon", y = "Lat" }

[[incidents]]
name = "reports"
files = ["data/incidents/rms*.csv"]
columns = { incident_id = "Case", occurred_at = "When", category = "Offense", school_id = "Site" }
"""


def read(folder, *, sources=SOURCES, more_in_reports=()):
    folder = town.write_town(folder, settings=HEAD + sources + REST)
    (folder / "data/incidents/history.csv").unlink()
    spot = town.place(500, 400)
    cad = pd.DataFrame(
        {
            "CAD": ["1", "2", "3"],
            "Received": ["2025-09-02 10:00", "2025-09-03 11:00", "2025-09-04 12:00"],
            "Type": ["weapons", "", "intruder"],
            "Lon": [spot.x] * 3,
            "Lat": [spot.y] * 3,
        }
    )
    rms = [
        ("2", "2025-09-03 11:00", "gang_activity", "001"),
        ("3", "2025-09-04 12:30", "weapons", "002"),
        ("4", "2025-09-05 09:00", "welfare_check", "001"),
    ]
    cad.to_csv(folder / "data/incidents/cad.csv", index=False)
    reports = pd.DataFrame([*rms, *more_in_reports], columns=["Case", "When", "Offense", "Site"])
    reports.to_csv(folder / "data/incidents/rms1.csv", index=False)
    return ssg.read_district(folder)


def test_each_source_is_read_by_its_own_columns_and_makes_one_history(tmp_path):
    district = read(tmp_path)
    calls = district.incidents.set_index("incident_id")
    assert list(calls.index) == ["1", "2", "3", "4"]
    assert calls["category"].to_dict() == {
        "1": "weapons",
        "2": "gang_activity",  # dispatch did not say
        "3": "intruder",  # dispatch comes first
        "4": "welfare_check",
    }
    assert calls["school_id"].fillna("").to_dict() == {"1": "", "2": "001", "3": "002", "4": "001"}
    assert calls.geometry.notna().to_dict() == {"1": True, "2": True, "3": True, "4": False}
    assert calls.loc["3", "occurred_at"].strftime("%H:%M") == "12:00"


def test_every_row_of_every_source_is_accounted_for(tmp_path):
    district = read(tmp_path)
    assert district.counts["incidents"] == {"read": 6, "kept": 4, "rejected": 2}
    again = district.rejects[district.rejects["reason_code"] == "same_call_other_source"]
    assert again["id"].tolist() == ["2", "3"]
    assert "The same call is in cad.csv, row 2" in again["reason"].iloc[0]


def test_what_sources_contradict_each_other_in_is_counted(tmp_path):
    (finding,) = [f for f in read(tmp_path).findings if f.code == "same_call_other_source"]
    assert finding.severity == "warning"
    assert "2 calls stand in several sources and count once" in finding.message
    assert "1 in the moment" in finding.message
    assert "1 in category" in finding.message
    assert "dispatch, reports" in finding.remedy


def test_the_order_of_the_sources_decides(tmp_path):
    first, _, second = SOURCES.strip().partition("\n\n")
    turned = f"\n{second}\n\n{first}\n"
    assert read(tmp_path, sources=turned).incidents.set_index("incident_id").loc["3", "category"] == "weapons"


def test_all_who_came_are_kept_of_units_and_of_sources(tmp_path):
    who = 'responder = "Unit", '
    meant = 'responders = { P = "patrol", Z = "zone_officer", B = "backup_officer", "?" = "unknown" }\n'
    sources = SOURCES.replace('{ incident_id = "CAD"', f'{{ {who}incident_id = "CAD", arrived_at = "Arrived"')
    sources = sources.replace('{ incident_id = "Case"', f'{{ {who}incident_id = "Case"')
    sources = sources.replace("columns =", f'{meant}rows = "unit"\ncolumns =')
    folder = town.write_town(tmp_path, settings=HEAD + sources + REST)
    (folder / "data/incidents/history.csv").unlink()
    cad = [
        *[("1", "P", "10:20"), ("1", "Z", "10:10"), ("1", "P", "10:05"), ("1", "?", "10:01")],  # by first arrival
        *[("2", "B", ""), ("2", "Z", ""), ("2", "P", "10:30")],  # those whose arrival is unknown as they are listed
        *[("3", "?", "10:00"), ("4", "Z", ""), ("5", "", "")],
    ]
    rows = pd.DataFrame(cad, columns=["CAD", "Unit", "Arrived"]).replace("", None)
    rows["Arrived"] = "2025-09-02 " + rows["Arrived"]
    rows.assign(Received="2025-09-02 10:00", Type="weapons", Lon=town.place(1, 1).x, Lat=town.place(1, 1).y).to_csv(
        folder / "data/incidents/cad.csv", index=False
    )
    reports = pd.DataFrame({"Case": list("33445"), "Unit": list("BPPZ?"), "When": "2025-09-02 10:00", "Site": "001"})
    reports.assign(Offense="weapons").to_csv(folder / "data/incidents/rms1.csv", index=False)
    calls = ssg.read_district(folder).incidents.set_index("incident_id")
    assert calls["responders"].fillna("").to_dict() == {
        "1": "patrol;zone_officer",
        "2": "patrol;backup_officer;zone_officer",
        "3": "backup_officer;patrol",
        "4": "zone_officer;patrol",
        "5": "",
    }
    assert (calls["responder"].fillna("") == calls["responders"].fillna("").str.partition(";")[0]).all()


def test_repeats_inside_a_source_are_reported_as_ever(tmp_path):
    district = read(tmp_path, more_in_reports=[("4", "2025-09-05 09:00", "welfare_check", "001")])
    codes = district.rejects["reason_code"].value_counts().to_dict()
    assert codes == {"same_call_other_source": 2, "exact_duplicate": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('files = "data/incidents/cad.csv"\n', ""), r"\[\[incidents\]\] 1: files: missing"),
        (('name = "reports"', 'name = "reports"\nunmapped = "stop"'), "holds for all sources together"),
        (('name = "reports"', 'nome = "reports"'), r"\[\[incidents\]\] 2 nome: no such setting; did you mean 'name'"),
        (('Site" }', 'Site", shoe = "x" }'), "shoe: no such column"),
    ],
)
def test_settings_of_sources_that_make_no_sense_are_named(tmp_path, change, said):
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, sources=SOURCES.replace(*change))
