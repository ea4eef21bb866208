"""The rows of one export: ids, times, origin, responder and place, with a reason for each row that is not kept."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pandas as pd

from safeschools_geo import io
from safeschools_geo.conform import lines_to_write, read_words, unknown_words
from safeschools_geo.errors import attempt_all
from safeschools_geo.incidents.times import read_times, shifted_findings, take_times
from safeschools_geo.layers import require_kind
from safeschools_geo.results import Finding, join_rejects, rejects_frame
from safeschools_geo.row_filters import exclude_rows
from safeschools_geo.schemas import ORIGINS, RESPONDERS
from safeschools_geo.settings.inputs import COLUMNS, PLACE_COLUMNS, UNKNOWN_RESPONDER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from safeschools_geo.settings import IncidentSettings, Settings

_REQUIRED = ("occurred_at", "category")
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
    read = read_times(raw, is_kept, settings)
    times = read.occurred
    ids = _ids(raw, id_cells)[is_kept]
    fault = times.fault.mask(ids.isna(), "missing_id")
    rejects = [
        rejects_frame(raw.frame.loc[rows], source_file=path.name, id_column=id_column, code=str(code), reason=reason)
        for code, rows in fault.groupby(fault).groups.items()
        for reason in [_REASONS.get(str(code), str(code))]
    ]
    good = fault.index[fault.isna()]
    words, word_findings = _words(raw, good, options, ids)
    digits = _check_ids(raw, ids[good], words["given_school_id"], id_cells)
    frame = pd.DataFrame(
        {
            "incident_id": ids[good],
            "has_id": id_cells is not None,
            "occurred_at": times.at[good],
            "has_time": times.has_time[good],
            **{name: moments[good] for name, moments in read.others.items()},
            **words,
            "geometry": places.geometry[good].to_numpy(),
            "source_file": path.name,
            "row": good,
            "as_read": raw.frame.loc[good].to_dict(orient="records"),
        },
        index=good,
    ).astype({"has_time": "bool", "source_file": "str"})
    shifted = shifted_findings(times.notes[good], ids)
    return RowsRead(
        frame=frame,
        rows_read=len(raw.frame) + len(raw.rejects),
        rejects=join_rejects([raw.rejects, excluded, *rejects]),
        findings=(*raw.findings, *names, *places.findings, *digits, *read.findings, *word_findings, *shifted),
    )


def _require_all(raw: io.RawTable, options: IncidentSettings, path: Path) -> io.PointsRead:
    """Name every column that is missing at once; return the places."""
    title = f"incidents ({path.name})"
    found = attempt_all(
        {
            "occurred_at": lambda: take_times(raw, options, "occurred_at"),
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


def _ids(raw: io.RawTable, cells: pd.Series | None) -> pd.Series:
    if cells is not None:
        return io.as_text(cells)
    return pd.Series([f"{raw.path.stem}:{row}" for row in raw.frame.index], index=raw.frame.index, dtype="str")


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
