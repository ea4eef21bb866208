"""What the maps of plans are made of: units small enough to carry, the signs of zones, and the layers themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import ColumnError, InputError, name_ids
from safeschools_geo.maps.basemap import geojson, small_geometries
from safeschools_geo.maps.layers import DataElement, has_place, neighbour_fills, school_marks
from safeschools_geo.maps.legend import LegendItem
from safeschools_geo.maps.palette import NEIGHBOUR_FILLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

_DECIMALS = 6
_SHORT, _LABEL = 3, 10
_SIGNS = {
    "moved": '<rect x="2" y="3" width="12" height="10" fill="#f1dfe2" stroke="#7a0019" stroke-width="3"/>',
    "chosen": '<rect x="2" y="3" width="12" height="10" fill="#d7e3fa" stroke="#0b57d0" stroke-width="3"/>',
    "former": '<path d="M1,8H15" stroke="#1a1a1a" stroke-width="2.5" stroke-dasharray="2 3"/>',
    "zone": '<path d="M0,8H16" stroke="#1a1a1a" stroke-width="3"/>',
}


@dataclass(frozen=True)
class PlanSign(LegendItem):
    """A sign of the maps of plans: ``moved``, ``chosen``, ``former`` or ``zone``."""

    def _inside(self) -> str:
        return _SIGNS[self.shape]


@dataclass(frozen=True)
class ZoneSign:
    """How a zone is told from the others: never by its colour alone.

    Parameters
    ----------
    name
        Its name.
    short
        Its id, or a number where ids are long.
    label
        Its name where that is short, else the word and `short`.
    fill
        Its colour.
    """

    name: str
    short: str
    label: str
    fill: str


@dataclass(frozen=True, eq=False)
class UnitShapes:
    """The units in degrees, simplified alike.

    Parameters
    ----------
    shapes
        Areas, shape (n,).
    at
        Longitude and latitude of a point inside each, shape (n, 2).
    is_coverage
        Whether neighbours share their vertices, so that the borders of zones can be told from the sides of units.
    """

    shapes: NDArray[np.object_]
    at: NDArray[np.float64]
    is_coverage: bool


class WhatIf(DataElement):
    """The map on which a person moves units (`what_if.what_if_page`)."""

    function = "addWhatIf"
    scripts = ("js/core.js", "js/vectors.js", "js/plan_map.js", "js/what_if_plan.js", "js/what_if.js")


class PlanViews(DataElement):
    """The map of a plan with a choice between today, the proposal, and what changes (`plan_pages.plan_page`)."""

    function = "addPlanViews"
    scripts = ("js/core.js", "js/vectors.js", "js/plan_map.js", "js/plan_views.js")


def zone_signs(zones: gpd.GeoDataFrame) -> list[ZoneSign]:
    """Give every zone its signs.

    Parameters
    ----------
    zones
        `zone_id`, `name` if there is one, and the areas as they are, EPSG:4326.

    Returns
    -------
    list of ZoneSign
        One for each zone, in order. Up to eight zones each have a colour of their own, since any two of them may come
        to lie side by side; more zones share colours as neighbours today do not.
    """
    ids = zones["zone_id"].astype("str").tolist()
    names = zones["name"].astype("str").tolist() if "name" in zones.columns else ids
    fills = NEIGHBOUR_FILLS[: len(ids)] if len(ids) <= len(NEIGHBOUR_FILLS) else neighbour_fills(zones)
    is_short = max(map(len, ids), default=0) <= _SHORT
    shorts = ids if is_short else [str(i + 1) for i in range(len(ids))]
    return [
        ZoneSign(name, short, name if len(name) <= _LABEL else f"Zone {short}", fill)
        for name, short, fill in zip(names, shorts, fills, strict=True)
    ]


def unit_shapes(units: gpd.GeoDataFrame) -> UnitShapes:
    """Make the units small enough to carry.

    Parameters
    ----------
    units
        Areas with a CRS, n rows.

    Returns
    -------
    UnitShapes
        Their areas and a point inside each.
    """
    shapes = units.geometry.to_crs(STORAGE_CRS).to_numpy()
    small = small_geometries(shapes)
    points = shapely.point_on_surface(small)
    is_coverage = bool(len(small) and shapely.coverage_is_valid(small))
    return UnitShapes(small, shapely.get_coordinates(points).round(_DECIMALS), is_coverage)


def unit_names(units: pd.DataFrame) -> list[str]:
    """Name the units.

    Parameters
    ----------
    units
        `unit_id`, and `name` where it is known.

    Returns
    -------
    list of str
        Names; the id where there is none, and behind names that occur twice.
    """
    ids = units["unit_id"].astype("str")
    names = units["name"].astype("object").where(units["name"].notna(), ids) if "name" in units.columns else ids
    is_twice = names.duplicated(keep=False)
    return [
        f"{name} ({unit})" if twice and name != unit else str(name)
        for name, unit, twice in zip(names, ids, is_twice, strict=True)
    ]


def map_data(shapes: UnitShapes, signs: Sequence[ZoneSign], schools: gpd.GeoDataFrame | None) -> dict[str, Any]:
    """Write what the map of a plan is drawn from.

    Parameters
    ----------
    shapes
        The units.
    signs
        The zones.
    schools
        Table `schools`, EPSG:4326, if they are to be drawn.

    Returns
    -------
    dict
        `shapes` and `zones` and `dots`, as ``js/plan_map.js`` takes them, and whether the units are a coverage.
    """
    marks = [] if schools is None else school_marks(schools[has_place(schools)])
    return {
        "zones": [vars(sign) for sign in signs],
        "shapes": [geojson(shape) for shape in shapes.shapes],
        "is_coverage": shapes.is_coverage,
        "dots": [{key: mark[key] for key in ("at", "shape", "color")} for mark in marks],
    }


def places_of(values: pd.Series, known: Sequence[str], *, what: str) -> list[int]:
    """Find ids in a list.

    Parameters
    ----------
    values
        Ids.
    known
        Ids there are.
    what
        What they are, for the error.

    Returns
    -------
    list of int
        Place of each, from 0.

    Raises
    ------
    InputError
        When some are not known.
    """
    found = pd.Index(known).get_indexer(pd.Index(values.astype("str")))
    if (found < 0).any():
        raise InputError(
            f"The page was given {what} that are not known.",
            ids=values[found < 0].drop_duplicates(),
            expected=f"one of {name_ids(known)}",
            remedy="Give units, zones and plan of the same district.",
        )
    places: list[int] = found.tolist()
    return places


def plan_places(plan: pd.Series, units: pd.DataFrame, zone_ids: Sequence[str]) -> list[int]:
    """Find the zones of a plan in a list.

    Parameters
    ----------
    plan
        Zone of each unit, by `unit_id`.
    units
        The units.
    zone_ids
        Zones there are.

    Returns
    -------
    list of int
        Place of the zone of each unit, in the order of `units`.

    Raises
    ------
    InputError
        When a unit has no zone, or one that is not known.
    """
    ids = units["unit_id"].astype("str")
    left_out = ids[~ids.isin(plan.index)]
    if len(left_out):
        raise InputError("The plan gives some units no zone.", where="plan", ids=left_out, expected="a zone for each")
    return places_of(plan.loc[ids.tolist()], zone_ids, what="zones of the plan")


def require_columns(frame: pd.DataFrame, names: Sequence[str], *, where: str) -> None:
    """Refuse a table that lacks columns.

    Parameters
    ----------
    frame
        The table.
    names
        Columns it must have.
    where
        Name of the table, for the error.

    Raises
    ------
    ColumnError
        When some are missing.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ColumnError(
            "A page of plans cannot be drawn without these columns.",
            where=where,
            found=f"no {', '.join(missing)}",
            expected=", ".join(names),
        )
