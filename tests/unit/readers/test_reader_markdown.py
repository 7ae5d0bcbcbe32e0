"""Markdown files: what is text, what is a section, what is left out and told of."""

from textwrap import dedent

import pytest

from clockifyrag_builder.readers import ReadLog
from clockifyrag_index.errors import SourceError


def test_a_page_of_everything_keeps_its_words_its_steps_and_its_listings(read, drawn):
    page = dedent(
        """\
        ---
        title: Track time
        ---
        # Track time

        Press **Start** to [begin](https://example.com); it costs 5&nbsp;&euro;.
        This line is wrapped.\\
        This one is broken on purpose. ![a picture](x.png)

        ## On the web {#web}

        1. Open the *tracker*
           - type a name
           - or leave it empty

           and go on
        2. Run
           ```sh
           # no heading
           start  now
           ```
        3. Stop

        > **Note:** breaks count too.

        ### Prices [#](#price-list)

        |  |  |
        |--|--|
        | Plan | Price |
        | `Free` | 0 |
        | Pro | |
        """
    )

    [document] = read("guides/track.md", page)

    expected = dedent(
        """\
        §
        text:
        |Press Start to begin; it costs 5 €. This line is wrapped.
        |This one is broken on purpose.
        § On the web #web
        list:
        |1. Open the tracker
        |  - type a name
        |  - or leave it empty
        |  and go on
        |2. Run
        code:
        |# no heading
        |start  now
        list:
        |3. Stop
        text:
        |Note: breaks count too.
        § On the web › Prices #price-list
        table:
        |Plan | Price
        |Free | 0
        |Pro"""
    )
    assert expected == drawn(document)
    assert ("guides/track", "Track time", "guides") == (document.document_id, document.title, document.category)


@pytest.mark.parametrize(
    ("content", "title", "headings"),
    [
        pytest.param("---\ntitle: Front\n---\n# Other\n## Sub\n", "Front", [("Other",), ("Other", "Sub")], id="front"),
        pytest.param("# First\n## Sub\n# Second\n", "First", [("Sub",), ("Second",)], id="first-h1-and-another"),
        pytest.param("Text\n\n## Sub\n", "Getting started", [(), ("Sub",)], id="file-name"),
        pytest.param("# A **bold** `name` {#x}\ntext", "A bold name", [()], id="h1-with-markup"),
        pytest.param("#### Deep\n## Up\n", "Getting started", [("Deep",), ("Up",)], id="levels-skipped"),
        pytest.param("## ![](x.png)\nText\n", "Getting started", [()], id="heading-of-an-image"),
        pytest.param("> # Quoted\n\n- # Item\n", "Getting started", [()], id="headings-inside-blocks"),
        pytest.param("one\ntwo\n---\nthree\n", "Getting started", [()], id="rule-below-a-paragraph"),
        pytest.param("```\n# code\n```\n\n    # indented\n", "Getting started", [()], id="hash-in-code"),
    ],
)
def test_the_title_and_the_sections_follow_the_headings(read, content, title, headings):
    [document] = read("getting-started.md", content)

    assert title == document.title
    assert headings == [section.headings for section in document.sections]


@pytest.mark.parametrize(
    ("content", "anchors"),
    [
        pytest.param("## Time & date (UTC)!\n", ["time--date-utc"], id="as-on-github"),
        pytest.param("## A\n## A\n## A\n", ["a", "a-1", "a-2"], id="unique"),
        pytest.param("## A\n## B {#a}\n", ["a-1", "a"], id="an-explicit-one-comes-first"),
        pytest.param("## A [#](#first)\n## B [¶](#second)\n", ["first", "second"], id="permalinks"),
        pytest.param('<a name="old"></a>\n## A\n', ["old"], id="anchor-above"),
        pytest.param('## <a id="in"></a>A\n', ["in"], id="anchor-inside"),
        pytest.param('## A {#x"onclick=1}\n', ["a"], id="an-unsafe-one-is-not-taken"),
        pytest.param("## Über uns\n## 日本\n", ["über-uns", "日本"], id="letters-of-any-script"),
    ],
)
def test_every_heading_has_an_anchor_of_its_own(read, content, anchors):
    [document] = read("a.md", content)

    assert anchors == [section.anchor for section in document.sections]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("a <b>bold</b> word<br>next", "a bold word\nnext", id="formatting-tags"),
        pytest.param("reset every <period> at <time>", "reset every <period> at <time>", id="placeholders"),
        pytest.param("see <https://example.com>", "see https://example.com", id="bare-address"),
        pytest.param("[x](javascript:alert(1)) y", "x y", id="any-link-is-its-text"),
        pytest.param("[![icon](i.svg)\nGo](https://example.com)", "Go", id="picture-in-a-link"),
        pytest.param("a <!-- secret --> b", "a b", id="comment"),
        pytest.param("x <script>alert(1)</script> y", "x y", id="script"),
        pytest.param(r"\*not bold\* &lt;b&gt; 5 &amp; 6", "*not bold* <b> 5 & 6", id="escapes-and-entities"),
        pytest.param("ends here**.** **(only me)**This", "ends here. (only me) This", id="bold-that-is-none"),
        pytest.param("tap **Allow**in the app, e.g. **us**e", "tap Allow in the app, e.g. use", id="lost-space"),
        pytest.param("two **project**s, **N**ew", "two projects, New", id="bold-in-a-word"),
        pytest.param("go to<https://a.com>", "go to https://a.com", id="address-without-a-space"),
        pytest.param("How to start.](https://example.com/a)", "How to start.", id="rest-of-a-broken-link"),
        pytest.param("a\x00b\x1b[0m\u2028c\ufeff", "ab[0m c", id="control-characters"),
        pytest.param("<div>\n\n<p>kept</p>\n\n</div>", "kept", id="html-blocks"),
        pytest.param("<details><summary>Why?</summary></details>", "Why?", id="details"),
        pytest.param("<my-widget>\nkept\n", "<my-widget> kept", id="unknown-element"),
    ],
)
def test_what_is_shown_is_text_without_markup(read, content, text):
    [document] = read("a.md", content)

    assert [text] == [block.text for section in document.sections for block in section.blocks]


@pytest.mark.parametrize(
    ("content", "kept", "dropped"),
    [
        pytest.param("4 min read\n\nText", ["Text"], {"reading time": 1}, id="reading-time"),
        pytest.param("It is a 4 min read\n", ["It is a 4 min read"], {}, id="reading-time-in-a-sentence"),
        pytest.param(
            "In this article\n\n* [A](#a)\n* [B](#b)\n\nText", ["Text"], {"table of contents": 1}, id="contents"
        ),
        pytest.param("## On this page\n- [A](#a)\n  - [B](#b)\n", [], {"table of contents": 1}, id="headed-contents"),
        pytest.param(
            "In this article\n\n* [A](#a)\n* more\n", ["In this article", "- A\n- more"], {}, id="a-list-with-words"
        ),
        pytest.param("In this article\n\nText", ["In this article", "Text"], {}, id="no-list"),
        pytest.param("* [A](#a)\n* [B](#b)\n", ["- A\n- B"], {}, id="links-without-the-lead"),
        pytest.param("Contents\n\n* [A](other.md)\n", ["Contents", "- A"], {}, id="links-to-other-pages"),
    ],
)
def test_reading_times_and_bare_tables_of_contents_are_left_out_and_counted(read, content, kept, dropped):
    log = ReadLog()

    [document] = read("a.md", content, log=log)

    assert kept == [block.text for section in document.sections for block in section.blocks]
    assert dropped == dict(log.dropped)


def test_front_matter_names_the_document(read):
    front = (
        "id: faq\nurl: https://Example.com:443/help/faq/?utm_source=x#top\nnamespace: help\nlang: pt_BR\ntags: [a]\n"
    )

    [document] = read("x/a.md", f"\ufeff---\r\n{front}---\r\nText")

    assert ("faq", "https://example.com/help/faq/") == (document.document_id, document.url)
    assert ("help", "pt", "help") == (document.namespace, document.language, document.category)


def test_a_file_with_a_namespace_that_is_none_is_left_out_and_named(read):
    log = ReadLog()

    documents = read("a.md", f"---\nnamespace: {'a' * 101}\n---\nText", log=log)

    assert [] == documents
    assert [("a.md", True)] == [(one.origin, "has a namespace of 101 characters" in one.reason) for one in log.problems]


@pytest.mark.parametrize(
    ("content", "title", "text", "problems"),
    [
        pytest.param("---\ntitle: A: b\nid: [\n---\nText", "A: b", "Text", 1, id="no-yaml"),
        pytest.param("---\nversion: 1.0\ntitle: 2024-01-01\n---\nText", "2024-01-01", "Text", 0, id="only-strings"),
        pytest.param("---\ntitle:\n  - a\n---\nText", "A", "Text", 0, id="a-list-is-no-title"),
        pytest.param("---\ntitle: null\nid: ~\nurl: Null\n---\nText", "A", "Text", 0, id="null-is-nothing"),
        pytest.param("---\ntitle: 'Null'\n---\nText", "Null", "Text", 0, id="a-quoted-null-is-a-word"),
        pytest.param('---\ntitle: "null"\nid: [\n---\nText', "null", "Text", 1, id="a-quoted-null-in-no-yaml"),
        pytest.param("---\ntitle: null\nid: [\n---\nText", "A", "Text", 1, id="null-in-no-yaml"),
        pytest.param("---\n---\nText", "A", "Text", 0, id="empty"),
        pytest.param("---\nJust prose.\n\n---\nText", "A", "Just prose.", 0, id="prose-between-rules"),
        pytest.param("---\ntitle: x\nno end", "A", "title: x no end", 0, id="never-closed"),
        pytest.param(f"---\nid: [\ntitle: x{' ' * 300_000}y \n---\nText", "x y", "Text", 1, id="a-long-space"),
        pytest.param(f"---\nx: {'[' * 5000}\n---\nText", "A", "Text", 1, id="nested-without-end"),
        pytest.param(f"---\ntitle: x\ny: {'[' * 1001}\n---\nText", "x", "Text", 1, id="more-brackets-than-are-parsed"),
        pytest.param(f"---\ntitle: x\ny: {'[' * 50000}{']' * 50000}\n---\nText", "x", "Text", 1, id="nested-too-deep"),
        pytest.param(f"---\ntitle: x\ny:\n{'- ' * 20000}z\n---\nText", "x", "Text", 1, id="lists-nested-too-deep"),
        pytest.param(f"---\ntitle: x\ny:\n{'? ' * 20000}z\n---\nText", "x", "Text", 1, id="keys-nested-too-deep"),
        pytest.param(f"---\ntitle: x\n{'# long' * 20000}\n---\nText", "x", "Text", 1, id="longer-than-is-parsed"),
    ],
)
def test_broken_front_matter_costs_no_text(read, content, title, text, problems):
    log = ReadLog()

    [document] = read("a.md", content, log=log)

    assert title == document.title
    assert text == document.sections[0].blocks[0].text
    assert problems == len(log.problems)


def test_a_long_list_of_tags_is_front_matter_like_any_other(read):
    tags = "\n".join(f"  - tag number {number}" for number in range(1500))

    log = ReadLog()
    documents = read("a.md", f"---\ntags:\n{tags}\nsuppress: true # a draft\n---\nText", log=log)

    assert ([], []) == (documents, log.problems)


def test_when_strict_broken_front_matter_is_an_error_that_names_the_file(read):
    with pytest.raises(SourceError, match=r"guide/a\.md: the front matter is no valid YAML"):
        read("guide/a.md", "---\ntitle: a: b\n---\n", strict=True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("---\nsuppress: true\n---\nText", "suppress: true", id="suppressed"),
        pytest.param(" \n\n", "empty", id="empty"),
        pytest.param("\u200b\n\n\u2060", "empty", id="invisible"),
    ],
)
def test_a_suppressed_or_empty_file_is_left_out_and_told_of(read, content, reason):
    log = ReadLog()

    documents = read("a.md", content, log=log)

    assert [] == documents
    [skipped] = log.skipped
    assert "a.md" == skipped.name
    assert reason in skipped.reason


@pytest.mark.parametrize(("name", "title"), [("a.md", "A"), ("\u200b.md", "Untitled")])
def test_what_cannot_be_seen_is_no_title_and_no_text(read, name, title):
    log = ReadLog()

    [document] = read(name, "---\ntitle: \u200b\n---\n# \u200b\n\n\u2060", log=log)

    assert (title, [document.document_id]) == (document.title, log.documents_without_text)


def test_of_html_nested_beyond_all_use_the_words_are_read(read):
    [document] = read("a.md", f"{'<div>' * 300_000}\nbottom &amp; end\n</div>\n\nAfter.\n")

    assert ["bottom & end", "After."] == [block.text for block in document.sections[0].blocks]


def test_an_address_that_is_none_is_told_of_and_the_document_kept(read):
    log = ReadLog()

    [document] = read("a.md", "---\nurl: javascript:alert(1)\n---\nText", log=log)

    assert ("", "a") == (document.url, document.document_id)
    assert "'javascript:alert(1)' is no http(s) address" in log.problems[0].reason


def test_bytes_that_are_no_utf8_are_shown_as_replaced_and_told_of(read):
    log = ReadLog()

    [document] = read("a.md", b"caf\xe9 au lait", log=log)

    assert "caf\ufffd au lait" == document.sections[0].blocks[0].text
    assert ("a.md", True) == (log.problems[0].origin, "byte 3 is not valid UTF-8" in log.problems[0].reason)


@pytest.mark.parametrize("data", [bytes(range(256)) * 8, "Начать учёт времени".encode("cp1251")])
def test_a_file_that_is_no_utf8_text_is_left_out_and_told_of_once(read, data):
    log = ReadLog()

    documents = read("a.md", data, log=log)

    assert ([], []) == (documents, log.skipped)
    assert [("a.md", True)] == [(one.origin, "no text in UTF-8 and left out" in one.reason) for one in log.problems]
    with pytest.raises(SourceError, match=r"a\.md: is no text in UTF-8 .* without --strict"):
        read("a.md", data, strict=True)


@pytest.mark.parametrize("mark", ["> ", "- ", "1. ", "  "])
def test_what_is_nested_deep_is_still_read(read, mark):
    nested = mark * 400 + "bottom" if mark != "  " else "\n".join(f"{'  ' * depth}- x{depth}" for depth in range(200))

    [document] = read("deep.md", f"top\n\n{nested}\n")

    text = " ".join(block.text for section in document.sections for block in section.blocks)
    assert "top" in text
    assert ("bottom" if mark != "  " else "x199") in text
