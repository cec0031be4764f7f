"""The chat, served for real, and a real browser that writes down what it asks for."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fakes import CALIBRATION, FakeReranker, HashEmbedder
from playwright.sync_api import Browser, sync_playwright
from served import served
from visits import Visit

from assistant.conversation import Conversation
from assistant.history import ConversationStore
from assistant.ingestion import ingest
from assistant.settings import load_settings

CHROMIUM = shutil.which("chromium")
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a chat keeps what it has."""
    return tmp_path_factory.mktemp("chat")


@pytest.fixture(scope="module")
def store(place: Path) -> ConversationStore:
    """The conversations that the chat keeps."""
    return ConversationStore.open(place / "conversations.db")


@pytest.fixture(scope="module")
def chat(place: Path, store: ConversationStore) -> Iterator[str]:
    """The address of a chat over the invented corpus and one hostile document."""
    corpus = Path(shutil.copytree(DATA / "corpus", place / "corpus"))
    shutil.copy(DATA / "hostile.md", corpus / "trade")
    (place / "main.toml").write_text(f'corpus_dir = "{corpus}"\n')
    calibration = place / "calibration.json"
    calibration.write_text(CALIBRATION.model_dump_json())
    settings = load_settings(
        indexes_dir=place,
        calibration=calibration,
        data_dir=place,
        runs_dir=place / "runs",
        requests_per_minute=100_000,
    )
    ingest(settings, load=lambda name, threads: HashEmbedder())
    conversation = Conversation.open(
        settings, lambda name, threads: HashEmbedder(), lambda name, threads: FakeReranker()
    )
    build = partial(ingest, load=lambda name, threads: HashEmbedder())
    with served(conversation, settings, build) as address:
        yield f"{address}/"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=flags)


@pytest.fixture
def visit(browser: Browser, chat: str) -> Iterator[Callable[..., Visit]]:
    """Opens the chat at a given size and scheme."""
    pages = []

    def open_page(width: int = 1280, height: int = 900, scheme: str = "light") -> Visit:
        page = browser.new_page(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        page.set_default_timeout(15_000)
        pages.append(page)
        visit = Visit(page)
        own = urlsplit(chat).netloc
        page.on(
            "request",
            lambda request: (
                visit.outside.append(request.url)
                if urlsplit(request.url).scheme in ("http", "https", "ws", "wss")
                and urlsplit(request.url).netloc != own
                else None
            ),
        )
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.add_init_script("window.hacked = (by) => { throw new Error('hacked by ' + by); }")
        page.goto(chat)
        page.wait_for_selector("#question textarea")
        return visit

    yield open_page
    for page in pages:
        page.close()
