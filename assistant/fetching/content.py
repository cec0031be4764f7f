"""What was fetched: which of the formats that are read, in which encoding."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from pathlib import PurePosixPath

from assistant.errors import FetchError, UnreadableDocument
from assistant.loading.archives import open_archive
from assistant.loading.extracts import LIMITS
from assistant.loading.formats import READERS

_OFFICE = "application/vnd.openxmlformats-officedocument."
_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/pdf": ".pdf",
    "application/x-pdf": ".pdf",
    _OFFICE + "wordprocessingml.document": ".docx",
    _OFFICE + "presentationml.presentation": ".pptx",
    _OFFICE + "spreadsheetml.sheet": ".xlsx",
    "message/rfc822": ".eml",
    "application/epub+zip": ".epub",
}
# What servers say of a file that they know nothing of; the first is to say nothing.
_ANYTHING = frozenset(
    " text/plain binary/octet-stream application/octet-stream application/x-download"
    " application/download application/force-download application/zip"
    " application/x-zip-compressed".split(" ")
)
# A part that only an archive of this format has.
_PARTS = {
    "word/document.xml": ".docx",
    "ppt/presentation.xml": ".pptx",
    "xl/workbook.xml": ".xlsx",
    "META-INF/container.xml": ".epub",
}
_HTML = re.compile(rb"<(?:!doctype\s+)?html\b")
_WITHIN = 1024  # bytes, for a mark at the beginning

_TEXT = frozenset([".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".csv", ".tsv"])
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What browsers take a declared encoding for: the larger one that its users meant.
_LARGER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
# Python's names for what is no encoding of a page; two of them take ages over a long one.
_NO_ENCODINGS = frozenset(["idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7"])


@dataclass(frozen=True)
class Fetched:
    """What an address gave.

    `url` is the address that gave it in the end, `suffix` that of a format that
    is read, `content` bytes for its reader: where the server named the encoding
    of a text, in UTF-8 with its mark. `at` is the moment, in UTC.
    """

    url: str
    content: bytes
    suffix: str
    at: datetime


def understand(content_type: str, path: str, content: bytes) -> tuple[str, bytes]:
    """The suffix for what a server gave, and its bytes for the reader.

    Raises:
        FetchError: it is in no format or encoding that is read.
    """
    header = Message()
    header["Content-Type"] = content_type
    kind = header.get_content_type() if content_type else ""
    suffix = _suffix(kind, path, content)
    charset = header.get_content_charset()
    return suffix, _as_utf8(content, charset) if charset and suffix in _TEXT else content


def _suffix(kind: str, path: str, content: bytes) -> str:
    if kind in _SUFFIXES:
        return _SUFFIXES[kind]
    named = PurePosixPath(path).suffix.lower()
    if kind in _ANYTHING:
        if named in READERS:
            return named
        if sniffed := _sniff(content):
            return sniffed
        if kind == "text/plain" and b"\0" not in content[:_WITHIN]:
            return ".txt"
    raise FetchError(
        f"its server calls it {kind or 'nothing'!r}, and only {', '.join(sorted(READERS))} can be "
        "read; give the address of a page or a document"
    )


def _sniff(content: bytes) -> str | None:
    """The suffix that the content itself suggests."""
    head = content[:_WITHIN]
    if b"%PDF-" in head:
        return ".pdf"
    if head.lstrip(codecs.BOM_UTF8 + b" \t\r\n").startswith(b"<") and _HTML.search(head.lower()):
        return ".html"
    if head.startswith(b"PK"):
        try:
            with open_archive(content, LIMITS) as archive:
                names = set(archive.namelist())
        except UnreadableDocument as error:
            raise FetchError(error.reason) from error
        return next((suffix for part, suffix in _PARTS.items() if part in names), None)
    return None


def _as_utf8(content: bytes, charset: str) -> bytes:
    """A text in UTF-8 with its mark, which readers believe before anything that it declares.

    A mark that is there already comes first, as in a browser; an encoding that
    nobody knows is left for the reader to find in the text.
    """
    if content.startswith(_MARKS):
        return content
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return content
    if name in _NO_ENCODINGS:
        return content
    for encoding in (_LARGER.get(name, name), name):
        try:
            return content.decode(encoding).encode("utf-8-sig")
        except (UnicodeError, LookupError):
            continue
    raise FetchError(f"it is not {charset}, as its server says; save it from a browser as UTF-8")
