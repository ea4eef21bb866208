"""The shapes of zones, ready to be asked: pieces joined, checked, prepared, in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from safeschools_geo.errors import ColumnError, GeometryError

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True)
class ZoneShapes:
    """Polygons of zones.

    Parameters
    ----------
    ids
        Ids of the zones, shape (k,), in the order of first appearance.
    polygons
        Their prepared polygons, shape (k,).
    rows
        Shape (k + 1,), int32: row of each zone's first piece; the last is -1, so that -1 maps to itself.
    """

    ids: NDArray[np.object_]
    polygons: NDArray[np.object_]
    rows: NDArray[np.int32]

    @property
    def has_pieces(self) -> bool:
        """Whether some zone has several rows, so that rows are not numbers of zones."""
        return not np.array_equal(self.rows[:-1], np.arange(len(self.ids)))

    @classmethod
    def of(cls, zones: gpd.GeoDataFrame) -> ZoneShapes:
        """Prepare the zones of a frame.

        Parameters
        ----------
        zones
            Polygons with `zone_id`; pieces that share one are one zone.

        Returns
        -------
        ZoneShapes
            Their shapes.

        Raises
        ------
        ColumnError
            When there is no `zone_id`, or one is missing.
        GeometryError
            When a geometry is missing, not a polygon, or not valid.
        """
        if "zone_id" not in zones.columns or zones["zone_id"].isna().any():
            raise ColumnError(
                "Every zone needs an id.",
                where="zones",
                ids=[]
                if "zone_id" not in zones.columns
                else [f"row {i}" for i in zones.index[zones["zone_id"].isna()]],
                found=", ".join(map(str, zones.columns)),
                expected="a column zone_id without gaps",
            )
        pieces = zones.geometry.to_numpy()
        ids = zones["zone_id"].astype("str").to_numpy(dtype=object)
        _require_valid(pieces, ids)
        unique, first, inverse = _in_order(ids)
        polygons = np.array(
            [_joined(pieces[inverse == number]) for number in range(len(unique))], dtype=object
        ).reshape(len(unique))
        shapely.prepare(polygons)
        return cls(unique, polygons, np.append(first, -1).astype(np.int32))


def _in_order(ids: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64], NDArray[np.int64]]:
    number: dict[object, int] = {}
    inverse = np.array([number.setdefault(i, len(number)) for i in ids], dtype=np.int64)
    first = np.array([int(np.flatnonzero(inverse == n)[0]) for n in range(len(number))], dtype=np.int64)
    return np.array(list(number), dtype=object), first, inverse


def _joined(pieces: NDArray[np.object_]) -> shapely.Polygon | shapely.MultiPolygon:
    return cast("shapely.Polygon | shapely.MultiPolygon", pieces[0] if len(pieces) == 1 else shapely.union_all(pieces))


def _require_valid(pieces: NDArray[np.object_], ids: NDArray[np.object_]) -> None:
    is_area = np.isin(shapely.get_type_id(pieces), (3, 6)) & ~shapely.is_empty(pieces)
    is_fine = is_area & shapely.is_valid(pieces)
    if is_fine.all():
        return
    reasons = {
        str(shapely.is_valid_reason(p)).split("[")[0] if a else "no polygon"
        for p, a in zip(pieces[~is_fine], is_area[~is_fine], strict=True)
    }
    raise GeometryError(
        "Some zones are not valid polygons.",
        where="zones",
        ids=ids[~is_fine],
        found=", ".join(sorted(reasons)),
        expected="valid polygons",
        remedy="Repair them with `safeschools_geo.validate.repair`; zones read from a file are repaired already.",
    )
