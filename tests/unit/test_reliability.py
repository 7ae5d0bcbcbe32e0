"""The table of docs/reliability.md names tests that exist, for every number, with every mutant there is."""

import ast
import json
import re
from pathlib import Path

import pytest
from tests.apiserver.keeping import keep
from tests.apiserver.reliability import ROOT, Row, kept_nodes, rows, to_run
from tests.cluster import results

# T19 and R24 speak of a gate for quality and of backups: no fault under load shows them.
NUMBERS = sorted(
    {f"T{number}" for number in range(1, 33)} - {"T19"} | {f"R{number}" for number in range(1, 31)} - {"R24"}
)
CLUSTER = ROOT / "tests" / "cluster"
MUTANTS = (ROOT / "tests" / "apiserver" / "faults" / "mutants", CLUSTER / "mutants")
_NO_FAULT = {"__init__", "running", "other_clock", "slow_deletions"}


@pytest.mark.parametrize("number", NUMBERS)
def test_every_reported_failure_and_every_promise_has_a_test(number: str) -> None:
    assert [row.test for row in rows() if number in row.numbers]


def test_every_line_of_the_table_is_read() -> None:
    promises, _, _ = (ROOT / "docs" / "reliability.md").read_text().partition(results.BEGIN)
    lines = re.findall(r"^\| [TRS]\d", promises, re.MULTILINE)

    assert len(lines) == len(list(rows())) > 40


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.test)
def test_a_test_that_is_named_exists(row: Row) -> None:
    assert re.search(rf"^def {row.test}\(", (ROOT / row.file).read_text(), re.MULTILINE)


def test_what_is_kept_is_of_tests_that_exist() -> None:
    """A result without the name of its test would stay though that fails: nobody could forget it."""
    nodes = {str(one["node"]).partition("[")[0] for one in results.kept().values()}

    assert nodes <= {row.node for row in rows()}


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


def test_what_a_test_without_a_cluster_gave_is_kept_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "SHORT", tmp_path)
    monkeypatch.setattr(results, "KEPT", tmp_path)
    test = "test_killed_within_each_of_several_changes_it_ends_in_the_same_states"
    kills = f"tests/apiserver/faults/test_kills.py::{test}"
    storm = "tests/apiserver/faults/test_outages.py::test_through_a_storm_a_creation_ends_as_ever[cut before]"

    keep(kills, {"tried": 4, "recovery_seconds": 1.5})
    keep(storm, {})
    keep("tests/apiserver/test_chart.py::test_of_no_row", {})

    kept = {one["node"]: one for one in (json.loads(file.read_text()) for file in tmp_path.glob("*.json"))}
    assert {kills, storm} == set(kept)
    fault = "SIGKILL after a write, drawn by a seed, of each change; a deletion needs none; 4 tried"
    assert ("T8, R5", fault, 1.5) == tuple(kept[kills][one] for one in ("rows", "fault", "recovery_seconds"))
    assert "a storm is weathered; cut before" == kept[storm]["fault"]


def test_what_passed_at_this_commit_and_these_times_is_known_by_its_name(tmp_path: Path) -> None:
    kept = {
        "now": {"commit": "4223a40", "times": "short", "node": "tests/a.py::test_now"},
        "before": {"commit": "a41ac63", "times": "short", "node": "tests/a.py::test_before"},
        "other-times": {"commit": "4223a40", "times": "real", "node": "tests/a.py::test_real"},
        "nameless": {"commit": "4223a40", "times": "short"},
    }
    for name, content in kept.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))

    assert {"tests/a.py::test_now"} == kept_nodes("4223a40", "short", [tmp_path, tmp_path / "missing"])
    assert set() == kept_nodes("4223a40+", "short", [tmp_path]), "these files are of no commit"


def test_what_passed_is_left_out_a_case_at_a_time() -> None:
    nodes = ["a.py::test_one", "a.py::test_two", "a.py::test_two", "a.py::test_twofold"]
    kept = {"a.py::test_one", "a.py::test_two[up and down]", "a.py::test_of_no_row"}

    left, out = to_run(nodes, kept)

    assert ["a.py::test_two", "--deselect=a.py::test_two[up and down]", "a.py::test_twofold"] == left
    assert ["a.py::test_one", "a.py::test_two[up and down]"] == out
    assert ([], ["a.py::test_one"]) == to_run(["a.py::test_one"], kept)


def test_every_test_that_only_make_chaos_runs_has_its_row() -> None:
    left_out = {(path.name, test) for path in CLUSTER.glob("test_*.py") for test in chaos_tests(path)}
    named = {(row.file.name, row.test) for row in rows()}

    assert len(left_out) > 30
    assert set() == left_out - named


def chaos_tests(path: Path) -> set[str]:
    """Tests of a file that are marked `chaos`, all of them or each by itself."""
    body = ast.parse(path.read_text()).body
    whole = any(ast.unparse(one) == "pytestmark = pytest.mark.chaos" for one in body)
    tests = [one for one in body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")]
    return {one.name for one in tests if whole or "pytest.mark.chaos" in map(ast.unparse, one.decorator_list)}


def test_the_document_holds_the_results_that_are_kept() -> None:
    document = results.DOCUMENT.read_text()

    assert document == results.with_table(document)
