"""Names of one thing find each other, as whole words."""

from pathlib import Path

import pytest

from clockifyrag_index.errors import UsageError
from clockifyrag_index.glossary import Glossary, load_glossary

GLOSSARY = Glossary((("time off", "PTO", "leave"), ("billable rate", "hourly rate"), ("SSO", "single sign-on")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("what is PTO", ("leav", "off", "time"), id="alias in capitals"),
        pytest.param("request time off", ("leav", "pto"), id="name of two words"),
        pytest.param("hourly rates", (), id="another form is another word"),
        pytest.param("separate the corporate accounts", (), id="no match inside words"),
        pytest.param("single sign-on", ("sso",), id="hyphen"),
        pytest.param("", (), id="empty"),
    ],
)
def test_a_name_brings_the_terms_of_its_other_names(text: str, expected: tuple[str, ...]) -> None:
    assert expected == GLOSSARY.expansions(text)


def test_rows_that_share_a_name_are_one_group(tmp_path: Path) -> None:
    path = tmp_path / "glossary.csv"
    path.write_text("term,aliases,type,notes\nPTO,time off,noun,\nleave,vacation|PTO,noun,\nvacation,holiday,noun,\n")

    glossary = load_glossary(path)

    assert (("PTO", "time off", "leave", "vacation", "holiday"),) == glossary.groups


def test_a_row_that_names_two_groups_and_one_of_them_twice_makes_one_of_both(tmp_path: Path) -> None:
    path = tmp_path / "glossary.csv"
    path.write_text("term,aliases\ntime off,leave\nPTO,vacation|holiday\ntime off,vacation|holiday\n")

    glossary = load_glossary(path)

    assert (("time off", "leave", "PTO", "vacation", "holiday"),) == glossary.groups


def test_blanks_around_the_names_of_columns_count_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "glossary.csv"
    path.write_text("term , aliases\nPTO,leave|vacation\n")

    assert (("PTO", "leave", "vacation"),) == load_glossary(path).groups


def test_a_word_that_only_ends_in_or_begins_no_list_of_aliases(tmp_path: Path) -> None:
    path = tmp_path / "glossary.md"
    path.write_text("# Admin\nAdministrator: manages users, rates\n\n**Kiosk** a shared monitor: wall, desk\n")

    assert (("Admin",), ("Kiosk",)) == load_glossary(path).groups


def test_markdown_gives_a_term_per_heading_or_bold_word(tmp_path: Path) -> None:
    path = tmp_path / "glossary.md"
    path.write_text("# Timer\nAlso: stopwatch, clock\n\n**PTO** also: time off\n")

    assert (("Timer", "stopwatch", "clock"), ("PTO", "time off")) == load_glossary(path).groups


OPEN_QUOTE = 'timer,"stopwatch\n' + "row,name\n" * 20_000  # longer than a field may be


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("name,other\nPTO,leave\n", "first line has name, other", id="wrong columns"),
        pytest.param("term,other names\nPTO,leave\n", "first line has term, other names", id="no aliases"),
        pytest.param("term,aliases,type,notes\n,leave,,\n", "line 2", id="empty term"),
        pytest.param("", "first line has nothing", id="empty file"),
        pytest.param("term,aliases\nPTO,leave\n" + OPEN_QUOTE, "line 3: .*quote", id="a quote left open"),
        pytest.param(OPEN_QUOTE, "line 1: .*quote", id="a quote left open in the first line"),
    ],
)
def test_a_broken_glossary_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "glossary.csv"
    path.write_text(text)

    with pytest.raises(UsageError, match=said):
        load_glossary(path)
