from assistant.conversation import Conversation
from assistant.web import words
from assistant.web.documents import columns, document_rows, matching


def test_rows_newest_first(conversation: Conversation) -> None:
    table = document_rows(conversation.library)
    assert [row[2] for row in table] == ["2031-03-05", "2031-03-02", "2030-11-20", ""]
    assert table[1] == [
        "Velmora opens a bridge of glass over the Tindle", "Harbour Gazette", "2031-03-02", "news",
        "works", 2, "works/2031-03-02-harbour-gazette-glass-bridge",
    ]  # fmt: skip
    assert {len(row) for row in table} == {len(words.DOCUMENT_COLUMNS)}
    assert len(columns()["datatype"]) == len(words.DOCUMENT_COLUMNS)
    assert len(columns()["column_widths"]) == len(words.DOCUMENT_COLUMNS)


def test_matching_needs_every_word_whatever_its_column() -> None:
    table = [["Owls & Eels", "Gazette", 3], ["Owls", "Post", 2]]
    assert matching(table, " owls GAZETTE ") == [table[0]]
    assert matching(table, "owls") == matching(table, "") == table
    assert matching(table, "owls 9") == []
