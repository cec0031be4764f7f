"""What the Office formats say about a document in parts of their own."""

from __future__ import annotations

import zipfile
from typing import Any

from lxml import etree

_CORE = "docProps/core.xml"
_APP = "docProps/app.xml"


def parse_xml(content: bytes) -> Any:
    """The root of an XML tree; nothing outside it is read, entities stay as they are."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.fromstring(content, parser)


def properties(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Title, publisher, date, language and topics, as far as an Office file has them.

    The libraries that read the rest of the file make some up where they are
    missing: today as the date, their own name as the author.
    """
    core, app = _texts(archive, _CORE), _texts(archive, _APP)
    return {
        "title": core.get("title"),
        "publisher": app.get("Company") or core.get("creator"),
        "published": core.get("modified") or core.get("created"),
        "language": core.get("language"),
        "topics": core.get("keywords"),
    }


def _texts(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """The texts directly in the root of a part, by the names of their elements."""
    if part not in archive.namelist():
        return {}
    return {
        etree.QName(element).localname: element.text.strip()
        for element in parse_xml(archive.read(part)).iterchildren("*")
        if element.text and element.text.strip()
    }
