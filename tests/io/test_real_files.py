"""Public records as they were published: what is known of them must come out."""

import pandas as pd
import pytest

from safeschools_geo import io

pytestmark = pytest.mark.real_data


def read(real_data, name):
    return io.read_table(real_data / name)


def test_every_file_is_read_without_a_reject(real_data):
    files = [f for folder in sorted(real_data.iterdir()) if folder.is_dir() for f in io.find_files(folder, "*")]
    assert len(files) == 20
    for file in files:
        raw = io.read_table(file)
        assert len(raw.rejects) == 0, file.name
        assert raw.findings == (), file.name


def test_the_school_directory_keeps_its_ids(real_data):
    raw = read(real_data, "san_juan/cde_public_schools_sacramento_county_2018.csv")
    assert len(raw.frame) == 628
    assert raw.frame["CDSCode"].str.fullmatch(r"\d{14}").all()
    assert raw.frame["CDSCode"].str.startswith("3467447").sum() == 123
    assert (raw.encoding, raw.delimiter) == ("utf-8", ",")
    places = io.points(raw, {"x": "Longitude", "y": "Latitude"}, crs=4326, name="schools")
    assert set(places.fault.dropna()) == {"missing_coordinates"}
    changed = io.parse_times(raw.frame["LastUpDate"], time_zone="America/Los_Angeles", midnight_is_unknown=True)
    assert changed.at.notna().all()
    assert not changed.has_time.any()


def test_a_blank_row_is_no_row_and_the_total_of_the_state_is_one(real_data):
    raw = read(real_data, "san_juan/frpm_sacramento_county_2014-15.csv")
    assert raw.frame.index[-3:].tolist() == [391, 392, 394]
    assert raw.frame["School Code"].isna().tolist()[-2:] == [False, True]
    assert raw.frame.loc[1, "School Code"] == "0106229"


def test_an_invalid_boundary_is_read_for_repair(real_data):
    raw = read(real_data, "san_juan/district_2012_self_intersecting.geojson")
    assert raw.geometry.is_valid.tolist() == [False]


def test_chicago_s_history_keeps_its_index_and_its_wall_time(real_data):
    raw = read(real_data, "chicago/crimes_2018_h1.parquet")
    assert len(raw.frame) == 125_590
    assert str(raw.frame["Date"].dtype) == "datetime64[us, UTC]"
    times = io.parse_times(raw.frame["Date"], time_zone="America/Chicago", times="local_tagged_utc")
    assert times.fault.isna().all()
    assert times.has_time.all()
    gap = raw.frame["Date"].dt.tz_localize(None).between("2018-03-11 02:00:00", "2018-03-11 02:59:59")
    assert (times.notes == "dst_gap_shifted").sum() == gap.sum() == 8
    wall = times.at.dt.tz_localize(None)
    assert (wall[~gap] == raw.frame["Date"].dt.tz_localize(None)[~gap]).all()
    places = io.points(raw, {"x": "Longitude", "y": "Latitude"}, crs=4326, name="incidents")
    assert (places.fault == "missing_coordinates").sum() == places.geometry.isna().sum() == 686


def test_chicago_s_districts_meet_whether_kept_as_text_or_as_numbers(real_data):
    zones = io.as_text(read(real_data, "chicago/police_districts.geojson").frame["DIST_NUM"])
    incidents = io.as_text(read(real_data, "chicago/crimes_2018_h1.parquet").frame["District"])
    assert set(incidents.dropna()) <= set(zones)
    assert zones.value_counts()["31"] == 3


def test_school_sites_of_chicago_are_placed_by_their_wkt(real_data):
    raw = read(real_data, "chicago/cps_school_locations_sy1415.csv")
    by_wkt = io.points(raw, {}, crs=4326, name="schools").geometry
    by_xy = io.points(raw, {"x": "X", "y": "Y"}, crs=4326, name="schools").geometry
    assert len(by_wkt) == 680
    assert (abs(by_wkt.x - by_xy.x) < 1e-8).all()
    assert (abs(by_wkt.y - by_xy.y) < 1e-8).all()


def test_carrollton_s_grids_stay_text(real_data):
    areas = read(real_data, "carrollton/ReportingAreas.shp")
    assert len(areas.frame) == 325
    assert areas.geometry.crs.to_epsg() == 2276
    assert "2E47" in set(areas.frame["PDGrid"])
    assert str(areas.frame["PDGrid"].dtype) == "str"
    alone = read(real_data, "carrollton/ReportingAreas.dbf")
    assert alone.geometry is None
    pd.testing.assert_frame_equal(alone.frame, areas.frame)


def test_carrollton_s_calls_are_a_table_without_a_layer(real_data):
    calls = read(real_data, "carrollton/RA_Calls.dbf")
    assert calls.geometry is None
    assert calls.frame["Cnt_ra"].sum() == 136_369
    assert calls.frame.loc[calls.frame["ra"].isna(), "Cnt_ra"].tolist() == [5438]
