from pathlib import Path

import pytest

from assistant.errors import UnreadableDocument
from assistant.loading.files import corpus_files, read_bytes


def test_corpus_files_in_the_order_of_paths(tmp_path: Path) -> None:
    for name in ("b/owl.pdf", "a.txt", "b/a/owl.pdf", "README.md", "b/README.md", ".git/HEAD"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in corpus_files(tmp_path)]
    assert names == ["a.txt", "b/README.md", "b/a/owl.pdf", "b/owl.pdf"]


def test_read_bytes_of_a_file_that_changes() -> None:
    """Of what the kernel writes while it is read, no size is known before."""
    with pytest.raises(UnreadableDocument, match="it changed while it was read; run the command"):
        read_bytes(Path("/proc/self/status"), most=1000)


def test_read_bytes_of_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="No such file or directory; see that"):
        read_bytes(tmp_path / "owl.txt", most=1000)


def test_read_bytes_of_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "owl.txt").touch()
    assert read_bytes(tmp_path / "owl.txt", most=0) == b""
