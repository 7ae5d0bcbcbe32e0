"""Documents → chunks of a whole corpus, cleaned: two passes, of which none holds a text.

    pass 1   learn what stands on many documents; ids are checked                             (Boilerplate)
    pass 2   clean, chunk, give out; note what is shared, count                  (SharedPassages, CleaningReport)
    then     the chunks that were given out are told which other documents share them

What the second pass gives out may be embedded at once: all that can be wrong with documents is known by then.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from clockifyrag_builder.boilerplate import Boilerplate, BoilerplateRules, LeftOut
from clockifyrag_builder.chunks import document_url, linked
from clockifyrag_builder.digests import digest64
from clockifyrag_builder.documents import Document
from clockifyrag_builder.duplicates import SharedPassages, remembered_passages
from clockifyrag_builder.memo import Memo
from clockifyrag_builder.passages import ChunkLimits, CountTokens
from clockifyrag_builder.report import CleaningReport, Findings
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.errors import SourceError

Documents = Callable[[], Iterable[Document]]  # a new iteration over the same documents at every call


class ChunkedCorpus:
    """A corpus whose boilerplate is known: gives out its chunks, once, and then tells what it did."""

    def __init__(
        self,
        documents: Documents,
        limits: ChunkLimits,
        count_tokens: CountTokens,
        boilerplate: Boilerplate,
        document_ids: "array[int]",
        memo: Memo,
    ) -> None:
        """document_ids: digests of the ids, as they were read before."""
        self._documents = documents
        self._limits = limits
        self._count_tokens = count_tokens
        self._boilerplate = boilerplate
        self._document_ids = document_ids
        self._memo = memo
        self._shared = SharedPassages()
        self._findings = Findings()
        self._chunk_ids = array("Q")

    def chunks(self) -> Iterator[Chunk]:
        """All chunks, document by document in the order they are read; `also_at` is empty still.

        SourceError when the documents are no longer those that were read before, or two chunks have one id.
        """
        document_ids = array("Q")
        for document in self._documents():
            document_ids.append(digest64(document.document_id))
            yield from self._chunks_of(document)
        if document_ids != self._document_ids:
            raise SourceError(
                f"found {len(document_ids)} documents where a moment before there were {len(self._document_ids)}, or "
                "others: they changed while they were read; build again, from a copy if they change all the time"
            )
        clashes = _twice(self._chunk_ids)
        if clashes:
            raise SourceError(
                f"found chunks of different documents with one id: {', '.join(f'{i:016x}' for i in sorted(clashes))}; "
                "expected SHA-256 to tell them apart; change the id of one of the documents"
            )
        self._shared.close()
        self._memo.save()

    def also_at(self, place: int, document_url: str) -> tuple[str, ...]:
        """The documents that share the chunk `chunks` gave out as the `place`-th from 0, once all are given out."""
        return self._shared.also_at(place, document_url)

    @property
    def report(self) -> CleaningReport:
        """What happened to the documents, once all chunks were given out."""
        return self._findings.report(self._shared.passages_shared)

    def _chunks_of(self, document: Document) -> tuple[Chunk, ...]:
        cleaned, left_out = self._boilerplate.cleaned(document)
        _note_cleaning(self._findings, document, cleaned, left_out)
        distinct = remembered_passages(self._memo, cleaned, self._limits, self._count_tokens)
        for text in distinct.repeated:
            self._findings.repeated(document.document_id, text)
        chunks = linked(cleaned, distinct.passages)
        for chunk in chunks:
            self._chunk_ids.append(int(chunk.chunk_id, 16))
            self._findings.chunk(chunk.embedded_text)
        self._shared.add(cleaned.namespace, document_url(cleaned), [chunk.content for chunk in chunks])
        return chunks


def chunked_corpus(
    documents: Documents,
    limits: ChunkLimits,
    count_tokens: CountTokens,
    rules: BoilerplateRules | None = None,
    memo: Memo | None = None,
) -> ChunkedCorpus:
    """The corpus, looked through once: its chunks can be asked for.

    documents: called once for each pass. memo: of passages made before with these limits and this tokenizer.
    SourceError when there are no documents or two share an id.
    """
    boilerplate, document_ids = Boilerplate(rules), array("Q")
    for document in documents():
        boilerplate.learn(document)
        document_ids.append(digest64(document.document_id))
    boilerplate.close()
    _check_ids(documents, document_ids)
    return ChunkedCorpus(documents, limits, count_tokens, boilerplate, document_ids, memo or Memo())


def _check_ids(documents: Documents, document_ids: "array[int]") -> None:
    """SourceError naming the documents when an id is used twice, or when there are no documents."""
    if not document_ids:
        raise SourceError("found no documents in the source; expected at least one; check its path and format")
    twice = _twice(document_ids)
    if twice:
        found = [
            f"{document.document_id!r} ({document.origin})"
            for document in documents()
            if digest64(document.document_id) in twice
        ]
        raise SourceError(
            f"found documents with one id: {', '.join(sorted(found)[:6])}; expected every document to have its "
            "own; change the id in the front matter or the record, or remove one of them"
        )


def _note_cleaning(findings: Findings, document: Document, cleaned: Document, left_out: Iterable[LeftOut]) -> None:
    findings.document(document.document_id, document.language, _has_text(document), _has_text(cleaned))
    for text in left_out:
        findings.left_out(document.document_id, text.kind, text.key, text.text)


def _has_text(document: Document) -> bool:
    return any(block.text.strip() for section in document.sections for block in section.blocks)


def _twice(values: "array[int]") -> set[int]:
    """The values that occur more than once."""
    found, counts = np.unique(np.frombuffer(values, dtype=np.uint64), return_counts=True)
    return set(found[counts > 1].tolist())
