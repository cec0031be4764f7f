import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import HashEmbedder
from files import FILES, HTML, samples

from assistant.errors import EmptyCorpus, FetchError, SettingsError, StoreError
from assistant.fetching import Fetched
from assistant.ingestion import ingest
from assistant.loading import load_document
from assistant.settings import Settings
from assistant.shelf import Added, Failure, Removed, add_files, add_page, name_of, remove, said

REPORT = FILES / "report.pdf"
AMBER = "trade/2030-11-20-amber-post-amber-export"
Load = Callable[[str, int], HashEmbedder]
URL = "https://agency.example/lamp"


def page(content: str = HTML, url: str = URL) -> Fetched:
    return Fetched(url, content.encode(), ".html", datetime.datetime.now(datetime.UTC))


def failure(result: Added | Removed | Failure) -> Failure:
    assert isinstance(result, Failure)
    return result


def names(folder: Path) -> list[str]:
    """Everything under a folder, hidden or not."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("suffix", sorted(samples().keys() - {".md"}))
def test_file_of_each_kind_is_a_document(suffix: str, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / f"The lamp{suffix}"
    path.write_bytes(samples()[suffix])
    [added] = add_files(settings, [path])
    assert isinstance(added, Added)
    assert added.path == settings.corpus_dir / "added" / path.name
    assert added.path.read_bytes() == path.read_bytes()
    document = load_document(added.path, settings.corpus_dir)
    assert (document.doc_id, document.metadata["title"]) == (added.doc_id, added.title)
    assert not list(settings.corpus_dir.glob(".*"))


def test_what_is_said_stands_beside_the_file(settings: Settings) -> None:
    [added] = add_files(settings, [REPORT], said(" The  report: 5 ", "Velmora", "2031-03-02"))
    assert isinstance(added, Added)
    assert added.title == "The report: 5"
    metadata = load_document(added.path, settings.corpus_dir).metadata
    assert (metadata["publisher"], metadata["published"]) == ("Velmora", "2031-03-02")


def test_what_is_said_has_to_be_usable(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="'soon'; expected a date"):
        said(published="soon")
    with pytest.raises(SettingsError, match="there are 2 files"):
        add_files(settings, [REPORT, REPORT], said("The report"))


def test_broken_file_is_named_and_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(REPORT.read_bytes()[:500])
    (tmp_path / "owl.exe").write_bytes(b"MZ")
    before = names(settings.corpus_dir)
    broken, program, gone, folder = (
        failure(result)
        for result in add_files(
            settings,
            [tmp_path / "broken.pdf", tmp_path / "owl.exe", tmp_path / "gone.txt", tmp_path],
        )
    )
    assert broken.file == tmp_path / "broken.pdf"
    assert broken.reason.startswith("not a whole .pdf file")
    assert program.reason.startswith(".exe cannot be read")
    assert "no such file" in gone.reason
    assert "no such file" in folder.reason
    assert names(settings.corpus_dir) == before


def test_one_that_is_broken_does_not_stop_the_others(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF")
    broken, report = add_files(settings, [tmp_path / "broken.pdf", REPORT])
    assert isinstance(broken, Failure)
    assert isinstance(report, Added)


def test_same_file_again_is_a_duplicate(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "copy.pdf").write_bytes(REPORT.read_bytes())
    first, again = add_files(settings, [REPORT, tmp_path / "copy.pdf"])
    assert isinstance(first, Added)
    later = add_files(settings, [REPORT])[0]
    for result in (again, later):
        assert "the same is there already, as 'added/report'" in failure(result).reason
    other = failure(add_files(settings, [settings.corpus_dir / f"{AMBER}.md"])[0])
    assert repr(AMBER) in other.reason
    assert names(settings.corpus_dir / "added") == ["report.pdf"]


@pytest.mark.parametrize("name", ["report.txt", "REPORT.txt", "report.pdf"])
def test_taken_name_is_told_and_nothing_overwritten(
    name: str, settings: Settings, tmp_path: Path
) -> None:
    add_files(settings, [REPORT], said("The report"))
    before = {n: (settings.corpus_dir / n).read_bytes() for n in names(settings.corpus_dir)}
    (tmp_path / name).write_text("Owls wake.")
    reason = failure(add_files(settings, [tmp_path / name])[0]).reason
    assert "give the file another name" in reason
    assert f"index remove 'added/{Path(name).stem}'" in reason
    assert {n: (settings.corpus_dir / n).read_bytes() for n in names(settings.corpus_dir)} == before


def test_sidecar_that_was_left_is_not_taken_for_another_files(
    settings: Settings, tmp_path: Path
) -> None:
    left = settings.corpus_dir / "added" / "lamp.txt.meta.yaml"
    left.parent.mkdir()
    left.write_text("title: The owl\n")
    (tmp_path / "lamp.txt").write_text("Owls wake.")
    assert (
        "another document has the name"
        in failure(add_files(settings, [tmp_path / "lamp.txt"])[0]).reason
    )


def test_digest_speaks_for_itself(settings: Settings, tmp_path: Path) -> None:
    text = (settings.corpus_dir / f"{AMBER}.md").read_text().replace(AMBER, "added/amber")
    path = tmp_path / "amber.md"
    path.write_text(text.replace("\n", "\r\n"), newline="")
    assert "its front matter says" in failure(add_files(settings, [path], said("Amber"))[0]).reason
    [added] = add_files(settings, [path])
    assert isinstance(added, Added)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("..", "document."),
        (".pdf", "document.pdf"),
        (".hidden.pdf", "hidden.pdf"),
        ("~$lamp.docx", "lamp.docx"),
        ("a\nb\u202efdp.exe.txt", "a b fdp.exe.txt"),
        ("..\\..\\lamp.txt", "lamp.txt"),
        ("灯台 1.TXT", "灯台 1.txt"),
        ("cafe\u0301.txt", "café.txt"),
        ("x" * 300 + ".txt", "x" * 150 + ".txt"),
        ("lamp." + "x" * 300, "lamp." + "x" * 20),
        ("README.md", "README.md"),
    ],
)
def test_name_is_one_that_any_system_takes(given: str, name: str) -> None:
    assert name_of(Path(given)) == name


def test_what_is_no_folder_is_left_alone(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (settings.corpus_dir / "added").symlink_to(tmp_path / "elsewhere")
    assert "is no folder" in failure(add_files(settings, [REPORT])[0]).reason
    assert names(tmp_path / "elsewhere") == []
    (settings.corpus_dir / "added").unlink()
    (settings.corpus_dir / "added").write_text("Owls wake.")
    assert "is no folder" in failure(add_files(settings, [REPORT])[0]).reason


def test_corpus_that_cannot_be_written_is_told(settings: Settings) -> None:
    for folder, error, words in (
        (Path("/proc/self"), StoreError, "cannot write into /proc/self"),
        (settings.corpus_dir / "nowhere", EmptyCorpus, "set DIAMOND_CORPUS_DIR"),
    ):
        elsewhere = settings.model_copy(update={"corpus_dir": folder})
        with pytest.raises(error, match=words):
            add_files(elsewhere, [REPORT])


def test_page_is_added_and_described(settings: Settings) -> None:
    added = add_page(settings, URL, said(publisher="Gazette"), lambda url: page(url=url))
    metadata = load_document(added.path, settings.corpus_dir).metadata
    assert added.doc_id.startswith("web/agency-example-lamp-")
    assert (metadata["publisher"], metadata["url"]) == ("Gazette", URL)
    assert added.title == metadata["title"] == "The lamp of Sorrel"


def test_page_that_changed_takes_the_place_of_what_it_was(settings: Settings) -> None:
    first = add_page(settings, URL, said(publisher="Gazette"), lambda url: page())
    second = add_page(settings, URL, said("Lamp"), lambda url: page(HTML.replace("42", "43")))
    assert second.path == first.path
    assert "43 million" in second.path.read_text()
    metadata = load_document(second.path, settings.corpus_dir).metadata
    assert (metadata["title"], metadata["publisher"]) == ("Lamp", "Gazette")


def test_page_that_cannot_be_read_leaves_what_it_was(settings: Settings) -> None:
    add_page(settings, URL, fetch=lambda url: page())
    before = names(settings.corpus_dir)
    empty = "<html><body><nav>Home</nav></body></html>"
    with pytest.raises(FetchError, match=f"{URL}: "):
        add_page(settings, URL, fetch=lambda url: page(empty))
    with pytest.raises(FetchError, match="the same is there already"):
        add_page(settings, URL, fetch=lambda url: page())
    with pytest.raises(FetchError, match="the same is there already, as 'web/agency-example-lamp"):
        add_page(settings, f"{URL}/2", fetch=lambda url: page(url=url))
    assert names(settings.corpus_dir) == before


def test_removed_document_can_be_had_again(settings: Settings) -> None:
    [added] = add_files(settings, [REPORT], said("The report"))
    assert isinstance(added, Added)
    before = names(settings.corpus_dir)
    removed, unknown, again = remove(settings, [added.doc_id, "added/owl", added.doc_id])
    assert isinstance(removed, Removed)
    assert removed.path.read_bytes() == REPORT.read_bytes()
    for result in (unknown, again):
        assert "no document of the corpus has this id" in failure(result).reason
    assert not added.path.exists()
    moved = removed.path.parents[1]  # what .removed/<time> stands for
    for path in moved.rglob("*.*"):
        path.rename(settings.corpus_dir / path.relative_to(moved))
    assert names(settings.corpus_dir) == before


def test_removed_documents_are_not_in_the_index(settings: Settings, load: Load) -> None:
    ingest(settings, load=load)
    remove(settings, [AMBER])
    report = ingest(settings, load=load)
    assert (report.removed, report.failed) == ((AMBER,), ())
