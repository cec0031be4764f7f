"""What is read from the looks of a page. Lines here are 10 high and their letters 5 wide."""

from dataclasses import replace

import pytest

from assistant.loading.layout import Cell, Line, pages_to_markdown

WIDE = "The lamp of Sorrel burns whale song in the night, as the owls know"


def line(*cells: str | tuple[str, float], top: float, left: float = 0, bold: bool = False) -> Line:
    """A line; a cell without a place follows the last one at a wide gap."""
    placed, position = [], left
    for cell in cells:
        text, position = (cell, position) if isinstance(cell, str) else cell
        placed.append(Cell(text, position, position + 5 * len(text)))
        position = placed[-1].right + 30
    return Line(tuple(placed), top - 10, top, bold)


def lines(*texts: str, left: float = 0, bold: bool = False) -> list[Line]:
    """Lines close below one another."""
    return [
        line(text, top=700 - 12 * number, left=left, bold=bold) for number, text in enumerate(texts)
    ]


def blocks(*page: Line) -> list[str]:
    [text] = pages_to_markdown([page])
    return text.split("\n\n")


def test_lines_of_a_paragraph_are_one() -> None:
    assert blocks(*lines(WIDE, "and as nobody says.")) == [f"{WIDE} and as nobody says."]


def test_paragraph_ends_with_a_line_that_had_room() -> None:
    assert blocks(*lines("Owls and gulls", WIDE)) == ["Owls and gulls", WIDE]


@pytest.mark.parametrize("left", [0, 400])
def test_paragraph_ends_where_the_next_line_is_higher_up(left: float) -> None:
    assert blocks(line(WIDE, top=100), line(WIDE, top=700, left=left)) == [WIDE, WIDE]


def test_paragraph_ends_where_the_letters_change() -> None:
    bold = line(f"{WIDE}.", top=712, bold=True)
    assert blocks(bold, line(WIDE, top=700)) == [f"{WIDE}.", WIDE]
    taller = replace(line(WIDE, top=700), top=702)
    assert blocks(taller, line(WIDE, top=688)) == [WIDE, WIDE]


def test_paragraph_ends_at_a_gap() -> None:
    assert blocks(line(WIDE, top=700), line(WIDE, top=680)) == [WIDE, WIDE]


def test_paragraph_begins_with_an_indent() -> None:
    first = f"{WIDE[:-1]}."
    assert blocks(line(first, top=700), line(WIDE, top=688, left=15)) == [first, WIDE]


def test_paragraph_with_one_line_that_sticks_out() -> None:
    assert blocks(*lines(WIDE, f"{WIDE} and say", WIDE, "and sing.")) == [
        f"{WIDE} {WIDE} and say {WIDE} and sing."
    ]


@pytest.mark.parametrize(
    ("end", "start", "joined"),
    [
        ("lamp\u00ad", "light and owls", "lamplight and owls"),
        ("lamp-", "light and owls", "lamp-light and owls"),
        ("2031-", "2032 and owls", "2031- 2032 and owls"),
        ("the Lamp-", "Owl", "the Lamp- Owl"),
    ],
)
def test_word_divided_between_lines(end: str, start: str, joined: str) -> None:
    assert blocks(*lines(f"{WIDE} {end}", start)) == [f"{WIDE} {joined}"]


def test_short_bold_line_is_a_heading() -> None:
    [bold], [prose] = lines("What it costs", bold=True), lines(WIDE)
    assert blocks(bold, line(WIDE, top=680)) == ["## What it costs", WIDE]
    assert blocks(prose, line(WIDE, top=680)) == [WIDE, WIDE]


@pytest.mark.parametrize(
    "text",
    [
        "Costs rose by 12 crowns",
        "It costs crowns.",
        "(in millions)",
        "Notes:",
        "lamp " * 15,
    ],
)
def test_bold_line_that_could_be_quoted_is_no_heading(text: str) -> None:
    text = text.strip()
    assert blocks(line(text, top=700, bold=True), line(WIDE, top=650)) == [text, WIDE]


@pytest.mark.parametrize(
    "text", ["Item 7. What it costs", "Note 1 — Owls", "2.1 Vital owls", "IV. Isle"]
)
def test_heading_with_a_number(text: str) -> None:
    assert blocks(line(text, top=700, bold=True), line(WIDE, top=650))[0] == f"## {text}"


def test_bold_name_of_a_column_is_no_heading() -> None:
    assert blocks(line("Owls", top=700, left=220, bold=True), line(WIDE, top=650)) == ["Owls", WIDE]


def test_large_line_is_a_heading_of_the_first_level() -> None:
    large = Line((Cell("The lamp", 0, 100),), 700, 720, bold=False)
    assert blocks(large, *lines(WIDE, WIDE)) == ["# The lamp", f"{WIDE} {WIDE}"]


@pytest.mark.parametrize("bullet", ["•", "▪", "(a)", "–"])
def test_bullet_in_a_cell_of_its_own(bullet: str) -> None:
    page = [line(bullet, f"Owl {n} wakes", top=700 - 12 * n) for n in range(2)]
    assert blocks(*page) == ["- Owl 0 wakes", "- Owl 1 wakes"]


def test_bullet_before_its_text() -> None:
    assert blocks(*lines("• Owls wake", "• Gulls sleep")) == ["- Owls wake", "- Gulls sleep"]


def test_cells_are_a_table() -> None:
    page = [line("Sorrel", ("7", 200), top=700), line("Oster", ("12", 200), top=688)]
    assert blocks(*page) == ["| Sorrel | 7 |\n| Oster | 12 |"]


def test_table_header_begins_where_no_row_does() -> None:
    page = [
        line(("2030", 200), ("2031", 300), top=700),
        line("Dues", ("7", 200), ("9", 300), top=688),
    ]
    assert blocks(*page) == ["|  | 2030 | 2031 |\n|---|---|---|\n| Dues | 7 | 9 |"]


def test_table_name_of_two_lines() -> None:
    page = [
        line("Dues", ("7", 200), top=700),
        line("Repairs of the crane", top=688),
        line("and the lamp", ("9", 200), top=676),
    ]
    assert blocks(*page) == ["| Dues | 7 |\n| Repairs of the crane and the lamp | 9 |"]


def test_table_name_of_a_group_of_rows() -> None:
    page = [
        line("Dues", ("7", 200), top=700),
        line("Repairs:", top=688),
        line("Crane", ("9", 200), top=676),
        *[line(WIDE, top=640)],
    ]
    assert blocks(*page) == ["| Dues | 7 |\n| Repairs: |\n| Crane | 9 |", WIDE]


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        (("Dues", "$", "1,200"), "| Dues | $ 1,200 |"),
        (("Dues", "$ 1,200 $", "1,640"), "| Dues | $ 1,200 | $ 1,640 |"),
        (("Dues", "$ 1,200 $ 1,640 $ 7"), "| Dues | $ 1,200 | $ 1,640 | $ 7 |"),
        (("Share", "25", "%"), "| Share | 25% |"),
        (("Loss", "(300", ")"), "| Loss | (300) |"),
    ],
)
def test_cells_of_one_number_are_joined(cells: tuple[str, ...], row: str) -> None:
    assert blocks(line(*cells, top=700)) == [row]


def test_lines_beside_each_other_are_a_row() -> None:
    assert blocks(line("Dues", top=700), line("7", top=701, left=200)) == ["| Dues | 7 |"]


def test_headers_and_footers_of_many_pages_are_left_out() -> None:
    pages = [
        [
            line("Harbour Gazette", top=790),
            line(f"Owl {'abcdef'[number]} wakes.", top=700),
            line(str(number + 1), top=20),
        ]
        for number in range(6)
    ]
    assert pages_to_markdown(pages) == [f"Owl {letter} wakes." for letter in "abcdef"]


def test_header_that_is_quoted_on_its_page_stays_there() -> None:
    header = line("Harbour Gazette", top=790)
    page = [header, *[line(f"Owl {'abcdefg'[n]}", top=700 - 30 * n) for n in range(7)]]
    quoting = [*page[:4], line("Harbour Gazette", top=600), *page[4:]]
    texts = pages_to_markdown([quoting, *[page] * 5])
    assert [text.count("Harbour Gazette") for text in texts] == [1, 0, 0, 0, 0, 0]


def test_page_without_lines() -> None:
    assert pages_to_markdown([[], lines("Owls wake.")]) == ["", "Owls wake."]
