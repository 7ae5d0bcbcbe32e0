"""Record: one line of a JSONL file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from clockifyrag_builder.readers.decoding import clean, is_visible
from clockifyrag_builder.readers.front_matter import is_true
from clockifyrag_builder.readers.identity import canonical_url, url_key

NAMESPACE_MAX = 100  # characters that the API takes, docs/api.md
# Spellings of one thing, the first that is filled counts.
ID = ("document_id", "doc_id", "_id", "id")
URL = ("url", "link", "canonical_url")
TITLE = ("title", "name")
SECTION = ("section", "heading")
CONTENT = ("content", "text", "body", "markdown")
LANGUAGE = ("lang", "language")
FLOAT_EXACT_BELOW = 2**53  # from there on integers share a float with others; JSON above 64 bits becomes floats


class BrokenRecord(ValueError):
    """A line that is no record; the message says what was found and expected."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a line says, clean; "" for what it does not say."""

    id: str
    url: str  # canonical
    unusable_url: str  # as written, where it is no http(s) address
    title: str
    section: str  # a heading as Markdown, or a whole page's text
    content: str  # Markdown; plain text in the BEIR form
    is_plain: bool
    namespace: str
    category: str
    language: str
    is_suppressed: bool
    decoding_problem: str

    @property
    def article(self) -> tuple[str, str, str] | None:
        """Equal for records of one document: with a URL it is the document's name, else the id, else the title; None
        where a record says none of them.
        """
        if self.url:
            return self.namespace, "url", url_key(self.url)
        if self.id:
            return self.namespace, "id", self.id
        return (self.namespace, "title", self.title) if self.title else None


def namespace_problem(namespace: str) -> str | None:
    """Why no question can ask in that namespace of a document; None where one can."""
    if len(namespace) <= NAMESPACE_MAX:
        return None
    return f"has a namespace of {len(namespace)} characters ({namespace[:40]}…); expected at most {NAMESPACE_MAX}"


def record(line: bytes) -> Record:
    """The record of a line; BrokenRecord when it is none. Bytes that are not UTF-8 are replaced and told of."""
    values, problem = _json_object(line)
    url = _text(values, URL)
    found = Record(
        id=" ".join(_text(values, ID).split()),
        url=canonical_url(url),
        unusable_url="" if canonical_url(url) else url.strip(),
        title=" ".join(_text(values, TITLE).split()),
        section=_text(values, SECTION).strip(),
        content=_text(values, CONTENT).strip("\n"),
        is_plain="_id" in values,
        namespace=_text(values, ("namespace",)).strip(),
        category=_text(values, ("category",)).strip(),
        language=_text(values, LANGUAGE),
        is_suppressed=is_true(_text(values, ("suppress",))),
        decoding_problem=problem,
    )
    if (unnamable := namespace_problem(found.namespace)) is not None:
        raise BrokenRecord(unnamable)
    if not found.url:  # then the id tells articles apart
        _require_exact_id(values)
    if not (found.title or found.section or found.content.strip()):
        names = ", ".join(sorted(values)[:8]) or "no keys"
        raise BrokenRecord(f"has neither title nor text (found {names}; expected id, url, title, section, content)")
    return found


def _require_exact_id(values: Mapping[str, Any]) -> None:
    number = next((values[key] for key in ID if values.get(key) not in (None, "")), None)
    if isinstance(number, float) and abs(number) >= FLOAT_EXACT_BELOW:
        raise BrokenRecord(f"has an id that is read as {number}, as other numbers near it are; write the id as text")


def _json_object(line: bytes) -> tuple[Mapping[str, Any], str]:
    problem = ""
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError as strict_error:
        text = line.decode("utf-8", errors="replace")
        if "\ufffd" in text and b"\xef\xbf\xbd" not in line:
            problem = "is not valid UTF-8; such bytes are shown as \ufffd"
        try:  # the standard library also takes raw control characters and half surrogate pairs: both are cleaned below
            values = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            raise BrokenRecord(f"is no JSON ({strict_error}); one JSON object a line is expected") from None
    if not isinstance(values, dict):
        raise BrokenRecord(f'is a JSON {type(values).__name__}; an object such as {{"url": …}} is expected')
    return values, problem


def _text(values: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        value = values.get(key)
        if isinstance(value, (list, dict)):
            raise BrokenRecord(f"has a {type(value).__name__} as {key!r}; text is expected")
        if value is not None and is_visible(str(value)):
            return clean(str(value))
    return ""
