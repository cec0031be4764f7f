from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentences import GAZETTE, candidate, neighbours

from assistant.answering.candidates import Candidate
from assistant.answering.moments import Moment
from assistant.answering.selection import (
    BY_ITSELF,
    MAX_SENTENCES,
    PER_WORD,
    SAME_SOURCE,
    choose,
    reading_order,
    sentence_before,
    with_antecedents,
)

OWLS, EELS, GULLS = neighbours("Owls wake at dusk.", "They count lamps.", "Gulls sail at noon.")
PASSAGE = [OWLS, EELS, GULLS]

CANDIDATES = st.lists(
    st.builds(
        candidate,
        words=st.lists(
            st.sampled_from("owl gull eel lamp bell 3 7 tide comet whale".split()),
            min_size=1,
            max_size=12,
        ).map(" ".join),
        document=st.sampled_from(["works/a", "works/b", "works/c", "works/d"]),
        kind=st.sampled_from(["official", "company", "news", "reference"]),
        page=st.sampled_from([None, GAZETTE]),
        score=st.floats(0, 6),
        logit=st.floats(-3, 3),
        meaning=st.integers(0, 7),
    ),
    max_size=8,
).map(lambda candidates: sorted(candidates, key=lambda c: -c.score))


def texts(chosen: Sequence[Candidate]) -> list[str]:
    return [candidate.text for candidate in chosen]


@settings(max_examples=200, deadline=None)
@given(CANDIDATES, st.integers(5, 30))
def test_choose_any_candidates(candidates: list[Candidate], max_words: int) -> None:
    """The best fact is told, none twice, and each page speaks through one document."""
    chosen = choose(candidates, max_words)
    assert bool(chosen) == bool(candidates)
    assert all(chosen[0].same_fact(best) for best in candidates[:1])
    assert len(chosen) <= MAX_SENTENCES
    assert len(chosen) <= 1 or sum(c.words for c in chosen) <= max_words
    for one, other in combinations(chosen, 2):
        assert one.page != other.page or one.document == other.document
        assert not one.same_fact(other)


def test_choose_never_tells_a_fact_twice() -> None:
    """The third sentence says what the first and the second say; the best source says it."""
    candidates = [
        candidate("Amber glows at night.", "a", "official", score=3),
        candidate("Owls count every lamp.", "b", "news", score=2, meaning=1),
        candidate(
            "Amber glows at night, and owls count every lamp.", "c", "company", score=1, meaning=2
        ),
    ]
    for one, other in combinations(choose(candidates, 80), 2):
        assert not one.same_fact(other)


@pytest.mark.parametrize(("words_left", "chosen"), [(10, True), (9, False)])
def test_choose_the_nearer_to_the_best_the_less_room_is_left(words_left: int, chosen: bool) -> None:
    """What a sentence may lack grows with the room that it leaves: here, ten words of it."""
    best = candidate("Owls wake at dusk.")
    other = candidate("Gulls sail.", "b", score=-10 * PER_WORD, meaning=1)
    room = best.words + other.words + words_left
    assert (other in choose([best, other], room)) is chosen


@pytest.mark.parametrize(("document", "chosen"), [("gull", True), ("b", False)])
def test_choose_rather_from_the_source_of_the_best(document: str, chosen: bool) -> None:
    best = candidate("Owls wake at dusk.")
    other = candidate("Gulls sail.", document, score=-SAME_SOURCE, meaning=1)
    assert (other in choose([best, other], best.words + other.words)) is chosen


@pytest.mark.parametrize(
    ("document", "logit", "meaning", "chosen"),
    [
        ("eel", BY_ITSELF, 0, True),
        ("eel", BY_ITSELF - 0.1, 0, False),  # it does not answer by itself
        ("eel", BY_ITSELF, 1, False),  # it is about another matter
        ("gull", BY_ITSELF, 0, False),  # its page has spoken
    ],
)
def test_choose_another_page_that_answers_by_itself(
    document: str, logit: float, meaning: int, chosen: bool
) -> None:
    """Where one source says 95 and another 94, both are heard, though one is far the better."""
    best = candidate("The works cost 95 million.", "gull", score=9)
    other = candidate("Building took 94 million.", document, logit=logit, meaning=meaning)
    room = best.words + other.words
    assert choose([best, other], room) == ([best, other] if chosen else [best])
    assert choose([best, other], room - 1) == [best]


def test_choose_the_second_by_its_worth_beside_the_best() -> None:
    """A sentence of the best one's source goes before a little better one of another's."""
    best = candidate("Owls wake at dusk.")
    stranger = candidate("Eels sing.", "b", score=-SAME_SOURCE / 2, meaning=1)
    near = candidate("Gulls sail.", score=-SAME_SOURCE, meaning=2)
    assert choose([best, stranger, near], 80, 2) == [best, near]


@pytest.mark.parametrize("most", [1, 2])
def test_choose_no_more_sentences_than_asked_for(most: int) -> None:
    candidates = [candidate(f"Owl {n}.", meaning=n) for n in (3, 5, 7)]
    assert choose(candidates, 80, most) == candidates[:most]


@pytest.mark.parametrize(("max_words", "count"), [(1, 1), (4, 1), (5, 2)])
def test_choose_the_first_at_any_length_and_more_where_they_fit(max_words: int, count: int) -> None:
    candidates = [candidate("Owls wake 3 times."), candidate("Gulls.", "b", meaning=1)]
    assert len(choose(candidates, max_words)) == count


def test_choose_a_shorter_one_after_one_that_does_not_fit() -> None:
    first, long, short = (
        candidate("Owls wake.", score=3),
        candidate("Gulls sail at noon.", "b", score=3, meaning=1),
        candidate("Eels.", "c", score=3, meaning=2),
    )
    assert choose([first, long, short], 3) == [first, short]


def test_choose_the_better_source_of_a_fact() -> None:
    hearsay = candidate("Owls wake at dusk.", "a", "analysis", score=2)
    decree = candidate("Owls wake at dusk, by law.", "b", "official", score=1)
    assert choose([hearsay, decree], 80) == [decree]


def test_choose_no_better_source_that_answers_much_less_well() -> None:
    """Two texts without figures may look alike, though only one says what is asked."""
    answer = candidate("Owls see four times as well as eels.", "a", "analysis", score=3)
    vague = candidate("Owls see well, and eels see at times.", "b", "official", score=0.9)
    assert answer.same_fact(vague)
    assert choose([answer, vague], 80) == [answer]


def test_antecedent_comes_before_a_sentence_that_points_back() -> None:
    assert with_antecedents([EELS], PASSAGE, 80) == [OWLS, EELS]


@pytest.mark.parametrize(
    "opening",
    ["It", "its", "These", "Both", "The latter", "The company", "THE PLANT", "The two", "She"],
)
def test_antecedent_of_every_opening_that_points_back(opening: str) -> None:
    owls, other = neighbours("Owls wake at dusk.", f"{opening} lamps.")
    assert with_antecedents([other], [owls, other], 80) == [owls, other]


@pytest.mark.parametrize(
    "opening", ["Item", "Theirs", "The owl", "The companys", "The article says", "Gulls say it"]
)
def test_antecedent_of_no_other_opening(opening: str) -> None:
    owls, other = neighbours("Owls wake at dusk.", f"{opening} lamps.")
    assert with_antecedents([other], [owls, other], 80) == [other]


@pytest.mark.parametrize(("max_words", "added"), [(6, False), (7, True)])
def test_antecedent_only_where_there_is_room(max_words: int, added: bool) -> None:
    """Three words, and four before them."""
    assert (OWLS in with_antecedents([EELS], PASSAGE, max_words)) is added


def test_antecedents_share_the_room() -> None:
    """Six words, and twice four before them."""
    eels, hum = neighbours("Eels sing at noon.", "They hum aloud.", document="isle/eel")
    complete = with_antecedents([EELS, hum], [*PASSAGE, eels, hum], 12)
    assert texts(complete) == ["Owls wake at dusk.", "They count lamps.", "They hum aloud."]


@pytest.mark.parametrize("chosen", [[OWLS, EELS], [EELS, OWLS]])
def test_antecedent_that_is_chosen_already(chosen: list[Candidate]) -> None:
    assert with_antecedents(chosen, PASSAGE, 80) == chosen


def test_antecedent_of_the_first_sentence_of_a_passage() -> None:
    [alone] = neighbours("They count lamps.")
    assert with_antecedents([alone], [alone], 80) == [alone]


def test_antecedent_of_two_sentences_comes_once() -> None:
    again = replace(EELS, text="They count every lamp.")
    assert with_antecedents([EELS, again], PASSAGE, 80) == [OWLS, EELS, again]


def test_sentence_before_is_the_nearest() -> None:
    assert sentence_before(GULLS, [OWLS, GULLS, EELS]) is EELS
    assert sentence_before(EELS, [GULLS, EELS, OWLS]) is OWLS


def test_sentence_before_the_first() -> None:
    assert sentence_before(OWLS, PASSAGE) is None


def test_sentence_before_is_of_the_same_passage() -> None:
    eels = neighbours("Eels sing.", "They hum.", document="isle/eel")
    assert sentence_before(GULLS, [*eels, GULLS]) is None


def test_reading_order_document_after_document() -> None:
    """The document of the best sentence first, each in its own order."""
    eel, hum = neighbours("Eels sing.", "They hum.", document="isle/eel")
    assert reading_order([GULLS, hum, OWLS, eel], Moment()) == [OWLS, GULLS, eel, hum]


def test_reading_order_the_newest_first_for_now() -> None:
    old, undated, new = (
        candidate("Owls wake.", "isle/owl", published="2030-12-31"),
        candidate("Eels sing.", "isle/eel", published=None),
        candidate("Gulls sail.", "isle/gull", published="2031-01-01"),
    )
    assert reading_order([old, undated, new], Moment(now=True)) == [new, old, undated]
    assert reading_order([old, undated, new], Moment()) == [old, undated, new]


def test_reading_order_the_best_first_of_one_day() -> None:
    owl, eel = candidate("Owls wake.", "isle/owl"), candidate("Eels sing.", "isle/eel")
    assert reading_order([owl, eel], Moment(now=True)) == [owl, eel]
