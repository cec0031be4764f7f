"""Documents put into the corpus and taken out of it, one by one.

What is added is read first in a folder of its own, so that nothing that cannot
be read ever lies in the corpus. What is removed can be had again. The index
follows with the next build: see `ingestion.ingest`.

<corpus>/added/     files that were added
<corpus>/web/       pages of the web, see fetching/saving.py
<corpus>/.removed/  what was removed, by the time when it was
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from llama_index.core.schema import Document

from assistant.changes import Failure
from assistant.errors import EmptyCorpus, FetchError, SettingsError, StoreError, UnreadableDocument
from assistant.fetching import Fetched, fetch, path_for, save
from assistant.loading import LIMITS, load_document
from assistant.loading.extracts import clean
from assistant.loading.files import SIDECAR, corpus_files, read_bytes
from assistant.loading.front_matter import Sidecar, check
from assistant.settings import Settings

__all__ = ["Added", "Failure", "Removed", "add_files", "add_page", "remove", "said"]

FOLDER = "added"
REMOVED = ".removed"

_LONGEST = 150  # bytes of a name without its suffix
_LONGEST_SUFFIX = 20  # characters; what is longer is no suffix that anything reads
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]')
_NOTHING = Sidecar()


@dataclass(frozen=True)
class Added:
    """A document that is in the corpus now, and is in the index after the next build."""

    doc_id: str
    path: Path
    title: str


@dataclass(frozen=True)
class Removed:
    """A document that is no longer in the corpus; its file is now at `path`."""

    doc_id: str
    path: Path


def said(title: str = "", publisher: str = "", published: str = "") -> Sidecar:
    """What a user says of a document; what is blank is not said.

    Raises:
        SettingsError: `published` is no day.
    """
    given = {"title": title, "publisher": publisher, "published": published}
    tidy = {name: " ".join(clean(text).split()) for name, text in given.items()}
    try:
        return check(yaml.safe_dump({name: text for name, text in tidy.items() if text}), Sidecar)
    except UnreadableDocument as error:
        raise SettingsError(error.reason) from error


def add_files(
    settings: Settings,
    paths: Sequence[Path],
    said: Sidecar = _NOTHING,
    dry_run: bool = False,
) -> list[Added | Failure]:
    """Copy files into the corpus, each that can be read and is not there yet.

    `said` is kept beside each, as the file NAME.SUFFIX.meta.yaml; what it
    leaves open is taken from such a file beside the one that is added. A file
    whose name another document has, or whose bytes, is a failure that says so.
    A `dry_run` finds out all of it and leaves the corpus as it is.

    Raises:
        EmptyCorpus: there is no folder to put them into.
        SettingsError: one title is said of several files.
        StoreError: the corpus cannot be written.
    """
    if said.title and len(paths) > 1:
        raise SettingsError(
            f"a title is one document's, and there are {len(paths)} files: leave it out, "
            "or add them one by one"
        )
    with _staging(settings) as staging:
        corpus = _Files.of(settings.corpus_dir)
        return [_add_file(path, said, settings, staging, corpus, dry_run) for path in paths]


def add_page(
    settings: Settings,
    url: str,
    said: Sidecar = _NOTHING,
    fetch: Callable[[str], Fetched] = fetch,
    dry_run: bool = False,
) -> Added:
    """Fetch an address of the web into the corpus, over what it gave before.

    A `dry_run` fetches and reads it, and keeps nothing.

    Raises:
        EmptyCorpus: there is no folder to put it into.
        FetchError: nothing came, it cannot be read, or it is there already.
        StoreError: the corpus cannot be written.
    """
    with _staging(settings) as staging:
        fetched = fetch(url)
        corpus_dir = settings.corpus_dir
        path = path_for(fetched, corpus_dir)
        try:
            document = load_document(save(fetched, staging), staging, settings.digests)
            same = _Files.of(corpus_dir).same_as(fetched.content)
            if same and (same != path or said == _NOTHING):
                raise UnreadableDocument(_is_there(same, corpus_dir))
        except UnreadableDocument as error:
            raise FetchError(error.reason, fetched.url) from error
        if not dry_run:
            save(fetched, corpus_dir)
        if said != _NOTHING and not dry_run:
            _describe_page(path, said, fetched.url)
    return Added(document.doc_id, path, said.title or document.metadata["title"])


def remove(
    settings: Settings, ids: Iterable[str], dry_run: bool = False
) -> list[Removed | Failure]:
    """Take documents out of the corpus, with what is said beside them.

    Their files go to `.removed/`, into a folder named for the moment, and can
    be moved back from there; not in a `dry_run`. An id that no file has is a failure.

    Raises:
        StoreError: the corpus cannot be written.
    """
    corpus_dir = settings.corpus_dir
    files = defaultdict(list)
    for path in corpus_files(corpus_dir):
        files[_id_of(path, corpus_dir)].append(path)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    with _said_plainly(corpus_dir):
        return [
            _remove(doc_id, files.pop(doc_id, []), corpus_dir, corpus_dir / REMOVED / now, dry_run)
            for doc_id in ids
        ]


class _Files:
    """The files of a corpus, to find one by its bytes."""

    def __init__(self) -> None:
        self._by_size: dict[int, list[Path]] = defaultdict(list)

    @classmethod
    def of(cls, corpus_dir: Path) -> _Files:
        files = cls()
        for path in corpus_files(corpus_dir):
            with contextlib.suppress(OSError):  # whoever builds the index hears of it
                files.add(path, path.stat().st_size)
        return files

    def add(self, path: Path, size: int) -> None:
        self._by_size[size].append(path)

    def same_as(self, content: bytes) -> Path | None:
        """A file with these bytes."""
        for path in self._by_size[len(content)]:
            with contextlib.suppress(UnreadableDocument):
                if path.is_file() and read_bytes(path, len(content)) == content:
                    return path
        return None


def _add_file(
    path: Path,
    said: Sidecar,
    settings: Settings,
    staging: Path,
    corpus: _Files,
    dry_run: bool,
) -> Added | Failure:
    corpus_dir = settings.corpus_dir
    staged = staging / FOLDER / name_of(path)
    doc_id = _id_of(staged, staging)
    try:
        if not path.is_file():
            raise UnreadableDocument("there is no such file; give the path of one")
        content = read_bytes(path, LIMITS.file_bytes)
        same = corpus.same_as(content)
        if same:
            raise UnreadableDocument(_is_there(same, corpus_dir))
        _refuse_taken(doc_id, corpus_dir)
        staged.write_bytes(content)
        said = _with_sidecar(path, said)
        document = _read(staged, staging, said, settings.digests)
        target = corpus_dir / FOLDER / staged.name
        if not dry_run:
            _publish(staged, target)
    except UnreadableDocument as error:
        return Failure(path, error.reason, doc_id)
    except FileExistsError:  # since we looked
        return Failure(path, _taken(doc_id), doc_id)
    corpus.add(target, len(content))
    return Added(doc_id, target, document.metadata["title"])


def name_of(path: Path) -> str:
    """The name of a file as one that any system takes, and that hides nothing.

    >>> name_of(Path("~$.The  lamp: v2?.PDF"))
    'The lamp v2.pdf'
    """
    visible = "".join(
        " " if _is_no_text(character) else character
        for character in unicodedata.normalize("NFC", path.name)
    )
    words = " ".join(_NOT_IN_NAMES.sub(" ", visible).split())
    stem, dot, suffix = words.rpartition(".")
    if not dot:
        stem, suffix = suffix, ""
    short = stem.lstrip("~$. ").encode()[:_LONGEST].decode(errors="ignore").strip(" .")
    return f"{short or 'document'}{dot}{suffix.lower()[:_LONGEST_SUFFIX]}"


def _is_no_text(character: str) -> bool:
    return unicodedata.category(character).startswith("C")


def _read(staged: Path, staging: Path, said: Sidecar, digests: bool) -> Document:
    """The document that a file will be, with what is said of it.

    Raises:
        UnreadableDocument: why there is none.
    """
    if said != _NOTHING:
        _describe(staged, said)
    document = load_document(staged, staging, digests)
    if any(document.metadata.get(name) != value for name, value in _fields(said).items()):
        raise UnreadableDocument(
            "its front matter says what it is; give no title, publisher or date, or change them "
            "there"
        )
    return document


def _with_sidecar(path: Path, said: Sidecar) -> Sidecar:
    """What is said of a file, and besides it what stands in the file beside it.

    Raises:
        UnreadableDocument: that one is broken.
    """
    if not _beside(path).is_file():
        return said
    text = read_bytes(_beside(path), LIMITS.file_bytes).decode(errors="replace")
    return check(text, Sidecar).model_copy(update=said.model_dump(exclude_none=True))


def _publish(staged: Path, target: Path) -> None:
    """Let a staged file appear whole in a folder of the corpus, over nothing.

    Raises:
        FileExistsError: another one has its name.
    """
    folder = target.parent
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
        raise UnreadableDocument(f"{folder} is no folder; put one there")
    folder.mkdir(exist_ok=True)
    _link(staged, target)
    if _beside(staged).exists():
        _link(_beside(staged), _beside(target))


def _link(one: Path, other: Path) -> None:
    """Give a file another name; where a disk knows no second names, copy it."""
    try:
        os.link(one, other)
    except FileExistsError:
        raise
    except OSError:
        with other.open("xb") as copy:
            copy.write(one.read_bytes())


def _refuse_taken(doc_id: str, corpus_dir: Path) -> None:
    """See that no file has this id, nor says something of one that would.

    Raises:
        UnreadableDocument: one has.
    """
    folder = (corpus_dir / doc_id).parent
    for path in folder.iterdir() if folder.is_dir() else ():
        file = path.with_name(path.name.removesuffix(SIDECAR))
        if not path.is_dir() and _id_of(file, corpus_dir).casefold() == doc_id.casefold():
            raise UnreadableDocument(_taken(doc_id))


def _taken(doc_id: str) -> str:
    return (
        f"another document has the name {doc_id!r}; give the file another name, or remove "
        f"that one: `diamond-assistant index remove {doc_id!r}`"
    )


def _is_there(path: Path, corpus_dir: Path) -> str:
    return f"the same is there already, as {_id_of(path, corpus_dir)!r}; nothing was added"


def _describe(path: Path, said: Sidecar) -> None:
    """Say something of a file in the one beside it."""
    text = yaml.safe_dump(_fields(said), allow_unicode=True, sort_keys=False)
    _beside(path).write_text(text, encoding="utf-8")


def _fields(said: Sidecar) -> dict[str, Any]:
    return said.model_dump(mode="json", exclude_none=True)


def _describe_page(path: Path, said: Sidecar, url: str) -> None:
    """The same of a page, whose address stays as it is, and whatever else was said before."""
    try:
        before = check(_beside(path).read_text(encoding="utf-8"), Sidecar)
    except (UnreadableDocument, ValueError):
        before = Sidecar(url=url)
    _describe(path, before.model_copy(update=said.model_dump(exclude_none=True)))


def _remove(
    doc_id: str, paths: Sequence[Path], corpus_dir: Path, bin_dir: Path, dry_run: bool
) -> Removed | Failure:
    if not paths:
        reason = "no document of the corpus has this id; `diamond-assistant index list` shows them"
        return Failure(corpus_dir / doc_id, reason, doc_id)
    for path in () if dry_run else paths:
        for file in (path, _beside(path)):
            if os.path.lexists(file):
                target = bin_dir / file.relative_to(corpus_dir)
                target.parent.mkdir(parents=True, exist_ok=True)
                file.rename(target)
    return Removed(doc_id, bin_dir / paths[0].relative_to(corpus_dir))


@contextlib.contextmanager
def _staging(settings: Settings) -> Iterator[Path]:
    """A hidden folder in the corpus, in which no build looks for documents."""
    corpus_dir = settings.corpus_dir
    if not corpus_dir.is_dir():
        raise EmptyCorpus(f"no folder {corpus_dir}: set DIAMOND_CORPUS_DIR to where documents are")
    with (
        _said_plainly(corpus_dir),
        tempfile.TemporaryDirectory(prefix=".adding-", dir=corpus_dir) as folder,
    ):
        (Path(folder) / FOLDER).mkdir()
        yield Path(folder)


@contextlib.contextmanager
def _said_plainly(corpus_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write into {corpus_dir}: {error.strerror}; make room or permit writing there"
        ) from error


def _beside(path: Path) -> Path:
    return path.with_name(path.name + SIDECAR)


def _id_of(path: Path, corpus_dir: Path) -> str:
    return path.relative_to(corpus_dir).with_suffix("").as_posix()
