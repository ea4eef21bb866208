"""What a validation says: first of all, where the model and the record differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pandas as pd

from safeschools_geo.coverage.figure_text import figure_text, interval_text, listed
from safeschools_geo.coverage.record.call_record import DISTRICT
from safeschools_geo.errors import count_text

Since = Literal["dispatched_at", "received_at"]
"""The moment that response is measured from."""


class Kind(NamedTuple):
    """A measure that is validated.

    Parameters
    ----------
    name
        What it is called in a sentence.
    unit
        ``share`` or ``min``.
    says
        What is said of a figure, with a place for it.
    if_more, if_less
        What can be behind a record that has more, or less, than the model.
    """

    name: str
    unit: str
    says: str
    if_more: str
    if_less: str


KINDS = {
    "busy": Kind(
        "busy share",
        "share",
        "officers are busy with calls {} of the time",
        "calls keep officers longer than the model has it",
        "others take some of the calls, or calls keep officers less long than the model has it",
    ),
    "backup": Kind(
        "backup",
        "share",
        "{} of calls need another zone’s officer",
        "officers are busy with more than calls, or are sent by another rule",
        "calls wait for their own officer, or go to patrol, instead of to a neighbour",
    ),
    "overflow": Kind(
        "overflow",
        "share",
        "{} of calls go to patrol",
        "patrol answers calls although an officer is free, or officers are busy with more than calls",
        "",
    ),
    "response": Kind(
        "mean response",
        "min",
        "the mean trip takes {}",
        "officers are farther away than the model has them wait, or drive more slowly",
        "officers are nearer than the model has them wait, or drive faster",
    ),
    "response_p90": Kind("90% response", "min", "nine trips of ten take at most {}", "", ""),
}
"""The measures, in the order they are told."""


@dataclass(frozen=True, eq=False)
class Validation:
    """What the model predicts beside what the record says.

    Parameters
    ----------
    table
        `measure` (``busy``, ``backup``, ``overflow``, ``response``, ``response_p90``), `zone_id` (empty for all
        together), `predicted`, `observed`, `low` and `high` (95 % interval of the observed), `is_within` (whether the
        predicted lies in it; missing where either is not known) and `note`. Shares are 0 to 1, response is in minutes.
    calls
        Calls of the record.
    days
        School days of the record.
    is_timed, has_responders
        Whether the record has times that minutes can be measured from, and says who answered.
    is_own_days
        Whether the model's rates are of the same days.
    since
        The moment that response is measured from.
    """

    table: pd.DataFrame
    calls: int
    days: int
    is_timed: bool
    has_responders: bool
    is_own_days: bool
    since: Since

    def finding(self) -> str:
        """Say plainly where model and record differ, before anything is built on the model.

        Returns
        -------
        str
            A few sentences: first what differs for all zones together, then what agrees and what cannot be told, then
            the zones.
        """
        lacking = self._lacking()
        whole = self.table[self.table["zone_id"] == DISTRICT]
        judged = whole[whole["is_within"].notna()]
        if judged.empty:
            return f"The model cannot be checked: {lacking}. Its figures rest on assumptions alone."
        outside = judged[~judged["is_within"].astype(bool)].to_dict("records")
        said = [" ".join(_difference(row) for row in outside)] if outside else []
        if outside:
            said.append("Read every figure of the model with this in mind.")
        alike = [KINDS[name].name for name in judged.loc[judged["is_within"].astype(bool), "measure"]]
        if alike:
            said.append(
                f"Model and record agree on {listed(alike)}, as far as {count_text(self.calls, 'call')} can tell."
            )
        if lacking:
            said.append(f"Not all can be checked: {lacking}.")
        return " ".join([*said, *self._about_zones(), *self._about_days()])

    def summary(self) -> str:
        """Say the finding.

        Returns
        -------
        str
            As `finding`.
        """
        return self.finding()

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure and zone.

        Returns
        -------
        pandas.DataFrame
            As `table`.
        """
        return self.table.copy()

    def _lacking(self) -> str:
        if not self.calls:
            return "the record has no calls for officers on these days"
        lacking = [] if self.is_timed else ["has no times of dispatch, arrival and clearing that can be used"]
        lacking += [] if self.has_responders else ["does not say who answered"]
        return f"the record {listed(lacking)}" if lacking else ""

    def _about_zones(self) -> list[str]:
        judged = self.table[(self.table["zone_id"] != DISTRICT) & self.table["is_within"].notna()]
        outside = judged[~judged["is_within"].astype(bool)]
        if judged.empty:
            return []
        expected = round(0.05 * len(judged))
        told = f"Of {count_text(len(judged), 'figure')} of single zones {len(outside):,} lie outside their intervals"
        return [f"{told}, where chance alone would put about {expected:,}."]

    def _about_days(self) -> list[str]:
        if not self.is_own_days:
            return []
        return ["The model’s rates and minutes are of the same days, so that its busy share is bound to come near."]


def _difference(row: dict[Any, Any]) -> str:
    kind = KINDS[row["measure"]]
    observed = figure_text(row["observed"], kind.unit)
    known = interval_text(row["low"], row["high"], kind.unit)
    told = f"The model says that {kind.says.format(figure_text(row['predicted'], kind.unit))}; the record says"
    why = kind.if_more if row["observed"] > row["predicted"] else kind.if_less
    reason = f" It could be that {why}." if why else ""
    return f"{told} {observed} ({known}).{reason}"
