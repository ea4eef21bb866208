"""Classes of minutes on a map: round edges that part what is shown into about equal numbers."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.maps.coverage_figures import decimal
from safeschools_geo.maps.legend import LegendItem
from safeschools_geo.maps.palette import RATE_FILLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUND_MIN = (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 90, 120)
_RADIUS_PX = 4.0


@dataclass(frozen=True)
class MinuteClasses:
    """Edges between the fills of minutes.

    One scale serves zones and schools. Equal steps would be spent on the one school that is far away.

    Parameters
    ----------
    edges
        Where the next class begins, in minutes; one less than there are classes.
    ends
        Fewest and most minutes; None where nothing is known.
    """

    edges: tuple[float, ...]
    ends: tuple[float, float] | None

    @classmethod
    def of(cls, minutes: NDArray[np.float64]) -> MinuteClasses:
        """Find the round minutes next to the quintiles.

        Parameters
        ----------
        minutes
            Minutes of all that is shown, missing ones included, shape (n,).

        Returns
        -------
        MinuteClasses
            Classes that hold all of them, at most as many as there are fills.
        """
        known = minutes[np.isfinite(minutes)]
        if not len(known):
            return cls((), None)
        low, high = float(known.min()), float(known.max())
        cuts = np.quantile(known, np.linspace(0, 1, len(RATE_FILLS) + 1)[1:-1])
        edges = sorted({min(_ROUND_MIN, key=lambda edge: (abs(edge - cut), edge)) for cut in cuts.tolist()})
        return cls(tuple(float(edge) for edge in edges if low < edge <= high), (low, high))

    def place(self, minutes: float) -> int | None:
        """Find the class of minutes.

        Parameters
        ----------
        minutes
            The minutes; may be missing.

        Returns
        -------
        int or None
            The class, from 0; None where the minutes are missing or without end.
        """
        return bisect_right(self.edges, minutes) if np.isfinite(minutes) else None

    def fill(self, minutes: float) -> str | None:
        """Find the fill of minutes.

        Parameters
        ----------
        minutes
            The minutes; may be missing.

        Returns
        -------
        str or None
            A colour; None where the minutes are missing.
        """
        place = self.place(minutes)
        return None if place is None else self._fills()[place]

    def radius_px(self, minutes: float) -> float:
        """Find how large the mark of a school is: the longer it waits, the larger.

        Parameters
        ----------
        minutes
            The minutes; may be missing.

        Returns
        -------
        float
            Pixels; the smallest where the minutes are missing.
        """
        return _RADIUS_PX + (self.place(minutes) or 0)

    def legend(self, *, opacity: float = 1.0) -> list[LegendItem]:
        """List the classes, from few minutes to many.

        Parameters
        ----------
        opacity
            Opacity of the fills on the map.

        Returns
        -------
        list of LegendItem
            A sign for each class.
        """
        if self.ends is None:
            return []
        if self.edges:
            middle = [f"{a:g} to below {b:g}" for a, b in pairwise(self.edges)]
            labels = [f"below {self.edges[0]:g}", *middle, f"{self.edges[-1]:g} or more"]
        else:
            labels = [f"{decimal(self.ends[0])} to {decimal(self.ends[1])}"]
        return [LegendItem(text, "fill", fill, opacity) for text, fill in zip(labels, self._fills(), strict=True)]

    def _fills(self) -> tuple[str, ...]:
        """Spread few classes over the whole range of fills."""
        number = len(self.edges) + 1
        if number == 1:
            return RATE_FILLS[1:2]
        return tuple(RATE_FILLS[i] for i in np.linspace(0, len(RATE_FILLS) - 1, number).round().astype(int))
