import json
from pathlib import Path

import pytest

from evals.datasets import DatasetError
from evals.gating import LIMITS, accept, shortfalls
from evals.runner import Run

NO_LIMITS = "tolerance = 0.02\n[at_least]\n[at_most]\n"


def run(**groups: dict[str, float]) -> Run:
    """A run with these means by group."""
    means = {
        group: {name: {"value": value} for name, value in by_name.items()}
        for group, by_name in groups.items()
    }
    return Run("night", {}, (), {"means": means})


def limits(folder: Path, text: str = NO_LIMITS) -> Path:
    path = folder / "gate.toml"
    path.write_text(text, encoding="utf-8")
    return path


def baseline(folder: Path, **figures: float) -> Path:
    path = folder / "baseline.json"
    path.write_text(json.dumps({"quick": figures}))
    return path


def found(folder: Path, one: Run, text: str = NO_LIMITS, **accepted: float) -> list[str]:
    """The shortfalls of a run under these limits, with these figures accepted."""
    return shortfalls(one, "quick", limits(folder, text), baseline(folder, **accepted))


@pytest.mark.parametrize("value", [0.5, 0.51, 1.0])
def test_shortfalls_none_from_the_limit_on(tmp_path: Path, value: float) -> None:
    text = "tolerance = 0\n[at_least.all]\naccuracy = 0.5\n[at_most]\n"
    assert found(tmp_path, run(all={"accuracy": value}), text) == []


def test_shortfalls_name_what_is_too_low(tmp_path: Path) -> None:
    text = 'tolerance = 0\n[at_least.off-topic]\n"doc R@5" = 0.5\n[at_most]\n'
    one = run(**{"all": {"doc R@5": 0.9}, "off-topic": {"doc R@5": 0.499}})
    assert found(tmp_path, one, text) == ["off-topic: doc R@5 is 0.499, must be at least 0.5"]


@pytest.mark.parametrize(("value", "count"), [(89.0, 0), (90.0, 0), (90.5, 1)])
def test_shortfalls_name_what_is_too_high(tmp_path: Path, value: float, count: int) -> None:
    text = "tolerance = 0\n[at_least]\n[at_most.all]\nwords = 90\n"
    lines = found(tmp_path, run(all={"words": value}), text)
    assert lines == [f"all: words is {value:.3f}, must be at most 90"] * count


@pytest.mark.parametrize("rule", ["at_least", "at_most"])
@pytest.mark.parametrize("group", ["all", "none"])
def test_shortfalls_name_a_missing_figure(tmp_path: Path, rule: str, group: str) -> None:
    other = "at_most" if rule == "at_least" else "at_least"
    text = f"tolerance = 0\n[{rule}.{group}]\nrefused = 0.5\n[{other}]\n"
    (line,) = found(tmp_path, run(all={"accuracy": 1.0}), text)
    assert line.startswith(f"{group}: refused is missing, must be")


def test_shortfalls_name_a_figure_worse_than_the_baseline(tmp_path: Path) -> None:
    assert found(tmp_path, run(all={"accuracy": 0.47}), accuracy=0.5) == [
        "all: accuracy is 0.470, the baseline has 0.500"
    ]


@pytest.mark.parametrize("value", [0.485, 0.5, 0.9])
def test_shortfalls_none_within_the_tolerance(tmp_path: Path, value: float) -> None:
    assert found(tmp_path, run(all={"accuracy": value}), accuracy=0.5) == []


@pytest.mark.parametrize(("was", "value"), [(0.5, 0.48), (0.9, 0.88), (0.6, 0.58)])
def test_shortfalls_none_exactly_at_the_tolerance(tmp_path: Path, was: float, value: float) -> None:
    assert found(tmp_path, run(all={"accuracy": value}), accuracy=was) == []


@pytest.mark.parametrize(("value", "count"), [(0.0, 0), (0.11, 0), (0.13, 1), (0.9, 1)])
def test_shortfalls_more_false_abstentions_are_worse(
    tmp_path: Path, value: float, count: int
) -> None:
    one = run(all={"false_abstention": value})
    assert len(found(tmp_path, one, false_abstention=0.1)) == count


@pytest.mark.parametrize(("value", "count"), [(10.0, 0), (101.5, 0), (102.5, 1)])
def test_shortfalls_words_may_grow_by_a_share(tmp_path: Path, value: float, count: int) -> None:
    """2 % of 100 words are two words."""
    assert len(found(tmp_path, run(all={"words": value}), words=100.0)) == count


def test_shortfalls_name_a_figure_that_only_the_baseline_has(tmp_path: Path) -> None:
    assert found(tmp_path, run(all={"accuracy": 0.5}), refused=0.9) == [
        "all: refused is missing, the baseline has 0.900"
    ]


def test_shortfalls_of_a_run_without_figures(tmp_path: Path) -> None:
    assert found(tmp_path, run(), refused=0.9) == [
        "all: refused is missing, the baseline has 0.900"
    ]


def test_shortfalls_ignore_the_baseline_of_another_suite(tmp_path: Path) -> None:
    one, accepted = run(all={"accuracy": 0.1}), baseline(tmp_path, accuracy=0.9)
    assert len(shortfalls(one, "quick", limits(tmp_path), accepted)) == 1
    assert shortfalls(one, "full", limits(tmp_path), accepted) == []


def test_shortfalls_without_a_baseline(tmp_path: Path) -> None:
    one = run(all={"accuracy": 0.1})
    assert shortfalls(one, "quick", limits(tmp_path), tmp_path / "none.json") == []


def test_shortfalls_are_all_told(tmp_path: Path) -> None:
    text = "tolerance = 0.02\n[at_least.all]\naccuracy = 0.5\n[at_most.all]\nwords = 90\n"
    one = run(all={"accuracy": 0.4, "words": 95.0})
    assert [line.split(" is ")[0] for line in found(tmp_path, one, text, accuracy=0.6)] == [
        "all: accuracy",
        "all: words",
        "all: accuracy",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "",
        "[at_least]\n[at_most]\n",
        "tolerance = 0.02\n[at_least]\n",
        "tolerance = 'much'\n[at_least]\n[at_most]\n",
        "tolerance = 0.02\nat_least = 3\n[at_most]\n",
        "tolerance = 0.02\n[at_least]\naccuracy = 0.5\n[at_most]\n",
        "tolerance = 0.02\n[at_least]\n[at_most.all]\nwords = 'few'\n",
    ],
)
def test_shortfalls_name_a_broken_limits_file(tmp_path: Path, text: str) -> None:
    with pytest.raises(DatasetError) as caught:
        found(tmp_path, run(all={"accuracy": 0.5, "words": 9.0}), text)
    assert str(caught.value).startswith(str(tmp_path / "gate.toml"))


def test_shortfalls_name_a_missing_limits_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.toml cannot be used"):
        shortfalls(run(), "quick", tmp_path / "none.toml", tmp_path / "none.json")


@pytest.mark.parametrize("content", ["", "{", "<<<<<<< HEAD\n{}"])
def test_shortfalls_name_a_broken_baseline(tmp_path: Path, content: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match="baseline"):
        shortfalls(run(all={"accuracy": 0.5}), "quick", limits(tmp_path), path)


def test_accept_makes_a_run_its_own_baseline(tmp_path: Path) -> None:
    one, path = run(all={"accuracy": 2 / 3, "words": 76.2}, date={"accuracy": 0.0}), tmp_path / "b"
    accept(one, "quick", path)
    assert json.loads(path.read_text()) == {"quick": {"accuracy": 0.666667, "words": 76.2}}
    assert shortfalls(one, "quick", limits(tmp_path), path) == []
    worse = run(all={"accuracy": 0.6, "words": 76.2})
    assert len(shortfalls(worse, "quick", limits(tmp_path), path)) == 1


def test_accepted_run_passes_without_tolerance(tmp_path: Path) -> None:
    one, path = run(all={"accuracy": 2 / 3}), tmp_path / "b"
    accept(one, "quick", path)
    strict = limits(tmp_path, "tolerance = 0\n[at_least]\n[at_most]\n")
    assert shortfalls(one, "quick", strict, path) == []


def test_accept_keeps_other_suites(tmp_path: Path) -> None:
    path = baseline(tmp_path, accuracy=0.5)
    accept(run(all={"accuracy": 0.75}), "full", path)
    accept(run(all={"refused": 1.0}), "full", path)
    assert json.loads(path.read_text()) == {
        "full": {"refused": 1.0},
        "quick": {"accuracy": 0.5},
    }


def test_our_own_limits_and_baseline_can_be_used() -> None:
    missing = shortfalls(run(all={}), "quick")
    assert LIMITS.is_file()
    assert any(line.startswith("off-topic: refused is missing") for line in missing)
    assert any("accuracy is missing, the baseline has" in line for line in missing)
