import re
from dataclasses import replace

import pytest
from llama_index.core.schema import Document, NodeWithScore

from assistant.chunking import make_passage
from assistant.citations import cite, quoted_answer
from assistant.schema import Answer, Citation, Outcome
from assistant.segmentation import Span
from assistant.web.sources import answer_pieces, escape, question_html, sources_panel

HOSTILE = [
    "<script>alert('owl')</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "'><svg onload=alert(1)>",
    "</mark></blockquote><h1>Owls</h1>",
    "</a><a href=javascript:alert(1)>",
    "&lt;b&gt; &amp; <!-- ]]> -->",
]
TAGS = {
    "a", "article", "blockquote", "div", "footer", "h2", "h3", "header", "li", "mark", "p",
    "section", "span", "strong", "sup", "ul",
}  # fmt: skip
ATTRIBUTES = {"aria-label", "class", "hidden", "href", "id", "rel", "tabindex", "target", "title"}

LAMP = "Owls wake at dusk. The lamp burns whale song. Gulls sleep."
OWLS = Document(
    id_="isle/lamp",
    text=f"# Night\n\n{LAMP}\n\n# Day\n\nEels sing.",
    metadata={"title": "The lamp", "publisher": "Gazette", "kind": "news"},
)


def cited(marker: int, quote: str, document: Document = OWLS) -> Citation:
    start = document.text.index(quote)
    span = Span(start, start + len(quote))
    return cite(marker, make_passage(document, span, context=""), span, quote)


def answered(*citations: Citation, document: Document = OWLS, passage: str = LAMP) -> Answer:
    """An answer of these quotes, found in one passage of a document."""
    start = document.text.index(passage)
    node = make_passage(document, Span(start, start + len(passage)), context="")
    return Answer(
        question="What burns?",
        text=quoted_answer(list(citations)),
        citations=citations,
        passages=(NodeWithScore(node=node, score=1.0),),
    )


def abstained(
    nearest: tuple[Citation, ...] = (), text: str = "No.", outcome: Outcome = "nothing"
) -> Answer:
    return Answer("Do eels dream?", text, outcome=outcome, nearest=nearest)


def hostile_answer(text: str) -> Answer:
    """An answer in which everything that a document or a person can set is hostile."""
    metadata = {"title": text, "publisher": text, "kind": text, "url": f"https://a.example/{text}"}
    document = Document(id_=text, text=f"{text} {text}", metadata=metadata)
    citations = (cited(1, text, document),)
    answer = answered(*citations, document=document, passage=document.text)
    return replace(answer, question=text, text=quoted_answer(citations, named=True))


def shown(answer: Answer, turn: int = 0) -> str:
    """The answer in the chat once it is all there."""
    return list(answer_pieces(answer, turn))[-1]


def assert_tame(page: str) -> None:
    """Nothing but our own tags, each closed, and addresses of the web or this page alone."""
    rest = page
    still_open: list[str] = []
    for close, tag, attributes in re.findall(r"""<(/?)(\w+)((?:"[^"]*"|'[^']*'|[^>"'])*)>""", page):
        assert tag in TAGS
        names = re.findall(r"""([^\s=]+)(?:=(?:"[^"]*"|'[^']*'))?""", attributes)
        assert set(names) <= ATTRIBUTES
        rest = rest.replace(f"<{close}{tag}{attributes}>", "", 1)
        if close:
            assert still_open.pop() == tag
        else:
            still_open.append(tag)
    assert still_open == []
    assert not {"<", ">"} & set(rest)
    assert set(re.findall(r'href="(\w+:|#)', page)) <= {"https:", "#"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_question(text: str) -> None:
    assert_tame(question_html(text))
    assert_tame(sources_panel([replace(abstained(), question=text)]))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_document(text: str) -> None:
    answer = hostile_answer(text)
    assert_tame(shown(answer))
    assert_tame(sources_panel([answer]))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_title_of_a_page_without_an_address(text: str) -> None:
    document = Document(id_="isle/owl", text=LAMP, metadata={"title": text})
    quote = cited(1, "Gulls sleep.", document)
    assert_tame(sources_panel([answered(quote, document=document)]))


@pytest.mark.parametrize("outcome", ["not_stated", "nothing"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_abstention(text: str, outcome: Outcome) -> None:
    answer = hostile_answer(text)
    refusal = replace(
        answer, outcome=outcome, text=f"{text}. {text}", citations=(), nearest=answer.citations
    )
    assert_tame(shown(refusal))
    assert_tame(sources_panel([refusal]))


def test_escape_keeps_what_is_read() -> None:
    assert (
        escape("Brask & Daughters <\"'> 琥珀") == "Brask &amp; Daughters &lt;&quot;&#x27;&gt; 琥珀"
    )


def test_escape_leaves_no_line_for_markdown() -> None:
    assert escape(" Owls\n\n- wake\r\n# up ") == "Owls - wake # up"


def test_question_html_shows_the_question() -> None:
    assert question_html("Who & why?") == '<div class="question">Who &amp; why?</div>'


def test_answer_grows_statement_by_statement() -> None:
    answer = answered(cited(1, "Owls wake at dusk."), cited(2, "Gulls sleep."))
    first, second, last = answer_pieces(answer, turn=0)
    assert "Owls wake at dusk." in first
    assert "Gulls" not in first
    assert first.startswith('<div class="answer">')
    assert second.startswith(first.removesuffix("</div>"))
    assert "</sup> Gulls sleep." in second
    assert last.startswith(second)


@pytest.mark.parametrize(("confidence", "word"), [(0.9, "high"), (0.7, "fair"), (0.5, "low")])
def test_answer_ends_with_how_sure_it_is(confidence: float, word: str) -> None:
    answer = replace(answered(cited(1, "Gulls sleep.")), confidence=confidence)
    *before, last = answer_pieces(answer, turn=0)
    assert last.endswith(f'</div><p class="foot">Confidence: {word}</p>')
    assert not any("Confidence" in piece for piece in before)


def test_answer_marker_names_its_source() -> None:
    document = Document(
        id_="isle/owl",
        text=LAMP,
        metadata={"publisher": "Gazette", "published": "2031-03-02"},
    )
    page = shown(answered(cited(1, "Gulls sleep.", document), document=document))
    assert 'title="Source 1: Gazette, 2 March 2031">1</a>' in page


def test_answer_marker_leads_to_its_quote_and_back() -> None:
    answer = answered(cited(1, "Owls wake at dusk."), cited(2, "Gulls sleep."))
    chat, panel = shown(answer), sources_panel([answer])
    assert re.findall(r'id="(mark-[^"]+)"', chat) == re.findall(r'href="#(mark-[^"]+)"', panel)
    assert re.findall(r'href="#([^"]+)"', chat) == re.findall(r'<mark id="([^"]+)"', panel)


def test_answer_same_quote_in_two_turns_has_two_places() -> None:
    answer = answered(cited(1, "Gulls sleep."))
    places = re.findall(r'<mark id="([^"]+)"', sources_panel([answer, answer]))
    assert len(set(places)) == 2
    assert f'href="#{places[1]}"' in shown(answer, turn=1)


def test_answer_from_several_documents_shows_their_names() -> None:
    owl = Document(id_="isle/owl", text="Owls wake.", metadata={"publisher": "Brask & Co"})
    citations = (cited(1, "Gulls sleep."), cited(2, "Owls wake.", owl))
    answer = replace(answered(*citations), text=quoted_answer(citations, named=True))
    page = shown(answer)
    assert "Gazette, undated: Gulls sleep.<sup>" in page
    assert "Brask &amp; Co, undated: Owls wake.<sup>" in page


def test_answer_bracketed_number_in_a_quote_is_no_marker() -> None:
    document = Document(id_="isle/owl", text="Owls [7] wake [0]. Gulls sleep.")
    answer = answered(cited(1, "Owls [7] wake [0].", document), document=document, passage="Owls")
    assert "Owls [7] wake [0].<sup>" in shown(answer)
    assert shown(answer).count("<sup>") == 1


def test_abstention_in_the_chat() -> None:
    page = shown(abstained(text="The documents do not say. Searched: 4 <documents>. Or 5."))
    assert page == (
        '<div class="refusal"><strong>The documents do not say.</strong> '
        "Searched: 4 &lt;documents&gt;. Or 5.</div>"
    )


def test_abstention_of_a_single_sentence() -> None:
    page = shown(abstained(text="There is no question to answer."))
    assert "<strong>There is no question to answer.</strong>" in page


def test_abstention_quotes_the_sentences_that_come_near() -> None:
    near = (cited(1, "Gulls sleep."), cited(2, "Eels sing."))
    page = shown(abstained(near, "The documents do not say. Searched.", "not_stated"))
    assert page.startswith('<div class="refusal"><strong>The documents do not say.</strong> Sear')
    assert re.findall(r"<li>(.*?)<sup>", page) == ["Gulls sleep.", "Eels sing."]


def test_abstention_shows_no_passages_in_the_chat() -> None:
    page = shown(abstained((cited(1, LAMP),), "The documents have nothing on this. Searched."))
    assert "Owls wake" not in page
    assert "Confidence" not in page


def test_abstention_marker_leads_to_its_quote_and_back() -> None:
    found = answered(cited(1, "Owls wake at dusk."), cited(2, "Gulls sleep."))
    answer = replace(found, outcome="not_stated", citations=(), nearest=found.citations)
    chat, panel = shown(answer), sources_panel([answer])
    assert len(re.findall("<sup>", chat)) == 2
    assert re.findall(r'id="(mark-[^"]+)"', chat) == re.findall(r'href="#(mark-[^"]+)"', panel)
    assert re.findall(r'href="#([^"]+)"', chat) == re.findall(r'<mark id="([^"]+)"', panel)


def test_panel_of_nothing_lists_the_nearest_passages() -> None:
    panel = sources_panel([abstained(nearest=(cited(1, LAMP), cited(2, "Eels sing.")))])
    assert f"<blockquote>{LAMP}</blockquote>" in panel
    assert "<blockquote>Eels sing.</blockquote>" in panel
    assert "<mark" not in panel


@pytest.mark.parametrize(
    ("outcome", "heading"),
    [
        ("answered", "Sources"),
        ("not_stated", "Not stated; this comes nearest"),
        ("nothing", "Nearest passages"),
    ],
)
def test_panel_heading_says_what_the_quotes_are(outcome: Outcome, heading: str) -> None:
    answer = replace(answered(cited(1, "Gulls sleep.")), outcome=outcome)
    assert f"<h2>{heading}</h2>" in sources_panel([answer])


def test_panel_without_answers() -> None:
    assert "The sources of an answer appear here." in sources_panel([])


def test_panel_shows_only_the_last_turn() -> None:
    answers = [answered(cited(1, "Gulls sleep.")), abstained(), answered(cited(1, "Gulls sleep."))]
    panel = sources_panel(answers)
    assert re.findall(r'<section id="(turn-\d)"( hidden)?>', panel) == [
        ("turn-0", " hidden"),
        ("turn-1", " hidden"),
        ("turn-2", ""),
    ]


def test_panel_marks_the_quote_within_its_passage() -> None:
    answer = answered(cited(1, "The lamp burns whale song."))
    [before, quote, after] = re.findall(
        r"<blockquote>(.*?)<mark[^>]*>(.*?)</mark>(.*?)</blockquote>", sources_panel([answer])
    )[0]
    assert (before, quote, after) == (
        "Owls wake at dusk. ",
        "The lamp burns whale song.",
        " Gulls sleep.",
    )


def test_panel_one_card_for_the_quotes_of_a_passage() -> None:
    """Marked in the order of the passage, whatever their markers."""
    panel = sources_panel([answered(cited(1, "Gulls sleep."), cited(2, "Owls wake at dusk."))])
    assert panel.count("<article") == 1
    assert re.findall(r'marker (\d)">', panel) == ["1", "2"]
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", panel) == ["Owls wake at dusk.", "Gulls sleep."]


def test_panel_a_card_for_each_passage_of_a_document() -> None:
    panel = sources_panel([answered(cited(1, "Gulls sleep."), cited(2, "Eels sing."))])
    assert panel.count("<article") == 2
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", panel) == ["Gulls sleep.", "Eels sing."]


def test_panel_shows_the_passage_of_the_document_that_is_cited() -> None:
    """Another document's passage has the same words at the same place."""
    owl = Document(id_="isle/owl", text="Gulls sleep. Owls wake.")
    eel = Document(id_="isle/eel", text="Gulls sleep. Eels sing.")
    found = answered(document=owl, passage=owl.text)
    answer = answered(cited(1, "Gulls sleep.", eel), document=eel, passage=eel.text)
    panel = sources_panel([replace(answer, passages=found.passages + answer.passages)])
    assert "Eels sing.</blockquote>" in panel


def test_panel_keeps_line_breaks_of_a_passage() -> None:
    document = Document(id_="isle/owl", text="- Owls wake.\n- Gulls & eels sleep.")
    quote = cited(1, "Owls wake.", document)
    panel = sources_panel([answered(quote, document=document, passage=document.text)])
    assert "</mark>\n- Gulls &amp; eels sleep.</blockquote>" in panel


def test_panel_title_links_to_the_page() -> None:
    url = "https://gazette.example/?a=1&b=2"
    document = Document(id_="isle/owl", text=LAMP, metadata={"title": "Owls", "url": url})
    panel = sources_panel([answered(cited(1, "Gulls sleep.", document), document=document)])
    assert (
        '<h3><a href="https://gazette.example/?a=1&amp;b=2" target="_blank" '
        'rel="noopener noreferrer">Owls</a></h3>' in panel
    )


def test_panel_title_of_a_page_without_an_address() -> None:
    assert "<h3>The lamp</h3>" in sources_panel([answered(cited(1, "Gulls sleep."))])


def test_panel_names_question_publisher_date_kind_and_document() -> None:
    panel = sources_panel([answered(cited(1, "Gulls sleep."))])
    assert panel.startswith('<div class="sources">')
    for text in ("Sources", "What burns?", "Gazette", "undated", "news", "isle/lamp"):
        assert f">{text}</" in panel


@pytest.mark.parametrize(("pages", "foot"), [([0, 10], "isle/lamp, page 2"), (None, "isle/lamp")])
def test_card_says_the_page(pages: list[int] | None, foot: str) -> None:
    metadata = {**OWLS.metadata, **({"pages": pages} if pages else {})}
    document = Document(id_="isle/lamp", text=OWLS.text, metadata=metadata)
    citation = cited(1, "The lamp burns whale song.", document)
    panel = sources_panel([answered(citation, document=document)])
    assert f"<footer>{foot}</footer>" in panel
