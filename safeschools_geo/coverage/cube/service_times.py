"""How long calls keep an officer, as distributions to draw from: spread by a given variation, or as observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_MINUTES = 60.0


class ServiceTimes(Protocol):
    """Times that calls keep each officer."""

    @property
    def mean_h(self) -> Floats:
        """Mean hours of each officer, shape (n_units,)."""

    @property
    def variation(self) -> Floats:
        """Standard deviation over mean of each officer, shape (n_units,); 1 for exponential times."""

    def draw_h(self, officers: Ints, rng: np.random.Generator) -> Floats:
        """Draw the hours of a call of each of some officers.

        Parameters
        ----------
        officers
            Officers, int64, shape (calls,).
        rng
            Where chance comes from.

        Returns
        -------
        numpy.ndarray
            Hours, float64, shape (calls,).
        """


@dataclass(frozen=True, eq=False)
class GammaTimes:
    """Gamma distributions of given means and variation.

    Parameters
    ----------
    mean_h
        Mean hours of each officer, float64, shape (n_units,).
    variation
        Standard deviation over mean of each officer, float64, shape (n_units,): 1 is exponential, 0 always the same.
    """

    mean_h: Floats
    variation: Floats

    def draw_h(self, officers: Ints, rng: np.random.Generator) -> Floats:
        """Draw the hours of a call of each of some officers.

        Parameters
        ----------
        officers
            Officers, int64, shape (calls,).
        rng
            Where chance comes from.

        Returns
        -------
        numpy.ndarray
            Hours, float64, shape (calls,).
        """
        mean, variance = self.mean_h[officers], self.variation[officers] ** 2
        spread = np.where(variance > 0, variance, 1.0)
        return np.where(variance > 0, mean * spread * rng.standard_gamma(1 / spread), mean)


@dataclass(frozen=True, eq=False)
class ObservedTimes:
    """Times as observed, each as likely as the others of the officer.

    Parameters
    ----------
    hours
        Observed hours of all officers under each other, float64, shape (calls,).
    starts
        Where those of each officer begin, and the end, int64, shape (n_units + 1,).
    """

    hours: Floats
    starts: Ints

    @property
    def mean_h(self) -> Floats:
        """Mean hours of each officer, shape (n_units,)."""
        mean: Floats = np.add.reduceat(self.hours, self.starts[:-1]) / np.diff(self.starts)
        return mean

    @property
    def variation(self) -> Floats:
        """Standard deviation over mean of each officer, shape (n_units,)."""
        mean = self.mean_h
        squares = np.add.reduceat(self.hours**2, self.starts[:-1]) / np.diff(self.starts)
        spread: Floats = np.sqrt(np.maximum(squares - mean**2, 0.0)) / mean
        return spread

    def draw_h(self, officers: Ints, rng: np.random.Generator) -> Floats:
        """Draw the hours of a call of each of some officers.

        Parameters
        ----------
        officers
            Officers, int64, shape (calls,).
        rng
            Where chance comes from.

        Returns
        -------
        numpy.ndarray
            Hours, float64, shape (calls,).
        """
        number = np.diff(self.starts)[officers]
        drawn: Floats = self.hours[self.starts[officers] + (rng.random(len(officers)) * number).astype(np.int64)]
        return drawn


def gamma_times(service_per_h: ArrayLike, variation: ArrayLike) -> GammaTimes:
    """Spread service times around the means that rates stand for.

    Parameters
    ----------
    service_per_h
        Calls that each officer could answer per busy hour, shape (n_units,), above 0.
    variation
        Standard deviation over mean, one for all or one for each officer, 0 or more.

    Returns
    -------
    GammaTimes
        The distributions.

    Raises
    ------
    InputError
        When rates or variation make no sense.
    """
    service = np.array(service_per_h, dtype=np.float64)
    spread = np.array(variation, dtype=np.float64)
    fits = service.ndim == 1 and len(service) > 0 and spread.shape in {(), service.shape}
    if not (fits and np.isfinite([service, service + spread]).all() and (service > 0).all() and (spread >= 0).all()):
        raise InputError(
            "Service times cannot be spread like that.",
            found=f"service_per_h {service.tolist()}, variation {spread.tolist()}",
            expected="a rate above 0 for each officer, and a variation of 0 or more",
        )
    return GammaTimes(1 / service, np.broadcast_to(spread, service.shape))


def observed_times(service_min: Sequence[ArrayLike]) -> ObservedTimes:
    """Take service times as they were observed.

    Parameters
    ----------
    service_min
        Minutes that calls kept each officer, one array for each officer, at least one call each. Where an officer has
        too few of their own, give the pooled times of all.

    Returns
    -------
    ObservedTimes
        The distributions.

    Raises
    ------
    InputError
        When an officer has no time, or one that is missing, infinite, or not above 0.
    """
    given = [np.array(minutes, dtype=np.float64).ravel() for minutes in service_min]
    is_fine = [len(one) > 0 and bool((np.isfinite(one) & (one > 0)).all()) for one in given]
    if not given or not all(is_fine):
        raise InputError(
            "Some officers have no service times that can be used.",
            where="service_min, by position of the officer",
            ids=[officer for officer, fine in enumerate(is_fine) if not fine],
            expected="minutes above 0, at least one call for each officer",
        )
    starts = np.cumsum([0, *(len(one) for one in given)])
    return ObservedTimes(np.concatenate(given) / _MINUTES, starts)
