import re
from dataclasses import replace

import pytest
from answers import EELS, LAMP, OWLS, abstained, answered, cited, document, shelf
from llama_index.core.schema import Document
from markup import HOSTILE, NO_ADDRESSES, RIGHT_TO_LEFT, assert_tame

from assistant.citations import quoted_answer
from assistant.schema import Answer, Outcome
from assistant.web.sources import (
    answer_pieces,
    escape,
    question_html,
    refusal_html,
    sources_panel,
)

ISLE = shelf(OWLS, LAMP, EELS)
SOME = [cited(1, "Owls wake at dusk."), cited(2, "Gulls sleep.")]


def whole(answer: Answer, turn: int = 0, newest: str | None = None) -> str:
    """The answer in the chat once it is all there."""
    return list(answer_pieces(answer, turn, newest))[-1]


def panel(answer: Answer, turn: int = 0) -> str:
    return sources_panel(answer, turn, ISLE)


def hostile(text: str) -> Document:
    """A document in which everything that can be set is hostile."""
    address = f"https://a.example/{text}"
    return document(f"{text} {text}", text, title=text, publisher=text, kind=text, url=address)


def quotes(page: str) -> list[str]:
    return re.findall(r"<mark[^>]*>(.*?)</mark>", page, re.DOTALL)


def statements(page: str) -> list[str]:
    return re.findall(r"<bdi>(.*?)</bdi>", page)


@pytest.mark.parametrize("outcome", ["answered", "not_stated", "nothing"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_document(text: str, outcome: Outcome) -> None:
    source = hostile(text)
    quote = cited(1, text, source)
    answer = answered(quote, question=text, text=quoted_answer([quote], named=True))
    if outcome != "answered":
        answer = abstained(quote, question=text, outcome=outcome, text=f"{text}. {text}")
    shown = sources_panel(answer, 0, shelf(source, source.text))
    assert_tame(whole(answer))
    assert_tame(shown)
    assert escape(text) in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_question_and_reason(text: str) -> None:
    assert_tame(question_html(text))
    assert_tame(refusal_html(text))


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_address_that_is_no_page_of_the_web_is_no_link(address: str) -> None:
    source = document(LAMP, title="Owls", url=address)
    shown = panel(answered(cited(1, EELS), cited(2, "Gulls sleep.", source)))
    assert_tame(shown)
    assert "<h3>Owls</h3>" in shown


def test_text_cannot_turn_what_stands_next_to_it() -> None:
    """Each statement is on its own, and none reaches into the next or into a marker."""
    turned = document(f"{RIGHT_TO_LEFT}Owls wake.")
    first = cited(1, turned.text, turned)
    assert statements(whole(answered(first, cited(2, "Gulls sleep.")))) == [
        turned.text,
        "Gulls sleep.",
    ]


def test_escape_keeps_what_is_read_on_one_line() -> None:
    """A blank line would let Markdown in."""
    read = "Brask & Daughters <\"'>\n\n- 琥珀\r\n# up "
    assert escape(read) == "Brask &amp; Daughters &lt;&quot;&#x27;&gt; - 琥珀 # up"


def test_answer_grows_statement_by_statement() -> None:
    first, second, last = answer_pieces(answered(*SOME), turn=0)
    assert statements(first) == ["Owls wake at dusk."]
    assert first.startswith('<div class="answer">')
    assert second.startswith(first.removesuffix("</div>"))
    assert statements(second) == ["Owls wake at dusk.", "Gulls sleep."]
    assert last.startswith(second)


@pytest.mark.parametrize(("confidence", "word"), [(0.9, "high"), (0.7, "fair"), (0.5, "low")])
def test_answer_ends_with_what_it_rests_on(confidence: float, word: str) -> None:
    answer = answered(
        *SOME, confidence=confidence, generation="0001-owl", timings_ms={"total": 1234.0}
    )
    *before, last = answer_pieces(answer, 3, "2031-03-05")
    assert (
        f'</div><p class="foot">Confidence: {word} · The documents reach to 5 March 2031 · '
        'Index 0001-owl · 1.2 s <a class="show-sources" href="#turn-3">Sources</a></p>'
    ) in last
    assert not any("foot" in piece for piece in before)


def test_answer_marker_names_its_source() -> None:
    source = document(LAMP, publisher="Gazette", published="2031-03-02")
    page = whole(answered(cited(1, "Gulls sleep.", source)))
    assert 'title="Source 1: Gazette, 2 March 2031">1</a>' in page


@pytest.mark.parametrize(
    "answer", [answered(*SOME), abstained(*SOME, outcome="not_stated")], ids=["answer", "near"]
)
def test_marker_leads_to_its_quote_and_back(answer: Answer) -> None:
    chat, sources = whole(answer, turn=1), panel(answer, turn=1)
    there = re.findall(r'class="cite" id="([^"]+)" href="#([^"]+)"', chat)
    assert there == list(
        zip(
            re.findall(r'class="number" href="#([^"]+)"', sources),
            re.findall(r'<mark id="([^"]+)"', sources),
            strict=True,
        )
    )
    assert len(there) == 2
    assert set(there).isdisjoint(re.findall(r'id="([^"]+)" href="#([^"]+)"', whole(answer, 0)))


def test_answer_from_several_documents_shows_their_names() -> None:
    owl = document("Owls wake.", publisher="Brask & Co")
    both = [cited(1, "Gulls sleep."), cited(2, "Owls wake.", owl)]
    page = whole(answered(*both, text=quoted_answer(both, named=True)))
    assert statements(page) == [
        "Gazette, undated: Gulls sleep.",
        "Brask &amp; Co, undated: Owls wake.",
    ]


def test_answer_bracketed_number_in_a_quote_is_no_marker() -> None:
    page = whole(answered(cited(1, "Owls [7] wake [0].", document("Owls [7] wake [0]."))))
    assert statements(page) == ["Owls [7] wake [0]."]
    assert page.count("<sup>") == 1


def test_abstention_says_what_was_searched() -> None:
    page = whole(abstained(cited(1, LAMP), text="They do not say. Searched: 4 <documents>. Or 5."))
    assert page.startswith(
        '<div class="refusal"><strong>They do not say.</strong> '
        "Searched: 4 &lt;documents&gt;. Or 5.</div>"
    )
    assert "Owls wake" not in page
    assert "Confidence" not in page


def test_abstention_quotes_the_sentences_that_come_near() -> None:
    page = whole(abstained(*SOME, text="They do not say.", outcome="not_stated"))
    assert page.startswith('<div class="refusal"><strong>They do not say.</strong>')
    assert re.findall(r"<li><bdi>(.*?)</bdi><sup>", page) == ["Owls wake at dusk.", "Gulls sleep."]


def test_panel_of_nothing_lists_the_nearest_passages() -> None:
    """They have no markers in the chat that a number could lead back to."""
    page = panel(abstained(cited(1, LAMP), cited(2, EELS)))
    assert re.findall("<blockquote>(.*?)</blockquote>", page) == [LAMP, EELS]
    assert "<mark" not in page
    assert "#mark-" not in page


@pytest.mark.parametrize(
    ("outcome", "heading"),
    [
        ("answered", "Sources"),
        ("not_stated", "Not stated; this comes nearest"),
        ("nothing", "Nearest passages"),
    ],
)
def test_panel_heading_says_what_the_quotes_are(outcome: Outcome, heading: str) -> None:
    page = panel(replace(answered(*SOME), outcome=outcome), turn=2)
    assert page.startswith('<section class="sources" id="turn-2" aria-labelledby="sources-heading"')
    assert f'<h2 id="sources-heading">{heading}</h2>' in page


def test_panel_without_an_answer() -> None:
    assert "The sources of an answer appear here." in sources_panel(None, 0, ISLE)


def test_panel_marks_the_quote_within_its_passage() -> None:
    page = panel(answered(cited(1, "The lamp burns whale song.")))
    [around] = re.findall(r"<blockquote>(.*?)<mark[^>]*>(.*?)</mark>(.*?)</blockquote>", page)
    assert around == ("Owls wake at dusk. ", "The lamp burns whale song.", " Gulls sleep.")


def test_panel_one_card_for_a_document() -> None:
    """Numbers in the order of the answer, passages and quotes in that of the document."""
    page = panel(answered(cited(1, EELS), cited(2, "Gulls sleep."), cited(3, "Owls wake at dusk.")))
    assert page.count("<article") == 1
    assert page.count("<blockquote>") == 2
    assert re.findall(r'marker (\d)">', page) == ["1", "2", "3"]
    assert quotes(page) == ["Owls wake at dusk.", "Gulls sleep.", EELS]
    [places] = re.findall(r'data-document="isle/lamp" data-spans="([^"]*)"', page)
    spans = [map(int, place.split("-")) for place in places.split()]
    assert [OWLS.text[start:end] for start, end in spans] == [
        EELS,
        "Gulls sleep.",
        "Owls wake at dusk.",
    ]


def test_panel_a_card_for_each_document_in_the_order_of_the_markers() -> None:
    owl = document("Owls wake.", title="On owls")
    both = [cited(1, "Owls wake.", owl), cited(2, EELS)]
    assert re.findall("<h3>(.*?)</h3>", panel(answered(*both))) == ["On owls", "The lamp"]


def test_panel_of_a_quote_that_the_index_no_longer_has() -> None:
    """What stands at its place now is not shown as if it had been cited."""
    answer = answered(cited(1, "The lamp burns whale song."))
    changed = document(OWLS.text.replace("whale song", "eel music"), OWLS.doc_id)
    for library in (shelf(changed, changed.text), shelf(OWLS)):
        page = sources_panel(answer, 0, library)
        assert re.findall(r"<blockquote><mark[^>]*>(.*?)</mark></blockquote>", page) == [
            "The lamp burns whale song."
        ]


def test_panel_keeps_line_breaks_of_a_passage() -> None:
    source = document("- Owls wake.\n- Gulls & eels sleep.")
    page = sources_panel(answered(cited(1, "Owls wake.", source)), 0, shelf(source, source.text))
    assert "</mark>\n- Gulls &amp; eels sleep.</blockquote>" in page


def test_panel_says_which_newer_source_differs() -> None:
    old = document("It has 6 owls.", "isle/old", publisher="Gazette", published="2031-03-02")
    new = document("It has 7 owls.", "isle/new", publisher="Post & Co", published="2031-03-05")
    both = cited(1, old.text, old), cited(2, new.text, new)
    notes = re.findall('<ul class="differs">(.*?)</ul>', panel(answered(*both, differing=[(1, 2)])))
    assert notes == [
        "<li>Source 2 (Post &amp; Co, 5 March 2031) gives other figures, newer than this one.</li>",
        "<li>Source 1 (Gazette, 2 March 2031) gives other figures, older than this one.</li>",
    ]
    assert "differs" not in panel(answered(*both))


def test_panel_names_what_a_source_is() -> None:
    url = "https://gazette.example/?a=1&b=2"
    source = document(LAMP, title="Owls", url=url, publisher="Gazette", kind="news")
    page = panel(answered(cited(1, "Gulls sleep.", source)))
    assert (
        '<h3><a href="https://gazette.example/?a=1&amp;b=2" target="_blank" '
        'rel="noopener noreferrer">Owls</a></h3>' in page
    )
    for text in ("What burns?", "Gazette", "undated", "news", "isle/owl"):
        assert f">{text}</" in page


def test_panel_says_the_pages() -> None:
    source = document(LAMP, pages=[0, 19])
    quotes = [cited(marker, quote, source) for marker, quote in enumerate(LAMP.split(". "), 1)]
    assert ">isle/owl, p. 1, 2</" in panel(answered(*quotes))
    assert ">isle/owl</" in panel(answered(cited(1, "Gulls sleep.", document(LAMP))))
