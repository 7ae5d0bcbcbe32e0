"""What the sample promises: readable articles whose links hold, and questions whose answers exist."""

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from clockifyrag_builder.readers import Reading, iter_documents
from clockifyrag_builder.sample import sample_articles, sample_glossary, sample_questions

ARTICLE_BYTES_MAX = 12 * 1024
BORROWED_WORDS = 12  # a run this long is a quotation, not a coincidence
FRONT_MATTER = re.compile(r"---\n(?P<fields>.*?)\n---\n(?P<body>.*)", re.DOTALL)


@dataclass(frozen=True)
class Article:
    path: Path
    fields: Mapping[str, object]
    tokens: tuple[Token, ...]

    @property
    def document_id(self) -> str:
        return self.path.relative_to(sample_articles()).with_suffix("").as_posix()

    def inline(self) -> Iterator[Token]:
        return chain.from_iterable(token.children or () for token in self.tokens if token.type == "inline")

    def headings(self) -> list[str]:
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        return [inline.content for opening, inline in pairs if opening.type == "heading_open"]

    def anchors(self) -> list[str]:
        return [github_slug(heading) for heading in self.headings()]

    def links(self) -> list[str]:
        return [str(token.attrs["href"]) for token in self.inline() if token.type == "link_open"]

    def prose(self) -> list[str]:
        """Paragraphs, list items and cells, without code listings."""
        return [token.content for token in self.tokens if token.type == "inline"]

    def count(self, *types: str) -> int:
        return sum(token.type in types for token in self.tokens)


def github_slug(heading: str) -> str:
    """The anchor GitHub gives a heading: lower case, hyphens for blanks, other punctuation dropped."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def article(path: Path) -> Article:
    match = FRONT_MATTER.fullmatch(path.read_text(encoding="utf-8"))
    assert match, f"{path} has no front matter"
    tokens = MarkdownIt("commonmark").enable("table").parse(match["body"])
    return Article(path, yaml.safe_load(match["fields"]), tuple(tokens))


def articles_of_sample() -> dict[str, Article]:
    read = (article(path) for path in sorted(sample_articles().rglob("*.md")))
    return {one.document_id: one for one in read}


def questions_of_sample() -> list[dict[str, object]]:
    return [json.loads(line) for line in sample_questions().read_text(encoding="utf-8").splitlines()]


ARTICLES = articles_of_sample()
QUESTIONS = questions_of_sample()
EACH_ARTICLE = pytest.mark.parametrize("one", ARTICLES.values(), ids=list(ARTICLES))


@EACH_ARTICLE
def test_the_front_matter_has_title_tags_and_date(one: Article) -> None:
    fields = one.fields

    assert {"title", "tags", "updated"} == set(fields)
    assert isinstance(fields["title"], str) and fields["title"]
    assert isinstance(fields["tags"], list) and all(isinstance(tag, str) for tag in fields["tags"])
    assert isinstance(fields["updated"], date)


@EACH_ARTICLE
def test_headings_are_unique_and_of_level_two_or_three(one: Article) -> None:
    levels = {token.tag for token in one.tokens if token.type == "heading_open"}

    assert {"h2"} <= levels <= {"h2", "h3"}
    assert [] == [anchor for anchor, times in Counter(one.anchors()).items() if times > 1]


@EACH_ARTICLE
def test_every_cross_link_leads_to_an_article_and_a_heading(one: Article) -> None:
    broken = [link for link in one.links() if not link_holds(one, link)]

    assert [] == broken


def link_holds(one: Article, link: str) -> bool:
    file, _, anchor = link.partition("#")
    path = (one.path.parent / file).resolve() if file else one.path
    if not path.is_relative_to(sample_articles()) or path.suffix != ".md":
        return False
    target = ARTICLES.get(path.relative_to(sample_articles()).with_suffix("").as_posix())
    return target is not None and (not anchor or anchor in target.anchors())


@EACH_ARTICLE
def test_an_article_is_long_enough_to_help_and_short_enough_to_read(one: Article) -> None:
    count = len(re.findall(r"\w+", one.path.read_text(encoding="utf-8").split("---\n", 2)[2]))

    assert 180 <= count <= 600
    assert one.path.stat().st_size <= ARTICLE_BYTES_MAX


def test_there_are_at_least_sixty_articles_with_tables_code_steps_notes_and_links() -> None:
    has = {
        name: sum(one.count(*types) > 0 for one in ARTICLES.values())
        for name, types in {
            "table": ("table_open",),
            "code": ("fence",),
            "steps": ("ordered_list_open",),
            "bullets": ("bullet_list_open",),
            "note": ("blockquote_open",),
        }.items()
    }

    assert len(ARTICLES) >= 60
    assert len({one.fields["title"] for one in ARTICLES.values()}) == len(ARTICLES)
    assert has["table"] >= 15 and has["code"] >= 8 and has["steps"] >= 60 and has["bullets"] >= 30
    assert has["note"] >= 10 and [] == [name for name, one in ARTICLES.items() if not one.links()]


def test_every_article_can_be_reached_from_another() -> None:
    linked = {
        (one.path.parent / link.partition("#")[0]).resolve()
        for one in ARTICLES.values()
        for link in one.links()
        if not link.startswith("#")
    }

    assert [] == [name for name, one in ARTICLES.items() if one.path.resolve() not in linked]


def test_there_are_at_least_sixty_questions_of_many_styles() -> None:
    styles = Counter(question["style"] for question in QUESTIONS)

    assert len(QUESTIONS) >= 60
    assert len({question["qid"] for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question["query"] for question in QUESTIONS}) == len(QUESTIONS)
    assert styles["typo"] >= 10 and styles["unanswerable"] >= 8
    assert {"plain", "keyword", "paraphrase", "long", "comparison", "definition"} <= set(styles)


@pytest.mark.parametrize("question", QUESTIONS, ids=[str(question["qid"]) for question in QUESTIONS])
def test_a_question_names_articles_and_a_section_that_exist(question: dict[str, object]) -> None:
    grades = question["relevant_urls"]
    document, _, anchor = str(question["section"]).partition("#")

    assert isinstance(grades, dict) and set(grades) <= set(ARTICLES) and set(grades.values()) <= {1, 2}
    if question["style"] == "unanswerable":
        assert ({}, "") == (grades, question["section"])
    else:
        assert 2 == grades[document]
        assert not anchor or anchor in ARTICLES[document].anchors()


def test_the_reader_gives_articles_the_ids_and_anchors_that_questions_use() -> None:
    documents = {document.document_id: document for document in iter_documents(sample_articles(), Reading())}

    anchors = {name: [section.anchor for section in one.sections if section.anchor] for name, one in documents.items()}

    assert {name: one.anchors() for name, one in ARTICLES.items()} == anchors


def test_no_name_stands_in_two_lines_of_the_glossary() -> None:
    with sample_glossary().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    names = [name for row in rows for name in (row["term"], *row["aliases"].split("|"))]
    folded = Counter(" ".join(re.findall(r"\w+", name.lower())) for name in names)

    assert len(rows) >= 40
    assert ["term", "aliases", "type", "notes"] == list(rows[0])
    assert [] == [name for name, times in folded.items() if times > 1 or not name]


@pytest.mark.corpus
def test_no_passage_is_borrowed_from_another_article_or_from_the_real_corpus() -> None:
    folder = os.environ.get("CLOCKIFYRAG_CORPUS")
    real = set(chain.from_iterable(runs(text) for text in texts_of_corpus(Path(folder)))) if folder else set()

    first_in: dict[tuple[str, ...], str] = {}
    borrowed = [
        " ".join(run)
        for one in ARTICLES.values()
        for text in one.prose()
        for run in runs(link_text(text))
        if first_in.setdefault(run, one.document_id) != one.document_id or run in real
    ]

    assert [] == borrowed
    assert real or not folder, f"{folder} has no text to compare with"


def texts_of_corpus(folder: Path) -> Iterator[str]:
    """The content of each record of the folder's help center, its links reduced to their text."""
    with (folder / "clockify_help.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            yield link_text(json.loads(line)["content"].replace("*", ""))


def link_text(markdown: str) -> str:
    return re.sub(r"\]\([^)]*\)", "]", markdown)


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Each run of BORROWED_WORDS words in a row."""
    found = words(text)
    return (tuple(found[start : start + BORROWED_WORDS]) for start in range(len(found) - BORROWED_WORDS + 1))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())
