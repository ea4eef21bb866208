"""Zip archives: one file out of them, under a name of ours; odd entries are refused, or passed over and said."""

import stat
import zipfile

import geopandas as gpd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from safeschools_geo import io
from safeschools_geo.errors import FileReadError

ROWS = "id\n007\n"
ODD_NAMES = [
    "",
    ".",
    "..",
    "/a.csv",
    "../a.csv",
    "x/../../a.csv",
    "..\\a.csv",
    "C:a.csv",
    "a\n.csv",
    "\x1b[3m.csv",
    "x/..",
]


def archive(path, *entries):
    with zipfile.ZipFile(path, "w") as packed:
        for entry in entries:
            name, content = entry if isinstance(entry, tuple) else (entry, ROWS)
            info = zipfile.ZipInfo("x")
            info.filename = name
            packed.writestr(info, content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "name", ["/", "//", "folder/", "__MACOSX/a.csv", ".DS_Store", "~$a.xlsx", "x/.hidden.csv", "notes.md"]
)
def test_folders_and_hidden_files_are_not_entries(tmp_path, name):
    raw = io.read_table(archive(tmp_path / "a.zip", name, "b.csv"))
    assert raw.frame["id"].tolist() == ["007"]
    assert raw.findings == ()


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_that_is_no_file_of_the_archive_is_passed_over_and_said(tmp_path, name):
    outside = tmp_path / "a.csv"
    outside.write_text("id\nsecret\n", encoding="utf-8")
    raw = io.read_table(archive(tmp_path / "a.zip", (name, "id\nodd\n"), "b.csv"))
    assert raw.frame["id"].tolist() == ["007"]
    [finding] = raw.findings
    assert finding.code == "archive_entries_passed_over"
    assert len(finding.ids) == 1
    assert finding.ids[0].isprintable()


@pytest.mark.parametrize("name", [*ODD_NAMES, "/"])
def test_an_archive_of_odd_names_alone_is_refused(tmp_path, name):
    # The file that the name leads to is there; it is not what was packed, and it is not read.
    (tmp_path / "a.csv").write_text("id\nsecret\n", encoding="utf-8")
    names = [name, (tmp_path / "a.csv").as_posix()]
    with pytest.raises(FileReadError, match="exactly one table or layer") as caught:
        io.read_table(archive(tmp_path / "a.zip", *names))
    assert caught.value.found
    assert caught.value.remedy


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice_is_two_files(tmp_path):
    with pytest.raises(FileReadError, match="exactly one") as caught:
        io.read_table(archive(tmp_path / "a.zip", "a.csv", "a.csv"))
    assert caught.value.found == "a.csv, a.csv"


def test_a_link_is_passed_over(tmp_path):
    (tmp_path / "secret.csv").write_text("id\nsecret\n", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        link = zipfile.ZipInfo("a.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, str(tmp_path / "secret.csv"))
        packed.writestr("b.csv", ROWS)
    raw = io.read_table(tmp_path / "a.zip")
    assert raw.frame["id"].tolist() == ["007"]
    assert [f.ids for f in raw.findings] == [("a.csv",)]


def test_a_locked_entry_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", "a.csv")
    content = path.read_bytes()
    central = content.index(b"PK\x01\x02")
    locked = bytearray(content)
    locked[6] |= 1
    locked[central + 8] |= 1
    path.write_bytes(locked)
    with pytest.raises(FileReadError, match="zip archive that can be read") as caught:
        io.read_table(path)
    assert "encrypted" in caught.value.found
    assert "without a password" in caught.value.expected


def test_an_archive_in_an_archive_is_not_opened(tmp_path):
    inner = archive(tmp_path / "inner.zip", "a.csv").read_bytes()
    with pytest.raises(FileReadError, match="exactly one") as caught:
        io.read_table(archive(tmp_path / "a.zip", ("inner.zip", inner)))
    assert caught.value.found == "inner.zip"


def test_a_shapefile_is_read_from_its_parts_whatever_the_case_of_their_names(tmp_path):
    gpd.GeoDataFrame({"id": ["007"]}, geometry=[Point(1, 2)], crs=26910).to_file(tmp_path / "a.shp")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for suffix in ("shp", "SHX", "Dbf", "prj"):
            packed.write(tmp_path / f"a.{suffix.lower()}", f"zones v1.2/Zones 2025.final.{suffix}")
    raw = io.read_table(tmp_path / "a.zip")
    assert raw.frame["id"].tolist() == ["007"]
    assert raw.geometry.crs.to_epsg() == 26910
    assert raw.path.name == "a.zip"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8), max_size=4))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_any_names_are_a_table_or_a_refusal(tmp_path, names):
    path = archive(tmp_path / "a.zip", *names, "rows.csv")
    try:
        raw = io.read_table(path)
    except FileReadError as error:
        assert error.remedy  # noqa: PT017 - either outcome is right
    else:
        assert raw.frame["id"].tolist() == ["007"]
