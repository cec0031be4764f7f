import datetime
import io
import zipfile
from typing import Any

import openpyxl
import pytest
from files import CSV, archive, xlsx_file

from assistant.errors import UnreadableDocument
from assistant.loading.extracts import LIMITS
from assistant.loading.tables import read_csv, read_xlsx
from assistant.segmentation import split_blocks, split_sentences


def csv(text: str) -> str:
    return read_csv(text.encode(), LIMITS).text


def xlsx(*rows: list[Any], formats: dict[str, str] | None = None) -> str:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    for cell, number_format in (formats or {}).items():
        workbook.active[cell].number_format = number_format
    content = io.BytesIO()
    workbook.save(content)
    return read_xlsx(content.getvalue(), LIMITS).text


def test_read_csv_rows_can_be_understood_alone() -> None:
    assert csv(CSV) == (
        "| Tower: Sorrel | Owls: 7 | Keeper: Ada Finn |\n| Tower: Oster | Keeper: Bo Lund |"
    )


def test_read_csv_row_is_one_quote() -> None:
    text = csv("Tower,Note\nSorrel,It burns. It sings.\n")
    [block] = split_blocks(text)
    assert [span.of(text) for span in split_sentences(text, block)] == [
        "Tower: Sorrel | Note: It burns. It sings."
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_read_csv_with_any_delimiter(delimiter: str) -> None:
    text = csv(f"Tower{delimiter}Owls\nSorrel{delimiter}7\n")
    assert text == "| Tower: Sorrel | Owls: 7 |"


def test_read_csv_cell_with_a_line_end() -> None:
    assert csv('Tower,Owls\n"Sorrel\nisle",7\n') == "| Tower: Sorrel isle | Owls: 7 |"


def test_read_csv_of_one_row_is_that_row() -> None:
    assert csv("Tower,Owls\n") == "| Tower | Owls |"


def test_read_csv_row_longer_than_its_header() -> None:
    assert csv("Tower,Owls\nSorrel,7,more\n") == "| Tower: Sorrel | Owls: 7 | more |"


def test_read_xlsx_title_above_the_header() -> None:
    assert read_xlsx(xlsx_file(), LIMITS).text == (
        "## Towers\n\nOwls of the isle\n\n| Tower: Sorrel | Owls: 7 | Share: 25% |"
    )


def test_read_xlsx_values_as_they_are_shown() -> None:
    text = xlsx(
        ["Day", "Hour", "Sum", "Share", "All", "Lit", "Whole"],
        [datetime.datetime(2031, 3, 2), datetime.time(9, 30), 0.25, 0.125, 1, True, 3.0],
        formats={"D2": "0.0%", "E2": "0%"},
    )
    assert text == (
        "## Sheet\n\n| Day: 2031-03-02 | Hour: 09:30:00 | Sum: 0.25 | Share: 12.5% | All: 100% "
        "| Lit: True | Whole: 3 |"
    )


def test_read_xlsx_number_as_it_was_typed() -> None:
    """Excel writes numbers with a digit more than it shows."""
    with zipfile.ZipFile(io.BytesIO(xlsx_file())) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"<v>7</v>", b"<v>0.30000000000000004</v>")
    assert "| Owls: 0.3 |" in read_xlsx(archive(parts), LIMITS).text


def test_read_xlsx_leaves_hidden_sheets_out() -> None:
    workbook = openpyxl.Workbook()
    workbook.active.append(["Tower", "Owls"])
    hidden = workbook.create_sheet("Secret")
    hidden.append(["Tower", "Gulls"])
    hidden.sheet_state = "hidden"
    content = io.BytesIO()
    workbook.save(content)
    assert "Gulls" not in read_xlsx(content.getvalue(), LIMITS).text


def test_read_xlsx_that_is_an_archive_of_something_else() -> None:
    with pytest.raises(KeyError):
        read_xlsx(archive({"owl.txt": "Owls wake."}), LIMITS)


def test_read_xlsx_that_is_no_archive() -> None:
    with pytest.raises(UnreadableDocument, match="not a whole file of its kind"):
        read_xlsx(b"Tower,Owls\n", LIMITS)
