"""Columns by our names, their cells as text, and ids that spreadsheets have changed."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import unicodedata
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rapidfuzz.distance import OSA

from safeschools_geo.errors import ColumnError, attempt_all, name_ids
from safeschools_geo.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from safeschools_geo.io._table import RawTable

    ColumnMapping: TypeAlias = Mapping[str, str | tuple[str, ...]]


# ── Ids and names as text, saying what the file says, whatever type the file gave them

# How programs keep a spreadsheet from making a number of an id: ="0101", and '0101 where no number goes without.
_GUARDED, _MARKED = r"""^="([^"]*)"$""", r"""^'(\d+)$"""
_BLANKS = " \t\r\n\v\f\u00a0\u2007\u202f\u200b\ufeff"


_NOTHING = frozenset(
    (
        "null",
        "(null)",
        "<null>",
        "[null]",
        "none",
        "(none)",
        "nan",
        "nat",
        "n/a",
        "#n/a",
        "na",
        "n.a.",
        "nil",
        "\\n",
        "no data",
    )
)
ERROR_CODES = ("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A")
"""What a workbook shows in place of a value that cannot be worked out."""
_MARKS = frozenset(("-", "--", "---", "\u2013", "\u2014", ".", "(blank)", "(empty)", *map(str.casefold, ERROR_CODES)))


def plain_text(values: pd.Series) -> pd.Series:
    """Turn a column of words into text, of which those for nothing are missing.

    Parameters
    ----------
    values
        Text, numbers, truth values, moments, or a mixture.

    Returns
    -------
    pandas.Series
        As `as_text`, without the words that `says_nothing` knows.
    """
    texts = as_text(values)
    return texts.where(~says_nothing(texts))


def says_nothing(texts: pd.Series) -> pd.Series:
    """Say which texts are words for nothing, such as ``NULL``, ``#N/A``, ``(null)`` and ``-``.

    Parameters
    ----------
    texts
        Text.

    Returns
    -------
    pandas.Series
        Bool, on the same index; blank cells are not among them.
    """
    return texts.str.casefold().isin(_NOTHING | _MARKS)


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_GUARD = rf"^'(?=[{re.escape(''.join(_FORMULA_STARTS))}])"


def as_text(values: pd.Series) -> pd.Series:
    """Turn a column into text.

    Parameters
    ----------
    values
        Text, numbers, truth values, moments, or a mixture.

    Returns
    -------
    pandas.Series
        Dtype str, same index and name. Text loses blanks at its ends (also non-breaking ones) and what keeps a
        spreadsheet from changing it (``="0101"``, ``'0101``), and is in Unicode NFC; nothing else of it changes, so
        ``007`` and ``2E47`` stay. Whole numbers have no decimals (``123.0`` is ``123``), however large; truth values
        are ``true`` and ``false``; moments are ISO 8601. What is missing, empty or infinite is missing.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.StringDtype):
        return _tidied(values.astype("str"))
    if pd.api.types.is_bool_dtype(dtype):
        return values.astype("object").map({True: "true", False: "false"}).astype("str")
    if pd.api.types.is_integer_dtype(dtype):
        return values.astype("str")
    if pd.api.types.is_float_dtype(dtype):
        return _float_texts(values)
    return _tidied(values.astype("object").map(_cell_text, na_action="ignore").astype("str"))


def _tidied(texts: pd.Series) -> pd.Series:
    stripped = texts.str.strip(_BLANKS)
    is_accented = stripped.notna() & ~stripped.str.isascii().astype("bool")
    if is_accented.any():
        composed = stripped[is_accented].map(lambda text: unicodedata.normalize("NFC", text))
        stripped = stripped.where(~is_accented, composed.astype("str"))
    guarded = stripped.str.startswith(("=", "'"))
    if guarded.any():
        inside = stripped[guarded].str.replace(_GUARDED, r"\1", regex=True)
        if not stripped.str.fullmatch(r"\d+").any():
            inside = inside.str.replace(_MARKED, r"\1", regex=True)
        inside = inside.str.strip(_BLANKS)
        stripped = stripped.where(~guarded.fillna(value=False).astype("bool"), inside)
    return stripped.where(stripped != "")


def _float_texts(values: pd.Series) -> pd.Series:
    floats = values.to_numpy(dtype="float64", na_value=np.nan)
    # `repr` of 123.0 ends in .0, and of 1e22 in no digits at all; whole floats below 2⁶³ are exact integers.
    is_whole = np.isfinite(floats) & (np.floor(floats) == floats) & (np.abs(floats) < 2.0**63)
    texts = pd.Series(pd.NA, index=values.index, dtype="str", name=values.name)
    texts[is_whole] = pd.Series(floats[is_whole].astype("int64")).astype("str").to_numpy()
    is_other = np.isfinite(floats) & ~is_whole
    texts[is_other] = [_float_text(number) for number in floats[is_other]]
    return texts


def _float_text(number: float) -> str:
    return f"{number:.0f}" if number.is_integer() else repr(float(number))


def _cell_text(cell: object) -> str | None:
    if isinstance(cell, bool | np.bool_):
        return str(cell).lower()
    if isinstance(cell, float):
        return _float_text(cell) if np.isfinite(cell) else None
    if isinstance(cell, Decimal):
        return f"{cell:.0f}" if cell == cell.to_integral_value() else str(cell.normalize())
    if isinstance(cell, dt.datetime | dt.timedelta):
        return cell.isoformat(sep=" ") if isinstance(cell, dt.datetime) else _clock_text(cell)
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="replace")
    return str(cell)


def _clock_text(span: dt.timedelta) -> str:
    minutes, seconds = divmod(round(span.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def safe_cells(column: pd.Series) -> pd.Series:
    """Make a column safe to open in a spreadsheet.

    Parameters
    ----------
    column
        A column of a table.

    Returns
    -------
    pandas.Series
        Text that a spreadsheet would take for a formula with an apostrophe in front, moments in ISO 8601; other
        columns as they are.
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return column.map(lambda t: t.isoformat(), na_action="ignore").astype("str")
    if not pd.api.types.is_string_dtype(column.dtype):
        return column
    is_formula = column.str.startswith(_FORMULA_STARTS, na=False)
    if not is_formula.any():
        return column
    is_formula[is_formula] = pd.to_numeric(column[is_formula], errors="coerce").isna()
    return column.mask(is_formula, "'" + column)


def without_guards(cells: pd.Series) -> pd.Series:
    """Take away the apostrophes that `safe_cells` put in front.

    Parameters
    ----------
    cells
        Text.

    Returns
    -------
    pandas.Series
        The text as it was.
    """
    return cells.str.replace(_GUARD, "", regex=True)


# ── Columns by our names: those that the settings name, else those of our own names; and names that are nearly ours

_LISTED = 30
_LIKENESS = 0.6
_SHORT, _LONG = 6, 9
_DBF_LETTERS = 10
_LABELS = ("name", "officer", "team", "district", "address")
"""Columns of ours that only name things: no figure hangs on them."""


def take(raw: RawTable, mapping: ColumnMapping, name: str) -> pd.Series | None:
    """Take the column for one of our names, if the file has it.

    Parameters
    ----------
    raw
        The table.
    mapping
        Our name → the file's name; names that are equal need no entry. Names are compared exactly, then without regard
        to case, spaces, hyphens and underscores, then, in a dBASE table, as far as it keeps them. Of several names the
        first is taken: the caller that can make one column of them calls `text_columns`.
    name
        Our name.

    Returns
    -------
    pandas.Series or None
        The column, under the file's name; None when `mapping` says that there is none, or has no entry and the file no
        column of our name.

    Raises
    ------
    ColumnError
        When `mapping` names a column that the file does not have, or two columns are equally like the name.
    """
    wanted = _wanted(mapping, name)
    if wanted:
        return None if _says_none(wanted) else _named(raw, wanted[0], name)
    found = _find_ours(raw, name)
    return None if found is None else raw.frame[found]


def require(raw: RawTable, mapping: ColumnMapping, name: str) -> pd.Series:
    """Take the column for one of our names, or refuse to go on.

    Parameters
    ----------
    raw
        The table.
    mapping
        As for `take`.
    name
        Our name.

    Returns
    -------
    pandas.Series
        The column, under the file's name.

    Raises
    ------
    ColumnError
        When the file does not have it; the message lists the columns there are and the nearest names.
    """
    wanted = _wanted(mapping, name)
    if _says_none(wanted):
        raise ColumnError(
            f"The settings say that the file has no column {name}, and it cannot be read without one.",
            where=raw.path,
            found=f'{name} = ""',
            expected=f"a column for {name}",
            remedy="Name it in district.toml, under columns.",
            setting=f"columns.{name}",
        )
    return _named(raw, (*wanted, name)[0], name)


def text_columns(raw: RawTable, mapping: ColumnMapping, name: str) -> list[pd.Series]:
    """Take all columns for one of our names, as text.

    Parameters
    ----------
    raw
        The table.
    mapping
        As for `take`, but all names of an entry are taken.
    name
        Our name.

    Returns
    -------
    list of pandas.Series
        Text, words for nothing missing, in the order of the entry; empty when there is no entry and the file has no
        column of our name.

    Raises
    ------
    ColumnError
        As for `take`.
    """
    wanted = _wanted(mapping, name)
    if wanted:
        return [] if _says_none(wanted) else [plain_text(_named(raw, theirs, name)) for theirs in wanted]
    column = take(raw, {}, name)
    return [] if column is None else [plain_text(column)]


def _wanted(mapping: ColumnMapping, name: str) -> tuple[str, ...]:
    entry = mapping.get(name, ())
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _says_none(wanted: tuple[str, ...]) -> bool:
    return wanted == ("",)


def check_columns(
    raw: RawTable, mapping: ColumnMapping, names: Sequence[str], *, required: Sequence[str], table: str, section: str
) -> list[Finding]:
    """Say which columns are taken for ours though they have another name, and which are not though they nearly have.

    Parameters
    ----------
    raw
        The table.
    mapping
        As for `take`.
    names
        Our names that the table may have.
    required
        Those without which it is refused, and those of its places: the caller tells of their absence.
    table
        What the rows are.
    section
        Section of ``district.toml`` that describes the table.

    Returns
    -------
    list of Finding
        A note on names that were cut by a dBASE table or differ in case, spaces, hyphens and underscores; for each of
        our names that is missing, a finding on the columns that are one slip away from it. It stops a run, unless the
        column is one of those that only name things.

    Raises
    ------
    ColumnError
        When `mapping` names columns that the file does not have, or several columns are equally like one name; all
        are named.
    """
    wanted = [(ours, theirs) for ours in mapping for theirs in _wanted(mapping, ours) if theirs]
    own = [name for name in names if name not in mapping and name not in required]
    steps: dict[str, Callable[[], str | None]] = {
        **{f"{ours} {theirs}": partial(_found, raw, theirs, ours) for ours, theirs in wanted if ours not in required},
        **{name: partial(_find_ours, raw, name) for name in own},
    }
    found = attempt_all(steps)
    elsewhere = [theirs for ours, theirs in wanted if ours in required] + [n for n in required if n not in mapping]
    claimed = {*found.values(), *(_find(raw, name) for name in elsewhere)}
    missing = [name for name in own if found[name] is None]
    columns = [str(column) for column in raw.frame.columns if str(column) not in claimed]
    near = {name: [column for column in columns if _is_near(column, name)] for name in missing}
    is_cut = {name: _key(str(found[name])) != _key(name) for name in own if found[name] not in {None, name}}
    cut = [f"{found[name]} as {name}" for name, by_length in is_cut.items() if by_length]
    named = [(theirs, found[key]) for ours, theirs in wanted if (key := f"{ours} {theirs}") in found]
    cut += [f"{column} as {theirs}" for theirs, column in named if _key(str(column)) != _key(theirs)]
    folded = [f"{found[name]} as {name}" for name, by_length in is_cut.items() if not by_length]
    return [
        *_taken(
            cut, "columns_cut", f"The names of columns in {raw.path.name} are cut to {raw.name_length} letters", table
        ),
        *_taken(folded, "columns_respelled", f"Columns of {raw.path.name} are written in their own way", table),
        *(_nearly(raw, name, like, table=table, section=section) for name, like in near.items() if like),
    ]


def _taken(pairs: list[str], code: str, reason: str, table: str) -> list[Finding]:
    if not pairs:
        return []
    remedy = "Nothing needs doing if these are right; else name the columns in district.toml."
    return [Finding("note", code, table, f"{reason}; read are {', '.join(pairs)}.", remedy=remedy)]


def _nearly(raw: RawTable, name: str, like: list[str], *, table: str, section: str) -> Finding:
    is_label = name in _LABELS
    seen = " and ".join(f"“{column}”" for column in like)
    return Finding(
        "warning" if is_label else "error",
        "column_nearly_named",
        table,
        f"{raw.path.name} has no column {name}, but {seen}, which is not read.",
        ids=tuple(like),
        expected=f"a column {name}, or none that looks like it",
        remedy=f'If it is meant, write under [{section}.columns] in district.toml: {name} = "{like[0]}"; if it is not: '
        f'{name} = "".',
        is_blocking=not is_label,
    )


def _is_near(column: str, name: str) -> bool:
    """Say whether a column's name is one slip, or a cut at ten letters, away from one of ours."""
    theirs, ours = _key(column), _key(name)
    if len(ours) < 4:  # noqa: PLR2004 - x, y, wkt are one slip away from much
        return False
    if len(column) == _DBF_LETTERS and len(name) > _DBF_LETTERS:
        cut = _key(name[:_DBF_LETTERS])
        if OSA.distance(theirs, cut) <= 1:
            return True
    if len(ours) >= _LONG and theirs.startswith(ours) and len(theirs) <= len(ours) + 2:
        return True
    is_slip = OSA.distance(theirs, ours, score_cutoff=1) <= 1
    return is_slip and (len(ours) >= _SHORT or len(theirs) != len(ours) or sorted(theirs) == sorted(ours))


def _named(raw: RawTable, theirs: str, ours: str) -> pd.Series:
    return raw.frame[_found(raw, theirs, ours)]


def _found(raw: RawTable, theirs: str, ours: str) -> str:
    found = _find(raw, theirs)
    if found is not None:
        return found
    available = [str(column) for column in raw.frame.columns]
    by_key = {_key(column): column for column in available}
    # What is called as the thing itself holds its name, not its id.
    likely = [key for key in by_key if f"{key}id" != _key(theirs)]
    near = [by_key[key] for key in difflib.get_close_matches(_key(theirs), likely, cutoff=_LIKENESS)]
    more = f" and {len(available) - _LISTED} more" if len(available) > _LISTED else ""
    if not available and raw.path.suffix.lower() == ".shp":
        raise ColumnError(
            f"The shapefile came without its .dbf, which holds the columns; {ours} is needed.",
            where=raw.path,
            expected=f"{raw.path.stem}.dbf beside it",
            remedy="Copy all parts of the shapefile: .shp, .shx, .dbf and .prj.",
        )
    raise ColumnError(
        f"The file has no column {theirs}." + (f" Close to it: {', '.join(near)}." if near else ""),
        where=raw.path,
        found=", ".join(available[:_LISTED]) + more if available else "no columns",
        expected=f"a column for {ours}",
        remedy=f'Name the right column in district.toml, under columns: {ours} = "{near[0] if near else "…"}"; or add '
        "it to the file.",
        setting=f"columns.{ours}",
    )


def _find(raw: RawTable, name: str) -> str | None:
    columns = [str(column) for column in raw.frame.columns]
    if name in columns:
        return name
    alike = [column for column in columns if _key(column) == _key(name)]
    if not alike and raw.name_length is not None and len(name) > raw.name_length:
        cut = _key(name[: raw.name_length])
        alike = [column for column in columns if len(column) == raw.name_length and _key(column) == cut]
    return _only(raw, alike, name)


def _find_ours(raw: RawTable, name: str) -> str | None:
    """Find the column of our own name, which no setting names: two spellings of it are one too many."""
    alike = [str(column) for column in raw.frame.columns if _key(str(column)) == _key(name)]
    return _only(raw, alike, name) if len(alike) > 1 else _find(raw, name)


def _only(raw: RawTable, alike: list[str], name: str) -> str | None:
    if len(alike) > 1:
        raise ColumnError(
            f"Several columns of the file could be {name}.",
            where=raw.path,
            found=", ".join(alike),
            expected="one column of that name",
            remedy=f'Say which in district.toml, under columns, exactly as it is in the file: {name} = "{alike[0]}".',
            setting=f"columns.{name}",
        )
    return next(iter(alike), None)


def _key(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name).casefold()


# ── Ids that spreadsheets have changed: which differ only in how they are written, and which have lost digits

_SCIENTIFIC = r"(?i)\d(?:[.,]\d+)?E\+\d{1,3}"
_DECIMAL = r"(\d)[.,]0+"
_LEADING_ZEROS = r"(?<![\d.,])0+(?=\d)"
_LONGEST = 40
_DATE = r"(?i)\d{4}-\d{2}-\d{2}(?: 00:00:00)?|\d{1,2}-(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_AS_TEXT = (
    "Open the original export, format the column as text before saving, and replace the file; what is lost cannot be "
    "recovered from this one."
)


def id_key(ids: pd.Series) -> pd.Series:
    """Reduce ids to what spreadsheets leave of them.

    Parameters
    ----------
    ids
        Text.

    Returns
    -------
    pandas.Series
        Text on the same index, equal for ids that differ only in zeros in front of a number, in blanks, in capitals,
        or in the way a number is written (``123``, ``123.0``, ``1.23E+02``). ``2E47`` is no number and stays.
    """
    return ids.map({text: _ids_key(text) for text in ids.dropna().unique()}).astype("str")


def _ids_key(text: str) -> str:
    plain = "".join(text.split()).casefold()
    # Of a million ids few hold what the patterns look for.
    if "e" in plain and re.fullmatch(_SCIENTIFIC, plain):
        number = Decimal(plain.replace(",", "."))
        is_whole = number.adjusted() < _LONGEST and number == number.to_integral_value()
        plain = f"{number:.0f}" if is_whole else plain
    if ("." in plain or "," in plain) and re.fullmatch(r"\d+[.,]0+", plain):
        plain = re.split(r"[.,]", plain)[0]
    return re.sub(_LEADING_ZEROS, "", plain) if "0" in plain else plain


def difference_text(given: str, known: str) -> str:
    """Say how two ids of one key differ.

    Parameters
    ----------
    given, known
        The ids.

    Returns
    -------
    str
        For example ``"leading zeros"`` or ``"a decimal and leading zeros"``.
    """
    steps: dict[str, Callable[[str], str]] = {
        "blanks": lambda text: "".join(text.split()),
        "scientific notation": lambda text: _ids_key(text) if re.fullmatch(_SCIENTIFIC, text) else text,
        "hyphens": lambda text: text.replace("-", ""),
        "capitals": str.casefold,
        "a decimal": lambda text: re.sub(_DECIMAL + "$", r"\1", text),
        "leading zeros": lambda text: re.sub(_LEADING_ZEROS, "", text),
    }
    found = []
    for word, step in steps.items():
        a, b = step(given), step(known)
        if (a == b) != (given == known) or (a == given) != (b == known):
            found.append(word)
        given, known = a, b
    return " and ".join(found) or "the way they are written"


def alike_groups(ids: Iterable[str]) -> list[tuple[str, ...]]:
    """Find ids that differ only in how they are written.

    Parameters
    ----------
    ids
        Ids.

    Returns
    -------
    list of tuple of str
        Groups of two or more different ids of one key, in the order of first appearance.
    """
    groups: dict[str, list[str]] = {}
    for one in dict.fromkeys(ids):
        groups.setdefault(_ids_key(one), []).append(one)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def groups_text(groups: list[tuple[str, ...]]) -> str:
    """Write groups of ids as examples in a sentence.

    Parameters
    ----------
    groups
        Result of `alike_groups`.

    Returns
    -------
    str
        For example ``"“0123” and “123” (leading zeros)"``.
    """
    return name_ids(
        f"{' and '.join(f'“{one}”' for one in group)} ({difference_text(group[0], group[1])})" for group in groups
    )


def check_digits(ids: pd.Series, *, table: str, where: str, column: str) -> list[Finding]:
    """Find ids of which a spreadsheet has kept the first digits only, or made dates.

    Parameters
    ----------
    ids
        Text.
    table
        What the rows are.
    where
        The file.
    column
        Our name of the column.

    Returns
    -------
    list of Finding
        Those that stop a run, if any.
    """
    is_cut = ids.str.fullmatch(_SCIENTIFIC).fillna(value=False).astype("bool")
    is_date = ids.str.fullmatch(_DATE).fillna(value=False).astype("bool")
    eaten = _made_dates(ids, is_date, table, where, column) if 0 < is_date.sum() < len(ids) / 2 else []
    if not is_cut.any():
        return eaten
    cut = ids[is_cut]
    return [
        Finding(
            "error",
            "ids_scientific",
            table,
            f"{int(is_cut.sum()):,} of {int(ids.notna().sum()):,} values of {column} in {where} are in scientific "
            f"notation ({name_ids(f'“{one}”' for one in dict.fromkeys(cut))}): a spreadsheet has kept their first "
            "digits only, so they tell nothing apart and match no other table.",
            ids=tuple(f"row {row}" for row in cut.index),
            expected="every digit of the id, as text",
            remedy=_AS_TEXT,
            is_blocking=True,
        ),
        *eaten,
    ]


def _made_dates(ids: pd.Series, is_date: pd.Series, table: str, where: str, column: str) -> list[Finding]:
    dates = ids[is_date]
    message = (
        f"{len(dates):,} of {int(ids.notna().sum()):,} values of {column} in {where} are dates "
        f"({name_ids(f'“{one}”' for one in dict.fromkeys(dates))}) while the others are not: a spreadsheet has made "
        "dates of ids such as 3-4 or MAR12."
    )
    rows = tuple(f"row {row}" for row in dates.index)
    return [
        Finding("error", "ids_dates", table, message, rows, "every id as it was, as text", _AS_TEXT, is_blocking=True)
    ]
