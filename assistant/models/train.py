"""Train the model: `python -m assistant.models.train --public ../shared/benchmarks`.

Needs the packages of `pip install '.[train]'` and the built index of our corpus.
Writes evidence.onnx with its hash and figures.json beside this file.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from assistant.embeddings import load_embedder, packaged_folder
from assistant.ingestion import open_index
from assistant.models.examples import (
    ANSWERS,
    MORE_PASSAGES,
    OWN_MISSES,
    QUESTIONS,
    CorpusExamples,
    Group,
    PublicExamples,
    batches,
    documents_of,
    hardest,
    read_lines,
    split_groups,
)
from assistant.models.network import EvidenceNetwork, export, loss_of, tensors
from assistant.reranking import PACKAGED, PackagedReranker, encode, load_packaged, load_tokenizer
from assistant.retrieval import HybridRetriever
from assistant.settings import load_settings
from assistant.terminal import one_bar

TEXTS_PER_BATCH = 16
BODY_RATE, HEAD_RATE = 1e-4, 1e-3
WEIGHT_DECAY = 0.01
WARM_UP = 0.06  # share of the steps
LONGEST_GRADIENT = 1.0


@click.command()
@click.option(
    "--public",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of the public sets; without it, our own corpus alone.",
)
@click.option(
    "--rounds",
    default=2,
    show_default=True,
    type=click.IntRange(min=1),
    help="Passes over the data; each after the first looks for harder misses.",
)
@click.option("--seed", default=1, show_default=True)
@click.option("--threads", default=2, show_default=True, help="CPU threads.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=PACKAGED,
    help="Write there.  [default: beside this file]",
)
def main(public: Path | None, rounds: int, seed: int, threads: int, out: Path) -> None:
    """Train the model that finds the sentences that answer; some three hours on two cores."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    corpus = CorpusQuestions()
    elsewhere, held = public_groups(public) if public is not None else ([], [])
    held = [*corpus.to_validate(), *held]
    network = EvidenceNetwork(packaged_folder())
    for number in range(rounds):
        ours = corpus.harder(load_packaged(threads, out)) if number else corpus.to_train()
        train = [*ours, *elsewhere]
        texts = sum(len(group.examples) for group in train)
        click.echo(f"Round {number + 1}: {len(train):,} questions with {texts:,} texts")
        fit(network, train, seed + number)
        save(network, out)
    figures = {
        "rounds": rounds,
        "seed": seed,
        "questions": len(train),
        "texts": texts,
        "validation": validate(load_packaged(threads, out), held),
    }
    (out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    click.echo(json.dumps(figures, indent=1))


def save(network: EvidenceNetwork, out: Path) -> None:
    """Write what `load_packaged` reads."""
    out.mkdir(parents=True, exist_ok=True)
    export(network, out / "evidence.onnx")
    (out / "tokenizer.json").write_bytes((packaged_folder() / "tokenizer.json").read_bytes())
    digest = hashlib.sha256((out / "evidence.onnx").read_bytes()).hexdigest()
    (out / "evidence.sha256").write_text(f"{digest}  evidence.onnx\n")


class CorpusQuestions:
    """Our questions about our corpus, for training and for validation.

    No document that a validation question is about is seen in training.
    """

    def __init__(self) -> None:
        settings = load_settings()
        index = open_index(settings)
        embedder = load_embedder(settings.embedding_model, torch.get_num_threads())
        retriever = HybridRetriever(
            index, embedder, settings.dense_weight, settings.candidates, settings.top_k
        )
        self._records = list(read_lines(QUESTIONS / "corpus.jsonl"))
        self._held = list(read_lines(QUESTIONS / "held_out.jsonl"))
        self._training = CorpusExamples(index, retriever, without=documents_of(self._held))
        self._validation = CorpusExamples(index, retriever)

    def to_validate(self) -> list[Group]:
        return [self._validation.group(record) for record in self._held]

    def to_train(self) -> list[Group]:
        """Each question with the misses that search ranks first."""
        return [self._training.group(record) for record in self._records]

    def harder(self, reranker: PackagedReranker) -> Iterator[Group]:
        """Each question with the misses that a model takes for answers soonest.

        An answer is chosen among a dozen passages: two that search ranks first
        have little left to teach once the model knows them (hard negatives by the
        model itself: Xiong et al., ANCE, 2021).
        """
        with one_bar("Looking for harder misses") as progress:
            for done, record in enumerate(self._records, 1):
                group = self._training.group(record, OWN_MISSES, MORE_PASSAGES)
                yield hardest(group, reranker.judge([e.reading for e in group.examples]))
                progress(done, len(self._records))


def public_groups(folder: Path) -> tuple[list[Group], list[Group]]:
    """Questions about public texts, for training and for validation."""
    public = PublicExamples(folder)
    train: list[Group] = []
    held: list[Group] = []
    for named in (public.ours(), public.squad(), public.clapnq(), public.scifact()):
        more, kept = split_groups(named)
        train += more
        held += kept
    return train, held


def fit(network: EvidenceNetwork, groups: Sequence[Group], seed: int) -> None:
    """AdamW with a warm-up and a linear decay, in bfloat16 where the layers allow it."""
    rng = random.Random(seed)
    tokenizer = load_tokenizer(packaged_folder() / "tokenizer.json")
    plan = batches(groups, TEXTS_PER_BATCH, rng)
    optimizer = torch.optim.AdamW(_rates(network), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _rate(step / max(1, len(plan)))
    )
    network.train()
    with one_bar("Training") as progress:
        for step, part in enumerate(plan, 1):
            batch = encode(tokenizer, [e.reading for group in part for e in group.examples])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                sentences, texts = network(*tensors(batch))
            loss = loss_of(sentences, texts, part)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), LONGEST_GRADIENT)
            optimizer.step()
            schedule.step()
            progress(step, len(plan))
    network.eval()


def _rates(network: EvidenceNetwork) -> list[dict[str, Any]]:
    body = [p for p in network.encoder.parameters() if p.requires_grad]
    heads = [p for name, p in network.named_parameters() if "head" in name]
    return [{"params": body, "lr": BODY_RATE}, {"params": heads, "lr": HEAD_RATE}]


def _rate(done: float) -> float:
    """The share of the full learning rate when a share of the steps is done."""
    return min(done / WARM_UP, (1 - done) / (1 - WARM_UP))


@dataclass(frozen=True)
class Judged:
    """One question's sentences: the model's logits and the labels."""

    name: str
    answerable: bool
    logits: np.ndarray[Any, np.dtype[np.float32]]
    labels: np.ndarray[Any, np.dtype[np.int64]]
    texts: np.ndarray[Any, np.dtype[np.float64]]


def validate(reranker: PackagedReranker, groups: Sequence[Group]) -> dict[str, dict[str, float]]:
    """Figures by data set, of the weights as they are shipped.

    P@1 is the share of answerable questions whose best sentence answers; AUROC
    tells answerable questions from the others by the best sentence's logit, and
    by the best text's.
    """
    judged: dict[str, list[Judged]] = {}
    for one in _judged(reranker, groups):
        judged.setdefault(one.name, []).append(one)
    return {name: _figures(items) for name, items in judged.items()}


def _judged(reranker: PackagedReranker, groups: Sequence[Group]) -> Iterator[Judged]:
    for group in groups:
        found = reranker.judge([example.reading for example in group.examples])
        yield Judged(
            group.name,
            group.answerable,
            np.concatenate([judgement.sentences for judgement in found]),
            np.array([label for example in group.examples for label in example.labels]),
            np.array([judgement.passage for judgement in found]),
        )


def _figures(items: Sequence[Judged]) -> dict[str, float]:
    hits = [one.labels[one.logits.argmax()] == ANSWERS for one in items if one.answerable]
    truth = [one.answerable for one in items]
    figures = {"questions": len(items), "P@1": round(float(np.mean(hits)), 3)}
    if len(set(truth)) == 2:
        best = [one.logits.max() for one in items]
        figures["AUROC sentence"] = round(float(roc_auc_score(truth, best)), 3)
        figures["AUROC text"] = round(
            float(roc_auc_score(truth, [one.texts.max() for one in items])), 3
        )
    return figures


if __name__ == "__main__":
    main()
