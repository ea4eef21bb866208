"""The proposed zones as the board sees them: schools that change zone, and loads so coarse that they tell no count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.board_content import BoardPlan
from safeschools_geo.disclosure.facts import Fact
from safeschools_geo.packet.rounded import by_school, rounded, within
from safeschools_geo.rebalance.comparison import ANEW
from safeschools_geo.rebalance.ground.unit_tables import schools_of_units
from safeschools_geo.shown import carries_difference
from safeschools_geo.workload import SCHOOL_WEEK, travel_minutes

if TYPE_CHECKING:
    from safeschools_geo.packet.rounded import Rounding
    from safeschools_geo.term_results import TermPlan, TermResult

_SHARE_STEP = 0.05
"""What the share of calls within some minutes is rounded to: a figure of the model, for the whole district."""

_SHOWN = {"mean": 0.1, "p90": 0.1, "within": 0.001}
"""Differences that the managers' pages show."""

LOAD_STEPS = (0.05, 0.1, 0.25, 0.5)
"""What loads, as shares of the mean, can be rounded to."""


def board_plan(
    result: TermResult, people: pd.DataFrame, rounding: Rounding, *, step_min: float = np.nan
) -> BoardPlan | None:
    """Say what the public is told of the proposal.

    Parameters
    ----------
    result
        All results of the term.
    people
        Result of `packet.counts.programme_people`.
    rounding
        What has been published so far; loads are added to it.
    step_min
        What minutes of response are rounded to; missing where they are withheld.

    Returns
    -------
    BoardPlan or None
        None where no school would change zone.
    """
    proposal = result.proposal
    if proposal is None or not len(proposal.plan.moves):
        return None
    schools = _schools(result, proposal, people)
    moved = schools[schools["zone_before"] != schools["zone_after"]]
    loads = {when: schools.groupby(f"zone_{when}")["workload_h"].sum() for when in ("before", "after")}
    zones = result.district.zones["zone_id"].astype("str")
    # A zone without a school is left out, unless the plan gives it one.
    is_counted = zones.isin(set(schools["zone_before"]) | set(schools["zone_after"]))
    mean = float(schools["workload_h"].sum()) / max(int(is_counted.sum()), 1)
    # The load of a zone with one school is that school's.
    sizes = [zones.map(schools.groupby(f"zone_{when}").size()).fillna(0) for when in loads]
    is_alone = (sizes[0].eq(1) | sizes[1].eq(1)) & rounding.withholds_single_schools

    def said(step: float) -> list[Fact]:
        facts = []
        for when, of_zone in loads.items():
            for zone in zones[is_counted & ~is_alone]:
                low, high = within(float(of_zone.get(zone, 0.0)) / mean, step)
                facts.append(_fact(schools, f"zone_{when}", zone, (low * mean, high * mean), result.term.name))
        return facts

    step = rounding.publish(LOAD_STEPS, said) if mean > 0 else None
    table = pd.DataFrame({"zone_id": zones, "name": result.district.zones["name"].astype("str")})
    for when in ("before", "after"):
        group = schools.groupby(f"zone_{when}")
        table[f"schools_{when}"] = zones.map(group.size()).fillna(0).astype("Int64")
        table[f"students_{when}"] = zones.map(group["students"].sum(min_count=1)).astype("Int64")
        share = zones.map(loads[when]).fillna(0.0) / mean if mean > 0 else pd.Series(np.nan, index=zones.index)
        table[f"load_{when}"] = [
            np.nan if step is None or alone else rounded(float(value), step)
            for value, alone in zip(share, is_alone, strict=True)
        ]
    return BoardPlan(
        zones=proposal.zones[["zone_id", "name", "geometry"]],
        moves=moved[["school_id", "name", "level", "zone_before", "zone_after"]].sort_values(
            ["name", "school_id"], ignore_index=True
        ),
        loads=table.reset_index(drop=True),
        step=np.nan if step is None else step,
        imbalance_before=_imbalance(table.loc[is_counted, "load_before"]),
        imbalance_after=_imbalance(table.loc[is_counted, "load_after"]),
        is_proven=bool(proposal.plan.is_proven),
        empty_zones=tuple(zones[~is_counted]),
        **_price(proposal, step_min),
    )


def _price(proposal: TermPlan, step_min: float) -> dict[str, Any]:
    """Say what the plan costs: response as coarse as it is told elsewhere, and what is public anyway."""
    change, certificate = proposal.change, proposal.plan.certificate
    pairs, anew = change.figures, {n: p[1] for n, p in change.figures.items() if n.endswith(ANEW) and p is not None}
    within_name = next((n for n in pairs if n.startswith("within_") and not n.endswith(ANEW)), "")
    known = {"mean": "response", "p90": "response_p90", "within": within_name}
    told = {
        name: (*pair, anew.get(n + ANEW, pair[1])) for name, n in known.items() if (pair := pairs.get(n)) is not None
    }
    steps = {"mean": step_min, "p90": step_min, "within": _SHARE_STEP}
    is_told = bool(told) and np.isfinite(step_min)
    coarse = {n: tuple(rounded(v, steps[n]) for v in values) for n, values in told.items()} if is_told else {}
    split = proposal.proposed.splits
    whole = proposal.current.splits
    cut = split[(split["kind"] == "feeders") & split["is_split"] & ~whole["is_split"].to_numpy()]
    return {
        "proof_of": "disputed" if certificate.get("disputed") else certificate["objective"],
        "moves_allowed": certificate["max_moves"],
        "students_moved": change.students_moved,
        "minutes": {name: coarse[name] for name in ("mean", "p90") if name in coarse},
        "within": coarse.get("within"),
        "directions": {name: _direction(values[0], values[1], _SHOWN[name]) for name, values in told.items()},
        "within_min": float(within_name.split("_")[1]) if within_name else np.nan,
        "step_min": step_min if is_told else np.nan,
        "step_share": _SHARE_STEP if is_told else np.nan,
        "is_response_known": bool(told),
        "levels_lost": proposal.proposed.lost_levels,
        "feeders_split": tuple(cut["name"]),
    }


def _direction(before: float, after: float, step: float) -> str:
    if not carries_difference(before, after, step=step):
        return "same"
    return "up" if after > before else "down"


def _schools(result: TermResult, proposal: TermPlan, people: pd.DataFrame) -> pd.DataFrame:
    """List the programme's schools with their zones before and after, and what their work is made of."""
    unit = schools_of_units(proposal.ground.units)
    after = unit.map(proposal.plan.assignment)
    workload = result.workload[result.workload["term"] == result.term.name].set_index("school_id")
    named = result.district.schools.set_index("school_id")["name"].astype("str")
    before = people["zone"]
    return pd.DataFrame(
        {
            "school_id": people["school"],
            "name": people["school"].map(named),
            "level": people["level"],
            "students": people["students"],
            "zone_before": before,
            "zone_after": people["school"].map(after).fillna(before).astype("str"),
            "workload_h": people["school"].map(workload["workload_h"]).fillna(0.0),
            "incidents": people["school"].map(workload["incidents"]).fillna(0).astype("int64"),
            "visiting_h": _visiting_h(result, people),
        }
    )


def _visiting_h(result: TermResult, people: pd.DataFrame) -> pd.Series:
    """Work out the hours of visits to each school, with the driving: they are the same whatever happens."""
    settings = result.district.settings.workload
    zones = people.set_index("school")["zone"]
    trips = travel_minutes(result.district.schools, zones, settings, crs=result.district.crs)
    per_day = people["level"].map(dict(settings.visits_per_week)).astype("float64") / SCHOOL_WEEK
    return per_day * (settings.visit_min + people["school"].map(trips).fillna(0.0)) / 60


def _fact(schools: pd.DataFrame, by: str, zone: str, hours_told: tuple[float, float], term: str) -> Fact:
    """State what a rounded load tells: the hours that incidents took, over the schools of the zone."""
    inside = schools[schools[by] == zone]
    hours, number = schools["workload_h"] - schools["visiting_h"], schools["incidents"]
    usual = float(hours.sum()) / max(int(number.sum()), 1)
    each = (hours / number.where(number > 0)).fillna(usual)[inside.index]
    fixed = float((inside["workload_h"] - each * inside["incidents"]).sum())
    return Fact(
        by="school",
        weights=by_school(dict(zip(inside["school_id"], each, strict=True))),
        low=hours_told[0] - fixed,
        high=hours_told[1] - fixed,
        source="load of a zone",
        where=(("term", term),),
    )


def _imbalance(loads: pd.Series) -> float:
    """Measure it on loads as they are shown, so that it tells nothing that they do not."""
    return float("nan") if loads.isna().any() else round(float((loads - 1).abs().max()), 10)
