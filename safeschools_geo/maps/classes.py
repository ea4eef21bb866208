"""Classes of a choropleth: equal steps with round edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.maps.legend import LegendItem
from safeschools_geo.maps.palette import RATE_FILLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class RateClasses:
    """Edges between the fills of a choropleth.

    Parameters
    ----------
    start
        Lower edge of the lowest class.
    step
        Width of a class.
    number
        Number of classes, at most as many as there are fills; 0 where there is no rate at all.
    """

    start: float
    step: float
    number: int

    @classmethod
    def of(cls, rates: NDArray[np.float64]) -> RateClasses:
        """Find the smallest round step that needs no more classes than there are fills.

        Parameters
        ----------
        rates
            Rates, missing ones included, shape (n,).

        Returns
        -------
        RateClasses
            Classes that hold every rate.
        """
        known = rates[np.isfinite(rates)]
        if not len(known):
            return cls(0.0, 1.0, 0)
        low, high = float(known.min()), float(known.max())
        power = 10.0 ** math.floor(math.log10((high - low or abs(high) or 1.0) / len(RATE_FILLS)))
        for factor in _ROUND_STEPS:
            step = factor * power
            start = math.floor(low / step) * step
            number = math.floor((high - start) / step + 1e-9) + 1
            if number <= len(RATE_FILLS):
                return cls(start, step, number)
        return cls(low, (high - low) / len(RATE_FILLS), len(RATE_FILLS))

    def fill(self, rate: float) -> str | None:
        """Find the fill of a rate.

        Parameters
        ----------
        rate
            The rate; may be missing.

        Returns
        -------
        str or None
            A colour; None where the rate is missing.
        """
        if not np.isfinite(rate):
            return None
        place = min(int((rate - self.start) / self.step + 1e-9), self.number - 1)
        return self._fills()[place]

    def legend(self, *, opacity: float = 1.0) -> list[LegendItem]:
        """List the classes, from low to high.

        Parameters
        ----------
        opacity
            Opacity of the fills on the map.

        Returns
        -------
        list of LegendItem
            A sign for each class.
        """
        decimals = max(0, -math.floor(math.log10(self.step)) + (1 if f"{self.step:e}".startswith("2.5") else 0))
        edges = [self.start + i * self.step for i in range(self.number + 1)]
        labels = [f"{a:.{decimals}f} to below {b:.{decimals}f}" for a, b in pairwise(edges)]
        return [LegendItem(text, "fill", fill, opacity) for text, fill in zip(labels, self._fills(), strict=True)]

    def _fills(self) -> tuple[str, ...]:
        """Spread few classes over the whole range of fills."""
        if self.number <= 1:
            return RATE_FILLS[2 : 2 + self.number]
        spread = np.linspace(0, len(RATE_FILLS) - 1, self.number).round().astype(int)
        return tuple(RATE_FILLS[i] for i in spread)
