"""A district folder in memory: every table read, every fault gathered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS

from safeschools_geo import io
from safeschools_geo.conform import conform
from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import InputError, SeveralFaultsError, attempt_all
from safeschools_geo.incidents import read_exports, read_incidents
from safeschools_geo.layers import read_areas, read_backdrop, read_boundary
from safeschools_geo.results import CheckReport, Finding, join_rejects
from safeschools_geo.schemas import INCIDENTS, SCHOOLS, ZONES
from safeschools_geo.schools import read_schools
from safeschools_geo.settings import Settings, Term
from safeschools_geo.toml_settings import FILE_NAME, load_settings
from safeschools_geo.zones import read_zones

if TYPE_CHECKING:
    from safeschools_geo.results import TableRead
    from safeschools_geo.zones import ZonesRead


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
        The projected CRS, in metres, in which everything is measured.
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

    @property
    def extent(self) -> gpd.GeoSeries:
        """The boundary, else the zones, EPSG:4326."""
        return self.zones.geometry if self.boundary is None else self.boundary.geometry

    def until(self, term: Term) -> District:
        """Leave out all that came after a term, so that a run of it says the same whenever it is made.

        Parameters
        ----------
        term
            The term that is asked for.

        Returns
        -------
        District
            The district with the terms up to this one, in the order of time, and the incidents up to its last day.
        """
        settings = self.settings
        days = self.incidents["occurred_at"].dt.tz_convert(settings.district.time_zone).dt.date
        return replace(
            self,
            settings=replace(settings, terms=tuple(t for t in settings.terms if t.start <= term.start)),
            incidents=gpd.GeoDataFrame(self.incidents[(days <= term.end).to_numpy()].reset_index(drop=True)),
        )


class DistrictError(SeveralFaultsError):
    """A district folder cannot be used; every fault that was met is named.

    Parameters
    ----------
    district
        Name of the district.
    fault
        What was met.
    """

    def __init__(self, district: str, fault: InputError) -> None:
        super().__init__([fault])
        self.report = CheckReport(district, tuple(_as_finding(f) for f in self.faults))


def demo_folder() -> Path:
    """Find the embedded demo district.

    Returns
    -------
    pathlib.Path
        Its folder: inside the installed package, or beside it in a checkout.
    """
    installed = Path(str(resources.files("safeschools_geo"))) / "_demo"
    return installed if installed.is_dir() else Path(__file__).resolve().parent.parent / "data"


def read_district(folder: Path | str) -> District:
    """Read a district folder.

    Parameters
    ----------
    folder
        The folder that holds ``district.toml``.

    Returns
    -------
    District
        All its tables.

    Raises
    ------
    FileReadError, SettingsError
        When ``district.toml`` cannot be read or is wrong.
    DistrictError
        When a table cannot be read; the faults of all tables are gathered.
    """
    settings = load_settings(folder)
    try:
        return _read_tables(settings)
    except InputError as fault:
        raise DistrictError(settings.district.name, fault) from fault


def _read_tables(settings: Settings) -> District:
    read: dict[str, Any] = attempt_all(
        {
            "zones": partial(read_zones, settings),
            "boundary": partial(read_boundary, settings),
            "schools": partial(read_schools, settings),
            "exports": partial(read_exports, settings),
            "roads": partial(read_backdrop, settings, "roads"),
            "places": partial(read_backdrop, settings, "places"),
            "areas": partial(read_areas, settings),
        }
    )
    zones: ZonesRead = read["zones"]
    schools: TableRead = read["schools"]
    (boundary, boundary_findings, boundary_files), (roads, road_files), (places, place_files) = (
        read["boundary"],
        read["roads"],
        read["places"],
    )
    areas, area_findings, area_files = read["areas"]
    extent = zones.frame.geometry if boundary is None else boundary.geometry
    crs = measuring_crs(extent, stated=settings.district.crs)
    incidents = read_incidents(settings, read["exports"], schools.frame, extent, crs=crs)
    by_name: dict[str, TableRead] = {"zones": zones, "schools": schools, "incidents": incidents}
    for name, schema in (("zones", ZONES), ("schools", SCHOOLS), ("incidents", INCIDENTS)):
        conform(by_name[name].frame, schema)
    files = [f for t in by_name.values() for f in t.files] + [*boundary_files, *road_files, *place_files, *area_files]
    return District(
        settings=settings,
        zones=zones.frame,
        schools=schools.frame,
        incidents=incidents.frame,
        zone_pieces=zones.pieces,
        boundary=boundary,
        roads=roads,
        places=places,
        areas=areas,
        rejects=join_rejects([t.rejects for t in by_name.values()]),
        findings=(*zones.findings, *boundary_findings, *schools.findings, *incidents.findings, *area_findings),
        counts={name: t.counts for name, t in by_name.items()},
        sources=_hashes(settings.folder, [settings.folder / FILE_NAME, *files]),
        school_review=incidents.review,
        crs=crs,
    )


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
    root = folder.resolve()
    named = {}
    for file in files:
        path = file.resolve()
        named[path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name] = io.sha256_of(file)
    return dict(sorted(named.items()))
