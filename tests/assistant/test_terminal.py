from dataclasses import replace

import pytest

from assistant.schema import Answer, Checked, Citation
from assistant.terminal import show_answer

OWL = Citation(1, "isle/owl", "The owl", "Gazette", None, None, "news", "Owls wake.", 12, 22)


@pytest.mark.parametrize(
    ("page", "place"), [(3, "characters 12–22 on page 3\n"), (None, "characters 12–22\n")]
)
def test_show_answer_says_the_page(
    page: int | None, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_answer(Answer("Who?", "Owls wake. [1]", citations=(replace(OWL, page=page),)))
    assert f"isle/owl, {place}" in capsys.readouterr().out


WRITTEN = Answer(
    question="What did it cost?",
    text="It cost 42 crowns. [1]",
    citations=(OWL,),
    model="openai:x",
    struck=True,
    sentences=(
        Checked("It cost 42 crowns.", "supported", (1,)),
        Checked("It cost 43 crowns.", "unsupported"),
    ),
)


def test_written_answer_has_its_struck_sentences_labelled(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_answer(WRITTEN)
    shown = " ".join(capsys.readouterr().out.split())
    assert "It cost 42 crowns. [1] It cost 43 crowns. (not found in the sources)" in shown
    assert "Written by openai:x, checked." in shown
    show_answer(replace(WRITTEN, struck=False))
    assert "43" not in capsys.readouterr().out


def test_answer_in_place_of_a_models_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    show_answer(replace(WRITTEN, fallback="the model said nothing"))
    out, err = capsys.readouterr()
    assert "The answer of openai:x is not shown: the model said nothing." in err
    assert "43" not in out
