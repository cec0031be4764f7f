"""The pointer, the lock and what is kept."""

import subprocess
import sys
from pathlib import Path

import pytest

from assistant.errors import IndexBusy, IndexNotBuilt, StoreError
from assistant.generations import Generations


def publish(generations: Generations, content_hash: str) -> str:
    with generations.building() as new:
        (new / "part").write_text(content_hash)
        generation = generations.next_id(content_hash)
        generations.publish(new, generation)
    return generation


def test_current_before_a_build_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(IndexNotBuilt, match=r"'main'.*diamond-assistant index build"):
        Generations(tmp_path / "main").current()


def test_publish_switches_to_the_new_generation(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "main")
    first = publish(generations, "aaaaaaaa1")
    second = publish(generations, "bbbbbbbb2")
    assert (first, second) == ("0001-aaaaaaaa", "0002-bbbbbbbb")
    assert generations.current().name == second
    assert (generations.current() / "part").read_text() == "bbbbbbbb2"
    assert generations.finished() == [first, second]


def test_building_that_fails_leaves_the_old_generation(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "main")
    first = publish(generations, "aaaaaaaa")
    with pytest.raises(RuntimeError), generations.building() as new:
        (new / "half").write_text("")
        raise RuntimeError
    assert generations.current().name == first
    assert generations.finished() == [first]
    assert not new.exists()


def test_building_clears_what_a_dead_builder_left(tmp_path: Path) -> None:
    left = tmp_path / "main" / "generations" / ".new" / "half"
    left.mkdir(parents=True)
    with Generations(tmp_path / "main").building() as new:
        assert list(new.iterdir()) == []


def test_building_twice_at_once_names_the_builder(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "main")
    program = (
        "import sys; from pathlib import Path; from assistant.generations import Generations\n"
        f"with Generations(Path({str(tmp_path / 'main')!r})).building():\n"
        "    print('building', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == "building\n"
        with pytest.raises(IndexBusy, match=f"process {builder.pid} since 20"):
            generations.building().__enter__()
        builder.kill()
    with generations.building() as new:  # a dead builder holds no lock
        assert new.is_dir()


def test_building_where_nothing_can_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "main").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot write the index at"):
        Generations(tmp_path / "main").building().__enter__()


def test_prune_keeps_the_newest_and_the_current(tmp_path: Path) -> None:
    generations = Generations(tmp_path / "main")
    published = [publish(generations, letter * 8) for letter in "abcd"]
    (tmp_path / "main" / "CURRENT").write_text(published[0])
    assert generations.prune(keep=2) == [published[1]]
    assert generations.finished() == [published[0], *published[2:]]
