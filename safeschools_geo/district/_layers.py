"""Layers of a district folder: which file each one is, which rows count, and its geometry."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import geopandas as gpd
import pandas as pd

from safeschools_geo import io
from safeschools_geo.checks import repair, require_kind
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import FileReadError, RejectedRowsError, attempt_all, count_text, name_ids
from safeschools_geo.findings import Finding, join_rejects, rejects_frame
from safeschools_geo.sections import COLUMNS, PLACE_COLUMNS
from safeschools_geo.settings import LayerSettings, ReadingSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from safeschools_geo.settings import FileSettings, Settings


# ── Which rows of an export count: patterns on columns, and the rows they exclude

EXCLUDED = "excluded_by_"
"""Reason codes that begin so are a choice made in the settings, not a fault of the row."""


def exclude_rows(
    raw: io.RawTable, keep: Mapping[str, str | tuple[str, ...]], *, id_column: str | None
) -> tuple[pd.Series, pd.DataFrame]:
    """Apply the patterns of a ``keep`` setting.

    Bool, on the index of ``raw.frame``. Table `rejects`: each excluded row once, under the first column that excludes
    it.
    """
    is_kept = pd.Series(data=True, index=raw.frame.index)
    excluded = []
    for column, patterns in keep.items():
        wanted = (patterns,) if isinstance(patterns, str) else patterns
        cells = io.as_text(io.require(raw, {column: column}, column)).fillna("")
        matcher = re.compile("|".join(fnmatch.translate(pattern) for pattern in wanted))
        is_match = cells.map(lambda cell, matcher=matcher: matcher.match(cell) is not None).astype(bool)
        excluded += [
            _excluded(raw, cells[is_kept & ~is_match], column=column, wanted=wanted, id_column=id_column),
        ]
        is_kept &= is_match
    return is_kept, join_rejects(excluded)


def _excluded(
    raw: io.RawTable, cells: pd.Series, *, column: str, wanted: tuple[str, ...], id_column: str | None
) -> pd.DataFrame:
    rejects = rejects_frame(
        raw.frame.loc[cells.index],
        source_file=raw.path.name,
        id_column=id_column,
        code=f"{EXCLUDED}{column}",
        reason="",
    )
    reasons = [f"{column} is {cell!r}; the settings keep {' or '.join(map(repr, wanted))}." for cell in cells]
    return rejects.assign(reason=pd.Series(reasons, dtype="str"))


def refuse_rejects(rejects: pd.DataFrame) -> None:
    """Fail when rows were rejected for a fault of theirs.

    Parameters
    ----------
    rejects
        Table `rejects`; rows that the settings exclude do not count.

    Raises
    ------
    RejectedRowsError
        When there is such a row.
    """
    faulty = rejects[~rejects["reason_code"].str.startswith(EXCLUDED)]
    if len(faulty):
        counts = faulty["reason_code"].value_counts()
        raise RejectedRowsError(
            f"{count_text(len(faulty), 'row')} rejected, and --strict allows none.",
            ids=[f"{r.source_file} row {r.row}" for r in faulty.itertuples()],
            found=name_ids([f"{code} ({n:,})" for code, n in counts.items()], shown=20),
            remedy="Correct them (run without --strict to get rejects.csv with every row and reason).",
        )


# ── Layers of a district folder: which file each one is, and its geometry in longitude and latitude

FILE_STEMS = {
    "zones": "zones",
    "boundary": "district",
    "schools": "schools",
    "roads": "roads",
    "barriers": "barriers",
    "places": "places",
    "units": "units",
}
"""Section of ``district.toml`` → name of the file that is looked for when the section names none."""

_NUMBERS = ("minutes", "speed_kph")
_LIMITS = ReadingSettings()
_AREAS = {"Polygon", "MultiPolygon"}
_LINES = {"LineString", "MultiLineString"}


@dataclass(frozen=True)
class Layer:
    """A layer with its geometry as it came, in longitude and latitude."""

    raw: io.RawTable  # The table it was read from
    geometry: gpd.GeoSeries  # Geometry in EPSG:4326, unrepaired, on the index of ``raw.frame``
    columns: LayerSettings  # Our column → the file's column
    own_findings: tuple[Finding, ...] = ()  # Names of columns that are nearly ours, and cells that are no coordinates

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found while reading the file, the names of its columns and its coordinates."""
        return (*self.raw.findings, *self.own_findings)

    @property
    def where(self) -> str:
        """The file, as it is named in messages."""
        return self.raw.path.name

    def text(self, name: str) -> pd.Series | None:
        """Return one of our columns as text, if the file has it."""
        return next(iter(self.texts(name)), None)

    def texts(self, name: str) -> list[pd.Series]:
        """Return the columns that together make one of ours, as text."""
        return io.text_columns(self.raw, self.columns.columns, name)

    def required_text(self, name: str) -> pd.Series:
        """Return one of our columns as text."""
        return io.as_text(io.require(self.raw, self.columns.columns, name))


class LayerRead(NamedTuple):
    """A layer that a district may do without: its rows in EPSG:4326, what was found on the way, and its file."""

    frame: gpd.GeoDataFrame | None = None
    findings: tuple[Finding, ...] = ()
    files: tuple[Path, ...] = ()


def find_layer(settings: Settings, section: str) -> Path | None:
    """Find the file of a layer that a district may do without."""
    is_named = getattr(settings, section).file is not None
    return require_layer(settings, section) if is_named or _candidates(settings, section)[1] else None


def require_layer(settings: Settings, section: str) -> Path:
    """Find the file of a layer."""
    place, files = _candidates(settings, section)
    if len(files) == 1:
        return files[0]
    others = [one.name for one in sorted(place.parent.glob(place.name)) if not files]
    if others:
        raise FileReadError(
            f"The file for the layer {section} is of a kind that is not read.",
            where=place,
            found=", ".join(others),
            expected="one file: " + ", ".join(io.SUPPORTED_SUFFIXES),
            remedy="Save it as one of these.",
        )
    none_yet = f" No zones yet? `safeschools draft-zones {settings.folder}` draws a first proposal."
    no_zones = none_yet if section == "zones" and not files else ""
    raise FileReadError(
        f"There is no file for the layer {section}." if not files else f"Several files fit the layer {section}.",
        where=place,
        found=", ".join(f.name for f in files) or "nothing",
        expected="one file: " + ", ".join(io.SUPPORTED_SUFFIXES),
        remedy=f"Write / in the path of [{section}] file, which every system reads."
        if "\\" in place.name
        else f'Put it there, or name it in district.toml: [{section}] file = "…".{no_zones}',
    )


def _candidates(settings: Settings, section: str) -> tuple[Path, list[Path]]:
    layer: LayerSettings = getattr(settings, section)
    if layer.file is not None:
        place = settings.folder / layer.file
        return place, io.find_files(place.parent, place.name)
    folder = settings.folder / settings.paths.boundaries
    return folder / f"{FILE_STEMS[section]}.*", io.find_files(folder, f"{FILE_STEMS[section]}.*")


def read_layer(
    path: Path,
    settings: LayerSettings,
    name: str,
    *,
    required: Sequence[str] = (),
    limits: ReadingSettings = _LIMITS,
) -> Layer:
    """Read a layer and bring it to longitude and latitude.

    Parameters
    ----------
    path
        The file.
    settings
        Its CRS, where the file states none, and the names of its columns.
    name
        Its section of ``district.toml``, one of `FILE_STEMS`.
    required
        Columns it has to have, by our names.
    limits
        How much the file may hold.

    Returns
    -------
    Layer
        The layer.

    Raises
    ------
    FileReadError, ColumnError, CRSError
        When the file cannot be read, lacks columns or geometry, or states no CRS; all faults at once.
    """
    raw = read_source(path, settings, limits)
    settings, own = _named_by(raw, settings, required)
    title = f"{name} ({path.name})"
    steps: dict[str, Callable[[], object]] = {
        **{column: partial(io.require, raw, settings.columns, column) for column in required},
        "names": lambda: io.check_columns(
            raw, settings.columns, COLUMNS[name], required=(*required, *PLACE_COLUMNS), table=name, section=name
        ),
        "places": lambda: io.points(raw, settings.columns, crs=settings.crs, name=title),
    }
    found = attempt_all(steps)
    places, names = cast("io.PointsRead", found["places"]), cast("list[Finding]", found["names"])
    return Layer(raw, places.geometry, settings, (*own, *names, *places.findings))


def _named_by(
    raw: io.RawTable, settings: LayerSettings, required: Sequence[str]
) -> tuple[LayerSettings, list[Finding]]:
    """Take the names of placemarks, which have no ids, for ids, if no two are equal."""
    ids = [one for one in required if one.endswith("_id") and one not in settings.columns]
    if raw.path.suffix.lower() not in {".kml", ".kmz"} or not ids or io.take(raw, settings.columns, ids[0]) is not None:
        return settings, []
    names = io.take(raw, settings.columns, "name")
    if names is None or names.isna().any() or names.duplicated().any():
        return settings, []
    message = f"{raw.path.name} has no column {ids[0]}; the names of its placemarks are taken for it."
    remedy = f'If another column is meant, name it under columns: {ids[0]} = "…".'
    columns = {**settings.columns, ids[0]: str(names.name)}
    return replace(settings, columns=columns), [
        Finding("note", "ids_from_names", raw.path.name, message, remedy=remedy)
    ]


def read_boundary(settings: Settings) -> LayerRead:
    """Read the boundary of the district, if there is one.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    LayerRead
        One row, its polygon repaired, EPSG:4326; repairs; and the file.
    """
    path = find_layer(settings, "boundary")
    if path is None:
        return LayerRead()
    layer = read_layer(path, settings.boundary, "boundary", limits=settings.reading)
    frame = gpd.GeoDataFrame({"id": layer.geometry.index.astype("str")}, geometry=layer.geometry.array, crs=STORAGE_CRS)
    require_kind(frame.geometry, _AREAS, f"boundary ({path.name})", expected="a polygon")
    repaired, findings = repair(frame, table="boundary", id_column="id")
    whole = gpd.GeoDataFrame(
        {"name": [settings.district.name]}, geometry=[repaired.geometry.union_all()], crs=STORAGE_CRS
    )
    return LayerRead(whole, tuple(findings), (path,))


def read_source(path: Path, source: FileSettings, limits: ReadingSettings) -> io.RawTable:
    """Read the table of a file that its section of ``district.toml`` means."""
    return io.read_table(path, layer=source.layer, sheet=source.sheet, header_row=source.header_row, limits=limits)


def read_backdrop(settings: Settings, section: str) -> LayerRead:
    """Read a layer of the backdrop: roads, which may also say how fast they are, barriers, or places.

    Attributes as they are; of roads, the columns that ``[roads.columns]`` names for `minutes` or `speed_kph` (numbers,
    missing where they are none) and `one_way` (text) under these names.
    """
    path = find_layer(settings, section)
    if path is None:
        return LayerRead()
    layer = read_layer(path, getattr(settings, section), section, limits=settings.reading)
    require_kind(
        layer.geometry, _LINES if section in {"roads", "barriers"} else _AREAS | {"Point"}, f"{section} ({path.name})"
    )
    frame = gpd.GeoDataFrame(layer.raw.frame, geometry=layer.geometry, crs=STORAGE_CRS)
    findings = list(layer.findings)
    for ours in COLUMNS[section]:
        column = layer.text(ours)
        if column is not None and ours in _NUMBERS:
            frame[ours] = pd.to_numeric(column, errors="coerce")
            findings += _no_numbers(column, frame[ours], ours, table=section, where=path.name)
        elif column is not None:
            frame[ours] = column
    return LayerRead(frame, tuple(findings), (path,))


def _no_numbers(cells: pd.Series, numbers: pd.Series, column: str, *, table: str, where: str) -> list[Finding]:
    lost = cells[cells.notna() & numbers.isna()]
    if lost.empty:
        return []
    values = ", ".join(f"“{cell}” ({n:,})" for cell, n in lost.value_counts().items())
    return [
        Finding(
            "error",
            f"{column}_unreadable",
            table,
            f"{count_text(len(lost), 'value')} of {column} in {where} that cannot be read as a number: {values}.",
            ids=tuple(f"row {row}" for row in lost.index),
            expected="numbers without units",
            remedy="Correct them in the file, or leave the cells empty.",
            is_blocking=True,
        )
    ]


def read_areas(settings: Settings) -> LayerRead:
    """Read the areal units that a district has for its plans, if any: `unit_id` and `name`, text, and polygons."""
    path = find_layer(settings, "units")
    if path is None:
        return LayerRead()
    layer = read_layer(path, settings.units, "units", required=["unit_id"], limits=settings.reading)
    require_kind(layer.geometry, _AREAS, f"units ({path.name})")
    unit_id = layer.required_text("unit_id")
    name = layer.text("name")
    columns = {"unit_id": unit_id, "name": unit_id if name is None else name}
    frame = gpd.GeoDataFrame(columns, geometry=layer.geometry, crs=STORAGE_CRS)
    return LayerRead(frame, layer.findings, (path,))
