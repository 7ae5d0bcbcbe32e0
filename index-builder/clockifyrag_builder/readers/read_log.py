"""ReadLog: what happened to everything that was read, so that nothing disappears without a word."""

from collections import Counter
from dataclasses import dataclass, field

from clockifyrag_builder.memo import Memo
from clockifyrag_builder.readers.decoding import shown_name
from clockifyrag_index.errors import SourceError


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read as it stands."""

    origin: str  # "articles.jsonl:17"
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a document in one, that was left out on purpose."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class EmptyRecord:
    """A record without text."""

    record_id: str
    origin: str
    outcome: str


@dataclass(frozen=True, slots=True)
class IdClash:
    """One id for two things."""

    id: str
    first: str  # origin of the one that had it
    origin: str
    outcome: str  # one of a few, so that clashes can be counted by it
    kept_as: str = ""  # the id that the later one got; "" where they are one document


@dataclass(slots=True)
class ReadLog:
    """One log for everything a build reads; readers add to it while their documents are taken."""

    documents: int = 0
    records: int = 0  # lines of JSONL files
    problems: list[Problem] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    empty_records: list[EmptyRecord] = field(default_factory=list)
    id_clashes: list[IdClash] = field(default_factory=list)
    documents_without_text: list[str] = field(default_factory=list)  # ids; a record's text is its `content`
    languages: Counter[str] = field(default_factory=Counter)  # documents by language, "" unknown
    dropped: Counter[str] = field(default_factory=Counter)  # lines left out by kind: "reading time" …
    claimed: dict[str, str] = field(default_factory=dict, repr=False)  # document id → origin
    memo: Memo = field(default_factory=Memo, repr=False)  # of what was parsed in an earlier build

    def problem(self, origin: str, reason: str, *, strict: bool) -> None:
        """Notes the problem and goes on, or raises it as a SourceError where that was asked for."""
        if strict:
            raise SourceError(f"{origin}: {reason}. Mend it, or build without --strict to go on past it.")
        self.problems.append(Problem(origin, reason))

    def skip(self, name: str, reason: str) -> None:
        """Notes a file, or a document in one, that is left out on purpose."""
        self.skipped.append(Skipped(shown_name(name), reason))

    def nothing_found(self, origin: str) -> SourceError:
        """The error of a source without a document, with the first reasons why."""
        reasons = [f"{problem.origin} {problem.reason}" for problem in self.problems[:3]]
        reasons += [f"{skipped.name}: {skipped.reason}" for skipped in self.skipped[:3]]
        told = "; ".join(reasons) or "it is empty"
        return SourceError(f"{origin} holds no documents ({told}); expected JSONL, Markdown or HTML")
