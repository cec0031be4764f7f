"""What moves a question's vector: which passages it learns from, and what it learns."""

import numpy as np
import pytest

from assistant.embeddings import Embedder, adapted, load_adapter
from assistant.index import PassageIndex
from assistant.models.adapt import Asked, asked, fit, recall

GAZETTE = "works/2031-03-02-harbour-gazette-glass-bridge"
COST = {
    "question": "What did the bridge of glass in Velmora cost?",
    "evidence": [{"document": GAZETTE, "quote": "It cost 42 million crowns"}],
    "facts": ["42 million crowns"],
}
NEVER_SAID = {"question": "Who painted the bridge?", "evidence": [], "facts": []}

# Four questions, each as near to a passage that does not answer as to the one that does.
ANSWERS = np.eye(8, dtype=bool)[:4]
PASSAGES = np.eye(8, dtype=np.float32)
QUESTIONS = (PASSAGES[:4] + PASSAGES[4:]) / np.float32(np.sqrt(2))
TOY = Asked(QUESTIONS, PASSAGES, ANSWERS, np.zeros_like(ANSWERS))


def test_asked_finds_the_passage_that_holds_the_quote(
    index: PassageIndex, embedder: Embedder
) -> None:
    passages = list(index.passages())
    found = asked(index, embedder, [NEVER_SAID, COST], passages)
    assert found.questions.shape == (1, found.passages.shape[1])
    [answering] = np.flatnonzero(found.answers[0])
    assert "It cost 42 million crowns" in passages[answering].get_content()
    assert found.passages[answering] == pytest.approx(
        index.vectors([passages[answering].node_id])[passages[answering].node_id]
    )


def test_asked_counts_a_passage_with_the_same_key_string_neither_way(
    index: PassageIndex, embedder: Embedder
) -> None:
    passages = list(index.passages())
    found = asked(index, embedder, [COST], passages)
    may = {passages[n].ref_doc_id for n in np.flatnonzero(found.unknown[0])}
    assert may
    assert not (found.unknown & found.answers).any()


def test_asked_shows_nothing_of_documents_kept_apart(
    index: PassageIndex, embedder: Embedder
) -> None:
    seen = [passage for passage in index.passages() if passage.ref_doc_id != GAZETTE]
    found = asked(index, embedder, [COST, {**COST, "evidence": _elsewhere(index)}], seen)
    assert len(found.questions) == 1
    assert len(found.passages) == len(seen)


def test_fit_moves_questions_to_what_answers_them() -> None:
    moved = adapted(QUESTIONS, fit(TOY, seed=0))
    for row, question in enumerate(moved):
        assert question @ PASSAGES[row] > question @ PASSAGES[row + 4] + 1e-4


def test_fit_moves_nothing_away_from_what_may_answer() -> None:
    """The other passage of the first question may say it, too: those of the others do not."""
    unknown = np.zeros_like(ANSWERS)
    unknown[0, 4] = True
    matrix = fit(Asked(QUESTIONS, PASSAGES, ANSWERS, unknown), seed=0)
    lost = [-(question @ matrix @ PASSAGES[row + 4]) for row, question in enumerate(QUESTIONS)]
    assert lost[0] < 1e-6 < min(lost[1:])


def test_fit_is_the_same_twice() -> None:
    assert np.array_equal(fit(TOY, seed=3), fit(TOY, seed=3))


def test_recall_is_the_share_of_what_answers_that_is_near() -> None:
    passages = np.eye(16, dtype=np.float32)
    answers = np.zeros((2, 16), dtype=bool)
    answers[0, [0, 1]] = answers[1, 15] = True
    ranked = np.linspace(1, 0, 16, dtype=np.float32)  # passage 0 nearest, 15 farthest
    kept = Asked(np.stack([ranked, ranked]), passages, answers, np.zeros_like(answers))
    assert recall(kept, kept.questions) == 0.5


def test_packaged_adapter_is_small_and_square() -> None:
    matrix = load_adapter()
    assert matrix.shape == (384, 384)
    assert 0 < np.linalg.norm(matrix) < 10  # it turns a question, and does not replace it


def _elsewhere(index: PassageIndex) -> list[dict[str, str]]:
    passage = next(p for p in index.passages() if p.ref_doc_id != GAZETTE)
    return [{"document": passage.ref_doc_id or "", "quote": passage.get_content()[:60]}]
