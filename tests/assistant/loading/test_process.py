import time

import pytest
from files import FILES, epub_file

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import LIMITS, MIB, Limits
from assistant.loading.formats import extract
from assistant.loading.process import ReadingProcess

REPORT = (FILES / "report.pdf").read_bytes()
SLOW = b"<html><body>" + b"<p>Owls wake at night, and gulls sleep.</p>" * 200_000


def reason(process: ReadingProcess, suffix: str, content: bytes) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        process.extract(suffix, content)
    return caught.value.reason


def test_extract_is_what_a_reader_makes_of_it() -> None:
    with ReadingProcess() as process:
        assert process.extract(".pdf", REPORT) == extract(".pdf", REPORT, LIMITS)


def test_extract_says_why_there_is_none() -> None:
    with ReadingProcess() as process:
        assert reason(process, ".pdf", b"%PDF-1.4").startswith("not a whole .pdf file")
        assert process.extract(".txt", b"Owls wake.").text == "Owls wake."


def test_extract_that_takes_too_long_ends_the_process_alone() -> None:
    with ReadingProcess(Limits(seconds=1)) as process:
        start = time.monotonic()
        assert reason(process, ".html", SLOW).startswith("not read within 1 seconds; divide it")
        assert time.monotonic() - start < 10
        assert process.extract(".txt", b"Owls wake.").text == "Owls wake."


def test_extract_that_takes_too_much_memory() -> None:
    with ReadingProcess(Limits(memory=256 * MIB)) as process:
        assert process.extract(".txt", b"Owls wake.").text == "Owls wake."
        book = epub_file(**{"OEBPS__text__one.xhtml": " " * 200 * MIB})
        assert reason(process, ".epub", book) == "it takes too much memory to read; divide it"
        assert process.extract(".txt", b"Owls wake.").text == "Owls wake."


def test_extract_after_a_crash() -> None:
    with ReadingProcess() as process:
        process.extract(".txt", b"Owls wake.")
        assert process._process is not None
        process._process.kill()
        assert reason(process, ".txt", b"Owls wake.").startswith("its parser crashed over it")
        assert process.extract(".txt", b"Owls wake.").text == "Owls wake."


def test_process_ends_with_its_block() -> None:
    with ReadingProcess() as process:
        process.extract(".txt", b"Owls wake.")
        child = process._process
    assert child is not None
    assert child.poll() is not None


def test_process_ends_with_its_block_while_it_reads() -> None:
    """As when somebody interrupts the program."""
    with ReadingProcess() as process:
        process.extract(".txt", b"Owls wake.")
        assert process._connection is not None
        process._connection.send_bytes(b".html")
        process._connection.send_bytes(SLOW)
        start = time.monotonic()
    assert time.monotonic() - start < 3
