"""Blocks: a passage of plain text → HTML with its paragraphs, lists, tables and listings.

The rules are those of page/passage.js, which shows the same passages among results; a test compares the two.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape

ITEM = re.compile(r"(\s*)(?:([0-9]{1,9})[.)]|[-•*])\s+(?=\S)")
INDENTED = re.compile(r"\s{2,}\S")
CELLS = " | "
HEADING_LONGEST = 90
HEADING_ENDS = ')”"’?'


def blocks(text: str) -> str:
    """The passage as HTML, all of it escaped.

    >>> blocks("Steps\\n\\n1. Open <it>.")
    '<p dir="auto" class="heading">Steps</p><ol><li value="1" dir="auto">Open &lt;it&gt;.</li></ol>'
    """
    runs = list(_runs(text.split("\n")))
    return "".join(block for lines in runs[:-1] for block in _blocks(lines, True)) + "".join(
        block for lines in runs[-1:] for block in _blocks(lines, False)
    )


def _runs(lines: Sequence[str]) -> Iterator[list[str]]:
    """Runs of lines between blank ones."""
    run: list[str] = []
    for line in (*lines, ""):
        if line.strip():
            run.append(line)
        elif run:
            yield run
            run = []


def _blocks(lines: list[str], followed: bool) -> Iterator[str]:
    """One block, or a paragraph and the list it leads to. What nothing follows is no heading."""
    first = next((number for number, line in enumerate(lines) if ITEM.match(line)), None)
    if first is not None:
        if first:
            yield _paragraph(lines[:first], True)
        yield _list(lines[first:])
    elif len(lines) > 1 and all(CELLS in line for line in lines):
        yield _table(lines)
    else:
        yield _paragraph(lines, followed)


def _paragraph(lines: list[str], followed: bool) -> str:
    """Lines as they stand; where some are indented they are a listing, in a fixed-width face."""
    text = "\n".join(lines)
    kind = "listing" if any(map(INDENTED.match, lines)) else "heading" if followed and is_heading(text) else ""
    name = f' class="{kind}"' if kind else ""
    return f'<p dir="auto"{name}>{escape(text)}</p>'


def is_heading(paragraph: str) -> bool:
    """Whether it reads as a heading: one short line that ends without punctuation."""
    if "\n" in paragraph or not 2 <= len(paragraph) <= HEADING_LONGEST or paragraph[0].isspace():
        return False
    return paragraph[-1].isalnum() or paragraph[-1] in HEADING_ENDS


def _list(lines: list[str]) -> str:
    """Lines "1. …", "- …" as a list; indented items are lists within it, other lines belong to the item above them."""
    parts: list[str] = []
    opened: list[tuple[str, int]] = []  # element and indent, from the outermost list to the one being filled
    for line in lines:
        item = ITEM.match(line)
        if item is None:
            parts.append(f"<br>{escape(line)}")
            continue
        indent, number = len(item[1]), item[2]
        while len(opened) > 1 and opened[-1][1] > indent:
            parts.append(f"</li></{opened.pop()[0]}>")
        if not opened or opened[-1][1] < indent:
            opened.append(("ol" if number else "ul", indent))
            parts.append(f"<{opened[-1][0]}>")
        else:
            parts.append("</li>")
        value = f' value="{number}"' if number else ""
        parts.append(f'<li{value} dir="auto">{escape(line[item.end() :])}')
    return "".join((*parts, *(f"</li></{name}>" for name, _ in reversed(opened))))


def _table(lines: list[str]) -> str:
    """Lines "a | b" as rows; whether the first is a header is not known, so it is a row like the others."""
    rows = ("".join(f'<td dir="auto">{escape(cell)}</td>' for cell in line.split(CELLS)) for line in lines)
    return f'<div class="table"><table><tbody>{"".join(f"<tr>{row}</tr>" for row in rows)}</tbody></table></div>'
