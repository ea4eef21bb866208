import csv
import io as stdio
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import town
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point

from safeschools_geo import io
from safeschools_geo.errors import ColumnError, CRSError

TEXT = 'id,name,x\n007,Élan,1\n2E47,"a, b",\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_encoding_and_delimiter(tmp_path, encoding, delimiter):
    rows = list(csv.reader(TEXT.splitlines()))
    buffer = stdio.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    path = tmp_path / "t.csv"
    path.write_bytes(buffer.getvalue().encode(encoding))
    raw = io.read_table(path)
    assert raw.frame["id"].tolist() == ["007", "2E47"]
    assert raw.frame["name"].tolist() == ["Élan", "a, b"]
    assert raw.frame["x"].isna().tolist() == [False, True]
    assert list(raw.frame.index) == [1, 2]
    assert raw.delimiter == delimiter
    assert raw.encoding == encoding
    assert [f.code for f in raw.findings] == (["encoding_cp1252"] if encoding == "cp1252" else [])


def test_rows_that_do_not_fit_the_header_are_kept_aside(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n1,2,3\n\n4\n5,6\n", encoding="utf-8")
    raw = io.read_table(tmp_path / "t.csv")
    assert raw.frame["a"].to_dict() == {1: "1", 4: "5"}
    assert raw.rejects[["row", "reason_code"]].to_numpy().tolist() == [
        [2, "wrong_number_of_fields"],
        [3, "wrong_number_of_fields"],
    ]
    assert raw.rejects["row_as_read"].tolist() == ['["1", "2", "3"]', '["4"]']


def test_columns_of_one_name_are_told_apart(tmp_path):
    (tmp_path / "t.csv").write_text("a,a,\n1,2,3\n", encoding="utf-8")
    raw = io.read_table(tmp_path / "t.csv")
    assert list(raw.frame.columns) == ["a", "a_2", "column_3"]
    assert raw.findings[0].ids == ("a",)


cell = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00\r\ufeff"), max_size=12)


@given(
    st.lists(st.lists(cell, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_is_read(tmp_path_factory, rows, delimiter, encoding):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([["p", "q", "r"], *rows])
    raw = io.read_table(path)
    assert raw.frame.fillna("").to_numpy().tolist() == rows


def test_excel_keeps_types_and_reads_the_first_sheet_with_cells(tmp_path):
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame().to_excel(writer, sheet_name="empty")
        pd.DataFrame({"id": ["007"], "n": [12], "t": [pd.Timestamp("2025-03-14 08:00")]}).to_excel(
            writer, sheet_name="data", index=False
        )
        pd.DataFrame({"other": [1]}).to_excel(writer, sheet_name="more", index=False)
    raw = io.read_table(path)
    assert raw.frame["id"].tolist() == ["007"]
    assert io.as_text(raw.frame["n"]).tolist() == ["12"]
    assert raw.frame["t"].tolist() == [pd.Timestamp("2025-03-14 08:00")]
    assert raw.findings[0].ids == ("more",)


def test_an_index_of_parquet_that_holds_anything_is_a_column(tmp_path):
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.DatetimeIndex(["2025-01-01", "2025-01-02"], name="Date"))
    frame.to_parquet(tmp_path / "t.parquet")
    raw = io.read_table(tmp_path / "t.parquet")
    assert list(raw.frame.columns) == ["Date", "a"]
    assert list(raw.frame.index) == [1, 2]


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp", "parquet", "zip"])
def test_every_kind_of_layer(tmp_path, suffix):
    frame = town.zones()[["zone_id", "geometry"]]
    path = tmp_path / f"zones.{suffix}"
    if suffix == "parquet":
        frame.to_parquet(path)
    elif suffix == "zip":
        frame.to_file(tmp_path / "zones.shp")
        with zipfile.ZipFile(path, "w") as archive:
            for part in tmp_path.glob("zones.[sdpc]*"):
                archive.write(part, part.name)
    else:
        frame.to_file(path)
    raw = io.read_table(path)
    assert raw.frame["zone_id"].tolist() == ["A", "B"]
    assert raw.geometry.crs.to_epsg() == 4326
    assert raw.geometry.normalize().geom_equals_exact(frame.geometry.set_axis([1, 2]).normalize(), 1e-9).all()


def test_a_geopackage_of_several_layers_has_to_be_told_apart(tmp_path):
    path = tmp_path / "t.gpkg"
    for layer in ("one", "two"):
        town.zones().to_file(path, layer=layer)
    with pytest.raises(ValueError, match="one, two"):
        io.read_table(path)


def test_files_are_found_by_pattern_and_shapefiles_once(tmp_path):
    town.zones().to_file(tmp_path / "zones.shp")
    for name in ("b.csv", "a.csv", "~$a.xlsx", ".hidden.csv", "notes.md"):
        (tmp_path / name).write_text("a\n1\n", encoding="utf-8")
    assert [p.name for p in io.find_files(tmp_path, "*")] == ["a.csv", "b.csv", "zones.shp"]
    assert [p.name for p in io.find_files(tmp_path, "zones.*")] == ["zones.shp"]
    assert io.find_files(tmp_path / "nowhere", "*") == []


def test_the_hash_of_a_shapefile_is_of_all_its_parts(tmp_path):
    town.zones().to_file(tmp_path / "zones.shp")
    before = io.sha256_of(tmp_path / "zones.shp")
    (tmp_path / "zones.dbf").write_bytes((tmp_path / "zones.dbf").read_bytes() + b" ")
    assert io.sha256_of(tmp_path / "zones.shp") != before


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([1.0, 2.5, None]), ["1", "2.5", None]),
        (pd.Series([34674470100001], dtype="uint64"), ["34674470100001"]),
        (pd.Series(["007", " 2E47\u00a0", ""], dtype="str"), ["007", "2E47", None]),
        (pd.Series([12, "012", 12.0, None], dtype="object"), ["12", "012", "12", None]),
        (pd.Series([True, False]), ["true", "false"]),
        (pd.Series(["e\u0301"]), ["é"]),
    ],
)
def test_ids_stay_text(column, expected):
    found = io.as_text(column)
    assert found.dtype == "str"
    assert [None if pd.isna(v) else v for v in found] == expected


def table(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    return io.read_table(tmp_path / "t.csv")


def test_columns_are_found_by_the_settings_else_by_name(tmp_path):
    raw = table(tmp_path, "Case No, Category \n1,a\n")
    assert io.take(raw, {"incident_id": "case no"}, "incident_id").tolist() == ["1"]
    assert io.take(raw, {}, "category").tolist() == ["a"]
    assert io.take(raw, {}, "origin") is None
    with pytest.raises(ColumnError, match="Close to it: Case No"):
        io.take(raw, {"incident_id": "CaseNo"}, "incident_id")
    with pytest.raises(ColumnError, match="a column for origin"):
        io.require(raw, {}, "origin")
    assert [c.tolist() for c in io.text_columns(raw, {"level": ("Category", "Case No")}, "level")] == [["a"], ["1"]]


@pytest.mark.parametrize(
    ("text", "columns", "crs"),
    [
        ("x,y\n-121.5,38.5\n", {}, 4326),
        ("Lon;Lat\n-121,5;38,5\n", {"x": "Lon", "y": "Lat"}, 4326),
        ('the_geom\n"POINT (-121.5 38.5)"\n', {}, 4326),
        ('w\n"SRID=4326;POINT (-121.5 38.5)"\n', {"wkt": "w"}, 4326),
        ("x,y\n630800.2072457816,4262359.414785689\n", {}, 32610),
    ],
)
def test_places_from_any_columns(tmp_path, text, columns, crs):
    found = io.points(table(tmp_path, text), columns, crs=crs, name="points")
    assert found.geometry.crs.to_epsg() == 4326
    assert found.geometry.iloc[0].distance(Point(-121.5, 38.5)) < 1e-6
    assert found.findings == ()


def test_cells_that_are_no_coordinates_are_named_and_left_out(tmp_path):
    raw = table(tmp_path, "x,y\n-121.5,38.5\nwest,38.5\nNaN,38\n,\n")
    found = io.points(raw, {}, crs=4326, name="points")
    assert found.geometry.isna().tolist() == [False, True, True, True]
    (finding,) = found.findings
    assert finding.ids == ("row 2",)


def test_a_crs_that_is_not_stated_or_does_not_fit_is_an_error(tmp_path):
    raw = table(tmp_path, "x,y\n600500,4200500\n")
    with pytest.raises(CRSError, match="states no"):
        io.points(raw, {}, crs=None, name="points")
    with pytest.raises(CRSError, match="degrees"):
        io.points(raw, {}, crs=4326, name="points")
    with pytest.raises(CRSError, match="look like degrees"):
        io.points(table(tmp_path, "x,y\n-121.5,38.5\n"), {}, crs=32610, name="points")


def test_one_wild_point_does_not_make_the_crs_wrong(tmp_path):
    raw = table(tmp_path, "x,y\n-121.5,38.5\n-121.5,38.6\n-121.4,38.5\n600500,4200500\n")
    found = io.points(raw, {}, crs=4326, name="points").geometry
    assert np.isfinite(found.x).all()


def test_a_layer_that_contradicts_the_settings_is_an_error(tmp_path):
    town.zones().to_file(tmp_path / "z.geojson")
    raw = io.read_table(tmp_path / "z.geojson")
    with pytest.raises(CRSError, match="another"):
        io.geometry(raw, crs=2226, name="zones")
    without = gpd.GeoSeries(raw.geometry).set_crs(None, allow_override=True)
    lacking = io.RawTable(raw.path, raw.frame, without)
    assert io.geometry(lacking, crs=4326, name="zones").crs.to_epsg() == 4326
    with pytest.raises(CRSError, match="states no"):
        io.geometry(lacking, crs=None, name="zones")
