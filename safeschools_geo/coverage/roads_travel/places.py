"""Places that officers set out from or are called to: points by their ids, in metres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.coverage.roads_travel.faults import refuse
from safeschools_geo.crs import check_degrees, require_crs
from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.validate.telling import part_text, tell

if TYPE_CHECKING:
    from pyproj import CRS

    from safeschools_geo.coverage.roads_travel.roads import Flags
    from safeschools_geo.results import Finding


def place_points(frame: gpd.GeoDataFrame, id_column: str) -> gpd.GeoSeries:
    """Give each row of a table a point to travel to.

    Parameters
    ----------
    frame
        Schools, zones, units or staging points: any table with ids and geometry.
    id_column
        Column of the ids, such as `school_id`.

    Returns
    -------
    geopandas.GeoSeries
        Named `place`, by `place_id` (text), in the CRS of the table: the point, or a point inside the area; missing
        where the geometry is.
    """
    ids = pd.Index(frame[id_column].astype("str"), name="place_id")
    return gpd.GeoSeries(frame.geometry.representative_point().array, index=ids, crs=frame.crs, name="place")


def check_places(places: gpd.GeoSeries, name: str) -> None:
    """Refuse places that cannot be travelled between.

    Parameters
    ----------
    places
        Geometry by place.
    name
        What they are called, for messages.

    Raises
    ------
    InputError
        When there are none, or none with a location; when ids repeat; when they state no CRS, or one that their
        coordinates do not fit. All at once.
    """
    faults: list[InputError] = []
    repeated = places.index[places.index.duplicated()].unique()
    if len(repeated):
        faults.append(
            ColumnError(
                f"Some ids of {name} stand for several places.",
                where=name,
                ids=repeated,
                expected="each id once",
                remedy="Rename them: put the kind of place before the id, as in school-101 and zone-1.",
            )
        )
    if _is_nowhere(places).all():
        faults.append(
            InputError(
                f"There are no {name}." if places.empty else f"None of the {name} has a location.",
                where=name,
                found=f"{len(places):,} places",
                expected="at least one place with a location",
                remedy="Give schools, zones or staging points with coordinates.",
            )
        )
    else:
        try:
            check_degrees(places.total_bounds, require_crs(places, name), name)
        except InputError as fault:
            faults.append(fault)
    refuse(faults)


def located(places: gpd.GeoSeries, crs: CRS, name: str) -> tuple[gpd.GeoSeries, list[Finding]]:
    """Bring places to the CRS that is measured in.

    Parameters
    ----------
    places
        Geometry by place, checked.
    crs
        Projected CRS in metres.
    name
        What they are called, for messages.

    Returns
    -------
    places : geopandas.GeoSeries
        Points of the places that have a location, by `place_id` (text).
    findings : list of Finding
        The places that have none.
    """
    is_nowhere = _is_nowhere(places)
    points = gpd.GeoSeries(places[~is_nowhere].to_crs(crs).representative_point())
    missing = places.index[is_nowhere]
    return points.set_axis(points.index.astype("str").rename("place_id")), tell(
        missing,
        "warning",
        "place_without_location",
        name,
        f"{part_text(len(missing), len(places), 'place')} without a location: left out of all travel.",
        expected="coordinates for every place",
        remedy="Add them, or leave the places out on purpose.",
    )


def is_same_place(origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> Flags:
    """Say which places lie at one point.

    Parameters
    ----------
    origins, destinations
        Points in one CRS, n and m of them.

    Returns
    -------
    numpy.ndarray
        Shape (n, m), bool.
    """
    a, b = (shapely.get_coordinates(side.to_numpy()) for side in (origins, destinations))
    same: Flags = (a[:, None, :] == b[None, :, :]).all(axis=2)
    return same


def _is_nowhere(places: gpd.GeoSeries) -> Flags:
    geometry = places.to_numpy()
    bounds = shapely.bounds(geometry)
    nowhere: Flags = shapely.is_missing(geometry) | ~np.isfinite(bounds).all(axis=1)
    return nowhere
