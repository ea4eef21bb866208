"""Layers: GeoJSON, GeoPackage, shapefiles whole and in parts, dBASE tables, and zip archives of them."""

import datetime as dt
import json
import zipfile

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyogrio
import pytest
from shapely.geometry import Point

from safeschools_geo import io
from safeschools_geo.errors import FileReadError


def layer(**columns):
    columns = columns or {"id": ["007", "2E47"], "n": [1, 2]}
    return gpd.GeoDataFrame(columns, geometry=[Point(1, 2, 5), Point(3, 4, 6)], crs=26910)


def geojson(path, *features, **members):
    path.write_text(json.dumps({"type": "FeatureCollection", **members, "features": list(features)}), encoding="utf-8")
    return path


def feature(properties, **members):
    point = {"type": "Point", "coordinates": [1, 2]}
    return {"type": "Feature", "properties": properties, "geometry": point, **members}


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".shp"])
def test_a_layer_is_read_in_two_dimensions_with_its_crs(tmp_path, suffix):
    layer().to_file(tmp_path / f"a{suffix}")
    raw = io.read_table(tmp_path / f"a{suffix}")
    assert raw.frame["id"].tolist() == ["007", "2E47"]
    assert list(raw.frame.columns) == ["id", "n"]
    assert raw.geometry.tolist() == [Point(1, 2), Point(3, 4)]
    assert not raw.geometry.has_z.any()
    assert raw.geometry.crs.to_epsg() == 26910
    assert raw.frame.index.tolist() == raw.geometry.index.tolist() == [1, 2]
    assert raw.findings == ()


def test_geojson_without_a_crs_is_longitude_and_latitude(tmp_path):
    raw = io.read_table(geojson(tmp_path / "a.geojson", feature({"id": "x"})))
    assert raw.geometry.crs.to_epsg() == 4326


def test_geojson_without_features_is_a_table_without_rows(tmp_path):
    raw = io.read_table(geojson(tmp_path / "a.geojson"))
    assert len(raw.frame) == len(raw.geometry) == 0


def test_times_in_geojson_keep_their_offset(tmp_path):
    texts = ["2018-01-02T03:04:05Z", "2018-01-02T03:04:05-08:00"]
    raw = io.read_table(geojson(tmp_path / "a.json", *(feature({"at": text, "day": "2018-01-02"}) for text in texts)))
    assert raw.frame["at"].tolist() == texts
    assert raw.frame["day"].tolist() == ["2018-01-02"] * 2


def test_ids_apart_from_the_attributes_are_a_column(tmp_path):
    numbered = io.read_table(geojson(tmp_path / "a.geojson", feature({}, id=5), feature({}, id=9)))
    assert numbered.frame["id"].tolist() == [5, 9]
    named = io.read_table(geojson(tmp_path / "b.geojson", feature({}, id="05")))
    assert named.frame["id"].tolist() == ["05"]
    counted = io.read_table(geojson(tmp_path / "c.geojson", feature({"n": 1}, id=0), feature({"n": 1}, id=1)))
    assert list(counted.frame.columns) == ["n"]
    pyogrio.write_dataframe(layer(n=[1, 2]), tmp_path / "a.gpkg", FID="zone_id")
    assert io.read_table(tmp_path / "a.gpkg").frame["zone_id"].tolist() == [1, 2]


def test_an_attribute_of_that_name_wins_over_the_id_of_the_feature(tmp_path):
    raw = io.read_table(geojson(tmp_path / "a.geojson", feature({"id": "007"}, id=5), feature({"id": "x"}, id=9)))
    assert raw.frame["id"].tolist() == ["007", "x"]


def test_an_attribute_that_the_driver_takes_for_an_id_stays_as_it_is(tmp_path):
    for n, ids in enumerate([[7, 9], [7, 7], [0, 1], [1, None], [2**40, -3]]):
        raw = io.read_table(geojson(tmp_path / f"{n}.geojson", *(feature({"id": i, "n": 1}) for i in ids)))
        assert list(raw.frame.columns) == ["id", "n"]
        assert [None if pd.isna(i) else i for i in raw.frame["id"]] == ids


def test_attributes_may_have_the_names_that_drivers_give_to_their_own_columns(tmp_path):
    names = ["OGC_FID", "fid", "wkb_geometry", "geometry", "geom"]
    raw = io.read_table(geojson(tmp_path / "a.geojson", feature(dict.fromkeys(names, "x")), feature({}, id=7)))
    assert [n for n in raw.frame.columns if n != "id"] == names
    assert raw.geometry.tolist() == [Point(1, 2), Point(1, 2)]


def test_whole_numbers_with_gaps_stay_whole(tmp_path):
    raw = io.read_table(geojson(tmp_path / "a.geojson", feature({"n": 2**53 + 1}), feature({"n": None})))
    assert io.as_text(raw.frame["n"]).tolist()[0] == str(2**53 + 1)


def test_a_layer_must_be_named_where_there_are_several(tmp_path):
    path = tmp_path / "a.gpkg"
    layer().to_file(path, layer="zones")
    layer(id=["x", "y"]).to_file(path, layer="schools")
    with pytest.raises(FileReadError, match="exactly one layer") as caught:
        io.read_table(path)
    assert caught.value.found == "zones, schools"
    assert io.read_table(path, layer="schools").frame["id"].tolist() == ["x", "y"]
    with pytest.raises(FileReadError, match="no such layer"):
        io.read_table(path, layer="roads")


def test_a_geopackage_may_hold_a_plain_table(tmp_path):
    pyogrio.write_dataframe(pd.DataFrame({"id": ["007"]}), tmp_path / "a.gpkg")
    raw = io.read_table(tmp_path / "a.gpkg")
    assert raw.geometry is None
    assert raw.frame["id"].tolist() == ["007"]


def test_dates_in_a_shapefile_are_dates(tmp_path):
    days = pd.array([dt.date(2025, 3, 14), None], dtype=pd.ArrowDtype(pa.date32()))
    layer(day=days).to_file(tmp_path / "a.shp", use_arrow=True)
    raw = io.read_table(tmp_path / "a.shp")
    times = io.parse_times(raw.frame["day"], time_zone="America/Los_Angeles")
    assert times.at.iloc[0] == pd.Timestamp("2025-03-14", tz="America/Los_Angeles")
    assert times.has_time.tolist() == [False, False]
    assert times.fault.tolist()[1] == "missing_time"
    assert isinstance(raw.frame["day"].iloc[0], dt.date)


def codes(raw):
    return [f.code for f in raw.findings]


def test_a_shapefile_without_a_prj_states_no_crs(tmp_path):
    layer().to_file(tmp_path / "a.shp")
    (tmp_path / "a.prj").unlink()
    raw = io.read_table(tmp_path / "a.shp")
    assert raw.geometry.crs is None
    assert codes(raw) == []


def test_a_shapefile_without_a_dbf_has_geometry_only(tmp_path):
    layer().to_file(tmp_path / "a.shp")
    (tmp_path / "a.dbf").unlink()
    raw = io.read_table(tmp_path / "a.shp")
    assert raw.geometry.tolist() == [Point(1, 2), Point(3, 4)]
    assert raw.frame.shape == (2, 0)
    assert codes(raw) == ["dbf_missing"]


def test_a_missing_shx_is_made_up_for_without_writing_into_the_folder(tmp_path):
    layer().to_file(tmp_path / "a.shp")
    (tmp_path / "a.shx").unlink()
    before = sorted(tmp_path.iterdir())
    raw = io.read_table(tmp_path / "a.shp")
    assert raw.frame["id"].tolist() == ["007", "2E47"]
    assert raw.geometry.tolist() == [Point(1, 2), Point(3, 4)]
    assert raw.path == tmp_path / "a.shp"
    assert codes(raw) == ["shx_missing"]
    assert sorted(tmp_path.iterdir()) == before
    assert pyogrio.get_gdal_config_option("SHAPE_RESTORE_SHX") is None


def test_a_dbf_alone_is_a_table(tmp_path):
    layer().to_file(tmp_path / "a.shp")
    (tmp_path / "a.dbf").rename(tmp_path / "b.dbf")
    raw = io.read_table(tmp_path / "b.dbf")
    assert raw.frame["id"].tolist() == ["007", "2E47"]
    assert raw.geometry is None


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_accents_survive_where_the_encoding_is_stated_and_where_it_is_not(tmp_path, encoding):
    layer(name=["Peña", "“Élan”"]).to_file(tmp_path / "a.shp", encoding=encoding)
    stated = io.read_table(tmp_path / "a.shp")
    (tmp_path / "a.cpg").unlink()
    guessed = io.read_table(tmp_path / "a.shp")
    assert stated.frame["name"].tolist() == guessed.frame["name"].tolist() == ["Peña", "“Élan”"]
    assert codes(stated) == []
    assert codes(guessed) == (["encoding_cp1252"] if encoding == "cp1252" else [])


def test_a_shapefile_in_capitals_is_read_with_all_its_parts(tmp_path):
    layer().to_file(tmp_path / "a.shp")
    for path in list(tmp_path.iterdir()):
        path.rename(path.with_suffix(path.suffix.upper()))
    raw = io.read_table(tmp_path / "a.SHP")
    assert raw.frame["id"].tolist() == ["007", "2E47"]
    assert raw.geometry.crs.to_epsg() == 26910


def zipped(path, *files, folder=""):
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, folder + file.name)
        archive.writestr("__MACOSX/._a.shp", "junk")
        archive.writestr("readme.md", "text")
    return path


@pytest.mark.parametrize("folder", ["", "export/2025/"])
def test_a_zipped_shapefile_is_read(tmp_path, folder):
    layer().to_file(tmp_path / "a.shp")
    path = zipped(tmp_path / "z.zip", *sorted(tmp_path.glob("a.*")), folder=folder)
    raw = io.read_table(path)
    assert raw.path == path
    assert raw.frame["id"].tolist() == ["007", "2E47"]
    assert raw.geometry.crs.to_epsg() == 26910


def test_any_table_may_be_zipped_and_its_rejects_name_the_archive(tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,a\n2,b,c\n", encoding="utf-8")
    raw = io.read_table(zipped(tmp_path / "z.zip", tmp_path / "a.csv"))
    assert raw.frame["id"].tolist() == ["1"]
    assert raw.rejects["source_file"].tolist() == ["z.zip"]


def test_an_archive_of_several_tables_names_them(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("id\n1\n", encoding="utf-8")
    with pytest.raises(FileReadError, match="exactly one") as caught:
        io.read_table(zipped(tmp_path / "z.zip", tmp_path / "a.csv", tmp_path / "b.csv"))
    assert caught.value.found == "a.csv, b.csv"


def test_an_archive_of_nothing_readable_says_what_is_in_it(tmp_path):
    with pytest.raises(FileReadError, match="exactly one") as caught:
        io.read_table(zipped(tmp_path / "z.zip"))
    assert caught.value.found == "readme.md"


def test_a_fault_inside_an_archive_names_the_archive_and_the_file(tmp_path):
    (tmp_path / "a.csv").write_text('id,"n\n1,2\n', encoding="utf-8")
    path = zipped(tmp_path / "z.zip", tmp_path / "a.csv")
    with pytest.raises(FileReadError, match="quotation mark") as caught:
        io.read_table(path)
    assert str(path) in caught.value.where
    assert "a.csv" in caught.value.where
