"""What a test adds to the invented corpus."""

from __future__ import annotations

from pathlib import Path

AMBER = "trade/2030-11-20-amber-post-amber-export"


def add_glossary(corpus: Path, entries: str) -> None:
    """Put a document of glossary entries into a corpus."""
    front_matter = (corpus / f"{AMBER}.md").read_text().partition("\n---\n")[0]
    (corpus / "words.md").write_text(f"{front_matter.replace(AMBER, 'words')}\n---\n{entries}")
