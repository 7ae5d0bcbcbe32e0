"""Pages of XHTML, made readable for a parser of HTML."""

import re

from clockifyrag_builder.html_blocks import VOID_ELEMENTS

XML_DECLARATION = re.compile(r"(?:\ufeff|\xef\xbb\xbf)?\s*<\?xml\s")  # the mark may be read as Latin-1
# Each part keeps what it has taken, so that no tag is looked through twice.
ELEMENT_WITHOUT_CONTENT = re.compile(r"""<([A-Za-z][\w:.-]*+)((?:[^<>"'/]|/(?!>)|"[^"<]*+"|'[^'<]*+')*+)/>""")


def without_xml(text: str) -> str:
    """A page of XHTML as HTML: `<script src="x"/>` ends there, to a parser of HTML it never would.

    Only what begins with an XML declaration is XHTML; other pages are HTML, whatever they call themselves.
    """
    if not XML_DECLARATION.match(text):
        return text
    return ELEMENT_WITHOUT_CONTENT.sub(
        lambda tag: tag[0] if tag[1].lower() in VOID_ELEMENTS else f"<{tag[1]}{tag[2]}></{tag[1]}>", text
    )
