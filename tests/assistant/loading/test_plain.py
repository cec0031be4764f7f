import pytest

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import LIMITS
from assistant.loading.plain import decode, read_text

TEXT = "Owls wake in the café.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_decode_what_its_mark_names(encoding: str) -> None:
    assert decode(TEXT.encode(encoding)) == TEXT


def test_decode_what_the_text_names() -> None:
    assert decode(TEXT.encode("latin-1"), declared="latin-1") == TEXT


@pytest.mark.parametrize(
    ("content", "declared", "reason"),
    [
        (TEXT.encode("latin-1"), None, "byte 20 is not UTF-8; save the file as UTF-8"),
        (TEXT.encode("latin-1"), "ascii", "byte 20 is not ascii; save the file as UTF-8"),
        (b"\xff\xfeO", None, "byte 2 is not utf-16; save the file as UTF-8"),
        (b"Owls", "klingon", "nobody knows the encoding 'klingon'; save the file as UTF-8"),
    ],
)
def test_decode_in_the_wrong_encoding(content: bytes, declared: str | None, reason: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        decode(content, declared)
    assert caught.value.reason == reason


def test_read_text_line_ends_and_accents() -> None:
    found = read_text("Owls wake in the cafe\u0301.\r\nGulls sleep.\r".encode(), LIMITS)
    assert found.text == "Owls wake in the café.\nGulls sleep.\n"
