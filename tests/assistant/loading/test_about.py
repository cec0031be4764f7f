from pathlib import Path
from typing import Any

import pytest

from assistant.loading.about import describe, usable
from assistant.loading.extracts import Extract


@pytest.mark.parametrize(
    ("field", "said", "kept"),
    [
        ("title", "Microsoft Word - Owls of Sorrel.docx", "Owls of Sorrel"),
        ("title", "0001018724-20-000004", None),
        ("title", "Untitled", None),
        ("title", "PowerPoint Presentation", None),
        ("title", "琥珀", "琥珀"),
        ("title", 7, None),
        ("title", "owl " * 200, ("owl " * 75).strip()),
        ("publisher", "anonymous", None),
        ("publisher", "python-docx", None),
        ("publisher", "Ada\x00 Finn", "Ada Finn"),
        ("published", "2031-03-02 10:00:00", "2031-03-02"),
        ("published", "2031-02-30", None),
        ("published", "--", None),
        ("language", "en_GB", "en-GB"),
        ("language", "", None),
        ("url", "javascript:alert(1)", None),
        ("topics", "owls, lamps; isle,", ["owls", "lamps", "isle"]),
        ("topics", ["owls", None, "lamps, isle"], ["owls", "lamps", "isle"]),
        ("topics", [], None),
        ("kind", "Deployment", None),
        ("colour", "amber", None),
    ],
)
def test_usable(field: str, said: Any, kept: Any) -> None:
    assert usable({field: said}) == ({field: kept} if kept else {})


def test_describe_page_is_the_address() -> None:
    extract = Extract("Owls.", declared={"url": "https://owl.example"})
    metadata = describe(Path("isle/owl.html"), "isle/owl", extract, {})
    assert (metadata["url"], metadata["page"]) == ("https://owl.example", "https://owl.example")


def test_describe_pages_can_be_written_as_json() -> None:
    metadata = describe(Path("owl.pdf"), "owl", Extract("Owls.", pages=(0, 5)), {})
    assert metadata["pages"] == [0, 5]
