"""Document → passages: whole sentences and tables, exact offsets, a bounded size.

A passage is embedded together with its context (the document's title, its date
and the headings above it), which is counted in the size but never in the
offsets: `document.text[start_char_idx:end_char_idx]` is the passage, always.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import (
    BaseNode,
    Document,
    MetadataMode,
    NodeRelationship,
    RelatedNodeInfo,
    TextNode,
)

from assistant.loading import page_of
from assistant.segmentation import (
    Block,
    Span,
    heading_text,
    split_blocks,
    split_sentences,
    table_header,
    trimmed,
)

CHUNKER_VERSION = 1

# What retrieval adds to a passage's metadata: no part of the text that models read.
SCORES = ("cosine", "bm25")

# A context longer than this share of the window would leave no room for text.
_CONTEXT_SHARE = 3

# Characters that will be in one passage, and the context they are embedded with.
Unit = tuple[Span, str]


@dataclass(frozen=True)
class Section:
    """The blocks under one heading, and the headings above them."""

    headings: tuple[str, ...]
    blocks: tuple[Block, ...]


class SentenceChunker(NodeParser):
    """Splits documents into passages that fit the embedder's window.

    A section (the text under one heading) is one passage where it fits. A
    longer one is divided into passages of about equal size; a table too large
    for the window is divided between rows and carries its header as context,
    a sentence too large for it is divided between words.

    `count_tokens` is the embedder's own count for one text, `max_tokens` its
    window, special tokens included in both.

    >>> from llama_index.core.schema import Document
    >>> chunker = SentenceChunker(count_tokens=lambda text: len(text.split()), max_tokens=64)
    >>> document = Document(id_="a", text="## Cost\\n\\nIt costs $6.", metadata={"title": "Plant"})
    >>> [passage] = chunker.get_nodes_from_documents([document])
    >>> passage.text, passage.start_char_idx, passage.end_char_idx
    ('It costs $6.', 9, 21)
    >>> embedding_text(passage)
    'Plant. Cost\\n\\nIt costs $6.'
    """

    count_tokens: Callable[[str], int]
    max_tokens: int

    @classmethod
    def class_name(cls) -> str:
        return "SentenceChunker"

    def _parse_nodes(
        self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any
    ) -> list[BaseNode]:
        return [
            passage
            for document in nodes
            if isinstance(document, Document)
            for passage in self._split(document)
        ]

    def _postprocess_parsed_nodes(
        self, nodes: list[BaseNode], parent_doc_map: dict[str, Document]
    ) -> list[BaseNode]:
        """Nothing: the base class looks each passage up by its text, which errs on repeats."""
        return nodes

    def _split(self, document: Document) -> Iterator[TextNode]:
        for section in split_sections(document.text):
            context = self._clip(_context(document, section.headings))
            whole = _extent(document.text, section.blocks)
            if whole and self._fits(context, whole.of(document.text)):
                yield make_passage(document, whole, context)
                continue
            units = [
                unit for block in section.blocks for unit in self._units(document, block, context)
            ]
            for span, full_context in self._pack(document.text, units):
                yield make_passage(document, span, full_context)

    def _pack(self, text: str, units: list[Unit]) -> Iterator[Unit]:
        """Neighbouring units put together, into as few and as equal passages as can be."""
        if not units:
            return
        (first, context), (last, _) = units[0], units[-1]
        total = self._size(context, text[first.start : last.end])
        target = total / math.ceil(total / self.max_tokens)
        passage, context = units[0]
        size = self._size(context, passage.of(text))
        for span, next_context in units[1:]:
            if next_context == context and size < target:
                longer = Span(passage.start, span.end)
                size_of_longer = self._size(context, longer.of(text))
                if size_of_longer <= self.max_tokens:
                    passage, size = longer, size_of_longer
                    continue
            yield passage, context
            passage, context = span, next_context
            size = self._size(context, passage.of(text))
        yield passage, context

    def _units(self, document: Document, block: Block, context: str) -> Iterator[Unit]:
        """What a passage is made of: sentences, whole tables, or rows of one too large."""
        text = document.text
        whole = trimmed(text, block.span)
        if block.kind == "table" and self._fits(context, whole.of(text)):
            yield whole, context
            return
        header = table_header(text, block) if block.kind == "table" else None
        if header is not None:
            context = f"{context}\n{self._clip(header.of(text))}"
        for sentence in _in_block(text, block):
            for piece in self._split_long(text, sentence, context):
                yield piece, context

    def _split_long(self, text: str, span: Span, context: str) -> Iterator[Span]:
        """A span that fits as it is, or the longest pieces that do."""
        start = span.start
        while start < span.end and not self._fits(context, text[start : span.end]):
            fits, too_long = start + 1, span.end
            while too_long - fits > 1:
                middle = (fits + too_long) // 2
                if self._fits(context, text[start:middle]):
                    fits = middle
                else:
                    too_long = middle
            space = max(text.rfind(mark, start, fits) for mark in " \n\t")
            end = space if space > start else fits
            yield Span(start, end)
            start = end + len(text[end : span.end]) - len(text[end : span.end].lstrip())
        if start < span.end:
            yield Span(start, span.end)

    def _fits(self, context: str, text: str) -> bool:
        return self._size(context, text) <= self.max_tokens

    def _size(self, context: str, text: str) -> int:
        return self.count_tokens(joined(context, text))

    def _clip(self, context: str) -> str:
        """The words of a context that leave room for the text."""
        most = self.max_tokens // _CONTEXT_SHARE
        while context and self.count_tokens(context) > most:
            words = context.split()
            context = " ".join(words[: len(words) * 3 // 4]) if len(words) > 1 else context[:-8]
        return context


def _extent(text: str, blocks: Sequence[Block]) -> Span | None:
    """From the first to the last of what passages are made of, if there is anything."""
    first = next(filter(None, (_edges(text, block) for block in blocks)), None)
    last = next(filter(None, (_edges(text, block) for block in reversed(blocks))), None)
    return Span(first.start, last.end) if first and last else None


def _edges(text: str, block: Block) -> Span | None:
    """From the first sentence of a block to its last, or the whole of a table."""
    if block.kind == "table":
        return trimmed(text, block.span)
    sentences = _in_block(text, block)
    return Span(sentences[0].start, sentences[-1].end) if sentences else None


def _in_block(text: str, block: Block) -> Sequence[Span]:
    """Those of a document's sentences that lie in one of its blocks."""
    sentences = sentences_of(text)
    start, stop = (
        bisect_left(sentences, edge, key=_start) for edge in (block.span.start, block.span.end)
    )
    return sentences[start:stop]


def _start(sentence: Span) -> int:
    return sentence.start


def split_sections(text: str) -> Iterator[Section]:
    """The sections of a Markdown text that hold more than their heading."""
    headings: list[tuple[int, str]] = []
    blocks: list[Block] = []
    for block in split_blocks(text):
        if block.kind != "heading":
            blocks.append(block)
            continue
        if blocks:
            yield Section(tuple(heading for _, heading in headings), tuple(blocks))
            blocks = []
        level = len(block.span.of(text).strip().split()[0])
        headings = [(above, heading) for above, heading in headings if above < level]
        headings.append((level, heading_text(text, block)))
    if blocks:
        yield Section(tuple(heading for _, heading in headings), tuple(blocks))


def make_passage(document: Document, span: Span, context: str) -> TextNode:
    """A passage of a document; its id says which document and which characters."""
    return passage_of(document.doc_id, document.metadata, span, span.of(document.text), context)


def passage_of(
    doc_id: str, metadata: Mapping[str, Any], span: Span, text: str, context: str
) -> TextNode:
    """A passage from its parts: the characters at `span` of a document are `text`.

    Where the document has pages, `page_number` is the one on which it begins.
    """
    passage = TextNode(
        id_=passage_id_of(doc_id, span),
        text=text,
        start_char_idx=span.start,
        end_char_idx=span.end,
        metadata={**metadata, "context": context},
        excluded_embed_metadata_keys=[*metadata, "page_number", *SCORES],
        metadata_template="{value}",
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=doc_id)},
    )
    page = page_of(passage, span.start)
    if page:
        passage.metadata["page_number"] = page
    return passage


def passage_id_of(doc_id: str, span: Span) -> str:
    return f"{doc_id}:{span.start}-{span.end}"


def embedding_text(passage: BaseNode) -> str:
    """What the embedder and the keyword index see: the context, then the passage."""
    return joined(passage.metadata.get("context", ""), passage.get_content(MetadataMode.NONE))


def joined(context: str, text: str) -> str:
    """A passage's text under its context, as LlamaIndex would put them together for a model."""
    return f"{context}\n\n{text}".strip() if context else text


def sentence_spans(document: Document, passage: TextNode) -> list[Span]:
    """The sentences and table rows of a document that lie in a passage, or their parts that do."""
    return within(sentences_of(document.text), passage)


@lru_cache(maxsize=1)  # a document that is being cut asks for them again and again
def sentences_of(text: str) -> tuple[Span, ...]:
    """Every sentence and table row of a document's text, in reading order."""
    return tuple(s for block in split_blocks(text) for s in split_sentences(text, block))


def within(sentences: Sequence[Span], passage: TextNode) -> list[Span]:
    """Those of a document's sentences that lie in a passage, or their parts that do."""
    first, last = passage.start_char_idx or 0, passage.end_char_idx or 0
    start = bisect_right(sentences, first, key=lambda sentence: sentence.end)
    stop = bisect_left(sentences, last, key=_start)
    return [Span(max(s.start, first), min(s.end, last)) for s in sentences[start:stop]]


def _context(document: Document, headings: tuple[str, ...]) -> str:
    parts = (document.metadata.get("title"), document.metadata.get("published"), *headings)
    return ". ".join(part for part in parts if part)
