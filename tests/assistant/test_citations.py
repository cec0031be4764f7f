from dataclasses import replace

import pytest
from llama_index.core.schema import Document, TextNode

from assistant.chunking import make_passage
from assistant.citations import cite, quoted_answer, resolves, statements
from assistant.schema import Answer, Citation
from assistant.segmentation import Span

TEXT = "Owls wake. The lamp burns whale song. Owls wake."


def passage(**metadata: str) -> TextNode:
    document = Document(id_="isle/lamp", text=TEXT, metadata=metadata)
    return make_passage(document, Span(11, 37), context="Lamps")


def citation(marker: int, quote: str = "Owls wake.", start: int = 0) -> Citation:
    return cite(marker, passage(), Span(start, start + len(quote)), quote)


def pieces(text: str, markers: int = 2) -> list[tuple[str, list[int]]]:
    """An answer's statements, each with the markers of its citations."""
    answer = Answer("Who?", text, citations=tuple(citation(n) for n in range(1, markers + 1)))
    return [(piece, [c.marker for c in cited]) for piece, cited in statements(answer)]


def test_cite_says_where_the_words_stand() -> None:
    source = passage(
        title="The lamp", publisher="Gazette", published="2031-03-02", kind="news", url="https://a"
    )
    assert cite(3, source, Span(11, 19), "The lamp") == Citation(
        marker=3,
        document="isle/lamp",
        title="The lamp",
        publisher="Gazette",
        published="2031-03-02",
        url="https://a",
        kind="news",
        quote="The lamp",
        start=11,
        end=19,
    )


def test_cite_names_the_page_of_the_quote() -> None:
    """The passage begins on the page before it."""
    document = Document(id_="isle/lamp", text=TEXT, metadata={"pages": [0, 38]})
    source = make_passage(document, Span(11, 48), context="Lamps")
    assert cite(1, source, Span(38, 48), "Owls wake.").page == 2
    assert cite(1, passage(), Span(38, 48), "Owls wake.").page is None


def test_cite_page_without_date_and_address() -> None:
    cited = cite(1, passage(title="The lamp"), Span(0, 10), "Owls wake.")
    assert (cited.published, cited.url) == (None, None)


@pytest.mark.parametrize("start", [0, 38])
def test_resolves_either_place_of_a_repeated_quote(start: int) -> None:
    assert resolves(citation(1, "Owls wake.", start), TEXT)


@pytest.mark.parametrize("start", [1, 11, 39, 400])
def test_resolves_not_at_another_place(start: int) -> None:
    assert not resolves(citation(1, "Owls wake.", start), TEXT)


def test_resolves_not_when_the_quote_is_cut_short() -> None:
    assert not resolves(cite(1, passage(), Span(0, 10), "Owls wake"), TEXT)


def test_quoted_answer_puts_a_marker_after_each_quote() -> None:
    quotes = [citation(1), citation(2, "The lamp burns.")]
    assert quoted_answer(quotes) == "Owls wake. [1] The lamp burns. [2]"


def test_quoted_answer_names_each_source_once() -> None:
    owl = Citation(1, "isle/owl", "", "Gazette", "2031-03-02", None, "news", "Owls wake.", 0, 10)
    hoot = replace(owl, marker=2, quote="They hoot.")
    eel = replace(owl, marker=3, document="isle/eel", published=None, quote="Eels sing.")
    assert quoted_answer([owl, hoot, eel], named=True) == (
        "Gazette, 2 March 2031: Owls wake. [1] They hoot. [2] Gazette, undated: Eels sing. [3]"
    )


def test_quoted_answer_of_no_quotes() -> None:
    assert quoted_answer([], named=True) == ""


def test_statements_read_a_quoted_answer_back() -> None:
    assert pieces("Owls wake. [1] The lamp burns. [2]") == [
        ("Owls wake.", [1]),
        ("The lamp burns.", [2]),
    ]


def test_statements_read_the_name_of_a_source_as_part_of_its_quote() -> None:
    assert pieces("Gazette, 2 March 2031: Owls wake. [1] The lamp burns. [2]") == [
        ("Gazette, 2 March 2031: Owls wake.", [1]),
        ("The lamp burns.", [2]),
    ]


def test_statements_with_several_markers() -> None:
    assert pieces("Owls wake. [2][1] The lamp burns. [1]") == [
        ("Owls wake.", [2, 1]),
        ("The lamp burns.", [1]),
    ]


@pytest.mark.parametrize("number", ["[7]", "[0]", "[2031]", "[]", "[one]"])
def test_statements_number_that_is_nobodys_marker(number: str) -> None:
    assert pieces(f"Owls {number} wake. [1]") == [(f"Owls {number} wake.", [1])]


def test_statements_text_after_the_last_marker() -> None:
    assert pieces("Owls wake. [1] Nobody knows why.") == [
        ("Owls wake.", [1]),
        ("Nobody knows why.", []),
    ]


def test_statements_text_that_opens_with_a_marker() -> None:
    assert pieces("[1] Owls wake.") == [("", [1]), ("Owls wake.", [])]


def test_statements_of_an_answer_without_citations() -> None:
    assert pieces("Owls wake. [1]", markers=0) == [("Owls wake. [1]", [])]


def test_statements_of_no_text() -> None:
    assert pieces(" ") == []
