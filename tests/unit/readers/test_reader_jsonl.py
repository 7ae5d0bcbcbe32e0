"""JSONL files: records become articles, and everything odd is told by file and line."""

import json
from textwrap import dedent

import pytest

from clockifyrag_builder.readers import EmptyRecord, ReadLog
from clockifyrag_index.errors import SourceError

URL = "https://example.com/help/projects/tasks"


def lines(*records: object) -> str:
    return "".join(f"{json.dumps(record)}\n" for record in records)


def section(heading: str, content: str, **more: str) -> dict[str, str]:
    return {"id": "1", "url": URL, "title": "Tasks", "section": heading, "content": content, **more}


def test_the_records_of_one_url_are_the_sections_of_one_article(read, drawn):
    content = lines(
        section("", "In this article\n\n* [Add](#add)", id="a", lang="en"),
        section("Tasks", "3 min read\n\nWhat a task is.", id="b"),
        {"id": "x", "url": "https://example.com/help/tags", "title": "Tags", "section": "", "content": "Other."},
        section("Add [#](#add)", "1. Click\n\n#### On mobile\n\nTap.", id="c"),
        section("**Remove**", "", id="d"),
        section("<#>", "Still stuck?", id="e"),
    )

    first, second = read("help.jsonl", content)

    expected = dedent(
        """\
        §
        text:
        |What a task is.
        § Add #add
        list:
        |1. Click
        § Add › On mobile #add
        text:
        |Tap.
        § Remove #add
        text:
        |Still stuck?"""
    )
    assert expected == drawn(first)
    assert ("example.com/help/projects/tasks", "Tasks", "help/projects", "en", "help.jsonl:1") == (
        first.document_id,
        first.title,
        first.category,
        first.language,
        first.origin,
    )
    assert "Tags" == second.title


def test_records_of_a_retrieval_benchmark_are_one_plain_document_each(read, drawn):
    content = lines(
        {"_id": "31", "title": "Cells", "text": "*p* < 0.05 [1]\n# is no heading"}, {"_id": "4", "text": "x"}
    )

    first, second = read("docs.jsonl", content)

    assert "§\ntext:\n|*p* < 0.05 [1]\n|# is no heading" == drawn(first)
    assert ("31", "Cells", "", "") == (first.document_id, first.title, first.url, first.category)
    assert ("4", "4") == (second.document_id, second.title)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param({"url": URL, "title": "T", "text": "x"}, "example.com/help/projects/tasks", id="url"),
        pytest.param({"url": URL + "?a=1&utm_source=x#y", "title": "T"}, "example.com/help/projects/tasks", id="query"),
        pytest.param({"id": "a/b", "title": "T", "body": "x"}, "a/b", id="id"),
        pytest.param({"id": 17, "title": "T", "body": "x"}, "17", id="number"),
        pytest.param({"id": 2**64 - 1, "title": "T", "body": "x"}, "18446744073709551615", id="number-of-64-bits"),
        pytest.param({"id": 2**64 + 1, "url": URL, "body": "x"}, "example.com/help/projects/tasks", id="url-and-id"),
        pytest.param({"title": "My page", "content": "x"}, "data/my-page", id="title"),
        pytest.param({"content": "x"}, "data/1", id="nothing"),
        pytest.param({"url": "ftp://x/y", "id": "i", "content": "x"}, "i", id="no-web-address"),
    ],
)
def test_a_document_is_named_by_the_best_that_the_record_says(read, record, expected):
    [document] = read("data.jsonl", lines(record))

    assert expected == document.document_id


def test_records_without_url_id_and_title_are_an_article_each(read):
    found = read(
        "faq.jsonl", lines({"text": "How to reset a password."}, {"text": "Where invoices are.", "section": "S"})
    )

    assert [("faq/1", "faq.jsonl:1"), ("faq/2", "faq.jsonl:2")] == [(one.document_id, one.origin) for one in found]
    assert ["Faq", "S"] == [one.title for one in found]


def test_namespace_category_and_language_of_a_record_are_honoured(read):
    [document] = read(
        "d.jsonl", lines({"url": URL, "text": "x", "namespace": "n", "category": "/a/b/", "lang": "DE_at"})
    )

    assert ("n", "a/b", "de") == (document.namespace, document.category, document.language)


@pytest.mark.parametrize("category", ["/Über/Zeit/", "Über / Zeit", "U\u0308ber/Zeit"])
def test_a_category_has_one_spelling(read, category):
    [document] = read("d.jsonl", lines({"url": URL, "text": "x", "category": category}))

    assert "Über/Zeit" == document.category


def test_a_text_of_html_alone_is_read_as_html_however_it_is_indented(read, drawn):
    html = "<!-- all -->\n<div>\n\n    <h2 id='x'>Prices</h2>\n\n    <p>Per <b>month</b></p>\n\n    <ul>\n\n"
    html += "        <li>one</li>\n\n    </ul>\n\n    <!-- the\n\nend -->\n\n</div>"

    [document] = read("d.jsonl", lines({"id": "1", "title": "T", "text": html}))

    assert "§ Prices #x\ntext:\n|Per month\nlist:\n|- one" == drawn(document)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("<div>\n\n**bold**\n\n</div>", "§\ntext:\n|bold", id="bold-in-a-block"),
        pytest.param(
            "<p>Intro</p>\n\n<b>Note</b>: see **reports** and [docs](https://a.com)",
            "§\ntext:\n|Intro\ntext:\n|Note: see reports and docs",
            id="a-tag-begins-a-paragraph",
        ),
        pytest.param(
            "<p>x</p>\n\n<!-- note -->\n## Usage\n- a\n- b",
            "§\ntext:\n|x\n§ Usage #usage\nlist:\n|- a\n|- b",
            id="a-comment-above-a-heading",
        ),
        pytest.param(
            "<h2>A</h2>\n\n<a id=x></a>Press `Start`, **then** wait\n1. one\n2. two",
            "§ A #a\ntext:\n|Press Start, then wait\nlist:\n|1. one\n|2. two",
            id="an-anchor-begins-a-paragraph",
        ),
        pytest.param("<p>x</p>\n\n<!-- **a**\n\n**b**", "§\ntext:\n|x", id="a-comment-that-does-not-end"),
    ],
)
def test_a_text_of_markdown_with_html_in_it_is_read_as_markdown(read, drawn, text, expected):
    [document] = read("d.jsonl", lines({"id": "1", "title": "T", "text": text}))

    assert expected == drawn(document)


def test_a_long_section_is_a_pages_text(read, drawn):
    log = ReadLog()
    page = "How can we help?\n\n[![](i.png)\n\n#### Reports\n\nAnalyze.](https://example.com/help/reports)"

    [document] = read(
        "d.jsonl", lines({"id": "1", "url": URL, "title": "Help", "section": page, "content": ""}), log=log
    )

    assert "§\ntext:\n|How can we help?\n§ Reports\ntext:\n|Analyze." == drawn(document)
    assert [EmptyRecord("1", "d.jsonl:1", "its section is long and was read as text")] == log.empty_records
    assert [document.document_id] == log.documents_without_text


def test_empty_records_keep_their_headings_and_are_named(read):
    log = ReadLog()

    [document] = read("d.jsonl", lines(section("Billing", "", id="e1"), section("", " ", id="e2")), log=log)

    assert [("Billing",)] == [section.headings for section in document.sections]
    assert [("e1", "its heading is kept"), ("e2", "its title is kept")] == [
        (empty.record_id, empty.outcome) for empty in log.empty_records
    ]
    assert [document.document_id] == log.documents_without_text


def test_what_cannot_be_seen_is_no_title_and_no_text(read):
    log = ReadLog()
    record = {"id": "timer", "title": "\u200b", "section": "Start", "text": "\u00ad"}

    [document] = read("d.jsonl", lines(record), log=log)

    assert ("Start", ["timer"]) == (document.title, log.documents_without_text)


def test_records_that_share_an_id_are_all_kept_and_named(read):
    log = ReadLog()

    [document] = read("d.jsonl", lines(section("A", "one"), section("A", "two"), section("A", "one")), log=log)

    assert ["one", "two", "one"] == [section.blocks[0].text for section in document.sections]
    assert [("1", "d.jsonl:1", "d.jsonl:2", "both kept: their texts differ")] == [
        (clash.id, clash.first, clash.origin, clash.outcome) for clash in log.id_clashes[:1]
    ]
    assert "both kept: same text" == log.id_clashes[1].outcome


def test_one_id_in_two_namespaces_is_told_once_as_two_documents(read):
    log = ReadLog()
    records = [{"id": "kiosk", "namespace": name, "text": name} for name in ("public", "staff")]

    documents = read("d.jsonl", lines(*records), log=log)

    assert ["kiosk", "staff/kiosk"] == [document.document_id for document in documents]
    assert ["kept as a document of its own"] == [clash.outcome for clash in log.id_clashes]


def test_another_title_of_the_same_article_becomes_a_heading(read):
    [document] = read("d.jsonl", lines({"id": "1", "title": "A", "text": "x"}, {"id": "1", "title": "B", "text": "y"}))

    assert ("A", [(), ("B",)]) == (document.title, [section.headings for section in document.sections])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b'{"id": "1", ', "is no JSON", id="cut-off"),
        pytest.param(b"[1, 2]", "is a JSON list", id="list"),
        pytest.param(b'"text"', "is a JSON str", id="string"),
        pytest.param(b"\xff\xfe\x00", "is no JSON", id="bytes"),
        pytest.param(b"[" * 100_000, "is no JSON", id="nested-without-end"),
        pytest.param(b'{"id": "9"}', "has neither title nor text", id="nothing-to-read"),
        pytest.param(rb'{"title": "\u200b", "text": "\ufeff\u200b"}', "has neither title nor text", id="invisible"),
        pytest.param(b'{"title": ["a"]}', "has a list as 'title'", id="wrong-type"),
        pytest.param(b'{"text": "a", "namespace": "%s"}' % (b"a" * 101), "namespace of 101", id="namespace"),
        pytest.param(b'{"id": 18446744073709551617, "text": "x"}', "write the id as text", id="number-beyond-64-bits"),
        pytest.param(b'{"id": 9007199254740993.0, "text": "x"}', "write the id as text", id="number-beyond-a-float"),
    ],
)
def test_a_broken_line_is_named_and_the_others_are_read(read, line, reason):
    log = ReadLog()
    content = (
        lines({"id": "1", "text": "x"}).encode() + b"\n" + line + b"\r\n" + lines({"id": "2", "text": "y"}).encode()
    )

    documents = read("d.jsonl", content, log=log)

    assert ["1", "2"] == [document.document_id for document in documents]
    assert [("d.jsonl:3", True)] == [(problem.origin, reason in problem.reason) for problem in log.problems]
    assert 3 == log.records


def test_when_strict_a_broken_line_is_an_error_that_names_it(read):
    with pytest.raises(SourceError, match=r"d\.jsonl:2: is no JSON .* without --strict"):
        read("d.jsonl", lines({"id": "1", "text": "x"}) + "{", strict=True)


def test_a_json_array_is_told_what_to_do(read):
    log = ReadLog()

    documents = read("d.jsonl", '[\n{"id": "1"},\n{"id": "2"}\n]', log=log)

    assert [] == documents
    assert "jq -c '.[]'" in log.problems[-1].reason


@pytest.mark.parametrize(
    ("content", "text", "problems"),
    [
        pytest.param(b'\xef\xbb\xbf{"text": "a"}\r\n', "a", 0, id="byte-order-mark"),
        pytest.param('{"text": "a"}\r\n'.encode("utf-16"), "a", 0, id="utf-16"),
        pytest.param(
            '\ufeff{"text": "a\u2028b\u2029c\u0085d"}\n'.encode(), "a b c d", 0, id="mark-and-line-breaks-of-unicode"
        ),
        pytest.param('{"text": "a\u2028b"}\n'.encode("utf-16"), "a b", 0, id="utf-16-and-line-breaks-of-unicode"),
        pytest.param(b'{"text": "a\\u0000b\\u0007c"}', "abc", 0, id="escaped-controls"),
        pytest.param(b'{"text": "a\x01b"}', "ab", 0, id="raw-controls"),
        pytest.param(b'{"text": "a\\ud800b"}', "a\ufffdb", 0, id="half-a-surrogate-pair"),
        pytest.param(b'{"text": "caf\xe9"}', "caf\ufffd", 1, id="no-utf-8"),
        pytest.param(b'\xef\xbb\xbf{"text": "caf\xe9"}', "caf\ufffd", 1, id="mark-and-no-utf-8"),
        pytest.param(b'{"text": "a", "n": NaN}', "a", 0, id="not-a-number"),
    ],
)
def test_odd_bytes_cost_no_text(read, content, text, problems):
    log = ReadLog()

    [document] = read("d.jsonl", content, log=log)

    assert text == document.sections[0].blocks[0].text
    assert problems == len(log.problems)


def test_a_suppressed_record_is_left_out_and_told_of(read):
    log = ReadLog()

    documents = read("d.jsonl", lines({"id": "1", "text": "x", "suppress": True}), log=log)

    assert ([], "d.jsonl:1") == (documents, log.skipped[0].name)
