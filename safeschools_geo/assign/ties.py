"""Ties: which of several zones gets a place, and the table that says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safeschools_geo.errors import ColumnError
from safeschools_geo.schemas import STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas.api.extensions import ExtensionArray


@dataclass(frozen=True)
class Candidates:
    """Pairs of a place and a zone it could belong to.

    Parameters
    ----------
    place
        Position of the place, shape (p,).
    zone
        Number of the zone, shape (p,).
    """

    place: NDArray[np.int64]
    zone: NDArray[np.int64]

    @classmethod
    def joined(cls, *several: Candidates) -> Candidates:
        """Gather pairs, each once, by place and then in the order of the zones.

        Parameters
        ----------
        *several
            Pairs; the same one may come up again.

        Returns
        -------
        Candidates
            The pairs, sorted.
        """
        place, zone = (np.concatenate([getattr(c, name) for c in several]) for name in ("place", "zone"))
        base = zone.max(initial=0) + 1
        return cls(*np.divmod(np.unique(place * base + zone), base))

    def of(self, is_wanted: NDArray[np.bool_]) -> Candidates:
        """Take the pairs of some places.

        Parameters
        ----------
        is_wanted
            Whether a place is wanted, shape (n,).

        Returns
        -------
        Candidates
            Their pairs.
        """
        return self.where(is_wanted[self.place])

    def where(self, is_wanted: NDArray[np.bool_]) -> Candidates:
        """Take some pairs.

        Parameters
        ----------
        is_wanted
            Whether a pair is wanted, shape (p,).

        Returns
        -------
        Candidates
            These pairs.
        """
        return Candidates(self.place[is_wanted], self.zone[is_wanted])

    def at(self, positions: NDArray[np.int64]) -> Candidates:
        """Give the places other positions.

        Parameters
        ----------
        positions
            New position of each place, shape (n,).

        Returns
        -------
        Candidates
            The same pairs.
        """
        return Candidates(positions[self.place], self.zone)

    def count(self, n: int) -> NDArray[np.int64]:
        """Count the pairs of each place.

        Parameters
        ----------
        n
            How many places there are.

        Returns
        -------
        numpy.ndarray
            Number of pairs, shape (n,).
        """
        return np.bincount(self.place, minlength=n)


@dataclass(frozen=True)
class Decision:
    """What is known of n places once every zone has been asked.

    Parameters
    ----------
    status
        Position in `schemas.STATUSES`, shape (n,).
    distance_m
        Metres to the nearest zone, shape (n,).
    only
        Number of the zone of places with one candidate, shape (n,), int32; -1 for places without.
    listed
        Candidates of the other places, sorted.
    tied
        Those of them that nothing but the tie sets apart, sorted; for points, all.
    """

    status: NDArray[np.int64]
    distance_m: NDArray[np.float64]
    only: NDArray[np.int32]
    listed: Candidates
    tied: Candidates

    def replaced(self, positions: NDArray[np.int64], other: Decision) -> Decision:
        """Put the decision on other places in the stead of some without a location.

        Parameters
        ----------
        positions
            Where they stand, shape (m,).
        other
            What is known of the m places.

        Returns
        -------
        Decision
            What is known of all n places.
        """
        changed = {name: getattr(self, name).copy() for name in ("status", "distance_m", "only")}
        for name, values in changed.items():
            values[positions] = getattr(other, name)
        return replace(
            self,
            **changed,
            listed=Candidates.joined(self.listed, other.listed.at(positions)),
            tied=Candidates.joined(self.tied, other.tied.at(positions)),
        )

    def table(self, index: pd.Index, ids: NDArray[np.object_], before: NDArray[np.int64]) -> pd.DataFrame:
        """Settle every tie and write the table.

        Parameters
        ----------
        index
            Index of the places, shape (n,).
        ids
            Ids of the zones, shape (k,).
        before
            Number of the zone before, shape (n,); -1 where there was none.

        Returns
        -------
        pandas.DataFrame
            Table `assignments`.
        """
        chosen = self.only.astype(np.int64)
        place, zone = self.tied.place, self.tied.zone
        # Backwards, so that the first candidate is written last.
        chosen[place[::-1]] = zone[::-1]
        is_before = before[place] == zone
        chosen[place[is_before]] = zone[is_before]
        columns = {
            # -1 takes the last.
            "zone_id": _texts([*ids, ""], chosen),
            "status": _texts(list(STATUSES), self.status),
            "distance_m": self.distance_m,
            "candidates": self._candidates(ids),
        }
        return pd.DataFrame(columns, index=index)

    def _candidates(self, ids: NDArray[np.object_]) -> ExtensionArray:
        starts = np.flatnonzero(np.diff(self.listed.place, prepend=-1))
        groups = np.split(self.listed.zone, starts[1:])[: len(starts)]
        which = np.where(self.only < 0, -1, self.only + len(groups)).astype(np.int64)
        which[self.listed.place[starts]] = np.arange(len(groups))
        return _texts([*(";".join(ids[zones]) for zones in groups), *ids, ""], which)


def status_codes(states: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.int64]:
    """Give each place the first status that holds for it, else ``outside``.

    Parameters
    ----------
    states
        Status → whether it holds, shape (n,), in the order in which they count.

    Returns
    -------
    numpy.ndarray
        Position in `schemas.STATUSES`, shape (n,).
    """
    code = {status: number for number, status in enumerate(STATUSES)}
    return np.select(list(states.values()), [code[s] for s in states], code["outside"])


def earlier_zones(previous: pd.Series | None, index: pd.Index, ids: NDArray[np.object_]) -> NDArray[np.int64]:
    """Bring earlier zones into the order of the places.

    Parameters
    ----------
    previous
        Zone ids by the labels of `index`, if there are any.
    index
        Index of the places, shape (n,).
    ids
        Ids of the zones of today.

    Returns
    -------
    numpy.ndarray
        Number of each place's zone before, shape (n,); -1 where there was none, or it is no more.

    Raises
    ------
    ColumnError
        When labels repeat and the two indexes are not the same, so that it cannot be told whose zone is whose.
    """
    if previous is None:
        return np.full(len(index), -1)
    if not previous.index.equals(index):
        if not (previous.index.is_unique and index.is_unique):
            raise ColumnError(
                "The earlier zones cannot be matched to the places: labels repeat.",
                where="previous",
                ids=dict.fromkeys([*previous.index[previous.index.duplicated()], *index[index.duplicated()]]),
                expected="the index of the places",
                remedy="Give `previous` on the very index of the places.",
            )
        previous = previous.reindex(index)
    return pd.Index(ids, dtype="str").get_indexer(pd.Index(previous, dtype="str")).astype(np.int64)


def _texts(texts: list[str], which: NDArray[np.int64]) -> ExtensionArray:
    return pd.array(texts, dtype="str").take(which)
