"""Layers of maps, from GeoJSON to File Geodatabase, looked at before a driver opens them."""

from __future__ import annotations

import codecs
import json
import re
import shutil
import sqlite3
import tempfile
import warnings
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.parsers import expat

import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pyogrio.raw
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError

from safeschools_geo.errors import FileReadError, count_text
from safeschools_geo.findings import Finding
from safeschools_geo.io._columns import as_text
from safeschools_geo.io._table import RawTable, check_table_size, describe, html_tables, to_frame, with_shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from safeschools_geo.settings import ReadingSettings


# ── What a layer's file holds, looked at before a driver opens it: nothing in it may point to another file or address

_GEOJSON = {
    "featurecollection",
    "feature",
    "point",
    "multipoint",
    "linestring",
    "multilinestring",
    "polygon",
    "multipolygon",
    "geometrycollection",
}
# A CRS of any other type is an address, which the driver would ask.
_NAMED_CRS = {"name", "epsg"}
_HARMLESS_MODULES = "rtree|rtree_i32|fts3|fts4|fts5"
_STYLES = "layer_styles"
_GENERATED = (2, 3)


class _Object(NamedTuple):
    """What is kept of a JSON object while the file is looked through."""

    types: tuple[object, ...]
    keys: tuple[str, ...]


class _PointsElsewhereError(ValueError):
    """A JSON object points to something outside the file."""


@dataclass
class _Survey:
    """What has been seen of a GeoJSON file; no more than one feature of it is in memory."""

    rows: int = 0
    names: set[str] = field(default_factory=set)

    def see(self, pairs: list[tuple[str, Any]]) -> _Object:
        members = [(key.casefold(), value) for key, value in pairs]
        if any(key == "crs" and _is_link(value) for key, value in members):
            raise _PointsElsewhereError
        keys = tuple(key for key, _ in pairs)
        properties = [value.keys for key, value in members if key == "properties" and isinstance(value, _Object)]
        if properties or any(key == "geometry" for key, _ in members):
            self.rows += 1
            self.names.update(*(properties or [keys]))
        return _Object(tuple(value for key, value in members if key == "type"), keys)


def _is_link(crs: object) -> bool:
    types = crs.types if isinstance(crs, _Object) else ()
    return any(str(kind).casefold() not in _NAMED_CRS for kind in types)


def check_geojson(path: Path, limits: ReadingSettings) -> None:
    """Refuse what is no GeoJSON, points elsewhere, or holds more than is read."""
    survey = _Survey()
    try:
        root = json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=survey.see)
    except _PointsElsewhereError as error:
        raise FileReadError(
            "The file states its CRS by a link, and no link in a file is followed.",
            where=path,
            found="a member crs that is a link",
            expected='longitude and latitude, or a crs of type "name"',
            remedy="Export it again in longitude and latitude (EPSG:4326).",
        ) from error
    except (ValueError, RecursionError) as error:
        raise _not_geojson(path, describe(path) + (f" ({error})" if isinstance(error, ValueError) else "")) from error
    kinds = root.types if isinstance(root, _Object) else ()
    if len(kinds) != 1 or str(kinds[0]).casefold() not in _GEOJSON:
        raise _not_geojson(path, _kind_of_json(root, kinds))
    check_table_size(path, limits, rows=survey.rows, columns=len(survey.names))


def _kind_of_json(root: object, kinds: tuple[object, ...]) -> str:
    keys = {key.casefold() for key in root.keys} if isinstance(root, _Object) else set()
    if "topology" in {str(kind).casefold() for kind in kinds}:
        return "JSON, TopoJSON"
    if keys & {"geometrytype", "spatialreference", "displayfieldname"}:
        return "JSON of Esri's own kind"
    return f"JSON of type {', '.join(map(str, kinds))}" if kinds else "JSON without a type"


def _not_geojson(path: Path, found: str) -> FileReadError:
    return FileReadError(
        "The file is not GeoJSON that can be read.",
        where=path,
        found=found,
        expected="GeoJSON, whole: a FeatureCollection in UTF-8",
        remedy="Export or download it again as GeoJSON; a file that was cut short or renamed cannot be read.",
    )


def geopackage_layers(path: Path, copy: Path) -> list[str]:
    """List the layers of a GeoPackage, and refuse one that is more than its own tables."""
    with _opened(path, copy) as base:
        tables = {name: (kind, root, sql) for kind, name, root, sql in base.execute(_MASTER)}
        kinds = {str(name): kind for name, kind in base.execute(_CONTENTS)}
        has_list = "gpkg_geometry_columns" in tables
        shapes = {str(name) for (name,) in base.execute(_GEOMETRY_COLUMNS)} if has_list else set()
    for name, (kind, root, sql) in tables.items():
        if kind == "view" and (name in kinds or name.casefold().startswith("gpkg_")):
            raise _not_plain(path, f"{name}, which is a view")
        if kind == "table" and not root and not _is_harmless(name, str(sql)):
            raise _not_plain(path, f"{name}, which is a virtual table")
    layers = [name for name, kind in kinds.items() if kind == "features"]
    if lacking := [name for name in layers if name not in shapes]:
        raise _unreadable(path, ValueError(f"its list of geometry columns lacks {', '.join(lacking)}"))
    return layers or [name for name in kinds if name != _STYLES]


def check_geopackage_layer(path: Path, copy: Path, layer: str, limits: ReadingSettings) -> None:
    """Refuse a layer that computes its columns, or holds more than is read."""
    quoted = '"' + layer.replace('"', '""') + '"'
    with _opened(path, copy) as base:
        hidden = [kind for (kind,) in base.execute("SELECT hidden FROM pragma_table_xinfo(?)", (layer,))]
        if any(kind in _GENERATED for kind in hidden):
            raise _not_plain(path, f"{layer}, which has columns that are computed")
        check_table_size(path, limits, columns=len(hidden))
        [(rows,)] = base.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608 - quoted as SQL asks
    check_table_size(path, limits, rows=rows, columns=len(hidden))


_CONTENTS = "SELECT table_name, data_type FROM gpkg_contents ORDER BY rowid"
_GEOMETRY_COLUMNS = "SELECT table_name FROM gpkg_geometry_columns"
_MASTER = "SELECT type, name, rootpage, sql FROM sqlite_master"


@contextmanager
def _opened(path: Path, copy: Path) -> Iterator[sqlite3.Connection]:
    """Open a database, and say in our own words what is wrong with it."""
    try:
        with closing(sqlite3.connect(copy)) as base:
            base.execute("PRAGMA trusted_schema = OFF")
            yield base
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _is_harmless(name: str, sql: str) -> bool:
    plain = re.escape(name)
    quoted = re.escape(name.replace('"', '""'))
    pattern = rf"create\s+virtual\s+table\s+(?:{plain}|\"{quoted}\")\s+using\s+(?:{_HARMLESS_MODULES})\s*\("
    return re.match(pattern, sql.lstrip(), re.IGNORECASE) is not None


def _not_plain(path: Path, found: str) -> FileReadError:
    return FileReadError(
        "The GeoPackage holds a layer that is made from something else when it is opened.",
        where=path,
        found=found,
        expected="plain tables: what a file computes or points to is not followed",
        remedy="Save the layer as a GeoPackage of its own.",
    )


_ELSEWHERE = re.compile(rb"<!(?:DOCTYPE|ENTITY)|<(?:\w+:)?NetworkLink\b", re.IGNORECASE)
_CHUNK = 65_536
_PLACEMARK = re.compile(rb"<(?:\w+:)?Placemark\b")


def check_kml(path: Path, limits: ReadingSettings) -> None:
    """Refuse what is no KML, points elsewhere, or holds more than is read."""
    content = path.read_bytes()
    root = _root(content)
    if root != "kml":
        raise _unreadable(path, ValueError(f"XML of {root}" if root else "no XML"))
    if _ELSEWHERE.search(content):
        raise FileReadError(
            "The file is made of what it points to, and no link in a file is followed.",
            where=path,
            found="a NetworkLink, or a document type with entities",
            expected="placemarks in the file itself",
            remedy="Open it in the program that shows it, and save the placemarks as a KML file of their own.",
        )
    check_table_size(path, limits, rows=len(_PLACEMARK.findall(content)))


def _root(content: bytes) -> str | None:
    """Tell the first element of XML, whatever its namespace; None if it is no XML."""
    names: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _: names.append(name.rpartition(" ")[2])
    try:
        for start in range(0, len(content), _CHUNK):
            parser.Parse(content[start : start + _CHUNK], False)  # noqa: FBT003 - expat takes no keyword
            if names:
                return names[0]
    except expat.ExpatError:
        return names[0] if names else None
    return None


_GDB_FILE = re.compile(r"a[0-9a-f]{8}\.\w+|gdb|timestamps", re.IGNORECASE)
_GDB_CATALOG = "a00000001.gdbtable"


def check_geodatabase(path: Path) -> None:
    """Refuse what is no File Geodatabase, which other drivers would take for something of theirs."""
    names = {file.name.casefold() for file in path.iterdir()} if path.is_dir() else set()
    if _GDB_CATALOG not in names:
        raise _unreadable(path, ValueError(f"there is no {_GDB_CATALOG}"))


# ── The parts of a shapefile: which there are, whether they are whole and belong together

PART_SUFFIXES = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_MAGIC = (9994).to_bytes(4, "big")
# First bytes of dBASE III to 7 and FoxPro tables, with and without memo fields.
_DBF_VERSIONS = frozenset(bytes.fromhex("030405303132436383878b8ccbf5fb"))
_HEADER_BYTES = 100
_INDEX_RECORD_BYTES = 8
_DBF_HEADER_BYTES = 32


@dataclass(frozen=True)
class _Part:
    """What a part of a shapefile says of itself."""

    path: Path
    stated_bytes: int
    rows: int | None
    columns: int = 0


def parts_of(path: Path) -> dict[str, Path]:
    """Find the parts of a shapefile."""
    siblings = {p.suffix.lower(): p for p in sorted(path.parent.iterdir()) if p.stem == path.stem}
    return {suffix: siblings[suffix] for suffix in PART_SUFFIXES if suffix in siblings} | {path.suffix.lower(): path}


def check_parts(path: Path) -> tuple[dict[str, Path], int, int]:
    """Refuse a shapefile, or a dBASE table, that was cut short or put together from different ones.

    Drivers read such files without complaint and leave shapes or values out.

    As `parts_of`, the file itself first; of a ``.dbf`` alone, itself. How many it says it has; 0 rows where the
    shapes alone would have to be counted.
    """
    is_table = path.suffix.lower() == ".dbf"
    parts = {".dbf": path} if is_table else parts_of(path)
    read = [_dbf(p) if suffix == ".dbf" else _shp(p) for suffix, p in parts.items() if suffix in PART_SUFFIXES[:3]]
    for part in read:
        if part.path.stat().st_size < part.stated_bytes:
            raise _cut_short(part)
    counts = {part.path.name: part.rows for part in read if part.rows is not None}
    if len(set(counts.values())) > 1:
        raise FileReadError(
            "The parts of the shapefile do not belong together.",
            where=path,
            found=", ".join(f"{name}: {rows:,} rows" for name, rows in counts.items()),
            expected="the same number of rows in each",
            remedy="Copy all parts of one export again; attributes would go to the wrong shapes.",
        )
    if ".shx" in parts and ".shp" in parts:
        _check_index(parts, counts[parts[".shx"].name])
    columns = max((part.columns for part in read), default=0)
    return {path.suffix.lower(): path} | parts, max(counts.values(), default=0), columns


def _check_index(parts: dict[str, Path], rows: int) -> None:
    """Refuse an index that has one shape read again and again: its shapes would be more than the file."""
    index = np.fromfile(parts[".shx"], dtype=">i4", offset=_HEADER_BYTES, count=2 * rows)
    listed = 2 * int(index[1::2].sum(dtype="int64"))
    if listed > parts[".shp"].stat().st_size:
        raise FileReadError(
            "The parts of the shapefile do not belong together.",
            where=parts[".shp"],
            found=f"shapes of {listed:,} bytes in {parts['.shx'].name}",
            expected=f"at most the {parts['.shp'].stat().st_size:,} bytes of the file",
            remedy="Copy all parts of one export again.",
        )


def _shp(path: Path) -> _Part:
    head = _head(path, _HEADER_BYTES)
    if not head.startswith(_MAGIC):
        raise _not_a_part(path, "a shapefile")
    stated = max(2 * int.from_bytes(head[24:28], "big"), _HEADER_BYTES)
    is_index = path.suffix.lower() == ".shx"
    return _Part(path, stated, (stated - _HEADER_BYTES) // _INDEX_RECORD_BYTES if is_index else None)


def _dbf(path: Path) -> _Part:
    head = _head(path, _DBF_HEADER_BYTES)
    rows, header_bytes, row_bytes = (int.from_bytes(head[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12)))
    if head[0] not in _DBF_VERSIONS or header_bytes <= _DBF_HEADER_BYTES or row_bytes == 0:
        raise _not_a_part(path, "a dBASE table")
    return _Part(path, header_bytes + rows * row_bytes, rows, header_bytes // _DBF_HEADER_BYTES - 1)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size).ljust(1, b"\0")


def _not_a_part(path: Path, kind: str) -> FileReadError:
    return FileReadError(
        f"The file is not {kind}.",
        where=path,
        found=describe(path),
        expected=f"{kind}, as its name says",
        remedy="Export it again, with its .shp, .shx, .dbf and .prj.",
    )


def _cut_short(part: _Part) -> FileReadError:
    return FileReadError(
        "The file is cut short.",
        where=part.path,
        found=f"{part.path.stat().st_size:,} bytes",
        expected=f"{part.stated_bytes:,} bytes, as its header says",
        remedy="Copy or download it again, with all its parts.",
    )


_ENCODINGS = {"utf8": "utf-8", "65001": "utf-8", "1252": "cp1252", "ansi": "cp1252", "88591": "cp1252"}
_ENCODING_NAMES = {"utf-8": "UTF-8", "cp1252": "Windows-1252"}


def dbf_encoding(parts: dict[str, Path]) -> tuple[str | None, str]:
    """Tell the encoding of the text in a dBASE table, and what is wrong with what its ``.cpg`` says, or its lack.

    None leaves it to the driver: there is no text, or another encoding than the two usual ones is stated.
    """
    if ".dbf" not in parts:
        return None, ""
    stated = parts[".cpg"].read_text(encoding="latin-1").strip() if ".cpg" in parts else ""
    plain = re.sub(r"[^a-z0-9]|^(?:windows|cp|ansi(?=.)|iso)", "", re.sub(r"[^a-z0-9]", "", stated.lower()))
    known = _ENCODINGS.get(plain)
    if known is None and _is_encoding(stated):
        return None, ""
    data = parts[".dbf"].read_bytes()
    text = data[int.from_bytes(data[8:10], "little") :]
    try:
        text.decode("utf-8")
        found = "utf-8"
    except UnicodeDecodeError:
        found = "cp1252"
    if text.isascii() or found == known:
        return found, ""
    if stated:
        return found, f"its .cpg says “{stated}”, which its text is not; it was read as {_ENCODING_NAMES[found]}"
    said = f"its text states no encoding; it was read as {_ENCODING_NAMES[found]}"
    return found, said if found == "cp1252" else ""


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return False
    return True


# ── Layers of maps, each read by the driver of its kind, with our own words for what is wrong

_DRIVER_ERRORS = (
    CRSError,
    DataSourceError,
    DataLayerError,
    FeatureError,
    FieldError,
    GeometryError,
    RuntimeError,
    OSError,
    UnicodeDecodeError,
    UnboundLocalError,  # what a .prj that is no text comes to in pyogrio
)
_COPY = "copy"
_KINDS = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "a GeoPackage",
    ".shp": "a shapefile",
    ".dbf": "a dBASE table",
    ".kml": "a KML file",
    ".gdb": "a File Geodatabase",
}
_GDB = ".gdb"
_KML = ".kml"
# What the driver adds to every placemark.
_KML_SYSTEM = {"tessellate", "extrude", "visibility", "drawOrder"}
_CURVES = np.arange(8, 15)  # types of ISO WKB: circular strings, compound curves, curve polygons and what holds them
# Names that drivers give to ids without a name, and where they count from when there are no ids.
_COUNTED_FROM = {"OGC_FID": 0, "fid": 1, "OBJECTID": 1}
# Said by the driver of what we ask for or see to ourselves.
_EXPECTED_WARNINGS = (
    "is not consistent with type in gpkg_geometry_columns",
    "does not support open option",
    "More than one layer",
    "Several features with id",
    "Non closed ring",
)


def read_layer(path: Path, *, limits: ReadingSettings, layer: str | None = None) -> RawTable:
    """Read a layer of GeoJSON, KML, a GeoPackage or a File Geodatabase.

    Attributes in their types; moments in GeoJSON stay text, with their offset. Ids that the file keeps apart from the
    attributes are a column, unless they only number the rows.
    """
    suffix = path.suffix.lower()
    if suffix == ".gpkg":
        log = path.with_name(f"{path.name}-wal")  # what a program that has it open has written
        parts = {suffix: path} | ({f"{suffix}-wal": log} if log.is_file() else {})
        with _alone(parts) as copy:
            chosen = _choose_layer(path, geopackage_layers(path, copy), layer)
            check_geopackage_layer(path, copy, chosen, limits)
            return _read(path, str(copy), layer=chosen, return_fids=True, LIST_ALL_TABLES="NO")
    if suffix == _GDB:
        check_geodatabase(path)
        with _alone({suffix: path}) as copy:
            chosen = _choose_layer(path, _listed(path, copy), layer)
            about = _info(path, copy, chosen)
            check_table_size(path, limits, rows=max(about["features"], 0), columns=len(about["fields"]))
            return _read(path, str(copy), layer=chosen, return_fids=True)
    if suffix == _KML:
        check_kml(path, limits)
        with _alone({suffix: path}) as copy:
            raw = _read(path, str(copy), layer=_choose_layer(path, _listed(path, copy), layer))
            return _with_described(_without_system(raw))
    check_geojson(path, limits)
    with _alone({".geojson": path}) as copy:
        # The prefix leaves the driver no choice: others would look into the text for what they know.
        source = f"GeoJSON:{copy}"
        if layer is not None:
            _choose_layer(path, [_layer_name(path, source)], layer)
        return _read(path, source, return_fids=True, DATE_AS_STRING="YES")


def read_shapefile(path: Path, *, limits: ReadingSettings) -> RawTable:
    """Read a shapefile, or a dBASE table alone.

    Attributes in their types. Without a ``.prj`` there is no CRS, without a ``.dbf`` there are no attributes, and a
    missing ``.shx`` is made up for. A ``.dbf`` has no geometry.
    """
    parts, rows, columns = check_parts(path)
    check_table_size(path, limits, rows=rows, columns=columns)
    encoding, said = dbf_encoding(parts)
    findings = _part_findings(path, parts, said)
    with _alone(parts) as copy:
        if path.suffix.lower() == ".dbf":
            return _read(path, str(copy), findings, encoding=encoding, read_geometry=False)
        if ".shx" in parts:
            return _read(path, str(copy), findings, encoding=encoding)
        pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES"})
        try:
            return _read(path, str(copy), findings, encoding=encoding)
        finally:
            pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": None})


@contextmanager
def _alone(parts: Mapping[str, Path]) -> Iterator[Path]:
    """Copy the parts of a file to where nothing else is, under a name that no driver takes for anything but a file."""
    with tempfile.TemporaryDirectory() as folder:
        copies = {suffix: Path(folder).resolve() / f"{_COPY}{suffix}" for suffix in parts}
        for suffix, part in parts.items():
            if not part.is_dir():
                shutil.copyfile(part, copies[suffix])
                continue
            copies[suffix].mkdir()
            for file in part.iterdir():
                if file.is_file() and not file.is_symlink() and _GDB_FILE.fullmatch(file.name):
                    shutil.copyfile(file, copies[suffix] / file.name)
        yield next(iter(copies.values()))


@contextmanager
def _driven(path: Path) -> Iterator[list[warnings.WarningMessage]]:
    """Let a driver read, gather its warnings, which it repeats at every step, and say in our words what is wrong."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            yield said
    except _DRIVER_ERRORS as error:
        raise _unreadable(path, error) from error


def _listed(path: Path, copy: Path) -> list[str]:
    """List the layers of a file, those without geometry only if there are no others."""
    with _driven(path):
        listed = pyogrio.list_layers(copy).tolist()
    return [str(name) for name, kind in listed if kind is not None] or [str(name) for name, _ in listed]


def _info(path: Path, copy: Path, layer: str) -> dict[str, Any]:
    with _driven(path):
        about: dict[str, Any] = pyogrio.read_info(copy, layer=layer, force_feature_count=True)
    return about


def _without_system(raw: RawTable) -> RawTable:
    """Leave out the columns that the driver adds to every placemark, and those that no placemark fills."""
    is_left_out = raw.frame.columns.isin(list(_KML_SYSTEM)) | raw.frame.isna().all(axis=0).to_numpy()
    return replace(raw, frame=raw.frame.loc[:, ~is_left_out | (raw.frame.columns == "Name")])


def _with_described(raw: RawTable) -> RawTable:
    """Make columns of attributes that stand only in a table of names and values in each placemark's description."""
    texts = raw.frame.get("description", pd.Series(dtype="str")).astype("str").dropna()
    rows = [_names_and_values(text) if "<t" in text.casefold() else {} for text in texts]
    described = pd.DataFrame(rows, index=texts.index).replace("", None)
    if described.empty or not all(rows):
        return raw
    there = {str(name).casefold(): str(name) for name in raw.frame.columns}
    for name in [name for name in described.columns if name.casefold() in there]:
        own = as_text(raw.frame.loc[described.index, there[name.casefold()]])
        is_same = ((own == described[name]) | described[name].isna()).all()
        described = described.drop(columns=name) if is_same else described.rename(columns={name: f"{name}_described"})
    described = described.astype("str")
    if not len(described.columns):
        return raw
    message = f"{raw.path.name} has attributes only in the descriptions of its placemarks; they are read as columns."
    finding = Finding("note", "described_attributes", raw.path.name, message, ids=tuple(described.columns))
    return replace(raw, frame=raw.frame.join(described), findings=(*raw.findings, finding))


def _names_and_values(page: str) -> dict[str, str]:
    """Read the rows of two cells of a page's tables; nothing, if the longest has rows of another kind."""
    found: dict[str, str] = {}
    for table in html_tables(page):
        pairs = [(row[0].rstrip(": "), row[1]) for row in table if len(row) == 2 and row[0].strip()]  # noqa: PLR2004
        # A title above, or a row that holds the table itself, is one cell.
        if len(pairs) == sum(len(row) > 1 for row in table) and len({name for name, _ in pairs}) == len(pairs):
            found |= {name: value for name, value in pairs if name not in found}
    return found


def _layer_name(path: Path, source: str) -> str:
    """Tell the name of a GeoJSON layer: the one it states, else that of the file."""
    with _driven(path):
        name = str(pyogrio.list_layers(source)[0, 0])
    return path.stem if name == _COPY else name


def _choose_layer(path: Path, layers: list[str], layer: str | None) -> str:
    if layer in layers or (layer is None and len(layers) == 1):
        return layer or layers[0]
    if not layers:
        raise FileReadError(
            "The file lists no layer.",
            where=path,
            found=describe(path),
            expected="a layer",
            remedy="Open it in the program that made it, and export the layer again.",
        )
    raise FileReadError(
        "The file has no such layer." if layer else "The file does not have exactly one layer.",
        where=path,
        found=", ".join(layers),
        expected=layer or "one layer",
        remedy='Say which one is meant: layer = "…" in the section of the file in district.toml; or which belong '
        'together: layer = ["…", "…"].',
        setting="layer",
    )


def _read(path: Path, source: str, findings: tuple[Finding, ...] = (), **options: Any) -> RawTable:  # noqa: ANN401
    """Read `source`, which stands for `path`."""
    with _driven(path) as said:
        meta, table = pyogrio.read_arrow(source, **options)
    findings = (*findings, *_warnings(path, {str(warning.message) for warning in said}))
    linear = partial(_linear, path, source, options)
    return _split(path, table, meta, findings, has_ids=options.get("return_fids", False), linear=linear)


def _split(
    path: Path,
    table: Any,  # noqa: ANN401 - pyarrow has no types
    meta: Any,  # noqa: ANN401 - as pyogrio has it
    findings: tuple[Finding, ...],
    *,
    has_ids: bool,
    linear: Callable[[], NDArray[np.object_]],
) -> RawTable:
    """Tell ids, attributes and geometry apart by position: an attribute may have the name of either."""
    columns = table.columns[1:] if has_ids else table.columns
    names = list(meta["fields"])
    try:
        table.validate(full=True)
        frame = to_frame(dict(zip(names, columns, strict=False)), rows=table.num_rows)
    except pa.ArrowInvalid as error:
        raise FileReadError(
            "The text of the file is not in the encoding that it states, or has none that is known.",
            where=path,
            found=f"{describe(path)} ({error})",
            expected="UTF-8, or the encoding stated",
            remedy="Export it again in UTF-8.",
        ) from error
    if has_ids:
        frame = _with_ids(frame, meta["fid_column"], table.column(0).to_numpy())
    if len(columns) == len(names):
        return RawTable(path, frame, findings=findings)
    wkb = np.asarray(columns[-1].to_pylist(), dtype="object")
    curved = sum(map(_is_curve, wkb))
    if curved:
        wkb = linear()
        message = f"{path.name} has {count_text(curved, 'shape')} with arcs; they are read as lines of short segments."
        findings = (*findings, Finding("note", "curves_linearized", path.name, message))
    return with_shapes(path, frame, wkb, meta["crs"], findings=findings)


def _is_curve(wkb: bytes | None) -> bool:
    if wkb is None or len(wkb) < 5:  # noqa: PLR2004 - a byte for the order, four for the type
        return False
    kind = int.from_bytes(wkb[1:5], "little" if wkb[0] else "big")
    return (kind & 0x0FFFFFFF) % 1000 in _CURVES


def _linear(path: Path, source: str, options: dict[str, Any]) -> NDArray[np.object_]:
    """Read the shapes again, as the reader gives them that makes segments of arcs."""
    with _driven(path):
        _, _, shapes, _ = pyogrio.raw.read(source, columns=[], **options)
    return np.asarray(shapes, dtype="object")


def _with_ids(frame: pd.DataFrame, column: str, ids: NDArray[np.int64]) -> pd.DataFrame:
    """Keep ids that the file has apart from the attributes, unless they only number the rows."""
    name = "id" if column in {"OGC_FID", "fid"} else column
    is_count = column in _COUNTED_FROM and np.array_equal(ids, np.arange(len(ids)) + _COUNTED_FROM[column])
    if is_count or name in frame.columns:
        return frame
    return pd.concat([pd.Series(ids, index=frame.index, name=name), frame], axis=1)


def _warnings(path: Path, messages: set[str]) -> list[Finding]:
    return [
        Finding(
            "warning",
            "reader_warning",
            path.name,
            f"The reader of {path.name} says: {message}",
            expected="a file without faults",
            remedy="Open the layer in a GIS, check its geometry, and export it again.",
        )
        for message in sorted(messages)
        if not any(expected in message for expected in _EXPECTED_WARNINGS)
    ]


def _unreadable(path: Path, error: Exception) -> FileReadError:
    kind = _KINDS[path.suffix.lower()]
    # The driver has read a copy of ours, and speaks to who calls it.
    why = re.sub(rf"[^\s']*[/\\]{_COPY}(?=\.)", path.stem, str(error)).partition("; It might help")[0]
    return FileReadError(
        f"The file is not {kind} that can be read.",
        where=path,
        found=f"{describe(path)} ({why})",
        expected=f"{kind}, whole",
        remedy="Export or download it again; a file that was cut short or renamed cannot be read.",
    )


def _part_findings(path: Path, parts: dict[str, Path], encoding: str) -> tuple[Finding, ...]:
    remedy = "Copy all parts of the shapefile: .shp, .shx, .dbf, .prj and .cpg."
    is_layer = path.suffix.lower() == ".shp"
    said = [
        (is_layer and ".dbf" not in parts, "dbf_missing", "there is no .dbf beside it, and so no attributes"),
        (is_layer and ".shx" not in parts, "shx_missing", "there is no .shx beside it; the index was built anew"),
        (bool(encoding), "encoding_cp1252", encoding),
    ]
    return tuple(
        Finding("warning", code, path.name, f"{path.name}: {message}.", expected="all parts", remedy=remedy)
        for applies, code, message in said
        if applies
    )
