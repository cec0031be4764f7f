"""The assistant as parts of a LlamaIndex program: a retriever, a query engine."""

from __future__ import annotations

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.schema import (
    NodeRelationship,
    NodeWithScore,
    QueryBundle,
    RelatedNodeInfo,
    TextNode,
)

from assistant.conversation import Conversation
from assistant.schema import Answer, Citation


def as_retriever(conversation: Conversation) -> BaseRetriever:
    """What finds passages for a conversation: they have their exact places in their documents.

    >>> [best, *_] = as_retriever(conversation).retrieve("What did the bridge of glass cost?")
    >>> best.node.ref_doc_id
    'works/2031-03-02-harbour-gazette-glass-bridge'
    """
    return _Retriever(conversation)


def as_query_engine(conversation: Conversation) -> CustomQueryEngine:
    """An engine that answers each question by itself; its source nodes are the exact quotes.

    >>> response = as_query_engine(conversation).query("What limit did Kelland put on amber?")
    >>> response.source_nodes[0].node.get_content()[:34]
    'Kelland put a limit of 900 tonnes '
    >>> response.metadata["outcome"]
    'answered'
    """
    return _Engine(conversation=conversation)


class _Retriever(BaseRetriever):
    """Searches the generation that answers at the time."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        with self._conversation.library.reading() as reading:
            return reading.retriever.retrieve(query_bundle)


class _Engine(CustomQueryEngine):
    conversation: Conversation

    def custom_query(self, query_str: str) -> Response:
        answer = self.conversation.fresh().ask(query_str)
        return Response(
            response=answer.text,
            source_nodes=[_node(citation, answer) for citation in answer.citations],
            metadata=answer.as_dict(),
        )


def _node(citation: Citation, answer: Answer) -> NodeWithScore:
    """A quote as a node, under the id of its citation."""
    node = TextNode(
        id_=citation.id,
        text=citation.quote,
        start_char_idx=citation.start,
        end_char_idx=citation.end,
        metadata={
            "marker": citation.marker, "title": citation.title, "publisher": citation.publisher,
            "published": citation.published, "url": citation.url,
        },
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=citation.document)},
    )  # fmt: skip
    return NodeWithScore(node=node, score=answer.confidence)
