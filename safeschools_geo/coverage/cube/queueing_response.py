"""How soon somebody is there: response by place and zone, who answers for whom, and what goes to patrol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.cube.hypercube_result import Hypercube
from safeschools_geo.coverage.cube.response_minutes import Calls, ResponseMinutes, response_minutes
from safeschools_geo.coverage.figure_text import figure_text, highest, listed, minutes_text, share_text
from safeschools_geo.errors import InputError, SeveralFaultsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

WITHIN_MIN = (3.0, 5.0, 8.0, 10.0)
"""Minutes of which the share of calls answered within them is told."""


@dataclass(frozen=True, eq=False)
class Response:
    """Who answers which calls, and how soon; over the calls that an officer answers, sooner or later.

    Parameters
    ----------
    hypercube
        The model it rests on.
    zone_of_place
        Row of the zone of each place in `zone_ids`, int64, shape (n_places,).
    zone_ids
        The zones: those with an officer first, in the order of the officers, then the others in that of the places.
    within_min
        The minutes of `within_share`.
    places, zones, district
        Response by place, by zone and in all. Minutes run from the call to arrival: the wait in line, if there is a
        line, the preparation, and the travel. NaN where no call is answered.
    in_zone_share
        Share of each zone's answered calls that an officer of the zone answers, float64, shape (n_zones,).
    district_in_zone_share
        The same of all answered calls.
    backup_share
        Share of each zone's answered calls that each officer answers, float64, shape (n_zones, n_units); rows add up
        to 1.
    overflow_share
        Share of each zone's calls that find all officers busy, float64, shape (n_zones,): with ``"loss"`` the same for
        all, since calls come at random.
    calls_per_h
        Calls per hour from each zone, float64, shape (n_zones,).
    """

    hypercube: Hypercube
    zone_of_place: Ints
    zone_ids: tuple[object, ...]
    within_min: tuple[float, ...]
    places: ResponseMinutes
    zones: ResponseMinutes
    district: ResponseMinutes
    in_zone_share: Floats
    district_in_zone_share: float
    backup_share: Floats
    overflow_share: Floats
    calls_per_h: Floats

    @property
    def officer_share(self) -> Floats:
        """Share of all answered calls that each officer answers, shape (n_units,)."""
        return self.hypercube.officer_share

    @property
    def mean_min(self) -> float:
        """Mean minutes of response in the district."""
        return float(self.district.mean_min[0])

    @property
    def p90_min(self) -> float:
        """The minutes within which 90 % of answered calls of the district see an officer."""
        return float(self.district.p90_min[0])

    def within_share(self, minutes: float) -> float:
        """Give the share of answered calls of the district to which an officer comes within some minutes.

        Parameters
        ----------
        minutes
            One of `within_min`.

        Returns
        -------
        float
            The share.
        """
        return float(self.district.within_share[0, self.within_min.index(minutes)])

    def summary(self) -> str:
        """Say in plain English how soon somebody comes in the model, which is not the record.

        Returns
        -------
        str
            A few sentences, each of which names the model.
        """
        within = ", ".join(f"{share_text(self.within_share(t))} within {t:g} minutes" for t in self.within_min)
        fate = "go to Sheriff's patrol" if self.hypercube.capacity == "loss" else "wait in line"
        return (
            f"In the model an officer comes after {minutes_text(self.mean_min)} minutes on average; 9 of 10 answered "
            f"calls see one within {minutes_text(self.p90_min)} minutes ({within}).{self._longest()} In the model the "
            f"zone's own officer answers {share_text(self.district_in_zone_share)} of answered calls; "
            f"{figure_text(self.hypercube.overflow_share, 'share')} of calls find every officer busy and {fate}."
        )

    def _longest(self) -> str:
        p90 = {str(zone): float(minutes) for zone, minutes in zip(self.zone_ids, self.zones.p90_min, strict=True)}
        worst = highest(p90, minutes_text)
        if not worst:
            return ""
        who = f"Zone {worst[0]} waits" if len(worst) == 1 else f"Zones {listed(worst)} wait"
        return f" {who} longest in the model, {minutes_text(p90[worst[0]])} minutes for 9 of 10."

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each zone.

        Returns
        -------
        pandas.DataFrame
            `zone_id`, `calls_per_h`, `mean_min`, `p90_min`, `within_<t>_min_share` for each t of `within_min`,
            `in_zone_share`, `overflow_share` and `overflow_per_h`.
        """
        return pd.DataFrame(
            {
                "zone_id": list(self.zone_ids),
                "calls_per_h": self.calls_per_h,
                **self._minutes(self.zones),
                "in_zone_share": self.in_zone_share,
                "overflow_share": self.overflow_share,
                "overflow_per_h": self.overflow_share * self.calls_per_h,
            }
        )

    def by_place(self) -> pd.DataFrame:
        """Return one row for each place.

        Returns
        -------
        pandas.DataFrame
            `place` (position), `zone_id`, `calls_per_h`, `mean_min`, `p90_min` and `within_<t>_min_share`.
        """
        return pd.DataFrame(
            {
                "place": np.arange(len(self.zone_of_place)),
                "zone_id": [self.zone_ids[zone] for zone in self.zone_of_place],
                "calls_per_h": self.hypercube.arrivals_per_h,
                **self._minutes(self.places),
            }
        )

    def backup_frame(self) -> pd.DataFrame:
        """Return the backup matrix.

        Returns
        -------
        pandas.DataFrame
            `backup_share` with `zone_id` as index and `officer` (position) as columns.
        """
        return pd.DataFrame(
            self.backup_share,
            index=pd.Index(list(self.zone_ids), name="zone_id"),
            columns=pd.RangeIndex(self.backup_share.shape[1], name="officer"),
        )

    def _minutes(self, told: ResponseMinutes) -> dict[str, Floats]:
        within = {f"within_{t:g}_min_share": told.within_share[:, i] for i, t in enumerate(self.within_min)}
        return {"mean_min": told.mean_min, "p90_min": told.p90_min, **within}


def response(
    hypercube: Hypercube,
    travel_min: ArrayLike,
    *,
    zone_of_place: Sequence[object],
    home_zone: Sequence[object],
    within_min: Sequence[float] = WITHIN_MIN,
    preparation_min: float = 0.0,
) -> Response:
    """Work out response times and backup from who answers which calls.

    Parameters
    ----------
    hypercube
        The model, exact or approximate.
    travel_min
        Minutes from each officer to each place, shape (n_places, n_units).
    zone_of_place
        Id of the zone of each place, length n_places.
    home_zone
        Id of the zone of each officer, length n_units; None for an officer without one. Several may share a zone.
    within_min
        Minutes of which the share of calls answered within them is wanted.
    preparation_min
        Minutes between the moment an officer is free for the call and setting out, the same for all.

    Returns
    -------
    Response
        By place, by zone and in all.

    Raises
    ------
    InputError
        When shapes do not fit, minutes are missing, infinite or negative, or a place has no zone; all at once.

    Notes
    -----
    The response of a group of calls is a mixture over officers and, where there is a line, over calls that wait: the
    wait of these is exponential, at the rate at which all officers together are faster than the calls come, and does
    not depend on who takes the call. P90 is the shortest time within which at least 90 % are answered. Calls that go to
    patrol are in neither.

    References
    ----------
    Larson, R. C., & Odoni, A. R. (1981). Urban Operations Research, §5.4.4. Prentice-Hall.
    """
    zones = {"zone_of_place": zone_of_place, "home_zone": home_zone}
    travel = _checked(hypercube, travel_min, zones, (*within_min, preparation_min))
    within = tuple(float(minutes) for minutes in within_min)
    zone_ids = tuple(dict.fromkeys([zone for zone in home_zone if zone is not None] + list(zone_of_place)))
    row_of = {zone: row for row, zone in enumerate(zone_ids)}
    zone = np.array([row_of[z] for z in zone_of_place])
    home = np.array([-1 if z is None else row_of[z] for z in home_zone])
    calls = Calls.of(hypercube, travel + preparation_min)
    is_in = np.zeros((len(zone_ids), len(zone)))
    is_in[zone, np.arange(len(zone))] = 1.0
    calls_per_h = is_in @ hypercube.arrivals_per_h
    answered = is_in @ (hypercube.arrivals_per_h[:, None] * hypercube.place_share)
    all_answered = answered.sum(axis=1)
    is_called = all_answered > 0
    backup = np.divide(answered, all_answered[:, None], out=np.full_like(answered, np.nan), where=is_called[:, None])
    own = np.where(home == np.arange(len(zone_ids))[:, None], answered, 0.0).sum(axis=1)
    by_zone = response_minutes(
        calls.in_groups(np.vstack((is_in, np.ones(len(zone)))) * hypercube.arrivals_per_h), within
    )
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
        overflow_share=np.full(len(zone_ids), hypercube.overflow_share),
        calls_per_h=calls_per_h,
    )


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
    if faults:
        raise faults[0] if len(faults) == 1 else SeveralFaultsError(faults)
    return travel
