"""sitemap_urls: the pages a site lists itself (sitemaps.org, protocol 0.9), indexes and gzip included."""

import xml.parsers.expat  # any DOCTYPE is refused below, so no entity is ever expanded
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import httpx

from clockifyrag_builder.readers.addresses import checked_url, host_of, shown_url
from clockifyrag_builder.readers.fetch_errors import AddressRefused, AnswerRefused, SourceUnreachable
from clockifyrag_builder.readers.web import Wanted, Web

_FILE_BYTES_MAX = 50 * 1024 * 1024  # the protocol's own limits: 50 MB unpacked, 50,000 URLs
_URLS_MAX = 50_000
_FILES_MAX = 200
_DEPTH_MAX = 3


@dataclass(frozen=True, slots=True)
class Sitemap:
    """One file: the pages of a urlset, or the sitemaps of an index."""

    kind: Literal["urlset", "sitemapindex"]
    locations: tuple[str, ...]  # in file order


def sitemap_urls(
    web: Web, start: httpx.URL, *, seconds: float, failed: Callable[[str, str], None], urls_max: int
) -> tuple[str, ...]:
    """At most `urls_max` page addresses, in the order the site lists them.

    A child that cannot be read is told to `failed` (address, why); SourceError where `start` itself cannot.
    """
    found: dict[str, None] = {}
    seen = {str(start)}
    queue = deque([(start, 1)])
    while queue and len(found) < urls_max:
        url, depth = queue.popleft()
        try:
            sitemap = read_sitemap(web, url, seconds=seconds)
        except (AddressRefused, AnswerRefused, SourceUnreachable) as problem:
            if url == start:
                raise
            failed(str(url), str(problem))
            continue
        if sitemap.kind == "urlset":
            found.update(dict.fromkeys(sitemap.locations))
            continue
        for child in sitemap.locations:
            if reason := _child_refusal(start, child, depth, len(seen)):
                failed(child, reason)
            elif child not in seen:
                seen.add(child)
                queue.append((checked_url(child), depth + 1))
    return tuple(found)[:urls_max]


def read_sitemap(web: Web, url: httpx.URL, *, seconds: float) -> Sitemap:
    """The sitemap at `url`; AnswerRefused where it is missing, too large or not a sitemap."""
    answer = web.get(url, Wanted(max_bytes=_FILE_BYTES_MAX, seconds=seconds))
    if answer.kept is None:
        raise AnswerRefused(f"{shown_url(url)}: answers {answer.status}; expected a sitemap")
    try:
        return parse_sitemap(unpacked(web.kept.body(answer.kept)))
    except ValueError as problem:
        raise AnswerRefused(
            f"{shown_url(url)}: is no sitemap ({problem}); expected <urlset> or <sitemapindex>"
        ) from problem


def unpacked(data: bytes) -> bytes:
    """The XML, out of gzip if it is in one (by its first bytes: names and types lie); ValueError when too large."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    inflate = zlib.decompressobj(wbits=31)  # 31: gzip with its header
    try:
        plain = inflate.decompress(data, _FILE_BYTES_MAX + 1)
    except zlib.error as damage:
        raise ValueError(f"damaged gzip: {damage}") from damage
    if len(plain) > _FILE_BYTES_MAX:
        raise ValueError(f"more than {_FILE_BYTES_MAX:,} bytes unpacked")
    if not inflate.eof:
        raise ValueError("damaged gzip: it ends early")
    return plain


def parse_sitemap(data: bytes) -> Sitemap:
    """The <loc> texts of a urlset or sitemapindex, entries of other vocabularies (images, video) left out.

    ValueError for anything else, and for any DOCTYPE: entities are how XML becomes a bomb or reads files.
    """
    reader = _Locations()
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(data.strip(), True)
    except (xml.parsers.expat.ExpatError, LookupError) as problem:  # LookupError: an encoding nobody knows
        raise ValueError(f"not XML: {problem}") from problem
    if reader.root == "urlset":
        return Sitemap("urlset", tuple(reader.found))
    if reader.root == "sitemapindex":
        return Sitemap("sitemapindex", tuple(reader.found))
    raise ValueError(f"its root element is <{reader.root}>")


class _Locations:
    """Collects the text of root/entry/loc, by local names: many sites get the namespace wrong."""

    def __init__(self) -> None:
        self.root = ""
        self.found: list[str] = []
        self._path: list[str] = []
        self._text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rsplit(" ", 1)[-1]
        self.root = self.root or local
        self._path.append(local)
        self._text = []

    def text(self, text: str) -> None:
        if self._is_location():
            self._text.append(text)

    def end(self, name: str) -> None:
        location = "".join(self._text).strip()
        if self._is_location() and location and len(self.found) < _URLS_MAX:
            self.found.append(location)
        self._path.pop()

    def doctype(self, *declaration: object) -> None:
        raise ValueError("it has a DOCTYPE")

    def _is_location(self) -> bool:
        return len(self._path) == 3 and self._path[1] in ("url", "sitemap") and self._path[2] == "loc"


def _child_refusal(start: httpx.URL, child: str, depth: int, files: int) -> str:
    if depth >= _DEPTH_MAX:
        return f"is a sitemap below {_DEPTH_MAX} levels of indexes; not read"
    if files >= _FILES_MAX:
        return f"is beyond the first {_FILES_MAX} sitemaps; not read"
    try:
        url = checked_url(child)
    except AddressRefused as problem:
        return str(problem)
    if host_of(url) != host_of(start):
        return f"is a sitemap on another host than {host_of(start)}; not read"
    return ""
