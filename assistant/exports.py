"""Answers → Markdown and JSON, to take away.

Documents, their titles and questions may hold anything, so every piece of text
goes through `escape` before it meets a mark of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from urllib.parse import quote

from assistant.citations import statements
from assistant.schema import Answer, Citation

# What Markdown takes for markup anywhere in a line, and what only where a line begins:
# a list, a quote, a rule, the line under a heading or under the head of a table.
_ENTITY = re.compile(r"&(?=#?\w+;)")
_ANYWHERE = re.compile(rf"[\\`*_~\[\]<#|]|{_ENTITY.pattern}")
_ESCAPED = r"\\\g<0>"
_AT_THE_START = re.compile(r"^(?:[-+=>:]|\d{1,9}(?=[.)]))")
# Every other white space is part of a text: the wide space of Japanese, the thin one of figures.
_SPACE = re.compile(r"[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_OF_ADDRESSES = "!#$%&'*+,-./:;=?@[]_~"  # brackets that would end a link are not among them


def conversation_markdown(title: str, answers: Sequence[Answer]) -> str:
    """A conversation: questions as headings, answers with markers, then every reference.

    References are numbered through, so that no two of a conversation share a number.
    """
    numbered = _numbered(answers)
    blocks = [f"# {escape(title)}"]
    for first, answer in numbered:
        blocks += [f"## {escape(answer.question)}", *_said(first, answer)]
    references = [block for first, answer in numbered for block in _references(first, answer)]
    if references:
        blocks += ["## Sources", *references]
    return _page(blocks)


def answer_markdown(answer: Answer) -> str:
    """One answer with its sources, numbered from 1."""
    return _page([*_said(1, answer), *_references(1, answer)])


def conversation_json(title: str, answers: Sequence[Answer]) -> str:
    """A conversation as a JSON object; its answers as `ask --json` prints them."""
    whole = {"title": title, "answers": [answer.as_dict() for answer in answers]}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def escape(text: str) -> str:
    """Text as Markdown shows it, on one line.

    Some programs make a link of a bare web address. It leads where it says, and
    is left to them.

    >>> escape("1. [Owls](javascript:hoot) & *eels* cost $6")
    '1\\\\. \\\\[Owls\\\\](javascript:hoot) & \\\\*eels\\\\* cost $6'
    """
    line = _ANYWHERE.sub(_ESCAPED, _SPACE.sub(" ", text).strip())
    return _AT_THE_START.sub(lambda found: _guarded(found[0]), line)


def _guarded(start: str) -> str:
    """A block's first characters; of a list's number it is the mark behind it that counts."""
    return f"{start}\\" if start.isdigit() else f"\\{start}"


def _numbered(answers: Sequence[Answer]) -> list[tuple[int, Answer]]:
    """The answers, each with the number of its first reference."""
    firsts = accumulate((len(_shown(answer)) for answer in answers), initial=1)
    return list(zip(firsts, answers, strict=False))


def _shown(answer: Answer) -> Sequence[Citation]:
    """What is quoted: of an abstention, the sentences that come near."""
    if answer.outcome == "nothing":
        return ()
    return answer.nearest if answer.abstained else answer.citations


def _said(first: int, answer: Answer) -> Iterator[str]:
    """The answer's text; of an abstention, what was searched, and what came near."""
    numbers = {citation.marker: n for n, citation in enumerate(_shown(answer), first)}
    if not answer.abstained:
        yield " ".join(
            " ".join([escape(text), *(f"[{numbers[citation.marker]}]" for citation in cited)])
            for text, cited in statements(answer)
        )
        return
    yield escape(answer.text)
    if numbers:
        yield f"This comes nearest: {' '.join(f'[{number}]' for number in numbers.values())}"


def _references(first: int, answer: Answer) -> Iterator[str]:
    """Under each number, who published what and when, then the quote itself."""
    for number, citation in enumerate(_shown(answer), first):
        yield f"[{number}] {escape(citation.source)}. {_title(citation)}"
        yield "\n".join(f"> {escape(line)}".rstrip() for line in citation.quote.splitlines())


def _title(citation: Citation) -> str:
    """The title, linked to its page where it has an address of the web."""
    title = escape(citation.title)
    if not citation.url:
        return title
    if not _ADDRESS.match(citation.url):
        return f"{title} ({escape(citation.url)})"
    address = quote(citation.url, safe=_OF_ADDRESSES, errors="replace")
    return f"[{title}]({_ENTITY.sub(_ESCAPED, address)})"


def _page(blocks: Sequence[str]) -> str:
    return "\n\n".join(blocks) + "\n"
