"""Files → documents: Markdown, text, HTML, PDF, DOCX, PPTX, XLSX, CSV, EML and EPUB.

A document's id is its path inside the corpus, without the suffix. Its text is
what every offset counts in: Markdown or what a reader makes of another format,
with one kind of line end. A digest is Markdown whose front matter says
everything about it; other files say what they can, and a file beside them,
NAME.SUFFIX.meta.yaml, what they should have said.

    corpus.py                     files → documents and failures
    ├── files.py                  which files, and the bytes of one
    ├── process.py                a process of its own for what may crash or hang
    │   └── formats.py            suffix → reader
    │       ├── plain.py          Markdown and text
    │       ├── tables.py         CSV, XLSX
    │       ├── html.py, epub.py, mail.py ─ markup.py
    │       ├── office.py         DOCX, PPTX
    │       └── pdf.py ─ layout.py
    └── about.py                  what is known of a document ─ front_matter.py
    pages.py                      page_of
"""

from assistant.loading.corpus import (
    Corpus,
    CorpusDocuments,
    CorpusFolders,
    Found,
    load_corpus,
    load_document,
)
from assistant.loading.extracts import LIMITS, Limits
from assistant.loading.front_matter import EXPECTED
from assistant.loading.pages import page_of

# Raise it when a reader changes what it makes of a file, so that indexes are built anew.
LOADER_VERSION = 1

__all__ = [
    "EXPECTED",
    "LIMITS",
    "LOADER_VERSION",
    "Corpus",
    "CorpusDocuments",
    "CorpusFolders",
    "Found",
    "Limits",
    "load_corpus",
    "load_document",
    "page_of",
]
