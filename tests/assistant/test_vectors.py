"""Chroma's clients come and go, in threads and in processes, and its files are copied."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fakes import HashEmbedder
from permissions import unprivileged

from assistant.vectors import FOLDER, ChromaFailure, FolderVectors, Row

IDS = [f"owl:{number}-9" for number in range(50)]
DATABASE = "chroma.sqlite3"
STORE = FolderVectors()


def rows() -> Iterator[Row]:
    for number, passage_id in enumerate(IDS):
        vector = HashEmbedder().encode_query(f"owl {number}")
        yield Row(passage_id, vector, "owl", "news", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A collection that is written and closed."""
    STORE.write(tmp_path, "1", rows())
    return tmp_path / FOLDER


def test_collection_is_opened_and_closed_in_threads(folder: Path) -> None:
    def use(number: int) -> int:
        with closing(STORE.open(folder.parent, "1", IDS)) as vectors:
            return len(vectors.get(IDS))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(60))) == [50] * 60


def test_collection_closed_twice_is_open_for_others(folder: Path) -> None:
    with closing(STORE.open(folder.parent, "1", IDS)) as one:
        other = STORE.open(folder.parent, "1", IDS)
        other.close()
        other.close()
        assert len(one.get(IDS)) == 50


def test_collection_that_could_not_be_opened_is_once_it_can(folder: Path) -> None:
    whole = (folder / DATABASE).read_bytes()
    (folder / DATABASE).write_bytes(b"no database" * 1000)
    with pytest.raises(ChromaFailure):
        STORE.open(folder.parent, "1", IDS)
    (folder / DATABASE).write_bytes(whole)
    with closing(STORE.open(folder.parent, "1", IDS)) as vectors:
        assert len(vectors) == 50


def test_collection_whose_writing_failed_is_written_in_the_same_folder(tmp_path: Path) -> None:
    def broken() -> Iterator[Row]:
        yield from rows()
        raise RuntimeError

    folder = tmp_path / FOLDER
    with pytest.raises(RuntimeError):
        STORE.write(tmp_path, "1", broken())
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    STORE.write(tmp_path, "1", rows())
    with closing(STORE.open(tmp_path, "1", IDS)) as vectors:
        assert len(vectors) == 50


WRITE = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
print("writing", flush=True)
while True:
    try:
        with connection:
            connection.execute("INSERT INTO acquire_write (lock_status) VALUES (1)")
    except sqlite3.OperationalError:
        pass
    time.sleep(0.002)
"""


def test_collection_is_copied_while_somebody_opens_it(folder: Path, tmp_path: Path) -> None:
    """Chroma writes a row into its database whenever it is opened."""
    command = [sys.executable, "-c", WRITE, str(folder / DATABASE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            for number in range(20):
                copy = tmp_path / str(number)
                copy.mkdir()
                STORE.write(copy, "2", [], folder.parent, gone=IDS[:1])
                with closing(STORE.open(copy, "2", IDS[1:])) as vectors:
                    assert len(vectors) == 49
                with closing(sqlite3.connect(copy / FOLDER / DATABASE)) as connection:
                    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        finally:
            writer.kill()


def test_collection_in_a_folder_where_nothing_may_be_written(folder: Path) -> None:
    before = (folder / DATABASE).read_bytes()
    with unprivileged(folder), closing(STORE.open(folder.parent, "1", IDS)) as vectors:
        assert len(vectors.get(IDS)) == 50
    assert (folder / DATABASE).read_bytes() == before


@pytest.mark.parametrize("every", [1, 2, 20])
def test_nearest_among_few_or_many_is_what_passes_of_all(folder: Path, every: int) -> None:
    among = np.arange(len(IDS)) % every == 0
    question = HashEmbedder().encode_query("owl 7")
    with closing(STORE.open(folder.parent, "1", IDS)) as vectors:
        everything = vectors.nearest(question, len(IDS))
        found = vectors.nearest(question, len(IDS), among=among)
    expected = [(i, c) for i, c in everything if among[IDS.index(i)]]
    assert found == expected


def test_vectors_of_passages_that_are_not_there_are_left_out(folder: Path) -> None:
    with closing(STORE.open(folder.parent, "1", IDS)) as vectors:
        found = vectors.get([IDS[3], "owl:none-9"])
    assert list(found) == [IDS[3]]
    assert np.allclose(found[IDS[3]], HashEmbedder().encode_query("owl 3"))


def test_collection_without_one_of_the_passages_is_not_opened(folder: Path) -> None:
    with pytest.raises(KeyError):
        STORE.open(folder.parent, "1", [*IDS, "owl:none-9"])
