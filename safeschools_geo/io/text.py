"""Ids and names as text, whatever a file made of them."""

from __future__ import annotations

import unicodedata

import pandas as pd

_LARGEST_EXACT_FLOAT = 2.0**53


def as_text(column: pd.Series) -> pd.Series:
    """Turn a column into text without changing what it says.

    Parameters
    ----------
    column
        Text, numbers, truth values or moments.

    Returns
    -------
    pandas.Series
        Dtype str, on the same index: text without outer spaces and in Unicode NFC, empty text missing; whole
        floats without their ``.0``; leading zeros and ids such as ``2E47`` as they are.
    """
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.map({True: "true", False: "false"}).astype("str")
    if pd.api.types.is_integer_dtype(column.dtype):
        return column.astype("Int64").astype("string").astype("str")
    if pd.api.types.is_float_dtype(column.dtype):
        return column.map(_float_text, na_action="ignore").astype("str")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.map(lambda moment: moment.isoformat(), na_action="ignore").astype("str")
    cells = column.map(_cell_text, na_action="ignore").astype("str")
    return cells.mask(cells == "")


def _float_text(value: float) -> str:
    is_whole = float(value).is_integer() and abs(value) < _LARGEST_EXACT_FLOAT
    return str(int(value)) if is_whole else repr(float(value))


def _cell_text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = _float_text(value) if isinstance(value, float) else str(value)
    text = text.strip(" \t\r\n\u00a0\u200b\ufeff")
    return text if text.isascii() else unicodedata.normalize("NFC", text)
