"""A term's run, told step by step: read, check, assign, count, find, propose, cover, protect, draw, write."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from safeschools_geo.errors import FileReadError
from safeschools_geo.hotspots import TermInputs, find_hotspots
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
    import pandas as pd

    from safeschools_geo.hotspots import Hotspots
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
        Whether to work out what may be told in public; the rest does not need it.
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
        district = read_district(folder)
        if is_strict:
            refuse_rejects(district.rejects)
        chosen = district.term(chosen.name)
        # Before the work begins: beside a record that is not whole nothing can be protected.
        released = earlier_releases(district, releases) if protects else ()
        on_step("Checking")
        report = check_district(district)
        district = district.until(chosen)
        on_step("Assigning")
        school_zones = assign_schools(district)
        incident_zones = assign_incidents(district)
        on_step("Counting")
        history = history_in_context(district, school_zones, incident_zones)
        workload, zone_loads = count_workload(district, school_zones, history)
        on_step("Finding hotspots")
        hotspots = find_term_hotspots(
            district, school_zones, history, workload, term=chosen, seed=seed, on_part=on_part
        )
        result = TermResult(district, chosen, report, school_zones, history, workload, zone_loads, hotspots, seed=seed)
        if proposes:
            on_step("Proposing zones")
            result = replace(result, proposal=propose_zones(result, on_point=on_part))
        if covers:
            on_step("Working out coverage")
            result = replace(result, coverage=cover_term(result))
        if protects:
            on_step("Protecting")
            result = replace(result, board=protect_term(result, releases=released))
        if fresh is not None:
            on_step("Drawing")
            pages = draw_term(result)
            packet = {} if result.board.is_empty else draw_board(result.board, settings.board)[0]
            on_step("Writing")
            write_term(result, pages, packet, fresh)
    return result


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
    """Count the workload of schools and zones in every term.

    Table `workload`. Workload of each zone in each term.
    """
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
    on_part: Callable[[str], None] = lambda _: None,
) -> Hotspots:
    """Find the hotspots of a term."""
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
    )
    return find_hotspots(given, inputs=district.sources, on_part=on_part)
