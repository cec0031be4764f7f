"""Parts of a document → blocks of Markdown, the form in which every text is divided further.

What chunking.py makes of them: a heading is the context of what follows, a row
of a table is quoted as it is, a paragraph sentence by sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_DEEPEST = 6  # levels of headings in Markdown


def heading(text: str, level: int = 2) -> str:
    """
    >>> heading("The lamp", 3)
    '### The lamp'
    """
    line = one_line(text)
    return f"{'#' * min(max(level, 1), _DEEPEST)} {line}" if line else ""


def item(text: str) -> str:
    """An entry of a list."""
    line = one_line(text)
    return f"- {line}" if line else ""


def table(rows: Iterable[Sequence[str]], header: bool = False) -> str:
    """Rows of cells, the first of which may be the header.

    A row without words is left out. So is a header above no row: as a header
    it could not be quoted.

    >>> print(table([["Tower", "Owls"], ["Sorrel", "7"]], header=True))
    | Tower | Owls |
    |---|---|
    | Sorrel | 7 |
    """
    filled = [cells for cells in rows if any(cell.strip() for cell in cells)]
    lines = [row(cells) for cells in filled]
    if header and len(lines) > 1:
        lines.insert(1, f"|{'---|' * len(filled[0])}")
    return "\n".join(lines)


def row(cells: Sequence[str]) -> str:
    """One row of a table."""
    return f"| {' | '.join(one_line(cell) for cell in cells)} |"


def labelled_row(header: Sequence[str], cells: Sequence[str]) -> str:
    """A row that can be understood alone: each cell after the name of its column.

    >>> labelled_row(["Tower", "Owls", "Lamps"], ["Sorrel", "7", ""])
    '| Tower: Sorrel | Owls: 7 |'
    """
    names = [*header, *[""] * (len(cells) - len(header))]
    return row(
        [
            f"{one_line(name)}: {cell}" if name.strip() else cell
            for name, cell in zip(names, cells, strict=False)
            if cell.strip()
        ]
    )


def joined(blocks: Iterable[str]) -> str:
    """Blocks with a blank line between them."""
    return "\n\n".join(block for block in blocks if block.strip())


def one_line(text: str) -> str:
    """A text without line ends, and without white space that stands twice."""
    return " ".join(text.split())
