"""The parser of Markdown is told what is not needed of it, and gives what it gives as it comes."""

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from clockifyrag_builder.markdown_parser import NESTING_MAX, PARSER

PIECES = [
    "Click ", "**Save**", "Step 1: ", "a_b_c", "`code`", "[link](https://example.org/ü)", "![](x.png)", "!", "[", "]",
    "(", ")", "<br>", "<workspace id>", "<https://example.org>", "&amp;", "& ", "\\*", "\\", "~~gone~~", "~", "# ",
    "- ", "1. ", "> ", "  \n", "\n", "\n\n", "| a | b |\n| - | - |\n| c | d |\n", "```\n", "    ", "[x]: /y\n", "[x]",
    "<a@example.org>", "$5 + 3% = {2^3}", "…", "タイマー",
]  # fmt: skip


COMPARED = ("type", "tag", "nesting", "level", "markup", "info", "map", "hidden", "content")


def as_it_comes() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": NESTING_MAX}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


def without_addresses(tokens: list[Token]) -> list[dict[str, object]]:
    found = []
    for token in tokens:
        attributes = {name: value for name, value in token.attrs.items() if name not in {"href", "src"}}
        children = without_addresses(token.children or [])
        found.append({**{name: getattr(token, name) for name in COMPARED}, "attrs": attributes, "children": children})
    return found


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=80))
@example("Step 1: press - or + (at $5), 3% of {all}!")
@example("![a](b)!")
@example("[" * 200 + "]" * 200)
def test_it_finds_what_the_parser_as_it_comes_finds(text: str) -> None:
    assert without_addresses(PARSER.parse(text)) == without_addresses(as_it_comes().parse(text))
    assert without_addresses(PARSER.parseInline(text)) == without_addresses(as_it_comes().parseInline(text))


@given(st.text(max_size=20) | st.tuples(st.sampled_from(["", " ", "\u00a0"]), st.text(max_size=20)).map("#".join))
@example(" #faq")
@example("\u00a0#faq")
@example("#größe")
def test_an_address_on_the_same_page_is_one_that_a_browser_would_follow(address: str) -> None:
    as_found = as_it_comes().normalizeLink(address)
    assert PARSER.normalizeLink(address) == (as_found if as_found.startswith("#") else address)
