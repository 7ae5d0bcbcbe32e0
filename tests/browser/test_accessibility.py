"""Names, roles, headings, contrast and sizes, measured on the page as it is drawn (WCAG 2.2, level AA)."""

from itertools import pairwise
from typing import Any

import pytest
from tests.browser.chromium import prefer, resize
from tests.browser.search_page import SearchPage

STATES = ["", "stop the timer", "zebra", "recrods of the timer", "xqzv wwkq", "a" * 501]
THEMES = ["light", "dark"]

# Every visible text with its colour, the colour behind it and its size. Colours are [r, g, b] of 0–255.
TEXTS = """
const alpha = colour => { const m = colour.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m[3] : 1; };
const rgb = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
function ground(node) {
  for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if (alpha(colour) === 1) return rgb(colour);
    if (alpha(colour) !== 0) throw new Error("half-transparent: " + node.outerHTML.slice(0, 90));
  }
  return [255, 255, 255];
}
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest("noscript, .unseen, .skip")) continue;
  const style = getComputedStyle(node);
  const size = parseFloat(style.fontSize);
  found.push({
    text: walker.currentNode.data.trim().slice(0, 40), ink: rgb(style.color), ground: ground(node),
    large: size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700),
  });
}
const input = document.getElementById("q");
const placeholder = rgb(getComputedStyle(input, "::placeholder").color);
found.push({text: "(placeholder)", ink: placeholder, ground: ground(input), large: false});
return found;
"""

# Outlines of controls against what is around them: fields must be seen without their text.
EDGES = """
const rgb = name => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  return found;
};
const names = ["--edge", "--accent", "--visited", "--surface", "--ground", "--good", "--fair", "--bad"];
return Object.fromEntries(names.map(name => [name, rgb(name)]));
"""


def luminance(colour: list[float]) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2, definition of relative luminance)."""
    linear = [c / 12.92 if (c := part / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    """Contrast ratio of two colours, 1–21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def opened(page: SearchPage, question: str) -> SearchPage:
    page.expect_complaints("status of 400")
    page.open(question)
    page.until(lambda: page.text("#health"), "the health is shown")
    return page


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("question", STATES, ids=["welcome", "results", "hostile", "corrected", "empty", "error"])
def test_every_text_stands_out_from_its_ground(page: SearchPage, theme: str, question: str) -> None:
    prefer(page.driver, prefers_color_scheme=theme, prefers_reduced_motion="reduce")
    opened(page, question)

    texts: list[dict[str, Any]] = page.script(TEXTS)

    assert len(texts) > 10
    weak = {
        text["text"]: round(ratio, 2)
        for text in texts
        if (ratio := contrast(text["ink"], text["ground"])) < (3 if text["large"] else 4.5)
    }
    assert {} == weak


@pytest.mark.parametrize("theme", THEMES)
def test_edges_focus_and_signs_stand_out_from_what_is_around_them(page: SearchPage, theme: str) -> None:
    prefer(page.driver, prefers_color_scheme=theme)
    colours = opened(page, "").script(EDGES)

    least = {"--edge": 3.0, "--good": 3.0, "--fair": 3.0, "--bad": 3.0, "--accent": 4.5, "--visited": 4.5}
    weak = {
        (sign, ground): round(ratio, 2)
        for sign, wanted in least.items()
        for ground in ("--surface", "--ground")
        if (ratio := contrast(colours[sign], colours[ground])) < wanted
    }
    assert {} == weak


@pytest.mark.parametrize("question", STATES, ids=["welcome", "results", "hostile", "corrected", "empty", "error"])
def test_everything_that_can_be_used_has_a_name_and_a_role(page: SearchPage, question: str) -> None:
    opened(page, question)

    usable = [node for node in page.all("a, button, input, [role=listbox], [tabindex]") if node.is_displayed()]

    assert len(usable) >= 5
    nameless = [
        node.get_attribute("outerHTML")
        for node in usable
        if not node.accessible_name.strip() and node.get_attribute("id") != "summary"
    ]
    assert [] == nameless
    assert {"link", "button", "combobox", "status"} >= {node.aria_role for node in usable}


@pytest.mark.parametrize("question", STATES, ids=["welcome", "results", "hostile", "corrected", "empty", "error"])
def test_headings_go_down_one_level_at_a_time_and_ids_are_unique(page: SearchPage, question: str) -> None:
    opened(page, question)

    levels = page.script("return [...document.querySelectorAll('main :is(h1,h2,h3,h4,h5,h6)')].map(h => +h.tagName[1])")
    ids = page.script("return [...document.querySelectorAll('[id]')].map(node => node.id)")

    assert 1 == levels[0] and 1 == levels.count(1)
    assert all(level <= before + 1 for before, level in pairwise(levels))
    assert len(ids) == len(set(ids))


def test_the_page_has_its_landmarks_and_its_language(page: SearchPage) -> None:
    opened(page, "stop the timer")

    roles = {node.aria_role for node in page.all("header, main, footer, form, section")}

    assert {"banner", "main", "contentinfo", "search", "region"} <= roles
    assert "en" == page.one("html").get_attribute("lang")
    assert page.driver.title


def test_the_number_of_articles_is_announced_politely_and_as_a_whole(page: SearchPage) -> None:
    opened(page, "stop the timer")

    summary = page.one("#summary")

    assert ("status", "polite", "true") == tuple(
        summary.get_attribute(name) for name in ("role", "aria-live", "aria-atomic")
    )
    assert "articles for “stop the timer”" in summary.text


def test_while_an_answer_is_on_its_way_the_results_are_busy(page: SearchPage) -> None:
    page.open("quokka")
    page.script(
        "const real = window.fetch, late = go => setTimeout(go, 5000);"
        "window.fetch = (...given) => new Promise(late).then(() => real(...given))"
    )

    page.field.send_keys(" timer")
    page.until(lambda: page.one("#outcome").get_attribute("aria-busy") == "true", "the results are busy")
    page.until(lambda: page.one("#working").is_displayed(), "a line moves below the field")

    assert "A long passage" == page.texts(".result h3")[0]  # it stays until there is something new


@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("question", ["", "stop the timer", "quokka", "xqzv wwkq"])
def test_targets_are_large_enough_to_hit(page: SearchPage, width: int, question: str) -> None:
    resize(page.driver, width, 800)
    opened(page, question)

    small = page.script(
        """
        const inline = node => getComputedStyle(node).display === "inline";
        return [...document.querySelectorAll("a, button, input")]
          .filter(node => node.checkVisibility() && !inline(node) && !node.closest(".skip"))
          .map(node => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
          .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html);
        """
    )

    assert [] == small


def test_what_has_the_focus_is_not_hidden_behind_the_field(page: SearchPage) -> None:
    opened(page, "report totals of the week")
    page.script("document.querySelector('.result:last-child h3 a').focus(); scrollTo(0, document.body.scrollHeight)")

    page.script("document.querySelector('.result:first-child h3 a').focus()")

    box, field = page.script(
        "const nodes = [document.activeElement, document.querySelector('.field')];"
        "return nodes.map(node => node.getBoundingClientRect().toJSON())"
    )
    assert box["top"] >= field["bottom"]


def test_letters_twice_the_size_still_fit(page: SearchPage) -> None:
    resize(page.driver, 640, 800)
    opened(page, "press start pick a project")

    page.script("document.documentElement.style.fontSize = '200%'")

    assert page.script("return document.documentElement.scrollWidth") <= 640
