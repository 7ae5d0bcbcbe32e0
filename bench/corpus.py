"""Corpus: the documents and judged questions that are measured with: CLOCKIFYRAG_CORPUS, else the project's sample."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import orjson

from clockifyrag_builder.sample import sample_articles, sample_questions
from clockifyrag_index.evaluate import Judged, load_judged

HELP_CENTER, HELP_CENTER_QUESTIONS = "clockify_help.jsonl", "clockify_dev.jsonl"
ADDED = "This sentence was not here before: press the brass button twice."


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents to build from, and questions with the grades of their answers."""

    name: str
    source: Path  # a folder or a file
    questions: tuple[Judged, ...]

    @property
    def answerable(self) -> tuple[Judged, ...]:
        return tuple(one for one in self.questions if one.grades)

    def copied_to(self, folder: Path) -> Path:
        """A copy of the source below the folder."""
        target = folder / self.source.name
        if self.source.is_dir():
            shutil.copytree(self.source, target)
        else:
            shutil.copy(self.source, target)
        return target


def corpus() -> Corpus:
    """What CLOCKIFYRAG_CORPUS names, or the sample."""
    named = os.environ.get("CLOCKIFYRAG_CORPUS")
    if not named:
        return sample()
    folder = Path(named)
    return Corpus("help center", folder / HELP_CENTER, load_judged(folder / HELP_CENTER_QUESTIONS))


def sample() -> Corpus:
    """The project's own articles, which are always there."""
    return Corpus("sample", sample_articles(), load_judged(sample_questions()))


def scifact() -> Corpus | None:
    """BEIR's SciFact in the folder that CLOCKIFYRAG_CORPUS names, 300 claims; None where it is not there."""
    named = os.environ.get("CLOCKIFYRAG_CORPUS")
    folder = Path(named, "scifact") if named else None
    if folder is None or not folder.is_dir():
        return None
    judged = load_judged(folder / "scifact.queries.jsonl", folder / "scifact.qrels.jsonl")
    return Corpus("SciFact", folder / "scifact.docs.jsonl", judged)


def corpora(first: Corpus) -> tuple[Corpus, ...]:
    """All there are, that one first, each once."""
    claims = scifact()
    return tuple({one.name: one for one in (first, sample(), *((claims,) if claims else ()))}.values())


def change_one_article(source: Path) -> None:
    """Adds a sentence to the end of one article of average length."""
    if source.is_dir():
        articles = sorted(source.rglob("*.md"), key=lambda path: (path.stat().st_size, path))
        article = articles[len(articles) // 2]
        article.write_text(f"{article.read_text(encoding='utf-8').rstrip()}\n\n{ADDED}\n", encoding="utf-8")
        return
    records = [orjson.loads(line) for line in source.read_bytes().splitlines()]
    by_length = sorted((len(record.get("section") or ""), place) for place, record in enumerate(records))
    changed = records[by_length[3 * len(by_length) // 4][1]]  # a quarter of the help center's records is empty
    changed["section"] = f"{changed['section'].rstrip()}\n\n{ADDED}"
    source.write_bytes(b"\n".join(map(orjson.dumps, records)) + b"\n")
