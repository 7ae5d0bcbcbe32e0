"""What passes through the proxy, as values: a call of the API, an exchange, an event of a watch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson

Verb = Literal["get", "list", "watch", "create", "update", "patch", "apply", "delete", "deletecollection", "other"]
Matches = Callable[["Call"], bool]

WRITES: frozenset[str] = frozenset({"create", "update", "patch", "apply", "delete", "deletecollection"})
# Writes that decide nothing: a lease is renewed by the clock, an event tells people, a review only asks.
UNCOUNTED: frozenset[str] = frozenset(
    {"leases", "events", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews", "tokenreviews"}
)
_PATH = re.compile(
    r"/(?:api/(?P<core>v[^/]+)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request; numbers begin at 1."""

    number: int
    write: int | None  # its place among the writes that count, None for every other call
    verb: Verb
    method: str
    path: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""  # of the path, or of the body of a create
    subresource: str = ""
    query: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        kind = self.resource + (f"/{self.subresource}" if self.subresource else "")
        where = "/".join(part for part in (self.namespace, self.name) if part)
        return " ".join(part for part in (self.verb, kind or self.path, where) if part)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call and how it was answered; status 0: it was cut, frozen or refused by the network."""

    call: Call
    status: int
    at: float  # time.monotonic()


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch, bookmarks and errors aside; numbers begin at 1 and run over all streams."""

    number: int
    type: str  # ADDED, MODIFIED, DELETED
    resource: str
    namespace: str
    name: str
    resource_version: str
    line: bytes = field(repr=False, default=b"")

    @property
    def key(self) -> tuple[str, str, str]:
        return self.resource, self.namespace, self.name


def call(number: int, method: str, path: str, query_string: str, content_type: str, body: bytes) -> Call:
    """What a request asks for; paths outside of /api and /apis have the verb `other`. `write` is left open."""
    query = dict(parse_qsl(query_string, keep_blank_values=True))
    matched = _PATH.fullmatch(path.rstrip("/"))
    if matched is None:
        return Call(number, None, "other", method, path, query=query)
    parts = {name: value or "" for name, value in matched.groupdict().items()}
    verb = _verb(method, parts["name"], query, content_type)
    name = parts["name"] or (_name_in(body) if verb == "create" else "")
    return Call(
        number, None, verb, method, path, parts["group"], parts["resource"], parts["namespace"], name,
        parts["subresource"], query,
    )  # fmt: skip


def watch_event(number: int, resource: str, line: bytes) -> WatchEvent | None:
    """The event a line of a watch tells; None for a bookmark or an error."""
    value = orjson.loads(line)
    if value["type"] not in ("ADDED", "MODIFIED", "DELETED"):
        return None
    metadata = value["object"]["metadata"]
    return WatchEvent(
        number, value["type"], resource, metadata.get("namespace", ""), metadata["name"],
        metadata.get("resourceVersion", ""), line,
    )  # fmt: skip


def counts(one: Call) -> bool:
    """Whether a call is a write that decides something."""
    return one.verb in WRITES and one.resource not in UNCOUNTED


def is_write(one: Call) -> bool:
    return one.verb in WRITES


def is_watch(one: Call) -> bool:
    return one.verb == "watch"


def is_list(one: Call) -> bool:
    return one.verb == "list"


def every(one: Call) -> bool:
    return True


def of(resource: str, *verbs: Verb) -> Matches:
    """Calls about one plural, of these verbs or of any; a subresource is written `clockifyrags/status`."""
    plural, _, subresource = resource.partition("/")
    return lambda one: one.resource == plural and one.subresource == subresource and (not verbs or one.verb in verbs)


def _verb(method: str, name: str, query: Mapping[str, str], content_type: str) -> Verb:
    match method:
        case "GET" if query.get("watch", "").lower() in ("1", "true"):
            return "watch"
        case "GET":
            return "get" if name else "list"
        case "POST":
            return "create"
        case "PUT":
            return "update"
        case "PATCH":
            return "apply" if "apply-patch" in content_type else "patch"
        case "DELETE":
            return "delete" if name else "deletecollection"
    return "other"


def _name_in(body: bytes) -> str:
    try:
        metadata: dict[str, Any] = orjson.loads(body)["metadata"]
        return str(metadata.get("name", ""))
    except (ValueError, KeyError, TypeError):
        return ""
