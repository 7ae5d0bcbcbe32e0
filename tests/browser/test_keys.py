"""A server with keys: what the page does so that a reader with one gets everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from tests.browser.articles import TEXTS, Text, publish_articles
from tests.browser.search_page import SearchPage
from tests.server.conftest import Serve, Server

from clockifyrag_index.api_keys import new_key
from clockifyrag_index.embedders import Embedder

KEY = "a-key-for-the-tests"
INVOICE = "import hours into an invoice"
ARTICLE = "?q=import+hours+into+an+invoice&article=invoices#part-0"


CHAPTERS = tuple(
    Text("walrus", "All about the walrus", f"Chapter {number}", f"Chapter {number} counts {number} tusks.\n" * 9)
    for number in range(20)
)


@pytest.fixture(scope="module")
def locked(serve_process: Serve, tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Server:
    """A server with keys over the usual articles and one that is longer than a window."""
    folder = tmp_path_factory.mktemp("locked")
    publish_articles(folder, embedder, (*TEXTS, *CHAPTERS))
    return serve_process(folder, API_KEY=KEY)


@pytest.fixture
def keyless(browser: Chrome, locked: Server) -> SearchPage:
    """The page of a server with keys, in a tab that holds none."""
    page = SearchPage(browser, locked.url)
    browser.get(f"{page.url}/page/icon.svg")  # of the same origin, and it asks nothing
    page.script("localStorage.clear(); sessionStorage.clear()")
    page.complaints()
    page.expect_complaints("favicon.ico")  # which the browser asks for beside a picture, whenever it comes to it
    return page


@pytest.fixture
def keyed(keyless: SearchPage) -> Iterator[SearchPage]:
    """The same in a tab that holds a key; the browser must find nothing to complain about."""
    keyless.script("sessionStorage.setItem('api-key', arguments[0])", KEY)
    yield keyless
    assert [] == keyless.complaints()


def open_first_article(page: SearchPage) -> None:
    page.one(".result h3 a").click()
    page.until(lambda: page.all(".article h2"), "the article is shown")


def in_sight(node: WebElement) -> bool:
    """Whether it stands below the field that stays at the top, and within the window."""
    script = (
        "const {top, bottom} = arguments[0].getBoundingClientRect();"
        "const field = document.getElementById('search').getBoundingClientRect();"
        "return top >= Math.max(0, field.bottom - 12) && bottom <= innerHeight"
    )
    return bool(node.parent.execute_script(script, node))


def test_an_article_opens_in_place_with_the_focus_on_its_heading(keyed: SearchPage) -> None:
    keyed.open(INVOICE)

    open_first_article(keyed)

    assert "Create an invoice" == keyed.text(".article h2")
    assert keyed.driver.switch_to.active_element == keyed.one(".article h2")
    assert "Import tracked hours into the invoice." in keyed.text(".article .text")
    assert (ARTICLE, "Create an invoice – Help search") == (
        keyed.address + keyed.script("return location.hash"),
        keyed.driver.title,
    )
    assert INVOICE == keyed.field.get_attribute("value")
    assert [] == keyed.all(".result")


def test_back_leads_to_the_results_and_forward_to_the_article_again(keyed: SearchPage) -> None:
    keyed.open(INVOICE)
    open_first_article(keyed)

    keyed.driver.back()
    keyed.until(lambda: keyed.all(".result:not(.waiting)"), "the results are shown")
    results = (keyed.address, keyed.text("#summary"), keyed.all(".article"))
    keyed.driver.forward()
    keyed.until(lambda: keyed.all(".article h2"), "the article is shown")

    assert "?q=import+hours+into+an+invoice" == results[0]
    assert f"“{INVOICE}”" in results[1]
    assert [] == results[2]


def test_the_way_back_to_the_results_stands_above_the_article(keyed: SearchPage) -> None:
    keyed.open(INVOICE)
    open_first_article(keyed)

    keyed.one(".article .back a").click()
    keyed.until(lambda: keyed.all(".result:not(.waiting)"), "the results are shown")

    assert "?q=import+hours+into+an+invoice" == keyed.address
    assert "summary" == keyed.focused_id


def test_a_key_is_asked_for_kept_in_this_tab_and_forgotten_on_wish(keyless: SearchPage) -> None:
    page = keyless.open("quokka")
    assert "This search needs an API key" == page.text(".keys h2")

    page.one("#api-key").send_keys("wrong", Keys.ENTER)
    page.until(lambda: "not accepted" in page.text(".keys h2"), "the wrong key is refused")
    page.until(lambda: page.focused_id == "api-key", "another one can be typed at once")
    page.type(KEY, Keys.ENTER)
    page.until(lambda: page.all(".result"), "the question is answered")
    stored = page.script("return [Object.values(sessionStorage), Object.values(localStorage), document.cookie]")
    focused = page.focused_id
    page.one("#forget-key").click()
    page.until(lambda: page.all(".keys"), "the key is asked for again")

    assert [KEY] == stored[0]
    assert KEY not in str(stored[1:])
    assert KEY not in page.driver.current_url
    assert "summary" == focused
    assert [] == page.script("return Object.values(sessionStorage)")


def test_where_a_key_is_needed_no_link_leads_to_what_a_link_cannot_open(keyless: SearchPage) -> None:
    page = keyless.open()
    page.until(lambda: page.text("#health"), "the health is shown")
    welcomed = page.one("#documentation").is_displayed()
    page.open("quokka")
    asked = page.one("#documentation").is_displayed()
    page.one("#api-key").send_keys(KEY, Keys.ENTER)
    page.until(lambda: page.all(".result"), "the question is answered")
    answered = page.one("#documentation").is_displayed()
    page.open()

    assert [False] * 4 == [welcomed, asked, answered, page.one("#documentation").is_displayed()]


def test_a_key_that_no_request_can_carry_is_refused_at_once_and_the_next_one_is_taken(keyless: SearchPage) -> None:
    page = keyless.open("quokka")
    requested = len(page.script("return performance.getEntriesByType('resource')"))

    page.one("#api-key").send_keys(f"{KEY}\u200b", Keys.ENTER)
    page.until(lambda: "holds a character that no key has" in page.text(".keys h2"), "it is refused with words")
    told = page.text("#summary")
    stored = page.script("return Object.values(sessionStorage)")
    after = [entry["name"] for entry in page.script("return performance.getEntriesByType('resource')")[requested:]]
    page.one("#api-key").send_keys(KEY, Keys.ENTER)
    page.until(lambda: page.all(".result"), "the question is answered")

    assert "holds a character that no key has" in told
    assert [] == stored
    assert [] == [address for address in after if "/search" in address]


def test_a_key_of_before_that_no_request_can_carry_is_never_sent(keyless: SearchPage) -> None:
    keyless.script("sessionStorage.setItem('api-key', arguments[0])", f"{KEY}\u200b")

    keyless.open("quokka")

    assert "This search needs an API key" == keyless.text(".keys h2")
    keyless.until(lambda: keyless.one("#health").get_attribute("data-status") == "healthy", "the server is well")


def test_a_key_that_may_not_search_gives_way_to_one_that_may(
    browser: Chrome, serve: Serve, root: Path, tmp_path: Path
) -> None:
    (talks, first), (searches, second) = new_key("talks", ["chat"]), new_key("searches", ["search"])
    (tmp_path / "keys").write_text(f"{first}\n{second}\n")
    page = SearchPage(browser, serve(root, API_KEYS_FILE=tmp_path / "keys").url).open("quokka")
    page.one("#api-key").send_keys(talks, Keys.ENTER)
    page.until(lambda: "This API key may not search" in page.text("h2"), "it is told")
    told = page.text("#instead")

    page.one("#api-key").send_keys(searches, Keys.ENTER)
    page.until(lambda: page.all(".result"), "the question is answered")

    assert "scope 'search'" in told
    page.complaints()


def test_the_address_of_an_article_is_shown_after_the_key_is_given(keyless: SearchPage) -> None:
    page = keyless
    page.driver.get(f"{page.url}/{ARTICLE}")
    page.until(lambda: page.all("#api-key"), "the key is asked for")

    page.one("#api-key").send_keys(KEY, Keys.ENTER)
    page.until(lambda: page.all(".article h2"), "the article is shown")

    assert "Create an invoice" == page.text(".article h2")
    assert page.driver.switch_to.active_element == page.one(".article h2")


def test_the_section_of_the_link_is_scrolled_to_and_marked(keyed: SearchPage) -> None:
    keyed.open("chapter 17 of the walrus")

    keyed.one(".section.best a").click()
    keyed.until(lambda: keyed.all(".article .target"), "the section is marked")

    target = keyed.one(".article .target")
    assert "Chapter 17" == target.text
    assert in_sight(target)
    assert not in_sight(keyed.one(".article h2"))


def test_lists_and_tables_of_an_article_stay_such(keyed: SearchPage) -> None:
    keyed.driver.get(f"{keyed.url}/?q=timer&article=start-timer")
    keyed.until(lambda: keyed.all(".article h2"), "the article is shown")

    assert ["Pick a project.", "Pick a tag."] == keyed.texts(".article ol ul > li")
    assert ["Plan", "Price", "Basic", "3.99", "Pro", "7.99"] == keyed.texts(".article .table td")


def test_hostile_articles_stay_texts(keyed: SearchPage) -> None:
    keyed.expect_complaints("violates the following Content Security Policy")  # a second lock, should the first fail
    keyed.open()
    page_of_an_article = (
        "<main><h1 onclick='window.hacked=1'>T<script>window.hacked=2</script></h1>"
        "<img src=x onerror='window.hacked=3'><h2 id='results' style='color:red'>H</h2>"
        "<iframe src='javascript:window.hacked=5'></iframe><constructor>c</constructor>"
        "<div class='text panel' id='q'>&lt;b&gt;<b>bold</b><a href='javascript:window.hacked=4' target=x>link</a>"
        "<form action='https://evil.example'><input name=q></form></div></main>"
    )

    shown = keyed.driver.execute_async_script(
        "const [html, done] = arguments; import('/page/article.js').then(({parsedArticle, articlePanel}) =>"
        "  done(articlePanel(parsedArticle(html), {q: '', expand: true}).innerHTML))",
        page_of_an_article,
    )

    assert (
        '<h2 dir="auto" tabindex="-1">T</h2><h3 id="section-results" dir="auto">H</h3>'
        '<div id="section-q" dir="auto">&lt;b&gt;<span>link</span></div>'
    ) == shown
    assert keyed.script("return window.hacked === undefined")


def test_an_article_that_is_gone_is_a_failure_with_a_name(keyed: SearchPage) -> None:
    keyed.expect_complaints("status of 404")

    keyed.driver.get(f"{keyed.url}/?article=gone")
    heading = keyed.until(lambda: keyed.text(".failure h2"), "the failure is shown")

    assert "This article is not here" == heading


@pytest.mark.parametrize(
    ("address", "article"),
    [
        pytest.param("/articles/help/track-time#manual-entry", "help/track-time", id="an article"),
        pytest.param("/articles/a%20b/%D7%A9", "a b/ש", id="escaped"),
        pytest.param("/articles/../analytics", None, id="a path that leads elsewhere"),
        pytest.param("/articles/%2e%2e/analytics", None, id="the same, escaped"),
        pytest.param("/analytics", None, id="another path"),
        pytest.param("https://help.example/articles/a", None, id="another server"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_only_articles_of_this_server_open_within_the_page(
    keyed: SearchPage, address: str | None, article: str | None
) -> None:
    keyed.open()

    found = keyed.called("address.js", "articleIn", address)

    assert article == (found and found["article"])


def test_without_a_key_links_to_articles_are_ordinary_ones(page: SearchPage) -> None:
    page.open(INVOICE)

    link = page.one(".result").find_element(By.CSS_SELECTOR, "h3 a")

    assert f"{page.url}/articles/invoices#part-0" == link.get_attribute("href")
