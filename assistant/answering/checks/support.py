"""How well the evidence supports a sentence as a whole, as one probability.

A logistic regression over the words that the evidence has and what the model of
the offline answerer makes of it: it is asked each part of the sentence as if it
were a question. `diamond-assistant eval checks --fit` fits it on sound sentences
and on such with unsupported additions, and writes `support.json` beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from assistant.answering.checks.plain import plain, stems
from assistant.answering.confidence import Logistic
from assistant.reranking import Reading, Reranker
from assistant.segmentation import Span

PATH = Path(__file__).parent / "support.json"

_CLAUSE = re.compile(
    r"[,;:()]\s|\s-\s|\b(?:and|which|who|while|because|but|so that|as|after|before|with|by|to)\b"
)
# Words of reporting and of dates say nothing of what is reported.
_PLAIN = frozenset(stems(
    "said says say saying reported reports report according stated states told wrote announced "
    "also however meanwhile including about around roughly approximately nearly per cent percent "
    "one two three million billion trillion dollars it its they their been had has were would will "
    "january february march april may june july august september october november december than"
))  # fmt: skip


class Support(BaseModel):
    """The regression, and the probability below which a sentence counts as unsupported.

    `fitted_on` says on what, and what the threshold brings there.
    """

    model: Logistic
    below: float
    fitted_on: dict[str, Any]


@cache
def load_support(path: Path = PATH) -> Support:
    """The fitted regression."""
    return Support.model_validate_json(path.read_bytes())


def signals_of(sentence: str, texts: Sequence[str], judge: Reranker) -> dict[str, float]:
    """What speaks for and against the support of a sentence.

    run       the most telling words in a row that the evidence has not, up to six
    weakest   the model's least logit for a part, that some evidence answers it, within ±8
    """
    known = {stem for text in texts for stem in stems(plain(text))}
    found = [_has(stem, known) for stem in telling(sentence)]
    runs = [len(list(group)) for has, group in groupby(found) if not has]
    parts = [part for part in _CLAUSE.split(plain(sentence)) if len(telling(part)) >= 3]
    return {
        "run": float(min(6, max(runs, default=0))),
        "weakest": min(_logits([sentence, *parts], texts, judge)),
    }


def telling(text: str) -> list[str]:
    """The stems of a text that say what it is about, without numbers."""
    return [stem for stem in stems(plain(text)) if stem not in _PLAIN and not stem[0].isdigit()]


def _has(stem: str, known: set[str]) -> bool:
    """Whether a stem is known, or one that begins alike: investor, invest."""
    return stem in known or (
        len(stem) >= 5 and any(len(other) >= 5 and other[:5] == stem[:5] for other in known)
    )


def _logits(claims: Sequence[str], texts: Sequence[str], judge: Reranker) -> list[float]:
    """For each claim the best logit that a text gets as its answer."""
    readings = [Reading(claim, text, [Span(0, len(text))]) for claim in claims for text in texts]
    judged = [max(-8.0, min(8.0, float(one.sentences[0]))) for one in judge.judge(readings)]
    size = len(texts)
    return [max(judged[at : at + size]) for at in range(0, len(judged), size)]
