"""Everything without a mouse; the suggestions as the ARIA Authoring Practices describe a combobox."""

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from tests.browser.search_page import SearchPage


@pytest.fixture
def offered(page: SearchPage) -> SearchPage:
    """The page with suggestions for "rep" below the field."""
    page.open()
    page.field.send_keys("rep")
    page.until(lambda: page.texts("#suggestions [role=option]"), "suggestions are shown")
    page.settled()
    return page


def active_text(page: SearchPage) -> str | None:
    """The suggestion that aria-activedescendant points at."""
    name = page.field.get_attribute("aria-activedescendant")
    if not name:
        return None
    assert "true" == page.one(f"#{name}").get_attribute("aria-selected")
    return str(page.one(f"#{name}").get_attribute("data-text"))


def test_the_field_is_a_combobox_that_says_when_its_list_is_open(offered: SearchPage) -> None:
    field, options = offered.field, offered.all("#suggestions [role=option]")

    assert ("combobox", "list", "true", "suggestions") == tuple(
        field.get_attribute(name) for name in ("role", "aria-autocomplete", "aria-expanded", "aria-controls")
    )
    assert "listbox" == offered.one("#suggestions").aria_role
    assert {"option"} == {option.aria_role for option in options}
    assert f"{len(options)} suggestions" in offered.text("#announcement")
    assert "q" == offered.focused_id


def test_arrows_go_through_the_list_and_through_the_field_at_its_ends(offered: SearchPage) -> None:
    names = [option.get_attribute("data-text") for option in offered.all("#suggestions [role=option]")]

    seen = []
    for _ in range(len(names) + 2):
        offered.type(Keys.ARROW_DOWN)
        seen.append(active_text(offered))
    offered.type(Keys.ARROW_UP, Keys.ARROW_UP)

    assert [*names, None, names[0]] == seen
    assert names[-1] == active_text(offered)


def test_enter_takes_the_suggestion_and_asks_it(offered: SearchPage) -> None:
    offered.type(Keys.ARROW_DOWN)
    chosen = active_text(offered)

    offered.type(Keys.ENTER)
    offered.until(lambda: f"“{chosen}”" in offered.text("#summary"), "the suggestion is answered")

    assert chosen == offered.field.get_attribute("value")
    assert "false" == offered.field.get_attribute("aria-expanded")
    assert "q" == offered.focused_id


def test_escape_closes_the_list_first_and_empties_the_field_second(offered: SearchPage) -> None:
    offered.type(Keys.ESCAPE)
    first = (offered.field.get_attribute("aria-expanded"), offered.field.get_attribute("value"))

    offered.type(Keys.ESCAPE)
    offered.until(lambda: offered.all(".welcome"), "the welcome is shown")

    assert ("false", "rep") == first
    assert "" == offered.field.get_attribute("value")
    assert "q" == offered.focused_id


@pytest.mark.parametrize(
    ("key", "position"), [pytest.param(Keys.HOME, 0, id="home"), pytest.param(Keys.END, 3, id="end")]
)
def test_home_and_end_go_back_to_the_text_in_the_field(offered: SearchPage, key: str, position: int) -> None:
    offered.type(Keys.ARROW_DOWN)

    offered.type(key)

    assert active_text(offered) is None
    assert position == offered.script("return document.activeElement.selectionStart")


def test_after_escape_the_down_arrow_opens_the_list_again(offered: SearchPage) -> None:
    first = offered.one("#suggestions [role=option]").get_attribute("data-text")
    offered.type(Keys.ESCAPE)

    offered.type(Keys.ARROW_DOWN)

    assert "true" == offered.field.get_attribute("aria-expanded")
    assert first == active_text(offered)


def test_leaving_the_field_closes_the_list(offered: SearchPage) -> None:
    offered.type(Keys.TAB)

    assert not offered.one("#suggestions").is_displayed()
    assert "clear" == offered.focused_id


def test_slash_leads_to_the_field_from_anywhere_but_another_field(page: SearchPage) -> None:
    page.open("quokka")
    page.type("/")
    from_the_page = (page.focused_id, page.field.get_attribute("value"))

    page.type("a/b")

    assert ("q", "quokka") == from_the_page
    assert "a/b" == page.field.get_attribute("value")


def test_slash_with_a_modifier_is_left_to_the_browser(page: SearchPage) -> None:
    page.open("quokka")

    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys("/").key_up(Keys.CONTROL).perform()

    assert "BODY" == page.focused_id


def test_the_first_tab_offers_to_skip_to_the_results(page: SearchPage) -> None:
    page.open("quokka")

    page.type(Keys.TAB)
    name = page.driver.switch_to.active_element.text
    page.type(Keys.ENTER)
    page.until(lambda: page.focused_id == "summary", "the focus is at the results")
    page.type(Keys.TAB)

    assert "Skip to the results" == name
    assert "A long passage" == page.driver.switch_to.active_element.text


def test_a_question_can_be_asked_read_and_opened_by_keys_alone(page: SearchPage) -> None:
    page.open()

    page.type("/")
    page.type("create an invoice", Keys.ENTER)
    page.until(lambda: "“create an invoice”" in page.text("#summary"), "the question is answered")
    for _ in range(20):
        page.type(Keys.TAB)
        if "Create an invoice" == page.driver.switch_to.active_element.text:
            break
    page.type(Keys.ENTER)
    page.until(lambda: "/articles/invoices" in page.driver.current_url, "the article is open")

    assert "Create an invoice" in page.text("h1")


def test_what_has_the_focus_is_outlined(page: SearchPage) -> None:
    page.open("quokka")
    stops: list[tuple[str, str]] = []

    for _ in range(12):
        page.type(Keys.TAB)
        stops.append(
            page.script(
                """
                const node = document.activeElement;
                const frame = node.id === "q" ? node.closest(".field") : node;
                const style = getComputedStyle(frame);
                const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                const ringed = style.boxShadow.includes("0px 0px 0px 1px");
                return [node.outerHTML.slice(0, 80), outlined || ringed ? "seen" : ""];
                """
            )
        )

    assert [] == [name for name, seen in stops if seen != "seen" and not name.startswith("<body")]


def test_focus_is_not_lost_when_what_had_it_goes_away(page: SearchPage) -> None:
    page.open()
    page.until(lambda: page.all(".welcome .chip"), "examples are shown")
    page.script("document.querySelector('.welcome .chip').focus()")

    page.type(Keys.ENTER)
    page.until(lambda: page.all(".result"), "the example is answered")

    assert "summary" == page.focused_id


def test_the_suggestions_can_be_clicked_without_losing_the_field(offered: SearchPage) -> None:
    option = offered.one("#suggestions [role=option]")
    chosen = option.get_attribute("data-text")

    option.click()
    offered.until(lambda: f"“{chosen}”" in offered.text("#summary"), "the suggestion is answered")

    assert "q" == offered.focused_id
