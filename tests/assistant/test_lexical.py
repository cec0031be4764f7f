from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.lexical import LexicalIndex, terms

TEXTS = [
    "Amber glows under the pier.",
    "Owls sell amber, and only amber, to sailors.",
    "",
    "The pier sank in 2031.",
]


@pytest.fixture
def index() -> LexicalIndex:
    return LexicalIndex.build(TEXTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The owls of the sea", ["owl", "sea"]),
        ("SAILING sailed sails", ["sail", "sail", "sail"]),
        ("2.1 of 1,000 crowns", ["2.1", "1,000", "crown"]),
        ("It cost 42.", ["cost", "42"]),
        ("a b 7", ["7"]),
        ("琥珀は光る 🙂", ["琥珀は光る"]),
        ("...", []),
        ("", []),
    ],
)
def test_terms_of_a_text(text: str, expected: list[str]) -> None:
    assert terms([text]) == [expected]


def test_terms_of_each_text_in_order() -> None:
    assert terms(["Owls.", "", "Gulls."]) == [["owl"], [], ["gull"]]


def test_terms_of_no_text() -> None:
    assert terms([]) == []


def test_rank_best_first(index: LexicalIndex) -> None:
    ranked = index.rank("Who sells amber?", top_k=10)
    assert [row for row, _ in ranked] == [1, 0]
    assert ranked[0][1] > ranked[1][1] > 0


def test_rank_no_more_than_asked_for(index: LexicalIndex) -> None:
    assert [row for row, _ in index.rank("amber", top_k=1)] == [1]


def test_rank_among_some_texts_before_the_best_are_taken(index: LexicalIndex) -> None:
    among = np.array([True, False, True, True])
    every = dict(index.rank("amber", top_k=10))
    assert index.rank("amber", top_k=1, among=among) == [(0, every[0])]
    assert index.rank("owls", top_k=10, among=among) == []


@pytest.mark.parametrize("query", ["", "the", "zeppelin", "🙂"])
def test_rank_without_a_shared_word(index: LexicalIndex, query: str) -> None:
    assert index.rank(query, top_k=10) == []


def test_rank_ignores_words_it_has_never_seen(index: LexicalIndex) -> None:
    assert index.rank("amber zeppelin", top_k=10) == index.rank("amber", top_k=10)


def test_rank_equal_texts_in_the_order_given() -> None:
    index = LexicalIndex.build(["Owls wake.", "Gulls sleep.", "Owls wake."])
    assert [row for row, _ in index.rank("owls", top_k=10)] == [0, 2]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40), st.integers(0, 5))
def test_rank_any_query(query: str, top_k: int) -> None:
    ranked = LexicalIndex.build(TEXTS).rank(f"{query} amber", top_k)
    scores = [score for _, score in ranked]
    assert min(top_k, 2) <= len(ranked) <= top_k
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)


def test_idf_of_rarer_terms_is_higher(index: LexicalIndex) -> None:
    assert index.idf("zeppelin") > index.idf("owl") > index.idf("amber") > 0


def test_idf_counts_texts_and_not_occurrences() -> None:
    index = LexicalIndex.build(["Owls, owls, owls.", "Gulls."])
    assert index.idf("owl") == index.idf("gull")


def test_load_gives_back_what_was_saved(index: LexicalIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "lexical")
    loaded = LexicalIndex.load(tmp_path / "lexical")
    assert loaded.size == len(TEXTS)
    assert loaded.rank("amber pier", 10) == index.rank("amber pier", 10)
    assert loaded.idf("amber") == index.idf("amber")
