"""The measures of a plan: of its zones, its moves, its travel and its shapes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import ColumnError, InputError, name_ids, with_article
from safeschools_geo.rebalance._neighbors import components, zone_pieces
from safeschools_geo.rebalance._units import natural_order, schools_of_units
from safeschools_geo.schemas import LEVELS
from safeschools_geo.text import format_imbalance, format_load, format_ratio, format_share, millionths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray
    from pyproj import CRS

    from safeschools_geo.rebalance._problem import Rules


# ── Compactness of zones: how far a polygon is from a circle, by two classic measures


def polsby_popper(zones: gpd.GeoDataFrame | gpd.GeoSeries, *, crs: object = None) -> pd.Series:
    """Measure compactness by area and perimeter.

    ``4 π area / perimeter²``. A jagged district boundary lowers it for zones that no one could draw better.

    Polsby, D. D., and Popper, R. D. (1991). The third criterion: compactness as a procedural safeguard against partisan
    gerrymandering. Yale Law & Policy Review 9(2), 301–353.
    """
    shapes = zones.geometry.to_crs(measuring_crs(zones, stated=crs))
    perimeter = shapes.length.where(shapes.area > 0)
    measure: pd.Series = 4 * np.pi * shapes.area / perimeter**2
    return measure.rename("polsby_popper")


def reock(zones: gpd.GeoDataFrame | gpd.GeoSeries, *, crs: object = None) -> pd.Series:
    """Measure compactness by the smallest circle around a zone.

    ``area / area of the minimum bounding circle``. It is blind to a jagged edge and sees only how long a zone is.

    Reock, E. C. (1961). A note: measuring compactness as a requirement of legislative apportionment. Midwest Journal of
    Political Science 5(1), 70–74.
    """
    shapes = zones.geometry.to_crs(measuring_crs(zones, stated=crs))
    radius = pd.Series(shapely.minimum_bounding_radius(shapes.to_numpy()), index=zones.index)
    circle = (np.pi * radius**2).where(shapes.area > 0)
    measure: pd.Series = shapes.area / circle
    return measure.rename("reock")


# ── What each zone of a plan comes to: its load, its pieces, its shape, and what lies in it

_SUMMED = ("schools", "students", "incidents")


def zone_table(
    units: gpd.GeoDataFrame,
    assignment: pd.Series,
    edges: pd.DataFrame,
    *,
    zones: pd.DataFrame | None = None,
    schools: pd.DataFrame | None = None,
    roots: Mapping[str, str] | None = None,
    set_apart: Iterable[str] = (),
    crs: object = None,
) -> pd.DataFrame:
    """Describe every zone of a plan."""
    ids = _zone_ids(units, assignment, zones)
    exact = millionths(pd.Series(units["workload"].to_numpy(), index=assignment.index))
    by_zone = units.set_index("unit_id").groupby(assignment)
    load = by_zone["workload"].sum().reindex(ids, fill_value=0.0)
    exact_load = exact.groupby(assignment).sum().reindex(ids, fill_value=0)
    entered = set(assignment[assignment.to_numpy() != units["zone_id"].to_numpy()])
    is_counted = pd.Series([zone not in set(set_apart) - entered for zone in ids], index=ids)
    shapes = zone_shapes(units, assignment, measuring_crs(units, stated=crs))
    columns = {
        **_given(zones, ids),
        "units": assignment.value_counts().reindex(ids, fill_value=0),
        "workload": load,
        "load_millionths": exact_load,
        "load_shown": exact_load.map(format_load),
        "is_counted": is_counted,
        "share_of_mean": load.where(is_counted) / load[is_counted].mean() if load.sum() > 0 else load * np.nan,
        "pieces": zone_pieces(assignment, edges).reindex(ids, fill_value=0),
        "detached": _detached(assignment, edges, roots or {}).reindex(ids, fill_value=""),
        "polsby_popper": polsby_popper(shapes, crs=shapes.crs).reindex(ids),
        "reock": reock(shapes, crs=shapes.crs).reindex(ids),
        **{c: by_zone[c].sum().reindex(ids, fill_value=0) for c in _SUMMED if c in units.columns},
        **({} if schools is None else _levels(units, assignment, schools, ids)),
    }
    return pd.DataFrame(columns, index=pd.Index(ids, name="zone_id", dtype="str")).reset_index()


def zone_shapes(units: gpd.GeoDataFrame, assignment: pd.Series, crs: CRS) -> gpd.GeoSeries:
    """Join the units of each zone."""
    shapes = units.geometry.to_crs(crs).to_numpy()
    # The fast union leaves lines inside where neighbors do not share their vertices.
    union = shapely.coverage_union_all if shapely.coverage_is_valid(shapes) else shapely.union_all
    label = assignment.to_numpy()
    joined = {zone: union(shapes[label == zone]) for zone in natural_order(label)}
    return gpd.GeoSeries(list(joined.values()), index=pd.Index(joined, name="zone_id", dtype="str"), crs=crs)


def _zone_ids(units: gpd.GeoDataFrame, assignment: pd.Series, zones: pd.DataFrame | None) -> list[str]:
    named = natural_order([*units["zone_id"], *assignment])
    if zones is None:
        return named
    ids = zones["zone_id"].astype("str").tolist()
    unknown = [zone for zone in named if zone not in set(ids)]
    if unknown:
        raise InputError(
            "The plan, or the units, name zones that are not among the zones.",
            where="zones",
            ids=unknown,
            found=", ".join(ids),
            expected="every zone of the units and of the plan",
            remedy="Add the zones, or correct the plan.",
        )
    return ids


def _given(zones: pd.DataFrame | None, ids: list[str]) -> dict[str, pd.Series]:
    if zones is None:
        return {}
    kept = zones.assign(zone_id=ids).set_index("zone_id")
    return {name: kept[name] for name in ("name", "team") if name in kept.columns}


def _detached(assignment: pd.Series, edges: pd.DataFrame, roots: Mapping[str, str]) -> pd.Series:
    zone_a, zone_b = (edges[c].map(assignment) for c in ("unit_a", "unit_b"))
    piece = components(assignment.index, edges[zone_a == zone_b])
    is_root = assignment.index.to_series() == assignment.map({str(zone): unit for zone, unit in roots.items()})
    table = pd.DataFrame({"zone": assignment, "piece": piece, "size": piece.map(piece.value_counts()), "root": is_root})
    # Pieces are numbered in the order of the units: of equal ones, the first is the zone's own.
    ranked = table.sort_values(["root", "size", "piece"], ascending=[False, False, True], kind="stable")
    own = ranked.drop_duplicates("zone").set_index("zone")["piece"]
    apart = assignment[piece != assignment.map(own)]
    return apart.index.to_series().groupby(apart).agg(";".join).astype("str")


def _levels(
    units: gpd.GeoDataFrame, assignment: pd.Series, schools: pd.DataFrame, ids: list[str]
) -> dict[str, pd.Series]:
    zone = schools["school_id"].map(schools_of_units(units)).map(assignment)
    counts = pd.crosstab(zone, schools["level"]).reindex(index=ids, columns=list(LEVELS), fill_value=0)
    return {level: counts[level].astype("int64") for level in LEVELS}


# ── The measures of a plan: what each comes to, how it is shown, and which direction is better

Better = Literal["lower", "higher", ""]
COLUMNS = ["measure", "label", "value", "shown", "unit", "better", "note"]
"""Columns of a table of measures."""

NOT_SCORED = "not scored: "
"""What is shown of a measure without a value, before the reason."""


@dataclass(frozen=True)
class Measure:
    """One measure of a plan."""

    measure: str  # A stable word
    label: str  # The same for a reader
    value: float  # What it comes to; missing where it was not scored
    shown: str  # The value as it is shown, or why there is none
    unit: str = ""  # Unit of the value
    better: Better = "lower"  # Which direction is better; empty where neither is
    note: str = ""  # What else there is to say, such as ids


def not_scored(measure: str, label: str, why: str, *, unit: str = "", better: Better = "lower") -> Measure:
    """Say that a measure was not scored."""
    return Measure(measure, label, np.nan, NOT_SCORED + why, unit, better)


def as_table(measures: Iterable[Measure]) -> pd.DataFrame:
    """Put measures under each other."""
    return pd.DataFrame([asdict(m) for m in measures], columns=COLUMNS).astype({"value": "float64"})


def imbalances(loads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the largest ``|load - mean| / mean`` of each row of loads, 0 where there is no load at all."""
    mean = loads.mean(axis=1)
    worst = np.abs(loads - mean[:, None]).max(axis=1, initial=0.0)
    shares: NDArray[np.float64] = np.divide(worst, mean, out=np.zeros(len(loads)), where=mean > 0)
    return shares


def imbalance_of(loads: pd.Series) -> float:
    """Give the imbalance of the zones that have these loads."""
    return float(imbalances(loads.to_numpy(dtype="float64")[None])[0]) if len(loads) else 0.0


def balance(table: pd.DataFrame) -> list[Measure]:
    """Measure how unequal the zones are."""
    counted_zones = table[table["is_counted"]]
    load, exact = counted_zones["workload"], counted_zones["load_millionths"]
    left_out = table.loc[~table["is_counted"], "zone_id"]
    note = f"without zone {name_ids(left_out)}, which has no school" if len(left_out) else ""
    ratio = load.max() / load.min() if load.min() > 0 else np.inf if load.max() > 0 else np.nan
    variation = float(load.std(ddof=0) / load.mean()) if load.sum() > 0 else 0.0
    of_mean = "share of the mean load"
    return [
        Measure("imbalance", "Imbalance", imbalance_of(load), format_imbalance(exact), of_mean, note=note),
        Measure("max_min_ratio", "Largest load over smallest", float(ratio), format_ratio(exact), "times"),
        Measure("coefficient_of_variation", "Coefficient of variation", variation, f"{variation:.1%}", of_mean),
    ]


def compactness(table: pd.DataFrame, assignment: pd.Series, edges: pd.DataFrame) -> list[Measure]:
    """Measure how round the zones are, and how long the border between them is.

    `edges`: all borders, also those that are no links since a barrier or a person parts the units.
    """
    rows = []
    for name, label in (("polsby_popper", "Polsby–Popper"), ("reock", "Reock")):
        found = table[name]
        worst = table["zone_id"].iloc[int(np.nanargmin(found))] if found.notna().any() else ""
        for word, value in (("mean", found.mean()), ("min", found.min())):
            note = f"least in zone {worst}" if word == "min" else ""
            text = f"{label}, {'mean' if word == 'mean' else 'least compact zone'}"
            rows.append(Measure(f"{name}_{word}", text, float(value), f"{value:.2f}", "1 is a circle", "higher", note))
    if "shared_m" not in edges.columns:
        return [*rows, not_scored("border_km", "Border between zones", "edges without lengths", unit="km")]
    zone_a, zone_b = (edges[c].map(assignment) for c in ("unit_a", "unit_b"))
    km = float(edges.loc[(zone_a != zone_b) & zone_a.notna() & zone_b.notna(), "shared_m"].sum() / 1000)
    return [*rows, Measure("border_km", "Border between zones", km, f"{km:,.1f}", "km")]


def contiguity(table: pd.DataFrame, assignment: pd.Series, edges: pd.DataFrame) -> list[Measure]:
    """Count the zones that do not hang together."""
    torn = table[table["pieces"] > 1]
    notes = [f"zone {z} in {n} pieces" for z, n in zip(torn["zone_id"], torn["pieces"], strict=True)]
    over = _over_links(table, assignment, edges)
    if over:
        notes.append(f"only a link that is no border holds together zone {name_ids(over)}")
    apart = [unit for text in torn["detached"] for unit in text.split(";")]
    empty = table.loc[table["units"] == 0, "zone_id"].tolist()
    return [
        counted("zones_in_pieces", "Zones in pieces", len(torn), "zones", "; ".join(notes)),
        counted("units_detached", "Units away from the rest of their zone", len(apart), "units", name_ids(apart)),
        counted("zones_without_units", "Zones without units", len(empty), "zones", name_ids(empty)),
    ]


def _over_links(table: pd.DataFrame, assignment: pd.Series, edges: pd.DataFrame) -> list[str]:
    if "kind" not in edges.columns or edges["kind"].eq("border").all():
        return []
    by_borders = zone_pieces(assignment, edges[edges["kind"] == "border"])
    pieces = table.set_index("zone_id")["pieces"].reindex(by_borders.index)
    return by_borders.index[by_borders > pieces].tolist()


def counted(measure: str, label: str, value: float, unit: str, note: str = "") -> Measure:
    """Make a measure of a number of things, of which fewer are better."""
    return Measure(measure, label, float(value), f"{value:,.0f}", unit, note=note)


def levels(table: pd.DataFrame) -> Iterator[Measure]:
    """Compare the numbers of schools of each level in the zones."""
    if not set(LEVELS) <= set(table.columns):
        yield not_scored("levels", "Levels per zone", "no schools with levels given", unit="schools")
        return
    for level, label in LEVELS.items():
        low, high = int(table[level].min()), int(table[level].max())
        if high:
            name = f"{label} schools per zone, most less fewest"
            yield Measure(f"{level}_spread", name, float(high - low), f"{high - low} ({low} to {high})", "schools")


def teams(team_table: pd.DataFrame | None) -> list[Measure]:
    """Compare the teams."""
    names = {"team_zones_spread": "Zones per team, most less fewest", "team_imbalance": "Imbalance between teams"}
    if team_table is None:
        return [not_scored(name, label, "zones without teams") for name, label in names.items()]
    low, high = int(team_table["zones"].min()), int(team_table["zones"].max())
    between = imbalance_of(team_table["load_per_zone"].dropna())
    values = [(float(high - low), f"{high - low} ({low} to {high})"), (between, f"{between:.1%}")]
    units = ["zones", "share of the mean load per zone"]
    return [Measure(n, names[n], *v, u) for n, v, u in zip(names, values, units, strict=True)]


# ── The measures of a plan that are not of its zones: what moves, how far it is to travel, what is cut, and coverage

COVERAGE = {"response": "Response", "backup": "Backup", "overflow": "Overflow to patrol"}
"""Measures of coverage, which are passed in where there are any."""


def moves(units: gpd.GeoDataFrame, assignment: pd.Series) -> list[Measure]:
    """Count what changes its zone."""
    is_moved = units["zone_id"].to_numpy() != assignment.to_numpy()
    rows = [counted("units_moved", "Units moved", int(is_moved.sum()), "units", name_ids(assignment.index[is_moved]))]
    for noun in ("schools", "students", "incidents"):
        name, label = f"{noun}_moved", f"{noun.capitalize()} moved"
        if noun not in units.columns:
            rows.append(not_scored(name, label, f"{noun} of units not known", unit=noun))
            continue
        figures = units.loc[is_moved, noun]
        unknown = int(figures.isna().sum())
        if unknown and unknown == len(figures):
            rows.append(not_scored(name, label, f"{noun} of what moves not known", unit=noun))
            continue
        note = f"not known for {unknown:,} of {len(figures):,} that move" if unknown else ""
        rows.append(counted(name, label, float(figures.sum()), noun, note))
    exact = millionths(units["workload"])
    share = float(units.loc[is_moved, "workload"].sum() / units["workload"].sum()) if exact.sum() else 0.0
    shown = format_share(int(exact[is_moved].sum()), int(exact.sum()))
    return [*rows, Measure("workload_moved_share", "Workload moved", share, shown, "share of all workload")]


def travel(units: gpd.GeoDataFrame, assignment: pd.Series, costs: pd.DataFrame, *, unit: str) -> list[Measure]:
    """Add up the travel of a plan."""
    rows = costs.index.get_indexer(assignment.index)
    columns = costs.columns.get_indexer(pd.Index(assignment))
    cost = np.where((rows >= 0) & (columns >= 0), costs.to_numpy(dtype="float64")[rows, columns], np.nan)
    load = units["workload"].to_numpy(dtype="float64")
    labels = {"travel": ("Travel", f"load × {unit}"), "travel_mean": ("Mean travel, by workload", unit)}
    lost = np.isnan(cost) & (load > 0)
    if lost.any():
        why = f"no distance for unit {name_ids(assignment.index[lost])}"
        return [not_scored(name, label, why, unit=u) for name, (label, u) in labels.items()]
    total = float(load @ np.nan_to_num(cost))
    mean = total / load.sum() if load.sum() > 0 else 0.0
    values = {"travel": (total, f"{total:,.1f}"), "travel_mean": (mean, f"{mean:,.2f}")}
    return [Measure(name, label, *values[name], u) for name, (label, u) in labels.items()]


def splits(kind: str, label: str, table: pd.DataFrame | None, why: str) -> Measure:
    """Count the groups that a plan cuts."""
    if table is None:
        return not_scored(f"{kind}_split", f"{label} split", why, unit=kind)
    cut = table[table["is_split"]]
    notes = [f"{n} in zones {z.replace(';', ', ')}" for n, z in zip(cut["name"], cut["zones"], strict=True)]
    lost = [member for members in table["not_placed"] for member in members.split(";") if member]
    if lost:
        notes.append(f"in no unit: {name_ids(lost)}")
    return counted(f"{kind}_split", f"{label} split", len(cut), kind, "; ".join(notes))


def levels_lost(units: gpd.GeoDataFrame, assignment: pd.Series, schools: pd.DataFrame | None) -> Measure:
    """Count the zones that have a level of school today and would have none."""
    name, label = "levels_lost", "Zones that lose their last school of a level"
    if schools is None:
        return not_scored(name, label, "no schools with levels given", unit="zones")
    lost = lost_levels(units, assignment, schools)
    notes = [f"zone {zone}: {LEVELS[level].lower()}" for zone, level in lost]
    return counted(name, label, len(lost), "zones", "; ".join(notes))


def lost_levels(units: gpd.GeoDataFrame, assignment: pd.Series, schools: pd.DataFrame) -> list[tuple[str, str]]:
    """List the zones that have a level of school today and would have none."""
    unit_of = schools["school_id"].map(schools_of_units(units))
    today = units.set_index("unit_id")["zone_id"].astype("str")
    old, new = (
        {(zone, level) for zone, level in zip(unit_of.map(plan), schools["level"], strict=True) if pd.notna(zone)}
        for plan in (today, assignment)
    )
    zones, levels = natural_order(zone for zone, _ in old), list(LEVELS)
    return sorted(old - new, key=lambda pair: (zones.index(pair[0]), levels.index(pair[1])))


def asked(units: gpd.GeoDataFrame, assignment: pd.Series, rules: Rules, table: pd.DataFrame) -> list[Measure]:
    """Count what a plan does not keep of what is asked of zones, and of the students who change officer."""
    rows = list[Measure]()
    zones = [str(zone) for zone in table.loc[table["is_counted"], "zone_id"]]
    for name, ids in rules.one_of_each.items():
        without = [zone for zone in zones if zone not in set(assignment.reindex(list(ids)))]
        key, label = f"zones_without_{name.replace(' ', '_')}", f"Zones without {with_article(name)}, as is asked for"
        rows.append(counted(key, label, len(without), "zones", name_ids(without)))
    if rules.most_students is None:
        return rows
    label = f"Students moved beyond the {rules.most_students:,} who may"
    students = units.loc[units["zone_id"].to_numpy() != assignment.to_numpy(), "students"]
    if "schools" in units:
        students = students.mask(units["schools"].eq(0), 0.0)
    if students.isna().any():
        return [*rows, not_scored("students_beyond", label, "students of what moves not known", unit="students")]
    beyond = max(float(students.sum()) - rules.most_students, 0.0)
    return [*rows, counted("students_beyond", label, beyond, "students")]


def coverage_measures(coverage: pd.DataFrame | None) -> list[Measure]:
    """Take over what is known about coverage."""
    if coverage is None:
        return [not_scored(name, label, "no coverage", better="") for name, label in COVERAGE.items()]
    if not {"measure", "value"} <= set(coverage.columns) or coverage["measure"].duplicated().any():
        raise ColumnError(
            "The measures of coverage cannot be used.",
            where="coverage",
            found=", ".join(map(str, coverage.columns)),
            expected="columns measure and value, each measure once",
            remedy="Give one row for each measure.",
        )
    return [
        Measure(
            str(row["measure"]),
            str(row.get("label", row["measure"])),
            float(row["value"]),
            str(row.get("shown", f"{row['value']:,.2f}")),
            str(row.get("unit", "")),
            row.get("better", ""),
            str(row.get("note", "")),
        )
        for row in coverage.to_dict(orient="records")
    ]
