"""Readers: files, folders, archives and pages → documents.

local_files ─┐                     ┌─► jsonl
archive ─────┼─► from_bytes ───────┼─► markdown (bundle, front_matter)
http, crawl ─┘   one file's bytes  └─► html
"""

from clockifyrag_builder.readers.from_bytes import documents_from_bytes, format_of_name
from clockifyrag_builder.readers.local_files import iter_documents
from clockifyrag_builder.readers.read_log import EmptyRecord, IdClash, Problem, ReadLog, Skipped
from clockifyrag_builder.readers.reading import Format, Reading

__all__ = [
    "EmptyRecord",
    "Format",
    "IdClash",
    "Problem",
    "ReadLog",
    "Reading",
    "Skipped",
    "documents_from_bytes",
    "format_of_name",
    "iter_documents",
]
