"""Files that would have the reader open another file or an address: nothing else is opened, whatever is in them."""

import json
import socket
import sqlite3
import threading
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shapely.geometry import Point

from safeschools_geo import io
from safeschools_geo.crs import parse_crs
from safeschools_geo.errors import CRSError, FileReadError, InputError

MARKER = "quite-secret"
POINTS = gpd.GeoDataFrame({"id": ["007", "2E47"]}, geometry=[Point(1, 2), Point(3, 4)], crs=4326)


@pytest.fixture(scope="module")
def visits():
    """Count who connects to an address of this machine; the address comes first."""
    seen = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            seen.append(client.recv(1_000))
            client.close()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
    server.close()


@pytest.fixture
def secret(tmp_path):
    """Write a file that nobody asked for, in every form that a driver would understand."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "secret.csv").write_text(f"id,name\n1,{MARKER}\n", encoding="utf-8")
    POINTS.assign(name=MARKER).to_file(folder / "secret.gpkg")
    return folder / "secret.csv"


def vrt(source):
    layer = f'<OGRVRTLayer name="secret"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer>'
    return f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"


def feature(crs=None):
    point = {"type": "Point", "coordinates": [1, 2], **({"crs": crs} if crs else {})}
    return {"type": "Feature", "properties": {"id": "a"}, "geometry": point}


def linked(url):
    return {"type": "link", "properties": {"href": url, "type": "ogcwkt"}}


HOSTILE = {
    "virtual layer": lambda secret, _: vrt(secret),
    "virtual layer of an address": lambda _, url: vrt(f"/vsicurl/{url}/a.geojson"),
    "virtual layer of a database": lambda secret, _: vrt(secret.with_suffix(".gpkg")),
    "virtual layer inside JSON": lambda secret, _: json.dumps(
        {"a": vrt(secret), "type": "FeatureCollection", "features": [feature()]}
    ),
    "algorithm": lambda secret, _: json.dumps(
        {
            "type": "gdal_streamed_alg",
            "command_line": f"gdal vector convert {secret} --output-format stream streamed_dataset",
        }
    ),
    "algorithm beside a type": lambda secret, _: (
        json.dumps({"type": "FeatureCollection", "features": []})[:-1]
        + f', "type": "gdal_streamed_alg", "command_line": "gdal vector convert {secret} --output-format stream x"}}'
    ),
    "web service": lambda _, url: f"<OGRWFSDataSource><URL>{url}</URL></OGRWFSDataSource>",
    "capabilities": lambda _, url: (
        "<wfs:WFS_Capabilities version='1.1.0' xmlns:wfs='http://www.opengis.net/wfs' "
        f"xmlns:xlink='http://www.w3.org/1999/xlink'><Get xlink:href='{url}'/></wfs:WFS_Capabilities>"
    ),
    "CRS by link": lambda _, url: json.dumps(
        {"type": "FeatureCollection", "crs": linked(url), "features": [feature()]}
    ),
    "CRS by link, spelled otherwise": lambda _, url: json.dumps(
        {"type": "FeatureCollection", "features": [feature()], "CRS": {"Type": "URL", "properties": {"url": url}}}
    ).replace('"CRS"', '"\\u0043rs"'),
    "CRS of a shape by link": lambda _, url: json.dumps(
        {"type": "FeatureCollection", "features": [feature(linked(url))]}
    ),
    "two CRS": lambda _, url: (
        json.dumps({"type": "FeatureCollection", "crs": linked(url), "features": [feature()]})[:-1]
        + ', "crs": {"type": "name", "properties": {"name": "EPSG:4326"}}}'
    ),
    "TopoJSON": lambda _, url: json.dumps({"type": "Topology", "objects": {}, "arcs": [], "url": url}),
    "Esri JSON": lambda _, url: json.dumps(
        {"geometryType": "esriGeometryPoint", "features": [{"attributes": {"id": url}, "geometry": {"x": 1, "y": 2}}]}
    ),
    "KML with a network link": lambda _, url: (
        "<?xml version='1.0'?><!DOCTYPE kml [<!ENTITY e SYSTEM "
        f"'{url}/e'>]><kml><NetworkLink><Link><href>{url}</href></Link></NetworkLink>&e;</kml>"
    ),
    "address": lambda _, url: url,
    "name of another file": lambda secret, _: str(secret),
    "list of tiles": lambda _, url: json.dumps({"tilejson": "3.0.0", "tiles": [f"{url}/{{z}}/{{x}}/{{y}}.pbf"]}),
    "OGC API": lambda _, url: json.dumps({"links": [{"rel": "data", "href": url}], "collections": []}),
}


def text_of(raw):
    """Everything that reading has brought to light."""
    geometry = "" if raw.geometry is None else raw.geometry.to_wkt().str.cat()
    return raw.frame.to_csv() + geometry + raw.rejects.to_csv() + str(raw.findings)


def try_to_read(path, **options):
    """Read, whatever comes of it, and return all that it says."""
    try:
        return text_of(io.read_table(path, **options))
    except InputError as error:
        assert error.remedy  # noqa: PT017 - either outcome is right
        return str(error)


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("suffix", io.SUPPORTED_SUFFIXES)
def test_nothing_else_is_opened(tmp_path, secret, visits, kind, suffix):
    url, seen = visits
    before = len(seen)
    path = tmp_path / f"zones{suffix}"
    content = HOSTILE[kind](secret, url)
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("zones.geojson", content)
    else:
        path.write_text(content, encoding="utf-8")
    assert MARKER not in try_to_read(path)
    assert len(seen) == before


def test_the_listener_and_the_secret_would_be_found(tmp_path, secret, visits):
    # The tests above can fail: a reader that guesses what a file is follows it to both.
    url, seen = visits
    before = len(seen)
    (tmp_path / "a.geojson").write_text(vrt(secret), encoding="utf-8")
    assert MARKER in gpd.read_file(tmp_path / "a.geojson", engine="pyogrio").to_csv()
    linked_file = tmp_path / "b.geojson"
    linked_file.write_text(HOSTILE["CRS by link"](secret, url), encoding="utf-8")
    gpd.read_file(linked_file, engine="pyogrio")
    assert len(seen) > before


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("virtual layer", "text,"),
        ("algorithm", "JSON of type gdal_streamed_alg"),
        ("algorithm beside a type", "JSON of type FeatureCollection, gdal_streamed_alg"),
        ("CRS by link", "a member crs that is a link"),
        ("TopoJSON", "JSON, TopoJSON"),
        ("Esri JSON", "JSON of Esri's own kind"),
    ],
)
def test_what_only_looks_like_geojson_is_named(tmp_path, secret, visits, kind, found):
    (tmp_path / "a.geojson").write_text(HOSTILE[kind](secret, visits[0]), encoding="utf-8")
    with pytest.raises(FileReadError) as caught:
        io.read_table(tmp_path / "a.geojson")
    assert caught.value.found.startswith(found)


def test_a_text_that_speaks_of_a_virtual_layer_is_a_text(tmp_path, secret):
    path = tmp_path / "a.geojson"
    collection = {"type": "FeatureCollection", "features": [{**feature(), "properties": {"id": vrt(secret)}}]}
    path.write_text(json.dumps(collection), encoding="utf-8")
    assert io.read_table(path).frame["id"].tolist() == [vrt(secret)]


def test_json_of_great_depth_is_refused(tmp_path):
    (tmp_path / "a.geojson").write_text("[" * 1_000_000, encoding="utf-8")
    with pytest.raises(FileReadError, match="not GeoJSON"):
        io.read_table(tmp_path / "a.geojson")


@pytest.mark.parametrize(
    "name", ["a!zones.gpkg", "a|b.geojson", "a:b.gpkg", "http:.geojson", "a?b#c.geojson", "%41.shp"]
)
def test_odd_names_of_files_are_only_names(tmp_path, monkeypatch, name):
    path = tmp_path / name
    POINTS.to_file(tmp_path / f"plain{path.suffix}")
    POINTS.head(1).assign(id=MARKER).to_file(tmp_path / f"zones{path.suffix}")
    for part in tmp_path.glob("plain.*"):
        part.rename(tmp_path / f"{path.stem}{part.suffix}")
    assert io.read_table(path).frame["id"].tolist() == ["007", "2E47"]
    monkeypatch.chdir(tmp_path)
    assert io.read_table(path.relative_to(tmp_path)).frame["id"].tolist() == ["007", "2E47"]


def test_a_folder_called_like_an_address_is_a_folder(tmp_path, monkeypatch, visits):
    url, seen = visits
    before = len(seen)
    path = tmp_path.joinpath(*f"{url}/zones.gpkg".split("/"))
    path.parent.mkdir(parents=True)
    POINTS.to_file(path)
    monkeypatch.chdir(tmp_path)
    assert len(io.read_table(path.relative_to(tmp_path)).frame) == 2
    assert len(seen) == before
    for name in (f"/vsicurl/{url}/zones.gpkg", f"{url}/a.gpkg", "/vsizip//a.zip/zones.gpkg"):
        with pytest.raises(FileReadError, match="no such file"):
            io.read_table(type(path)(name + ".gpkg"))


def geopackage(path, *statements):
    POINTS.to_file(path, layer="zones")
    with sqlite3.connect(path) as base:
        for statement in statements:
            base.execute(statement)
    return path


LISTED = "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('v', 'attributes', 'v', 0)"


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["CREATE VIEW v AS SELECT fid, geom, ogr_geocode('x') AS q FROM zones", LISTED], "v, which is a view"),
        (
            ["DROP TABLE gpkg_ogr_contents", "CREATE VIEW gpkg_ogr_contents AS SELECT 'zones' table_name"],
            "gpkg_ogr_contents, which is a view",
        ),
        (
            [
                "PRAGMA writable_schema = ON",
                "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING VirtualOGR(1)')",
            ],
            "v, which is a virtual table",
        ),
        (
            ["ALTER TABLE zones ADD COLUMN big BLOB GENERATED ALWAYS AS (zeroblob(1000000000)) VIRTUAL"],
            "zones, which has columns that are computed",
        ),
    ],
)
def test_a_geopackage_is_its_own_tables(tmp_path, statements, found):
    with pytest.raises(FileReadError) as caught:
        io.read_table(geopackage(tmp_path / "a.gpkg", *statements))
    assert caught.value.found == found


def test_a_view_that_no_layer_rests_on_and_saved_styles_do_no_harm(tmp_path):
    # Other programs write such views of the CRS tables, and desktop GIS save styles beside the layers.
    path = geopackage(
        tmp_path / "a.gpkg",
        "CREATE VIEW st_spatial_ref_sys AS SELECT srs_id FROM gpkg_spatial_ref_sys",
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, styleQML TEXT)",
        LISTED.replace("'v'", "'layer_styles'"),
    )
    assert io.read_table(path).frame["id"].tolist() == ["007", "2E47"]


def test_a_database_that_is_no_geopackage_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "a.gpkg") as base:
        base.execute("CREATE TABLE zones (id TEXT)")
    with pytest.raises(FileReadError, match="not a GeoPackage"):
        io.read_table(tmp_path / "a.gpkg")


def test_what_another_program_has_not_written_back_yet_is_read_and_nothing_is_written(tmp_path):
    path = tmp_path / "a.gpkg"
    POINTS.to_file(path, SPATIAL_INDEX="NO")
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("UPDATE a SET id = 'new' WHERE id = '007'")
        base.commit()
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        assert "a.gpkg-wal" in before
        assert io.read_table(path).frame["id"].tolist() == ["new", "2E47"]
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "crs",
    [
        "+proj=longlat +datum=WGS84 +nadgrids=@{}",
        "+init={}:1 +type=crs",
        'GEOGCS["a",DATUM["b",SPHEROID["c",6378137,298],EXTENSION["PROJ4_GRIDS","{}"]],PRIMEM["d",0],UNIT["e",0.01]]',
    ],
)
def test_a_crs_that_rests_on_a_file_is_refused(tmp_path, secret, visits, crs):
    url, seen = visits
    before = len(seen)
    for source in (secret, f"{url}/grid"):
        with pytest.raises(CRSError, match="points to a file or an address"):
            parse_crs(crs.format(source))
    POINTS.to_file(tmp_path / "a.shp")
    (tmp_path / "a.prj").write_text(crs.format(f"{url}/grid"), encoding="utf-8")
    assert MARKER not in try_to_read(tmp_path / "a.shp")
    assert len(seen) == before


def test_a_crs_with_a_grid_of_the_usual_ones_is_read():
    assert parse_crs("+proj=longlat +ellps=clrk66 +nadgrids=conus +type=crs").is_geographic
    assert parse_crs(parse_crs("NAD27 / UTM zone 10N").to_wkt()).is_projected


def test_links_in_a_workbook_are_not_followed(tmp_path, secret, visits):
    url, seen = visits
    before = len(seen)
    book = openpyxl.Workbook()
    formulas = {"a": f"='file://{secret}'#$Sheet1.A1", "b": f'=WEBSERVICE("{url}")', "c": "=cmd|'/c x'!A1"}
    for row in [("id", "name"), *formulas.items()]:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "a") as archive:
        archive.writestr(
            "xl/externalLinks/_rels/externalLink1.xml.rels",
            "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship "
            f"Id='r1' Type='externalLinkPath' Target='{url}/a.xlsx' TargetMode='External'/></Relationships>",
        )
    assert MARKER not in try_to_read(tmp_path / "a.xlsx")
    assert io.read_table(tmp_path / "a.xlsx").frame["id"].tolist() == ["a", "b", "c"]
    assert len(seen) == before


def test_entities_of_a_workbook_are_not_followed(tmp_path, secret, visits):
    url, seen = visits
    before = len(seen)
    pd.DataFrame({"id": ["a"]}).to_excel(tmp_path / "plain.xlsx", index=False)
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as plain, zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        for name in plain.namelist():
            text = plain.read(name).decode()
            if name.endswith(("sheet1.xml", "sharedStrings.xml")):
                entity = f"<!DOCTYPE a [<!ENTITY e SYSTEM 'file://{secret}'><!ENTITY f SYSTEM '{url}'>]>"
                text = entity + text.split("?>")[-1].replace("<t>id</t>", "<t>&e;&f;</t>")
            archive.writestr(name, text)
    assert MARKER not in try_to_read(tmp_path / "a.xlsx")
    assert len(seen) == before


def test_metadata_of_parquet_name_no_file(tmp_path, secret, visits):
    url, seen = visits
    before = len(seen)
    geo = {"primary_column": "geometry", "columns": {"geometry": {"encoding": "point", "crs": f"+nadgrids={url}/g"}}}
    table = pa.table({"id": ["a"], "geometry": [b""]}).replace_schema_metadata(
        {"geo": json.dumps(geo), "path": str(secret)}
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert MARKER not in try_to_read(tmp_path / "a.parquet")
    assert len(seen) == before
