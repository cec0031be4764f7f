import datetime
from dataclasses import replace
from pathlib import Path

import pytest
from files import HTML

from assistant.errors import FetchError
from assistant.fetching import Fetched, path_for, save
from assistant.loading import load_corpus, load_document

URL = "https://agency.example/news/the-lamp-report.html"
LAMP = Fetched(URL, HTML.encode(), ".html", datetime.datetime(2031, 3, 2, tzinfo=datetime.UTC))


def at(url: str, suffix: str = ".html") -> Fetched:
    return replace(LAMP, url=url, suffix=suffix)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus without documents."""
    made = tmp_path / "corpus"
    made.mkdir()
    return made


def test_page_is_a_document_with_its_address(folder: Path) -> None:
    path = save(LAMP, folder)
    assert path == path_for(LAMP, folder)
    assert path.parent == folder / "web"
    document = load_document(path, folder)
    assert "burns whale song" in document.text
    assert (document.metadata["url"], document.metadata["page"]) == (URL, URL)
    assert document.metadata["title"] == "The lamp of Sorrel"
    assert [found.doc_id for found in load_corpus(folder)] == [document.doc_id]
    assert sorted(entry.name for entry in path.parent.iterdir()) == [
        path.name,
        path.name + ".meta.yaml",
    ]


@pytest.mark.parametrize(
    ("url", "suffix", "words"),
    [
        (URL, ".html", "agency-example-news-the-lamp-report"),
        ("https://agency.example/", ".html", "agency-example"),
        ("https://agency.example/lamp.php?id=7", ".html", "agency-example-lamp-php"),
        ("https://agency.example/%E7%81%AF%E5%8F%B0/A%20b", ".pdf", "agency-example-灯台-a-b"),
        ("https://agency.example/..%2F..%2Fetc%00/x", ".pdf", "agency-example-etc-x"),
        ("https://xn--eul-lma.example/", ".html", "xn-eul-lma-example"),
        ("https://[2620:fe::9]/", ".html", "2620-fe-9"),
        ("https://agency.example/" + "lamp/" * 99, ".html", None),
        ("https://agency.example/" + "%E7%81%AF" * 99, ".html", None),
    ],
)
def test_name_has_the_words_of_the_address(
    url: str, suffix: str, words: str | None, folder: Path
) -> None:
    path = save(at(url, suffix), folder)
    stem, _, digest = path.stem.rpartition("-")
    assert words is None or stem == words
    assert (len(digest), path.suffix) == (8, suffix)
    assert path.parent == folder / "web"


def test_preview_writes_nothing(folder: Path) -> None:
    path_for(LAMP, folder)
    assert list(folder.iterdir()) == []


def test_same_address_again_is_written_over_and_another_is_not(folder: Path) -> None:
    first = save(LAMP, folder)
    others = [
        save(at(url), folder)
        for url in (
            "https://agency.example/news-the-lamp-report.html",
            "https://agency.example/news/the-lamp-report",
            URL + "?page=2",
            "https://agency.example/news/The-lamp-report.html",
            "http://agency.example/news/the-lamp-report.html",
        )
    ]
    again = save(replace(LAMP, content=b"<html>new", at=LAMP.at.replace(year=2032)), folder)
    assert again == first
    assert first.read_bytes() == b"<html>new"
    assert len({first, *others}) == 6
    assert all(path.read_bytes() == LAMP.content for path in others)


def test_file_beside_it_that_a_person_changed_is_kept(folder: Path) -> None:
    sidecar = save(LAMP, folder).with_name(path_for(LAMP, folder).name + ".meta.yaml")
    assert sidecar.read_text() == f"url: {URL}\n"
    sidecar.write_text("title: The lamp  # as we call it\n")
    save(LAMP, folder)
    assert sidecar.read_text() == "title: The lamp  # as we call it\n"


@pytest.mark.parametrize("odd", ["#", "'", ": x", "é", "?a=[1]&b={2}", "%0A"])
def test_odd_address_can_be_read_back(odd: str, folder: Path) -> None:
    path = save(at(f"https://agency.example/lamp{odd}"), folder)
    assert load_document(path, folder).metadata["url"] == f"https://agency.example/lamp{odd}"


def test_address_that_gives_another_format_now_is_refused(folder: Path) -> None:
    before = save(LAMP, folder)
    with pytest.raises(FetchError, match=rf"{URL}: it was saved as {before} before, and is .pdf"):
        save(replace(LAMP, suffix=".pdf"), folder)
    assert len(list((folder / "web").iterdir())) == 2


def test_corpus_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="set DIAMOND_CORPUS_DIR"):
        save(LAMP, tmp_path / "none")


def test_link_out_of_the_corpus_is_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "web").symlink_to(outside)
    with pytest.raises(FetchError, match="is a link; put a folder there"):
        save(LAMP, folder)
    assert list(outside.iterdir()) == []


def test_link_at_the_files_own_place_is_replaced(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.html"
    outside.write_text("owls")
    path = path_for(LAMP, folder)
    path.parent.mkdir()
    path.symlink_to(outside)
    save(LAMP, folder)
    assert outside.read_text() == "owls"
    assert not path.is_symlink()


def test_file_that_cannot_be_written_is_one_line(folder: Path) -> None:
    (folder / "web").write_text("in the way")
    with pytest.raises(FetchError, match=f"{URL}: .* cannot be written: File exists; see"):
        save(LAMP, folder)
