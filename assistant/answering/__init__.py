"""Question + passages → Answer.

An answerer is anything with a name and an `answer` method; `extractive.py`
quotes the sentences that answer and needs no language model; `generative.py`
has one write the answer, and checks every sentence.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Protocol

from llama_index.core.schema import NodeWithScore

from assistant.schema import Answer


class Answerer(Protocol):
    """Writes an answer that the passages support, or abstains."""

    name: str

    def answer(
        self,
        question: str,
        passages: Sequence[NodeWithScore],
        as_of: datetime.date | None = None,
    ) -> Answer:
        """Answer from these passages alone; the best comes first.

        The answer speaks as of the day that the question names; where it names
        none, of `as_of`.
        """
        ...
