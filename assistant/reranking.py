"""Question + passages → how well each sentence answers, and each passage as a whole.

The packaged model reads a question and a whole passage together (a
cross-encoder) and scores every sentence of the passage at once: a sentence is
read in its context, so "it" and a table's row mean what they mean there.
assistant/models/ holds it, how it was trained, and how good it is.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnxruntime
import tokenizers
from llama_index.core.schema import BaseNode, NodeWithScore
from numpy.typing import NDArray

from assistant.chunking import embedding_text
from assistant.embeddings import check_weights
from assistant.errors import ModelUnavailable
from assistant.segmentation import Span

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

PACKAGED = Path(__file__).parent / "models"
REMEDY = "install diamond-assistant again"
PARTS = ("evidence.onnx", "evidence.sha256", "tokenizer.json")

MAX_TOKENS = 352  # a passage of 256 and the longest question; a longer text is cut
MAX_QUESTION = 400  # characters; the rest is cut, so that the text keeps its room

TEXT = 0.075  # weight of the model's logit of a passage beside its score: fitted on dev, rounded

UNSEEN = -20.0  # the logit of a sentence beyond the window

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """What the model sees of one text: a question, a text, and the text's sentences."""

    question: str
    text: str
    sentences: Sequence[Span]


@dataclass(frozen=True)
class Judgement:
    """How well a passage answers a question. Logits: above 0 is more likely than not.

    `sentences` has one score for each sentence that was asked about; a
    sentence beyond the model's window has the lowest score there is.
    """

    passage: float
    sentences: Scores


def relevance(passage: NodeWithScore, judgement: Judgement) -> float:
    """How well a passage suits the question: what search found, and what the model thinks."""
    return (passage.score or 0.0) + TEXT * judgement.passage


def best_first(
    passages: Sequence[NodeWithScore], judgements: Sequence[Judgement]
) -> tuple[list[NodeWithScore], list[Judgement]]:
    """The passages by their relevance, with their judgements."""
    pairs = zip(passages, judgements, strict=True)
    ordered = sorted(pairs, key=lambda pair: -relevance(*pair))
    return [passage for passage, _ in ordered], [judgement for _, judgement in ordered]


class Reranker(Protocol):
    """Judges texts as answers to a question."""

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]: ...


@dataclass(frozen=True)
class Batch:
    """Readings as the model's input, padded to the longest.

    Shapes: (readings, tokens); `members`, which is 1 where a token belongs to a
    sentence, (readings, sentences, tokens).
    """

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    types: NDArray[np.int64]
    members: NDArray[np.float32]


def encode(tokenizer: Any, readings: Sequence[Reading]) -> Batch:
    """Readings → token ids. `tokenizer` comes from `load_tokenizer`, which sets the window."""
    encodings = tokenizer.encode_batch([(r.question[:MAX_QUESTION], r.text) for r in readings])
    shape = len(encodings), max(len(e.ids) for e in encodings)
    most = max(1, *(len(reading.sentences) for reading in readings))
    members = np.zeros((shape[0], most, shape[1]), dtype=np.float32)
    ids, mask, types = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for row, (encoding, reading) in enumerate(zip(encodings, readings, strict=True)):
        size = len(encoding.ids)
        ids[row, :size] = encoding.ids
        mask[row, :size] = 1
        types[row, :size] = encoding.type_ids
        offsets = np.array(encoding.offsets)
        of_text = np.array(encoding.sequence_ids, dtype=object) == 1
        for number, span in enumerate(reading.sentences):
            inside = of_text & (offsets[:, 1] > span.start) & (offsets[:, 0] < span.end)
            members[row, number, :size] = inside
    return Batch(ids, mask, types, members)


def reading_of(question: str, passage: BaseNode, spans: Sequence[Span]) -> Reading:
    """A passage with its context as the model reads it; `spans` count in its document."""
    text = embedding_text(passage)
    start = getattr(passage, "start_char_idx", 0) or 0
    shift = len(text) - len(passage.get_content()) - start
    return Reading(question, text, [Span(s.start + shift, s.end + shift) for s in spans])


class PackagedReranker:
    """The model that comes with the package, run by ONNX Runtime. Safe to share by threads."""

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Any) -> None:
        self._session = session
        self._tokenizer = tokenizer

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        """Judge each text by itself.

        In a batch the 8-bit activations of one text would be scaled by those of
        the others, so that its scores would depend on its neighbours.
        """
        return [self._judge_one(reading) for reading in readings]

    def _judge_one(self, reading: Reading) -> Judgement:
        batch = encode(self._tokenizer, [reading])
        sentences, texts = self._session.run(
            None,
            {"ids": batch.ids, "mask": batch.mask, "types": batch.types, "members": batch.members},
        )
        return Judgement(float(texts[0]), sentences[0][: len(reading.sentences)])


def load_packaged(threads: int, folder: Path = PACKAGED) -> PackagedReranker:
    """The packaged model, checked by its hash.

    Raises:
        ModelUnavailable: a file is missing or is not the one we know.
    """
    for name in PARTS:
        if not (folder / name).is_file():
            raise ModelUnavailable(f"the packaged model has no {folder / name}: {REMEDY}")
    weights = folder / "evidence.onnx"
    check_weights(weights, (folder / "evidence.sha256").read_text().split()[0], REMEDY)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        str(weights), options, providers=["CPUExecutionProvider"]
    )
    return PackagedReranker(session, load_tokenizer(folder / "tokenizer.json"))


class CrossEncoderReranker:
    """Any sentence-transformers cross-encoder: it reads a question and one sentence at a time.

    A passage is worth as much as its best sentence. Such a model does not see
    the sentences around.
    """

    def __init__(self, model: CrossEncoder) -> None:
        self._model = model
        self._lock = threading.Lock()

    def judge(self, readings: Sequence[Reading]) -> list[Judgement]:
        """Judge each text, sentence by sentence."""
        pairs = [
            (reading.question, sentence.of(reading.text))
            for reading in readings
            for sentence in reading.sentences
        ]
        if not pairs:
            return [Judgement(UNSEEN, np.empty(0, dtype=np.float32)) for _ in readings]
        with self._lock:
            logits = self._model.predict(pairs, activation_fn=_as_is, show_progress_bar=False)
        ends = np.cumsum([len(reading.sentences) for reading in readings])
        return [
            Judgement(float(scores.max(initial=UNSEEN)), scores)
            for scores in np.split(np.asarray(logits, dtype=np.float32), ends[:-1])
        ]


def load_reranker(name: str, threads: int) -> Reranker:
    """The packaged model, or any cross-encoder with one logit by name or folder.

    It must be on this machine: nothing is downloaded when it is loaded.

    Raises:
        ModelUnavailable: it is not there, cannot be loaded, or is not what it says.
    """
    if name == "packaged":
        return load_packaged(threads)
    from sentence_transformers import CrossEncoder

    try:
        model = CrossEncoder(name, device="cpu", local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelUnavailable(
            f"reranker {name!r} is not on this machine ({reason}): get it with "
            f"`hf download {name}`, or set DIAMOND_RERANKER=packaged"
        ) from error
    if model.num_labels != 1:
        raise ModelUnavailable(
            f"reranker {name!r} has {model.num_labels} outputs, expected 1: "
            "set DIAMOND_RERANKER=packaged"
        )
    return CrossEncoderReranker(model)


def _as_is(logits: Any) -> Any:
    return logits


def load_tokenizer(path: Path) -> Any:
    """The tokenizer of a `tokenizer.json`, which cuts the longer of two texts to the window.

    The text, nearly always; but 400 characters of some scripts are more tokens
    than a passage.
    """
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
    return tokenizer
