"""Who is tried first: the order in which officers are sent to each place, and ties in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.errors import InputError, SeveralFaultsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TiedOfficers:
    """Groups of officers that are tried together, of one size; an officer without a tie is a group of one.

    Parameters
    ----------
    place
        Row of the place of each group, int64, shape (groups,).
    tried_before
        How many officers are tried before the group, int64, shape (groups,).
    officers
        Who they are, int64, shape (groups, size).
    """

    place: Ints
    tried_before: Ints
    officers: Ints

    @property
    def size(self) -> int:
        """How many officers are tied."""
        return int(self.officers.shape[1])


@dataclass(frozen=True, eq=False)
class DispatchOrder:
    """The order in which the officers are tried for a call from each place.

    Parameters
    ----------
    preference
        Officers in the order they are tried, int64, shape (places, officers).
    starts
        For each position of `preference`, the first position of its group of ties, int64, same shape.
    groups
        The groups of ties, by size.
    """

    preference: Ints
    starts: Ints
    groups: tuple[TiedOfficers, ...]

    @property
    def has_ties(self) -> bool:
        """Whether any two officers are tied anywhere."""
        return any(group.size > 1 for group in self.groups)

    @property
    def ranks(self) -> Ints:
        """Rank of each officer, equal where they are tied, int64, shape (places, officers)."""
        ranks = np.empty_like(self.starts)
        np.put_along_axis(ranks, self.preference, self.starts, axis=1)
        return ranks


def dispatch_order(
    preference: ArrayLike | None, ties: ArrayLike | None, *, places: int, officers: int
) -> DispatchOrder:
    """Check an order of officers for each place, and find its ties.

    Parameters
    ----------
    preference
        Officers 0 … officers − 1 in the order they are tried, shape (places, officers), whole numbers. None: the order
        is that of `ties`.
    ties
        A rank for each officer, by officer, shape (places, officers): the lower is tried first, and officers of equal
        rank have an equal chance among those of them who are free. None: no ties.
    places, officers
        How many there are.

    Returns
    -------
    DispatchOrder
        The order.

    Raises
    ------
    InputError
        When neither is given, a shape does not fit, a row is no permutation, a rank is no number, or the two
        contradict each other.
    """
    if preference is None and ties is None:
        raise InputError("There is no order of officers.", expected="preference, or ties, or both")
    shape, faults = (places, officers), list[InputError]()
    order = None if preference is None else _checked_preference(preference, shape, faults)
    ranks = None if ties is None else _checked_ranks(ties, shape, faults)
    if not faults and order is not None and ranks is not None:
        falling = (np.diff(np.take_along_axis(ranks, order, axis=1), axis=1) < 0).any(axis=1)
        if falling.any():
            faults.append(
                InputError(
                    "Ties contradict the order of preference at some places.",
                    where="ties, by row of place",
                    ids=np.flatnonzero(falling),
                    expected="ranks that do not fall along the order of preference",
                    remedy="Give only one of the two, or make them agree.",
                )
            )
    if faults:
        raise faults[0] if len(faults) == 1 else SeveralFaultsError(faults)
    if ranks is None:
        assert order is not None  # noqa: S101 - one of the two was given
        return _without_ties(order)
    if order is None:
        order = np.argsort(ranks, axis=1, kind="stable")
    return _with_ties(order, np.take_along_axis(ranks, order, axis=1))


def _checked_preference(preference: ArrayLike, shape: tuple[int, int], faults: list[InputError]) -> Ints | None:
    given = np.asarray(preference)
    if given.shape != shape:
        faults.append(_misshapen("preference", given.shape, shape))
        return None
    as_numbers = np.asarray(given, dtype=np.float64)
    is_faulty = (np.sort(as_numbers, axis=1) != np.arange(shape[1])).any(axis=1)
    if is_faulty.any():
        rows = np.flatnonzero(is_faulty)
        faults.append(
            InputError(
                "The order of officers is not complete at some places.",
                where="preference, by row of place",
                ids=rows,
                found=given[rows[0]].tolist(),
                expected=f"each of the officers 0 to {shape[1] - 1} once",
                remedy="To leave an officer out, leave out the officer's column and rate.",
            )
        )
        return None
    return as_numbers.astype(np.int64)


def _checked_ranks(ties: ArrayLike, shape: tuple[int, int], faults: list[InputError]) -> Floats | None:
    ranks = np.array(ties, dtype=np.float64)
    if ranks.shape != shape:
        faults.append(_misshapen("ties", ranks.shape, shape))
        return None
    is_faulty = np.isnan(ranks).any(axis=1)
    if is_faulty.any():
        faults.append(
            InputError(
                "Some places have officers without a rank.",
                where="ties, by row of place",
                ids=np.flatnonzero(is_faulty),
                expected="a number for each officer",
            )
        )
        return None
    return ranks


def _misshapen(what: str, found: tuple[int, ...], expected: tuple[int, int]) -> InputError:
    return InputError(
        f"{what} does not fit the numbers of places and officers.",
        where=what,
        found=f"shape {found}",
        expected=f"shape {expected}: a row for each place, a column for each officer",
    )


def _without_ties(order: Ints) -> DispatchOrder:
    places, officers = order.shape
    starts = np.broadcast_to(np.arange(officers), order.shape)
    alone = TiedOfficers(np.repeat(np.arange(places), officers), starts.ravel(), order.reshape(-1, 1))
    return DispatchOrder(order, starts, (alone,))


def _with_ties(order: Ints, ranks: Floats) -> DispatchOrder:
    """Cut an order into groups; `ranks` are in that order and do not fall."""
    places, officers = order.shape
    opens = np.ones(order.shape, dtype=bool)
    opens[:, 1:] = np.diff(ranks, axis=1) > 0
    starts = np.maximum.accumulate(np.where(opens, np.arange(officers), 0), axis=1)
    place, first = np.nonzero(opens)
    heads = place * officers + first
    sizes = np.diff(np.append(heads, places * officers))
    groups = []
    for size in np.unique(sizes).tolist():
        is_so = sizes == size
        members = order.ravel()[heads[is_so, None] + np.arange(size)]
        groups.append(TiedOfficers(place[is_so], first[is_so], members))
    return DispatchOrder(order, starts, tuple(groups))
