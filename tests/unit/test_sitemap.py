"""Sitemaps as they are found in the world, and as an attacker would write them."""

import gzip

import pytest

from clockifyrag_builder.readers.sitemap import Sitemap, parse_sitemap, unpacked

NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


@pytest.mark.parametrize(
    ("text", "sitemap"),
    [
        pytest.param(
            f"<urlset {NAMESPACE}><url><loc> https://a.org/?a=1&amp;b=2\n</loc></url><url><loc>https://a.org/b</loc>"
            "<lastmod>2026-01-01</lastmod></url></urlset>",
            Sitemap("urlset", ("https://a.org/?a=1&b=2", "https://a.org/b")),
            id="urlset",
        ),
        pytest.param(
            f'\n<?xml version="1.0" encoding="UTF-8"?><sitemapindex {NAMESPACE}><sitemap><loc>https://a.org/1.xml'
            "</loc></sitemap></sitemapindex>",
            Sitemap("sitemapindex", ("https://a.org/1.xml",)),
            id="index after a line break",
        ),
        pytest.param(
            "<urlset><url><loc><![CDATA[https://a.org/x&y]]></loc></url></urlset>",
            Sitemap("urlset", ("https://a.org/x&y",)),
            id="CDATA, no namespace",
        ),
        pytest.param(
            f'<urlset {NAMESPACE} xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><url><i:image><i:loc>'
            "https://a.org/x.png</i:loc></i:image><loc>https://a.org/x</loc></url></urlset>",
            Sitemap("urlset", ("https://a.org/x",)),
            id="images are no pages",
        ),
        pytest.param("<urlset/>", Sitemap("urlset", ()), id="empty"),
        pytest.param("<urlset><url><loc/></url></urlset>", Sitemap("urlset", ()), id="empty loc"),
    ],
)
def test_pages_are_listed_in_file_order(text: str, sitemap: Sitemap) -> None:
    assert sitemap == parse_sitemap(text.encode())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(b"", "not XML", id="empty"),
        pytest.param(b"<!doctype html><title>Not found</title>", "not XML", id="a page"),
        pytest.param(b"<html><body/></html>", "<html>", id="XHTML"),
        pytest.param(b"<urlset><url></urlset>", "not XML", id="broken"),
        pytest.param(b'<?xml version="1.0" encoding="foo"?><urlset/>', "not XML: unknown encoding", id="encoding"),
        pytest.param(b'<?xml version="1.0" encoding="rot13"?><urlset/>', "not XML: 'rot13' is not", id="no encoding"),
        pytest.param(
            b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
            "DOCTYPE",
            id="entities",
        ),
        pytest.param(
            b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url></urlset>',
            "DOCTYPE",
            id="external entity",
        ),
    ],
)
def test_what_is_no_sitemap_is_an_error(data: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_sitemap(data)


def test_a_gzipped_sitemap_is_unpacked_and_a_plain_one_left_alone() -> None:
    assert b"<urlset/>" == unpacked(gzip.compress(b"<urlset/>"))
    assert b"<urlset/>" == unpacked(b"<urlset/>")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        pytest.param(gzip.compress(bytes(60_000_000)), "more than 52,428,800 bytes", id="bomb"),
        pytest.param(gzip.compress(b"<urlset/>" * 100)[:-9], "ends early", id="cut short"),
        pytest.param(b"\x1f\x8bnot gzip", "damaged gzip", id="not gzip"),
    ],
)
def test_a_gzip_that_is_damaged_or_too_large_is_an_error(data: bytes, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        unpacked(data)
