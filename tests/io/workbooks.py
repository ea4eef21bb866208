"""Writers of small workbooks of the kinds that openpyxl does not write: .xls, .xlsb and .ods, byte by byte.

Sheets are lists of rows of texts, numbers and None. `hidden` names hidden sheets, `merged` has areas of a sheet as
(first row, last row, first column, last column), from 0.
"""

from __future__ import annotations

import struct
import zipfile
from xml.sax.saxutils import escape


def write_xls(path, sheets, *, hidden=(), merged=None, is_1904=False):
    """Write BIFF8 in a compound file of 512-byte sectors ([MS-XLS], [MS-CFB])."""

    def record(kind, body=b""):
        return struct.pack("<HH", kind, len(body)) + body

    def begin(kind):
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    def cell(row, column, value):
        at = struct.pack("<HHH", row, column, 0)
        if isinstance(value, str):
            return record(0x0204, at + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le"))
        return record(0x0203, at + struct.pack("<d", value))

    bodies = []
    for title, rows in sheets.items():
        filled = [(r, c, v) for r, row in enumerate(rows) for c, v in enumerate(row) if v is not None]
        areas = (merged or {}).get(title, [])
        joined = struct.pack("<H", len(areas)) + b"".join(struct.pack("<4H", *area) for area in areas)
        cells = b"".join(cell(*one) for one in filled)
        bodies.append(begin(0x10) + cells + record(0x00E5, joined) + record(0x000A))

    def globals_of(offsets):
        listed = b"".join(
            record(0x0085, struct.pack("<IBBBB", at, int(title in hidden), 0, len(title), 0) + title.encode("latin-1"))
            for at, title in zip(offsets, sheets, strict=True)
        )
        return begin(0x05) + record(0x0022, struct.pack("<H", is_1904)) + listed + record(0x000A)

    offsets, at = [], len(globals_of([0] * len(sheets)))
    for body in bodies:
        offsets.append(at)
        at += len(body)
    stream = globals_of(offsets) + b"".join(bodies)
    stream += bytes(-len(stream) % 512) if len(stream) >= 4096 else bytes(4096 - len(stream))
    count = len(stream) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, count + 2), 0xFFFFFFFE]

    def entry(name, kind, child, start, size):
        text = name.encode("utf-16-le") + b"\0\0"
        links = struct.pack("<BBIII", kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return (
            text.ljust(64, b"\0") + struct.pack("<H", len(text)) + links + bytes(36) + struct.pack("<IQ", start, size)
        )

    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, 0xFFFFFFFF, 2, len(stream))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    sectors = struct.pack("<128I", *fat, *[0xFFFFFFFF] * (128 - len(fat))) + folder.ljust(512, b"\0") + stream
    path.write_bytes(head + sectors)
    return path


def write_xlsb(path, sheets, *, hidden=(), merged=None, is_1904=False):
    """Write a binary workbook ([MS-XLSB]): as few records as a reader needs."""

    def record(kind, body=b""):
        first = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size = len(body)
        return first + (bytes([size]) if size < 0x80 else bytes([size & 0x7F | 0x80, size >> 7])) + body

    def text(value):
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    def cell(column, value):
        at = struct.pack("<II", column, 0)
        return record(6, at + text(value)) if isinstance(value, str) else record(5, at + struct.pack("<d", value))

    listed = [
        record(156, struct.pack("<II", int(title in hidden), n) + text(f"rId{n}") + text(title))
        for n, title in enumerate(sheets, start=1)
    ]
    book = record(131) + record(153, struct.pack("<II", int(is_1904), 0) + text(""))
    book += record(143) + b"".join(listed) + record(144) + record(132)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = [
        f'<Relationship Id="rId{n}" Type="{kind}/worksheet" Target="worksheets/sheet{n}.bin"/>'
        for n in range(1, len(sheets) + 1)
    ]
    package = "http://schemas.openxmlformats.org/package/2006"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        archive.writestr("xl/workbook.bin", book)
        rels = f'<?xml version="1.0"?><Relationships xmlns="{package}/relationships">{"".join(links)}</Relationships>'
        archive.writestr("xl/_rels/workbook.bin.rels", rels)
        for n, (title, rows) in enumerate(sheets.items(), start=1):
            width = max(map(len, rows), default=0)
            body = record(129) + record(148, struct.pack("<IIII", 0, max(len(rows) - 1, 0), 0, max(width - 1, 0)))
            body += record(145)
            for r, row in enumerate(rows):
                body += record(0, struct.pack("<I", r) + bytes(13))
                body += b"".join(cell(c, value) for c, value in enumerate(row) if value is not None)
            body += record(146)
            body += b"".join(record(176, struct.pack("<4I", *area)) for area in (merged or {}).get(title, []))
            archive.writestr(f"xl/worksheets/sheet{n}.bin", body + record(130))
    return path


def write_ods(path, sheets, *, hidden=(), merged=None, is_1904=False):
    """Write an open document: its content alone, as the standard's schema has it."""
    space = "urn:oasis:names:tc:opendocument:xmlns"

    def cell(value, down):
        more = f' table:number-rows-spanned="{down}" table:number-columns-spanned="1"' if down > 1 else ""
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, str):
            text = f"<text:p>{escape(value)}</text:p>"
            return f'<table:table-cell office:value-type="string"{more}>{text}</table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"{more}/>'

    tables = []
    for title, rows in sheets.items():
        spans = {(top, left): bottom - top + 1 for top, bottom, left, _ in (merged or {}).get(title, [])}
        lines = [
            f"<table:table-row>{''.join(cell(v, spans.get((r, c), 1)) for c, v in enumerate(row))}</table:table-row>"
            for r, row in enumerate(rows)
        ]
        empty = '<table:table-cell table:number-columns-repeated="16384"/>'
        lines.append(f'<table:table-row table:number-rows-repeated="1000000">{empty}</table:table-row>')
        style = ' table:style-name="hid"' if title in hidden else ""
        tables.append(f'<table:table table:name="{escape(title)}"{style}>{"".join(lines)}</table:table>')
    null = '<table:calculation-settings><table:null-date table:date-value="1904-01-01"/></table:calculation-settings>'
    names = " ".join(f'xmlns:{name}="{space}:{name}:1.0"' for name in ("office", "table", "text", "style"))
    styles = (
        '<office:automatic-styles><style:style style:name="hid" style:family="table">'
        '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    )
    body = f"<office:spreadsheet>{null if is_1904 else ''}{''.join(tables)}</office:spreadsheet>"
    content = f"<office:document-content {names}>{styles}<office:body>{body}</office:body></office:document-content>"
    media = "application/vnd.oasis.opendocument.spreadsheet"
    entry = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media}"/>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", media)
        archive.writestr("content.xml", f'<?xml version="1.0" encoding="UTF-8"?>{content}')
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{space}:manifest:1.0">{entry}</manifest:manifest>',
        )
    return path


WRITERS = {"xls": write_xls, "xlsb": write_xlsb, "ods": write_ods}
