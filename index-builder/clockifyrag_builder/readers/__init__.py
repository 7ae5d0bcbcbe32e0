"""Readers: files, folders, archives and pages → documents.

local_files ─┐                     ┌─► jsonl
archive ─────┼─► from_bytes ───────┼─► markdown (bundle, front_matter)
http, crawl ─┘   one file's bytes  └─► html
"""

from clockifyrag_builder.readers.from_bytes import Format, documents_from_bytes, format_of_name
from clockifyrag_builder.readers.local_files import iter_documents
from clockifyrag_builder.readers.read_log import EmptyRecord, IdClash, Problem, ReadLog, Skipped

__all__ = [
    "EmptyRecord",
    "Format",
    "IdClash",
    "Problem",
    "ReadLog",
    "Skipped",
    "documents_from_bytes",
    "format_of_name",
    "iter_documents",
]
