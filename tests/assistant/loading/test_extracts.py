import pytest

from assistant.loading.extracts import Extract, clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Owls\r\nwake\rat\u2028night", "Owls\nwake\nat\nnight"),
        ("cafe\u0301", "café"),
        ("o\ufb03ce", "office"),
        ("lamp\u00adlight\u200b", "lamplight"),
        ("Owls\x00 \x1bwake\ud800", "Owls wake"),
        ("10² m², Ⅷ, ½", "10² m², Ⅷ, ½"),
        ("\towls\n", "\towls\n"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_of_pages_blank_pages_at_the_ends() -> None:
    found = Extract.of_pages(["", "Owls wake.", "  \n", "Gulls sleep.", ""])
    assert found.text == "Owls wake.\n\nGulls sleep."
    assert found.pages == (0, 0, 10, 12, 24)


def test_of_pages_without_pages() -> None:
    assert Extract.of_pages([]) == Extract("")
