"""A rebalancing problem as plain arrays: units, zones, loads, neighbors, rules and travel; good plans found quickly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

from safeschools_geo.crs import measuring_crs, require_crs
from safeschools_geo.errors import ColumnError, SettingsError, attempt_all
from safeschools_geo.rebalance._cells import require_columns
from safeschools_geo.rebalance._units import natural_order
from safeschools_geo.solver import Labels, Numbers

# ── Travel of a plan: how far each unit is from where the officer of a zone patrols


def zone_centers(
    units: gpd.GeoDataFrame, roots: Mapping[str, str] | pd.Series | None = None, *, crs: object = None
) -> pd.Series:
    """Choose the unit from which travel in each zone is measured.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, `workload`, geometry with a CRS, and `anchor` where there are any.
    roots
        Zone → the unit that stays put; it is the center of its zone.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.

    Returns
    -------
    pandas.Series
        Named `unit_id`, dtype str, by `zone_id`: the root, or the unit of the current zone with the smallest sum of
        workload × distance to the units of the zone; the first of them if several have it. Where a zone has no
        workload, its units count alike.

    Raises
    ------
    SettingsError
        When a root is no unit.
    """
    given = {str(zone): str(unit) for zone, unit in dict(roots or {}).items()}
    unknown = [unit for unit in given.values() if unit not in set(units["unit_id"])]
    if unknown:
        raise SettingsError(
            "Some zones have a root that is no unit.",
            where="roots",
            ids=unknown,
            expected="ids of units",
            remedy="Correct the roots.",
        )
    xy_km = anchors_km(units, crs=crs)
    ids, load = units["unit_id"].to_numpy(), units["workload"].to_numpy(dtype="float64")
    members = {str(z): np.flatnonzero(units["zone_id"] == z) for z in units["zone_id"].unique()}
    medoids = {z: str(ids[m[_medoid(xy_km[m], load[m])]]) for z, m in members.items() if z not in given}
    centers = {**medoids, **given}
    zones = pd.Index(natural_order(centers), name="zone_id", dtype="str")
    return pd.Series([centers[z] for z in zones], index=zones, name="unit_id", dtype="str")


def travel_km(units: gpd.GeoDataFrame, centers: pd.Series, *, crs: object = None) -> pd.DataFrame:
    """Measure how far each unit is from the center of each zone, in a straight line.

    Parameters
    ----------
    units
        `unit_id`, geometry with a CRS, and `anchor` where there are any.
    centers
        Unit that is the center of each zone, by `zone_id`.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.

    Returns
    -------
    pandas.DataFrame
        Kilometers, float64; a row for each unit (`unit_id`), a column for each zone (`zone_id`).
    """
    xy_km = anchors_km(units, crs=crs)
    ids = pd.Index(units["unit_id"], name="unit_id")
    at = ids.get_indexer(pd.Index(centers))
    columns = pd.Index(centers.index, name="zone_id")
    return pd.DataFrame(cdist(xy_km, xy_km[at]), index=ids, columns=columns)


def anchors_km(units: gpd.GeoDataFrame, *, crs: object = None) -> NDArray[np.float64]:
    """Give the place of each unit that travel is measured from."""
    meters = measuring_crs(units, stated=crs)
    places = units.geometry.to_crs(meters).representative_point()
    if "anchor" in units.columns:
        anchors = gpd.GeoSeries(units["anchor"])
        anchors = (anchors.set_crs(units.crs) if anchors.crs is None else anchors).to_crs(meters)
        points = anchors.to_numpy()
        places = anchors.where(~(shapely.is_missing(points) | shapely.is_empty(points)), places)
    return np.column_stack([places.x, places.y]) / 1000


def _medoid(xy_km: NDArray[np.float64], load: NDArray[np.float64]) -> int:
    weight = load if load.sum() > 0 else np.ones(len(load))
    sums = cdist(xy_km, xy_km) @ weight
    # Sums that differ in the last digits only are equal, and the first unit wins, on every machine.
    return int(np.flatnonzero(sums <= sums.min() * (1 + 1e-12))[0])


# ── A rebalancing problem as plain arrays: units, their zones and loads, who borders whom, and what must hold

Flags: TypeAlias = NDArray[np.bool_]

_SETS_AT_ONCE = 20_000
_SAME_MINUTES = 1e-7


@dataclass(frozen=True, eq=False)
class Response:
    """How long calls wait, with the officer of each zone at the best of the places in it, and how long they may."""

    place_ids: tuple[str, ...]  # Ids of the p places
    place: Labels  # Row of the unit that each place lies in, shape (p,)
    calls: Numbers  # Calls of each unit, shape (n,), not negative
    minutes: Numbers  # Minutes from each place to each unit, times its calls, shape (n, p)
    most: Numbers  # Longest mean of each zone, shape (k,); infinite where there is no call today
    most_in_all: float  # Most minutes of all calls together
    longer_min: float = 0.0  # By how much the means may be longer than today's

    def allowing(self, longer_min: float) -> Response:
        """Let the mean of each zone, and of all calls, be longer than today's by some minutes."""
        more = longer_min - self.longer_min
        in_all = self.most_in_all + more * float(self.calls.sum())
        return replace(self, most=self.most + more, most_in_all=in_all, longer_min=longer_min)

    def of_sets(self, members: NDArray[np.int8]) -> Numbers:
        """Add up the minutes of all calls in each set, shape (m,): 0 without a call, infinite without a place."""
        return self._sums(members)[0]

    def _sums(self, members: NDArray[np.int8]) -> tuple[Numbers, Numbers]:
        """Add up the minutes of all calls in each set, and the calls."""
        minutes, calls = np.zeros(len(members)), np.zeros(len(members))
        for begin in range(0, len(members), _SETS_AT_ONCE):
            some = slice(begin, begin + _SETS_AT_ONCE)
            # Sparse, for a dense product of this size wakes threads that cost more than it does.
            held = csr_array(members[some].astype("float64"))
            calls[some] = held @ self.calls
            from_each = held @ self.minutes
            from_each[members[some][:, self.place] == 0] = np.inf
            minutes[some] = np.where(calls[some] > 0, from_each.min(axis=1, initial=np.inf), 0.0)
        return minutes, calls

    def best_places(self, members: NDArray[np.int8]) -> list[str]:
        """Name the place of the least minutes in each set, the first of several; empty without a place."""
        minutes = np.where(members[:, self.place] > 0, members.astype("float64") @ self.minutes, np.inf)
        has_place = np.asarray(np.isfinite(minutes).any(axis=1))
        return [self.place_ids[at] if has else "" for at, has in zip(minutes.argmin(axis=1), has_place, strict=True)]

    def means(self, members: NDArray[np.int8]) -> Numbers:
        """Give the mean minutes of each set, shape (m,); missing without a call."""
        minutes, calls = self._sums(members)
        means: Numbers = np.divide(minutes, calls, out=np.full(len(members), np.nan), where=calls > 0)
        return means

    def mean_of_all(self, members: NDArray[np.int8]) -> float:
        """Give the mean minutes of all calls; missing without one."""
        calls = float(self.calls.sum())
        return float(self.of_sets(members).sum()) / calls if calls else np.nan

    def is_kept(self, members: NDArray[np.int8], zone: Labels | int) -> Flags:
        """Say which sets, each for a zone, wait no longer than the zone may."""
        return np.asarray(~(self.means(members) > self.limits[zone]))

    @property
    def limits(self) -> Numbers:
        """Longest mean of each zone, up to rounding, shape (k,)."""
        most: Numbers = self.most * (1 + _SAME_MINUTES) + _SAME_MINUTES
        return most

    @property
    def limit(self) -> float:
        """Most minutes of all calls together, up to rounding."""
        return self.most_in_all * (1 + _SAME_MINUTES) + _SAME_MINUTES


NO_ROOT = -1
"""Stands for a zone without a root."""

EXACT = 1e-7
"""Values this near to their bound count as proven, and imbalances this near as equal: of the mean load, or of the value
for travel and borders (assumption A38). Far below what any load is known to."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be rebalanced: n units in k zones."""

    unit_ids: tuple[str, ...]  # Ids of the units, n of them
    zone_ids: tuple[str, ...]  # Ids of the zones, k of them; labels are rows of this
    start: Labels  # Current zone of each unit, shape (n,)
    load: Numbers  # Load of each unit, shape (n,), not negative
    neighbors: tuple[tuple[int, ...], ...]  # Rows of the units that border each unit, sorted
    travel: Numbers  # Travel of each unit in each zone, shape (n, k), load × distance
    allowed: Flags  # Whether a unit may be in a zone, shape (n, k): locks, roots and forbidden pairs
    roots: Labels  # Row of the unit that stays in each zone, `NO_ROOT` where there is none, shape (k,)
    together: tuple[tuple[int, ...], ...]  # Groups of rows that have to be in one zone
    move_size: Numbers  # What moving each unit counts for, shape (n,), positive
    # For every pair of `neighbors`, in their order, the length of the shared border
    border_km: tuple[tuple[float, ...], ...]
    response: Response | None = None  # How long calls may wait; None for no limit
    # What every zone has to have one of → the rows of the units that are or hold one
    one_of_each: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    students: Numbers | None = None  # Students of each unit, shape (n,), where they are limited
    most_students: float = np.inf  # Most students in units that move
    # Name of each group that has one, such as a hotspot kept whole → its rows; all of them are in `together` too
    whole: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many units there are."""
        return len(self.unit_ids)

    @property
    def zones(self) -> int:
        """How many zones there are."""
        return len(self.zone_ids)

    @property
    def share(self) -> Numbers:
        """Load of each unit as a share of the mean load of a zone, shape (n,)."""
        share: Numbers = self.load / (self.load.sum() / self.zones)
        return share

    @property
    def sizes(self) -> Labels:
        """Number of units now in each zone, shape (k,)."""
        return np.bincount(self.start, minlength=self.zones)

    @property
    def can_move_away(self) -> Flags:
        """Whether each zone could lose all its present units, as it has no root among them, shape (k,)."""
        return np.asarray((self.roots == NO_ROOT) | (self.start[self.roots] != np.arange(self.zones)))

    def can_settle(self, max_moves: int) -> Flags:
        """Say which zones could settle elsewhere: a move for each unit, and one into it; shape (k,)."""
        return np.asarray(self.can_move_away & (self.sizes + 1 <= max_moves))

    @property
    def counts_units(self) -> bool:
        """Whether every move counts 1."""
        return bool((self.move_size == 1.0).all())

    @property
    def counts_whole(self) -> bool:
        """Whether every move counts a whole number, 1 or more."""
        return bool((self.move_size >= 1.0).all() and (self.move_size == np.round(self.move_size)).all())

    def loads(self, label: Labels) -> Numbers:
        """Add up the loads of the zones."""
        return np.bincount(label, self.load, minlength=self.zones).astype("float64")

    def imbalance(self, label: Labels) -> float:
        """Measure the largest ``|load - mean| / mean``."""
        return float(np.abs(np.bincount(label, self.share, minlength=self.zones) - 1.0).max())

    def moved(self, label: Labels) -> int:
        """Count the units that change their zone."""
        return int((label != self.start).sum())

    def move_cost(self) -> Numbers:
        """Give what each unit in each zone costs in moves, shape (n, k): 0 in the current zone, else its size."""
        cost = np.repeat(self.move_size[:, None], self.zones, axis=1)
        cost[np.arange(len(self)), self.start] = 0.0
        return cost

    def cost(self, label: Labels, cost: Numbers) -> float:
        """Add up a cost of each unit in each zone, shape (n, k), over a plan."""
        return float(cost[np.arange(len(self)), label].sum())

    def border(self, label: Labels) -> float:
        """Measure the border between zones in kilometers."""
        pairs = ((i, j, km) for i, js in enumerate(self.neighbors) for j, km in zip(js, self.border_km[i], strict=True))
        return float(sum(km for i, j, km in pairs if i < j and label[i] != label[j]))

    def pieces(self, label: Labels, zone: int) -> list[set[int]]:
        """Find the pieces that a zone falls into, that of the root first, else the largest."""
        left = set(np.flatnonzero(label == zone).tolist())
        found = []
        while left:
            piece = reach({min(left)}, left, self.neighbors)
            left -= piece
            found.append(piece)
        return sorted(found, key=lambda piece: (self.roots[zone] not in piece, -len(piece), min(piece)))

    def is_contiguous(self, label: Labels) -> bool:
        """Say whether every zone has units and hangs together."""
        return all(len(self.pieces(label, zone)) == 1 for zone in range(self.zones))

    def is_plan(self, label: Labels) -> bool:
        """Say whether a labelling is a plan: contiguous, and every rule kept."""
        kept = all(len({int(label[i]) for i in group}) == 1 for group in self.together)
        is_kept = kept and bool(self.allowed[np.arange(len(self)), label].all()) and self.is_contiguous(label)
        has_each = all(len({int(label[i]) for i in rows}) == self.zones for rows in self.one_of_each.values())
        return is_kept and has_each and self.students_moved(label) <= self.most_students and self.is_no_slower(label)

    @property
    def has_few_students(self) -> Flags:
        """Whether each unit has no more students than may move in all, shape (n,)."""
        return np.ones(len(self), dtype=bool) if self.students is None else self.students <= self.most_students

    def students_moved(self, label: Labels) -> float:
        """Count the students of the units that change their zone, where they are limited."""
        return 0.0 if self.students is None else float(self.students[label != self.start].sum())

    def members(self, label: Labels) -> NDArray[np.int8]:
        """Say which units each zone holds, shape (k, n), 0 or 1."""
        return np.asarray(label == np.arange(self.zones)[:, None], dtype=np.int8)

    def is_no_slower(self, label: Labels) -> bool:
        """Say whether every zone, and all together, wait no longer than they may."""
        if self.response is None:
            return True
        held = self.members(label)
        is_kept = self.response.is_kept(held, np.arange(self.zones)).all()
        return bool(is_kept and self.response.of_sets(held).sum() <= self.response.limit * (1 + _SAME_MINUTES))


def reach(seeds: set[int], inside: set[int], neighbors: tuple[tuple[int, ...], ...]) -> set[int]:
    """Find all that hangs on to some units."""
    seen, stack = set(seeds), list(seeds)
    while stack:
        for other in neighbors[stack.pop()]:
            if other in inside and other not in seen:
                seen.add(other)
                stack.append(other)
    return seen


# ── From tables to a problem: units and edges as arrays, with everything checked that a plan would rest on

_NAMED = ("one_of_each", "whole")
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
    one_of_each
        What every zone has to have one of, such as ``high school`` → the units that are or hold one.
    most_students
        Most students in the units that move; None for no limit.
    whole
        Name of a group, such as ``hotspot 1`` → its units, which are in one zone.
    barriers
        What parts some of the pairs that are apart (`part_by_barriers`).
    """

    roots: Mapping[str, str] | None = None
    locked: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    moves_in: str = "units"
    apart: tuple[tuple[str, str], ...] = ()
    one_of_each: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    most_students: int | None = None
    whole: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    barriers: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take ids as text, from whatever sequences they come in."""
        roots = None if self.roots is None else {str(z): str(u) for z, u in self.roots.items()}
        object.__setattr__(self, "roots", roots)
        object.__setattr__(self, "locked", tuple(map(str, self.locked)))
        for name in ("together", "forbidden", "apart"):
            groups = tuple(tuple(map(str, group)) for group in getattr(self, name))
            object.__setattr__(self, name, groups)
        for name in ("one_of_each", "whole"):
            named = {str(key): tuple(map(str, ids)) for key, ids in getattr(self, name).items()}
            object.__setattr__(self, name, named)


def problem_of(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    *,
    rules: Rules | None = None,
    travel: pd.DataFrame | None = None,
    crs: object = None,
) -> Problem:
    """Turn units and edges into a problem, zones in their natural order.

    Travel is the distance of each unit (rows) from the center of each zone (columns), in any unit; straight kilometers
    to `zone_centers` by default.
    """
    rules = rules or Rules()
    require_units(units)
    ids = [str(i) for i in units["unit_id"]]
    zones = natural_order(set(units["zone_id"].astype("str")))
    _require_rules(rules, ids, zones)
    index, zone_index = {u: i for i, u in enumerate(ids)}, {z: i for i, z in enumerate(zones)}
    start = np.array([zone_index[str(z)] for z in units["zone_id"]], dtype="int64")
    neighbors, border_km = _neighbors(edges, index)
    load = units["workload"].to_numpy(dtype="float64")
    ruled = _ruled(rules, start, index, zone_index)
    is_limited = rules.most_students is not None
    if travel is None:
        named = units.assign(unit_id=ids, zone_id=[zones[z] for z in start])
        travel = travel_km(named, zone_centers(named, rules.roots, crs=crs), crs=crs)
    return Problem(
        unit_ids=tuple(ids),
        zone_ids=tuple(zones),
        start=start,
        load=load,
        neighbors=neighbors,
        travel=_distances(travel, ids, zones) * load[:, None],
        move_size=_move_size(units, rules.moves_in),
        border_km=border_km,
        students=_students(units, _can_move(ruled["allowed"], start)) if is_limited else None,
        most_students=np.inf if rules.most_students is None else float(rules.most_students),
        **ruled,
    )


def with_rules(problem: Problem, rules: Rules) -> Problem:
    """Put other rules in place of those of a problem, of the same units and zones; a limit on students can go only."""
    index, zone_index = ({name: i for i, name in enumerate(ids)} for ids in (problem.unit_ids, problem.zone_ids))
    ruled = replace(problem, **_ruled(rules, problem.start, index, zone_index))
    return ruled if rules.most_students is not None else replace(ruled, students=None, most_students=np.inf)


def _ruled(rules: Rules, start: Labels, index: dict[str, int], zone_index: dict[str, int]) -> dict[str, Any]:
    roots = np.full(len(zone_index), NO_ROOT, dtype="int64")
    for zone, unit in (rules.roots or {}).items():
        roots[zone_index[zone]] = index[unit]
    groups = (*rules.together, *rules.whole.values())
    one_of_each, whole = (
        {name: tuple(sorted({index[u] for u in ids})) for name, ids in named.items()}
        for named in (rules.one_of_each, rules.whole)
    )
    return {
        "allowed": _allowed(rules, start, roots, index, zone_index),
        "roots": roots,
        "together": tuple(tuple(sorted({index[u] for u in group})) for group in groups if len(set(group)) > 1),
        "one_of_each": one_of_each,
        "whole": whole,
    }


def _can_move(allowed: Flags, start: Labels) -> Flags:
    return np.asarray(allowed.sum(axis=1) > allowed[np.arange(len(start)), start])


RESPONSE_COLUMNS = ("unit_id", "calls", "place_id", "place_unit_id", "minutes")
"""Columns of a table of response: a row for each unit and each place."""


def response_of(table: pd.DataFrame, problem: Problem, *, known: Iterable[str]) -> Response:
    """Turn a table of response into the limits that today's zones set, each officer at the best place of his zone."""
    require_columns(table, list(RESPONSE_COLUMNS), "response")
    names = {c: table[c].astype("str") for c in ("unit_id", "place_id", "place_unit_id")}
    rows = table.assign(**names, **{c: pd.to_numeric(table[c], errors="coerce") for c in ("calls", "minutes")})
    ids, every = list(problem.unit_ids), set(map(str, known))
    strange = rows[~rows["unit_id"].isin(every) | ~rows["place_unit_id"].isin(every)]
    if len(strange):
        raise ColumnError(
            "Some rows of the table of response name units that there are not.",
            where="response",
            ids=sorted({*strange["unit_id"], *strange["place_unit_id"]} - every),
            expected="ids of units",
            remedy="Correct the ids, or leave these rows out.",
        )
    rows = rows[rows["unit_id"].isin(ids) & rows["place_unit_id"].isin(ids)]
    unit_of = rows.drop_duplicates("place_id").set_index("place_id")["place_unit_id"]
    wide = rows.pivot_table(index="unit_id", columns="place_id", values="minutes", aggfunc="first")
    minutes = wide.reindex(index=ids, columns=unit_of.index).to_numpy(dtype="float64")
    calls = rows.groupby("unit_id")["calls"].agg(["min", "max"]).reindex(ids)
    repeated = rows[rows.duplicated(["unit_id", "place_id"], keep=False)]["unit_id"]
    moved = rows[rows["place_unit_id"] != rows["place_id"].map(unit_of)]["unit_id"]
    faulty = ~(np.isfinite(minutes) & (minutes >= 0)).all(axis=1)
    faulty |= ~((calls["min"] >= 0) & (calls["min"] == calls["max"])).to_numpy() | np.isin(ids, [*repeated, *moved])
    if faulty.any() or not len(unit_of):
        raise ColumnError(
            "The table of response cannot be used.",
            where="response",
            ids=[unit for unit, is_bad in zip(ids, faulty, strict=True) if is_bad],
            expected="for each unit one row for each place, minutes and calls of 0 or more, the same calls in each of "
            "its rows, and each place in one unit",
            remedy="Fill in or correct the rows of these units.",
        )
    number = calls["min"].to_numpy(dtype="float64")
    place = pd.Index(ids).get_indexer(pd.Index(unit_of)).astype("int64")
    free = Response(
        tuple(unit_of.index), place, number, minutes * number[:, None], np.full(problem.zones, np.inf), np.inf
    )
    held = problem.members(problem.start)
    in_all = free.of_sets(held)
    if np.isinf(in_all).any():
        raise ColumnError(
            "Some zones have calls, and no place where their officer could wait.",
            where="response",
            ids=[problem.zone_ids[z] for z in np.flatnonzero(np.isinf(in_all))],
            expected="a place in a unit of each zone",
            remedy="Add a place to the table, with its minutes to every unit.",
        )
    means = free.means(held)
    return replace(free, most=np.where(np.isnan(means), np.inf, means), most_in_all=float(in_all.sum()))


def with_response(
    problem: Problem,
    units: gpd.GeoDataFrame,
    table: pd.DataFrame | None,
    *,
    no_slower: bool,
    longer_min: float = 0.0,
    objectives: Sequence[str] = (),
) -> tuple[Problem, Response | None]:
    """Take up how long calls wait, as a limit where nobody may wait longer; and to measure plans by."""
    if not (0 <= longer_min < np.inf and (no_slower or longer_min == 0)):
        raise SettingsError(
            "It is not clear how much longer anybody may wait.",
            where="longer_min",
            found=f"longer_min {longer_min}, no_slower {no_slower}",
            expected="minutes of 0 or more, with no_slower",
            remedy="Pass no_slower too, or leave longer_min out.",
        )
    if table is None and no_slower:
        raise SettingsError(
            "It is not known how long anybody waits, so no plan can be held to it.",
            where="no_slower",
            found="no table of response",
            expected=f"response with {', '.join(RESPONSE_COLUMNS)}",
            remedy="Pass response, or leave no_slower out.",
        )
    if no_slower and set(objectives) & {"boundary"}:
        raise SettingsError(
            "The border between zones cannot be made small among plans in which nobody waits longer.",
            where="objectives",
            found=", ".join(objectives),
            expected="of moves, imbalance, evenness and travel",
            remedy="Leave boundary or no_slower out.",
        )
    if table is None:
        return problem, None
    response = response_of(table, problem, known=units["unit_id"])
    return (replace(problem, response=response.allowing(longer_min)) if no_slower else problem), response


def that_count(
    units: gpd.GeoDataFrame, edges: pd.DataFrame, rules: Rules, set_apart: Iterable[str]
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, Rules]:
    """Leave out zones that are set apart, with their units and all that is about them."""
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
        one_of_each={name: tuple(u for u in few if u not in gone) for name, few in rules.one_of_each.items()},
        whole={name: tuple(u for u in group if u not in gone) for name, group in rules.whole.items()},
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
    """Refuse units that no plan could rest on."""
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
        raise ColumnError(what, where="units", ids=ids[is_faulty], expected=expected, remedy="Fix these rows.")


def _require_rules(rules: Rules, ids: list[str], zones: list[str]) -> None:
    known, known_zones = set(ids), set(zones)
    named = [*rules.locked, *(u for group in rules.together for u in group), *(u for u, _ in rules.forbidden)]
    named += (rules.roots or {}).values()
    named += [u for ids in (*rules.one_of_each.values(), *rules.whole.values()) for u in ids]
    strange = sorted({u for u in named if u not in known})
    strange_zones = sorted({*(rules.roots or {}), *(z for _, z in rules.forbidden)} - known_zones)
    if strange:
        raise SettingsError(
            "Some rules name units that there are not.",
            where=", ".join(["locked, together, forbidden, roots", *(k for k in _NAMED if getattr(rules, k))]),
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


def _neighbors(
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
    neighbors = tuple(tuple(sorted(near)) for near in found)
    return neighbors, tuple(tuple(near[j] for j in sorted(near)) for near in found)


def _allowed(rules: Rules, start: Labels, roots: Labels, index: dict[str, int], zone_index: dict[str, int]) -> Flags:
    allowed = np.ones((len(start), len(roots)), dtype=bool)
    for unit in rules.locked:
        allowed[index[unit]] = np.arange(len(roots)) == start[index[unit]]
    for zone, unit in enumerate(roots):
        if unit != NO_ROOT:
            allowed[unit] &= np.arange(len(roots)) == zone
    for name, place in rules.forbidden:
        allowed[index[name], zone_index[place]] = False
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


def _students(units: gpd.GeoDataFrame, can_move: Flags) -> Numbers:
    """Take the students of units; where they are not known, and the unit can move, no limit could be kept."""
    given = units["students"] if "students" in units else pd.Series(np.nan, index=units.index)
    students = pd.to_numeric(given, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    if "schools" in units:
        # An area without a school has no students.
        students = np.where(units["schools"].to_numpy() == 0, 0.0, students)
    is_faulty = can_move & ~(students >= 0)
    if is_faulty.any():
        raise ColumnError(
            "The number of students who change officer cannot be limited: it is not known how many some units have.",
            where="units",
            ids=units["unit_id"][is_faulty],
            found=f"{int(is_faulty.sum())} of {len(units)} that may move",
            expected="the enrollment of every school that may move",
            remedy="Fill in their enrollment, lock them, or leave most_students_moved out.",
        )
    return np.where(students >= 0, students, 0.0)


# ── Good plans of few moves, found quickly: a beam search that keeps the most even plans of each number of moves

_ROUNDING = 1e-9
_CHECKS = 40_000
"""Unit checks a level may take: with many units fewer plans are kept."""


@dataclass(frozen=True, eq=False)
class _FewMovesState:
    label: Labels
    loads: Numbers
    extra_pieces: int


def plans_of_few_moves(
    problem: Problem, *, max_moves: int, tolerance: float = 0.0, width: int | None = None
) -> list[Labels]:
    """Search for even plans of 0, 1, 2, … moves.

    Plans found, shape (n,) each: for each number of moves the one of smallest imbalance, where there is one that
    keeps every rule. None of them is proven to be the best.

    Each step moves one unit, or one group that has to keep together, to a zone it borders. States are ranked by the
    sum of squared deviations of the loads, which looks further ahead than the largest deviation does.
    """
    width = width or max(20, min(200, _CHECKS // max(1, len(problem))))
    steps = _Steps(problem)
    states = [_FewMovesState(problem.start, problem.loads(problem.start), _extra_pieces(problem, problem.start))]
    found: list[Labels] = [problem.start] if problem.is_plan(problem.start) else []
    for _ in range(max_moves):
        states = _next_states(problem, states, steps, max_moves, width)
        whole = sorted((s.label for s in states if s.extra_pieces == 0), key=problem.imbalance)
        plan = next(filter(problem.is_plan, whole), None)
        found += [] if plan is None else [plan]
        if not states or (plan is not None and problem.imbalance(plan) <= tolerance):
            break
    return found


def _extra_pieces(problem: Problem, label: Labels) -> int:
    return sum(max(0, len(problem.pieces(label, zone)) - 1) for zone in range(problem.zones))


class _Steps:
    """What may move in one step: each unit, or group that has to keep together, to the zones it borders."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        together = {unit: group for group in problem.together for unit in group}
        self.groups = sorted({together.get(unit, (unit,)) for unit in range(len(problem))})
        of_group = {group: row for row, group in enumerate(self.groups)}
        group = np.array([of_group[together.get(unit, (unit,))] for unit in range(len(problem))])
        pairs = [(unit, other) for unit, others in enumerate(problem.neighbors) for other in others]
        self._unit, self._other = np.array(pairs, dtype="int64").reshape(-1, 2).T
        self._group = group[self._unit]
        self._first = np.array([units[0] for units in self.groups])
        self._share = np.array([problem.share[list(units)].sum() for units in self.groups])
        self._allowed = np.array([problem.allowed[list(units)].all(axis=0) for units in self.groups])
        if (response := problem.response) is not None:
            holds = np.array([np.isin(range(len(problem)), units) for units in self.groups], dtype="float64")
            self._response = holds @ response.minutes, holds @ response.calls, holds[:, response.place]

    def from_plan(self, label: Labels, share: Numbers) -> tuple[Labels, Labels, Numbers]:
        """List the groups that may move to a zone, these zones, and the sum of squares of the loads after that."""
        is_near = label[self._other] != label[self._unit]
        is_near &= label[self._unit] == self._problem.start[self._unit]
        can = np.zeros(self._allowed.shape, dtype=bool)
        can[self._group[is_near], label[self._other[is_near]]] = True
        group, zone = np.nonzero(can & self._allowed)
        if self._problem.response is not None:
            is_kept = self._is_no_slower(self._problem.response, label, group, zone)
            group, zone = group[is_kept], zone[is_kept]
        origin, moved = label[self._first[group]], self._share[group]
        beyond = share - 1.0
        change = (beyond[origin] - moved) ** 2 - beyond[origin] ** 2
        change += (beyond[zone] + moved) ** 2 - beyond[zone] ** 2
        return group, zone, np.round((beyond**2).sum() + change, 9)

    def _is_no_slower(self, response: Response, label: Labels, group: Labels, zone: Labels) -> Flags:
        """Say after which moves the zones that change, and all calls together, wait no longer than they may."""
        held = self._problem.members(label)
        minutes, calls, has = held.astype("float64") @ response.minutes, held @ response.calls, held[:, response.place]
        now = np.where(calls > 0, np.where(has == 1, minutes, np.inf).min(axis=1, initial=np.inf), 0.0)
        total = np.repeat(now.sum(), len(group))
        is_kept = np.ones(len(group), dtype=bool)
        of_group, of_calls, has_group = (facts[group] for facts in self._response)
        for of_zone, sign in ((label[self._first[group]], -1.0), (zone, 1.0)):
            number = calls[of_zone] + sign * of_calls
            from_each = np.where(has[of_zone] + sign * has_group > 0, minutes[of_zone] + sign * of_group, np.inf)
            least = np.where(number > _ROUNDING, from_each.min(axis=1, initial=np.inf), 0.0)
            is_kept &= (least <= _ROUNDING) | (least <= response.limits[of_zone] * number)
            total += least - now[of_zone]
        return np.asarray(is_kept & (total <= response.limit))


def _next_states(
    problem: Problem, states: list[_FewMovesState], steps: _Steps, max_moves: int, width: int
) -> list[_FewMovesState]:
    mean = problem.load.sum() / problem.zones
    found = [steps.from_plan(state.label, state.loads / mean) for state in states]
    at = np.repeat(np.arange(len(states)), [len(group) for group, _, _ in found])
    group, zone, uneven = (np.concatenate(part) for part in zip(*found, strict=True))
    pieces = np.array([state.extra_pieces for state in states])
    chosen: list[_FewMovesState] = []
    seen: set[bytes] = set()
    for row in np.lexsort((zone, group, at, uneven, pieces[at])).tolist():
        made = _moved(problem, states[at[row]], steps.groups[group[row]], int(zone[row]))
        if made is None or made.label.tobytes() in seen or problem.moved(made.label) > max_moves:
            continue
        if problem.students_moved(made.label) > problem.most_students:
            continue
        seen.add(made.label.tobytes())
        chosen.append(made)
        if len(chosen) >= width:
            break
    return sorted(chosen, key=lambda s: s.extra_pieces)


def _moved(problem: Problem, state: _FewMovesState, group: tuple[int, ...], zone: int) -> _FewMovesState | None:
    label = state.label.copy()
    origins = {int(label[i]) for i in group}
    label[list(group)] = zone
    if len(group) == 1 and state.extra_pieces == 0:
        return _moved_alone(problem, state, label, group[0], zone)
    extra = _extra_pieces(problem, label)
    if extra > state.extra_pieces or any(not (label == origin).any() for origin in origins):
        return None
    return _FewMovesState(label, problem.loads(label), extra)


def _moved_alone(problem: Problem, state: _FewMovesState, label: Labels, unit: int, zone: int) -> _FewMovesState | None:
    """Move one unit of a contiguous plan: only the zone it leaves could fall apart."""
    origin = int(state.label[unit])
    left = [j for j in problem.neighbors[unit] if label[j] == origin]
    if not left:
        return None
    if len(left) > 1:
        inside = set(np.flatnonzero(label == origin).tolist())
        if not set(left) <= reach({left[0]}, inside, problem.neighbors):
            return None
    loads = state.loads.copy()
    loads[origin] -= problem.load[unit]
    loads[zone] += problem.load[unit]
    return _FewMovesState(label, loads, 0)
