"""One index on a real Chroma server: several machines, each with a folder of its own."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from chroma import chroma_run, free_port
from corpora import AMBER
from fakes import FakeReranker, HashEmbedder

from assistant import server_generations, vectors
from assistant.chroma_server import server_at
from assistant.conversation import Conversation
from assistant.embeddings import Vectors
from assistant.errors import (
    GenerationGone,
    IndexBusy,
    IndexDamaged,
    IndexNotBuilt,
    NoSuchGeneration,
    ServerError,
    SettingsError,
    StoreError,
)
from assistant.ingestion import generations_of, ingest, open_index, pending_changes
from assistant.settings import Settings
from assistant.verification import verify

Load = Callable[[str, int], HashEmbedder]
LoadJudge = Callable[[str, int], FakeReranker]

pytestmark = pytest.mark.parametrize("settings", ["server"], indirect=True)

LIMIT = "What limit did Kelland put on the export of amber?"


@pytest.fixture
def another(settings: Settings, tmp_path: Path) -> Settings:
    """The settings of another machine, which follows the same index."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    recipe = (settings.indexes_dir / "main.toml").read_text()
    (elsewhere / "main.toml").write_text(recipe)
    return settings.model_copy(update={"indexes_dir": elsewhere})


@pytest.fixture
def by_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the index had too many passages for one matrix: the server is asked."""
    monkeypatch.setattr(vectors, "EXACT_UP_TO", 0)


def set_limit(corpus: Path, tonnes: int) -> None:
    """Change the document on amber."""
    path = corpus / f"{AMBER}.md"
    before, _, after = path.read_text().partition("limit of ")
    path.write_text(f"{before}limit of {tonnes} {after.partition(' ')[2]}")


def names(settings: Settings) -> set[str]:
    """The names of the collections in the database."""
    return set(server_at(settings.chroma or "", None).names())


def test_another_machine_answers_from_what_one_has_built(
    settings: Settings, another: Settings, load: Load, load_judge: LoadJudge
) -> None:
    built = ingest(settings, load=load).manifest
    answer = Conversation.open(another, load, load_judge).ask(LIMIT)
    assert built is not None
    assert answer.generation == built.generation
    assert "limit of 900" in answer.text
    assert answer.citations[0].document == AMBER
    assert pending_changes(another).is_empty


def test_another_machine_builds_on_what_one_has_built(
    settings: Settings, another: Settings, corpus: Path, load: Load, embedder: HashEmbedder
) -> None:
    ingest(settings, load=load)
    embedder.embedded.clear()
    set_limit(corpus, 800)
    report = ingest(another, load=load)
    assert (report.changed, len(embedder.embedded)) == ((AMBER,), 1)
    assert "limit of 800" in open_index(settings).document(AMBER).text


@pytest.mark.parametrize("exact_up_to", [0, 50_000])
def test_reader_elsewhere_follows_the_newest_generation(
    exact_up_to: int,
    settings: Settings,
    another: Settings,
    corpus: Path,
    load: Load,
    load_judge: LoadJudge,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vectors, "EXACT_UP_TO", exact_up_to)
    ingest(settings, load=load)
    reader = Conversation.open(another, load, load_judge)
    assert "limit of 900" in reader.ask(LIMIT).text
    set_limit(corpus, 800)
    ingest(settings, load=load)
    assert "limit of 800" in reader.ask(LIMIT).text


@pytest.mark.parametrize("exact_up_to", [0, 50_000])
def test_index_on_a_server_equals_one_in_a_folder(
    exact_up_to: int,
    settings: Settings,
    another: Settings,
    load: Load,
    embedder: HashEmbedder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vectors, "EXACT_UP_TO", exact_up_to)
    in_a_folder = another.model_copy(update={"chroma": None})
    ingest(settings, load=load)
    ingest(in_a_folder, load=load)
    with closing(open_index(settings)) as there, closing(open_index(in_a_folder)) as here:
        assert here.keys() == there.keys()
        assert list(here.passages()) == list(there.passages())
        vector = embedder.encode_query("Kelland amber")
        nearest = dict(there.nearest(vector, 10))
        assert nearest == pytest.approx(dict(here.nearest(vector, 10)), abs=1e-5)
        assert here.best_matches("amber", 10) == there.best_matches("amber", 10)


def test_server_without_the_index_names_the_command(settings: Settings) -> None:
    with pytest.raises(IndexNotBuilt, match=r"'main'.*diamond-assistant index build"):
        open_index(settings)


def test_name_that_no_collection_can_have_is_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="'über uns': use letters"):
        generations_of(settings.model_copy(update={"index": "über uns"}))


def test_rollback_is_seen_everywhere(
    settings: Settings, another: Settings, corpus: Path, load: Load, load_judge: LoadJudge
) -> None:
    ingest(settings, load=load)
    set_limit(corpus, 800)
    ingest(settings, load=load)
    reader = Conversation.open(another, load, load_judge)
    generations = generations_of(settings)
    with generations.locked():
        generations.switch(generations.before())
    assert "limit of 900" in reader.ask(LIMIT).text
    with pytest.raises(NoSuchGeneration, match="0007"), generations.locked():
        generations.switch("0007-00000000")


def test_verify_on_every_machine(settings: Settings, another: Settings, load: Load) -> None:
    ingest(settings, load=load)
    for machine in (settings, another):
        assert verify(machine) == []


def test_prune_deletes_collections_and_files(
    settings: Settings, another: Settings, corpus: Path, load: Load
) -> None:
    for tonnes in (1, 2, 3, 4):
        set_limit(corpus, tonnes)
        ingest(settings.model_copy(update={"keep_generations": 2}), load=load)
        open_index(another).close()
    kept = generations_of(settings).finished()
    assert [generation[:4] for generation in kept] == ["0003", "0004"]
    assert names(settings) == {
        "main.current",
        *(f"main.{generation}{end}" for generation in kept for end in ("", ".files")),
    }
    for machine in (settings, another):
        folder = machine.indexes_dir / "main" / "server"
        assert {path.name[:4] for path in folder.iterdir() if path.is_dir()} == {"0003", "0004"}


def test_two_indexes_on_one_server_leave_each_other_alone(
    settings: Settings, corpus: Path, load: Load
) -> None:
    """Even where one's name begins with the other's."""
    (settings.indexes_dir / "main.lock.toml").write_text("")
    other = settings.model_copy(update={"index": "main.lock"})
    for tonnes in (1, 2):
        set_limit(corpus, tonnes)
        for one in (settings, other):
            ingest(one.model_copy(update={"keep_generations": 1}), load=load)
    for one in (settings, other):
        assert "limit of 2 " in open_index(one).document(AMBER).text


READER = """
import json
import sys
sys.path.insert(0, sys.argv[2])
from fakes import FakeReranker, HashEmbedder
from assistant import vectors
from assistant.conversation import Conversation
from assistant.settings import load_settings

vectors.EXACT_UP_TO = int(sys.argv[3])
reader = Conversation.open(
    load_settings(indexes_dir=sys.argv[1], calibration=sys.argv[4]),
    lambda name, threads: HashEmbedder(),
    lambda name, threads: FakeReranker(),
)
while True:
    answer = reader.fresh().ask("What limit did Kelland put on the export of amber?")
    print(json.dumps([answer.generation, answer.text]), flush=True)
"""


@contextlib.contextmanager
def asking(machine: Settings, exact_up_to: int, said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that asks the same question again and again; its answers go into a file."""
    helpers = Path(__file__).parents[1] / "helpers"
    arguments = [machine.indexes_dir, helpers, exact_up_to, machine.calibration]
    command = [sys.executable, "-c", READER, *map(str, arguments)]
    with said.open("wb") as out, subprocess.Popen(command, stdout=out) as reader:
        try:
            yield reader
        finally:
            reader.kill()


def answers(said: Path) -> list[tuple[str, str]]:
    """The answers so far, each with its generation; the last line may be half written."""
    lines = said.read_text().split("\n")[:-1]
    return [(generation, text) for generation, text in map(json.loads, lines)]


def wait_for(reader: subprocess.Popen[bytes], said: Path, generation: str) -> None:
    while not any(one == generation for one, _ in answers(said)):
        assert reader.poll() is None
        with contextlib.suppress(subprocess.TimeoutExpired):
            reader.wait(0.1)


def test_two_readers_and_a_builder(
    settings: Settings, another: Settings, corpus: Path, load: Load, tmp_path: Path
) -> None:
    """Every answer is that of its generation, whole, although the old ones are deleted at once."""
    keeping_one = settings.model_copy(update={"keep_generations": 1})
    limits = {}

    def build(tonnes: int) -> str:
        set_limit(corpus, tonnes)
        manifest = ingest(keeping_one, load=load).manifest
        assert manifest is not None
        limits[manifest.generation] = tonnes
        return manifest.generation

    build(100)
    one, two = tmp_path / "one", tmp_path / "two"
    with asking(another, 50_000, one) as exact, asking(another, 0, two) as by_graph:
        for tonnes in (200, 300, 400, 500):
            newest = build(tonnes)
            for reader, said in ((exact, one), (by_graph, two)):
                wait_for(reader, said, newest)
    for said in (one, two):
        seen = answers(said)
        assert all(f"limit of {limits[generation]} tonnes" in text for generation, text in seen)
        assert seen == sorted(seen)  # nobody went back


def test_generation_that_goes_while_it_is_asked_is_asked_anew(
    settings: Settings,
    another: Settings,
    corpus: Path,
    load: Load,
    load_judge: LoadJudge,
    by_graph: None,
) -> None:
    class Interrupted(HashEmbedder):
        """Between the look at the pointer and the search, the index is built anew."""

        def encode_query(self, query: str) -> Vectors:
            ingest(settings.model_copy(update={"keep_generations": 1}), load=load)
            return super().encode_query(query)

    ingest(settings, load=load)
    reader = Conversation.open(another, lambda name, threads: Interrupted(), load_judge)
    set_limit(corpus, 800)
    answer = reader.ask(LIMIT)
    assert "limit of 800" in answer.text
    assert answer.generation.startswith("0002-")


def test_generation_that_is_gone_for_good_says_so(
    settings: Settings, load: Load, load_judge: LoadJudge, by_graph: None
) -> None:
    ingest(settings, load=load)
    reader = Conversation.open(settings, load, load_judge)
    server = server_at(settings.chroma or "", None)
    for name in names(settings) - {"main.current"}:
        server.remove(name)
    with pytest.raises(GenerationGone, match=r"at http.*diamond-assistant index build"):
        reader.ask(LIMIT)
    with pytest.raises(IndexDamaged, match=r"0001-\w+ is no longer on Chroma at http"):
        open_index(settings)


@pytest.mark.parametrize("change", ["lost", "altered"])
def test_files_that_are_not_what_was_sent_are_refused(
    change: str, settings: Settings, another: Settings, load: Load
) -> None:
    ingest(settings, load=load)
    [generation] = generations_of(settings).finished()
    files = server_at(settings.chroma or "", None).find(f"main.{generation}.files")
    assert files is not None
    if change == "lost":
        files.delete(ids=["0"])
    else:
        files.update(ids=["0"], metadatas=[{"0": "AAAA"}])
    with pytest.raises(IndexDamaged, match=rf"{generation} cannot be fetched .*index build"):
        open_index(another)
    assert [path.name for path in (another.indexes_dir / "main" / "server").iterdir()] == [
        ".fetching"
    ]


def test_files_of_another_server_are_not_taken_for_ones_own(
    settings: Settings, another: Settings, load: Load
) -> None:
    """A database that was emptied and filled anew has generations of the same names."""
    ingest(settings, load=load)
    [generation] = generations_of(settings).finished()
    open_index(another).close()
    folder = another.indexes_dir / "main" / "server" / generation
    (folder / "files.sha256").write_text("of another")
    (folder / "documents.db").write_bytes(b"of another")
    assert "limit of 900" in open_index(another).document(AMBER).text


def test_files_that_cannot_be_kept_are_said(
    settings: Settings, another: Settings, load: Load
) -> None:
    ingest(settings, load=load)
    (another.indexes_dir / "main").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot keep the index in"):
        open_index(another)


def test_builder_that_lost_the_lock_publishes_nothing(
    settings: Settings, another: Settings, corpus: Path, load: Load
) -> None:
    """It slept for an hour; another machine built meanwhile."""
    ingest(settings, load=load)
    set_limit(corpus, 800)

    def overtaken(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("check", 0):
            lock = server_at(settings.chroma or "", None).find("main.lock")
            assert lock is not None
            lock.modify(metadata={"owner": "by process 7 on owl since then", "heard": 0})
            report = ingest(another, load=load)
            assert report.notes == (
                "a build by process 7 on owl since then died; what it had embedded is used",
            )

    with pytest.raises((IndexBusy, IndexDamaged)):
        ingest(settings, overtaken, load)
    assert [name[:4] for name in generations_of(settings).finished()] == ["0001", "0002"]
    assert "limit of 800" in open_index(settings).document(AMBER).text
    assert not any("lock" in name for name in names(settings))


def test_reader_goes_on_without_its_server_and_says_so(
    settings: Settings,
    another: Settings,
    corpus: Path,
    load: Load,
    load_judge: LoadJudge,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server_generations, "_REFUSED_FOR", 0)
    port, data = free_port(), tmp_path / "chroma"
    address = f"http://127.0.0.1:{port}"
    here, there = (s.model_copy(update={"chroma": address}) for s in (settings, another))
    with chroma_run(data, port):
        ingest(here, load=load)
        reader = Conversation.open(there, load, load_judge)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(vectors, "EXACT_UP_TO", 0)
            by_graph = Conversation.open(there, load, load_judge)
    assert "limit of 900" in reader.ask(LIMIT).text
    assert reader.library.problem.startswith(f"Chroma at {address} cannot be reached")
    with pytest.raises(ServerError, match=f"Chroma at {address} cannot be reached"):
        by_graph.ask(LIMIT)
    with chroma_run(data, port):
        set_limit(corpus, 800)
        ingest(here, load=load)
        for one in (reader, by_graph):
            assert "limit of 800" in one.ask(LIMIT).text
        assert reader.library.problem == ""
