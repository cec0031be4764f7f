import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from llama_index.core.schema import BaseNode, Document, NodeRelationship, TextNode

from assistant.chunking import SentenceChunker, embedding_text, sentence_spans, split_sections
from assistant.segmentation import split_blocks, split_sentences, table_header

WORDS = """
    Gulls sail. U.S. Feb. 18 approx. a.m. ** **Ohio.** 琥珀は光る。 🙂 🧜‍♀️ é Ⅷ ² | - # … “Ah.” (b)
    3.14 $6. ?! [1] lanternlanternlanternlanternlanternlanternlanternlanternlanternlantern
""".split()
LINES = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(lambda c: f"|{'|'.join(c)}|"),
    st.builds(
        "{}{}".format,
        st.sampled_from(["# ", "### ", "- ", "  * ", "1. ", "22) ", "| ", "\t"]),
        st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30),
    st.sampled_from(["", "", "|---|---|", "---"]),
)
TEXTS = st.lists(st.tuples(LINES, st.sampled_from([1, 1, 1, 2, 200])), max_size=8).map(
    lambda lines: "\n".join(line for line, times in lines for _ in range(times))
)
SHORT_TEXTS = st.lists(LINES, max_size=12).map("\n".join)
TITLES = st.sampled_from([None, "Lamps", "The long history of every lamp " * 40, "lamp" * 100])
LONG_TABLE = "|Tower|Owls|\n|---|---|\n" + "|Sorrel|7|\n" * 200


def count_pieces(text: str) -> int:
    """Like a model's own count: long words are several tokens, two more frame the text."""
    return len(re.findall(r"\w{1,4}|[^\w\s]", text)) + 2


def count_words(text: str) -> int:
    return len(text.split()) + 2


def chunk(text: str, max_tokens: int = 64, title: str | None = None) -> list[TextNode]:
    chunker = SentenceChunker(count_tokens=count_words, max_tokens=max_tokens)
    return passages_of(chunker, document(text, title))


def document(text: str, title: str | None = None) -> Document:
    return Document(id_="isle/lamps", text=text, metadata={"title": title} if title else {})


def passages_of(chunker: SentenceChunker, source: Document) -> list[TextNode]:
    nodes: list[BaseNode] = chunker.get_nodes_from_documents([source])
    return [node for node in nodes if isinstance(node, TextNode)]


def texts(passages: list[TextNode]) -> list[str]:
    return [passage.text for passage in passages]


def quoted(passages: list[TextNode], text: str) -> list[str]:
    source = document(text)
    return [span.of(text) for passage in passages for span in sentence_spans(source, passage)]


def places_to_cover(text: str) -> set[int]:
    """Where letters and digits stand that are no heading, table header or list marker."""
    places = {place for place, character in enumerate(text) if character.isalnum()}
    for block in split_blocks(text):
        start, end = block.span.start, block.span.start
        if block.kind == "heading":
            end = block.span.end
        elif block.kind == "table" and (header := table_header(text, block)):
            end = header.end
        elif marker := re.match(r"\s*\d{1,3}[.)]\s", block.span.of(text)):
            end = start + marker.end()
        places -= set(range(start, end))
    return places


@settings(max_examples=200, deadline=None)
@given(TEXTS, TITLES, st.sampled_from([24, 64, 256]))
@example("The owl counts the lamps. " * 200, "Lamps", 64)
@example(LONG_TABLE, "Lamps", 64)
@example("lantern" * 300, None, 64)
@example("琥珀は光る" * 100, "Lamps", 64)
def test_passages_of_any_text(text: str, title: str | None, max_tokens: int) -> None:
    """Exact, small enough, and each with an id of its own."""
    chunker = SentenceChunker(count_tokens=count_pieces, max_tokens=max_tokens)
    passages = passages_of(chunker, document(text, title))
    for passage in passages:
        assert text[passage.start_char_idx : passage.end_char_idx] == passage.text != ""
        assert count_pieces(embedding_text(passage)) <= max_tokens
    assert len({passage.node_id for passage in passages}) == len(passages)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TITLES, st.sampled_from([24, 64, 256]))
@example("The owl counts the lamps. " * 200, "Lamps", 64)
@example(LONG_TABLE, "Lamps", 64)
@example("lantern" * 300, None, 64)
def test_passages_cover_any_text(text: str, title: str | None, max_tokens: int) -> None:
    assume(not re.search(r"\[[a-z]+/", text))  # references are left out on purpose
    chunker = SentenceChunker(count_tokens=count_pieces, max_tokens=max_tokens)
    covered: set[int] = set()
    for passage in passages_of(chunker, document(text, title)):
        covered |= set(range(passage.start_char_idx or 0, passage.end_char_idx or 0))
    assert places_to_cover(text) <= covered


@settings(max_examples=200, deadline=None)
@given(SHORT_TEXTS, st.sampled_from([24, 64]))
@example("The owl counts the lamps. " * 50, 24)
@example("|Tower|Owls|\n|---|---|\n" + "|Sorrel. Old|7|\n" * 50, 24)
@example("lantern " * 100, 24)
def test_sentence_spans_of_any_text(text: str, max_tokens: int) -> None:
    """In order inside their passages, and all together what the document's sentences say."""
    source = document(text)
    chunker = SentenceChunker(count_tokens=count_pieces, max_tokens=max_tokens)
    said, to_say = "", ""
    for passage in passages_of(chunker, source):
        position = passage.start_char_idx or 0
        for span in sentence_spans(source, passage):
            assert position <= span.start < span.end <= (passage.end_char_idx or 0)
            position = span.end
            said += span.of(text)
    for block in split_blocks(text):
        to_say += "".join(span.of(text) for span in split_sentences(text, block))
    assert "".join(said.split()) == "".join(to_say.split())


def test_chunk_section_that_fits_is_one_passage() -> None:
    assert texts(chunk("Owls wake. Gulls sleep.\n\n- Eels pay.\n- Owls do not.\n")) == [
        "Owls wake. Gulls sleep.\n\n- Eels pay.\n- Owls do not."
    ]


def test_chunk_section_that_just_fits_is_one_passage() -> None:
    text = "Owls wake. Gulls sleep in Oster."
    assert len(chunk(text, max_tokens=count_words(text))) == 1
    assert len(chunk(text, max_tokens=count_words(text) - 1)) == 2


def test_chunk_never_joins_two_sections() -> None:
    assert texts(chunk("# Day\n\nGulls sail.\n\n# Night\n\nOwls wake.")) == [
        "Gulls sail.",
        "Owls wake.",
    ]


def test_chunk_divides_a_long_section_evenly() -> None:
    sizes = [count_words(text) for text in texts(chunk("The owl counts lamps. " * 20))]
    assert len(sizes) == 2
    assert max(sizes) - min(sizes) <= 4


def test_chunk_keeps_sentences_whole() -> None:
    text = "The owl of Sorrel counts every lamp. " * 40
    for passage in chunk(text, max_tokens=24):
        assert passage.text.startswith("The owl")
        assert passage.text.endswith("every lamp.")


def test_chunk_divides_a_long_sentence_between_words() -> None:
    words = [f"lamp{number}" for number in range(100)]
    pieces = texts(chunk(" ".join(words)))
    assert len(pieces) == 2
    assert " ".join(pieces).split() == words


def test_chunk_long_table_carries_its_header() -> None:
    passages = chunk(LONG_TABLE, title="Owls")
    assert {passage.metadata["context"] for passage in passages} == {
        "Owls\n|Tower|Owls|\n|---|---|"
    }
    assert texts(passages)[0].startswith("Sorrel|7")


def test_chunk_long_table_is_not_joined_to_its_neighbours() -> None:
    first, *_, last = chunk(f"Owls come first.\n\n{LONG_TABLE}\nGulls come last.", title="Owls")
    assert (first.text, first.metadata["context"]) == ("Owls come first.", "Owls")
    assert (last.text, last.metadata["context"]) == ("Gulls come last.", "Owls")


def test_chunk_short_table_is_whole() -> None:
    table = "|Tower|Owls|\n|---|---|\n|Sorrel|7|"
    assert texts(chunk(f"Owls.\n\n{table}\n")) == [f"Owls.\n\n{table}"]


def test_context_holds_title_date_and_headings() -> None:
    source = Document(
        text="# Isle\n## Night\nOwls wake.\n# Sea\nGulls sail.",
        metadata={"title": "Lamps", "published": "2031-03-02", "publisher": "Gazette"},
    )
    chunker = SentenceChunker(count_tokens=count_words, max_tokens=64)
    assert [passage.metadata["context"] for passage in passages_of(chunker, source)] == [
        "Lamps. 2031-03-02. Isle. Night",
        "Lamps. 2031-03-02. Sea",
    ]


def test_context_is_cut_to_a_third_of_the_window() -> None:
    [passage] = chunk("Owls wake.", title="lamp " * 300)
    assert 64 // 4 < count_words(passage.metadata["context"]) <= 64 // 3


def test_embedding_text_is_context_and_passage() -> None:
    [passage] = chunk("# Night\nOwls wake.", title="Lamps")
    assert embedding_text(passage) == "Lamps. Night\n\nOwls wake."


def test_embedding_text_without_context() -> None:
    [passage] = chunk("Owls wake.")
    assert embedding_text(passage) == "Owls wake."


def test_embedding_text_ends_with_the_passage() -> None:
    """Sentences are found in it by counting from its end."""
    [passage] = chunk("|Tower|Owls|\n|---|---|\n|Sorrel|7|  \n", title="Lamps")
    assert embedding_text(passage).endswith(passage.text)


def test_passage_knows_its_document() -> None:
    [passage] = chunk("\n\nOwls wake.", title="Lamps")
    assert passage.ref_doc_id == "isle/lamps"
    assert passage.node_id == "isle/lamps:2-12"
    assert passage.relationships.keys() == {NodeRelationship.SOURCE}
    assert passage.metadata["title"] == "Lamps"


def test_passage_knows_its_page_and_models_do_not() -> None:
    source = Document(text="Owls wake.\n\n# Day\nGulls sleep.", metadata={"pages": [0, 12]})
    chunker = SentenceChunker(count_tokens=count_words, max_tokens=64)
    first, second = passages_of(chunker, source)
    assert (first.metadata["page_number"], second.metadata["page_number"]) == (1, 2)
    assert embedding_text(first) == "Owls wake."
    assert embedding_text(second) == "Day\n\nGulls sleep."


def test_passage_of_a_document_without_pages() -> None:
    [passage] = chunk("Owls wake.")
    assert not {"page_number", "pages"} & passage.metadata.keys()


@pytest.mark.parametrize("text", ["# Only a heading", "", "—\n\n***"])
def test_chunk_text_without_a_sentence(text: str) -> None:
    assert chunk(text) == []


def test_split_sections_heading_of_the_same_level_replaces_the_last() -> None:
    text = "# Isle\n### Reef\nEels.\n## Bay\nGulls.\n# Sea\nWhales."
    assert [section.headings for section in split_sections(text)] == [
        ("Isle", "Reef"),
        ("Isle", "Bay"),
        ("Sea",),
    ]


def test_split_sections_text_before_any_heading() -> None:
    assert [section.headings for section in split_sections("Eels.\n# Bay\nGulls.")] == [
        (),
        ("Bay",),
    ]


def test_sentence_spans_count_in_the_document() -> None:
    text = "# Night\n\nOwls wake. Gulls sleep.\n- Eels pay. [works/bridge]\n"
    assert quoted(chunk(text), text) == ["Owls wake.", "Gulls sleep.", "Eels pay."]


def test_sentence_spans_of_a_divided_table_are_its_rows() -> None:
    rows = [f"Tower {n} | Owls live there. Gulls do not. | {n}" for n in range(12)]
    text = "| Tower | Who | Lamps |\n|---|---|---|\n" + "".join(f"| {row} |\n" for row in rows)
    assert quoted(chunk(text), text) == rows


def test_sentence_spans_of_a_sentence_that_opens_with_a_number_sign() -> None:
    text = "The owl of Sorrel paid for it. # 5 was the tower of gulls. It fell into the sea."
    assert quoted(chunk(text, max_tokens=12), text) == [
        "The owl of Sorrel paid for it.",
        "# 5 was the tower of gulls.",
        "It fell into the sea.",
    ]
