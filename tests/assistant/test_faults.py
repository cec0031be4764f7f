"""Builds that are killed while others ask: nobody sees an error or half a generation.

A few kills by default; KILLS=200 is the whole thing.
"""

import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import unrest
from fakes import CALIBRATION, HashEmbedder

from assistant.errors import IndexDamaged, StoreError
from assistant.ingestion import generations_of, ingest, open_index, pending_changes
from assistant.settings import Settings, load_settings
from assistant.verification import verify

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KILLS", "12"))
SEED = 7

Load = Callable[[str, int], HashEmbedder]


@pytest.fixture
def towers(tmp_path: Path, load: Load) -> Settings:
    """An index over a corpus that will change."""
    corpus = tmp_path / "towers"
    calibration = tmp_path / "calibration.json"
    calibration.write_text(CALIBRATION.model_dump_json())
    (tmp_path / "main.toml").write_text(
        f'corpus_dir = "{corpus}"\ncalibration = "{calibration}"\nkeep_generations = 1\n'
    )
    settings = load_settings(indexes_dir=tmp_path)
    unrest.write_edition(corpus, 0, random.Random(SEED))
    ingest(settings, load=load)
    return settings


def start(*arguments: object) -> subprocess.Popen[str]:
    """A process of tests/helpers/unrest.py."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    return subprocess.Popen(
        [sys.executable, "-m", "unrest", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def test_killed_builds_disturb_nobody(
    towers: Settings, load: Load, embedder: HashEmbedder, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.ExitStack() as processes:
        readers = [
            processes.enter_context(start("reads", towers.indexes_dir, SEED + number))
            for number in (100, 200)
        ]
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reading\n"
        builder = processes.enter_context(start("builds", towers.indexes_dir, KILLS, SEED))
        builds = result(builder)
        reads = [result(reader) for reader in readers]
    seen = [{**read, "generations": len(read["generations"])} for read in reads]
    with capsys.disabled():
        print(f"\nkilled {builds['killed']}, finished {builds['finished']}; {seen}")  # noqa: T201
    assert builds["failed"] == []
    assert sum(builds["killed"].values()) == KILLS
    for read in reads:
        assert read["faults"] == []
        assert read["answered"] > 0
        assert read["opened"] > 0
        assert len(read["generations"]) > 1

    report = ingest(towers, load=load)
    assert report.failed == ()
    assert verify(towers) == []
    left = {path.name for path in (generations_of(towers).root / "generations").iterdir()}
    assert left == set(generations_of(towers).finished())


def test_builds_in_the_same_process_disturb_nobody(towers: Settings, load: Load) -> None:
    """As when somebody adds documents in the chat."""
    with unrest.Reader(towers, SEED) as reader:
        for edition in range(1, 6):
            unrest.write_edition(towers.corpus_dir, edition, random.Random(edition))
            assert not ingest(towers, load=load).is_empty
    assert reader.reads.faults == []
    assert reader.reads.answered > 0
    assert len(reader.reads.generations) > 1
    assert verify(towers) == []


@pytest.mark.parametrize(
    "pointer",
    [
        b"",
        b"\n",
        b"\xff\xfe\x00",
        b"0001-\x00",
        b"0099-deadbeef\n",
        b"../..\n",
        b"/\n",
        b"x" * 5000,
    ],
)
def test_pointer_that_names_no_generation_is_said_and_mended(
    pointer: bytes, towers: Settings, load: Load, embedder: HashEmbedder
) -> None:
    (generations_of(towers).root / "CURRENT").write_bytes(pointer)
    for read in (open_index, pending_changes, verify):
        try:
            problems = read(towers)
        except IndexDamaged as error:
            problems = [str(error)]
        assert isinstance(problems, list)
        assert len(problems) == 1
        assert "run `diamond-assistant index build`" in problems[0]
        assert "\n" not in problems[0]
    embedder.embedded.clear()
    ingest(towers, load=load)
    assert embedder.embedded == []
    assert verify(towers) == []


def test_pointer_that_cannot_be_read_is_said(towers: Settings, load: Load) -> None:
    pointer = generations_of(towers).root / "CURRENT"
    pointer.unlink()
    pointer.mkdir()
    for read in (open_index, pending_changes):
        with pytest.raises(StoreError, match=r"cannot read .*CURRENT"):
            read(towers)
    with pytest.raises(StoreError, match="CURRENT"):
        ingest(towers, load=load)


def test_owner_of_the_lock_may_be_anything(towers: Settings, load: Load) -> None:
    (generations_of(towers).root / "build.owner").write_bytes(b"\xff\xfe")
    assert ingest(towers, load=load).is_empty


def test_cache_of_which_half_is_lost_is_begun_anew(
    towers: Settings, load: Load, embedder: HashEmbedder
) -> None:
    path = generations_of(towers).embeddings
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    path.write_bytes(content)
    unrest.write_edition(towers.corpus_dir, 1, random.Random(SEED))
    assert not ingest(towers, load=load).is_empty
    assert verify(towers) == []


def test_index_made_anew_trusts_nothing(
    towers: Settings, load: Load, embedder: HashEmbedder
) -> None:
    path = generations_of(towers).current() / "documents.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE documents SET text = replace(text, 'owls', 'bats')")
    problems = verify(towers)
    assert "file documents.db is not as it was written: run `diamond-assistant" in problems[0]
    assert all("\n" not in problem for problem in problems)
    assert any("was embedded as another text" in problem for problem in problems)
    assert ingest(towers, load=load).is_empty
    embedder.embedded.clear()
    assert ingest(towers, load=load, anew=True).embedded == len(embedder.embedded) > 0
    assert verify(towers) == []
