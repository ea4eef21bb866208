"""A whole district folder, clean and with a fault in every table."""

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import town
from drawing import by_code

from safeschools_geo.district._district import DistrictError, check_district, read_district

SETTINGS = town.SETTINGS.replace("zones = 2", "zones = 2\nis_synthetic = true")


@pytest.fixture
def clean(tmp_path):
    return town.write_town(tmp_path, settings=SETTINGS)


def test_a_clean_town_has_neither_errors_nor_warnings(clean):
    report = check_district(read_district(clean))
    assert report.is_ok
    assert report.count("warning") == 0
    assert report.is_synthetic
    assert report.district == "Twosquare"
    assert report.counts["incidents"] == {"read": 10, "kept": 10, "rejected": 0}


def test_every_table_s_faults_are_in_one_report_worst_first(clean):
    zones = town.zones().set_geometry([town.square(0, 0, 1010, 1000), town.square(1000, 0, 2000, 1000)], crs=4326)
    zones.to_file(clean / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    district = gpd.GeoDataFrame(geometry=[town.square(0, 0, 2000, 1200)], crs=4326)
    district.to_file(clean / "data/boundaries/district.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    schools = clean / "data/boundaries/schools.csv"
    text = schools.read_text(encoding="utf-8")
    gone = town.place(500, 1100)
    schools.write_text(f"{text}004,Under Hill,high,0,Twosquare,true,{gone.x},{gone.y}\n", encoding="utf-8")
    rows = [*town.incident_rows(), {**town.incident_rows()[0], "incident_id": "X", "occurred_at": "soon"}]
    rows += [{**town.incident_rows()[0], "incident_id": "Y", "x": 0, "y": 0}]
    pd.DataFrame(rows).to_csv(clean / "data/incidents/history.csv", index=False)

    report = check_district(read_district(clean))
    found = by_code(report.findings)
    assert not report.is_ok
    assert {f.severity for f in found["zones_overlap"]} == {"error"}
    assert "10,000 m²" in found["zones_overlap"][0].message
    assert "0.40 km²" in found["zones_gap"][0].message  # 2,000 m × 200 m
    assert found["school_outside_zones"][0].message == "1 program school outside every zone: 004 by 100 m."
    assert found["enrollment_unlikely"][0].ids == ("004",)
    assert found["unreadable_time"][0].ids == ("X",)
    assert found["coordinates_null_island"][0].ids == ("Y",)
    severities = [f.severity for f in report.findings]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert all(f.remedy and f.message.endswith(".") for f in report.findings)
    assert json.loads(report.to_json())["is_ok"] is False


def test_the_same_folder_gives_the_same_report(clean):
    assert check_district(read_district(clean)).to_json() == check_district(read_district(clean)).to_json()


def test_a_district_without_a_history_is_checked(clean):
    (clean / "data/incidents/history.csv").unlink()
    report = check_district(read_district(clean))
    assert "no_incidents" in by_code(report.findings)
    assert report.is_ok


def test_a_term_whose_calls_are_nobody_s_work_is_reported_with_why(clean):
    rows = pd.DataFrame(town.incident_rows()).assign(category="non_critical")
    rows.to_csv(clean / "data/incidents/history.csv", index=False)
    (finding,) = by_code(check_district(read_district(clean)).findings)["term_without_work"]
    assert "not one of the eight critical categories" in finding.message


def test_a_term_whose_calls_come_at_night_may_have_local_times_that_are_marked_as_utc(clean):
    rows = pd.DataFrame(town.incident_rows())
    rows = rows.assign(occurred_at="2025-09-02T11:00:00Z", category="weapons", school_id="001")
    rows.to_csv(clean / "data/incidents/history.csv", index=False)
    settings = (clean / "district.toml").read_text("utf-8")
    settings = settings.replace("[incidents]\n", '[incidents]\ntime_of_day = { occurred_at = "known" }\n', 1)
    (clean / "district.toml").write_text(settings, encoding="utf-8")
    # 11:00 UTC is 4:00 in California in September.
    (finding,) = by_code(check_district(read_district(clean)).findings)["term_without_work"]
    assert "outside program hours" in finding.message
    assert 'times = "local_tagged_utc"' in finding.remedy


def test_a_district_on_both_sides_of_the_180th_meridian_is_refused_by_name(clean):
    sides = gpd.GeoDataFrame(
        {"zone_id": ["1", "2"], "name": ["East", "West"]},
        geometry=[shapely.box(179.9, 51, 180, 52), shapely.box(-180, 51, -179.9, 52)],
        crs=4326,
    )
    sides.to_file(clean / "data/boundaries/zones.geojson", driver="GeoJSON")
    with pytest.raises(DistrictError, match="both sides of the 180th meridian"):
        read_district(clean)
