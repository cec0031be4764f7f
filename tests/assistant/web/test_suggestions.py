from typing import Any

import pytest
from answers import EELS, OWLS, abstained, answered, cited, document

from assistant.web.suggestions import Suggestion, Suggestions, is_presentable

GULLS = document("Gulls sleep.", "isle/gulls")
LAMP = cited(1, "The lamp burns whale song.")


def suggestions(*questions: str, quote: str = "Owls wake at dusk.") -> Suggestions:
    """Questions about one sentence of the lamp's document."""
    return Suggestions(Suggestion(question, OWLS.doc_id, quote) for question in questions)


def record(question: str, *evidence: tuple[str, str], **more: Any) -> dict[str, Any]:
    pieces = [{"document": document, "quote": quote} for document, quote in evidence]
    return {"question": question, "evidence": pieces, **more}


def test_after_an_answer_each_of_its_documents_gives_one() -> None:
    about = [("isle/lamp", "Owls wake at dusk."), ("isle/gulls", "Gulls sleep.")]
    known = Suggestions(
        Suggestion(f"{number} {quote}", document, quote)
        for document, quote in about
        for number in ("One", "Two")
    )
    both = answered(cited(1, "Gulls sleep.", GULLS), cited(2, EELS))
    assert known.after([both]) == ["One Owls wake at dusk."]  # the gulls are quoted already
    assert known.after([abstained(cited(1, "Gulls", GULLS), cited(2, EELS))]) == [
        "One Gulls sleep.",
        "One Owls wake at dusk.",
    ]


def test_after_passes_over_what_was_asked_in_other_words() -> None:
    known = suggestions("What does the lamp burn?", "When do owls wake?")
    assert known.after([answered(LAMP, question="What was burning in the lamps?")]) == [
        "When do owls wake?"
    ]


def test_after_passes_over_what_an_earlier_answer_quoted() -> None:
    earlier = answered(cited(1, "Owls wake at dusk."))
    known = suggestions("When do owls wake?")
    assert known.after([answered(LAMP)]) == ["When do owls wake?"]
    assert known.after([earlier, answered(LAMP)]) == []


def test_after_gives_no_two_alike_and_at_most_three() -> None:
    sources = [document(f"Owl {n}.", f"isle/{n}") for n in range(6)]
    answer = answered(*(cited(n, one.text, one) for n, one in enumerate(sources, 1)))
    asked = ["Who paid?", "Who paid then?", "Why glass?", "When storms?", "Whose toll?", "Which?"]
    known = Suggestions(
        Suggestion(question, one.doc_id, "elsewhere")
        for question, one in zip(asked, sources, strict=True)
    )
    assert known.after([answer]) == ["Who paid?", "Why glass?", "When storms?"]


def test_after_no_answers() -> None:
    assert suggestions("When do owls wake?").after([]) == []


@pytest.mark.parametrize(
    ("presentable", "shown"),
    [
        (record("When do owls wake?", ("a", "x")), True),
        (record("When do owls wake?", ("a", "x"), ("a", "y")), True),
        (record("When do owls wake?", ("a", "x"), ("b", "y")), False),
        (record("When do owls wake?"), False),
        (record("When do owls wake?", ("a", "x"), history=[]), False),
        (record("when do owls wake?", ("a", "x")), False),
        (record("Owls wake when", ("a", "x")), False),
        (record("", ("a", "x")), False),
        (record(f"When do {'owls ' * 30}wake?", ("a", "x")), False),
    ],
)
def test_is_presentable(presentable: dict[str, Any], shown: bool) -> None:
    assert is_presentable(presentable) is shown


def test_load_knows_the_written_questions_of_these_documents_alone() -> None:
    plant = "package/2026-01-27-reuters-diamond-plant-exclusive"
    answer = answered(cited(1, "Grit.", document("Grit.", plant)))
    [question] = Suggestions.load([plant]).after([answer])
    assert question.endswith("?")
    assert Suggestions.load([OWLS.doc_id]).after([answer]) == []
