"""The table of docs/reliability.md names tests that exist, for every number, with every mutant there is."""

import re
from pathlib import Path

import pytest
from tests.apiserver.reliability import ROOT, Row, rows
from tests.cluster import results

NUMBERS = [*range(1, 10), *range(11, 15), 16, 17, 18, 20, 21, 25, 27, 28, 29, 32]
MUTANTS = (ROOT / "tests" / "apiserver" / "faults" / "mutants", ROOT / "tests" / "cluster" / "mutants")
_NO_FAULT = {"__init__", "running", "other_clock", "slow_deletions"}


@pytest.mark.parametrize("number", [f"T{number}" for number in NUMBERS])
def test_every_reported_failure_has_a_test(number: str) -> None:
    assert [row.test for row in rows() if number in row.numbers]


def test_every_line_of_the_table_is_read() -> None:
    promises, _, _ = (ROOT / "docs" / "reliability.md").read_text().partition(results.BEGIN)
    lines = re.findall(r"^\| [TRS]\d", promises, re.MULTILINE)

    assert len(lines) == len(list(rows())) > 40


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.test)
def test_a_test_that_is_named_exists(row: Row) -> None:
    assert re.search(rf"^def {row.test}\(", (ROOT / row.file).read_text(), re.MULTILINE)


def test_every_mutant_has_its_row_and_is_tried() -> None:
    there = {path.stem for folder in MUTANTS for path in folder.glob("*.py")} - _NO_FAULT
    tried = "".join((folder.parent / "test_mutants.py").read_text() for folder in MUTANTS)

    assert there == {row.mutant for row in rows() if row.mutant}
    assert [] == [mutant for mutant in there if f'"{mutant}"' not in tried]


def test_every_test_of_a_fault_has_its_row() -> None:
    files = [path for path in (ROOT / "tests" / "apiserver" / "faults").glob("test_*.py") if "mutants" not in path.name]
    written = {(path.name, test) for path in files for test in re.findall(r"^def (test_\w+)\(", path.read_text(), re.M)}
    named = {(Path(row.file).name, row.test) for row in rows()}

    assert {("test_truth.py", "test_what_counts_as_serving")} == written - named


def test_the_document_holds_the_results_that_are_kept() -> None:
    document = results.DOCUMENT.read_text()

    assert document == results.with_table(document)
