"""A conversation over the invented corpus, and servers over it, one for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import CALIBRATION, FakeReranker, HashEmbedder
from served import served

from assistant.conversation import Conversation
from assistant.ingestion import ingest
from assistant.serving.users import Users
from assistant.settings import Settings, load_settings

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def served_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    place = tmp_path_factory.mktemp("indexes")
    (place / "main.toml").write_text(f'corpus_dir = "{DATA / "corpus"}"\n')
    (place / "calibration.json").write_text(CALIBRATION.model_dump_json())
    settings = load_settings(
        indexes_dir=place, calibration=place / "calibration.json", requests_per_minute=1000
    )
    ingest(settings, load=lambda name, threads: HashEmbedder())
    return settings


@pytest.fixture(scope="module")
def talk(served_settings: Settings) -> Conversation:
    return Conversation.open(
        served_settings, lambda name, threads: HashEmbedder(), lambda name, threads: FakeReranker()
    )


@pytest.fixture(scope="module")
def at(talk: Conversation, served_settings: Settings) -> Iterator[str]:
    """The address of a server where nobody signs in."""
    with served(talk, served_settings) as address:
        yield address


@pytest.fixture(scope="module")
def locked(
    talk: Conversation, served_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a server where Anna signs in with "correct horse"."""
    users = tmp_path_factory.mktemp("users") / "users"
    Users(users).add("anna", "correct horse")
    with served(talk, served_settings.model_copy(update={"users": users})) as address:
        yield address
