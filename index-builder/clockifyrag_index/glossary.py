"""Glossary: other names of a thing, added to the lexical leg of a question.

Read from CSV (term,aliases,type,notes; aliases separated by "|" or ";") or Markdown (a term per heading or bold word).
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from itertools import chain
from pathlib import Path

from .errors import UsageError
from .text import folded_words, terms

COLUMNS = ("term", "aliases", "type", "notes")
ALIAS_SEPARATOR = re.compile(r"\s*[|;]\s*")
MARKDOWN_TERM = re.compile(r"^(?:#{1,6}\s+(?P<heading>[^#]+?)\s*#*|(?:[-*]\s+)?\*\*(?P<bold>[^*]+)\*\*(?P<rest>.*))$")
MARKDOWN_ALIASES = re.compile(r"(?<!\w)(?:also|aliases|synonyms?|or)\s*:\s*(?P<aliases>.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """A thing that a text names."""

    words: tuple[str, ...]  # of the text, folded
    names: tuple[str, ...]  # of the thing, the one in the text among them


@dataclass(frozen=True, slots=True)
class Glossary:
    """Groups of names that mean one thing; a name in a question brings the terms of the others."""

    groups: tuple[tuple[str, ...], ...] = ()
    _group_of: dict[tuple[str, ...], int] = field(init=False, repr=False, compare=False)
    _longest: int = field(init=False, repr=False, compare=False)
    _words: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        group_of = {
            words: number for number, group in enumerate(self.groups) for name in group if (words := folded_words(name))
        }
        object.__setattr__(self, "_group_of", group_of)
        object.__setattr__(self, "_longest", max(map(len, group_of), default=0))
        object.__setattr__(self, "_words", frozenset(chain.from_iterable(group_of)))

    def holds_word(self, word: str) -> bool:
        """Whether a name holds that folded word."""
        return word in self._words

    def expansions(self, text: str) -> tuple[str, ...]:
        """Terms that other names of the things in `text` add, sorted, without those it already has.

        Names are matched as whole words, the longest first: "rates" is not found in "separates".
        """
        names = {name for one in self.named(text) for name in one.names}
        return tuple(sorted({term for name in names for term in terms(name)} - set(terms(text)))) if names else ()

    def named(self, text: str) -> Iterator[Named]:
        """The things that `text` names, in order."""
        if not self._group_of:
            return
        folded = folded_words(text)
        position = 0
        while position < len(folded):
            length = self._match_length(folded, position)
            if length:
                words = folded[position : position + length]
                yield Named(words, self.groups[self._group_of[words]])
            position += max(length, 1)

    def _match_length(self, folded: tuple[str, ...], position: int) -> int:
        lengths = range(min(self._longest, len(folded) - position), 0, -1)
        return next((n for n in lengths if folded[position : position + n] in self._group_of), 0)


def load_glossary(path: Path) -> Glossary:
    """The glossary of a CSV or Markdown file. UsageError names the line that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"glossary {path} cannot be read ({error}); expected a UTF-8 file with {','.join(COLUMNS)}"
        ) from error
    rows = _markdown_rows(text) if path.suffix.lower() in (".md", ".markdown") else _csv_rows(text, path)
    return Glossary(tuple(_merged(rows)))


def _csv_rows(text: str, path: Path) -> Iterator[tuple[str, ...]]:
    reader, begins = csv.DictReader(StringIO(text)), 1
    try:
        names = reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        if not {"term", "aliases"}.issubset(names):
            found = ", ".join(names) or "nothing"
            raise UsageError(f"glossary {path}: first line has {found}; expected the columns {','.join(COLUMNS)}")
        begins = reader.line_num + 1
        for row in reader:
            begins = reader.line_num + 1
            term = (row.get("term") or "").strip()
            if term:
                yield (term, *(alias for alias in ALIAS_SEPARATOR.split((row.get("aliases") or "").strip()) if alias))
            elif any(value for key, value in row.items() if key and isinstance(value, str) and value.strip()):
                raise UsageError(
                    f"glossary {path}, line {reader.line_num}: the column term is empty; give it or drop the line"
                )
    except csv.Error as error:
        raise UsageError(
            f"glossary {path}, line {begins}: the row that begins there cannot be read ({error}); "
            "is the end of a quote missing?"
        ) from error


def _markdown_rows(text: str) -> Iterator[tuple[str, ...]]:
    """A term per heading or bold word; `also: a, b` after it or on the next lines gives other names."""
    names: list[str] = []
    for line in text.splitlines():
        match = MARKDOWN_TERM.match(line.strip())
        if match:
            if names:
                yield tuple(names)
            names = [(match["heading"] or match["bold"]).strip(" :")]
            line = match["rest"] or ""
        aliases = MARKDOWN_ALIASES.search(line)
        if names and aliases:
            names += [alias.strip(" .") for alias in re.split(r"[,;|]", aliases["aliases"]) if alias.strip(" .")]
    if names:
        yield tuple(names)


def _merged(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows that share a name are one group, so that no order of the file can make a loop."""
    groups: list[list[str]] = []
    group_of: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        known = [group_of[words] for name in row if (words := folded_words(name)) in group_of]
        group = known[0] if known else []
        if not known:
            groups.append(group)
        others = {id(other): other for other in known if other is not group}  # a row may name one of them twice
        for other in others.values():
            group += [name for name in other if name not in group]
        if others:
            groups = [one for one in groups if id(one) not in others]
        group += [name for name in row if name not in group]
        group_of |= {words: group for name in group if (words := folded_words(name))}
    return [tuple(group) for group in groups]
