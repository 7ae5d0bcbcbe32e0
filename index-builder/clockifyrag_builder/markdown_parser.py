"""The parser of Markdown (CommonMark with tables), told what is not needed of it: parsing is most of a wordllama build.

It finds what markdown-it-py finds that takes any address for a link's. Addresses are given as they are typed, but for
those on the same page, which alone are read.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

NESTING_MAX = 100  # the parser silently leaves out what is nested deeper
# What the rules for inline markup that are used begin or end with; the parser looks at twelve more, for extensions.
MARKUP = re.compile(r"[\n!&*<\[\\\]_`~]")


class _AnyLink(MarkdownIt):
    """Takes any address for a link's, `javascript:` too: only the link's text is kept."""

    def validateLink(self, url: str) -> bool:  # noqa: N802 (the parser's name)
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        return super().normalizeLink(url) if url.lstrip().startswith("#") else url


def _inline(state: StateCore) -> None:
    """The parser's rule of this name; a text without markup is its own only token."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = token.children or []
        if MARKUP.search(token.content):
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        elif token.content:
            token.children.append(Token("text", "", 0, content=token.content))


def _parser() -> MarkdownIt:
    parser = _AnyLink("commonmark", {"maxNesting": NESTING_MAX}).enable(["table", "strikethrough"])
    parser.inline.terminator_re = MARKUP
    parser.core.ruler.at("inline", _inline)
    return parser


PARSER = _parser()
