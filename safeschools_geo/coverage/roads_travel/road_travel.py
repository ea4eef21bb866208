"""Travel over a network of streets: the minutes, how each place reaches its street, and what cannot be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.roads_travel.places import is_same_place
from safeschools_geo.coverage.roads_travel.road_graph import Snapped, access_minutes, build_network
from safeschools_geo.coverage.roads_travel.roads import Numbers
from safeschools_geo.errors import GeometryError, count_text, name_ids
from safeschools_geo.results import Finding
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    import geopandas as gpd

    from safeschools_geo.coverage.roads_travel.road_graph import Network
    from safeschools_geo.coverage.roads_travel.roads import RoadRules, Streets

ACCESS_COLUMNS = ("place_id", "row", "access_m", "access_min", "part")
"""Columns of `RoadTravel.access`."""

PART_COLUMNS = ("part", "streets", "length_km", "first_row", "places", "place_ids")
"""Columns of `RoadTravel.parts`."""

_TABLE = "roads"


@dataclass(frozen=True, eq=False)
class RoadTravel:
    """Minutes over streets, and what they rest on; fields as in `travel.TravelTimes`.

    Parameters
    ----------
    minutes
        Minutes from each origin to each destination, shape (n, m); infinite where there is no way.
    method
        How they were measured, in words.
    access
        How each place reaches the streets.
    parts
        Connected parts of the streets.
    findings
        What was joined, what hangs with nothing, and what is too far away.
    """

    minutes: Numbers
    method: str
    access: pd.DataFrame
    parts: pd.DataFrame
    findings: tuple[Finding, ...]


def road_travel(origins: gpd.GeoSeries, destinations: gpd.GeoSeries, streets: Streets, rules: RoadRules) -> RoadTravel:
    """Measure the minutes between places over streets.

    Parameters
    ----------
    origins, destinations
        Points by `place_id`, in the CRS of the streets.
    streets
        The streets.
    rules
        How they are joined, and how places reach them.

    Returns
    -------
    RoadTravel
        The minutes, with what they rest on.

    Raises
    ------
    GeometryError
        When the streets reach no place, or lead from none of several places to another.
    """
    network, joined = build_network(streets, rules)
    start, goal = (network.snap(side.to_numpy(), rules) for side in (origins, destinations))
    _refuse_out_of_reach(start, goal, rules)
    away, arriving = access_minutes(start, rules), access_minutes(goal, rules)
    minutes = away[:, None] + network.minutes(start, goal) + arriving[None, :]
    is_same = is_same_place(origins, destinations)
    minutes[is_same] = 0.0
    access = pd.concat([_access(origins, start, network, rules), _access(destinations, goal, network, rules)])
    access = access.drop_duplicates(ignore_index=True)
    parts = _parts_with_places(network, access)
    _refuse_no_way(minutes, ~is_same, parts)
    return RoadTravel(
        minutes=minutes,
        method=_method_text(streets, access, rules),
        access=access,
        parts=parts,
        findings=(*joined, *_tell_parts(parts), *_tell_far(access, rules)),
    )


def _access(places: gpd.GeoSeries, snapped: Snapped, network: Network, rules: RoadRules) -> pd.DataFrame:
    is_on = snapped.is_on
    rows = np.full(len(places), None, dtype="object")
    rows[is_on] = network.streets.names(snapped.street[is_on])
    return pd.DataFrame(
        {
            "place_id": places.index.to_numpy(),
            "row": pd.array(rows, dtype="str"),
            "access_m": snapped.access_m,
            "access_min": np.where(is_on, access_minutes(snapped, rules), np.nan),
            "part": pd.array(np.where(is_on, network.part[snapped.street], 0), dtype="Int64"),
        }
    ).assign(part=lambda d: d["part"].where(is_on))


def _parts_with_places(network: Network, access: pd.DataFrame) -> pd.DataFrame:
    ids = access.dropna(subset="part").groupby("part")["place_id"].unique()
    parts = network.parts()
    on = [list(ids.get(part, ())) for part in parts["part"]]
    return parts.assign(places=[len(p) for p in on], place_ids=[";".join(p) for p in on])


def _refuse_out_of_reach(start: Snapped, goal: Snapped, rules: RoadRules) -> None:
    for side, name in ((start, "origins"), (goal, "destinations")):
        if not side.is_on.any():
            nearest = float(side.access_m.min())
            raise GeometryError(
                f"The roads reach none of the {name}.",
                where=_TABLE,
                found=f"the nearest is {nearest:,.0f} m from a road"
                if np.isfinite(nearest)
                else "none in the same area",
                expected=f"places within {rules.max_access_m:,.0f} m of a road (`max_access_m`)",
                remedy="Give the roads of this district, and see that both layers state the CRS they are in.",
            )


def _refuse_no_way(minutes: Numbers, is_other: np.ndarray, parts: pd.DataFrame) -> None:
    if is_other.any() and not np.isfinite(minutes[is_other]).any():
        raise GeometryError(
            "The roads lead from no place to another.",
            where=_TABLE,
            found=f"{count_text(len(parts), 'part')} that do not touch, {(parts['places'] > 0).sum():,} with places",
            expected="roads that share a point where they meet",
            remedy="Raise `join_m`, or set `joins_crossings` for a layer that was never split at its junctions.",
        )


def _method_text(streets: Streets, access: pd.DataFrame, rules: RoadRules) -> str:
    return (
        f"The quickest way over {count_text(len(streets), 'street')} ({streets.length_m.sum() / 1000:,.0f} km), and at "
        f"{rules.access_speed_kph:g} km/h between a place and the nearest point of a street "
        f"(on average {access['access_m'].mean():,.0f} m, at most {access['access_m'].max():,.0f} m); no traffic, "
        "no waiting at turns."
    )


def _tell_parts(parts: pd.DataFrame) -> list[Finding]:
    if len(parts) == 1:
        return []
    smaller = parts.iloc[1:]
    ids = [i for joined in smaller["place_ids"] if joined for i in joined.split(";")]
    head = (
        f"The roads fall into {len(parts):,} parts that do not touch: one of {parts['length_km'].iloc[0]:,.1f} km, the "
        f"others of {smaller['length_km'].sum():,.1f} km together, {smaller['length_km'].max():,.1f} km at most"
    )
    tail = (
        f"; {count_text(len(ids), 'place')} on the others ({name_ids(ids)})."
        if ids
        else "; no place lies on the others."
    )
    return tell(
        ids or [f"row {row}" for row in smaller["first_row"]],
        "warning" if ids else "note",
        "road_parts",
        _TABLE,
        head + tail,
        expected="roads that all hang together",
        remedy="Mend the layer where they should touch, raise `join_m`, or set `uses_main_part_only`.",
    )


def _tell_far(access: pd.DataFrame, rules: RoadRules) -> list[Finding]:
    far = access.loc[access["part"].isna(), "place_id"].unique()
    return tell(
        far,
        "warning",
        "place_far_from_roads",
        _TABLE,
        f"{count_text(len(far), 'place')} more than {rules.max_access_m:,.0f} m from every road: out of reach.",
        expected=f"places within {rules.max_access_m:,.0f} m of a road (`max_access_m`)",
        remedy="Give the roads around them, or correct their coordinates.",
    )
