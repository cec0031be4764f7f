"""One table from suffix to reader, and the one place where a library's errors become ours."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import Extract, Limits
from assistant.segmentation import split_blocks, split_sentences

Reader = Callable[[bytes, Limits], Extract]

# A module of this package and its reader, imported when a file needs it.
READERS = {
    ".md": "plain.read_text",
    ".markdown": "plain.read_text",
    ".txt": "plain.read_text",
    ".csv": "tables.read_csv",
    ".tsv": "tables.read_csv",
    ".xlsx": "tables.read_xlsx",
    ".html": "html.read_html",
    ".htm": "html.read_html",
    ".xhtml": "html.read_html",
    ".pdf": "pdf.read_pdf",
    ".docx": "office.read_docx",
    ".pptx": "office.read_pptx",
    ".eml": "mail.read_eml",
    ".epub": "epub.read_epub",
}

# Plain enough to be read without a process of its own.
SIMPLE = frozenset([".md", ".markdown", ".txt", ".csv", ".tsv"])

# Formats that people have and nothing reads, and what their programs can save instead.
_SAVE_AS = {
    ".doc": ".docx", ".rtf": ".docx", ".odt": ".docx", ".xls": ".xlsx", ".ods": ".xlsx",
    ".ppt": ".pptx", ".odp": ".pptx", ".msg": ".eml", ".mhtml": ".html",
}  # fmt: skip


def check_suffix(suffix: str) -> None:
    """See that there is a reader for files with this suffix, in lower case.

    Raises:
        UnreadableDocument: there is none, and what to do.
    """
    if suffix in READERS:
        return
    if suffix in _SAVE_AS:
        raise UnreadableDocument(f"{suffix} cannot be read; save it as {_SAVE_AS[suffix]}")
    raise UnreadableDocument(
        f"{suffix or 'a file without a suffix'} cannot be read, only "
        f"{', '.join(sorted(READERS))}; move it away"
    )


def extract(suffix: str, content: bytes, limits: Limits) -> Extract:
    """The text of a file's bytes.

    Raises:
        UnreadableDocument: why there is none.
    """
    module, _, name = READERS[suffix].partition(".")
    read: Reader = getattr(import_module(f"assistant.loading.{module}"), name)
    try:
        found = read(content, limits)
    except UnreadableDocument:
        raise
    except MemoryError as error:
        raise UnreadableDocument("it takes too much memory to read; divide it") from error
    except Exception as error:  # what a library raises at a broken file is anybody's guess
        raise UnreadableDocument(
            f"not a whole {suffix} file ({type(error).__name__}); "
            "see that it opens in its own program, and copy it here again"
        ) from error
    if len(found.text) > limits.characters:
        raise UnreadableDocument(
            f"{len(found.text):,} characters, more than {limits.characters:,}; divide it"
        )
    if not _has_sentence(found.text):
        raise UnreadableDocument("there is no sentence in it; move it away")
    return found


def _has_sentence(text: str) -> bool:
    """Whether there is anything that could be quoted."""
    return any(split_sentences(text, block) for block in split_blocks(text))
