"""Every kind of bad file: a message that says what, where, what was expected and how to mend it."""

import geopandas as gpd
import pytest
import town
from shapely.geometry import Polygon

from safeschools_geo import io
from safeschools_geo.errors import FileReadError, InputError


def refused(path, *parts):
    with pytest.raises(FileReadError) as caught:
        io.read_table(path)
    message = str(caught.value)
    assert str(path) in message
    for part in parts:
        assert part in message
    assert caught.value.expected or caught.value.remedy
    return message


def write(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.parquet", "a.geojson", "a.gpkg", "a.shp", "a.zip"])
def test_an_empty_file(tmp_path, name):
    refused(write(tmp_path, name, b""), "empty")


@pytest.mark.parametrize("name", ["a.xlsx", "a.parquet", "a.geojson", "a.gpkg", "a.shp", "a.zip", "a.dbf"])
def test_a_text_file_with_the_name_of_another(tmp_path, name):
    refused(write(tmp_path, name, "id,name\n1,a\n"), "Remedy")


def test_a_missing_file_a_folder_and_an_unknown_kind(tmp_path):
    refused(tmp_path / "nothing.csv", "no such file")
    refused(tmp_path, "folder")
    refused(write(tmp_path, "a.docx", "x"), ".docx", ".csv")


def test_binary_named_csv(tmp_path):
    refused(write(tmp_path, "a.csv", bytes(range(256)) * 40), "not text")


def test_only_empty_lines(tmp_path):
    refused(write(tmp_path, "a.csv", "\n\n\n"), "empty")


def test_a_header_only_is_a_table_without_rows(tmp_path):
    raw = io.read_table(write(tmp_path, "a.csv", "id,name\n"))
    assert raw.frame.shape == (0, 2)


def test_an_open_quotation_mark_does_not_swallow_rows_silently(tmp_path):
    raw = io.read_table(write(tmp_path, "a.csv", 'id,name\n1,"open\n2,b\n3,c\n'))
    # The mark runs to the end of the file: one record, which keeps all the text it swallowed.
    assert len(raw.frame) + len(raw.rejects) == 1
    assert "3,c" in str(raw.frame.to_dict()) + str(raw.rejects.to_dict())


@pytest.mark.parametrize(("part", "words"), [(".shp", "cut short"), (".dbf", "a whole Shapefile")])
def test_a_truncated_shapefile(tmp_path, part, words):
    town.zones().to_file(tmp_path / "zones.shp")
    whole = (tmp_path / f"zones{part}").read_bytes()
    (tmp_path / f"zones{part}").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "zones.shp", words)


def test_a_shapefile_without_its_index_or_table(tmp_path):
    town.zones().to_file(tmp_path / "zones.shp")
    (tmp_path / "zones.shx").unlink()
    refused(tmp_path / "zones.shp", ".shx")


def test_a_shapefile_without_prj_states_no_crs(tmp_path):
    town.zones().to_file(tmp_path / "zones.shp")
    (tmp_path / "zones.prj").unlink()
    assert io.read_table(tmp_path / "zones.shp").geometry.crs is None


def test_a_polygon_of_two_points_is_refused_or_invalid_but_no_crash(tmp_path):
    two = (
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"zone_id":"A"},'
        '"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,1]]]}}]}'
    )
    path = write(tmp_path, "two.geojson", two)
    try:
        raw = io.read_table(path)
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert not raw.geometry.is_valid.all() or raw.geometry.is_empty.all() or raw.geometry.isna().all()


def test_500_columns(tmp_path):
    header = ",".join(f"c{n}" for n in range(500))
    raw = io.read_table(write(tmp_path, "wide.csv", f"{header}\n{','.join(map(str, range(500)))}\n"))
    assert raw.frame.shape == (1, 500)
    with pytest.raises(InputError) as caught:
        io.require(raw, {}, "incident_id")
    assert "470 more" in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_field_of_ten_megabytes(tmp_path):
    raw = io.read_table(write(tmp_path, "long.csv", "id,note\n1," + "x" * 10_000_000 + "\n2,y\n"))
    assert raw.frame["note"].str.len().tolist() == [10_000_000, 1]


def test_text_that_looks_like_code_stays_text(tmp_path):
    raw = io.read_table(write(tmp_path, "a.csv", 'n\n<script>alert(1)</script>\n"=HYPERLINK(""http://x"")"\n'))
    assert raw.frame["n"].tolist() == ["<script>alert(1)</script>", '=HYPERLINK("http://x")']


def test_a_zip_of_nothing_readable(tmp_path):
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.md", "x")
    refused(tmp_path / "a.zip", "zipped layer")


def test_heights_are_dropped(tmp_path):
    frame = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[Polygon([(0, 0, 5), (1, 0, 5), (0, 1, 5)])], crs=4326)
    frame.to_file(tmp_path / "z.geojson")
    assert not io.read_table(tmp_path / "z.geojson").geometry.has_z.any()
