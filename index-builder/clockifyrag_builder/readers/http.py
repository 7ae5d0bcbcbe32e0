"""fetch: one file from an http(s) URL, its digest checked, not sent again while it is unchanged."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx

from clockifyrag_builder.readers.addresses import (
    WAY_OUT,
    Resolver,
    address_rules,
    checked_url,
    host_of,
    origin_of,
    shown_url,
    system_addresses,
)
from clockifyrag_builder.readers.archive import is_archive_name
from clockifyrag_builder.readers.fetch_errors import AnswerRefused
from clockifyrag_builder.readers.from_bytes import format_of_name
from clockifyrag_builder.readers.kept_answers import KeptAnswer, KeptAnswers
from clockifyrag_builder.readers.robots import user_agent
from clockifyrag_builder.readers.transport import PinnedTransport
from clockifyrag_builder.readers.web import Answer, Clock, Wanted, Web
from clockifyrag_index.disk import storage_errors
from clockifyrag_index.errors import UsageError

_FETCH_BYTES_MAX = 1024 * 1024 * 1024
_SUFFIX_OF_TYPE = {
    "application/gzip": ".tar.gz",
    "application/jsonl": ".jsonl",
    "application/jsonlines": ".jsonl",
    "application/ndjson": ".jsonl",
    "application/x-compressed-tar": ".tar.gz",
    "application/x-gzip": ".tar.gz",
    "application/x-jsonlines": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/x-tar": ".tar",
    "application/x-zip-compressed": ".zip",
    "application/xhtml+xml": ".html",
    "application/zip": ".zip",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/x-markdown": ".md",
}
_SUFFIX_OF_MAGIC = ((b"\x1f\x8b", ".tar.gz"), (b"PK\x03\x04", ".zip"))
_ADVICE_OF_STATUS = {
    401: "the server wants credentials: put an Authorization header value in the Secret that secretRef names",
    403: "the server refuses these credentials, or has none",
    404: "nothing is at this address",
    410: "what was at this address is gone for good",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file on this disk, whole and with the digest that was asked for."""

    path: Path  # stays until the folder it was fetched into is used for another fetch
    name: str  # "help.tar.gz": its suffix says which reader takes it
    url: str  # that answered, without its query
    content_type: str
    sha256: str
    size_bytes: int
    unchanged: bool  # the server said so, or sent the same bytes again


def fetch(
    url: str,
    folder: Path,
    *,
    sha256: str | None = None,
    allow_hosts: Iterable[str] = (),
    authorization: str | None = None,
    max_bytes: int = _FETCH_BYTES_MAX,
    deadline_seconds: float = 900.0,
    resolve: Resolver = system_addresses,
    clock: Clock | None = None,
) -> Fetched:
    """The file at `url`, in `folder`, which remembers it for the next time (ETag, Last-Modified, the bytes).

    authorization: the value of an Authorization header; it goes to the origin of `url` alone, never past a redirect
    to another. sha256: what the bytes must have; those of another digest are never returned, now or later.
    SourceError says what was found and expected, without query strings or credentials; StorageError where `folder`
    cannot be written.
    """
    start = checked_url(url).copy_with(fragment=None)
    rules = address_rules(allow_hosts, resolve)
    headers = _authorization_headers(start, authorization, rules.allow_hosts)
    wanted = Wanted(
        max_bytes=max_bytes,
        seconds=deadline_seconds,
        headers_for=lambda hop: headers if origin_of(hop) == origin_of(start) else {},
        as_received=start.path.lower().endswith((".gz", ".tgz", ".zip")),
    )
    with storage_errors(folder), PinnedTransport(rules) as transport:
        kept = KeptAnswers(folder)
        web = Web(transport, kept, headers=_own_headers(), deadline_seconds=deadline_seconds, clock=clock)
        answer = web.get(start, wanted)
        stored = _checked(answer, sha256)
        path = kept.body_path(stored)
        name = _name_with_suffix(answer.url, stored, path)
        kept.keep_only([str(answer.url)])
    address = shown_url(answer.url).removesuffix("?…")
    return Fetched(path, name, address, stored.content_type, stored.sha256, stored.size_bytes, answer.unchanged)


def _own_headers() -> dict[str, str]:
    return {"User-Agent": user_agent(), "Accept": "*/*", "Accept-Encoding": "identity"}


def _authorization_headers(url: httpx.URL, value: str | None, allow_hosts: frozenset[str]) -> dict[str, str]:
    if value is None:
        return {}
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise UsageError(
            "the Authorization header value is empty or holds line breaks or characters outside ASCII; "
            "expected one line such as 'Bearer …' or 'Basic …' (the value itself is not shown)"
        )
    if url.scheme == "http" and host_of(url) not in allow_hosts:
        raise UsageError(
            f"{shown_url(url)}: an Authorization header would travel unencrypted; use https, "
            f"or name {host_of(url)} {WAY_OUT}"
        )
    return {"Authorization": value}


def _checked(answer: Answer, sha256: str | None) -> KeptAnswer:
    """The stored answer, if it is a 200 (or a confirmed one) of the digest wanted and not empty."""
    url = shown_url(answer.url)
    if answer.kept is None:
        advice = _ADVICE_OF_STATUS.get(answer.status, "check the address")
        raise AnswerRefused(f"{url}: answers {answer.status}; expected 200: {advice}")
    if sha256 is not None and answer.kept.sha256 != sha256.strip().lower():
        raise AnswerRefused(
            f"{url}: sha256 is {answer.kept.sha256}, expected {sha256.strip().lower()}; "
            "the file has changed or is not the one meant: check it, then correct sha256"
        )
    if answer.kept.size_bytes == 0:
        raise AnswerRefused(f"{url}: the body is empty; expected documents")
    return answer.kept


def _name_with_suffix(url: httpx.URL, stored: KeptAnswer, body: Path) -> str:
    """The file's name; its suffix is the URL's own, else that of the first bytes, else that of the content type.

    Without any of them the reader looks at the content.
    """
    name = PurePosixPath(url.path).name or "index"
    content_type = stored.content_type.partition(";")[0].strip().lower()
    format = format_of_name(name)
    if content_type == "text/html" and (is_archive_name(name) or format not in (None, "HTML")):
        raise AnswerRefused(
            f"{shown_url(url)}: sends an HTML page where {name} was expected; "
            "a sign-in or error page, or a page about the file: give the address of the file itself"
        )
    if format is not None or is_archive_name(name):
        return name
    with body.open("rb") as file:
        head = file.read(4)
    by_magic = next((suffix for magic, suffix in _SUFFIX_OF_MAGIC if head.startswith(magic)), "")
    return name + (by_magic or _SUFFIX_OF_TYPE.get(content_type, ""))
