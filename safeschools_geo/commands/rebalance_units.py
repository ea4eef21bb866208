"""Areal units for ``safeschools rebalance --units``: any polygons with a zone and a workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.errors import ColumnError
from safeschools_geo.io import read_table
from safeschools_geo.rebalance.areas import units_of_areas
from safeschools_geo.rebalance.links import about_bridges, edges_of_table, unit_edges
from safeschools_geo.results import Finding

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
    """

    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    findings: tuple[Finding, ...]


def read_areal_units(
    path: Path, unit_id: str, zone: str, workload: str, *, adjacency: Path | None, no_zone: tuple[str, ...]
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

    Returns
    -------
    ArealUnits
        The units.

    Raises
    ------
    ColumnError
        When a column is not there.
    """
    raw = read_table(path)
    missing = [column for column in (unit_id, zone, workload) if column not in raw.frame.columns]
    if missing:
        raise ColumnError(
            "The units lack columns.",
            where=path.name,
            found=", ".join(map(str, raw.frame.columns)),
            expected=", ".join(missing),
            remedy="Name the columns with --unit-id, --zone and --workload.",
        )
    built = units_of_areas(raw.frame, unit_id=unit_id, zone=zone, workload=workload, no_zone=no_zone)
    units = built.units
    if adjacency is None:
        edges: pd.DataFrame = unit_edges(units)
        findings: tuple[Finding, ...] = ()
    else:
        read = edges_of_table(units, read_table(adjacency).frame)
        edges, findings = read.edges, read.findings
    return ArealUnits(units, edges, (*built.findings, *findings, *about_bridges(units, edges)))
