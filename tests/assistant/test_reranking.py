"""The model that reads question and passage: what it is shown, what it makes of it."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from llama_index.core.schema import Document, TextNode
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from assistant.chunking import SentenceChunker, sentence_spans
from assistant.errors import ModelUnavailable
from assistant.reranking import (
    MAX_TOKENS,
    PACKAGED,
    UNSEEN,
    Batch,
    CrossEncoderReranker,
    PackagedReranker,
    Reading,
    encode,
    load_packaged,
    load_reranker,
    load_tokenizer,
    reading_of,
)
from assistant.segmentation import Span

TOKENIZER = load_tokenizer(PACKAGED / "tokenizer.json")
LIMIT = "What yearly limit did Kelland set for the export of amber?"


@pytest.fixture(scope="module")
def model() -> PackagedReranker:
    return load_packaged(threads=1)


def reading(question: str, *sentences: str) -> Reading:
    """A text of these sentences."""
    ends = np.cumsum([len(sentence) + 1 for sentence in sentences]) - 1
    spans = [Span(int(e) - len(s), int(e)) for e, s in zip(ends, sentences, strict=True)]
    return Reading(question, " ".join(sentences), spans)


def members(batch: Batch, row: int = 0) -> list[str]:
    """The tokens of each sentence of one reading."""
    return [
        " ".join(map(TOKENIZER.id_to_token, batch.ids[row][mine == 1]))
        for mine in batch.members[row]
    ]


def cross_encoder(folder: Path, labels: int) -> str:
    """A tiny random cross-encoder in a folder."""
    torch.manual_seed(1)
    config = BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        initializer_range=0.5, id2label=dict(enumerate("abc"[:labels])),
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(PACKAGED / "tokenizer.json"), model_max_length=64, pad_token="[PAD]"
    )
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_encode_marks_the_tokens_of_each_sentence() -> None:
    batch = encode(TOKENIZER, [reading("Who watches eels?", "Owls watch.", "Eels pay the toll.")])
    assert members(batch) == ["owls watch .", "eels pay the toll ."]
    question = batch.ids[0][batch.types[0] == 0]
    assert TOKENIZER.decode(question, skip_special_tokens=True) == "who watches eels?"


def test_encode_pads_to_the_longest() -> None:
    short, long = reading("Who?", "Owls."), reading("Who?", "Eels pay.", "Owls carry letters.")
    batch = encode(TOKENIZER, [short, long])
    [alone] = encode(TOKENIZER, [short]).ids
    assert batch.ids[0].tolist() == [*alone, *[0] * (batch.ids.shape[1] - len(alone))]
    assert batch.mask.sum(axis=1).tolist() == [len(alone), batch.ids.shape[1]]
    assert members(batch, 0) == ["owls .", ""]
    assert members(batch, 1) == ["eels pay .", "owls carry letters ."]


def test_encode_cuts_a_long_text_not_its_question() -> None:
    sentences = [f"Owl {number} watches." for number in range(200)]
    batch = encode(TOKENIZER, [reading("Who watches at night?", *sentences)])
    assert batch.ids.shape == (1, MAX_TOKENS)
    assert members(batch)[0] == "owl 0 watches ."
    assert members(batch)[-1] == ""
    question = batch.ids[0][batch.types[0] == 0]
    assert TOKENIZER.decode(question, skip_special_tokens=True) == "who watches at night?"


@pytest.mark.parametrize("word", ["why ", "a ", "?", "💎", "金", "각 "])
def test_encode_cuts_a_question_of_ten_thousand_characters(word: str) -> None:
    question = word * (10_000 // len(word))
    batch = encode(TOKENIZER, [reading(question, "Owls watch.", "Eels pay the toll.")])
    assert batch.ids.shape[1] <= MAX_TOKENS
    assert members(batch) == ["owls watch .", "eels pay the toll ."]


def test_encode_text_without_sentences() -> None:
    batch = encode(TOKENIZER, [Reading("Who?", "Owls.", []), Reading("Who?", "", [])])
    assert batch.members.shape == (2, 1, batch.ids.shape[1])
    assert not batch.members.any()


def test_encode_counts_characters_not_bytes() -> None:
    batch = encode(TOKENIZER, [reading("💎?", "Ōrbray 💎 grows.", "金石。", "Fin.")])
    assert members(batch) == ["orb ##ray [UNK] grows .", "金 石 。", "fin ."]


def test_reading_of_a_passage_has_its_context_before_it() -> None:
    text = "## Owls\n\nOwls watch. They sleep.\n\n## Tolls\n\nEels pay. It is dear. Gulls fly."
    document = Document(id_="works/eels", text=text, metadata={"title": "Harbour"})
    chunker = SentenceChunker(count_tokens=lambda text: len(text.split()), max_tokens=64)
    _, passage = chunker.get_nodes_from_documents([document])
    assert isinstance(passage, TextNode)
    spans = sentence_spans(document, passage)
    found = reading_of("Who pays?", passage, spans[1:])
    assert found.text == "Harbour. Tolls\n\nEels pay. It is dear. Gulls fly."
    assert [s.of(found.text) for s in found.sentences] == ["It is dear.", "Gulls fly."]


def test_judge_prefers_the_sentence_that_answers(model: PackagedReranker) -> None:
    answers = reading(
        LIMIT, "The ferry leaves at noon.", "Kelland put a limit of 900 tonnes a year on amber."
    )
    silent = reading(LIMIT, "The ferry leaves at noon.", "Bread costs two crowns.")
    good, bad = model.judge([answers, silent])
    assert good.sentences.argmax() == 1
    assert good.sentences[1] > good.sentences[0] + 1
    assert good.sentences[1] > bad.sentences.max() + 1
    assert good.passage > bad.passage + 1


def test_judge_gives_a_score_for_each_sentence(model: PackagedReranker) -> None:
    readings = [
        reading(LIMIT, *["Amber is free."] * 3),
        Reading(LIMIT, "Amber is free.", []),
        reading(LIMIT, "Amber."),
    ]
    assert [len(judgement.sentences) for judgement in model.judge(readings)] == [3, 0, 1]
    assert model.judge([]) == []


def test_judge_sentence_beyond_the_window_scores_lowest(model: PackagedReranker) -> None:
    [found] = model.judge([reading(LIMIT, *["Amber is free in Kelland."] * 90)])
    assert found.sentences[0] > UNSEEN
    assert found.sentences[-1] == UNSEEN


def test_judge_gives_about_the_same_in_any_batch(model: PackagedReranker) -> None:
    readings = [
        reading(LIMIT, "Kelland put a limit of 900 tonnes a year on amber.", "Ferries leave."),
        reading("Who pays?", *["Eels pay the toll of the bridge in silver."] * 20),
    ]
    for together, one in zip(model.judge(readings), readings, strict=True):
        [alone] = model.judge([one])
        # Activations are quantised by the range of the whole batch.
        assert together.sentences == pytest.approx(alone.sentences, abs=1.5)
        assert together.passage == pytest.approx(alone.passage, abs=1.5)


def test_judge_in_two_threads_gives_the_same(model: PackagedReranker) -> None:
    readings = [reading(f"Who pays {n} crowns?", *["Eels pay the toll."] * n) for n in range(1, 9)]
    expected = [model.judge([one])[0].passage for one in readings]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: model.judge([one])[0].passage, readings * 3))
    assert found == pytest.approx(expected * 3, abs=1e-5)
    assert len(set(expected)) == len(expected)


def test_load_packaged_refuses_other_weights(tmp_path: Path) -> None:
    for name in ("evidence.sha256", "tokenizer.json"):
        shutil.copy(PACKAGED / name, tmp_path)
    with pytest.raises(ModelUnavailable, match=r"the packaged model has no .*evidence\.onnx"):
        load_packaged(1, tmp_path)
    weights = bytearray((PACKAGED / "evidence.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (tmp_path / "evidence.onnx").write_bytes(weights)
    with pytest.raises(ModelUnavailable, match=r"evidence\.onnx has sha256 [0-9a-f]{64}, expected"):
        load_packaged(1, tmp_path)


@pytest.mark.parametrize("missing", ["evidence.sha256", "tokenizer.json"])
def test_load_packaged_without_a_file_is_no_model(missing: str, tmp_path: Path) -> None:
    for name in ("evidence.onnx", "evidence.sha256", "tokenizer.json"):
        if name != missing:
            shutil.copy(PACKAGED / name, tmp_path)
    with pytest.raises(ModelUnavailable, match=missing):
        load_packaged(1, tmp_path)


def test_load_reranker_by_default_is_the_packaged_one() -> None:
    assert isinstance(load_reranker("packaged", threads=1), PackagedReranker)


def test_cross_encoder_reads_one_sentence_at_a_time(tmp_path: Path) -> None:
    folder = cross_encoder(tmp_path, labels=1)
    reranker = load_reranker(folder, threads=1)
    assert isinstance(reranker, CrossEncoderReranker)
    sentences = ["Eels pay the toll.", "Owls watch over the lamps at night.", "Gulls fly."]
    first, none, second = reranker.judge(
        [reading("Who pays?", *sentences[:2]), Reading("Who pays?", "Fin.", []),
         reading("Who pays?", *sentences[2:])]
    )  # fmt: skip
    expected = [logit(folder, "Who pays?", sentence) for sentence in sentences]
    assert [*first.sentences, *second.sentences] == pytest.approx(expected, abs=1e-5)
    assert first.passage == pytest.approx(max(expected[:2]), abs=1e-5)
    assert (none.passage, len(none.sentences)) == (UNSEEN, 0)


def test_cross_encoder_nothing_to_read(tmp_path: Path) -> None:
    reranker = load_reranker(cross_encoder(tmp_path, labels=1), threads=1)
    assert reranker.judge([]) == []
    [found] = reranker.judge([Reading("Who?", "Fin.", [])])
    assert (found.passage, len(found.sentences)) == (UNSEEN, 0)


def test_cross_encoder_with_several_logits_is_refused(tmp_path: Path) -> None:
    folder = cross_encoder(tmp_path, labels=3)
    with pytest.raises(ModelUnavailable, match=r"3 outputs, expected 1: .*RERANKER=packaged"):
        load_reranker(folder, threads=1)


def test_load_reranker_of_an_unknown_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"hf download .*no-such-model`, or set DIAMOND_RER"):
        load_reranker(str(tmp_path / "no-such-model"), threads=1)


def logit(folder: str, question: str, sentence: str) -> float:
    """What the model itself says, without sentence-transformers."""
    model: Any = BertForSequenceClassification.from_pretrained(folder)
    tokenizer: Any = PreTrainedTokenizerFast.from_pretrained(folder)
    with torch.no_grad():
        return float(model(**tokenizer(question, sentence, return_tensors="pt")).logits)
