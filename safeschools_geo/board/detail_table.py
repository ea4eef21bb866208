"""The finest table of the release, laid out with one dimension down, the others across, and the totals there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safeschools_geo.board.rows import group_name, in_order
from safeschools_geo.errors import DisclosureError

if TYPE_CHECKING:
    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent, BoardDetail

    Row = dict[str, Any]
    Key = tuple[str, ...]


@dataclass(frozen=True)
class DetailRow:
    """A row of the table.

    Parameters
    ----------
    name
        Its name.
    cells
        Its figures, in the order of the columns; None where no school is behind a figure.
    total
        Its total, where that is in the release.
    """

    name: str
    cells: Sequence[Row | None]
    total: Row | None


@dataclass(frozen=True)
class DetailTable:
    """The table as it is printed.

    Parameters
    ----------
    head
        What its rows are.
    columns
        Names of its columns.
    rows
        Its rows.
    totals
        Totals of the columns, where they are in the release; else empty.
    total
        The total of all, where it is in the release.
    """

    head: str
    columns: Sequence[str]
    rows: Sequence[DetailRow]
    totals: Sequence[Row | None]
    total: Row | None

    @property
    def has_row_totals(self) -> bool:
        """Whether the totals of rows are in the release."""
        return any(row.total is not None for row in self.rows)

    @property
    def has_gaps(self) -> bool:
        """Whether there is no school behind some figure."""
        return any(cell is None for row in self.rows for cell in row.cells)


def detail_table(detail: BoardDetail, *, content: BoardContent, words: Words) -> DetailTable:
    """Lay the finest table out.

    Parameters
    ----------
    detail
        The table.
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    DetailTable
        The table with its totals, as far as they are in the release.
    """
    first, others = detail.dims[0], detail.dims[1:]
    records = [{str(k): v for k, v in record.items()} for record in detail.table.to_dict("records")]
    cells = {(str(r[first]), _key(r, others)): r for r in records}
    columns = _columns([_key(r, others) for r in records], others, content)
    row_sums, column_sums = (_totals(detail, content, dims) for dims in ((first,), others))
    return DetailTable(
        head=_head(first, words),
        columns=[
            ", ".join(group_name(d, g, content=content, words=words) for d, g in zip(others, column, strict=True))
            for column in columns
        ],
        rows=[
            DetailRow(
                group_name(first, group, content=content, words=words),
                [cells.get((group, column)) for column in columns],
                row_sums.get((group,)),
            )
            for group in in_order(first, [str(r[first]) for r in records], content)
        ],
        totals=[column_sums.get(column) for column in columns] if column_sums else [],
        total=_totals(detail, content, ()).get(()),
    )


def _key(record: Row, dims: Sequence[str]) -> Key:
    return tuple(str(record[dim]) for dim in dims)


def _columns(keys: Sequence[Key], dims: Sequence[str], content: BoardContent) -> list[Key]:
    """Sort columns by the order of the pages, the first dimension first."""
    orders = [
        {group: i for i, group in enumerate(in_order(dim, [key[place] for key in keys], content))}
        for place, dim in enumerate(dims)
    ]
    return sorted(set(keys), key=lambda key: [order[group] for order, group in zip(orders, key, strict=True)])


def _head(dim: str, words: Words) -> str:
    return words(f"common.{dim}" if f"common.{dim}" in words.texts else f"rates.{dim}")


def _totals(detail: BoardDetail, content: BoardContent, dims: Sequence[str]) -> dict[Key, Row]:
    """Find totals of the finest table, as far as they are in the release."""
    for held in ({"term": detail.period}, {"year": detail.period}):
        try:
            table = content.counts.table(*dims, **held)
        except DisclosureError:
            continue
        return {
            _key(record, dims): record
            for record in ({str(k): v for k, v in r.items()} for r in table.to_dict("records"))
        }
    return {}
