"""What a term came to."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from safeschools_geo.counts import in_no_zone
from safeschools_geo.district import District
from safeschools_geo.errors import count_text
from safeschools_geo.hotspots.result import Hotspots
from safeschools_geo.hotspots.words import counted_text
from safeschools_geo.results import CheckReport
from safeschools_geo.schemas import POPULATIONS
from safeschools_geo.settings import Term
from safeschools_geo.term_board import TermBoard
from safeschools_geo.term_coverage import TermCoverage
from safeschools_geo.term_ground import why_nothing_to_plan
from safeschools_geo.term_plan import TermPlan
from safeschools_geo.workload import balance_text, empty_zones_text


@dataclass(frozen=True)
class TermResult:
    """All results of a term.

    Parameters
    ----------
    district
        What was read.
    term
        The term.
    report
        What the check found.
    school_zones
        `school_id` and table `assignments`, one row for each school.
    history
        Incidents in context, of all terms.
    workload
        Table `workload`, of all terms.
    zone_loads
        Workload of each zone in each term.
    hotspots
        The hotspots of the term.
    proposal
        Other zones that would be more even; None where there is nothing to balance.
    coverage
        Who comes, how soon, and who helps; None where there are no calls, or it was not asked for.
    board
        What may be told in public; None where there is no school to tell of, or it was not asked for.
    seed
        Seed of everything random.
    """

    district: District
    term: Term
    report: CheckReport
    school_zones: pd.DataFrame
    history: gpd.GeoDataFrame
    workload: pd.DataFrame
    zone_loads: pd.DataFrame
    hotspots: Hotspots
    proposal: TermPlan | None = None
    coverage: TermCoverage | None = None
    board: TermBoard | None = None
    seed: int = 0

    @property
    def loads(self) -> pd.DataFrame:
        """Workload of each zone in this term, by `zone_id`."""
        return self.zone_loads[self.zone_loads["term"] == self.term.name].set_index("zone_id")

    def summary(self) -> str:
        """Say in plain English what the term looked like.

        Returns
        -------
        str
            A few sentences.
        """
        loads = self.loads
        this = self.history[self.history["term"] == self.term.name]
        mine = this[this["work_of"] == "zone_officer"]
        reported = int((mine["origin"] == "reported").sum())
        answered = "" if self.coverage is None else self.coverage.validation.answered_by_officers()
        schools = int(self.district.schools["in_program"].sum()) - self.in_no_zone[0]
        outside = self.no_zone_sentence()
        told = (
            f"{self.district.settings.district.name}, {self.term.name}: {counted_text(len(this), 'record')}, "
            f"{len(mine):,} of them {POPULATIONS['calls']} ({reported:,} of these reported"
            f"{f'; {answered}' if answered else ''}); {count_text(schools, 'program school')} in "
            f"{count_text(len(loads), 'zone')}.{f' {outside}' if outside else ''}"
        )
        left_out = [t.name for t in self.district.terms_without_record if t.start < self.term.start]
        if left_out:
            told += f" The record holds no incident of {', '.join(left_out)}, so no trend and no comparison has it."
        if not loads["workload_h"].sum():
            return f"{told} No workload could be counted."
        empty = empty_zones_text(loads.loc[loads["schools"] == 0, "name"])
        return (
            f"{told}{' ' + empty if empty else ''} {balance_text(loads)}. {self.hotspots.finding()} "
            f"{self.why_no_proposal() if self.proposal is None else self.proposal.finding()}"
            f"{'' if self.coverage is None else ' ' + self.coverage.finding()}"
        )

    @property
    def in_no_zone(self) -> tuple[int, int]:
        """Program schools in no zone, and calls for zone officers at them in this term."""
        this = self.history[self.history["term"] == self.term.name]
        return in_no_zone(self.district.schools, self.school_zones.set_index("school_id")["zone_id"], this)

    def no_zone_sentence(self) -> str:
        """Say which program schools and calls are in no zone, and where they are therefore missing.

        Returns
        -------
        str
            One sentence; empty where every program school is in a zone.
        """
        schools, calls = self.in_no_zone
        if not schools:
            return ""
        total = int(self.district.schools["in_program"].sum())
        every = self.history[self.history["term"] == self.term.name]["work_of"].eq("zone_officer").sum()
        return (
            f"{count_text(schools, 'program school', of=total)} {'lies' if schools == 1 else 'lie'} in no zone, with "
            f"{calls:,} of the {every:,} {POPULATIONS['calls']}: in the rates of schools, in no zone's load or rate, "
            "and in no figure of the board packet."
        )

    def why_no_proposal(self) -> str:
        """Say in one line why other zones are not proposed.

        Returns
        -------
        str
            One sentence; empty where they are.
        """
        if self.proposal is not None:
            return ""
        why = why_nothing_to_plan(self.district, self.loads, self.history, term=self.term)
        return why or "No other zones were asked for."

    def to_frame(self) -> pd.DataFrame:
        """Return the workload of each zone in this term.

        Returns
        -------
        pandas.DataFrame
            Rows of `zone_loads`, with a plain index.
        """
        return self.loads.reset_index()
