"""A district folder in memory: every table read, every fault gathered and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS

from safeschools_geo import io
from safeschools_geo.checks import check_incidents, check_schools, check_zones, report_rows
from safeschools_geo.crs import STORAGE_CRS, measuring_crs, require_true_lengths
from safeschools_geo.district._history import export_files, read_exports, read_incidents
from safeschools_geo.district._layers import EXCLUDED, FILE_STEMS, read_areas, read_backdrop, read_boundary
from safeschools_geo.district._program_work import program_work, read_feeders, unknown_ids, with_school_time
from safeschools_geo.district._schools import read_schools, read_zones
from safeschools_geo.district._settings_file import FILE_NAME, load_settings
from safeschools_geo.errors import (
    InputError,
    NoRecordError,
    SettingsError,
    SeveralFaultsError,
    attempt_all,
    count_text,
    name_ids,
    refuse,
)
from safeschools_geo.findings import CheckReport, Finding, conform, join_rejects
from safeschools_geo.schemas import INCIDENTS, SCHOOLS, WORK_REASONS, ZONES
from safeschools_geo.school_calendar import local_day, term_of
from safeschools_geo.settings import Settings, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from safeschools_geo.district._layers import LayerRead
    from safeschools_geo.district._schools import ZonesRead
    from safeschools_geo.findings import TableRead


# ── Rows that were read and not kept, told by reason


def check_rejects(rejects: pd.DataFrame, *, reported: Collection[str] = ()) -> Iterator[Finding]:
    """Report rows that were not kept.

    Parameters
    ----------
    rejects
        Table `rejects`.
    reported
        Reason codes that are reported elsewhere.

    Yields
    ------
    Finding
        One for each file and reason.
    """
    unshown = rejects[~rejects["reason_code"].isin(list(reported))]
    for (code, file), rows in unshown.groupby(["reason_code", "source_file"], sort=True):
        labels = rows["id"].fillna("").where(rows["id"].notna(), "row " + rows["row"].astype("str"))
        reasons = rows["reason"].unique()
        is_chosen = str(code).startswith(EXCLUDED)
        yield from report_rows(
            labels,
            "note" if is_chosen else "warning",
            str(code),
            "rejects",
            f"{count_text(len(rows), 'row')} of {file} not kept"
            + (f". {reasons[0]}" if len(reasons) == 1 else f", for example: {reasons[0]}"),
            expected="rows that can be used",
            remedy="Nothing needs doing if the setting is meant."
            if is_chosen
            else "Fix the rows in the source; rejects.csv has each as it was.",
        )


# ── A district folder in memory: every table read, every fault gathered


@dataclass(frozen=True)
class District:
    """Everything a district folder holds.

    Parameters
    ----------
    settings
        Settings of the district.
    zones, schools, incidents
        The tables of these names, EPSG:4326.
    zone_pieces
        Polygons of the zone file before repair, with `zone_id` and `name`; the index is the row of the file.
    boundary
        One polygon, if the folder has one.
    roads, places
        Backdrop of the maps, if the folder has them.
    areas
        Areal units for plans (``units.*``), if the folder has them: `unit_id`, `name`, polygons.
    rejects
        Table `rejects`.
    findings
        What was found while reading.
    counts
        Rows read, kept and rejected, by table.
    sources
        File, relative to the folder → SHA-256 of its bytes.
    school_review
        School names of incidents that a person should look at.
    crs
        The projected CRS, in meters, in which everything is measured.
    terms_without_record
        Terms of ``district.toml`` of which the history holds no incident though it holds others. Nothing can be
        concluded about them, so they are not among the terms of `settings`: no trend and no comparison sees them.
    feeders
        Name of a feeder pattern → ids of its schools, of the settings and of the file that they name.
    barriers
        Lines that no officer crosses but at roads, if the folder has them.
    """

    settings: Settings
    zones: gpd.GeoDataFrame
    schools: gpd.GeoDataFrame
    incidents: gpd.GeoDataFrame
    zone_pieces: gpd.GeoDataFrame
    boundary: gpd.GeoDataFrame | None
    roads: gpd.GeoDataFrame | None
    places: gpd.GeoDataFrame | None
    areas: gpd.GeoDataFrame | None
    rejects: pd.DataFrame
    findings: tuple[Finding, ...]
    counts: dict[str, dict[str, int]]
    sources: dict[str, str]
    school_review: pd.DataFrame
    crs: CRS
    terms_without_record: tuple[Term, ...] = ()
    feeders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    barriers: gpd.GeoDataFrame | None = None

    @property
    def terms(self) -> tuple[Term, ...]:
        """All terms of ``district.toml``, in order, with a record or without."""
        return tuple(sorted((*self.settings.terms, *self.terms_without_record), key=lambda t: t.start))

    def term(self, name: str | None = None) -> Term:
        """Find a term of which something can be concluded.

        Parameters
        ----------
        name
            Its name; the last term of ``district.toml`` if left out.

        Returns
        -------
        Term
            The term.

        Raises
        ------
        SettingsError
            When there is no such term.
        NoRecordError
            When the history holds no incident of it.
        """
        term = replace(self.settings, terms=self.terms).term(name)
        if term not in self.terms_without_record:
            return term
        days = self.incidents["occurred_at"].dt.date
        others = " or ".join(f'--term "{t.name}"' for t in self.settings.terms[-1:])
        raise NoRecordError(
            f"The record holds no incident of the term {term.name}, so nothing can be concluded about it.",
            where=self.settings.folder / FILE_NAME,
            found=f"{count_text(len(days), 'incident')} from {days.min()} to {days.max()}",
            expected=f"incidents from {term.start} to {term.end}",
            remedy="Add the export of that term, or correct its dates under [[terms]]"
            + (f"; another term is asked for by {others}." if others else "."),
        )

    def change_faults(self) -> list[InputError]:
        """Find forecasts (``[[changes]]``) that cannot come true here.

        Returns
        -------
        list of InputError
            Each with the schools concerned; none where ``rebalance`` can plan on them.
        """
        changes, plan = self.settings.changes, self.settings.rebalance
        known = self.schools.set_index("school_id")
        program = set(known.index[known["in_program"].astype("bool")])
        ids = [change.school_id for change in changes]
        opens = [c for c in changes if c.change == "opens"]
        there = [c.school_id for c in changes if c.change != "opens"]
        closed = {c.school_id for c in changes if c.change == "closes"}
        places = gpd.GeoSeries(gpd.points_from_xy([c.lon for c in opens], [c.lat for c in opens]), crs=STORAGE_CRS)
        away_m = places.to_crs(self.crs).distance(self.zones.geometry.to_crs(self.crs).union_all())
        grows = {c.school_id for c in changes if c.change == "grows" and c.factor is None} & program
        size = known["enrollment"] if "enrollment" in known else pd.Series(pd.NA, index=known.index)
        rules = {
            "roots": plan.roots.values(),
            "locked": plan.locked,
            "together": [school for group in plan.together for school in group],
            "forbidden": [school for school, _ in plan.forbidden],
            "[coverage] staging": self.settings.coverage.staging.values(),
        }
        held = {school: [name for name, named in rules.items() if school in named] for school in sorted(closed)}
        kept = [f"{school} ({', '.join(names)})" for school, names in held.items() if names]
        faults = {
            "A forecast is about schools that there are not.": (
                [i for i in there if i not in known.index],
                "ids of schools",
                'Correct the ids; a school that is new has change = "opens".',
            ),
            "A forecast is about schools that are not in the program, and have no work in a plan.": (
                [i for i in there if i in known.index and i not in program],
                "schools of the program",
                "Leave these out.",
            ),
            "Schools are to open that are there already.": (
                [c.school_id for c in opens if c.school_id in known.index],
                "ids that no school has",
                'Give them other ids, or write change = "grows".',
            ),
            "Schools have two changes.": (
                [i for i in dict.fromkeys(ids) if ids.count(i) > 1],
                "one for each school",
                "Keep one.",
            ),
            "Schools are to open outside every zone.": (
                [c.school_id for c, m in zip(opens, away_m, strict=True) if not m <= self.settings.assign.max_snap_m],
                "places inside a zone",
                "Correct lon and lat, in degrees; in America longitudes are below 0.",
            ),
            "Schools that close are named by rules that keep them.": (
                kept,
                "rules about schools that stay",
                "Take them out of these settings.",
            ),
            "Schools are to grow of which the enrollment of today is not known.": (
                [i for i in sorted(grows) if not pd.notna(size[i]) or size[i] <= 0],
                "a number of students above 0",
                "Say by which factor they grow.",
            ),
        }
        return [
            SettingsError(what, where="[[changes]]", ids=named, expected=expected, remedy=remedy)
            for what, (named, expected, remedy) in faults.items()
            if named
        ]

    def with_changes(self) -> District:
        """Put schools that open, close or grow (``[[changes]]``) among those of the district."""
        changes = self.settings.changes
        if not changes:
            return self
        refuse(self.change_faults())
        opened = [c for c in changes if c.change == "opens"]
        new = gpd.GeoDataFrame(
            {
                "school_id": [c.school_id for c in opened],
                "name": [c.name or c.school_id for c in opened],
                "level": [c.level for c in opened],
                "enrollment": pd.array(
                    [pd.NA if c.enrollment is None else c.enrollment for c in opened], dtype="Int64"
                ),
                "in_program": True,
            },
            geometry=gpd.points_from_xy([c.lon for c in opened], [c.lat for c in opened]),
            crs=STORAGE_CRS,
        )
        kept = self.schools[~self.schools["school_id"].isin(c.school_id for c in changes if c.change == "closes")]
        schools = gpd.GeoDataFrame(pd.concat([kept, new], ignore_index=True), crs=STORAGE_CRS)
        resized = {c.school_id: c.enrollment for c in changes if c.change == "grows" and c.enrollment is not None}
        schools["enrollment"] = schools["school_id"].map(resized).astype("Int64").fillna(schools["enrollment"])
        return replace(self, schools=schools)

    @property
    def extent(self) -> gpd.GeoSeries:
        """The boundary, else the zones, EPSG:4326."""
        return self.zones.geometry if self.boundary is None else self.boundary.geometry

    def until(self, term: Term) -> District:
        """Leave out all that came after a term, so that a run of it says the same whenever it is made."""
        settings = self.settings
        days = local_day(self.incidents["occurred_at"].dt.tz_convert(settings.district.time_zone))
        return replace(
            self,
            settings=replace(settings, terms=tuple(t for t in settings.terms if t.start <= term.start)),
            terms_without_record=tuple(t for t in self.terms_without_record if t.start <= term.start),
            incidents=gpd.GeoDataFrame(
                self.incidents[(days <= pd.Timestamp(term.end)).to_numpy()].reset_index(drop=True)
            ),
        )


class DistrictError(SeveralFaultsError):
    """A district folder cannot be used; every fault that was met is named.

    Parameters
    ----------
    district
        Name of the district.
    fault
        What was met.
    read
        What was read, where only findings stop a run: it can be checked, and nothing else.
    """

    def __init__(self, district: str, fault: InputError, read: District | None = None) -> None:
        super().__init__([fault])
        self.read = read
        self.report = CheckReport(district, tuple(_as_finding(f) for f in self.faults))


def demo_folder() -> Path:
    """Find the embedded demo district.

    Returns
    -------
    pathlib.Path
        Its folder: inside the installed package, or beside it in a checkout.
    """
    installed = Path(str(resources.files("safeschools_geo"))) / "_demo"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[2] / "data"


def outputs_folder(settings: Settings) -> Path:
    """Find the folder that outputs go to where nobody names one.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    pathlib.Path
        That of the settings; for the demo, which may lie where nobody writes, ``outputs`` in the current folder.
    """
    return Path("outputs") if settings.folder == demo_folder() else settings.folder / settings.paths.outputs


def input_files(settings: Settings) -> list[Path]:
    """List what a district is read from, before it is read.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    list of pathlib.Path
        Its files, and the folders of its layers and exports; some may not be there.
    """
    folder, paths, enrollment = settings.folder, settings.paths, settings.schools.enrollment_file
    named = [
        *(getattr(settings, section).file for section in (*FILE_STEMS, "incidents")),
        *(source.file for source in (enrollment, settings.hours.file, settings.calendar) if source),
        settings.rebalance.links,
        settings.rebalance.feeder_file,
        settings.board.policy if (folder / settings.board.policy).is_file() else None,
    ]
    places = [folder / name for name in named if name]
    found = [file for place in places for file in io.find_files(place.parent, place.name)]
    # A folder in which the outputs lie, too, is no place of inputs alone.
    outputs = (folder / paths.outputs).resolve()
    shared = [folder / paths.boundaries, folder / paths.incidents]
    alone = [place for place in shared if not outputs.is_relative_to(place.resolve())]
    return [folder / FILE_NAME, folder / paths.crosswalk, *places, *found, *alone]


def changed_inputs(settings: Settings, known: Mapping[str, str]) -> list[str]:
    """Name the files that are not as they were when a district was read.

    Parameters
    ----------
    settings
        Settings of the district.
    known
        File → SHA-256, as `District.sources` had them.

    Returns
    -------
    list of str
        Files that hold something else today or are gone, and exports that were not there.
    """
    exports = export_files(settings)
    files = {_name_in(settings.folder, file): file for file in [*input_files(settings), *exports] if file.exists()}
    there = {name: files.get(name, settings.folder / name) for name in known}
    changed = {name for name, file in there.items() if not file.exists() or io.sha256_of(file) != known[name]}
    return sorted(changed | ({_name_in(settings.folder, file) for file in exports} - known.keys()))


def read_district(folder: Path | str, *, on_part: Callable[[str], None] = lambda _: None) -> District:
    """Read a district folder.

    Parameters
    ----------
    folder
        The folder that holds ``district.toml``.
    on_part
        Called with what is read next.

    Returns
    -------
    District
        All its tables.

    Raises
    ------
    FileReadError, SettingsError
        When ``district.toml`` cannot be read or is wrong.
    DistrictError
        When a table cannot be read, or holds what nobody has given a meaning; the faults of all tables are gathered.
    """
    settings = load_settings(folder)
    try:
        district = _read_tables(settings, on_part)
    except InputError as fault:
        raise DistrictError(settings.district.name, fault) from fault
    blocking = [finding.as_fault() for finding in district.findings if finding.is_blocking]
    if blocking:
        raise DistrictError(settings.district.name, SeveralFaultsError(blocking), district)
    return district


def check_district(district: District, *, on_part: Callable[[str], None] = lambda _: None) -> CheckReport:
    """Check a whole district.

    Parameters
    ----------
    district
        What was read.
    on_part
        Called with what is checked next.

    Returns
    -------
    CheckReport
        What reading found, and what zones, schools and incidents show when they are laid beside each other.
    """
    settings = district.settings
    return CheckReport(
        settings.district.name,
        (
            *district.findings,
            *check_rejects(district.rejects, reported={f.code for f in district.findings}),
            *check_zones(
                district.zones,
                district.zone_pieces,
                crs=district.crs,
                boundary=district.boundary,
                expected=settings.district.zones,
            ),
            *check_schools(district.schools, district.zones, crs=district.crs, boundary=district.boundary),
            *check_incidents(
                district.incidents,
                district.schools,
                settings=settings,
                terms=district.terms,
                district=pd.concat([district.zones.geometry, district.extent]),
                crs=district.crs,
                on_part=on_part,
            ),
            *_terms_without_work(district, on_part),
            *_about_changes(district),
        ),
        district.counts,
        settings.district.is_synthetic,
    )


def _terms_without_work(district: District, on_part: Callable[[str], None]) -> list[Finding]:
    """Find the terms of which there are incidents, and none that is the program's work."""
    settings, incidents = district.settings, district.incidents
    if incidents.empty:
        return []
    on_part("incidents: whose work they are")
    term = term_of(incidents["occurred_at"], settings.terms)
    when = {"terms": settings.terms, "calendar": settings.calendar, "hours": settings.hours}
    work = program_work(incidents, district.schools, **when)  # type: ignore[arg-type]
    is_work = work["work_of"] != "patrol"
    idle = [t.name for t in settings.terms if (term == t.name).any() and not (is_work & (term == t.name)).any()]
    if not idle:
        return []
    reasons = work["reason"][term.isin(idle)].value_counts()
    why = "; ".join(f"{number:,} {WORK_REASONS[str(reason)]}" for reason, number in reasons.items())
    message = f"No call of {name_ids(idle)} is the program's work. Why, by number of calls: {why}."
    remedy = "Look at crosswalk.csv, at how calls are tied to schools, at [calendar] and at [hours]."
    if reasons.index[0] == "outside_hours" and settings.incidents.times == "local":
        remedy += ' If the export marks local times as UTC, set times = "local_tagged_utc" under [incidents].'
    return [Finding("warning", "term_without_work", "incidents", message, tuple(idle), remedy=remedy)]


def _about_changes(district: District) -> list[Finding]:
    """Say that a forecast is planned on, by which command, and what is wrong with it."""
    ids = tuple(change.school_id for change in district.settings.changes)
    if not ids:
        return []
    message = f"{count_text(len(ids), 'change')} at schools forecast ([[changes]]): `rebalance` alone plans on them."
    faults = [_as_finding(fault) for fault in district.change_faults()]
    return [*faults, Finding("note", "changes_forecast", "schools", message, ids, remedy="Nothing needs to be done.")]


def _read_tables(settings: Settings, on_part: Callable[[str], None]) -> District:
    settings, time_findings, time_files = with_school_time(settings)
    read: dict[str, Any] = attempt_all(
        {
            "zones": partial(read_zones, settings),
            "boundary": partial(read_boundary, settings),
            "schools": partial(read_schools, settings),
            "exports": partial(read_exports, settings, on_part=on_part),
            "roads": partial(read_backdrop, settings, "roads"),
            "places": partial(read_backdrop, settings, "places"),
            "barriers": partial(read_backdrop, settings, "barriers"),
            "areas": partial(read_areas, settings),
        }
    )
    zones: ZonesRead = read["zones"]
    schools: TableRead = read["schools"]
    layers: dict[str, LayerRead] = {name: read[name] for name in ("boundary", "roads", "places", "areas", "barriers")}
    boundary = layers["boundary"].frame
    extent = zones.frame.geometry if boundary is None else boundary.geometry
    crs = measuring_crs(extent, stated=settings.district.crs)
    require_true_lengths(crs, extent)
    incidents = read_incidents(settings, read["exports"], schools.frame, extent, crs=crs, on_part=on_part)
    on_part("feeder patterns, and the fingerprints of the files")
    by_name: dict[str, TableRead] = {"zones": zones, "schools": schools, "incidents": incidents}
    for name, schema in (("zones", ZONES), ("schools", SCHOOLS), ("incidents", INCIDENTS)):
        conform(by_name[name].frame, schema)
    feeders, feeder_findings, feeder_files = read_feeders(settings, schools.frame)
    tables: list[TableRead | LayerRead] = [*by_name.values(), *layers.values()]
    files = [file for table in tables for file in table.files]
    without = _without_record(settings.terms, incidents.frame)
    return District(
        settings=replace(settings, terms=tuple(t for t in settings.terms if t not in without)),
        zones=zones.frame,
        schools=schools.frame,
        incidents=incidents.frame,
        zone_pieces=zones.pieces,
        rejects=join_rejects([t.rejects for t in by_name.values()]),
        findings=(
            *(finding for table in tables for finding in table.findings),
            *time_findings,
            *unknown_ids(settings, schools.frame, zones.frame, layers["areas"].frame),
            *feeder_findings,
        ),
        counts={name: t.counts for name, t in by_name.items()},
        sources=_hashes(settings.folder, [settings.folder / FILE_NAME, *files, *time_files, *feeder_files]),
        school_review=incidents.review,
        crs=crs,
        terms_without_record=without,
        feeders=feeders,
        **{name: layer.frame for name, layer in layers.items()},
    )


def _without_record(terms: tuple[Term, ...], incidents: pd.DataFrame) -> tuple[Term, ...]:
    """Find the terms of which a history that holds something holds nothing."""
    seen = set(term_of(incidents["occurred_at"], terms).dropna()) if len(incidents) else {t.name for t in terms}
    return tuple(t for t in terms if t.name not in seen)


def _as_finding(fault: InputError) -> Finding:
    return Finding(
        "error",
        type(fault).__name__,
        "files",
        " ".join(
            filter(None, [fault.problem, fault.where and f"({fault.where})", fault.found and f"Found: {fault.found}"])
        ),
        ids=fault.ids,
        expected=fault.expected or "",
        remedy=fault.remedy or "",
    )


def _hashes(folder: Path, files: list[Path]) -> dict[str, str]:
    return dict(sorted((_name_in(folder, file), io.sha256_of(file)) for file in files))


def _name_in(folder: Path, file: Path) -> str:
    """Name a file by its way from the district folder; by itself where it lies elsewhere."""
    root, path = folder.resolve(), file.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
