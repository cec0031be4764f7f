"""Train the adapter of queries: `python -m assistant.models.adapt`.

A question's vector is moved by a matrix towards the passages that answer it;
passages stay where they are, so no index is built anew for it. Needs the packages
of `pip install '.[train]'` and the built index of our corpus. Writes
query_adapter.npy with its hash beside this file, in two minutes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from llama_index.core.schema import TextNode
from numpy.typing import NDArray

from assistant.embeddings import ADAPTER, Embedder, Vectors, adapted, load_embedder
from assistant.index import PassageIndex
from assistant.ingestion import open_index
from assistant.models.examples import (
    QUESTIONS,
    documents_of,
    evidence_spans,
    read_lines,
    standalone,
)
from assistant.segmentation import Span
from assistant.settings import load_settings

PASSES = 10
AT_ONCE = 128  # questions
# Small steps and a strong pull back: what is learnt of our corpus must not cost elsewhere.
RATE, WEIGHT_DECAY = 2e-4, 5.0
TEMPERATURE = 0.03  # a cosine that is lower by as much is e times less likely
DEPTH = 12  # passages that are read for an answer


@dataclass(frozen=True)
class Asked:
    """Questions and passages as vectors, a row each, and which passage answers which question.

    `answers` and `unknown` have a row a question and a column a passage; unknown
    is a passage that may say it, too.
    """

    questions: Vectors
    passages: Vectors
    answers: NDArray[np.bool_]
    unknown: NDArray[np.bool_]


@click.command()
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=ADAPTER,
    help="Write there.  [default: beside this file]",
)
def main(seed: int, out: Path) -> None:
    """Train the adapter that moves a question's vector to where its answers are."""
    settings = load_settings()
    index = open_index(settings)
    embedder = load_embedder(settings.embedding_model, torch.get_num_threads(), plain=True)
    held = list(read_lines(QUESTIONS / "held_out.jsonl"))
    apart = documents_of(held)
    everything = list(index.passages())
    seen = [passage for passage in everything if passage.ref_doc_id not in apart]
    train = asked(index, embedder, list(read_lines(QUESTIONS / "corpus.jsonl")), seen)
    click.echo(f"{len(train.questions):,} questions, {len(seen):,} passages")
    matrix = fit(train, seed)
    np.save(out, matrix.astype(np.float16))
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    out.with_suffix(".sha256").write_text(f"{digest}  {out.name}\n")
    kept = asked(index, embedder, held, everything)
    click.echo(
        f"Of {len(kept.questions)} questions about documents kept out, answering passages "
        f"among the first {DEPTH} by meaning alone: "
        f"{recall(kept, kept.questions):.3f} before, "
        f"{recall(kept, adapted(kept.questions, matrix)):.3f} after"
    )


def asked(
    index: PassageIndex,
    embedder: Embedder,
    records: Sequence[Mapping[str, Any]],
    passages: Sequence[TextNode],
) -> Asked:
    """The questions that some of these passages answer."""
    texts = [passage.get_content().casefold() for passage in passages]
    questions, answers, unknown = [], [], []
    for record in records:
        spans = evidence_spans(index, record)
        row = [_holds(passage, spans.get(passage.ref_doc_id or "", [])) for passage in passages]
        if not any(row):
            continue
        facts = [fact.casefold() for fact in record["facts"]]
        questions.append(embedder.encode_query(index.vocabulary.expand(standalone(record))))
        answers.append(row)
        unknown.append([any(fact in text for fact in facts) for text in texts])
    vectors = index.vectors([passage.node_id for passage in passages])
    answering = np.array(answers)
    return Asked(
        np.stack(questions),
        np.stack([vectors[passage.node_id] for passage in passages]),
        answering,
        np.array(unknown) & ~answering,
    )


def fit(train: Asked, seed: int) -> Vectors:
    """The matrix by which each passage that answers is likelier than all that do not.

    A softmax over all passages there are, the mean over those that answer
    (InfoNCE, van den Oord et al. 2018, without sampling).
    """
    torch.manual_seed(seed)
    questions, passages, answers, unknown = map(
        torch.tensor, (train.questions, train.passages, train.answers, train.unknown)
    )
    matrix = torch.zeros(questions.shape[1], questions.shape[1], requires_grad=True)
    optimizer = torch.optim.AdamW([matrix], lr=RATE, weight_decay=WEIGHT_DECAY)
    steps = PASSES * -(-len(questions) // AT_ONCE)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for _ in range(PASSES):
        for rows in torch.split(torch.randperm(len(questions)), AT_ONCE):
            moved = torch.nn.functional.normalize(questions[rows] + questions[rows] @ matrix)
            cosines = (moved @ passages.T).masked_fill(unknown[rows], -torch.inf)
            logs = (cosines / TEMPERATURE).log_softmax(dim=1).masked_fill(~answers[rows], 0.0)
            loss = -(logs.sum(dim=1) / answers[rows].sum(dim=1)).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    found: Vectors = matrix.detach().numpy()
    return found


def recall(kept: Asked, questions: Vectors) -> float:
    """The share of the passages that answer which are among the nearest, mean over questions."""
    nearest = np.argsort(-(questions @ kept.passages.T), axis=1)[:, :DEPTH]
    found = np.take_along_axis(kept.answers, nearest, axis=1).sum(axis=1)
    return float((found / kept.answers.sum(axis=1)).mean())


def _holds(passage: TextNode, spans: Sequence[Span]) -> bool:
    """Whether most of one of these spans of its document is in a passage."""
    start, end = passage.start_char_idx or 0, passage.end_char_idx or 0
    return any(
        2 * (min(end, span.end) - max(start, span.start)) > span.end - span.start for span in spans
    )


if __name__ == "__main__":
    main()
