"""What was fetched → a file of the corpus, and one beside it that says where it is from."""

from __future__ import annotations

import hashlib
import re
import tempfile
import unicodedata
from pathlib import Path, PurePosixPath

import httpx
import yaml

from assistant.errors import FetchError
from assistant.fetching.content import Fetched
from assistant.loading.files import SIDECAR
from assistant.loading.formats import READERS

FOLDER = "web"

_LONGEST = 100  # bytes of the words in a name
_DIGITS = 8  # of the address's hash: with 10,000 pages, two share a name once in 100 corpora


def path_for(fetched: Fetched, corpus_dir: Path, folder: str = FOLDER) -> Path:
    """Where `save` puts what was fetched: always the same for one address.

    The name has the host and the path of the address as words, for people, and
    the hash of all of it, since words alone cannot tell /a/b from /a-b.
    """
    url = httpx.URL(fetched.url)
    path = PurePosixPath(url.path)
    named = path.with_suffix("") if path.suffix.lower() in READERS else path
    words = _words(f"{url.raw_host.decode()} {named}")
    digest = hashlib.sha256(fetched.url.encode()).hexdigest()[:_DIGITS]
    return corpus_dir / folder / f"{words}-{digest}{fetched.suffix}"


def save(fetched: Fetched, corpus_dir: Path, folder: str = FOLDER) -> Path:
    """Write what was fetched into the corpus, over what the same address gave before.

    A file beside it says which address that was; one that is there already
    stays as it is.

    Raises:
        FetchError: it cannot be written, or the address gave another format before.
    """
    path = path_for(fetched, corpus_dir, folder)
    try:
        _see_that_it_can_be(path, corpus_dir)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, fetched.content)
        sidecar = path.with_name(path.name + SIDECAR)
        if not sidecar.exists():
            _write(sidecar, yaml.safe_dump({"url": fetched.url}).encode())
    except OSError as error:
        raise FetchError(
            f"{path} cannot be written: {error.strerror}; see that you may write there", fetched.url
        ) from error
    except FetchError as error:
        raise FetchError(error.reason, fetched.url) from error
    return path


def _see_that_it_can_be(path: Path, corpus_dir: Path) -> None:
    if not corpus_dir.is_dir():
        raise FetchError(f"no folder {corpus_dir}: set DIAMOND_CORPUS_DIR to where documents are")
    if path.parent.resolve() != corpus_dir.resolve() / path.parent.relative_to(corpus_dir):
        raise FetchError(f"{path.parent} is a link; put a folder there")
    for suffix in READERS:
        other = path.with_suffix(suffix)
        if other != path and other.exists():
            raise FetchError(
                f"it was saved as {other} before, and is {path.suffix} now; "
                f"delete {other} and {other.name}{SIDECAR}"
            )


def _write(path: Path, content: bytes) -> None:
    """Write a file in one step; what is there for a moment is hidden from who reads the corpus."""
    with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as folder:
        new = Path(folder) / path.name
        new.write_bytes(content)
        new.replace(path)


def _words(text: str) -> str:
    """A text as words of a file's name.

    >>> _words("agency.example /The lamp/Report_2")
    'agency-example-the-lamp-report-2'
    """
    joined = "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).lower()))
    return joined.encode()[:_LONGEST].decode(errors="ignore").rstrip("-")
