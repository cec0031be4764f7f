from pathlib import Path

import pytest
from llama_index.core.schema import Document

from assistant.errors import EmptyCorpus, UnreadableDocument
from assistant.loading import EXPECTED, load_corpus, load_document

FIELDS = {
    "id": "isle/lamp",
    "title": "The lamp of Sorrel",
    "publisher": "Harbour Gazette",
    "kind": "news",
    "topics": "[sorrel, lamps]",
}
TEXT = "The lamp of Sorrel burns whale song.\n"


def page(text: str = TEXT, /, **fields: str | None) -> str:
    """A document; a field that is None is left out."""
    lines = [f"{name}: {value}\n" for name, value in {**FIELDS, **fields}.items() if value]
    return f"---\n{''.join(lines)}---\n{text}"


def load_page(folder: Path, content: str | bytes, name: str = "isle/lamp.md") -> Document:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load_document(path, folder)


def complaint(folder: Path, content: str | bytes, name: str = "isle/lamp.md") -> str:
    """What is said about a document that cannot be read: one line, its file first."""
    with pytest.raises(UnreadableDocument) as caught:
        load_page(folder, content, name)
    message = str(caught.value)
    assert message.startswith(str(folder / name))
    assert "\n" not in message
    return message


def test_load_corpus_in_the_order_of_ids(corpus: Path) -> None:
    assert [document.doc_id for document in load_corpus(corpus)] == [
        "trade/2030-11-20-amber-post-amber-export",
        "works/2031-03-02-harbour-gazette-glass-bridge",
        "works/2031-03-05-velmora-council-bridge-report",
        "works/glass-bridge-copy",
    ]


def test_load_corpus_text_begins_after_the_front_matter(corpus: Path) -> None:
    texts = [document.text for document in load_corpus(corpus)]
    assert texts[0].startswith("Kelland put a limit")
    assert texts[1].startswith("## A bridge of glass\n\nThe town")


def test_load_corpus_skips_its_own_readme_and_hidden_files(corpus: Path) -> None:
    (corpus / ".notes.txt").write_text("not a document")
    (corpus / ".git").mkdir()
    (corpus / ".git" / "HEAD").write_text("not a document")
    assert len(load_corpus(corpus)) == 4


def test_load_corpus_reads_the_readme_of_a_folder(corpus: Path) -> None:
    (corpus / "works" / "README.md").write_text("Glass things.")
    with pytest.raises(UnreadableDocument, match=r"works/README\.md: no front matter"):
        load_corpus(corpus)


def test_load_corpus_refuses_another_kind_of_file(corpus: Path) -> None:
    (corpus / "works" / "ledger.txt").write_text(page())
    with pytest.raises(UnreadableDocument, match=r"works/ledger\.txt: only Markdown files"):
        load_corpus(corpus)


def test_load_corpus_from_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Nothing yet.")
    with pytest.raises(EmptyCorpus, match=rf"no documents under {tmp_path}: put Markdown files"):
        load_corpus(tmp_path)


def test_load_corpus_from_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(EmptyCorpus, match=r"no folder .*atlantis: set DIAMOND_CORPUS_DIR"):
        load_corpus(tmp_path / "atlantis")


def test_load_document_metadata(tmp_path: Path) -> None:
    url = "https://gazette.example/lamp"
    document = load_page(tmp_path, page(published="2031-03-02", url=url, title_note="our words"))
    assert document.doc_id == "isle/lamp"
    assert document.text == TEXT
    assert document.metadata == {
        "title": "The lamp of Sorrel",
        "publisher": "Harbour Gazette",
        "kind": "news",
        "topics": ["sorrel", "lamps"],
        "published": "2031-03-02",
        "url": url,
        "title_note": "our words",
        "page": url,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("kind", kind) for kind in ("official", "company", "news", "analysis", "reference")],
        ("url", "http://gazette.example/lamp"),
        ("url", "HTTPS://gazette.example"),
        ("title", "L"),
    ],
)
def test_load_document_with_a_good_value(tmp_path: Path, name: str, value: str) -> None:
    assert load_page(tmp_path, page(**{name: value})).metadata[name] == value


def test_load_document_about_one_topic(tmp_path: Path) -> None:
    assert load_page(tmp_path, page(topics="[lamps]")).metadata["topics"] == ["lamps"]


def test_load_document_without_an_address_is_its_own_page(tmp_path: Path) -> None:
    document = load_page(tmp_path, page())
    assert document.metadata["page"] == "isle/lamp"
    assert not {"url", "published", "title_note"} & document.metadata.keys()


def test_load_document_id_keeps_dots(tmp_path: Path) -> None:
    assert load_page(tmp_path, page(id="v1.2"), "v1.2.md").doc_id == "v1.2"


def test_load_document_rule_in_the_text(tmp_path: Path) -> None:
    text = "The lamp burns.\n\n---\n\nIt sings.\n"
    assert load_page(tmp_path, page(text)).text == text


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_load_document_line_ends_become_newlines(tmp_path: Path, end: str) -> None:
    text = "Owls wake.\n\nGulls sleep.\n"
    assert load_page(tmp_path, page(text).replace("\n", end)).text == text


def test_load_document_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert load_page(tmp_path, page().encode("utf-8-sig")).text == TEXT


def test_load_document_text_in_any_script(tmp_path: Path) -> None:
    text = "琥珀は光る 🙂 é\n"
    assert load_page(tmp_path, page(text)).text == text


@pytest.mark.parametrize("name", list(FIELDS))
def test_load_document_without_a_required_field(tmp_path: Path, name: str) -> None:
    message = complaint(tmp_path, page(**{name: None}))
    assert message.endswith(f"field {name!r} is missing; expected {EXPECTED[name]}")


@pytest.mark.parametrize(
    ("name", "value", "shown", "expected"),
    [
        ("id", "7", "7", "the file's path"),
        ("title", "2031", "2031", "a line of text"),
        ("title", "''", "''", "a line of text"),
        ("title", "' '", "' '", "a line of text"),
        ("publisher", "[Gazette]", "['Gazette']", "who published"),
        ("kind", "rumour", "'rumour'", "one of official, company, news, analysis, reference"),
        ("topics", "lamps", "'lamps'", "a list of words"),
        ("topics", "[lamps, 7]", "7", "a list of words"),
        ("published", "March 2031", "'March 2031'", "a date such as 2026-01-31"),
        ("published", "31.12.2031", "'31.12.2031'", "a date such as 2026-01-31"),
        ("published", "0", "0", "a date such as 2026-01-31"),
        ("published", "2031-03-02T00:00:00", "'2031-03-02T00:00:00'", "a date such as 2026-01-31"),
        (
            "url",
            "javascript://a.example/%0a",
            "'javascript://a.example/%0a'",
            "http:// or https://",
        ),
        ("url", "javascript:alert(1)", "'javascript:alert(1)'", "http:// or https://"),
        ("url", "gazette.example/lamp", "'gazette.example/lamp'", "http:// or https://"),
        ("url", "https:///lamp", "'https:///lamp'", "http:// or https://"),
        ("url", "http://[", "'http://['", "http:// or https://"),
        ("title_note", "7", "7", "a line of text"),
    ],
)
def test_load_document_with_a_bad_value(
    tmp_path: Path, name: str, value: str, shown: str, expected: str
) -> None:
    message = complaint(tmp_path, page(**{name: value}))
    assert f"field {name!r} is {shown}; expected " in message
    assert expected in message.split("; expected ")[1]


@pytest.mark.parametrize("date", ["2031-02-30", "2031-13-01"])
def test_load_document_with_a_date_in_no_calendar(tmp_path: Path, date: str) -> None:
    assert "a date such as 2026-01-31" in complaint(tmp_path, page(published=date))


def test_load_document_about_no_topic(tmp_path: Path) -> None:
    message = complaint(tmp_path, page(topics="[]"))
    assert "field 'topics' is []; expected a list of words" in message


def test_load_document_with_an_unknown_field(tmp_path: Path) -> None:
    message = complaint(tmp_path, page(colour="amber"))
    assert "field 'colour' is unknown; the fields are id, title, publisher" in message


@pytest.mark.parametrize("name", ["7", "true"])
def test_load_document_with_a_field_name_that_is_no_text(tmp_path: Path, name: str) -> None:
    assert "field " in complaint(tmp_path, page(**{name: "amber"}))


def test_load_document_id_that_differs_from_the_path(tmp_path: Path) -> None:
    message = complaint(tmp_path, page(id="isle/lantern"))
    assert message.endswith("field 'id' is 'isle/lantern'; expected 'isle/lamp'")


@pytest.mark.parametrize("text", [TEXT, "", "---\nid: isle/lamp\n", f"\n{page()}"])
def test_load_document_without_front_matter(tmp_path: Path, text: str) -> None:
    message = complaint(tmp_path, text)
    assert message.endswith("no front matter; expected the fields between two lines of ---")


@pytest.mark.parametrize("header", ["", "- id\n- title\n", "isle/lamp\n"])
def test_load_document_front_matter_without_fields(tmp_path: Path, header: str) -> None:
    assert "holds no fields" in complaint(tmp_path, f"---\n{header}---\n{TEXT}")


@pytest.mark.parametrize(
    ("fields", "line", "problem"),
    [
        ({"title": "Sorrel: a: lamp"}, 3, "mapping values are not allowed here"),
        ({"kind": "{news}}"}, 5, "expected"),
    ],
)
def test_load_document_broken_front_matter(
    tmp_path: Path, fields: dict[str, str], line: int, problem: str
) -> None:
    message = complaint(tmp_path, page(**fields))
    assert f"lamp.md, line {line}: broken front matter: {problem}" in message


@pytest.mark.parametrize("value", ["!!python/name:os.system", "!!int lamp"])
def test_load_document_value_that_yaml_cannot_make(tmp_path: Path, value: str) -> None:
    assert "lamp.md" in complaint(tmp_path, page(title=value))


def test_load_document_with_a_control_character(tmp_path: Path) -> None:
    assert "broken front matter" in complaint(tmp_path, page(title="The\alamp"))


def test_load_document_that_is_not_utf_8(tmp_path: Path) -> None:
    message = complaint(tmp_path, b"---\nid: \xe9\n")
    assert message.endswith("byte 8 is not UTF-8; save the file as UTF-8")


@pytest.mark.parametrize("text", ["", " \n\n\t\n"])
def test_load_document_without_text(tmp_path: Path, text: str) -> None:
    message = complaint(tmp_path, page(text))
    assert message.endswith("there is no text after the front matter")
