"""The rows of one export: ids, times, origin, responder and place, with a reason for each row that is not kept."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from safeschools_geo import io
from safeschools_geo.conform import lines_to_write, read_words, unknown_words
from safeschools_geo.errors import attempt_all
from safeschools_geo.layers import require_kind
from safeschools_geo.results import Finding, join_rejects, rejects_frame
from safeschools_geo.row_filters import exclude_rows
from safeschools_geo.schemas import ORIGINS, RESPONDERS
from safeschools_geo.settings.inputs import COLUMNS, PLACE_COLUMNS, TIMES, UNKNOWN_RESPONDER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from safeschools_geo.settings import IncidentSettings, Settings

_REQUIRED = ("occurred_at", "category")
OTHER_TIMES = tuple(name for name in TIMES if name not in _REQUIRED)
_REASONS = {
    "missing_id": "The row has no incident id; give it one.",
    "missing_time": "The row does not say when it happened.",
    "unreadable_time": "The time cannot be read; write it as 2025-03-14 13:45.",
    "sentinel_time": "The time is a placeholder of the dispatch system, not a date.",
}


@dataclass(frozen=True)
class RowsRead:
    """The rows of one export.

    Parameters
    ----------
    frame
        Rows kept, with the columns of table `incidents` that a single file can tell, the row as read (`as_read`), the
        source's category columns (`category_0`, …) and what it says of the school.
    rows_read, rejects, findings
        As in `results.TableRead`.
    """

    frame: pd.DataFrame
    rows_read: int
    rejects: pd.DataFrame
    findings: tuple[Finding, ...]


def read_rows(path: Path, settings: Settings) -> RowsRead:
    """Read one export of the dispatch system.

    Parameters
    ----------
    path
        The file.
    settings
        Settings of the district.

    Returns
    -------
    RowsRead
        Its rows.

    Raises
    ------
    FileReadError, ColumnError, CRSError
        When it cannot be read, lacks a column, or has coordinates without a CRS.
    """
    raw = io.read_table(path, limits=settings.reading)
    options = settings.incidents
    places = _require_all(raw, options, path)
    names = io.check_columns(
        raw,
        options.columns,
        COLUMNS["incidents"],
        required=(*_REQUIRED, *PLACE_COLUMNS),
        table="incidents",
        section="incidents",
    )
    id_cells = io.take(raw, options.columns, "incident_id")
    id_column = None if id_cells is None else str(id_cells.name)
    is_kept, excluded = exclude_rows(raw, options.keep, id_column=id_column)
    times = io.parse_times(
        _moments(raw, options, "occurred_at")[is_kept],
        time_zone=settings.district.time_zone,
        times=options.times,
        day_first=options.day_first,
        midnight_is_unknown=options.midnight_is_unknown,
    )
    ids = _ids(raw, id_cells)[is_kept]
    fault = times.fault.mask(ids.isna(), "missing_id")
    rejects = [
        rejects_frame(raw.frame.loc[rows], source_file=path.name, id_column=id_column, code=str(code), reason=reason)
        for code, rows in fault.groupby(fault).groups.items()
        for reason in [_REASONS.get(str(code), str(code))]
    ]
    good = fault.index[fault.isna()]
    other, time_findings = _other_times(raw, good, settings)
    words, word_findings = _words(raw, good, options, ids)
    digits = _check_ids(raw, ids[good], words["given_school_id"], id_cells)
    frame = pd.DataFrame(
        {
            "incident_id": ids[good],
            "has_id": id_cells is not None,
            "occurred_at": times.at[good],
            "has_time": times.has_time[good],
            **other,
            **words,
            "geometry": places.geometry[good].to_numpy(),
            "source_file": path.name,
            "row": good,
            "as_read": raw.frame.loc[good].to_dict(orient="records"),
        },
        index=good,
    ).astype({"has_time": "bool", "source_file": "str"})
    shifted = _shifted(times.notes[good], ids)
    return RowsRead(
        frame=frame,
        rows_read=len(raw.frame) + len(raw.rejects),
        rejects=join_rejects([raw.rejects, excluded, *rejects]),
        findings=(*raw.findings, *names, *places.findings, *digits, *time_findings, *word_findings, *shifted),
    )


def _require_all(raw: io.RawTable, options: IncidentSettings, path: Path) -> io.PointsRead:
    """Name every column that is missing at once; return the places."""
    title = f"incidents ({path.name})"
    found = attempt_all(
        {
            "occurred_at": lambda: _moments(raw, options, "occurred_at"),
            "category": lambda: io.require(raw, options.columns, "category"),
            "": lambda: io.points(raw, options.columns, crs=options.crs, name=title, is_required=False),
        }
    )
    places = cast("io.PointsRead", found[""])
    require_kind(places.geometry, {"Point"}, title, expected="points", may_be_missing=True)
    return places


def _check_ids(raw: io.RawTable, ids: pd.Series, school_ids: pd.Series, id_cells: pd.Series | None) -> list[Finding]:
    schools = io.check_digits(school_ids, table="incidents", where=raw.path.name, column="school_id")
    if id_cells is not None:
        return [*io.check_digits(ids, table="incidents", where=raw.path.name, column="incident_id"), *schools]
    if ids.empty:
        return schools
    message = (
        f"{raw.path.name} has no column incident_id; its rows are called {ids.iloc[0]} and so on, and a call that "
        "another export holds too is counted twice."
    )
    remedy = "Export the id that the dispatch system gives each call, or name its column under [incidents.columns]."
    return [Finding("note", "ids_made", "incidents", message, remedy=remedy), *schools]


def _moments(raw: io.RawTable, options: IncidentSettings, name: str) -> pd.Series | None:
    """Take the cells of a time; of several columns, a date and a time of day, make one."""
    entry = options.columns.get(name, ())
    if isinstance(entry, str) or len(entry) < 2:  # noqa: PLR2004 - a date and a time of day
        is_required = name in _REQUIRED
        return io.require(raw, options.columns, name) if is_required else io.take(raw, options.columns, name)
    date, *rest = (io.require(raw, {theirs: theirs}, theirs) for theirs in entry)
    # A date that a spreadsheet or a database keeps as a moment is at midnight, which is no time of day.
    joined = io.as_text(date).str.replace(r"[ T]0?0:00(?::00(?:\.0+)?)?$", "", regex=True)
    for part in rest:
        text = io.as_text(part)
        joined = joined.where(text.isna(), joined + " " + text)
    return joined.rename(" and ".join(entry))


def _ids(raw: io.RawTable, cells: pd.Series | None) -> pd.Series:
    if cells is not None:
        return io.as_text(cells)
    return pd.Series([f"{raw.path.stem}:{row}" for row in raw.frame.index], index=raw.frame.index, dtype="str")


def _other_times(raw: io.RawTable, rows: pd.Index, settings: Settings) -> tuple[dict[str, pd.Series], list[Finding]]:
    options = settings.incidents
    columns: dict[str, pd.Series] = {}
    findings = []
    for name in OTHER_TIMES:
        cells = _moments(raw, options, name)
        if cells is None:
            columns[name] = pd.Series(pd.NaT, index=rows, dtype=f"datetime64[us, {settings.district.time_zone}]")
            continue
        parsed = io.parse_times(
            cells[rows], time_zone=settings.district.time_zone, times=options.times, day_first=options.day_first
        )
        columns[name] = parsed.at
        wrong = parsed.fault.isin(["unreadable_time", "sentinel_time"])
        if wrong.any():
            findings.append(
                Finding(
                    "warning",
                    f"{name}_unreadable",
                    "incidents",
                    f"{int(wrong.sum())} values of {cells.name} in {raw.path.name} are no times and count as missing.",
                    ids=tuple(f"row {row}" for row in wrong.index[wrong]),
                    expected="a date and a time of day",
                    remedy="Correct them in the export.",
                )
            )
    return columns, findings


def _words(
    raw: io.RawTable, rows: pd.Index, options: IncidentSettings, ids: pd.Series
) -> tuple[dict[str, pd.Series], list[Finding]]:
    origins = {**{word: word for word in ORIGINS}, "": options.default_origin, **options.origins}
    responders = {**{word: word for word in RESPONDERS}, "": UNKNOWN_RESPONDER, **options.responders}
    origin, origin_findings = _mapped(raw, ids[rows], "origin", options, meanings=origins)
    responder, responder_findings = _mapped(raw, ids[rows], "responder", options, meanings=responders)
    categories = io.text_columns(raw, options.columns, "category")
    columns = {
        "origin": origin.fillna(options.default_origin),
        "responder": responder.where(responder != UNKNOWN_RESPONDER),
        **{f"category_{i}": cells[rows] for i, cells in enumerate(categories)},
    }
    columns["source_category"] = functools.reduce(operator.add, [c[rows].fillna("") for c in categories])
    for ours, word in (("given_school_id", "school_id"), ("given_school_name", "school_name")):
        cells = io.take(raw, options.columns, word)
        columns[ours] = pd.Series(pd.NA, index=rows, dtype="str") if cells is None else io.as_text(cells)[rows]
    return columns, [*origin_findings, *responder_findings]


def _mapped(
    raw: io.RawTable, ids: pd.Series, word: str, options: IncidentSettings, *, meanings: Mapping[str, str]
) -> tuple[pd.Series, list[Finding]]:
    cells = io.take(raw, options.columns, word)
    if cells is None:
        return pd.Series(pd.NA, index=ids.index, dtype="str"), []
    found, unknown = read_words(io.as_text(cells)[ids.index], meanings)
    finding = unknown_words(
        unknown,
        ids,
        table="incidents",
        where=raw.path.name,
        column=word,
        expected=", ".join(key for key in meanings if key),
        remedy=f"Say what they mean under [incidents.{word}s] in district.toml: {lines_to_write(unknown)}; "
        f"ours are {', '.join(dict.fromkeys(ORIGINS if word == 'origin' else (*RESPONDERS, UNKNOWN_RESPONDER)))}.",
    )
    return found.astype("str"), [finding] if len(unknown) else []


def _shifted(notes: pd.Series, ids: pd.Series) -> list[Finding]:
    messages = {
        "dst_gap_shifted": "fell into the hour that is skipped when clocks go forward, and were moved to its end",
        "dst_repeat_first": "fell into the hour that comes twice when clocks go back, and are taken as the first",
    }
    return [
        Finding(
            "note",
            code,
            "incidents",
            f"{int((notes == code).sum())} times {text}.",
            ids=tuple(ids[notes.index[notes == code]]),
            expected="local times that exist once",
            remedy="Export times in UTC if the hour matters.",
        )
        for code, text in messages.items()
        if np.any(notes == code)
    ]
