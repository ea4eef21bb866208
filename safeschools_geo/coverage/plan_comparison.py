"""Whether proposed zones are covered better or worse than the current ones, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.coverage.figure_text import change_text, figure_text, listed, share_text
from safeschools_geo.coverage.record.redrawn_days import interval
from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.coverage.plan_scores import PlanScores

_SAID = {
    "response": "the mean response",
    "response_p90": "the response to nine calls of ten",
    "backup": "the share of calls that another zone’s officer answers",
    "overflow": "the overflow to patrol",
    "busiest": "the load of the busiest officer",
}


@dataclass(frozen=True, eq=False)
class PlanComparison:
    """Proposed zones beside the current ones, on the same calls.

    Parameters
    ----------
    table
        One row for each measure: `measure`, `label`, `unit`, `better`, `current`, `proposed`, `difference` (proposed
        less current; all that is told where the record says nothing of the kind), `low` and `high` (95 % interval of
        the difference, paired by draw; missing without draws),
        `verdict` (``better``, ``worse``, ``unclear`` where the interval holds 0, ``same`` where the difference is too
        small to be shown) and `sentence`.
    imbalance
        Imbalance of the loads of the current and of the proposed zones; None where it was not given.
    """

    table: pd.DataFrame
    imbalance: tuple[float, float] | None

    def finding(self) -> str:
        """Say in one sentence what the proposed zones gain and what they cost.

        Returns
        -------
        str
            For example ``"The model says that the proposed zones balance load (imbalance 60.2% to 4.9%), but worsen the
            mean response by 0.4 min (0.2 to 0.6)."``
        """
        gains, costs = self._changes("better"), self._changes("worse")
        praise = [self._balance(), f"improve {listed(gains)}" if gains else ""]
        good = " and ".join(text for text in praise if text)
        bad = f"worsen {listed(costs)}" if costs else ""
        if not good and not bad:
            return (
                "The model says that the proposed zones change no measure of coverage by more than the numbers of "
                "calls leave open."
            )
        if good and not bad:
            return f"The model says that the proposed zones {good}, and clearly worsen no measure of coverage."
        return f"The model says that the proposed zones {', but '.join(text for text in (good, bad) if text)}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure.

        Returns
        -------
        pandas.DataFrame
            As `table`.
        """
        return self.table.copy()

    def _changes(self, verdict: str) -> list[str]:
        rows = self.table[self.table["verdict"] == verdict].to_dict("records")
        return [f"{_named(row)} by {_size(row)}" for row in rows]

    def _balance(self) -> str:
        if self.imbalance is None:
            return ""
        before, after = (share_text(value) for value in self.imbalance)
        return f"balance load (imbalance {before} to {after})" if self.imbalance[1] < self.imbalance[0] else ""


def compare(current: PlanScores, proposed: PlanScores, *, imbalance: Sequence[float] | None = None) -> PlanComparison:
    """Compare the coverage of proposed zones with that of the current ones.

    Parameters
    ----------
    current, proposed
        Scores of both on the same rates and the same draws.
    imbalance
        Imbalance of the loads (`workload.imbalance`) of the current and of the proposed zones, so that the finding can
        say what is gained beside coverage.

    Returns
    -------
    PlanComparison
        The differences.

    Raises
    ------
    InputError
        When the two have other measures or numbers of draws.

    Notes
    -----
    Both plans are scored on the same draws, so that the interval is that of the difference: chance that makes both
    better or worse is not in it. Without draws a difference is judged as it stands.
    """
    a, b = (scores.table.set_index("measure") for scores in (current, proposed))
    if list(a.index) != list(b.index) or len(current.drawn) != len(proposed.drawn):
        raise InputError(
            "The scores of the two plans do not go together.",
            found=f"{len(a)} and {len(b)} measures, {len(current.drawn)} and {len(proposed.drawn)} draws",
            expected="the same measures, scored on the same draws",
            remedy="Score both with the same `redrawn` and `within_min`.",
        )
    differences = proposed.drawn - current.drawn
    untold = current.untold | proposed.untold
    rows = []
    for name in a.index:
        low, high = interval(differences[name])
        row: dict[Any, Any] = {
            "measure": name,
            **a.loc[name, ["label", "unit", "better"]].to_dict(),
            "current": np.nan if name in untold else float(a.loc[name, "value"]),
            "proposed": np.nan if name in untold else float(b.loc[name, "value"]),
            "difference": float(b.loc[name, "value"]) - float(a.loc[name, "value"]),
            "low": low,
            "high": high,
        }
        row["verdict"] = _verdict(row)
        rows.append({**row, "sentence": _sentence(row)})
    return PlanComparison(
        table=pd.DataFrame(rows), imbalance=None if imbalance is None else (float(imbalance[0]), float(imbalance[1]))
    )


def _verdict(row: dict[Any, Any]) -> str:
    """Judge a difference: shown at all, then outside chance, then the direction."""
    if change_text(row["difference"], np.nan, np.nan, row["unit"]) == change_text(0.0, np.nan, np.nan, row["unit"]):
        return "same"
    if not np.isfinite(row["difference"]) or row["low"] <= 0 <= row["high"]:
        return "unclear"
    return "better" if (row["difference"] < 0) == (row["better"] == "lower") else "worse"


def _sentence(row: dict[Any, Any]) -> str:
    before, after = (figure_text(row[plan], row["unit"]) for plan in ("current", "proposed"))
    levels = f"{before} now, {after} with the proposed zones" if np.isfinite(row["current"]) else "the proposed zones"
    told = f"{row['label']}: {levels}"
    if row["verdict"] == "same":
        return f"{told}: no difference."
    if row["verdict"] == "unclear":
        return f"{told}: {'up' if row['difference'] > 0 else 'down'} by {_size(row)}, which may be chance."
    return f"{told}: {row['verdict']} by {_size(row)}."


def _size(row: dict[Any, Any]) -> str:
    return change_text(row["difference"], row["low"], row["high"], row["unit"])


def _named(row: dict[Any, Any]) -> str:
    if row["measure"].startswith("within_"):
        minutes = row["measure"].split("_")[1]
        return f"the share of calls reached within {minutes} minutes"
    return _SAID[row["measure"]]
