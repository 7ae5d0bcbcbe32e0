"""The Markdown pages of the repository, taken apart: headings, links, code and tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[1]
SHELL = ("sh", "")


@dataclass(frozen=True)
class Table:
    """A table, below the heading it stands under; cells as they are written."""

    heading: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, number: int) -> list[str]:
        """The names in code of one column, in order; a cell may hold several."""
        return [name for row in self.rows for name in re.findall(r"`([^`]+)`", row[number])]


@dataclass(frozen=True)
class Page:
    """One page of Markdown."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def tokens(self) -> list[Token]:
        return MarkdownIt("commonmark").enable("table").parse(self.path.read_text(encoding="utf-8"))

    @property
    def inline(self) -> Iterator[Token]:
        """Everything that stands within lines, of all paragraphs, headings and cells."""
        return (child for token in self.tokens for child in token.children or ())

    @property
    def headings(self) -> list[str]:
        """The words of each heading, in order."""
        after = zip(self.tokens, self.tokens[1:], strict=False)
        return [plain(inline) for token, inline in after if token.type == "heading_open"]

    @property
    def anchors(self) -> set[str]:
        """What a link's fragment may name."""
        found: list[str] = []
        for heading in self.headings:
            slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            again = found.count(slug)
            found += [slug, *([f"{slug}-{again}"] if again else [])]
        return set(found)

    @property
    def links(self) -> list[str]:
        """The addresses of links and pictures."""
        found = (token.attrGet("href") or token.attrGet("src") for token in self.inline)
        return [str(address) for address in found if address]

    @property
    def code(self) -> list[str]:
        """What stands in code within lines."""
        return [token.content for token in self.inline if token.type == "code_inline"]

    def blocks(self, *languages: str) -> list[str]:
        """The code blocks in these languages; "" stands for indented ones and for none named."""
        kinds = ("fence", "code_block")
        return [token.content for token in self.tokens if token.type in kinds and token.info.strip() in languages]

    def shell_lines(self) -> Iterator[str]:
        """The commands of the shell blocks, without remarks."""
        for block in self.blocks(*SHELL):
            for line in block.replace("\\\n", " ").splitlines():
                yield re.sub(r"(^|\s)#.*", "", line).strip()

    def tables(self, *header: str) -> list[Table]:
        """The tables whose header begins with these cells."""
        return [table for table in self._all_tables if table.header[: len(header)] == header]

    @cached_property
    def _all_tables(self) -> list[Table]:
        found: list[Table] = []
        heading, rows = "", list[list[str]]()
        for token, following in zip(self.tokens, self.tokens[1:], strict=False):
            match token.type:
                case "heading_open":
                    heading = plain(following)
                case "table_open":
                    rows = []
                case "tr_open":
                    rows.append([])
                case "th_open" | "td_open":
                    rows[-1].append(following.content)
                case "tbody_close":
                    found.append(Table(heading, tuple(rows[0]), tuple(tuple(row) for row in rows[1:])))
        return found


def plain(inline: Token) -> str:
    """The words of a line without markup."""
    return "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))


def page(name: str) -> Page:
    """The page of that path below the root of the repository."""
    return Page(ROOT / name)


def pages() -> list[Page]:
    """All of them, in the order of their paths."""
    found = [
        *ROOT.glob("*.md"),
        *(path for top in ("bench", "charts", "deploy", "docs", "tests") for path in (ROOT / top).rglob("*.md")),
    ]
    return [Page(path) for path in sorted(found)]
