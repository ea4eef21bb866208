"""All hotspots of a term in one result that can speak."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.hotspots.backtest import Backtest
from safeschools_geo.hotspots.clusters import PlaceClusters
from safeschools_geo.hotspots.detectable import LARGEST
from safeschools_geo.hotspots.grid import GridHotspots
from safeschools_geo.hotspots.groups import SchoolGroups
from safeschools_geo.hotspots.hour_hotspots import HourHotspots
from safeschools_geo.hotspots.months import SchoolMonths
from safeschools_geo.hotspots.rates import SchoolRates
from safeschools_geo.hotspots.spacetime import KnoxResult
from safeschools_geo.hotspots.words import counted_text, listed, times
from safeschools_geo.schemas import POPULATIONS


@dataclass(frozen=True)
class SchoolHotspots:
    """Schools: each, together with its neighbours, in some months, and by level and zone.

    Parameters
    ----------
    counts
        Incidents and student-days of every programme school and term (`exposure.school_counts`).
    rates
        Rates of the schools, and which are high.
    by_level, by_zone
        Rates of levels and zones (`rates.group_rates`).
    groups
        Groups of neighbouring schools.
    months
        Groups in runs of months.
    stability
        Share of other ways to judge under which a school that is high stays so, by `school_id`: with the dispersion of
        this term alone, and with what officers started counted too.
    """

    counts: pd.DataFrame
    rates: SchoolRates
    by_level: pd.DataFrame
    by_zone: pd.DataFrame
    groups: SchoolGroups
    months: SchoolMonths
    stability: pd.Series


@dataclass(frozen=True)
class Density:
    """A picture of density: no test, no rate.

    Parameters
    ----------
    values
        Incidents per km², the first row in the south, shape (rows, columns).
    bounds
        West, south, east and north of the picture, longitude and latitude.
    bandwidth_m
        Bandwidth, in metres.
    """

    values: NDArray[np.float64]
    bounds: tuple[float, float, float, float]
    bandwidth_m: float


@dataclass(frozen=True)
class PlaceHotspots:
    """Places: off campus, on a grid, and as a picture.

    Parameters
    ----------
    clusters
        Places off campus where incidents stand close together; descriptive.
    piles
        Piles of equal coordinates that are no school, which are left out: ``x``, ``y``, ``incidents``.
    grid
        Cells, and which are hot with their neighbours.
    density
        A picture of density; None where there is nothing to draw.
    repeats
        Whether incidents follow each other near and soon; None with fewer than two.
    """

    clusters: PlaceClusters
    piles: pd.DataFrame
    grid: GridHotspots
    density: Density | None
    repeats: KnoxResult | None


@dataclass(frozen=True)
class TermTrends:
    """Terms: what changed since the term before, what rose or fell over all, what came, stayed and went.

    Parameters
    ----------
    change_schools, change_zones, change_all
        Change against the terms of `baselines`, of schools, zones and all together (`change.changes_against`); empty
        where there is none.
    trends
        Rise or fall of each school over all terms so far (`trend.trend_tests`).
    classes
        What became of each school that is or was high (`trend.cube_classes`).
    baselines
        Key of `change.BASELINES` → the term that this one is compared with.
    without_record
        Terms up to this one of which there is no incident in the record.
    """

    change_schools: pd.DataFrame
    change_zones: pd.DataFrame
    change_all: pd.DataFrame
    trends: pd.DataFrame
    classes: pd.DataFrame
    baselines: Mapping[str, str] = field(default_factory=dict)
    without_record: tuple[str, ...] = ()

    def left_out_sentence(self) -> str:
        """Say which terms have no incident in the record, and are therefore compared with nothing.

        Returns
        -------
        str
            One sentence; empty where every term has some.
        """
        if not self.without_record:
            return ""
        return f"The record has no incident of {listed(list(self.without_record))}: left out of trends and comparisons."


@dataclass(frozen=True)
class Hotspots:
    """All hotspots of a term.

    Parameters
    ----------
    term
        Name of the term.
    schools, hours, places, trends
        What was found, by method.
    backtest
        How far such lists could be trusted in the terms before.
    zone_shares
        Share of each zone's load inside groups that are high (`zones.zone_shares`).
    spots
        Table `hotspots`: every hotspot, of all kinds, each with one plain sentence.
    settings
        What was set before looking.
    seed
        Seed of everything random.
    inputs
        File → SHA-256 of what it was found in.
    """

    term: str
    schools: SchoolHotspots
    hours: HourHotspots
    places: PlaceHotspots
    trends: TermTrends
    backtest: Backtest
    zone_shares: pd.DataFrame
    spots: pd.DataFrame
    settings: Mapping[str, Any]
    seed: int = 0
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def groups_of_schools(self) -> dict[str, list[str]]:
        """Id of each group that is high → ids of its schools."""
        high = self.schools.groups.high
        return {group: members.split(";") for group, members in zip(high["group_id"], high["members"], strict=True)}

    def finding(self) -> str:
        """Say in one or two sentences what matters most.

        Returns
        -------
        str
            The strongest hotspot, with its warning; or that there is none.
        """
        rates = self.schools.rates
        tested = self.spots[self.spots["kind"].isin(["schools", "school", "schools_in_time"])]
        if not tested.empty:
            first = tested.iloc[0]
            told = [first["sentence"], first["warning"], rates.not_judged_sentence()]
            return _joined([*told, rates.most_sentence(only_if_not_judged=True)])
        judged = int(rates.is_judged.sum())
        if not rates.reported:
            return (
                f"The record of {self.term} has no {POPULATIONS['reported']} at program schools: whether a school "
                "stands out cannot be said."
            )
        if not judged:
            told = [f"Whether a school stands out in {self.term} cannot be said."]
            return _joined([*told, rates.not_judged_sentence(), rates.most_sentence()])
        among = count_text(judged, "program school", of=len(rates.table))
        told = [
            (
                f"Of the {among} that could be judged, none had clearly more {POPULATIONS['reported']} in {self.term} "
                "than its enrollment and level lead to expect."
            ),
            self._most_that_could_be_missed(),
        ]
        return _joined([*told, rates.not_judged_sentence(), rates.most_sentence()])

    def summary(self) -> str:
        """Say in plain English what was found, and what it rests on.

        Returns
        -------
        str
            One sentence for each hotspot, then how far to trust them.
        """
        places = int((self.spots["kind"] == "place").sum())
        found = [
            *([count_text(len(self.spots) - places, "hotspot")] if len(self.spots) > places else []),
            *([f"{count_text(places, 'place')} off campus, described and not tested"] if places else []),
        ]
        lines = [f"{self.term}: {' and '.join(found)}."] if found else []
        lines += [f"- {s['sentence']} {s['warning']}".strip() for s in self.spots.to_dict("records")]
        tested = self.spots["kind"].isin(["schools", "school", "schools_in_time"]).any()
        lines += [
            *([self.schools.rates.summary()] if tested else [self.finding()]),
            self.schools.groups.summary() if self.schools.groups.high.empty else "",
            self.schools.months.summary() if self.schools.months.high.empty else "",
            self._most_that_could_be_missed() if tested else "",
            self._left_out(),
            self.trends.left_out_sentence(),
            self.backtest.summary(),
        ]
        return "\n".join(line for line in lines if line)

    def to_frame(self) -> pd.DataFrame:
        """Return every hotspot.

        Returns
        -------
        pandas.DataFrame
            Table `hotspots`.
        """
        return self.spots.copy()

    def _most_that_could_be_missed(self) -> str:
        ratios = self.schools.rates.table["detectable_ratio"].dropna()
        if ratios.empty:
            return ""
        if np.isinf(ratios.median()):
            return (
                f"At half of the schools that were tested even a rise to {times(LARGEST)} the ordinary number would "
                "have gone unseen."
            )
        return (
            f"At half of the schools that were tested a rise to less than {times(ratios.median())} the ordinary number "
            "would most likely have gone unseen in one term."
        )

    def _left_out(self) -> str:
        told = []
        if self.hours.without_time:
            told.append(f"{counted_text(self.hours.without_time)} without a time of day, for hours")
        if len(self.places.piles):
            piles = self.places.piles.itertuples(index=False, name=None)
            there = name_ids(f"{n:,} at {y:.5f} {x:.5f}" for x, y, n in piles)
            told.append(f"piles of equal coordinates that are no school ({there}), for places")
        return f"Left out: {'; '.join(told)}." if told else ""


def _joined(sentences: list[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
