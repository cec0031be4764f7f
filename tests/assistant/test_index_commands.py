"""The `index` commands, with the real model on a small corpus."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import in_process

DATA = Path(__file__).parents[1] / "data"
AMBER = "trade/2030-11-20-amber-post-amber-export"


class Place:
    """An index of the invented corpus in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.corpus = Path(shutil.copytree(DATA / "corpus", folder / "corpus"))
        self.indexes = folder / "indexes"
        self.indexes.mkdir()
        (self.indexes / "main.toml").write_text(f'corpus_dir = "{self.corpus}"\n')

    @property
    def environment(self) -> dict[str, str]:
        return {"DIAMOND_INDEXES_DIR": str(self.indexes)}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return in_process(["index", *arguments], self.environment)

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode in (0, 4), done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Built once; tests must leave it as it was."""
    place = Place(tmp_path_factory.mktemp("index"))
    done = place.run("build")
    assert done.returncode == 0, done.stderr
    assert "Embedding passages: 5" in done.stderr
    return place


@pytest.fixture
def place(built: Place, tmp_path: Path) -> Place:
    """A copy of it, to change at will."""
    place = Place(tmp_path)
    shutil.copytree(built.indexes / "main", place.indexes / "main")
    return place


def test_build_dry_run_builds_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    said = place.run("build", "--dry-run")
    assert "A build would add 4 documents." in said.stdout
    assert not (place.indexes / "main" / "CURRENT").exists()


def test_build_with_a_broken_file_takes_the_others_and_says_so(place: Place) -> None:
    (place.corpus / "broken.pdf").write_text("no PDF")
    (place.corpus / "owl.txt").write_text("Owls wake at night.")
    done = place.run("build")
    assert done.returncode == 4
    assert "5 documents (1 added, 4 unchanged, 1 not readable)" in " ".join(done.stdout.split())
    assert "broken.pdf: not a whole .pdf file" in done.stdout
    report = place.json("build")
    assert report["added"] == []
    assert [failure["file"] for failure in report["failed"]] == [str(place.corpus / "broken.pdf")]


def test_build_from_another_folder(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "owl.txt").write_text("Owls wake at night.")
    report = place.json("build", "--from", str(tmp_path / "other"))
    assert (report["added"], report["documents"]) == (["owl"], 1)
    assert place.json("status")["built_from"] == [str(tmp_path / "other")]


def test_status_names_each_change(place: Place) -> None:
    path = place.corpus / f"{AMBER}.md"
    text = path.read_text()
    path.unlink()
    (place.corpus / "trade" / "amber.md").write_text(text.replace(AMBER, "trade/amber"))
    (place.corpus / "owl.txt").write_text("Owls wake at night.")
    said = place.run("status")
    assert said.returncode == 0
    assert f"renamed  {AMBER} → trade/amber" in said.stdout
    assert "added  owl" in said.stdout
    status = place.json("status")
    assert status["renamed"] == [[AMBER, "trade/amber"]]
    assert status["generations"] == [status["generation"]]


def test_list_shows_documents_and_generations(built: Place) -> None:
    documents = built.json("list")
    assert documents[0]["id"] == AMBER
    assert {row["passages"] for row in documents} == {1, 2}
    assert "amber-export" in built.run("list").stdout
    [generation] = built.json("list", "--generations")
    assert generation["answers"] is True


def test_add_and_remove(place: Place, tmp_path: Path) -> None:
    (tmp_path / "owls.txt").write_text("The owl of Sorrel wakes at nine in the evening.")
    (tmp_path / "broken.pdf").write_text("no PDF")
    files = [str(tmp_path / "owls.txt"), str(tmp_path / "broken.pdf")]
    done = place.run("add", *files, "--publisher", "Owl Office", "--published", "2031-01-31")
    assert done.returncode == 4
    assert "broken.pdf: not a whole .pdf file" in done.stderr
    assert "1 added, 4 unchanged" in done.stdout
    [row] = [row for row in place.json("list") if row["id"] == "added/owls"]
    assert (row["publisher"], row["published"]) == ("Owl Office", "2031-01-31")
    again = place.run("add", files[0])
    assert again.returncode == 4
    assert "there already, as 'added/owls'" in again.stderr
    gone = place.run("remove", "added/owls", "nowhere")
    assert gone.returncode == 4
    assert "nowhere" in gone.stderr
    assert "added/owls" not in [row["id"] for row in place.json("list")]


def test_add_and_remove_dry_run_look_and_change_nothing(place: Place, tmp_path: Path) -> None:
    (tmp_path / "owls.txt").write_text("The owl of Sorrel wakes at nine in the evening.")
    (tmp_path / "broken.pdf").write_text("no PDF")
    before = sorted(place.corpus.rglob("*"))
    done = place.run("add", str(tmp_path / "owls.txt"), str(tmp_path / "broken.pdf"), "--dry-run")
    assert done.returncode == 4
    assert "Would add added/owls" in done.stdout
    assert "broken.pdf: not a whole .pdf file" in done.stderr
    said = place.json("remove", AMBER, "nowhere", "--dry-run")
    assert [row["id"] for row in said["documents"]] == [AMBER]
    assert (len(said["failed"]), said["build"], said["done"]) == (1, None, False)
    assert sorted(place.corpus.rglob("*")) == before
    assert [row["answers"] for row in place.json("list", "--generations")] == [True]


def test_add_takes_the_sidecar_along_and_says_it_to_programs(place: Place, tmp_path: Path) -> None:
    (tmp_path / "owls.txt").write_text("The owl of Sorrel wakes at nine in the evening.")
    (tmp_path / "owls.txt.meta.yaml").write_text("title: Owls\npublisher: Owl Office\n")
    added = place.json("add", str(tmp_path / "owls.txt"), "--publisher", "Velmora")
    assert [row["id"] for row in added["documents"]] == ["added/owls"]
    assert added["build"]["added"] == ["added/owls"]
    [row] = [row for row in place.json("list") if row["id"] == "added/owls"]
    assert (row["title"], row["publisher"]) == ("Owls", "Velmora")


def test_add_of_an_address_on_this_machine_is_refused(place: Place) -> None:
    done = place.run("add", "http://127.0.0.1/secret")
    assert done.returncode == 4
    assert "127.0.0.1" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_rollback_and_prune(place: Place) -> None:
    [first] = [row["generation"] for row in place.json("list", "--generations")]
    (place.corpus / "owl.txt").write_text("Owls wake at night.")
    second = place.json("build")["generation"]
    assert f"{first} would answer" in place.run("rollback", "--dry-run").stdout
    assert place.json("rollback")["generation"] == first
    assert "owl" not in [row["id"] for row in place.json("list")]
    assert place.json("rollback", second)["before"] == first
    refused = place.run("rollback", "0009-00000000")
    assert refused.returncode == 2
    assert f"there are {first}, {second}" in refused.stderr
    assert place.json("prune", "--keep", "1", "--dry-run")["deleted"] == [first]
    assert place.json("prune", "--keep", "1")["deleted"] == [first]
    assert [row["generation"] for row in place.json("list", "--generations")] == [second]


def test_verify(place: Place) -> None:
    assert place.run("verify").stdout == "All is well.\n"
    [generation] = (place.indexes / "main" / "generations").iterdir()
    vocabulary = generation / "vocabulary.json"
    vocabulary.write_text(vocabulary.read_text() + " ")
    damaged = place.run("verify")
    assert damaged.returncode == 1
    assert "vocabulary.json" in damaged.stdout
    assert place.run("build", "--anew").returncode == 0
    assert place.run("verify").returncode == 0


def test_watch_builds_when_the_corpus_changes(place: Place) -> None:
    command = [sys.executable, "-m", "assistant", "index", "watch", "--every", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **place.environment}
    ) as watching:
        try:
            assert watching.stdout is not None
            assert "Nothing changed" in watching.stdout.readline()
            (place.corpus / "owl.txt").write_text("Owls wake at night.")
            assert "is live" in watching.stdout.readline()
            assert "1 added, 4 unchanged" in watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            assert watching.wait(20) == 130
        finally:
            watching.kill()
