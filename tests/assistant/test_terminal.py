from dataclasses import replace

import pytest

from assistant.schema import Answer, Citation
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
