"""Builds that are killed while others ask: nobody sees an error or half a generation.

A few kills by default; KILLS=200 is the whole thing.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import unrest
from fakes import CALIBRATION, HashEmbedder

from assistant.ingestion import generations_of, ingest
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
    (tmp_path / "main.toml").write_text(f'corpus_dir = "{corpus}"\ncalibration = "{calibration}"\n')
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
    with capsys.disabled():
        print(f"\n{builds}\n{reads}")  # noqa: T201
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
