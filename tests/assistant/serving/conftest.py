"""A conversation over the invented corpus, and servers over it, one for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from fakes import CALIBRATION, FakeReranker, HashEmbedder
from served import Serve, served

from assistant.conversation import Conversation
from assistant.index import PassageIndex
from assistant.ingestion import ingest, open_index
from assistant.serving.users import Users
from assistant.settings import Settings, load_settings

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def served_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    place = tmp_path_factory.mktemp("indexes")
    (place / "main.toml").write_text(f'corpus_dir = "{DATA / "corpus"}"\n')
    (place / "calibration.json").write_text(CALIBRATION.model_dump_json())
    settings = load_settings(
        indexes_dir=place,
        calibration=place / "calibration.json",
        data_dir=place / "data",
        requests_per_minute=1000,
    )
    ingest(settings, load=lambda name, threads: HashEmbedder())
    return settings


@pytest.fixture(scope="module")
def talk_index(served_settings: Settings) -> Iterator[PassageIndex]:
    index = open_index(served_settings)
    yield index
    index.close()


@pytest.fixture(scope="module")
def talk(served_settings: Settings, talk_index: PassageIndex) -> Conversation:
    return Conversation.open(
        served_settings,
        lambda name, threads: HashEmbedder(),
        lambda name, threads: FakeReranker(),
        talk_index,
    )


@pytest.fixture(scope="module")
def serve(talk: Conversation, served_settings: Settings) -> Serve:
    """Serves the conversation, or another, with some settings changed."""

    def serve(conversation: Conversation = talk, **changed: Any) -> AbstractContextManager[str]:
        return served(conversation, served_settings.model_copy(update=changed))

    return serve


@pytest.fixture(scope="module")
def at(serve: Serve) -> Iterator[str]:
    """The address of a server where nobody signs in."""
    with serve() as address:
        yield address


@pytest.fixture(scope="module")
def locked(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server where Anna signs in with "correct horse"."""
    users = tmp_path_factory.mktemp("users") / "users"
    Users(users).add("anna", "correct horse")
    with serve(users=users) as address:
        yield address
