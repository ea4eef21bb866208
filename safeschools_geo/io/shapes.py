"""Geometry from its binary form: two dimensions, and a reject for each row whose shape makes no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import parse_crs
from safeschools_geo.io.raw import RawTable
from safeschools_geo.results import Finding, empty_rejects, rejects_frame

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Shapes = NDArray[Any]
    Flags = NDArray[np.bool_]

_REASON = (
    "The geometry cannot be read: a line needs two points, a ring four of which the last is the first, and every "
    "coordinate a number. Draw it again."
)


def with_shapes(
    path: Path, frame: pd.DataFrame, wkb: NDArray[np.object_], crs: object, *, findings: tuple[Finding, ...] = ()
) -> RawTable:
    """Put attributes and geometry together.

    Parameters
    ----------
    path
        The file.
    frame
        Attributes of all rows, as read.
    wkb
        Shape (n,): well-known binary of each row, None where there is none.
    crs
        What the file states: anything that pyproj reads, or None.
    findings
        What was found so far.

    Returns
    -------
    RawTable
        Points without numbers have no geometry; rows of other shapes that cannot be read, or hold coordinates that
        are no numbers, are rejects. Invalid polygons, such as self-intersecting ones, stay as they are.

    Raises
    ------
    CRSError
        When what the file states is no CRS.
    """
    shapes, is_bad = _shapes(wkb)
    stated = None if crs is None else parse_crs(crs, where=path)
    geometry = gpd.GeoSeries(shapes, index=frame.index, crs=stated)
    rejects = empty_rejects()
    if is_bad.any():
        rejects = rejects_frame(
            frame[is_bad], source_file=path.name, id_column=None, code="bad_geometry", reason=_REASON
        )
    return RawTable(path, frame[~is_bad], geometry[~is_bad], findings=findings, rejects=rejects)


def _shapes(wkb: NDArray[np.object_]) -> tuple[Shapes, Flags]:
    with np.errstate(invalid="ignore"):  # NaN coordinates
        read = shapely.force_2d(shapely.from_wkb(wkb, on_invalid="ignore"))
    is_bad = ~pd.isna(wkb) & shapely.is_missing(read)
    coordinates, owners = shapely.get_coordinates(read, return_index=True)
    is_wild = np.zeros(len(read), dtype=bool)
    is_wild[owners[~np.isfinite(coordinates).all(axis=1)]] = True
    is_point = shapely.get_type_id(read) == shapely.GeometryType.POINT
    return only(read, ~(is_wild & is_point)), is_bad | (is_wild & ~is_point)


def only(shapes: Shapes, is_kept: Flags) -> Shapes:
    """Leave geometries out.

    Parameters
    ----------
    shapes
        Geometries, shape (n,).
    is_kept
        Which stay, shape (n,).

    Returns
    -------
    numpy.ndarray
        A copy with None for the others.
    """
    kept = shapes.copy()
    kept[~is_kept] = None
    return kept
