"""A table of counts as they are: confidential, and not to be shown to anyone outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from safeschools_geo.disclosure.cells import Cells, cells_of
from safeschools_geo.disclosure.grouping import ALL, Grouping
from safeschools_geo.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from safeschools_geo.disclosure.grouping import GroupingLike

TableLike: TypeAlias = "RawTable | pd.DataFrame | pd.Series"
_TOTALS = {"all", "total", "totals"}
_COUNTS = ("count", "counts", "incidents", "n", "value")


@dataclass(frozen=True, eq=False)
class RawTable:
    """Counts at their finest, and the tables that are to be published of them.

    Parameters
    ----------
    counts
        One row for each combination that could occur, 0 where nothing did: the dimensions as text, and `count`
        (int64). A combination that is left out is taken to be known to be impossible.
    groupings
        The tables to publish.
    hidden
        Groups that no table shows, and whose small counts nobody may work out either.
    students
        Students of each group of people: some of the dimensions as text, and `students` (missing where unknown). None
        where the counts are not of groups of known size.
    measure
        What is counted.
    """

    counts: pd.DataFrame
    groupings: tuple[Grouping, ...]
    hidden: tuple[Grouping, ...] = ()
    students: pd.DataFrame | None = None
    measure: str = "incidents"

    def __post_init__(self) -> None:
        """Check the counts and add up equal rows."""
        if "count" not in self.counts.columns:
            raise ColumnError("The table has no counts.", found=", ".join(map(str, self.counts)), expected="`count`")
        dims = [str(name) for name in self.counts.columns if name != "count"]
        _require_counts(self.counts["count"])
        plain = self.counts.assign(count=self.counts["count"].astype("int64"))
        plain[dims] = plain[dims].astype("str")
        if (plain[dims] == ALL).any(axis=None):
            raise ColumnError(
                "A dimension of the table is empty text, which stands for all.",
                expected="a name for every group",
                remedy="Name the rows that belong to none, for example `none`.",
            )
        added = plain.groupby(dims, sort=True, as_index=False)["count"].sum() if dims else plain
        object.__setattr__(self, "counts", added.reset_index(drop=True))

    @property
    def dims(self) -> list[str]:
        """The dimensions."""
        return [str(name) for name in self.counts.columns if name != "count"]

    @property
    def atoms(self) -> pd.DataFrame:
        """The dimensions of each finest count, without the count."""
        return pd.DataFrame(self.counts[self.dims])

    @property
    def values(self) -> NDArray[np.int64]:
        """The finest counts, shape (n_atoms,)."""
        return self.counts["count"].to_numpy(dtype="int64")

    def publishing(self, groupings: Iterable[GroupingLike]) -> RawTable:
        """Publish other tables of the same counts.

        Parameters
        ----------
        groupings
            The tables.

        Returns
        -------
        RawTable
            The counts with these tables.
        """
        return replace(self, groupings=tuple(Grouping.of(g) for g in groupings))

    def cells(self) -> Cells:
        """Work out the figures that the tables would show.

        Returns
        -------
        Cells
            The figures, without their values.
        """
        return cells_of(self.atoms, self.groupings)

    def hidden_cells(self) -> Cells:
        """Work out the figures of groups that no table shows.

        Returns
        -------
        Cells
            The figures, without their values.
        """
        return cells_of(self.atoms, self.hidden)

    def students_of(self, cells: Cells) -> NDArray[np.float64]:
        """Count the students of the group behind each figure.

        Parameters
        ----------
        cells
            The figures.

        Returns
        -------
        numpy.ndarray
            Shape (n_cells,); missing where unknown, and where the counts are not of groups of known size.
        """
        if self.students is None:
            return np.full(cells.matrix.shape[0], np.nan)
        people = [name for name in self.dims if name in self.students.columns]
        place = self.students.assign(**{name: self.students[name].astype("str") for name in people})
        size = place.groupby(people)["students"].sum(min_count=1).astype("float64")
        # Each group of people once for each cell that holds a count of it.
        codes, uniques = pd.factorize(pd.MultiIndex.from_frame(self.atoms[people]))
        known = size.reindex(uniques).to_numpy(dtype="float64")
        has = cells.matrix @ csr_array((np.ones(len(codes)), (np.arange(len(codes)), codes)))
        has.data[:] = 1.0
        is_unknown = np.isnan(known)
        sizes = np.asarray(has @ np.where(is_unknown, 0.0, known))
        return np.where(has @ is_unknown.astype("float64") > 0, np.nan, sizes)


def raw_table(table: TableLike) -> RawTable:
    """Take a table in one of the shapes that people have.

    Parameters
    ----------
    table
        A `RawTable`; a cross table of counts (rows and columns are groups; its totals are published too, whether it
        has them or not); a long table with text columns and one column of counts, or a Series of counts by such an
        index (all totals are published too).

    Returns
    -------
    RawTable
        The counts.

    Raises
    ------
    ColumnError
        When the shape is none of these, counts are not whole and 0 or more, or totals given do not add up.
    """
    if isinstance(table, RawTable):
        return table
    if isinstance(table, pd.Series):
        names = [str(n) if n is not None else f"group_{i}" for i, n in enumerate(table.index.names)]
        return _of_long(table.rename("count").rename_axis(names).reset_index())
    if not isinstance(table, pd.DataFrame):
        raise ColumnError("This is no table of counts.", found=type(table).__name__, expected="a frame of counts")
    numeric = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    return _of_cross(table) if len(numeric) == len(table.columns) and len(numeric) > 1 else _of_long(table)


def _of_cross(table: pd.DataFrame) -> RawTable:
    rows, columns = str(table.index.name or "row"), str(table.columns.name or "column")
    columns = columns if columns != rows else f"{columns}_2"
    row_total = [name for name in table.columns if str(name).lower() in _TOTALS]
    column_total = [name for name in table.index if str(name).lower() in _TOTALS]
    inside = table.drop(columns=row_total, index=column_total)
    kept = table.loc[inside.index]
    adds_up = all((kept[name] == inside.sum(axis=1)).all() for name in row_total)
    adds_up &= all((table.loc[name, inside.columns] == inside.sum()).all() for name in column_total)
    if not adds_up:
        raise ColumnError(
            "The totals of the table are not those of its rows and columns.",
            expected="totals that add up",
            remedy="Leave the totals out: they are worked out.",
        )
    named = inside.rename_axis(index=rows, columns=columns)
    named.index, named.columns = named.index.astype("str"), named.columns.astype("str")
    long = named.reset_index().melt(id_vars=rows, var_name=columns, value_name="count")
    return RawTable(long, Grouping((rows, columns)).with_margins())


def _of_long(table: pd.DataFrame) -> RawTable:
    numeric = [str(n) for n in table.columns if pd.api.types.is_numeric_dtype(table[n])]
    named = [name for name in _COUNTS if name in numeric] or numeric
    if len(named) != 1:
        raise ColumnError(
            "It is not clear which column holds the counts.",
            found=", ".join(map(str, table.columns)),
            expected="one column of numbers, or one named `count`",
        )
    dims = [str(name) for name in table.columns if name not in {named[0], "students"}]
    counts = table.rename(columns={named[0]: "count"})[[*dims, "count"]]
    students = table[[*dims, "students"]] if "students" in table.columns else None
    return RawTable(counts, Grouping(tuple(dims)).with_margins(), students=students)


def _require_counts(counts: pd.Series) -> None:
    values = counts.to_numpy(dtype="float64", na_value=np.nan)
    is_faulty = ~np.isfinite(values) | (values < 0) | (values != np.floor(values))
    if is_faulty.any():
        raise ColumnError(
            "Some counts cannot be counts.",
            where="column count",
            ids=counts.index[is_faulty],
            found=", ".join(str(v) for v in values[is_faulty][:3]),
            expected="whole numbers, 0 or more, none missing",
            remedy="Write 0 where nothing happened; count before protecting.",
        )
