"""One model, computed in several ways: the same vectors, near enough."""

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from assistant import backends
from assistant.embeddings import PACKAGED_MODEL, SentenceTransformerEmbedder, load_embedder
from assistant.errors import ModelUnavailable
from assistant.segmentation import Span
from assistant.settings import Settings

TEXTS = [
    "Grit.",
    "Orbray grows wafers of diamond. It also makes bearings.",
    "The ferry leaves at noon, unless the tide is out. " * 12,
]
SPANS = [[Span(0, 5)], [Span(0, 31), Span(32, 55)], []]
INTERCHANGEABLE, NEAR = 0.999, 0.97


@cache
def loaded(backend: str) -> SentenceTransformerEmbedder:
    return load_embedder(PACKAGED_MODEL, threads=1, backend=backend)


@pytest.fixture(params=list(backends.NEEDS))
def backend(request: pytest.FixtureRequest) -> str:
    """Every backend that this machine has."""
    name = str(request.param)
    try:
        if backends.resolved(name) != name:
            pytest.skip(f"{name} is {backends.resolved(name)} here")
    except ModelUnavailable as error:
        pytest.skip(str(error))
    return name


def test_vectors_are_those_of_torch(backend: str) -> None:
    one, other = loaded("torch"), loaded(backend)
    least = NEAR if backend == "onnx-int8" else INTERCHANGEABLE
    (vectors, spans), (expected, expected_spans) = (
        model.encode_spans(TEXTS, SPANS) for model in (other, one)
    )
    query, expected_query = (model.encode_query("Who grows diamond?") for model in (other, one))
    assert [found.shape for found in spans] == [(1, 384), (2, 384), (0, 384)]
    found = np.concatenate([vectors, *spans, query[None]])
    wanted = np.concatenate([expected, *expected_spans, expected_query[None]])
    assert found.shape == wanted.shape
    assert found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.sum(found * wanted, axis=1).min() > least


def test_vectors_are_the_same_in_any_batch(backend: str) -> None:
    model = loaded(backend)
    together, _ = model.encode_spans(TEXTS, [[]] * len(TEXTS))
    for text, vector in zip(TEXTS, together, strict=True):
        [alone], _ = model.encode_spans([text], [[]])
        assert alone @ vector > 0.9999


def test_embedder_says_what_computes_it(backend: str) -> None:
    assert loaded(backend).backend == backend


def test_auto_is_interchangeable_with_torch() -> None:
    assert backends.resolved("auto") in {"torch", "torch-bf16", "openvino"}
    assert loaded("auto").backend == backends.resolved("auto")


def test_unknown_backend_names_the_choices() -> None:
    with pytest.raises(ModelUnavailable, match=r"'abacus' is none of auto, torch, torch-bf16, on"):
        load_embedder(PACKAGED_MODEL, threads=1, backend="abacus")


def test_settings_offer_every_backend() -> None:
    offered = get_args(Settings.model_fields["embedding_backend"].annotation)
    assert offered == ("auto", *backends.NEEDS)


@pytest.mark.parametrize(
    ("absent", "backend", "complaint"),
    [
        ("onnxscript", "onnx", r"needs onnxscript: pip install -e '\.\[onnx\]'"),
        ("onnxscript", "onnx-int8", r"needs onnxscript: pip install -e '\.\[onnx\]'"),
        ("openvino", "openvino", r"needs openvino.*: pip install -e '\.\[openvino\]'"),
    ],
)
def test_backend_without_its_package_names_the_extra(
    absent: str, backend: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == absent else find(n))
    with pytest.raises(ModelUnavailable, match=complaint):
        backends.resolved(backend)
    assert backends.resolved("auto").startswith("torch")


def test_export_that_cannot_be_kept_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backends._missing("onnx"):
        pytest.skip("the extra onnx is not installed")
    taken = tmp_path / "diamond-assistant"
    taken.write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ModelUnavailable, match=rf"{taken}.*DIAMOND_EMBEDDING_BACKEND=torch"):
        load_embedder(PACKAGED_MODEL, threads=1, backend="onnx")
    assert backends.resolved("auto").startswith("torch")


def test_damaged_export_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if backends._missing("onnx"):
        pytest.skip("the extra onnx is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = loaded("torch")._model
    path = tmp_path / "diamond-assistant" / f"{backends._digest(model[0].model)}.onnx"
    path.parent.mkdir()
    path.write_bytes(b"cut short")
    with pytest.raises(ModelUnavailable, match=rf"{path} cannot be run by onnx .*delete it"):
        load_embedder(PACKAGED_MODEL, threads=1, backend="onnx")


def test_openvino_reports_to_nobody(tmp_path: Path) -> None:
    if backends._missing("openvino"):
        pytest.skip("the extra openvino is not installed")
    loaded("openvino")  # so that the export is there
    program = f"""
import sys, threading
from assistant.embeddings import load_embedder
load_embedder({PACKAGED_MODEL!r}, 1, "openvino").encode_query("Who grows diamond?")
print([name for name in sys.modules if "telemetry.backend" in name], end=" ")
print([t.name for t in threading.enumerate() if t.name.startswith("ThreadPool")])
"""
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(backends._cache().parent)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, **home},
        check=False,
    )
    assert done.stdout == "[] []\n", done.stderr
    assert list(tmp_path.iterdir()) == []  # no id of this user
