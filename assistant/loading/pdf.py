"""PDF: the lines of each page and where they stand, by PDFium."""

from __future__ import annotations

import ctypes
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
        return [line for line in _lines(text) if line.cells]
    finally:
        text.close()
        page.close()


def _lines(text: Any) -> Iterator[Line]:
    line = _LineBuilder(text)
    for index in range(text.count_chars()):
        character = chr(pdfium.FPDFText_GetUnicode(text, index))
        if character in "\r\n":
            yield line.build()
            line = _LineBuilder(text)
        else:
            line.add(index, character)
    yield line.build()


class _LineBuilder:
    """A line as its characters come in."""

    def __init__(self, text: Any) -> None:
        self._text = text
        self._box = pdfium.FS_RECTF()
        self._cells: list[Cell] = []
        self._characters = ""
        self._left = self._right = 0.0
        self._bottoms: list[float] = []
        self._tops: list[float] = []
        self._bold = 0

    def add(self, index: int, character: str) -> None:
        if character.isspace() or not pdfium.FPDFText_GetLooseCharBox(self._text, index, self._box):
            self._characters += " "
            return
        box = self._box
        if self._characters.strip() and box.left - self._right > CELL_GAP * (box.top - box.bottom):
            self._end_cell()
        if not self._characters.strip():
            self._characters, self._left = "", box.left
            self._bold += _is_bold(self._text, index)
        self._characters += "\u00ad" if character == _WRAPPED else character
        self._right = box.right
        self._bottoms.append(box.bottom)
        self._tops.append(box.top)

    def build(self) -> Line:
        self._end_cell()
        bottom, top = min(self._bottoms, default=0.0), max(self._tops, default=0.0)
        bold = self._bold == len(self._cells) > 0
        return Line(tuple(self._cells), bottom, top, bold)

    def _end_cell(self) -> None:
        if text := " ".join(self._characters.split()):
            self._cells.append(Cell(text, self._left, self._right))
        self._characters = ""


def _is_bold(text: Any, index: int) -> bool:
    name = ctypes.create_string_buffer(_NAME_BYTES)
    pdfium.FPDFText_GetFontInfo(text, index, name, _NAME_BYTES, ctypes.c_int())
    return b"Bold" in name.value or pdfium.FPDFText_GetFontWeight(text, index) >= _BOLD
