"""Which files are found, and their fingerprints."""

import hashlib

import geopandas as gpd
import pytest
from shapely.geometry import Point

from safeschools_geo import io
from safeschools_geo.errors import FileReadError


def names(folder, pattern="*"):
    return [path.name for path in io.find_files(folder, pattern)]


def test_tables_are_found_in_order_and_others_are_not(tmp_path):
    for name in ("b.csv", "a.CSV", "c.xlsx", "~$c.xlsx", ".hidden.csv", "notes.md", "README.txt", "c.shp.xml"):
        (tmp_path / name).touch()
    (tmp_path / "folder.csv").mkdir()
    assert names(tmp_path) == ["a.CSV", "b.csv", "c.xlsx"]
    assert names(tmp_path, "b.*") == ["b.csv"]


def test_a_shapefile_is_found_once_and_a_lone_dbf_is_a_table(tmp_path):
    for name in ("zones.shp", "zones.dbf", "zones.shx", "zones.prj", "calls.dbf"):
        (tmp_path / name).touch()
    assert names(tmp_path) == ["calls.dbf", "zones.shp"]


def test_a_file_that_is_named_is_found_whatever_it_is_called(tmp_path):
    for name in ("report [final].csv", "README.csv", "old.xls"):
        (tmp_path / name).touch()
        assert names(tmp_path, name) == [name]


def test_nothing_is_found_where_there_is_nothing(tmp_path):
    assert names(tmp_path / "nowhere") == []
    assert names(tmp_path, "zones.*") == []


def test_the_fingerprint_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id\n1\n")
    assert io.sha256_of(path) == hashlib.sha256(b"id\n1\n").hexdigest()


def test_the_fingerprint_of_a_shapefile_is_that_of_its_parts(tmp_path):
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[Point(1, 2)], crs=26910).to_file(tmp_path / "a.shp")
    parts = b"".join((tmp_path / f"a.{suffix}").read_bytes() for suffix in ("shp", "shx", "dbf", "prj", "cpg"))
    before = io.sha256_of(tmp_path / "a.shp")
    assert before == hashlib.sha256(parts).hexdigest()
    table = (tmp_path / "a.dbf").read_bytes()
    (tmp_path / "a.dbf").write_bytes(table.replace(b"a ", b"b "))
    assert io.sha256_of(tmp_path / "a.shp") != before


def test_a_file_that_cannot_be_opened_is_reported_without_a_traceback(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("id\n1\n", encoding="utf-8")

    def locked(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", locked)
    with pytest.raises(FileReadError, match="cannot be opened") as caught:
        io.read_table(path)
    assert caught.value.found == "Permission denied"
    assert "Close it" in caught.value.remedy
