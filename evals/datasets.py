"""Questions with what a right answer holds: golden sets, and folders in BEIR's form."""

from __future__ import annotations

import datetime
import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from llama_index.core.schema import Document
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from assistant.errors import AssistantError
from evals.matching import says

GOLDEN = Path(__file__).parent / "golden"
HALVES = ("dev", "test")
QUICK_EVERY = 4  # the quick suite asks every fourth question

# Other people's texts are not Markdown: a number sign there begins no heading.
_HEADING_MARK = re.compile(r"(?m)^\s{0,3}#{1,6}(?=\s)")

Type = Literal[
    "factoid", "numeric", "date", "list", "comparison", "multi_hop", "temporal", "conflict",
    "unanswerable", "followup", "false_premise", "injection",
]  # fmt: skip


NotEmpty = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]


class DatasetError(AssistantError):
    """A file of questions or judgements cannot be used: which file, which line, why."""


class Evidence(BaseModel):
    """The exact words of a document that prove an answer."""

    document: str
    quote: str


class Message(BaseModel):
    """One message of the conversation before a question."""

    role: Literal["user", "assistant"]
    content: str


class Question(BaseModel):
    """One question of a golden set; evals/README.md explains the fields."""

    model_config = ConfigDict(extra="ignore")

    id: str
    question: str
    type: Type
    answer: str = ""
    must_include: list[NotEmpty | list[NotEmpty]] = []
    sources: list[str] = []
    evidence: list[Evidence] = []
    history: list[Message] = []
    as_of: datetime.date | None = None
    tags: list[str] = []
    where: str = Field(default="", exclude=True)  # file and line, set by load_questions

    @property
    def is_answerable(self) -> bool:
        """Whether the documents answer it; an injection need not hold a question."""
        if self.type == "injection":
            return bool(self.answer or self.must_include or self.sources)
        return self.type != "unanswerable"


@dataclass(frozen=True)
class GoldenSet:
    """Questions and where they came from."""

    name: str
    questions: tuple[Question, ...]


def load_golden(halves: Sequence[str], every: int = 1) -> GoldenSet:
    """Our own golden set: some of its halves, and of those every nth question."""
    questions = [
        question for half in halves for question in load_questions(GOLDEN / f"{half}.jsonl")
    ]
    return GoldenSet("+".join(halves), tuple(questions[::every]))


def load_questions(path: Path) -> list[Question]:
    """The questions of a file, a JSON object a line.

    Raises:
        DatasetError: a line is not a question, an id comes twice, there are none.
    """
    questions: dict[str, Question] = {}
    for number, fields in read_json_lines(path):
        try:
            question = Question.model_validate({**fields, "where": f"{path}, line {number}"})
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise DatasetError(
                f"{path}, line {number}: field {where!r}: {problem['msg'].lower()}"
            ) from error
        if question.id in questions:
            raise DatasetError(f"{path}, line {number}: id {question.id!r} stands there twice")
        questions[question.id] = question
    if not questions:
        raise DatasetError(f"{path}: there is no question in it")
    return list(questions.values())


def check_documents(questions: Sequence[Question], known: Collection[str]) -> None:
    """See that every document that questions name is in the index.

    Raises:
        DatasetError: the first that is not, with its line.
    """
    for question in questions:
        for document in [*question.sources, *(one.document for one in question.evidence)]:
            if document not in known:
                raise DatasetError(f"{question.where}: no document {document!r} in the index")


def problems(question: Question, text_of: Callable[[str], str]) -> Iterator[str]:
    """What is wrong with a golden question; `text_of` raises KeyError for an unknown document."""
    quotes = " ".join(evidence.quote for evidence in question.evidence)
    documents = {evidence.document for evidence in question.evidence}
    for evidence in question.evidence:
        yield from _misquotes(evidence, text_of)
    for source in sorted(documents - set(question.sources)):
        yield f"evidence of {source}, which is not among the sources"
    for wanted in question.must_include:
        if not says(question.answer, wanted):
            yield f"the answer does not say {wanted!r}"
        if not says(quotes, wanted):
            yield f"the evidence does not say {wanted!r}"
    if question.type == "unanswerable" and (question.answer or question.evidence):
        yield "an unanswerable question has no answer and no evidence"
    if question.type == "multi_hop" and len(documents) < 2:
        yield "a multi_hop question needs two documents"
    if question.type == "followup" and not question.history:
        yield "a followup needs a history"


def _misquotes(evidence: Evidence, text_of: Callable[[str], str]) -> Iterator[str]:
    try:
        text = text_of(evidence.document)
    except KeyError:
        yield f"no document {evidence.document!r}"
        return
    if evidence.quote not in text:
        yield f"not in {evidence.document}: {evidence.quote!r}"


@dataclass(frozen=True)
class BeirSet:
    """Documents, queries by id, and which documents are relevant to which query."""

    name: str
    documents: tuple[Document, ...]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]


def load_beir(folder: Path) -> BeirSet:
    """A folder in BEIR's form: corpus.jsonl, queries.jsonl (either may be .gz), qrels.tsv.

    Raises:
        DatasetError: a file is missing or has a line that is not of that form.
    """
    documents = [
        Document(
            id_=str(_need(fields, "_id", path, number)),
            text=_HEADING_MARK.sub("", str(fields.get("text") or fields.get("title") or "")),
            metadata={
                "title": str(fields.get("title") or ""),
                "kind": "reference",
                "page": str(fields["_id"]),
            },
        )
        for path in [_either(folder / "corpus.jsonl")]
        for number, fields in read_json_lines(path)
    ]
    documents = [document for document in documents if any(map(str.isalnum, document.text))]
    if len({document.doc_id for document in documents}) < len(documents):
        twice = Counter(document.doc_id for document in documents).most_common(1)[0][0]
        raise DatasetError(f"{folder}: document {twice!r} stands in corpus.jsonl twice")
    queries = {
        str(_need(fields, "_id", path, number)): str(_need(fields, "text", path, number))
        for path in [_either(folder / "queries.jsonl")]
        for number, fields in read_json_lines(path)
    }
    return BeirSet(folder.name, tuple(documents), queries, _qrels(folder))


def _qrels(folder: Path) -> dict[str, dict[str, int]]:
    path = next(
        (p for p in (folder / "qrels.tsv", folder / "qrels" / "test.tsv") if p.is_file()), None
    )
    if path is None:
        raise DatasetError(f"no relevance judgements: {folder / 'qrels.tsv'} is missing")
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(lines, 1):
        fields = line.rstrip("\r").split("\t")
        if not line.strip():
            continue
        if number == 1 and fields[-1].strip().isalpha():
            continue  # the header
        if len(fields) not in (3, 4) or not fields[-1].lstrip("-").isdigit():
            raise DatasetError(
                f"{path}, line {number}: expected query, document and relevance, got {line!r}"
            )
        qrels.setdefault(fields[0], {})[fields[-2]] = int(fields[-1])
    return qrels


def _either(path: Path) -> Path:
    packed = path.with_suffix(".jsonl.gz")
    for found in (path, packed):
        if found.is_file():
            return found
    raise DatasetError(f"{path} is missing (and {packed.name} too)")


def _need(fields: dict[str, Any], name: str, path: Path, number: int) -> Any:
    if fields.get(name) is None:
        raise DatasetError(f"{path}, line {number}: field {name!r} is missing")
    return fields[name]


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines with their line numbers; blank lines are passed over.

    Raises:
        DatasetError: the file cannot be read, or a line is not a JSON object.
    """
    opened: Any = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opened(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    fields = json.loads(line.decode("utf-8"))
                    if not isinstance(fields, dict):
                        raise DatasetError(f"{path}, line {number}: not a JSON object")
                    json.dumps(fields, ensure_ascii=False).encode()  # a lone surrogate?
                    yield number, fields
    except json.JSONDecodeError as error:
        raise DatasetError(f"{path}, line {number}: not JSON: {error}") from error
    except UnicodeError as error:
        raise DatasetError(f"{path}, line {number}: not UTF-8") from error
    except RecursionError as error:
        raise DatasetError(f"{path}, line {number}: nested too deeply") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
