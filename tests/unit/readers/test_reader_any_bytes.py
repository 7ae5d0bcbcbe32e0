"""Whatever bytes come in: documents or a SourceError come out, and no word of a well-formed page is lost."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clockifyrag_builder.documents import Document
from clockifyrag_builder.readers import Reading, decoding, documents_from_bytes

NAMES = ("a.jsonl", "a.md", "a.html", "a.txt", "a")
SNIPPETS = [
    b"# ", b"\n", b"\n\n", b"- ", b"1. ", b"> ", b"```\n", b"    ", b"---\n", b"*", b"**", b"`", b"\\", b"word", b"\r",
    b"| a | b |\n|--|--|\n", b"[x](#y)", b"![", b"](", b"[", b"{", b"{#", b"&amp;", b"&#0;", b"&#xd800;", b"title: ",
    b"<p>", b"</p>", b"<ul><li>", b"</ul>", b"<table><tr><td>", b"<pre>", b"<!--", b"<script>", b"<h2 id=", b"<dl><dt>",
    b"<a href='#x'>", b"<details><summary>", b"<li value=99999999999>", b"\x00", b"\xff", b"\xef\xbb\xbf",
    b"\xed\xa0\x80", b'{"url": "https://a.b/c", "content": "', b'"}\n', b"# [ARTICLE] ", b"url: https://",
    b"3 min read", b"In this article\n\n* [A](#a)\n",
]  # fmt: skip


def everything(name: str, data: bytes) -> list[Document]:
    return list(documents_from_bytes(name, data, Reading()))


def check(document: Document) -> None:
    assert document.document_id
    assert document.title.strip()
    for section in document.sections:
        assert not re.search(r"\s", section.anchor)
        assert all(heading.strip() for heading in section.headings)
        for block in section.blocks:
            assert block.text.strip()
            block.text.encode()  # can be written
            assert not re.search("[\x00-\x08\x0b-\x1f]", block.text)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=300) | st.lists(st.sampled_from(SNIPPETS), max_size=30).map(b"".join))
@settings(max_examples=150, deadline=None)
@example(data=b"")
@example(data=b"\xff\xfe\x00")
@example(data=b"# [ARTICLE] \n# [ARTICLE] ")
@example(data=b'{"url": "https://[", "text": "x"}')
@example(data=b'<link rel=canonical href="https://["><p>x')
def test_any_bytes_make_documents_that_can_be_written(name, data):
    for document in everything(name, data):
        check(document)


WORDS = st.text(alphabet="abcdefgh", min_size=3, max_size=8).map(lambda word: f"w{word}")
LINE = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
INLINE = LINE | LINE.map(lambda line: f"**{line}**") | LINE.map(lambda line: f"[{line}](https://example.com)")
INLINE |= LINE.map(lambda line: f"`{line}`") | LINE.map(lambda line: f"<span>{line}</span>") | LINE.map("*{}*".format)


def indented(text: str, by: int) -> str:
    return text.replace("\n", "\n" + " " * by)


BLOCK = st.recursive(
    INLINE
    | LINE.map(lambda line: f"```\n# {line}\n\n  {line}\n```")
    | st.lists(LINE, min_size=2, max_size=2).map(lambda cells: f"| {cells[0]} | b |\n|---|---|\n| a | {cells[1]} |"),
    lambda blocks: (
        st.lists(blocks, min_size=1, max_size=3).map(
            lambda items: "\n".join(f"- {indented(item, 2)}\n" for item in items)
        )
        | st.lists(blocks, min_size=1, max_size=3).map(
            lambda items: "\n".join(f"{number}. {indented(item, 3)}\n" for number, item in enumerate(items, 1))
        )
        | blocks.map(lambda block: "> " + block.replace("\n", "\n> "))
    ),
    max_leaves=6,
)
PAGE = st.lists(BLOCK | st.tuples(st.integers(1, 6), LINE).map(lambda heading: f"{'#' * heading[0]} {heading[1]}"))


@given(blocks=PAGE)
@settings(max_examples=200, deadline=None)
def test_every_word_of_a_markdown_page_is_in_a_block_or_a_heading(blocks):
    page = "\n\n".join(blocks)

    documents = everything("a.md", page.encode())

    shown = " ".join(
        " ".join([document.title, *section.headings, *(block.text for block in section.blocks)])
        for document in documents
        for section in document.sections
    ) + " ".join(document.title for document in documents)
    assert set(re.findall(r"\bw[a-h]+", page)) <= set(re.findall(r"\bw[a-h]+", shown))


@given(blocks=st.lists(LINE, max_size=8), tags=st.lists(st.sampled_from(["p", "li", "td", "h3", "dd", "b", "pre"])))
@settings(max_examples=100, deadline=None)
def test_every_word_of_an_html_page_is_in_a_block_or_a_heading(blocks, tags):
    pieces = [f"<{tag}>{line}</{tag}>" for tag, line in zip(tags, blocks, strict=False)]
    page = f"<main>{' '.join(pieces)}</main>"

    documents = everything("a.html", page.encode())

    shown = " ".join(
        " ".join([*section.headings, *(block.text for block in section.blocks)])
        for document in documents
        for section in document.sections
    )
    assert set(re.findall(r"\bw[a-h]+", page)) <= set(re.findall(r"\bw[a-h]+", shown))


def test_what_is_left_as_it_is_is_what_nothing_would_change() -> None:
    rules = (decoding.CONTROLS, decoding.LINE_BREAKS, decoding.LONE_SURROGATES)
    changed = {character for character in map(chr, range(0x110000)) if any(rule.search(character) for rule in rules)}
    assert changed == {character for character in map(chr, range(0x110000)) if decoding.UNCLEAN.search(character)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param(
            "a.md", "# Re\u0301sume\u0301\n\n## Time&shy;sheet\n\nre\u0301sume\u0301 &ZeroWidthSpace;", id="Markdown"
        ),
        pytest.param(
            "a.html",
            "<main><h1>Re\u0301sume\u0301</h1><h2>Time&shy;sheet</h2><p>re&#x301;sume&#x301;&#x2060;</p></main>",
            id="HTML",
        ),
        pytest.param(
            "a.jsonl",
            '{"id": "a", "title": "Re\\u0301sume\\u0301", "section": "Time\\u00adsheet", '
            '"content": "re\\u0301sume\\u0301\\u200b"}',
            id="JSONL",
        ),
    ],
)
def test_words_are_read_whole_whatever_marks_stand_beside_their_letters_or_unseen_in_them(name: str, content: str):
    (document,) = everything(name, content.encode())

    assert "R\u00e9sum\u00e9" == document.title
    section = document.sections[-1]
    assert ("Timesheet",) == section.headings
    assert ["r\u00e9sum\u00e9"] == [block.text.strip() for block in section.blocks]


def test_ids_addresses_and_anchors_stay_as_they_are_written():
    page = "---\nid: re\u0301sume\u0301\nurl: https://a.com/e\u0301\n---\n# T\n\n## H {#e\u0301}\n\nText.\n"

    (document,) = everything("a.md", page.encode())

    assert ("re\u0301sume\u0301", "https://a.com/e%CC%81") == (document.document_id, document.url)
    assert "e\u0301" == document.sections[-1].anchor


def test_a_text_of_nothing_but_unseen_characters_is_not_made_empty():
    (document,) = everything("a.html", "<main><h1>A</h1><p>\u200b</p><p>Text</p></main>".encode())

    check(document)
    assert ["\u200b", "Text"] == [block.text for section in document.sections for block in section.blocks]
