import pytest

from assistant.answering.questions import KINDS, AskedFor


def same(term: str) -> float:
    """Every term is as rare as the next."""
    return 1.0


def kinds(question: str) -> set[str]:
    asked = AskedFor.of(question, same)
    return {name for name, kind in KINDS.items() if kind in asked.kinds}


def answers(kind: str, sentence: str) -> bool:
    return KINDS[kind].answers.search(sentence) is not None


def test_weights_are_of_telling_terms() -> None:
    asked = AskedFor.of("What will the lanterns of Sorrel cost?", same)
    assert asked.weights == {"lantern": 1.0, "sorrel": 1.0, "cost": 1.0}


def test_weights_say_how_rare_a_term_is() -> None:
    asked = AskedFor.of("Does the owl sail?", lambda term: float(len(term)))
    assert (asked.weights["owl"], asked.weights["sail"]) == (3.0, 4.0)


@pytest.mark.parametrize(
    "question",
    [
        "What is it?",
        "Who was that?",
        "Would they tell us about this?",
        "How much?",
        "How many?",
        "Does it?",
        "Please explain.",
        "Why?",
    ],
)
def test_weights_of_a_question_that_tells_nothing(question: str) -> None:
    assert AskedFor.of(question, same).weights == {}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How many owls live there?", {"amount"}),
        ("What share of the amber is raw?", {"amount"}),
        ("What was the PRICE of a lamp?", {"amount"}),
        ("When did the ferry sink?", {"date"}),
        ("In which year did it sink?", {"date"}),
        ("What is the deadline?", {"date"}),
        ("How long did the ferry take?", {"amount", "date"}),
        ("Who cut the ribbon?", {"name"}),
        ("Which company cast the panes?", {"name"}),
        ("Which three companies cast the panes?", {"name"}),
        ("When and where did it sink, and how much was lost?", {"amount", "date", "name"}),
        ("Why do owls hum?", set()),
        ("Is the whole of it shown?", set()),
    ],
)
def test_kinds_asked_for(question: str, expected: set[str]) -> None:
    assert kinds(question) == expected


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("amount", "It holds 7 owls."),
        ("amount", "Twice as many came."),
        ("amount", "He sold Millions of lamps."),
        ("date", "It sank in 2031."),
        ("date", "It sank on a Tuesday."),
        ("date", "It sank in March."),
        ("name", "The ribbon was cut by Odile Quarn."),
    ],
)
def test_kind_sees_an_answer(kind: str, sentence: str) -> None:
    assert answers(kind, sentence)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("amount", "The owls were someone else's."),
        ("date", "It sank 2500 metres, and may march again."),
        ("date", "Item 120315 sank."),
        ("name", "Nobody cut the ribbon."),
        ("name", "The ribbon cost A $6."),
    ],
)
def test_kind_sees_no_answer(kind: str, sentence: str) -> None:
    assert not answers(kind, sentence)


def test_coverage_is_weighed_by_rareness() -> None:
    asked = AskedFor({"owl": 3.0, "lamp": 1.0}, ())
    assert asked.coverage({"owl", "gull"}) == 0.75
    assert asked.coverage({"lamp"}) == 0.25
    assert asked.coverage({"owl", "lamp"}) == 1.0
    assert asked.coverage([]) == 0.0


def test_coverage_of_a_question_that_tells_nothing() -> None:
    assert AskedFor({}, ()).coverage({"owl"}) == 0.0


def test_fits_is_the_share_of_kinds() -> None:
    asked = AskedFor.of("Who sank, and when?", same)
    assert asked.fits("It was the Gull in 2031.") == 1.0
    assert asked.fits("It was the Gull.") == 0.5
    assert asked.fits("It sank.") == 0.0


def test_fits_where_no_kind_is_known() -> None:
    assert AskedFor.of("Why do owls hum?", same).fits("They like it.") == 1.0
