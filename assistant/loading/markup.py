"""A tree of elements → Markdown: XHTML, and the tree that trafilatura makes of a page."""

from __future__ import annotations

from typing import Any

from lxml import etree, html

from assistant.loading import markdown

_SKIPPED = frozenset("script style template svg math nav title iframe object noscript".split())
_BLOCKS = frozenset(
    "address article aside blockquote body caption dd details div dl dt fieldset figcaption figure"
    " footer form header hr legend li main ol p pre quote section summary ul item list".split()
)
_ITEMS = frozenset(["li", "item"])
_BREAKS = frozenset(["br", "lb"])
_ROWS = frozenset(["tr", "row"])
_CELLS = frozenset(["td", "th", "cell"])
_HEADINGS = {f"h{level}": level for level in range(1, 7)}

_EVENTS = ("start", "end", "comment", "pi")


def parse_html(content: bytes | str, encoding: str | None = None) -> Any:
    """The root of an HTML page, whatever is wrong with it.

    Raises:
        lxml.etree.ParserError: there is nothing in it.
    """
    if isinstance(content, str):
        content, encoding = content.encode("utf-8", "replace"), "utf-8"
    return html.document_fromstring(content, parser=html.HTMLParser(encoding=encoding))


def to_markdown(root: Any) -> str:
    """The text of an element, or of the body of a page, block by block."""
    if _name(root) == "html":
        root = root.find(".//body")
    writer = _Writer()
    walk = etree.iterwalk(root, events=_EVENTS)
    for event, element in walk:
        if event == "start":
            if _name(element) in _SKIPPED:
                walk.skip_subtree()
            else:
                writer.open(element)
                writer.write(element.text)
            continue
        if event == "end":
            writer.close(element)
        if element is not root:
            writer.write(element.tail)
    return markdown.joined([*writer.blocks, *writer.rest()])


class _Writer:
    """Blocks of Markdown, from elements as they open and close.

    Inside a table everything goes into cells. A table that holds another one is
    there for the layout: it is read as if it were none.
    """

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self._text: list[str] = []
        self._heading = 0
        self._is_item = False
        self._in_table = False
        self._rows: list[list[str]] = []
        self._has_header = False

    def open(self, element: Any) -> None:
        name = _name(element)
        if name == "table" and element.find(".//table") is None:
            self._flush()
            self._in_table, self._rows, self._has_header = True, [], False
        elif self._in_table:
            self._open_in_table(name, element)
        elif level := _level(element):
            self._flush()
            self._heading = level
        elif name in _BLOCKS or name in _ROWS or name in _CELLS:
            self._flush()
            self._is_item = name in _ITEMS or (name == "p" and self._is_item)
        elif name in _BREAKS:
            self.write(" ")

    def close(self, element: Any) -> None:
        name = _name(element)
        if name == "table" and self._in_table:
            self.blocks.append(markdown.table(self._rows, self._has_header))
            self._in_table, self._text = False, []
        elif self._in_table:
            if name in _CELLS and self._rows:
                self._rows[-1].append(self._take())
            elif name in _BLOCKS:
                self.write(" ")
        elif _level(element) or name in _BLOCKS or name in _ROWS or name in _CELLS:
            self._flush()
            if _level(element) or name in _ITEMS:
                self._heading, self._is_item = 0, False

    def write(self, text: str | None) -> None:
        if text:
            self._text.append(text)

    def rest(self) -> list[str]:
        """What was never closed, of a broken page."""
        return [markdown.table(self._rows) if self._in_table else "", self._take()]

    def _open_in_table(self, name: str, element: Any) -> None:
        if name in _ROWS:
            self.blocks.append(self._take())  # a caption
            self._rows.append([])
        elif name in _CELLS:
            self._text = []
            if len(self._rows) == 1:
                self._has_header = name == "th" or element.get("role") == "head"
        elif name in _BLOCKS or name in _BREAKS or _level(element):
            self.write(" ")

    def _flush(self) -> None:
        text = self._take()
        if self._heading:
            self.blocks.append(markdown.heading(text, self._heading))
        elif self._is_item:
            self.blocks.append(markdown.item(text))
        else:
            self.blocks.append(text)
        if text:
            self._heading, self._is_item = 0, False

    def _take(self) -> str:
        text = markdown.one_line("".join(self._text))
        self._text = []
        return text


def _name(element: Any) -> str:
    """An element's name without its namespace; "" of a comment."""
    return etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""


def _level(element: Any) -> int:
    """The level of a heading; 0 of anything else. Trafilatura's headings are `head rend="h2"`."""
    name = _name(element)
    return _HEADINGS.get(element.get("rend", "h2") if name == "head" else name, 0)
