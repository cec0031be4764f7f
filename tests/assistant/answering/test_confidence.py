import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import NodeWithScore
from sentences import candidate

from assistant.answering.candidates import Candidate
from assistant.answering.confidence import Calibration, Logistic, in_words, signals_of
from assistant.answering.questions import AskedFor
from assistant.errors import SettingsError

ANSWERED = {"bias": -1.0, "weights": {"evidence": 0.5, "cosine": 2.0}}
FITTED: dict[str, Any] = {
    "on_topic": {"bias": 100.0, "weights": {"cosine": 0.0}},  # as good as certain
    "if_on_topic": ANSWERED,
    "abstain_below": 0.5,
    "nothing_below": 0.1,
    "fitted_on": {"questions": 7},
}
CALIBRATION = Calibration.model_validate(FITTED)
ASKED = AskedFor.of(
    "How many owls lit the lamp?", {"owl": 3.0, "lamp": 1.0, "lit": 1.0}.__getitem__
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def signals(
    *candidates: Candidate,
    asked: AskedFor = ASKED,
    cosines: tuple[float, ...] = (),
) -> dict[str, float]:
    """The signals of sentences that are a passage each, the best first."""
    passages = []
    for found, cosine in zip(candidates, cosines or (0.5,) * len(candidates), strict=True):
        found.passage.metadata["cosine"] = cosine
        passages.append(NodeWithScore(node=found.passage, score=0.0))
    return signals_of(asked, passages, candidates)


def test_load_reads_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(CALIBRATION.model_dump_json())
    assert Calibration.load(path) == CALIBRATION


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{broken",
        json.dumps({**FITTED, "on_topic": {**ANSWERED, "bias": "much"}}),
        json.dumps({**FITTED, "if_on_topic": {**ANSWERED, "weights": [1, 2]}}),
        json.dumps({name: value for name, value in FITTED.items() if name != "abstain_below"}),
        "\x00\udcff",
    ],
)
def test_load_of_no_calibration_names_path_and_command(text: str, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as caught:
        Calibration.load(path)
    assert str(caught.value).startswith(f"calibration {path} cannot be read (")
    assert str(caught.value).endswith("): run `diamond-assistant eval calibrate`")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["none.json", "."])
def test_load_of_no_file_names_path_and_command(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read \(.*\): run `.* eval calibrate`"):
        Calibration.load(tmp_path / name)


def test_probability_is_a_half_where_nothing_speaks() -> None:
    """-1 + 0.5 · 0 + 2 · 0.5 = 0"""
    assert CALIBRATION.probability({"evidence": 0.0, "cosine": 0.5}) == pytest.approx(0.5)


def test_probability_is_the_logistic_function_of_the_signals() -> None:
    """-1 + 0.5 · 4 + 2 · 0 = 1, whatever else is known"""
    found = CALIBRATION.probability({"evidence": 4.0, "cosine": 0.0, "kind": 9.0})
    assert found == pytest.approx(0.7310586)


def test_probability_is_that_of_both_the_topic_and_the_answer() -> None:
    """Half of a half."""
    even = Logistic(bias=0.0, weights={})
    unsure = CALIBRATION.model_copy(update={"on_topic": even, "if_on_topic": even})
    assert (unsure.topic({}), unsure.probability({})) == (0.5, 0.25)


@given(FLOATS, FLOATS)
def test_probability_of_any_signals_is_one(evidence: float, cosine: float) -> None:
    assert 0 <= CALIBRATION.probability({"evidence": evidence, "cosine": cosine}) <= 1


@given(st.floats(-8, 8), st.floats(-8, 8))
def test_probability_grows_with_a_signal_that_speaks_for_it(one: float, other: float) -> None:
    low, high = (
        CALIBRATION.probability({"evidence": value, "cosine": 0.5})
        for value in sorted([one, other])
    )
    assert low <= high


def test_signals_of_two_passages() -> None:
    """`owl` weighs 3 of 5; the context of either says `Bridge`."""
    found = signals(
        candidate("The 2 owls wake.", "a", logit=1.5),
        candidate("The lamp lit the owls.", "b", logit=2.5),
        cosines=(0.25, 0.75),
    )
    odds = math.exp(1.5) + math.exp(2.5)
    assert found == {
        "evidence": pytest.approx(math.log(odds)), "cosine": 0.75, "together": 1.0,
    }  # fmt: skip


def test_signals_are_named_as_the_calibration_names_them() -> None:
    packaged = Path(__file__).parents[3] / "assistant" / "answering" / "calibration.json"
    fitted = Calibration.load(packaged)
    named = {*fitted.on_topic.weights, *fitted.if_on_topic.weights}
    assert named <= set(signals(candidate("Owls.")))


@pytest.mark.parametrize(("logit", "signal"), [(90.0, 8.0), (-90.0, -8.0), (7.5, 7.5)])
def test_signals_of_the_model_are_within_bounds(logit: float, signal: float) -> None:
    assert signals(candidate("Owls.", logit=logit))["evidence"] == signal


def test_signals_of_several_that_may_answer_are_those_of_one_that_does() -> None:
    """Even odds twice are odds of two; a sentence beyond the window adds nothing."""
    twice = signals(candidate("Owls.", "a"), candidate("Owls!", "b"), candidate("Off.", logit=-20))
    assert twice["evidence"] == pytest.approx(math.log(2))


def test_signal_together_is_of_one_passage() -> None:
    """Terms that stand in two passages do not stand together."""
    apart = signals(candidate("The owls.", "a"), candidate("It lit the lamp.", "b"))
    assert apart["together"] == 0.6


def test_signals_read_the_context() -> None:
    bridge = AskedFor({"bridg": 3.0, "lamp": 1.0}, ())
    found = signals(candidate("Owls wake."), asked=bridge)
    assert found["together"] == 0.75


def test_signals_do_not_read_the_scores_of_a_passage() -> None:
    """A search writes its scores into the metadata: no document says them."""
    asked = AskedFor({"0.5": 1.0}, ())
    assert signals(candidate("Owls wake."), asked=asked, cosines=(0.5,))["together"] == 0.0


def test_signal_cosine_of_passages_without_one() -> None:
    owl = candidate("Owls wake.")
    found = signals_of(ASKED, [NodeWithScore(node=owl.passage)], [owl])
    assert found["cosine"] == 0.0


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(1.0, "high"), (0.85, "high"), (0.849, "fair"), (0.6, "fair"), (0.599, "low"), (0.0, "low")],
)
def test_in_words(confidence: float, word: str) -> None:
    assert in_words(confidence) == word
