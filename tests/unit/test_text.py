"""Text → terms: what a help center writes is found as it is written."""

import pytest

from clockifyrag_index.text import terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("The timesheets of the team", ["timesheet", "team"], id="stop words, plural"),
        pytest.param("time off, clock in", ["time", "off", "clock", "in"], id="words that tell things apart"),
        pytest.param("tracking tracked tracks", ["track", "track", "track"], id="forms of a verb"),
        pytest.param("Node.js", ["node", "js"], id="a name with a dot"),
        pytest.param("SAML 2.0", ["saml", "2", "0"], id="a version"),
        pytest.param("2FA v1.5 OAuth2", ["2fa", "v1", "5", "oauth2"], id="words with digits stay as they are"),
        pytest.param("error 401", ["error", "401"], id="an error code"),
        pytest.param("2026-11-28", ["2026", "11", "28"], id="an ISO date"),
        pytest.param("GET /search?q=x", ["get", "search", "q", "x"], id="a request"),
        pytest.param("Team’s team's", ["team", "team"], id="possessive"),
        pytest.param("don't", ["don't"], id="an apostrophe inside"),
        pytest.param("Ｃafé ﬁle", ["café", "file"], id="compatibility forms"),
        pytest.param("STRASSE Straße", ["strass", "strass"], id="case of other languages"),
        pytest.param("12.50 €", ["12", "50"], id="an amount"),
        pytest.param("C# and c++, F#.", ["c#", "c++", "f#"], id="names of a letter and a sign"),
        pytest.param("(C++)", ["c++"], id="such a name in brackets"),
        pytest.param("c++11 C#12", ["c", "11", "c", "12"], id="such a name with a version"),
        pytest.param("Invoice# 12, #tag, 5# a+b", ["invoic", "12", "tag", "5", "b"], id="signs of no name"),
        pytest.param("/a/x#y", ["x", "y"], id="an anchor"),
        pytest.param("time_entry", ["time", "entri"], id="a name of code"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_a_text_has_these_terms(text: str, expected: list[str]) -> None:
    assert expected == terms(text)


@pytest.mark.parametrize("name", ["C#", "C++", "Node.js", "SAML 2.0", "GET /search", "401", "2026-11-28", "QuickBooks"])
def test_a_name_is_a_term_in_the_question_as_in_the_text(name: str) -> None:
    wanted = terms(name)

    in_a_text = terms(f"Before it ({name}), and after.")

    assert wanted
    assert wanted == in_a_text[2 : 2 + len(wanted)] or wanted == in_a_text[1 : 1 + len(wanted)]
