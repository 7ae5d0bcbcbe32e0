"""API keys: the file's format, what happens when it changes or breaks, and who is let in."""

import hashlib
import time
from pathlib import Path

import pytest

from clockifyrag_index.api_keys import Key, KeysInvalid, new_key, parsed_keys
from clockifyrag_service.access import admitted, endpoint_of, scope_needed
from clockifyrag_service.auth import KeyRing
from clockifyrag_service.errors import Refused
from clockifyrag_service.exchange import heard_in

DIGEST = hashlib.sha256(b"crag_a_secret").hexdigest()


def write(file: Path, text: str) -> None:
    """Replaces the file as an editor or a kubelet does, so that it never is half of two texts."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("a", "1 fields", id="too-few-fields"),
        pytest.param(f"a {DIGEST} search 2030-01-01 more", "5 fields", id="too-many-fields"),
        pytest.param(f"A_B {DIGEST} search", "the id must be", id="id-with-underscore"),
        pytest.param("a 1234 search", "64 hexadecimal digits", id="short-digest"),
        pytest.param("a crag_a_secret search", "64 hexadecimal digits", id="a-key-instead-of-its-digest"),
        pytest.param(f"a {DIGEST} search,root", "unknown scope 'root'", id="unknown-scope"),
        pytest.param(f"a {DIGEST} search soon", "not-after", id="no-date"),
        pytest.param(f"a {DIGEST} search\na {DIGEST} chat", "line 2: id 'a'", id="id-twice"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_its_secret_is_not_repeated(line: str, message: str) -> None:
    with pytest.raises(KeysInvalid) as error:
        parsed_keys(line)

    assert message in str(error.value)
    assert "secret" not in str(error.value)


def test_remarks_and_empty_lines_are_skipped_and_scopes_are_read() -> None:
    keys = parsed_keys(f"# our keys\n\na {DIGEST} search,chat 2999-12-31  # the site\n")

    assert frozenset({"search", "chat"}) == keys["a"].scopes
    assert keys["a"].valid_at(time.time())


def test_a_date_counts_to_its_end_and_a_time_to_the_second() -> None:
    keys = parsed_keys(f"day {DIGEST} search 2026-01-01\nmoment {DIGEST} search 2026-01-01T12:00:00+00:00")

    assert 86_400 - 43_200 == (keys["day"].not_after or 0) - (keys["moment"].not_after or 0)


@pytest.mark.parametrize("not_after", ["9999-12-31", "99991231", "9999-W52-5", "9999-12-31T23:59:59-12:00"])
def test_the_last_day_that_a_calendar_holds_is_a_day_like_any_other(not_after: str) -> None:
    _, line = new_key("for-ever", ["search"], not_after)

    key = parsed_keys(line)["for-ever"]

    assert key.valid_at(time.time())
    assert not parsed_keys(f"a {DIGEST} search 0001-01-01")["a"].valid_at(time.time())


def test_a_new_key_is_admitted_by_its_line_and_by_no_other_secret(tmp_path: Path) -> None:
    key, line = new_key("docs-site", ["search"])
    file = tmp_path / "keys"
    file.write_text(line + "\n")
    ring = KeyRing(None, file)

    caller = ring.caller(key)

    assert caller is not None
    assert ("docs-site", frozenset({"search"})) == (caller.id, caller.scopes)
    assert None is ring.caller(key + "x")
    assert None is ring.caller(key.replace("docs-site", "other"))
    assert None is ring.caller("")


def test_an_expired_key_is_refused(tmp_path: Path) -> None:
    key, line = new_key("old", ["search"], "2001-01-01")
    file = tmp_path / "keys"
    file.write_text(line)

    assert None is KeyRing(None, file).caller(key)


def test_the_one_key_of_the_settings_has_all_scopes() -> None:
    ring = KeyRing("hunter2", None)

    caller = ring.caller("hunter2")

    assert caller is not None
    assert {"search", "chat", "analytics", "admin"} == caller.scopes
    assert None is ring.caller("hunter3")


def test_when_the_file_changes_new_keys_are_known_and_old_ones_are_not(tmp_path: Path) -> None:
    (first, first_line), (second, second_line) = new_key("first", ["search"]), new_key("second", ["search"])
    file = tmp_path / "keys"
    file.write_text(first_line)
    ring = KeyRing(None, file)

    write(file, second_line)
    ring.refresh()

    assert None is ring.caller(first)
    assert ring.caller(second) is not None


def test_a_mark_of_the_byte_order_before_the_first_line_is_no_part_of_its_id(tmp_path: Path) -> None:
    key, line = new_key("one", ["search"])
    file = tmp_path / "keys"
    file.write_text(line + "\n", encoding="utf-8-sig")  # as Notepad and PowerShell write it

    ring = KeyRing(None, file)

    assert (None, "one") == (ring.problem, getattr(ring.caller(key), "id", None))


def test_when_the_file_breaks_the_last_good_keys_stay_and_it_is_said(tmp_path: Path) -> None:
    key, line = new_key("a", ["search"])
    file = tmp_path / "keys"
    file.write_text(line)
    ring = KeyRing(None, file)

    write(file, "not a key line")
    ring.refresh()

    assert ring.caller(key) is not None
    assert "last good keys stay" in (ring.problem or "")
    write(file, line)
    ring.refresh()
    assert None is ring.problem


def test_whatever_reading_the_file_fails_with_is_said_and_the_last_good_keys_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, line = new_key("a", ["search"])
    file = tmp_path / "keys"
    file.write_text(line)
    ring = KeyRing(None, file)

    def fails(text: str) -> dict[str, Key]:
        raise OverflowError("date value out of range")

    monkeypatch.setattr("clockifyrag_service.auth.parsed_keys", fails)
    write(file, line + "\n")
    ring.refresh()

    assert ring.caller(key) is not None
    assert "the last good keys stay in use: date value out of range" in (ring.problem or "")


@pytest.mark.parametrize(
    "text",
    [pytest.param(None, id="missing"), pytest.param("", id="empty"), pytest.param("# none\n", id="remarks-only")],
)
def test_when_the_file_is_missing_or_empty_nobody_is_let_in(tmp_path: Path, text: str | None) -> None:
    key, line = new_key("a", ["search"])
    file = tmp_path / "keys"
    file.write_text(line)
    ring = KeyRing(None, file)

    file.unlink()
    if text is not None:
        file.write_text(text)
    ring.refresh()

    assert ring.required
    assert None is ring.caller(key)
    assert "401" in (ring.problem or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(b"authorization", b"Bearer crag_a_s", id="bearer"),
        pytest.param(b"authorization", b"bearer crag_a_s", id="bearer-in-small-letters"),
        pytest.param(b"x-api-key", b"crag_a_s", id="x-api-key"),
        pytest.param(b"x-api-token", b"crag_a_s", id="x-api-token"),
    ],
)
def test_a_key_may_be_sent_in_three_headers(name: bytes, value: bytes) -> None:
    assert "crag_a_s" == heard_in([(b"host", b"x"), (name, value)]).key


def test_other_credentials_are_no_key() -> None:
    assert None is heard_in([(b"authorization", b"Basic Zm9v")]).key


def test_the_first_key_that_is_sent_counts() -> None:
    heard = heard_in([(b"authorization", b"Basic Zm9v"), (b"x-api-key", b"first"), (b"x-api-token", b"second")])

    assert "first" == heard.key


def test_lists_may_be_sent_in_several_headers() -> None:
    heard = heard_in(
        [
            (b"x-forwarded-for", b"10.0.0.1"),
            (b"if-none-match", b'"a"'),
            (b"x-forwarded-for", b"10.0.0.2"),
            (b"if-none-match", b'"b"'),
        ]
    )

    assert ("10.0.0.1,10.0.0.2", b'"a","b"') == (heard.forwarded_for, heard.etags)


def test_a_request_id_that_could_do_harm_is_not_heard() -> None:
    ids = [heard_in([(b"x-request-id", value)]).request_id for value in (b"mine-1", b'a"b', b"x" * 65)]

    assert ["mine-1", None, None] == ids


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        pytest.param("/", None, id="page"),
        pytest.param("/page/app.js", None, id="static-file"),
        pytest.param("/live", None, id="live"),
        pytest.param("/ready", None, id="ready"),
        pytest.param("/health", None, id="health"),
        pytest.param("/search", "search", id="search"),
        pytest.param("/suggestions", "search", id="suggestions"),
        pytest.param("/articles/a/b", "search", id="articles"),
        pytest.param("/search/chat", "chat", id="search-chat"),
        pytest.param("/chat", "chat", id="chat"),
        pytest.param("/analytics", "analytics", id="analytics"),
        pytest.param("/config", "admin", id="config"),
        pytest.param("/docs", "", id="docs-any-key"),
        pytest.param("/nowhere", "", id="unknown-path-any-key"),
        pytest.param("/pageant", "", id="only-looks-like-static"),
    ],
)
def test_each_path_needs_its_scope(path: str, scope: str | None) -> None:
    assert scope == scope_needed(path)


def test_a_key_without_the_scope_is_forbidden_and_told_which_is_needed() -> None:
    ring = KeyRing(None, None)
    ring.required = True
    ring._keys = parsed_keys(f"a {DIGEST} search")

    with pytest.raises(Refused) as refused:
        admitted(ring, "/analytics", "crag_a_secret")

    assert ("FORBIDDEN", 403) == (refused.value.code, refused.value.status)
    assert "'analytics'" in refused.value.message


def test_endpoints_of_metrics_are_a_fixed_set() -> None:
    assert ["/search", "/articles/{id}", "/page", "other"] == [
        endpoint_of(path) for path in ("/search", "/articles/x/y", "/page/style.css", "/x" * 1000)
    ]
