import socket
from importlib import import_module
from typing import Any

import pytest
from files import epub_file, samples

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import LIMITS
from assistant.loading.formats import READERS, check_suffix, extract


@pytest.mark.parametrize("suffix", list(READERS))
def test_every_reader_is_there(suffix: str) -> None:
    module, name = READERS[suffix].split(".")
    assert callable(getattr(import_module(f"assistant.loading.{module}"), name))


@pytest.mark.parametrize(
    ("suffix", "remedy"),
    [
        (".doc", r"\.doc cannot be read; save it as \.docx"),
        (".png", r"\.png cannot be read, only \.csv, \.docx, .*; move it away"),
        ("", "a file without a suffix cannot be read"),
    ],
)
def test_check_suffix_without_a_reader(suffix: str, remedy: str) -> None:
    with pytest.raises(UnreadableDocument, match=f"^{remedy}"):
        check_suffix(suffix)


@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx", ".epub", ".pdf"])
def test_extract_of_an_empty_file(suffix: str) -> None:
    with pytest.raises(UnreadableDocument, match="not a whole"):
        extract(suffix, b"", LIMITS)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".md", "# Only a heading\n"),
        (".txt", " \n\n***\n"),
        (".csv", ";;\n"),
        (".html", "<html><body><nav><a href='/'>Home</a></nav></body></html>"),
    ],
)
def test_extract_without_a_sentence(suffix: str, content: str) -> None:
    with pytest.raises(UnreadableDocument, match=r"there is no (sentence|text)"):
        extract(suffix, content.encode(), LIMITS)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a connection is stopped."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a reader asks the network")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("suffix", list(samples()))
def test_extract_stays_on_this_machine(suffix: str) -> None:
    assert extract(suffix, samples()[suffix], LIMITS).text


def test_extract_does_not_fetch_what_a_document_names() -> None:
    """Neither an image, nor a style sheet, nor an entity: a server that listens hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        there = f"http://127.0.0.1:{server.getsockname()[1]}/a"
        page = (
            f'<?xml-stylesheet href="{there}"?><!DOCTYPE html SYSTEM "{there}">'
            f'<html><head><link rel="stylesheet" href="{there}"></head>'
            f'<body><img src="{there}"><p>Owls wake.</p></body></html>'
        )
        assert extract(".html", page.encode(), LIMITS).text == "Owls wake."
        book = epub_file(
            **{"META-INF__encryption.xml": f'<!DOCTYPE a SYSTEM "{there}"><a/>'},
        )
        assert extract(".epub", book, LIMITS).text
        with pytest.raises(TimeoutError):
            server.accept()
