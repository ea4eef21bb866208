"""What a layer's file holds, looked at before a driver opens it: nothing in it may point to another file or address."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.file_kinds import check_table_size, describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from safeschools_geo.settings import ReadingSettings

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
    """Refuse what is no GeoJSON, points elsewhere, or holds more than is read.

    Parameters
    ----------
    path
        The file.
    limits
        How much it may hold.

    Raises
    ------
    FileReadError
        When it is to be refused.
    """
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
    """List the layers of a GeoPackage, and refuse one that is more than its own tables.

    Parameters
    ----------
    path
        The file, for messages.
    copy
        A copy of it that may be opened.

    Returns
    -------
    list of str
        Layers and plain tables in the order of the file; the styles that a desktop GIS keeps are left out.

    Raises
    ------
    FileReadError
        When it is no GeoPackage, or its layers are views or tables of other programs' making.
    """
    with _opened(path, copy) as base:
        tables = {name: (kind, root, sql) for kind, name, root, sql in base.execute(_MASTER)}
        listed = [str(name) for (name,) in base.execute("SELECT table_name FROM gpkg_contents ORDER BY rowid")]
    for name, (kind, root, sql) in tables.items():
        if kind == "view" and (name in listed or name.casefold().startswith("gpkg_")):
            raise _not_plain(path, f"{name}, which is a view")
        if kind == "table" and not root and not _is_harmless(name, str(sql)):
            raise _not_plain(path, f"{name}, which is a virtual table")
    return [name for name in listed if name != _STYLES]


def check_geopackage_layer(path: Path, copy: Path, layer: str, limits: ReadingSettings) -> None:
    """Refuse a layer that computes its columns, or holds more than is read.

    Parameters
    ----------
    path
        The file, for messages.
    copy
        A copy of it that may be opened.
    layer
        Name of the layer.
    limits
        How much it may hold.

    Raises
    ------
    FileReadError
        When it is to be refused.
    """
    quoted = '"' + layer.replace('"', '""') + '"'
    with _opened(path, copy) as base:
        hidden = [kind for (kind,) in base.execute("SELECT hidden FROM pragma_table_xinfo(?)", (layer,))]
        if any(kind in _GENERATED for kind in hidden):
            raise _not_plain(path, f"{layer}, which has columns that are computed")
        check_table_size(path, limits, columns=len(hidden))
        [(rows,)] = base.execute(f"SELECT count(*) FROM {quoted}")  # noqa: S608 - quoted as SQL asks
    check_table_size(path, limits, rows=rows, columns=len(hidden))


_MASTER = "SELECT type, name, rootpage, sql FROM sqlite_master"


@contextmanager
def _opened(path: Path, copy: Path) -> Iterator[sqlite3.Connection]:
    """Open a database, and say in our own words what is wrong with it."""
    try:
        with closing(sqlite3.connect(copy)) as base:
            base.execute("PRAGMA trusted_schema = OFF")
            yield base
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise FileReadError(
            "The file is not a GeoPackage that can be read.",
            where=path,
            found=f"{describe(path)} ({error})",
            expected="a GeoPackage, whole",
            remedy="Export or download it again; a file that was cut short or renamed cannot be read.",
        ) from error


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
