"""`diamond-assistant eval` as a person or a program meets it."""

import json
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from commands import in_process

from assistant.history import ConversationStore, Verdict
from assistant.schema import Answer

CORPUS = Path(__file__).parents[1] / "data" / "corpus"
AMBER = "trade/2030-11-20-amber-post-amber-export"
QUESTION = {
    "id": "q1",
    "type": "numeric",
    "question": "What yearly limit did Kelland set for amber sent abroad?",
    "must_include": ["900 tonnes"],
    "sources": [AMBER],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of indexes over the invented corpus, built when it is first asked."""
    place = tmp_path_factory.mktemp("indexes")
    (place / "main.toml").write_text(f'corpus_dir = "{CORPUS}"\n')
    return place


def evaluate(place: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    places = {"DIAMOND_INDEXES_DIR": str(place), "DIAMOND_DATA_DIR": str(place / "data")}
    return in_process(["eval", *map(str, arguments)], {**places, "COLUMNS": "120"})


def test_run_compare_and_junit(place: Path, tmp_path: Path) -> None:
    questions = tmp_path / "mine.jsonl"
    questions.write_text(json.dumps(QUESTION) + "\n")
    runs, junit = tmp_path / "runs", tmp_path / "junit.xml"
    for name, more in (("one", ()), ("two", ("--set", "answer_words=20"))):
        done = evaluate(
            place, "run", "--questions", questions, "--name", name, "--runs", runs,
            "--junit", junit, *more,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    [line] = (runs / "one" / "results.jsonl").read_text().splitlines()
    result = json.loads(line)
    assert result["metrics"]["accuracy"] == 1.0
    assert all(citation["resolves"] for citation in result["citations"])
    assert "accuracy" in done.stdout
    assert 'tests="1" failures="0" errors="0"' in junit.read_text()
    compared = evaluate(place, "compare", "one", "two", "--runs", runs)
    assert compared.returncode == 0, compared.stderr
    assert "accuracy" in compared.stdout


def test_run_says_which_quote_is_not_in_its_document(place: Path, tmp_path: Path) -> None:
    questions = tmp_path / "mine.jsonl"
    evidence = [{"document": AMBER, "quote": "Amber is cheap."}]
    questions.write_text(json.dumps({**QUESTION, "evidence": evidence}))
    done = evaluate(place, "run", "--questions", questions, "--runs", tmp_path / "runs")
    assert done.returncode == 0
    assert f"line 1: this is not in {AMBER}" in done.stderr
    assert "'Amber is cheap.'" in done.stderr


def test_run_without_a_name_takes_a_new_folder_or_the_interrupted_one(
    place: Path, tmp_path: Path
) -> None:
    questions = tmp_path / "mine.jsonl"
    questions.write_text(json.dumps(QUESTION) + "\n")
    command = ("run", "--questions", questions, "--runs", tmp_path / "runs")
    assert evaluate(place, *command).returncode == 0
    assert evaluate(place, *command).returncode == 0
    first, second = sorted((tmp_path / "runs").iterdir())
    assert second.name == f"{first.name}-2"
    (second / "INCOMPLETE").touch()
    assert evaluate(place, *command, "--resume").returncode == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2
    assert not (second / "INCOMPLETE").exists()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 1: not JSON"),
        ('{"id": "a", "question": "b", "type": "riddle"}', "line 1: field 'type'"),
        ('{"id": "a", "question": "b", "type": "list", "sources": ["x/y"]}', "no document 'x/y'"),
        ("", "there is no question in it"),
    ],
)
def test_run_of_bad_questions_is_one_line_and_leaves_no_folder(
    line: str, complaint: str, place: Path, tmp_path: Path
) -> None:
    questions = tmp_path / "mine.jsonl"
    questions.write_text(line)
    done = evaluate(place, "run", "--questions", questions, "--runs", tmp_path / "runs")
    assert done.returncode == 2
    assert complaint in done.stderr.splitlines()[-1]
    assert str(questions) in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["run", "--set", "answer_words"], "expected NAME=VALUE"),
        (["run", "--set", "colour=blue"], "NAME one of index,"),
        (["run", "--set", "top_k=none"], "setting 'top_k'"),
        (["run", "--name", "../out"], "a folder's name"),
        (["run", "--suite", "huge"], "huge"),
        (["compare", "one", "two"], "no run 'one'"),
        (["sweep", "no-such-file.toml"], "no-such-file.toml cannot be read"),
        (["retrieval", "--beir", "no-such-folder"], "is missing"),
        (["draft", "no-such-file"], "cannot be read"),
        (["draft", "--list", "no-such-file"], "cannot be read"),
    ],
)
def test_misuse_is_one_line_and_exits_with_2(
    arguments: list[str], complaint: str, place: Path, tmp_path: Path
) -> None:
    questions = tmp_path / "mine.jsonl"
    questions.write_text(json.dumps(QUESTION))
    more = {
        "run": ["--runs", tmp_path, "--questions", questions],
        "compare": ["--runs", tmp_path],
    }.get(arguments[0], [])
    done = evaluate(place, *arguments, *more)
    assert done.returncode == 2
    assert done.stdout == ""
    assert complaint in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_sweep_shows_a_row_for_every_combination(place: Path, tmp_path: Path) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text("dense_weight = [0.2, 0.8]\nanswer_words = [30]\n")
    questions = tmp_path / "mine.jsonl"
    questions.write_text(json.dumps(QUESTION) + "\n")
    done = evaluate(place, "sweep", grid, "--questions", questions)
    assert done.returncode == 0, done.stderr
    rows = [line.split()[:2] for line in done.stdout.splitlines()]
    assert rows == [["dense_weight", "answer_words"], ["0.2", "30"], ["0.8", "30"]]


def test_own_questions_on_another_corpus_name_the_first_document_missing(place: Path) -> None:
    done = evaluate(place, "gate")
    assert done.returncode == 2
    assert "no document 'package/" in done.stderr


def test_draft_prints_what_was_marked_wrong(place: Path, tmp_path: Path) -> None:
    feedback = tmp_path / "feedback.jsonl"
    feedback.write_text(
        json.dumps({"question": "What is amber?", "verdict": "wrong", "expected": "Resin."})
        + "\n"
        + json.dumps({"question": "What is glass?", "verdict": "right"})
    )
    done = evaluate(place, "draft", feedback)
    [line] = done.stdout.splitlines()
    assert json.loads(line)["answer"] == "Resin."


def test_draft_without_a_file_prints_what_was_marked_wrong_in_the_chat(tmp_path: Path) -> None:
    (tmp_path / "main.toml").touch()
    verdicts: tuple[Verdict, ...] = ("wrong", "right")
    nothing = evaluate(tmp_path, "draft")
    assert nothing.returncode == 2
    assert f"no conversations at {tmp_path / 'data' / 'conversations.db'}" in nothing.stderr
    with closing(ConversationStore.open(tmp_path / "data" / "conversations.db")) as store:
        conversation = store.new("ann", "What is amber?")
        assert evaluate(tmp_path, "draft").stdout == ""
        assert "There is no feedback yet." in evaluate(tmp_path, "draft", "--list").stdout
        for turn, verdict in enumerate(verdicts):
            store.append("ann", conversation, Answer(f"Question {turn}?", "Glass."))
            store.give_feedback("ann", conversation, turn, verdict, expected="Resin.")
        drafted, listed = evaluate(tmp_path, "draft"), evaluate(tmp_path, "draft", "--list")
    [line] = drafted.stdout.splitlines()
    assert json.loads(line)["answer"] == "Resin."
    assert "001" in listed.stdout
    assert "Question 1?" in listed.stdout
    assert "1 wrong, 1 right" in listed.stdout


def test_retrieval_agrees_with_figures_made_on_paper(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    texts = {
        "owls": "Owls keep watch over the harbour lamps at night.",
        "eels": "Eels pay the toll of the glass bridge in silver.",
        "gulls": "Gulls carry letters between the towers of Sorrel.",
    }
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": i, "text": text}) + "\n" for i, text in texts.items())
    )
    queries = {"q1": "Who watches the lamps?", "q2": "What do eels pay?", "q3": "unjudged"}
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": i, "text": text}) + "\n" for i, text in queries.items())
    )
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\towls\t1\nq2\tmissing\t1\n")
    done = evaluate(place, "retrieval", "--beir", folder, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["queries"], figures["documents"]) == (2, 3)
    assert figures["nDCG@10"] == pytest.approx(0.5)  # found first, and not there at all
    assert figures["R@10"] == pytest.approx(0.5)
    again = evaluate(place, "retrieval", "--beir", folder, "--json")
    assert json.loads(again.stdout) == figures
