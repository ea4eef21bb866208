"""Which zones each unit can be in at all, once locks, groups and contiguity are followed to their end."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Cut:
    """A zone whose fixed units cannot hang together.

    Parameters
    ----------
    zone
        Row of the zone.
    units
        Rows of two units that are fixed in it and lie apart.
    between
        Rows of units beside the first piece that may not join the zone, the ones fixed elsewhere; empty when
        the two lie in parts of the district that no link joins.
    """

    zone: int
    units: tuple[int, int]
    between: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Forced:
    """What follows from the rules.

    Parameters
    ----------
    allowed
        Whether a unit can be in a zone, shape (n, k), after all that follows; a row of False where nothing is left.
    cuts
        Zones whose fixed units cannot hang together.
    """

    allowed: NDArray[np.bool_]
    cuts: tuple[Cut, ...]

    @property
    def fixed(self) -> NDArray[np.int64]:
        """The zone of units that can be in one only, else -1; shape (n,)."""
        return np.where(self.allowed.sum(axis=1) == 1, self.allowed.argmax(axis=1), -1)

    @property
    def nowhere(self) -> NDArray[np.int64]:
        """The rows of units that can be in no zone."""
        return np.flatnonzero(~self.allowed.any(axis=1))


def follow_rules(
    neighbours: Sequence[Iterable[int]], allowed: NDArray[np.bool_], together: Iterable[Sequence[int]] = ()
) -> Forced:
    """Strike out zones that units cannot be in, until nothing more follows.

    Parameters
    ----------
    neighbours
        Rows of the units that each of the n units is linked to.
    allowed
        Whether a unit may be in a zone, shape (n, k).
    together
        Groups of rows that stay in one zone.

    Returns
    -------
    Forced
        A unit is struck out of a zone when the rest of its group cannot be there, or when it has no way to the units
        that are fixed there; a unit through which every way between fixed units leads is fixed as well. Where rules
        contradict each other the zones concerned are left as they are, and told.
    """
    links = [set(js) for js in neighbours]
    groups = [list(group) for group in together]
    now = allowed.copy()
    cuts: dict[int, Cut] = {}
    while True:
        before = now.copy()
        for group in groups:
            now[group] = now[group].all(axis=0)
        open_zones = [zone for zone in range(now.shape[1]) if zone not in cuts]
        # Every zone is followed from the same state, so that a unit struck out of all of them at once is told as such.
        state = now.copy()
        for zone in open_zones:
            now &= _without_unreached(state, links, zone, cuts)
        # A unit that two zones need goes to the first; the second is then told as cut.
        for zone in open_zones:
            now[_needed_units(now, links, zone)] &= np.arange(now.shape[1]) == zone
        if (now == before).all():
            return Forced(now, tuple(cuts[zone] for zone in sorted(cuts)))


def reached(start: int, inside: set[int], links: Sequence[Iterable[int]]) -> set[int]:
    """Find the units that hang on to one.

    Parameters
    ----------
    start
        Row of the unit.
    inside
        Rows that may be walked through.
    links
        Rows of the units that each unit is linked to.

    Returns
    -------
    set of int
        Their rows, the start among them.
    """
    return set(_ways(start, inside, links))


def _ways(start: int, inside: set[int], links: Sequence[Iterable[int]]) -> dict[int, int]:
    # Unit → the unit before it on a shortest way from the start.
    came, front = {start: start}, deque([start])
    while front:
        unit = front.popleft()
        for other in sorted(links[unit]):
            if other in inside and other not in came:
                came[other] = unit
                front.append(other)
    return came


def _fixed_in(state: NDArray[np.bool_], zone: int) -> tuple[list[int], set[int]]:
    inside = np.flatnonzero(state[:, zone]).tolist()
    return [i for i in inside if state[i].sum() == 1], set(inside)


def _without_unreached(
    state: NDArray[np.bool_], links: Sequence[set[int]], zone: int, cuts: dict[int, Cut]
) -> NDArray[np.bool_]:
    after = state.copy()
    fixed, inside = _fixed_in(state, zone)
    if not fixed:
        return after
    piece = reached(fixed[0], inside, links)
    apart = [i for i in fixed if i not in piece]
    if apart:
        cuts[zone] = Cut(zone, (fixed[0], apart[0]), _between(state, links, piece, fixed[0], apart[0]))
    else:
        after[sorted(inside - piece), zone] = False
    return after


def _needed_units(state: NDArray[np.bool_], links: Sequence[set[int]], zone: int) -> list[int]:
    fixed, inside = _fixed_in(state, zone)
    if not fixed:
        return []
    ways = _ways(fixed[0], inside, links)
    if any(i not in ways for i in fixed):
        return []
    return [
        unit
        for unit in sorted(_on_the_way(ways, fixed))
        if any(i not in reached(fixed[0], inside - {unit}, links) for i in fixed[1:])
    ]


def _on_the_way(ways: dict[int, int], fixed: Sequence[int]) -> set[int]:
    # A unit that every way leads through is on the shortest way too.
    found = set()
    for unit in fixed[1:]:
        step = ways[unit]
        while step != ways[step]:
            found.add(step)
            step = ways[step]
    return found - set(fixed)


def _between(
    state: NDArray[np.bool_], links: Sequence[set[int]], piece: set[int], one: int, other: int
) -> tuple[int, ...]:
    every = set(range(len(links)))
    if other not in reached(one, every, links):
        return ()
    rim = {j for i in piece for j in links[i]} - piece
    beyond = reached(other, every - rim - piece, links)
    wall = sorted(j for j in rim if j == other or links[j] & beyond)
    return tuple([j for j in wall if state[j].sum() == 1] or wall)
