"""An invented corpus and what is built from it with a fake embedder."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

# Before anything imports a library that could reach for a hub.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["OMP_NUM_THREADS"] = "1"  # several tests run at once; torch's threads would spin
for _name in [name for name in os.environ if name.startswith("DIAMOND_")]:
    del os.environ[_name]

import httpx
import pytest
from chroma import chroma_run
from fakes import CALIBRATION, FakeReranker, HashEmbedder

from assistant.conversation import Conversation
from assistant.index import PassageIndex
from assistant.ingestion import ingest, open_index
from assistant.settings import Settings, load_settings

DATA = Path(__file__).parent / "data"


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder()


@pytest.fixture
def load(embedder: HashEmbedder) -> Callable[[str, int], HashEmbedder]:
    """What stands in for `load_embedder`."""
    return lambda name, threads: embedder


@pytest.fixture
def load_judge() -> Callable[[str, int], FakeReranker]:
    """What stands in for `load_reranker`."""
    return lambda name, threads: FakeReranker()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A copy of the invented corpus, to change at will."""
    return Path(shutil.copytree(DATA / "corpus", tmp_path / "corpus"))


@pytest.fixture(scope="session")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Chroma server."""
    with chroma_run(tmp_path_factory.mktemp("chroma")) as address:
        yield address


@pytest.fixture
def database(chroma: str) -> str:
    """The address of an empty database on that server."""
    name = f"database-{uuid.uuid4()}"
    tenant = "default_tenant"
    httpx.post(f"{chroma}/api/v2/tenants/{tenant}/databases", json={"name": name})
    return f"{chroma}/{tenant}/{name}"


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, corpus: Path) -> Settings:
    """Settings for an index over that copy, in a temporary folder.

    With the parameter "server", the index is in a database on a Chroma server.
    """
    indexes = tmp_path / "indexes"
    indexes.mkdir()
    recipe = f'corpus_dir = "{corpus}"\ndigests = true\n'
    if getattr(request, "param", "folder") == "server":
        recipe += f'chroma = "{request.getfixturevalue("database")}"\n'
    (indexes / "main.toml").write_text(recipe)
    calibration = tmp_path / "calibration.json"
    calibration.write_text(CALIBRATION.model_dump_json())
    return load_settings(indexes_dir=indexes, calibration=calibration, data_dir=tmp_path / "data")


@pytest.fixture
def index(settings: Settings, load: Callable[[str, int], HashEmbedder]) -> Iterator[PassageIndex]:
    """A freshly built index of that corpus."""
    ingest(settings, load=load)
    opened = open_index(settings)
    yield opened
    opened.close()


@pytest.fixture
def conversation(
    settings: Settings,
    load: Callable[[str, int], HashEmbedder],
    load_judge: Callable[[str, int], FakeReranker],
) -> Conversation:
    """A conversation over a freshly built index."""
    ingest(settings, load=load)
    return Conversation.open(settings, load, load_judge)
