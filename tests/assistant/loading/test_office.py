import io
import zipfile
from collections.abc import Callable

import docx
import pptx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from files import archive, docx_file, pptx_file
from pptx.util import Inches

from assistant.loading.extracts import LIMITS
from assistant.loading.office import read_docx, read_pptx


def docx_text(write: Callable[[docx.document.Document], object]) -> str:
    document = docx.Document()
    write(document)
    content = io.BytesIO()
    document.save(content)
    return read_docx(content.getvalue(), LIMITS).text


def with_parts(content: bytes, **parts: str) -> bytes:
    """An archive with some of its parts replaced; / is written as __."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        kept = {name: old.read(name) for name in old.namelist()}
    return archive({**kept, **{name.replace("__", "/"): text for name, text in parts.items()}})


def test_read_docx_in_reading_order() -> None:
    assert read_docx(docx_file(), LIMITS).text == (
        "# The lamp\n\n# What it costs\n\nIt costs 42 million crowns a year.\n\n- Owls wake.\n\n"
        "| Tower | Owls |\n| Sorrel | 7 |\n\nNobody knows why."
    )


def test_read_docx_what_it_declares() -> None:
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
        'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms='
        '"http://purl.org/dc/terms/"><dc:title>The lamp</dc:title><dc:creator>Ada Finn</dc:creator>'
        "<cp:keywords>owls, lamps</cp:keywords><dc:language>en-GB</dc:language>"
        "<dcterms:created>2030-01-01T00:00:00Z</dcterms:created>"
        "<dcterms:modified>2031-03-02T10:00:00Z</dcterms:modified></cp:coreProperties>"
    )
    app = (
        '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/'
        'extended-properties"><Company>Owl Office</Company></Properties>'
    )
    content = with_parts(docx_file(), **{"docProps__core.xml": core, "docProps__app.xml": app})
    assert read_docx(content, LIMITS).declared == {
        "title": "The lamp",
        "publisher": "Owl Office",
        "published": "2031-03-02T10:00:00Z",
        "language": "en-GB",
        "topics": "owls, lamps",
    }


def test_read_docx_that_declares_nothing() -> None:
    """The library would make up today's date."""
    with zipfile.ZipFile(io.BytesIO(docx_file())) as old:
        parts = {n: old.read(n) for n in old.namelist() if not n.startswith("docProps/")}
    parts["_rels/.rels"] = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        b'<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        b'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    assert not any(read_docx(archive(parts), LIMITS).declared.values())


def test_read_docx_changes_are_accepted() -> None:
    def write(document: docx.document.Document) -> None:
        document.add_paragraph("Owls ")._p.append(
            parse_xml(
                f"<w:ins {nsdecls('w')}><w:r><w:t>wake</w:t></w:r>"
                "<w:del><w:r><w:delText>sleep</w:delText></w:r></w:del>"
                "<w:moveFrom><w:r><w:t>hoot</w:t></w:r></w:moveFrom></w:ins>"
            )
        )

    assert docx_text(write) == "Owls wake"


def test_read_docx_field_that_is_filled_in() -> None:
    def write(document: docx.document.Document) -> None:
        document.element.body.insert(
            0,
            parse_xml(
                f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>Owls</w:t><w:tab/>"
                "<w:t>wake</w:t></w:r></w:p></w:sdtContent></w:sdt>"
            ),
        )

    assert docx_text(write) == "Owls wake"


def test_read_docx_text_box_is_read_once() -> None:
    """It stands in the file once for new programs and once for old ones."""
    box = "<w:txbxContent><w:p><w:r><w:t>Owls wake.</w:t></w:r></w:p></w:txbxContent>"
    names = f'{nsdecls("w")} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'

    def write(document: docx.document.Document) -> None:
        document.add_paragraph()._p.append(
            parse_xml(
                f"<w:r {names}><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
                f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>"
            )
        )

    assert docx_text(write) == "Owls wake."


def test_read_docx_footnotes_at_the_end() -> None:
    content = docx_file()
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        types = old.read("[Content_Types].xml").decode()
        relations = old.read("word/_rels/document.xml.rels").decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    link = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    override = (
        '<Override PartName="/word/footnotes.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.wordprocessingml.footnotes+xml"/></Types>'
    )
    notes = (
        f"<w:footnotes {nsdecls('w')}><w:footnote><w:p><w:r><w:t>Gulls sleep.</w:t></w:r></w:p>"
        "</w:footnote></w:footnotes>"
    )
    parts = {
        "[Content_Types].xml": types.replace("</Types>", override),
        "word___rels__document.xml.rels": relations.replace("</Relationships>", link),
        "word__footnotes.xml": notes,
    }
    assert read_docx(with_parts(content, **parts), LIMITS).text.endswith(
        "Nobody knows why.\n\nGulls sleep."
    )


def test_read_docx_header_of_a_table() -> None:
    def write(document: docx.document.Document) -> None:
        table = document.add_table(rows=2, cols=1)
        table.rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
        table.cell(0, 0).text, table.cell(1, 0).text = "Tower", "Sorrel"

    assert docx_text(write) == "| Tower |\n|---|\n| Sorrel |"


def test_read_docx_frame_of_one_cell() -> None:
    def write(document: docx.document.Document) -> None:
        document.add_table(rows=1, cols=1).cell(0, 0).text = "Owls wake. Gulls sleep."

    assert docx_text(write) == "Owls wake. Gulls sleep."


def test_read_pptx_a_slide_is_a_page() -> None:
    found = read_pptx(pptx_file(), LIMITS)
    assert found.text == (
        "## The lamp\n\n- It burns.\n\n- It sings.\n\n## The owl\n\nIt wakes.\n\nSay that it hoots."
    )
    assert found.text[found.pages[1] :].startswith("## The owl")


def test_read_pptx_slide_of_a_title_alone_can_be_quoted() -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Owls wake at night"
    content = io.BytesIO()
    presentation.save(content)
    assert read_pptx(content.getvalue(), LIMITS).text == "Owls wake at night"


def test_read_pptx_without_the_number_of_the_slide() -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "Owls wake at night"
    slide.shapes.add_textbox(0, 0, Inches(2), Inches(1)).text_frame.text = "7"
    slide.shapes[1]._element.nvSpPr.nvPr.get_or_add_ph().set("type", "sldNum")
    content = io.BytesIO()
    presentation.save(content)
    assert read_pptx(content.getvalue(), LIMITS).text == "Owls wake at night"


def test_read_pptx_tables_and_groups() -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    table = slide.shapes.add_table(2, 1, 0, 0, Inches(2), Inches(1)).table
    table.cell(0, 0).text, table.cell(1, 0).text = "Tower", "Sorrel"
    box = slide.shapes.add_group_shape().shapes.add_textbox(0, 0, Inches(2), Inches(1))
    box.text_frame.text = "Owls wake."
    content = io.BytesIO()
    presentation.save(content)
    text = read_pptx(content.getvalue(), LIMITS).text
    assert text == "| Tower |\n|---|\n| Sorrel |\n\nOwls wake."
