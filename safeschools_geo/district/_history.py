"""Several exports made one history: read, timed, categorized by the crosswalk, tied to schools."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo import io
from safeschools_geo.checks import UNUSABLE, check_coordinates, classify_coordinates, require_kind
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.district._crosswalk import Crosswalk, categorize, category_columns, key_of, read_crosswalk
from safeschools_geo.district._incident_times import read_times, shifted_findings, take_times
from safeschools_geo.district._layers import EXCLUDED, exclude_rows, read_source
from safeschools_geo.district._school_match import match_schools
from safeschools_geo.errors import FileReadError, attempt_all, count_text, name_ids
from safeschools_geo.findings import (
    Finding,
    TableRead,
    empty_frame,
    join_rejects,
    lines_to_write,
    read_words,
    rejects_frame,
    unknown_words,
)
from safeschools_geo.schemas import INCIDENTS, NON_CRITICAL, ORIGINS, RESPONDERS
from safeschools_geo.sections import COLUMNS, PLACE_COLUMNS, UNKNOWN_RESPONDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from pyproj import CRS

    from safeschools_geo.settings import IncidentSettings, Settings, SimilarIds

    Flags = NDArray[np.bool_]


# ── The rows of one export: ids, times, origin, responder and place, with a reason for each row that is not kept

_REQUIRED = ("occurred_at", "category")
_REASONS = {
    "missing_id": "The row has no incident id; give it one.",
    "missing_time": "The row does not say when it happened.",
    "unreadable_time": "The time cannot be read; write it as 2025-03-14 13:45.",
    "sentinel_time": "The time is a placeholder of the dispatch system, not a date.",
    "rounded_time": "A spreadsheet has rounded the time, as in 1.7616E+12; export it again, and open it in none.",
}


@dataclass(frozen=True)
class RowsRead:
    """The rows of one export."""

    # Rows kept, with the columns of table `incidents` that a single file can tell, the row as read (`as_read`), the
    # source's category columns (`category_0`, …) and what it says of the school
    frame: pd.DataFrame
    # As in `results.TableRead`
    rows_read: int
    rejects: pd.DataFrame
    findings: tuple[Finding, ...]


def read_rows(path: Path, settings: Settings, on_part: Callable[[str], None] = lambda _: None) -> RowsRead:
    """Read one export of the dispatch system."""
    options = settings.incidents
    on_part("rows")
    raw = read_source(path, options, settings.reading)
    on_part(f"places of {count_text(len(raw.frame), 'row')}")
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
    on_part(f"times of {count_text(is_kept.sum(), 'row')}")
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
    on_part(f"ids and words of {count_text(len(good), 'row')}")
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
            "as_read": np.full(len(good), _Table(raw.frame), dtype=object),
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


@dataclass(frozen=True, eq=False)
class _Table:
    """A table as it was read: a row of the history names it, and by `row` which of its rows it was."""

    frame: pd.DataFrame


def _cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Take the cells of rows as they were read, in the order of the rows and with their index."""
    of_table, tables = pd.factorize(rows["as_read"])
    found = [table.frame.loc[rows["row"][of_table == n]] for n, table in enumerate(tables)]
    if len(found) > 1:
        found = [pd.concat(found, ignore_index=True).iloc[np.argsort(np.argsort(of_table, kind="stable"))]]
    cells: pd.DataFrame = found[0].set_axis(rows.index)
    return cells


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
        return io.plain_text(cells)
    return f"{raw.path.stem}:" + raw.frame.index.to_series().astype("str")


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
        **dict.fromkeys(("responder", "responders"), responder.where(responder != UNKNOWN_RESPONDER)),
        **{f"category_{i}": cells[rows] for i, cells in enumerate(categories)},
    }
    columns["source_category"] = functools.reduce(operator.add, [c[rows].fillna("") for c in categories])
    for word in ("school_id", "school_name", "address"):
        cells = io.take(raw, options.columns, word)
        columns[f"given_{word}"] = (
            pd.Series(pd.NA, index=rows, dtype="str") if cells is None else io.plain_text(cells)[rows]
        )
    return columns, [*origin_findings, *responder_findings]


def _mapped(
    raw: io.RawTable, ids: pd.Series, word: str, options: IncidentSettings, *, meanings: Mapping[str, str]
) -> tuple[pd.Series, list[Finding]]:
    cells = io.take(raw, options.columns, word)
    if cells is None:
        return pd.Series(pd.NA, index=ids.index, dtype="str"), []
    found, unknown = read_words(io.plain_text(cells)[ids.index], meanings)
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


# ── Several exports made one history: read, timed, categorized, tied to schools, each incident once

_PLACE_DECIMALS = 5
"""Decimals of a degree, about a meter, to which places of one call agree."""
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
    "x",
    "y",
)


@dataclass(frozen=True)
class IncidentsRead(TableRead):
    """The history as it was read."""

    review: pd.DataFrame  # School names that were matched by likeness, or not at all, for a person to review


def incident_files(settings: Settings) -> list[Path]:
    """List the files of one source of the history."""
    options = settings.incidents
    named = (*options.files, *([options.file] if options.file else []))
    files: dict[Path, None] = {}
    for pattern in named or (f"{settings.paths.incidents}/*",):
        place = settings.folder / pattern
        found = io.find_files(place.parent, place.name)
        if named and not found:
            raise FileReadError(
                "There is no file of incidents where the settings say.",
                where=place,
                expected="one or many files: " + ", ".join(io.SUPPORTED_SUFFIXES),
                remedy="Correct files under [incidents] in district.toml.",
            )
        files |= dict.fromkeys(found)
    return list(files)


def of_sources(settings: Settings) -> list[Settings]:
    """List the settings under which each source is read."""
    return [replace(settings, incidents=source, sources=()) for source in settings.sources] or [settings]


@dataclass(frozen=True)
class Exports:
    """The exports of a district, each read by itself."""

    files: tuple[Path, ...]  # The files
    parts: tuple[RowsRead, ...]  # Their rows
    crosswalk: Crosswalk  # The crosswalk of the district
    findings: tuple[Finding, ...] = ()  # What of the folder is no export


def read_exports(settings: Settings, on_part: Callable[[str], None] = lambda _: None) -> Exports:
    """Read every export of a district folder, and its crosswalk."""
    crosswalk = read_crosswalk(settings.folder / settings.paths.crosswalk)
    files: list[Path] = []
    steps: dict[str, Callable[[], RowsRead]] = {}
    findings: list[Finding] = []
    for number, source in enumerate(of_sources(settings)):
        given = incident_files(source)
        own = _without_notes(given, source)
        steps |= {f"{number} {path}": partial(_rows_of, path, source, number, on_part) for path in own}
        findings += _left_out(source, given, own)
        files += own
    parts = attempt_all(steps)
    return Exports(tuple(files), tuple(parts.values()), crosswalk, tuple(findings))


def export_files(settings: Settings) -> list[Path]:
    """List the exports that a history is made of."""
    return [path for source in of_sources(settings) for path in _without_notes(incident_files(source), source)]


def _without_notes(given: list[Path], source: Settings) -> list[Path]:
    notes = [path for path in given if _is_note(path, source)] if len(given) > 1 else []
    return [path for path in given if path not in notes or len(notes) == len(given)]


def _rows_of(path: Path, settings: Settings, source: int, on_part: Callable[[str], None]) -> RowsRead:
    """Read one export, and say of each row which source it is of."""
    read = read_rows(path, settings, lambda what: on_part(f"{path.name}, {what}"))
    return replace(read, frame=read.frame.assign(source=source))


def _is_note(path: Path, settings: Settings) -> bool:
    """Say whether a text file among exports is prose: none of our columns is in it, and no table of two columns."""
    if path.suffix.lower() != ".txt":
        return False
    try:
        raw = io.read_table(path, header_row=settings.incidents.header_row, limits=settings.reading)
    except FileReadError:
        return False
    names = {*COLUMNS["incidents"], *PLACE_COLUMNS}
    for entry in settings.incidents.columns.values():
        names.update([entry] if isinstance(entry, str) else entry)
    is_ours = {str(column).casefold() for column in raw.frame.columns} & {name.casefold() for name in names}
    return not is_ours and (raw.frame.shape[1] == 1 or len(raw.rejects) > 0)


def _left_out(settings: Settings, given: list[Path], files: list[Path]) -> tuple[Finding, ...]:
    """Say which files of the folder of exports are not read."""
    folder = settings.folder / settings.paths.incidents
    in_folder = (
        [] if settings.incidents.file or settings.incidents.files or not folder.is_dir() else sorted(folder.iterdir())
    )
    stems = {path.stem for path in given}
    others = [
        path
        for path in in_folder
        if path.is_file() and path not in files and path.stem not in stems and not path.name.startswith((".", "~$"))
    ]
    names = tuple(dict.fromkeys(path.name for path in [*(path for path in given if path not in files), *others]))
    message = f"Files among the exports are no tables and are not read: {name_ids(names)}."
    remedy = "Nothing needs doing if they are notes; an export has to be in one of the kinds that are read."
    expected = ", ".join(io.SUPPORTED_SUFFIXES)
    return (Finding("note", "files_left_out", "incidents", message, names, expected, remedy),) if names else ()


def read_incidents(
    settings: Settings,
    exports: Exports,
    schools: gpd.GeoDataFrame,
    extent: gpd.GeoSeries,
    *,
    crs: CRS,
    on_part: Callable[[str], None] = lambda _: None,
) -> IncidentsRead:
    """Make one history of the exports.

    Table `incidents`, in the order of the files and their rows. An incident whose coordinates are no place (swapped,
    sign-flipped, null island) is kept without them. Of rows with one id and the same content one is kept; of rows
    with one id and different content, the first. Rows whose ids differ only in how they are written are one call if
    moment, category and place agree; else `similar_ids` decides.
    """
    parts, crosswalk = exports.parts, exports.crosswalk
    if not parts:
        return _no_history(settings)
    rows = pd.concat([p.frame for p in parts], ignore_index=True)
    rows, joined, join_findings = _join_sources(rows, of_sources(settings), crosswalk)
    on_part(f"incidents, which of {count_text(len(rows), 'row')} repeat another")
    rows, repeated_rows, source_findings = _one_call_of_sources(rows, [s.name for s in settings.sources], crosswalk)
    once, repeats, repeat_findings = _drop_repeats(rows, settings.incidents.similar_ids)
    on_part("incidents, their categories")
    categories, unmapped = categorize(
        category_columns(once),
        crosswalk,
        unmapped=settings.incidents.unmapped,
    )
    on_part("incidents, their places")
    points, misplaced = _believable(once, extent)
    on_part("incidents, their schools")
    matches = match_schools(
        once["incident_id"],
        once["given_school_id"],
        once["given_school_name"],
        points,
        schools,
        crs=crs,
        settings=settings.incidents,
        addresses=once["given_address"],
    )
    elsewhere, left_out = _elsewhere(once, points, matches.table["school_id"], extent, settings.incidents.within)
    columns = pd.concat([once.drop(columns="source_category"), categories, matches.table], axis=1)
    frame = gpd.GeoDataFrame(columns, geometry=points, crs=STORAGE_CRS)[INCIDENTS.column_names]
    frame = frame[~elsewhere].reset_index(drop=True)
    found = [f for p in parts for f in p.findings]
    empty = [
        f for path, p in zip(exports.files, parts, strict=True) for f in _nothing_in(p, path.name, is_all=rows.empty)
    ]
    return IncidentsRead(
        frame=frame,
        rows_read=sum(p.rows_read for p in parts),
        rejects=join_rejects([*(p.rejects for p in parts), joined, *repeated_rows, repeats, *left_out]),
        findings=(
            *exports.findings,
            *found,
            *empty,
            *crosswalk.findings(),
            *join_findings,
            *source_findings,
            *repeat_findings,
            *unmapped,
            *misplaced,
            *matches.findings,
        ),
        files=(*exports.files, *([crosswalk.path] if crosswalk.path else [])),
        review=matches.review,
    )


def _join_sources(
    rows: pd.DataFrame, sources: list[Settings], crosswalk: Crosswalk
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """Make one row of each call within each source, by what a row of it is."""
    read = [_join_rows(rows[rows["source"] == n], source, crosswalk) for n, source in enumerate(sources)]
    frames, rejects, findings = zip(*read, strict=True)
    whole = pd.concat([frame for frame in frames if len(frame)] or [rows], ignore_index=True)
    return whole, join_rejects(rejects), [one for found in findings for one in found]


_SERIOUS = (
    "weapons",
    "intruder",
    "assault_battery",
    "gang_activity",
    "threat_assessment",
    "assessment_5150",
    "alcohol_drugs",
    "welfare_check",
    NON_CRITICAL,
)
"""Categories, the most serious first: of the offenses of one call the first counts."""
_FIRST, _LAST = ("occurred_at", "received_at", "dispatched_at", "arrived_at"), ("occurred_to", "cleared_at")
_ONE_CALL = pd.Timedelta(days=1)


def _join_rows(
    rows: pd.DataFrame, settings: Settings, crosswalk: Crosswalk
) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    """Make one row of the offenses or units of each call; those more than a day apart are not of one call."""
    kind = settings.incidents.rows
    if kind == "incident":
        return rows, join_rejects([]), []
    moments = rows.groupby("incident_id")["occurred_at"]
    is_call = rows["has_id"] & (moments.transform("max") - moments.transform("min") <= _ONE_CALL)
    is_more = is_call & rows["incident_id"].duplicated()
    if not is_more.any():
        return rows, join_rejects([]), []
    categories, _ = categorize(category_columns(rows), crosswalk, unmapped="non_critical")
    ranked = rows.assign(rank=categories["category"].map({word: n for n, word in enumerate(_SERIOUS)}))[is_call]
    by_rank = ranked.sort_values("rank", kind="stable").groupby("incident_id", sort=False)
    who = _all_who_came(ranked.sort_values("arrived_at", kind="stable"))
    calls = by_rank.first()
    whole = ranked.sort_values(["has_time", "occurred_at"], ascending=[False, True], kind="stable")
    calls["has_time"] = whole.groupby("incident_id", sort=False)["has_time"].first()
    timed = ranked.assign(occurred_at=ranked["occurred_at"].where(ranked["has_time"]))
    for name in _FIRST:
        least = timed.groupby("incident_id", sort=False)[name].min()
        calls[name] = least.fillna(ranked.groupby("incident_id", sort=False)[name].min())
    for name in _LAST:
        calls[name] = ranked.groupby("incident_id", sort=False)[name].max()
    calls[who.columns] = who
    firsts = rows[is_call & ~is_more]
    merged = [name for name in calls.columns if name not in {"row", "source_file", "as_read", "has_id", "rank"}]
    joined = rows[~is_more].copy()
    values = calls.loc[firsts["incident_id"], merged].set_axis(firsts.index)
    for name in merged:
        joined.loc[firsts.index, name] = values[name]
    rejects = _joined_rejects(rows, is_more, kind)
    with_several = int((who["responder"] != who["responders"]).sum())
    return joined.reset_index(drop=True), rejects, [_joined_finding(is_more, kind, with_several)]


def _all_who_came(rows: pd.DataFrame) -> pd.DataFrame:
    """Report each call to which somebody came who was first and who all were, in the order of the rows."""
    each = rows[["incident_id", "responders"]].dropna()
    each = each.assign(responders=each["responders"].str.split(";")).explode("responders").drop_duplicates()
    came = each.groupby("incident_id", sort=False)["responders"]
    return pd.DataFrame({"responder": came.first(), "responders": came.agg(";".join)}, dtype="str")


def _joined_rejects(rows: pd.DataFrame, is_more: pd.Series, kind: str) -> pd.DataFrame:
    reason = f"The row is another {kind} of a call that is counted with its first row."
    files = rows[is_more].groupby("source_file", sort=True)
    return join_rejects(_rejects_of(group, code="rows_joined", reasons=[reason] * len(group)) for _, group in files)


def _rejects_of(rows: pd.DataFrame, *, code: str, reasons: list[str]) -> pd.DataFrame:
    """Reject rows of one file after they were read: each as it was, under its id and for a reason of its own."""
    frame = rejects_frame(
        _cells(rows).set_axis(rows["row"]),
        source_file=str(rows["source_file"].iloc[0]),
        id_column=None,
        code=code,
        reason="",
    )
    return frame.assign(id=rows["incident_id"].to_numpy(), reason=pd.Series(reasons, dtype="str"))


def _joined_finding(is_more: pd.Series, kind: str, with_several: int) -> Finding:
    message = (
        f"{count_text(is_more.sum(), 'row')} of the exports are further {kind}s of calls that have a row already; "
        "each call is counted once, with its most serious category, its first dispatch and arrival, its last clearing."
    )
    if with_several:
        message += (
            f" To {count_text(with_several, 'call')} several kinds of responders came: the first to arrive counts, and "
            "all are kept."
        )
    return Finding("note", "rows_joined", "incidents", message, remedy="Nothing needs doing if `rows` is right.")


def _one_call_of_sources(
    rows: pd.DataFrame, names: list[str | None], crosswalk: Crosswalk
) -> tuple[pd.DataFrame, list[pd.DataFrame], list[Finding]]:
    """Make one call of the rows that several sources hold under one id.

    The source that is named first goes before; what it does not say is taken from the others. Where they contradict
    each other, that is reported with its count.
    """
    if len(names) < 2:  # noqa: PLR2004 - one source, and another
        return rows, [], []
    earliest = rows[rows["has_id"]].groupby("incident_id")["source"].transform("min").reindex(rows.index)
    is_later = rows["source"] > earliest
    if not is_later.any():
        return rows, [], []
    first = (
        rows[rows["has_id"] & ~is_later].drop_duplicates("incident_id").reset_index().set_index("incident_id")["index"]
    )
    later = rows[is_later]
    lead = pd.Index(later["incident_id"].map(first))
    merged, contradictions = rows.copy(), {}
    blocks = [[name] for name in _SAID_ONCE] + [
        [c for c in rows.columns if c.startswith("category_")] + ["source_category"]
    ]
    for block in blocks:
        said = [name for name in block if name in rows.columns]
        if not said:
            continue
        mine, theirs = rows.loc[lead, said[0]], later[said[0]].set_axis(lead)
        is_missing = mine.isna() | (mine.astype("str") == "")
        if said[0] == "category_0":
            # Two systems have words of their own: what they mean is compared.
            meant = [key_of(cells).map(crosswalk.table["category"]) for cells in (mine, theirs)]
            contradictions["category"] = int(_differ(*meant).sum())
        elif said[0] in ("occurred_at", "geometry", "given_school_id"):
            contradictions[_CALLED[said[0]]] = int(_differ(mine, theirs).sum())
        take = is_missing.to_numpy() & theirs.notna().to_numpy() & ~lead.duplicated()
        for name in said:
            merged.loc[lead[take], name] = later[name].to_numpy()[take]
    leads = rows.loc[lead.unique()]
    who = _all_who_came(pd.concat([leads, later]))
    merged.loc[leads.index, who.columns] = who.reindex(leads["incident_id"]).to_numpy()
    first_row = rows.loc[lead, ["source_file", "row"]]
    rejects = []
    for _, group in later.groupby("source_file", sort=True):
        place = later.index.get_indexer(group.index)
        texts = [
            f"The same call is in {r.source_file}, row {r.row}: counted once, with what either says."
            for r in first_row.iloc[place].itertuples()
        ]
        rejects.append(_rejects_of(group, code="same_call_other_source", reasons=texts))
    return merged[~is_later].reset_index(drop=True), rejects, [_sources_finding(later, contradictions, names)]


def _sources_finding(later: pd.DataFrame, contradictions: Mapping[str, int], names: list[str | None]) -> Finding:
    """Say how many calls several sources hold, and in what they contradict each other."""
    order = ", ".join(name or f"source {number}" for number, name in enumerate(names, start=1))
    parts = [f"{number:,} in {name}" for name, number in contradictions.items() if number]
    message = f"{count_text(later['incident_id'].nunique(), 'call')} stand in several sources and count once"
    message += f"; they contradict each other ({', '.join(parts)}), and the first source is believed." if parts else "."
    remedy = f"The order is {order}: put the source that you trust first in district.toml."
    return Finding("warning" if parts else "note", "same_call_other_source", "incidents", message, remedy=remedy)


_CALLED = {"occurred_at": "the moment", "geometry": "the place", "given_school_id": "the school"}


def _differ(mine: pd.Series, theirs: pd.Series) -> Flags:
    """Say where both say something, and not the same."""
    both = mine.notna().to_numpy() & theirs.notna().to_numpy()
    return np.asarray(both & (mine.to_numpy() != theirs.to_numpy()), dtype=bool)


_SAID_ONCE = (
    *("occurred_at", "occurred_to", "received_at", "dispatched_at", "arrived_at", "cleared_at"),
    *("given_school_id", "given_school_name", "given_address", "geometry"),
)


def _drop_repeats(rows: pd.DataFrame, similar_ids: SimilarIds) -> tuple[pd.DataFrame, pd.DataFrame, list[Finding]]:
    points, has_id = rows["geometry"].to_numpy(), rows["has_id"].to_numpy()
    content = rows.assign(x=shapely.get_x(points), y=shapely.get_y(points))[list(_CONTENT)]
    key = np.empty(len(rows), dtype=np.int64)
    key[has_id] = pd.factorize(rows["incident_id"][has_id])[0]
    # Without an id a row is another's repeat if all its cells are equal, and a time of day makes chance unlikely.
    key[~has_id] = -1 - _equal_cells(rows.loc[~has_id, ["as_read", "row"]])
    first = _first_of(rows, key)
    is_repeat = (rows["has_id"] | rows["has_time"]) & (first != rows.index)
    again = content.index[is_repeat]
    is_equal = _same(content.loc[again], content.loc[first[again]].set_axis(again)).reindex(
        rows.index, fill_value=False
    )
    rejects = _repeat_rejects(rows, is_repeat, first, is_equal, code="exact_duplicate")
    left = rows[~is_repeat]
    # Ids that were made of the rows are written in one way.
    written, first = left["incident_id"], left.index.to_series()
    if has_id.any():
        first = _first_of(left, io.id_key(written[left["has_id"]]).reindex(left.index).fillna(written))
    is_alike = left["has_id"] & (first != left.index) & (similar_ids != "apart")
    alike_rows = left.index[is_alike]
    is_call = _same_call(left.loc[alike_rows], left.loc[first[alike_rows]].set_axis(alike_rows))
    is_call = is_call.reindex(left.index, fill_value=False)
    is_dropped = is_alike & (is_call | (similar_ids == "same"))
    rejects += _repeat_rejects(left, is_dropped, first, is_call, code="same_call_other_id")
    findings = [
        *_repeat_findings(rows, content, is_repeat, is_equal),
        *_alike_findings(left["incident_id"], first, is_alike, is_call, similar_ids),
    ]
    return left[~is_dropped].reset_index(drop=True), join_rejects(rejects), findings


def _equal_cells(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Give rows of equal cells in equal columns one number, from 0."""
    if rows.empty:
        return np.empty(0, dtype=np.int64)
    cells = _cells(rows)
    written = [cells[c].map(repr) if kind == np.dtype(object) else cells[c] for c, kind in cells.dtypes.items()]
    of_table, tables = pd.factorize(rows["as_read"])
    heads = [str(sorted(map(str, table.frame.columns))) for table in tables]
    head = np.array([heads.index(one) for one in heads])[of_table]
    return np.asarray(cells.groupby([head, *written], sort=False, dropna=False).ngroup(), dtype=np.int64)


def _first_of(rows: pd.DataFrame, key: NDArray[np.int64] | pd.Series) -> pd.Series:
    return rows.index.to_series().groupby(key, sort=False).transform("first")


def _repeat_rejects(
    rows: pd.DataFrame, is_repeat: pd.Series, first: pd.Series, is_equal: pd.Series, *, code: str
) -> list[pd.DataFrame]:
    first_row = rows.loc[first, ["incident_id", "source_file", "row"]].set_axis(rows.index)
    rejects = []
    for (_, equal), group in rows[is_repeat].groupby(["source_file", is_equal], sort=True):
        where = first_row.loc[group.index]
        reason = "The same incident, with the same content, is in" if equal else "Another incident has this id, in"
        fix = "counted once" if equal else "the first is kept; correct the id or the content of one of them"
        texts = [
            f"{reason} {r.source_file}, row {r.row}{'' if r.incident_id == own else f', as {r.incident_id}'}: {fix}."
            for r, own in zip(where.itertuples(), group["incident_id"], strict=True)
        ]
        rejects.append(_rejects_of(group, code=code if equal else "conflicting_id", reasons=texts))
    return rejects


def _same_call(a: pd.DataFrame, b: pd.DataFrame) -> pd.Series:
    """Say whether rows are one call: the same moment, category, and place or school, as far as both say it."""
    is_same = (a["occurred_at"] == b["occurred_at"]) & (key_of(a["source_category"]) == key_of(b["source_category"]))
    places = [
        pd.DataFrame(np.round(shapely.bounds(f["geometry"].to_numpy())[:, :2], _PLACE_DECIMALS), index=f.index)
        for f in (a, b)
    ]
    pairs = [
        (places[0][0], places[1][0]),
        (places[0][1], places[1][1]),
        (io.id_key(a["given_school_id"]), io.id_key(b["given_school_id"])),
        (key_of(a["given_school_name"]), key_of(b["given_school_name"])),
    ]
    contradicts = np.any([(x != y) & x.notna() & y.notna() for x, y in pairs], axis=0)
    agrees = np.any([(x == y).fillna(value=False) for x, y in pairs], axis=0)
    return pd.Series(is_same & agrees & ~contradicts)


def _alike_findings(
    ids: pd.Series, first: pd.Series, is_alike: pd.Series, is_call: pd.Series, similar_ids: SimilarIds
) -> Iterator[Finding]:
    def pairs(rows: pd.Series) -> str:
        return io.groups_text(list(zip(ids.loc[first[rows]], ids[rows], strict=True)))

    calls, others = is_alike & is_call, is_alike & ~is_call
    if calls.any():
        message = (
            f"{count_text(calls.sum(), 'row')} repeating a call under an id that differs only in how it is written, at "
            f"the same moment, with the same category and place: {pairs(calls)}; each call is counted once."
        )
        remedy = 'If they are different calls, set [incidents] similar_ids = "apart".'
        yield Finding("warning", "same_call_other_id", "incidents", message, tuple(ids[calls]), remedy=remedy)
    if others.any() and similar_ids == "stop":
        message = (
            f"{count_text(others.sum(), 'incident')} with the id of another but for zeros, blanks, capitals or the "
            f"way a number is written, and other content: {pairs(others)}."
        )
        yield Finding(
            "error",
            "ids_alike",
            "incidents",
            message,
            tuple(ids[others]),
            expected="each id written in one way",
            remedy='Correct the ids in the exports, or set [incidents] similar_ids = "apart" if they are different '
            'calls, "same" if they are one (the first row of each is then kept).',
            is_blocking=True,
        )
    elif others.any():
        message = (
            f"{count_text(others.sum(), 'row')} with the id of another, as similar_ids takes it, but other content; "
            f"the first of each is kept: {pairs(others)}."
        )
        remedy = "Find out which row is right; the others are in rejects.csv."
        yield Finding("warning", "conflicting_id", "incidents", message, tuple(ids[others]), remedy=remedy)


def _same(a: pd.DataFrame, b: pd.DataFrame) -> pd.Series:
    return ((a == b) | (a.isna() & b.isna())).all(axis=1)


def _repeat_findings(
    rows: pd.DataFrame, content: pd.DataFrame, is_repeat: pd.Series, is_equal: pd.Series
) -> Iterator[Finding]:
    if (is_repeat & is_equal).any():
        ids = rows["incident_id"][is_repeat & is_equal]
        message = f"{count_text(len(ids), 'row')} repeating an incident exactly; each incident is counted once."
        yield Finding("note", "exact_duplicate", "incidents", message, tuple(ids), remedy="Nothing needs doing.")
    if (is_repeat & ~is_equal).any():
        ids = rows["incident_id"][is_repeat & ~is_equal]
        rows_text = count_text(len(ids), "row")
        message = f"{rows_text} with the id of another incident but other content; the first of each id is kept."
        remedy = (
            "Find out which row is right; the others are in rejects.csv. If a row is an offense or a unit of a call, "
            'set [incidents] rows = "offense" or "unit".'
        )
        yield Finding("warning", "conflicting_id", "incidents", message, tuple(ids), remedy=remedy)
    bare = content[~rows["has_id"]]
    bare = bare[bare.duplicated(["occurred_at", "x", "y"], keep=False)]
    alike = ~rows["has_id"] & ~is_repeat & bare.duplicated().reindex(rows.index, fill_value=False)
    if alike.any():
        message = (
            f"{count_text(alike.sum(), 'row')} equal to another in everything that is read, and the export has no ids "
            "to tell them apart: kept as incidents of their own."
        )
        remedy = "Export the incident's id."
        yield Finding("note", "alike_without_id", "incidents", message, remedy=remedy)


def _elsewhere(
    rows: pd.DataFrame, points: gpd.GeoSeries, school_ids: pd.Series, extent: gpd.GeoSeries, within: str | None
) -> tuple[pd.Series, list[pd.DataFrame]]:
    """Find the calls of a county's export that the district has nothing to do with, if they are to be left out."""
    if within is None:
        return pd.Series(data=False, index=rows.index), []
    area = extent.make_valid().union_all()
    shapely.prepare(area)
    elsewhere = points.notna() & ~points.is_empty & ~shapely.contains(area, points) & school_ids.isna()
    reason = 'It lies outside the district and names no school of it; [incidents] within = "district".'
    rejects = [
        _rejects_of(group, code=f"{EXCLUDED}within", reasons=[reason] * len(group))
        for _, group in rows[elsewhere].groupby("source_file", sort=True)
    ]
    return elsewhere, rejects


def _believable(rows: pd.DataFrame, extent: gpd.GeoSeries) -> tuple[gpd.GeoSeries, list[Finding]]:
    points = gpd.GeoSeries(rows["geometry"].to_numpy(), index=rows.index, crs=STORAGE_CRS)
    codes = classify_coordinates(points, extent)
    findings = check_coordinates(points, rows["incident_id"], extent, table="incidents")
    kept = np.where(codes.isin(UNUSABLE), None, points.to_numpy())
    return gpd.GeoSeries(kept, index=rows.index, crs=STORAGE_CRS), findings


def _nothing_in(part: RowsRead, file: str, *, is_all: bool) -> list[Finding]:
    """Report an export without a row that counts; when no export has one, nothing can be concluded."""
    if len(part.frame):
        return []
    reasons = part.rejects["reason_code"].value_counts().sort_index()
    listed = ", ".join(f"{code} ({n:,})" for code, n in reasons.items())
    message = (
        f"No row of {file} is kept, of {part.rows_read:,}: {listed}."
        if part.rows_read
        else f"{file} has no rows, only the names of its columns."
    )
    is_chosen = bool(part.rows_read) and all(str(code).startswith(EXCLUDED) for code in reasons.index)
    remedy = (
        "See whether `keep` under [incidents] is meant for this file."
        if is_chosen
        else "Export it again with its rows; if it is meant to be empty, take it out of the folder."
        if not part.rows_read
        else "Correct what the reasons name; rejects.csv has each row as it was."
    )
    return [
        Finding(
            "error",
            "export_empty",
            "incidents",
            message + (" No incident is left to conclude anything from." if is_all else ""),
            ids=(file,),
            expected="rows of incidents",
            remedy=remedy,
            is_blocking=is_all,
        )
    ]


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
