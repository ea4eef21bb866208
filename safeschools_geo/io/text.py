"""Ids and names as text, saying what the file says, whatever type the file gave them."""

from __future__ import annotations

import datetime as dt
import unicodedata
from decimal import Decimal

import numpy as np
import pandas as pd

_BLANKS = " \t\r\n\v\f\u00a0\u2007\u202f\u200b\ufeff"


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def as_text(values: pd.Series) -> pd.Series:
    """Turn a column into text.

    Parameters
    ----------
    values
        Text, numbers, truth values, moments, or a mixture.

    Returns
    -------
    pandas.Series
        Dtype str, same index and name. Text loses blanks at its ends (also non-breaking ones) and is in Unicode NFC;
        nothing else of it changes, so ``007`` and ``2E47`` stay. Whole numbers have no decimals (``123.0`` is
        ``123``), however large; truth values are ``true`` and ``false``; moments are ISO 8601. What is missing, empty
        or infinite is missing.
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
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, bytes):
        return cell.decode("utf-8", errors="replace")
    return str(cell)


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
    is_formula = column.str.startswith(_FORMULA_STARTS, na=False) & pd.to_numeric(column, errors="coerce").isna()
    return column.mask(is_formula, "'" + column)
