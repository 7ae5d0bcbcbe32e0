"""HTML pages: the main content survives, what surrounds it does not."""

import time
from textwrap import dedent

import pytest

from clockifyrag_builder.readers import ReadLog
from clockifyrag_builder.readers.html import page_title

PAGE = """\
<!doctype html>
<html lang="en-US">
<head><meta charset="utf-8"><title>Start a timer | Help</title><link rel="canonical" href="/help/track/timer/"></head>
<body>
<nav>All articles</nav>
<main>
  <header><h1>Start a timer</h1><p>By the team</p></header>
  <p>Press <b>Start</b> &amp; work.<br>Then   stop.</p>
  <h2><a id="steps"></a>Steps <a class="headerlink" href="#steps">¶</a></h2>
  <ol>
    <li><p>Open the <a href="/app">tracker</a>.</p><p>Wait.</p><ul><li>web<li>desktop</ul></li>
    <li>Run:<pre><code>crag up
  --watch
</code></pre></li>
    <li value="7">Done</li>
  </ol>
  <section id="prices">
    <h3>Prices</h3>
    <table><caption>Per month</caption>
      <thead><tr><th>Plan</th><th>Price</th></tr></thead>
      <tr><td rowspan="2">Free</td><td>0<br>EUR</td></tr><tr><td><ul><li>a</li><li>b</li></ul></td><td></td></tr>
    </table>
  </section>
  <dl><dt>Timer</dt><dd>counts</dd><dt>Why?</dt><dd>so</dd><dd>that</dd></dl>
  <details><summary>More</summary>Hidden until opened.</details>
  <aside class="admonition note"><p>Mind the gap.</p></aside>
  <aside>Other pages</aside><div hidden>h1</div><p style="display: none">h2</p><span aria-hidden="true">h3</span>
  <form>Was it helpful?<button>Yes</button></form><svg><text>icon</text></svg><template>t</template>
  <script>var x = "<p>script</p>"</script><noscript>n</noscript><!-- comment -->
</main>
<footer>Imprint</footer>
</body></html>
"""


def test_a_page_of_everything_keeps_its_words_its_steps_and_its_listings(read, drawn):
    [document] = read("pages/timer.html", PAGE, url="https://Example.com/help/x?session=1")

    expected = dedent(
        """\
        §
        text:
        |Press Start & work.
        |Then stop.
        § Steps #steps
        list:
        |1. Open the tracker. Wait.
        |  - web
        |  - desktop
        |2. Run:
        code:
        |crag up
        |  --watch
        list:
        |7. Done
        § Steps › Prices #prices
        text:
        |Per month
        table:
        |Plan | Price
        |Free | 0 EUR
        |a b
        list:
        |- Timer: counts
        |- Why? so that
        text:
        |More
        text:
        |Hidden until opened.
        text:
        |Mind the gap."""
    )
    assert expected == drawn(document)
    assert ("example.com/help/track/timer", "https://example.com/help/track/timer/") == (
        document.document_id,
        document.url,
    )
    assert ("Start a timer", "help/track", "en") == (document.title, document.category, document.language)


@pytest.mark.parametrize(
    ("title", "heading", "expected"),
    [
        pytest.param("Timer - Help", "Timer", "Timer", id="heading-confirmed"),
        pytest.param("Timer | Help", "Help", "Timer", id="heading-is-the-site"),
        pytest.param("Timer | Help | Clockify", "", "Timer | Help", id="no-heading"),
        pytest.param("Timer", "", "Timer", id="title-alone"),
        pytest.param("", "Timer", "Timer", id="heading-alone"),
        pytest.param("Time-off policy", "", "Time-off policy", id="a-hyphen-is-no-separator"),
        pytest.param("Old name - Help", "New name", "New name", id="heading-differs"),
        pytest.param("", "", "", id="nothing"),
    ],
)
def test_the_title_is_the_articles_not_the_sites(title, heading, expected):
    assert expected == page_title(title, heading)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param("<nav>n</nav><main>m</main><article>a</article>", "m", id="main"),
        pytest.param("<div role=main>m</div><p>p</p>", "m", id="role-main"),
        pytest.param("<p>p</p><article>a</article>", "a", id="only-article"),
        pytest.param("<article>a</article><article>b</article>", "a b", id="several-articles"),
        pytest.param("<main></main><p>p</p>", "p", id="main-filled-by-a-script"),
        pytest.param("<p>p</p><div role=tabpanel hidden>t</div>", "p t", id="a-tab-not-chosen"),
        pytest.param("<p>p</p><div hidden=until-found>f</div>", "p f", id="hidden-until-found"),
        pytest.param("<p>p</p><div style='DISPLAY: NONE'>x</div>", "p", id="hidden-in-capitals"),
        pytest.param("<form><h1>t</h1><p>page in a form</p></form>", "page in a form", id="form-around-the-page"),
        pytest.param("<table><tr><td><h2>h</h2><p>a</p></td><td>b</td></tr></table>", "a b", id="table-for-layout"),
        pytest.param("<ul>loose<li>item</ul>", "  loose\n- item", id="text-beside-items"),
        pytest.param("<li>no list</li>", "no list", id="item-without-a-list"),
        pytest.param("<p>a<p>b<div>c", "a b c", id="never-closed"),
        pytest.param("<h1>t</h1><p>In this article</p><ul><li><a href='#x'>X</a></ul>y", "y", id="contents"),
    ],
)
def test_the_main_content_is_found(read, body, text):
    [document] = read("t.html", f"<html><body>{body}</body></html>")

    assert text == " ".join(block.text for section in document.sections for block in section.blocks)


@pytest.mark.parametrize(
    ("page", "headings"),
    [
        pytest.param("<main><section><header><h2>A</h2></header>x</section></main>", [("A",)], id="of-a-section"),
        pytest.param("<section><header><hgroup><h2>A</h2></hgroup></header>x</section>", [("A",)], id="in-a-group"),
        pytest.param("<main><header><h1>T</h1><h2>S</h2></header>x</main>", [()], id="of-the-article"),
        pytest.param("<main><header><h2>Help</h2><p>Log in</header>x</main>", [()], id="of-the-main-content"),
        pytest.param("<article><header><h2>Post</h2><p>By Ann</header>x</article>", [()], id="of-an-article"),
        pytest.param("<header><h2>Site</h2></header><p>x", [()], id="of-the-page"),
        pytest.param("<main><div role=banner><h2>Site</h2></div>x</main>", [()], id="a-banner"),
    ],
)
def test_a_header_of_a_section_holds_its_heading_those_of_page_and_article_name_others(read, page, headings):
    [document] = read("t.html", f"<title>T</title>{page}")

    assert headings == [section.headings for section in document.sections]


@pytest.mark.parametrize(
    ("head", "url"),
    [
        pytest.param("<link rel=canonical href='help/timer'>", "https://a.com/help/timer", id="relative"),
        pytest.param(
            "<base href='/docs/'><link rel=canonical href=timer>", "https://a.com/docs/timer", id="relative-to-a-base"
        ),
        pytest.param(
            "<link rel=canonical href=/x><link rel=canonical href=/y>", "https://a.com/index", id="two-that-differ"
        ),
        pytest.param("<link rel=Canonical href=/x>", "https://a.com/x", id="in-capitals"),
        pytest.param(
            "<link rel=canonical href=mailto:x><link rel=canonical href=/x>", "https://a.com/x", id="beside-an-unusable"
        ),
        pytest.param("<link rel=canonical href=mailto:x>", "https://a.com/index", id="unusable"),
    ],
)
def test_the_address_a_page_gives_itself_is_resolved_as_a_browser_does(read, head, url):
    [document] = read("t.html", f"<html><head>{head}</head><body><p>x", url="https://a.com/index")

    assert url == document.url


@pytest.mark.parametrize(("href", "url"), [("/x", ""), ("https://a.com/x#y", "https://a.com/x")])
def test_an_address_without_a_host_is_none_in_a_page_of_a_folder(read, href, url):
    [document] = read("t.html", f"<link rel=canonical href={href}><p>x")

    assert url == document.url


def test_elements_of_xml_without_content_end_where_they_end(read, drawn):
    page = """<?xml version="1.0" encoding="windows-1251"?>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x.js"/></head>
<body><h1><a id="top"/>Таймер</h1><iframe src="a>b"/><p>Один<br/>два</p>
<div class='x'/><h2>Цены</h2><p>Три</p></body></html>"""
    log = ReadLog()

    [document] = read("t.xhtml", page.encode("cp1251"), log=log)

    assert ("Таймер", []) == (document.title, log.problems)
    assert "§\ntext:\n|Один\n|два\n§ Цены #цены\ntext:\n|Три" == drawn(document)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        pytest.param("<h2 id=own>A</h2>", "own", id="own"),
        pytest.param("<h2><a name=old>A</a></h2>", "old", id="name-of-a-link"),
        pytest.param("<h2>A <a href='#perma'>#</a></h2>", "perma", id="permalink"),
        pytest.param("<section id=sec><h2>A</h2></section>", "sec", id="section"),
        pytest.param("<a id=before></a><h2>A</h2>", "before", id="anchor-before"),
        pytest.param("<h2 id=up>B</h2><h3>A</h3>", "up", id="the-nearest-above"),
        pytest.param("<h2>A</h2>", "", id="none"),
    ],
)
def test_an_anchor_is_one_the_page_has(read, heading, anchor):
    [document] = read("t.html", f"<main>{heading}x</main>", url="https://example.com/t")

    assert anchor == document.sections[-1].anchor


def test_a_page_shown_by_ourselves_gets_anchors_of_ours(read):
    [document] = read("t.html", "<main><h2>First steps</h2>x</main>")

    assert "first-steps" == document.sections[-1].anchor


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        pytest.param('<meta charset="windows-1250"><p>café Ž'.encode("cp1250"), 0, id="declared"),
        pytest.param("<p>café Ž".encode(), 0, id="utf-8"),
        pytest.param("<meta charset=utf-16><p>café Ž".encode(), 0, id="utf-16-declared-cannot-be"),
        pytest.param("<meta charset=martian><p>café Ž".encode(), 0, id="unknown"),
        pytest.param("<p>café Ž".encode("utf-16"), 0, id="marked-utf-16"),
        pytest.param("<p>café Ž".encode("cp1252"), 1, id="nothing-said"),
        pytest.param("<meta charset=iso-8859-1><p>café Ž".encode("cp1252"), 0, id="latin-1-means-windows-1252"),
    ],
)
def test_the_encoding_is_found(read, data, problems):
    log = ReadLog()

    [document] = read("t.html", data, log=log)

    assert "café Ž" == document.sections[0].blocks[0].text
    assert problems == len(log.problems)


@pytest.mark.parametrize("content", ["", "  \n", "\u200b", "<html><frameset><frame></frameset></html>"])
def test_a_page_without_anything_is_left_out_and_told_of(read, content):
    log = ReadLog()

    documents = read("t.html", content, log=log)

    assert ([], "t.html") == (documents, log.skipped[0].name)


def test_what_cannot_be_seen_is_no_title_and_no_text(read):
    log = ReadLog()

    [document] = read("timer.html", "<title>&#8203;</title><h1>&#8203;</h1><p>&shy;</p>", log=log)

    assert ("Timer", ["timer"]) == (document.title, log.documents_without_text)


def test_a_page_nested_beyond_all_use_is_left_out_and_told_of(read):
    log = ReadLog()

    documents = read("t.html", "<div><section>" * 150_000 + "bottom", log=log)

    assert ([], "t.html") == (documents, log.skipped[0].name)
    assert "more than 10,000 elements" in log.skipped[0].reason


def test_many_elements_beside_each_other_are_no_nesting(read):
    [document] = read("t.html", "<div><p>a<li>b</div><br>" * 20_000)

    assert 40_000 == sum(len(block.text.split()) for block in document.sections[0].blocks)


def test_four_times_the_headers_around_four_times_the_text_take_no_sixteen_times_the_time(read):
    def seconds(headers: int) -> float:
        page = "<main>" + "<section><header><h2>a</h2>" * headers + "<p>b" * 50 * headers
        started = time.process_time()
        read("t.html", page)
        return time.process_time() - started

    few, many = (min(seconds(headers) for _ in range(3)) for headers in (200, 800))

    assert many < 10 * few


def test_a_page_may_nest_deeper_than_the_stack(read):
    [document] = read("t.html", "<div>" * 5_000 + "<ul><li>" * 500 + "bottom")

    text = document.sections[0].blocks[0].text
    assert "bottom" in text
    assert len(text) < 1_000
