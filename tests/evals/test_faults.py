import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from assistant.answering.checks import Checker
from assistant.cli import commands
from assistant.loading import load_corpus
from evals import checking, faults
from evals.datasets import DatasetError, Evidence
from evals.faults import Outcome, Sample

CORPUS = Path(__file__).parents[2] / "corpus"
HALVES = ("dev", "test")


def sample(fault: faults.Fault = "none", sentence: str = "A lamp burns.") -> Sample:
    evidence = [Evidence(document="isle/lamp", quote="A lamp burns.")]
    return Sample(sentence=sentence, evidence=evidence, fault=fault)


@pytest.mark.parametrize("half", HALVES)
def test_every_quote_stands_in_its_document(half: str) -> None:
    texts = {document.doc_id: document.text for document in load_corpus(CORPUS)}
    for one in faults.load_samples(half):
        for cited in one.evidence:
            assert cited.quote in texts[cited.document]


def test_halves_have_no_document_in_common() -> None:
    dev, test = (
        {cited.document for one in faults.load_samples(half) for cited in one.evidence}
        for half in HALVES
    )
    assert not dev & test


def test_enough_sentences_were_written_by_hand() -> None:
    written = [one for half in HALVES for one in faults.load_samples(half)]
    assert sum(one.fault == "none" for one in written) >= 150
    assert sum(one.fault != "none" for one in written) >= 150


def test_injected_faults_are_the_same_each_time_and_change_the_sentence() -> None:
    sound = [one for one in faults.load_samples("dev") if one.fault == "none"][:20]
    made = faults.injected(sound)
    assert made == faults.injected(sound)
    assert {one.fault for one in made} >= {"number", "date", "name", "negation", "addition"}
    sentences = {one.sentence for one in sound}
    assert all(one.sentence not in sentences for one in made)


def test_load_samples_names_the_line_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faults_dev.jsonl").write_text('{"sentence": "A lamp."}\n')
    monkeypatch.setattr(faults, "GOLDEN", tmp_path)
    with pytest.raises(DatasetError, match="line 1: field required"):
        faults.load_samples("dev")


def test_table_counts_what_is_caught_and_by_which_check() -> None:
    outcomes = [
        Outcome(sample("number"), frozenset({"number"})),
        Outcome(sample("number"), frozenset()),
        Outcome(sample("name"), frozenset({"support"})),
        Outcome(sample(), frozenset({"number"})),
        Outcome(sample(), frozenset()),
    ]
    figures = faults.table(outcomes)
    assert figures["faults"]["number, written"]["caught"]["share"] == 0.5
    assert figures["faults"]["name, written"]["by"]["support"] == 1
    assert figures["false alarms"]["sound sentences"]["share"] == 0.5
    assert figures["checks"]["number"]["recall"]["share"] == 0.5
    assert figures["checks"]["number"]["precision"]["share"] == 0.5
    assert figures["checks"]["date"]["precision"]["share"] is None
    assert any("| number, written | 2 | 0.500 " in line for line in checking.lines(figures, "dev"))


def test_wrongly_judged_are_missed_faults_and_false_alarms() -> None:
    missed = Outcome(sample("number"), frozenset())
    alarm = Outcome(sample(), frozenset({"date"}))
    right = Outcome(sample(), frozenset())
    assert list(faults.wrongly_judged([missed, alarm, right])) == [missed, alarm]


def test_altered_numbers_and_dates_of_the_test_half_are_caught() -> None:
    documents = {document.doc_id: document for document in load_corpus(CORPUS)}
    samples = [
        one for one in faults.corpus_of("test") if one.fault in ("none", "number", "amount", "date")
    ]
    outcomes = faults.check_all(samples, Checker(), documents)
    wrong = [one for one in outcomes if one.sample.fault != "none"]
    sound = [one for one in outcomes if one.sample.fault == "none"]
    assert sum(one.caught for one in wrong) >= 0.98 * len(wrong)
    assert sum(bool(one.kinds & {"number", "date"}) for one in sound) <= 0.02 * len(sound)


def test_command_prints_the_table_or_json(monkeypatch: pytest.MonkeyPatch) -> None:
    few = faults.load_samples("test")[:6]
    monkeypatch.setattr(faults, "corpus_of", lambda half: few)
    shown = CliRunner().invoke(commands, ["eval", "checks", "--missed"], catch_exceptions=False)
    assert "| check | recall" in shown.output
    told = CliRunner().invoke(commands, ["eval", "checks", "--json"], catch_exceptions=False)
    figures = json.loads(told.stdout)
    assert set(figures) == {"faults", "false alarms", "checks"}
