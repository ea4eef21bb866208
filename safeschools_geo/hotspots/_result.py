"""All hotspots of a term in one result, with the table and the sentence of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.hotspots._backtest import Backtest
from safeschools_geo.hotspots._change import ZoneChange
from safeschools_geo.hotspots._expected import LARGEST, chance_text, counted_text, times
from safeschools_geo.hotspots._hours import GROUP_NAMES, HourHotspots
from safeschools_geo.hotspots._months import SchoolMonths
from safeschools_geo.hotspots._places import PlaceClusters
from safeschools_geo.hotspots._schools import SchoolGroups, SchoolRates, warning_for
from safeschools_geo.hotspots.grid import GridHotspots
from safeschools_geo.hotspots.spacetime import KnoxResult
from safeschools_geo.schemas import HOTSPOTS, POPULATIONS
from safeschools_geo.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import geopandas as gpd

    from safeschools_geo.settings import Settings, Term


# ── Zones and hotspots: the share of each zone's load inside them, and whether a plan cuts one in two


def zone_shares(groups: Mapping[str, Sequence[str]], loads: pd.DataFrame) -> pd.DataFrame:
    """Measure how much of each zone's load lies inside groups that are high.

    One row for each zone: `zone_id`, `workload_h`, `workload_inside_h`, `inside_share` (0 to 1; missing where a zone
    has no load), `hotspots` (ids of the groups that reach into it, joined by ``;``). A school in two groups counts
    once.
    """
    inside = {school for members in groups.values() for school in members}
    placed = loads[loads["zone_id"] != ""].assign(
        workload_inside_h=lambda t: t["workload_h"].where(t["school_id"].isin(inside), 0.0)
    )
    table = placed.groupby("zone_id", sort=True)[["workload_h", "workload_inside_h"]].sum().reset_index()
    table["inside_share"] = (table["workload_inside_h"] / table["workload_h"].where(table["workload_h"] > 0)).astype(
        "float64"
    )
    zone_of = dict(zip(placed["school_id"], placed["zone_id"], strict=True))
    reach = {name: {zone_of.get(m) for m in members} for name, members in groups.items()}
    touching = [";".join(name for name, zones in reach.items() if zone in zones) for zone in table["zone_id"]]
    return table.assign(hotspots=touching)


def split_groups(groups: Mapping[str, Sequence[str]], assignment: pd.Series) -> pd.DataFrame:
    """Say which groups a plan cuts.

    Parameters
    ----------
    groups
        Id of each group → ids of its schools.
    assignment
        Zone of each school under the plan, by `school_id`.

    Returns
    -------
    pandas.DataFrame
        One row for each group: `hotspot_id`, `zones` (joined by ``;``), `is_split` (whether its schools would have
        officers of two zones or more), `largest_share` (share of its schools that stay together).
    """
    rows = []
    for name, members in groups.items():
        zones = assignment.reindex(list(members)).dropna()
        sizes = zones[zones != ""].value_counts()
        rows.append(
            {
                "hotspot_id": name,
                "zones": ";".join(sorted(map(str, sizes.index))),
                "is_split": len(sizes) > 1,
                "largest_share": float(sizes.max() / sizes.sum()) if len(sizes) else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=["hotspot_id", "zones", "is_split", "largest_share"])


# ── Every hotspot of a term in one table, each with what the rules of the trade ask of it and one plain sentence

MOST_PLACES = 10
"""Places off campus that are listed, those with most incidents; the table of places has all."""

_TOUCH_DEGREES = 1e-7
_TEXTS = [c.name for c in HOTSPOTS.columns if c.dtype == "str"]


def list_spots(
    schools: SchoolHotspots,
    hours: HourHotspots,
    places: PlaceHotspots,
    *,
    term: Term,
    settings: Settings,
) -> pd.DataFrame:
    """List every hotspot of a term.

    Table `hotspots`: groups of schools first, then single schools, months, hours, cells and, last, places off campus,
    which are descriptive. What is high only with what officers started is not among them: see the tables of schools
    and groups.
    """

    def warn(ids: list[str]) -> str:
        return warning_for(schools.counts, ids, term=term.name, terms=settings.terms, changes=settings.patrol_changes)

    rows = [
        *_groups(schools, warn),
        *_schools(schools, warn),
        *_months(schools, warn),
        *_hours(hours),
        *_cells(places.grid),
        *_places(places.clusters.clusters),
    ]
    table = pd.DataFrame(rows, columns=HOTSPOTS.column_names).assign(term=term.name)
    numbers = [c.name for c in HOTSPOTS.columns if c.dtype == "float64"]
    # A column that no kind of hotspot fills is read as numbers.
    texts = {name: table[name].astype(object).where(table[name].notna(), "").astype("str") for name in _TEXTS}
    return table.assign(**texts).astype(dict.fromkeys(numbers, "float64"))


def _groups(schools: SchoolHotspots, warn: Callable[[list[str]], str]) -> Iterator[dict[str, Any]]:
    for row in _rows(schools.groups.to_frame().query("status == 'high'")):
        yield {**row, "hotspot_id": row["group_id"], "kind": "schools", "warning": warn(row["members"].split(";"))}


def _schools(schools: SchoolHotspots, warn: Callable[[list[str]], str]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(_rows(schools.rates.high), start=1):
        # The interval of the rate is that of the count, which is what the ratio has too.
        if row["high_against"] == "past":
            row |= {"expected": row["predicted"], "ratio": row["reported"] / row["predicted"]}
        per_rate = row["ratio"] / row["rate_per_1000"]
        yield {
            **row,
            "hotspot_id": f"S{number}",
            "kind": "school",
            "members": row["school_id"],
            "observed": row["reported"],
            "ratio_low": row["rate_low_per_1000"] * per_rate,
            "ratio_high": row["rate_high_per_1000"] * per_rate,
            "stability_share": schools.stability.get(row["school_id"]),
            "warning": warn([row["school_id"]]),
        }


def _months(schools: SchoolHotspots, warn: Callable[[list[str]], str]) -> Iterator[dict[str, Any]]:
    days = schools.rates.table.set_index("school_id")["student_days"]
    share = schools.months.share_of_days
    for row in _rows(schools.months.high):
        ids, months = row["members"].split(";"), row["months"].split(";")
        student_days = days.reindex(ids).sum(min_count=1) * share.reindex(months).sum()
        yield {
            **row,
            "hotspot_id": row["wave_id"],
            "kind": "schools_in_time",
            "rate_per_1000": 1000 * row["observed"] / student_days,
            "warning": warn(ids),
        }


def _hours(hours: HourHotspots) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(_rows(hours.high), start=1):
        scale = row["rate_per_1000_h"] / (row["observed"] / row["expected"])
        group, sentence = GROUP_NAMES.get(row["group"], row["group"]), row["sentence"]
        yield {
            **row,
            "hotspot_id": f"H{number}",
            "kind": "hours",
            "members": f"{row['weekdays']} {row['start_hour']:02}:00–{row['end_hour']:02}:00",
            "ratio": row["observed"] / row["expected"],
            "ratio_low": row["rate_low_per_1000_h"] / scale,
            "ratio_high": row["rate_high_per_1000_h"] / scale,
            "rate_per_1000": row["rate_per_1000_h"],
            "sentence": f"{group}: {sentence[:1].lower()}{sentence[1:]}",
        }


def _cells(grid: GridHotspots) -> Iterator[dict[str, Any]]:
    """Join hot cells that touch: one patch is one hotspot."""
    hot = grid.hot
    if hot.empty:
        return
    joined = shapely.union_all(shapely.buffer(hot.geometry.to_numpy(), _TOUCH_DEGREES))
    for number, patch in enumerate(shapely.get_parts(joined), start=1):
        mine = hot[hot.geometry.representative_point().within(patch)]
        yield {
            "hotspot_id": f"C{number}",
            "kind": "cell",
            "members": ";".join(mine["cell_id"].astype("str")),
            "observed": mine["incidents"].sum(),
            "q_value": mine["q_value"].min(),
            "stability_share": mine["stability_share"].mean(),
            "sentence": (
                f"{count_text(len(mine), 'cell')} of the grid {'is' if len(mine) == 1 else 'are'} hot with the "
                f"neighboring cells: {counted_text(int(mine['incidents'].sum()), grid.population)}; the strongest has "
                f"q {chance_text(mine['q_value'].min())} over all {len(grid.cells):,} cells."
            ),
            "warning": "" if grid.has_rates else "These are counts: they follow where people are.",
        }


def _places(clusters: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    for row in _rows(pd.DataFrame(clusters.drop(columns="geometry").head(MOST_PLACES))):
        yield {
            **row,
            "hotspot_id": row["cluster_id"],
            "kind": "place",
            "members": row["cluster_id"],
            "observed": row["incidents"],
        }


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in frame.to_dict("records"):
        yield {str(name): value for name, value in row.items()}


# ── All hotspots of a term in one result that can speak


@dataclass(frozen=True)
class SchoolHotspots:
    """Schools: each, together with its neighbors, in some months, and by level and zone."""

    counts: pd.DataFrame  # Incidents and student-days of every program school and term (`school_counts`)
    rates: SchoolRates  # Rates of the schools, and which are high
    # Rates of levels and zones (`group_rates`)
    by_level: pd.DataFrame
    by_zone: pd.DataFrame
    groups: SchoolGroups  # Groups of neighboring schools
    months: SchoolMonths  # Groups in runs of months
    # Share of other ways to judge under which a school that is high stays so, by `school_id`: with the dispersion of
    # this term alone, and with what officers started counted too
    stability: pd.Series


@dataclass(frozen=True)
class Density:
    """A picture of density: no test, no rate."""

    values: NDArray[np.float64]  # Incidents per km², the first row in the south, shape (rows, columns)
    bounds: tuple[float, float, float, float]  # West, south, east and north of the picture, longitude and latitude
    bandwidth_m: float  # Bandwidth, in meters


@dataclass(frozen=True)
class PlaceHotspots:
    """Places: off campus, on a grid, and as a picture."""

    clusters: PlaceClusters  # Places off campus where incidents stand close together; descriptive
    # Piles of equal coordinates that are no school, which are left out: ``x``, ``y``, ``incidents``
    piles: pd.DataFrame
    grid: GridHotspots  # Cells, and which are hot with their neighbors
    density: Density | None  # A picture of density; None where there is nothing to draw
    repeats: KnoxResult | None  # Whether incidents follow each other near and soon; None with fewer than two


@dataclass(frozen=True)
class TermTrends:
    """Terms: what changed since the term before, what rose or fell over all, what came, stayed and went."""

    # Change against the terms of `baselines`, of schools, zones and all together (`changes_against`); empty where there
    # is none
    change_schools: pd.DataFrame
    change_zones: pd.DataFrame
    change_all: pd.DataFrame
    trends: pd.DataFrame  # Rise or fall of each school over all terms so far (`trend_tests`)
    classes: pd.DataFrame  # What became of each school that is or was high (`cube_classes`)
    # Key of `BASELINES` → the term that this one is compared with
    baselines: Mapping[str, str] = field(default_factory=dict)
    without_record: tuple[str, ...] = ()  # Terms up to this one of which there is no incident in the record
    zone_change: ZoneChange | None = None  # What changed at schools that changed zone; None if none is known to have

    def left_out_sentence(self) -> str:
        """Say which terms have no incident in the record, and are therefore compared with nothing."""
        if not self.without_record:
            return ""
        return f"The record has no incident of {listed(list(self.without_record))}: left out of trends and comparisons."

    def zones_sentence(self) -> str:
        """Say which schools changed zone since the term before, and what changed at them; nothing where none did."""
        return "" if self.zone_change is None else self.zone_change.sentence()


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
        Share of each zone's load inside groups that are high (`zone_shares`).
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

        The strongest hotspot, with its warning; or that there is none.
        """
        rates = self.schools.rates
        tested = self.spots[self.spots["kind"].isin(["schools", "school", "schools_in_time"])]
        if not tested.empty:
            first = tested.iloc[0]
            parts = [first["sentence"], first["warning"], rates.not_judged_sentence()]
            return _joined([*parts, rates.most_sentence(only_if_not_judged=True)])
        judged = int(rates.is_judged.sum())
        if not rates.reported:
            return (
                f"The record of {self.term} has no {POPULATIONS['reported']} at program schools: whether a school "
                "stands out cannot be said."
            )
        if not judged:
            parts = [f"Whether a school stands out in {self.term} cannot be said."]
            return _joined([*parts, rates.not_judged_sentence(), rates.most_sentence()])
        among = count_text(judged, "program school", of=len(rates.table))
        parts = [
            (
                f"Of the {among} that could be judged, none had clearly more {POPULATIONS['reported']} in {self.term} "
                f"than {rates.basis()}."
            ),
            self._most_that_could_be_missed(),
        ]
        return _joined([*parts, rates.not_judged_sentence(), rates.most_sentence()])

    def summary(self) -> str:
        """Say in plain English, a sentence for each hotspot, what was found, and how far to trust it."""
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
            self.trends.zones_sentence(),
            self.backtest.summary(),
        ]
        return "\n".join(line for line in lines if line)

    def to_frame(self) -> pd.DataFrame:
        """Return every hotspot: the table `hotspots`."""
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
        parts = []
        if self.hours.without_time:
            parts.append(f"{counted_text(self.hours.without_time)} without a time of day, for hours")
        if len(self.places.piles):
            piles = self.places.piles.itertuples(index=False, name=None)
            there = name_ids(f"{n:,} at {y:.5f} {x:.5f}" for x, y, n in piles)
            parts.append(f"piles of equal coordinates that are no school ({there}), for places")
        return f"Left out: {'; '.join(parts)}." if parts else ""


def _joined(sentences: list[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
