"""What the page shows when there is no answer, only a part of one, or nobody who answers."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from tests.browser.chromium import block, go_offline, prefer, resize
from tests.browser.search_page import SearchPage
from tests.server.conftest import Serve

STOPPED = r"ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INTERNET_DISCONNECTED|ERR_BLOCKED"


@pytest.fixture
def lonely(browser: Chrome, serve: Serve, root: Path) -> SearchPage:
    """The page of a server that embeds questions with an Ollama that does not run."""
    server = serve(root, QUERY_PROVIDER="ollama", LLM_BASE_URL="http://127.0.0.1:9")
    return SearchPage(browser, server.url)


def test_a_question_that_nothing_answers_gets_tips_and_the_nearest_titles(page: SearchPage) -> None:
    page.open("startle xqzv")

    assert "No article answers “startle xqzv”" == page.text(".empty h2")
    assert len(page.texts(".tips li")) >= 3
    assert "Start the timer" in page.texts(".empty .chip")
    assert not page.all(".result")


@pytest.mark.parametrize("question", ["-kiosk", '-"time off" -kiosk'])
def test_a_question_of_words_to_leave_out_alone_is_told_what_it_lacks(page: SearchPage, question: str) -> None:
    page.open(question)

    assert "Only words to leave out are given; add what you look for." == page.text(".empty .tips")
    assert not page.all(".empty .chip")


def test_where_a_phrase_finds_nothing_leaving_out_its_quotes_is_advised(page: SearchPage) -> None:
    page.open('"timer the start"')

    assert page.texts(".tips li")[0].startswith("Leave out the quotes")


def test_the_nearest_articles_are_shown_all_the_same_when_asked_for(page: SearchPage) -> None:
    page.open("xqzv wwkq")

    page.one(".empty button").click()
    page.until(lambda: page.all(".result"), "articles are shown")

    assert "These articles come nearest, but may not answer this." == page.text(".doubtful")
    assert "summary" == page.focused_id


def test_without_any_match_there_is_nothing_to_show_all_the_same(lonely: SearchPage) -> None:
    lonely.open("xqzv wwkq")

    assert lonely.text(".empty h2").startswith("No article answers")
    assert not lonely.all(".empty button")


def test_without_the_embedder_results_say_that_words_alone_found_them(lonely: SearchPage) -> None:
    lonely.open("stop the timer")

    assert "Start the timer" == lonely.texts(".result h3")[0]
    assert "Meaning-based search is unavailable. These results were found by words only." == lonely.text(".degraded")
    assert {"lexical"} == {badge.get_attribute("data-source") for badge in lonely.all(".source")}


def test_a_refusal_is_shown_with_its_message_suggestion_and_request_id(page: SearchPage) -> None:
    page.expect_complaints("status of 400")
    page.open("a" * 501)

    assert "This question cannot be asked" == page.text(".failure h2")
    assert "501 characters" in page.text(".failure")
    assert "Ask a shorter question." in page.text(".failure .suggestion")
    assert page.text(".failure .request code")
    assert "501 characters" in page.text("#summary")


def test_when_the_server_stops_the_page_says_so_and_goes_on_by_itself_when_it_is_back(
    browser: Chrome, serve: Serve, root: Path
) -> None:
    server = serve(root)
    page = SearchPage(browser, server.url).open("quokka")
    server.stop()

    page.ask("stop the timer")
    failure = page.text(".failure")
    foot = page.until(lambda: "Cannot be reached" in page.text("#health"), "the foot of the page tells it, too")
    serve(root, API_PORT=server.url.rpartition(":")[2])
    page.until(lambda: page.all(".result"), "the question is answered")

    assert foot
    assert "The search does not answer" in failure
    assert "“stop the timer”" in page.text("#summary")


CUT_ONE_ANSWER = """
const fetchAsUsual = window.fetch;
window.fetch = (address, ...more) => {
  if (!String(address).includes("search?")) return fetchAsUsual(address, ...more);
  window.fetch = fetchAsUsual;
  return Promise.reject(new TypeError("the connection was cut"));
};
"""


def test_an_answer_that_is_cut_is_asked_for_again_though_the_server_was_well_all_the_time(page: SearchPage) -> None:
    """The cut is made in the page: what the network does to a single answer cannot be told to the browser."""
    page.open("stop the timer")
    page.ask("quokka")
    page.until(lambda: "“quokka”" in page.text("#summary"), "the other question is answered")
    page.driver.execute_script(CUT_ONE_ANSWER)

    page.driver.back()  # asks at once, and no more than this

    page.until(lambda: "“stop the timer”" in page.text("#summary"), "the question before is answered")
    page.until(lambda: page.all(".result"), "its results are shown")


OTHER_JSON = """
const fetchAsUsual = window.fetch;
window.fetch = (address, ...more) =>
  String(address).includes("search?") ? Promise.resolve(Response.json({status: "ok"})) : fetchAsUsual(address, ...more);
"""


def test_an_answer_of_somebody_else_is_told_as_such(page: SearchPage) -> None:
    """It is made in the page: a proxy that answers for a server in JSON of its own."""
    page.open("quokka")
    page.driver.execute_script(OTHER_JSON)

    page.ask("stop the timer")

    page.until(lambda: page.all(".failure"), "the failure is told")
    assert "something that is no answer of a search" in page.text(".failure")
    assert "A proxy may stand in between." in page.text(".failure .suggestion")


def test_a_server_without_an_index_is_waited_for(browser: Chrome, serve: Serve, root: Path, tmp_path: Path) -> None:
    server = serve(tmp_path / "later", ready=False)
    page = SearchPage(browser, server.url)
    page.open("quokka")

    assert "The search is not ready yet" == page.text(".failure h2")
    assert page.text(".failure .request code")
    (tmp_path / "later").symlink_to(root)
    page.until(lambda: page.all(".result"), "the question is answered")


def test_offline_is_told_apart_from_a_server_that_does_not_answer(page: SearchPage) -> None:
    page.expect_complaints(STOPPED)
    page.open("quokka")

    go_offline(page.driver, True)
    page.ask("stop the timer")
    heading = page.text(".failure h2")
    go_offline(page.driver, False)
    page.until(lambda: page.all(".result"), "the question is answered")

    assert "You are offline" == heading


def test_trying_again_keeps_the_focus(page: SearchPage) -> None:
    page.expect_complaints(STOPPED, "Failed to load")
    page.open()
    block(page.driver, "*/search?*")
    page.ask("quokka")
    block(page.driver)

    button = page.one(".failure button")
    button.send_keys(Keys.ENTER)
    page.until(lambda: page.all(".result"), "the question is answered")

    assert "summary" == page.focused_id


def test_the_theme_follows_the_system_until_one_is_chosen(page: SearchPage) -> None:
    page.open()
    colour = "return getComputedStyle(document.body).backgroundColor"
    light = page.script(colour)
    prefer(page.driver, prefers_color_scheme="dark")
    dark = page.script(colour)

    page.one("#theme").click()
    chosen = (page.script(colour), page.text("#theme"))
    page.open()
    kept = page.script(colour)

    assert light != dark
    assert (light, "Dark theme") == chosen
    assert light == kept


def test_an_article_of_the_server_shows_lists_and_tables_as_such(page: SearchPage) -> None:
    page.driver.get(f"{page.url}/articles/start-timer")

    assert ["Pick a project.", "Pick a tag."] == page.texts(".document ol ul > li")
    assert ["1", "2", "3"] == page.script(
        "return [...document.querySelectorAll('.document ol > li')].map(item => item.getAttribute('value'))"
    )
    assert ["Plan", "Price", "Basic", "3.99", "Pro", "7.99"] == page.texts(".document td")


def test_the_title_of_an_article_begins_at_the_side_its_script_begins_at(page: SearchPage) -> None:
    page.driver.get(f"{page.url}/articles/rtl")

    gap = page.script(
        "const title = document.querySelector('h1'), words = document.createRange(); words.selectNodeContents(title);"
        "return title.getBoundingClientRect().right - words.getBoundingClientRect().right"
    )
    assert abs(gap) < 1


def test_the_time_to_wait_is_told_once(page: SearchPage) -> None:
    page.open()

    told = page.driver.execute_async_script(
        "const [failure, done] = arguments; import('/page/panels.js').then(({failurePanel}) =>"
        "  done(failurePanel(failure, () => {}).textContent))",
        {
            "code": "RATE_LIMITED",
            "message": "More than 30 requests a minute.",
            "suggestion": "Try again in 9 seconds.",
            "retryAfter": 9,
        },
    )

    assert 1 == told.count("9 seconds")


@pytest.mark.parametrize("path", ["articles/invoices", "docs"])
def test_the_chosen_theme_holds_on_the_other_pages_of_this_server(page: SearchPage, path: str) -> None:
    page.open()
    page.one("#theme").click()

    page.driver.get(f"{page.url}/{path}")

    assert "dark" == page.script("return document.documentElement.dataset.theme")
    assert "rgb(18, 22, 28)" == page.script("return getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("width", [320, 360, 768])
@pytest.mark.parametrize(
    "question", ["", "stop the timer", "quokka", "zebra", "xqzv wwkq", pytest.param("w" * 300, id="one long word")]
)
def test_nothing_scrolls_sideways(page: SearchPage, width: int, question: str) -> None:
    resize(page.driver, width, 740)

    page.open(question)

    assert width >= page.script("return document.documentElement.scrollWidth")


def test_nothing_moves_for_those_who_asked_for_less_motion(page: SearchPage) -> None:
    prefer(page.driver, prefers_reduced_motion="reduce")

    page.open("quokka")

    longest = page.script(
        "return Math.max(...document.getAnimations().map(each => each.effect.getComputedTiming().duration), 0)"
    )
    assert longest <= 1


def test_without_scripts_the_form_still_asks_the_api(page: SearchPage) -> None:
    page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.driver.get(f"{page.url}/")
        told = page.one("main noscript").text
        hidden = [node for node in page.all(".needs-script") if node.is_displayed()]
        page.field.send_keys("quokka", Keys.ENTER)
        page.until(lambda: "/search?q=quokka" in page.driver.current_url, "the form was sent")
        answer = page.one("body").text
    finally:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

    assert "curl" in told
    assert [] == hidden
    assert '"results"' in answer
