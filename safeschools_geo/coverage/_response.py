"""How soon somebody is there: response by place, zone and hour, who answers for whom, and what goes to patrol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage._hypercube_states import call_system
from safeschools_geo.coverage.queueing import Hypercube
from safeschools_geo.errors import InputError, refuse
from safeschools_geo.text import figure_text, highest, listed, minutes_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


# ── Minutes of response as mixtures: over who answers, from where, and whether the call had to wait in line

P90 = 0.9
"""The share of answered calls of which the longest response is reported."""

_ROUNDING = 1e-12
_ALIKE = 1e-9
_MINUTES = 60.0
_AT_ONCE = 2_000_000
"""Numbers of one array of groups and kinds of calls."""


@dataclass(frozen=True, eq=False)
class ResponseMinutes:
    """Response of groups of calls; NaN where a group has no answered calls."""

    mean_min: Floats  # Mean minutes, float64, shape (groups,)
    p90_min: Floats  # Shortest minutes within which at least 90 % are answered, float64, shape (groups,)
    within_share: Floats  # Share answered within given minutes, float64, shape (groups, times)

    def __getitem__(self, rows: slice) -> ResponseMinutes:
        """Take some of the groups."""
        return ResponseMinutes(self.mean_min[rows], self.p90_min[rows], self.within_share[rows])

    @classmethod
    def joined(cls, parts: Iterable[ResponseMinutes]) -> ResponseMinutes:
        """Put groups one after the other."""
        columns = zip(*((one.mean_min, one.p90_min, one.within_share) for one in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


@dataclass(frozen=True, eq=False)
class Calls:
    """Answered calls of groups, by the minutes from setting out to arrival."""

    # Minutes of each kind of call, rising along each row, shape (groups, kinds) or, the same for all, (1, kinds)
    minutes: Floats
    at_once: Floats  # Share of each group's calls that are of the kind and answered at once, shape (groups, kinds)
    waited: Floats | None  # The same for those that wait in line first; None where there is no line
    line_per_min: float  # Rate of the exponential wait of these

    @classmethod
    def of(cls, hypercube: Hypercube, travel: Floats, ratios: Floats) -> Calls:
        """Take the calls of each place as a group, with a kind for each officer and each ratio of the trip."""
        number = len(ratios)
        minutes = (travel[:, :, None] * ratios).reshape(len(travel), -1)
        share = np.repeat(hypercube.place_share / number, number, axis=1)
        places, kinds = minutes.shape
        order = np.argsort(minutes, axis=1, kind="stable")
        at = order + np.arange(0, places * kinds, kinds)[:, None]
        if hypercube.capacity == "loss":
            return cls(minutes.take(at), share.take(at), None, np.inf)
        waited = np.repeat(hypercube.waited_share / number, number)
        at_once = np.maximum(share - waited, 0.0)
        return cls(minutes.take(at), at_once.take(at), waited.take(order), hypercube.spare_per_h / _MINUTES)

    def in_groups(self, weights: Floats) -> Iterator[Calls]:
        """Put groups together, a few at a time: many schools and officers make many kinds."""
        order = np.argsort(self.minutes, axis=None, kind="stable")
        minutes, group = self.minutes.take(order)[None], order // self.minutes.shape[1]
        for part in np.array_split(weights, max(weights.shape[0] * order.size // _AT_ONCE, 1)):
            of_kind = part.take(group, axis=1)
            waited = None if self.waited is None else of_kind * self.waited.take(order)
            yield Calls(minutes, of_kind * self.at_once.take(order), waited, self.line_per_min)


def response_minutes(calls: Calls, within_min: Sequence[float]) -> ResponseMinutes:
    """Tell the response of each group."""
    shares = calls.at_once if calls.waited is None else calls.at_once + calls.waited
    sent = _Sent.of(calls, np.cumsum(shares, axis=1))
    total = np.where(sent.answered[:, -1] > 0, sent.answered[:, -1], np.nan)
    mean = np.einsum("gk,gk->g", shares, np.broadcast_to(calls.minutes, shares.shape)) / total
    if calls.waited is not None:
        mean += calls.waited.sum(axis=1) / total / calls.line_per_min
    within = sent.within(np.asarray(within_min, dtype=np.float64)) / total[:, None]
    return ResponseMinutes(mean, sent.reached(P90 * total), within)


@dataclass(frozen=True, eq=False)
class _Sent:
    """Running sums over the kinds of calls, the nearest first.

    Of the kinds so far, those who have waited and are not there yet are sums of exponentials of one rate: from one kind
    to the next they fall as one exponential, ``exp(late − rate × minutes)``.
    """

    minutes: Floats
    answered: Floats
    late: Floats | None
    rate: float

    @classmethod
    def of(cls, calls: Calls, answered: Floats) -> _Sent:
        if calls.waited is None:
            return cls(calls.minutes, answered, None, calls.line_per_min)
        with np.errstate(divide="ignore"):
            late = np.logaddexp.accumulate(np.log(calls.waited) + calls.line_per_min * calls.minutes, axis=1)
        return cls(calls.minutes, answered, late, calls.line_per_min)

    def within(self, minutes: Floats) -> Floats:
        """Sum up what is answered within some minutes, shape (groups, times)."""
        number = (self.minutes[:, :, None] <= minutes).sum(axis=1)
        rows, last = np.arange(len(self.answered))[:, None], np.maximum(number - 1, 0)
        there = self.answered[rows, last]
        if self.late is not None:
            there -= np.exp(self.late[rows, last] - self.rate * minutes)
        return np.where(number > 0, there, 0.0)

    def reached(self, goal: Floats) -> Floats:
        """Find the shortest minutes within which each group's goal is answered; NaN stays what it is."""
        rows, kinds = np.arange(len(goal)), self.answered.shape[1]
        minutes = np.broadcast_to(self.minutes, self.answered.shape)
        there = self.answered if self.late is None else self.answered - np.exp(self.late - self.rate * minutes)
        after = (there < (goal * (1 - _ROUNDING))[:, None]).sum(axis=1)
        found = np.where(after < kinds, minutes[rows, np.minimum(after, kinds - 1)], np.inf)
        if self.late is not None:
            before = np.maximum(after - 1, 0)
            waiting = self.answered[rows, before] - goal
            is_between = (after > 0) & (waiting > 0)
            moment = self.late[rows, before] - np.log(waiting, out=np.zeros_like(goal), where=is_between)
            found = np.where(is_between, np.clip(moment / self.rate, minutes[rows, before], found), found)
        return np.where(np.isnan(goal), np.nan, found)


# ── How soon an officer is there: the minutes of the trip, weighted by who is sent how often

"""The quantile of response that is reported beside its mean."""

WITHIN_ONE_MIN = 5.0
"""Minutes within which a call is to be reached."""


def mean_response_min(dispatch_share: ArrayLike, travel_min: ArrayLike) -> float:
    """Give the mean trip to the calls that an officer answers.

    Minutes; missing where no call is answered. Calls that overflow to patrol are in neither part of the mean: how far
    patrol is away is not known.
    """
    shares, minutes = _pairs(dispatch_share, travel_min)
    total = float(shares.sum())
    return float(shares @ minutes) / total if total > 0 else float("nan")


def response_quantile_min(dispatch_share: ArrayLike, travel_min: ArrayLike, share: float = P90) -> float:
    """Give the minutes within which an officer reaches a share of the calls that officers answer."""
    return weighted_quantile(*_pairs(dispatch_share, travel_min)[::-1], share)


def within_share(dispatch_share: ArrayLike, travel_min: ArrayLike, minutes: float) -> float:
    """Give the share of all calls that an officer reaches in time."""
    shares, trips = _pairs(dispatch_share, travel_min)
    return float(shares[trips <= minutes].sum())


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Find the smallest value that, with those below it, has a share of the weight."""
    order = np.argsort(values, kind="stable")
    return sorted_quantile(values[order], weights[order], share)


def sorted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """Find the smallest value that, with those below it, has a share of the weight, where values are in order."""
    reached = np.cumsum(weights)
    if not len(reached) or not reached[-1] > 0:
        return float("nan")
    # A share that is reached but for rounding is reached; the first to reach it has a weight.
    return float(values[int(np.searchsorted(reached, share * reached[-1] * (1 - _ROUNDING)))])


def _pairs(dispatch_share: ArrayLike, travel_min: ArrayLike) -> tuple[Floats, Floats]:
    shares = np.asarray(dispatch_share, dtype=np.float64).ravel()
    return shares, np.asarray(travel_min, dtype=np.float64).ravel()


# ── How soon somebody is there: response by place and zone, who answers for whom, and what goes to patrol

WITHIN_MIN = (3.0, 5.0, 8.0, 10.0)
"""Minutes of which the share of calls answered within them is reported."""


@dataclass(frozen=True, eq=False)
class Response:
    """Who answers which calls, and how soon; over the calls that an officer answers, sooner or later."""

    hypercube: Hypercube  # The model it rests on
    zone_of_place: Ints  # Row of the zone of each place in `zone_ids`, shape (n_places,)
    # Those with an officer first, in the order of the officers, then the others in that of the places
    zone_ids: tuple[object, ...]
    within_min: tuple[float, ...]  # The minutes of `within_share`
    # Minutes run from the call to arrival: the wait in line, if there is a line, the preparation, and the travel. NaN
    # where no call is answered
    places: ResponseMinutes
    zones: ResponseMinutes
    district: ResponseMinutes
    in_zone_share: Floats  # Share of each zone's answered calls that an officer of the zone answers, shape (n_zones,)
    district_in_zone_share: float  # The same of all answered calls
    # Share of each zone's answered calls that each officer answers, shape (n_zones, n_units); rows add up to 1
    backup_share: Floats
    # Share of each zone's calls that go to patrol or wait in line, shape (n_zones,): those that find all officers busy,
    # and those that are diverted
    overflow_share: Floats
    calls_per_h: Floats  # Calls per hour from each zone, shape (n_zones,)

    def by_place(self) -> pd.DataFrame:
        """Return one row for each place (its position), with its zone, calls and minutes."""
        return pd.DataFrame(
            {
                "place": np.arange(len(self.zone_of_place)),
                "zone_id": [self.zone_ids[zone] for zone in self.zone_of_place],
                "calls_per_h": self.hypercube.arrivals_per_h,
                **self._minutes(self.places),
            }
        )

    def backup_frame(self) -> pd.DataFrame:
        """Return `backup_share` with `zone_id` as index and `officer` (position) as columns."""
        return pd.DataFrame(
            self.backup_share,
            index=pd.Index(list(self.zone_ids), name="zone_id"),
            columns=pd.RangeIndex(self.backup_share.shape[1], name="officer"),
        )

    def _minutes(self, minutes: ResponseMinutes) -> dict[str, Floats]:
        within = {f"within_{t:g}_min_share": minutes.within_share[:, i] for i, t in enumerate(self.within_min)}
        return {"mean_min": minutes.mean_min, "p90_min": minutes.p90_min, **within}


def response(
    hypercube: Hypercube,
    travel_min: ArrayLike,
    *,
    zone_of_place: Sequence[object],
    home_zone: Sequence[object],
    within_min: Sequence[float] = WITHIN_MIN,
    preparation_min: float = 0.0,
    ratios: ArrayLike = (1.0,),
) -> Response:
    """Work out response times and backup from who answers which calls, in the exact model or the approximate one.

    `travel_min` has shape (n_places, n_units). `home_zone` is None for an officer without a zone; several may share
    one. `preparation_min` are minutes between the moment an officer is free for the call and setting out, the same for
    all. `ratios` are minutes of a trip over those of `travel_min`, equally likely. Minutes that are missing, infinite
    or negative are refused, and a place without a zone.

    The response of a group of calls is a mixture over officers and, where there is a line, over calls that wait: the
    wait of these is exponential, at the rate at which all officers together are faster than the calls come, and does
    not depend on who takes the call. P90 is the shortest time within which at least 90 % are answered. Calls that go to
    patrol are in neither. Larson, R. C., & Odoni, A. R. (1981). Urban Operations Research, §5.4.4. Prentice-Hall.
    """
    zones = {"zone_of_place": zone_of_place, "home_zone": home_zone}
    travel = _checked(hypercube, travel_min, zones, (*within_min, preparation_min))
    within = tuple(float(minutes) for minutes in within_min)
    zone_ids = tuple(dict.fromkeys([zone for zone in home_zone if zone is not None] + list(zone_of_place)))
    row_of = {zone: row for row, zone in enumerate(zone_ids)}
    zone = np.array([row_of[z] for z in zone_of_place])
    home = np.array([-1 if z is None else row_of[z] for z in home_zone])
    calls = Calls.of(hypercube, travel + preparation_min, np.asarray(ratios, dtype=np.float64))
    is_in = np.zeros((len(zone_ids), len(zone)))
    is_in[zone, np.arange(len(zone))] = 1.0
    calls_per_h = is_in @ hypercube.arrivals_per_h
    answered = is_in @ (hypercube.arrivals_per_h[:, None] * hypercube.place_share)
    all_answered = answered.sum(axis=1)
    is_called = all_answered > 0
    backup = np.divide(answered, all_answered[:, None], out=np.full_like(answered, np.nan), where=is_called[:, None])
    own = np.where(home == np.arange(len(zone_ids))[:, None], answered, 0.0).sum(axis=1)
    groups = calls.in_groups(np.vstack((is_in, np.ones(len(zone)))) * hypercube.arrivals_per_h)
    by_zone = ResponseMinutes.joined(response_minutes(group, within) for group in groups)
    return Response(
        hypercube=hypercube,
        zone_of_place=zone,
        zone_ids=zone_ids,
        within_min=within,
        places=response_minutes(calls, within),
        zones=by_zone[:-1],
        district=by_zone[-1:],
        in_zone_share=np.divide(own, all_answered, out=np.full(len(own), np.nan), where=is_called),
        district_in_zone_share=float(own.sum() / all_answered.sum()),
        backup_share=backup,
        overflow_share=_overflow(hypercube, all_answered, calls_per_h),
        calls_per_h=calls_per_h,
    )


def _overflow(hypercube: Hypercube, answered: Floats, calls_per_h: Floats) -> Floats:
    """Give the share of each zone's calls that no officer answers at once."""
    whole = np.full(len(calls_per_h), hypercube.overflow_share)
    came: Floats = np.divide(answered, calls_per_h, out=1 - whole, where=calls_per_h > 0)
    # Where dispatch only sends whoever is free, zones differ by rounding alone.
    return np.where(np.abs(1 - came - whole) <= _ALIKE, whole, 1 - came)


def _checked(
    hypercube: Hypercube, travel_min: ArrayLike, zones: Mapping[str, Sequence[object]], minutes: Sequence[float]
) -> Floats:
    places, units = hypercube.place_share.shape
    travel, faults = np.array(travel_min, dtype=np.float64), list[InputError]()
    if travel.shape != (places, units):
        faults.append(
            InputError(
                "Travel does not fit the model.",
                where="travel_min",
                found=f"shape {travel.shape}",
                expected=f"shape {(places, units)}: a row for each place, a column for each officer",
            )
        )
    elif not (np.isfinite(travel) & (travel >= 0)).all():
        place, unit = np.nonzero(~(np.isfinite(travel) & (travel >= 0)))
        faults.append(
            InputError(
                "Travel between some officers and places cannot be used.",
                where="travel_min, by place and officer",
                ids=zip(place.tolist(), unit.tolist(), strict=True),
                found=", ".join(f"{minutes:g}" for minutes in travel[place[:3], unit[:3]]),
                expected="minutes, 0 or more",
                remedy="Give places that the roads do not reach their straight-line minutes, and say so.",
            )
        )
    for (name, given), expected in zip(zones.items(), (places, units), strict=True):
        if len(given) != expected:
            faults.append(
                InputError(
                    f"{name} does not fit the model.", where=name, found=f"{len(given)} zones", expected=str(expected)
                )
            )
    lost = [place for place, zone in enumerate(zones["zone_of_place"]) if zone is None]
    if lost:
        faults.append(InputError("Some places are in no zone.", where="zone_of_place, by position", ids=lost))
    if not all(0 <= one < np.inf for one in minutes):
        faults.append(
            InputError(
                "Minutes are 0 or more.",
                where="within_min, preparation_min",
                found=", ".join(f"{one:g}" for one in minutes),
            )
        )
    refuse(faults)
    return travel


# ── Coverage by hour of day: the model of each hour, as if its calls came all day long


@dataclass(frozen=True, eq=False)
class HoursOfDay:
    """The model of each hour of the day."""

    hours: tuple[object, ...]  # What the hours are called, such as 7 for 7:00 to 8:00
    hypercubes: tuple[Hypercube | None, ...]  # None for an hour without a call
    service_per_h: Floats  # Calls that each officer could answer per busy hour, shape (n_units,)

    @property
    def calls_per_h(self) -> Floats:
        """How many calls come in each hour, float64, shape (hours,)."""
        return np.array([0.0 if one is None else one.calls_per_h for one in self.hypercubes])

    @property
    def busy_share(self) -> Floats:
        """Share of each hour that each officer is busy, float64, shape (hours, n_units)."""
        free = np.zeros(len(self.service_per_h))
        return np.array([free if one is None else one.busy_share for one in self.hypercubes])

    @property
    def overflow_by_hour(self) -> Floats:
        """Chance that a call of each hour finds all officers busy, float64, shape (hours,); 0 where there are none."""
        return np.array([0.0 if one is None else one.overflow_share for one in self.hypercubes])

    @property
    def overflow_share(self) -> float:
        """The same over all calls of the day."""
        calls = self.calls_per_h
        return float(calls @ self.overflow_by_hour / calls.sum())

    def summary(self) -> str:
        """Say in plain English what comes out, and what it rests on."""
        service_min = _MINUTES * float((1 / self.service_per_h).mean())
        overflow = figure_text(self.overflow_share, "share")
        shares = {str(hour): float(share) for hour, share in zip(self.hours, self.overflow_by_hour, strict=True)}
        worst = highest(shares, lambda share: figure_text(share, "share"))
        hours = f"hour{'' if len(worst) == 1 else 's'} {listed(worst)}" if worst else ""
        most = f"; most in {hours}, {figure_text(shares[worst[0]], 'share')}" if worst else ""
        return (
            f"Over {len(self.hours)} hours of the day, {overflow} of calls {self._fate()} in the model"
            f"{most}. Each hour is taken as if its calls came all day long "
            f"(quasi-stationary); a call keeps an officer {minutes_text(service_min)} minutes on average, and the "
            "longer that is, the more of one hour's work is felt in the next."
        )

    def _fate(self) -> str:
        is_diverted = any(one is not None and one.diverted_share for one in self.hypercubes)
        return "go to patrol" if is_diverted else "find no officer free"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each hour.

        `hour`, `calls_per_h`, `load`, `mean_busy_share`, `highest_busy_share`, `overflow_share`, `overflow_per_h` and
        `wait_min`.
        """
        calls, busy = self.calls_per_h, self.busy_share
        return pd.DataFrame(
            {
                "hour": list(self.hours),
                "calls_per_h": calls,
                "load": calls / float(self.service_per_h.sum()),
                "mean_busy_share": busy.mean(axis=1),
                "highest_busy_share": busy.max(axis=1),
                "overflow_share": self.overflow_by_hour,
                "overflow_per_h": calls * self.overflow_by_hour,
                "wait_min": [0.0 if one is None else one.wait_min for one in self.hypercubes],
            }
        )


def by_hour(
    arrivals_by_hour: ArrayLike,
    service_per_h: ArrayLike,
    preference: ArrayLike,
    *,
    hours: Sequence[object],
    solve: Callable[[Floats], Hypercube],
) -> HoursOfDay:
    """Solve the model for each hour of the day, from calls per hour of shape (hours, n_places).

    `hours` are what the hours are called. An hour may be without calls. `solve` takes the calls per hour of each place.

    Quasi-stationary: each hour is taken for itself, as if its rates held for ever (the pointwise stationary
    approximation). It is good where calls are short against an hour, and too high at the peak where they are not.
    Green, L., & Kolesar, P. (1991). The pointwise stationary approximation for queues with nonstationary arrivals.
    Management Science 37(1), 84–97.
    """
    arrivals = _hours_of_day_checked(arrivals_by_hour, hours)
    system = call_system(arrivals.mean(axis=0), service_per_h, preference)
    solved = [solve(of_hour) if of_hour.any() else None for of_hour in arrivals]
    return HoursOfDay(tuple(hours), tuple(solved), system.service_per_h)


def _hours_of_day_checked(arrivals_by_hour: ArrayLike, hours: Sequence[object]) -> Floats:
    arrivals = np.array(arrivals_by_hour, dtype=np.float64)
    if arrivals.ndim != 2 or not arrivals.size or len(hours) != len(arrivals):  # noqa: PLR2004
        raise InputError(
            "Calls by hour do not fit.",
            where="arrivals_by_hour",
            found=f"shape {arrivals.shape}, {len(hours)} names of hours",
            expected="a row for each hour, a column for each place",
        )
    hour, place = np.nonzero(~(np.isfinite(arrivals) & (arrivals >= 0)))
    if len(hour):
        raise InputError(
            "Some rates of calls cannot be used.",
            where="arrivals_by_hour, by hour and place",
            ids=zip(hour.tolist(), place.tolist(), strict=True),
            found=", ".join(f"{rate:g}" for rate in arrivals[hour[:3], place[:3]]),
            expected="calls per hour, 0 or more",
        )
    return arrivals
