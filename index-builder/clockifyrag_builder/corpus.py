"""Documents → chunks of a whole corpus, cleaned: three passes, of which none holds a text.

    pass 1   learn what stands on many documents                                       (Boilerplate)
    pass 2   clean, chunk, note what is shared, count; ids are checked                 (SharedPassages, CleaningReport)
    pass 3   clean, chunk, and give out each chunk with the documents that share it

Chunking twice costs about a hundredth of embedding once; it buys counts and errors before the first text is embedded.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from clockifyrag_builder.boilerplate import Boilerplate, BoilerplateRules, LeftOut
from clockifyrag_builder.chunks import chunk_document, document_url, linked
from clockifyrag_builder.digests import digest64
from clockifyrag_builder.documents import Document
from clockifyrag_builder.duplicates import SharedPassages, distinct_passages
from clockifyrag_builder.passages import ChunkLimits, CountTokens
from clockifyrag_builder.report import CleaningReport, Findings
from clockifyrag_index.chunk import Chunk
from clockifyrag_index.errors import SourceError

Documents = Callable[[], Iterable[Document]]  # a new iteration over the same documents at every call


class ChunkedCorpus:
    """A corpus that was looked through: its report, and its chunks as often as they are asked for."""

    def __init__(
        self, documents: Documents, limits: ChunkLimits, count_tokens: CountTokens, boilerplate: Boilerplate
    ) -> None:
        self._documents = documents
        self._limits = limits
        self._count_tokens = count_tokens
        self._boilerplate = boilerplate
        self._shared = SharedPassages()
        self.report = self._look_through()

    def chunks(self) -> Iterator[Chunk]:
        """All chunks, document by document in the order they are read; the writer sorts.

        SourceError when the documents are no longer those that were looked through.
        """
        given = 0
        for document in self._documents():
            cleaned, _ = self._boilerplate.cleaned(document)
            url = document_url(cleaned)
            for chunk in chunk_document(cleaned, self._limits, self._count_tokens):
                given += 1
                yield replace(chunk, also_at=self._shared.also_at(cleaned.namespace, url, chunk.content))
        if given != self.report.chunks:
            raise SourceError(
                f"found {given} chunks where a moment before there were {self.report.chunks}: "
                "the documents changed while they were read; build again, from a copy if they change all the time"
            )

    def _look_through(self) -> CleaningReport:
        findings = Findings()
        document_ids, chunk_ids = array("Q"), array("Q")
        for document in self._documents():
            cleaned, left_out = self._boilerplate.cleaned(document)
            _note_cleaning(findings, document, cleaned, left_out)
            distinct = distinct_passages(cleaned, self._limits, self._count_tokens)
            for text in distinct.repeated:
                findings.repeated(document.document_id, text)
            document_ids.append(digest64(document.document_id))
            for chunk in linked(cleaned, distinct.passages):
                chunk_ids.append(int(chunk.chunk_id, 16))
                findings.chunk(chunk.embedded_text)
            contents = (passage.content for passage in distinct.passages)
            self._shared.add(cleaned.namespace, document_url(cleaned), contents)
        self._check_ids(document_ids, chunk_ids)
        self._shared.close()
        return findings.report(self._shared.passages_shared)

    def _check_ids(self, document_ids: "array[int]", chunk_ids: "array[int]") -> None:
        """SourceError naming the documents when an id is used twice, or when there are no documents."""
        if not document_ids:
            raise SourceError("found no documents in the source; expected at least one; check its path and format")
        twice = _twice(document_ids)
        if twice:
            found = [
                f"{document.document_id!r} ({document.origin})"
                for document in self._documents()
                if digest64(document.document_id) in twice
            ]
            raise SourceError(
                f"found documents with one id: {', '.join(sorted(found)[:6])}; expected every document to have its "
                "own; change the id in the front matter or the record, or remove one of them"
            )
        clashes = _twice(chunk_ids)
        if clashes:
            raise SourceError(
                f"found chunks of different documents with one id: {', '.join(f'{i:016x}' for i in sorted(clashes))}; "
                "expected SHA-256 to tell them apart; change the id of one of the documents"
            )


def chunked_corpus(
    documents: Documents, limits: ChunkLimits, count_tokens: CountTokens, rules: BoilerplateRules | None = None
) -> ChunkedCorpus:
    """The corpus, cleaned and divided: `report` is complete, `chunks()` gives out what it counted.

    documents: called once for each pass, three times in all for one use of `chunks()`. SourceError when there are none
    or two share an id.
    """
    boilerplate = Boilerplate(rules)
    for document in documents():
        boilerplate.learn(document)
    boilerplate.close()
    return ChunkedCorpus(documents, limits, count_tokens, boilerplate)


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
