"""Files that unpack to more than they seem: refused soon and with little memory, by a limit that the message names."""

import json
import subprocess
import sys
import zipfile

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapely.geometry import Point, Polygon

from safeschools_geo import io
from safeschools_geo.district._settings_file import settings_from
from safeschools_geo.errors import FileReadError
from safeschools_geo.settings import ReadingSettings

MB = 1_000_000
# Memory above that of the imports, and seconds; many times what is needed, and a fraction of what a bomb takes.
MOST_MB, MOST_S = 150, 10
MEASURE = """
import resource, sys, time
from pathlib import Path
from safeschools_geo import io
from safeschools_geo.errors import FileReadError
unit = 1 if sys.platform == "darwin" else 1024
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    io.read_table(Path(sys.argv[1]))
except FileReadError as error:
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(used * unit / 1e6, time.process_time() - start, error.expected)
"""


def zip_of_zeros(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        row = b"1," + b"0" * 997 + b"\n"
        archive.writestr("a.csv", b"id,n\n" + row * 300_000)


def zip_of_zips(path):
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.csv", "w", force_zip64=True) as file,
    ):
        file.write(b"id\n")
        for _ in range(1_200):
            file.write(b"\n" * MB)


def far_cell(path):
    book = openpyxl.Workbook()
    book.active["A1"] = "id"
    book.active["XFD1048576"] = 1
    book.save(path)


def sheet(path, rows):
    """Write a workbook whose one sheet has these rows in XML."""
    far_cell(path)
    with zipfile.ZipFile(path) as plain:
        parts = {name: plain.read(name) for name in plain.namelist()}
    head, tail = parts["xl/worksheets/sheet1.xml"].split(b"<sheetData>")
    parts["xl/worksheets/sheet1.xml"] = head + b"<sheetData>" + rows + b"</sheetData>" + tail.split(b"</sheetData>")[1]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def row_far_below(path):
    sheet(path, b'<row r="99999999999999"><c r="A99999999999999"><v>1</v></c></row>')


def many_formatted_cells(path):
    sheet(path, b"<row>" + b'<c s="0"/>' * 2_000 + b"</row>" + (b"<row>" + b'<c s="0"/>' * 2_000 + b"</row>") * 9_000)


def same_row_in_parquet(path):
    values = pa.DictionaryArray.from_arrays(pa.array(np.zeros(40_000_000, dtype="int32")), pa.array(["a"]))
    pq.write_table(pa.table({"id": values}), path)


def same_text_in_parquet(path):
    values = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, dtype="int32")), pa.array(["a" * MB]))
    pq.write_table(pa.table({"id": values}), path, dictionary_pagesize_limit=10 * MB)


def a_column_for_each_feature(path):
    features = [{"type": "Feature", "properties": {f"p{n}": 1}, "geometry": None} for n in range(15_000)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")


BOMBS = {
    "zeros.zip": (zip_of_zeros, "max_ratio"),
    "newlines.zip": (zip_of_zips, "max_mb"),
    "far.xlsx": (far_cell, "max_columns"),
    "below.xlsx": (row_far_below, "max_rows"),
    "formatted.xlsx": (many_formatted_cells, "max_ratio"),
    "rows.parquet": (same_row_in_parquet, "max_rows"),
    "texts.parquet": (same_text_in_parquet, "max_mb"),
    "columns.geojson": (a_column_for_each_feature, "max_columns"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="no measure of the memory of a process in the standard library")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_soon_and_with_little_memory(tmp_path, name):
    make, setting = BOMBS[name]
    make(tmp_path / name)
    assert (tmp_path / name).stat().st_size < 3 * MB
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / name)], capture_output=True, text=True, check=True
    ).stdout
    used_mb, seconds, expected = measured.strip().split(" ", 2)
    assert f"[reading] {setting}" in expected
    assert float(used_mb) < MOST_MB
    assert float(seconds) < MOST_S


def refused(path, **limits):
    with pytest.raises(FileReadError, match="holds more than is read") as caught:
        io.read_table(path, limits=ReadingSettings(**limits))
    assert path.name in caught.value.where
    return caught.value


def test_each_limit_holds_for_each_kind_and_is_named(tmp_path):
    frame = gpd.GeoDataFrame({"id": list("abc"), "n": [1, 2, 3]}, geometry=[Point(n, n) for n in range(3)], crs=4326)
    table = pd.DataFrame(frame.drop(columns="geometry"))
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_excel(tmp_path / "a.xlsx", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for suffix in (".geojson", ".gpkg", ".shp"):
        frame.to_file(tmp_path / f"a{suffix}")
    for suffix in (".csv", ".xlsx", ".parquet", ".geojson", ".gpkg", ".shp", ".dbf"):
        path = tmp_path / f"a{suffix}"
        error = refused(path, max_rows=2)
        assert error.expected == "at most 2 rows ([reading] max_rows)"
        assert "raise max_rows under [reading] in district.toml" in error.remedy
        assert "max_mb" in refused(path, max_mb=0.00001).expected
        assert "max_columns" in refused(path, max_columns=1).expected
        assert "max_cells" in refused(path, max_cells=4).expected
        assert len(io.read_table(path).frame) == 3


def test_the_files_inside_an_archive_are_counted(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for n in range(11):
            archive.writestr(f"{n}.txt.bak", "")
        archive.writestr("a.csv", "id\n1\n")
    assert refused(tmp_path / "a.zip", max_entries=10).found == "12 files inside"
    assert len(io.read_table(tmp_path / "a.zip").frame) == 1


def test_a_shape_that_is_listed_again_and_again_is_refused(tmp_path):
    ring = [(np.cos(t), np.sin(t)) for t in np.linspace(0, 6, 1_000)]
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[Polygon(ring)], crs=4326).to_file(tmp_path / "a.shp")
    (tmp_path / "a.dbf").unlink()
    index = bytearray((tmp_path / "a.shx").read_bytes())
    index += index[100:] * 1_000
    index[24:28] = (len(index) // 2).to_bytes(4, "big")
    (tmp_path / "a.shx").write_bytes(index)
    with pytest.raises(FileReadError, match="do not belong together"):
        io.read_table(tmp_path / "a.shp")


def test_a_far_cell_is_named_and_may_be_allowed(tmp_path):
    far_cell(tmp_path / "a.xlsx")
    assert "“Sheet” has a cell at XFD1048576" in refused(tmp_path / "a.xlsx").found
    raw = io.read_table(tmp_path / "a.xlsx", limits=ReadingSettings(max_columns=20_000))
    assert raw.frame.to_numpy().tolist() == [[None, 1]]
    assert raw.frame.index.tolist() == [1_048_575]


def test_limits_are_settings(tmp_path):
    table = {"district": {"name": "A", "time_zone": "UTC"}, "reading": {"max_rows": 7}}
    assert settings_from(table, folder=tmp_path, where="").reading == ReadingSettings(max_rows=7)
    with pytest.raises(ValueError, match="expected more than 0"):
        ReadingSettings(max_ratio=0)
