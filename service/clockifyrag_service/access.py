"""Access: which path needs which scope, and which paths are never limited."""

from typing import Final

from clockifyrag_index.api_keys import Key

from .auth import KeyRing
from .errors import FORBIDDEN, RATE_LIMITED, UNAUTHORIZED, Refused
from .ratelimit import Allowance

OPEN: Final = frozenset({"/", "/live", "/ready", "/health"})
STATIC: Final = "/page/"
UNLIMITED: Final = OPEN | {"/metrics", "/status"}

SCOPE_OF: Final = {
    "/search": "search",
    "/suggestions": "search",
    "/feedback": "search",
    "/search/chat": "chat",
    "/chat": "chat",
    "/analytics": "analytics",
    "/metrics": "analytics",
    "/status": "analytics",
    "/config": "admin",
    "/explain": "admin",
}
ARTICLES: Final = "/articles/"
ANY_KEY: Final = ""  # a path that needs a key, whatever its scopes

NEEDED: Final[dict[str, str | None]] = {**SCOPE_OF, **dict.fromkeys(OPEN)}
ENDPOINTS: Final = frozenset(SCOPE_OF) | OPEN | {"/docs", "/openapi.json", "/articles/{id}", "/page"}


def endpoint_of(path: str) -> str:
    """The path as metrics and logs name it: one of ENDPOINTS, or `other`."""
    if path in ENDPOINTS:
        return path
    if path.startswith(STATIC):
        return "/page"
    return "/articles/{id}" if path.startswith(ARTICLES) else "other"


def scope_needed(path: str) -> str | None:
    """The scope a caller needs; ANY_KEY: any key will do; None: open to everyone."""
    if path in NEEDED:
        return NEEDED[path]
    if path.startswith(STATIC):
        return None
    return "search" if path.startswith(ARTICLES) else ANY_KEY


def admitted(keys: KeyRing, path: str, presented: str | None) -> Key | None:
    """The caller's key, None for an anonymous caller who may pass. Refused otherwise.

    On an open path a key is looked at, too: /health tells more to its owner.
    """
    key = keys.caller(presented) if presented else None
    scope = scope_needed(path)
    if scope is None or not keys.required:
        return key
    if key is None:
        raise unauthorized(presented is not None)
    if scope != ANY_KEY and scope not in key.scopes:
        raise Refused(
            FORBIDDEN,
            f"The key {key.id!r} lacks the scope {scope!r}; it has {', '.join(sorted(key.scopes))}.",
            f"Use a key with the scope {scope!r}.",
        )
    return key


def client_name(address: str, key: Key | None) -> str:
    """Who asks, for counting: people share keys, and addresses share people."""
    return f"{address} {key.id}" if key else address


def limited_name(address: str, key: Key | None) -> str:
    """Whose bucket of the rate limit a request is taken from."""
    return f"key {key.id}" if key else address


def unauthorized(presented: bool) -> Refused:
    return Refused(
        UNAUTHORIZED,
        "The key is not known here, or has expired." if presented else "This path needs an API key.",
        "Send a key as `Authorization: Bearer crag_<id>_<secret>`, `X-API-Key` or `x-api-token`.",
        ((b"www-authenticate", b"Bearer"),),
    )


def rate_limited(allowance: Allowance) -> Refused:
    return Refused(
        RATE_LIMITED,
        f"More than {allowance.limit} requests a minute.",
        f"Try again in {allowance.retry_seconds} seconds.",
        ((b"retry-after", b"%d" % allowance.retry_seconds),),
    )
