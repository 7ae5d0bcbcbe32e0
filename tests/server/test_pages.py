"""What a browser is sent: documents of the index, /docs, headers that keep foreign scripts out."""

import re

import pytest
from tests.server.conftest import Server


def test_a_document_is_shown_with_its_sections_under_their_anchors(server: Server) -> None:
    answer = server.get("/articles/help/track-time")

    assert (200, "text/html; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert "<h1>Track time</h1>" in answer.text
    assert '<h2 id="manual-entry">Manual entry</h2>' in answer.text
    assert "stop the timer when the work is done" in answer.text


def test_the_links_of_results_lead_to_a_page_that_holds_the_anchor(server: Server) -> None:
    results = server.get("/search", params={"q": "manual time entry", "k": 10}).json()["results"]

    for result in results:
        path, _, anchor = result["url"].partition("#")
        page = server.get(path)
        assert 200 == page.status_code, path
        assert not anchor or "id=" in page.text


def test_hostile_texts_never_become_markup(server: Server) -> None:
    answer = server.get("/articles/help/%3Cscript%3E")

    assert 200 == answer.status_code
    assert "<script>" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "Bold &amp; &lt;b&gt;" in answer.text


@pytest.mark.parametrize("path", ["/articles/help/track-time", "/docs"])
def test_pages_may_load_nothing_but_their_own_style_icon_and_theme(server: Server, path: str) -> None:
    page = server.get(path)
    headers = page.headers

    assert ["/page/theme.js"] == re.findall(r'<script src="([^"]+)"></script>', page.text)
    assert 1 == page.text.count("<script")
    linked = re.findall(r'<link rel="(\w+)" href="([^"]+)"', page.text)
    assert ["icon", "stylesheet"] == [kind for kind, _ in linked]
    assert {200} == {server.get(path).status_code for _, path in linked}
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert ("nosniff", "DENY", "no-referrer") == (
        headers["x-content-type-options"],
        headers["x-frame-options"],
        headers["referrer-policy"],
    )


@pytest.mark.parametrize("path", ["/articles/help/track-time", "/docs"])
def test_a_way_back_to_the_search_stands_above_everything_else(server: Server, path: str) -> None:
    page = server.get(path).text

    assert page.index('<a href="/">') < page.index("<h1>")


def test_docs_list_every_endpoint_and_load_nothing_from_elsewhere(server: Server) -> None:
    docs = server.get("/docs").text
    paths = server.get("/openapi.json").json()["paths"]

    assert [] == [path for path in paths if f" {path}</code>" not in docs]
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", docs)


def test_the_search_page_is_checked_for_changes_and_mostly_not_sent_again(server: Server) -> None:
    first = server.get("/")
    again = server.get("/", headers={"if-none-match": first.headers["etag"]})

    assert (200, "no-cache") == (first.status_code, first.headers["cache-control"])
    assert (304, b"") == (again.status_code, again.content)
    assert "script-src 'self'" in first.headers["content-security-policy"]
