"""Arrow columns made frames, integers with gaps kept exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping

_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def to_frame(columns: Mapping[str, Any], *, rows: int) -> pd.DataFrame:
    """Make a frame of Arrow columns.

    Parameters
    ----------
    columns
        Name → `pyarrow.ChunkedArray`.
    rows
        Number of rows, which a table without columns has too.

    Returns
    -------
    pandas.DataFrame
        Whole numbers with gaps as nullable integers (ids above 2⁵³ stay exact), categories as their values, dates as
        `datetime.date`. The index numbers the rows from 1.
    """
    table = pa.table({name: _plain(column) for name, column in columns.items()})
    frame: pd.DataFrame = table.to_pandas(types_mapper=_NULLABLE.get)
    index = pd.RangeIndex(1, rows + 1)
    return frame.set_axis(index, axis=0) if columns else pd.DataFrame(index=index)


def _plain(column: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
