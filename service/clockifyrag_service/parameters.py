"""Query parameters: one table says what is read, how strictly, and what the OpenAPI document tells of it.

Nothing is clamped or guessed: what is not exactly as the table says is refused, with what was found and expected.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from .errors import INVALID_PARAMETER, INVALID_QUERY, Refused, counted, invalid_parameter, unknown_name
from .settings import Settings

FIELDS_MAX = 32
INTEGER = re.compile(r"-?[0-9]{1,9}", re.ASCII)
NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,17})?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
UNUSABLE = re.compile("[\x00\ud800-\udfff]")  # NUL, and halves of characters that no encoding can write


@dataclass(frozen=True, slots=True)
class Rule:
    """What one parameter may be."""

    name: str
    description: str
    schema: dict[str, Any]  # of JSON Schema, as the OpenAPI document shows it
    read: Callable[[str, str], object]  # (name, text) → value; raises Refused
    default: object = None
    required: bool = False

    def openapi(self) -> dict[str, Any]:
        schema = self.schema if self.default is None else self.schema | {"default": self.default}
        return {
            "name": self.name,
            "in": "query",
            "required": self.required,
            "description": self.description,
            "schema": schema,
        }


def integer(name: str, description: str, low: int, high: int, default: int | None) -> Rule:
    def read(name: str, text: str) -> int:
        value = int(text) if INTEGER.fullmatch(text) else None
        if value is None or not low <= value <= high:
            raise invalid_parameter(name, text, f"a whole number from {low} to {high}")
        return value

    return Rule(name, description, {"type": "integer", "minimum": low, "maximum": high}, read, default)


def number(name: str, description: str, low: float, high: float) -> Rule:
    def read(name: str, text: str) -> float:
        value = float(text) if NUMBER.fullmatch(text) else None
        if value is None or not low <= value <= high:
            raise invalid_parameter(name, text, f"a number from {low:g} to {high:g}")
        return value

    return Rule(name, description, {"type": "number", "minimum": low, "maximum": high}, read)


def boolean(name: str, description: str, default: bool) -> Rule:
    def read(name: str, text: str) -> bool:
        if text not in BOOLEANS:
            raise invalid_parameter(name, text, "true, false, 1 or 0")
        return BOOLEANS[text]

    return Rule(name, description, {"type": "boolean"}, read, default)


def text(name: str, description: str, longest: int) -> Rule:
    def read(name: str, value: str) -> str:
        if not 1 <= len(value) <= longest or UNUSABLE.search(value):
            raise invalid_parameter(name, value, f"1 to {longest} characters without NUL")
        return value

    return Rule(name, description, {"type": "string", "minLength": 1, "maxLength": longest}, read)


def question(name: str, description: str, shortest: int, longest: int) -> Rule:
    def read(name: str, value: str) -> str:
        return checked_question(name, value, shortest, longest)

    schema = {"type": "string", "minLength": shortest, "maxLength": longest, "pattern": question_pattern(shortest)}
    return Rule(name, description, schema, read, required=True)


def question_pattern(shortest: int) -> str:
    """A pattern that holds for texts that are long enough after trimming, for JSON Schema; NUL is left out too.

    >>> bool(re.search(question_pattern(2), " a ")), bool(re.search(question_pattern(2), " ab "))
    (False, True)
    """
    if shortest == 1:
        return r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
    return rf"^[^\u0000]*[^\s\u0000][^\u0000]{{{shortest - 2},}}[^\s\u0000][^\u0000]*$"


def checked_question(name: str, value: str, shortest: int, longest: int) -> str:
    """The question trimmed. Refused when it is too short, too long (in code points) or holds a NUL."""
    if UNUSABLE.search(value):
        raise Refused(
            INVALID_QUERY,
            f"{name} holds a NUL or half a character; expected text.",
            f"Remove it from {name} and try again.",
        )
    trimmed = value.strip()
    if not shortest <= len(trimmed) <= longest:
        raise Refused(
            INVALID_QUERY,
            f"{name} has {counted(len(trimmed), 'character')} after trimming; expected {shortest} to {longest}.",
            "Ask a longer question." if len(trimmed) < shortest else "Ask a shorter question.",
        )
    return trimmed


def read_query(raw: bytes, rules: Sequence[Rule]) -> dict[str, Any]:
    """The value of every rule, from the raw query string. Refused for anything the rules do not allow."""
    given = decoded(raw)
    by_name = {rule.name: rule for rule in rules}
    values: dict[str, Any] = {rule.name: rule.default for rule in rules}
    seen: set[str] = set()
    for name, value in given:
        if name not in by_name:
            raise unknown_name("parameter", name, by_name)
        if name in seen:
            raise Refused(INVALID_PARAMETER, f"{name} is given more than once.", f"Give {name} once.")
        seen.add(name)
        values[name] = by_name[name].read(name, value)
    for rule in rules:
        if rule.required and rule.name not in seen:
            raise Refused(INVALID_QUERY, f"{rule.name} is missing.", f"Add ?{rule.name}=… to the address.")
    return values


def decoded(raw: bytes) -> list[tuple[str, str]]:
    """Names and values of a query string. Refused when it is not UTF-8 or has too many fields."""
    try:
        return parse_qsl(raw.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except UnicodeDecodeError as error:
        raise Refused(
            INVALID_PARAMETER, "The query string is not UTF-8.", "Percent-encode the UTF-8 bytes of each value."
        ) from error
    except ValueError as error:
        raise Refused(
            INVALID_PARAMETER, f"The query string has more than {FIELDS_MAX} fields.", "Give each parameter once."
        ) from error


@dataclass(frozen=True, slots=True)
class SearchParameters:
    """What was asked of /search; equal ones have equal answers on one generation."""

    q: str
    k: int
    expand: bool = True
    cache: bool = True
    rerank: bool = False
    details: bool = False
    namespace: str | None = None
    category: str | None = None
    min_score: float | None = None
    timeout_ms: int | None = None

    def query_string(self, usual: "SearchParameters") -> str:
        """What asks /search for it, without what a request that says nothing means, too.

        >>> SearchParameters("add time", 5, details=True, min_score=0.25).query_string(SearchParameters("", 5))
        'q=add+time&details=true&min_score=0.25'
        """
        meant = asdict(usual)
        told = {name: value for name, value in asdict(self).items() if value != meant[name] and value is not None}
        return urlencode(
            {name: str(value).lower() if isinstance(value, bool) else value for name, value in told.items()}
        )

    def key(self) -> bytes:
        """Canonical bytes of everything that the answer depends on; whether it may be cached is not part of it."""
        return orjson.dumps(
            (
                self.q,
                self.k,
                self.expand,
                self.rerank,
                self.details,
                self.namespace,
                self.category,
                self.min_score,
                self.timeout_ms,
            )
        )


def search_rules(settings: Settings) -> tuple[Rule, ...]:
    shortest, longest = settings.min_query_length, settings.max_query_length
    return (
        question("q", f"The question, {shortest} to {longest} characters after trimming.", shortest, longest),
        integer("k", "Articles wanted.", 1, 50, settings.retrieval_k),
        boolean("expand", "Use the glossary and correct typing errors.", True),
        boolean("cache", "Answer from the cache, and keep the answer there.", True),
        boolean("rerank", "Compare the first results with the question once more.", settings.rerank),
        boolean("details", "Tell the scores of each leg and the time of each stage.", False),
        text("namespace", "Search in this namespace only.", 100),
        text("category", "Search below this category only: leading segments of its path.", 200),
        number("min_score", "Leave out results below this relevance.", 0, 1),
        integer(
            "timeout_ms", "Milliseconds the search may take; stages that do not fit are left out.", 50, 60_000, None
        ),
    )


def suggestion_rules(settings: Settings) -> tuple[Rule, ...]:
    longest = settings.max_query_length
    return (
        question("q", f"What was typed so far, 1 to {longest} characters after trimming.", 1, longest),
        integer("limit", "Suggestions wanted.", 1, 20, 5),
    )
