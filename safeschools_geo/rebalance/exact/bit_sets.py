"""Sets of units as rows of bits: growing all that hang together, and asking whether they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from safeschools_geo.rebalance.problem import Labels, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from safeschools_geo.rebalance.problem import Flags

Bits = NDArray[np.uint64]
_WORD = 64
_ONE = np.uint64(1)
_ALL = ~np.uint64(0)


class TooManySetsError(Exception):
    """There are more sets than can be listed; another method has to be used."""


def bits_of(units: Iterable[int], words: int) -> Bits:
    """Make a set.

    Parameters
    ----------
    units
        Rows of units.
    words
        Words of 64 bits.

    Returns
    -------
    numpy.ndarray
        Shape (words,), uint64.
    """
    bits = np.zeros(words, dtype=np.uint64)
    for unit in units:
        bits[unit // _WORD] |= _ONE << np.uint64(unit % _WORD)
    return bits


def words_for(n: int) -> int:
    """Count the words that n units need.

    Parameters
    ----------
    n
        Number of units.

    Returns
    -------
    int
        Words of 64 bits, at least one.
    """
    return max(1, -(-n // _WORD))


def has_unit(sets: Bits, unit: int) -> Flags:
    """Say which sets hold a unit.

    Parameters
    ----------
    sets
        Shape (m, words).
    unit
        Row of the unit.

    Returns
    -------
    numpy.ndarray
        Shape (m,), bool.
    """
    held: Flags = ((sets[:, unit // _WORD] >> np.uint64(unit % _WORD)) & _ONE).astype(bool)
    return held


def members(sets: Bits, n: int) -> NDArray[np.int8]:
    """Unpack sets.

    Parameters
    ----------
    sets
        Shape (m, words).
    n
        Number of units.

    Returns
    -------
    numpy.ndarray
        Shape (m, n), int8: 1 where the set holds the unit.
    """
    as_bytes = np.ascontiguousarray(sets, dtype="<u8").view(np.uint8)
    return np.unpackbits(as_bytes, axis=1, count=n, bitorder="little").view(np.int8)


def are_connected(sets: Bits, neighbours: Bits) -> Flags:
    """Say which sets hang together.

    Parameters
    ----------
    sets
        Shape (m, words).
    neighbours
        Set of the neighbours of each unit, shape (n, words).

    Returns
    -------
    numpy.ndarray
        Shape (m,), bool; an empty set does not.
    """
    is_whole = np.zeros(len(sets), dtype=bool)
    if not len(sets):
        return is_whole
    order = _outwards(sets, neighbours)
    rows = np.arange(len(sets))
    found = _first_units(sets, order)
    while len(rows):
        wider = found.copy()
        for unit in order:
            holds = np.flatnonzero(has_unit(wider, unit))
            if len(holds):
                wider[holds] |= neighbours[unit] & sets[holds]
        is_full = (wider == sets).all(axis=1)
        is_whole[rows[is_full]] = (sets[is_full] != 0).any(axis=1)
        # What is full is whole, and what has not grown is in pieces: neither is looked at again.
        goes_on = ~is_full & (wider != found).any(axis=1)
        rows, sets, found = rows[goes_on], sets[goes_on], wider[goes_on]
    return is_whole


def _outwards(sets: Bits, neighbours: Bits) -> list[int]:
    """Order the units of sets outwards from one that most hold, so that a walk soon comes to its end."""
    left, common = np.bitwise_or.reduce(sets, axis=0), np.bitwise_and.reduce(sets, axis=0)
    order: list[int] = []
    front = _units_in(common)[:1]
    while left.any():
        front = front or _units_in(left)[:1]
        order += front
        left &= ~bits_of(front, len(left))
        front = _units_in(np.bitwise_or.reduce(neighbours[front], axis=0) & left)
    return order


def _units_in(bits: Bits) -> list[int]:
    return np.flatnonzero(members(bits[None], len(bits) * _WORD)[0]).tolist()


def _first_units(sets: Bits, order: list[int]) -> Bits:
    """Make sets of the one unit of each that comes first."""
    first = np.zeros_like(sets)
    is_open = np.ones(len(sets), dtype=bool)
    for unit in order:
        here = is_open & has_unit(sets, unit)
        first[here] = bits_of([unit], sets.shape[1])
        is_open &= ~here
        if not is_open.any():
            break
    return first


@dataclass(frozen=True, eq=False)
class GrownSets:
    """Sets grown unit by unit, the empty one first; a cost over units is added up along the growth.

    Parameters
    ----------
    bits
        The sets, shape (m, words).
    size
        Units in each, shape (m,).
    load
        Load of each, shape (m,).
    parent, unit
        The set each grew from, and the unit that was added, shape (m,).
    levels
        Where the sets of each size begin, and the end of all.
    """

    bits: Bits
    size: Labels
    load: Numbers
    parent: Labels
    unit: Labels
    levels: tuple[int, ...]

    def __len__(self) -> int:
        """Return how many sets there are."""
        return len(self.size)

    def cost(self, unit_cost: Numbers) -> Numbers:
        """Add up a cost over the units of each set.

        Parameters
        ----------
        unit_cost
            Cost of each unit, shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (m,).
        """
        total = np.zeros(len(self))
        for begin, end in zip(self.levels[1:-1], self.levels[2:], strict=True):
            total[begin:end] = total[self.parent[begin:end]] + unit_cost[self.unit[begin:end]]
        return total


@dataclass(eq=False)
class _Level:
    """The sets of one size: what each may still take in, and what it may not."""

    bits: Bits
    candidates: Bits
    barred: Bits
    load: Numbers
    price: Numbers


@dataclass(frozen=True, eq=False)
class Growth:
    """Which sets are worth growing.

    Parameters
    ----------
    load
        Load of each unit, shape (n,), not negative.
    load_limits
        Largest load of a set of 0, 1, 2, … units; its length limits the size.
    least_loads
        Smallest load of a set of 0, 1, 2, … units.
    price
        Price of each unit, shape (n,).
    price_limits
        Largest price of a set of 0, 1, 2, … units.
    most
        Most sets to list.
    """

    load: Numbers
    load_limits: Sequence[float]
    least_loads: Sequence[float]
    price: Numbers
    price_limits: Sequence[float]
    most: int


def grow_sets(seeds: Bits, within: Bits, neighbours: Bits, growth: Growth) -> GrownSets:
    """List every set of units of which each piece holds a seed, each set once.

    Parameters
    ----------
    seeds
        Units that a piece may begin with, shape (words,).
    within
        Units that may be taken, shape (words,).
    neighbours
        Set of the neighbours of each unit, shape (n, words).
    growth
        Which sets are worth growing.

    Returns
    -------
    GrownSets
        The sets, the empty one first.

    Raises
    ------
    TooManySetsError
        When there are more than `Growth.most`.

    Notes
    -----
    Reverse search: a candidate that is passed over is barred from then on, so no set is met twice.

    References
    ----------
    Wernicke, S. (2006). Efficient detection of network motifs. IEEE/ACM Transactions on Computational Biology and
    Bioinformatics 3(4), 347–359.
    """
    empty = np.zeros((1, len(within)), dtype=np.uint64)
    level = _Level(empty, (seeds & within)[None], empty.copy(), np.zeros(1), np.zeros(1))
    units = np.flatnonzero(members(within[None], len(neighbours))[0]).tolist()
    bits, loads = [level.bits], [level.load]
    parents, added = [np.zeros(1, dtype=np.int64)], [np.zeros(1, dtype=np.int64)]
    levels = [0, 1]
    while len(levels) <= len(growth.load_limits):
        grown = _grow(level, units, within, neighbours, growth, size=len(levels) - 1, room=growth.most - levels[-1])
        if grown is None:
            break
        level, parent, unit = grown
        bits.append(level.bits)
        loads.append(level.load)
        parents.append(parent + levels[-2])
        added.append(unit)
        levels.append(levels[-1] + len(parent))
    size = np.repeat(np.arange(len(bits)), [len(b) for b in bits])
    grown_from, unit_added = np.concatenate(parents), np.concatenate(added)
    return GrownSets(np.concatenate(bits), size, np.concatenate(loads), grown_from, unit_added, tuple(levels))


def _grow(
    level: _Level, units: list[int], within: Bits, neighbours: Bits, growth: Growth, *, size: int, room: int
) -> tuple[_Level, Labels, Labels] | None:
    parts: list[tuple[Bits, Bits, Bits, Numbers, Numbers, Labels, Labels]] = []
    words = len(within)
    most_load, least_load, most_price = growth.load_limits[size], growth.least_loads[size], growth.price_limits[size]
    for unit in units:
        load, price = level.load + growth.load[unit], level.price + growth.price[unit]
        is_worth = (load <= most_load) & (load >= least_load) & (price <= most_price)
        rows = np.flatnonzero(has_unit(level.candidates, unit) & is_worth)
        if not len(rows):
            continue
        room -= len(rows)
        if room < 0:
            raise TooManySetsError
        one, lower = bits_of([unit], words), _lower(unit, words)
        bits = level.bits[rows] | one
        open_ = level.candidates[rows]
        barred = level.barred[rows] | (open_ & lower)
        later = (open_ & ~lower & ~one) | (neighbours[unit] & within & ~bits & ~barred & ~open_)
        parts.append((bits, later, barred, load[rows], price[rows], rows, np.full(len(rows), unit)))
    if not parts:
        return None
    bits, later, barred, loads, prices, rows, added = (np.concatenate(p) for p in zip(*parts, strict=True))
    return _Level(bits, later, barred, loads, prices), rows, added


def _lower(unit: int, words: int) -> Bits:
    """Make the set of all units before one."""
    bits = np.zeros(words, dtype=np.uint64)
    bits[: unit // _WORD] = _ALL
    bits[unit // _WORD] = (_ONE << np.uint64(unit % _WORD)) - _ONE
    return bits
