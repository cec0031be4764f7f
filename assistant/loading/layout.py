"""Lines of a printed page, with where they stand → paragraphs, headings, lists and tables.

A page in print has no structure but its looks. What is read from them: a wide
gap within a line divides the cells of a table; a line that ends early, or is
followed by a gap, ends a paragraph; a short line in bold is a heading.
Measures are relative to the height of a line, so that any unit will do.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from assistant.loading import markdown

CELL_GAP = 1.2  # from here on a gap divides cells
_PARAGRAPH_GAP = 0.7  # and this much between two lines divides paragraphs
_TABLE_GAP = 2.0  # or tables
_INDENT = 0.8
_LARGE = 1.25  # times the height of the usual line: a heading
_HEADING_WORDS = 14
_LONGEST = 200  # lines of a paragraph

_BULLET = re.compile(r"^(?:[•●○▪■◦‣∙·–-]|\(?\w{1,3}\))$")
_BULLETED = re.compile(r"^[•●○▪■◦‣∙]\s*")
_SIGNS = ("$", "€", "£", "¥")
_BEFORE_NUMBER = frozenset([*_SIGNS, "US$", "C$", "A$", "(", "-"])
_BETWEEN_NUMBERS = re.compile(r"(?<=[\d)%—–]) (?=[$€£¥](?:\s|$))")
_AFTER_NUMBER = frozenset(") % )% pts x bps".split())
_NUMBERING = re.compile(
    r"^\W*(?i:(?:item|note|part|section|chapter|article|exhibit|annex|figure|table)\s+)?"
    r"(?:(?:\d+(?:\.\d+)*[A-Za-z]?|[IVX]+)(?!\w))?[\s.:—–-]*"
)
_PAGE_NUMBER = re.compile(
    r"^\W*(?:page\s+)?(?:[A-Z]-)?\d{1,4}(?:\s*(?:of|/)\s*\d{1,4})?\W*$", re.IGNORECASE
)
_SOFT_HYPHEN = "\u00ad"

_MARGIN_LINES = 3  # from the top and from the bottom, where headers and footers stand
_RUNNING = 4  # pages with the same line there: a header or footer


@dataclass(frozen=True)
class Cell:
    """Characters of one line without a wide gap between them."""

    text: str
    left: float
    right: float


@dataclass(frozen=True)
class Line:
    """One line on a page; `bottom` and `top` grow upwards, as PDF counts."""

    cells: tuple[Cell, ...]
    bottom: float
    top: float
    bold: bool

    @property
    def text(self) -> str:
        return " ".join(cell.text for cell in self.cells)

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def left(self) -> float:
        return self.cells[0].left

    @property
    def right(self) -> float:
        return self.cells[-1].right


Page = Sequence[Line]


@dataclass(frozen=True)
class _Looks:
    """What a page looks like as a whole: where its text begins and ends, how high a line is."""

    left: float
    right: float
    height: float

    @classmethod
    def of(cls, page: Page, height: float) -> _Looks:
        left = min((line.left for line in page), default=0.0)
        return cls(left, max((line.right for line in page), default=0.0), height)

    def leads(self, line: Line) -> bool:
        """Whether a line begins where all do or stands in the middle, unlike a column's name."""
        width = self.right - self.left
        middle = (line.left + line.right - self.left - self.right) / 2
        return line.left - self.left < width / 10 or abs(middle) < width / 20

    def is_short(self, line: Line) -> bool:
        """Whether a line ends well before the widest ones do."""
        return line.right - self.left < (self.right - self.left) * 2 / 3


def pages_to_markdown(pages: Sequence[Page]) -> list[str]:
    """The text of each page."""
    pages = [_rows_joined(page) for page in pages]
    running = _running_lines(pages)
    heights = [line.height for page in pages for line in page]
    usual = statistics.median(heights) if heights else 0.0
    return [
        markdown.joined(_blocks(_body(page, running), _Looks.of(page, usual))) for page in pages
    ]


def _rows_joined(page: Page) -> list[Line]:
    """Lines that stand beside each other as one, with the cells that belong together joined."""
    lines: list[Line] = []
    for line in page:
        if lines and _beside(lines[-1], line):
            last = lines.pop()
            line = replace(last, cells=last.cells + line.cells)
        lines.append(line)
    return [replace(line, cells=tuple(_tidy_cells(line.cells, line.height))) for line in lines]


def _beside(line: Line, following: Line) -> bool:
    middle = (following.bottom + following.top) / 2
    return line.bottom < middle < line.top and following.left >= line.right


def _tidy_cells(cells: Sequence[Cell], height: float) -> Iterator[Cell]:
    """Signs of currency and percent with their numbers, words with words."""
    cells = [piece for cell in cells for piece in _at_signs(cell)]
    current = cells[0]
    for cell in cells[1:]:
        close = cell.left - current.right < CELL_GAP * height and not cell.text.startswith(_SIGNS)
        if close or current.text in _BEFORE_NUMBER or cell.text in _AFTER_NUMBER:
            space = "" if cell.text in _AFTER_NUMBER or current.text == "(" else " "
            current = Cell(current.text + space + cell.text, current.left, cell.right)
        else:
            yield current
            current = cell
    yield current


def _at_signs(cell: Cell) -> Iterator[Cell]:
    """Numbers that stand so close that only their signs of currency divide them."""
    first, *others = _BETWEEN_NUMBERS.split(cell.text)
    yield replace(cell, text=first)
    for text in others:
        yield Cell(text, cell.right, cell.right)


def _running_lines(pages: Sequence[Page]) -> set[str]:
    """The texts of headers and footers: what stands in the margin of many pages."""
    counts = Counter(text for page in pages for text in {line.text for line in _margins(page)})
    return {text for text, count in counts.items() if count >= max(_RUNNING, len(pages) // 2)}


def _margins(page: Page) -> list[Line]:
    return [*page[:_MARGIN_LINES], *page[-_MARGIN_LINES:]]


def _body(page: Page, running: set[str]) -> list[Line]:
    """A page without its header, footer and number."""
    outer = {id(line) for line in _margins(page)}
    ends = {id(line) for line in (*page[:1], *page[-1:])}
    return [
        line
        for line in page
        if not (id(line) in outer and line.text in running)
        and not (id(line) in ends and _PAGE_NUMBER.match(line.text))
    ]


def _blocks(lines: Sequence[Line], looks: _Looks) -> Iterator[str]:
    position = 0
    while position < len(lines):
        end = _table_end(lines, position)
        if end > position:
            yield _table(lines[position:end])
        else:
            end = _paragraph_end(lines, position, looks)
            yield _paragraph(lines[position:end], looks)
        position = end


def _table_end(lines: Sequence[Line], start: int) -> int:
    """Where a table that starts here ends; `start` if none does.

    Within a table, a line of one cell is the name of a group of rows or the
    first line of a long one: it belongs to it if a row follows close below.
    """
    end, position = start, start
    while position < len(lines):
        line = lines[position]
        if position > start and _gap(lines[position - 1], line) > _TABLE_GAP * line.height:
            break
        if _is_row(line):
            end = position + 1
        elif position == start or position - end >= 2:
            break
        position += 1
    return end if any(map(_is_row, lines[start:end])) else start


def _table(lines: Sequence[Line]) -> str:
    rows: list[list[str]] = []
    left = min(line.left for line in lines)
    header = len(lines) > 1 and lines[0].left - left > 3 * lines[0].height
    for number, line in enumerate(lines):
        cells = [cell.text for cell in line.cells]
        if number == 0 and header:
            cells = ["", *cells]
        above = lines[number - 1] if number else None
        if above is not None and not _is_row(above) and cells[0].lstrip("(")[:1].islower():
            cells[0] = f"{rows.pop()[0]} {cells[0]}"  # a name of two lines
        rows.append(cells)
    return markdown.table(rows, header)


def _is_row(line: Line) -> bool:
    return len(line.cells) > 1 and not _BULLET.match(line.cells[0].text)


def _paragraph_end(lines: Sequence[Line], start: int, looks: _Looks) -> int:
    """Where the paragraph that starts here ends."""
    column = [lines[start]]
    for line in lines[start + 1 : start + _LONGEST]:
        if _is_row(line) or _apart(column[-1], line):
            break
        column.append(line)
    margin = _margin(column)
    end = start + 1
    for line, following in pairwise(column):
        if (
            _ends_early(line, following, margin)
            or _starts_anew(line, following)
            or (looks.is_short(line) and _is_sentence_end(line, following))
        ):
            break
        end += 1
    return end


def _margin(column: Sequence[Line]) -> float:
    """Where full lines end; a single one that sticks out says nothing."""
    furthest = sorted((line.right for line in column), reverse=True)[:2]
    if furthest[0] - furthest[-1] > column[0].height and len(column) > 2:
        return furthest[-1]
    return furthest[0]


def _apart(line: Line, following: Line) -> bool:
    """Whether two lines cannot be of one paragraph by their looks."""
    taller, lower = max(line.height, following.height), min(line.height, following.height)
    return (
        _gap(line, following) > _PARAGRAPH_GAP * lower
        or following.bottom > line.top  # the next column
        or taller > 1.15 * lower
        or line.bold != following.bold
    )


def _gap(line: Line, following: Line) -> float:
    return line.bottom - following.top


def _ends_early(line: Line, following: Line, margin: float) -> bool:
    """Whether the next line's first word would still have had room."""
    first = following.cells[0]
    word = first.text.split(" ")[0]
    width = (first.right - first.left) * len(word) / max(1, len(first.text))
    return line.right + width + line.height < margin


def _starts_anew(line: Line, following: Line) -> bool:
    if _BULLETED.match(following.text) or _BULLET.match(following.cells[0].text):
        return True
    indented = following.left - line.left > _INDENT * line.height
    return indented and _is_sentence_end(line, following)


def _is_sentence_end(line: Line, following: Line) -> bool:
    return line.text.endswith((".", "!", "?", ":", "”")) and not following.text[:1].islower()


def _paragraph(lines: Sequence[Line], looks: _Looks) -> str:
    text = _unwrapped(lines)
    if _BULLET.match(lines[0].cells[0].text) and len(lines[0].cells) > 1:
        return markdown.item(text.removeprefix(lines[0].cells[0].text).strip())
    if bullet := _BULLETED.match(text):
        return markdown.item(text[bullet.end() :])
    if _is_heading(text, lines, looks):
        return markdown.heading(text, 1 if lines[0].height > _LARGE * looks.height else 2)
    return text


def _unwrapped(lines: Sequence[Line]) -> str:
    """The lines as one; words that were divided between two are whole again."""
    text = lines[0].text
    for line in lines[1:]:
        if text.endswith(_SOFT_HYPHEN):
            text = text[:-1] + line.text
        elif text.endswith("-") and text[-2:-1].isalpha() and line.text[:1].islower():
            text += line.text
        else:
            text = f"{text} {line.text}"
    return text


def _is_heading(text: str, lines: Sequence[Line], looks: _Looks) -> bool:
    """Short, set apart by its looks, and no statement: a heading cannot be quoted."""
    apart = all(line.bold or line.height > _LARGE * looks.height for line in lines)
    name = _NUMBERING.sub("", text, count=1)
    return (
        apart
        and looks.leads(lines[0])
        and not text.startswith("(")
        and len(text.split()) <= _HEADING_WORDS
        and any(character.isalpha() for character in name)
        and not any(character.isdigit() for character in name)
        and not text.endswith((".", ",", ";", ":"))
    )
