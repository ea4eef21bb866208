"""A rebalancing plan and its certificate: what was asked, what was found, and what is proven."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from safeschools_geo.errors import SettingsError, count_text, name_ids, with_article
from safeschools_geo.rebalance._plan_file import plan_frame
from safeschools_geo.rebalance._problem import EXACT, Rules, reach
from safeschools_geo.rebalance._program import Objective
from safeschools_geo.rebalance._stability import random_standing
from safeschools_geo.solver import SOLVER, Labels
from safeschools_geo.text import carries_difference, forecast_text, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from safeschools_geo.rebalance._problem import Problem, Response


# ── The certificate of a plan: what was asked, what was found, what is proven, and over which plans

_ABSOLUTE = ("imbalance", "evenness", "moves")
_OBJECTIVES = (*_ABSOLUTE, "travel", "boundary")
FEWEST_EFFECTIVE = 100
"""Fewest independent random plans that a share is stated from."""


def certificate_of(
    *,
    objective: str,
    value: float,
    bound: float | None,
    is_contiguous: bool,
    moves: int,
    imbalance_before: float,
    imbalance_after: float,
    zones: Iterable[str],
    input_sha256: Mapping[str, str],
    tolerance: float | None = None,
    max_moves: int | None = None,
    slack: float | None = None,
    roots: Mapping[str, str] | None = None,
    locked: Iterable[str] = (),
    forbidden: Iterable[tuple[str, str]] = (),
    together: Iterable[Iterable[str]] = (),
    stages: Iterable[Mapping[str, Any]] = (),
    proof: Mapping[str, Any] | None = None,
    solver: str = "",
    seed: int = 0,
    seconds: float = 0.0,
    moves_by: str = "units",
    proof_tolerance: float = EXACT,
    unit_noun: str = "unit",
    zones_set_apart: Iterable[str] = (),
    apart: Iterable[Iterable[str]] = (),
    disputed: Iterable[Iterable[str]] = (),
    schools_moved: int | None = None,
    response: Mapping[str, Any] | None = None,
    one_of_each: Mapping[str, Iterable[str]] | None = None,
    most_students: int | None = None,
    whole: Mapping[str, Iterable[str]] | None = None,
    barriers: Mapping[str, Any] | None = None,
    forecast: Iterable[str] = (),
    neighbor_tolerance_m: float | None = None,
) -> dict[str, Any]:
    """Put together what a plan's certificate says."""
    in_dispute = [list(row) for row in disputed]
    within = -1.0 if in_dispute else proof_tolerance
    claim = _claim(objective, value, bound, within)
    certificate = {
        **claim,
        "is_contiguous": bool(is_contiguous),
        "moves": int(moves),
        "imbalance_before": imbalance_before,
        "imbalance_after": imbalance_after,
        "tolerance": tolerance,
        "max_moves": None if max_moves is None else int(max_moves),
        "slack": slack,
        "roots": dict(roots or {}),
        "locked": list(locked),
        "forbidden": [list(pair) for pair in forbidden],
        "together": [list(group) for group in together],
        "zones": list(zones),
        "stages": [_stage(stage, within) for stage in stages],
        "proof": {"method": "", "statement": "", "log": "", **(proof or {})},
        "solver": solver,
        "seed": int(seed),
        "seconds": seconds,
        "input_sha256": dict(input_sha256),
        "files": {},
        "moves_by": moves_by,
        "proof_tolerance": proof_tolerance,
        "unit_noun": unit_noun,
    }
    more = {
        "zones_set_apart": list(zones_set_apart),
        "apart": [list(pair) for pair in apart],
        "disputed": in_dispute,
        "schools_moved": schools_moved,
        "response": dict(response or {}),
        "one_of_each": {name: list(ids) for name, ids in (one_of_each or {}).items()},
        "most_students": most_students,
        "whole": {name: list(ids) for name, ids in (whole or {}).items()},
        "barriers": dict(barriers or {}),
        "forecast": list(forecast),
        "neighbor_tolerance_m": neighbor_tolerance_m,
    }
    certificate |= {key: value for key, value in more.items() if value or value == 0}
    certificate["proof"]["statement"] = certificate["proof"]["statement"] or bound_text(certificate)
    plain: dict[str, Any] = _plain(certificate)
    return plain


def gap_of(objective: str, value: float, bound: float | None) -> float | None:
    """Measure how far a value is above its bound."""
    if bound is None or not math.isfinite(bound):
        return None
    gap = float(value) - float(bound)
    return gap if objective in _ABSOLUTE else gap / abs(float(value)) if value else 0.0


def input_hashes(units: pd.DataFrame, edges: pd.DataFrame) -> dict[str, str]:
    """Take the fingerprints of the inputs of a plan."""
    columns = zip(units["unit_id"], units["zone_id"], units["workload"], strict=True)
    lines = [f"{unit}\t{zone}\t{float(workload)!r}" for unit, zone, workload in columns]
    links = sorted("\t".join(sorted((a, b))) for a, b in zip(edges["unit_a"], edges["unit_b"], strict=True))
    return {"units": _sha256(lines), "adjacency": _sha256(links)}


def certificate_text(certificate: Mapping[str, Any], *, names: Mapping[str, str] | None = None) -> str:
    """Say in plain English what a certificate says.

    Parameters
    ----------
    certificate
        Result of `certificate_of`.
    names
        Names of units by `unit_id`; units without one are called by their id.

    Returns
    -------
    str
        What the plan does, what is proven over which plans, and what is proven over fewer plans only.
    """
    before, after = certificate["imbalance_before"], certificate["imbalance_after"]
    change = "" if before is None else f": the imbalance goes from {before:.2%} to {after:.2%}"
    moved = count_text(certificate.get("schools_moved", certificate["moves"]), _noun(certificate))
    pieces = [] if certificate["is_contiguous"] else ["Not every zone of it hangs together."]
    if certificate["max_moves"] == 0:
        return " ".join(["The plan moves nothing: of the only plan there is nothing to prove.", *pieces])
    sentences = [f"The plan moves {moved}{change}.", *pieces, bound_text(certificate, names=names)]
    stages = [stage for stage in certificate["stages"] if stage.get("restricted_bound") is not None]
    sentences += [_restricted_text(certificate, stage) for stage in stages]
    sentences += [even_text(certificate), response_text(certificate), random_text(certificate)]
    return " ".join(s for s in sentences if s)


def bound_text(certificate: Mapping[str, Any], *, names: Mapping[str, str] | None = None) -> str:
    """Say what is proven, over which plans, and what is left open."""
    objective, value, bound = (certificate[k] for k in ("objective", "value", "bound"))
    plans = class_text(certificate, names=names)
    if certificate.get("disputed"):
        return disputed_text(certificate)
    if certificate["is_proven"]:
        return f"Proven: no {plans} {_has(certificate, objective, value, below=True)}."
    best = f"Not proven: the best plan found {_has(certificate, objective, value)}"
    if bound is None:
        return f"{best}; there is no bound over every {plans}."
    gap = _gap_text(objective, certificate["gap"])
    return f"{best}; no {plans} {_has(certificate, objective, bound, below=True)}. The gap is {gap}."


def even_text(certificate: Mapping[str, Any]) -> str:
    """Say how even the zones are beyond the farthest; empty where that was not asked for, or has no meaning."""
    ranks = [stage for stage in certificate["stages"] if stage["objective"] == "evenness"]
    if not ranks or certificate.get("disputed"):
        return ""
    slack = f" (each within {100 * (certificate['slack'] or 0.0):g} percentage points)"
    if all(stage["is_proven"] for stage in ranks):
        return f"After the farthest zone the others, one after the other, are as even as they can be{slack}: proven."
    why = ", for time ran out" if any(stage.get("is_cut") for stage in ranks) else ""
    said = "After the farthest zone the others are as even as was found"
    no_travel = [stage for stage in certificate["stages"] if stage["objective"] == "travel" and stage.get("is_cut")]
    travel = " Nor was there time to prove that no plan as even has shorter travel." if no_travel else ""
    return f"{said}{slack}; that none are more even is not proven{why}.{travel}"


def response_text(certificate: Mapping[str, Any]) -> str:
    """Say how long calls wait today and under the plan, and in how many zones longer; empty where it is not known."""
    response = certificate.get("response")
    if not response or response["district"][0] is None:
        return ""
    pairs = {zone: facts["minutes"] for zone, facts in response["zones"].items()}
    slower = [z for z, (now, then) in pairs.items() if None not in {now, then} and then > now * (1 + 1e-6) + 1e-6]
    before, after = response["district"]
    is_shown = carries_difference(before, after, step=0.1)
    mean = f"goes from {before:.1f} to {after:.1f} min" if is_shown else f"stays at {before:.1f} min"
    longer = f"is longer than today in {_zones_text(slower)}" if slower else "is in no zone longer than today"
    return (
        "With every officer free and at the best place of the zone, today and under the plan, the mean way to a "
        f"call, by the map, {mean}; it {longer}."
    )


def random_text(certificate: Mapping[str, Any]) -> str:
    """Say where the plan stands among random plans of as many moves; empty where none were drawn."""
    found = certificate.get("random_plans")
    if not found:
        return ""
    moved = count_text(found["moves"], _noun(certificate) if found["moves_by"] == "units" else "school")
    is_one = found["draws"] == 1
    drawn = f"{count_text(found['draws'], 'random plan')} that also move{'s' * is_one} {moved}"
    worth = f"{found['effective']:,.0f} independent {'plan' if round(found['effective']) == 1 else 'plans'}"
    if found["effective"] < FEWEST_EFFECTIVE:
        were = "was" if is_one else "were"
        return f"{drawn} {were} drawn, worth {worth}: too few to say where the plan stands among them."
    n = found["at_least_as_even"]
    share = f" ({_share_text(n / found['draws'])})" if n else ""
    count = "none is" if n == 0 else f"{n:,}{share} {'is' if n == 1 else 'are'}"
    return (
        f"Of {drawn} and keep every rule, {count} as even; half have an imbalance above {found['imbalance'][1]:.1%}. "
        f"They are worth {worth}: at 95% confidence at most {_share_text(found['share_at_most'])} of the plans that "
        "can be reached by one change, or one exchange, after another are as even."
    )


def _share_text(share: float) -> str:
    """Give a share with two digits that say something: 12%, 0.073%; rounded up, so that a limit stays one."""
    if share <= 0:
        return "0%"
    step = 10.0 ** (math.floor(math.log10(100 * share)) - 1)
    return f"{math.ceil(100 * share / step - 1e-9) * step:.{max(0, -round(math.log10(step)))}f}%"


def _zones_text(zones: Sequence[str]) -> str:
    return f"zone {zones[0]}" if len(zones) == 1 else f"zones {listed(list(zones))}"


def disputed_text(certificate: Mapping[str, Any]) -> str:
    """Say why nothing is proven where it is in dispute who is a neighbor of whom."""
    disputed = certificate.get("disputed") or []
    if not disputed:
        return ""
    named = name_ids([f"{a} and {b} {why}" for a, b, why in disputed], shown=3)
    return (
        f"Nothing is proven: the drawing leaves open who borders whom, at {count_text(len(disputed), 'pair')} of "
        f"{_noun(certificate)}s ({named}). Bounds hold only between the links in edges.csv. Close the gaps in the "
        "drawing, or say of each pair whether it is linked."
    )


def class_text(certificate: Mapping[str, Any], *, names: Mapping[str, str] | None = None) -> str:
    """Name the plans that a bound holds for."""
    called = {zone: (names or {}).get(unit, unit) for zone, unit in (certificate["roots"] or {}).items()}
    kept = [f"these roots ({_pairs(called)})"] if called else []
    apart = certificate.get("apart") or []
    barred = len((certificate.get("barriers") or {}).get("pairs", ()))
    across = f" ({barred} of them across barriers)" if barred else ""
    unlinked = f"{count_text(len(apart), 'pair')} of {_noun(certificate)}s with a common border unlinked{across}"
    kept += [unlinked] if apart else []
    rules = (("locked", "lock"), ("forbidden", "forbidden pair"), ("together", "group kept together"))
    kept += [count_text(len(certificate[key]), name) for key, name in rules if certificate[key]]
    kept += whole_text(certificate.get("whole") or {})
    limits = [f"keeps {listed(kept)}"] if kept else []
    if certificate["max_moves"] is not None:
        limits.append(f"moves at most {count_text(certificate['max_moves'], _noun(certificate))}")
    limits += asked_text(certificate.get("one_of_each") or {}, certificate.get("most_students"))
    if certificate["tolerance"] is not None and certificate["objective"] != "imbalance":
        limits.append(f"stays within {certificate['tolerance']:.2%} of the mean load")
    response = certificate.get("response", {})
    if response.get("no_slower"):
        limits.append(f"lets nobody wait {longer_text(response.get('longer_min', 0.0))} than today")
    if certificate["objective"] in {"travel", "boundary"} and certificate["stages"]:
        limits += _earlier_text(certificate)
    return f"contiguous plan that {listed(limits)}" if limits else "contiguous plan"


def held_text(longer_min: float | None) -> str:
    """Say of which plans something holds, by how much longer anybody may wait; empty where that is not limited."""
    return "" if longer_min is None else f" in which nobody waits {longer_text(longer_min)}"


def longer_text(longer_min: float) -> str:
    """Say how much longer anybody may wait."""
    return f"more than {longer_min:g} min longer" if longer_min else "longer"


def whole_text(whole: Iterable[str]) -> list[str]:
    """Name the groups that a plan keeps whole."""
    names = list(whole)
    return [f"{name_ids(names)} whole"] if names else []


def asked_text(one_of_each: Iterable[str], most_students: int | None, *, are_many: bool = False) -> list[str]:
    """Say what a plan has, or plans have, by what may be asked of zones and of the students who change officer."""
    has, moves = ("have", "move") if are_many else ("has", "moves")
    asked = [f"{has} {with_article(name)} in each zone" for name in one_of_each]
    return asked if most_students is None else [*asked, f"{moves} at most {count_text(most_students, 'student')}"]


def _claim(objective: str, value: float, bound: float | None, within: float) -> dict[str, Any]:
    if objective not in _OBJECTIVES:
        raise SettingsError(
            "This is no objective of a plan.", found=repr(objective), expected=f"one of {', '.join(_OBJECTIVES)}"
        )
    bound = None if bound is None or not math.isfinite(bound) else float(bound)
    if bound is not None and value < bound <= value + EXACT * max(1.0, abs(value)):
        # A solver's last digit: a bound is never above what was found.
        bound = float(value)
    gap = gap_of(objective, value, bound)
    if gap is not None and gap < 0:
        raise SettingsError(
            f"The bound on {objective} is above the value that was found, so it is no bound over all plans.",
            where="the certificate",
            found=f"value {value!r}, bound {bound!r}",
            expected="a bound that is not above the value",
            remedy="Give a bound over fewer plans as `restricted_bound`, with its `restriction`.",
        )
    is_proven = gap is not None and gap <= within
    return {"objective": objective, "value": value, "bound": bound, "gap": gap, "is_proven": is_proven}


def _stage(stage: Mapping[str, Any], within: float) -> dict[str, Any]:
    claim = _claim(stage["objective"], stage["value"], stage.get("bound"), within)
    restriction = {name: stage.get(name) for name in ("restricted_bound", "restriction")}
    others = {k: v for k, v in stage.items() if k not in {*claim, *restriction}}
    return {**claim, **restriction, **others}


def _plain(value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _restricted_text(certificate: Mapping[str, Any], stage: Mapping[str, Any]) -> str:
    among = stage.get("restriction") or "of a restricted class"
    none = _has(certificate, stage["objective"], stage["restricted_bound"], below=True)
    return f"Among the plans {among}, and only among those, none {none}: this is no bound over all plans."


def _earlier_text(certificate: Mapping[str, Any]) -> Iterator[str]:
    for stage in certificate["stages"]:
        if stage["objective"] == certificate["objective"]:
            break
        most = stage["value"] + ((certificate["slack"] or 0.0) if stage["objective"] == "imbalance" else 0.0)
        yield f"{_has(certificate, stage['objective'], most)} at most"


def _has(certificate: Mapping[str, Any], objective: str, value: float, *, below: bool = False) -> str:
    if objective == "moves":
        return f"moves {'fewer than ' if below else ''}{_moved_text(certificate, value)}"
    text = f"{value:.2%}" if objective == "imbalance" else f"{value:,.6g}"
    name = {"imbalance": "an imbalance", "travel": "a travel", "boundary": "a boundary"}[objective]
    return f"has {name} {'below' if below else 'of'} {text}"


def _moved_text(certificate: Mapping[str, Any], value: float) -> str:
    by = certificate.get("moves_by", "units")
    if by == "workload":
        return f"{value:g} workload"
    noun = _noun(certificate) if by == "units" else str(by).removesuffix("s")
    return f"{value:g} {noun}{'' if value == 1 else 's'}"


def _noun(certificate: Mapping[str, Any]) -> str:
    return str(certificate.get("unit_noun", "unit"))


def _gap_text(objective: str, gap: float) -> str:
    if objective == "imbalance":
        return f"{100 * gap:.2f} percentage points"
    return f"{gap:g} move{'' if gap == 1 else 's'}" if objective == "moves" else f"{gap:.2%}"


def _pairs(roots: Mapping[str, str]) -> str:
    return ", ".join(f"{zone}: {unit}" for zone, unit in roots.items())


# ── A rebalancing plan: which units move, how even it makes the zones, and how good it is proven to be


@dataclass(frozen=True)
class PlanSettings:
    """What was asked of a plan."""

    max_moves: int | None = None  # Most units that may move; None for no limit
    tolerance: float | None = None  # Largest imbalance; None for no limit
    objectives: tuple[Objective, ...] = ()  # What was made small, the most important first
    slack: float = 0.005  # By how much the imbalance may be above the smallest, for the sake of what comes after it
    rules: Rules = field(default_factory=Rules)  # Roots, locks, groups and forbidden pairs
    time_limit_s: float = 60.0  # Longest time, in seconds of processor time
    seed: int = 0  # Seed of everything random
    set_apart: tuple[str, ...] = ()  # Zones that stay as they are and do not count for the balance
    forecast: tuple[str, ...] = ()  # What the loads are forecast by; empty where they are those of the record
    # Units whose edges are this near to each other are neighbors; None where neighbors were not found from the drawing
    neighbor_tolerance_m: float | None = None


@dataclass(frozen=True, eq=False)
class RebalancePlan:
    """A plan and what is proven of it.

    Parameters
    ----------
    units
        The units as they were given.
    edges
        The units that may follow each other.
    assignment
        Zone of each unit under the plan, by `unit_id`.
    loads
        Load of each zone that counts, by `zone_id`: `before` and `after`.
    imbalance_before, imbalance
        Largest ``|load - mean| / mean``, now and under the plan.
    value
        Value of the first objective: the smallest that was found.
    bound
        No contiguous plan (that keeps the roots, where there are any) has a smaller one.
    gap
        ``value - bound``; relative for travel and boundary.
    is_proven
        Whether no plan can be better.
    is_contiguous
        Whether every zone hangs together.
    certificate
        All of it, as it is written to ``certificate.json``.
    log
        What the solver said, where it was asked.
    notes
        What else there is to say, such as that the current zones are in pieces.
    settings
        What was asked.
    """

    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    assignment: pd.Series
    loads: pd.DataFrame
    imbalance_before: float
    imbalance: float
    value: float
    bound: float
    gap: float
    is_proven: bool
    is_contiguous: bool
    certificate: Mapping[str, Any]
    log: str
    notes: tuple[str, ...]
    settings: PlanSettings

    @property
    def moves(self) -> pd.DataFrame:
        """The units that move: `unit_id`, `zone_before`, `zone_after`, `workload`."""
        frame = self.to_frame()
        moved: pd.DataFrame = frame[frame["moved"]].drop(columns="moved").reset_index(drop=True)
        return moved

    @property
    def input_sha256(self) -> Mapping[str, str]:
        """The fingerprints of the units and of the edges."""
        hashes: Mapping[str, str] = self.certificate["input_sha256"]
        return hashes

    @property
    def response(self) -> pd.DataFrame:
        """How long the calls of each zone wait, each officer at the best place of the zone.

        `zone_id`, `minutes_before` and `minutes_after` (means over the calls, missing without one), `place_before` and
        `place_after`; no row where no response was given.
        """
        zones = self.certificate.get("response", {}).get("zones", {})
        rows = [(zone, *facts["minutes"], *facts["places"]) for zone, facts in zones.items()]
        columns = ["zone_id", "minutes_before", "minutes_after", "place_before", "place_after"]
        return pd.DataFrame(rows, columns=columns).astype({"minutes_before": "float64", "minutes_after": "float64"})

    def among_random(self, draws: int, *, seed: int = 0, response: pd.DataFrame | None = None) -> RebalancePlan:
        """Say where the plan stands among random lawful plans that move as many units.

        Parameters
        ----------
        draws
            How many random plans to draw.
        seed
            Seed of the chain that draws them.
        response
            The table that the plan was made with, where nobody was to wait longer (`rebalance`).

        Returns
        -------
        RebalancePlan
            The plan, its certificate with `random_plans`: `draws`, `effective` (independent plans that they are worth),
            `at_least_as_even` (how many are as even as the plan, or more), `share_at_most` (one-sided 95 % limit of the
            share of such plans), `imbalance` (smallest, median and largest drawn), `moves`, `moves_by`, `seed`. A plan
            that moves nothing stays as it is.

        Raises
        ------
        SettingsError
            When gerrychain is not installed, or `draws` is below 1.

        Notes
        -----
        The plans drawn are equally likely among those of at most as many moves that keep every rule, and that can be
        reached from the zones of today, one change or one exchange after another, through such plans; those of just as
        many moves are counted.

        References
        ----------
        DeFord, D., Duchin, M., and Solomon, J. (2021). Recombination: A family of Markov chains for redistricting.
        Harvard Data Science Review 3(1). Geyer, C. J. (1992). Practical Markov chain Monte Carlo. Statistical Science
        7(4), 473–483.
        """
        held = self.certificate.get("response", {})
        found = random_standing(
            *(self.units, self.edges, self.assignment),
            rules=self.settings.rules,
            set_apart=self.settings.set_apart,
            draws=draws,
            seed=seed,
            response=response if held.get("no_slower") else None,
            longer_min=held.get("longer_min", 0.0),
        )
        return replace(self, certificate={**self.certificate, "random_plans": found}) if found else self

    def summary(self) -> str:
        """Say in plain English what the plan does and how good it is."""
        moves = self.moves
        moved = count_text(self.certificate.get("schools_moved", len(moves)), str(self.certificate["unit_noun"]))
        text = f"Move {moved} ({name_ids(moves['unit_id'])})." if len(moves) else "Move nothing."
        return " ".join([*self.notes, text, self.proof_text()])

    def proof_text(self) -> str:
        """Say in plain English what is proven of the plan, with the names of units where they have some."""
        return certificate_text(self.certificate, names=_unit_names(self.units))

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each unit.

        `unit_id`, `zone_before`, `zone_after`, `moved`, `workload`, and `name`, `schools`, `students` where known.
        """
        return plan_frame(self.units, self.assignment)


# ── A plan put together from what its objectives came to: its certificate, its loads, and what to know first

PROGRAM = "integer program with separators added until every zone is contiguous"
"""Name of the general method."""


@dataclass(frozen=True, eq=False)
class Stage:
    """What one objective came to."""

    objective: Objective  # The objective
    label: Labels | None  # The best plan, shape (n,); None where none was found
    value: float  # Its value
    bound: float  # No contiguous plan within the limits (that keeps the roots, where there are any) has a smaller value
    is_proven: bool  # Whether no plan can be better
    is_infeasible: bool = False  # Whether there is proven to be no plan
    method: str = PROGRAM  # How the bound was found
    # No plan of the class `restriction` has a smaller value; missing where no class was searched
    restricted_bound: float | None = None
    restriction: str = ""  # The class; empty where none was searched
    log: str = ""  # What the solver said
    rank: int = 0  # Of evenness: the value is the sum of so many largest deviations
    is_cut: bool = False  # Whether time ran out before it was proven

    def bounded(self, bound: float) -> Stage:
        """Give the same plan with another bound, which may prove it."""
        is_proven = self.value - bound <= EXACT
        return replace(self, bound=self.value if is_proven else bound, is_proven=is_proven)

    @property
    def gap(self) -> float:
        """``value - bound``; relative to the value for travel and boundary; 0 where proven."""
        if self.is_proven:
            return 0.0
        gap = self.value - self.bound
        is_absolute = self.objective in {"imbalance", "evenness", "moves"}
        return gap if is_absolute else gap / max(abs(self.value), 1e-12)


def plan_of(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    problem: Problem,
    settings: PlanSettings,
    stages: list[Stage],
    *,
    seconds: float,
    noun: str = "unit",
    disputed: pd.DataFrame | None = None,
    response: Response | None = None,
) -> RebalancePlan:
    """Put a plan together from what its stages came to; what it says of proof is what its certificate says."""
    label, first = stages[-1].label, stages[0]
    if label is None:
        raise ValueError("there is no plan")
    zones = pd.Index(problem.zone_ids, name="zone_id", dtype="str")
    # Ids are text from here on, also where they were given as numbers.
    units = units.assign(unit_id=units["unit_id"].astype("str"), zone_id=units["zone_id"].astype("str"))
    planned = pd.Series([problem.zone_ids[z] for z in label], index=list(problem.unit_ids), dtype="str")
    ids = pd.Index(units["unit_id"].array, name="unit_id", dtype="str")
    # Units of zones that are set apart are in no problem, and stay.
    assignment = planned.reindex(ids).fillna(units["zone_id"].set_axis(ids)).astype("str").rename("zone_id")
    certificate = certificate_of(
        objective=first.objective,
        value=first.value,
        bound=first.bound,
        is_contiguous=problem.is_contiguous(label),
        moves=problem.moved(label),
        imbalance_before=problem.imbalance(problem.start),
        imbalance_after=problem.imbalance(label),
        zones=problem.zone_ids,
        input_sha256=input_hashes(units, edges),
        tolerance=settings.tolerance,
        max_moves=settings.max_moves,
        slack=settings.slack if first.objective == "imbalance" and len(stages) > 1 else None,
        roots=settings.rules.roots,
        locked=settings.rules.locked,
        forbidden=settings.rules.forbidden,
        together=settings.rules.together,
        stages=[_stage_facts(stage) for stage in stages],
        proof={"method": first.method, "log": "solver.log" if first.log else ""},
        solver=SOLVER,
        seed=settings.seed,
        seconds=round(seconds, 3),
        moves_by=settings.rules.moves_in,
        unit_noun=noun,
        schools_moved=_schools_moved(problem, label, settings),
        zones_set_apart=settings.set_apart,
        apart=settings.rules.apart,
        disputed=[] if disputed is None else disputed[["unit_a", "unit_b", "why"]].to_numpy().tolist(),
        response=None if response is None else _response_facts(problem, response, label),
        one_of_each=settings.rules.one_of_each,
        most_students=settings.rules.most_students,
        whole=settings.rules.whole,
        barriers=settings.rules.barriers,
        forecast=settings.forecast,
        neighbor_tolerance_m=settings.neighbor_tolerance_m,
    )
    return RebalancePlan(
        units=units,
        edges=edges,
        assignment=assignment,
        loads=pd.DataFrame({"before": problem.loads(problem.start), "after": problem.loads(label)}, index=zones),
        imbalance_before=problem.imbalance(problem.start),
        imbalance=problem.imbalance(label),
        value=certificate["value"],
        bound=certificate["bound"],
        gap=certificate["gap"],
        is_proven=certificate["is_proven"],
        is_contiguous=problem.is_contiguous(label),
        certificate=certificate,
        log=first.log,
        notes=notes_of(problem, units, noun=noun, forecast=settings.forecast),
        settings=settings,
    )


def _schools_moved(problem: Problem, label: Labels, settings: PlanSettings) -> int | None:
    """Count the schools that move, where moves are counted in schools."""
    return round(problem.cost(label, problem.move_cost())) if settings.rules.moves_in == "schools" else None


def _response_facts(problem: Problem, response: Response, label: Labels) -> dict[str, Any]:
    """Say how long calls wait today and under the plan, each officer at the best place of his zone."""
    both = [problem.members(problem.start), problem.members(label)]
    means, places = [response.means(held) for held in both], [response.best_places(held) for held in both]
    zones = zip(problem.zone_ids, *means, *places, strict=True)
    return {
        "no_slower": problem.response is not None,
        **({"longer_min": problem.response.longer_min} if problem.response and problem.response.longer_min else {}),
        "district": [response.mean_of_all(held) for held in both],
        "zones": {zone: {"minutes": [now, then], "places": [old, new]} for zone, now, then, old, new in zones},
    }


def _stage_facts(stage: Stage) -> dict[str, Any]:
    return {
        "objective": stage.objective,
        "value": stage.value,
        "bound": stage.bound,
        "restricted_bound": stage.restricted_bound,
        "restriction": stage.restriction,
        **({"rank": stage.rank} if stage.rank else {}),
        **({"is_cut": True} if stage.is_cut else {}),
    }


def _unit_names(units: pd.DataFrame) -> dict[str, str]:
    """Look up the names of units by their id; nothing where they have none."""
    named = units[units["name"].notna()] if "name" in units.columns else units.iloc[:0].assign(name="")
    return dict(zip(named["unit_id"].astype("str"), named["name"].astype("str"), strict=True))


def notes_of(
    problem: Problem, units: pd.DataFrame, *, noun: str = "unit", forecast: Iterable[str] = ()
) -> tuple[str, ...]:
    """Say first what a plan is up against: lumpy units, and zones that are in pieces to begin with."""
    largest, names = int(np.argmax(problem.share)), _unit_names(units)
    share = f"{problem.share[largest]:.0%} of the mean load of a zone"
    named = f"The largest {noun} ({names.get(problem.unit_ids[largest], problem.unit_ids[largest])})"
    notes = [forecast_text(forecast)] if forecast else []
    notes.append(f"{named} is {share}: balance cannot be finer than {noun}s allow.")
    pieces = {z: len(problem.pieces(problem.start, i)) for i, z in enumerate(problem.zone_ids)}
    broken = [f"{zone} ({count} pieces)" for zone, count in pieces.items() if count > 1]
    if broken:
        notes.append(f"The current zones are not contiguous: {', '.join(broken)}. Every zone of the plan is.")
    return (*notes, *(note for name, rows in problem.whole.items() if (note := _whole_note(problem, name, rows))))


def _whole_note(problem: Problem, name: str, rows: tuple[int, ...]) -> str:
    """Say what it takes to keep a group whole that is split today, or whose units border no other of the group."""
    zones = [problem.zone_ids[z] for z in sorted({int(problem.start[i]) for i in rows})]
    name = f"{name[:1].upper()}{name[1:]}"
    if len(zones) > 1:
        return f"{name} is split over zones {listed(zones)} today; every plan brings it into one."
    if not rows or reach({rows[0]}, set(rows), problem.neighbors) == set(rows):
        return ""
    ids = name_ids([problem.unit_ids[i] for i in rows])
    return f"{name} is of units that do not all border each other ({ids}); its zone holds what joins them."
