"""A table that may be published: what is withheld in it is not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, final

import numpy as np
import pandas as pd

from safeschools_geo.disclosure.grouping import ALL, Grouping
from safeschools_geo.errors import DisclosureError, count_text, name_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.disclosure.cells import Cells
    from safeschools_geo.disclosure.facts import Fact
    from safeschools_geo.disclosure.policy import Policy

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

    def beside(self, facts: Sequence[Fact]) -> SafeTable:
        """Publish more beside the same figures, for the audit to look at.

        Parameters
        ----------
        facts
            The statements.

        Returns
        -------
        SafeTable
            The same figures, with these statements too.
        """
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

        Returns
        -------
        pandas.DataFrame
            The dimensions (empty text for "all"), `cell`, `count` (Int64, missing where withheld), `is_withheld`.
        """
        return self._with_values(self._cells.keys).reset_index(drop=True)

    def to_wide(self, rows: str, columns: str, /, **where: str) -> pd.DataFrame:
        """Return a cross table.

        Parameters
        ----------
        rows, columns
            Its dimensions.
        **where
            Dimensions that are held at one value.

        Returns
        -------
        pandas.DataFrame
            Int64, missing where withheld; with totals, as far as they are in the release. They are named ``Total``, or
            ``Total (all)`` beside a group that is called so itself.
        """
        inner = self.table(rows, columns, **where).pivot_table(
            index=rows, columns=columns, values="count", aggfunc="first", dropna=False
        )
        wide = inner.astype("Int64")
        below, beside = _total_name(wide.index), _total_name(wide.columns)
        if by_row := self._totals(rows, where):
            wide[beside] = pd.array([by_row.get(name) for name in wide.index], dtype="Int64")
        if by_column := self._totals(columns, where):
            corner = self.table(**where)["count"].iloc[0] if by_row else None
            wide.loc[below] = pd.array(
                [*(by_column.get(name) for name in inner.columns), *([corner] if by_row else [])], dtype="Int64"
            )
        return wide

    def _totals(self, dim: str, where: Mapping[str, str]) -> dict[str, int | None]:
        """List the totals by one dimension; none if the release has no such table."""
        try:
            told = self.table(dim, **where)
        except DisclosureError:
            return {}
        return dict(zip(told[dim], told["count"], strict=True))

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
        """Say in plain English what is withheld.

        Returns
        -------
        str
            A few sentences.
        """
        withheld = int(self.is_withheld.sum())
        told = (
            f"{count_text(withheld, 'figure', of=len(self._values))} of {self.measure} withheld "
            f"({self.withheld_share:.0%}; policy {self.policy.name}: counts 1 to {self.policy.largest_small}, and what "
            "would give them away)."
        )
        return " ".join([told, *self.notes])

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
    """Make a protected table; for `protect` alone.

    Parameters
    ----------
    **parts
        As for `SafeTable`.

    Returns
    -------
    SafeTable
        The table.
    """
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
