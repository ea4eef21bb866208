"""The zones that a term had: as its own run wrote them, else those of today, which is then said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.errors import ColumnError, count_text, name_ids
from safeschools_geo.io import as_text, read_table, require, sha256_of

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.district import District
    from safeschools_geo.io import RawTable

_GUARD = r"^'(?=[=+\-@])"


@dataclass(frozen=True, eq=False)
class TermZones:
    """The zones of a term.

    Parameters
    ----------
    term
        Name of the term.
    school_zones
        `school_id` and `zone_id` (empty text where a school has none), one row for each school of today's list.
    zones
        `zone_id` and `name`, one row for each zone that there was: today's in their order, then others.
    is_recorded
        Whether they were read from what the term's run wrote.
    notes
        Where they come from, and what had to be assumed.
    inputs
        File that was read, beside the outputs → its SHA-256.
    """

    term: str
    school_zones: pd.DataFrame
    zones: pd.DataFrame
    is_recorded: bool
    notes: tuple[str, ...]
    inputs: dict[str, str]

    @property
    def zone_of(self) -> pd.Series:
        """The `zone_id` by `school_id`."""
        return self.school_zones.set_index("school_id")["zone_id"]


def zones_of_both(
    district: District, today: pd.DataFrame, terms: tuple[str, str], *, outputs: Path | None = None
) -> tuple[TermZones, TermZones]:
    """Find the zones that two terms had.

    Parameters
    ----------
    district
        What was read.
    today
        `school_id` and `zone_id` of every school by today's zones (`term.assign_schools`).
    terms
        Names of the earlier and of the later term.
    outputs
        Folder in which runs have written; nothing is looked for if left out.

    Returns
    -------
    tuple of TermZones
        Those of ``<outputs>/<term>/assignments.csv`` where there is such a file; schools that it does not name have
        their zone of today. Without such a file of the earlier term nothing can be told of what changed, and both have
        today's zones; without one of the later term that one has.

    Raises
    ------
    InputError
        When a file is there and cannot be read, lacks a column, or does not name each school once.
    """
    files = [None if outputs is None else outputs / term / "assignments.csv" for term in terms]
    found = [file if file is not None and file.is_file() else None for file in files]
    if found[0] is None:
        note = (
            f"There is no record of the zones of {terms[0]} ({terms[0]}/assignments.csv is not in the folder of "
            "outputs): today's zones are used for both terms, so which schools changed zone is not known."
        )
        return _of_today(district, today, terms[0], note), _of_today(district, today, terms[1])
    if found[1] is None:
        note = (
            f"There is no record of the zones of {terms[1]} ({terms[1]}/assignments.csv is not in the folder of "
            "outputs): today's zones are used for it."
        )
        return _of_record(district, today, terms[0], found[0]), _of_today(district, today, terms[1], note)
    return _of_record(district, today, terms[0], found[0]), _of_record(district, today, terms[1], found[1])


def _of_today(district: District, today: pd.DataFrame, term: str, *notes: str) -> TermZones:
    plain = today[["school_id", "zone_id"]].reset_index(drop=True)
    return TermZones(term, plain, _names_of_today(district), is_recorded=False, notes=notes, inputs={})


def _of_record(district: District, today: pd.DataFrame, term: str, file: Path) -> TermZones:
    plain = today[["school_id", "zone_id"]].reset_index(drop=True)
    recorded = _recorded(file)
    is_known = plain["school_id"].isin(recorded.index)
    zone_id = plain["school_id"].map(recorded).where(is_known, plain["zone_id"]).astype("str")
    return TermZones(
        term,
        plain.assign(zone_id=zone_id),
        _zones_there(_names_of_today(district), file, zone_id, term),
        is_recorded=True,
        notes=_told(term, file, recorded, plain["school_id"]),
        inputs={f"{term}/{file.name}": sha256_of(file)},
    )


def _names_of_today(district: District) -> pd.DataFrame:
    return pd.DataFrame(district.zones[["zone_id", "name"]]).reset_index(drop=True)


def _recorded(file: Path) -> pd.Series:
    """Read the zone of each school."""
    raw = read_table(file)
    ids, zones = (_text(raw, name) for name in ("school_id", "zone_id"))
    repeated = ids[ids.duplicated() | (ids == "")]
    if len(repeated):
        raise ColumnError(
            "The record of a term's zones does not name each school once.",
            where=file,
            ids=repeated.index,
            expected="one row for each school, as `safeschools run` writes them",
            remedy="Run the term again, or move the file away to compare by today's zones.",
        )
    return pd.Series(zones.to_numpy(), index=pd.Index(ids, dtype="str"), dtype="str")


def _text(raw: RawTable, name: str) -> pd.Series:
    # Our own CSV files put an apostrophe before text that a spreadsheet would take for a formula.
    return as_text(require(raw, {}, name)).fillna("").str.replace(_GUARD, "", regex=True)


def _zones_there(today: pd.DataFrame, file: Path, zone_id: pd.Series, term: str) -> pd.DataFrame:
    """List the zones that there were, also those without a school where the run says so."""
    beside = file.with_name("workload_zones.csv")
    there = pd.DataFrame({"zone_id": sorted(set(zone_id) - {""})}).assign(name=lambda t: t["zone_id"])
    if beside.is_file():
        raw = read_table(beside)
        table = pd.DataFrame({name: _text(raw, name) for name in ("term", "zone_id", "name")})
        mine = table[table["term"] == term].drop(columns="term")
        there = pd.concat([mine, there]).drop_duplicates("zone_id")
    names = pd.concat([today, there]).drop_duplicates("zone_id")
    return names[names["zone_id"].isin(there["zone_id"])].reset_index(drop=True)


def _told(term: str, file: Path, recorded: pd.Series, schools: pd.Series) -> tuple[str, ...]:
    notes = [f"The zones of {term} are those that its run last wrote ({term}/{file.name})."]
    new = schools[~schools.isin(recorded.index)]
    if len(new):
        told = count_text(len(new), "school")
        notes.append(f"{told} not on that record ({name_ids(new)}): counted in the zone of today.")
    gone = recorded.index[~recorded.index.isin(schools)]
    if len(gone):
        told = count_text(len(gone), "school")
        notes.append(f"{told} on that record and no longer in the list of schools ({name_ids(gone)}): left out.")
    return tuple(notes)
