"""The report of a build: everything is counted and named, and it stays readable."""

import json

from clockifyrag_builder.corpus import chunked_corpus
from clockifyrag_builder.documents import Block, Document, Section
from clockifyrag_builder.passages import ChunkLimits
from clockifyrag_builder.report import IDS_MAX, BuildReport, CleaningReport, Findings, Listed, Repetition

LIMITS = ChunkLimits(max_chars=200, context_tokens=1000)
FORM = Section(("Was this article helpful?",), "", (Block("text", "Submit\nCancel"),))


def article(name: str, *sections: Section, language: str = "en") -> Document:
    return Document(name, "default", "", f"About {name}", "", language, sections, f"{name}.md")


def test_the_report_names_what_happened_to_every_document() -> None:
    text = Section((), "", (Block("text", "How to start the timer."),))
    documents = [
        *(article(f"a{number}", Section((), "", (Block("text", f"Text {number}."),)), FORM) for number in range(6)),
        article("form", FORM),
        article("empty", language=""),
        article("long", text, *[Section(("A",), "", (Block("text", "One and the same. " * 12),))] * 3),
    ]

    corpus = chunked_corpus(lambda: documents, LIMITS, lambda text: len(text.split()))
    list(corpus.chunks())
    report = corpus.report

    assert 9 == report.documents
    assert {"": 1, "en": 8} == report.languages
    (form,) = report.left_out
    assert ("repeated section", "Was this article helpful?\nSubmit\nCancel", 7) == (form.kind, form.text, form.copies)
    assert Listed(7, ("a0", "a1", "a2", "a3", "a4", "a5", "form")) == form.documents
    assert (Listed(1, ("empty",)), Listed(1, ("form",))) == (report.without_text, report.left_without_text)
    assert (("long", 2), 2) == (
        (report.repetitions[0].document, report.repetitions[0].removed),
        report.passages_collapsed,
    )


def test_the_report_counts_the_chunks_and_characters_that_are_given_out() -> None:
    documents = [article(name, Section((), "", (Block("text", f"{name} " * 99),))) for name in ("web", "ios")]

    corpus = chunked_corpus(lambda: documents, LIMITS, lambda text: len(text.split()))

    chunks = list(corpus.chunks())
    assert (len(chunks), sum(len(chunk.embedded_text) for chunk in chunks)) == (
        corpus.report.chunks,
        corpus.report.characters,
    )


def test_lists_of_ids_are_bounded_and_counts_are_not() -> None:
    findings = Findings()
    for number in range(IDS_MAX + 5):
        findings.document(f"a{number}", "en", had_text=False, has_text=False)
        findings.left_out(f"a{number}", "repeated block", 1, "Submit")
        findings.repeated(f"a{number}", "x" * 9999)

    report = findings.report(texts_shared=0)

    assert (IDS_MAX + 5, IDS_MAX) == (report.without_text.count, len(report.without_text.ids))
    assert (IDS_MAX + 5, IDS_MAX) == (report.left_out[0].copies, len(report.left_out[0].documents.ids))
    assert (IDS_MAX + 5, IDS_MAX) == (report.passages_collapsed, len(report.repetitions))
    assert all(len(repetition.text) == 300 for repetition in report.repetitions)


def test_the_report_is_json_and_at_most_25_lines_for_people() -> None:
    findings = Findings()
    for number in range(40):
        findings.document(f"a{number}", f"l{number}", had_text=bool(number % 2), has_text=False)
        findings.left_out(f"a{number}", "repeated block", number, f"Text {number}\n" * 99)
        findings.repeated(f"a{number}", f"Passage {number}")
    reading = {f"finding {number}": Listed(number + 1, ("articles.jsonl:17",)) for number in range(12)}
    report = BuildReport(reading, findings.report(texts_shared=3))

    lines = report.text().splitlines()

    assert len(lines) <= 25
    assert all(len(line) <= 160 for line in lines)
    assert "1 finding 0: articles.jsonl:17" == lines[0]
    assert {"count": 1, "ids": ["articles.jsonl:17"]} == json.loads(json.dumps(report.to_json()))["reading"][
        "finding 0"
    ]
    assert 40 == len(report.to_json()["left_out"])


def test_a_build_of_nothing_special_is_told_in_one_line() -> None:
    report = BuildReport(cleaning=CleaningReport(documents=2, chunks=3, characters=456, languages={"en": 2}))

    assert "2 articles became 3 chunks of 456 characters" == report.text()


def test_repeated_passages_say_how_often_they_stood_there() -> None:
    report = CleaningReport(repetitions=(Repetition("sso", "For more, see\nCustom domain", 4),))

    assert "kept once in sso, found 5 ×: For more, see Custom domain" == report.lines()[1]
