"""Addresses and ids: spellings of one page are one document, and no two documents share an id."""

import pytest

from clockifyrag_builder.outcome import BuildOutcome
from clockifyrag_builder.readers import ReadLog
from clockifyrag_builder.readers.identity import (
    canonical_url,
    category_of,
    claimed_id,
    humanised,
    url_category,
    url_id,
    url_key,
)
from clockifyrag_builder.report import BuildReport
from clockifyrag_builder.sources import findings_of


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        pytest.param("HTTPS://Clockify.ME/Help/", "https://clockify.me/Help/", id="case"),
        pytest.param("http://a.com:80/x", "http://a.com/x", id="default-port"),
        pytest.param("https://a.com:8443/x", "https://a.com:8443/x", id="other-port"),
        pytest.param("https://a.com", "https://a.com/", id="no-path"),
        pytest.param("https://a.com/x#top", "https://a.com/x", id="fragment"),
        pytest.param("https://a.com/x?utm_source=m&b=2&a=1&gclid=3", "https://a.com/x?b=2&a=1", id="tracking"),
        pytest.param("https://a.com/x?q=a%20b&c", "https://a.com/x?q=a%20b&c", id="query-as-written"),
        pytest.param("https://me:pw@a.com/x", "https://a.com/x", id="password"),
        pytest.param(" https://a.com/a b/ü ", "https://a.com/a%20b/%C3%BC", id="not-encoded"),
        pytest.param("https://a.com/a%2Fb", "https://a.com/a%2Fb", id="encoded"),
        pytest.param("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]/x", id="ipv6"),
        pytest.param("/help/x", "", id="relative"),
        pytest.param("javascript:alert(1)", "", id="script"),
        pytest.param("ftp://a.com/x", "", id="ftp"),
        pytest.param("https://[::1", "", id="half-an-address"),
        pytest.param("https://a.com:99999/", "", id="no-such-port"),
        pytest.param("https://", "", id="no-host"),
        pytest.param("https://a b.com/", "", id="space-in-the-host"),
        pytest.param("", "", id="empty"),
    ],
)
def test_spellings_of_one_page_have_one_canonical_url(url, canonical):
    assert canonical == canonical_url(url)
    assert canonical == canonical_url(canonical)


def test_a_document_is_named_by_its_address_without_scheme_query_and_last_slash():
    url = "https://clockify.me/help/track-time/foo/?page=2"

    assert "clockify.me/help/track-time/foo" == url_id(url)
    assert "clockify.me/help/track-time/foo?page=2" == url_key(url)
    assert "help/track-time" == url_category(url)


@pytest.mark.parametrize(
    ("path", "category"),
    [("/help/a/b", "help/a"), ("/help/", ""), ("", ""), ("a.md", ""), ("guide/a.md", "guide"), ("//x//y/", "x")],
)
def test_a_category_is_the_path_above_the_document(path, category):
    assert category == category_of(path)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("guide/getting-started_now.md", "Getting started now"),
        ("FAQ", "FAQ"),
        ("https://a.com/help/time-off/", "Time off"),
        ("a%20b.md", "A b"),
        ("--.md", "--.md"),
        ("", "Untitled"),
    ],
)
def test_a_name_becomes_a_title(name, title):
    assert title == humanised(name)


def test_of_two_documents_with_one_id_the_later_gets_another_and_both_are_named():
    log = ReadLog()

    first = claimed_id(log, "a", "x.md")
    second = claimed_id(log, "a", "y.md", "", "a", "example.com/a")
    third = claimed_id(log, "a", "z.md", "example.com/a")
    fourth = claimed_id(log, "a", "z.md")

    assert ["a", "example.com/a", "a~2", "a~3"] == [first, second, third, fourth]
    assert ("a", "x.md", "y.md", "kept as a document of its own", "example.com/a") == (
        log.id_clashes[0].id,
        log.id_clashes[0].first,
        log.id_clashes[0].origin,
        log.id_clashes[0].outcome,
        log.id_clashes[0].kept_as,
    )


def test_one_id_in_two_files_with_two_addresses_makes_two_documents(read):
    log = ReadLog()

    [first] = read("a.md", "---\nid: intro\nurl: https://a.com/v1/intro\n---\nOne", log=log)
    [second] = read("b.md", "---\nid: intro\nurl: https://a.com/v2/intro\n---\nTwo", log=log)
    [third] = read("intro.md", "Three", log=log)
    [fourth] = read("c.jsonl", '{"id": "intro", "namespace": "v3", "text": "Four"}', log=log)

    assert ["intro", "a.com/v2/intro", "intro.md", "v3/intro"] == [
        document.document_id for document in (first, second, third, fourth)
    ]


def test_addresses_that_differ_in_their_query_alone_are_two_documents(read):
    records = "".join(f'{{"url": "https://a.com/kb?id={number}", "text": "x"}}\n' for number in (1, 2))

    documents = read("d.jsonl", records)

    assert ["a.com/kb", "a.com/kb?id=2"] == [document.document_id for document in documents]


def test_scheme_and_last_slash_do_not_make_another_document(read):
    records = "".join(f'{{"url": "{url}", "text": "x"}}\n' for url in ("http://a.com/x", "https://a.com/x/"))

    [document] = read("d.jsonl", records)

    assert ("a.com/x", "http://a.com/x") == (document.document_id, document.url)


def test_many_ids_used_twice_are_one_finding_behind_what_could_not_be_read(read):
    log = ReadLog()
    records = "".join(f'{{"url": "https://a.com/kb?id={number}", "text": "x"}}\n' for number in range(60))
    read("d.jsonl", records + "no JSON\n", log=log)

    findings = findings_of(log)
    summary = BuildOutcome("k", "s", report=BuildReport(findings)).summary()
    told = BuildReport(findings).text()

    assert {"records": 61, "broken": 1, "ids used twice (kept as a document of its own)": 59} == summary["reading"]
    assert "a.com/kb → a.com/kb?id=1" in findings["ids used twice (kept as a document of its own)"].ids
    assert "1 broken: d.jsonl:61" in told
