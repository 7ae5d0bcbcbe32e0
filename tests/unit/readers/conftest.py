"""What tests of readers share: documents of bytes, and a document drawn as text to compare with."""

from collections.abc import Callable
from typing import Protocol

import pytest

from clockifyrag_builder.documents import Document
from clockifyrag_builder.readers import Format, Reading, ReadLog, documents_from_bytes


class Read(Protocol):
    def __call__(
        self,
        name: str,
        content: str | bytes,
        *,
        format: Format = "Auto",
        strict: bool = False,
        log: ReadLog | None = None,
        url: str = "",
    ) -> list[Document]: ...


@pytest.fixture
def read() -> Read:
    """All documents of a file's content."""

    def documents(
        name: str,
        content: str | bytes,
        *,
        format: Format = "Auto",
        strict: bool = False,
        log: ReadLog | None = None,
        url: str = "",
    ) -> list[Document]:
        data = content.encode() if isinstance(content, str) else content
        return list(documents_from_bytes(name, data, Reading(log or ReadLog(), format, strict=strict), url))

    return documents


@pytest.fixture
def drawn() -> Callable[[Document], str]:
    """A document's sections and blocks as text: `§ Heading › Subheading #anchor`, then `kind` and its lines."""

    def text(document: Document) -> str:
        lines = []
        for section in document.sections:
            anchor = f" #{section.anchor}" if section.anchor else ""
            lines.append(f"§ {' › '.join(section.headings)}{anchor}".rstrip())
            for block in section.blocks:
                lines.append(f"{block.kind}:")
                lines.extend(f"|{line}" for line in block.text.split("\n"))
        return "\n".join(lines)

    return text
