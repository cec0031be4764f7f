"""The benchmark of builds, on an index of a few documents."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals.benchmarks.synthetic import replicate
from evals.cli import evaluate

CORPUS = Path(__file__).parents[2] / "data" / "corpus"


def test_speed_build_prints_three_ratios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIAMOND_INDEXES_DIR", str(tmp_path))
    (tmp_path / "main.toml").write_text(f'corpus_dir = "{CORPUS}"\n')
    arguments = ["speed", "build", "--documents", "20", "--embedded", "5", "--json"]
    done = CliRunner().invoke(evaluate, arguments)
    assert done.exit_code == 0, done.output
    full, nothing, one = json.loads(done.stdout)
    assert [row["documents"] for row in (full, nothing, one)] == ["5", "20", "20"]
    assert full["ratio"] == full["seconds"] / full["its seconds"] > 0
    assert 0 < nothing["ratio"] < one["ratio"]
    assert [row["at most"] for row in (full, nothing, one)] == [1.1, 0.02, 0.02]


def test_replicate_gives_each_copy_its_own_id_title_and_numbers(tmp_path: Path) -> None:
    replicate(CORPUS, tmp_path, documents=9)
    name = "trade/2030-11-20-amber-post-amber-export.md"
    second = (tmp_path / "copy-0001" / name).read_text()
    assert f"id: copy-0001/{name.removesuffix('.md')}\n" in second
    assert 'title: "copy-0001 Kelland limits the export of amber"\n' in second
    assert "published: 2030-11-20\n" in second
    assert "a limit of 901 tonnes a year" in second
    assert len(list(tmp_path.rglob("*.md"))) == 9
