"""Writers: the layers of the district, and the history as three exports of three makes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING

import openpyxl
import shapely

from data.generator.calls import COLUMNS, Call
from data.generator.ground import DECIMALS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    Cell = str | dt.datetime | float | None

_ZIP_TIME = (2026, 6, 30, 0, 0, 0)
_CENTURY = 2000
_MADE_AT = b"2026-06-30T00:00:00Z"


def write_layer(path: Path, rows: Iterable[tuple[Mapping[str, object], BaseGeometry]]) -> None:
    """Write a layer as GeoJSON, one feature a line.

    Parameters
    ----------
    path
        The file.
    rows
        Attributes and geometry, degrees.
    """
    features = ",\n".join(
        json.dumps(
            {"type": "Feature", "properties": dict(attributes), "geometry": _geometry(shape)}, ensure_ascii=False
        )
        for attributes, shape in rows
    )
    path.write_bytes(f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'.encode())


def _geometry(shape: BaseGeometry) -> dict[str, object]:
    return dict(shapely.geometry.mapping(shape))


def write_csv(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], *, delimiter: str = ",", encoding: str = "utf-8"
) -> None:
    """Write delimited text with Unix line ends.

    Parameters
    ----------
    path
        The file.
    header, rows
        Cells as text.
    delimiter, encoding
        As they say.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerows([header, *rows])
    path.write_bytes(text.getvalue().encode(encoding))


def write_american(path: Path, calls: Iterable[Call]) -> None:
    """Write an export of the first system: semicolons, Windows-1252, 12-hour clock to the minute.

    Parameters
    ----------
    path
        The file.
    calls
        Its rows.
    """
    rows = [[_text(cell, _american) for cell in _cells(call, "{0.month}/{0.day}/{0:%y}")] for call in calls]
    write_csv(path, COLUMNS, rows, delimiter=";", encoding="cp1252")


def write_iso(path: Path, calls: Iterable[Call]) -> None:
    """Write an export of the third system: commas, UTF-8 with a byte-order mark, ISO 8601 to the second.

    Parameters
    ----------
    path
        The file.
    calls
        Its rows.
    """
    rows = [[_text(cell, dt.datetime.isoformat) for cell in _cells(call, "{0:%Y-%m-%d}")] for call in calls]
    write_csv(path, COLUMNS, rows, encoding="utf-8-sig")


def write_workbook(path: Path, calls: Iterable[Call]) -> None:
    """Write an export of the second system: an Excel workbook with true moments, the same bytes every time.

    Parameters
    ----------
    path
        The file.
    calls
        Its rows.
    """
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("Export")
    sheet.append(COLUMNS)
    for call in calls:
        # A date without a time is typed in by hand, as text.
        sheet.append(_cells(call, "{0:%Y-%m-%d}"))
    raw = io.BytesIO()
    workbook.save(raw)
    path.write_bytes(_timeless(raw.getvalue()))


def _timeless(workbook: bytes) -> bytes:
    """Take out of a workbook when it was made."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(result, "w") as target:
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _MADE_AT, data)
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.external_attr = 0o644 << 16
            target.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return result.getvalue()


def _cells(call: Call, day_format: str) -> list[Cell]:
    return [day_format.format(call.occurred) if cell == "date" else cell for cell in call.cells()]


def _text(cell: Cell, moment: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        return str(moment(cell)) if callable(moment) else ""
    return f"{cell:.{DECIMALS}f}" if isinstance(cell, float) else cell


def _american(moment: dt.datetime) -> str:
    # The placeholder of 1900 would be 2000 with two digits.
    year = f"{moment:%y}" if moment.year >= _CENTURY else str(moment.year)
    return f"{moment.month}/{moment.day}/{year} {(moment.hour - 1) % 12 + 1}:{moment:%M %p}"
