"""PDF: the lines of each page and where they stand, by PDFium."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import Extract, Limits
from assistant.loading.layout import CELL_GAP, Cell, Line, Page, pages_to_markdown

# Programs that print a page from the web: their date is the day it was printed.
_PRINTERS = ("Chromium", "Mozilla", "wkhtmltopdf", "HeadlessChrome")

_BOLD = 600  # weight of a font from which it is bold
_NAME_BYTES = 128
_WORD_GAP = 0.15  # of a character's height: a space, where PDFium is not sure
_SOFT_HYPHEN = "\u00ad"
_WRAPPED = "\x02"  # PDFium's sign for the hyphen of a word that goes on in the next line


def read_pdf(content: bytes, limits: Limits) -> Extract:
    """The text of a PDF, page by page."""
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise UnreadableDocument("protected by a password; save it without one") from error
        raise
    if len(document) > limits.pages:
        raise UnreadableDocument(f"{len(document):,} pages, more than {limits.pages:,}; divide it")
    pages = [_lines_of(document, number) for number in range(len(document))]
    if pages and not any(pages):
        raise UnreadableDocument(
            "no text on any of its pages, as in a scan; run text recognition (OCR) over it"
        )
    return Extract.of_pages(pages_to_markdown(pages), **_declared(document))


def _declared(document: Any) -> dict[str, Any]:
    said = document.get_metadata_dict(skip_empty=True)
    printed = said.get("Creator", "").startswith(_PRINTERS)
    day = said.get("CreationDate", "").removeprefix("D:")[:8]
    return {
        "title": said.get("Title"),
        "publisher": said.get("Author"),
        "published": None if printed else f"{day[:4]}-{day[4:6]}-{day[6:]}",
        "topics": said.get("Keywords"),
        "language": _language(document),
    }


def _language(document: Any) -> str:
    size = pdfium.FPDFCatalog_GetLanguage(document, None, 0)
    buffer = ctypes.create_string_buffer(size)
    wide = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort))
    pdfium.FPDFCatalog_GetLanguage(document, wide, size)
    return buffer.raw.decode("utf-16-le", "ignore").rstrip("\0")


def _lines_of(document: Any, number: int) -> Page:
    page = document[number]
    text = page.get_textpage()
    try:
        return list(_lines(text))
    finally:
        text.close()
        page.close()


def _lines(text: Any) -> Iterator[Line]:
    """The lines of a page in the order of its content, put together from where characters stand.

    PDFium's own line ends are not enough: on a page with few words it may end a
    line after every letter.
    """
    line: _LineBuilder | None = None
    for index in range(text.count_chars()):
        character = chr(pdfium.FPDFText_GetUnicode(text, index))
        box = pdfium.FS_RECTF()
        if character.isspace() or not pdfium.FPDFText_GetLooseCharBox(text, index, box):
            if line is not None:
                line.space(certain=character not in "\r\n")
            continue
        if line is None or not line.goes_on(box):
            if line is not None:
                yield line.build()
            line = _LineBuilder(_direction(text, index), _is_bold(text, index))
        line.add(_SOFT_HYPHEN if character == _WRAPPED else character, box)
    if line is not None:
        yield line.build()


class _LineBuilder:
    """A line as its characters come in; `direction` is in which way it runs, in quarter turns."""

    def __init__(self, direction: int, bold: bool) -> None:
        self._direction = direction
        self._bold = bold
        self._cells: list[Cell] = []
        self._characters: list[str] = []
        self._left = self._start = self._right = 0.0
        self._bottom, self._top = math.inf, -math.inf
        self._space = ""

    def goes_on(self, box: Any) -> bool:
        """Whether a character stands in this line, right of the last one or just left of it."""
        left, bottom, right, top = self._turned(box)
        height = self._top - self._bottom
        return self._bottom <= (bottom + top) / 2 <= self._top and (
            left > self._right - height or abs(right - self._left) < height
        )

    def space(self, certain: bool) -> None:
        """There is white space here, or a gap may be some."""
        self._space = " " if certain else self._space or "?"

    def add(self, character: str, box: Any) -> None:
        left, bottom, right, top = self._turned(box)
        height = top - bottom
        gap = left - self._right
        if self._characters and gap > CELL_GAP * height:
            self._end_cell()
        if not self._characters:
            self._start = left
        elif self._space == " " or (self._space and gap > _WORD_GAP * height):
            self._characters.append(" ")
        self._characters.append(character)
        self._left, self._right, self._space = left, right, ""
        self._bottom, self._top = min(self._bottom, bottom), max(self._top, top)

    def build(self) -> Line:
        self._end_cell()
        return Line(tuple(self._cells), self._bottom, self._top, self._bold)

    def _end_cell(self) -> None:
        self._cells.append(Cell("".join(self._characters), self._start, self._right))
        self._characters = []

    def _turned(self, box: Any) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a box as this line's reader sees it."""
        left, bottom, right, top = box.left, box.bottom, box.right, box.top
        for _ in range(self._direction):
            left, bottom, right, top = bottom, -right, top, -left
        return left, bottom, right, top


def _direction(text: Any, index: int) -> int:
    """In which way a character's line runs: 0 to the right, 1 upwards, 2 to the left, 3 down."""
    angle: float = pdfium.FPDFText_GetCharAngle(text, index)
    return -round(angle / (math.pi / 2)) % 4  # PDFium counts clockwise, and -1 is no angle


def _is_bold(text: Any, index: int) -> bool:
    name = ctypes.create_string_buffer(_NAME_BYTES)
    pdfium.FPDFText_GetFontInfo(text, index, name, _NAME_BYTES, ctypes.c_int())
    return b"Bold" in name.value or pdfium.FPDFText_GetFontWeight(text, index) >= _BOLD
