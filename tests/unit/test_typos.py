"""Words the index has never seen become the nearest word it has; everything else stays."""

from pathlib import Path

import pytest

from clockifyrag_index.chunk import Chunk
from clockifyrag_index.lexical import LexicalIndex
from clockifyrag_index.lexical_writer import write_lexical
from clockifyrag_index.typos import Speller

TEXT = "Approve the timesheet of the project, export a report, track time at the kiosk, billable rates. "
TEXT += "Launch a color, archive the organization, delete weekly, active and assigned, inaccurate, input, unlinked. "
TEXT += "Want timers, deactivate a timeline. Access to a workspace, the needs. "
TEXT += "A red tag on the map."

WORDS = {
    "lunch",
    "colour",
    "organisation",
    "tier",
    "aces",
    "ned",
    "time",
    "zone",
    "bill",
    "abel",
    "work",
    "pace",
}  # of a model's vocabulary


@pytest.fixture
def speller(tmp_path: Path) -> Speller:
    only = Chunk("0" * 16, "d", "default", 0, "Title", (), TEXT, "/articles/d", "", None, None, None, ())
    write_lexical(tmp_path, [only])
    return Speller(LexicalIndex(tmp_path), known={"pomodoro"}.__contains__, is_word=WORDS.__contains__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("aprove timeshet", "approve timesheet", id="missing letters"),
        pytest.param("expotr a report", "export a report", id="swapped letters"),
        pytest.param("billabel rates", "billable rates", id="in a longer word"),
        pytest.param("timesheets", "timesheets", id="another form is known"),
        pytest.param("kios", "kiosk", id="four letters allow one"),
        pytest.param("tim", "tim", id="three letters are left alone"),
        pytest.param("imap redo", "imap redo", id="four letters are not three"),
        pytest.param("tagg, mapp", "tag, map", id="but for one typed twice"),
        pytest.param('"aprove" timeshet', '"aprove" timesheet', id="quoted words stay"),
        pytest.param("aprove -timeshet", "approve -timeshet", id="words to exclude stay"),
        pytest.param("exp0rt v2", "exp0rt v2", id="words with digits stay"),
        pytest.param(
            "https://a.io/reprot support@aprove.me www.reprot.io /help/reprot aprove_url",
            "https://a.io/reprot support@aprove.me www.reprot.io /help/reprot aprove_url",
            id="addresses and names in code stay",
        ),
        pytest.param(
            "reprot/timeshet. Aprove", "report/timesheet. approve", id="a slash between words makes no address"
        ),
        pytest.param("SAML", "SAML", id="short words in capitals stay"),
        pytest.param("pomodoro", "pomodoro", id="names of the glossary stay"),
        pytest.param("lunch break", "lunch break", id="a word of the language"),
        pytest.param("colour, organisation", "color, organization", id="another spelling of one"),
        pytest.param("pricing tiers", "pricing tiers", id="the plural of one"),
        pytest.param("timezone", "timezone", id="two of them together"),
        pytest.param("acess neds", "access needs", id="no plurals"),
        pytest.param("billabel", "billable", id="swapped letters of one word"),
        pytest.param("workpace", "workspace", id="a letter less makes two words of one"),
        pytest.param("I cant, wont", "I cant, wont", id="no apostrophe"),
        pytest.param("reactivate", "reactivate", id="an opposite by de-"),
        pytest.param("launhc, lanch", "launch, launch", id="no word of the language"),
        pytest.param("undelete", "undelete", id="an opposite by un-"),
        pytest.param("unarchive", "unarchive", id="an opposite by un-, of seven letters"),
        pytest.param("unassigned", "unassigned", id="an opposite of a form"),
        pytest.param("biweekly", "biweekly", id="another word by bi-"),
        pytest.param("reassigned", "reassigned", id="another word by re-"),
        pytest.param("relinked", "relinked", id="another prefix"),
        pytest.param("imput inlinked", "input unlinked", id="another spelling of a prefix"),
        pytest.param("inactive", "inactive", id="an opposite by in-"),
        pytest.param("accurate", "accurate", id="an opposite without in-"),
        pytest.param("xylophone", "xylophone", id="nothing near"),
        pytest.param("how do I", "how do I", id="stop words"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_question_is_corrected(speller: Speller, text: str, expected: str) -> None:
    correction = speller.correct(text)

    assert (expected, expected != text) == (correction.text, correction.changed)
