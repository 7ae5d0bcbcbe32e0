"""What a request can get instead of an answer: one envelope, a fixed set of codes.

    {"error": {"code", "message", "suggestion", "request_id"}, "status"}

No message holds a traceback, a host or a path of this machine.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson
from rapidfuzz import fuzz, process

INVALID_QUERY: Final = "INVALID_QUERY"
INVALID_PARAMETER: Final = "INVALID_PARAMETER"
UNAUTHORIZED: Final = "UNAUTHORIZED"
FORBIDDEN: Final = "FORBIDDEN"
NOT_FOUND: Final = "NOT_FOUND"
UNKNOWN_NAMESPACE: Final = "UNKNOWN_NAMESPACE"
METHOD_NOT_ALLOWED: Final = "METHOD_NOT_ALLOWED"
PAYLOAD_TOO_LARGE: Final = "PAYLOAD_TOO_LARGE"
RATE_LIMITED: Final = "RATE_LIMITED"
INTERNAL: Final = "INTERNAL"
INDEX_NOT_LOADED: Final = "INDEX_NOT_LOADED"
EMBEDDING_SERVICE_UNAVAILABLE: Final = "EMBEDDING_SERVICE_UNAVAILABLE"
LLM_UNAVAILABLE: Final = "LLM_UNAVAILABLE"
OVERLOADED: Final = "OVERLOADED"
DEADLINE_EXCEEDED: Final = "DEADLINE_EXCEEDED"

STATUS: dict[str, int] = {
    INVALID_QUERY: 400,
    INVALID_PARAMETER: 400,
    UNAUTHORIZED: 401,
    FORBIDDEN: 403,
    NOT_FOUND: 404,
    UNKNOWN_NAMESPACE: 404,
    METHOD_NOT_ALLOWED: 405,
    PAYLOAD_TOO_LARGE: 413,
    RATE_LIMITED: 429,
    INTERNAL: 500,
    INDEX_NOT_LOADED: 503,
    EMBEDDING_SERVICE_UNAVAILABLE: 503,
    LLM_UNAVAILABLE: 503,
    OVERLOADED: 503,
    DEADLINE_EXCEEDED: 504,
}

CODE_OF_STATUS = {400: INVALID_PARAMETER, 404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 413: PAYLOAD_TOO_LARGE}

ADDRESS = re.compile(r"https?://[^\s;,)'\"]+")
PLACE = re.compile(rf" at {ADDRESS.pattern}")
PATH = re.compile(r"""(?P<quote>')/[^'\n]*'|(?<![^\s(="'`])/[^\s:;,()'"`]+""")

Headers = tuple[tuple[bytes, bytes], ...]

RETRY_SOON: Final[Headers] = ((b"retry-after", b"1"),)


@dataclass(eq=False)  # not frozen: contextlib sets __traceback__ on what passes through a with
class Refused(Exception):
    """The request is answered with the envelope of `code`."""

    code: str
    message: str  # what was found, what was expected
    suggestion: str  # what to do
    headers: Headers = field(default=())

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def envelope(refused: Refused, request_id: str) -> bytes:
    """The body of every answer that is not 2xx."""
    return orjson.dumps(
        {
            "error": {
                "code": refused.code,
                "message": refused.message,
                "suggestion": refused.suggestion,
                "request_id": request_id,
            },
            "status": refused.status,
        },
        default=str,
    )


def invalid_parameter(name: str, found: object, expected: str) -> Refused:
    return Refused(
        INVALID_PARAMETER, f"{name} is {shown(found)}; expected {expected}.", f"Correct {name} and try again."
    )


def unknown_name(kind: str, name: str, known: Iterable[str]) -> Refused:
    """A parameter or field nobody reads: refused, since a typing error must not change the answer silently."""
    names = sorted(known)
    near = nearest(name, names)
    listed = f"Known: {', '.join(names)}." if names else f"No {kind} is read here."
    return Refused(
        INVALID_PARAMETER,
        f"{kind} {shown(name)} is unknown. {listed}",
        f"Did you mean {near!r}?" if near else f"Leave {shown(name)} out.",
    )


def nearest(name: str, known: list[str]) -> str | None:
    """The known name most like `name`, or None when nothing is near."""
    if not known:
        return None
    found = process.extractOne(name[:64], known, scorer=fuzz.ratio, score_cutoff=50)
    return found[0] if found else known[0] if len(known) == 1 else None


def shown(value: object) -> str:
    """The value for a message: a text quoted, all on one line, cut at 60 characters.

    >>> shown("a b"), shown(True), shown(None)
    ("'a b'", 'true', 'null')
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else text[:57] + "…" + text[-1]


def counted(number: int, thing: str) -> str:
    """The number of things in words: "1 character", "2 characters"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def without_places(text: str) -> str:
    """The text for those who ask: an address is left out, and of a path all but the name at its end.

    >>> without_places("Ollama at http://ollama:11434 cannot read '/models/a b/config.json'")
    "Ollama cannot read 'config.json'"
    """
    return PATH.sub(name_at_the_end, ADDRESS.sub("…", PLACE.sub("", text)))


def name_at_the_end(path: re.Match[str]) -> str:
    quote = path["quote"] or ""
    return quote + path[0].strip(quote).rstrip("/").rpartition("/")[2] + quote


def internal_error() -> Refused:
    return Refused(
        INTERNAL,
        "The server failed to answer; the cause is in its log under this request_id.",
        "Try again; if it stays, report the request_id.",
    )


def not_found(path: str) -> Refused:
    return Refused(NOT_FOUND, f"Nothing is at {shown(path)}.", "See /docs for the endpoints.")


def method_not_allowed(method: str, path: str, allowed: str) -> Refused:
    """`allowed` are the methods of the route, separated by commas; HEAD is taken wherever GET is."""
    methods = sorted({*filter(None, allowed.split(", ")), *(("HEAD",) if "GET" in allowed else ())})
    return Refused(
        METHOD_NOT_ALLOWED,
        f"{shown(path)} does not take {method}.",
        f"Use {' or '.join(methods)}." if methods else "See /docs for the endpoints.",
        ((b"allow", ", ".join(methods).encode()),) if methods else (),
    )
