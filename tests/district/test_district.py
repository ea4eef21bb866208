"""The town as a district folder, clean and in every way unclean."""

import geopandas as gpd
import pandas as pd
import pytest
import shapely
import town
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.district._district import DistrictError, read_district
from safeschools_geo.district._history import _SERIOUS
from safeschools_geo.schemas import CATEGORIES, INCIDENTS, SCHOOLS, ZONES


def codes(district):
    return {f.code for f in district.findings}


def test_a_clean_town_is_read_whole(tmp_path):
    district = read_district(town.write_town(tmp_path))
    assert district.zones["zone_id"].tolist() == ["A", "B"]
    assert district.schools["school_id"].tolist() == ["001", "002", "003"]
    assert len(district.incidents) == 10
    assert len(district.rejects) == 0
    assert district.counts["incidents"] == {"read": 10, "kept": 10, "rejected": 0}
    assert district.crs.to_epsg() == 32610
    assert set(district.sources) == {
        "data/boundaries/schools.csv",
        "data/boundaries/zones.geojson",
        "data/incidents/history.csv",
        "district.toml",
    }


def test_tables_are_in_their_schemas(tmp_path):
    district = read_district(town.write_town(tmp_path))
    assert list(district.schools.columns) == SCHOOLS.column_names
    assert list(district.incidents.columns) == INCIDENTS.column_names
    assert set(district.zones.columns) <= set(ZONES.column_names)
    for frame in (district.zones, district.schools, district.incidents):
        assert frame.crs.to_epsg() == 4326


def test_a_date_without_a_time_has_no_time(tmp_path):
    incidents = read_district(town.write_town(tmp_path)).incidents.set_index("incident_id")
    assert incidents.index[~incidents["has_time"]].tolist() == ["I5"]
    assert incidents.loc["I5", "occurred_at"] == pd.Timestamp("2025-09-03", tz=town.ZONE)


def with_rows(tmp_path, *extra, settings=town.SETTINGS):
    rows = pd.DataFrame([*town.incident_rows(), *extra])
    return read_district(town.write_town(tmp_path, incidents=rows, settings=settings))


def row(**changes):
    return {**town.incident_rows()[0], "incident_id": "X1", **changes}


def test_an_exact_duplicate_is_counted_once(tmp_path):
    district = with_rows(tmp_path, town.incident_rows()[0], town.incident_rows()[0])
    assert len(district.incidents) == 10
    assert district.rejects["reason_code"].tolist() == ["exact_duplicate", "exact_duplicate"]
    assert district.rejects["row"].tolist() == [11, 12]
    assert district.counts["incidents"] == {"read": 12, "kept": 10, "rejected": 2}


def test_the_same_id_with_other_content_is_rejected_with_a_pointer(tmp_path):
    district = with_rows(tmp_path, {**town.incident_rows()[0], "category": "weapons"})
    assert district.rejects["reason_code"].tolist() == ["conflicting_id"]
    assert "history.csv, row 1" in district.rejects["reason"].iloc[0]
    assert district.rejects["id"].tolist() == ["I1"]
    assert '"category": "weapons"' in district.rejects["row_as_read"].iloc[0]
    assert district.incidents.set_index("incident_id").loc["I1", "category"] == "assault_battery"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"incident_id": None}, "missing_id"),
        ({"occurred_at": None}, "missing_time"),
        ({"occurred_at": "soon"}, "unreadable_time"),
        ({"occurred_at": "1900-01-01"}, "sentinel_time"),
    ],
)
def test_a_row_that_cannot_be_used_is_in_quarantine(tmp_path, changes, code):
    district = with_rows(tmp_path, row(**changes))
    assert district.rejects["reason_code"].tolist() == [code]
    assert len(district.incidents) == 10


@pytest.mark.parametrize(
    ("x", "y"),
    [(0.0, 0.0), (town.place(500, 400).y, town.place(500, 400).x), (-town.place(500, 400).x, town.place(500, 400).y)],
)
def test_coordinates_that_are_no_place_are_named_and_not_used(tmp_path, x, y):
    district = with_rows(tmp_path, row(x=x, y=y))
    added = district.incidents.set_index("incident_id").loc["X1"]
    assert added.geometry is None
    assert added["school_id"] == "001"
    assert any("X1" in f.ids for f in district.findings)


def test_an_incident_without_coordinates_is_found_by_its_school_s_name(tmp_path):
    settings = town.SETTINGS.replace("[incidents]", '[incidents]\ncolumns = { school_name = "at" }')
    extra = [
        row(x=None, y=None, school_id=None, at="Plimwik Elementary"),
        row(incident_id="X2", x=None, y=None, school_id=None),
    ]
    district = with_rows(tmp_path, *extra, settings=settings)
    found = district.incidents.set_index("incident_id")
    assert found.loc["X1", ["school_id", "school_match"]].tolist() == ["001", "fuzzy_name"]
    assert pd.isna(found.loc["X2", "school_id"])
    assert district.school_review["name_in_export"].tolist() == ["Plimwik Elementary"]


def test_several_files_are_one_history(tmp_path):
    folder = town.write_town(tmp_path)
    later = pd.DataFrame([town.incident_rows()[0], row()])
    later.to_excel(folder / "data/incidents/later.xlsx", index=False)
    district = read_district(folder)
    assert len(district.incidents) == 11
    assert district.rejects[["source_file", "reason_code"]].to_numpy().tolist() == [["later.xlsx", "exact_duplicate"]]


def test_fully_equal_rows_are_counted_once_also_without_ids(tmp_path):
    rows = [*town.incident_rows(), town.incident_rows()[0]]
    district = read_district(town.write_town(tmp_path, incidents=pd.DataFrame(rows).drop(columns="incident_id")))
    assert district.incidents["incident_id"].tolist()[:2] == ["history:1", "history:2"]
    assert len(district.incidents) == 10
    assert district.rejects[["row", "reason_code"]].to_numpy().tolist() == [[11, "exact_duplicate"]]
    assert "exact_duplicate" in codes(district)


def test_rows_without_ids_that_differ_or_have_no_time_are_kept_and_said(tmp_path):
    rows = [*town.incident_rows(), town.incident_rows()[4], {**town.incident_rows()[0], "remark": "x"}]
    district = read_district(town.write_town(tmp_path, incidents=pd.DataFrame(rows).drop(columns="incident_id")))
    assert len(district.incidents) == 12
    assert "alike_without_id" in codes(district)


OFFENSES = [
    {"category": "welfare_check", "dispatched_at": "2025-09-02 10:05", "arrived_at": "2025-09-02 10:20"},
    {"category": "weapons", "arrived_at": "2025-09-02 10:12", "responder": "patrol"},
    {"category": "non_critical", "cleared_at": "2025-09-02 11:40", "arrived_at": "2025-09-02 10:30"},
]


@pytest.mark.parametrize("kind", ["offense", "unit"])
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_a_call_of_several_rows_is_one_with_its_gravest_category_and_first_arrival(tmp_path, kind, order):
    blank = {"dispatched_at": None, "arrived_at": None, "cleared_at": None, "responder": "zone_officer"}
    calls = [{**town.incident_rows()[0], **blank, **OFFENSES[n]} for n in order]
    rows = pd.DataFrame([*town.incident_rows()[1:], *calls])
    text = town.SETTINGS.replace("[incidents]", f'[incidents]\nrows = "{kind}"')
    district = read_district(town.write_town(tmp_path, incidents=rows, settings=text))
    call = district.incidents.set_index("incident_id").loc["I1"]
    assert call["category"] == "weapons"
    assert (call["responder"], call["responders"]) == ("patrol", "patrol;zone_officer")
    times = [call[name].strftime("%H:%M") for name in ("occurred_at", "dispatched_at", "arrived_at", "cleared_at")]
    assert times == ["10:00", "10:05", "10:12", "11:40"]
    assert district.counts["incidents"] == {"read": 12, "kept": 10, "rejected": 2}
    assert district.rejects["reason_code"].tolist() == ["rows_joined", "rows_joined"]
    finding = next(f for f in district.findings if f.code == "rows_joined")
    assert f"2 rows of the exports are further {kind}s" in finding.message
    assert "To 1 call several kinds of responders came" in finding.message


ROWS = st.tuples(st.integers(0, 4), st.sampled_from(list(CATEGORIES)), st.integers(0, 59))


@settings(max_examples=8)
@given(picks=st.lists(ROWS, min_size=1, max_size=15))
def test_every_row_of_an_offense_export_is_accounted_for(tmp_path_factory, picks):
    rows = [
        {**town.incident_rows()[0], "incident_id": f"C{n}", "category": c, "arrived_at": f"2025-09-02 10:{minute:02}"}
        for n, c, minute in picks
    ]
    folder = tmp_path_factory.mktemp("town") / "district"
    text = town.SETTINGS.replace("[incidents]", '[incidents]\nrows = "offense"')
    district = read_district(town.write_town(folder, incidents=pd.DataFrame(rows), settings=text))
    counts = district.counts["incidents"]
    assert counts["read"] == len(picks) == counts["kept"] + counts["rejected"]
    assert counts["kept"] == len(district.incidents) == len({n for n, _, _ in picks})
    for call in district.incidents.itertuples():
        own = [(c, minute) for n, c, minute in picks if f"C{n}" == call.incident_id]
        assert _SERIOUS.index(call.category) == min(_SERIOUS.index(c) for c, _ in own)
        assert call.arrived_at.minute == min(minute for _, minute in own)


def test_a_district_without_a_history_is_read(tmp_path):
    folder = town.write_town(tmp_path)
    (folder / "data/incidents/history.csv").unlink()
    district = read_district(folder)
    assert len(district.incidents) == 0
    assert "no_incidents" in codes(district)


def test_pieces_with_one_id_are_one_zone(tmp_path):
    folder = town.write_town(tmp_path)
    pieces = pd.concat(
        [
            town.zones(),
            gpd.GeoDataFrame(
                {"zone_id": ["A"], "name": ["West"]}, geometry=[town.square(0, 1500, 100, 1600)], crs=4326
            ),
        ]
    )
    pieces.to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON")
    district = read_district(folder)
    assert district.zones["zone_id"].tolist() == ["A", "B"]
    assert len(district.zone_pieces) == 3
    assert district.zones.geometry.iloc[0].geom_type == "MultiPolygon"


def test_every_table_s_fault_is_reported_at_once(tmp_path):
    folder = town.write_town(tmp_path)
    (folder / "data/boundaries/zones.geojson").write_text("", encoding="utf-8")
    (folder / "data/boundaries/schools.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DistrictError) as caught:
        read_district(folder)
    assert len(caught.value.faults) == 3  # an empty file; no ids; no coordinates
    assert not caught.value.report.is_ok
    assert "zones.geojson" in str(caught.value)
    assert "school_id" in str(caught.value)


def test_school_rows_are_filtered_with_a_reason(tmp_path):
    settings = town.SETTINGS.replace("[schools]", '[schools]\nkeep = { level = ["high", "ele*"] }')
    district = read_district(town.write_town(tmp_path, settings=settings))
    assert district.schools["school_id"].tolist() == ["001", "002"]
    assert district.rejects[["id", "reason_code"]].to_numpy().tolist() == [["003", "excluded_by_level"]]


def test_a_school_twice_is_kept_once(tmp_path):
    folder = town.write_town(tmp_path)
    path = folder / "data/boundaries/schools.csv"
    path.write_text(
        path.read_text(encoding="utf-8") + path.read_text(encoding="utf-8").splitlines()[1] + "\n", encoding="utf-8"
    )
    district = read_district(folder)
    assert district.schools["school_id"].tolist() == ["001", "002", "003"]
    assert district.rejects["reason_code"].tolist() == ["duplicate_id"]


def test_enrollment_from_the_sheet_and_row_that_the_settings_name(tmp_path):
    more = 'sheet = "Fall", header_row = 2'
    source = f'enrollment_file = {{ file = "e.xlsx", key = "s", value = "n", {more} }}'.replace('"s"', '["s"]')
    folder = town.write_town(tmp_path, settings=town.SETTINGS.replace("[schools]", f"[schools]\n{source}"))
    schools = pd.read_csv(folder / "data/boundaries/schools.csv", dtype=str).drop(columns="enrollment")
    schools.to_csv(folder / "data/boundaries/schools.csv", index=False)
    with pd.ExcelWriter(folder / "e.xlsx") as book:
        for sheet, students in {"Spring": [1, 2, 3, 4], "Fall": [100, 200, 300]}.items():
            ids = ["001", "002", "003", "004"][: len(students)]
            table = pd.DataFrame([["x", "y"], ["s", "n"], *zip(ids, students, strict=True)])
            table.to_excel(book, sheet_name=sheet, index=False, header=False)
    assert read_district(folder).schools["enrollment"].tolist() == [100, 200, 300]


def test_enrollment_from_a_file_of_its_own(tmp_path):
    source = 'enrollment_file = { file = "e.csv", key = ["d:1", "s:2"], value = "n" }'
    settings = town.SETTINGS.replace("[schools]", f"[schools]\n{source}")
    folder = town.write_town(tmp_path, settings=settings)
    schools = pd.read_csv(folder / "data/boundaries/schools.csv", dtype=str).drop(columns="enrollment")
    schools.to_csv(folder / "data/boundaries/schools.csv", index=False)
    (folder / "e.csv").write_text('d,s,n\n0,1,"1,234"\n0,3,many\n,,9999\n', encoding="utf-8")
    district = read_district(folder)
    assert district.schools["enrollment"].tolist()[0] == 1234
    assert district.schools["enrollment"].isna().tolist() == [False, True, True]
    (finding,) = [f for f in district.findings if f.code == "enrollment_joined"]
    assert finding.ids == ("002", "003")
    # The ids are of those that the sentence counts.
    assert finding.message == "2 of 3 schools have no enrollment in e.csv."


def zones_of(folder, *rows):
    """Write rows of (id, name, polygon) in place of the town's zones."""
    ids, names, shapes = zip(*rows, strict=True)
    frame = gpd.GeoDataFrame({"zone_id": ids, "name": names}, geometry=list(shapes), crs=4326)
    frame.to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    return folder


WEST, EAST = town.square(0, 0, 1000, 1000), town.square(1000, 0, 2000, 1000)


def found_in(folder):
    return {finding.code: finding for finding in read_district(folder).findings}


def test_ids_of_zones_that_differ_only_in_how_they_are_written_are_an_error(tmp_path):
    folder = zones_of(town.write_town(tmp_path), ("01", "West", WEST), ("1", "East", EAST))
    finding = found_in(folder)["zone_ids_alike"]
    assert finding.severity == "error"
    assert finding.ids == ("01", "1")
    assert "“01” and “1” (leading zeros)" in finding.message


def test_a_zone_that_is_given_twice_is_no_second_version_of_it(tmp_path):
    folder = zones_of(town.write_town(tmp_path), ("A", "West", WEST), ("B", "East", EAST), ("B", "East", EAST))
    found = found_in(folder)
    assert (found["zone_given_twice"].severity, found["zone_given_twice"].ids) == ("warning", ("B",))
    assert "B (rows 2, 3)" in found["zone_given_twice"].message
    older = town.square(1100, 0, 2000, 1000)
    zones_of(folder, ("A", "West", WEST), ("B", "East", EAST), ("B", "East", older))
    found = found_in(folder)
    assert (found["zone_versions"].severity, found["zone_versions"].ids) == ("error", ("B",))
    assert "zone_given_twice" not in found


def test_pieces_beside_each_other_are_no_versions(tmp_path):
    half, other = town.square(1000, 0, 1500, 1000), town.square(1500, 0, 2000, 1000)
    folder = zones_of(town.write_town(tmp_path), ("A", "West", WEST), ("B", "East", half), ("B", "East", other))
    assert not {"zone_versions", "zone_given_twice", "zone_ids_alike"} & set(found_in(folder))


def test_a_zone_without_a_polygon_is_named(tmp_path):
    folder = zones_of(town.write_town(tmp_path), ("A", "West", WEST), ("B", "East", EAST), ("C", "South", None))
    rejects = read_district(folder).rejects
    assert rejects[["row", "id", "reason_code"]].values.tolist() == [[3, "C", "zone_without_shape"]]
    assert rejects["reason"].tolist() == ["Zone C has no polygon; give it one, or delete it."]


def test_zones_with_the_latitude_first_are_blamed_and_not_the_schools(tmp_path):
    def turned(shape):
        return shapely.transform(shape, lambda xy: xy[:, ::-1])

    folder = zones_of(town.write_town(tmp_path), ("A", "West", turned(WEST)), ("B", "East", turned(EAST)))
    with pytest.raises(DistrictError) as caught:
        read_district(folder)
    (fault,) = caught.value.faults
    assert "zones (zones.geojson) has longitude and latitude exchanged" in str(fault)
    assert fault.ids == ("row 1", "row 2")


def test_a_file_of_zones_of_a_kind_that_is_not_read_is_named(tmp_path):
    folder = town.write_town(tmp_path)
    (folder / "data/boundaries/zones.geojson").rename(folder / "data/boundaries/zones.topojson")
    with pytest.raises(DistrictError, match=r"kind that is not read[\s\S]*zones\.topojson"):
        read_district(folder)


@pytest.mark.parametrize(("school_id", "name"), [("Total", ""), ("", "GRAND TOTAL"), ("", "Elementary subtotal")])
def test_a_total_among_the_schools_is_none(tmp_path, school_id, name):
    folder = town.write_town(tmp_path)
    path = folder / "data/boundaries/schools.csv"
    path.write_text(f"{path.read_text(encoding='utf-8')}{school_id},{name},,1300,,,,\n", encoding="utf-8")
    district = read_district(folder)
    assert len(district.schools) == 3
    assert district.rejects["reason_code"].tolist() == ["total_row"]


def test_a_school_that_is_called_total_is_one(tmp_path):
    folder = town.write_town(tmp_path)
    path = folder / "data/boundaries/schools.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace("Zephrin Middle", "Total Learning Middle"), encoding="utf-8"
    )
    assert "Total Learning Middle" in read_district(folder).schools["name"].tolist()


def test_ids_of_schools_that_differ_only_in_zeros_are_an_error_until_a_setting_decides(tmp_path):
    folder = town.write_town(tmp_path)
    path = folder / "data/boundaries/schools.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("003,", "1,"), encoding="utf-8")
    incidents = folder / "data/incidents/history.csv"
    incidents.write_text(incidents.read_text(encoding="utf-8").replace(",003,", ",1,"), encoding="utf-8")
    assert found_in(folder)["school_ids_alike"].ids == ("001", "1")
    settings = town.SETTINGS.replace("[incidents]\n", '[incidents]\nsimilar_ids = "apart"\n')
    (folder / "district.toml").write_text(settings, encoding="utf-8")
    assert "school_ids_alike" not in found_in(folder)


def test_without_zones_the_error_names_the_command_that_drafts_some(tmp_path):
    folder = town.write_town(tmp_path)
    (folder / "data/boundaries/zones.geojson").unlink()
    with pytest.raises(DistrictError, match="No zones yet") as caught:
        read_district(folder)
    assert f"`safeschools draft-zones {folder}`" in str(caught.value)


@pytest.mark.parametrize(("crs", "scale"), [("EPSG:32618", "1.2"), ("EPSG:3857", "1.26")])
def test_a_measuring_crs_in_which_lengths_are_wrong_here_is_refused(tmp_path, crs, scale):
    # Web Mercator stretches by 1 / cos(latitude), 1.265 at 37.9 degrees, a little less along the meridian.
    folder = town.write_town(tmp_path, settings=town.SETTINGS.replace("EPSG:32610", crs))
    with pytest.raises(DistrictError, match="lengths would be wrong") as caught:
        read_district(folder)
    assert f"a meter on the ground is {scale}" in str(caught.value)


@pytest.mark.parametrize("crs", ["EPSG:32611", "EPSG:3310", "EPSG:26910", "EPSG:5070"])
def test_other_systems_of_the_same_place_measure_as_well(tmp_path, crs):
    folder = town.write_town(tmp_path, settings=town.SETTINGS.replace("EPSG:32610", crs))
    assert read_district(folder).crs.to_string() == crs
