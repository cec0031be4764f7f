"""Builds: what is embedded, what is carried over, what a dead build leaves."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeReranker, HashEmbedder
from files import FILES

from assistant.conversation import Conversation
from assistant.embeddings import Vectors
from assistant.errors import (
    EmptyCorpus,
    IndexDamaged,
    IndexOutOfDate,
    SettingsError,
)
from assistant.ingestion import generations_of, ingest, open_index, pending_changes
from assistant.loading import page_of
from assistant.segmentation import Span
from assistant.settings import Settings, load_settings
from assistant.verification import verify

BRIDGE = "works/2031-03-02-harbour-gazette-glass-bridge"
REPORT = "works/2031-03-05-velmora-council-bridge-report"
AMBER = "trade/2030-11-20-amber-post-amber-export"
COPY = "works/glass-bridge-copy"

Load = Callable[[str, int], HashEmbedder]
LoadJudge = Callable[[str, int], FakeReranker]

# What holds for an index in a folder holds for one on a server.
anywhere = pytest.mark.parametrize("settings", ["folder", "server"], indirect=True)


def test_ingest_reports_what_it_added(settings: Settings, load: Load) -> None:
    report = ingest(settings, load=load)
    assert report.added == (AMBER, BRIDGE, REPORT, COPY)
    assert report.manifest is not None
    assert report.embedded == report.manifest.passages == 5
    assert (report.manifest.published_from, report.manifest.published_to) == (
        "2030-11-20",
        "2031-03-05",
    )


@anywhere
def test_ingest_twice_embeds_nothing_and_keeps_the_generation(
    settings: Settings, load: Load, embedder: HashEmbedder
) -> None:
    first = ingest(settings, load=load)
    embedder.embedded.clear()
    second = ingest(settings, load=load)
    assert second.is_empty
    assert second.manifest == first.manifest
    assert embedder.embedded == []


@anywhere
def test_ingest_after_touching_one_document_embeds_that_one(
    settings: Settings, load: Load, embedder: HashEmbedder, corpus: Path
) -> None:
    ingest(settings, load=load)
    embedder.embedded.clear()
    path = corpus / f"{AMBER}.md"
    path.write_text(path.read_text().replace("900 tonnes", "800 tonnes"))
    report = ingest(settings, load=load)
    assert (report.changed, report.embedded) == ((AMBER,), 1)
    assert ["800 tonnes" in text for text in embedder.embedded] == [True]


def test_ingest_notices_a_change_of_metadata_alone(
    settings: Settings, load: Load, corpus: Path
) -> None:
    ingest(settings, load=load)
    path = corpus / f"{AMBER}.md"
    path.write_text(path.read_text().replace("Amber Post", "Amber Courier"))
    assert ingest(settings, load=load).changed == (AMBER,)


@anywhere
def test_ingest_without_a_document_removes_it_and_loads_no_model(
    settings: Settings, load: Load, corpus: Path
) -> None:
    def no_model(name: str, threads: int) -> HashEmbedder:
        raise AssertionError("nothing is to be embedded")

    ingest(settings, load=load)
    (corpus / f"{AMBER}.md").unlink()
    report = ingest(settings, load=no_model)
    assert (report.removed, report.embedded) == ((AMBER,), 0)
    with pytest.raises(KeyError):
        open_index(settings).document(AMBER)


@anywhere
def test_ingest_carries_vectors_over_exactly(settings: Settings, load: Load, corpus: Path) -> None:
    ingest(settings, load=load)
    before = open_index(settings)
    [passage] = before.passages_of(REPORT)
    (corpus / f"{AMBER}.md").unlink()
    ingest(settings, load=load)
    after = open_index(settings)
    assert after.manifest.generation != before.manifest.generation
    for index in (before, after):
        assert index.passages_of(REPORT)[0].get_content() == passage.get_content()
    old, new = before.vectors([passage.node_id]), after.vectors([passage.node_id])
    assert np.array_equal(old[passage.node_id], new[passage.node_id])
    sentences = zip(
        before.sentences_of(passage.node_id), after.sentences_of(passage.node_id), strict=True
    )
    assert all(a.span == b.span and np.array_equal(a.vector, b.vector) for a, b in sentences)


def test_ingest_with_another_passage_size_embeds_everything_again(
    settings: Settings, load: Load
) -> None:
    ingest(settings, load=load)
    other = load_settings(indexes_dir=settings.indexes_dir, passage_tokens=128)
    report = ingest(other, load=load)
    assert report.recipe == {"passage_tokens": (256, 128)}
    assert (report.changed, len(report.unchanged)) == ((), 4)
    assert report.manifest is not None
    assert report.embedded + report.reused == report.manifest.passages


def test_open_index_built_with_other_settings_names_the_command(
    settings: Settings, load: Load
) -> None:
    ingest(settings, load=load)
    other = load_settings(indexes_dir=settings.indexes_dir, embedding_model="another")
    with pytest.raises(IndexOutOfDate, match=r"embedding_model.*'another'.*index build"):
        open_index(other)


def test_ingest_with_passages_longer_than_the_window_is_refused(
    settings: Settings, load: Load
) -> None:
    other = load_settings(indexes_dir=settings.indexes_dir, passage_tokens=512)
    with pytest.raises(SettingsError, match="DIAMOND_PASSAGE_TOKENS=256"):
        ingest(other, load=load)


def test_ingest_with_a_broken_document_names_it_and_takes_the_others(
    settings: Settings, load: Load, corpus: Path
) -> None:
    (corpus / "trade" / "broken.pdf").write_text("no PDF")
    report = ingest(settings, load=load)
    [failure] = report.failed
    assert failure.file == corpus / "trade" / "broken.pdf"
    assert "not a whole .pdf file" in failure.reason
    assert len(report.added) == 4
    again = ingest(settings, load=load)
    assert again.is_empty
    assert again.failed == report.failed


@pytest.mark.parametrize("keep", [True, False])
def test_ingest_of_what_broke_since(
    keep: bool, settings: Settings, load: Load, corpus: Path
) -> None:
    """Its earlier version stays where the user says so; once it is whole again, it is read."""
    ingest(settings, load=load)
    path = corpus / f"{AMBER}.md"
    whole = path.read_text()
    path.write_text(whole.replace("kind: news", "kind: gossip"))
    report = ingest(settings, load=load, keep_failed=keep)
    [failure] = report.failed
    assert (failure.doc_id, failure.kept) == (AMBER, keep)
    assert report.removed == (() if keep else (AMBER,))
    assert (AMBER in open_index(settings).manifest.fingerprints) == keep
    path.write_text(whole.replace("900 tonnes", "800 tonnes"))
    ingest(settings, load=load, keep_failed=keep)
    assert "800 tonnes" in open_index(settings).document(AMBER).text


def test_ingest_of_nothing_but_broken_files_builds_nothing(
    settings: Settings, load: Load, corpus: Path
) -> None:
    before = ingest(settings, load=load).manifest
    for path in corpus.glob("*/*.md"):
        path.rename(path.with_suffix(".pdf"))
    with pytest.raises(EmptyCorpus, match=r"none of 4 files .* nothing is built; the first: .*pdf"):
        ingest(settings, load=load)
    assert open_index(settings).manifest == before


def test_ingest_of_headings_alone_names_the_document(
    settings: Settings, load: Load, corpus: Path
) -> None:
    path = corpus / f"{AMBER}.md"
    header = path.read_text().split("\n---\n")[0]
    path.write_text(f"{header}\n---\n## Only a heading\n")
    [failure] = ingest(settings, load=load).failed
    assert (failure.file, failure.reason) == (path, "there is no sentence under its headings")


@anywhere
def test_ingest_of_a_renamed_file_embeds_nothing(
    settings: Settings, load: Load, embedder: HashEmbedder, corpus: Path
) -> None:
    ingest(settings, load=load)
    embedder.embedded.clear()
    path = corpus / f"{AMBER}.md"
    path.with_name("amber.md").write_text(path.read_text().replace(AMBER, "trade/amber"))
    path.unlink()
    report = ingest(settings, load=load)
    assert report.renamed == ((AMBER, "trade/amber"),)
    assert (report.added, report.removed, report.embedded, report.reused) == ((), (), 0, 1)
    assert embedder.embedded == []
    index = open_index(settings)
    [passage] = index.passages_of("trade/amber")
    assert passage.node_id.startswith("trade/amber:")


def test_ingest_reports_documents_with_one_text(
    settings: Settings, load: Load, corpus: Path
) -> None:
    (corpus / "one.txt").write_text("Owls wake.")
    (corpus / "two.txt").write_text("Owls wake.")
    assert ingest(settings, load=load).duplicates == (("one", "two"),)
    assert pending_changes(settings).duplicates == (("one", "two"),)


def test_ingest_twenty_times_holds_what_one_build_would(
    settings: Settings, load: Load, corpus: Path, tmp_path: Path
) -> None:
    """Mended again and again, the index is what a build from nothing makes."""
    numbers = random.Random(7)
    for _ in range(20):
        name = numbers.choice("abcdefgh")
        path = corpus / f"{name}.txt"
        if path.exists() and numbers.random() < 0.4:
            path.unlink()
        else:
            words = " ".join(numbers.choices(["owl", "gull", "amber", "glass", "lamp"], k=9))
            path.write_text(f"{name} says {words}.")
        ingest(settings, load=load)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "main.toml").write_text(f'corpus_dir = "{corpus}"\ndigests = true\n')
    anew = load_settings(indexes_dir=elsewhere)
    ingest(anew, load=load)
    with closing(open_index(settings)) as mended, closing(open_index(anew)) as built:
        assert mended.keys() == built.keys()
        assert mended.documents() == built.documents()
        ids = list(built.keys())
        one, other = mended.vectors(ids), built.vectors(ids)
        for passage_id in ids:
            assert np.array_equal(one[passage_id], other[passage_id])
            same = zip(mended.sentences_of(passage_id), built.sentences_of(passage_id), strict=True)
            assert all(a.span == b.span and np.array_equal(a.vector, b.vector) for a, b in same)
            found = dict(mended.nearest(one[passage_id], len(ids)))
            assert found == pytest.approx(dict(built.nearest(one[passage_id], len(ids))), abs=1e-5)


@anywhere
@pytest.mark.parametrize("cached", [True, False])
def test_killed_build_goes_on_where_it_was(
    cached: bool, settings: Settings, load: Load, embedder: HashEmbedder, corpus: Path
) -> None:
    """What was embedded is embedded once, whether the cache or an old generation has it."""
    for number in range(30):
        (corpus / f"{number}.txt").write_text(f"Owl number {number} wakes.")
    helpers = Path(__file__).parents[1] / "helpers"
    command = [sys.executable, "-c", SLOW_BUILD, str(settings.indexes_dir), str(helpers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as build:
        assert build.stdout is not None
        stage = "write 0" if cached else "check 34"
        while not build.stdout.readline().startswith(stage):
            assert build.poll() is None
        if cached:
            os.kill(build.pid, signal.SIGKILL)
        else:
            build.wait()
            generations_of(settings).embeddings.unlink()
            (corpus / "0.txt").unlink()
    report = ingest(settings, load=load)
    assert report.embedded == 0
    assert embedder.embedded == []
    assert any("died" in note for note in report.notes) == cached


def test_damaged_cache_is_begun_anew(settings: Settings, load: Load, corpus: Path) -> None:
    ingest(settings, load=load)
    generations_of(settings).embeddings.write_bytes(b"no database" * 100)
    (corpus / "owl.txt").write_text("Owls wake.")
    assert ingest(settings, load=load).added == ("owl",)


def test_full_disk_is_said_and_the_old_generation_stays(
    settings: Settings, load: Load, corpus: Path
) -> None:
    before = ingest(settings, load=load).manifest
    (corpus / "owl.txt").write_text("Owls wake. " * 30_000)
    helpers = Path(__file__).parents[1] / "helpers"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
    command = [sys.executable, "-c", limit + SLOW_BUILD, str(settings.indexes_dir), str(helpers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "StoreError: cannot write the index at" in done.stderr
    assert "still answers" in done.stderr
    assert open_index(settings).manifest == before
    assert ingest(settings, load=load).added == ("owl",)


def test_ingest_builds_a_damaged_index_anew(settings: Settings, load: Load) -> None:
    ingest(settings, load=load)
    (generations_of(settings).current() / "documents.db").unlink()
    with pytest.raises(IndexDamaged, match="0001-"):
        open_index(settings)
    report = ingest(settings, load=load)
    assert len(report.added) == 4
    assert open_index(settings).document(BRIDGE).text.startswith("## A bridge of glass")


def lose_a_vector(settings: Settings) -> None:
    """Give a passage's vector another passage's name."""
    database = generations_of(settings).current() / "chroma" / "chroma.sqlite3"
    with closing(sqlite3.connect(database)) as chroma, chroma:
        first = "id = (SELECT min(id) FROM embeddings)"
        chroma.execute(f"UPDATE embeddings SET embedding_id = 'lost' WHERE {first}")


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("part", ["chroma.sqlite3", "*"])
def test_damaged_vectors_are_written_anew(
    part: str, changed: bool, settings: Settings, load: Load, corpus: Path, embedder: HashEmbedder
) -> None:
    """They are not carried over, whether or not a document brings the build to them."""
    ingest(settings, load=load)
    embedder.embedded.clear()
    for path in (generations_of(settings).current() / "chroma").glob(part):
        if path.is_file():
            path.write_bytes(b"no vectors" * 1000)
    if changed:
        (corpus / "owl.txt").write_text("Owls wake.")
    report = ingest(settings, load=load)
    assert len(embedder.embedded) == changed
    assert len(report.added) == 4 + changed
    assert verify(settings) == []


def test_damage_that_comes_to_light_while_building_is_said(
    settings: Settings, load: Load, corpus: Path
) -> None:
    before = ingest(settings, load=load).manifest
    assert before is not None
    lose_a_vector(settings)
    report = ingest(settings, load=load)
    assert report.notes == (f"{before.generation} was damaged, so everything was written anew",)
    assert verify(settings) == []


def test_lost_vectors_are_embedded_anew_where_the_cache_is_gone(
    settings: Settings, load: Load, corpus: Path, embedder: HashEmbedder
) -> None:
    ingest(settings, load=load)
    embedded = len(embedder.embedded)
    generations_of(settings).embeddings.unlink()
    lose_a_vector(settings)
    (corpus / "owl.txt").write_text("Owls wake.")
    ingest(settings, load=load)
    assert len(embedder.embedded) == 2 * embedded + 1
    assert verify(settings) == []


def test_damaged_graph_is_noticed_before_it_is_read(
    settings: Settings, load: Load, corpus: Path, embedder: HashEmbedder
) -> None:
    """Chroma's native code would end the process, or take what it finds for vectors."""
    ingest(settings, load=load)
    [*files] = (generations_of(settings).current() / "chroma").glob("*/*.bin")
    assert len(files) == 4
    for path in files:
        whole = path.read_bytes()
        for damage in whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]):
            path.write_bytes(damage)
            with pytest.raises(IndexDamaged, match=rf"chroma/.*/{path.name} is not as it was"):
                open_index(settings)
        path.write_bytes(whole)
    open_index(settings).close()
    files[0].unlink()
    embedder.embedded.clear()
    (corpus / "owl.txt").write_text("Owls wake.")
    assert len(ingest(settings, load=load).added) == 5
    assert len(embedder.embedded) == 1
    assert verify(settings) == []


@anywhere
def test_ingest_keeps_three_generations(settings: Settings, load: Load, corpus: Path) -> None:
    for tonnes in range(5):
        path = corpus / f"{AMBER}.md"
        path.write_text(path.read_text() + f"\nThe limit was {tonnes} tonnes once.\n")
        ingest(settings, load=load)
    finished = generations_of(settings).finished()
    assert [name[:4] for name in finished] == ["0003", "0004", "0005"]


def test_two_builds_of_one_corpus_hold_the_same(
    settings: Settings, load: Load, tmp_path: Path
) -> None:
    first = ingest(settings, load=load).manifest
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "main.toml").write_text(f'corpus_dir = "{settings.corpus_dir}"\ndigests = true\n')
    second = ingest(load_settings(indexes_dir=elsewhere), load=load).manifest
    assert first is not None
    assert second is not None
    assert first.generation == second.generation


@anywhere
def test_pending_changes_builds_nothing(settings: Settings, load: Load, corpus: Path) -> None:
    ingest(settings, load=load)
    (corpus / f"{COPY}.md").unlink()
    assert pending_changes(settings).removed == (COPY,)
    assert len(generations_of(settings).finished()) == 1


def test_progress_is_told_for_each_stage(settings: Settings, load: Load) -> None:
    told: dict[str, tuple[int, int]] = {}
    ingest(settings, lambda stage, done, total: told.update({stage: (done, total)}), load)
    assert told == {
        "read": (4, 4),
        "chunk": (4, 4),
        "embed": (5, 5),
        "write": (4, 4),
        "check": (4, 4),
    }


class FailingEmbedder(HashEmbedder):
    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[Vectors, list[Vectors]]:
        raise RuntimeError("out of memory")


@anywhere
def test_ingest_whose_embedder_fails_loses_nothing(
    settings: Settings, load: Load, corpus: Path
) -> None:
    before = ingest(settings, load=load).manifest
    path = corpus / f"{AMBER}.md"
    path.write_text(path.read_text() + "\nMore about amber.\n")
    with pytest.raises(RuntimeError):
        ingest(settings, load=lambda name, threads: FailingEmbedder())
    assert open_index(settings).manifest == before
    assert ingest(settings, load=load).changed == (AMBER,)


SLOW_BUILD = """
import sys
import time
sys.path.insert(0, sys.argv[2])
from fakes import HashEmbedder
from assistant.ingestion import ingest
from assistant.settings import load_settings

def progress(stage, done, total):
    print(stage, done, flush=True)
    time.sleep(0.05)

ingest(load_settings(indexes_dir=sys.argv[1]), progress, lambda name, threads: HashEmbedder())
"""


@anywhere
@pytest.mark.parametrize("stage", ["read", "chunk", "embed", "write"])
def test_killed_build_leaves_the_old_index_answering(
    stage: str, settings: Settings, load: Load, load_judge: LoadJudge, corpus: Path
) -> None:
    before = ingest(settings, load=load).manifest
    conversation = Conversation.open(settings, load, load_judge)
    path = corpus / f"{AMBER}.md"
    path.write_text(path.read_text().replace("900 tonnes", "800 tonnes"))
    helpers = Path(__file__).parents[1] / "helpers"
    command = [sys.executable, "-c", SLOW_BUILD, str(settings.indexes_dir), str(helpers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as build:
        assert build.stdout is not None
        while not build.stdout.readline().startswith(stage):
            assert build.poll() is None
        os.kill(build.pid, signal.SIGKILL)
    assert open_index(settings).manifest == before
    for asked in (conversation, Conversation.open(settings, load, load_judge)):
        answer = asked.fresh().ask("What limit did Kelland put on the export of amber?")
        assert "900 tonnes a year" in answer.text
    after = ingest(settings, load=load)
    assert after.changed == (AMBER,)
    assert "800 tonnes" in open_index(settings).document(AMBER).text


def test_reader_of_an_old_generation_is_not_disturbed(
    settings: Settings, load: Load, load_judge: LoadJudge, corpus: Path
) -> None:
    ingest(settings, load=load)
    reader = Conversation.open(settings, load, load_judge, open_index(settings))
    path = corpus / f"{AMBER}.md"
    path.write_text(path.read_text().replace("900 tonnes", "800 tonnes"))
    ingest(settings, load=load)
    question = "What limit did Kelland put on the export of amber?"
    assert "900 tonnes" in reader.fresh().ask(question).text
    assert "800 tonnes" in Conversation.open(settings, load, load_judge).ask(question).text


def test_ingest_keeps_the_pages_of_a_pdf(settings: Settings, load: Load, corpus: Path) -> None:
    shutil.copy(FILES / "report.pdf", corpus / "works" / "harbour.pdf")
    ingest(settings, load=load)
    index = open_index(settings)
    document = index.document("works/harbour")
    passages = index.passages_of("works/harbour")
    pages = {passage.text: passage.metadata["page_number"] for passage in passages}
    index.close()
    assert document.metadata["title"] == "The harbour report"
    assert page_of(document, document.text.index("The council paid")) == 2
    assert [page for text, page in pages.items() if "412 ships" in text] == [1]
    assert [page for text, page in pages.items() if "crane" in text] == [2]
