"""The benchmark of sizes, on two indexes of a few passages."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from evals.cli import evaluate


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIAMOND_INDEXES_DIR", str(tmp_path))
    (tmp_path / "main.toml").touch()


def test_speed_scale_compares_with_the_first_size() -> None:
    done = CliRunner().invoke(evaluate, ["speed", "scale", "--sizes", "400,800", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    sizes = [(row["passages"], row["filtered"]) for row in rows]
    assert sizes == [(size, share) for size in ("400", "800") for share in ("", "1.4 %", "30 %")]
    assert rows[0]["÷ first"] == rows[0]["with encoding ÷ first"] == 1
    assert all(row["p50 ms"] / rows[0]["p50 ms"] == row["÷ first"] for row in rows)
    assert rows[3]["disk MiB"] > rows[0]["disk MiB"] > 0


def test_speed_scale_of_no_number() -> None:
    done = CliRunner().invoke(evaluate, ["speed", "scale", "--sizes", "1000,many"])
    assert "--sizes 1000,many: expected numbers such as 1000,10000" in str(done.exception)
