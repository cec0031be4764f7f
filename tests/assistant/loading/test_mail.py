import pytest
from files import eml_file

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import LIMITS
from assistant.loading.mail import read_eml

HEADING = """- From: Ada Finn <ada@sorrel.example>

- To: Bo Lund <bo@oster.example>

- Date: Sun, 02 Mar 2031 23:30:00 -0500

- Subject: The lamp"""


@pytest.mark.parametrize("html", [False, True])
def test_read_eml_as_text_or_html(html: bool) -> None:
    text = read_eml(eml_file(html=html), LIMITS).text
    assert text.strip() == f"{HEADING}\n\nThe lamp burns whale song. Owls wake."


def test_read_eml_names_what_is_attached() -> None:
    text = read_eml(eml_file(attached="owl.pdf"), LIMITS).text
    assert text.startswith(f"{HEADING}\n\n- Attached: owl.pdf\n\nThe lamp")


def test_read_eml_what_it_declares() -> None:
    declared = read_eml(eml_file(), LIMITS).declared
    assert (declared["title"], declared["publisher"]) == ("The lamp", "Ada Finn")
    assert declared["published"] == "2031-03-02"  # where it was sent; in UTC it is the next day


@pytest.mark.parametrize("date", ["", "Date: yesterday\n"])
def test_read_eml_without_a_date(date: str) -> None:
    found = read_eml(f"From: ada@sorrel.example\n{date}\nOwls wake.\n".encode(), LIMITS)
    assert found.declared["published"] is None
    assert found.declared["publisher"] == "ada@sorrel.example"


def test_read_eml_that_is_no_message() -> None:
    with pytest.raises(UnreadableDocument, match="no message: it has neither sender nor subject"):
        read_eml(b"Owls wake.\n", LIMITS)
