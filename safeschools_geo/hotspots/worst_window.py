"""The worst hours of the week: days and hours with more incidents than hours in session explain, after all looking."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import xlogy

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots.hours import checked_week
from safeschools_geo.hotspots.likelihood import (
    LikelihoodRatio,
    critical_ratio,
    gumbel_p_value,
    rank_p_value,
    smallest_ratio,
)
from safeschools_geo.hotspots.scan import simulate_counts
from safeschools_geo.hotspots.words import (
    FEWEST_EXPECTED,
    NOT_CLEARLY,
    carried,
    listed,
    once_in_terms,
    times,
)
from safeschools_geo.schemas import FEWEST_AS_BASE, POPULATIONS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

Status = Literal["high", "not_high", "insufficient_data"]

FEWEST_INCIDENTS = 20
"""Incidents in session below which nothing is said about hours."""

ALPHA = 0.05
"""Largest p-value of a window that is called high."""

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LOST = 1e-9
_MIDNIGHT = 24
_LISTED = 2


@dataclass(frozen=True)
class WorstWindow:
    """The days and hours in which incidents are most unusually frequent.

    Parameters
    ----------
    weekdays
        Days on which the window begins and has school in its hours, 0 for Monday, in the order they follow each other;
        none where there is no window.
    start_hour, end_hour
        Local hours from and to, the end not included (24 for midnight); None where there is no window.
    observed
        Aoristic weight of the incidents in it: may be a fraction. Missing where there is no window, as are the next.
    expected
        Incidents expected in it: the same total, spread as the hours in session are.
    relative_risk
        Observed over expected inside, divided by the same in the other hours in session.
    llr
        Log likelihood ratio.
    p_value
        One-sided Monte-Carlo p-value, after looking at all windows.
    gumbel_p_value
        The same from a Gumbel distribution fitted to the simulated maxima.
    detectable_ratio
        Smallest observed over expected at which this window would have had a p-value of 5 %.
    status
        ``high`` (p ≤ 0.05), ``not_high``, or ``insufficient_data``.
    incidents
        Aoristic weight in session.
    left_out
        Aoristic weight in hours without school, which is not looked at.
    windows
        Number of windows looked at that differ in the hours in session they hold, and in which at least one incident
        is expected.
    settings
        ``longest_h``, ``simulations`` and ``seed``.
    """

    weekdays: tuple[int, ...]
    start_hour: int | None
    end_hour: int | None
    observed: float
    expected: float
    relative_risk: float
    llr: float
    p_value: float
    gumbel_p_value: float
    detectable_ratio: float
    status: Status
    incidents: float
    left_out: float
    windows: int
    settings: dict[str, Any]

    def summary(self) -> str:
        """Say in plain English when incidents are most frequent.

        Returns
        -------
        str
            One sentence, and one on what was left out.
        """
        return self._finding() + self._left_out()

    def to_frame(self) -> pd.DataFrame:
        """Return one row.

        Returns
        -------
        pandas.DataFrame
            The fields but `settings`, with the names of `weekdays` joined by ``;``, and `sentence`.
        """
        row = {name: value for name, value in asdict(self).items() if name != "settings"}
        days = ";".join(DAY_NAMES[day] for day in self.weekdays)
        return pd.DataFrame([{**row, "weekdays": days, "sentence": self.summary()}]).astype(
            {"start_hour": "Int64", "end_hour": "Int64"}
        )

    def _finding(self) -> str:
        if self.status == "insufficient_data":
            return (
                f"Too few {POPULATIONS['reported']} in session to tell hours apart: {self.incidents:,.4g}, "
                f"where {FEWEST_INCIDENTS} are needed."
            )
        looked = f"after looking at {self.windows:,} windows"
        if not self.weekdays:
            return f"No hours in session have more {POPULATIONS['reported']} than others, {looked}."
        chance = once_in_terms(self.p_value)
        if self.status == "high":
            return f"{self._when()}, {self._ratio()}; a pattern this strong arises by chance {chance} {looked}."
        when = self._when()
        return (
            f"{when}, {self._ratio()}, which is {NOT_CLEARLY}: a pattern this strong arises by chance {chance} "
            f"{looked}."
        )

    def _when(self) -> str:
        return f"From {self.start_hour:02d}:00 to {self.end_hour:02d}:00{_days_text(self.weekdays)}"

    def _ratio(self) -> str:
        if np.isnan(carried(self.relative_risk, self.incidents - self.observed, fewest=FEWEST_AS_BASE)):
            inside = f"{self.observed:,.4g} of the {self.incidents:,.4g} {POPULATIONS['reported']}"
            return f"there were {inside} in session, where {self.expected:,.1f} were expected"
        return (
            f"{POPULATIONS['reported']} were {times(self.relative_risk)} as frequent as in the other hours in session"
        )

    def _left_out(self) -> str:
        if self.left_out < _LOST:
            return ""
        return f" Left out: calls with a weight of {self.left_out:,.1f} in hours without school."


def worst_window(
    weights: ArrayLike, exposure: ArrayLike, *, longest_h: int = 4, simulations: int = 999, seed: int = 0
) -> WorstWindow:
    """Find the days and hours with more incidents than the hours in session explain.

    Parameters
    ----------
    weights
        Incidents of each hour of the week, for example from `temporal.aoristic`, shape (7, 24); fractions are allowed.
    exposure
        School-hours in session, from `hours.session_hours`, shape (7, 24).
    longest_h
        Longest window in hours of the day, 1 to 24.
    simulations
        Number of Monte-Carlo simulations.
    seed
        Seed of the simulations.

    Returns
    -------
    WorstWindow
        The likeliest window. Windows are successive weekdays (Sunday is followed by Monday) times successive hours
        (23 is followed by 0, which is then the next day's); only hours in session enter, and windows that hold the same
        ones are one.

    Raises
    ------
    InputError
        When a week has another shape or holds anything but numbers of 0 or more, or a setting makes no sense.

    Notes
    -----
    Kulldorff's Poisson scan (M. Kulldorff, "A spatial scan statistic", Communications in Statistics 26, 1997) on the
    circles of the week and of the day. Simulations draw as many whole incidents as there are in session, rounded, and
    spread them as the hours in session are. Incidents that were spread over several hours vary less than that, so their
    p-value errs on the side of caution. Incidents are taken to be independent of each other: several reports of one
    event make the p-value too small.
    """
    week, hours = checked_week(weights, "weights"), checked_week(exposure, "exposure")
    _require_settings(longest_h, simulations)
    in_session = hours > 0
    settings = {"longest_h": longest_h, "simulations": simulations, "seed": seed}
    windows = _Windows.of(in_session, longest_h)
    counts, share = week[in_session], hours[in_session] / hours.sum()
    known: dict[str, Any] = {
        "incidents": float(counts.sum()),
        "left_out": float(week[~in_session].sum()),
        "windows": len(windows.members),
        "settings": settings,
    }
    # Aoristic weights add up to the incidents but for rounding.
    if counts.sum() < FEWEST_INCIDENTS - _LOST:
        return _without_window("insufficient_data", float("nan"), known)
    # Windows in which less than one is expected carry no ratio, and are not looked at, in the simulations either.
    windows = windows.of_share(share, FEWEST_EXPECTED / max(counts.sum(), FEWEST_EXPECTED))
    known["windows"] = len(windows.members)
    observed, held = windows.members @ counts, windows.members @ share
    ratios = _likelihood_ratios(observed, held, counts.sum())
    if ratios.max(initial=0.0) <= _LOST:
        return _without_window("not_high", 1.0, known)
    best = int(ratios.argmax())
    maxima = _simulated_maxima(windows.members, share, round(known["incidents"]), simulations, seed)
    return _window(
        windows.arcs[best],
        in_session,
        observed=float(observed[best]),
        share=float(held[best]),
        llr=float(ratios[best]),
        maxima=maxima,
        known=known,
    )


@dataclass(frozen=True, eq=False)
class _Windows:
    """Windows that differ in the hours in session they hold, smaller ones first.

    `members`: whether an hour in session is in it, float64, shape (windows, hours in session). `arcs`: first weekday,
    number of weekdays, first hour, number of hours, shape (windows, 4).
    """

    members: Floats
    arcs: Ints

    @classmethod
    def of(cls, in_session: Flags, longest_h: int) -> _Windows:
        """List the windows that hold some of the hours in session, but not all."""
        arcs = np.array([(*days, *hours) for days, hours in product(_arcs(7, 7), _arcs(24, longest_h))])
        arcs = arcs[np.argsort(arcs[:, 1] * arcs[:, 3], kind="stable")]
        members = _cells(arcs)[:, in_session]
        is_some = np.flatnonzero(members.any(axis=1) & ~members.all(axis=1))
        _, first = np.unique(np.packbits(members[is_some], axis=1), axis=0, return_index=True)
        chosen = is_some[np.sort(first)]
        return cls(members[chosen].astype(np.float64), arcs[chosen])

    def of_share(self, share: Floats, least: float) -> _Windows:
        """Keep those with at least such a share of what is expected."""
        is_kept = self.members @ share >= least * (1 - _LOST)
        return _Windows(self.members[is_kept], self.arcs[is_kept])


def _arcs(circle: int, longest: int) -> list[tuple[int, int]]:
    """List starts and lengths of the arcs of a circle; the whole circle is one."""
    arcs = [(start, length) for length in range(1, min(longest, circle - 1) + 1) for start in range(circle)]
    return [*arcs, (0, circle)] if longest == circle else arcs


def _cells(arcs: Ints) -> Flags:
    """Tell the hours of the week in windows, shape (windows, 7, 24)."""
    day, days, hour, hours = arcs.T[:, :, None]
    clock = np.arange(24)
    is_in_hours = (clock - hour) % 24 < hours
    # Each hour counts for the day on which the window that holds it would begin.
    began = np.arange(7)[:, None] - (clock < hour)[:, None, :]
    return np.asarray(((began - day[:, :, None]) % 7 < days[:, :, None]) & is_in_hours[:, None, :])


def _days_in_session(arc: Ints, in_session: Flags) -> tuple[int, ...]:
    """List the days of a window on which it begins and holds hours in session."""
    first, length, *hours = (int(number) for number in arc)
    days = [day % 7 for day in range(first, first + length)]
    held = _cells(np.array([(day, 1, *hours) for day in days]))[:, in_session].any(axis=1)
    return tuple(days[i] for i in np.flatnonzero(held))


def _likelihood_ratios(observed: Floats, share: Floats, total: float) -> Floats:
    """Compute Kulldorff's ratio for counts that may be fractions, shape (windows,)."""
    expected = total * share
    inside = xlogy(observed, observed / expected)
    # Sums of fractions may exceed their total by a hair.
    rest = np.maximum(total - observed, 0.0)
    ratios = inside + xlogy(rest, rest / (total - expected))
    return np.where(observed > expected, ratios, 0.0)


def _simulated_maxima(members: Floats, share: Floats, total: int, simulations: int, seed: int) -> Floats:
    counts = simulate_counts(total, share, simulations=simulations, seed=seed)
    # Whole numbers below 2**53 are exact.
    cases = (members @ counts.astype(np.float64)).astype(np.int32)
    return np.asarray(LikelihoodRatio(total)(cases, members @ share).max(axis=0, initial=0.0))


def _window(
    arc: Ints, in_session: Flags, *, observed: float, share: float, llr: float, maxima: Floats, known: dict[str, Any]
) -> WorstWindow:
    total = known["incidents"]
    rest = max(total - observed, 0.0)
    p_value = rank_p_value(llr, maxima)
    start, end = int(arc[2]), int(arc[2] + arc[3])
    return WorstWindow(
        weekdays=_days_in_session(arc, in_session),
        start_hour=start,
        end_hour=end if end <= _MIDNIGHT else end - _MIDNIGHT,
        observed=observed,
        expected=total * share,
        relative_risk=observed / share / (rest / (1 - share)) if rest > _LOST else float("inf"),
        llr=llr,
        p_value=p_value,
        gumbel_p_value=gumbel_p_value(llr, maxima),
        detectable_ratio=smallest_ratio(share, total, critical_ratio(maxima)),
        status="high" if p_value <= ALPHA else "not_high",
        **known,
    )


def _without_window(status: Status, p_value: float, known: dict[str, Any]) -> WorstWindow:
    unknown = float("nan")
    return WorstWindow(
        weekdays=(),
        start_hour=None,
        end_hour=None,
        observed=unknown,
        expected=unknown,
        relative_risk=unknown,
        llr=unknown,
        p_value=p_value,
        gumbel_p_value=p_value,
        detectable_ratio=unknown,
        status=status,
        **known,
    )


def _days_text(days: tuple[int, ...]) -> str:
    names = [DAY_NAMES[day] for day in days]
    is_run = all((later - day) % 7 == 1 for day, later in pairwise(days))
    if is_run and len(names) > _LISTED:
        return f", {names[0]} to {names[-1]}"
    return f" on {listed([f'{name}s' for name in names])}"


def _require_settings(longest_h: int, simulations: int) -> None:
    if longest_h not in range(1, 25):
        raise InputError(
            "A window is some whole hours of a day.", where="longest_h", found=longest_h, expected="1 to 24"
        )
    if simulations < 1:
        raise InputError("A p-value needs simulations.", found=simulations, expected="at least 1, better 999")
