"""Small real files of every format that can be read, about invented things."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import docx
import openpyxl
import pptx

# What these helpers cannot make: report.pdf is a page that a browser printed, given a title,
# an author and a date; scan.pdf has a picture alone; locked.pdf is encrypted.
FILES = Path(__file__).parents[1] / "data" / "files"

HTML = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><title>The lamp | Gazette</title>
<meta property="og:site_name" content="Harbour Gazette">
<meta property="og:title" content="The lamp of Sorrel">
<meta property="article:published_time" content="2031-03-02T10:00:00Z">
<meta name="keywords" content="lamps, owls">
<link rel="canonical" href="https://gazette.example/lamp"></head>
<body><nav><a href="/">Home</a> <a href="/isles">All the isles</a></nav>
<main><article><h1>The lamp of Sorrel</h1>
<p>The lamp of Sorrel burns whale song, said its keeper in the café on Monday evening.</p>
<h2>What it costs</h2>
<p>It costs 42 million crowns a year, and <b>nobody</b> on the isle knows who pays for it.</p>
<ul><li>Owls wake when it is lit.</li><li>Gulls sleep.</li></ul>
<table><tr><th>Tower</th><th>Owls</th></tr><tr><td>Sorrel</td><td>7</td></tr></table>
</article></main>
<footer>Copyright Harbour Gazette. We use cookies.</footer></body></html>
"""

CSV = "Tower;Owls;Keeper\nSorrel;7;Ada Finn\nOster;;Bo Lund\n"

CHAPTER = """<?xml version="1.0" encoding="utf-8"?>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>"""


class Words(NamedTuple):
    """A line of a PDF page: its text, where it begins, its size, and whether it is bold."""

    text: str
    left: float
    bottom: float
    size: float = 10
    bold: bool = False


def pdf(*pages: Sequence[Words], turned: bool = False, **info: str) -> bytes:
    """A PDF; if it is `turned`, its lines run from the bottom of the page to its top."""
    fonts = "".join(
        f"/{name} << /Type /Font /Subtype /Type1 /BaseFont /{font} >> "
        for name, font in (("F", "Helvetica"), ("B", "Helvetica-Bold"))
    )
    first = 4  # after the catalog, the list of pages and the information
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        f"<< {' '.join(f'/{name} ({value})' for name, value in info.items())} >>",
    ]
    for number, page in enumerate(pages):
        drawn = "".join(_drawn(words, turned) for words in page)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] "
            f"/Contents {first + 2 * number + 1} 0 R /Resources << /Font << {fonts} >> >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}endstream")
    content, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(content))
        content += f"{number} 0 obj\n{text}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    trailer = (
        f"trailer << /Size {size} /Root 1 0 R /Info 3 0 R >>\nstartxref\n{len(content)}\n%%EOF"
    )
    return content + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()


def _drawn(words: Words, turned: bool) -> str:
    place = (
        f"0 1 -1 0 {600 - words.bottom} {words.left}"
        if turned
        else f"1 0 0 1 {words.left} {words.bottom}"
    )
    return f"BT /{'B' if words.bold else 'F'} {words.size} Tf {place} Tm ({words.text}) Tj ET\n"


def docx_file() -> bytes:
    document = docx.Document()
    document.core_properties.title = "The lamp of Sorrel"
    document.core_properties.author = "Ada Finn"
    document.add_heading("The lamp", 0)
    document.add_heading("What it costs", 1)
    document.add_paragraph("It costs 42 million crowns a year.")
    document.add_paragraph("Owls wake.", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Tower", "Owls", "Sorrel", "7"), strict=True):
        cell.text = text
    document.add_paragraph("Nobody knows why.")
    return _saved(document)


def pptx_file() -> bytes:
    presentation = pptx.Presentation()
    for title, lines in (("The lamp", ["It burns.", "It sings."]), ("The owl", ["It wakes."])):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = "\n".join(lines)
    slide.notes_slide.notes_text_frame.text = "Say that it hoots."
    return _saved(presentation)


def xlsx_file() -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "Towers"
    for row in (["Owls of the isle"], [], ["Tower", "Owls", "Share"], ["Sorrel", 7, 0.25]):
        sheet.append(row)
    sheet["C4"].number_format = "0%"
    return _saved(workbook)


def eml_file(html: bool = False, attached: str | None = None) -> bytes:
    message = EmailMessage()
    message["From"] = "Ada Finn <ada@sorrel.example>"
    message["To"] = "Bo Lund <bo@oster.example>"
    message["Date"] = "Sun, 02 Mar 2031 23:30:00 -0500"
    message["Subject"] = "The lamp"
    text = "The lamp burns whale song. Owls wake."
    message.set_content(f"<p>{text}</p>" if html else text, subtype="html" if html else "plain")
    if attached:
        message.add_attachment(b"7", "application", "octet-stream", filename=attached)
    return message.as_bytes()


def epub_file(**more: str) -> bytes:
    """A book of two chapters; `more` has other parts by their paths, / written as __."""
    chapters = {"one": "Owls wake.", "two": "Gulls sleep."}
    items = "".join(f'<item id="{name}" href="text/{name}.xhtml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    parts = {
        "META-INF/container.xml": "<container "
        'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The isle</dc:title>'
        "<dc:creator>Ada Finn</dc:creator><dc:publisher>Sorrel Press</dc:publisher>"
        "<dc:date>2031-03-02</dc:date><dc:language>en</dc:language><dc:subject>owls</dc:subject>"
        f"</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>",
        **{
            f"OEBPS/text/{name}.xhtml": CHAPTER.format(title=name.title(), text=text)
            for name, text in chapters.items()
        },
        **{path.replace("__", "/"): text for path, text in more.items()},
    }
    return archive(parts)


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive of some parts, by their paths."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as written:
        for path, text in parts.items():
            written.writestr(path, text)
    return content.getvalue()


def _saved(document: object) -> bytes:
    content = io.BytesIO()
    document.save(content)  # type: ignore[attr-defined]
    return content.getvalue()


def samples() -> dict[str, bytes]:
    """A file of each kind, by its suffix."""
    return {
        ".md": b"---\ntitle: The lamp\ntags: [owls]\n---\n# Lamp\n\nOwls wake. Gulls sleep.\n",
        ".txt": "Owls wake in the café.\n\n- Gulls sleep.\n".encode(),
        ".csv": CSV.encode(),
        ".html": HTML.encode(),
        ".eml": eml_file(attached="owl.bin"),
        ".pdf": (FILES / "report.pdf").read_bytes(),
        ".docx": docx_file(),
        ".pptx": pptx_file(),
        ".xlsx": xlsx_file(),
        ".epub": epub_file(),
    }
