import codecs
import io
import zipfile

import pytest
from files import HTML

from assistant.errors import FetchError
from assistant.fetching.content import understand
from assistant.loading import LIMITS
from assistant.loading.formats import extract

OFFICE = "application/vnd.openxmlformats-officedocument."
PAGE = HTML.replace('<meta charset="utf-8">', "")


def archive(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name in names:
            made.writestr(name, "owls")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content_type", "path", "content", "suffix"),
    [
        ("text/html; x=y", "/report.pdf", b"x", ".html"),
        ("TEXT/HTML", "/", b"x", ".html"),
        ("application/xhtml+xml", "/", b"x", ".xhtml"),
        ("application/pdf", "/lamp.php", b"x", ".pdf"),
        (OFFICE + "wordprocessingml.document", "/", b"x", ".docx"),
        ("text/csv", "/", b"x", ".csv"),
        ("text/plain", "/lamp.md", b"x", ".md"),
        ("application/octet-stream", "/LAMP.XLSX", b"x", ".xlsx"),
        ("application/octet-stream", "/download", b"%PDF-1.7 ...", ".pdf"),
        ("", "/download", b"\n%PDF-1.7 ...", ".pdf"),
        ("", "/", b"\xef\xbb\xbf\n<!-- --><!DOCTYPE html>", ".html"),
        ("", "/", b"<HTML lang=en>", ".html"),
        ("application/zip", "/", archive("a", "word/document.xml"), ".docx"),
        ("application/zip", "/", archive("ppt/presentation.xml"), ".pptx"),
        ("application/zip", "/", archive("xl/workbook.xml"), ".xlsx"),
        ("application/octet-stream", "/", archive("META-INF/container.xml"), ".epub"),
        ("text/plain", "/lamp", b"Owls wake.", ".txt"),
    ],
)
def test_suffix_is_the_servers_then_the_paths_then_the_contents(
    content_type: str, path: str, content: bytes, suffix: str
) -> None:
    assert understand(content_type, path, content) == (suffix, content)


@pytest.mark.parametrize(
    ("content_type", "path", "content"),
    [
        ("image/png", "/lamp.html", b"x"),
        ("application/json", "/", b"{}"),
        ("application/octet-stream", "/lamp.exe", b"MZ"),
        ("", "/", b"Owls wake."),
        ("text/plain", "/", b"\0\1"),
        ("application/zip", "/", archive("owls.txt")),
        ("application/zip", "/", b"PK\3\4 broken"),
    ],
)
def test_what_nothing_reads_is_refused(content_type: str, path: str, content: bytes) -> None:
    with pytest.raises(FetchError):
        understand(content_type, path, content)


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        *[(name, name) for name in ("utf-8", "windows-1252", "utf-16", "utf-16-le", "UTF-16BE")],
        ("iso-8859-1", "iso-8859-1"),
        ("latin1", "cp1252"),
        ('"utf-8"', "utf-8"),
        ("us-ascii", "cp1252"),
    ],
)
def test_text_arrives_in_the_encoding_that_the_server_names(charset: str, encoding: str) -> None:
    suffix, content = understand(f"text/html; charset={charset}", "/", PAGE.encode(encoding))
    assert "keeper in the café on Monday" in extract(suffix, content, LIMITS).text


def test_servers_encoding_comes_before_the_pages() -> None:
    wrong = HTML.replace('charset="utf-8"', 'charset="koi8-r"')
    _, content = understand("text/html; charset=windows-1252", "/", wrong.encode("cp1252"))
    assert "café" in extract(".html", content, LIMITS).text


def test_mark_in_the_text_comes_before_the_servers_encoding() -> None:
    content = codecs.BOM_UTF16_LE + PAGE.encode("utf-16-le")
    assert understand("text/html; charset=latin-1", "/", content) == (".html", content)


def test_quotes_in_what_calls_itself_latin_1_are_those_that_browsers_show() -> None:
    _, content = understand("text/plain; charset=iso-8859-1", "/", b"\x93Owls\x94")
    assert content.decode("utf-8-sig") == "“Owls”"
    _, content = understand("text/plain; charset=iso-8859-1", "/", b"\x81Owls")
    assert content.decode("utf-8-sig") == "\x81Owls"


@pytest.mark.parametrize("charset", ["nonsense", "punycode", "idna", "utf-7", "a\0b"])
def test_encoding_that_is_none_is_left_to_the_reader(charset: str) -> None:
    content = HTML.encode()
    assert understand(f"text/html; charset={charset}", "/", content)[1] == content


@pytest.mark.parametrize("charset", ["utf-8", "us-ascii", "rot13"])
def test_text_that_is_not_in_the_named_encoding_is_refused(charset: str) -> None:
    with pytest.raises(FetchError, match=f"it is not {charset}, as its server says"):
        understand(f"text/html; charset={charset}", "/", b"caf\x81\xe9")


def test_no_encoding_changes_a_pdf() -> None:
    content = b"%PDF-1.7 \xe9"
    assert understand("application/pdf; charset=latin-1", "/", content) == (".pdf", content)
