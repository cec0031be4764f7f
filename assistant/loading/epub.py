"""EPUB: the chapters of a book in their order."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from assistant.errors import UnreadableDocument
from assistant.loading import markdown
from assistant.loading.archives import open_archive
from assistant.loading.extracts import Extract, Limits
from assistant.loading.markup import parse_html, to_markdown
from assistant.loading.properties import parse_xml

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"


def read_epub(content: bytes, limits: Limits) -> Extract:
    """A book: every part that its spine names, from the first to the last."""
    with open_archive(content, limits) as archive:
        container = parse_xml(archive.read(_CONTAINER))
        package_path = container.find(".//{*}rootfile").get("full-path")
        package = parse_xml(archive.read(package_path))
        chapters = list(_chapters(package, posixpath.dirname(package_path)))
        _refuse_protected(archive, chapters)
        parts = set(archive.namelist())
        texts = [_text(archive.read(path)) for path in chapters if path in parts]
    return Extract.of(
        markdown.joined(texts),
        title=_said(package, "title"),
        publisher=_said(package, "publisher") or _said(package, "creator"),
        published=_said(package, "date"),
        language=_said(package, "language"),
        url=_said(package, "source"),
        topics=[subject.text for subject in package.iter(f"{_DUBLIN_CORE}subject")],
    )


def _chapters(package: Any, folder: str) -> Iterator[str]:
    """The paths of the parts in reading order."""
    paths = {
        part.get("id"): posixpath.normpath(posixpath.join(folder, unquote(part.get("href", ""))))
        for part in package.iterfind(".//{*}manifest/{*}item")
    }
    for reference in package.iterfind(".//{*}spine/{*}itemref"):
        if reference.get("idref") in paths:
            yield paths[reference.get("idref")]


def _refuse_protected(archive: zipfile.ZipFile, chapters: list[str]) -> None:
    """Fonts may be encrypted, chapters may not."""
    if _ENCRYPTION not in archive.namelist():
        return
    references = parse_xml(archive.read(_ENCRYPTION)).iterfind(".//{*}CipherReference")
    if {unquote(reference.get("URI", "")) for reference in references} & set(chapters):
        raise UnreadableDocument("protected against copying; only its own reader can open it")


def _text(chapter: bytes) -> str:
    return to_markdown(parse_html(chapter, encoding="utf-8")) if chapter.strip() else ""


def _said(package: Any, name: str) -> str | None:
    """The first Dublin Core element of this name."""
    found: str | None = package.findtext(f".//{_DUBLIN_CORE}{name}")
    return found
