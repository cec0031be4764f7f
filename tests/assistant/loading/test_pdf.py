import pytest
from files import FILES, Words, pdf

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import LIMITS, Extract
from assistant.loading.pdf import read_pdf

PROSE = [
    Words("The lamp of Sorrel burns whale song in the night, and", 50, 700),
    Words("nobody on the isle knows why.", 50, 688),
]


def read(name: str) -> Extract:
    return read_pdf((FILES / name).read_bytes(), LIMITS)


def text_of(*lines: Words) -> str:
    return read_pdf(pdf(lines), LIMITS).text


def test_read_pdf_of_a_browser() -> None:
    """Its letters are placed one by one, and PDFium ends a line after many of them."""
    assert read("report.pdf").text == (
        "# Harbour report\n\n# Ships\n\n"
        "The harbour of Velmora took in 412 ships in 2031, which is forty more than in the year "
        "before. Most of them carried amber, and the rest carried owls for the towers along the "
        "northern shore of the isle.\n\n"
        "Amber came from Kelland.\n\nOwls came from Sorrel.\n\n"
        "# Money\n\nThe council paid for the new crane.\n\n"
        "|  | 2030 | 2031 |\n|---|---|---|\n"
        "| Harbour dues | $ 1,200 | $ 1,640 |\n| Repairs of the crane | (300) | (420) |"
    )


def test_read_pdf_what_it_declares() -> None:
    assert read("report.pdf").declared == {
        "title": "The harbour report",
        "publisher": "Velmora Council",
        "published": "2031-05-02",
        "topics": "harbour, ships",
        "language": "en",
    }


def test_read_pdf_printed_from_the_web_has_no_date() -> None:
    """It would be the day on which somebody printed the page."""
    content = pdf(PROSE, Creator="Chromium", CreationDate="D:20310502090000Z")
    assert read_pdf(content, LIMITS).declared["published"] is None


def test_read_pdf_pages() -> None:
    found = read_pdf(pdf([Words("Owls wake.", 50, 700)], [], PROSE), LIMITS)
    assert found.pages == (0, 10, 12)
    assert found.text[12:].startswith("The lamp")


def test_read_pdf_of_turned_pages() -> None:
    assert read_pdf(pdf(PROSE, turned=True), LIMITS).text == text_of(*PROSE)


def test_read_pdf_words_set_close_together() -> None:
    narrow = ") Tj -2 Tw (Owls wake at night."  # the spaces are less than a tenth of the height
    assert text_of(Words(narrow, 50, 700)) == "Owls wake at night."


def test_read_pdf_two_columns_in_their_order() -> None:
    left = [Words(f"Owls wake in the tower {n}", 50, 700 - 12 * n) for n in range(3)]
    right = [Words(f"gulls sleep on the shore {n}", 300, 700 - 12 * n) for n in range(3)]
    text = text_of(*left, *right)
    assert text.index("tower 2") < text.index("shore 0")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("locked.pdf", "protected by a password; save it without one"),
        ("scan.pdf", "no text on any of its pages, as in a scan; run text recognition"),
    ],
)
def test_read_pdf_that_cannot_be_read(name: str, reason: str) -> None:
    with pytest.raises(UnreadableDocument, match=f"^{reason}"):
        read(name)
