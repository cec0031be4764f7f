import pytest

from assistant.loading.markup import parse_html, to_markdown


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>Owls <b>wake</b>.</p><p>Gulls\n sleep.</p>", "Owls wake.\n\nGulls sleep."),
        ("Owls wake.<p>Gulls sleep.</p>Eels pay.", "Owls wake.\n\nGulls sleep.\n\nEels pay."),
        ("<h3>The <i>lamp</i></h3>It burns.", "### The lamp\n\nIt burns."),
        ("<ul><li>Owls</li><li><p>Gulls</p></li></ul>", "- Owls\n\n- Gulls"),
        ("<div>Owls<div>Gulls</div>Eels</div>", "Owls\n\nGulls\n\nEels"),
        ("Owls<br>wake", "Owls wake"),
        ("<p>Owls<!-- and gulls --> wake.</p>", "Owls wake."),
        ("<p>Owls<script>hoot()</script> wake.</p>", "Owls wake."),
        ("<style>p {}</style><nav><p>Home</p></nav><p>Owls wake.</p>", "Owls wake."),
        ("<blockquote>Owls wake.</blockquote>", "Owls wake."),
        (
            "<table><caption>Towers</caption><tr><th>Tower<th>Owls<tr><td>Sorrel<td><p>7</p></table>!",
            "Towers\n\n| Tower | Owls |\n|---|---|\n| Sorrel | 7 |\n\n!",
        ),
        (
            "<table><tr><th>Tower</th><td>Sorrel</td></tr><tr><th>Owls</th><td>7</td></tr></table>",
            "| Tower | Sorrel |\n| Owls | 7 |",
        ),
        (
            "<table><tr><td>Menu</td><td><table><tr><td>Owls</td></tr></table></td></tr></table>",
            "Menu\n\n| Owls |",
        ),
        ("<table><tr><th>Tower</th><th>Owls</th></tr></table>", "| Tower | Owls |"),
        ("<h2></h2><p>Owls wake.</p>", "Owls wake."),
        ("<h2><div>The lamp</div></h2>It burns.", "## The lamp\n\nIt burns."),
        ("<ul><li></li></ul><p>Owls wake.</p>", "Owls wake."),
        ("", ""),
    ],
)
def test_to_markdown(body: str, expected: str) -> None:
    assert to_markdown(parse_html(f"<html><head><title>No</title></head><body>{body}")) == expected
