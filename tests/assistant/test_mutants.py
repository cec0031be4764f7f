"""Two hundred broken documents and some that do harm, built in one go."""

import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import HashEmbedder
from mutants import mutants

from assistant.ingestion import ingest
from assistant.settings import load_settings
from assistant.verification import verify

COUNT = 200
BIG = 2 << 30


def test_broken_documents_are_indexed_or_reported(
    tmp_path: Path, load: Callable[[str, int], HashEmbedder], capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "broken"
    corpus.mkdir()
    for name, content in mutants(COUNT).items():
        (corpus / name).write_bytes(content)
    with (corpus / "big.txt").open("wb") as big:
        os.truncate(big.fileno(), BIG)  # a hole, which takes no room on the disk
    (corpus / "owl.txt").write_text("Owls wake.")
    (tmp_path / "main.toml").write_text(f'corpus_dir = "{corpus}"\n')
    settings = load_settings(indexes_dir=tmp_path)

    start = time.monotonic()
    report = ingest(settings, load=load)
    seconds = time.monotonic() - start
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    with capsys.disabled():
        print(  # noqa: T201
            f"\n{len(report.added)} indexed, {len(report.failed)} reported, "
            f"{seconds:.1f} s, at most {peak / 1024:.0f} MiB a process"
        )

    names = {path.name for path in corpus.iterdir()}
    reported = {failure.file.name: failure.reason for failure in report.failed}
    indexed = {name for name in names if name.rpartition(".")[0] in report.added}
    assert indexed | reported.keys() == names
    assert not indexed & reported.keys()
    assert "owl.txt" in indexed
    assert {"big.txt", "bomb.docx", "locked.pdf", "scan.pdf", "latin.txt"} <= reported.keys()
    assert all(reason and "\n" not in reason for reason in reported.values())
    assert verify(settings) == []
    assert ingest(settings, load=load).is_empty
