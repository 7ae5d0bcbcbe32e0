"""Titles, texts and addresses from anybody: shown as they are, never followed or run."""

from typing import Any

import pytest
from selenium.webdriver.common.by import By
from tests.browser.articles import HOSTILE_ADDRESSES, HOSTILE_TITLE
from tests.browser.search_page import SearchPage


def test_hostile_titles_and_texts_are_shown_as_texts_and_do_nothing(page: SearchPage) -> None:
    page.open("zebra")

    result = page.one(".result:has(mark)")
    assert HOSTILE_TITLE == result.find_element(By.TAG_NAME, "h3").text
    assert (
        "Zebra <script>window.hacked=4</script> & <i>more</i>." == result.find_element(By.CSS_SELECTOR, ".passage").text
    )
    assert [] == result.find_elements(By.CSS_SELECTOR, "img, script, i")
    assert page.script("return window.hacked === undefined")


def test_hostile_addresses_are_texts_and_every_link_is_safe(page: SearchPage) -> None:
    page.open("zebra")

    result = page.one(".result:has(mark)")
    links = [str(link.get_attribute("href")) for link in page.all("a")]
    assert ", ".join(HOSTILE_ADDRESSES) in result.find_element(By.CSS_SELECTOR, ".also").text
    assert [] == result.find_elements(By.CSS_SELECTOR, ".also a")
    assert [] == [link for link in links if not link.startswith((page.url, "https://help.example/"))]


def test_a_hostile_question_in_the_address_is_a_question(page: SearchPage) -> None:
    page.open("<img src=x onerror=window.hacked=6>")

    assert "<img src=x onerror=window.hacked=6>" == page.field.get_attribute("value")
    assert [] == page.all("main img")
    assert page.script("return window.hacked === undefined")


def test_the_policy_of_the_page_keeps_scripts_out_that_found_a_way_in(page: SearchPage) -> None:
    page.expect_complaints("Content Security Policy", "violates")
    page.open()

    page.driver.execute_async_script(
        "const script = document.createElement('script'); script.textContent = 'window.hacked=8';"
        "document.body.append(script);"
        "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.hacked=7\">');"
        "document.body.lastElementChild.addEventListener('error', arguments[0])"  # called after its own onerror
    )

    assert page.script("return window.hacked === undefined")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("https://help.example/a#b", "https://help.example/a#b", id="https"),
        pytest.param("HTTP://help.example/a", "http://help.example/a", id="http in capitals"),
        pytest.param("/articles/a%20b#c", "/articles/a%20b#c", id="path of this server"),
        pytest.param("//evil.example/", None, id="another host without scheme"),
        pytest.param("/\\evil.example/", None, id="backslash that a browser turns round"),
        pytest.param("/\t/evil.example/", None, id="tab that a browser drops"),
        pytest.param("javascript:alert(1)", None, id="javascript"),
        pytest.param("java\nscript:alert(1)", None, id="javascript over two lines"),
        pytest.param(" javascript:alert(1)", None, id="javascript behind a space"),
        pytest.param("data:text/html,x", None, id="data"),
        pytest.param("vbscript:x", None, id="vbscript"),
        pytest.param("blob:https://help.example/1", None, id="blob"),
        pytest.param("https://", None, id="no host"),
        pytest.param("https:evil.example", None, id="scheme without slashes"),
        pytest.param("articles/a", None, id="relative"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="nothing"),
        pytest.param(7, None, id="number"),
    ],
)
def test_only_web_addresses_and_paths_of_this_server_become_links(
    page: SearchPage, address: Any, expected: str | None
) -> None:
    page.open()

    assert expected == page.called("dom.js", "safeAddress", address)
