import shutil
from collections.abc import Callable
from pathlib import Path

from fakes import HashEmbedder
from files import FILES

from assistant.conversation import Conversation
from assistant.ingestion import ingest, pending_changes
from assistant.settings import Settings
from assistant.web import words
from assistant.web.documents import columns, document_rows, matching, unsettled_in

BRIDGE = "works/2031-03-02-harbour-gazette-glass-bridge"
AMBER = "trade/2030-11-20-amber-post-amber-export"
COPY = "works/glass-bridge-copy"

Load = Callable[[str, int], HashEmbedder]


def test_rows_newest_first(conversation: Conversation) -> None:
    table = document_rows(conversation.library)
    assert [row[2] for row in table] == ["2031-03-05", "2031-03-02", "2030-11-20", ""]
    assert table[1] == [
        "Velmora opens a bridge of glass over the Tindle", "Harbour Gazette", "2031-03-02", "news",
        "works", 2, words.INDEXED, BRIDGE,
    ]  # fmt: skip
    assert {len(row) for row in table} == {len(words.DOCUMENT_COLUMNS)}
    assert set(columns()["datatype"]) == {"str", "number"}  # nothing in it is HTML
    assert len(columns()["datatype"]) == len(words.DOCUMENT_COLUMNS)
    assert len(columns()["column_widths"]) == len(words.DOCUMENT_COLUMNS)


def test_matching_needs_every_word_whatever_its_column() -> None:
    table = [["Owls & Eels", "Gazette", 3], ["Owls", "Post", 2]]
    assert matching(table, " owls GAZETTE ") == [table[0]]
    assert matching(table, "owls") == matching(table, "") == table
    assert matching(table, "owls 9") == []


def states(conversation: Conversation, settings: Settings) -> dict[str, str]:
    """The state of each document that is not simply in the index."""
    rows = document_rows(conversation.library, pending_changes(settings))
    return {row[-1]: row[-2] for row in rows if row[-2] != words.INDEXED}


def test_state_of_a_corpus_as_it_was_built(conversation: Conversation, settings: Settings) -> None:
    assert states(conversation, settings) == {}


def test_states_of_what_changed_since(
    conversation: Conversation, settings: Settings, corpus: Path
) -> None:
    shutil.copy(FILES / "report.pdf", corpus / "report.pdf")
    shutil.copy(FILES / "scan.pdf", corpus / "scan.pdf")
    amber, bridge = corpus / f"{AMBER}.md", corpus / f"{BRIDGE}.md"
    amber.write_text(amber.read_text().replace("900 tonnes", "800 tonnes"))
    bridge.write_text(bridge.read_text().replace("Harbour Gazette", "Gazette", 1))
    (corpus / f"{COPY}.md").unlink()
    found = states(conversation, settings)
    assert found.pop("scan").startswith("Cannot be read: no text on any of its pages")
    assert found == {
        "report": words.NEW_DOCUMENT,
        AMBER: words.CHANGED,
        BRIDGE: words.DESCRIBED,
        COPY: words.GONE_SINCE,
    }
    table = document_rows(conversation.library, pending_changes(settings))
    assert {row[-1] for row in table[:5]} == unsettled_in(pending_changes(settings))
    assert table[-1][-2] == words.INDEXED


def test_state_of_a_document_that_moved(
    conversation: Conversation, settings: Settings, corpus: Path
) -> None:
    settings = settings.model_copy(update={"digests": False})
    (corpus / f"{COPY}.md").rename(corpus / "moved.md")
    text = (corpus / "moved.md").read_text()
    (corpus / "moved.md").write_text(text.replace(f"id: {COPY}", "id: moved"))
    found = states(conversation, settings)
    assert found[COPY] == words.RENAMED.format(now="moved")
    assert found["moved"] == words.NEW_DOCUMENT


def test_state_of_a_second_document_with_one_text(
    conversation: Conversation, settings: Settings, corpus: Path, load: Load
) -> None:
    (corpus / "owl.txt").write_text("Owls wake.")
    ingest(settings, load=load)
    (corpus / "a-copy.txt").write_text("Owls wake.")
    assert states(conversation, settings) == {"a-copy": words.DUPLICATE.format(of="owl")}
    ingest(settings, load=load)
    assert states(conversation, settings) == {"owl": words.DUPLICATE.format(of="a-copy")}


def test_state_of_a_file_whose_id_another_has(
    conversation: Conversation, settings: Settings, corpus: Path, load: Load
) -> None:
    (corpus / "owl.md").write_text("Owls wake.")
    (corpus / "owl.txt").write_text("Owls sleep.")
    ingest(settings, load=load)
    [(key, state)] = states(conversation, settings).items()
    assert key == "owl.txt"
    assert state.startswith("Cannot be read: it would have the id 'owl'")
