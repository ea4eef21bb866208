"""Tables of counts: as they are, confidential; and as they may be published."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, final

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from safeschools_geo.disclosure._attacker import Cells, cells_of, require_free
from safeschools_geo.disclosure._policy import ALL, Grouping
from safeschools_geo.errors import ColumnError, DisclosureError, count_text, name_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from pandas.core.groupby import SeriesGroupBy

    from safeschools_geo.disclosure._attacker import Fact
    from safeschools_geo.disclosure._policy import GroupingLike, Policy

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Groups = SeriesGroupBy[Any, Any]


# ── A table of counts as they are: confidential, and not to be shown to anyone outside

TableLike: TypeAlias = "CountTable | pd.DataFrame | pd.Series"
_TOTALS = {"all", "total", "totals"}
_COUNTS = ("count", "counts", "incidents", "n", "value")
# Words of the product for what is no property of people.
_NOT_PEOPLE = ("term", "year", "category", "origin")
# Up to here every whole number is a float too, and sums of figures are exact.
_TOO_LARGE = 2.0**53


@dataclass(frozen=True, eq=False)
class CountTable:
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
    people
        The dimensions that tell people apart; None for all that `students` has, () where all counts are of the same
        people.
    alone
        A dimension, such as ``school``: a figure that has counts of one of its groups alone is that group's figure, and
        is withheld whatever it is, unless the table names the group itself. None where that may be published.
    """

    counts: pd.DataFrame
    groupings: tuple[Grouping, ...]
    hidden: tuple[Grouping, ...] = ()
    students: pd.DataFrame | None = None
    measure: str = "incidents"
    people: tuple[str, ...] | None = None
    alone: str | None = None

    def __post_init__(self) -> None:
        """Check the counts and add up equal rows."""
        counts = _with_text_columns(self.counts)
        if "count" not in counts.columns:
            raise ColumnError("The table has no counts.", found=", ".join(counts.columns), expected="`count`")
        dims = [name for name in counts.columns if name != "count"]
        require_free(dims)
        whole = _whole(counts["count"])
        plain = _names(counts[dims], where="the counts").assign(count=whole)
        added = plain.groupby(dims, sort=True, as_index=False)["count"].sum() if dims else plain
        object.__setattr__(self, "counts", added.reset_index(drop=True))
        if self.students is not None:
            self._require_people(_with_text_columns(self.students))
        if self.alone is not None and self.alone not in dims:
            raise ColumnError("The counts do not have this dimension.", found=self.alone, expected=", ".join(dims))

    def _require_people(self, students: pd.DataFrame) -> None:
        shared = [name for name in self.dims if name in students.columns]
        people = shared if self.people is None else list(self.people)
        is_shown = "students" in students.columns and set(people) <= set(shared)
        if not is_shown or (self.people is None and not people):
            raise ColumnError(
                "The numbers of students are not those of groups of the counts.",
                where="students",
                found=", ".join(students.columns),
                expected=f"`students`, and one or more of: {', '.join(self.dims)}",
                remedy="Give the students of each group that the counts tell apart, or leave the students out.",
            )
        _names(students[people], where="students")
        _enrolled(students["students"])

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

    def publishing(self, groupings: Iterable[GroupingLike]) -> CountTable:
        """Publish other tables (`groupings`) of the same counts."""
        return replace(self, groupings=tuple(Grouping.of(g) for g in groupings))

    def cells(self) -> Cells:
        """Work out which figures the tables would show, without their values."""
        return cells_of(self.atoms, self.groupings)

    def hidden_cells(self) -> Cells:
        """Work out which figures are of groups that no table shows, without their values."""
        return cells_of(self.atoms, self.hidden)

    def is_alone(self, cells: Cells) -> NDArray[np.bool_]:
        """Find the figures whose counts are all of one group of `alone`, and which a table names by something else."""
        n_cells = cells.matrix.shape[0]
        if self.alone is None:
            return np.zeros(n_cells, dtype=bool)
        codes, names = pd.factorize(self.atoms[self.alone])
        belongs = csr_array((np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), len(names)))
        groups = np.diff((cells.matrix @ belongs).tocsr().indptr)
        is_renamed = np.zeros(n_cells, dtype=bool)
        is_renamed[cells.keys.loc[cells.keys[self.alone] == ALL, "cell"].to_numpy(dtype="int64")] = True
        return np.asarray((groups == 1) & is_renamed)

    def students_of(self, cells: Cells) -> Numbers:
        """Count the students behind each figure; missing where its counts are not of groups of known size."""
        if self.students is None:
            return np.full(cells.matrix.shape[0], np.nan)
        codes, known = self._groups_of_people(_with_text_columns(self.students))
        # Each group of people once for each cell that holds a count of it.
        has = cells.matrix @ csr_array(
            (np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), len(known))
        )
        has.data[:] = 1.0
        is_unknown = np.isnan(known)
        sizes = np.asarray(has @ np.where(is_unknown, 0.0, known))
        return np.where(has @ is_unknown.astype("float64") > 0, np.nan, sizes)

    def _groups_of_people(self, students: pd.DataFrame) -> tuple[NDArray[np.int64], Numbers]:
        """Say which group of people each count is of, shape (n_atoms,), and their students, shape (n_groups,)."""
        sizes = _enrolled(students["students"])
        people = [name for name in self.dims if name in (students.columns if self.people is None else self.people)]
        if not people:
            return np.zeros(len(self.counts), dtype="int64"), np.array([sizes.sum(min_count=1)], dtype="float64")
        both = pd.concat([students[people].astype("str"), self.atoms[people]], ignore_index=True)
        group = both.groupby(people).ngroup().astype("int64").to_numpy()
        known = sizes.groupby(group[: len(sizes)]).sum(min_count=1).reindex(range(len(np.unique(group))))
        return np.asarray(group[len(sizes) :]), np.asarray(known, dtype="float64")


def count_table(table: TableLike) -> CountTable:
    """Take a table in one of the shapes that people have."""
    if isinstance(table, CountTable):
        return table
    if isinstance(table, pd.Series):
        return _of_series(table)
    if not isinstance(table, pd.DataFrame):
        raise ColumnError("This is no table of counts.", found=type(table).__name__, expected="a frame of counts")
    _require_flat(table.columns, "columns")
    if not len(table.columns) or not all(map(pd.api.types.is_numeric_dtype, table.dtypes)):
        return _of_long(table)
    is_numbered = table.index.name is None and pd.api.types.is_integer_dtype(table.index)
    is_counts = [str(name).lower() in {*_COUNTS, "students"} for name in table.columns]
    if len(table.columns) == 1 and (is_numbered or is_counts[0]):
        return _of_long(table) if is_numbered else _of_series(table.iloc[:, 0])
    if is_numbered or any(is_counts):
        raise ColumnError(
            "It is not clear whether this is a long table or a cross table.",
            found=f"{len(table)} rows of numbers alone, in {', '.join(map(str, table.columns))}",
            expected="names of groups as text in a long table, or as index and columns of a cross table",
            remedy='Make names in a long table text, years too (`astype("str")`); name the rows of a cross table '
            "(`set_index`), and call none of its columns `count`.",
        )
    return _of_cross(table)


def _of_series(table: pd.Series) -> CountTable:
    names = [str(n) if n is not None else f"group_{i}" for i, n in enumerate(table.index.names)]
    require_free(names)
    return _of_long(table.rename("count").rename_axis(names).reset_index())


def _of_cross(table: pd.DataFrame) -> CountTable:
    _require_flat(table.index, "rows")
    rows, columns = str(table.index.name or "row"), str(table.columns.name or "column")
    columns = columns if columns != rows else f"{columns}_2"
    require_free([rows, columns])
    down = _names(pd.DataFrame({rows: table.index}), where="rows")[rows]
    across = _names(pd.DataFrame({columns: table.columns}), where="columns")[columns]
    is_total = [labels.str.lower().isin(_TOTALS).to_numpy() for labels in (down, across)]
    values = table.to_numpy(dtype="float64", na_value=np.nan)
    inside = values[np.ix_(~is_total[0], ~is_total[1])]
    kept = pd.MultiIndex.from_product([down[~is_total[0]], across[~is_total[1]]], names=[rows, columns])
    long = kept.to_frame(index=False).assign(count=inside.ravel()).set_axis([", ".join(pair) for pair in kept], axis=0)
    raw = CountTable(long, Grouping((rows, columns)).with_margins())
    _require_totals(values, inside, is_total, [down, across])
    return raw


def _require_totals(values: Numbers, inside: Numbers, is_total: Sequence[Flags], labels: Sequence[pd.Series]) -> None:
    down, across = is_total
    right = values.copy()
    right[np.ix_(~down, across)] = inside.sum(axis=1)[:, None]
    right[np.ix_(down, ~across)] = inside.sum(axis=0)
    right[np.ix_(down, across)] = inside.sum()
    wrong = np.argwhere(values != right)
    if len(wrong):
        row, column = wrong[0]
        raise ColumnError(
            "The totals of the table are not those of its rows and columns.",
            ids=[f"{labels[0].iloc[i]}, {labels[1].iloc[j]}" for i, j in wrong],
            found=f"{values[row, column]:.15g}",
            expected=f"{right[row, column]:.15g}, what the others add up to",
            remedy="Leave the totals out: they are worked out.",
        )


def _of_long(table: pd.DataFrame) -> CountTable:
    table = _with_text_columns(table)
    numeric = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    named = [name for name in _COUNTS if name in numeric] or numeric
    if len(named) != 1:
        raise ColumnError(
            "It is not clear which column holds the counts.",
            found=("" if len(table) else "no rows; ") + ", ".join(table.columns),
            expected="one column of numbers, or one named `count`",
            remedy="A cross table has the names of its rows as its index (`set_index`).",
        )
    dims = [name for name in table.columns if name not in {named[0], "students"}]
    require_free(dims)
    counts = table.rename(columns={named[0]: "count"})[[*dims, "count"]]
    margins = Grouping(tuple(dims)).with_margins()
    if "students" not in table.columns or not dims:
        return CountTable(counts, margins)
    people, sizes = _people_of(_names(table[dims], where="the counts"), _enrolled(table["students"]))
    return CountTable(counts, margins, students=sizes.rename("students").reset_index(), people=people)


def _people_of(names: pd.DataFrame, students: pd.Series) -> tuple[tuple[str, ...], pd.Series]:
    """Find the dimensions that tell people apart, and the students by them.

    The students of a zone stand in a row for each term and are the same people: what settles the numbers, and counts
    people least often, tells people apart. Where numbers are alike by chance, fewer people are counted than there are,
    and more is withheld.
    """
    by_row = _by(names, students, tuple(map(str, names.columns)))
    if not _is_settled(by_row):
        raise ColumnError(
            "Equal rows have different numbers of students.",
            where="column students",
            ids=students.index[by_row.transform("max") > by_row.transform("min")],
            expected="one number of students for each group",
            remedy="Name what tells the rows apart, or add up their students.",
        )
    lasting = tuple(str(name) for name in names if name not in _NOT_PEOPLE)
    if len(lasting) < names.shape[1]:
        # Students come and go from term to term: there are as few of a group as there ever were.
        students = _by(names, students.where(students > 0), lasting).transform("min").fillna(students)
    # A group of unknown size keeps its name, lest it be taken for another.
    fewest = 1 if students.isna().any() and lasting else 0
    choices = [dims for n in range(fewest, len(lasting) + 1) for dims in combinations(lasting, n)]
    settling = [dims for dims in choices if _is_settled(_by(names, students, dims))]
    people = min(settling, key=lambda dims: float(_by(names, students, dims).max().sum()))
    return people, _by(names, students, people).max()


def _by(names: pd.DataFrame, students: pd.Series, dims: tuple[str, ...]) -> Groups:
    return students.groupby([names[name] for name in dims] or np.zeros(len(students)))


def _is_settled(groups: Groups) -> bool:
    return not bool((groups.max() > groups.min()).any())


def _with_text_columns(frame: pd.DataFrame) -> pd.DataFrame:
    _require_flat(frame.columns, "columns")
    named = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if named.columns.has_duplicates:
        twice = ", ".join(dict.fromkeys(named.columns[named.columns.duplicated()]))
        raise ColumnError(
            "Some columns have the same name.", found=twice, expected="one of each", remedy="Rename them."
        )
    return named


def _require_flat(labels: pd.Index, what: str) -> None:
    if isinstance(labels, pd.MultiIndex):
        raise ColumnError(
            f"The {what} of the table have names of several parts.",
            found=f"{labels.nlevels} parts: {', '.join(str(name) for name in labels.names)}",
            expected="one name for each",
            remedy="Stack the table to a Series (`stack`), whose index may have several parts.",
        )


def _names(frame: pd.DataFrame, *, where: str) -> pd.DataFrame:
    """Make names of groups text; none may be missing."""
    named = frame.astype("str")
    for is_bad, problem in (
        (frame.isna(), "Some groups have no name."),
        (named == ALL, "A dimension of the table is empty text, which stands for all."),
    ):
        if is_bad.any(axis=None):
            raise ColumnError(
                problem,
                where=f"{where}: {', '.join(map(str, frame.columns[is_bad.any()]))}",
                ids=frame.index[is_bad.any(axis=1)],
                expected="a name for every group",
                remedy="Name the rows that belong to none, for example `none`.",
            )
    return named


def _whole(counts: pd.Series) -> pd.Series:
    """Make counts whole numbers (int64), or say which are none."""
    values = pd.to_numeric(counts, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    is_faulty = ~np.isfinite(values) | (values < 0) | (values != np.floor(values)) | (values >= _TOO_LARGE)
    if is_faulty.any():
        raise ColumnError(
            "Some counts cannot be counts.",
            where="column count",
            ids=counts.index[is_faulty],
            found=", ".join(str(v) for v in counts[is_faulty].iloc[:3]),
            expected="whole numbers, 0 or more, below 2**53, none missing",
            remedy="Write 0 where nothing happened; count before protecting.",
        )
    if math.fsum(values) >= _TOO_LARGE:
        raise ColumnError("The counts are too large to add up.", where="column count", expected="a total below 2**53")
    return pd.Series(values.astype("int64"), index=counts.index)


def _enrolled(students: pd.Series) -> pd.Series:
    """Make numbers of students numbers (float64, missing where unknown), or say which are none."""
    values = pd.to_numeric(students, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    is_faulty = (np.isnan(values) & students.notna().to_numpy()) | (values < 0) | np.isinf(values)
    if is_faulty.any():
        raise ColumnError(
            "Some numbers of students cannot be right.",
            where="column students",
            ids=students.index[is_faulty],
            found=", ".join(str(v) for v in students[is_faulty].iloc[:3]),
            expected="numbers, 0 or more; missing where unknown",
        )
    return pd.Series(values, index=students.index)


# ── A table that may be published: what is withheld in it is not in it

_SEAL = object()


@final
class SafeTable:
    """Counts that may be published, with those that may not left out.

    Only `disclosure.protect` makes one. It holds no count that is withheld, and not which of the withheld cells are
    small: those that complete the pattern look the same.

    Parameters
    ----------
    cells
        The figures, without their values.
    values
        Value of each figure, shape (n_cells,), −1 where it is withheld.
    hidden
        Groups that no table shows and whose small counts nobody may work out.
    needs, hidden_sensitive
        How small and how large each figure has to be able to be, shape (n_cells, 2), missing where it does not matter;
        and which of the hidden ones are small: for the audit alone.
    facts
        What else is published: roundings, classes, earlier releases.
    policy
        The policy.
    measure
        What is counted.
    notes
        What protecting it came to, in words.
    seal
        Proof that `protect` made it.
    """

    def __init__(
        self,
        *,
        cells: Cells,
        values: NDArray[np.int64],
        hidden: Cells,
        needs: NDArray[np.float64],
        hidden_sensitive: NDArray[np.bool_],
        facts: tuple[Fact, ...],
        policy: Policy,
        measure: str,
        notes: tuple[str, ...] = (),
        seal: object = None,
    ) -> None:
        if seal is not _SEAL:
            raise DisclosureError(
                "A table that may be published is only made by protecting one.",
                expected="safeschools_geo.disclosure.protect(table, policy)",
            )
        self._cells, self._hidden = cells, hidden
        self._values = values.copy()
        self._values.setflags(write=False)
        self._needs, self._hidden_sensitive = needs, hidden_sensitive
        self._facts, self._policy, self._measure, self._notes = facts, policy, measure, notes
        self._seal = seal

    def with_facts(self, facts: Sequence[Fact]) -> SafeTable:
        """Publish these statements with the same figures, for the audit to look at."""
        return sealed(
            cells=self._cells,
            values=self._values,
            hidden=self._hidden,
            needs=self._needs,
            hidden_sensitive=self._hidden_sensitive,
            facts=(*self._facts, *facts),
            policy=self._policy,
            measure=self._measure,
            notes=self._notes,
        )

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What else is published."""
        return self._facts

    @property
    def policy(self) -> Policy:
        """The policy."""
        return self._policy

    @property
    def measure(self) -> str:
        """What is counted."""
        return self._measure

    @property
    def notes(self) -> tuple[str, ...]:
        """What protecting it came to, in words."""
        return self._notes

    @property
    def dims(self) -> list[str]:
        """The dimensions."""
        return self._cells.dims

    @property
    def groupings(self) -> tuple[Grouping, ...]:
        """The tables."""
        return self._cells.groupings

    @property
    def is_withheld(self) -> NDArray[np.bool_]:
        """Which cells are withheld, shape (n_cells,)."""
        return np.asarray(self._values < 0)

    @property
    def withheld_share(self) -> float:
        """Share of the cells that is withheld, 0 to 1; 0 for no cells."""
        return float(self.is_withheld.mean()) if len(self._values) else 0.0

    def table(self, /, *dims: str, **where: str) -> pd.DataFrame:
        """Return one table.

        Parameters
        ----------
        *dims
            Its dimensions, in the order wanted; none for the total.
        **where
            Dimensions that are held at one value.

        Returns
        -------
        pandas.DataFrame
            One row for each figure, sorted: `dims`, `cell` (int64, the number of the figure in this release), `count`
            (Int64, missing where withheld) and `is_withheld`.

        Raises
        ------
        DisclosureError
            When the release has no such table, dimension or group; what was not protected cannot be shown.
        """
        self._require_known(dims, where)
        rows = self._cells.rows(Grouping(tuple(dims), tuple(where.items())))
        if rows.empty:
            raise DisclosureError(
                "The release has no such table.",
                found=Grouping(tuple(dims), tuple(where.items())).text,
                expected="; ".join(g.text for g in self.groupings),
                remedy="Add the grouping before the table is protected.",
            )
        return self._with_values(rows)[[*dims, "cell", "count", "is_withheld"]].reset_index(drop=True)

    def value(self, /, **key: str) -> int | None:
        """Return one figure.

        Parameters
        ----------
        **key
            Value of each dimension; those left out are all of them.

        Returns
        -------
        int or None
            The figure; None where it is withheld.

        Raises
        ------
        DisclosureError
            When the release has no such figure.
        """
        found = self.table(**key)
        return None if found["is_withheld"].iloc[0] else int(found["count"].iloc[0])

    def to_frame(self) -> pd.DataFrame:
        """Return every figure of the release.

        The dimensions (empty text for "all"), `cell`, `count` (Int64, missing where withheld), `is_withheld`.
        """
        return self._with_values(self._cells.keys).reset_index(drop=True)

    def to_wide(self, rows: str, columns: str, /, **where: str) -> pd.DataFrame:
        """Return a cross table.

        Int64, missing where withheld; with totals, as far as they are in the release. They are named ``Total``, or
        ``Total (all)`` beside a group that is called so itself. `rows, columns`: its dimensions; `**where`: dimensions
        that are held at one value.
        """
        inner = self.table(rows, columns, **where).pivot_table(
            index=rows, columns=columns, values="count", aggfunc="first", dropna=False
        )
        wide = inner.astype("Int64")
        below, right = _total_name(wide.index), _total_name(wide.columns)
        if by_row := self._totals(rows, where):
            wide[right] = pd.array([by_row.get(name) for name in wide.index], dtype="Int64")
        if by_column := self._totals(columns, where):
            corner = self.table(**where)["count"].iloc[0] if by_row else None
            wide.loc[below] = pd.array(
                [*(by_column.get(name) for name in inner.columns), *([corner] if by_row else [])], dtype="Int64"
            )
        return wide

    def _totals(self, dim: str, where: Mapping[str, str]) -> dict[str, int | None]:
        """List the totals by one dimension; none if the release has no such table."""
        try:
            totals = self.table(dim, **where)
        except DisclosureError:
            return {}
        return dict(zip(totals[dim], totals["count"], strict=True))

    def _require_known(self, dims: tuple[str, ...], where: Mapping[str, str]) -> None:
        """Refuse names of dimensions and groups that no table has: they would be passed over."""
        unknown = [name for name in (*dims, *where) if name not in self.dims]
        if unknown:
            raise DisclosureError(
                "The release has no such dimension.", found=", ".join(unknown), expected=", ".join(self.dims)
            )
        for name, value in where.items():
            shown = [group for group in dict.fromkeys(self._cells.keys[name]) if group != ALL]
            if shown and value not in shown:
                raise DisclosureError(
                    "The release has no such group.",
                    found=f"{name} {value}",
                    expected=f"{name} is one of: {name_ids(sorted(shown))}",
                )

    def summary(self) -> str:
        """Say in plain English what is withheld."""
        withheld = int(self.is_withheld.sum())
        text = (
            f"{count_text(withheld, 'figure', of=len(self._values))} of {self.measure} withheld "
            f"({self.withheld_share:.0%}; policy {self.policy.name}: counts 1 to {self.policy.largest_small}, and what "
            "would give them away)."
        )
        return " ".join([text, *self.notes])

    def _with_values(self, rows: pd.DataFrame) -> pd.DataFrame:
        values = pd.Series(self._values[rows["cell"].to_numpy()], index=rows.index).astype("Int64")
        return rows.assign(count=values.mask(values < 0), is_withheld=(values < 0).astype("bool"))

    def __repr__(self) -> str:
        """Name the table without its figures."""
        return f"<SafeTable of {self.measure}: {len(self._values)} figures, {int(self.is_withheld.sum())} withheld>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: what is private in it stays in this process."""
        raise DisclosureError("A protected table is not pickled.", remedy="Write the packet, or use `to_frame`.")


def sealed(**parts: Any) -> SafeTable:  # noqa: ANN401 -- the parts of a SafeTable, as there
    """Make a protected table; for `protect` alone."""
    return SafeTable(**parts, seal=_SEAL)


def require_safe(table: object) -> SafeTable:
    """Refuse anything but a protected table.

    Parameters
    ----------
    table
        What is to be published.

    Returns
    -------
    SafeTable
        The table.

    Raises
    ------
    DisclosureError
        When it is anything else.
    """
    # An instance that skipped `__init__`, or a class made of this one, has not been protected.
    if isinstance(table, SafeTable) and type(table) is SafeTable and vars(table).get("_seal") is _SEAL:
        return table
    raise DisclosureError(
        "Only protected tables can be published.",
        found=type(table).__name__,
        expected="a SafeTable, from safeschools_geo.disclosure.protect(table, policy)",
        remedy="Protect the table first; it then holds only what may be shown.",
    )


def _total_name(groups: Iterable[str]) -> str:
    """Name a total so that no group goes by that name."""
    taken = {str(group).casefold() for group in groups}
    name = "Total"
    while name.casefold() in taken:
        name = f"{name} (all)"
    return name
