"""Markdown and plain text: what they are is what they say."""

from __future__ import annotations

import codecs

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import Extract, Limits, clean
from assistant.loading.front_matter import peek, split_front_matter

# The longer ones first: the mark of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(content: bytes, limits: Limits) -> Extract:
    """A text file; fields between two lines of --- at its top are no part of the text."""
    text = clean(decode(content))
    header, body = split_front_matter(text) or ("", text)
    declared = peek(header)
    return Extract(body, declared=declared) if declared else Extract(text)


def decode(content: bytes, declared: str | None = None) -> str:
    """The characters of a text: in the encoding that its mark or the text itself names, or UTF-8.

    Raises:
        UnreadableDocument: it is in another.
    """
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    encoding = marked or declared or "utf-8"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        name = "UTF-8" if encoding.startswith("utf-8") else encoding
        raise UnreadableDocument(
            f"byte {error.start} is not {name}; save the file as UTF-8"
        ) from error
    except LookupError as error:
        raise UnreadableDocument(
            f"nobody knows the encoding {encoding!r}; save the file as UTF-8"
        ) from error
