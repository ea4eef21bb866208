"""Zones and hotspots: the share of each zone's load inside them, and whether a plan cuts one in two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def zone_shares(groups: Mapping[str, Sequence[str]], loads: pd.DataFrame) -> pd.DataFrame:
    """Measure how much of each zone's load lies inside groups that are high.

    Parameters
    ----------
    groups
        Id of each group → ids of its schools.
    loads
        `school_id`, `zone_id` and `workload_h` (officer-hours per school day) of each school in one term.

    Returns
    -------
    pandas.DataFrame
        One row for each zone: `zone_id`, `workload_h`, `workload_inside_h`, `inside_share` (0 to 1; missing where a
        zone has no load), `hotspots` (ids of the groups that reach into it, joined by ``;``). A school in two groups
        counts once.
    """
    inside = {school for members in groups.values() for school in members}
    placed = loads[loads["zone_id"] != ""].assign(
        workload_inside_h=lambda t: t["workload_h"].where(t["school_id"].isin(inside), 0.0)
    )
    table = placed.groupby("zone_id", sort=True)[["workload_h", "workload_inside_h"]].sum().reset_index()
    table["inside_share"] = (table["workload_inside_h"] / table["workload_h"].where(table["workload_h"] > 0)).astype(
        "float64"
    )
    zone_of = dict(zip(placed["school_id"], placed["zone_id"], strict=True))
    reach = {name: {zone_of.get(m) for m in members} for name, members in groups.items()}
    touching = [";".join(name for name, zones in reach.items() if zone in zones) for zone in table["zone_id"]]
    return table.assign(hotspots=touching)


def split_groups(groups: Mapping[str, Sequence[str]], assignment: pd.Series) -> pd.DataFrame:
    """Say which groups a plan cuts.

    Parameters
    ----------
    groups
        Id of each group → ids of its schools.
    assignment
        Zone of each school under the plan, by `school_id`.

    Returns
    -------
    pandas.DataFrame
        One row for each group: `hotspot_id`, `zones` (joined by ``;``), `is_split` (whether its schools would have
        officers of two zones or more), `largest_share` (share of its schools that stay together).
    """
    rows = []
    for name, members in groups.items():
        zones = assignment.reindex(list(members)).dropna()
        sizes = zones[zones != ""].value_counts()
        rows.append(
            {
                "hotspot_id": name,
                "zones": ";".join(sorted(map(str, sizes.index))),
                "is_split": len(sizes) > 1,
                "largest_share": float(sizes.max() / sizes.sum()) if len(sizes) else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=["hotspot_id", "zones", "is_split", "largest_share"])
