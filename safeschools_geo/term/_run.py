"""A term's run, step by step: read, check, assign, count, find, propose, cover, protect, draw, write."""

from __future__ import annotations

import ctypes
import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.assign import assign_campuses, assign_points
from safeschools_geo.counts import in_context
from safeschools_geo.district import (
    District,
    check_district,
    input_files,
    load_settings,
    outputs_folder,
    program_work,
    read_district,
    refuse_rejects,
)
from safeschools_geo.errors import ColumnError, FileReadError, count_text, name_ids
from safeschools_geo.hotspots import TermInputs, find_hotspots
from safeschools_geo.io import as_text, read_table, require, sha256_of, without_guards
from safeschools_geo.pages import draw_term
from safeschools_geo.results import TermResult
from safeschools_geo.term._packet import earlier_releases, protect_term, record_of, require_packet
from safeschools_geo.term._plan import cover_term, propose_zones
from safeschools_geo.term._write import RESULTS, TermOutputs, changed_since, draw_board, write_term
from safeschools_geo.workload import school_workload, zone_workload
from safeschools_geo.writing import manifest_in, output_folder, releases_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from safeschools_geo.hotspots import Hotspots
    from safeschools_geo.io import RawTable
    from safeschools_geo.settings import Term


STEPS = (
    "Reading",
    "Checking",
    "Assigning",
    "Counting",
    "Finding hotspots",
    "Proposing zones",
    "Working out coverage",
    "Protecting",
    "Drawing",
    "Writing",
)


def steps_until(last: str) -> int:
    """Count the steps of a run up to one of them.

    Parameters
    ----------
    last
        The last one, of `STEPS`.

    Returns
    -------
    int
        How many there are, with it.
    """
    return STEPS.index(last) + 1


def run_term(
    folder: Path,
    *,
    term: str | None = None,
    out: Path | None = None,
    seed: int = 0,
    is_strict: bool = False,
    proposes: bool = True,
    covers: bool = True,
    protects: bool = True,
    releases: Path | None = None,
    on_step: Callable[[str], None] = lambda _: None,
    on_part: Callable[[str], None] = lambda _: None,
) -> TermResult:
    """Run a term from the district folder to its outputs.

    Parameters
    ----------
    folder
        The district folder.
    term
        Name of the term; the last one if left out.
    out
        Folder in which the term's folder is made; nothing is written if left out.
    seed
        Seed of everything random, recorded in the manifest.
    is_strict
        Whether a rejected row is an error.
    proposes
        Whether to propose other zones; the rest does not need it.
    covers
        Whether to work out patrol coverage; the rest does not need it.
    protects
        Whether to work out what may be reported in public; the rest does not need it.
    releases
        Record of what was published earlier; that of the settings, in the district folder, if left out.
    on_step
        Called with the name of each step as it begins, one of `STEPS`.
    on_part
        Called with what a long step is doing.

    Returns
    -------
    TermResult
        All results.

    Raises
    ------
    InputError
        When something the user gave cannot be used; see `district.read_district`.
    NoRecordError
        When the history holds no incident of the term.
    RejectedRowsError
        When `is_strict` and rows were rejected for a fault of theirs.
    """
    settings = load_settings(folder)
    chosen = settings.term(term)
    if protects:
        require_packet(settings)
    record = record_of(settings, releases)
    inputs = [*input_files(settings), record, releases_folder(record)]
    place = nullcontext() if out is None else output_folder(out / chosen.name, inputs=inputs, public="board")
    with place as fresh:
        on_step("Reading")
        district = read_district(folder, on_part=on_part)
        if is_strict:
            refuse_rejects(district.rejects)
        chosen = district.term(chosen.name)
        # Before the work begins: beside a record that is not whole nothing can be protected.
        released = earlier_releases(district, releases) if protects else ()
        on_step("Checking")
        report = check_district(district, on_part=on_part)
        district = district.until(chosen)
        on_step("Assigning")
        school_zones = assign_schools(district)
        earlier = zones_of_last_term(district, school_zones, chosen, outputs_folder(settings) if out is None else out)
        incident_zones = assign_incidents(district)
        on_step("Counting")
        on_part("whose work each call is")
        history = history_in_context(district, school_zones, incident_zones)
        on_part("the workload of schools and zones")
        workload, zone_loads = count_workload(district, school_zones, history)
        on_step("Finding hotspots")
        hotspots = find_term_hotspots(
            district, school_zones, history, workload, term=chosen, seed=seed, earlier=earlier, on_part=on_part
        )
        result = TermResult(district, chosen, report, school_zones, history, workload, zone_loads, hotspots, seed=seed)
        _return_memory()
        if proposes:
            on_step("Proposing zones")
            result = replace(result, proposal=propose_zones(result, on_point=on_part))
            _return_memory()
        if covers:
            on_step("Working out coverage")
            result = replace(result, coverage=cover_term(result, on_part=on_part))
            _return_memory()
        if protects:
            on_step("Protecting")
            result = replace(result, board=protect_term(result, releases=released, on_part=on_part))
        if fresh is not None:
            on_step("Drawing")
            pages = draw_term(result)
            packet = {} if result.board.is_empty else draw_board(result.board, settings.board)[0]
            on_step("Writing")
            write_term(result, pages, packet, fresh)
    return result


def _return_memory() -> None:
    """Return to the system what a step has freed: the C library of Linux keeps it, half a gigabyte at 2,000 schools."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def load_term(
    folder: Path | str,
    term: str | None = None,
    *,
    out: Path | None = None,
    runs: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
    on_part: Callable[[str], None] = lambda _: None,
) -> TermOutputs:
    """Read the last run of a term from its files, without running it again.

    Parameters
    ----------
    folder
        The district folder.
    term
        Name of the term; the last one if left out.
    out
        Folder in which the term's folder is; that of the settings if left out, ``outputs`` here for the demo.
    runs
        Whether to run the term first where there are no outputs, or not of today's files, settings and versions.
    on_step, on_part
        As for `run_term`, where it is run.

    Returns
    -------
    TermOutputs
        What the run wrote, and whether it is of today's files, settings and versions.

    Raises
    ------
    FileReadError
        When there is no run of the term, or its manifest cannot be read.
    """
    settings = load_settings(folder)
    name = settings.term(term).name
    home = outputs_folder(settings) if out is None else out
    manifest = _run_in(home / name)
    changed = [] if manifest is None else changed_since(manifest, settings)
    if runs and (manifest is None or changed):
        run_term(Path(folder), term=name, out=home, on_step=on_step, on_part=on_part)
        manifest, changed = _run_in(home / name), []
    if manifest is None:
        raise FileReadError(
            f"There are no outputs of {name}.",
            where=home / name,
            expected="the folder of a run, with its manifest",
            remedy="Run the term first: `safeschools run`, or load_term(folder, runs=True).",
        )
    return TermOutputs(home / name, name, manifest, tuple(changed), settings.folder)


def _run_in(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of a run; a folder that holds only parts of a term is none."""
    manifest = manifest_in(folder)
    return manifest if manifest is not None and RESULTS in manifest["outputs"] else None


def assign_schools(district: District) -> pd.DataFrame:
    """Assign every school to a zone, campuses by their largest share."""
    snap = district.settings.assign.max_snap_m
    zones = assign_campuses(district.schools, district.zones, max_snap_m=snap)
    zones.insert(0, "school_id", district.schools["school_id"])
    return zones


def assign_incidents(district: District) -> pd.DataFrame:
    """Assign every incident to the zone its own place lies in."""
    snap = district.settings.assign.max_snap_m
    return assign_points(district.incidents, district.zones, max_snap_m=snap)


def zone_by_school(school_zones: pd.DataFrame) -> pd.Series:
    """Look up the zone of a school.

    Parameters
    ----------
    school_zones
        Result of `assign_schools`.

    Returns
    -------
    pandas.Series
        `zone_id` by `school_id`; empty text where a school has none.
    """
    return school_zones.set_index("school_id")["zone_id"]


def history_in_context(
    district: District, school_zones: pd.DataFrame, incident_zones: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Put each incident in its context: zone, term, hour, whose work."""
    settings = district.settings
    work = program_work(
        district.incidents,
        district.schools,
        terms=settings.terms,
        calendar=settings.calendar,
        hours=settings.hours,
    )
    return in_context(
        district.incidents,
        incident_zones=incident_zones,
        school_zones=zone_by_school(school_zones),
        work=work,
        terms=settings.terms,
    )


def count_workload(
    district: District, school_zones: pd.DataFrame, history: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the workload of schools (table `workload`) and of zones in every term."""
    workload = school_workload(
        history,
        district.schools,
        zone_by_school(school_zones),
        terms=district.settings.terms,
        calendar=district.settings.calendar,
        settings=district.settings.workload,
        crs=district.crs,
    )
    return workload, zone_workload(workload, district.zones)


def find_term_hotspots(
    district: District,
    school_zones: pd.DataFrame,
    history: gpd.GeoDataFrame,
    workload: pd.DataFrame,
    *,
    term: Term,
    seed: int = 0,
    earlier: TermZones | None = None,
    on_part: Callable[[str], None] = lambda _: None,
) -> Hotspots:
    """Find the hotspots of a term; `earlier` are the zones of an earlier term, where there is a record of them."""
    given = TermInputs(
        history=history,
        schools=district.schools,
        zones=district.zones,
        school_zones=zone_by_school(school_zones),
        workload=workload,
        term=term,
        settings=district.settings,
        crs=district.crs,
        seed=seed,
        zones_before=(earlier.term, earlier.zone_of) if earlier is not None and earlier.is_recorded else None,
    )
    inputs = {**district.sources, **({} if earlier is None else earlier.inputs)}
    return find_hotspots(given, inputs=inputs, on_part=on_part)


# ── The zones that a term had: as its own run wrote them, else those of today, which is then said


@dataclass(frozen=True, eq=False)
class TermZones:
    """The zones of a term."""

    term: str  # Name of the term
    # `school_id` and `zone_id` (empty text where a school has none), one row for each school of today's list
    school_zones: pd.DataFrame
    # `zone_id` and `name`, one row for each zone that there was: today's in their order, then others
    zones: pd.DataFrame
    is_recorded: bool  # Whether they were read from what the term's run wrote
    notes: tuple[str, ...]  # Where they come from, and what had to be assumed
    inputs: dict[str, str]  # File that was read, beside the outputs → its SHA-256

    @property
    def zone_of(self) -> pd.Series:
        """The `zone_id` by `school_id`."""
        return self.school_zones.set_index("school_id")["zone_id"]


def zones_of_both(
    district: District, today: pd.DataFrame, terms: tuple[str, str], *, outputs: Path | None = None
) -> tuple[TermZones, TermZones]:
    """Find the zones that two terms had.

    Those of ``<outputs>/<term>/assignments.csv`` where there is such a file; schools that it does not name have their
    zone of today. Without such a file of the earlier term nothing can be reported of what changed, and both have
    today's zones; without one of the later term that one has.
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


def zones_of_last_term(district: District, today: pd.DataFrame, term: Term, outputs: Path) -> TermZones | None:
    """Find the zones that the term before had, as its run wrote them; None without such a record."""
    before = max((t for t in district.settings.terms if t.start < term.start), key=lambda t: t.start, default=None)
    file = None if before is None else outputs / before.name / "assignments.csv"
    if before is None or file is None or not file.is_file():
        return None
    return _of_record(district, today, before.name, file)


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
        notes=_zone_notes(term, file, recorded, plain["school_id"]),
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
    return without_guards(as_text(require(raw, {}, name)).fillna(""))


def _zones_there(today: pd.DataFrame, file: Path, zone_id: pd.Series, term: str) -> pd.DataFrame:
    """List the zones that there were, also those without a school where the run says so."""
    zones_file = file.with_name("workload_zones.csv")
    there = pd.DataFrame({"zone_id": sorted(set(zone_id) - {""})}).assign(name=lambda t: t["zone_id"])
    if zones_file.is_file():
        raw = read_table(zones_file)
        table = pd.DataFrame({name: _text(raw, name) for name in ("term", "zone_id", "name")})
        mine = table[table["term"] == term].drop(columns="term")
        there = pd.concat([mine, there]).drop_duplicates("zone_id")
    names = pd.concat([today, there]).drop_duplicates("zone_id")
    return names[names["zone_id"].isin(there["zone_id"])].reset_index(drop=True)


def _zone_notes(term: str, file: Path, recorded: pd.Series, schools: pd.Series) -> tuple[str, ...]:
    notes = [f"The zones of {term} are those that its run last wrote ({term}/{file.name})."]
    new = schools[~schools.isin(recorded.index)]
    if len(new):
        number = count_text(len(new), "school")
        notes.append(f"{number} not on that record ({name_ids(new)}): counted in the zone of today.")
    gone = recorded.index[~recorded.index.isin(schools)]
    if len(gone):
        number = count_text(len(gone), "school")
        notes.append(f"{number} on that record and no longer in the list of schools ({name_ids(gone)}): left out.")
    return tuple(notes)
