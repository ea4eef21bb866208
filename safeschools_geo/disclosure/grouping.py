"""How figures are grouped: by which dimensions, and over which part of the record."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GroupingLike: TypeAlias = "Grouping | str | Iterable[str]"
ALL = ""
"""What stands in a key for "all of them"."""


@dataclass(frozen=True)
class Grouping:
    """A table of counts: one for each combination of its dimensions.

    Parameters
    ----------
    dims
        The dimensions, such as ``("zone", "term")``; none for the total.
    where
        Dimensions that are held at one value, as pairs: ``(("term", "Fall 2025"),)``.
    """

    dims: tuple[str, ...]
    where: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Put what is held in one order."""
        object.__setattr__(self, "where", tuple(sorted(self.where)))

    @classmethod
    def of(cls, grouping: GroupingLike, **where: str) -> Grouping:
        """Make a grouping.

        Parameters
        ----------
        grouping
            A grouping, one dimension, or several.
        **where
            Dimensions that are held at one value.

        Returns
        -------
        Grouping
            The grouping.
        """
        if isinstance(grouping, Grouping):
            return cls(grouping.dims, (*grouping.where, *where.items()))
        return cls((grouping,) if isinstance(grouping, str) else tuple(grouping), tuple(where.items()))

    @property
    def held(self) -> Mapping[str, str]:
        """What is held at one value, by dimension."""
        return dict(self.where)

    @property
    def text(self) -> str:
        """The grouping in words, such as ``zone × level, Fall 2025``."""
        return ", ".join([" × ".join(self.dims) or "all", *self.held.values()])

    def with_margins(self) -> tuple[Grouping, ...]:
        """List the grouping and its totals.

        Returns
        -------
        tuple of Grouping
            Itself, and by every smaller choice of its dimensions, down to the total.
        """
        sizes = range(len(self.dims), -1, -1)
        return tuple(Grouping(dims, self.where) for n in sizes for dims in combinations(self.dims, n))
