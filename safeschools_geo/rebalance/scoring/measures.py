"""The measures of a plan: what each comes to, how it is shown, and which direction is better."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from safeschools_geo.errors import name_ids
from safeschools_geo.rebalance.contiguity import zone_pieces
from safeschools_geo.schemas import LEVELS
from safeschools_geo.shown import format_imbalance, format_ratio
from safeschools_geo.workload import imbalance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


Better = Literal["lower", "higher", ""]
COLUMNS = ["measure", "label", "value", "shown", "unit", "better", "note"]
"""Columns of a table of measures."""

NOT_SCORED = "not scored: "
"""What is shown of a measure without a value, before the reason."""


@dataclass(frozen=True)
class Measure:
    """One measure of a plan.

    Parameters
    ----------
    measure
        A stable word.
    label
        The same for a reader.
    value
        What it comes to; missing where it was not scored.
    shown
        The value as it is shown, or why there is none.
    unit
        Unit of the value.
    better
        Which direction is better; empty where neither is.
    note
        What else there is to say, such as ids.
    """

    measure: str
    label: str
    value: float
    shown: str
    unit: str = ""
    better: Better = "lower"
    note: str = ""


def not_scored(measure: str, label: str, why: str, *, unit: str = "", better: Better = "lower") -> Measure:
    """Say that a measure was not scored.

    Parameters
    ----------
    measure, label
        As in `Measure`.
    why
        What was missing.
    unit, better
        As in `Measure`.

    Returns
    -------
    Measure
        Without a value.
    """
    return Measure(measure, label, np.nan, NOT_SCORED + why, unit, better)


def as_table(measures: Iterable[Measure]) -> pd.DataFrame:
    """Put measures under each other.

    Parameters
    ----------
    measures
        The measures.

    Returns
    -------
    pandas.DataFrame
        Columns of `COLUMNS`.
    """
    return pd.DataFrame([asdict(m) for m in measures], columns=COLUMNS).astype({"value": "float64"})


def balance(table: pd.DataFrame) -> list[Measure]:
    """Measure how unequal the zones are.

    Parameters
    ----------
    table
        Result of `zone_table`.

    Returns
    -------
    list of Measure
        Imbalance, ratio of the largest to the smallest load, and coefficient of variation (population formula), over
        the zones that count.
    """
    counted_zones = table[table["is_counted"]]
    load, exact = counted_zones["workload"], counted_zones["load_millionths"]
    left_out = table.loc[~table["is_counted"], "zone_id"]
    note = f"without zone {name_ids(left_out)}, which has no school" if len(left_out) else ""
    ratio = load.max() / load.min() if load.min() > 0 else np.inf if load.max() > 0 else np.nan
    variation = float(load.std(ddof=0) / load.mean()) if load.sum() > 0 else 0.0
    of_mean = "share of the mean load"
    return [
        Measure("imbalance", "Imbalance", imbalance(load), format_imbalance(exact), of_mean, note=note),
        Measure("max_min_ratio", "Largest load over smallest", float(ratio), format_ratio(exact), "times"),
        Measure("coefficient_of_variation", "Coefficient of variation", variation, f"{variation:.1%}", of_mean),
    ]


def compactness(table: pd.DataFrame, assignment: pd.Series, edges: pd.DataFrame) -> list[Measure]:
    """Measure how round the zones are, and how long the border between them is.

    Parameters
    ----------
    table
        Result of `zone_table`.
    assignment
        Zone of each unit, by `unit_id`.
    edges
        Edges with `shared_m`.

    Returns
    -------
    list of Measure
        Mean and least Polsby–Popper and Reock over the zones with units, and the border.
    """
    rows = []
    for name, label in (("polsby_popper", "Polsby–Popper"), ("reock", "Reock")):
        found = table[name]
        worst = table["zone_id"].iloc[int(np.nanargmin(found))] if found.notna().any() else ""
        for word, value in (("mean", found.mean()), ("min", found.min())):
            note = f"least in zone {worst}" if word == "min" else ""
            told = f"{label}, {'mean' if word == 'mean' else 'least compact zone'}"
            rows.append(Measure(f"{name}_{word}", told, float(value), f"{value:.2f}", "1 is a circle", "higher", note))
    if "shared_m" not in edges.columns:
        return [*rows, not_scored("border_km", "Border between zones", "edges without lengths", unit="km")]
    zone_a, zone_b = (edges[c].map(assignment) for c in ("unit_a", "unit_b"))
    km = float(edges.loc[(zone_a != zone_b) & zone_a.notna() & zone_b.notna(), "shared_m"].sum() / 1000)
    return [*rows, Measure("border_km", "Border between zones", km, f"{km:,.1f}", "km")]


def contiguity(table: pd.DataFrame, assignment: pd.Series, edges: pd.DataFrame) -> list[Measure]:
    """Count the zones that do not hang together.

    Parameters
    ----------
    table
        Result of `zone_table`.
    assignment
        Zone of each unit, by `unit_id`.
    edges
        Edges, with `kind` where some are no borders.

    Returns
    -------
    list of Measure
        Zones in pieces, units away from the rest of their zone, and zones without units.
    """
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
    """Make a measure of a number of things, of which fewer are better.

    Parameters
    ----------
    measure, label, value, unit, note
        As in `Measure`.

    Returns
    -------
    Measure
        Shown without decimals.
    """
    return Measure(measure, label, float(value), f"{value:,.0f}", unit, note=note)


def levels(table: pd.DataFrame) -> Iterator[Measure]:
    """Compare the numbers of schools of each level in the zones.

    Parameters
    ----------
    table
        Result of `zone_table`.

    Yields
    ------
    Measure
        Of each level that there is: how many more schools of it the zone with most has than the one with fewest.
    """
    if not set(LEVELS) <= set(table.columns):
        yield not_scored("levels", "Levels per zone", "no schools with levels given", unit="schools")
        return
    for level, label in LEVELS.items():
        low, high = int(table[level].min()), int(table[level].max())
        if high:
            name = f"{label} schools per zone, most less fewest"
            yield Measure(f"{level}_spread", name, float(high - low), f"{high - low} ({low} to {high})", "schools")


def teams(team_table: pd.DataFrame | None) -> list[Measure]:
    """Compare the teams.

    Parameters
    ----------
    team_table
        `team`, `zones` and `workload` of each team; None where the zones have no teams.

    Returns
    -------
    list of Measure
        How many more zones the largest team has than the smallest, and the imbalance between teams, each by the mean
        load of its zones.
    """
    names = {"team_zones_spread": "Zones per team, most less fewest", "team_imbalance": "Imbalance between teams"}
    if team_table is None:
        return [not_scored(name, label, "zones without teams") for name, label in names.items()]
    low, high = int(team_table["zones"].min()), int(team_table["zones"].max())
    between = imbalance(team_table["load_per_zone"].dropna())
    values = [(float(high - low), f"{high - low} ({low} to {high})"), (between, f"{between:.1%}")]
    units = ["zones", "share of the mean load per zone"]
    return [Measure(n, names[n], *v, u) for n, v, u in zip(names, values, units, strict=True)]
