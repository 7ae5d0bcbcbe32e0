"""Links lead somewhere, files that are named exist, and every page can be found from the README."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import ROOT, Page, page, pages

EACH = [pytest.param(one, id=one.name) for one in pages()]
NAME_OF_A_FILE = re.compile(r"(?!spec\.)[\w.@-]+\.(?:conf|lock|md|py|service|sh|toml)")
MADE_LATER = {"results.json"}  # by make bench


def targets(one: Page) -> list[tuple[Path, str]]:
    """File or folder, and fragment, of each link that stays in the repository."""
    links = [urlsplit(link) for link in one.links]
    return [
        ((one.path.parent / unquote(link.path)).resolve() if link.path else one.path, unquote(link.fragment))
        for link in links
        if not link.scheme
    ]


@pytest.mark.parametrize("one", EACH)
def test_each_link_leads_to_a_file_and_a_heading_in_it(one: Page) -> None:
    found = targets(one)

    assert [] == [path for path, _ in found if not path.exists() or not path.is_relative_to(ROOT)]
    assert [] == [
        f"{path.name}#{fragment}" for path, fragment in found if fragment and fragment not in Page(path).anchors
    ]


@pytest.mark.parametrize("one", EACH)
def test_links_that_leave_the_repository_are_encrypted(one: Page) -> None:
    schemes = {urlsplit(link).scheme for link in one.links} - {""}

    assert schemes <= {"https"}


@pytest.mark.parametrize("one", EACH)
def test_each_file_of_the_repository_that_is_named_exists(one: Page) -> None:
    tops = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    below = [code for code in one.code if re.fullmatch(r"[\w.@-]+(/[\w.@-]+)+/?", code) and code.split("/")[0] in tops]
    alone = [code for code in one.code if NAME_OF_A_FILE.fullmatch(code) and code not in MADE_LATER]

    assert [] == [name for name in below if not (ROOT / name).exists()]
    assert [] == [name for name in alone if not (one.path.parent / name).exists() and not (ROOT / name).exists()]


def test_each_page_below_docs_is_found_from_the_readme() -> None:
    waiting, seen = [ROOT / "README.md"], set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            path = path / "README.md" if path.is_dir() and (path / "README.md").exists() else path
            waiting += [target for target, _ in targets(Page(path))] if path.suffix == ".md" else []

    documents = {one.path for one in pages() if one.name.startswith(("docs/", "deploy/", "bench/"))}

    found = seen | {path / "README.md" for path in seen if path.is_dir()}
    assert set() == documents - found


def test_each_decision_stands_in_their_list_under_its_number_and_numbers_have_no_gap() -> None:
    folder = ROOT / "docs" / "decisions"
    written = sorted(path.name for path in folder.glob("*.md") if path.name != "README.md")

    (table,) = page("docs/decisions/README.md").tables("page", "choice")

    listed = [(row[0][1:5], re.findall(r"\((.+)\)", row[0])[0]) for row in table.rows]
    assert [(name[:4], name) for name in written] == listed
    assert [f"{number:04}" for number in range(1, len(written) + 1)] == [number for number, _ in listed]


def test_a_decision_says_what_why_and_what_was_set_aside() -> None:
    decisions = [one for one in pages() if re.match(r"docs/decisions/\d", one.name)]

    incomplete = [
        one.name
        for one in decisions
        if not re.search(r"\*\*What\.\*\*.*\*\*Why\.\*\*.*\*\*Set aside\.\*\*", one.path.read_text(), re.DOTALL)
    ]

    assert [] == incomplete


def test_the_readme_can_be_read_at_once() -> None:
    lines = page("README.md").path.read_text().splitlines()

    assert len(lines) <= 80
    assert [] == [line for line in lines if len(line) > 130]
