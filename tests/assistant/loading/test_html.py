import pytest
from files import HTML

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import LIMITS, Extract
from assistant.loading.html import read_html


def read(page: str, encoding: str = "utf-8") -> Extract:
    return read_html(page.encode(encoding), LIMITS)


def test_read_html_main_content_alone() -> None:
    assert read(HTML).text == (
        "# The lamp of Sorrel\n\n"
        "The lamp of Sorrel burns whale song, said its keeper in the café on Monday evening.\n\n"
        "## What it costs\n\n"
        "It costs 42 million crowns a year, and nobody on the isle knows who pays for it.\n\n"
        "- Owls wake when it is lit.\n\n- Gulls sleep.\n\n"
        "| Tower | Owls |\n|---|---|\n| Sorrel | 7 |"
    )


def test_read_html_what_its_head_declares() -> None:
    assert read(HTML).declared == {
        "title": "The lamp of Sorrel",
        "publisher": "Harbour Gazette",
        "published": "2031-03-02",
        "url": "https://gazette.example/lamp",
        "language": "en-GB",
        "topics": ["lamps, owls"],
    }


def test_read_html_what_its_json_ld_declares() -> None:
    data = (
        '{"@context": "https://schema.org", "@type": "NewsArticle", "headline": "The owl",'
        ' "datePublished": "2031-04-05",'
        ' "publisher": {"@type": "Organization", "name": "Owl Post"}}'
    )
    page = (
        f'<html><head><script type="application/ld+json">{data}</script></head><body><article>'
        "<p>Owls wake in the night, and gulls sleep on the shore.</p></article></body></html>"
    )
    declared = read(page).declared
    assert (declared["title"], declared["publisher"]) == ("The owl", "Owl Post")
    assert declared["published"] == "2031-04-05"


def test_read_html_guesses_no_date_and_no_language() -> None:
    page = "<html><body><p>On 4 May 2025 the owls of Sorrel woke in their towers.</p></body></html>"
    declared = read(page).declared
    assert (declared["published"], declared["language"]) == (None, None)


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16"])
def test_read_html_in_the_encoding_that_it_declares(encoding: str) -> None:
    assert "café" in read(HTML.replace("utf-8", encoding), encoding).text


def test_read_html_in_another_encoding_than_it_declares() -> None:
    with pytest.raises(UnreadableDocument, match=r"byte \d+ is not UTF-8; save the file as UTF-8"):
        read(HTML, "iso-8859-1")


def test_read_html_of_xhtml() -> None:
    page = f'<?xml version="1.0" encoding="utf-8"?>{HTML}'
    assert read(page).text == read(HTML).text


def test_read_html_too_long() -> None:
    with pytest.raises(UnreadableDocument, match="more than 20 MiB of HTML; divide it"):
        read_html(b" " * (20 * 1024 * 1024 + 1), LIMITS)
