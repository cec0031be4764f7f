import pytest
from files import epub_file

from assistant.errors import UnreadableDocument
from assistant.loading.epub import read_epub
from assistant.loading.extracts import LIMITS

ENCRYPTED = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
 xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:CipherData>
<enc:CipherReference URI="{path}"/></enc:CipherData></enc:EncryptedData></encryption>"""


def test_read_epub_chapters_in_their_order() -> None:
    assert read_epub(epub_file(), LIMITS).text == "# One\n\nOwls wake.\n\n# Two\n\nGulls sleep."


def test_read_epub_what_it_declares() -> None:
    assert read_epub(epub_file(), LIMITS).declared == {
        "title": "The isle",
        "publisher": "Sorrel Press",
        "published": "2031-03-02",
        "language": "en",
        "url": None,
        "topics": ["owls"],
    }


def test_read_epub_protected_against_copying() -> None:
    encryption = {"META-INF__encryption.xml": ENCRYPTED.format(path="OEBPS/text/one.xhtml")}
    with pytest.raises(UnreadableDocument, match="protected against copying"):
        read_epub(epub_file(**encryption), LIMITS)


def test_read_epub_with_encrypted_fonts() -> None:
    encryption = {"META-INF__encryption.xml": ENCRYPTED.format(path="OEBPS/font.otf")}
    assert read_epub(epub_file(**encryption), LIMITS).text
