"""EML: one message, its heading as part of its text."""

from __future__ import annotations

import email
import email.policy
import email.utils
from collections.abc import Iterator
from email.message import EmailMessage

from assistant.errors import UnreadableDocument
from assistant.loading import markdown
from assistant.loading.extracts import Extract, Limits
from assistant.loading.markup import parse_html, to_markdown

_SHOWN = ("From", "To", "Cc", "Date", "Subject")


def read_eml(content: bytes, limits: Limits) -> Extract:
    """A message as text, or as HTML where it has no text; of its attachments the names."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    if "From" not in message and "Subject" not in message:
        raise UnreadableDocument("no message: it has neither sender nor subject; move it away")
    sender, address = email.utils.parseaddr(_header(message, "From"))
    return Extract.of(
        markdown.joined([*_heading(message), _body(message)]),
        title=_header(message, "Subject"),
        publisher=sender or address,
        published=_date(message),
        language=_header(message, "Content-Language"),
        topics=_header(message, "Keywords"),
    )


def _heading(message: EmailMessage) -> Iterator[str]:
    for name in _SHOWN:
        if value := _header(message, name):
            yield markdown.item(f"{name}: {value}")
    names = [part.get_filename() or "unnamed" for part in message.iter_attachments()]
    if names:
        yield markdown.item(f"Attached: {', '.join(names)}")


def _body(message: EmailMessage) -> str:
    part = message.get_body(("plain", "html"))
    if part is None:
        return ""
    text = str(part.get_content())
    if part.get_content_type() == "text/html" and text.strip():
        return to_markdown(parse_html(text))
    return text


def _header(message: EmailMessage, name: str) -> str:
    return markdown.one_line(str(message.get(name, "")))


def _date(message: EmailMessage) -> str | None:
    """The day on which it was sent, where it was sent."""
    try:
        return email.utils.parsedate_to_datetime(_header(message, "Date")).date().isoformat()
    except ValueError:
        return None
