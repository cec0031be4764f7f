"""The files of a corpus: which they are, and the bytes of one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import MIB

SIDECAR = ".meta.yaml"

_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # controls and halves of characters

_LOCK = "~$"  # how the name begins of what an Office program puts beside an open file


def corpus_files(corpus_dir: Path) -> list[Path]:
    """Everything under a folder that should be a document, in the order of paths.

    Hidden files, lock files and the folder's own README.md are not documents;
    neither is a sidecar whose file is there. Links to folders are not followed,
    but named. Nothing else is skipped.
    """
    found, folders = [], [corpus_dir]
    while folders:
        folder = folders.pop()
        for path in _entries(folder):
            if path != folder and os.path.isdir(path) and not path.is_symlink():
                folders.append(path)
            elif path != corpus_dir / "README.md" and not _is_beside_its_file(path):
                found.append(path)
    return sorted(found)


def check_file(path: Path, root: str) -> None:
    """See that a path leads to a file of the corpus, and can be a document's id.

    `root` is the corpus's folder, links followed.

    Raises:
        UnreadableDocument: it does not, and what to do.
    """
    if _NOT_TEXT.search(str(path)):
        raise UnreadableDocument(f"its name {path.name!a} is not text on one line; rename it")
    if os.path.commonpath([os.path.realpath(path), root]) != root:
        raise UnreadableDocument("a link that leads out of the corpus; put the file itself here")
    if os.path.isdir(path):
        raise UnreadableDocument(
            "a link to a folder, or a folder that cannot be opened; put files here themselves"
        )
    if not os.access(path.parent, os.X_OK, effective_ids=True):
        raise UnreadableDocument("its folder cannot be entered; see that you may")
    if not os.path.isfile(path):
        raise UnreadableDocument("a pipe, a device or a link to nothing; move it away")


def read_bytes(path: Path, most: int) -> bytes:
    """A file's bytes, as they were at one moment.

    Raises:
        UnreadableDocument: it is too large, cannot be opened, or changes.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            before = os.fstat(file.fileno())
            if before.st_size > most:
                raise UnreadableDocument(
                    f"{before.st_size / MIB:,.1f} MiB, more than {most / MIB:,.1f} MiB; divide it"
                )
            content = file.read(before.st_size + 1)
            after = os.fstat(file.fileno())
    except OSError as error:
        raise UnreadableDocument(f"{error.strerror}; see that you may read it") from error
    if (len(content), before.st_mtime_ns) != (before.st_size, after.st_mtime_ns):
        raise UnreadableDocument("it changed while it was read; run the command again")
    return content


def _entries(folder: Path) -> Iterator[Path]:
    try:
        for entry in folder.iterdir():
            if not entry.name.startswith((".", _LOCK)):
                yield entry
    except OSError:
        yield folder  # whoever reads it learns why it cannot be


def _is_beside_its_file(path: Path) -> bool:
    return path.name.endswith(SIDECAR) and os.path.isfile(
        path.with_name(path.name.removesuffix(SIDECAR))
    )
