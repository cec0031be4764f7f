"""DOCX and PPTX: what is written in a document or on slides, in reading order."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from assistant.loading import markdown
from assistant.loading.archives import open_archive
from assistant.loading.extracts import Extract, Limits
from assistant.loading.properties import parse_xml, properties

_HEADING = re.compile(r"^heading (\d)$", re.IGNORECASE)
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_HEADER_ROW = f"{_WORD}tr/{_WORD}trPr/{_WORD}tblHeader"

# What stands in a file twice, or where it no longer is.
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MOVED = f"{_WORD}moveFrom"

_SIGNS = {f"{_WORD}tab": " ", f"{_WORD}br": " ", f"{_WORD}cr": " ", f"{_WORD}noBreakHyphen": "-"}

_MARGINS = frozenset(["SLIDE_NUMBER", "FOOTER", "DATE"])


def read_docx(content: bytes, limits: Limits) -> Extract:
    """A text document: headings, paragraphs, lists, tables, and its notes at the end."""
    import docx

    with open_archive(content, limits) as archive:
        declared = properties(archive)
    document = docx.Document(io.BytesIO(content))
    etree.strip_elements(document.element.body, _FALLBACK, _MOVED, with_tail=False)
    styles = {style.style_id: style.name or "" for style in document.styles}
    blocks = _docx_blocks(document.element.body, styles)
    return Extract.of(markdown.joined([*blocks, *_notes(document.part)]), **declared)


def read_pptx(content: bytes, limits: Limits) -> Extract:
    """A presentation: a slide is a page, its title a heading, its notes follow it."""
    import pptx

    with open_archive(content, limits) as archive:
        declared = properties(archive)
    presentation = pptx.Presentation(io.BytesIO(content))
    slides = (markdown.joined(_slide_blocks(slide)) for slide in presentation.slides)
    return Extract.of_pages(slides, **declared)


def _docx_blocks(parent: Any, styles: dict[str, str]) -> Iterator[str]:
    for element in parent.iterchildren(f"{_WORD}p", f"{_WORD}tbl", f"{_WORD}sdt"):
        if element.tag == f"{_WORD}p":
            yield _paragraph(element, styles)
        elif element.tag == f"{_WORD}tbl":
            yield _docx_table(element)
        else:  # a field to fill in, such as a table of contents
            for content in element.iterchildren(f"{_WORD}sdtContent"):
                yield from _docx_blocks(content, styles)


def _paragraph(element: Any, styles: dict[str, str]) -> str:
    properties = element.find(f"{_WORD}pPr")
    style, is_item = "", False
    if properties is not None:
        named = properties.find(f"{_WORD}pStyle")
        style = styles.get(named.get(f"{_WORD}val"), "") if named is not None else ""
        is_item = properties.find(f"{_WORD}numPr") is not None or style.startswith("List")
    text = _docx_text(element)
    if style == "Title":
        return markdown.heading(text, 1)
    if level := _HEADING.match(style):
        return markdown.heading(text, int(level[1]))
    return markdown.item(text) if is_item else markdown.one_line(text)


def _docx_table(element: Any) -> str:
    """A table; one of a single cell is a frame around text."""
    rows = [
        [_all_text(cell) for cell in row.iterchildren(f"{_WORD}tc")]
        for row in element.iterchildren(f"{_WORD}tr")
    ]
    if len(rows) == 1 and len(rows[0]) == 1:
        return markdown.one_line(rows[0][0])
    return markdown.table(rows, header=element.find(_HEADER_ROW) is not None)


def _all_text(element: Any) -> str:
    return " ".join(map(_docx_text, element.iter(f"{_WORD}p")))


def _docx_text(paragraph: Any) -> str:
    """The text of a paragraph as it reads with all changes accepted.

    python-docx's own `text` leaves out what was inserted while changes were tracked.
    """
    pieces = []
    for element in paragraph.iter(f"{_WORD}t", *_SIGNS):
        pieces.append(_SIGNS.get(element.tag, element.text or ""))
    return "".join(pieces)


def _notes(part: Any) -> Iterator[str]:
    """Footnotes and endnotes."""
    for relation in part.rels.values():
        kind = relation.reltype.rpartition("/")[2]
        if kind in ("footnotes", "endnotes") and not relation.is_external:
            for note in parse_xml(relation.target_part.blob).iterchildren():
                yield markdown.one_line(_all_text(note))


def _slide_blocks(slide: Any) -> Iterator[str]:
    title = slide.shapes.title
    blocks = [block for shape in slide.shapes for block in _shape_blocks(shape, title)]
    if title is not None:
        text = title.text_frame.text
        yield markdown.heading(text) if any(blocks) else markdown.one_line(text)
    yield from blocks
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield from _lines(slide.notes_slide.notes_text_frame)


def _shape_blocks(shape: Any, title: Any) -> Iterator[str]:
    if shape.is_placeholder and shape.placeholder_format.type.name in _MARGINS:
        return
    if title is not None and shape.shape_id == title.shape_id:
        return
    if hasattr(shape, "shapes"):  # a group
        for inner in shape.shapes:
            yield from _shape_blocks(inner, title)
    elif getattr(shape, "has_table", False):
        rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
        yield markdown.table(rows, header=shape.table.first_row)
    elif shape.has_text_frame:
        yield from _lines(shape.text_frame)


def _lines(frame: Any) -> Iterator[str]:
    """The paragraphs of a text frame; where there are several, they are a list."""
    texts = [paragraph.text for paragraph in frame.paragraphs if paragraph.text.strip()]
    for text in texts:
        yield markdown.item(text) if len(texts) > 1 else markdown.one_line(text)
