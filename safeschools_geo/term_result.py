"""What a term came to."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from safeschools_geo.district import District
from safeschools_geo.errors import count_text
from safeschools_geo.hotspots.result import Hotspots
from safeschools_geo.results import CheckReport
from safeschools_geo.settings import Term
from safeschools_geo.term_board import TermBoard
from safeschools_geo.term_coverage import TermCoverage
from safeschools_geo.term_plan import TermPlan
from safeschools_geo.workload import imbalance


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
        mine = int((this["work_of"] == "zone_officer").sum())
        schools = int(self.district.schools["in_program"].sum())
        told = (
            f"{self.district.settings.district.name}, {self.term.name}: {count_text(len(this), 'incident')}, {mine:,} "
            f"of them zone officers' work; {count_text(schools, 'programme school')} in "
            f"{count_text(len(loads), 'zone')}."
        )
        left_out = [t.name for t in self.district.terms_without_record if t.start < self.term.start]
        if left_out:
            told += f" The record holds no incident of {', '.join(left_out)}, so no trend and no comparison has it."
        if not loads["workload_h"].sum():
            return f"{told} No workload could be counted."
        heaviest = loads.iloc[int(loads["workload_h"].to_numpy().argmax())]
        return (
            f"{told} {heaviest['name']} carries the most: {heaviest['workload_h']:.1f} "
            f"officer-hours per school day, {heaviest['share_of_mean']:.2f} times the mean; "
            f"the imbalance is {imbalance(loads['workload_h']):.0%}. {self.hotspots.finding()}"
            f"{'' if self.proposal is None else ' ' + self.proposal.frontier.finding()}"
            f"{'' if self.coverage is None else ' ' + self.coverage.response.summary()}"
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
        if len(self.loads) < 2:  # noqa: PLR2004 - between two zones
            return f"There is nothing to rebalance: there is {'only one zone' if len(self.loads) else 'no zone'}."
        if not self.loads["workload_h"].sum():
            return f"There is nothing to rebalance: no school in a zone has a workload in {self.term.name}."
        return "No other zones were asked for."

    def to_frame(self) -> pd.DataFrame:
        """Return the workload of each zone in this term.

        Returns
        -------
        pandas.DataFrame
            Rows of `zone_loads`, with a plain index.
        """
        return self.loads.reset_index()
