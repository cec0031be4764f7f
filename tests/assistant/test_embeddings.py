"""The real model: its weights, its window, its vectors."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from llama_index.core.base.embeddings.base import BaseEmbedding

from assistant.embeddings import (
    PACKAGED_MODEL,
    SentenceTransformerEmbedder,
    Vectors,
    adapted,
    check_weights,
    load_adapter,
    load_embedder,
    packaged_folder,
)
from assistant.errors import ModelUnavailable
from assistant.segmentation import Span


@pytest.fixture(scope="module")
def model() -> SentenceTransformerEmbedder:
    return load_embedder(PACKAGED_MODEL, threads=1, backend="torch")


def test_embedder_is_a_llama_index_embedding() -> None:
    model = load_embedder(PACKAGED_MODEL, threads=1, backend="torch", plain=True)
    assert isinstance(model, BaseEmbedding)
    text = model.get_text_embedding("diamond grit")
    assert model.get_query_embedding("diamond grit") == pytest.approx(text, abs=1e-5)


def test_adapter_moves_questions_and_leaves_texts_where_they_are(
    model: SentenceTransformerEmbedder,
) -> None:
    plain = load_embedder(PACKAGED_MODEL, threads=1, backend="torch", plain=True)
    moved, unmoved = (each.encode_query("Who will pay for it?") for each in (model, plain))
    assert np.linalg.norm(moved) == pytest.approx(1, abs=1e-5)
    assert moved == pytest.approx(adapted(unmoved, load_adapter()), abs=1e-5)
    assert moved @ unmoved < 0.99
    texts, others = (each.encode_spans(["The bank lends it."], [[]])[0] for each in (model, plain))
    assert texts == pytest.approx(others, abs=1e-5)


@given(arrays(np.float32, (3, 4), elements=st.floats(-1, 1, width=32)))
def test_adapted_by_nothing_is_what_it_was(vectors: Vectors) -> None:
    kept = vectors[np.linalg.norm(vectors, axis=1) > 1e-3]
    unit = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    assert adapted(unit, np.zeros((4, 4), np.float32)) == pytest.approx(unit, abs=1e-5)


def test_load_adapter_refuses_one_that_is_not_known(tmp_path: Path) -> None:
    adapter = tmp_path / "query_adapter.npy"
    with pytest.raises(ModelUnavailable, match=r"no .*query_adapter.sha256: install diamond-"):
        load_adapter(adapter)
    adapter.with_suffix(".sha256").write_text(f"{'0' * 64}  query_adapter.npy\n")
    with pytest.raises(ModelUnavailable, match=r"no model weights at .*query_adapter.npy"):
        load_adapter(adapter)
    np.save(adapter, np.eye(4, dtype=np.float16))
    with pytest.raises(ModelUnavailable, match="expected 0000"):
        load_adapter(adapter)


def test_encode_query_prefers_what_it_is_about(model: SentenceTransformerEmbedder) -> None:
    query = model.encode_query("How hard is diamond?")
    vectors, _ = model.encode_spans(
        ["Diamond is the hardest material known.", "The ferry leaves at noon."], [[], []]
    )
    near, far = vectors @ query
    assert near > 0.5 > 0.2 > far


def test_encode_spans_pools_a_span_in_its_context(model: SentenceTransformerEmbedder) -> None:
    text = "Orbray grows wafers of diamond. It also makes bearings."
    spans = [Span(0, 31), Span(32, len(text))]
    _, [(first, second)] = model.encode_spans([text], [spans])
    _, [(alone,)] = model.encode_spans([text[32:]], [[Span(0, len(text) - 32)]])
    query = model.encode_query("What else does Orbray make?")
    assert np.linalg.norm(first) == pytest.approx(1, abs=1e-5)
    assert second @ query > alone @ query  # "It" has seen Orbray


def test_encode_spans_is_the_same_in_any_batch(model: SentenceTransformerEmbedder) -> None:
    short, long = "Grit.", "Grit is sold by size. " * 8
    together, _ = model.encode_spans([short, long], [[], []])
    alone, _ = model.encode_spans([short], [[]])
    assert together[0] == pytest.approx(alone[0], abs=1e-5)


def test_count_tokens_is_what_the_model_reads(model: SentenceTransformerEmbedder) -> None:
    assert model.max_tokens == 256
    assert model.count_tokens("") == 2  # [CLS] and [SEP]
    assert model.count_tokens("diamond grit") > 3
    assert model.count_tokens("diamond " * 600) == 602  # counted whole, not cut


def test_check_weights_refuses_others(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"other weights")
    with pytest.raises(ModelUnavailable, match=r"sha256 [0-9a-f]{64}, expected abc: buy others"):
        check_weights(weights, "abc", "buy others")
    with pytest.raises(ModelUnavailable, match="missing: buy others"):
        check_weights(tmp_path / "missing", "abc", "buy others")


def test_load_embedder_of_an_unknown_model_says_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"no-such-model.*DIAMOND_EMBEDDING_MODEL=gt-all"):
        load_embedder(str(tmp_path / "no-such-model"), threads=1)


def test_load_embedder_takes_a_folder_and_gives_it_no_adapter() -> None:
    other = load_embedder(str(packaged_folder()), threads=1, backend="torch")
    plain = load_embedder(PACKAGED_MODEL, threads=1, backend="torch", plain=True)
    assert other.encode_query("grit") == pytest.approx(plain.encode_query("grit"))
