"""Input that is not what it says: each gives an error with its four parts, or a reject, and nothing is lost."""

import shutil
import zipfile

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from safeschools_geo import io
from safeschools_geo.errors import FileReadError, InputError

LONG = 10_000_000
KINDS = ("gpkg", "geojson", "parquet", "xlsx", "csv", "zip")
POINTS = gpd.GeoDataFrame({"id": ["007", "2E47"]}, geometry=[Point(1, 2), Point(3, 4)], crs=26910)


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, **options):
    """Read, expect a refusal, and return it after checking that it has its parts."""
    with pytest.raises(FileReadError) as caught:
        io.read_table(path, **options)
    error = caught.value
    assert path.name in error.where
    assert error.problem.endswith(".")
    assert error.expected
    assert error.remedy
    return error


@pytest.mark.parametrize("suffix", io.SUPPORTED_SUFFIXES)
def test_an_empty_file_is_refused(tmp_path, suffix):
    assert refused(written(tmp_path / f"a{suffix}", "")).problem == "The file is empty."


@pytest.mark.parametrize("suffix", [s for s in io.SUPPORTED_SUFFIXES if s not in {".csv", ".tsv", ".txt", ".xls"}])
def test_text_under_another_name_is_refused(tmp_path, suffix):
    error = refused(written(tmp_path / f"a{suffix}", "id,name\n1,a\n" * 20))
    assert "text" in error.found
    assert "GDAL" not in error.problem


@pytest.mark.parametrize("suffix", io.SUPPORTED_SUFFIXES)
def test_binary_junk_is_refused(tmp_path, suffix):
    junk = bytes(range(256)) * 40
    assert "byte" in refused(written(tmp_path / f"a{suffix}", junk)).found or suffix in {".csv", ".tsv", ".txt"}


def test_a_missing_file_a_folder_and_an_unknown_suffix_are_refused(tmp_path):
    assert refused(tmp_path / "a.csv").problem == "There is no such file."
    assert "folder" in refused(tmp_path).problem
    assert refused(written(tmp_path / "a.doc", b"rest")).problem == "Files that end in .doc are not read."
    old = refused(written(tmp_path / "a.xls", b"\xd0\xcf\x11\xe0rest"))
    assert old.problem == "The file ends in .xls but is no workbook that can be read."
    assert "old or password-protected Office file" in old.found


def test_a_header_alone_is_a_table_without_rows(tmp_path):
    raw = io.read_table(written(tmp_path / "a.csv", "id,name\n"))
    assert list(raw.frame.columns) == ["id", "name"]
    assert len(raw.frame) == 0
    assert len(raw.rejects) == 0


def test_blanks_alone_are_no_header(tmp_path):
    assert refused(written(tmp_path / "a.csv", "\n\n  \n")).found == "nothing but blanks"


@pytest.mark.parametrize("part", ["shp", "shx", "dbf"])
def test_a_shapefile_that_is_cut_short_is_refused(tmp_path, part):
    POINTS.to_file(tmp_path / "a.shp")
    cut = tmp_path / f"a.{part}"
    whole = cut.read_bytes()
    cut.write_bytes(whole[: len(whole) - 20])
    with pytest.raises(FileReadError, match="cut short") as caught:
        io.read_table(tmp_path / "a.shp")
    assert caught.value.where.endswith(f"a.{part}")
    assert caught.value.found == f"{len(whole) - 20:,} bytes"


def test_parts_of_two_shapefiles_are_refused(tmp_path):
    POINTS.to_file(tmp_path / "a.shp")
    POINTS.head(1).to_file(tmp_path / "b.shp")
    shutil.copy(tmp_path / "b.dbf", tmp_path / "a.dbf")
    error = refused(tmp_path / "a.shp")
    assert error.problem == "The parts of the shapefile do not belong together."
    assert error.found == "a.shx: 2 rows, a.dbf: 1 rows"


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".parquet", ".xlsx", ".zip"])
def test_a_file_that_is_cut_short_is_refused(tmp_path, suffix, kept):
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        POINTS.to_parquet(path)
    elif suffix == ".xlsx":
        pd.DataFrame({"id": range(50)}).to_excel(path)
    elif suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", "id\n1\n")
    else:
        pd.concat([POINTS] * 50).to_file(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    refused(path)


def test_a_field_of_ten_million_characters_is_read(tmp_path):
    raw = io.read_table(written(tmp_path / "a.csv", f'id,note\n1,{"x" * LONG}\n2,"{"y," * (LONG // 2)}"\n3,z\n'))
    assert raw.frame["note"].str.len().tolist() == [LONG, LONG, 1]
    assert len(raw.rejects) == 0


def test_a_row_of_ten_million_characters_that_does_not_fit_is_rejected_whole(tmp_path):
    raw = io.read_table(written(tmp_path / "a.csv", f"id,note\n1,{'x' * LONG},more\n2,z\n"))
    assert raw.frame["id"].tolist() == ["2"]
    assert raw.rejects["row_as_read"].str.len().iloc[0] > LONG


def test_five_hundred_columns_are_read(tmp_path):
    names = [f"c{n}" for n in range(500)]
    raw = io.read_table(written(tmp_path / "a.csv", "\n".join([",".join(names), ",".join(map(str, range(500)))])))
    assert list(raw.frame.columns) == names
    assert raw.frame.loc[1, "c499"] == "499"


def test_markup_and_formulas_are_kept_as_they_are(tmp_path):
    names = ["<script>alert(1)</script>", '=HYPERLINK("http://a","b")', "+1", "@sum", "-2"]
    frame = pd.DataFrame({"name": names, "<b>": "x"})
    frame.to_csv(tmp_path / "a.csv", index=False)
    raw = io.read_table(tmp_path / "a.csv")
    assert raw.frame["name"].tolist() == names
    assert list(raw.frame.columns) == ["name", "<b>"]


def test_a_web_page_named_csv_is_refused(tmp_path):
    error = refused(written(tmp_path / "a.csv", "<!DOCTYPE html>\n<html><table><tr><td>1,2"))
    assert error.found == "a web page"


def test_a_workbook_named_csv_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "a.xlsx")
    (tmp_path / "a.xlsx").rename(tmp_path / "a.csv")
    assert "zip archive or a newer Office file" in refused(tmp_path / "a.csv").found


def test_a_few_nul_characters_are_removed_and_reported(tmp_path):
    raw = io.read_table(written(tmp_path / "a.csv", "id,name\n1,a\x00\n"))
    assert raw.frame.loc[1, "name"] == "a"
    assert [f.code for f in raw.findings] == ["nul_removed"]


def test_an_open_quotation_mark_takes_no_rows_and_is_reported_with_its_row(tmp_path):
    raw = io.read_table(written(tmp_path / "a.csv", 'id,name\n1,a\n2,"b\n3,c\n4,d\n'))
    assert raw.frame["id"].tolist() == ["1", "2", "3", "4"]
    assert raw.frame.loc[2, "name"] == '"b'
    assert [(f.code, f.ids) for f in raw.findings] == [("open_quotation_mark", ("row 2",))]


def test_an_open_quotation_mark_in_the_header_is_reported(tmp_path):
    error = refused(written(tmp_path / "a.csv", 'id,"name\n1,a\n2,b\n'))
    assert error.where.endswith("header")


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    """One file of each kind, whole."""
    folder = tmp_path_factory.mktemp("whole")
    table = POINTS.drop(columns="geometry")
    for suffix in (".shp", ".gpkg", ".geojson"):
        POINTS.to_file(folder / f"a{suffix}")
    POINTS.to_parquet(folder / "a.parquet")
    table.to_excel(folder / "a.xlsx", index=False)
    table.to_csv(folder / "a.csv", index=False)
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.write(folder / "a.geojson", "a.geojson")
    return folder


@settings(max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("damaged", ["a.shp", "a.shx", "a.dbf", "a.prj", *(f"a.{s}" for s in KINDS)])
def test_damage_anywhere_is_a_refusal_or_a_table_but_never_a_crash(whole_files, tmp_path_factory, damaged, data):
    folder = tmp_path_factory.mktemp("damaged")
    for path in whole_files.glob("a.*"):
        shutil.copy(path, folder)
    content = bytearray((folder / damaged).read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 50))] = data.draw(st.binary(max_size=50))
    (folder / damaged).write_bytes(content)
    try:
        raw = io.read_table(folder / ("a.shp" if damaged[2:] in {"shx", "dbf", "prj"} else damaged))
    except InputError as error:
        assert error.remedy  # noqa: PT017 - either outcome is right
    else:
        assert raw.frame.index.is_unique
        assert raw.geometry is None or raw.geometry.index.equals(raw.frame.index)


def test_names_in_a_geopackage_that_are_no_text_are_refused(whole_files, tmp_path):
    content = (whole_files / "a.gpkg").read_bytes()
    assert content.count(b"CREATE TABLE") > 1
    (tmp_path / "a.gpkg").write_bytes(content.replace(b"CREATE TABLE", b"CREATE \x80ABLE"))
    assert refused(tmp_path / "a.gpkg").problem == "The file is not a GeoPackage that can be read."


def feature(geometry, name="a"):
    return f'{{"type":"Feature","properties":{{"id":"{name}"}},"geometry":{geometry}}}'


def collection(path, *features):
    return written(path, f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}')


SQUARE = '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1],[0,0]]]}'


@pytest.mark.parametrize(
    "geometry",
    [
        '{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}',
        '{"type":"MultiPolygon","coordinates":[[[[0,0],[1,1]]]]}',
        '{"type":"LineString","coordinates":[[0,0]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,NaN],[0,0]]]}',
    ],
)
def test_a_polygon_with_two_points_is_a_rejected_row(tmp_path, geometry):
    raw = io.read_table(collection(tmp_path / "a.geojson", feature(SQUARE), feature(geometry, "b"), feature(SQUARE)))
    assert raw.frame["id"].tolist() == ["a", "a"]
    assert raw.frame.index.tolist() == raw.geometry.index.tolist() == [1, 3]
    assert raw.rejects[["row", "reason_code"]].to_numpy().tolist() == [[2, "bad_geometry"]]
    assert '"id": "b"' in raw.rejects.loc[0, "row_as_read"]


def test_a_self_intersecting_polygon_is_left_for_repair(tmp_path):
    bow_tie = '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}'
    raw = io.read_table(collection(tmp_path / "a.geojson", feature(bow_tie)))
    assert raw.geometry.is_valid.tolist() == [False]
    assert len(raw.rejects) == 0


@pytest.mark.parametrize("coordinates", ["[NaN,2]", "[]", '["a",2]', "[null,2]"])
def test_a_point_without_numbers_has_no_geometry(tmp_path, coordinates):
    point = f'{{"type":"Point","coordinates":{coordinates}}}'
    raw = io.read_table(collection(tmp_path / "a.geojson", feature(point), feature("null", "b")))
    assert raw.frame["id"].tolist() == ["a", "b"]
    assert (raw.geometry.isna() | raw.geometry.is_empty).all()


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"type":"FeatureColl', '[{"id": 1}]', "null"])
def test_json_that_is_no_geojson_is_refused(tmp_path, text):
    refused(written(tmp_path / "a.geojson", text))


def test_every_error_of_reading_is_an_input_error():
    assert issubclass(FileReadError, InputError)
    assert issubclass(FileReadError, ValueError)
