"""From a typed question to what is shown of the answer."""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from tests.browser.articles import COMBINING, FAMILY, SITE
from tests.browser.chromium import block
from tests.browser.search_page import SearchPage


def test_typing_a_question_shows_its_articles_without_enter(page: SearchPage) -> None:
    page.open()

    page.field.send_keys("stop the timer")
    page.until(lambda: page.texts(".result h3"), "results are shown")

    assert "Start the timer" == page.texts(".result h3")[0]
    assert "articles for “stop the timer”" in page.text("#summary")


def test_enter_on_what_is_answered_already_keeps_it_without_asking_again(page: SearchPage) -> None:
    page.open()
    page.field.send_keys("stop the timer")
    page.until(lambda: page.texts(".result h3"), "results are shown")

    page.type(Keys.ENTER)
    page.ask("quokka")
    asked = page.script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    page.driver.back()
    page.until(lambda: "“stop the timer”" in page.text("#summary"), "the question has an entry of its own")

    assert 1 == sum("/search?q=stop+the+timer" in address for address in asked)


def test_a_result_shows_where_it_is_how_sure_it_is_and_its_sections_as_links(page: SearchPage) -> None:
    page.open("press start in the timer")

    first = page.one(".result")
    links = [link.get_attribute("href") for link in first.find_elements(By.CSS_SELECTOR, "a")]
    assert "help.example › time › timer" == first.find_element(By.CSS_SELECTOR, ".place").text
    assert f"{SITE}/time/timer" == str(links[0]).partition("#")[0]
    assert {f"{SITE}/time/timer", f"{SITE}/time/timer#steps", f"{SITE}/time/timer#stop"} == set(links)
    assert "% " in first.find_element(By.CSS_SELECTOR, ".score").text
    assert first.find_element(By.CSS_SELECTOR, ".source").get_attribute("data-source") in {
        "semantic", "lexical", "hybrid",
    }  # fmt: skip


def test_articles_without_an_address_lead_to_the_page_of_this_server(page: SearchPage) -> None:
    page.open("import hours into an invoice")

    page.one(".result h3 a").click()
    page.until(lambda: "/articles/invoices" in page.driver.current_url, "the article is open")

    assert "Import tracked hours into the invoice." in page.text("body")


def test_half_a_word_is_no_reason_to_say_that_nothing_answers(page: SearchPage) -> None:
    page.open()

    page.field.send_keys("zzqq")
    page.until(lambda: "Nothing for “zzqq” so far." == page.text("#summary"), "a hint is shown")

    assert not page.all(".empty")
    page.until(lambda: page.all(".empty"), "after a while it is said in full")


def test_lists_and_tables_are_shown_as_such_with_their_numbers(page: SearchPage) -> None:
    page.open("press start pick a project")

    steps = page.until(lambda: page.all(".passage ol"), "the list is shown")[0]
    assert ["Open the tracker.", "Press start.", "Press stop."] == [
        str(item.text).splitlines()[0] for item in steps.find_elements(By.CSS_SELECTOR, ":scope > li")
    ]
    assert ["Pick a project.", "Pick a tag."] == [item.text for item in steps.find_elements(By.CSS_SELECTOR, "ul > li")]
    assert ["Plan", "Price", "Basic", "3.99", "Pro", "7.99"] == page.texts(".passage td")


def test_marks_are_right_behind_emoji_and_never_split_a_visible_character(page: SearchPage) -> None:
    page.open("pelican cafe")

    passage = page.until(lambda: page.all(".passage:has(mark)"), "the passage is shown")[0]
    marks = [mark.text for mark in passage.find_elements(By.TAG_NAME, "mark")]
    assert [COMBINING, "pelican", "pelican"] == marks
    assert FAMILY in passage.text


def test_a_long_passage_is_cut_around_its_first_mark_and_opens_in_place(page: SearchPage) -> None:
    page.open("quokka")

    shown = page.texts(".passage")[0]
    more = page.one(".more")
    more.click()

    assert shown.startswith("…") and shown.endswith(" …")
    assert "The quokka stands" in shown
    assert len(shown) < 400
    assert "true" == more.get_attribute("aria-expanded")
    assert len(page.texts(".passage")[0]) > 1000
    assert page.driver.switch_to.active_element == more


def test_other_addresses_of_the_same_text_are_named(page: SearchPage) -> None:
    page.open("quokka")

    assert "Also at: help.example › elsewhere › long" == page.texts(".also")[0]
    assert f"{SITE}/elsewhere/long" == page.one(".also a").get_attribute("href")


def test_a_corrected_question_says_so_and_the_original_can_be_asked(page: SearchPage) -> None:
    page.open("recrods of the timer")
    assert "Showing results for records of the timer. Search instead for recrods of the timer." == page.text(
        ".corrected"
    )

    page.one(".corrected a").click()
    page.until(lambda: not page.all(".corrected"), "the question is asked as it was typed")

    assert "?q=recrods+of+the+timer&expand=false" == page.address
    assert "recrods of the timer" in page.text("#summary")
    assert "summary" == page.focused_id


def test_more_articles_come_below_those_already_shown(page: SearchPage) -> None:
    page.open("report totals of the week")
    before = page.texts(".result h3")

    page.one("#more button").click()
    page.until(lambda: len(page.all(".result")) > len(before), "more articles are shown")

    assert before == page.texts(".result h3")[: len(before)]
    assert f"{len(page.all('.result'))} articles for" in page.text("#summary")
    assert page.driver.switch_to.active_element.text == page.texts(".result h3")[len(before)]


def test_where_no_more_articles_can_be_had_those_shown_stay_and_the_rest_is_asked_for_again(page: SearchPage) -> None:
    page.expect_complaints("ERR_BLOCKED")
    page.open("report totals of the week")
    before = page.texts(".result h3")

    block(page.driver, "*k=15*")
    page.one("#more button").click()
    page.until(lambda: page.all("#more .failure"), "the failure is told")
    kept = page.texts(".result h3")
    block(page.driver)
    page.type(Keys.ENTER)  # on what has the focus: "Try again"
    page.until(lambda: len(page.all(".result")) > len(before), "more articles are shown")

    assert before == kept
    assert not page.all(".failure")


def test_enter_keeps_the_further_articles_of_its_question(page: SearchPage) -> None:
    page.open("report totals of the week")
    page.one("#more button").click()
    page.until(lambda: len(page.all(".result")) > 5, "more articles are shown")
    shown = page.texts(".result h3")

    page.field.send_keys(Keys.ENTER)
    page.settled()

    assert shown == page.texts(".result h3")


def test_an_older_answer_never_takes_the_place_of_a_newer_one(page: SearchPage) -> None:
    page.open()
    page.script(  # a network that answers the first question last, whatever the page gives up
        """
        const real = window.fetch;
        window.held = [];
        window.fetch = (address, options) => {
          if (!String(address).includes("invoice")) return real(address, options);
          return new Promise(resolve => held.push(async () => {
            const response = await real(address, {...options, signal: null});
            const whole = response.clone().text();
            resolve(response);
            return whole;
          }));
        };
        """
    )

    page.field.send_keys("invoice", Keys.ENTER)
    page.until(lambda: page.script("return held.length > 0"), "the first question is on its way")
    page.ask("quokka")
    page.driver.execute_async_script(
        "const done = arguments[0]; Promise.all(held.map(answer => answer())).then(() => setTimeout(done))"
    )

    assert "A long passage" == page.texts(".result h3")[0]
    assert "“quokka”" in page.text("#summary")


def test_back_and_forward_go_from_question_to_question(page: SearchPage) -> None:
    page.open()
    page.ask("quokka")
    page.ask("create an invoice")

    page.driver.back()
    page.until(lambda: "“quokka”" in page.text("#summary"), "the question before is shown")
    back = (page.field.get_attribute("value"), page.address, page.texts(".result h3")[0])
    page.driver.forward()
    page.until(lambda: "“create an invoice”" in page.text("#summary"), "the later question is shown")
    forward = (page.field.get_attribute("value"), page.address, page.texts(".result h3")[0])

    assert ("quokka", "?q=quokka", "A long passage") == back
    assert ("create an invoice", "?q=create+an+invoice", "Create an invoice") == forward


def test_typing_fills_one_entry_of_the_history_not_one_a_letter(page: SearchPage) -> None:
    page.open()
    before = page.script("return history.length")

    for part in ("qu", "ok", "ka"):
        page.field.send_keys(part)
        page.until(lambda: page.address == f"?q={page.field.get_attribute('value')}", "it was asked")
    page.driver.back()
    page.until(lambda: page.all(".welcome"), "the empty page is shown")

    assert before + 1 == page.script("return history.length")
    assert "" == page.field.get_attribute("value")


def test_what_is_typed_after_going_back_leaves_the_page_gone_back_to_in_the_history(page: SearchPage) -> None:
    page.open()
    page.field.send_keys("quokka")
    page.until(lambda: "?q=quokka" == page.address, "it was asked")
    page.driver.back()
    page.until(lambda: page.all(".welcome"), "the empty page is shown")

    page.field.send_keys("invoice")
    page.until(lambda: "?q=invoice" == page.address, "it was asked")
    page.driver.back()

    page.until(lambda: "" == page.address and page.all(".welcome"), "the empty page is shown again")


def test_a_shared_address_shows_the_question_and_its_answer(page: SearchPage) -> None:
    page.open("quokka & co?")

    assert "quokka & co?" == page.field.get_attribute("value")
    assert "quokka & co? – Help search" == page.driver.title
    assert "A long passage" == page.texts(".result h3")[0]


def test_the_welcome_offers_titles_of_this_index_and_remembers_what_was_asked_here(page: SearchPage) -> None:
    page.open("quokka")
    page.open()
    page.until(lambda: "Start the timer" in page.texts(".welcome .chip"), "titles are offered")
    assert "quokka" in page.texts(".welcome .chip")

    page.one(".welcome .chips:last-child button").click()
    page.open()
    page.until(lambda: "Start the timer" in page.texts(".welcome .chip"), "titles are offered")

    assert "quokka" not in page.texts(".welcome .chip")


def test_the_foot_of_the_page_tells_what_is_served(page: SearchPage) -> None:
    page.open()

    line = page.until(lambda: page.text("#health"), "the health is shown")

    assert "Ready" in line
    assert "18 articles" in line
    assert "wordllama" in line
    assert "gen-" in line
