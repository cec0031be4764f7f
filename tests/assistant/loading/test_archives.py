import pytest
from files import archive

from assistant.errors import UnreadableDocument
from assistant.loading.archives import open_archive
from assistant.loading.extracts import LIMITS, MIB, Limits

OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)


def refusal(content: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        open_archive(content, limits)
    return caught.value.reason


def test_open_archive_that_unpacks_to_too_much() -> None:
    bomb = archive({"a": bytes(3 * MIB)})
    assert len(bomb) < 10_000
    reason = refusal(bomb, Limits(unpacked_bytes=2 * MIB))
    assert reason == "unpacks to 3 MiB in 1 parts, more than 2 MiB in 10,000; divide it"


def test_open_archive_of_too_many_parts() -> None:
    parts = {str(number): "" for number in range(20)}
    assert refusal(archive(parts), Limits(parts=10)).startswith("unpacks to 0 MiB in 20 parts")


def test_open_archive_reads_no_more_than_it_declares() -> None:
    """What an archive says about a part's size is what it unpacks to, at most."""
    content = archive({"a": b"owl " * 1000})
    lied = content.replace((4000).to_bytes(4, "little"), (40).to_bytes(4, "little"))
    with open_archive(lied, LIMITS) as opened, pytest.raises(Exception, match="CRC"):
        opened.read("a")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (OLD_OFFICE, "protected by a password, or in the format of an old Office"),
        (b"Owls wake.", "not a whole file of its kind; copy it here again"),
        (b"", "not a whole file of its kind; copy it here again"),
        (archive({"a": "Owls wake."})[:-30], "not a whole file of its kind; copy it here again"),
    ],
    ids=["old Office", "text", "empty", "cut off"],  # an archive says when it was made
)
def test_open_archive_that_is_none(content: bytes, reason: str) -> None:
    assert refusal(content).startswith(reason)


def test_open_archive_with_a_password() -> None:
    content = bytearray(archive({"a": "Owls wake."}))
    content[content.index(b"PK\1\2") + 8] |= 1
    assert refusal(bytes(content)) == "protected by a password; save it without one"
