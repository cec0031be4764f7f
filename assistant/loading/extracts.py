"""What a reader makes of a file's bytes, and how much it may make of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MIB = 1024 * 1024

# Joins and breaks words on a screen and is in the way of whoever looks for them.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_LIGATURES = {0xFB00 + i: text for i, text in enumerate("ff fi fl ffi ffl st st".split())}
_BREAKS = dict.fromkeys(map(ord, "\x0b\x0c\x85\u2028\u2029"), "\n")
_CONTROLS = {
    code: None
    for code in [*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
    if chr(code) not in "\t\n"
}
_UNWANTED = _CONTROLS | _INVISIBLE | _LIGATURES | _BREAKS

# What stands between two pages in a text.
_PAGE_BREAK = "\n\n"


@dataclass(frozen=True)
class Limits:
    """The most that is read of one file. What exceeds it is reported, never cut."""

    file_bytes: int = 100 * MIB
    unpacked_bytes: int = 400 * MIB  # of a file that is a ZIP archive
    parts: int = 10_000  # files in such an archive
    pages: int = 3_000
    characters: int = 5_000_000  # as many as a shelf of books
    seconds: int = 240
    memory: int = 4096 * MIB  # of the process that parses


LIMITS = Limits()


@dataclass(frozen=True)
class Extract:
    """The text of a file, where its pages begin, and what the file says about itself.

    `pages` holds the offset in `text` of each page's first character; it is
    empty where the format has no pages. `declared` has fields of a document as
    they were found: nobody has checked them.
    """

    text: str
    pages: tuple[int, ...] = ()
    declared: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, **declared: Any) -> Extract:
        """An extract without pages."""
        return cls(clean(text), declared=declared)

    @classmethod
    def of_pages(cls, pages: Iterable[str], **declared: Any) -> Extract:
        """An extract of pages; one that is blank begins where the text before it ends.

        >>> Extract.of_pages(["Owls wake.", "", "Gulls sleep."])
        Extract(text='Owls wake.\\n\\nGulls sleep.', pages=(0, 10, 12), declared={})
        """
        parts: list[str] = []
        starts: list[int] = []
        length = 0
        for page in pages:
            text = clean(page).strip()
            if text and length:
                parts.append(_PAGE_BREAK)
                length += len(_PAGE_BREAK)
            starts.append(length)
            parts.append(text)
            length += len(text)
        return cls("".join(parts), tuple(starts), declared)


def clean(text: str) -> str:
    """A text with one kind of line end and one spelling of each character.

    Accents are composed, ligatures spelt out; control characters, halves of
    characters and marks that nobody sees are left out.

    >>> clean("of\\ufb01ce\\r\\ncafe\\u0301\\x00")
    'office\\ncafé'
    """
    return unicodedata.normalize("NFC", with_newlines(text).translate(_UNWANTED))


def with_newlines(text: str) -> str:
    """A text with one kind of line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
