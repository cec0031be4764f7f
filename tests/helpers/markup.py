"""Text that means harm, and whether a page is safe from it."""

from __future__ import annotations

import re

RIGHT_TO_LEFT, POP = "\u202e", "\u202c"
HOSTILE = [
    "<script>alert('owl')</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "'><svg onload=alert(1)>",
    "</bdi></mark></blockquote></dialog><h1>Owls</h1>",
    "</a><a href=javascript:alert(1)>",
    "&lt;b&gt; &amp; <!-- ]]> -->",
    f"{RIGHT_TO_LEFT}<b>slwO</b>\u2067\u200b\u200d\ufeff\u2060",
    "<i>owl" * 2000,  # a line of ten thousand characters
]
# What an address may hold that is no page of the web.
NO_ADDRESSES = [
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "\tjava\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//evil.example",
    "x https://evil.example",
]
TAGS = {
    "a", "article", "bdi", "blockquote", "button", "dialog", "div", "footer", "h2", "h3", "header",
    "li", "mark", "nav", "p", "section", "span", "strong", "sup", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "aria-current", "aria-label", "aria-labelledby", "class", "data-ask", "data-close",
    "data-current", "data-delete", "data-document", "data-generation", "data-open",
    "data-opened", "data-rename", "data-spans", "data-title", "data-widen", "href", "id",
    "rel", "tabindex", "target", "title", "type",
}  # fmt: skip

_TAG = re.compile(r"""<(/?)(\w+)((?:"[^"]*"|'[^']*'|[^>"'])*)>""")
_ATTRIBUTE = re.compile(r"""([^\s=]+)(?:="[^"]*")?""")


def assert_tame(page: str) -> None:
    """Nothing but our own tags, each closed, and addresses of the web or this page alone."""
    still_open: list[str] = []
    for close, tag, attributes in _TAG.findall(page):
        assert tag in TAGS
        assert set(_ATTRIBUTE.findall(attributes)) <= ATTRIBUTES
        if close:
            assert still_open.pop() == tag
        else:
            still_open.append(tag)
    assert still_open == []
    assert not {"<", ">"} & set(_TAG.sub("", page))
    assert all(re.match(r"https?://|[#?]", link) for link in re.findall(r'href="([^"]*)', page))
