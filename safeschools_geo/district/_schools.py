"""Schools and zones of a district: which rows count, their level, enrollment and place."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo import io
from safeschools_geo.checks import repair, require_kind
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.district._layers import exclude_rows, read_layer, read_source, require_layer
from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.findings import (
    BLANK,
    TRUTHS,
    Finding,
    TableRead,
    empty_rejects,
    join_rejects,
    lines_to_write,
    read_words,
    rejects_frame,
    unknown_words,
    words_text,
)
from safeschools_geo.schemas import LEVELS, SCHOOLS, ZONES
from safeschools_geo.settings import ReadingSettings

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.district._layers import Layer
    from safeschools_geo.settings import EnrollmentFile, LayerSettings, SchoolSettings, Settings


# ── The schools of a district: which rows count, their level, enrollment and place

_TOTAL = r"(?i)(?:.*\b)?(?:grand|sub|district)?[\s-]*totals?(?:\b.*)?"
_SHAPES = {"Point", "Polygon", "MultiPolygon"}
_PLAIN_LEVELS = {**{level: level for level in LEVELS}, **{name: level for level, name in LEVELS.items()}}
"""Our words for levels, and how they are printed."""


def read_schools(settings: Settings) -> TableRead:
    """Read the schools of a district folder.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    TableRead
        Table `schools`, in the order of the file.

    Raises
    ------
    FileReadError, ColumnError, CRSError, GeometryError
        When a file is not there or cannot be read, lacks a column, or is placed nowhere.
    """
    path = require_layer(settings, "schools")
    layer = read_layer(path, settings.schools, "schools", required=["school_id"], limits=settings.reading)
    ids = layer.required_text("school_id")
    is_kept, excluded = exclude_rows(layer.raw, settings.schools.keep, id_column=str(ids.name))
    is_faulty, faulty = _faulty_rows(layer, ids.where(is_kept), is_kept)
    kept = is_kept & ~is_faulty
    digits = io.check_digits(ids[is_kept], table="schools", where=layer.where, column="school_id")
    frame, findings = _school_rows(layer, kept, settings)
    if settings.incidents.similar_ids != "apart":
        findings += _alike_ids(
            frame["school_id"],
            "schools",
            "schools have ids that differ from another's",
            expected="ids that a spreadsheet cannot make equal",
            remedy="Delete the row that is too many if they are one school. If they are two, see that the exports keep "
            'the ids as they are, and set [incidents] similar_ids = "apart".',
        )
    joined, join_findings, files = _with_enrollment(frame, settings)
    repaired, repairs = repair(joined, table="schools", id_column="school_id")
    return TableRead(
        frame=repaired.reset_index(drop=True),
        rows_read=len(layer.raw.frame) + len(layer.raw.rejects),
        rejects=join_rejects([layer.raw.rejects, excluded, faulty]),
        findings=(*layer.findings, *digits, *findings, *join_findings, *repairs),
        files=(path, *files),
    )


def _alike_ids(ids: pd.Series, table: str, what: str, *, then: str = "", expected: str, remedy: str) -> list[Finding]:
    """Report ids that a spreadsheet could make equal; `what` says whose they are, `then` what becomes of them."""
    groups = io.alike_groups(ids)
    if not groups:
        return []
    message = (
        f"{sum(map(len, groups))} {what} only in zeros, blanks, capitals or the way a number is written: "
        f"{io.groups_text(groups)}.{then}"
    )
    every = tuple(one for group in groups for one in group)
    return [Finding("error", f"{table.removesuffix('s')}_ids_alike", table, message, every, expected, remedy)]


def _faulty_rows(layer: Layer, ids: pd.Series, is_kept: pd.Series) -> tuple[pd.Series, pd.DataFrame]:
    name = layer.text("name")
    names = pd.Series(pd.NA, index=ids.index, dtype="str") if name is None else name
    is_total = is_kept & layer.geometry.isna() & ids.fillna(names).str.fullmatch(_TOTAL).fillna(value=False)
    is_nameless = is_kept & ids.isna() & ~is_total
    is_repeated = is_kept & ids.notna() & ids.duplicated() & ~is_total
    reasons = [
        (is_total, "total_row", "The row is a total, not a school."),
        (is_nameless, "missing_id", "The school has no id; give it one."),
        (is_repeated, "duplicate_id", "Another school, further up, has the same id; the first is kept."),
    ]
    rejects = [
        rejects_frame(layer.raw.frame[rows], source_file=layer.where, id_column=str(ids.name), code=code, reason=reason)
        for rows, code, reason in reasons
        if rows.any()
    ]
    return is_total | is_nameless | is_repeated, join_rejects(rejects)


def _school_rows(layer: Layer, kept: pd.Series, settings: Settings) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    ids = layer.required_text("school_id")[kept]
    name = layer.text("name")
    names = ids if name is None else name[kept].fillna(ids)
    levels, findings = _levels(layer, kept, ids, settings.schools)
    district = layer.text("district")
    in_program, undecided = _in_program(layer, kept, ids, settings.schools)
    require_kind(layer.geometry[kept], _SHAPES, f"schools ({layer.where})", expected="points or campus polygons")
    enrollment, unreadable = _whole_numbers(layer.text("enrollment"), ids)
    frame = gpd.GeoDataFrame(
        {
            "school_id": ids,
            "name": names,
            "level": levels,
            "enrollment": enrollment,
            "district": settings.district.name if district is None else district[kept],
            "in_program": in_program,
        },
        geometry=layer.geometry[kept],
        crs=STORAGE_CRS,
    ).astype({"district": "str", "in_program": "bool"})
    return frame[SCHOOLS.column_names], [*findings, *undecided, *unreadable]


def _in_program(
    layer: Layer, kept: pd.Series, ids: pd.Series, settings: SchoolSettings
) -> tuple[pd.Series, list[Finding]]:
    """Read which schools are in the program; those of which it is not known count as in it, for the check only."""
    cells = layer.text("in_program")
    if cells is None:
        said = "so every school counts as in the program"
        note = Finding("note", "in_program_assumed", "schools", f"{layer.where} has no column in_program, {said}.")
        return pd.Series(data=True, index=ids.index), [note]
    given = settings.in_program
    own = given if isinstance(given, Mapping) else dict.fromkeys(given, True)
    is_in, unknown = read_words(cells[kept], {**TRUTHS, **own})
    finding = unknown_words(
        unknown,
        ids,
        table="schools",
        where=layer.where,
        column="in_program",
        expected="yes, y, true, t, 1 or no, n, false, f, 0, or a value under [schools.in_program]",
        remedy="Say which mean true and which false, under [schools.in_program] in district.toml: "
        f"{lines_to_write(unknown)}",
    )
    return is_in.astype("boolean").fillna(value=True).astype("bool"), [finding] if len(unknown) else []


def _levels(layer: Layer, kept: pd.Series, ids: pd.Series, settings: SchoolSettings) -> tuple[pd.Series, list[Finding]]:
    levels = pd.Series(pd.NA, index=ids.index, dtype="str")
    seen = pd.Series(pd.NA, index=ids.index, dtype="str")
    columns = layer.texts("level")
    for column in columns:
        words, _ = read_words(column[kept], {**_PLAIN_LEVELS, **settings.levels})
        levels = levels.fillna(words.astype("str"))
        seen = seen.where(column[kept].isna(), column[kept])
    unknown = seen.fillna(BLANK)[levels.isna()]
    default = settings.default_level or "other"
    counted = f"count as {default}, with the hours and visits of that level"
    remedy = "Map the values under [schools.levels], or set [schools] default_level."
    if not columns and settings.default_level is None:
        message = f"{layer.where} has no column level, so all its schools {counted}."
        return levels.fillna(default), [
            Finding("warning", "level_missing", "schools", message, expected=", ".join(LEVELS), remedy=remedy)
        ]
    if unknown.empty:
        return levels, []
    if settings.default_level is None:
        finding = unknown_words(
            unknown,
            ids,
            table="schools",
            where=layer.where,
            column="level",
            expected=", ".join(LEVELS),
            remedy=f"Say what they are under [schools.levels] in district.toml: {lines_to_write(unknown)}; or set "
            "[schools] default_level for all that are not listed.",
        )
    else:
        listed = words_text(unknown)
        message = (
            f"{count_text(len(unknown), 'school')} with a level that the settings do not list, {listed}; {counted}."
        )
        finding = Finding(
            "note", "level_unknown", "schools", message, tuple(ids[unknown.index]), ", ".join(LEVELS), remedy
        )
    return levels.fillna(default), [finding]


def _whole_numbers(cells: pd.Series | None, ids: pd.Series) -> tuple[pd.Series, list[Finding]]:
    if cells is None:
        return pd.Series(pd.NA, index=ids.index, dtype="Int64"), []
    given = cells.reindex(ids.index)
    numbers = pd.to_numeric(given.str.replace(r"[\s,\u00a0]", "", regex=True), errors="coerce")
    is_whole = numbers.notna() & (numbers == np.floor(numbers)) & (numbers >= 0)
    wrong = given.notna() & ~is_whole
    finding = Finding(
        "warning",
        "enrollment_unreadable",
        "schools",
        f"{count_text(wrong.sum(), 'enrollment')} that cannot be read as a whole number: taken as missing.",
        ids=tuple(ids[wrong]),
        expected="a number of students, 0 or more",
        remedy="Correct them in the school file.",
    )
    return numbers.where(is_whole).astype("Int64"), [finding] if wrong.any() else []


def _with_enrollment(
    schools: gpd.GeoDataFrame, settings: Settings
) -> tuple[gpd.GeoDataFrame, list[Finding], tuple[Path, ...]]:
    source = settings.schools.enrollment_file
    if source is None:
        return schools, [], ()
    path = settings.folder / source.file
    students, unreadable = _enrollment_by_id(source, path, settings.reading)
    joined = schools["school_id"].map(students).astype("Int64")
    without = schools["school_id"][joined.isna()]
    unused = set(students.index) - set(schools["school_id"])
    groups = io.alike_groups([*without, *students.index])
    alike = [group for group in groups if set(group) & set(without) and set(group) & unused]
    is_lost = len(without) == len(schools)
    reason = f" Ids differ in how they are written: {io.groups_text(alike)}." if alike else ""
    finding = Finding(
        "error" if is_lost or alike else "warning" if len(without) else "note",
        "enrollment_joined",
        "schools",
        (
            f"{count_text(len(without), 'school', of=len(schools))} {'has' if len(without) == 1 else 'have'} no "
            f"enrollment in {path.name}.{reason}"
            if len(without)
            else f"Every school has an enrollment in {path.name}."
        ),
        ids=tuple(without),
        expected="an enrollment for every school",
        remedy='Write the ids alike in both files; a part of a key is filled with zeros by "COLUMN:7".'
        if alike
        else "Schools without one are shown without rates; add them to the file.",
        is_blocking=is_lost or bool(alike),
    )
    filled = schools["enrollment"].fillna(joined)
    return schools.assign(enrollment=filled), [finding, *unreadable], (path,)


def _enrollment_by_id(source: EnrollmentFile, path: Path, limits: ReadingSettings) -> tuple[pd.Series, list[Finding]]:
    raw = read_source(path, source, limits)
    parts = []
    for part in source.key:
        column, _, width = part.rpartition(":") if part.rpartition(":")[2].isdigit() else (part, "", "0")
        parts.append(io.as_text(io.require(raw, {column: column}, column)).str.zfill(int(width)))
    # A part that is missing makes the whole key missing.
    key = functools.reduce(operator.add, parts)
    value = io.as_text(io.require(raw, {source.value: source.value}, source.value))
    numbers, findings = _whole_numbers(value, key.fillna(""))
    students = pd.Series(numbers.to_numpy(), index=key, dtype="Int64")[key.notna().to_numpy()].dropna()
    by_id = students.groupby(level=0)
    twice = by_id.nunique()
    contradicted = tuple(twice.index[twice > 1])
    if contradicted:
        findings.append(
            Finding(
                "error",
                "enrollment_contradicted",
                "schools",
                f"{path.name} gives several numbers of students for {count_text(len(contradicted), 'school')}.",
                ids=contradicted,
                expected="one number for each school",
                remedy="Leave one row for each school in the file, or join more columns in `key`.",
                is_blocking=True,
            )
        )
    return by_id.first(), findings


# ── The patrol zones of a district: read, repaired, one row for each zone

_MOST_OF_A_PIECE = 0.5
_SAME_DEG = 1e-7


@dataclass(frozen=True)
class ZonesRead(TableRead):
    """Zones as they were read."""

    # The polygons as they are in the file, before repair, with `zone_id`, `name`, EPSG:4326; the index is the row
    pieces: gpd.GeoDataFrame


def read_zones(settings: Settings) -> ZonesRead:
    """Read the zones of a district folder."""
    return zones_from_file(require_layer(settings, "zones"), settings.zones, limits=settings.reading)


def zones_from_file(path: Path, settings: LayerSettings, *, limits: ReadingSettings | None = None) -> ZonesRead:
    """Read zones from a file.

    Parameters
    ----------
    path
        The file.
    settings
        Names of its columns, and its CRS where it states none.
    limits
        How much the file may hold; the defaults if left out.

    Returns
    -------
    ZonesRead
        As `read_zones`.

    Raises
    ------
    FileReadError, ColumnError, CRSError, GeometryError
        As `read_zones`.
    """
    layer = read_layer(path, settings, "zones", required=["zone_id"], limits=limits or ReadingSettings())
    require_kind(layer.geometry, {"Polygon", "MultiPolygon"}, f"zones ({path.name})", expected="polygons")
    pieces = _pieces(layer)
    is_lost = pieces["zone_id"].isna() | pieces.geometry.isna() | pieces.geometry.is_empty
    rejects = join_rejects([layer.raw.rejects, _rejected(layer, is_lost)])
    repaired, findings = repair(pieces[~is_lost], table="zones", id_column="zone_id")
    zones = dissolve_pieces(repaired)
    alike = _alike_ids(
        repaired["zone_id"],
        "zones",
        "ids of zones differ from another",
        then=" Each is taken for a zone of its own.",
        expected="one way of writing the id of a zone",
        remedy="If they are pieces of one zone, give them one zone_id; otherwise ids that differ in more.",
    )
    return ZonesRead(
        frame=zones,
        rows_read=len(pieces) + len(layer.raw.rejects),
        rejects=rejects,
        findings=(*layer.findings, *findings, *alike, *_given_again(repaired)),
        files=(path,),
        pieces=pieces[~is_lost],
    )


def _given_again(pieces: gpd.GeoDataFrame) -> list[Finding]:
    """Find rows of one zone that lie over each other: the zone twice, or two versions of it."""
    twice: dict[str, str] = {}
    versions: dict[str, str] = {}
    for zone, rows in pieces[pieces["zone_id"].duplicated(keep=False)].groupby("zone_id", sort=False):
        shapes = rows.geometry.to_numpy()
        areas = shapely.area(shapes)
        if areas.sum() - shapely.area(shapely.union_all(shapes)) > _MOST_OF_A_PIECE * areas.min():
            is_same = shapely.equals_exact(shapes, shapes[0], _SAME_DEG).all()
            (twice if is_same else versions)[str(zone)] = f"{zone} (rows {', '.join(map(str, rows.index))})"
    expected = "rows of one zone that lie beside each other"
    remedy = "If the file holds zones of several years, export those of one; else delete the rows too many."
    found = []
    if versions:
        message = (
            f"{count_text(len(versions), 'zone')} given by rows that lie over each other and differ; all are joined: "
            f"{name_ids(versions.values())}."
        )
        found.append(Finding("error", "zone_versions", "zones", message, tuple(versions), expected, remedy))
    if twice:
        message = (
            f"{count_text(len(twice), 'zone')} given more than once, by equal rows; each counts once: "
            f"{name_ids(twice.values())}."
        )
        found.append(Finding("warning", "zone_given_twice", "zones", message, tuple(twice), expected, remedy))
    return found


def dissolve_pieces(pieces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make one zone of the pieces that share a `zone_id`."""
    first = pieces.drop_duplicates("zone_id").drop(columns="geometry")
    shapes = pieces.groupby("zone_id", sort=False).geometry.agg(lambda g: g.union_all() if len(g) > 1 else g.iloc[0])
    frame = gpd.GeoDataFrame(
        first.reset_index(drop=True),
        geometry=gpd.GeoSeries(shapes.loc[first["zone_id"]].to_numpy(), crs=pieces.crs),
    )
    return frame[[c for c in ZONES.column_names if c in frame.columns]]


def _pieces(layer: Layer) -> gpd.GeoDataFrame:
    zone_id = layer.required_text("zone_id")
    name = layer.text("name")
    texts = {"zone_id": zone_id, "name": ("Zone " + zone_id) if name is None else name.fillna("Zone " + zone_id)}
    for optional in ("officer", "team"):
        column = layer.text(optional)
        if column is not None:
            texts[optional] = column
    return gpd.GeoDataFrame(texts, geometry=layer.geometry.array, index=layer.geometry.index, crs=STORAGE_CRS)


def _rejected(layer: Layer, is_lost: pd.Series) -> pd.DataFrame:
    named, lost = layer.required_text("zone_id"), is_lost.to_numpy()
    lacks = {
        "zone_without_shape": (lost & named.notna().to_numpy(), "Zone {} has no polygon; give it one, or delete it."),
        "zone_without_id": (lost & named.isna().to_numpy(), "The row has no zone id; give it one, or delete it."),
    }
    tables = []
    for code, (rows, text) in lacks.items():
        rejects = (
            rejects_frame(layer.raw.frame[rows], source_file=layer.where, id_column=None, code=code, reason="")
            if rows.any()
            else empty_rejects()
        )
        reasons = [text.format(zone) for zone in named[rows]]
        tables.append(rejects.assign(reason=pd.Series(reasons, dtype="str"), id=named[rows].to_numpy()))
    return join_rejects(tables)
