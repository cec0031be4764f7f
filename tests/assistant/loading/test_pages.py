import pytest
from llama_index.core.schema import Document

from assistant.chunking import make_passage
from assistant.loading import page_of
from assistant.segmentation import Span

DOCUMENT = Document(text="Owls wake.\n\nGulls sleep.", metadata={"pages": [0, 10, 12]})


@pytest.mark.parametrize(("offset", "page"), [(0, 1), (9, 1), (11, 2), (12, 3), (24, 3), (99, 3)])
def test_page_of_a_character(offset: int, page: int) -> None:
    assert page_of(DOCUMENT, offset) == page


def test_page_of_a_character_that_a_passage_has() -> None:
    passage = make_passage(DOCUMENT, Span(0, 24), context="")
    assert (page_of(passage, 0), page_of(passage, 12)) == (1, 3)


def test_page_of_a_document_without_pages() -> None:
    assert page_of(Document(text="Owls wake."), 0) is None
