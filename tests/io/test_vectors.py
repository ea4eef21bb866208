"""Layers: GeoJSON, GeoPackage, shapefiles whole and in parts, dBASE tables, and zip archives of them."""

import datetime as dt
import json
import sqlite3
import struct
import sys
import zipfile
from contextlib import closing

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point

from safeschools_geo import io
from safeschools_geo.errors import ColumnError, FileReadError
from safeschools_geo.io._table import of_one_kind


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


def test_a_shapefile_without_its_dbf_says_so_where_columns_are_needed(tmp_path):
    layer().to_file(tmp_path / "a.shp")
    (tmp_path / "a.dbf").unlink()
    with pytest.raises(ColumnError, match=r"without its \.dbf, which holds the columns; zone_id is needed"):
        io.require(io.read_table(tmp_path / "a.shp"), {}, "zone_id")


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


KML = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>d</name>{}</Document></kml>'
PLACE = "<Placemark><name>{}</name>{}<Point><coordinates>{},2,0</coordinates></Point></Placemark>"
DATA = '<ExtendedData><Data name="zone_id"><value>{}</value></Data></ExtendedData>'


def kml(*places):
    return KML.format("".join(PLACE.format(f"place {n}", DATA.format(f"0{n}"), n) for n in places))


DRIVERS = {".gdb": "OpenFileGDB", ".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".geojson": "GeoJSON"}


def written(path, *, rows=2, **options):
    layer(id=["007", "2E47"], n=[1.5, 2.5]).iloc[:rows].to_file(path, driver=DRIVERS[path.suffix], **options)


@pytest.mark.parametrize("suffix", [".kml", ".kmz"])
def test_placemarks_are_read_with_their_data_and_no_more(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".kml":
        path.write_text(kml(1, 2), encoding="utf-8")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("doc.kml", kml(1, 2))
            archive.writestr("files/icon.png", b"\x89PNG")
    raw = io.read_table(path)
    assert {"Name", "zone_id"} <= set(raw.frame.columns) <= {"Name", "zone_id", "id", "description"}
    assert raw.frame["zone_id"].tolist() == ["01", "02"]
    assert raw.geometry.tolist() == [Point(1, 2), Point(2, 2)]
    assert raw.geometry.crs.to_epsg() == 4326


ROWS = "<tr><td>ZONE_ID</td><td>0{n}</td></tr><tr bgcolor='#D4E4F3'><td>Officer:</td><td>{officer}</td></tr>"
DESCRIPTIONS = {
    "nested": (
        "<html><body><table><tr style='text-align:center'><td>Zone {n}</td></tr><tr><td><table>"
        + ROWS
        + "</table></td></tr></table></body></html>"
    ),
    "headings": "<table>" + ROWS.replace("<td>ZONE_ID</td>", "<th>ZONE_ID</th>") + "</table>",
    "unclosed": "<table border=1>" + ROWS.replace("</td>", "").replace("</tr>", "") + "</table>",
}


def described(text):
    places = [
        f"<description><![CDATA[{text.format(n=n, officer=who)}]]></description>"
        for n, who in enumerate(["A &amp; B", ""])
    ]
    return KML.format("".join(PLACE.format(f"place {n}", text, n) for n, text in enumerate(places)))


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_attributes_that_stand_only_in_the_table_of_a_description_are_columns(tmp_path, kind):
    (tmp_path / "a.kml").write_text(described(DESCRIPTIONS[kind]), encoding="utf-8")
    raw = io.read_table(tmp_path / "a.kml")
    assert raw.frame["ZONE_ID"].tolist() == ["00", "01"]
    assert raw.frame["Officer"].fillna("").tolist() == ["A & B", ""]
    (finding,) = [f for f in raw.findings if f.code == "described_attributes"]
    assert finding.ids == ("ZONE_ID", "Officer")


@pytest.mark.parametrize(
    "text",
    [
        "Zone {n} of {officer}",
        "<b>Zone</b> {n}<br>{officer}",
        "<table><tr><td>Mon</td><td>Tue</td><td>Wed</td></tr><tr><td>{n}</td><td>2</td><td>{officer}</td></tr></table>",
        "<table><tr><td>call</td><td>{n}</td></tr><tr><td>call</td><td>9</td></tr></table>",
    ],
)
def test_a_description_that_is_no_table_of_names_and_values_makes_no_columns(tmp_path, text):
    (tmp_path / "a.kml").write_text(described(text), encoding="utf-8")
    raw = io.read_table(tmp_path / "a.kml")
    assert set(raw.frame.columns) <= {"id", "Name", "description"}
    assert "described_attributes" not in [f.code for f in raw.findings]


def test_attributes_of_a_schema_are_columns_and_go_before_a_description(tmp_path):
    data = (
        "<ExtendedData><SchemaData schemaUrl='#s'><SimpleData name='zone_id'>0{n}</SimpleData></SchemaData>"
        "</ExtendedData>"
        "<description><![CDATA[<table><tr><td>zone_id</td><td>x</td></tr><tr><td>team</td><td>T{n}</td></tr></table>]]>"
        "</description>"
    )
    schema = '<Schema name="s" id="s"><SimpleField type="string" name="zone_id"/></Schema>'
    places = [PLACE.format(f"place {n}", data.replace("{n}", str(n)), n) for n in range(2)]
    (tmp_path / "a.kml").write_text(KML.format(schema + "".join(places)), encoding="utf-8")
    raw = io.read_table(tmp_path / "a.kml")
    assert raw.frame["zone_id"].tolist() == ["00", "01"]
    assert raw.frame["team"].tolist() == ["T0", "T1"]
    assert raw.frame["zone_id_described"].tolist() == ["x", "x"]  # another value than the placemark's own


@pytest.mark.parametrize(
    "content",
    [KML.format("<NetworkLink><Link><href>http://x/a.kml</href></Link></NetworkLink>"), "<!DOCTYPE kml []>" + kml(1)],
)
def test_placemarks_that_are_elsewhere_are_not_fetched(tmp_path, content):
    (tmp_path / "a.kml").write_text(content, encoding="utf-8")
    with pytest.raises(FileReadError, match="no link in a file is followed"):
        io.read_table(tmp_path / "a.kml")


def test_a_file_geodatabase_is_read_as_a_folder_and_zipped(tmp_path):
    path = tmp_path / "a.gdb"
    written(path, layer="places")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("read me first.pdf", b"%PDF")
        archive.writestr("README.txt", "Exported by GIS.")
        for file in path.iterdir():
            archive.write(file, f"export/a.gdb/{file.name}")
    for source in (path, tmp_path / "a.zip"):
        raw = io.read_table(source)
        assert raw.frame["id"].tolist() == ["007", "2E47"]
        assert raw.geometry.tolist() == [Point(1, 2), Point(3, 4)]
        assert raw.geometry.crs.to_epsg() == 26910
    assert io.find_files(tmp_path, "a.*") == [path, tmp_path / "a.zip"]
    assert io.sha256_of(path) == io.sha256_of(path) != io.sha256_of(tmp_path / "a.zip")


@pytest.mark.parametrize("suffix", [".gpkg", ".gdb"])
def test_the_layer_that_is_meant_is_named_and_tables_do_not_count(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    written(path, layer="places")
    table = gpd.GeoDataFrame({"note": ["x"]})
    pyogrio.write_dataframe(pd.DataFrame(table), path, layer="notes", driver=DRIVERS[suffix])
    assert len(io.read_table(path).frame) == 2
    written(path, rows=1, layer="more")
    with pytest.raises(FileReadError, match="exactly one layer") as caught:
        io.read_table(path)
    assert caught.value.found == "places, more"
    assert len(io.read_table(path, layer="more").frame) == 1


def test_arcs_become_short_lines(tmp_path):
    curve = shapely.from_wkt("POINT (0 0)").buffer(1)
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[curve], crs=26910).to_file(tmp_path / "a.gpkg")
    # A circle: curve polygon (10), one ring, a circular string (8) of three points, in binary form.
    ring = struct.pack("<BIIBII", 1, 10, 1, 1, 8, 3) + struct.pack("<6d", 0, 0, 2, 0, 0, 0)
    with sqlite3.connect(tmp_path / "a.gpkg") as base:
        for (trigger,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            base.execute(f'DROP TRIGGER "{trigger}"')
        base.execute("UPDATE a SET geom = ?", (b"GP\x00\x01" + struct.pack("<i", 26910) + ring,))
    base.close()
    raw = io.read_table(tmp_path / "a.gpkg")
    assert [finding.code for finding in raw.findings] == ["curves_linearized"]
    assert raw.geometry.area.iloc[0] == pytest.approx(3.14, abs=0.01)


def ring(*points):
    return {"type": "Polygon", "coordinates": [[list(point) for point in points]]}


def test_rings_are_closed_and_collections_joined(tmp_path):
    first, second = ring((0, 0), (1, 0), (1, 1), (0, 0)), ring((5, 5), (6, 5), (6, 6))
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    inner = {"type": "GeometryCollection", "geometries": [first]}
    shapes = [
        second,
        {"type": "GeometryCollection", "geometries": [inner, second]},
        {"type": "GeometryCollection", "geometries": [first, line]},
    ]
    path = geojson(tmp_path / "a.geojson", *({**feature({"id": "x"}), "geometry": shape} for shape in shapes))
    raw = io.read_table(path)
    assert raw.geometry.geom_type.tolist() == ["Polygon", "MultiPolygon", "Polygon"]
    assert shapely.area(raw.geometry.to_numpy()).tolist() == [0.5, 1, 0.5]
    assert {"collections_joined", "collections_cut"} <= {finding.code for finding in raw.findings}
    assert len(raw.rejects) == 0


def test_a_ring_of_two_points_closes_nothing(tmp_path):
    shapes = [ring((0, 0), (1, 0), (1, 1), (0, 0)), ring((0, 0), (1, 1))]
    path = geojson(tmp_path / "a.geojson", *({**feature({"id": "x"}), "geometry": shape} for shape in shapes))
    raw = io.read_table(path)
    assert len(raw.frame) == 1
    assert raw.rejects["reason_code"].tolist() == ["bad_geometry"]


@given(parts=st.lists(st.sampled_from(["POINT (1 2)", "LINESTRING (0 0, 1 1)", "POLYGON ((0 0, 1 0, 1 1, 0 0))"])))
def test_what_a_collection_covers_is_kept(parts):
    collection = shapely.from_wkt(f"GEOMETRYCOLLECTION ({', '.join(parts)})" if parts else "GEOMETRYCOLLECTION EMPTY")
    shapes, is_parted, is_mixed = of_one_kind(np.array([collection], dtype=object))
    assert shapes[0].area == collection.area
    assert shapely.get_num_geometries(shapes[0]) <= max(len(parts), 1)
    assert is_mixed[0] <= is_parted[0]
    assert not is_parted[0] or shapes[0].geom_type != "GeometryCollection"


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".shp", ".gdb", ".parquet", ".csv", ".xlsx"])
def test_a_path_may_hold_signs_that_drivers_read_meaning_into(tmp_path, suffix):
    path = tmp_path / "a!b #1 {x} & ü" / f"zip!a?{suffix}" if sys.platform != "win32" else tmp_path / f"a!b{suffix}"
    path.parent.mkdir(exist_ok=True)
    plain = tmp_path / f"plain{suffix}"
    if suffix in {".csv", ".xlsx"}:
        getattr(pd.DataFrame(layer().drop(columns="geometry")), f"to_{'csv' if suffix == '.csv' else 'excel'}")(plain)
    else:
        layer().to_parquet(plain) if suffix == ".parquet" else written(plain)
    for part in tmp_path.glob("plain.*"):
        part.rename(path.with_suffix(part.suffix))
    assert len(io.read_table(path).frame) == 2


@pytest.mark.parametrize(
    ("written", "stated", "said"),
    [
        ("cp1252", "UTF-8", "its .cpg says “UTF-8”, which its text is not; it was read as Windows-1252"),
        ("utf-8", "1252", "its .cpg says “1252”, which its text is not; it was read as UTF-8"),
        ("cp1252", "system", "its .cpg says “system”, which its text is not; it was read as Windows-1252"),
        ("cp1252", "ANSI 1252", ""),
        ("cp1252", "ISO-8859-1", ""),
        ("utf-8", "65001", ""),
    ],
)
def test_text_that_is_not_what_the_cpg_says_is_read_as_it_is_and_said(tmp_path, written, stated, said):
    layer(name=["Cañada", "Piñon"]).to_file(tmp_path / "a.shp", encoding=written)
    (tmp_path / "a.cpg").write_text(stated, encoding="ascii")
    raw = io.read_table(tmp_path / "a.shp")
    assert raw.frame["name"].tolist() == ["Cañada", "Piñon"]
    assert [finding.message for finding in raw.findings] == ([f"a.shp: {said}."] if said else [])


def test_text_that_no_encoding_fits_is_a_refusal(tmp_path):
    pyogrio.write_dataframe(pd.DataFrame({"id": ["007"]}), tmp_path / "a.gpkg", layer="a")
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as base, base:
        base.execute("UPDATE a SET id = CAST(x'4361F161' AS TEXT)")
    with pytest.raises(FileReadError, match="encoding"):
        io.read_table(tmp_path / "a.gpkg")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DELETE FROM gpkg_contents", "lists no layer"),
        ("DELETE FROM gpkg_geometry_columns", "list of geometry columns lacks a"),
    ],
)
def test_a_geopackage_without_its_lists_says_so(tmp_path, change, said):
    layer().to_file(tmp_path / "a.gpkg", layer="a")
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as base, base:
        base.execute(change)
    with pytest.raises(FileReadError, match=said) as caught:
        io.read_table(tmp_path / "a.gpkg")
    assert "layer =" not in str(caught.value)
    assert "copy.gpkg" not in str(caught.value)


def test_a_ring_that_is_not_closed_is_said_once(tmp_path):
    ring = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}
    raw = io.read_table(geojson(tmp_path / "a.geojson", feature({"id": "x"}) | {"geometry": ring}))
    assert codes(raw) == ["rings_closed"]
    assert raw.geometry.iloc[0].area == 1


def test_folders_of_kml_are_read_as_one_where_they_are_listed(tmp_path):
    def folder(name, *ids):
        marks = "".join(
            f"<Placemark><name>{one}</name><Point><coordinates>{one},2</coordinates></Point></Placemark>" for one in ids
        )
        return f"<Folder><name>{name}</name>{marks}</Folder>"

    text = f"<Document>{folder('North', 1, 2)}{folder('South', 3)}</Document>"
    path = tmp_path / "a.kml"
    path.write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2">{text}</kml>', encoding="utf-8")
    with pytest.raises(FileReadError, match=r"layer = \[") as caught:
        io.read_table(path)
    assert "North, South" in str(caught.value)
    raw = io.read_table(path, layer=("North", "South"))
    assert raw.frame["Name"].tolist() == ["1", "2", "3"]
    assert raw.frame.index.tolist() == raw.geometry.index.tolist() == [1, 2, 3]
    assert raw.geometry.x.tolist() == [1, 2, 3]
    assert codes(raw) == ["layers_joined"]
