"""Scores of zones by their coverage: response, backup, overflow and the busiest officer, and how far they are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from safeschools_geo.coverage.figure_text import figure_text, interval_text, minutes_text, more_text, share_text
from safeschools_geo.coverage.queueing import MOST_EXACT, hypercube, hypercube_approximation
from safeschools_geo.coverage.record.redrawn_days import interval
from safeschools_geo.coverage.response import WITHIN_MIN, mean_response_min, response_quantile_min, within_share
from safeschools_geo.errors import InputError, SettingsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.coverage.dispatch import Dispatch
    from safeschools_geo.coverage.record.validation_finding import Validation

    Floats = NDArray[np.float64]

COLUMNS = ["measure", "value", "low", "high", "label", "shown", "unit", "better", "note"]
"""Columns of a table of scores."""

MINUTES, OF_CALLS, OF_TIME = "min", "share of calls", "share of the time"
"""Units of the measures."""

_RARE = 0.0005
_VALIDATED = {"response": "response", "response_p90": "response_p90", "backup": "backup", "overflow": "overflow"}


class _Kind(NamedTuple):
    label: str
    unit: str
    better: Literal["lower", "higher"]
    note: str


@dataclass(frozen=True, eq=False)
class PlanScores:
    """How well zones are covered.

    Parameters
    ----------
    table
        One row for each measure: `measure`, `value`, `low` and `high` (95 % interval; missing without draws), `label`,
        `shown`, `unit`, `better` (``lower`` or ``higher``) and `note`. It is what `score_plan(coverage=…)` takes.
    drawn
        What each draw of the calls came to: a row for each draw, a column for each measure; missing where a draw has
        no call.
    untold
        Measures of which only differences between plans are told, since the record says nothing of the kind.
    """

    table: pd.DataFrame
    drawn: pd.DataFrame
    untold: frozenset[str] = frozenset()

    def summary(self) -> str:
        """Say in plain English how well the zones are covered in the model.

        Returns
        -------
        str
            One sentence for each measure that is told.
        """
        rows = [row for row in self.table.to_dict("records") if row["measure"] not in self.untold]
        told = [f"{row['label']}: {_told(row['value'], row['low'], row['high'], row['unit'])}." for row in rows]
        return " ".join(["In the model:", *told] if told else [])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure.

        Returns
        -------
        pandas.DataFrame
            As `table`.
        """
        return self.table.copy()

    def told(self) -> pd.DataFrame:
        """Return what may be told as it stands.

        Returns
        -------
        pandas.DataFrame
            As `table`; value, interval and note are missing of measures that are `untold`.
        """
        is_untold = self.table["measure"].isin(self.untold)
        figures = {name: self.table[name].mask(is_untold) for name in ("value", "low", "high")}
        return self.table.assign(**figures, note=self.table["note"].mask(is_untold, ""))

    def with_record(self, validation: Validation, *, today: PlanScores | None) -> PlanScores:
        """Call the figures the model's, with what the record says today beside them.

        Parameters
        ----------
        validation
            What the record says.
        today
            Scores of the zones of today, from which a plan's figures that are not told differ; None for today's own.

        Returns
        -------
        PlanScores
            The same figures: `label` names the model, the recorded figure and a failed check. Where the record says
            nothing of the kind, `shown` is the difference to today.
        """
        untold = {
            row["measure"]
            for row in self.table.to_dict("records")
            if not (validation.tells_minutes if _is_of_trips(row) else validation.tells_answers or _is_busy(row))
        }
        before = None if today is None else today.table.set_index("measure")["value"]

        def shown(row: dict[Any, Any]) -> str:
            if row["measure"] not in untold:
                return str(row["shown"])
            if before is None:
                return "not recorded"
            change = row["value"] - float(before[row["measure"]])
            told = more_text(change, row["unit"])
            return told if told == "no change" else f"{told} than today"

        rows = self.table.to_dict("records")
        table = self.table.assign(
            label=[f"{row['label']} ({_beside(row, validation)})" for row in rows],
            shown=[shown(row) for row in rows],
        )
        return replace(self, table=table, untold=frozenset(untold))


def score_coverage(
    arrivals_per_h: ArrayLike,
    service_per_h: ArrayLike,
    dispatch: Dispatch,
    *,
    redrawn: ArrayLike | None = None,
    within_min: float = WITHIN_MIN,
) -> PlanScores:
    """Score zones by how their schools are covered.

    Parameters
    ----------
    arrivals_per_h
        Calls per programme hour from each school, in the order of `dispatch`, shape (n_schools,).
    service_per_h
        Calls that each officer could answer in an hour, in the order of `dispatch`, shape (n_officers,).
    dispatch
        Which officers are tried for each school of these zones, and how far away they are.
    redrawn
        Rates that chance could have brought (`rates.redrawn`), shape (draws, n_schools); without them there are no
        intervals. Give the same to every plan: then their differences are paired.
    within_min
        Minutes within which a call is to be reached.

    Returns
    -------
    PlanScores
        `response` (mean minutes of the trip), `response_p90`, ``within_5_min`` (share of all calls reached in time),
        `backup` (answered by an officer of another zone), `overflow` (nobody is free, and patrol is sent) and `busiest`
        (the largest share of the time that an officer is busy with calls).

    Raises
    ------
    InputError
        When rates or shapes cannot be used.
    SettingsError
        When `within_min` is not above 0.

    Notes
    -----
    The hypercube queueing model (`queueing`) says who is sent how often, exactly for up to 15 officers, else by an
    approximation, which the notes then say; calls that find all officers busy go to
    patrol. Response is the trip of the officer who is sent, from where that officer waits; calls that go to patrol have
    none, and count as not reached in time. Intervals tell of chance in the numbers of calls only.

    References
    ----------
    Larson, R. C. (1974). A hypercube queuing model for facility location and redistricting in urban emergency services.
    Computers & Operations Research 1, 67–95.
    """
    if not within_min > 0:
        raise SettingsError("A time to be reached in is above 0.", where="within_min", found=within_min)
    arrivals = np.asarray(arrivals_per_h, dtype=np.float64)
    kinds = _kinds(within_min)
    values, busiest = _scores(arrivals, service_per_h, dispatch, within_min)
    draws = np.empty((0, len(arrivals))) if redrawn is None else np.asarray(redrawn, dtype=np.float64)
    if draws.ndim != 2 or draws.shape[1:] != arrivals.shape:  # noqa: PLR2004 - draws, schools
        raise InputError(
            "The rates redrawn are not of these schools.",
            where="redrawn",
            found=f"shape {draws.shape}",
            expected=f"a row for each draw, with {len(arrivals)} schools",
        )
    # A draw without any call scores nothing.
    scored = [
        _scores(draw, service_per_h, dispatch, within_min)[0] if draw.any() else np.full(len(kinds), np.nan)
        for draw in draws
    ]
    drawn = pd.DataFrame(np.reshape(scored, (len(draws), len(kinds))), columns=list(kinds)).rename_axis("draw")
    notes = {"busiest": f"zone {busiest}", "overflow": _how_rare(values[list(kinds).index("overflow")])}
    model_note = "" if _is_exact(dispatch) else "by an approximation of the queueing model"
    rows = []
    for (name, kind), value in zip(kinds.items(), values, strict=True):
        low, high = interval(drawn[name])
        told = [notes.get(name, ""), f"95% interval {interval_text(low, high, kind.unit)}" if len(draws) else ""]
        note = "; ".join(text for text in (*told, kind.note, model_note) if text)
        shown = minutes_text(value) if kind.unit == MINUTES else share_text(value)
        rows.append((name, value, low, high, kind.label, shown, kind.unit, kind.better, note))
    return PlanScores(pd.DataFrame(rows, columns=COLUMNS), drawn)


def _kinds(within_min: float) -> dict[str, _Kind]:
    trip = "the trip of the officer who is sent; calls that go to patrol are not in it"
    visits = "calls only: a routine visit can be broken off for a call, and is not busy time"
    return {
        "response": _Kind("Response, mean", MINUTES, "lower", trip),
        "response_p90": _Kind("Response, nine calls of ten within", MINUTES, "lower", trip),
        f"within_{within_min:g}_min": _Kind(
            f"Reached within {within_min:g} minutes", OF_CALLS, "higher", "calls that go to patrol count as not reached"
        ),
        "backup": _Kind("Backup: answered by another zone’s officer", OF_CALLS, "lower", ""),
        "overflow": _Kind("Overflow to patrol", OF_CALLS, "lower", ""),
        "busiest": _Kind("Busiest officer", OF_TIME, "lower", visits),
    }


def _scores(arrivals: Floats, service: ArrayLike, dispatch: Dispatch, within_min: float) -> tuple[Floats, str]:
    """Score one set of rates, in the order of `_kinds`, and name the zone of the busiest officer."""
    solve = hypercube if _is_exact(dispatch) else hypercube_approximation
    model = solve(arrivals, service, dispatch.preference, capacity="loss")
    shares, minutes = model.dispatch_share, dispatch.travel_min
    busy = np.asarray(model.busy_share)
    values = (
        mean_response_min(shares, minutes),
        response_quantile_min(shares, minutes),
        within_share(shares, minutes, within_min),
        float(shares[~dispatch.is_own].sum()),
        float(model.overflow_share),
        float(busy.max()),
    )
    return np.array(values), str(dispatch.officer_zones.iloc[int(busy.argmax())])


def _is_of_trips(row: dict[Any, Any]) -> bool:
    return row["unit"] == MINUTES or str(row["measure"]).startswith("within_")


def _is_busy(row: dict[Any, Any]) -> bool:
    return bool(row["unit"] == OF_TIME)


def _beside(row: dict[Any, Any], validation: Validation) -> str:
    """Call a figure the model's, and say what the record says today."""
    is_reached = row["measure"] == f"within_{WITHIN_MIN:g}_min"
    name = "within" if is_reached else _VALIDATED.get(row["measure"], "")
    found = validation.figure(name) if name else None
    if found is None or not found.is_recorded:
        return "model"
    check = "; the model fails this check" if found.is_within is False else ""
    return f"model; recorded today: {found}{check}"


def _is_exact(dispatch: Dispatch) -> bool:
    return len(dispatch.officer_zones) <= MOST_EXACT


def _how_rare(share: float) -> str:
    if not 0 < share < _RARE:
        return ""
    return f"about one call in {float(f'{1 / share:.2g}'):,.0f}"


def _told(value: float, low: float, high: float, unit: str) -> str:
    known = f" ({interval_text(low, high, unit)})" if np.isfinite(low) else ""
    return f"{figure_text(value, unit)}{known}"
