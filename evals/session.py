"""What a run needs, opened together: settings, an index, a conversation, questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from assistant import index_display, terminal
from assistant.conversation import Conversation
from assistant.errors import IndexNotBuilt, SettingsError
from assistant.index import PassageIndex
from assistant.ingestion import ingest, open_index, recipe_of
from assistant.settings import Settings, load_settings
from evals.datasets import (
    HALVES,
    QUICK_EVERY,
    GoldenSet,
    check_documents,
    load_golden,
    load_questions,
)
from evals.runner import RUNS, Run, run

# Indexes made for a measurement; safe to delete.
CACHE = Path(__file__).parent / ".cache"

# Settings that say where things are, not what is measured.
_PLACES = {
    "indexes_dir", "corpus_dir", "data_dir", "runs_dir", "calibration", "host", "port", "users",
    "allow_anonymous", "requests_per_minute", "queue_size", "llm", "llm_base_url", "llm_record",
}  # fmt: skip


@dataclass(frozen=True)
class Session:
    """An assistant to measure."""

    settings: Settings
    conversation: Conversation
    index: PassageIndex

    @classmethod
    def open(cls, values: Mapping[str, Any], corpus: Path | None) -> Session:
        """The assistant with some settings changed, over our corpus or another.

        The index that people ask is used as it is. Where the settings or the
        corpus call for another, that is built and kept under evals/.cache.
        """
        settings = load_settings(**values)
        if corpus is not None or recipe_of(settings) != recipe_of(load_settings()):
            settings = _aside(settings, corpus)
            _build(settings)
        try:
            index = open_index(settings)
        except IndexNotBuilt:
            _build(settings)
            index = open_index(settings)
        return cls(settings, Conversation.open(settings, index=index), index)

    @property
    def answerer(self) -> str:
        """The name of what answers."""
        with self.conversation.library.reading() as reading:
            return reading.answerer.name

    @property
    def generation(self) -> str:
        return self.index.manifest.generation

    def golden(self, suite: str, half: str, questions: Path | None) -> GoldenSet:
        """Our own questions, or those of a file, whose documents must all be in the index."""
        if questions is not None:
            golden = GoldenSet(questions.stem, tuple(load_questions(questions)))
        else:
            halves = HALVES if half == "both" else (half,)
            every = QUICK_EVERY if suite == "quick" else 1
            golden = GoldenSet(f"{suite}-{half}", load_golden(halves, every).questions)
        check_documents(golden.questions, self.index.manifest.fingerprints)
        for question in golden.questions:
            for evidence in question.evidence:
                if evidence.quote not in self.index.document(evidence.document).text:
                    terminal.say(
                        f"{question.where}: this is not in {evidence.document}, and its span "
                        f"is left out of the figures: {evidence.quote!r}"
                    )
        return golden

    def folder(
        self, name: str | None, golden: GoldenSet, runs_dir: Path | None, resume: bool = False
    ) -> Path:
        """Where the run is kept; without a name, a new folder or the one to resume.

        Raises:
            SettingsError: the name is not the name of a folder.
        """
        runs = runs_dir or RUNS
        if name is None:
            name = f"{golden.name}-{self.generation}"
            taken = sorted(runs.glob(f"{name}*"), key=lambda path: path.stat().st_mtime)
            interrupted = [path for path in taken if (path / "INCOMPLETE").exists()]
            if resume and interrupted:
                return interrupted[-1]
            return runs / (f"{name}-{len(taken) + 1}" if taken else name)
        if Path(name).name != name or name.startswith("."):
            raise SettingsError(f"--name {name!r}: expected a folder's name, without slashes")
        return runs / name

    def run(
        self,
        golden: GoldenSet,
        folder: Path,
        resume: bool,
        progress: Callable[[int, int], None],
    ) -> Run:
        """Ask the questions; see `runner.run`."""
        document = lru_cache(maxsize=None)(self.index.document)
        return run(
            golden, self.conversation, document, folder, self._described(golden), resume, progress
        )

    def _described(self, golden: GoldenSet) -> dict[str, Any]:
        """What makes this run what it is, without this machine's paths."""
        lines = [question.model_dump_json() for question in golden.questions]
        return {
            "questions": golden.name,
            "questions_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
            "answerer": self.answerer,
            "generation": self.generation,
            **({"llm": _without_folder(self.settings.llm)} if self.settings.llm else {}),
            "settings": self.settings.model_dump(mode="json", exclude=_PLACES),
        }


def _without_folder(llm: str) -> str:
    """A model's name; of a cassette, the file's.

    >>> _without_folder("replay:runs/qwen3.jsonl")
    'replay:qwen3.jsonl'
    """
    provider, _, name = llm.partition(":")
    return f"replay:{Path(name).name}" if provider == "replay" else llm


def _aside(settings: Settings, corpus: Path | None) -> Settings:
    """The same settings with an index of its own."""
    corpus_dir = (corpus or settings.corpus_dir).resolve()
    key = json.dumps([str(corpus_dir), recipe_of(settings).model_dump()])
    place = CACHE / hashlib.sha256(key.encode()).hexdigest()[:12]
    return at(place, {**settings.model_dump(), "corpus_dir": corpus_dir})


def at(place: Path, values: Mapping[str, Any]) -> Settings:
    """Settings whose index lies in a folder of its own, made if need be."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "main.toml").touch()
    return load_settings(**{**values, "index": "main", "indexes_dir": place})


def _build(settings: Settings) -> None:
    with index_display.progress() as progress:
        ingest(settings, progress)
