"""The cells of a release: every figure that its tables would show, as a sum of the finest counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from safeschools_geo.disclosure.grouping import ALL, Grouping
from safeschools_geo.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Columns of tables of figures, and of their audit.
_TAKEN = ("count", "students", "cell", "is_withheld", "low", "high", "low_world", "high_world")


@dataclass(frozen=True, eq=False)
class Cells:
    """Figures as sums of the finest counts, whose values are not in here.

    Parameters
    ----------
    atoms
        The dimensions of each finest count, as text; shape (n_atoms, n_dims).
    groupings
        The tables.
    keys
        One row for each figure of each table: the dimensions (empty text for "all"), and `cell`, the row of `matrix`.
        Two keys that name the same counts are one cell.
    matrix
        Which counts each cell adds up, shape (n_cells, n_atoms), 0 or 1.
    rank
        How far each cell is a total, shape (n_cells,): 0 for the inside of a table, 1 for its totals, and so on.
    """

    atoms: pd.DataFrame
    groupings: tuple[Grouping, ...]
    keys: pd.DataFrame
    matrix: csr_array
    rank: NDArray[np.int64]

    @property
    def dims(self) -> list[str]:
        """The dimensions."""
        return [str(name) for name in self.atoms.columns]

    def rows(self, grouping: Grouping) -> pd.DataFrame:
        """Find the figures of a table.

        Parameters
        ----------
        grouping
            Its grouping.

        Returns
        -------
        pandas.DataFrame
            Rows of `keys`.
        """
        is_of = pd.Series(data=True, index=self.keys.index)
        for name in self.dims:
            held = grouping.held.get(name)
            if held is not None:
                is_of &= self.keys[name] == held
            else:
                is_of &= (self.keys[name] != ALL) == (name in grouping.dims)
        return self.keys[is_of]

    def named(self, keys: Iterable[Mapping[str, str]]) -> NDArray[np.bool_]:
        """Find figures by their names.

        Parameters
        ----------
        keys
            Value of each dimension; those left out are all of them. What no table shows is passed over, and so is a
            figure by a dimension that the counts do not have: without it, it would be another figure.

        Returns
        -------
        numpy.ndarray
            Which figures they are, shape (n_cells,).
        """
        wanted = {tuple(key.get(name, ALL) for name in self.dims) for key in keys if set(key) <= set(self.dims)}
        is_named = np.zeros(self.matrix.shape[0], dtype=bool)
        shown = self.keys[self.dims].itertuples(index=False, name=None)
        hits = [cell for cell, key in zip(self.keys["cell"], shown, strict=True) if key in wanted]
        is_named[hits] = True
        return is_named


def cells_of(atoms: pd.DataFrame, groupings: Iterable[Grouping]) -> Cells:
    """Work out the figures of tables.

    Parameters
    ----------
    atoms
        The dimensions of each finest count, as text.
    groupings
        The tables.

    Returns
    -------
    Cells
        Every figure, once.

    Raises
    ------
    ColumnError
        When a table is grouped by what is not there.
    """
    tables = tuple(dict.fromkeys(groupings))
    _require_dims(atoms, tables)
    found: dict[bytes, int] = {}
    members: list[NDArray[np.int64]] = []
    rows: list[dict[str, object]] = []
    seen: set[tuple[str, ...]] = set()
    ranks: list[int] = []
    reach = {table: _determined(atoms, {*table.dims, *table.held}) for table in tables}
    for table in tables:
        rank = max(len(wide - reach[table]) for wide in reach.values() if wide >= reach[table])
        for key, inside in _groups(atoms, table):
            if (full := tuple(key.get(str(name), ALL) for name in atoms.columns)) in seen:
                continue
            seen.add(full)
            cell = found.setdefault(inside.tobytes(), len(members))
            if cell == len(members):
                members.append(inside)
                ranks.append(rank)
            ranks[cell] = max(ranks[cell], rank)
            rows.append({**dict(zip(map(str, atoms.columns), full, strict=True)), "cell": cell})
    keys = pd.DataFrame(rows, columns=[*map(str, atoms.columns), "cell"]).astype({"cell": "int64"})
    return Cells(atoms, tables, keys, _indicator(members, len(atoms)), np.array(ranks, dtype="int64"))


def require_free(dims: Sequence[str]) -> None:
    """Refuse dimensions whose names stand for something else, or for two things.

    Parameters
    ----------
    dims
        Names of dimensions.

    Raises
    ------
    ColumnError
        When a dimension is called like a column of tables of figures, or like another dimension.
    """
    taken = [name for i, name in enumerate(dims) if name in _TAKEN or name in dims[:i]]
    if taken:
        raise ColumnError(
            "A dimension cannot have this name.",
            where="the dimensions of the counts",
            found=", ".join(f"`{name}`" for name in dict.fromkeys(taken)),
            expected=f"a name of its own for each, and none of {', '.join(_TAKEN)}",
            remedy="Rename the dimension.",
        )


def _groups(atoms: pd.DataFrame, table: Grouping) -> Iterable[tuple[Mapping[str, str], NDArray[np.int64]]]:
    """Go through the groups of a table with the rows of the counts in them, in order."""
    is_inside = np.ones(len(atoms), dtype=bool)
    for name, value in table.where:
        is_inside &= (atoms[name] == value).to_numpy()
    inside = np.flatnonzero(is_inside)
    if not table.dims:
        if len(inside):
            yield table.held, inside
        return
    part = atoms.iloc[inside].reset_index(drop=True)
    for values, found in part.groupby(list(table.dims), sort=True).indices.items():
        named = values if isinstance(values, tuple) else (values,)
        key = dict(zip(table.dims, map(str, named), strict=True))
        yield {**table.held, **key}, inside[np.sort(found)].astype("int64")


def _determined(atoms: pd.DataFrame, dims: set[str]) -> frozenset[str]:
    """Add the dimensions that these settle: a school settles its zone, so a zone is a total of its schools."""
    others = [str(name) for name in atoms.columns if name not in dims]
    if not dims:
        return frozenset(name for name in others if len(set(atoms[name])) <= 1)
    counts = atoms.groupby(sorted(dims))[others].nunique() if others else pd.DataFrame()
    return frozenset(dims) | {name for name in others if (counts[name] <= 1).all()}


def _indicator(members: Sequence[NDArray[np.int64]], n_atoms: int) -> csr_array:
    ends = np.cumsum([0, *map(len, members)])
    columns = np.concatenate(members) if members else np.empty(0, dtype="int64")
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(members), n_atoms))


def _require_dims(atoms: pd.DataFrame, tables: Sequence[Grouping]) -> None:
    wanted = {name for table in tables for name in (*table.dims, *table.held)}
    lacking = sorted(wanted - set(map(str, atoms.columns)))
    if lacking:
        raise ColumnError(
            "Tables are grouped by what the counts do not have.",
            found=", ".join(lacking),
            expected="one of: " + ", ".join(map(str, atoms.columns)),
        )
