"""Everything that can go wrong, as one tree.

    AssistantError
    ├── SettingsError              a setting, a recipe or an option that cannot be used
    ├── QuestionFileError          a line of a batch file that is not a question
    ├── FilterError                a filter that cannot be used, or that no document can pass
    ├── CorpusError
    │   ├── EmptyCorpus            nothing to read under this path
    │   ├── UnreadableDocument     which file, which field, what was expected
    │   └── FetchError             which address of the web, and why nothing came from it
    ├── StoreError
    │   ├── IndexNotBuilt          which command builds it
    │   ├── IndexOutOfDate         built with another model or passage size
    │   ├── IndexDamaged           what is missing from the generation
    │   ├── NoSuchGeneration       which generations are kept
    │   └── IndexBusy              another build is running: its process id, since when
    ├── HistoryError               the file of saved conversations cannot be used: which, and why
    │   ├── HistoryTooNew          a newer version of the program wrote it
    │   ├── HistoryDamaged         it is no database, or its parts disagree
    │   └── NoSuchConversation     it was deleted, never was, or is another user's
    ├── NoSuchDocument             an id that no document of the index has
    ├── Overloaded                 no more questions just now, and when to ask again
    │   ├── TooMany                this client has asked too often
    │   └── TooBusy                too many questions are waiting for their answers
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


class FilterError(AssistantError):
    """A filter has a value that cannot be used, or names what no document has."""


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


class FetchError(CorpusError):
    """Nothing was fetched from an address of the web, or it could not be saved.

    `reason` says why and what to do, `url` from which address, where that is
    known.
    """

    def __init__(self, reason: str, url: str | None = None) -> None:
        super().__init__(reason if url is None else f"{url}: {reason}")
        self.reason = reason
        self.url = url


class StoreError(AssistantError):
    """The index cannot be used or written."""


class IndexNotBuilt(StoreError):
    """There is no index yet."""


class IndexOutOfDate(StoreError):
    """The index was built with other settings than those in force."""


class IndexDamaged(StoreError):
    """A generation lacks a part, or its parts disagree."""


class NoSuchGeneration(StoreError):
    """No generation of this name, or none that is older, is kept."""


class IndexBusy(StoreError):
    """Another process is building this index."""


class HistoryError(AssistantError):
    """The saved conversations cannot be read or written."""


class HistoryTooNew(HistoryError):
    """A newer version of the program wrote the saved conversations."""


class HistoryDamaged(HistoryError):
    """The file of saved conversations is no database, or its parts disagree."""


class NoSuchConversation(HistoryError):
    """This user has no conversation with this id, or it has no such turn."""


class NoSuchDocument(AssistantError):
    """No document of the index has this id."""


class Overloaded(AssistantError):
    """The server takes no more just now; `retry_after` says in how many seconds it may."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooMany(Overloaded):
    """One client has asked, or tried to sign in, too often."""


class TooBusy(Overloaded):
    """Too many questions of all clients together are waiting."""


class ModelUnavailable(AssistantError):
    """A model cannot be loaded, or what it needs is not installed."""
