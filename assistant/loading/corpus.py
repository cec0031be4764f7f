"""Files → documents, and the files that are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import EmptyCorpus, UnreadableDocument
from assistant.loading import plain
from assistant.loading.about import describe
from assistant.loading.extracts import LIMITS, Limits, clean, with_newlines
from assistant.loading.files import SIDECAR, check_file, corpus_files, read_bytes
from assistant.loading.formats import SIMPLE, check_suffix, extract
from assistant.loading.front_matter import FrontMatter, Sidecar, check, split_front_matter
from assistant.loading.process import ReadingProcess

if TYPE_CHECKING:  # LlamaIndex takes a second to import, and the reading process needs none
    from llama_index.core.schema import Document

MARKDOWN = (".md", ".markdown")


@dataclass(frozen=True)
class Loaded:
    """What a folder holds: documents in the order of their ids, and what could not be read."""

    documents: tuple[Document, ...]
    failures: tuple[UnreadableDocument, ...]

    @classmethod
    def of(cls, results: Iterable[Document | UnreadableDocument]) -> Loaded:
        """The results of `read_corpus`, each on its side."""
        documents: list[Document] = []
        failures: list[UnreadableDocument] = []
        for result in results:
            if isinstance(result, UnreadableDocument):
                failures.append(result)
            else:
                documents.append(result)
        return cls(tuple(sorted(documents, key=lambda d: d.doc_id)), tuple(failures))


def load_corpus(corpus_dir: Path, digests: bool = True, limits: Limits = LIMITS) -> list[Document]:
    """Every document under a folder, in the order of their ids: see `read_corpus`.

    Raises:
        EmptyCorpus: there is no document.
        UnreadableDocument: the first one with a missing or broken part.
    """
    documents: list[Document] = []
    for result in read_corpus(corpus_dir, digests, limits):
        if isinstance(result, UnreadableDocument):
            raise result
        documents.append(result)
    return sorted(documents, key=lambda d: d.doc_id)


def read_corpus(
    corpus_dir: Path, digests: bool = True, limits: Limits = LIMITS
) -> Iterator[Document | UnreadableDocument]:
    """A document, or why there is none, for each file under a folder, in the order of paths.

    Hidden files, the lock files of Office and the folder's own README.md are
    not documents. Nothing else is skipped. With `digests`, every Markdown file
    has to be one, with all its fields; without, it may say what it likes.

    Raises:
        EmptyCorpus: there is no file.
    """
    if not corpus_dir.is_dir():
        raise EmptyCorpus(f"no folder {corpus_dir}: set DIAMOND_CORPUS_DIR to where documents are")
    files = corpus_files(corpus_dir)
    if not files:
        raise EmptyCorpus(f"no documents under {corpus_dir}: put files there, such as .md or .pdf")
    first: dict[str, Path] = {}
    with ReadingProcess(limits) as process:
        for path in files:
            try:
                document = _load(path, corpus_dir, digests, limits, process)
                _refuse_second(document.doc_id, path, first)
            except UnreadableDocument as error:
                yield error
            else:
                yield document


def load_document(
    path: Path, corpus_dir: Path, digests: bool = True, limits: Limits = LIMITS
) -> Document:
    """One document.

    Its metadata holds title, publisher, kind and topics; published (ISO text),
    url and language where they are known; and `page`, the page behind the
    document: its address, or the document's id where it has none. Two documents
    with one page are one source. Where the file itself has pages, `pages` says
    where in the text they begin: see `page_of`.

    Raises:
        UnreadableDocument: which file, what is wrong with it, and what to do.
    """
    with ReadingProcess(limits) as process:
        return _load(path, corpus_dir, digests, limits, process)


def _load(
    path: Path, corpus_dir: Path, digests: bool, limits: Limits, process: ReadingProcess
) -> Document:
    try:
        check_file(path, corpus_dir)
        if path.name.endswith(SIDECAR):
            raise UnreadableDocument("there is no such file as it describes; move it away")
        suffix = path.suffix.lower()
        check_suffix(suffix)
        content = read_bytes(path, limits.file_bytes)
        doc_id = path.relative_to(corpus_dir).with_suffix("").as_posix()
        if digests and suffix in MARKDOWN:
            return _digest(doc_id, content)
        found = (
            extract(suffix, content, limits)
            if suffix in SIMPLE
            else process.extract(suffix, content)
        )
    except UnreadableDocument as error:
        raise UnreadableDocument(error.reason, path) from error
    sidecar = _sidecar(path.with_name(path.name + SIDECAR), corpus_dir, limits)
    return _document(doc_id, found.text, describe(path, doc_id, found, sidecar))


def _digest(doc_id: str, content: bytes) -> Document:
    """A digest, which says everything about itself in its front matter."""
    parts = split_front_matter(with_newlines(plain.decode(content)))
    if parts is None:
        raise UnreadableDocument("no front matter; expected the fields between two lines of ---")
    header, text = parts
    fields = check(header, FrontMatter)
    if fields.id != doc_id:
        raise UnreadableDocument(f"field 'id' is {fields.id!r}; expected {doc_id!r}")
    if not text.strip():
        raise UnreadableDocument("there is no text after the front matter")
    metadata = fields.model_dump(mode="json", exclude={"id"}, exclude_none=True)
    return _document(doc_id, clean(text), {**metadata, "page": fields.url or fields.id})


def _sidecar(path: Path, corpus_dir: Path, limits: Limits) -> dict[str, Any]:
    """What the file beside a document says about it."""
    if not path.exists():
        return {}
    try:
        check_file(path, corpus_dir)
        content = read_bytes(path, limits.file_bytes)
        fields = check(with_newlines(plain.decode(content)), Sidecar)
    except UnreadableDocument as error:
        raise UnreadableDocument(error.reason, path) from error
    return fields.model_dump(mode="json", exclude_none=True)


def _document(doc_id: str, text: str, metadata: dict[str, Any]) -> Document:
    from llama_index.core.schema import Document

    return Document(id_=doc_id, text=text, metadata=metadata)


def _refuse_second(doc_id: str, path: Path, first: dict[str, Path]) -> None:
    if first.setdefault(doc_id, path) != path:
        raise UnreadableDocument(
            f"it would have the id {doc_id!r}, which {first[doc_id]} has; rename one of them", path
        )
