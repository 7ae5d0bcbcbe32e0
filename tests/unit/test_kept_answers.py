"""Answers kept between builds: found again byte for byte, or not at all."""

import hashlib
import json
from pathlib import Path

import pytest

from clockifyrag_builder.readers.kept_answers import KeptAnswer, KeptAnswers

URL = "https://a.org/x?token=secret"


def keep(kept: KeptAnswers, url: str, body: bytes) -> KeptAnswer:
    answer = KeptAnswer('"v1"', "", "text/html", "", hashlib.sha256(body).hexdigest(), len(body))
    incoming = kept.incoming / "body"
    incoming.write_bytes(body)
    kept.keep(url, answer, incoming)
    return answer


def test_an_answer_is_found_by_the_next_process_with_its_body_and_conditions(tmp_path: Path) -> None:
    first = KeptAnswers(tmp_path)
    keep(first, URL, b"body")
    first.save()

    second = KeptAnswers(tmp_path)
    found = second.find(URL)

    assert found is not None
    assert b"body" == second.body(found)
    assert {"If-None-Match": '"v1"'} == found.conditions()


def test_nothing_on_disk_holds_the_url_whose_query_may_be_a_token(tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path)
    keep(kept, URL, b"body")
    kept.save()

    texts = [path.read_text() + path.name for path in tmp_path.rglob("*") if path.is_file()]

    assert not [text for text in texts if "secret" in text]


@pytest.mark.parametrize("damage", [b"bodx", b"", None])
def test_a_body_that_changed_on_disk_is_not_found(damage: bytes | None, tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path)
    path = kept.body_path(keep(kept, URL, b"body"))
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)

    assert kept.find(URL) is None


def entry(**changes: object) -> dict[str, object]:
    digest = hashlib.sha256(b"body").hexdigest()
    whole: dict[str, object] = {
        "etag": "", "last_modified": "", "content_type": "", "robots_tag": "", "sha256": digest, "size_bytes": 4,
    }  # fmt: skip
    return {"format": 1, "answers": {hashlib.sha256(URL.encode()).hexdigest(): {**whole, **changes}}}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut short"),
        pytest.param("[]", id="a list"),
        pytest.param('{"format": 2, "answers": {}}', id="another format"),
        pytest.param('{"format": 1, "answers": [1]}', id="answers are no table"),
        pytest.param(json.dumps(entry(sha256="../../etc/passwd")), id="digest that is a path"),
        pytest.param(json.dumps(entry(sha256=7)), id="digest that is a number"),
        pytest.param(json.dumps(entry(etag=None)), id="header that is nothing"),
        pytest.param(json.dumps(entry(surplus=1)), id="a field too many"),
        pytest.param("\xff", id="not UTF-8"),
    ],
)
def test_a_damaged_state_costs_a_download_and_is_no_error(text: str, tmp_path: Path) -> None:
    keep(KeptAnswers(tmp_path), URL, b"body")
    (tmp_path / "answers.json").write_text(text, encoding="latin-1")

    assert KeptAnswers(tmp_path).find(URL) is None


def test_answers_no_longer_wanted_go_with_their_bodies_but_shared_bodies_stay(tmp_path: Path) -> None:
    kept = KeptAnswers(tmp_path)
    shared = keep(kept, "https://a.org/a", b"same")
    keep(kept, "https://a.org/b", b"same")
    keep(kept, "https://a.org/c", b"other")

    kept.keep_only(["https://a.org/b"])

    assert [shared.sha256] == [path.name for path in (tmp_path / "bodies").iterdir()]
    assert [False, True, False] == [
        KeptAnswers(tmp_path).find(f"https://a.org/{name}") is not None for name in ("a", "b", "c")
    ]


def test_what_a_killed_process_was_receiving_is_removed(tmp_path: Path) -> None:
    (KeptAnswers(tmp_path).incoming / "half").write_bytes(b"ha")

    again = KeptAnswers(tmp_path)

    assert [] == list(again.incoming.iterdir())
