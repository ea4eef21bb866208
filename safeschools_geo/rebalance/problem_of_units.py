"""From tables to a problem: units and edges as arrays, with everything checked that a plan would rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.crs import require_crs
from safeschools_geo.errors import ColumnError, SettingsError, attempt_all
from safeschools_geo.rebalance.ground.unit_tables import natural_order
from safeschools_geo.rebalance.problem import NO_ROOT, Problem
from safeschools_geo.rebalance.travel import travel_km, zone_centres

if TYPE_CHECKING:
    import geopandas as gpd

    from safeschools_geo.rebalance.problem import Flags, Labels, Numbers

MOVES_IN = {"units": None, "schools": "schools", "students": "students", "workload": "workload"}
"""What moves may be counted in → the column of the units."""


@dataclass(frozen=True)
class Rules:
    """What a plan has to keep.

    Parameters
    ----------
    roots
        Zone → unit that stays in it.
    locked
        Units that keep their zone.
    together
        Groups of units that are in one zone.
    forbidden
        Pairs of a unit and a zone it must not be in.
    moves_in
        What moves are counted in: ``units``, ``schools``, ``students`` or ``workload``.
    apart
        Pairs of units that are no neighbors though they share a border, as a person said.
    """

    roots: Mapping[str, str] | None = None
    locked: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    moves_in: str = "units"
    apart: tuple[tuple[str, str], ...] = ()


def problem_of(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    *,
    rules: Rules | None = None,
    travel: pd.DataFrame | None = None,
    crs: object = None,
) -> Problem:
    """Turn units and edges into a problem.

    Parameters
    ----------
    units
        `unit_id`, `zone_id`, `workload` (not negative, not all 0), and geometry; `schools` or `students` where moves
        are counted in them.
    edges
        `unit_a`, `unit_b`, and `shared_m` where there is one.
    rules
        What a plan has to keep.
    travel
        Distance of each unit (rows, by `unit_id`) from the centre of each zone (columns, by `zone_id`), in any unit;
        straight kilometres to `travel.zone_centres` by default.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    Problem
        The problem; zones in their natural order.

    Raises
    ------
    ColumnError, CRSError, SeveralFaultsError
        When a column or the CRS is missing, ids are missing or repeat, or workloads are not numbers of 0 or more.
    SettingsError
        When a rule names a unit or a zone that there is not, or moves are counted in something unknown.
    """
    rules = rules or Rules()
    require_units(units)
    ids = [str(i) for i in units["unit_id"]]
    zones = natural_order(set(units["zone_id"].astype("str")))
    _require_rules(rules, ids, zones)
    index, zone_index = {u: i for i, u in enumerate(ids)}, {z: i for i, z in enumerate(zones)}
    start = np.array([zone_index[str(z)] for z in units["zone_id"]], dtype="int64")
    neighbours, border_km = _neighbours(edges, index)
    load = units["workload"].to_numpy(dtype="float64")
    roots = np.full(len(zones), NO_ROOT, dtype="int64")
    for zone, unit in (rules.roots or {}).items():
        roots[zone_index[str(zone)]] = index[str(unit)]
    if travel is None:
        named = units.assign(unit_id=ids, zone_id=[zones[z] for z in start])
        travel = travel_km(named, zone_centres(named, rules.roots, crs=crs), crs=crs)
    return Problem(
        unit_ids=tuple(ids),
        zone_ids=tuple(zones),
        start=start,
        load=load,
        neighbours=neighbours,
        travel=_distances(travel, ids, zones) * load[:, None],
        allowed=_allowed(rules, start, roots, index, zone_index),
        roots=roots,
        together=tuple(tuple(sorted({index[u] for u in group})) for group in rules.together if len(set(group)) > 1),
        move_size=_move_size(units, rules.moves_in),
        border_km=border_km,
    )


def that_count(
    units: gpd.GeoDataFrame, edges: pd.DataFrame, rules: Rules, set_apart: Iterable[str]
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, Rules]:
    """Leave out zones that are set apart, with their units and all that is about them.

    Parameters
    ----------
    units, edges, rules
        As for `problem_of`.
    set_apart
        Zones that stay as they are and do not count for the balance.

    Returns
    -------
    tuple
        Units, edges and rules without them.
    """
    zones = set(map(str, set_apart))
    if not zones:
        return units, edges, rules
    is_apart = units["zone_id"].astype("str").isin(zones)
    gone = set(units.loc[is_apart, "unit_id"].astype("str"))
    is_of_them = edges["unit_a"].astype("str").isin(gone) | edges["unit_b"].astype("str").isin(gone)
    kept = replace(
        rules,
        roots={z: u for z, u in (rules.roots or {}).items() if z not in zones} or None,
        locked=tuple(u for u in rules.locked if u not in gone),
        together=tuple(tuple(u for u in group if u not in gone) for group in rules.together),
        forbidden=tuple((u, z) for u, z in rules.forbidden if u not in gone and z not in zones),
    )
    return units[~is_apart], edges[~is_of_them], kept


def _distances(travel: pd.DataFrame, ids: list[str], zones: list[str]) -> Numbers:
    """Take the distances of the units in their order, and see to it that none is missing."""
    named = travel.set_axis(travel.index.astype("str"), axis=0).set_axis(travel.columns.astype("str"), axis=1)
    known = named.apply(pd.to_numeric, errors="coerce").groupby(level=0).first().reindex(index=ids, columns=zones)
    distances: Numbers = known.to_numpy(dtype="float64")
    is_bad = ~np.isfinite(distances) | (distances < 0)
    if is_bad.any():
        raise ColumnError(
            "Some distances between units and zones are missing or below 0.",
            where="travel",
            ids=[ids[row] for row in np.flatnonzero(is_bad.any(axis=1))],
            found=f"{int(is_bad.sum())} of {is_bad.size}",
            expected=f"a row for each unit, a column for each zone ({', '.join(zones)}), and distances of 0 or more",
            remedy="Fill them in, or leave the table out to measure straight distances.",
        )
    return distances


def require_units(units: gpd.GeoDataFrame) -> None:
    """Refuse units that no plan could rest on.

    Parameters
    ----------
    units
        As for `problem_of`.

    Raises
    ------
    ColumnError, CRSError, SeveralFaultsError
        When a column or the CRS is missing, ids are missing or repeat, or workloads are not numbers of 0 or more.
    """
    require_crs(units, "units")
    missing = [c for c in ("unit_id", "zone_id", "workload") if c not in units.columns]
    if missing:
        raise ColumnError(
            "The units lack columns.",
            where="units",
            found=", ".join(map(str, units.columns)),
            expected=", ".join(missing),
            remedy="Rename the columns that hold these.",
        )
    ids, load = units["unit_id"], pd.to_numeric(units["workload"], errors="coerce")
    repeats = ids.isna() | ids.astype("str").duplicated(keep=False)
    bad = load.isna() | (load < 0) | ~np.isfinite(load)
    attempt_all(
        {
            "ids": lambda: _refuse(
                repeats, ids, "Some units have no id, or one that another has too.", "one row a unit"
            ),
            "zones": lambda: _refuse(units["zone_id"].isna(), ids, "Some units are in no zone.", "a zone for each"),
            "loads": lambda: _refuse(
                bad, ids, "Some workloads are not numbers of 0 or more.", "officer-hours, or any load"
            ),
        }
    )
    if len(units) == 0 or load.sum() <= 0:
        raise ColumnError(
            "There is no workload to balance.",
            where="units",
            found=f"{len(units)} units, all of workload 0" if len(units) else "no units",
            expected="a workload above 0 for some unit",
            remedy="Look at which term and which schools the settings keep.",
        )


def _refuse(is_faulty: pd.Series, ids: pd.Series, what: str, expected: str) -> None:
    if is_faulty.any():
        raise ColumnError(what, where="units", ids=ids[is_faulty], expected=expected, remedy="Mend these rows.")


def _require_rules(rules: Rules, ids: list[str], zones: list[str]) -> None:
    known, known_zones = set(ids), set(zones)
    named = [*rules.locked, *(u for group in rules.together for u in group), *(u for u, _ in rules.forbidden)]
    named += [str(u) for u in (rules.roots or {}).values()]
    strange = sorted({u for u in named if u not in known})
    strange_zones = sorted({str(z) for z in [*(rules.roots or {}), *(z for _, z in rules.forbidden)]} - known_zones)
    if strange:
        raise SettingsError(
            "Some rules name units that there are not.",
            where="locked, together, forbidden, roots",
            ids=strange,
            expected="ids of units",
            remedy="Correct the ids; a unit of several schools has the id of the first.",
        )
    if strange_zones:
        raise SettingsError(
            "Some rules name zones that there are not.",
            where="roots, forbidden",
            ids=strange_zones,
            expected=", ".join(zones),
            remedy="Correct the ids.",
        )
    if rules.moves_in not in MOVES_IN:
        raise SettingsError(
            "Moves cannot be counted in this.",
            found=rules.moves_in,
            expected=", ".join(MOVES_IN),
            remedy="Name one of these.",
        )


def _neighbours(
    edges: pd.DataFrame, index: dict[str, int]
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[float, ...], ...]]:
    pairs = list(zip(edges["unit_a"].astype("str"), edges["unit_b"].astype("str"), strict=True))
    strange = sorted({u for pair in pairs for u in pair if u not in index})
    if strange:
        raise ColumnError(
            "Some edges name units that there are not.",
            where="adjacency",
            ids=strange,
            expected="ids of units",
            remedy="Correct the ids, or leave these rows out.",
        )
    given = edges["shared_m"].fillna(0.0) if "shared_m" in edges else pd.Series(0.0, index=edges.index)
    shared = (given / 1000).tolist()
    found: list[dict[int, float]] = [{} for _ in index]
    for (a, b), km in zip(pairs, shared, strict=True):
        if a != b:
            found[index[a]][index[b]] = found[index[b]][index[a]] = float(km)
    neighbours = tuple(tuple(sorted(near)) for near in found)
    return neighbours, tuple(tuple(near[j] for j in sorted(near)) for near in found)


def _allowed(rules: Rules, start: Labels, roots: Labels, index: dict[str, int], zone_index: dict[str, int]) -> Flags:
    allowed = np.ones((len(start), len(roots)), dtype=bool)
    for unit in rules.locked:
        allowed[index[unit]] = np.arange(len(roots)) == start[index[unit]]
    for zone, unit in enumerate(roots):
        if unit != NO_ROOT:
            allowed[unit] &= np.arange(len(roots)) == zone
    for name, place in rules.forbidden:
        allowed[index[name], zone_index[str(place)]] = False
    return allowed


def _move_size(units: gpd.GeoDataFrame, moves_in: str) -> Numbers:
    column = MOVES_IN[moves_in]
    if column is None:
        return np.ones(len(units))
    if column not in units.columns or units[column].isna().any():
        raise ColumnError(
            f"Moves cannot be counted in {moves_in}: it is not known for every unit.",
            where="units",
            expected=f"a column {column} without gaps",
            remedy="Count moves in units, or fill the gaps.",
        )
    sizes: Numbers = units[column].to_numpy(dtype="float64")
    return sizes


def rules_of(
    *,
    roots: Mapping[str, str] | None,
    locked: Iterable[str],
    together: Iterable[Iterable[str]],
    forbidden: Iterable[tuple[str, str]],
    moves_in: str = "units",
    apart: Iterable[tuple[str, str]] = (),
) -> Rules:
    """Gather rules from whatever sequences they come in.

    Parameters
    ----------
    roots
        Zone → unit that stays in it.
    locked
        Units that keep their zone.
    together
        Groups of units that are in one zone.
    forbidden
        Pairs of a unit and a zone it must not be in.
    moves_in
        What moves are counted in.
    apart
        Pairs of units that are no neighbors though they share a border.

    Returns
    -------
    Rules
        The rules, all as text.
    """
    return Rules(
        roots=None if roots is None else {str(z): str(u) for z, u in roots.items()},
        locked=tuple(str(u) for u in locked),
        together=tuple(tuple(str(u) for u in group) for group in together),
        forbidden=tuple((str(u), str(z)) for u, z in forbidden),
        moves_in=moves_in,
        apart=tuple((str(a), str(b)) for a, b in apart),
    )
