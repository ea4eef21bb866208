"""Areal units for ``safeschools rebalance --units``: any polygons with a zone and a workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import ColumnError
from safeschools_geo.io import read_table
from safeschools_geo.layers import read_layer
from safeschools_geo.rebalance.ground.areas import units_of_areas
from safeschools_geo.rebalance.ground.links import about_bridges, edges_of_table, unit_edges
from safeschools_geo.rebalance.propose import left_out
from safeschools_geo.results import Finding
from safeschools_geo.settings import LayerSettings

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class ArealUnits:
    """Units as they were read, their edges, and what there is to say of both.

    Parameters
    ----------
    units, edges
        As `rebalance.propose.rebalance` takes them.
    findings
        What was found on the way.
    apart
        Pairs that share a border, and that the table of neighbors leaves out.
    """

    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    findings: tuple[Finding, ...]
    apart: tuple[tuple[str, str], ...] = ()


def read_areal_units(
    path: Path,
    unit_id: str,
    zone: str,
    workload: str,
    *,
    adjacency: Path | None,
    no_zone: tuple[str, ...],
    crs: str | None = None,
) -> ArealUnits:
    """Read areal units and their neighbours.

    Parameters
    ----------
    path
        Polygons: GeoJSON, GeoPackage, Shapefile or GeoParquet.
    unit_id, zone, workload
        Columns of the file.
    adjacency
        Table of pairs of neighbours; the borders of the units if left out.
    no_zone
        Values of the zone column that mean: no zone.
    crs
        CRS of the coordinates, where the file states none.

    Returns
    -------
    ArealUnits
        The units.

    Raises
    ------
    ColumnError
        When a column is not there.
    """
    layer = read_layer(path, LayerSettings(crs=crs), "units")
    raw = layer.raw
    missing = [column for column in (unit_id, zone, workload) if column not in raw.frame.columns]
    if missing:
        raise ColumnError(
            "The units lack columns.",
            where=path.name,
            found=", ".join(map(str, raw.frame.columns)),
            expected=", ".join(missing),
            remedy="Name the columns with --unit-id, --zone and --workload.",
        )
    areas = gpd.GeoDataFrame(raw.frame, geometry=layer.geometry, crs=STORAGE_CRS)
    built = units_of_areas(areas, unit_id=unit_id, zone=zone, workload=workload, no_zone=no_zone)
    units = built.units
    if adjacency is None:
        edges: pd.DataFrame = unit_edges(units)
        findings: tuple[Finding, ...] = ()
        apart: list[tuple[str, str]] = []
    else:
        read = edges_of_table(units, read_table(adjacency).frame)
        edges, findings = read.edges, read.findings
        apart = left_out(units, edges)
    told = (*layer.findings, *built.findings, *findings, *about_bridges(units, edges))
    return ArealUnits(units, edges, told, tuple(apart))
