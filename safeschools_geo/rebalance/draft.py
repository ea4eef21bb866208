"""Zones from scratch: contiguous, balanced and compact, drawn from the schools and the district alone."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pandas as pd
import shapely

from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import SettingsError
from safeschools_geo.rebalance.cells import service_areas
from safeschools_geo.rebalance.compactness import polsby_popper
from safeschools_geo.rebalance.contiguity import adjacency_matrix, bridges, is_contiguous, rook_adjacency
from safeschools_geo.rebalance.partition import compact_partition
from safeschools_geo.rebalance.places import Places
from safeschools_geo.rebalance.tiling import reading_order, zones_of_units
from safeschools_geo.rebalance.weights import Weights, school_weights
from safeschools_geo.rebalance.zone_draft import DraftSettings, ZoneDraft

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS


def draft_zones(
    schools: gpd.GeoDataFrame,
    district: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    zones: int = 8,
    weight: str | None = "enrollment",
    tolerance: float = 0.05,
    starts: int = 50,
    seed: int = 0,
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
        When a setting is out of range, or there are fewer sites of schools than zones.
    ColumnError
        When a column is missing, ids repeat, or weights are not numbers of 0 or more that add up to something.
    CRSError, GeometryError
        As `cells.service_areas`.

    Notes
    -----
    Units are the service areas of the schools; `partition.compact_partition` joins them. No bound is computed: the
    draft is good, not proven to be the best.
    """
    settings = DraftSettings(zones=zones, weight=weight, tolerance=tolerance, starts=starts, seed=seed)
    weights = school_weights(schools, weight)
    units = service_areas(schools, district, crs=crs)
    _require_enough(units, len(schools), zones)
    metres = measuring_crs(units, stated=crs)
    edges = rook_adjacency(units, crs=metres)
    links = bridges(units, edges, crs=metres)
    places = _places(schools, units, weights, pd.concat([edges, links]), metres)
    label = compact_partition(places, zones=zones, tolerance=tolerance, starts=starts, seed=seed)
    units = units.assign(load=places.load, zone_id=reading_order(units, label, crs=metres)[label])
    zones_frame = zones_of_units(units)
    zone_of = units.set_index("unit_id")["zone_id"]
    by_school = units.explode("school_ids").set_index("school_ids")["zone_id"]
    assignment = by_school.loc[weights.values.index].rename("zone_id").rename_axis("school_id")
    loads = units.groupby("zone_id")["load"].sum().loc[zones_frame["zone_id"]].rename(weights.values.name)
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
        input_sha256=_hashes(schools, weights, district),
    )


def _require_enough(units: gpd.GeoDataFrame, schools: int, zones: int) -> None:
    if len(units) >= zones:
        return
    raise SettingsError(
        "There are more zones than sites of schools.",
        where="zones",
        found=f"{zones} zones, {schools} schools at {len(units)} sites",
        expected="a site for each zone; schools at one place are one site",
        remedy=f"Ask for at most {len(units)} zones.",
    )


def _places(
    schools: gpd.GeoDataFrame, units: gpd.GeoDataFrame, weights: Weights, edges: pd.DataFrame, metres: CRS
) -> Places:
    """Put a unit at the middle of its schools, with as many of them as its size."""
    points = schools.geometry.to_crs(metres).representative_point()
    unit = units.explode("school_ids").set_index("school_ids")["unit_id"].loc[weights.values.index].to_numpy()
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
    return pd.DataFrame(
        {
            "zone_id": zones["zone_id"],
            "name": zones["name"],
            "schools": assignment.value_counts().loc[zones["zone_id"]].to_numpy(dtype="int64"),
            "load": loads.to_numpy(),
            "share_of_mean": (loads / loads.mean()).to_numpy(),
            "area_km2": zones.geometry.to_crs(metres).area / 1e6,
            "polsby_popper": polsby_popper(zones, crs=metres),
        }
    )


def _hashes(schools: gpd.GeoDataFrame, weights: Weights, district: gpd.GeoDataFrame | gpd.GeoSeries) -> dict[str, str]:
    given = {
        "schools": [*weights.values.index, weights.values.to_numpy().tobytes().hex(), *_hex(schools)],
        "district": _hex(district),
    }
    return {name: hashlib.sha256("\n".join(parts).encode()).hexdigest() for name, parts in given.items()}


def _hex(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> list[str]:
    return [str(frame.crs), *shapely.to_wkb(frame.geometry.to_numpy(), hex=True)]
