"""What a page tells a crawler, and which pages a crawl may enter."""

import httpx
import pytest

from clockifyrag_builder.readers.allowed_pages import allowed_pages
from clockifyrag_builder.readers.page_links import page_links, page_url
from clockifyrag_index.errors import UsageError

PAGE = httpx.URL("https://a.org/help/timer")


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("start", "https://a.org/help/start"),
        (" /x y ", "https://a.org/x%20y"),
        ("../w?a=1&utm_source=n&gclid=2", "https://a.org/w?a=1"),
        ("?utm_source=n", "https://a.org/help/timer"),
        ("#part", "https://a.org/help/timer"),
        ("//B.org:443/", "https://b.org/"),
        ("HTTP://b.org:80", "http://b.org/"),
        ("/ünder", "https://a.org/%C3%BCnder"),
        (None, None),
        ("mailto:a@b.org", None),
        ("javascript:void(0)", None),
        ("data:text/html,x", None),
        ("https://u:p@b.org/", None),
        ("http://2130706433/", None),
        ("http://[::1", None),
        ("http://a.org:99999/", None),
        ("/help/%2e%2e/admin", None),
        ("/" + "x" * 2_000, None),
    ],
)
def test_a_link_leads_to_one_spelling_of_a_page_or_nowhere(href: str | None, address: str | None) -> None:
    url = page_url(href, PAGE)

    assert address == (None if url is None else str(url))


def test_links_behind_an_element_of_xml_without_content_are_found() -> None:
    page = b"\xef\xbb\xbf<?xml version='1.0'?><html><head><title/></head><body><a href='/a'>a</a></body></html>"

    found = page_links(page, httpx.URL("https://a.org/"))

    assert ["https://a.org/a"] == [str(link) for link in found.links]


def test_links_come_once_in_page_order_resolved_against_base_without_nofollow() -> None:
    html = b"""<head><base href="/other/"></head>
        <a href="b">b</a> <a href=a>a</a> <a href="b#again">b</a> <a rel="ugc NoFollow" href="n">n</a>
        <a>no address</a>"""

    found = page_links(html, PAGE)

    assert ["https://a.org/other/b", "https://a.org/other/a"] == [str(link) for link in found.links]


@pytest.mark.parametrize(
    ("html", "canonical"),
    [
        pytest.param('<link rel="canonical" href="/help/t?utm_medium=m">', "https://a.org/help/t", id="relative"),
        pytest.param('<link rel="alternate CANONICAL" href="https://b.org/t">', "https://b.org/t", id="other host"),
        pytest.param('<link rel=canonical href="/x"><link rel=canonical href="/x#f">', "https://a.org/x", id="twice"),
        pytest.param('<link rel=canonical href="/x"><link rel=canonical href="/y">', None, id="two that differ"),
        pytest.param('<link rel=canonical href="javascript:1">', None, id="no address"),
        pytest.param("<link rel=canonical>", None, id="no href"),
        pytest.param("<p>nothing", None, id="none"),
    ],
)
def test_the_canonical_address_is_the_one_a_page_agrees_on(html: str, canonical: str | None) -> None:
    found = page_links(html.encode(), PAGE).canonical

    assert canonical == (None if found is None else str(found))


@pytest.mark.parametrize(
    ("meta", "header", "noindex", "nofollow"),
    [
        pytest.param("", "", False, False, id="nothing said"),
        pytest.param('<meta name="robots" content="noindex">', "", True, False, id="noindex"),
        pytest.param('<META NAME=ROBOTS CONTENT="NoIndex, NoFollow">', "", True, True, id="in capitals"),
        pytest.param('<meta name="robots" content="none">', "", True, True, id="none is both"),
        pytest.param('<meta name="clockifyrag" content="noindex">', "", True, False, id="addressed to this crawler"),
        pytest.param('<meta name="googlebot" content="noindex">', "", False, False, id="addressed to another"),
        pytest.param('<meta name="robots" content="index, follow">', "", False, False, id="allowed in words"),
        pytest.param("", "noindex", True, False, id="header"),
        pytest.param("", "otherbot: noindex, nofollow", False, False, id="header for another"),
        pytest.param("", "otherbot: nofollow, clockifyrag: noindex", True, False, id="header for two"),
        pytest.param("", "max-snippet: 20, noindex", True, False, id="header with a value"),
        pytest.param("", "max-video-preview: -1, noindex", True, False, id="header with another value"),
        pytest.param(
            "", "unavailable_after: Fri, 25 Jun 2030 15:00:00 GMT, noindex", True, False, id="header with a date"
        ),
        pytest.param("", "360spider: noindex, nofollow", False, False, id="header for a name with digits"),
    ],
)
def test_what_a_page_forbids_is_understood(meta: str, header: str, noindex: bool, nofollow: bool) -> None:
    found = page_links(f"<head>{meta}</head>".encode(), PAGE, header)

    assert (noindex, nofollow) == (found.noindex, found.nofollow)


def test_a_page_nested_beyond_all_use_says_nothing() -> None:
    says = page_links(b'<a href="/x">x</a>' + b"<DIV >" * 300_000, PAGE)

    assert (None, ()) == (says.canonical, says.links)


def test_bytes_that_are_no_page_say_nothing() -> None:
    found = page_links(bytes(range(256)) * 50, PAGE)

    assert (None, False, False, ()) == (found.canonical, found.noindex, found.nofollow, found.links)


@pytest.mark.parametrize(
    ("allow", "url", "allowed"),
    [
        ("https://a.org/help/", "https://a.org/help/", True),
        ("https://a.org/help/", "https://a.org/help/x?page=2", True),
        ("https://a.org/help/", "https://A.ORG:443/help/x", True),
        ("https://a.org/help", "https://a.org/helpless", True),
        ("https://a.org/help/", "https://a.org/help", False),
        ("https://a.org/help/", "http://a.org/help/", False),
        ("https://a.org/help/", "https://a.org:8443/help/", False),
        ("https://a.org", "https://a.org.evil.net/", False),
        ("https://a.org", "https://a.org/x", True),
        ("https://a.org/*/help/", "https://a.org/de/help/x", True),
        ("https://a.org/*/help/", "https://a.org/help/x", False),
        ("https://a.org/x?id=*&v=1", "https://a.org/x?id=7&v=1", True),
        ("https://a.org/a.c", "https://a.org/abc", False),
        ("https://a.org/ü", "https://a.org/%C3%BC/x", True),
    ],
)
def test_an_allowed_page_begins_as_the_entry_says(allow: str, url: str, allowed: bool) -> None:
    assert allowed == allowed_pages([allow]).allows(httpx.URL(url))


@pytest.mark.parametrize("allow", ["", "/help/", "a.org/help", "https://*.org/", "ftp://a.org/", "https://u:p@a.org/"])
def test_an_entry_of_allow_that_is_no_address_is_a_usage_error(allow: str) -> None:
    with pytest.raises(UsageError, match="allow entry"):
        allowed_pages([allow])


def test_an_empty_allow_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="allow is empty"):
        allowed_pages([])
