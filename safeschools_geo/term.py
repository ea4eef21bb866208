"""A term's run, told step by step: read, check, assign, count, draw, write."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from safeschools_geo import __version__
from safeschools_geo.assign import assign_campuses, assign_points
from safeschools_geo.check_page import check_html
from safeschools_geo.counts import in_context, incident_counts, work_summary
from safeschools_geo.district import District, read_district
from safeschools_geo.export import replaced_folder, write_csv, write_geojson, write_manifest, write_text
from safeschools_geo.incidents import programme_work
from safeschools_geo.results import CheckReport
from safeschools_geo.settings import Term
from safeschools_geo.term_maps import draw_term
from safeschools_geo.validate import check_district
from safeschools_geo.workload import imbalance, school_workload, term_comparison, zone_workload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = ("Reading", "Checking", "Assigning", "Counting", "Drawing", "Writing")
_PACKAGES = ("geopandas", "numpy", "pandas", "pyogrio", "pyproj", "shapely")


@dataclass(frozen=True)
class TermResult:
    """All results of a term.

    Parameters
    ----------
    district
        What was read.
    term
        The term.
    report
        What the check found.
    school_zones
        `school_id` and table `assignments`, one row for each school.
    history
        Incidents in context, of all terms.
    workload
        Table `workload`, of all terms.
    zone_loads
        Workload of each zone in each term.
    seed
        Seed of everything random.
    """

    district: District
    term: Term
    report: CheckReport
    school_zones: pd.DataFrame
    history: gpd.GeoDataFrame
    workload: pd.DataFrame
    zone_loads: pd.DataFrame
    seed: int = 0

    @property
    def loads(self) -> pd.DataFrame:
        """Workload of each zone in this term, by `zone_id`."""
        return self.zone_loads[self.zone_loads["term"] == self.term.name].set_index("zone_id")

    def summary(self) -> str:
        """Say in plain English what the term looked like.

        Returns
        -------
        str
            A few sentences.
        """
        loads = self.loads
        this = self.history[self.history["term"] == self.term.name]
        mine = int((this["work_of"] == "zone_officer").sum())
        told = (
            f"{self.district.settings.district.name}, {self.term.name}: {len(this):,} incidents, of which {mine:,} "
            f"were zone officers' work, at {int(self.district.schools['in_program'].sum())} programme schools in "
            f"{len(loads)} zones."
        )
        if not loads["workload_h"].sum():
            return f"{told} No workload could be counted."
        heaviest = loads.iloc[int(loads["workload_h"].to_numpy().argmax())]
        return (
            f"{told} {heaviest['name']} carries the most: {heaviest['workload_h']:.1f} "
            f"officer-hours per school day, {heaviest['share_of_mean']:.2f} times the mean; "
            f"the imbalance is {imbalance(loads['workload_h']):.0%}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the workload of each zone in this term.

        Returns
        -------
        pandas.DataFrame
            Rows of `zone_loads`, with a plain index.
        """
        return self.loads.reset_index()


def run_term(
    folder: Path,
    *,
    term: str | None = None,
    out: Path | None = None,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
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
    on_step
        Called with the name of each step as it begins, one of `STEPS`.

    Returns
    -------
    TermResult
        All results.

    Raises
    ------
    InputError
        When something the user gave cannot be used; see `district.read_district`.
    """
    on_step("Reading")
    district = read_district(folder)
    chosen = district.settings.term(term)
    on_step("Checking")
    report = check_district(district)
    on_step("Assigning")
    school_zones = assign_schools(district)
    incident_zones = assign_incidents(district)
    on_step("Counting")
    history = tell_history(district, school_zones, incident_zones)
    workload, zone_loads = count_workload(district, school_zones, history)
    result = TermResult(district, chosen, report, school_zones, history, workload, zone_loads, seed)
    if out is not None:
        on_step("Drawing")
        pages = draw_term(result)
        on_step("Writing")
        with replaced_folder(out / chosen.name) as target:
            write_term(result, pages, target)
    return result


def assign_schools(district: District) -> pd.DataFrame:
    """Assign every school to a zone, campuses by their largest share.

    Parameters
    ----------
    district
        What was read.

    Returns
    -------
    pandas.DataFrame
        `school_id` and table `assignments` with `shares`, one row for each school, on the index of the schools.
    """
    snap = district.settings.assign.max_snap_m
    zones = assign_campuses(district.schools, district.zones, max_snap_m=snap)
    zones.insert(0, "school_id", district.schools["school_id"])
    return zones


def assign_incidents(district: District) -> pd.DataFrame:
    """Assign every incident to the zone its own place lies in.

    Parameters
    ----------
    district
        What was read.

    Returns
    -------
    pandas.DataFrame
        Table `assignments`, on the index of the incidents.
    """
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


def tell_history(district: District, school_zones: pd.DataFrame, incident_zones: pd.DataFrame) -> gpd.GeoDataFrame:
    """Put each incident in its context: zone, term, hour, whose work.

    Parameters
    ----------
    district
        What was read.
    school_zones, incident_zones
        Results of `assign_schools` and `assign_incidents`.

    Returns
    -------
    geopandas.GeoDataFrame
        Incidents in context (`counts.in_context`).
    """
    settings = district.settings
    work = programme_work(
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

    Parameters
    ----------
    district
        What was read.
    school_zones
        Result of `assign_schools`.
    history
        Result of `tell_history`.

    Returns
    -------
    workload : pandas.DataFrame
        Table `workload`.
    zone_loads : pandas.DataFrame
        Workload of each zone in each term.
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


def write_term(result: TermResult, pages: dict[str, str], folder: Path) -> None:
    """Write everything a term leaves behind.

    Parameters
    ----------
    result
        All results.
    pages
        Name of a file under ``maps/`` → its HTML, from `term_maps.draw_term`.
    folder
        An empty folder.
    """
    district, history = result.district, result.history
    write_text(folder / "check.html", check_html(result.report))
    write_csv(folder / "rejects.csv", district.rejects)
    write_csv(folder / "school_matches.csv", district.school_review)
    write_csv(folder / "assignments.csv", result.school_zones)
    history.to_parquet(folder / "incidents.parquet", index=False)
    write_csv(folder / "workload.csv", result.workload)
    write_csv(folder / "workload_zones.csv", result.zone_loads)
    write_csv(folder / "terms.csv", term_comparison(result.zone_loads))
    write_csv(folder / "work.csv", work_summary(history))
    this = history[history["term"] == result.term.name]
    for name in ("zone_id", "school_id", "category", "hour", "origin"):
        write_csv(folder / "counts" / f"by_{name}.csv", incident_counts(this, [name]))
    write_csv(folder / "counts" / "by_term.csv", incident_counts(history, ["term", "zone_id", "category"]))
    write_geojson(folder / "zones.geojson", district.zones.merge(result.to_frame().drop(columns="name"), on="zone_id"))
    for name, html in pages.items():
        write_text(folder / "maps" / name, html)
    write_manifest(folder, manifest_of(result))


def manifest_of(result: TermResult) -> dict[str, Any]:
    """Say where the results came from.

    Parameters
    ----------
    result
        All results.

    Returns
    -------
    dict
        Inputs with their SHA-256, settings, seed, versions, and counts in and out of every step.
    """
    district, history = result.district, result.history
    settings = asdict(district.settings)
    # The folder is a path of this machine: it says nothing about the result, and would change its bytes.
    settings.pop("folder")
    statuses = result.school_zones["status"].value_counts()
    return {
        "product": {"name": "safeschools-geo", "version": __version__},
        "district": district.settings.district.name,
        "is_synthetic": district.settings.district.is_synthetic,
        "term": result.term.name,
        "seed": result.seed,
        "crs": district.crs.to_string(),
        "inputs": district.sources,
        "settings": json.loads(json.dumps(settings, default=str)),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "counts": {
            "read": district.counts,
            "rejects": {str(k): int(v) for k, v in district.rejects["reason_code"].value_counts().sort_index().items()},
            "schools_by_status": {str(k): int(v) for k, v in statuses.sort_index().items()},
            "incidents_by_zone_status": _counts(history["zone_status"]),
            "incidents_by_term": _counts(history["term"].fillna("outside every term")),
            "incidents_by_work": _counts(history["reason"]),
        },
    }


def _counts(column: pd.Series) -> dict[str, int]:
    return {str(k): int(v) for k, v in column.value_counts().sort_index().items()}
