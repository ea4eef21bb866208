"""The schools of a district: which rows count, their level, enrolment and place."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from safeschools_geo import io
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.layers import read_layer, require_kind, require_layer
from safeschools_geo.results import Finding, TableRead, join_rejects, rejects_frame
from safeschools_geo.row_filters import exclude_rows
from safeschools_geo.schemas import LEVELS, SCHOOLS
from safeschools_geo.validate.geometry import repair

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.layers import Layer
    from safeschools_geo.settings import EnrollmentFile, ReadingSettings, SchoolSettings, Settings

_SHAPES = {"Point", "Polygon", "MultiPolygon"}


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
    frame, findings = _school_rows(layer, kept, settings)
    joined, join_findings, files = _with_enrollment(frame, settings)
    repaired, repairs = repair(joined, table="schools", id_column="school_id")
    return TableRead(
        frame=repaired.reset_index(drop=True),
        rows_read=len(layer.raw.frame) + len(layer.raw.rejects),
        rejects=join_rejects([layer.raw.rejects, excluded, faulty]),
        findings=(*layer.findings, *findings, *join_findings, *repairs),
        files=(path, *files),
    )


def _faulty_rows(layer: Layer, ids: pd.Series, is_kept: pd.Series) -> tuple[pd.Series, pd.DataFrame]:
    is_nameless = is_kept & ids.isna()
    is_repeated = is_kept & ids.notna() & ids.duplicated()
    reasons = [
        (is_nameless, "missing_id", "The school has no id; give it one."),
        (is_repeated, "duplicate_id", "Another school, further up, has the same id; the first is kept."),
    ]
    rejects = [
        rejects_frame(layer.raw.frame[rows], source_file=layer.where, id_column=str(ids.name), code=code, reason=reason)
        for rows, code, reason in reasons
        if rows.any()
    ]
    return is_nameless | is_repeated, join_rejects(rejects)


def _school_rows(layer: Layer, kept: pd.Series, settings: Settings) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    ids = layer.required_text("school_id")[kept]
    name = layer.text("name")
    names = ids if name is None else name[kept].fillna(ids)
    levels, findings = _levels(layer, kept, ids, settings.schools)
    district = layer.text("district")
    programme = layer.text("in_program")
    is_yes = {value.casefold() for value in settings.schools.in_program}
    require_kind(layer.geometry[kept], _SHAPES, f"schools ({layer.where})", expected="points or campus polygons")
    enrollment, unreadable = _whole_numbers(layer.text("enrollment"), ids)
    frame = gpd.GeoDataFrame(
        {
            "school_id": ids,
            "name": names,
            "level": levels,
            "enrollment": enrollment,
            "district": settings.district.name if district is None else district[kept],
            "in_program": True if programme is None else programme[kept].str.casefold().isin(is_yes),
        },
        geometry=layer.geometry[kept],
        crs=STORAGE_CRS,
    ).astype({"district": "str", "in_program": "bool"})
    return frame[SCHOOLS.column_names], [*findings, *unreadable]


def _levels(layer: Layer, kept: pd.Series, ids: pd.Series, settings: SchoolSettings) -> tuple[pd.Series, list[Finding]]:
    known = {**{level: level for level in LEVELS}, **{k.casefold(): v for k, v in settings.levels.items()}}
    levels = pd.Series(pd.NA, index=ids.index, dtype="str")
    seen = pd.Series("", index=ids.index, dtype="str")
    for column in layer.texts("level"):
        cells = column[kept]
        levels = levels.fillna(cells.str.casefold().map(known).astype("str"))
        seen = seen.where(cells.isna(), cells)
    unknown = levels.isna()
    default = settings.default_level or "other"
    finding = Finding(
        "note" if settings.default_level else "warning",
        "level_unknown",
        "schools",
        f"{int(unknown.sum())} schools have a level that the settings do not know "
        f"({', '.join(sorted(set(seen[unknown]) - {''})) or 'no level given'}); they count as {default}.",
        ids=tuple(ids[unknown]),
        expected=", ".join(LEVELS),
        remedy="Map the values under [schools.levels], or set [schools] default_level.",
    )
    return levels.fillna(default), [finding] if unknown.any() else []


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
        f"{int(wrong.sum())} enrolments are not whole numbers and count as missing.",
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
    students = _enrollment_by_id(source, path, settings.reading)
    joined = schools["school_id"].map(students).astype("Int64")
    without = schools["school_id"][joined.isna()]
    finding = Finding(
        "warning" if len(without) else "note",
        "enrollment_joined",
        "schools",
        f"{int(joined.notna().sum())} of {len(schools)} schools have an enrolment in {path.name}.",
        ids=tuple(without),
        expected="an enrolment for every school",
        remedy="Schools without one are shown without rates; add them to the file.",
    )
    filled = schools["enrollment"].fillna(joined)
    return schools.assign(enrollment=filled), [finding], (path,)


def _enrollment_by_id(source: EnrollmentFile, path: Path, limits: ReadingSettings) -> pd.Series:
    raw = io.read_table(path, limits=limits)
    parts = []
    for part in source.key:
        column, _, width = part.rpartition(":") if part.rpartition(":")[2].isdigit() else (part, "", "0")
        parts.append(io.as_text(io.require(raw, {column: column}, column)).str.zfill(int(width)))
    # A part that is missing makes the whole key missing.
    key = functools.reduce(operator.add, parts)
    value = io.as_text(io.require(raw, {source.value: source.value}, source.value))
    numbers, _ = _whole_numbers(value, key)
    return pd.Series(numbers.to_numpy(), index=key, dtype="Int64")[key.notna().to_numpy()].groupby(level=0).first()
