"""What the model learns from: which sentences of which texts count as answers."""

import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.embeddings import Embedder
from assistant.index import PassageIndex
from assistant.ingestion import ingest, open_index
from assistant.models.examples import (
    ANSWERS,
    QUESTIONS,
    SILENT,
    UNKNOWN,
    CorpusExamples,
    Example,
    Group,
    PublicExamples,
    batches,
    documents_of,
    hardest,
    is_held_out,
    may_say_it,
    read_lines,
    split_groups,
)
from assistant.reranking import Judgement, Reading
from assistant.retrieval import HybridRetriever
from assistant.settings import Settings

GAZETTE = "works/2031-03-02-harbour-gazette-glass-bridge"
REPORT = "works/2031-03-05-velmora-council-bridge-report"
COST = {
    "question": "What did the bridge of glass in Velmora cost?",
    "evidence": [{"document": GAZETTE, "quote": "It cost 42 million crowns"}],
    "facts": ["42 million crowns"],
}

Make = Callable[..., CorpusExamples]


@pytest.fixture
def make(index: PassageIndex, embedder: Embedder) -> Make:
    def make(without: tuple[str, ...] = ()) -> CorpusExamples:
        return CorpusExamples(index, HybridRetriever(index, embedder, 0.5, 100, 12), without)

    return make


def labels(group: Group) -> dict[str, int]:
    """The label of each sentence, by how it begins."""
    return {
        span.of(example.reading.text)[:12]: label
        for example in group.examples
        for span, label in zip(example.reading.sentences, example.labels, strict=True)
    }


def example(*labels: int, words: int = 1) -> Example:
    return Example(Reading("", "owl " * words, []), labels)


def write(folder: Path, corpus: list[dict[str, Any]], **queries: list[dict[str, Any]]) -> None:
    """A data set in the layout of the public ones."""
    folder.mkdir(parents=True)
    with gzip.open(folder / "corpus.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(record) + "\n" for record in corpus)
    for name, records in queries.items():
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(lines)


def test_documents_of_questions_with_and_without_an_answer() -> None:
    unanswered = {"question": "Who painted it?", "evidence": [], "near": REPORT}
    assert documents_of([COST, unanswered]) == {GAZETTE, REPORT}


def test_group_labels_the_quote_and_what_may_say_the_same(make: Make) -> None:
    group = make().group(COST)
    found = labels(group)
    assert found["It cost 42 m"] == ANSWERS
    assert found["The glass br"] == UNKNOWN  # the council's report gives the sum, too
    assert {sentence for sentence, label in found.items() if label == SILENT} >= {
        "The town of ", "Mayor Odile ", "The toll is ", "Its panes we",
    }  # fmt: skip
    assert group.answerable


def test_group_looks_for_a_key_string_in_the_very_sentence(make: Make) -> None:
    found = labels(make().group({**COST, "facts": ["260"]}))
    assert found["2032 (planne"] == UNKNOWN
    assert found["2031 | 120 |"] == found["Its panes we"] == SILENT


def test_group_shows_the_passage_that_answers_then_near_misses(make: Make) -> None:
    group = make().group(COST)
    assert [example.label for example in group.examples[:2]] == [ANSWERS, SILENT]
    answering, miss, *others = (example.reading.text for example in group.examples)
    assert "It cost 42 million crowns" in answering
    assert "The builder, Brask & Daughters" in miss  # the same document's
    assert len(others) == 2


def test_group_shows_of_its_own_misses_one_that_is_silent(
    corpus: Path, settings: Settings, load: Callable[[str, int], Embedder], embedder: Embedder
) -> None:
    path = corpus / f"{GAZETTE}.md"
    path.write_text(
        path.read_text().replace(
            "## Who would", "## In short\n\nIn all 42 million crowns.\n\n## Who would"
        )
    )
    ingest(settings, load=load)
    index = open_index(settings)
    retriever = HybridRetriever(index, embedder, 0.5, 100, 12)
    _, miss, *_ = CorpusExamples(index, retriever).group(COST).examples
    index.close()
    assert miss.label == SILENT
    assert "The builder, Brask & Daughters" in miss.reading.text


def test_group_quote_over_two_sentences_marks_both(make: Make) -> None:
    quote = "half of that came from the Lantern Fund. Mayor Odile Quarn"
    found = labels(make().group({**COST, "evidence": [{"document": GAZETTE, "quote": quote}]}))
    assert found["It cost 42 m"] == found["Mayor Odile "] == ANSWERS
    assert found["The town of "] == SILENT


def test_group_quote_of_a_table_row_marks_that_row(make: Make) -> None:
    evidence = [{"document": REPORT, "quote": "260 | 4"}]
    found = labels(make().group({"question": "toll?", "evidence": evidence, "facts": []}))
    assert found["2032 (planne"] == ANSWERS
    assert found["2031 | 120 |"] == SILENT


def test_group_without_evidence_is_silent_whatever_the_words(make: Make) -> None:
    group = make().group({**COST, "evidence": [], "near": GAZETTE})
    assert not group.answerable
    assert set(labels(group).values()) == {SILENT}
    assert any("It cost 42 million" in example.reading.text for example in group.examples)


def test_group_never_retrieves_a_document_kept_for_validation(make: Make) -> None:
    assert "Its panes we" in labels(make().group(COST))
    group = make(without=(REPORT,)).group(COST)
    assert len(group.examples) == 4
    assert "Its panes we" not in labels(group)


def test_group_joins_the_history(make: Make) -> None:
    history = ["Who opened the bridge of glass in Velmora?"]
    group = make().group({**COST, "question": "and what did it cost?", "history": history})
    assert {example.reading.question for example in group.examples} == {
        "and what did it cost? Who opened the bridge of glass in Velmora?"
    }


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("In all it was 42 MILLION crowns.", True),
        ("The bridge over the Tindle had cost 42 million.", True),
        ("A bridge over the Tindle.", True),
        ("The bridge was dear.", False),
        ("Mayor Odile Quarn cut the ribbon.", False),
    ],
)
def test_may_say_it(sentence: str, expected: bool) -> None:
    quote = "It cost 42 million to put a bridge over the Tindle."
    record = {"facts": ["42 million crowns"], "evidence": [{"document": "a", "quote": quote}]}
    assert may_say_it(sentence, record) is expected


def test_squad_marks_the_sentence_around_the_answer(tmp_path: Path) -> None:
    text = "Owls watch. Eels pay three crowns. Gulls fly."
    write(
        tmp_path / "squad2-dev-half",
        [{"_id": "Toll#0", "title": "Toll", "text": text}],
        queries=[
            {"text": question, "context_id": "Toll#0", "answers": answers}
            for question, answers in (
                ("Who pays?", [{"text": "Eels", "start": 12}]),
                ("Who swims?", []),
            )
        ],
    )
    (name, answered), (_, unanswerable) = PublicExamples(tmp_path).squad()
    assert name == "Toll"
    assert labels(answered) == {"Owls watch.": 0, "Eels pay thr": 1, "Gulls fly.": 0}
    assert answered.answerable
    assert not unanswerable.answerable
    assert unanswerable.examples[0].reading.question == "Who swims?"


def test_clapnq_marks_the_selected_sentences(tmp_path: Path) -> None:
    queries: list[dict[str, Any]] = [
        {"type": "answerable", "selected_sentences": [["Owls watch. \n"], ["Gulls fly."]]},
        {"type": "unanswerable", "selected_sentences": []},
        {"type": "answerable", "selected_sentences": [["It is not there."]]},
    ]
    write(
        tmp_path / "clapnq-dev",
        [{"_id": "p1", "text": "Owls watch. Eels pay. Gulls fly."}],
        queries=[{"text": "q", "context_id": "p1", **query} for query in queries],
    )
    (name, answered), (_, unanswerable) = PublicExamples(tmp_path).clapnq()
    assert name == "p1"
    assert labels(answered) == {"Owls watch.": 1, "Eels pay.": 0, "Gulls fly.": 1}
    assert not unanswerable.answerable


def test_scifact_marks_the_rationale_of_each_abstract(tmp_path: Path) -> None:
    abstracts = {"7": ["Owls watch. ", "Eels pay.", " Gulls fly."], "8": ["Lamps glow."]}
    write(
        tmp_path / "scifact",
        [{"_id": i, "metadata": {"sentences": found}} for i, found in abstracts.items()],
        train_queries=[
            {"_id": "1", "text": "c", "cited_doc_ids": ["7", "8"], "evidence": {"7": [[0, 2]]}},
            {"_id": "2", "text": "c", "cited_doc_ids": ["8"], "evidence": {}},
        ],
    )
    (name, supported), (_, open_question) = PublicExamples(tmp_path).scifact()
    assert name == "1"
    assert list(labels(supported)) == ["Owls watch.", "Eels pay.", "Gulls fly.", "Lamps glow."]
    assert list(labels(supported).values()) == [1, 0, 1, 0]
    assert not open_question.answerable


def test_ours_takes_the_texts_from_the_public_sets(tmp_path: Path) -> None:
    records = list(read_lines(QUESTIONS / "public.jsonl"))
    for name in {record["set"] for record in records}:
        ids = {record["text"] for record in records if record["set"] == name}
        write(tmp_path / name, [{"_id": i, "text": "owl " * 1500} for i in ids])
    named = list(PublicExamples(tmp_path).ours())
    assert [name for name, _ in named] == [f"{r['set']}/{r['text']}" for r in records]
    assert [group.answerable for _, group in named] == [bool(r["spans"]) for r in records]
    for record, (_, group) in zip(records, named, strict=True):
        assert group.examples[0].reading.question.startswith(record["question"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((SILENT, ANSWERS, UNKNOWN), ANSWERS),
        ((SILENT, UNKNOWN), UNKNOWN),
        ((SILENT, SILENT), SILENT),
        ((), SILENT),
    ],
)
def test_label_of_a_text(given: tuple[int, ...], expected: int) -> None:
    assert example(*given).label == expected


def test_is_held_out_is_the_same_everywhere() -> None:
    assert [name for name in ("1", "2", "14", "36", "p0001") if is_held_out(name)] == ["1", "14"]
    assert 150 < sum(is_held_out(f"text {number}") for number in range(1000)) < 250


def test_split_groups_keeps_a_text_on_one_side() -> None:
    named = [(f"text {n % 40}", Group(f"text {n % 40}", [])) for n in range(200)]
    train, held = split_groups(named)
    assert len(train) + len(held) == 200
    assert not {group.name for group in train} & {group.name for group in held}
    assert {group.name for group in held} == {name for name, _ in named if is_held_out(name)}


def test_batches_hold_every_group_once() -> None:
    rng = random.Random(1)
    groups = [
        Group(str(n), [example(words=rng.randint(1, 300))] * rng.randint(1, 6)) for n in range(100)
    ]
    found = batches(groups, 8, rng)
    assert Counter(group.name for part in found for group in part) == Counter(map(str, range(100)))
    sizes = [sum(len(group.examples) for group in part) for part in found]
    assert max(sizes) < 8 + 6
    assert sorted(sizes)[1] >= 8  # but one


def test_batches_put_texts_of_like_length_together_in_random_order() -> None:
    groups = [Group(str(n), [example(words=200 * n)]) for n in range(40)]
    found = batches(groups, 4, random.Random(1))
    firsts = [int(part[0].name) for part in found]
    assert [[int(group.name) for group in part] for part in found] == [
        [*range(first, first + 4)] for first in firsts
    ]
    assert firsts != sorted(firsts)
    assert batches(groups, 4, random.Random(2)) != found


def judged(*logits: float) -> Judgement:
    return Judgement(passage=0.0, sentences=np.array(logits, dtype=np.float32))


def test_hardest_keeps_what_answers_and_the_misses_that_tempt_most() -> None:
    answering, tame, tempting, worse = example(1, 0), example(0), example(0, 0), example(0)
    group = Group("ours", [tame, answering, tempting, worse])
    judgements = [judged(-7), judged(-9, 9), judged(-8, 2), judged(3)]
    assert hardest(group, judgements).examples == [answering, worse, tempting]


def test_hardest_takes_one_more_where_nothing_answers() -> None:
    misses = [example(0) for _ in range(5)]
    found = hardest(Group("ours", misses), [judged(n) for n in range(5)])
    assert found.examples == [misses[4], misses[3], misses[2]]


def test_hardest_is_not_tempted_by_what_may_be_an_answer() -> None:
    unknown, plain, answering = example(-1, 0), example(0, 0), example(1)
    group = Group("ours", [answering, unknown, plain, example(0)])
    judgements = [judged(1), judged(9, -8), judged(-5, -6), judged(-7)]
    assert hardest(group, judgements).examples == [answering, plain, group.examples[3]]
