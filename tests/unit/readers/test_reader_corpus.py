"""The real help center: CLOCKIFYRAG_CORPUS names the folder of clockify_help.jsonl; without it a sample stands in."""

import json
import os
import re
from pathlib import Path

import pytest

from clockifyrag_builder.readers import Reading, ReadLog, iter_documents
from clockifyrag_builder.report import BuildReport
from clockifyrag_builder.sources import findings_of

pytestmark = pytest.mark.corpus


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, dict[str, int]]:
    """(file, what is known of it)."""
    folder = os.environ.get("CLOCKIFYRAG_CORPUS")
    if folder:
        counted = {
            "documents": 300,
            "records": 2245,
            "empty": 81,
            "clashes": 12,
            "without_text": 45,
            "reading_times": 240,
        }
        return Path(folder) / "clockify_help.jsonl", counted
    print("CLOCKIFYRAG_CORPUS is unset: a sample of three articles stands in for the help center")
    records = [
        ("1", "tags", "", "In this article\n\n* [Use](#use)"),
        ("2", "tags", "Tags", "2 min read\n\nLabels for entries."),
        ("3", "tags", "Use [#](#use)", "1. Pick one\n2. Save"),
        ("3", "tags", "Use [#](#use)", "1. Pick one\n2. Save it"),
        ("4", "tags", "More [#](#more)", ""),
        ("5", "billing", "Billing", ""),
        ("6", "kiosk", "Kiosk", "1 min read\n\nA shared screen."),
    ]
    path = tmp_path / "clockify_help.jsonl"
    with path.open("w") as file:
        for record_id, name, heading, content in records:
            url = f"https://example.com/help/{name}"
            record = {"id": record_id, "url": url, "title": name.title(), "section": heading, "content": content}
            file.write(json.dumps({**record, "lang": "en"}) + "\n")
    return path, {"documents": 3, "records": 7, "empty": 2, "clashes": 1, "without_text": 1, "reading_times": 2}


def test_the_help_center_is_read_whole_and_what_is_odd_is_counted(corpus):
    path, known = corpus
    log = ReadLog()

    documents = list(iter_documents(path, Reading(log)))

    assert known == {
        "documents": len(documents),
        "records": log.records,
        "empty": len(log.empty_records),
        "clashes": len(log.id_clashes),
        "without_text": len(log.documents_without_text),
        "reading_times": log.dropped["reading time"],
    }
    assert [] == log.problems
    assert {"en": len(documents)} == dict(log.languages)
    assert len(documents) == len({document.document_id for document in documents})
    json.dumps(BuildReport(findings_of(log)).to_json())


def test_every_word_of_the_help_center_is_read(corpus):
    path, _ = corpus
    records = [json.loads(line) for line in path.read_text().splitlines()]

    documents = {document.document_id: document for document in iter_documents(path, Reading())}

    for record in records:
        document = documents[record["url"].partition("://")[2].rstrip("/")]
        shown = " ".join(_texts(document))
        missing = [word for word in _words(record["content"]) if word not in shown]
        assert [] == missing, record["url"]


def _texts(document):
    yield document.title
    for section in document.sections:
        yield from section.headings
        yield from (block.text for block in section.blocks)


def _words(text: str) -> list[str]:
    """Words of visible text: addresses, pictures, reading times and lists of page links are none."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\]\([^)\n]*\)", "] ", text)
    text = re.sub(r"\[#\]|\d+ min read", " ", text)
    text = re.sub(r"In this article\n(?:\s*\* \[[^\]]*\] ?)+", " ", text)
    text = re.sub(r"\\([\W_])", r"\1", text)
    return re.findall(r"[^\W_]{4,}", text)
