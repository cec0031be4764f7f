"""What the checks of generated sentences catch: sentences with known faults, and without.

The sentences in golden/faults_dev.jsonl and faults_test.jsonl were written by
hand, in a language model's manner, each after one or two sentences of a
document: some say what those say, some have one fault. More faults are made of
the sound ones by rule, with a fixed seed. The halves have no document in common.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from llama_index.core.schema import Document
from pydantic import BaseModel, ValidationError
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from assistant.answering import checks
from assistant.answering.checks import with_sources
from assistant.answering.checks.support import Support, signals_of
from assistant.answering.confidence import Logistic
from assistant.reranking import Reranker
from evals.datasets import GOLDEN, DatasetError, Evidence, read_json_lines

Fault = Literal[
    "none", "number", "amount", "date", "name", "quote", "attribution", "negation", "opposite",
    "hedge", "addition",
]  # fmt: skip
FAULTS: tuple[Fault, ...] = get_args(Fault)
SEED = 20260217

# Which faults are a check's own to catch.
OWN: Mapping[str, frozenset[str]] = {
    "number": frozenset({"number", "amount"}),
    "date": frozenset({"date"}),
    "name": frozenset({"name", "attribution"}),
    "quote": frozenset({"quote"}),
    "negation": frozenset({"negation", "opposite"}),
    "hedge": frozenset({"hedge"}),
    "support": frozenset(FAULTS[1:]),
}


class Sample(BaseModel):
    """A sentence, what it cites, and what is wrong with it."""

    sentence: str
    evidence: list[Evidence]
    fault: Fault
    origin: Literal["written", "by rule", "quoted"] = "written"


def load_samples(half: str) -> list[Sample]:
    """The written sentences of a half.

    Raises:
        DatasetError: a line is not one.
    """
    path = GOLDEN / f"faults_{half}.jsonl"
    samples = []
    for number, fields in read_json_lines(path):
        try:
            samples.append(Sample.model_validate(fields))
        except ValidationError as error:
            problem = error.errors()[0]["msg"].lower()
            raise DatasetError(f"{path}, line {number}: {problem}") from error
    return samples


def corpus_of(half: str) -> list[Sample]:
    """All sentences of a half: written ones, faults by rule, and the quotes themselves."""
    written = load_samples(half)
    sound = [sample for sample in written if sample.fault == "none"]
    return [*written, *injected(sound), *_quoted(sound)]


def _quoted(sound: Iterable[Sample]) -> Iterator[Sample]:
    """The evidence in its own words, which no check may mind."""
    seen = {(one.document, one.quote): one for sample in sound for one in sample.evidence}
    for one in seen.values():
        yield Sample(sentence=one.quote, evidence=[one], fault="none", origin="quoted")


def injected(sound: Sequence[Sample], seed: int = SEED) -> list[Sample]:
    """Faults made by rule, each in a sound sentence; the same for the same seed."""
    found: list[Sample] = []
    for number, sample in enumerate(sound):
        for kind, alter in _RULES.items():
            chance = random.Random(f"{seed} {number} {kind}")
            altered = alter(sample.sentence, sample, sound, chance)
            if altered and altered != sample.sentence:
                found.append(
                    Sample(sentence=altered, evidence=sample.evidence, fault=kind, origin="by rule")
                )
    return found


_MONTHS = (
    "January February March April May June July August September October November December".split()
)
_MONTH = "|".join(_MONTHS)
_AMOUNT = re.compile(
    r"[$¥€]\s?\d[\d,.]*\d?(?:\s?(?:million|billion|trillion|[mb]n))?"
    r"|\d[\d,.]*\s(?:million|billion|trillion)(?:\s(?:yen|dollars|euros|won|yuan|carats))?"
)
_PLAIN_NUMBER = re.compile(
    r"(?<![\w$¥€.,-])(?!(?:19|20)\d\d\b)\d+(?:[.,]\d+)*(?=%|\s(?!(?:million|billion|trillion|"
    + _MONTH
    + r")\b)\w)"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|twenty)\b"
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_WHOLE_DATE = re.compile(
    rf"\b\d{{1,2}} (?:{_MONTH})|\b(?:{_MONTH}) \d{{1,2}}\b|\b(?:{_MONTH})\b|{_YEAR.pattern}"
)
_NAME = re.compile(r"\b[A-Z][\w-]+(?: [A-Z][\w-]+)*")
# Names that may stand for one that the evidence has, or that are no names.
_COMMON = re.compile(
    r"Japan|Tokyo|\bUS\b|United States|America|Washington|Chin|Beijing|Korea|Seoul|Trump|President"
    r"|Secretary|Minister|Ministry|Section|Prime|Department|European|EU"
)
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|will|would|has|had|could|can)\b(?! not\b)")


def _other_number(written: str, chance: random.Random) -> str:
    """Another number in the same form."""
    words = "two three four five six seven eight nine ten twelve twenty".split()
    if written in words:
        return chance.choice([word for word in words if word != written])
    digits = [at for at, sign in enumerate(written) if sign.isdigit()]
    while True:
        at = chance.choice(digits)
        new = str(chance.randint(0 if at != digits[0] else 1, 9))
        altered = written[:at] + new + written[at + 1 :]
        if altered != written:
            return altered


def _other_amount(written: str, chance: random.Random) -> str:
    """Another amount: its digits, its magnitude, or its currency."""
    others = {"million": "billion", "billion": "trillion", "trillion": "billion", "mn": "bn"}
    magnitude = re.search(r"million|billion|trillion|mn", written)
    money = re.search(r"[$¥€]|yen|dollars|euros|yuan|won", written)
    way = chance.choice(["digits", "digits", "magnitude", "currency"])
    if way == "magnitude" and magnitude:
        return written.replace(magnitude[0], others[magnitude[0]])
    if way == "currency" and money:
        signs = "$¥€" if money[0] in "$¥€" else ("yen", "dollars", "euros", "yuan")
        return written.replace(money[0], chance.choice([s for s in signs if s != money[0]]))
    return _other_number(written, chance)


def _other_date(written: str, chance: random.Random) -> str:
    """Another day, month or year."""
    if _YEAR.fullmatch(written):
        return str(int(written) + chance.choice([-3, -2, -1, 1, 2, 3]))
    month = next(name for name in _MONTHS if name in written)
    day = re.search(r"\d+", written)
    if day and chance.random() < 0.5:
        return written.replace(
            day[0], str(chance.choice([d for d in range(1, 29) if str(d) != day[0]]))
        )
    return written.replace(month, chance.choice([name for name in _MONTHS if name != month]))


def _replaced(
    pattern: re.Pattern[str], other: Callable[[str, random.Random], str]
) -> Callable[[str, Sample, Sequence[Sample], random.Random], str]:
    """A rule that puts something else for one of a pattern's matches, new to the evidence."""

    def rule(sentence: str, sample: Sample, _: Sequence[Sample], chance: random.Random) -> str:
        matches = list(pattern.finditer(sentence))
        cited = " ".join(one.quote for one in sample.evidence)
        for match in chance.sample(matches, len(matches)):
            new = other(match[0], chance)
            if new not in cited and new not in sentence:
                return sentence[: match.start()] + new + sentence[match.end() :]
        return ""

    return rule


def _inner_names(sentence: str) -> list[re.Match[str]]:
    """Names in a sentence but for its first word and for dates."""
    return [m for m in _NAME.finditer(sentence) if m.start() > 0 and not re.search(_MONTH, m[0])]


def _swap_name(
    sentence: str, sample: Sample, others: Sequence[Sample], chance: random.Random
) -> str:
    """A name of another document in the place of one here."""
    here = _inner_names(sentence)
    cited = " ".join(one.quote for one in sample.evidence)
    pool = sorted(
        {
            match[0]
            for other in others
            for match in _inner_names(other.sentence)
            if not _COMMON.search(match[0])
            and not any(word in cited or word in sentence for word in match[0].split())
        }
    )
    if not here or not pool:
        return ""
    match = chance.choice(here)
    return sentence[: match.start()] + chance.choice(pool) + sentence[match.end() :]


def _one_country(one: str, other: str) -> bool:
    """Whether two names may stand for one country: to swap them is no fault."""
    countries = (
        "Japan|Tokyo",
        r"\bUS\b|United States|America|Washington",
        "Korea|Seoul",
        "Chin|Beijing",
    )
    return any(re.search(c, one) and re.search(c, other) for c in countries)


_BETWEEN = re.compile(r"\b(?:to|by|from|for|on|in|that|said|had)\b")


def _swap_roles(
    sentence: str, sample: Sample, others: Sequence[Sample], chance: random.Random
) -> str:
    """Two names of one sentence in each other's place, where a verb is between them."""
    names = _inner_names(sentence)
    pairs = [
        (a, b)
        for a, b in pairwise(names)
        if a[0] != b[0]
        and not _one_country(a[0], b[0])
        and _BETWEEN.search(sentence[a.end() : b.start()])
    ]
    if not pairs:
        return ""
    a, b = chance.choice(pairs)
    between = sentence[a.end() : b.start()]
    return sentence[: a.start()] + b[0] + between + a[0] + sentence[b.end() :]


def _negate(sentence: str, sample: Sample, others: Sequence[Sample], chance: random.Random) -> str:
    """A "not" put in, or taken out."""
    if match := re.search(r"\bnot ", sentence):
        return sentence[: match.start()] + sentence[match.end() :]
    found = list(_AUXILIARY.finditer(sentence))
    if not found:
        return ""
    match = chance.choice(found)
    return f"{sentence[: match.end()]} not{sentence[match.end() :]}"


def _add(sentence: str, sample: Sample, others: Sequence[Sample], chance: random.Random) -> str:
    """A clause of another document behind the sentence."""
    here = {one.document for one in sample.evidence}
    clauses = [
        part.strip()
        for other in others
        if not here & {one.document for one in other.evidence}
        for part in re.split(r"[,;:]", other.sentence.rstrip("."))[-1:]
        if 5 <= len(part.split()) <= 12
    ]
    return f"{sentence.rstrip('.')}, and {chance.choice(clauses)}." if clauses else ""


_RULES: Mapping[Fault, Callable[[str, Sample, Sequence[Sample], random.Random], str]] = {
    "number": _replaced(_PLAIN_NUMBER, _other_number),
    "amount": _replaced(_AMOUNT, _other_amount),
    "date": _replaced(_WHOLE_DATE, _other_date),
    "name": _swap_name,
    "attribution": _swap_roles,
    "negation": _negate,
    "addition": _add,
}


@dataclass(frozen=True)
class Outcome:
    """What the checks made of one sample: the kinds of their findings."""

    sample: Sample
    kinds: frozenset[str]
    values: tuple[str, ...] = field(default=())

    @property
    def caught(self) -> bool:
        return bool(self.kinds)


def as_evidence(cited: Evidence, documents: Mapping[str, Document]) -> checks.Evidence:
    """A quote with what is known of its document."""
    about = documents[cited.document].metadata
    return checks.Evidence(
        cited.quote,
        about.get("title") or "",
        about.get("publisher") or "",
        about.get("published") or None,
    )


def check_all(
    samples: Sequence[Sample],
    checker: checks.Checker,
    documents: Mapping[str, Document],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Outcome]:
    """Check every sample against what it cites."""
    outcomes = []
    for done, sample in enumerate(samples, 1):
        cited = [as_evidence(one, documents) for one in sample.evidence]
        verdict = checker.check(sample.sentence, cited)
        kinds = frozenset(finding.kind for finding in verdict.findings)
        values = tuple(f"{finding.kind}: {finding.value}" for finding in verdict.findings)
        outcomes.append(Outcome(sample, kinds, values))
        progress(done, len(samples))
    return outcomes


# Sound sentences that the support check may mind, as a share.
MAY_MIND = 0.01


def fit(samples: Sequence[Sample], judge: Reranker, documents: Mapping[str, Document]) -> Support:
    """The regression that best tells sound sentences from those with an addition.

    The threshold is the highest below which no more than MAY_MIND of the sound
    ones lie, each judged by a regression that was fitted without it (five folds).
    """
    used = [
        one for one in samples if one.origin != "quoted" and one.fault in ("none", "addition")
    ]  # fmt: skip
    found = [
        signals_of(
            one.sentence, with_sources([as_evidence(e, documents) for e in one.evidence]), judge
        )
        for one in used
    ]
    names = list(found[0])
    values = np.array([[signals[name] for name in names] for signals in found])
    sound = np.array([one.fault == "none" for one in used])
    model = LogisticRegression()
    unseen = cross_val_predict(model, values, sound, cv=5, method="predict_proba")[:, 1]
    below = float(np.quantile(unseen[sound], MAY_MIND, method="lower"))
    model.fit(values, sound)
    weights = dict(zip(names, model.coef_[0].round(4).tolist(), strict=True))
    return Support(
        model=Logistic(bias=round(float(model.intercept_[0]), 4), weights=weights),
        below=round(below, 4),
        fitted_on={
            "half": "dev",
            "sound": int(sound.sum()),
            "additions": int((~sound).sum()),
            "AUROC, five-fold": round(float(roc_auc_score(sound, unseen)), 3),
            "sound minded": round(float((unseen[sound] < below).mean()), 3),
            "additions minded": round(float((unseen[~sound] < below).mean()), 3),
        },
    )


def wrongly_judged(outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """The faults that no check minds, and the sound sentences that one does."""
    return (one for one in outcomes if one.caught == (one.sample.fault == "none"))


def share(hits: Iterable[bool]) -> dict[str, Any]:
    """A share with its 95 % interval (Wilson); None where there is nothing to count.

    >>> share([True, True, False, True])
    {'n': 4, 'share': 0.75, 'interval': [0.301, 0.954]}
    """
    counted = list(hits)
    if not counted:
        return {"n": 0, "share": None, "interval": None}
    interval = binomtest(sum(counted), len(counted)).proportion_ci(method="wilson")
    return {
        "n": len(counted),
        "share": round(sum(counted) / len(counted), 3),
        "interval": [round(float(interval.low), 3), round(float(interval.high), 3)],
    }


def table(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures: by fault, false alarms on sound sentences, and by check.

    A fault is caught if any check minds its sentence. A check's recall counts
    the faults that are its own to catch (OWN), its precision the sentences it
    minds that have a fault of any kind.
    """
    sound = [one for one in outcomes if one.sample.fault == "none"]
    written = [one for one in sound if one.sample.origin == "written"]
    quoted = [one for one in sound if one.sample.origin == "quoted"]
    faulty = [one for one in outcomes if one.sample.fault != "none"]
    return {
        "faults": {
            f"{fault}, {origin}": {
                "caught": share(one.caught for one in of_kind),
                "by": {check: sum(check in one.kinds for one in of_kind) for check in OWN},
            }
            for fault in FAULTS[1:]
            for origin in ("written", "by rule")
            if (of_kind := [
                one for one in faulty if (one.sample.fault, one.sample.origin) == (fault, origin)
            ])
        },
        "false alarms": {
            "sound sentences": share(one.caught for one in written),
            "quotes": share(one.caught for one in quoted),
            "by check": {
                check: share(check in one.kinds for one in written) for check in OWN
            },
        },
        "checks": {
            check: {
                "recall": share(check in one.kinds for one in faulty if one.sample.fault in own),
                "precision": share(
                    one.sample.fault != "none"
                    for one in [*written, *faulty] if check in one.kinds
                ),
            }
            for check, own in OWN.items()
        },
    }  # fmt: skip
