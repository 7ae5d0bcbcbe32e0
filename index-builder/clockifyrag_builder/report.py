"""What a build did with what it was given: for people in a few lines, for machines as JSON.

Every list of ids is bounded and stands beside its full count, so that a report of a million documents stays readable.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from clockifyrag_index.manifest import Recall
from clockifyrag_index.recall import RECALL_MIN

IDS_MAX = 1000  # ids listed with one finding
TEXT_MAX = 300  # characters of a text that was left out
FINDINGS_SHOWN = 6  # of each sort, in the text for people
LINE_MAX = 160


@dataclass(frozen=True, slots=True)
class Listed:
    """How many there are, and which; `ids` holds the first IDS_MAX of them."""

    count: int = 0
    ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, ids: Iterable[str]) -> "Listed":
        """All of them counted, the first IDS_MAX kept."""
        found = tuple(ids)
        return cls(len(found), found[:IDS_MAX])


@dataclass(frozen=True, slots=True)
class TextLeftOut:
    """One boilerplate text: where each copy stood."""

    kind: str  # see boilerplate.Kind
    text: str  # its first TEXT_MAX characters; an example where copies differ (link lists, tables of contents)
    copies: int
    documents: Listed


@dataclass(frozen=True, slots=True)
class Repetition:
    """A passage that stood more than once in one document and was kept once."""

    document: str
    text: str  # its first TEXT_MAX characters
    removed: int


@dataclass(frozen=True, slots=True)
class CleaningReport:
    """What happened to documents between reader and index."""

    documents: int = 0
    chunks: int = 0
    characters: int = 0  # of all embedded texts
    languages: Mapping[str, int] = field(default_factory=dict)  # documents by language, "" where unknown
    left_out: tuple[TextLeftOut, ...] = ()  # most copies first
    repetitions: tuple[Repetition, ...] = ()  # the first IDS_MAX
    passages_collapsed: int = 0
    texts_shared: int = 0  # distinct passages that stand in several documents, each keeping its own
    without_text: Listed = field(default_factory=Listed)  # read without any: indexed by title and headings
    left_without_text: Listed = field(default_factory=Listed)  # all their text was boilerplate: likewise

    def lines(self) -> list[str]:
        """The report for people, at most 19 lines."""
        lines = [f"{self.documents} articles became {self.chunks} chunks of {self.characters} characters"]
        if len(self.languages) > 1:
            lines.append("languages: " + ", ".join(f"{name or 'unknown'} {n}" for name, n in self.languages.items()))
        for text in self.left_out[:FINDINGS_SHOWN]:
            lines.append(f"left out {text.copies} × {text.kind} ({_first(text.documents)}): {_one_line(text.text)}")
        lines += _more(len(self.left_out), "more texts left out as boilerplate")
        for repetition in self.repetitions[:FINDINGS_SHOWN]:
            lines.append(
                f"kept once in {repetition.document}, found {repetition.removed + 1} ×: {_one_line(repetition.text)}"
            )
        lines += _more(len(self.repetitions), "more repetitions within one article")
        if self.texts_shared:
            lines.append(f"{self.texts_shared} passages stand in several articles; each keeps its own (also_at)")
        for listed, how in ((self.without_text, "without text"), (self.left_without_text, "with boilerplate only")):
            if listed.count:
                lines.append(f"{listed.count} articles {how}, indexed by title and headings: {_first(listed)}")
        return [line if len(line) <= LINE_MAX else line[: LINE_MAX - 1] + "…" for line in lines]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The whole report of a build: what the readers met, and what became of what they read.

    reading: by finding ("records", "empty records", "record ids used twice", "broken lines", …) how many and which.
    """

    reading: Mapping[str, Listed] = field(default_factory=dict)
    cleaning: CleaningReport = field(default_factory=CleaningReport)
    recall: Recall | None = None  # of the index, where it does not compare all vectors

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, counts and ids, nothing left out."""
        reading = {name: asdict(listed) for name, listed in self.reading.items()}
        recall = {"recall": self.recall.record()} if self.recall else {}
        return {"reading": reading, **recall, **asdict(self.cleaning)}

    def text(self) -> str:
        """The report for people: at most 25 lines, without colours."""
        reading = [
            f"{listed.count} {name}" + (f": {_first(listed)}" if listed.ids else "")
            for name, listed in self.reading.items()
            if listed.count
        ]
        shown = reading[:5] + _more(len(reading), "more sorts of findings", 5)
        return "\n".join([*(line[:LINE_MAX] for line in shown), *self.cleaning.lines(), *self._warnings()])

    def _warnings(self) -> list[str]:
        if self.recall is None or self.recall.at_10 >= RECALL_MIN:
            return []
        return [
            f"the index finds {100 * self.recall.at_10:.0f} % of the ten nearest passages ({self.recall.questions} "
            "headings asked); raise --hnsw-ef-construction, or EF_SEARCH of the servers"
        ]


class Findings:
    """Collects a CleaningReport, one document at a time, in bounded space."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._left_out: dict[tuple[str, int], _Copies] = {}
        self._repetitions: list[Repetition] = []
        self._without_text = _Ids()
        self._left_without_text = _Ids()

    def document(self, document_id: str, language: str, had_text: bool, has_text: bool) -> None:
        """Notes a document; `has_text` is after boilerplate was left out."""
        self._counts["documents"] += 1
        self._languages[language] += 1
        if not has_text:
            (self._left_without_text if had_text else self._without_text).add(document_id)

    def chunk(self, embedded_text: str) -> None:
        """Notes a chunk of the index."""
        self._counts["chunks"] += 1
        self._counts["characters"] += len(embedded_text)

    def left_out(self, document_id: str, kind: str, key: int, text: str) -> None:
        """Notes a copy of a text; copies with one key are one finding, shown by its first text."""
        if (kind, key) not in self._left_out:
            self._left_out[kind, key] = _Copies(text[:TEXT_MAX])
        copies = self._left_out[kind, key]
        copies.number += 1
        copies.documents.add(document_id)

    def repeated(self, document_id: str, text: str) -> None:
        """Notes a passage that was left out because an equal one stands before it in the document."""
        self._counts["collapsed"] += 1
        last = self._repetitions[-1] if self._repetitions else None
        if last and (last.document, last.text) == (document_id, text[:TEXT_MAX]):
            self._repetitions[-1] = Repetition(document_id, last.text, last.removed + 1)
        elif len(self._repetitions) < IDS_MAX:
            self._repetitions.append(Repetition(document_id, text[:TEXT_MAX], 1))

    def report(self, texts_shared: int) -> CleaningReport:
        """Everything noted so far."""
        left_out = (
            TextLeftOut(kind, copies.text, copies.number, copies.documents.listed())
            for (kind, _), copies in self._left_out.items()
        )
        return CleaningReport(
            documents=self._counts["documents"],
            chunks=self._counts["chunks"],
            characters=self._counts["characters"],
            languages=dict(sorted(self._languages.items())),
            left_out=tuple(sorted(left_out, key=lambda text: (-text.copies, text.kind, text.text))),
            repetitions=tuple(self._repetitions),
            passages_collapsed=self._counts["collapsed"],
            texts_shared=texts_shared,
            without_text=self._without_text.listed(),
            left_without_text=self._left_without_text.listed(),
        )


class _Ids:
    """Counts ids, each noted once as long as its notes come together, and remembers the first of them."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[str] = []
        self._last = ""

    def add(self, document_id: str) -> None:
        if document_id == self._last and self._count:
            return
        self._last = document_id
        self._count += 1
        if len(self._first) < IDS_MAX:
            self._first.append(document_id)

    def listed(self) -> Listed:
        return Listed(self._count, tuple(self._first))


@dataclass(slots=True)
class _Copies:
    text: str
    number: int = 0
    documents: _Ids = field(default_factory=_Ids)


def _first(listed: Listed) -> str:
    """The first ids and how many more there are: `a, b and 5 more`."""
    shown = ", ".join(listed.ids[:2])
    rest = listed.count - min(2, len(listed.ids))
    return f"{shown} and {rest} more" if rest else shown


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _more(found: int, what: str, shown: int = FINDINGS_SHOWN) -> list[str]:
    return [f"… {found - shown} {what}"] if found > shown else []
