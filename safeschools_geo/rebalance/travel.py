"""Travel of a plan: how far each unit is from where the officer of a zone patrols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial.distance import cdist

from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import SettingsError
from safeschools_geo.rebalance.ground.unit_tables import natural_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def zone_centres(
    units: gpd.GeoDataFrame, roots: Mapping[str, str] | pd.Series | None = None, *, crs: object = None
) -> pd.Series:
    """Choose the unit from which travel in each zone is measured.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, `workload`, geometry with a CRS, and `anchor` where there are any.
    roots
        Zone → the unit that stays put; it is the centre of its zone.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    pandas.Series
        Named `unit_id`, dtype str, by `zone_id`: the root, or the unit of the current zone with the smallest sum of
        workload × distance to the units of the zone; the first of them if several have it. Where a zone has no
        workload, its units count alike.

    Raises
    ------
    SettingsError
        When a root is no unit.
    """
    given = {str(zone): str(unit) for zone, unit in dict(roots or {}).items()}
    unknown = [unit for unit in given.values() if unit not in set(units["unit_id"])]
    if unknown:
        raise SettingsError(
            "Some zones have a root that is no unit.",
            where="roots",
            ids=unknown,
            expected="ids of units",
            remedy="Correct the roots.",
        )
    xy_km = anchors_km(units, crs=crs)
    ids, load = units["unit_id"].to_numpy(), units["workload"].to_numpy(dtype="float64")
    members = {str(z): np.flatnonzero(units["zone_id"] == z) for z in units["zone_id"].unique()}
    medoids = {z: str(ids[m[_medoid(xy_km[m], load[m])]]) for z, m in members.items() if z not in given}
    centres = {**medoids, **given}
    zones = pd.Index(natural_order(centres), name="zone_id", dtype="str")
    return pd.Series([centres[z] for z in zones], index=zones, name="unit_id", dtype="str")


def roots_of(units: gpd.GeoDataFrame, roots: Mapping[str, str] | None = None, *, crs: object = None) -> dict[str, str]:
    """Let the middle of each zone stay in it.

    Parameters
    ----------
    units
        As for `zone_centres`.
    roots
        Zone → unit, for the zones whose root is chosen by hand.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    dict of str to str
        Zone → the unit that stays.
    """
    return {str(zone): str(unit) for zone, unit in zone_centres(units, roots, crs=crs).items()}


def travel_km(units: gpd.GeoDataFrame, centres: pd.Series, *, crs: object = None) -> pd.DataFrame:
    """Measure how far each unit is from the centre of each zone, in a straight line.

    Parameters
    ----------
    units
        `unit_id`, geometry with a CRS, and `anchor` where there are any.
    centres
        Unit that is the centre of each zone, by `zone_id`.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    pandas.DataFrame
        Kilometres, float64; a row for each unit (`unit_id`), a column for each zone (`zone_id`).
    """
    xy_km = anchors_km(units, crs=crs)
    ids = pd.Index(units["unit_id"], name="unit_id")
    at = ids.get_indexer(pd.Index(centres))
    columns = pd.Index(centres.index, name="zone_id")
    return pd.DataFrame(cdist(xy_km, xy_km[at]), index=ids, columns=columns)


def anchors_km(units: gpd.GeoDataFrame, *, crs: object = None) -> NDArray[np.float64]:
    """Give the place of each unit that travel is measured from.

    Parameters
    ----------
    units
        Geometry with a CRS, and `anchor` (points) where there are any.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    numpy.ndarray
        Kilometres east and north, shape (n, 2): the anchor, else a point inside the unit.
    """
    metres = measuring_crs(units, stated=crs)
    places = units.geometry.to_crs(metres).representative_point()
    if "anchor" in units.columns:
        anchors = gpd.GeoSeries(units["anchor"])
        anchors = (anchors.set_crs(units.crs) if anchors.crs is None else anchors).to_crs(metres)
        points = anchors.to_numpy()
        places = anchors.where(~(shapely.is_missing(points) | shapely.is_empty(points)), places)
    return np.column_stack([places.x, places.y]) / 1000


def _medoid(xy_km: NDArray[np.float64], load: NDArray[np.float64]) -> int:
    weight = load if load.sum() > 0 else np.ones(len(load))
    sums = cdist(xy_km, xy_km) @ weight
    # Sums that differ in the last digits only are equal, and the first unit wins, on every machine.
    return int(np.flatnonzero(sums <= sums.min() * (1 + 1e-12))[0])
