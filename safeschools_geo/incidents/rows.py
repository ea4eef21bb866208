"""The rows of one export: ids, times, origin, responder and place, with a reason for each row that is not kept."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pandas as pd

from safeschools_geo import io
from safeschools_geo.errors import attempt_all
from safeschools_geo.incidents.times import read_times, shifted_findings
from safeschools_geo.layers import require_kind
from safeschools_geo.results import Finding, join_rejects, rejects_frame
from safeschools_geo.row_filters import exclude_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from safeschools_geo.settings import IncidentSettings, Settings

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
        findings=(*raw.findings, *places.findings, *read.findings, *word_findings, *shifted),
    )


def _require_all(raw: io.RawTable, options: IncidentSettings, path: Path) -> io.PointsRead:
    """Name every column that is missing at once; return the places."""
    title = f"incidents ({path.name})"
    found = attempt_all(
        {
            "occurred_at": lambda: io.require(raw, options.columns, "occurred_at"),
            "category": lambda: io.require(raw, options.columns, "category"),
            "": lambda: io.points(raw, options.columns, crs=options.crs, name=title, is_required=False),
        }
    )
    places = cast("io.PointsRead", found[""])
    require_kind(places.geometry, {"Point"}, title, expected="points", may_be_missing=True)
    return places


def _ids(raw: io.RawTable, cells: pd.Series | None) -> pd.Series:
    if cells is not None:
        return io.as_text(cells)
    return pd.Series([f"{raw.path.stem}:{row}" for row in raw.frame.index], index=raw.frame.index, dtype="str")


def _words(
    raw: io.RawTable, rows: pd.Index, options: IncidentSettings, ids: pd.Series
) -> tuple[dict[str, pd.Series], list[Finding]]:
    origin, origin_findings = _mapped(raw, ids[rows], "origin", options, mapping=options.origins)
    responder, responder_findings = _mapped(raw, ids[rows], "responder", options, mapping=options.responders)
    categories = io.text_columns(raw, options.columns, "category")
    columns = {
        "origin": origin.fillna(options.default_origin),
        "responder": responder,
        **{f"category_{i}": cells[rows] for i, cells in enumerate(categories)},
    }
    columns["source_category"] = functools.reduce(operator.add, [c[rows].fillna("") for c in categories])
    for ours, word in (("given_school_id", "school_id"), ("given_school_name", "school_name")):
        cells = io.take(raw, options.columns, word)
        columns[ours] = pd.Series(pd.NA, index=rows, dtype="str") if cells is None else io.as_text(cells)[rows]
    return columns, [*origin_findings, *responder_findings]


def _mapped(
    raw: io.RawTable, ids: pd.Series, word: str, options: IncidentSettings, *, mapping: Mapping[str, str]
) -> tuple[pd.Series, list[Finding]]:
    cells = io.take(raw, options.columns, word)
    if cells is None:
        return pd.Series(pd.NA, index=ids.index, dtype="str"), []
    text = io.as_text(cells)[ids.index]
    plain = {**{ours: ours for ours in mapping.values()}, **{k.casefold(): v for k, v in mapping.items()}}
    found = text.str.casefold().map(plain).astype("str")
    unknown = text.notna() & found.isna()
    finding = Finding(
        "warning",
        f"{word}_unknown",
        "incidents",
        f"{int(unknown.sum())} rows of {raw.path.name} have a {word} that the settings do not know: "
        f"{', '.join(sorted(set(text[unknown]))[:5])}.",
        ids=tuple(ids[unknown].fillna("")),
        expected=", ".join(sorted(mapping)) or f"values mapped under [incidents.{word}s]",
        remedy=f"Map them under [incidents.{word}s] in district.toml.",
    )
    return found, [finding] if unknown.any() else []
