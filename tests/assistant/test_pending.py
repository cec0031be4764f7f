"""Every kind of change is named before a build, and the build does that work and no other."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakes import HashEmbedder

from assistant.changes import IngestReport
from assistant.ingestion import generations_of, ingest, pending_changes
from assistant.settings import Settings, load_settings

LONG = " ".join(f"Owl {number} of the tower sees the lamp." for number in range(60))
TITLED = "---\ntitle: Gulls\npublisher: Gazette\n---\nGulls sleep in the harbour.\n"
DIGEST = """---
id: digest
title: Lamps
publisher: Gazette
published: 2031-03-02
url: https://gazette.example/lamp
kind: news
topics: [lamps]
---
Lamps burn whale song.
"""


class Shelf:
    """A corpus, an index built from it, and a model that is a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.corpus = root / "corpus"
        self.model = root / "model"
        self.corpus.mkdir()
        self.model.mkdir()
        (self.model / "weights").write_text("one")
        (self.corpus / "long.txt").write_text(LONG)
        (self.corpus / "gulls.md").write_text(TITLED)
        (self.corpus / "digest.md").write_text(DIGEST)
        (root / "main.toml").write_text(
            f'corpus_dir = "{self.corpus}"\nembedding_model = "{self.model}"\n'
        )

    def settings(self, **options: Any) -> Settings:
        return load_settings(indexes_dir=self.root, **options)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.corpus / name
        path.write_text(path.read_text().replace(old, new))


@dataclass(frozen=True)
class Change:
    """What somebody does, what a report names, and how many passages are embedded for it."""

    do: Callable[[Shelf], object]
    embedded: int
    named: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


def set_back(shelf: Shelf) -> None:
    for path in shelf.corpus.iterdir():
        os.utime(path, (600_000_000, 600_000_000))


def nothing(shelf: Shelf) -> None:
    """What changes is a setting."""


CHANGES = {
    "nothing": Change(nothing, 0),
    "clock set back": Change(set_back, 0),
    "written again": Change(lambda s: s.edit("gulls.md", "", ""), 0),
    "passage size": Change(
        nothing, 4, {"recipe": {"passage_tokens": (256, 128)}}, {"passage_tokens": 128}
    ),
    "digests": Change(
        nothing,
        0,
        {"recipe": {"digests": (False, True)}, "removed": ("gulls",)},  # it lacks fields of one
        {"digests": True},
    ),
    "text": Change(lambda s: s.edit("gulls.md", "harbour", "tower"), 1, {"changed": ("gulls",)}),
    "title": Change(
        lambda s: s.edit("gulls.md", "title: Gulls", "title: Birds"),
        1,
        {"changed": ("gulls",), "described": ("gulls",)},
    ),
    "publisher": Change(
        lambda s: s.edit("gulls.md", "Gazette", "Courier"),
        0,
        {"changed": ("gulls",), "described": ("gulls",)},
    ),
    "sidecar": Change(
        lambda s: (s.corpus / "gulls.md.meta.yaml").write_text("kind: official\n"),
        0,
        {"changed": ("gulls",), "described": ("gulls",)},
    ),
    "renamed": Change(
        lambda s: (s.corpus / "gulls.md").rename(s.corpus / "birds.md"),
        0,
        {"renamed": (("gulls", "birds"),)},
    ),
    "deleted": Change(lambda s: (s.corpus / "gulls.md").unlink(), 0, {"removed": ("gulls",)}),
    "added": Change(
        lambda s: (s.corpus / "owl.md").write_text("---\ntitle: Owl\n---\nOwls wake."),
        1,
        {"added": ("owl",)},
    ),
    "copied": Change(
        lambda s: shutil.copy(s.corpus / "gulls.md", s.corpus / "gulls-too.md"),
        0,
        {"added": ("gulls-too",), "duplicates": (("gulls", "gulls-too"),)},
    ),
}
NAMES = ("added", "changed", "described", "renamed", "removed", "duplicates", "recipe")


@pytest.fixture
def built(tmp_path: Path, load: Callable[[str, int], HashEmbedder]) -> Shelf:
    shelf = Shelf(tmp_path)
    ingest(shelf.settings(), load=load)
    return shelf


def named(report: IngestReport) -> dict[str, Any]:
    """What a report names as changed."""
    return {name: value for name in NAMES if (value := getattr(report, name))}


@pytest.mark.parametrize("name", list(CHANGES))
def test_change_is_named_and_costs_its_own_work(
    name: str, built: Shelf, load: Callable[[str, int], HashEmbedder], embedder: HashEmbedder
) -> None:
    change = CHANGES[name]
    settings = built.settings(**change.options)
    change.do(built)
    before = generations_of(settings).finished()
    pending = pending_changes(settings)
    assert named(pending) == change.named
    assert generations_of(settings).finished() == before

    embedder.embedded.clear()
    report = ingest(settings, load=load)
    assert named(report) == change.named
    assert (report.embedded, len(embedder.embedded)) == (change.embedded, change.embedded)
    assert report.is_empty == (not change.named)
    assert named(pending_changes(settings)).keys() <= {"duplicates"}


def test_model_with_other_weights_embeds_everything(
    built: Shelf, load: Callable[[str, int], HashEmbedder], embedder: HashEmbedder
) -> None:
    (built.model / "weights").write_text("two")
    assert pending_changes(built.settings()).recipe.keys() == {"embedding_revision"}
    embedder.embedded.clear()
    report = ingest(built.settings(), load=load)
    assert report.manifest is not None
    assert report.embedded == len(embedder.embedded) == report.manifest.passages
    assert len(report.unchanged) == 3


def test_file_put_back_is_embedded_from_what_is_kept(
    built: Shelf, load: Callable[[str, int], HashEmbedder], embedder: HashEmbedder
) -> None:
    (built.corpus / "gulls.md").unlink()
    ingest(built.settings(), load=load)
    (built.corpus / "gulls.md").write_text(TITLED)
    assert named(pending_changes(built.settings())) == {"added": ("gulls",)}
    embedder.embedded.clear()
    report = ingest(built.settings(), load=load)
    assert (report.added, report.embedded, embedder.embedded) == (("gulls",), 0, [])
