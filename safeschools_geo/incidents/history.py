"""Several exports made one history: read, timed, categorised, tied to schools, each incident once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo import io
from safeschools_geo.conform import empty_frame
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import FileReadError, attempt_all
from safeschools_geo.incidents.crosswalk import Crosswalk, categorise, read_crosswalk
from safeschools_geo.incidents.rows import RowsRead, read_rows
from safeschools_geo.incidents.school_match import match_schools
from safeschools_geo.results import Finding, TableRead, join_rejects, rejects_frame
from safeschools_geo.schemas import INCIDENTS
from safeschools_geo.validate.coordinates import UNUSABLE, check_coordinates, classify_coordinates

if TYPE_CHECKING:
    from pyproj import CRS

    from safeschools_geo.settings import Settings


_CONTENT = (
    "occurred_at",
    "occurred_to",
    "source_category",
    "origin",
    "given_school_id",
    "given_school_name",
    "received_at",
    "dispatched_at",
    "arrived_at",
    "cleared_at",
    "responder",
    "place",
)


@dataclass(frozen=True)
class IncidentsRead(TableRead):
    """The history as it was read.

    Parameters
    ----------
    review
        School names that were matched by likeness, or not at all, for a person to review.
    """

    review: pd.DataFrame


def incident_files(settings: Settings) -> list[Path]:
    """List the files of the history.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    list of pathlib.Path
        Files, sorted by name; none when there is no history.

    Raises
    ------
    FileReadError
        When the settings name files and there are none.
    """
    named = settings.incidents.file
    place = settings.folder / (named or f"{settings.paths.incidents}/*")
    files = io.find_files(place.parent, place.name)
    if named and not files:
        raise FileReadError(
            "There is no file of incidents where the settings say.",
            where=place,
            expected="one or many files: " + ", ".join(io.SUPPORTED_SUFFIXES),
            remedy="Correct [incidents] file in district.toml.",
        )
    return files


@dataclass(frozen=True)
class Exports:
    """The exports of a district, each read by itself.

    Parameters
    ----------
    files
        The files.
    parts
        Their rows.
    crosswalk
        The crosswalk of the district.
    """

    files: tuple[Path, ...]
    parts: tuple[RowsRead, ...]
    crosswalk: Crosswalk


def read_exports(settings: Settings) -> Exports:
    """Read every export of a district folder, and its crosswalk.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    Exports
        What is in them.

    Raises
    ------
    FileReadError, ColumnError, CRSError, CrosswalkError
        When a file cannot be read, lacks a column, or has coordinates without a CRS; the faults of all files at once.
    """
    files = incident_files(settings)
    crosswalk = read_crosswalk(settings.folder / settings.paths.crosswalk)
    parts = attempt_all({str(path): partial(read_rows, path, settings) for path in files})
    return Exports(tuple(files), tuple(parts.values()), crosswalk)


def read_incidents(
    settings: Settings, exports: Exports, schools: gpd.GeoDataFrame, extent: gpd.GeoSeries, *, crs: CRS
) -> IncidentsRead:
    """Make one history of the exports.

    Parameters
    ----------
    settings
        Settings of the district.
    exports
        Result of `read_exports`.
    schools
        Table `schools`.
    extent
        The district's boundary, or its zones, EPSG:4326; coordinates are judged against it.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    IncidentsRead
        Table `incidents`, in the order of the files and their rows. An incident whose coordinates are no place
        (swapped, sign-flipped, null island) is kept without them. Of rows with one id and the same content one is
        kept; of rows with one id and different content, the first.

    Raises
    ------
    CrosswalkError
        When categories are not mapped.
    """
    parts, crosswalk = exports.parts, exports.crosswalk
    if not parts:
        return _no_history(settings)
    rows = pd.concat([p.frame for p in parts], ignore_index=True)
    once, repeats, repeat_findings = _drop_repeats(rows)
    categories, unmapped = categorise(
        [once[c] for c in sorted(c for c in once.columns if c.startswith("category_"))],
        crosswalk,
        unmapped=settings.incidents.unmapped,
    )
    points, misplaced = _believable(once, extent)
    matches = match_schools(
        once["incident_id"],
        once["given_school_id"],
        once["given_school_name"],
        points,
        schools,
        crs=crs,
        settings=settings.incidents,
    )
    columns = pd.concat([once.drop(columns="source_category"), categories, matches.table], axis=1)
    frame = gpd.GeoDataFrame(columns, geometry=points, crs=STORAGE_CRS)[INCIDENTS.column_names]
    found = [f for p in parts for f in p.findings]
    return IncidentsRead(
        frame=frame,
        rows_read=sum(p.rows_read for p in parts),
        rejects=join_rejects([*(p.rejects for p in parts), repeats]),
        findings=(*found, *crosswalk.findings(), *repeat_findings, *unmapped, *misplaced, *matches.findings),
        files=(*exports.files, *([crosswalk.path] if crosswalk.path else [])),
        review=matches.review,
    )


def _drop_repeats(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    place = pd.Series(shapely.to_wkb(rows["geometry"].to_numpy(), hex=True), index=rows.index)
    content = rows.assign(place=place)[list(_CONTENT)]
    with_id = rows["has_id"]
    is_repeat = with_id & rows["incident_id"].duplicated()
    first = rows.index.to_series().groupby(rows["incident_id"], sort=False).transform("first")
    is_equal = _same(content, content.loc[first].set_axis(content.index))
    first_row = rows.loc[first, ["source_file", "row"]].set_axis(rows.index)
    rejects = []
    for (file, equal), group in rows[is_repeat].groupby(["source_file", is_equal], sort=True):
        where = first_row.loc[group.index]
        reason = "The same incident, with the same content, is in" if equal else "Another incident has this id, in"
        frame = rejects_frame(
            pd.DataFrame(group["as_read"].tolist(), index=group["row"]),
            source_file=str(file),
            id_column=None,
            code="exact_duplicate" if equal else "conflicting_id",
            reason="",
        )
        mend = "counted once" if equal else "the first is kept; correct the id or the content of one of them"
        texts = [f"{reason} {f}, row {r}: {mend}." for f, r in zip(where["source_file"], where["row"], strict=True)]
        rejects.append(
            frame.assign(id=group["incident_id"].to_numpy(), reason=pd.Series(texts, dtype="str")),
        )
    kept = rows[~is_repeat].drop(columns="as_read").reset_index(drop=True)
    return kept, join_rejects(rejects), _repeat_findings(rows, content, is_repeat, is_equal)


def _same(a: pd.DataFrame, b: pd.DataFrame) -> pd.Series:
    return ((a == b) | (a.isna() & b.isna())).all(axis=1)


def _repeat_findings(
    rows: pd.DataFrame, content: pd.DataFrame, is_repeat: pd.Series, is_equal: pd.Series
) -> list[Finding]:
    findings = []
    if (is_repeat & is_equal).any():
        ids = rows["incident_id"][is_repeat & is_equal]
        message = f"{len(ids)} rows repeat an incident exactly; each incident is counted once."
        findings.append(
            Finding("note", "exact_duplicate", "incidents", message, tuple(ids), remedy="Nothing needs doing.")
        )
    if (is_repeat & ~is_equal).any():
        ids = rows["incident_id"][is_repeat & ~is_equal]
        message = f"{len(ids)} rows have the id of another incident but other content; the first of each id is kept."
        remedy = "Find out which row is right; the others are in rejects.csv."
        findings.append(Finding("warning", "conflicting_id", "incidents", message, tuple(ids), remedy=remedy))
    alike = ~rows["has_id"] & content[~rows["has_id"]].duplicated().reindex(rows.index, fill_value=False)
    if alike.any():
        message = (
            f"{int(alike.sum()):,} rows equal another in everything that is read, and the export has no ids to tell "
            "them apart; they are kept as incidents of their own."
        )
        remedy = "Export the incident's id."
        findings.append(Finding("note", "alike_without_id", "incidents", message, remedy=remedy))
    return findings


def _believable(rows: pd.DataFrame, extent: gpd.GeoSeries) -> tuple[gpd.GeoSeries, list[Finding]]:
    points = gpd.GeoSeries(rows["geometry"].to_numpy(), index=rows.index, crs=STORAGE_CRS)
    codes = classify_coordinates(points, extent)
    findings = check_coordinates(points, rows["incident_id"], extent, table="incidents")
    kept = np.where(codes.isin(UNUSABLE), None, points.to_numpy())
    return gpd.GeoSeries(kept, index=rows.index, crs=STORAGE_CRS), findings


def _no_history(settings: Settings) -> IncidentsRead:
    empty = empty_frame(INCIDENTS, time_zone=settings.district.time_zone)
    finding = Finding(
        "warning",
        "no_incidents",
        "incidents",
        "There is no history of incidents.",
        expected="one or many files in data/incidents",
        remedy="Add exports of the dispatch system; maps and workload then show more than visits.",
    )
    return IncidentsRead(empty, 0, join_rejects([]), (finding,), (), pd.DataFrame())
