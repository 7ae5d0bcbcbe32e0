"""Equal passages: inside one document they collapse, across documents each names the others.

Inside a document, sections and passages are equal when headings and text are equal up to white space: the same words
below another heading answer another question and stay, and so do the parts of one section that repeats itself. Across
documents the text alone decides, because titles differ; each document keeps its passage and its breadcrumb, and
`also_at` names the others. Equal *embedded* texts (text and breadcrumb) are one key of the embedding cache and are
embedded once.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clockifyrag_builder.breadcrumbs import Breadcrumb
from clockifyrag_builder.digests import Occurrences, digest64, normalised
from clockifyrag_builder.documents import Document, Section
from clockifyrag_builder.memo import Memo
from clockifyrag_builder.passages import ChunkLimits, CountTokens, Passage, passages_of

ALSO_AT_MAX = 10


@dataclass(frozen=True, slots=True)
class DistinctPassages:
    """The passages of one document, each once, and the texts that only repeated an earlier one."""

    passages: tuple[Passage, ...]
    repeated: tuple[str, ...]


def distinct_passages(document: Document, limits: ChunkLimits, count_tokens: CountTokens) -> DistinctPassages:
    """The document's passages in order: of equal ones the first.

    Sections are compared before they are divided, or a repeated one could join other neighbours and look new.
    """
    repeated: list[str] = []
    document = _distinct_sections(document, repeated)
    first_group: dict[tuple[tuple[str, ...], str], int] = {}
    kept: list[Passage] = []
    for passage in passages_of(document, limits, count_tokens):
        key = (passage.headings, " ".join(passage.content.split()))
        if first_group.setdefault(key, passage.group) == passage.group:
            kept.append(passage)
        else:
            repeated.append(passage.content)
    return DistinctPassages(tuple(kept), tuple(repeated))


def remembered_passages(
    memo: Memo, document: Document, limits: ChunkLimits, count_tokens: CountTokens
) -> DistinctPassages:
    """As `distinct_passages`, or what an earlier build made of the document with these limits and this tokenizer.

    memo: its maker tells of both.
    """
    sections = [(one.headings, one.anchor, [(b.kind, b.text) for b in one.blocks]) for one in document.sections]
    passages, repeated = memo.of(
        (document.document_id, document.title, sections),
        lambda: _record(distinct_passages(document, limits, count_tokens)),
    )
    return DistinctPassages(tuple(_passage(*values) for values in passages), tuple(repeated))


def _record(distinct: DistinctPassages) -> tuple[list[object], tuple[str, ...]]:
    """As JSON values."""
    return [
        (one.headings, one.breadcrumb.title, one.breadcrumb.headings, one.breadcrumb.left_out, one.anchor, one.content,
         one.begins, one.group)
        for one in distinct.passages
    ], distinct.repeated  # fmt: skip


def _passage(
    headings: Sequence[str], title: str, shown: Sequence[str], left_out: Sequence[str], anchor: str, content: str,
    begins: Sequence[Sequence[str]], group: int,
) -> Passage:  # fmt: skip
    breadcrumb = Breadcrumb(title, tuple(shown), tuple(left_out))
    return Passage(tuple(headings), breadcrumb, anchor, content, tuple(map(tuple, begins)), group)


def _distinct_sections(document: Document, repeated: list[str]) -> Document:
    """The document without sections that say what an earlier one of the same headings says; their texts are added."""
    seen: set[tuple[tuple[str, ...], str]] = set()
    kept: list[Section] = []
    for section in document.sections:
        text = "\n".join(block.text for block in section.blocks)
        key = (section.headings, " ".join(text.split()))
        if key[1] and key in seen:
            repeated.append(text)
        else:
            seen.add(key)
            kept.append(section)
    return document if len(kept) == len(document.sections) else replace(document, sections=tuple(kept))


class SharedPassages:
    """Which documents hold the same text: 24 bytes a passage, and every document's URL."""

    def __init__(self) -> None:
        self._seen = Occurrences()
        self._urls: list[str] = []
        self._keys = array("Q")  # of every passage, in the order they are added; 0 where one has no text
        self._elsewhere: dict[int, tuple[int, ...]] | None = None

    def add(self, namespace: str, url: str, contents: Sequence[str]) -> None:
        """Notes the passages of the next document; passages without text are never equal."""
        place = len(self._urls)
        self._urls.append(url)
        for content in contents:
            key = _key(namespace, content) if content else 0
            self._keys.append(key)
            if content:
                self._seen.add(key, place)

    def close(self) -> None:
        """Finds what is shared; from here on `also_at` answers and nothing more is added."""
        texts, places = self._seen.distinct()
        shared: dict[int, list[int]] = {}
        repeats = (texts[1:] == texts[:-1]).nonzero()[0]
        for index in sorted({*repeats.tolist(), *(repeats + 1).tolist()}):
            shared.setdefault(int(texts[index]), []).append(int(places[index]))
        self._elsewhere = {text: tuple(found) for text, found in shared.items()}
        self._seen = Occurrences()

    def also_at(self, passage: int, url: str) -> tuple[str, ...]:
        """The URLs of the other documents of the namespace with the text of this passage, which was added as the
        `passage`-th from 0 by the document of that URL: sorted, at most ALSO_AT_MAX.
        """
        assert self._elsewhere is not None, "close() comes before also_at()"
        places: Sequence[int] = self._elsewhere.get(self._keys[passage], ())
        if not places:
            return ()
        return tuple(sorted({self._urls[place] for place in places} - {url})[:ALSO_AT_MAX])

    @property
    def passages_shared(self) -> int:
        """How many distinct texts stand in more than one document."""
        assert self._elsewhere is not None, "close() comes before passages_shared"
        return len(self._elsewhere)


def _key(namespace: str, content: str) -> int:
    return digest64(namespace, normalised(content))
