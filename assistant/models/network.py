"""The network: the embedding model's own layers, with two heads on top."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn
from torch.nn import functional
from transformers import BertModel

from assistant.models.examples import ANSWERS, UNKNOWN, Example, Group
from assistant.reranking import UNSEEN, Batch

PASSAGE_LOSS = SENTENCE_LOSS = 0.5  # beside the listwise loss, which counts 1

HIDDEN = 128
START_SCALE, START_BIAS = 12.0, -5.0  # a cosine of 0.42 is even odds before training


class EvidenceNetwork(nn.Module):
    """Reads a question and a text; scores each sentence of the text, and the text.

    It starts as what it was trained from: a sentence's score is the cosine of
    its tokens' mean and the question's, read together. Training adds to that
    what the two heads learn, and moves the layers below. The word vectors stay
    as they were: they are half of the parameters, and our data is small.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        # Attention as plain products: exported, it is quicker than the fused kind. Dropout,
        # which a few passes do without, would be a seventh of a step.
        self.encoder = BertModel.from_pretrained(
            folder,
            add_pooling_layer=False,
            attn_implementation="eager",
            attention_probs_dropout_prob=0.0,
            hidden_dropout_prob=0.0,
        )
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
        width = self.encoder.config.hidden_size
        self.root = float(width) ** 0.5  # brings the parts of a unit vector to about 1
        self.weight_head = nn.Parameter(torch.full((width,), START_SCALE))
        last = nn.Linear(HIDDEN, 1)
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, START_BIAS)
        self.pair_head = nn.Sequential(nn.Linear(3 * width, HIDDEN), nn.GELU(), last)
        self.text_head = nn.Linear(width, 1)
        nn.init.zeros_(self.text_head.weight)
        nn.init.zeros_(self.text_head.bias)

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor, members: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of sentences, shape (texts, sentences), and of texts, shape (texts,).

        `members`, of shape (texts, sentences, tokens), is 1 where a token
        belongs to a sentence.
        """
        hidden = self.encoder(
            input_ids=ids, attention_mask=mask, token_type_ids=types
        ).last_hidden_state.float()
        question = ((1 - types) * mask).float().unsqueeze(1)
        question = functional.normalize(_mean(question, hidden), dim=-1)
        sentence = functional.normalize(_mean(members, hidden), dim=-1)
        together = question * sentence
        pairs = torch.cat([question.expand_as(sentence), sentence, together], dim=-1)
        learnt = self.pair_head(pairs * self.root).squeeze(-1)
        logits = (together * self.weight_head).sum(-1) + learnt
        logits = logits.masked_fill(members.sum(-1) == 0, UNSEEN)
        texts = torch.logsumexp(logits, -1) + self.text_head(hidden[:, 0]).squeeze(-1)
        return logits, texts


def _mean(members: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """The mean of each group's tokens: (texts, groups, tokens) → (texts, groups, width)."""
    sizes = members.sum(-1, keepdim=True).clamp(min=1.0)
    return torch.bmm(members / sizes, hidden)


def tensors(batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A batch as the network's input."""
    arrays = batch.ids, batch.mask, batch.types, batch.members
    ids, mask, types, members = map(torch.from_numpy, arrays)
    return ids, mask, types, members


def loss_of(sentences: torch.Tensor, texts: torch.Tensor, groups: Sequence[Group]) -> torch.Tensor:
    """The sum of three losses, each a mean over questions, sentences, texts.

    Listwise: softmax over a sentence that answers, all that do not and "none of
    them", whose logit is 0; the mean over the sentences that answer, since each
    side of a question counts. Pointwise: each sentence, and each text, on its
    own. Sentences of unknown label count in none.
    """
    examples = [example for group in groups for example in group.examples]
    logits = flat(sentences, examples)
    labels = torch.tensor([label for example in examples for label in example.labels])
    owner = torch.tensor(
        [n for n, group in enumerate(groups) for example in group.examples for _ in example.labels]
    )
    known = labels != UNKNOWN
    of_texts = torch.tensor([example.label for example in examples])
    sure = of_texts != UNKNOWN
    return (
        _listwise(logits[known], labels[known] == ANSWERS, owner[known], len(groups))
        + SENTENCE_LOSS * _binary(logits[known], labels[known] == ANSWERS)
        + PASSAGE_LOSS * _binary(texts[sure], of_texts[sure] == ANSWERS)
    )


def flat(sentences: torch.Tensor, examples: Sequence[Example]) -> torch.Tensor:
    """One text's sentences after the other's, without the padding."""
    return torch.cat([row[: len(e.labels)] for row, e in zip(sentences, examples, strict=True)])


def _listwise(
    logits: torch.Tensor, answers: torch.Tensor, owner: torch.Tensor, questions: int
) -> torch.Tensor:
    weights = logits.clamp(-30, 30).exp()
    wrong = torch.ones(questions).index_add(0, owner[~answers], weights[~answers])
    mine = owner[answers]
    each = (wrong[mine] + weights[answers]).log() - logits[answers].clamp(-30, 30)
    count = torch.zeros(questions).index_add(0, mine, torch.ones(len(mine)))
    right = torch.zeros(questions).index_add(0, mine, each / count[mine])
    return torch.where(count > 0, right, wrong.log()).mean()


def _binary(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, truth.float())


def export(network: EvidenceNetwork, path: Path) -> None:
    """Write the network for ONNX Runtime, its matrices as 8-bit integers."""
    texts, tokens, sentences = (torch.export.Dim(n) for n in ("texts", "tokens", "sentences"))
    example = tensors(
        Batch(
            ids=np.ones((2, 24), dtype=np.int64),
            mask=np.ones((2, 24), dtype=np.int64),
            types=np.repeat([[0] * 8 + [1] * 16], 2, axis=0),
            members=np.ones((2, 3, 24), dtype=np.float32),
        )
    )
    both = {0: texts, 1: tokens}
    program = torch.onnx.export(
        network.eval(),
        example,
        dynamo=True,
        verbose=False,
        input_names=["ids", "mask", "types", "members"],
        output_names=["sentences", "texts"],
        dynamic_shapes=(both, both, both, {0: texts, 1: sentences, 2: tokens}),
    )
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        program.save(str(whole))
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)
