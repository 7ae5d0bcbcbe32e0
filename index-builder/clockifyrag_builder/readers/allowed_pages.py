"""AllowedPages: the part of the web a crawl may enter, as address prefixes and patterns."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from clockifyrag_builder.readers.addresses import checked_url, origin_of
from clockifyrag_index.errors import SourceError, UsageError


@dataclass(frozen=True, slots=True)
class AllowedPages:
    """`https://a.org/help/` allows what begins so on that very scheme, host and port; `*` stands for any characters.

    >>> allowed_pages(["https://a.org/*/help/"]).allows(httpx.URL("https://a.org/de/help/timer"))
    True
    """

    patterns: tuple[tuple[str, re.Pattern[str]], ...]  # (origin, pattern of path and query)
    texts: tuple[str, ...]

    def allows(self, url: httpx.URL) -> bool:
        """Whether the URL begins as one of the entries does."""
        origin, path = origin_of(url), url.raw_path.decode("ascii")
        return any(origin == wanted and pattern.match(path) for wanted, pattern in self.patterns)


def allowed_pages(texts: Iterable[str]) -> AllowedPages:
    """UsageError names the entry that is not an http(s) address, or says that there is none.

    The host is never a pattern: `https://*.org/` would let a page choose where the crawl goes.
    """
    texts = tuple(texts)
    if not texts:
        raise UsageError("allow is empty; expected at least one address prefix such as https://a.org/help/")
    return AllowedPages(tuple(_pattern(text) for text in texts), texts)


def _pattern(text: str) -> tuple[str, re.Pattern[str]]:
    try:
        # A star is a legal path character, so the address of a pattern is read like any other.
        url = checked_url(text)
    except SourceError as problem:
        raise UsageError(
            f"allow entry {text!r}: {problem}; expected https://host/path, with * in the path only"
        ) from problem
    path = url.raw_path.decode("ascii").partition("#")[0]
    return origin_of(url), re.compile(".*".join(re.escape(part) for part in path.split("*")))
