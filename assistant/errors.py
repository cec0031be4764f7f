"""Everything that can go wrong, as one tree.

    AssistantError
    ├── SettingsError              a setting, a recipe or an option that cannot be used
    ├── QuestionFileError          a line of a batch file that is not a question
    ├── CorpusError
    │   ├── EmptyCorpus            nothing to read under this path
    │   └── UnreadableDocument     which file, which field, what was expected
    ├── StoreError
    │   ├── IndexNotBuilt          which command builds it
    │   ├── IndexOutOfDate         built with another model or passage size
    │   ├── IndexDamaged           what is missing from the generation
    │   └── IndexBusy              another build is running: its process id, since when
    └── ModelUnavailable           which model, and how to get it

evals/datasets.py adds one of its own, DatasetError. A message is one line: the
value that was wrong, then the way out. An answer that the corpus cannot support
is not here: it is an `Answer` whose `outcome` says so.
"""

from __future__ import annotations

from pathlib import Path


class AssistantError(Exception):
    """The root: the front doors print its message and exit with status 2."""


class SettingsError(AssistantError):
    """A setting, a recipe or an option has a value that cannot be used."""


class QuestionFileError(AssistantError):
    """A line of a batch file is not a question."""


class CorpusError(AssistantError):
    """The source documents cannot be read."""


class EmptyCorpus(CorpusError):
    """There is nothing to read under this path."""


class UnreadableDocument(CorpusError):
    """A document has a missing or broken part, or none that can be read.

    `reason` says what is wrong and what to do, `file` with which file, where
    that is known.
    """

    def __init__(self, reason: str, file: Path | None = None) -> None:
        super().__init__(reason if file is None else f"{file}: {reason}")
        self.reason = reason
        self.file = file


class StoreError(AssistantError):
    """The index cannot be used or written."""


class IndexNotBuilt(StoreError):
    """There is no index yet."""


class IndexOutOfDate(StoreError):
    """The index was built with other settings than those in force."""


class IndexDamaged(StoreError):
    """A generation lacks a part, or its parts disagree."""


class IndexBusy(StoreError):
    """Another process is building this index."""


class ModelUnavailable(AssistantError):
    """The embedding model cannot be loaded."""
