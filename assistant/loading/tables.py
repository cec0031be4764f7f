"""CSV and XLSX: every row as a line of a table that can be understood alone."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from assistant.loading import markdown
from assistant.loading.archives import open_archive
from assistant.loading.extracts import Extract, Limits
from assistant.loading.plain import decode
from assistant.loading.properties import properties

_DELIMITERS = ",;\t|"

Row = Sequence[str]


def read_csv(content: bytes, limits: Limits) -> Extract:
    """A table of text; what divides its columns is what its first line has most of."""
    text = decode(content)
    first_line = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first_line.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return Extract.of(markdown.joined(_blocks(rows)))


def read_xlsx(content: bytes, limits: Limits) -> Extract:
    """A workbook, sheet after sheet; formulas by the values that were saved with them."""
    from openpyxl import load_workbook

    with open_archive(content, limits) as archive:
        declared = properties(archive)
    workbook = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    blocks: list[str] = []
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":
            continue
        sheet.reset_dimensions()  # what a file claims of its size may be far from true
        rows = ([_shown(cell) for cell in cells] for cells in sheet.iter_rows())
        if table := list(_blocks(rows)):
            blocks += [markdown.heading(sheet.title), *table]
    return Extract.of(markdown.joined(blocks), **declared)


def _blocks(rows: Iterable[Row]) -> Iterator[str]:
    """Lines above the header, then the rows of a table with their headers in them.

    The header is the first row with two cells. A row of one cell above it is a
    line of text: a title, as a rule.
    """
    header: Row = ()
    lines: list[str] = []
    for cells in rows:
        filled = sum(bool(cell.strip()) for cell in cells)
        if not header and filled > 1:
            header = cells
        elif not header and filled:
            yield markdown.one_line(" ".join(cells))
        elif filled:
            lines.append(markdown.labelled_row(header, cells))
    if lines:
        yield "\n".join(lines)
    elif header:
        yield markdown.row(header)


def _shown(cell: Any) -> str:
    """A cell's value as its sheet shows it, or nearly so."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        value = value.date() if value.time() == datetime.time() else value
        return str(value)
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)) and "%" in (cell.number_format or ""):
        return f"{value * 100:.10g}%"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
