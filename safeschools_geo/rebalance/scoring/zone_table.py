"""What each zone of a plan comes to: its load, its pieces, its shape, and what lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import InputError
from safeschools_geo.rebalance.contiguity import components, zone_pieces
from safeschools_geo.rebalance.ground.unit_tables import natural_order, schools_of_units
from safeschools_geo.rebalance.scoring.compactness import polsby_popper, reock
from safeschools_geo.schemas import LEVELS
from safeschools_geo.shown import format_load, millionths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyproj import CRS

_SUMMED = ("schools", "students", "incidents")


def zone_table(
    units: gpd.GeoDataFrame,
    assignment: pd.Series,
    edges: pd.DataFrame,
    *,
    zones: pd.DataFrame | None = None,
    schools: pd.DataFrame | None = None,
    roots: Mapping[str, str] | None = None,
    set_apart: Iterable[str] = (),
    crs: object = None,
) -> pd.DataFrame:
    """Describe every zone of a plan.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, `workload`, geometry with a CRS, and `schools`, `students`, `incidents` and
        `school_ids` where they are known.
    assignment
        Zone of each unit, in the order of the units.
    edges
        `unit_a` and `unit_b` of the units that may follow each other in a zone.
    zones
        `zone_id`, and `name` and `team` where there are any; the zones of the units and of the plan by default.
    schools
        `school_id` and `level`.
    roots
        Zone → the unit of it that stays put.
    set_apart
        Zones that do not count for the balance as long as the plan moves nothing into them (assumption A70).
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    pandas.DataFrame
        One row for each zone, in the order of `zones`, also where it has no unit: `zone_id`, `name` and `team` if
        `zones` has them, `units`, `workload`, `load_millionths`, `load_shown` (by the rules of `shown`),
        `is_counted` (for the balance), `share_of_mean` (1 where a zone carries the mean load of those that count;
        missing for the others), `pieces`, `detached` (ids of the units outside the
        piece of the root, else the one with the most units, joined by ``;``), `polsby_popper`, `reock` (both missing
        without units), those of `schools`, `students` and `incidents` that the units have (students of schools with a
        known number), and the number of schools of each level where `schools` is given.

    Raises
    ------
    InputError
        When the plan or the units name a zone that `zones` does not have.
    """
    ids = _zone_ids(units, assignment, zones)
    exact = millionths(pd.Series(units["workload"].to_numpy(), index=assignment.index))
    by_zone = units.set_index("unit_id").groupby(assignment)
    load = by_zone["workload"].sum().reindex(ids, fill_value=0.0)
    exact_load = exact.groupby(assignment).sum().reindex(ids, fill_value=0)
    entered = set(assignment[assignment.to_numpy() != units["zone_id"].to_numpy()])
    is_counted = pd.Series([zone not in set(set_apart) - entered for zone in ids], index=ids)
    shapes = zone_shapes(units, assignment, measuring_crs(units, stated=crs))
    columns = {
        **_given(zones, ids),
        "units": assignment.value_counts().reindex(ids, fill_value=0),
        "workload": load,
        "load_millionths": exact_load,
        "load_shown": exact_load.map(format_load),
        "is_counted": is_counted,
        "share_of_mean": load.where(is_counted) / load[is_counted].mean() if load.sum() > 0 else load * np.nan,
        "pieces": zone_pieces(assignment, edges).reindex(ids, fill_value=0),
        "detached": _detached(assignment, edges, roots or {}).reindex(ids, fill_value=""),
        "polsby_popper": polsby_popper(shapes, crs=shapes.crs).reindex(ids),
        "reock": reock(shapes, crs=shapes.crs).reindex(ids),
        **{c: by_zone[c].sum().reindex(ids, fill_value=0) for c in _SUMMED if c in units.columns},
        **({} if schools is None else _levels(units, assignment, schools, ids)),
    }
    return pd.DataFrame(columns, index=pd.Index(ids, name="zone_id", dtype="str")).reset_index()


def zone_shapes(units: gpd.GeoDataFrame, assignment: pd.Series, crs: CRS) -> gpd.GeoSeries:
    """Join the units of each zone.

    Parameters
    ----------
    units
        Units with a CRS, n rows.
    assignment
        Zone of each unit, in the order of the units.
    crs
        CRS of the result.

    Returns
    -------
    geopandas.GeoSeries
        The shape of each zone with units, by `zone_id`.
    """
    shapes = units.geometry.to_crs(crs).to_numpy()
    # The fast union leaves lines inside where neighbours do not share their vertices.
    union = shapely.coverage_union_all if shapely.coverage_is_valid(shapes) else shapely.union_all
    label = assignment.to_numpy()
    joined = {zone: union(shapes[label == zone]) for zone in natural_order(label)}
    return gpd.GeoSeries(list(joined.values()), index=pd.Index(joined, name="zone_id", dtype="str"), crs=crs)


def _zone_ids(units: gpd.GeoDataFrame, assignment: pd.Series, zones: pd.DataFrame | None) -> list[str]:
    named = natural_order([*units["zone_id"], *assignment])
    if zones is None:
        return named
    ids = zones["zone_id"].astype("str").tolist()
    unknown = [zone for zone in named if zone not in set(ids)]
    if unknown:
        raise InputError(
            "The plan, or the units, name zones that are not among the zones.",
            where="zones",
            ids=unknown,
            found=", ".join(ids),
            expected="every zone of the units and of the plan",
            remedy="Add the zones, or correct the plan.",
        )
    return ids


def _given(zones: pd.DataFrame | None, ids: list[str]) -> dict[str, pd.Series]:
    if zones is None:
        return {}
    kept = zones.assign(zone_id=ids).set_index("zone_id")
    return {name: kept[name] for name in ("name", "team") if name in kept.columns}


def _detached(assignment: pd.Series, edges: pd.DataFrame, roots: Mapping[str, str]) -> pd.Series:
    zone_a, zone_b = (edges[c].map(assignment) for c in ("unit_a", "unit_b"))
    piece = components(assignment.index, edges[zone_a == zone_b])
    is_root = assignment.index.to_series() == assignment.map({str(zone): unit for zone, unit in roots.items()})
    table = pd.DataFrame({"zone": assignment, "piece": piece, "size": piece.map(piece.value_counts()), "root": is_root})
    # Pieces are numbered in the order of the units: of equal ones, the first is the zone's own.
    ranked = table.sort_values(["root", "size", "piece"], ascending=[False, False, True], kind="stable")
    own = ranked.drop_duplicates("zone").set_index("zone")["piece"]
    apart = assignment[piece != assignment.map(own)]
    return apart.index.to_series().groupby(apart).agg(";".join).astype("str")


def _levels(
    units: gpd.GeoDataFrame, assignment: pd.Series, schools: pd.DataFrame, ids: list[str]
) -> dict[str, pd.Series]:
    zone = schools["school_id"].map(schools_of_units(units)).map(assignment)
    counts = pd.crosstab(zone, schools["level"]).reindex(index=ids, columns=list(LEVELS), fill_value=0)
    return {level: counts[level].astype("int64") for level in LEVELS}
