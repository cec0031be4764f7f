import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from files import FILES, Words, docx_file, pdf, samples, xlsx_file
from llama_index.core.schema import Document

from assistant.errors import EmptyCorpus, UnreadableDocument
from assistant.loading import (
    EXPECTED,
    CorpusFolders,
    Limits,
    load_corpus,
    load_document,
    page_of,
)

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
    assert "works/README" in {document.doc_id for document in load_corpus(corpus)}


def test_load_corpus_refuses_another_kind_of_file(corpus: Path) -> None:
    (corpus / "works" / "ledger.png").write_text(page())
    with pytest.raises(UnreadableDocument, match=r"works/ledger\.png: \.png cannot be read, only"):
        load_corpus(corpus)


def test_load_corpus_from_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Nothing yet.")
    with pytest.raises(EmptyCorpus, match=rf"no documents under {tmp_path}: put files there"):
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


@pytest.mark.parametrize("text", ["---\nid: isle/lamp\n", f"\n{page()}"])
def test_load_document_with_front_matter_out_of_place(tmp_path: Path, text: str) -> None:
    assert "no whole front matter; expected the fields between" in complaint(tmp_path, text)


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
    assert f"lamp.md: broken front matter, line {line}: {problem}" in message


def test_load_document_front_matter_of_brackets_in_each_other(tmp_path: Path) -> None:
    many = 300_000  # the quick parser would take the whole process down with it
    message = complaint(tmp_path, page(title="[" * many + "]" * many))
    assert "lamp.md: broken front matter" in message


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


def test_load_document_in_a_language(tmp_path: Path) -> None:
    assert load_page(tmp_path, page(language="pt-BR")).metadata["language"] == "pt-BR"
    assert "a code such as en" in complaint(tmp_path, page(language="Portuguese"))


def load_file(folder: Path, content: bytes, name: str, sidecar: str | None = None) -> Document:
    """A file that is no digest, with what the file beside it says."""
    (folder / name).write_bytes(content)
    if sidecar is not None:
        (folder / f"{name}.meta.yaml").write_text(sidecar)
    return load_document(folder / name, folder, digests=False)


def failure(folder: Path, content: bytes, name: str, sidecar: str | None = None) -> str:
    with pytest.raises(UnreadableDocument) as caught:
        load_file(folder, content, name, sidecar)
    return str(caught.value)


class Read(NamedTuple):
    documents: list[Document]
    failures: list[UnreadableDocument]


def read(folder: Path) -> Read:
    """What a folder holds, each on its side."""
    found = list(CorpusFolders.open([folder]).read())
    return Read([f.document for f in found if f.document], [f.failure for f in found if f.failure])


def fingerprints(folder: Path) -> dict[str, str]:
    return {found.doc_id: found.fingerprint for found in CorpusFolders.open([folder]).read()}


def test_read_passes_over_what_is_known(tmp_path: Path) -> None:
    for name in ("owl", "gull"):
        (tmp_path / f"{name}.txt").write_text(f"The {name} wakes.")
    known = fingerprints(tmp_path)
    (tmp_path / "gull.txt").write_text("The gull sleeps.")
    corpus = CorpusFolders.open([tmp_path])
    assert len(corpus) == 2
    gull, owl = corpus.read(known)
    assert gull.document is not None
    assert gull.document.text == "The gull sleeps."
    assert (owl.document, owl.failure) == (None, None)


@pytest.mark.parametrize("name", ["owl.txt", "owl.txt.meta.yaml"])
def test_fingerprint_tells_a_change_of(tmp_path: Path, name: str) -> None:
    (tmp_path / "owl.txt").write_text("The owl wakes.")
    (tmp_path / "owl.txt.meta.yaml").write_text("title: Owls\n")
    before = fingerprints(tmp_path)
    assert fingerprints(tmp_path) == before
    (tmp_path / name).write_text("title: Gull\n")
    assert fingerprints(tmp_path)["owl"] != before["owl"]


def test_fingerprint_does_not_look_at_the_clock(tmp_path: Path) -> None:
    (tmp_path / "owl.txt").write_text("The owl wakes.")
    before = fingerprints(tmp_path)
    os.utime(tmp_path / "owl.txt", (0, 0))
    assert fingerprints(tmp_path) == before


@contextlib.contextmanager
def closed(folder: Path, mode: int) -> Iterator[None]:
    """A folder that nobody but root may open; and who is root is not, in here."""
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o111)
    folder.chmod(mode)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)


@pytest.mark.parametrize("mode", [0o000, 0o744, 0o711])
def test_folder_that_cannot_be_opened_or_entered_costs_what_is_in_it(
    mode: int, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    (corpus / "shut").mkdir(parents=True)
    (corpus / "owl.txt").write_text("The owl wakes.")
    (corpus / "shut" / "gull.txt").write_text("The gull sleeps.")
    for path in (corpus, corpus / "owl.txt", corpus / "shut" / "gull.txt"):
        path.chmod(path.stat().st_mode | 0o444)
    with closed(corpus / "shut", mode):
        found = read(corpus)
    assert [document.doc_id for document in found.documents] == ["owl"]
    [failure] = found.failures
    assert failure.file in (corpus / "shut", corpus / "shut" / "gull.txt")


def test_corpus_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    with closed(corpus, 0o000), pytest.raises(EmptyCorpus, match="cannot be opened"):
        CorpusFolders.open([corpus])


def test_read_several_folders(tmp_path: Path) -> None:
    for folder in ("east", "west"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "owl.txt").write_text(f"The owl wakes in the {folder}.")
    (tmp_path / "west" / "gull.txt").write_text("The gull sleeps.")
    found = list(CorpusFolders.open([tmp_path / "east", tmp_path / "west"]).read())
    assert [f.document is not None for f in found] == [True, True, False]
    assert "which" in str(found[2].failure)


def test_read_corpus_of_every_format(tmp_path: Path) -> None:
    for suffix, content in samples().items():
        (tmp_path / f"owls-in-{suffix[1:]}{suffix}").write_bytes(content)
    loaded = read(tmp_path)
    assert loaded.failures == []
    assert [d.doc_id for d in loaded.documents] == sorted(f"owls-in-{s[1:]}" for s in samples())
    for document in loaded.documents:
        assert document.metadata.keys() >= {"title", "publisher", "kind", "topics", "page"}
        assert "\r" not in document.text


def test_read_corpus_goes_on_after_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "b.txt").write_text("Owls wake.")
    (tmp_path / "c.docx").write_bytes(docx_file()[:4000])
    (tmp_path / "d.pdf").write_bytes((FILES / "report.pdf").read_bytes())
    loaded = read(tmp_path)
    assert [document.doc_id for document in loaded.documents] == ["b", "d"]
    assert [error.file for error in loaded.failures] == [tmp_path / "a.pdf", tmp_path / "c.docx"]
    assert loaded.failures[0].reason.startswith("not a whole .pdf file (PdfiumError); see that")


def test_load_corpus_stops_at_the_first_failure(corpus: Path) -> None:
    (corpus / "trade" / "a.pdf").write_bytes(b"%PDF-1.4 broken")
    with pytest.raises(UnreadableDocument, match=r"trade/a\.pdf: not a whole \.pdf file"):
        load_corpus(corpus)


def test_read_corpus_two_files_with_one_id(tmp_path: Path) -> None:
    (tmp_path / "owl.csv").write_text("Tower,Owls\nSorrel,7\n")
    (tmp_path / "owl.txt").write_text("Owls wake.")
    loaded = read(tmp_path)
    [document], [error] = loaded.documents, loaded.failures
    assert document.text == "| Tower: Sorrel | Owls: 7 |"
    assert str(error) == (
        f"{tmp_path}/owl.txt: it would have the id 'owl', which {tmp_path}/owl.csv has; "
        "rename one of them"
    )


def test_read_corpus_markdown_without_front_matter(tmp_path: Path) -> None:
    (tmp_path / "owl.md").write_text("# Owls\n\nOwls wake.\n")
    for digests in (True, False):
        [document] = load_corpus(tmp_path, digests)
        assert document.text == "# Owls\n\nOwls wake.\n"
        assert document.metadata["title"] == "owl.md"


def test_load_document_that_says_nothing_about_itself(tmp_path: Path) -> None:
    assert load_file(tmp_path, b"Owls wake.", "Owl notes.txt").metadata == {
        "title": "Owl notes.txt",
        "publisher": "unknown publisher",
        "kind": "analysis",
        "topics": [],
        "page": "Owl notes",
    }


def test_load_document_with_the_front_matter_of_another_program(tmp_path: Path) -> None:
    text = "---\ntitle: Owls\ndate: 2031-03-02T10:00\ntags: [night]\ndraft: true\n---\nOwls wake.\n"
    document = load_file(tmp_path, text.encode(), "owl.md")
    assert document.text == "Owls wake.\n"
    assert document.metadata == {
        "title": "Owls",
        "publisher": "unknown publisher",
        "kind": "analysis",
        "topics": ["night"],
        "published": "2031-03-02",
        "page": "owl",
    }


@pytest.mark.parametrize("text", ["---\nOwls wake.\n---\nGulls sleep.\n", "---\nOwls wake.\n"])
def test_load_document_that_opens_with_a_rule(tmp_path: Path, text: str) -> None:
    assert load_file(tmp_path, text.encode(), "owl.txt").text == text


def test_load_document_sidecar_comes_first(tmp_path: Path) -> None:
    sidecar = "publisher: Owl Office\nkind: official\nurl: https://owl.example/report\n"
    document = load_file(tmp_path, (FILES / "report.pdf").read_bytes(), "owl.pdf", sidecar)
    assert document.metadata["title"] == "The harbour report"
    assert document.metadata["publisher"] == "Owl Office"
    assert document.metadata["kind"] == "official"
    assert document.metadata["page"] == "https://owl.example/report"


@pytest.mark.parametrize(
    ("sidecar", "problem"),
    [
        ("colour: amber", "field 'colour' is unknown; the fields are title, publisher, kind,"),
        ("published: March", "field 'published' is 'March'; expected a date such as 2026-01-31"),
        ("title: a: b", "broken sidecar, line 1: mapping values are not allowed here"),
        ("- title", "the sidecar holds no fields"),
    ],
)
def test_load_document_with_a_bad_sidecar(tmp_path: Path, sidecar: str, problem: str) -> None:
    message = failure(tmp_path, b"Owls wake.", "owl.txt", sidecar)
    assert message.startswith(f"{tmp_path}/owl.txt.meta.yaml: {problem}")


def test_read_corpus_sidecar_without_its_file(tmp_path: Path) -> None:
    (tmp_path / "owl.pdf.meta.yaml").write_text("title: Owls")
    [error] = read(tmp_path).failures
    assert "owl.pdf.meta.yaml: there is no such file as it describes" in str(error)


def test_load_document_pages(tmp_path: Path) -> None:
    document = load_file(tmp_path, (FILES / "report.pdf").read_bytes(), "owl.pdf")
    assert page_of(document, document.text.index("412 ships")) == 1
    assert page_of(document, document.text.index("# Money")) == 2
    assert page_of(document, len(document.text)) == 2


def test_load_document_without_pages(tmp_path: Path) -> None:
    document = load_file(tmp_path, xlsx_file(), "owl.xlsx")
    assert "pages" not in document.metadata
    assert page_of(document, 0) is None


def test_load_document_suffix_in_capitals(tmp_path: Path) -> None:
    assert load_file(tmp_path, b"Owls wake.", "OWL.TXT").doc_id == "OWL"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(file_bytes=100), "0.0 MiB, more than 0.0 MiB; divide it"),
        (Limits(pages=1), "2 pages, more than 1; divide it"),
        (Limits(characters=100), "436 characters, more than 100; divide it"),
    ],
)
def test_load_document_over_a_limit(tmp_path: Path, limits: Limits, reason: str) -> None:
    path = tmp_path / "owl.pdf"
    path.write_bytes((FILES / "report.pdf").read_bytes())
    with pytest.raises(UnreadableDocument) as caught:
        load_document(path, tmp_path, limits=limits)
    assert str(caught.value) == f"{path}: {reason}"


def test_read_corpus_names_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "lost.txt").symlink_to(tmp_path / "atlantis.txt")
    (tmp_path / "folder").symlink_to(tmp_path)
    (tmp_path / "hosts.txt").symlink_to("/etc/hosts")
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    (tmp_path / "owl.txt").write_text("Owls wake.")
    (tmp_path / "same.txt").symlink_to("owl.txt")
    errors = {error.file: error.reason for error in read(tmp_path).failures}
    assert errors == {
        tmp_path / "pipe.txt": "a pipe, a device or a link to nothing; move it away",
        tmp_path / "lost.txt": "a pipe, a device or a link to nothing; move it away",
        tmp_path / "folder": "a link to a folder, or a folder that cannot be opened; "
        "put files here themselves",
        tmp_path / "hosts.txt": "a link that leads out of the corpus; put the file itself here",
        tmp_path / "zero.txt": "a link that leads out of the corpus; put the file itself here",
    }


@pytest.mark.parametrize("name", ["owl\n.txt", os.fsdecode(b"owl\xff.txt")])
def test_read_corpus_name_that_cannot_be_an_id(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Owls wake.")
    [error] = read(tmp_path).failures
    assert error.reason.endswith("is not text on one line; rename it")


def test_read_corpus_skips_lock_files(tmp_path: Path) -> None:
    (tmp_path / "owl.docx").write_bytes(docx_file())
    (tmp_path / "~$owl.docx").write_bytes(b"ada")
    assert len(load_corpus(tmp_path)) == 1


def test_load_corpus_text_is_cut_at_the_offsets_of_pages(tmp_path: Path) -> None:
    pages = [[Words(f"Owl {name} wakes.", 50, 700)] for name in ("Ada", "Bo")]
    (tmp_path / "owl.pdf").write_bytes(pdf(*pages))
    [document] = load_corpus(tmp_path)
    first, second = document.metadata["pages"]
    assert document.text[first:second].strip() == "Owl Ada wakes."
    assert document.text[second:] == "Owl Bo wakes."
