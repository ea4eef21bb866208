"""The day an officer is absent: who takes which schools, and what that does to loads, response and overflow."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.dispatch import Dispatch, zone_dispatch
from safeschools_geo.coverage.figure_text import highest, listed, more_text
from safeschools_geo.coverage.queueing import hypercube
from safeschools_geo.coverage.response import mean_response_min
from safeschools_geo.errors import InputError, count_text, name_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.coverage.cube.hypercube_result import Hypercube

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Watch:
    """A usual day: who is called where, how often, and for how long.

    Parameters
    ----------
    dispatch
        Officers and schools, with the officer of each zone.
    arrivals_per_h
        Calls per programme hour from each school, in the order of `dispatch`, shape (n,).
    service_per_h
        Calls that each officer could answer in an hour, in the order of `dispatch`, shape (m,).
    workload_h
        Officer-hours per school day of each school, in the order of `dispatch`, shape (n,).
    """

    dispatch: Dispatch
    arrivals_per_h: Floats
    service_per_h: Floats
    workload_h: Floats

    def model(self) -> Hypercube:
        """Solve the queueing model of the day.

        Returns
        -------
        Hypercube
            The model, in which calls that find nobody free go to patrol.
        """
        return hypercube(self.arrivals_per_h, self.service_per_h, self.dispatch.preference, capacity="loss")


@dataclass(frozen=True, eq=False)
class AbsenceCase:
    """One or more officers absent.

    Parameters
    ----------
    absent
        Zones without their officer.
    schools
        Schools that change hands: `school_id`, `zone_before`, `zone_after`, `officer_after`,
        `response_before_min`, `response_after_min` (mean minutes until an officer is there, of calls they answer).
    loads
        One row for each officer who is there: `zone_id`, `officer`, `schools_before`, `schools_after`,
        `load_before_h`, `load_after_h` (officer-hours per school day), `busy_before_share`, `busy_after_share`.
    figures
        `response_min`, `overflow_share` and `imbalance`, each ``_before`` and ``_after``; the imbalance is that of the
        officers who are there.
    school_zones
        Zone of each school on the day.
    """

    absent: tuple[str, ...]
    schools: pd.DataFrame
    loads: pd.DataFrame
    figures: dict[str, float]
    school_zones: pd.Series

    @property
    def busiest(self) -> pd.Series:
        """The row of `loads` with the largest load on the day."""
        return self.loads.iloc[int(self.loads["load_after_h"].to_numpy().argmax())]

    def finding(self) -> str:
        """Say in plain English who covers what and what it costs.

        Returns
        -------
        str
            A few sentences. What it does to response is told as the model's difference to a usual day: how long
            response is on one is for the record to say.
        """
        takers = self.schools.groupby("zone_after", sort=False).size()
        given = ", ".join(f"zone {zone} takes {count}" for zone, count in takers.items())
        noun = "Officer of zone" if len(self.absent) == 1 else "Officers of zones"
        schools = (
            f"{count_text(len(self.schools), 'school')} to cover; {given}" if given else "there is no school to cover"
        )
        trip = more_text(self.change("response_min"), "min", more="longer", less="shorter")
        patrol = more_text(self.change("overflow_share"), "share")
        return (
            f"{noun} {' and '.join(self.absent)} absent: {schools}.{self._heaviest()} The model says, against a usual "
            f"day: mean trip {trip}; calls that find nobody free {patrol}."
        )

    def change(self, measure: str) -> float:
        """Give what the day changes.

        Parameters
        ----------
        measure
            ``response_min``, ``overflow_share`` or ``imbalance``.

        Returns
        -------
        float
            The figure of the day less that of a usual day, by the model.
        """
        return self.figures[f"{measure}_after"] - self.figures[f"{measure}_before"]

    def _heaviest(self) -> str:
        loads = self.loads.set_index("zone_id")["load_after_h"].astype("float64")
        top = highest({str(zone): load for zone, load in loads.items()}, lambda hours: f"{hours:.1f}")
        if not top:
            return ""
        if len(top) > 1:
            return f" The busiest are zones {listed(top)} with {loads[top[0]]:.1f} officer-hours each."
        usual = self.busiest["load_before_h"]
        return f" The busiest is zone {top[0]} with {loads[top[0]]:.1f} officer-hours (usually {usual:.1f})."

    def to_frame(self) -> pd.DataFrame:
        """Return the schools that change hands.

        Returns
        -------
        pandas.DataFrame
            `schools`.
        """
        return self.schools.copy()


def absences(zones: Sequence[str], *, most_absent: int = 2) -> Iterator[tuple[str, ...]]:
    """List the cases: each officer absent, then each pair.

    Parameters
    ----------
    zones
        Zones with an officer.
    most_absent
        Most officers absent at once; somebody is always there.

    Yields
    ------
    tuple of str
        Zones without their officer.
    """
    for count in range(1, min(most_absent, len(zones) - 1) + 1):
        yield from itertools.combinations(zones, count)


def absence_case(watch: Watch, absent: Sequence[str], take_over: Callable[[tuple[str, ...]], pd.Series]) -> AbsenceCase:
    """Work out a day without some officers.

    Parameters
    ----------
    watch
        A usual day.
    absent
        Zones without their officer.
    take_over
        Who covers the schools: called with `absent`, gives the zone of each of their schools, by `school_id`, such that
        every zone stays contiguous and as few schools as possible change hands: those of the absent officers only.

    Returns
    -------
    AbsenceCase
        The case.

    Raises
    ------
    InputError
        When a zone has no officer, nobody is left, or a school is covered by nobody who is there.

    Notes
    -----
    Officers wait where they usually do, and are as quick with a call as usual: the minutes of a trip in their service
    time are not measured again. The queueing model is that of `queueing.hypercube`.
    """
    usual = watch.dispatch
    gone = tuple(dict.fromkeys(absent))
    _require_absent(usual, gone)
    is_there = ~usual.officer_zones.isin(gone).to_numpy()
    taken = take_over(gone)
    zones = _covered(usual.school_zones, gone, taken, usual.officer_zones[is_there])
    minutes = pd.DataFrame(usual.travel_min, index=usual.school_zones.index, columns=usual.officer_zones.index)
    day = Watch(
        zone_dispatch(zones, usual.officer_zones[is_there], minutes.loc[:, is_there]),
        watch.arrivals_per_h,
        watch.service_per_h[is_there],
        watch.workload_h,
    )
    before, after = watch.model(), day.model()
    loads = _loads(watch, day, before, after, is_there)
    figures = {}
    for name, one, model in (("before", watch, before), ("after", day, after)):
        figures[f"response_min_{name}"] = mean_response_min(model.dispatch_share, one.dispatch.travel_min)
        figures[f"overflow_share_{name}"] = float(model.overflow_share)
        load = loads[f"load_{name}_h"]
        figures[f"imbalance_{name}"] = float((load - load.mean()).abs().max() / load.mean()) if load.sum() else 0.0
    return AbsenceCase(gone, _schools(watch, day, before, after), loads, figures, zones)


def _require_absent(usual: Dispatch, gone: tuple[str, ...]) -> None:
    unknown = [zone for zone in gone if zone not in set(usual.officer_zones)]
    if unknown or not gone or usual.officer_zones.isin(gone).all():
        raise InputError(
            "Nobody can be absent there." if unknown or not gone else "Nobody is left.",
            where="absent",
            ids=unknown,
            found=name_ids(gone) or "no zone",
            expected=f"some, not all, of {', '.join(usual.officer_zones)}",
            remedy="Name zones with an officer.",
        )


def _covered(zones: pd.Series, gone: tuple[str, ...], taken: pd.Series, there: pd.Series) -> pd.Series:
    is_open = zones.isin(gone)
    after = zones.where(~is_open, taken.reindex(zones.index).fillna("").astype("str"))
    lost = after.index[is_open & ~after.isin(set(there))]
    if len(lost):
        raise InputError(
            "Some schools are covered by nobody who is there.",
            where="take_over",
            ids=lost,
            expected=f"one of the zones {', '.join(there)}",
            remedy="Give every school of an absent officer to a zone whose officer is there.",
        )
    return after


def _loads(watch: Watch, day: Watch, before: Hypercube, after: Hypercube, is_there: NDArray[np.bool_]) -> pd.DataFrame:
    posts = day.dispatch.officer_zones
    columns: dict[str, object] = {"zone_id": posts.to_numpy(), "officer": posts.index.to_numpy()}
    for name, one in (("before", watch), ("after", day)):
        columns[f"schools_{name}"] = [int((one.dispatch.school_zones == zone).sum()) for zone in posts]
    for name, one in (("before", watch), ("after", day)):
        held = [one.workload_h[(one.dispatch.school_zones == zone).to_numpy()].sum() for zone in posts]
        columns[f"load_{name}_h"] = np.array(held, dtype=np.float64)
    columns["busy_before_share"] = np.asarray(before.busy_share)[is_there]
    columns["busy_after_share"] = np.asarray(after.busy_share)
    return pd.DataFrame(columns)


def _schools(watch: Watch, day: Watch, before: Hypercube, after: Hypercube) -> pd.DataFrame:
    usual, now = watch.dispatch.school_zones, day.dispatch.school_zones
    rows = np.flatnonzero((usual != now).to_numpy())
    post_of = pd.Series(day.dispatch.officer_zones.index, index=day.dispatch.officer_zones.to_numpy())
    table = pd.DataFrame(
        {
            "school_id": usual.index.to_numpy()[rows],
            "zone_before": usual.to_numpy()[rows],
            "zone_after": now.to_numpy()[rows],
            "officer_after": [post_of[~post_of.index.duplicated()][zone] for zone in now.iloc[rows]],
            "response_before_min": _mean_minutes(watch, before)[rows],
            "response_after_min": _mean_minutes(day, after)[rows],
        }
    )
    return table.sort_values(["zone_after", "school_id"], kind="stable").reset_index(drop=True)


def _mean_minutes(one: Watch, model: Hypercube) -> Floats:
    """Mean minutes of the trip to each school, of the calls that officers answer."""
    total = model.place_share.sum(axis=1)
    driven = (model.place_share * one.dispatch.travel_min).sum(axis=1)
    minutes: Floats = np.divide(driven, total, out=np.full(len(total), np.nan), where=total > 0)
    return minutes
