"""The real corpus, the real model, the real Chroma: corpus → index → question → cited answer."""

from collections.abc import Iterator

import pytest
from readme_blocks import README, block, example_block

from assistant.answering.extractive import SEVERAL
from assistant.citations import quoted_answer
from assistant.conversation import Conversation
from assistant.ingestion import ingest, open_index
from assistant.schema import Answer
from assistant.settings import PROJECT, Settings, load_settings
from assistant.web.words import EXAMPLES

REUTERS = "package/2026-01-27-reuters-diamond-plant-exclusive"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    place = tmp_path_factory.mktemp("indexes")
    (place / "main.toml").write_text((PROJECT / "indexes" / "main.toml").read_text())
    settings = load_settings(indexes_dir=place)
    report = ingest(settings)
    assert len(report.added) == 299
    return settings


@pytest.fixture(scope="module")
def conversation(settings: Settings) -> Conversation:
    return Conversation.open(settings)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Which company of the De Beers group is involved in the US diamond plant?", "Element Six"),
        ("Who did not answer requests for comment about the diamond plant?", "US embassy in Japan"),
        ("What did Hitachi say about its part in the talks?", "would say no more"),
        ("Which military uses do artificial diamonds have?", "munitions and radar components"),
        (
            "Why are synthetic diamonds needed in high-tech manufacturing?",
            "polishing of semiconduc",
        ),
        ("Where is most synthetic diamond made today?", "China"),
        ("How much will the diamond plant in Georgia cost?", "$600 million"),
        ("When did Lutnick and Akazawa sign the memorandum of understanding?", "4 September 2025"),
        ("What share of Taiwan's deal is direct investment?", "$250 billion"),
    ],
)
def test_ask_quotes_the_sentence_that_answers(
    question: str, said: str, conversation: Conversation
) -> None:
    answer = conversation.fresh().ask(question)
    assert not answer.abstained
    assert said in answer.text


@pytest.mark.parametrize(
    "question",
    [
        "How do I bake sourdough bread?",
        "Who won the football World Cup in 1998?",
        "asdf qwer zxcv uiop",
        "What is the capital of Mongolia?",
        "What is the weather in Atlanta today?",
        "Write a Python function that sorts a list.",
    ],
)
def test_ask_about_something_else_abstains(question: str, conversation: Conversation) -> None:
    answer = conversation.fresh().ask(question)
    assert answer.abstained
    assert "299 documents" in answer.text
    assert answer.outcome == "nothing"
    assert len(answer.nearest) == 3


@pytest.mark.parametrize("question", EXAMPLES)
def test_example_question_has_an_answer(question: str, conversation: Conversation) -> None:
    assert not conversation.fresh().ask(question).abstained


def test_follow_up_is_searched_with_its_subject(conversation: Conversation) -> None:
    talk = conversation.fresh()
    talk.ask("What will the synthetic diamond plant in Georgia make?")
    assert "$600 million" in talk.ask("and what will it cost?").text


def answers(conversation: Conversation) -> Iterator[Answer]:
    for document in sorted((PROJECT / "corpus").glob("*/2*.md"))[::5]:
        title = document.read_text().split('title: "')[1].split('"')[0]
        yield conversation.fresh().ask(f"What is reported under the title {title}?")


def test_every_answer_is_made_of_quotes_that_resolve(
    conversation: Conversation, settings: Settings
) -> None:
    index = open_index(settings)
    cited = 0
    for answer in answers(conversation):
        said = sum(len(citation.quote.split()) for citation in answer.citations)
        assert said <= SEVERAL * settings.answer_words
        pages: dict[str, str] = {}
        for citation in answer.citations:
            source = (PROJECT / "corpus" / f"{citation.document}.md").read_text()
            assert source.split("\n---\n", 1)[1][citation.start : citation.end] == citation.quote
            page = index.document(citation.document).metadata["page"]
            assert pages.setdefault(page, citation.document) == citation.document
            cited += 1
        if not answer.abstained:
            quoted = (quoted_answer(answer.citations, named=named) for named in (False, True))
            assert answer.text in quoted
    assert cited > 100


def test_same_question_has_the_same_answer(conversation: Conversation) -> None:
    first, second = (conversation.fresh().ask(EXAMPLES[0]) for _ in range(2))
    assert first.text == second.text
    assert first.citations == second.citations


def test_readme_example_is_what_ask_prints(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIAMOND_INDEXES_DIR", str(settings.indexes_dir))
    assert block(README.read_text(), "example") == example_block(), "run `make readme`"
