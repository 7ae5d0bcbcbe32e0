"""PageLinks: what an HTML page says of itself to a crawler: its canonical address, its wishes, and where it points."""

import re
from dataclasses import dataclass

import httpx
from selectolax.lexbor import LexborHTMLParser

from clockifyrag_builder.html_blocks import is_too_deep
from clockifyrag_builder.readers.addresses import checked_url
from clockifyrag_builder.readers.fetch_errors import AddressRefused
from clockifyrag_builder.readers.identity import canonical_url
from clockifyrag_builder.readers.robots import ROBOT_NAME
from clockifyrag_builder.xhtml import without_xml

_LINKS_MAX = 5_000
_URL_CHARACTERS_MAX = 2_000
_ENCODED_DOTS = frozenset((".", ".."))
_NAME = re.compile(r"\s*([^\s:]+)\s*:")  # one word: of a date behind a comma, "25 Jun 2030 15:00", none is found
_WITH_VALUE = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))  # `name: value`


@dataclass(frozen=True, slots=True)
class PageLinks:
    """The wishes and the links of one page."""

    canonical: httpx.URL | None  # as canonical_of finds it
    noindex: bool  # the page must not be found
    nofollow: bool  # its links must not be followed
    links: tuple[httpx.URL, ...]  # in page order, each once, without fragments


def page_links(html: bytes, url: httpx.URL, robots_tag: str = "") -> PageLinks:
    """Links resolved against <base> or `url`; links marked rel=nofollow are left out.

    robots_tag: the page's X-Robots-Tag header. Directives are those of <meta name=robots> and <meta name=clockifyrag>.
    """
    text = without_xml(html.decode("latin-1"))  # bytes, one a character
    tree = LexborHTMLParser(b"" if is_too_deep(text) else text.encode("latin-1"))  # the reader tells of such a page
    base = _base(tree, url)
    directives = _header_directives(robots_tag) | _meta_directives(tree)
    links: dict[httpx.URL, None] = {}
    for anchor in tree.css("a[href]"):
        if "nofollow" in (anchor.attributes.get("rel") or "").lower().split():
            continue
        target = page_url(anchor.attributes.get("href"), base)
        if target is not None and len(links) < _LINKS_MAX:
            links[target] = None
    return PageLinks(
        canonical=canonical_of(tree, url),
        noindex=not directives.isdisjoint(("noindex", "none")),
        nofollow=not directives.isdisjoint(("nofollow", "none")),
        links=tuple(links),
    )


def canonical_of(tree: LexborHTMLParser, url: httpx.URL) -> httpx.URL | None:
    """The address a page gives itself with rel=canonical, resolved against <base>, else against `url`.

    None where there is none that can be used, or several that differ.
    """
    base = _base(tree, url)
    named = {page_url(link.attributes.get("href"), base) for link in tree.css("link[rel~='canonical' i][href]")}
    usable = named - {None}
    return usable.pop() if len(usable) == 1 else None


def page_url(href: str | None, base: httpx.URL) -> httpx.URL | None:
    """The address a link leads to in its one form: absolute, no fragment, no tracking parameters.

    None for what is no page: mailto:, javascript:, credentials, numbers for hosts, ".." behind percent signs.
    """
    if href is None or len(href) > _URL_CHARACTERS_MAX:
        return None
    try:
        url = checked_url(str(base.join(href.strip())))
    except (httpx.InvalidURL, AddressRefused, ValueError):
        return None
    if not _ENCODED_DOTS.isdisjoint(url.path.split("/")):  # httpx has resolved the plain ones
        return None
    return httpx.URL(canonical_url(str(url)))


def _base(tree: LexborHTMLParser, url: httpx.URL) -> httpx.URL:
    element = tree.css_first("base[href]")
    target = page_url(element.attributes.get("href"), url) if element is not None else None
    return target or url


def _meta_directives(tree: LexborHTMLParser) -> set[str]:
    found: set[str] = set()
    for meta in tree.css("meta[name][content]"):
        if (meta.attributes.get("name") or "").strip().lower() in ("robots", ROBOT_NAME):
            found |= _words(meta.attributes.get("content") or "")
    return found


def _header_directives(header: str) -> set[str]:
    """Words of X-Robots-Tag meant for everyone or for this crawler, not those of "otherbot: noindex"."""
    found: set[str] = set()
    addressed = True
    for part in header.split(","):
        name = _NAME.match(part)
        if name and name[1].lower() not in _WITH_VALUE:
            addressed = name[1].lower() == ROBOT_NAME
            part = part[name.end() :]
        if addressed:
            found |= _words(part)
    return found


def _words(content: str) -> set[str]:
    return {word.strip().lower() for word in content.split(",")}
