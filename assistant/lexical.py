"""Words: how a text is cut into terms, and the BM25 ranking over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray

from assistant.ranking import highest

# Words of two letters or more, and numbers with their separators kept: 2.1, 1,000.
_TERM = r"(?u)\d+(?:[.,]\d+)*|\b\w\w+\b"


def terms(texts: Sequence[str]) -> list[list[str]]:
    """The stemmed terms of each text in order, English stop words left out.

    >>> terms(["What will the two plants cost?"])
    [['what', 'two', 'plant', 'cost']]
    """
    # A stemmer is not thread-safe and costs little to make.
    tokenized: list[list[str]] = bm25s.tokenize(
        list(texts),
        token_pattern=_TERM,
        stopwords="en",
        stemmer=Stemmer.Stemmer("english"),
        return_ids=False,
        show_progress=False,
    )
    return tokenized


class LexicalIndex:
    """BM25 over the texts of an index, in the order in which they were given."""

    def __init__(self, bm25: bm25s.BM25, size: int) -> None:
        self._bm25 = bm25
        self.size = size

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        """Rank these texts. At least one must hold a term."""
        return cls.of_terms(terms(texts))

    @classmethod
    def of_terms(cls, counted: Sequence[list[str]]) -> LexicalIndex:
        """Rank texts of which these are the terms."""
        bm25 = bm25s.BM25()
        bm25.index(counted, show_progress=False)
        return cls(bm25, len(counted))

    @classmethod
    def load(cls, directory: Path) -> LexicalIndex:
        bm25 = bm25s.BM25.load(str(directory))
        return cls(bm25, int(bm25.scores["num_docs"]))

    def save(self, directory: Path) -> None:
        self._bm25.save(str(directory), show_progress=False)

    def rank(
        self, query: str, top_k: int, among: NDArray[np.bool_] | None = None
    ) -> list[tuple[int, float]]:
        """The best texts as (position, BM25 score), best first; a score of 0 is no match.

        `among`, of shape (size,), says which texts may be ranked; all, if it is None.
        """
        scores = self.scores(query)
        # The best are looked for among the matches: many equal scores, as the zeros of all
        # others, would make that fifteen times as slow.
        matching = np.flatnonzero(scores > 0 if among is None else (scores > 0) & among)
        best = matching[highest(scores[matching], top_k)]
        return [(int(row), float(scores[row])) for row in best]

    def scores(self, query: str) -> NDArray[np.float32]:
        """The BM25 score of every text, in their order."""
        known = [term for term in terms([query])[0] if term in self._bm25.vocab_dict]
        if not known:
            return np.zeros(self.size, dtype=np.float32)
        found: NDArray[np.float32] = self._bm25.get_scores(known)
        return found

    def idf(self, term: str) -> float:
        """How rare a term is, as in BM25's Lucene form; the rarest value if unknown."""
        term_id = self._bm25.vocab_dict.get(term)
        starts = self._bm25.scores["indptr"]
        count = 0 if term_id is None else int(starts[term_id + 1] - starts[term_id])
        return float(np.log(1 + (self.size - count + 0.5) / (count + 0.5)))
