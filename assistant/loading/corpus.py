"""Files → documents, and the files that are none."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from assistant.errors import EmptyCorpus, UnreadableDocument
from assistant.loading import plain
from assistant.loading.about import describe
from assistant.loading.extracts import LIMITS, Limits, clean, with_newlines
from assistant.loading.files import SIDECAR, check_file, corpus_files, read_bytes
from assistant.loading.formats import SIMPLE, check_suffix, extract
from assistant.loading.front_matter import (
    OPENING,
    FrontMatter,
    Sidecar,
    check,
    peek,
    split_front_matter,
)
from assistant.loading.process import ReadingProcess

if TYPE_CHECKING:  # LlamaIndex takes a second to import, and the reading process needs none
    from llama_index.core.schema import Document

MARKDOWN = (".md", ".markdown")


@dataclass(frozen=True)
class Found:
    """One file of a corpus: its document, or why there is none.

    Neither, where the file is as it was when somebody read it before. The
    `fingerprint` is a hash of everything that the document is made from; it is
    empty where the file's bytes cannot be had.
    """

    path: Path
    doc_id: str
    fingerprint: str = ""
    document: Document | None = None
    failure: UnreadableDocument | None = None

    @classmethod
    def given(cls, document: Document) -> Found:
        """A document that comes from no file."""
        said = json.dumps([document.text, document.metadata], sort_keys=True)
        fingerprint = hashlib.sha256(said.encode()).hexdigest()
        return cls(Path(document.doc_id), document.doc_id, fingerprint, document)


class Corpus(Protocol):
    """Where documents come from: `origin` says where, for people."""

    @property
    def origin(self) -> Sequence[str]: ...
    def __len__(self) -> int: ...
    def read(self, known: Mapping[str, str]) -> Iterator[Found]:
        """Every file, in the order of paths.

        `known` has the fingerprints of documents that need not be read again,
        by document id.
        """
        ...


class CorpusDocuments:
    """Documents that are given, and come from no file."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self.origin: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self._documents)

    def read(self, known: Mapping[str, str] = MappingProxyType({})) -> Iterator[Found]:
        """A result for each document; see `Corpus.read`."""
        return map(Found.given, self._documents)


class CorpusFolders:
    """The files under some folders.

    Hidden files, the lock files of Office and the folders' own README.md are
    not documents. Nothing else is skipped. A Markdown file whose front matter
    has the document's id has to have all the fields of a digest; with `digests`,
    every one that has front matter.
    """

    def __init__(
        self, files: Sequence[tuple[Path, Path]], digests: bool = False, limits: Limits = LIMITS
    ) -> None:
        self._files = files
        self.origin: Sequence[str] = sorted({str(folder) for _, folder in files})
        self._digests = digests
        self._limits = limits

    @classmethod
    def open(
        cls, folders: Sequence[Path], digests: bool = False, limits: Limits = LIMITS
    ) -> CorpusFolders:
        """Look what there is.

        Raises:
            EmptyCorpus: there is no such folder, or no file in any of them.
        """
        for folder in folders:
            if not folder.is_dir():
                raise EmptyCorpus(
                    f"no folder {folder}: set DIAMOND_CORPUS_DIR to where documents are"
                )
            if not os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
                raise EmptyCorpus(f"the folder {folder} cannot be opened: see that you may read it")
        files = [(path, folder) for folder in folders for path in corpus_files(folder)]
        if not files:
            names = ", ".join(map(str, folders))
            raise EmptyCorpus(f"no documents under {names}: put files there, such as .md or .pdf")
        return cls(files, digests, limits)

    def __len__(self) -> int:
        return len(self._files)

    def read(self, known: Mapping[str, str] = MappingProxyType({})) -> Iterator[Found]:
        """A result for each file; see `Corpus.read`. A broken one costs nothing but itself."""
        first: dict[str, Path] = {}
        roots = {folder: os.path.realpath(folder) for folder in {f for _, f in self._files}}
        with ReadingProcess(self._limits) as process:
            for path, folder in self._files:
                doc_id = _id_of(path, folder)
                fingerprint = ""
                try:
                    source = _Source.read(path, doc_id, roots[folder], self._digests, self._limits)
                    fingerprint = source.fingerprint
                    _refuse_second(doc_id, path, first)
                    if known.get(doc_id) == fingerprint:
                        yield Found(path, doc_id, fingerprint)
                        continue
                    document = source.document(process)
                except UnreadableDocument as error:
                    named = error if error.file else UnreadableDocument(error.reason, path)
                    yield Found(path, doc_id, fingerprint, failure=named)
                else:
                    yield Found(path, doc_id, fingerprint, document)


def load_corpus(corpus_dir: Path, digests: bool = True, limits: Limits = LIMITS) -> list[Document]:
    """Every document under a folder, in the order of their ids: see `CorpusFolders`.

    Raises:
        EmptyCorpus: there is no document.
        UnreadableDocument: the first one with a missing or broken part.
    """
    documents: list[Document] = []
    for found in CorpusFolders.open([corpus_dir], digests, limits).read():
        if found.failure:
            raise found.failure
        if found.document:
            documents.append(found.document)
    return sorted(documents, key=lambda d: d.doc_id)


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
    try:
        doc_id, root = _id_of(path, corpus_dir), os.path.realpath(corpus_dir)
        source = _Source.read(path, doc_id, root, digests, limits)
        with ReadingProcess(limits) as process:
            return source.document(process)
    except UnreadableDocument as error:
        raise error if error.file else UnreadableDocument(error.reason, path) from error


@dataclass(frozen=True)
class _Source:
    """The bytes of a file and of the sidecar beside it, as they were at one moment."""

    path: Path
    doc_id: str
    content: bytes
    sidecar: bytes | None
    digests: bool
    limits: Limits

    @classmethod
    def read(cls, path: Path, doc_id: str, root: str, digests: bool, limits: Limits) -> _Source:
        check_file(path, root)
        if path.name.endswith(SIDECAR):
            raise UnreadableDocument("there is no such file as it describes; move it away")
        check_suffix(path.suffix.lower())
        content = read_bytes(path, limits.file_bytes)
        beside = path.with_name(path.name + SIDECAR)
        sidecar = None
        if os.path.lexists(beside):
            with _named(beside):
                check_file(beside, root)
                sidecar = read_bytes(beside, limits.file_bytes)
        return cls(path, doc_id, content, sidecar, digests, limits)

    @property
    def fingerprint(self) -> str:
        """A hash of everything that the document is made from."""
        said = repr((self.doc_id, self.path.name, len(self.content), self.sidecar))
        return hashlib.sha256(said.encode() + self.content).hexdigest()

    def document(self, process: ReadingProcess) -> Document:
        suffix = self.path.suffix.lower()
        if suffix in MARKDOWN:
            text = with_newlines(plain.decode(self.content))
            if _is_digest(text, self.doc_id, self.digests):
                return _digest(self.doc_id, text)
        found = (
            extract(suffix, self.content, self.limits)
            if suffix in SIMPLE
            else process.extract(suffix, self.content)
        )
        said = describe(self.path, self.doc_id, found, self._said_beside())
        return _document(self.doc_id, found.text, said)

    def _said_beside(self) -> dict[str, Any]:
        """What the sidecar says about the file."""
        if self.sidecar is None:
            return {}
        with _named(self.path.with_name(self.path.name + SIDECAR)):
            fields = check(with_newlines(plain.decode(self.sidecar)), Sidecar)
        return fields.model_dump(mode="json", exclude_none=True)


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say of a failure in here that this is the file."""
    try:
        yield
    except UnreadableDocument as error:
        raise UnreadableDocument(error.reason, path) from error


def _id_of(path: Path, corpus_dir: Path) -> str:
    return path.relative_to(corpus_dir).with_suffix("").as_posix()


def _is_digest(text: str, doc_id: str, digests: bool) -> bool:
    """Whether front matter has to be whole: in a corpus of digests, and where it has our id."""
    if digests:
        return text.lstrip().startswith(OPENING)
    parts = split_front_matter(text)
    return parts is not None and peek(parts[0]).get("id") == doc_id


def _digest(doc_id: str, text: str) -> Document:
    """A digest, which says everything about itself in its front matter."""
    parts = split_front_matter(text)
    if parts is None:
        raise UnreadableDocument(
            "no whole front matter; expected the fields between two lines of ---, the first on top"
        )
    header, text = parts
    fields = check(header, FrontMatter)
    if fields.id != doc_id:
        raise UnreadableDocument(f"field 'id' is {fields.id!r}; expected {doc_id!r}")
    if not text.strip():
        raise UnreadableDocument("there is no text after the front matter")
    metadata = fields.model_dump(mode="json", exclude={"id"}, exclude_none=True)
    return _document(doc_id, clean(text), {**metadata, "page": fields.url or fields.id})


def _document(doc_id: str, text: str, metadata: dict[str, Any]) -> Document:
    from llama_index.core.schema import Document

    return Document(id_=doc_id, text=text, metadata=metadata)


def _refuse_second(doc_id: str, path: Path, first: dict[str, Path]) -> None:
    if first.setdefault(doc_id, path) != path:
        raise UnreadableDocument(
            f"it would have the id {doc_id!r}, which {first[doc_id]} has; rename one of them", path
        )
