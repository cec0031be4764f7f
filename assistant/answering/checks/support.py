"""How well the evidence supports a sentence as a whole, as one probability.

A logistic regression over the words that the evidence has and what the model of
the offline answerer makes of it; fitted by `diamond-assistant eval checks --fit`
on the dev half, which writes `support.json` beside this file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from assistant.answering.checks.plain import plain, stems
from assistant.reranking import Reading, Reranker
from assistant.segmentation import Span

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


def signals_of(sentence: str, texts: Sequence[str], judge: Reranker | None) -> dict[str, float]:
    """What speaks for the support of a sentence.

    covered   the share of its telling words that the evidence has
    run       the most telling words in a row that the evidence has not
    clause    the share in the worst clause
    logit     the model's, that the evidence answers the sentence, within ±8
    weakest   the least logit of a part of the sentence, within ±8
    """
    known = {stem for text in texts for stem in stems(plain(text))}
    found = [_has(stem, known) for stem in telling(sentence)]
    runs = [len(list(group)) for has, group in groupby(found) if not has]
    parts = [part for part in _CLAUSE.split(plain(sentence)) if len(telling(part)) >= 3]
    shares = [_share([_has(stem, known) for stem in telling(part)]) for part in parts]
    signals = {
        "covered": _share(found),
        "run": float(min(6, max(runs, default=0))),
        "clause": min(shares, default=_share(found)),
    }
    if judge:
        logits = _logits([sentence, *parts], texts, judge)
        signals |= {"logit": logits[0], "weakest": min(logits)}
    return signals


def telling(text: str) -> list[str]:
    """The stems of a text that say what it is about, without numbers."""
    return [stem for stem in stems(plain(text)) if stem not in _PLAIN and not stem[0].isdigit()]


def _has(stem: str, known: set[str]) -> bool:
    """Whether a stem is known, or one that begins alike: investor, invest."""
    return stem in known or (
        len(stem) >= 5 and any(len(other) >= 5 and other[:5] == stem[:5] for other in known)
    )


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 1.0


def _logits(claims: Sequence[str], texts: Sequence[str], judge: Reranker) -> list[float]:
    """For each claim the best logit that a text gets as its answer."""
    readings = [Reading(claim, text, [Span(0, len(text))]) for claim in claims for text in texts]
    judged = [max(-8.0, min(8.0, float(one.sentences[0]))) for one in judge.judge(readings)]
    size = len(texts)
    return [max(judged[at : at + size]) for at in range(0, len(judged), size)]


# Fitted on the dev half of the fault table; see evals/README.md.
WEIGHTS: Mapping[str, float] = {"covered": 4.0, "run": -0.8, "clause": 2.0, "logit": 0.1}
BIAS = -0.5
