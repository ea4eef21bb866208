"""What the what-if page is given: units with their neighbours and limits, zones, and the cells of plan.csv."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.io.text import safe_cells
from safeschools_geo.maps import plan_layers
from safeschools_geo.shown import millionths

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import geopandas as gpd

_OPTIONAL = ("name", "schools", "students")


def page_data(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    zones: gpd.GeoDataFrame,
    *,
    plan: pd.Series | None,
    schools: gpd.GeoDataFrame | None,
    locked: Collection[str],
    roots: Mapping[str, str],
    forbidden: Collection[tuple[str, str]],
    together: Sequence[Collection[str]],
) -> dict[str, Any]:
    """Write what the page computes from, with places in lists instead of ids.

    Parameters
    ----------
    units, edges, zones, plan, schools, locked, roots, forbidden, together
        As for `what_if.what_if_page`.

    Returns
    -------
    dict
        What ``js/what_if_plan.js`` and ``js/plan_map.js`` take.

    Raises
    ------
    InputError
        When units, zones, plan and limits do not belong together.
    """
    shapes = plan_layers.unit_shapes(units)
    zone_ids, unit_ids = zones["zone_id"].astype("str").tolist(), units["unit_id"].astype("str").tolist()
    data = plan_layers.map_data(shapes, plan_layers.zone_signs(zones), schools)
    for zone, cell in zip(data["zones"], _csv_pieces(_as_text(zones[["zone_id"]])), strict=True):
        zone["csv"] = cell
    known = [name for name in _OPTIONAL if name in units.columns]
    data["units"] = _unit_data(units, shapes.at.tolist(), zone_ids, known)
    _set_limits(data["units"], unit_ids, zone_ids, locked=locked, roots=roots, forbidden=forbidden)
    pairs = [plan_layers.places_of(edges[name], unit_ids, what="units of edges") for name in ("unit_a", "unit_b")]
    return data | {
        "edges": list(zip(*pairs, strict=True)),
        "together": [_places(group, unit_ids, "units of limits") for group in together],
        "csv_head": ",".join(["unit_id", "zone_before", "zone_after", "moved", "workload", *known]),
        "plan": None if plan is None else plan_layers.plan_places(plan, units, zone_ids),
    }


def _unit_data(
    units: gpd.GeoDataFrame, at: list[list[float]], zone_ids: list[str], known: list[str]
) -> list[dict[str, Any]]:
    tails = pd.DataFrame(units[["workload", *known]]).astype({"workload": "float64"})
    columns = {
        "name": plan_layers.unit_names(units),
        "load": millionths(units["workload"]).tolist(),
        "zone": plan_layers.places_of(units["zone_id"], zone_ids, what="zones of units"),
        "schools": _counts(units, "schools", missing=1),
        "students": _counts(units, "students", missing=None),
        "at": at,
        "csv": list(zip(_csv_pieces(_as_text(units[["unit_id", "zone_id"]])), _csv_pieces(tails), strict=True)),
    }
    rows = zip(*columns.values(), strict=True)
    free = {"root": None, "is_locked": False}
    return [{**dict(zip(columns, row, strict=True)), **free, "not_in": []} for row in rows]


def _set_limits(
    marked: list[dict[str, Any]],
    unit_ids: list[str],
    zone_ids: list[str],
    *,
    locked: Collection[str],
    roots: Mapping[str, str],
    forbidden: Collection[tuple[str, str]],
) -> None:
    def places(some_units: Collection[str], some_zones: Collection[str]) -> list[tuple[int, int]]:
        of_units = _places(some_units, unit_ids, "units of limits")
        return list(zip(of_units, _places(some_zones, zone_ids, "zones of limits"), strict=True))

    for unit in _places(locked, unit_ids, "units of limits"):
        marked[unit]["is_locked"] = True
    for unit, zone in places(roots.values(), roots.keys()):
        marked[unit]["root"] = zone
    for unit, zone in places([u for u, _ in forbidden], [z for _, z in forbidden]):
        marked[unit]["not_in"].append(zone)


def _places(ids: Collection[str], known: list[str], what: str) -> list[int]:
    return plan_layers.places_of(pd.Series(list(ids), dtype="str"), known, what=what)


def _counts(units: pd.DataFrame, name: str, *, missing: int | None) -> list[int | None]:
    if name not in units.columns:
        return [missing] * len(units)
    return [missing if pd.isna(value) else round(float(value)) for value in units[name]]


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: frame[name].astype("str") for name in frame.columns})


def _csv_pieces(frame: pd.DataFrame) -> list[str]:
    """Write the cells of each row as the product's CSV files have them."""
    safe = pd.DataFrame({name: safe_cells(frame[name]) for name in frame.columns})
    text = safe.to_csv(index=False, header=False, lineterminator="\n")
    # Cells may hold line ends of their own.
    return [_csv_line(cells) for cells in csv.reader(io.StringIO(text, newline=""))]


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().removesuffix("\n")
