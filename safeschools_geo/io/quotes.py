"""Quotation marks of delimited text: which of them quote a cell, and which are only signs in it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_NUMBER, _WORD = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")
_FEW_SHAPES, _FEW_COLUMNS = 8, 2
_MOSTLY = 0.9
_PROFILED = 2_000


@dataclass(frozen=True)
class Settled:
    """Rows of delimited text in which every quotation mark that opens a cell also closes it.

    Parameters
    ----------
    text
        The rows, without the header.
    as_read
        Number of a row → its text as it was, for rows that were written anew.
    opened
        Numbers of the rows in which a quotation mark opens a cell and none closes it.
    """

    text: str
    as_read: dict[int, str] = field(default_factory=dict)
    opened: tuple[int, ...] = ()


class Grammar:
    """What a cell and a row look like with one delimiter.

    A quotation mark opens a cell only where the cell begins, and closes it only before a delimiter or the end of a
    line; inside, it is doubled. Anywhere else it is text.

    Parameters
    ----------
    delimiter
        What separates the cells.
    """

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        d = re.escape(delimiter)
        quoted = r'"(?:[^"]++|"")*+"'
        blanks = " *+" if delimiter == "\t" else r"[ \t]*+"
        end = r"(?:\r\n|\r|\n|\Z)"
        self._cell = re.compile(rf"({quoted}){blanks}(?={d}|[\r\n]|\Z)|([^{d}\r\n]*+)")
        cell = rf'(?:{quoted}{blanks}|[^"{d}\r\n][^{d}\r\n]*+|)'
        self._record = re.compile(rf"{cell}(?:{d}{cell})*+{end}")
        plain = rf'(?:{quoted}|[^"{d}\r\n]*+)'
        self._plain = re.compile(rf"{plain}(?:{d}{plain})*+{end}")

    def header(self, text: str) -> str | None:
        """Take the header off the text.

        Parameters
        ----------
        text
            The text, from its header on.

        Returns
        -------
        str or None
            The header with its line end; None if a quotation mark in it is not properly closed, or has taken in lines
            with as many cells as the header's first.
        """
        record = self._record_at(text, 0)
        if record is None or '"' not in record:
            return record
        lines = [line for line in _LINE.findall(record) if line.strip()]
        counts = {line.count(self.delimiter) for line in lines}
        return None if len(lines) > 1 and len(counts) == 1 and counts != {0} else record

    def cells(self, record: str) -> list[str]:
        """Take a row apart.

        Parameters
        ----------
        record
            The row.

        Returns
        -------
        list of str
            Its cells; what is no quoted cell is text up to the next delimiter, quotation marks and all.
        """
        body = record.rstrip("\r\n")
        cells: list[str] = []
        position = 0
        while found := self._cell.match(body, position):
            quoted, bare = found.groups()
            cells.append(bare if quoted is None else quoted[1:-1].replace('""', '"'))
            if found.end() >= len(body):
                break
            position = found.end() + 1
        return cells

    def settle(self, text: str, *, width: int) -> Settled:
        """Close the quotation marks of each row inside the row.

        A cell may hold line ends if its row then has the cells of the header, and if its lines are not rows like the
        others by themselves: then two marks that have nothing to do with each other have met. All other rows are lines.

        Parameters
        ----------
        text
            The rows, without the header.
        width
            Number of cells in the header.

        Returns
        -------
        Settled
            The rows as before, none left out.
        """
        if '"' not in text:
            return Settled(text)
        rows: list[str] = []
        as_read: dict[int, str] = {}
        opened: list[int] = []
        profile = _Profile(text, self, width)
        position = 0
        while found := _LINE.match(text, position):
            line = found.group()
            if not self.is_plain(line):
                record = self._record_at(text, position)
                if record is None or len(record) > len(line):
                    if record is not None and self._fits(record, width) and not profile.are_rows(record):
                        rows.append(record)
                        position += len(record)
                        continue
                    opened.append(len(rows) + 1)
                as_read[len(rows) + 1] = line.rstrip("\r\n")
                line = self._rewritten(line)
            rows.append(line)
            position = found.end()
        return Settled("".join(rows), as_read, tuple(opened))

    def is_plain(self, line: str) -> bool:
        """Tell whether a line is a row in which each quotation mark opens a cell, closes it or is doubled.

        Parameters
        ----------
        line
            The line.

        Returns
        -------
        bool
            Whether it is.
        """
        return '"' not in line or self._plain.fullmatch(line) is not None

    def _record_at(self, text: str, position: int) -> str | None:
        """Return the row that begins here, over line ends if need be; None if a mark is not properly closed."""
        found = self._record.match(text, position)
        return None if found is None else found.group()

    def _fits(self, record: str, width: int) -> bool:
        """Whether a row has the cells of the header, and none beyond that hold anything."""
        cells = self.cells(record)
        return len(cells) >= width and not "".join(cells[width:]).strip()

    def _rewritten(self, line: str) -> str:
        """Write a row with every cell quoted, so that any reader takes it apart as `cells` does."""
        body = line.rstrip("\r\n")
        cells = ('"' + cell.replace('"', '""') + '"' for cell in self.cells(body))
        return self.delimiter.join(cells) + line[len(body) :]


class _Profile:
    """What rows of a text look like: how many cells they have, and what stands in the columns that hold numbers."""

    def __init__(self, text: str, grammar: Grammar, width: int) -> None:
        self.text, self.grammar, self.width = text, grammar, width

    @cached_property
    def numbered(self) -> dict[int, set[str]]:
        """Columns in which nearly every plain row has a digit → the shapes of their cells, none if there are many."""
        lines = (found.group() for found in _LINE.finditer(self.text))
        plain = (self.grammar.cells(line) for line in lines if self.grammar.is_plain(line))
        rows = list(islice((cells for cells in plain if len(cells) == self.width), _PROFILED))
        shapes = [Counter(_shape(row[n]) for row in rows) for n in range(self.width)]
        is_numbered = [sum(n for shape, n in seen.items() if "9" in shape) >= _MOSTLY * len(rows) for seen in shapes]
        return {
            n: set(seen) if len(seen) <= _FEW_SHAPES else set()
            for n, seen in enumerate(shapes)
            if rows and is_numbered[n]
        }

    def are_rows(self, record: str) -> bool:
        """Whether a row over several lines has taken in rows: in a table of two columns all its lines look like one."""
        _, *lines = (line.rstrip("\r\n") for line in _LINE.findall(record))
        is_row = map(self._is_row, lines)
        return bool(self.numbered) and (any(is_row) if self.width > _FEW_COLUMNS else all(is_row))

    def _is_row(self, line: str) -> bool:
        ways = (line.split(self.grammar.delimiter), self.grammar.cells(line))
        return any(len(cells) == self.width and all(map(self._is_like, cells, range(self.width))) for cells in ways)

    def _is_like(self, cell: str, column: int) -> bool:
        shape = _shape(cell.replace('"', ""))
        return column not in self.numbered or shape in (self.numbered[column] or {shape if "9" in shape else ""})


def _shape(cell: str) -> str:
    """Write 9 for each number and a for each word: 2025-09-01 10:15 is 9-9-9 9:9."""
    return _WORD.sub("a", _NUMBER.sub("9", cell.strip()))
