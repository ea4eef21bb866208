"""How a plan stands: in other terms that there were or chance could have brought, and among random plans."""

from __future__ import annotations

import importlib
import math
import random
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from safeschools_geo.errors import ColumnError, SettingsError, count_text
from safeschools_geo.rebalance._measures import imbalances
from safeschools_geo.rebalance._problem import EXACT, problem_of, response_of, that_count
from safeschools_geo.rebalance._units import in_order, natural_order

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.rebalance._problem import Problem, Rules
    from safeschools_geo.solver import Flags, Labels

    Numbers = NDArray[np.float64]


# ── Terms that chance could have brought: the school days of one term, drawn again with replacement


def redrawn_loads(by_day: Numbers, *, times: int, seed: int) -> Numbers:
    """Draw the days of a term again, with replacement."""
    days = len(by_day)
    if times < 1:
        raise SettingsError(
            "A bootstrap needs at least one term.",
            where="bootstrap",
            found=times,
            expected="1 or more",
            remedy="200 is usual.",
        )
    drawn = np.random.default_rng(seed).multinomial(days, np.full(days, 1 / days), size=times)
    loads: Numbers = drawn @ by_day / days
    return loads


def redrawn_terms(
    units: gpd.GeoDataFrame,
    *,
    incident_hours: pd.DataFrame,
    school_days: Iterable[dt.date],
    visit_hours: pd.Series | None = None,
    bootstrap: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw the school days of a term again, with replacement, and add up the workload of each unit.

    Parameters
    ----------
    units
        `unit_id`.
    incident_hours, school_days, visit_hours, bootstrap, seed
        As for `plan_stability`.

    Returns
    -------
    pandas.DataFrame
        Workload per school day; a row for each redrawn term, a column for each unit (`unit_id`). Without an hour of
        incidents there is no row: every redrawn term would be the same.

    Raises
    ------
    ColumnError, SettingsError
        As for `plan_stability`.
    """
    ids = pd.Index(units["unit_id"], dtype="str")
    by_day = hours_by_day(incident_hours, school_days, ids)
    if not by_day.any():
        return pd.DataFrame(columns=ids, dtype="float64")
    loads = redrawn_loads(by_day, times=bootstrap, seed=seed) + fixed_hours(visit_hours, ids)
    return pd.DataFrame(loads, columns=ids)


def fixed_hours(visit_hours: pd.Series | None, ids: pd.Index) -> Numbers:
    """Put the hours that are the same every day into the order of the units."""
    if visit_hours is None:
        return np.zeros(len(ids))
    hours = visit_hours.reindex(ids).to_numpy(dtype="float64")
    is_faulty = ~(hours >= 0)
    if is_faulty.any():
        raise ColumnError(
            "Some units have no hours of visits.",
            where="visit_hours",
            ids=ids[is_faulty],
            expected="a number of 0 or more for every unit",
            remedy="Give these units their hours; 0 where there are no visits.",
        )
    return hours


def hours_by_day(incident_hours: pd.DataFrame, school_days: Iterable[dt.date] | None, ids: pd.Index) -> Numbers:
    """Add up the hours of incidents by day and unit."""
    if school_days is None:
        raise SettingsError(
            "Days without an incident count too.",
            where="school_days",
            found="nothing",
            expected="every school day of the term",
            remedy="Pass school_days (school_calendar.school_days).",
        )
    days = pd.DatetimeIndex(list(school_days)).normalize().unique().sort_values()
    day = pd.DatetimeIndex(incident_hours["day"]).normalize()
    hours = incident_hours["hours"].to_numpy(dtype="float64")
    rows, columns = days.get_indexer(day), ids.get_indexer(pd.Index(incident_hours["unit_id"]))
    is_faulty = (rows < 0) | (columns < 0) | ~(hours >= 0)
    if is_faulty.any() or days.empty:
        raise ColumnError(
            "Some hours of incidents cannot be used, or there is no school day.",
            where="incident_hours",
            ids=(f"row {i}" for i in incident_hours.index[is_faulty]),
            expected="the id of a unit, one of the school days, and hours of 0 or more",
            remedy="Leave out incidents that are not the zone officer's work, and those of other terms.",
        )
    table: Numbers = np.zeros((len(days), len(ids)))
    order = np.lexsort((hours, columns, rows))
    np.add.at(table, (rows[order], columns[order]), hours[order])
    return table


# ── Stability: whether a plan would have been better in other terms, and in terms that chance could have brought

TERM, BOOTSTRAP = "term", "bootstrap"
"""Kinds of terms that a plan is scored on."""

QUANTILES = (0.05, 0.5, 0.95)
"""Quantiles that are reported of every distribution."""

_EQUAL = 1e-9


@dataclass(frozen=True, eq=False)
class Stability:
    """A plan on other terms, beside the current zones on the same terms.

    Parameters
    ----------
    scores
        One row for each term and bootstrap term: `kind` (``term`` or ``bootstrap``), `term` (its name, or its number
        from 1), `imbalance` (of the plan), `imbalance_current`, `holds_up` (whether the plan's is lower), `is_within`
        (whether the plan's is within the tolerance; missing where there is none), and `is_planned_on` (whether the
        plan was made from this term).
    tolerance
        Imbalance that is aimed at; None where none was given.
    seed
        Seed of the bootstrap.
    school_days
        School days that the bootstrap draws from; 0 without a bootstrap.
    empty_terms
        Terms without any workload, which are left out.
    units_moved
        How many units the plan moves.
    """

    scores: pd.DataFrame
    tolerance: float | None
    seed: int
    school_days: int
    empty_terms: tuple[str, ...]
    units_moved: int

    def holds_up_share(self, kind: str) -> float:
        """Give the share of terms, ``term`` or ``bootstrap``, in which the plan is better than the current zones."""
        return float(self._judged(kind)["holds_up"].mean())

    def within_share(self, kind: str) -> float:
        """Give the share of terms, ``term`` or ``bootstrap``, in which the plan is within the tolerance."""
        return float(self._judged(kind)["is_within"].astype("float64").mean())

    def quantiles(self) -> pd.DataFrame:
        """Give the distribution of the imbalance over the bootstrap terms.

        Rows 0.05, 0.5 and 0.95; columns `imbalance`, `imbalance_current` and `improvement` (the current imbalance less
        the plan's in the same term).
        """
        drawn = self._judged(BOOTSTRAP)[["imbalance", "imbalance_current"]]
        table = drawn.assign(improvement=drawn["imbalance_current"] - drawn["imbalance"])
        return table.quantile(list(QUANTILES)).rename_axis("quantile")

    def summary(self) -> str:
        """Say in plain English how far the plan can be relied on."""
        if not self.units_moved:
            return "The plan moves nothing, so there is nothing that could hold up."
        said = [*self._about_terms(), *self._about_bootstrap()]
        if self.empty_terms:
            said.append(f"Left out for want of any workload: {', '.join(self.empty_terms)}.")
        return " ".join(said)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each term and bootstrap term."""
        return self.scores.copy()

    def _judged(self, kind: str) -> pd.DataFrame:
        return self.scores[(self.scores["kind"] == kind) & ~self.scores["is_planned_on"]]

    def _about_terms(self) -> Iterator[str]:
        judged, own = self._judged(TERM), self.scores[self.scores["is_planned_on"]]
        past = "past term" if own.empty else "other term"
        if len(judged):
            better = int(judged["holds_up"].sum())
            yield (
                f"On {count_text(len(judged), past)} the plan holds up in {better}: "
                f"its imbalance is lower than that of the current zones in the same term{self._within(TERM)}."
            )
        else:
            yield f"There is no {past} to score the plan on: whether it holds up is not known."
        if len(own):
            yield f"It was made from {', '.join(own['term'])}, which says nothing for or against it."

    def _about_bootstrap(self) -> list[str]:
        drawn = self._judged(BOOTSTRAP)
        if drawn.empty:
            return ["Chance was not tried: no incidents by day were given."]
        low, middle, high = (f"{q:.1%}" for q in self.quantiles()["imbalance"])
        now = float(self.quantiles()["imbalance_current"][0.5])
        text = (
            f"It holds up in {self.holds_up_share(BOOTSTRAP):.0%} of {count_text(len(drawn), 'term')} redrawn from "
            f"{count_text(self.school_days, 'school day')}{self._within(BOOTSTRAP)}; imbalance {middle} "
            f"({low} to {high} in nine terms of ten), against {now:.1%} with the current zones."
        )
        return [text, "Redrawn days tell what chance does within a term, not what changes from term to term."]

    def _within(self, kind: str) -> str:
        return "" if self.tolerance is None else f", and within {self.tolerance:.1%} in {self.within_share(kind):.0%}"


def plan_stability(
    units: gpd.GeoDataFrame,
    assignment: pd.Series,
    loads_by_term: pd.DataFrame,
    *,
    tolerance: float | None = None,
    planned_on: str | None = None,
    zones: Iterable[str] | None = None,
    set_apart: Iterable[str] = (),
    incident_hours: pd.DataFrame | None = None,
    school_days: Iterable[dt.date] | None = None,
    visit_hours: pd.Series | None = None,
    bootstrap: int = 200,
    seed: int = 0,
) -> Stability:
    """Score a plan on past terms, and on terms redrawn from the school days of one.

    Parameters
    ----------
    units
        `unit_id` and the current `zone_id`.
    assignment
        The plan: zone of each unit, by `unit_id`.
    loads_by_term
        Workload of each unit (`unit_id`) in each term, a column for each, in the order of time.
    tolerance
        Imbalance that is aimed at.
    planned_on
        The term that the plan was made from: it is scored, and left out of every share.
    zones
        Ids of zones there are besides those of the units; a zone without units counts, with load 0.
    set_apart
        Zones that do not count for the imbalance as long as the plan moves nothing into them.
    incident_hours
        `unit_id`, `day` and `hours` of work, travel included, of each incident that was the zone officer's in one term.
        Without it there is no bootstrap.
    school_days
        Every day of that term on which school was in session, also those without an incident.
    visit_hours
        Hours of routine visits, travel included, per school day, by `unit_id`: the same in every redrawn term.
    bootstrap
        How many terms to redraw.
    seed
        Seed of the bootstrap; the same seed gives the same numbers, whatever the order of the rows.

    Returns
    -------
    Stability
        Paired: the plan and the current zones are scored on the same loads.

    Raises
    ------
    InputError
        When the assignment does not give every unit a zone, or names another unit.
    ColumnError
        When loads or hours are missing, negative, or of no unit; when incidents have a day that is no school day.
    SettingsError
        When `school_days` is missing beside `incident_hours`, `planned_on` is no term, or `bootstrap` is below 1.

    Notes
    -----
    A bootstrap term has as many days as the term, drawn with replacement as whole days, so that incidents of one day
    stay together. It tells of chance among days like those of this term; a plan made from the same term looks a little
    better on it than it will prove (its own days are what it was fitted to).

    References
    ----------
    Efron, B., and Tibshirani, R. J. (1993). An Introduction to the Bootstrap, Chapman and Hall, chapter 8.
    """
    after = in_order(assignment, units)
    before = pd.Series(units["zone_id"].to_numpy(), index=after.index)
    apart, entered = set(set_apart), set(after[before != after])
    ids = natural_order([*before, *after, *(zones or ())])
    old = _membership(before, ids)[:, [zone not in apart for zone in ids]]
    new = _membership(after, ids)[:, [zone not in apart - entered for zone in ids]]
    past = _past_loads(loads_by_term, after.index)
    _require_term(planned_on, past)
    is_empty = past.sum() == 0
    tables = [_scored(TERM, past.columns[~is_empty], past.loc[:, ~is_empty].to_numpy().T, old, new)]
    days = 0
    by_day = None if incident_hours is None else hours_by_day(incident_hours, school_days, after.index)
    # Without a call every redrawn term is the same: chance has nothing to do.
    if by_day is not None and by_day.any():
        days = len(by_day)
        loads = redrawn_loads(by_day, times=bootstrap, seed=seed) + fixed_hours(visit_hours, after.index)
        tables.append(_scored(BOOTSTRAP, pd.Index(range(1, bootstrap + 1)).astype("str"), loads, old, new))
    scores = pd.concat(tables, ignore_index=True)
    within = pd.Series(pd.NA, index=scores.index, dtype="boolean")
    if tolerance is not None:
        within = (scores["imbalance"] <= tolerance + _EQUAL).astype("boolean")
    scores = scores.assign(
        is_within=within,
        is_planned_on=(scores["kind"] == TERM) & (scores["term"] == planned_on),
    )
    empty_terms = tuple(map(str, past.columns[is_empty]))
    return Stability(scores, tolerance, seed, days, empty_terms, units_moved=int((before != after).sum()))


def _membership(plan: pd.Series, zones: list[str]) -> Numbers:
    columns = pd.Index(zones).get_indexer(pd.Index(plan))
    return np.eye(len(zones))[columns]


def _scored(kind: str, terms: pd.Index, loads: Numbers, old: Numbers, new: Numbers) -> pd.DataFrame:
    current, planned = imbalances(loads @ old), imbalances(loads @ new)
    return pd.DataFrame(
        {
            "kind": pd.Series(kind, index=range(len(terms)), dtype="str"),
            "term": pd.Series(terms, dtype="str"),
            "imbalance": planned,
            "imbalance_current": current,
            # Equal up to rounding is not lower: a plan that only renames the zones does not hold up.
            "holds_up": planned < current - _EQUAL,
        }
    )


def _past_loads(loads: pd.DataFrame, ids: pd.Index) -> pd.DataFrame:
    repeated = loads.index[loads.index.duplicated()]
    past = loads[~loads.index.duplicated()].reindex(ids).astype("float64")
    is_faulty = (past.isna() | (past < 0)).any(axis=1) | ids.isin(repeated)
    if is_faulty.any():
        raise ColumnError(
            "Some units have no workload in some term, or one below 0, or come twice.",
            where="loads_by_term",
            ids=ids[is_faulty],
            expected="a number of 0 or more for every unit and term",
            remedy="Give these units their workload; 0 where there was none.",
        )
    return past.set_axis(past.columns.astype("str"), axis=1)


def _require_term(planned_on: str | None, past: pd.DataFrame) -> None:
    if planned_on is not None and planned_on not in past.columns:
        raise SettingsError(
            "The term that the plan was made from is not among the terms.",
            where="planned_on",
            found=planned_on,
            expected=", ".join(past.columns),
            remedy="Name one of the terms, or none.",
        )


# ── Where a plan stands among random plans that move as many units

_BURN_SHARE, _EXCHANGE_SHARE = 0.1, 0.8
_SAME_MOVES = 1e-9
_STEPS_A_PLAN = 20
"""Most steps of the chain for each plan that is wanted, where many of its plans move fewer units."""
_ONE_SIDED = NormalDist().inv_cdf(0.95)


def random_standing(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    assignment: pd.Series,
    *,
    rules: Rules,
    set_apart: Iterable[str],
    draws: int,
    seed: int,
    response: pd.DataFrame | None,
    longer_min: float = 0.0,
) -> dict[str, Any]:
    """Draw random plans, and say where a plan stands among them; nothing where it moves nothing, or none was drawn.

    A Metropolis–Hastings chain: every step gives one unit (or one group that is kept together) another zone, or takes
    one home and moves another in its place. The effective number is by Geyer's initial positive sequence, of the
    imbalance and of being as even, whichever is less; the limit of the share is Wilson's. `response`: where nobody may
    wait longer.
    """
    if draws < 1:
        raise SettingsError(
            "Random plans are drawn one by one.", where="random_plans", found=draws, expected="1 or more, or none asked"
        )
    counted, links, kept = that_count(units, edges, rules, set_apart)
    zones = counted["zone_id"].astype("str").unique()
    no_travel = pd.DataFrame(0.0, index=counted["unit_id"].astype("str"), columns=zones)
    problem = problem_of(counted, links, rules=kept, travel=no_travel)
    if response is not None:
        limits = response_of(response, problem, known=units["unit_id"])
        problem = replace(problem, response=limits.allowing(longer_min))
    of_zone = {zone: row for row, zone in enumerate(problem.zone_ids)}
    label = np.array([of_zone[assignment[unit]] for unit in problem.unit_ids], dtype="int64")
    by = "schools" if rules.moves_in == "schools" else "units"
    chain = _ChangeChain(problem, label, counts_schools=by == "schools")
    states = islice(chain.run(draws * _STEPS_A_PLAN, seed=seed), int(draws * _BURN_SHARE), None)
    moves = round(chain.moves(label))
    drawn = [problem.imbalance(now) for now in islice(filter(chain.is_full, states), draws)] if moves else []
    if not drawn:
        return {}
    return {"moves": moves, "moves_by": by, "seed": seed} | _standing(drawn, problem.imbalance(label))


def _blocks(problem: Problem) -> list[list[int]]:
    """Group the units that move as one: those of groups that share a unit, and each other unit alone."""
    pairs = [(group[0], unit) for group in problem.together for unit in group]
    rows, columns = np.array(pairs, dtype="int64").reshape(-1, 2).T
    links = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(len(problem), len(problem)))
    number, of_unit = connected_components(links, directed=False)
    return [np.flatnonzero(of_unit == one).tolist() for one in range(number)]


class _ChangeChain:
    """A chain of plans of at most as many moves as a plan's: each step changes the zone of one block, or of two."""

    def __init__(self, problem: Problem, plan: Labels, *, counts_schools: bool) -> None:
        self.problem = problem
        self.members = _blocks(problem)
        self.block = np.empty(len(problem), dtype="int64")
        for row, units in enumerate(self.members):
            self.block[units] = row
        self.rows = np.arange(len(self.members))
        self.first = np.array([units[0] for units in self.members])
        self.allowed = np.array([problem.allowed[units].all(axis=0) for units in self.members])
        size = problem.move_cost() if counts_schools else (np.arange(problem.zones) != problem.start[:, None]) * 1.0
        self.cost = np.array([size[units].sum(axis=0) for units in self.members])
        pairs = [(unit, other) for unit, others in enumerate(problem.neighbors) for other in others]
        self.unit, self.other = np.array(pairs, dtype="int64").reshape(-1, 2).T
        self.most = self.moves(plan) + _SAME_MOVES
        self.start = problem.start if problem.is_plan(problem.start) else plan

    def moves(self, label: Labels) -> float:
        return float(self.cost[self.rows, label[self.first]].sum())

    def is_full(self, label: Labels) -> bool:
        """Say whether a plan moves as many units as the one it is compared with."""
        return self.moves(label) > self.most - 2 * _SAME_MOVES

    def run(self, steps: int, *, seed: int) -> Iterator[Labels]:
        """Give the plan after each step, today's first, or the plan itself where today's breaks a rule."""
        chain = _gerrychain()
        graph = importlib.import_module("networkx").Graph()
        graph.add_nodes_from(range(len(self.problem)))
        graph.add_edges_from(zip(self.unit.tolist(), self.other.tolist(), strict=True))
        first = chain.Partition(
            graph, dict(enumerate(self.start.tolist())), {"label": self._label}, use_default_updaters=False
        )
        rng = random.Random(seed)  # noqa: S311 - no secret
        for plan in chain.MarkovChain(self._next, [], chain.accept.always_accept, first, steps, rng=rng):
            yield plan["label"]

    def _label(self, plan: Any) -> Labels:  # noqa: ANN401 - a plan of gerrychain, which may not be installed
        if plan.parent is None:
            return self.start
        label: Labels = plan.parent["label"].copy()
        label[list(plan.flips)] = list(plan.flips.values())
        return label

    def _next(self, plan: Any, *, rng: random.Random) -> Any:  # noqa: ANN401
        """Propose a change, and take it as often as makes all plans equally likely; one that breaks a rule, never."""
        now = plan["label"]
        label = self._exchanged(now, rng) if rng.random() < _EXCHANGE_SHARE else self._changed(now, rng)
        if label is None or not self.problem.is_plan(label):
            return plan
        return plan.flip({int(unit): int(label[unit]) for unit in np.flatnonzero(label != now)})

    def _changed(self, label: Labels, rng: random.Random) -> Labels | None:
        """Give one block another zone; there and back are as likely once the numbers of choices are weighed."""
        choices = self._choices(label)
        if not len(choices):
            return None
        changed = self._with(label, *choices[rng.randrange(len(choices))])
        return changed if rng.random() * len(self._choices(changed)) < len(choices) else None

    def _exchanged(self, label: Labels, rng: random.Random) -> Labels | None:
        """Take one block home and move another in its place: the way back has as many choices."""
        is_moved = self._is_moved(label)
        away = np.flatnonzero(is_moved & self._has_home)
        if not len(away):
            return None
        back = int(away[rng.randrange(len(away))])
        between = self._with(label, back, int(self.problem.start[self.first[back]]))
        choices = self._choices(between)
        choices = choices[~self._is_moved(between)[choices[:, 0]] & self._has_home[choices[:, 0]]]
        return self._with(between, *choices[rng.randrange(len(choices))]) if len(choices) else None

    @cached_property
    def _has_home(self) -> Flags:
        """Whether all units of each block are in one zone today, and may be."""
        return np.array([self.cost[row, self.problem.start[first]] == 0 for row, first in enumerate(self.first)])

    def _is_moved(self, label: Labels) -> Flags:
        return np.asarray(label[self.first] != self.problem.start[self.first])

    def _with(self, label: Labels, block: int, zone: int) -> Labels:
        changed = label.copy()
        changed[self.members[block]] = zone
        return changed

    def _choices(self, label: Labels) -> Labels:
        """List the changes, block and zone, to a neighboring zone that locks and the number of moves allow."""
        zone = label[self.first]
        now = self.cost[self.rows, zone]
        can = np.zeros(self.allowed.shape, dtype="bool")
        can[self.block[self.unit], label[self.other]] = True
        can &= self.allowed & (now.sum() - now[:, None] + self.cost <= self.most)
        can[self.rows, zone] = False
        return np.argwhere(can)


def _standing(drawn: list[float], imbalance: float) -> dict[str, Any]:
    """Say where an imbalance stands among those drawn."""
    values = np.array(drawn)
    is_as_even = values <= imbalance + EXACT
    worth = round(min(_effective(values), _effective(is_as_even.astype("float64"))), 1)
    return {
        "draws": len(values),
        "effective": worth,
        "at_least_as_even": int(is_as_even.sum()),
        "share_at_most": _share_at_most(float(is_as_even.mean()), worth),
        "imbalance": [float(np.quantile(values, at)) for at in (0.0, 0.5, 1.0)],
    }


def _effective(values: Numbers) -> float:
    """Count the independent draws that a chain's values are worth, by Geyer's initial positive sequence."""
    n = len(values)
    if n < 4 or np.ptp(values) == 0:  # noqa: PLR2004 - two pairs of lags
        return float(n)
    spectrum = np.fft.rfft(values - values.mean(), n=2 * n)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:n]
    pairs = (correlation[: n - n % 2] / correlation[0]).reshape(-1, 2).sum(axis=1)
    is_over = pairs <= 0
    kept = pairs[: int(is_over.argmax())] if is_over.any() else pairs
    return float(min(n, n / max(1.0, 2 * kept.sum() - 1)))


def _share_at_most(share: float, draws: float) -> float:
    """Give the one-sided 95 % limit of a share (Wilson's), from what independent draws there are."""
    z = _ONE_SIDED**2 / draws
    return min(1.0, (share + z / 2 + math.sqrt(z * (share * (1 - share) + z / 4))) / (1 + z))


def _gerrychain() -> Any:  # noqa: ANN401
    try:
        return importlib.import_module("gerrychain")
    except ImportError as error:
        raise SettingsError(
            "Random plans are drawn by gerrychain, which is not installed.",
            where="random_plans",
            expected="the extra random-plans",
            remedy='Run `pip install "safeschools-geo[random-plans]"`, or ask for no random plans.',
        ) from error
