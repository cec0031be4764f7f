import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.segmentation import (
    Block,
    Span,
    heading_text,
    split_blocks,
    split_sentences,
    table_header,
    table_rows,
)

WORDS = """
    Gulls sail. U.S. Feb. 18 approx. a.m. ** **Ohio.** 琥珀は光る。 🙂 🧜‍♀️ é Ⅷ ² | - # … “Ah.” (b)
    3.14 $6. ?! [1] [works/glass-bridge] lanternlanternlanternlanternlanternlanternlanternlantern
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


def sentences(text: str) -> list[str]:
    return [span.of(text) for block in split_blocks(text) for span in split_sentences(text, block)]


def blocks(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.span.of(text)) for block in split_blocks(text)]


def only_block(text: str) -> Block:
    [block] = split_blocks(text)
    return block


@settings(max_examples=200, deadline=None)
@given(TEXTS)
@example("The owl counts the lamps. " * 200)
@example("|Tower|Owls|\n|---|---|\n" + "|Sorrel|7|\n" * 200)
def test_spans_of_any_text(text: str) -> None:
    """In order, inside the text and their block, never over one another, never empty."""
    position = 0
    for block in split_blocks(text):
        assert position <= block.span.start < block.span.end <= len(text)
        position = block.span.start
        for span in split_sentences(text, block):
            assert position <= span.start < span.end <= block.span.end
            position = span.end
        position = block.span.end


@settings(max_examples=200, deadline=None)
@given(TEXTS)
@example("The owl counts the lamps. " * 200)
def test_split_blocks_leaves_out_nothing_but_white_space(text: str) -> None:
    outside = list(text)
    for block in split_blocks(text):
        outside[block.span.start : block.span.end] = " " * (block.span.end - block.span.start)
    assert "".join(outside).strip() == ""


def test_span_of_repeated_text() -> None:
    text = "Tick. Tick. Tick."
    assert split_sentences(text, only_block(text)) == [Span(0, 5), Span(6, 11), Span(12, 17)]


def test_split_blocks_of_every_kind() -> None:
    assert blocks("## Tides\n\nThe sea\nis late.\n- Ebb.\n- Flood.\n| a |\n| b |\n") == [
        ("heading", "## Tides"),
        ("paragraph", "The sea\nis late."),
        ("item", "- Ebb."),
        ("item", "- Flood."),
        ("table", "| a |\n| b |"),
    ]


@pytest.mark.parametrize("marker", ["-", "*", "+", "1.", "12)", "  -"])
def test_split_blocks_item_marker(marker: str) -> None:
    assert blocks(f"{marker} Eels pay no toll.") == [("item", f"{marker} Eels pay no toll.")]
    assert sentences(f"{marker} Eels pay no toll.") == ["Eels pay no toll."]


@pytest.mark.parametrize("line", ["-5 degrees froze it.", "2031. Then it thawed.", "#7 is lit."])
def test_split_blocks_line_that_only_looks_like_a_mark(line: str) -> None:
    assert blocks(line) == [("paragraph", line)]


def test_split_blocks_item_over_two_lines() -> None:
    assert blocks("- Eels pay\n  no toll.\n\nOwls do.") == [
        ("item", "- Eels pay\n  no toll."),
        ("paragraph", "Owls do."),
    ]


def test_split_blocks_blank_line_ends_a_table() -> None:
    assert blocks("| a |\n\n| b |") == [("table", "| a |"), ("table", "| b |")]


def test_split_blocks_of_blank_text() -> None:
    assert split_blocks(" \n\n\t\n") == []


def test_heading_text_without_marks() -> None:
    text = "### The #1 lamp ###"
    assert heading_text(text, only_block(text)) == "The #1 lamp"


def test_split_sentences_of_a_heading() -> None:
    assert sentences("# Velmora sleeps. Owls wake.") == []


@pytest.mark.parametrize(
    "sentence",
    [
        "On Feb. 18 the ferry of Sorrel sank.",
        "The U.S. Commerce Dept. counted the gulls.",
        "The tide grew by approx. 5 percent.",
        "A Korea-U.S. tariff agreement fell into the Tindle.",
        "The bell rang at 9 a.m. Eastern time.",
        "**Ohio.** The gas plant hums like a hive.",
        "**Ohio. And Sorrel.** The gas plant hums like a hive.",
        "Pell et al. cast the panes.",
        "It weighs 3.14 tonnes.",
    ],
)
def test_split_sentences_does_not_cut_within_a_sentence(sentence: str) -> None:
    assert sentences(f"Owls came first. {sentence} Nobody slept.") == [
        "Owls came first.",
        sentence,
        "Nobody slept.",
    ]


def test_split_sentences_after_a_clock_time() -> None:
    assert sentences("They woke at 5 p.m. The ferry had gone.") == [
        "They woke at 5 p.m.",
        "The ferry had gone.",
    ]


def test_split_sentences_over_a_line_break() -> None:
    assert sentences("The glass\nbridge sings. It is cold.") == [
        "The glass\nbridge sings.",
        "It is cold.",
    ]


def test_split_sentences_punctuation_is_no_sentence_of_its_own() -> None:
    assert sentences("Was it amber? ! ... It was.") == ["Was it amber? ! ...", "It was."]


@pytest.mark.parametrize("references", ["[works/bridge]", "[package/x, diamond/y-2]"])
def test_split_sentences_leaves_out_references(references: str) -> None:
    assert sentences(f"- Eels pay no toll. {references}") == ["Eels pay no toll."]
    assert sentences(f"Eels pay. Owls do not. {references}") == ["Eels pay.", "Owls do not."]


@pytest.mark.parametrize("text", ["Eels pay no toll [1]", "See [works/bridge] for eels."])
def test_split_sentences_keeps_other_brackets(text: str) -> None:
    assert sentences(text) == [text]


def test_table_rows_without_header_and_empty_rows() -> None:
    text = "| Tower | Owls |\n|:--|--:|\n| Sorrel | 7 |\n|  |  |\n| Oster. Old | 2 |"
    assert sentences(text) == ["Sorrel | 7", "Oster. Old | 2"]


def test_table_header_ends_with_the_rule() -> None:
    text = "Owls:\n\n| Tower |\n|---|\n| Sorrel |"
    header = table_header(text, split_blocks(text)[1])
    assert header is not None
    assert header.of(text) == "| Tower |\n|---|"


def test_table_without_a_rule_has_no_header() -> None:
    text = "| Sorrel | 7 |\n| Oster | 2 |"
    assert table_header(text, only_block(text)) is None
    assert [row.of(text) for row in table_rows(text, only_block(text))] == [
        "Sorrel | 7",
        "Oster | 2",
    ]
