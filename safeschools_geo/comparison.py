"""What two terms beside each other came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.hotspots import NOT_JUDGED, STATUS_CHANGES, change_words, times
from safeschools_geo.schemas import POPULATIONS
from safeschools_geo.settings import Settings, Term
from safeschools_geo.text import format_change
from safeschools_geo.workload import imbalance

_CLEAR = ("rose", "fell")
_CALLS = POPULATIONS["reported"]


@dataclass(frozen=True)
class TermComparison:
    """Two terms beside each other.

    Parameters
    ----------
    term_a, term_b
        The earlier and the later term. In all tables ``_before`` is of the first and ``_after`` of the second.
    settings
        Settings of the district.
    days
        School days of the two terms.
    has_zone_record
        Whether it is known which zones the earlier term had.
    school_zones
        Zone of each school in both terms: `school_id`, `name`, `level`, `in_program`, `zone_before`, `zone_after`,
        `has_changed`.
    loads
        Workload of each zone in both terms, in officer-hours per school day: what the schools that changed zone bring
        (`from_zones_h`) and what else changed (`from_work_h`).
    overall, rates, levels
        Reported incidents of all schools together, of zones and of levels (`rates_beside`). Each term is
        counted in its own zones; `has_same_schools` says where a zone had the same schools, and the columns that begin
        with ``same_schools_`` compare the schools that it has in the later term.
    schools
        The same of each program school, with `status_change`.
    hotspots
        Schools and groups that are high in either term (`hotspots_that_changed`), with `warning`.
    cautions
        What the comparison may rest on besides what happened.
    notes
        Where the zones come from, and what had to be assumed.
    seed
        Seed of everything random.
    inputs
        File → SHA-256 of what the comparison was made from.
    """

    term_a: Term
    term_b: Term
    settings: Settings
    days: tuple[int, int]
    has_zone_record: bool
    school_zones: pd.DataFrame
    loads: pd.DataFrame
    overall: pd.DataFrame
    rates: pd.DataFrame
    levels: pd.DataFrame
    schools: pd.DataFrame
    hotspots: pd.DataFrame
    cautions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seed: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def moved(self) -> pd.DataFrame:
        """The schools whose zone is known to have changed."""
        return self.school_zones[self.school_zones["has_changed"]]

    @property
    def imbalances(self) -> tuple[float, float]:
        """Imbalance of the loads of the two terms."""
        before, after = (
            self.loads.loc[self.loads[f"schools_{side}"] > 0, f"workload_h_{side}"] for side in ("before", "after")
        )
        return imbalance(before), imbalance(after)

    @property
    def counts(self) -> dict[str, int | None]:
        """How many schools changed zone (None where that is not known), zones changed, and hotspots came and went."""
        changes = self.hotspots["status_change"].value_counts()
        return {
            "schools_that_changed_zone": len(self.moved) if self.has_zone_record else None,
            **{f"zones_whose_rate_{way}": int((self.rates["direction"] == way).sum()) for way in _CLEAR},
            **{name: int(changes.get(name, 0)) for name in STATUS_CHANGES if name != "not_high"},
        }

    def finding(self) -> str:
        """Say in one sentence what changed.

        Returns
        -------
        str
            Rates of zones, imbalance and hotspots.
        """
        missing = self._without_record()
        if missing:
            return missing
        return (
            f"From {self.term_a.name} to {self.term_b.name} {self._zones_told()}. {self._imbalance_told()} "
            f"{self._hotspots_told()}."
        )

    def _without_record(self) -> str:
        """Say that a term has nothing to be compared; empty where both have."""
        row = self.overall.iloc[0]
        empty = [
            term.name
            for term, side in ((self.term_a, "before"), (self.term_b, "after"))
            if not self.schools[f"incidents_{side}"].sum() and not row[f"incidents_{side}"]
        ]
        if not empty:
            return ""
        return (
            f"{self.term_a.name} and {self.term_b.name} cannot be compared: the record has no {_CALLS} "
            f"in {' and '.join(empty)} at schools with a known enrollment."
        )

    def _imbalance_told(self) -> str:
        before, after = self.imbalances
        told = format_change(before, after)
        if told is None:
            return f"The imbalance of the loads stayed at {before:.1%}."
        return f"The imbalance of the loads went from {told[0]} to {told[1]}."

    def statements(self) -> list[str]:
        """Say in plain English what changed, piece by piece.

        Returns
        -------
        list of str
            Schools that changed zone, all schools together, and loads.
        """
        return [self.zones_sentence(), self._overall_told(), self._loads_told()]

    def summary(self) -> str:
        """Say in plain English what changed, and what it rests on.

        Returns
        -------
        str
            A sentence for each thing, then cautions and notes.
        """
        hotspots = (self.hotspots["sentence"] + " " + self.hotspots["warning"]).str.strip()
        told = [*self.statements(), *hotspots, *self.cautions, *self.notes]
        return "\n".join([self.finding(), *(f"- {sentence}" for sentence in told)])

    def to_frame(self) -> pd.DataFrame:
        """Return loads and rates of the zones.

        Returns
        -------
        pandas.DataFrame
            One row for each zone of either term.
        """
        rates = self.rates.drop(columns=["name", "schools_before", "schools_after"])
        return self.loads.merge(rates, on="zone_id", how="left")

    def zones_sentence(self) -> str:
        """Say which schools changed zone.

        Returns
        -------
        str
            One sentence.
        """
        if not self.has_zone_record:
            return (
                f"Whether schools changed zone is not known: there is no record of the zones of {self.term_a.name}, so "
                "today's zones are used for both terms."
            )
        if self.moved.empty:
            return "No school changed zone."
        return f"{count_text(len(self.moved), 'school')} changed zone: {name_ids(self.moved['name'])}."

    def _zones_told(self) -> str:
        told = []
        for way in _CLEAR:
            names = self.rates.loc[self.rates["direction"] == way, "name"]
            if len(names):
                told.append(f"the rate of {_CALLS} {way} by more than chance explains in {name_ids(names)}")
        compared = int((self.rates["direction"] != "insufficient_data").sum())
        if not compared:
            return f"no zone had enough {_CALLS} to be compared"
        still = f"the rate of {_CALLS} did not clearly change in any of the {compared} zones compared"
        return " and ".join(told) or still

    def _hotspots_told(self) -> str:
        if self.hotspots.empty:
            judged = int((~self.schools[["status_before", "status_after"]].isin(NOT_JUDGED)).all(axis=1).sum())
            return (
                f"{count_text(judged, 'program school', of=len(self.schools))} could be judged in both terms, and "
                "none was high in either"
                if judged
                else "No school could be judged in both terms"
            )
        told = []
        for change in ("emerged", "persisted", "faded"):
            mine = self.hotspots[self.hotspots["status_change"] == change]
            clear = int(mine["direction"].isin(_CLEAR).sum())
            told.append(f"{len(mine) or 'none'} {change}{_how(clear, len(mine)) if change != 'persisted' else ''}")
        unsaid = int((self.hotspots["status_change"] == "insufficient_data").sum())
        rest = f"; of {unsaid} there is not enough data to say" if unsaid else ""
        return f"Of the schools and groups that were high in either term {', '.join(told[:-1])} and {told[-1]}{rest}"

    def _overall_told(self) -> str:
        row = self.overall.iloc[0]
        if row["direction"] == "insufficient_data":
            return f"All schools together: {row['sentence']}"
        rates = " and ".join(
            f"{value:.3f}" if np.isfinite(value) else "no rate"
            for value in (row["rate_per_1000_before"], row["rate_per_1000_after"])
        )
        interval = ""
        if np.isfinite(row["ratio"]):
            ends = f"95 % interval {row['ratio_low']:.2f}–{row['ratio_high']:.2f}".replace("inf", "∞")
            interval = f"; {times(row['ratio'])} the rate of before ({ends})"
        return (
            f"All schools with a known enrollment together: {row['incidents_before']:,} and "
            f"{row['incidents_after']:,} {_CALLS}, "
            f"{rates} for each 1,000 student-days: {change_words(row.to_dict())}{interval}."
        )

    def _loads_told(self) -> str:
        totals = [float(self.loads[f"workload_h_{side}"].sum()) for side in ("before", "after")]
        told = f"All zones together had {totals[0]:.1f} and {totals[1]:.1f} officer-hours of work each school day."
        known = self.loads[self.loads["difference_h"].abs() > 0]
        if known.empty:
            return told
        most = known.iloc[int(known["difference_h"].abs().to_numpy().argmax())]
        change = f"{most['difference_h']:+.2f}".replace("-", "−")
        return f"{told} {most['name']} changed most: {change} hours."


def _how(clear: int, number: int) -> str:
    """Say of how many hotspots that came or went the rate clearly changed: coming and going alone are no evidence."""
    if not number:
        return ""
    if clear == number:
        return f" ({'all ' if number > 1 else ''}by more than chance explains)"
    return f" ({clear or 'none'} by more than chance explains)"
