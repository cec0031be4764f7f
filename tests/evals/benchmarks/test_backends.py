"""The benchmark of backends on a corpus of three documents."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals.cli import evaluate


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    texts = ("Owls watch the lamps.", "Eels pay the toll.", "Gulls carry letters.")
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": f"d{n}", "text": text}) + "\n" for n, text in enumerate(texts))
    )
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "Who watches the lamps?"}\n')
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\td0\t1\n")
    return folder


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIAMOND_INDEXES_DIR", str(tmp_path))
    (tmp_path / "main.toml").touch()
    monkeypatch.setattr("evals.retrieval.CACHE", tmp_path / "cache")


def test_speed_backends_compares_with_torch(beir: Path) -> None:
    done = CliRunner().invoke(evaluate, ["speed", "backends", "--beir", str(beir), "--json"])
    assert done.exit_code == 0, done.output
    first, *others = json.loads(done.stdout)
    assert first["backend"] == "torch"
    assert first["÷ torch"] == first["query ÷ torch"] == 1
    assert first["nDCG@10 dense"] == first["nDCG@10 hybrid"] == 1
    assert [row["backend"] for row in others] == ["torch-bf16", "onnx", "onnx-int8", "openvino"]
    for row in others:
        assert row.get("note") or (row["÷ torch"] > 0 and row["min cosine"] > 0.9)


def test_speed_backends_without_the_set_takes_our_corpus(tmp_path: Path) -> None:
    corpus = Path(__file__).parents[2] / "data" / "corpus"
    done = CliRunner().invoke(
        evaluate,
        ["speed", "backends", "--beir", str(tmp_path / "none"), "--passages", "3",
         "--set", f"corpus_dir={corpus}"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "our own corpus is embedded, without nDCG@10" in done.stderr
    assert done.stdout.split()[:2] == ["backend", "passages/s"]
    assert done.stdout.splitlines()[1].split()[:3:2] == ["torch", "1.0000"]
    assert "nDCG@10" not in done.stdout
