"""One index on a real Chroma server: several machines, each with a folder of its own."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from chroma import chroma_run
from corpora import AMBER
from fakes import FakeReranker, HashEmbedder

from assistant.chroma_server import server_at
from assistant.conversation import Conversation
from assistant.errors import IndexNotBuilt, NoSuchGeneration
from assistant.ingestion import generations_of, ingest, open_index, pending_changes
from assistant.settings import Settings

Load = Callable[[str, int], HashEmbedder]
LoadJudge = Callable[[str, int], FakeReranker]

LIMIT = "What limit did Kelland put on the export of amber?"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chroma_run(tmp_path_factory.mktemp("chroma")) as address:
        yield address


@pytest.fixture
def remote(settings: Settings, address: str) -> Iterator[Settings]:
    """The settings of a machine whose index is on the server."""
    yield settings.model_copy(update={"chroma": address})
    server = server_at(address, None)
    for name in list(server.names()):
        server.remove(name)


@pytest.fixture
def another(remote: Settings, tmp_path: Path) -> Settings:
    """The settings of another machine, which follows the same index."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    return remote.model_copy(update={"indexes_dir": elsewhere})


def say(corpus: Path, tonnes: int) -> None:
    """Change the document on amber."""
    path = corpus / f"{AMBER}.md"
    path.write_text(path.read_text().replace("limit of ", f"limit of {tonnes} and not "))


def names(address: str) -> set[str]:
    return set(server_at(address, None).names())


def test_another_machine_answers_from_what_one_has_built(
    remote: Settings, another: Settings, load: Load, load_judge: LoadJudge
) -> None:
    built = ingest(remote, load=load)
    answer = Conversation.open(another, load, load_judge).ask(LIMIT)
    assert built.manifest is not None
    assert answer.generation == built.manifest.generation
    assert "900 tonnes" in answer.text
    assert answer.citations[0].document == AMBER
    assert pending_changes(another).is_empty


def test_reader_elsewhere_follows_the_newest_generation(
    remote: Settings, another: Settings, corpus: Path, load: Load, load_judge: LoadJudge
) -> None:
    ingest(remote, load=load)
    reader = Conversation.open(another, load, load_judge)
    assert "limit of 900" in reader.ask(LIMIT).text
    say(corpus, 800)
    ingest(remote, load=load)
    assert "limit of 800" in reader.ask(LIMIT).text


def test_index_on_a_server_equals_one_in_a_folder(
    settings: Settings, remote: Settings, another: Settings, load: Load, embedder: HashEmbedder
) -> None:
    ingest(settings, load=load)
    ingest(remote, load=load)
    with closing(open_index(settings)) as here, closing(open_index(another)) as there:
        assert here.keys() == there.keys()
        assert list(here.passages()) == list(there.passages())
        vector = embedder.encode_query("amber")
        assert here.nearest(vector, 10) == there.nearest(vector, 10)
        assert here.best_matches("amber", 10) == there.best_matches("amber", 10)


def test_server_without_the_index_names_the_command(remote: Settings) -> None:
    with pytest.raises(IndexNotBuilt, match=r"'main'.*diamond-assistant index build"):
        open_index(remote)


def test_rollback_is_seen_everywhere(
    remote: Settings, another: Settings, corpus: Path, load: Load, load_judge: LoadJudge
) -> None:
    ingest(remote, load=load)
    say(corpus, 800)
    ingest(remote, load=load)
    reader = Conversation.open(another, load, load_judge)
    generations = generations_of(remote)
    with generations.locked():
        generations.switch(generations.before())
    assert "limit of 900" in reader.ask(LIMIT).text
    with pytest.raises(NoSuchGeneration, match="0007"), generations.locked():
        generations.switch("0007-00000000")


def test_prune_deletes_collections_and_files(
    remote: Settings, another: Settings, corpus: Path, load: Load, address: str
) -> None:
    for tonnes in (1, 2, 3, 4):
        say(corpus, tonnes)
        ingest(remote.model_copy(update={"keep_generations": 2}), load=load)
        open_index(another).close()
    kept = generations_of(remote).finished()
    assert [generation[:4] for generation in kept] == ["0003", "0004"]
    assert names(address) == {
        "main.current",
        *(f"main.{generation}{end}" for generation in kept for end in ("", ".files")),
    }
    folder = another.indexes_dir / "main" / "server"
    assert {path.name[:4] for path in folder.iterdir() if path.is_dir()} == {"0003", "0004"}
