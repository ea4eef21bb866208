"""Zones from scratch: contiguous, balanced and compact, drawn from the schools and the district alone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely

from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import SettingsError
from safeschools_geo.rebalance.contiguity import adjacency_matrix, bridges, is_contiguous, rook_adjacency
from safeschools_geo.rebalance.drafting.draft_travel import least_travel, travel_of
from safeschools_geo.rebalance.drafting.partition import compact_partition
from safeschools_geo.rebalance.drafting.weights import Weights, school_weights
from safeschools_geo.rebalance.drafting.zone_draft import DraftSettings, ZoneDraft
from safeschools_geo.rebalance.ground.areas import units_of_areas
from safeschools_geo.rebalance.ground.cells import service_areas
from safeschools_geo.rebalance.ground.tiling import reading_order, zones_of_units
from safeschools_geo.rebalance.median.places import Places
from safeschools_geo.rebalance.scoring.compactness import polsby_popper
from safeschools_geo.workload import imbalance

if TYPE_CHECKING:
    from pyproj import CRS

    from safeschools_geo.rebalance.drafting.draft_travel import DraftTravel

_NO_ZONE = "_no_zone"


def draft_zones(
    schools: gpd.GeoDataFrame,
    district: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    zones: int = 8,
    weight: str | None = "enrollment",
    tolerance: float = 0.05,
    starts: int = 50,
    seed: int = 0,
    objective: str = "compactness",
    crs: object = None,
) -> ZoneDraft:
    """Draw zones from scratch.

    Parameters
    ----------
    schools
        The schools to divide, with `school_id`, the column of `weight`, `level` if weights may be missing, and
        geometry inside the district. Leave out schools that are not to count, such as those outside the programme.
    district
        Valid polygons that together are the district.
    zones
        How many zones.
    weight
        Column that zones are balanced by, such as ``enrollment`` or an expected workload; None counts schools. A
        missing figure is taken as the median of the school's level (`weights.school_weights`).
    tolerance
        Imbalance that is aimed at; zones get as compact as they can within it.
    starts
        Number of starts of the search; the time taken is in proportion.
    seed
        Seed of the starts. The same input and seed give the same zones.
    objective
        ``compactness``, or ``travel``: the least Σ weight × kilometres to the centre of the zone, to 1 %.
    crs
        Projected CRS in metres to measure in; the UTM zone of the district by default.

    Returns
    -------
    ZoneDraft
        The zones. They tile the district to the seventh decimal of a degree, every school lies in its zone, and every
        zone is one polygon, except where the district itself is in parts.

    Raises
    ------
    SettingsError
        When a setting is out of range, or there are fewer sites of schools than zones; with ``travel``, when no plan
        within the tolerance was found.
    ColumnError
        When a column is missing, ids repeat, or weights are not numbers of 0 or more that add up to something.
    CRSError, GeometryError
        As `cells.service_areas`.

    Notes
    -----
    Units are the service areas of the schools. For compactness, `partition.compact_partition` joins them, and no bound
    on compactness is known; for travel, `median_solve.MedianSolver` does. Either way the travel is reported with a
    bound on that of all plans within the tolerance, or within the imbalance of the draft where that is larger.
    """
    settings = DraftSettings(
        zones=zones, weight=weight, tolerance=tolerance, starts=starts, seed=seed, objective=objective
    )
    weights = school_weights(schools, weight)
    units = service_areas(schools, district, crs=crs)
    _require_enough(units, zones, f"{len(schools)} schools at {len(units)} sites", what="sites of schools")
    metres = measuring_crs(units, stated=crs)
    unit = units.explode("school_ids").set_index("school_ids")["unit_id"].loc[weights.values.index]
    hashes = _hashes({"schools": schools, "district": district}, weights)
    points = schools.geometry.to_crs(metres).representative_point()
    return _drafted(units, points, unit, weights, settings=settings, metres=metres, hashes=hashes)


def draft_zones_of_units(
    units: gpd.GeoDataFrame,
    *,
    unit_id: str = "unit_id",
    workload: str = "workload",
    zones: int = 8,
    tolerance: float = 0.05,
    starts: int = 50,
    seed: int = 0,
    objective: str = "compactness",
    crs: object = None,
) -> ZoneDraft:
    """Draw zones from scratch from areal units, such as tracts or reporting areas.

    Parameters
    ----------
    units
        Polygons that together are the district, with a CRS; travel is measured from their column `anchor` (points)
        where there is one, else from a point inside.
    unit_id, workload
        Columns with the id of each unit and with what zones are balanced by.
    zones, tolerance, starts, seed, objective, crs
        As `draft_zones`.

    Returns
    -------
    ZoneDraft
        The zones; `assignment` is by `unit_id`.

    Raises
    ------
    SettingsError
        As `draft_zones`.
    ColumnError, CRSError, GeometryError
        As `areas.units_of_areas`.
    """
    settings = DraftSettings(
        zones=zones, weight=workload, tolerance=tolerance, starts=starts, seed=seed, objective=objective
    )
    built = units_of_areas(units.assign(**{_NO_ZONE: "1"}), unit_id=unit_id, zone=_NO_ZONE, workload=workload, crs=crs)
    areas = built.units.assign(islands=0)
    _require_enough(areas, zones, f"{len(areas)} units", what="units")
    metres = measuring_crs(areas, stated=crs)
    load = areas.set_index("unit_id")["workload"].astype("float64").rename(workload)
    weights = Weights(load, ())
    unit = pd.Series(areas["unit_id"].to_numpy(), index=load.index)
    hashes = _hashes({"units": units}, weights)
    points = gpd.GeoSeries(areas["anchor"], crs=areas.crs).to_crs(metres)
    return _drafted(areas, points, unit, weights, settings=settings, metres=metres, hashes=hashes)


def _drafted(
    units: gpd.GeoDataFrame,
    points: gpd.GeoSeries,
    unit: pd.Series,
    weights: Weights,
    *,
    settings: DraftSettings,
    metres: CRS,
    hashes: dict[str, str],
) -> ZoneDraft:
    """Draft zones of units, given the unit and the point of everything that has a weight."""
    edges = rook_adjacency(units, crs=metres)
    links = bridges(units, edges, crs=metres)
    places = _places(points, unit, units, weights, edges=pd.concat([edges, links]), metres=metres)
    found = _divided(places, units["unit_id"], settings)
    zone_id = reading_order(units, found.label, crs=metres)
    units = units.assign(load=places.load, zone_id=zone_id[found.label])
    zones_frame = zones_of_units(units)
    zone_of = units.set_index("unit_id")["zone_id"]
    assignment = unit.map(zone_of).rename("zone_id").rename_axis(str(weights.values.index.name))
    loads = units.groupby("zone_id")["load"].sum().loc[zones_frame["zone_id"]].rename(weights.values.name)
    centres = pd.Series(units["unit_id"].to_numpy()[found.centres], index=pd.Index(zone_id, name="zone_id"))
    return ZoneDraft(
        zones=zones_frame,
        units=units,
        edges=edges,
        bridges=links[(links["unit_a"].map(zone_of) == links["unit_b"].map(zone_of)).to_numpy()],
        assignment=assignment,
        loads=loads,
        is_contiguous=is_contiguous(zone_of, pd.concat([edges, links])),
        table=_table(zones_frame, assignment, loads, metres),
        weights=weights,
        settings=settings,
        input_sha256=hashes,
        centres=centres.loc[zones_frame["zone_id"]].rename("unit_id"),
        travel=found.travel,
        bound=found.bound,
        any_bound=found.any_bound,
    )


def _divided(places: Places, unit_ids: pd.Series, settings: DraftSettings) -> DraftTravel:
    zones, tolerance, seed = settings.zones, settings.tolerance, settings.seed
    if settings.objective == "travel":
        return least_travel(places, pd.Index(unit_ids), zones=zones, tolerance=tolerance, seed=seed)
    label = compact_partition(places, zones=zones, tolerance=tolerance, starts=settings.starts, seed=seed)
    loads = pd.Series(places.load).groupby(label).sum()
    return travel_of(places, label, zones=zones, tolerance=max(tolerance, imbalance(loads)))


def _require_enough(units: gpd.GeoDataFrame, zones: int, found: str, *, what: str) -> None:
    if len(units) >= zones:
        return
    raise SettingsError(
        f"There are more zones than {what}.",
        where="zones",
        found=f"{zones} zones, {found}",
        expected="a site for each zone; schools at one place are one site"
        if "sites" in what
        else "a unit for each zone",
        remedy=f"Ask for at most {len(units)} zones.",
    )


def _places(
    points: gpd.GeoSeries,
    unit_of: pd.Series,
    units: gpd.GeoDataFrame,
    weights: Weights,
    *,
    edges: pd.DataFrame,
    metres: CRS,
) -> Places:
    """Put a unit at the middle of its schools, with as many of them as its size."""
    unit = unit_of.to_numpy()
    frame = pd.DataFrame({"x": points.x.to_numpy(), "y": points.y.to_numpy(), "load": weights.values.to_numpy()})
    by_unit = frame.assign(size=1.0).groupby(unit).agg({"x": "mean", "y": "mean", "load": "sum", "size": "sum"})
    by_unit = by_unit.loc[units["unit_id"]]
    ids = units["unit_id"]
    borders = edges.assign(shared_km=edges["shared_m"].fillna(0.0) / 1000)
    return Places(
        xy_km=by_unit[["x", "y"]].to_numpy() / 1000,
        size=by_unit["size"].to_numpy(),
        load=by_unit["load"].to_numpy(),
        neighbours=adjacency_matrix(ids, edges),
        border_km=adjacency_matrix(ids, borders, values="shared_km"),
        area_km2=float(units.geometry.to_crs(metres).area.sum()) / 1e6,
    )


def _table(zones: gpd.GeoDataFrame, assignment: pd.Series, loads: pd.Series, metres: CRS) -> pd.DataFrame:
    pieces = "units" if assignment.index.name == "unit_id" else "schools"
    return pd.DataFrame(
        {
            "zone_id": zones["zone_id"],
            "name": zones["name"],
            pieces: assignment.value_counts().loc[zones["zone_id"]].to_numpy(dtype="int64"),
            "load": loads.to_numpy(),
            "share_of_mean": (loads / loads.mean()).to_numpy(),
            "area_km2": zones.geometry.to_crs(metres).area / 1e6,
            "polsby_popper": polsby_popper(zones, crs=metres),
        }
    )


def _hashes(given: dict[str, gpd.GeoDataFrame | gpd.GeoSeries], weights: Weights) -> dict[str, str]:
    """Hash what was given; the first of it holds the weights."""
    parts = {name: _hex(frame) for name, frame in given.items()}
    first = next(iter(parts))
    parts[first] = [*weights.values.index, weights.values.to_numpy().tobytes().hex(), *parts[first]]
    return {name: hashlib.sha256("\n".join(lines).encode()).hexdigest() for name, lines in parts.items()}


def _hex(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> list[str]:
    return [str(frame.crs), *shapely.to_wkb(frame.geometry.to_numpy(), hex=True)]
