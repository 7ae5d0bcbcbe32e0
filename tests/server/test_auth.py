"""Keys on a live server: which path is open, which key opens which path, and what a change of the file does."""

from pathlib import Path

import pytest
from tests.server.conftest import Serve, until

from clockifyrag_index.api_keys import new_key

OPEN = ("/", "/live", "/ready", "/health")
SCOPED = {
    "search": ("/search?q=timer", "/suggestions?q=ti", "/articles/help/track-time"),
    "analytics": ("/analytics", "/metrics", "/status"),
    "admin": ("/config",),
}


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A keys file with one key for each scope, and the keys."""
    made = {scope: new_key(f"{scope}-key", [scope]) for scope in ("search", "chat", "analytics", "admin")}
    file = tmp_path / "keys"
    file.write_text("\n".join(line for _, line in made.values()))
    return file, {scope: key for scope, (key, _) in made.items()}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_each_path_opens_to_its_scope_alone(serve: Serve, index_root: Path, keys: tuple[Path, dict[str, str]]) -> None:
    file, by_scope = keys
    server = serve(index_root, API_KEYS_FILE=file)

    for scope, paths in SCOPED.items():
        for path in paths:
            for holder, key in by_scope.items():
                answer = server.get(path, headers=bearer(key))
                expected = 200 if holder == scope else 403
                assert (path, holder, expected) == (path, holder, answer.status_code)
    assert 200 == server.post("/chat", {"question": "timer"}, headers=bearer(by_scope["chat"])).status_code
    assert 403 == server.post("/search/chat", {"query": "timer"}, headers=bearer(by_scope["search"])).status_code
    assert 200 == server.get("/docs", headers=bearer(by_scope["search"])).status_code


def test_without_a_key_only_the_open_paths_answer(
    serve: Serve, index_root: Path, keys: tuple[Path, dict[str, str]]
) -> None:
    server = serve(index_root, API_KEYS_FILE=keys[0])

    for path in (path for paths in SCOPED.values() for path in paths):
        answer = server.get(path)
        assert (401, "UNAUTHORIZED", "Bearer") == (
            answer.status_code,
            answer.json()["error"]["code"],
            answer.headers["www-authenticate"],
        )
    assert 401 == server.get("/nowhere").status_code
    assert not {401, 403} & {server.get(path).status_code for path in OPEN}


def test_health_tells_the_word_to_all_and_the_rest_to_a_key(
    serve: Serve, index_root: Path, keys: tuple[Path, dict[str, str]]
) -> None:
    file, by_scope = keys
    server = serve(index_root, API_KEYS_FILE=file)

    anonymous, known = server.get("/health").json(), server.get("/health", headers=bearer(by_scope["search"])).json()

    assert {"status": "healthy"} == anonymous
    assert "index" in known


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key", "x-api-token"])
def test_the_one_key_of_the_settings_opens_everything_by_any_header(
    serve: Serve, index_root: Path, header: str
) -> None:
    server = serve(index_root, API_KEY="hunter2")
    value = "Bearer hunter2" if header == "Authorization" else "hunter2"

    answers = [server.get(path, headers={header: value}) for path in ("/search?q=timer", "/analytics", "/config")]

    assert [200, 200, 200] == [answer.status_code for answer in answers]
    assert "hunter2" not in answers[2].text


def test_a_stored_answer_is_not_given_without_the_key(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, API_KEY="hunter2")
    key = {"X-API-Key": "hunter2"}

    stored = [server.get("/search?q=timer", headers=key).json()["metadata"]["from_cache"] for _ in range(2)]
    without, wrong = server.get("/search?q=timer"), server.get("/search?q=timer", headers={"X-API-Key": "hunter3"})

    assert [False, True] == stored
    assert (401, 401) == (without.status_code, wrong.status_code)


def test_the_openapi_document_asks_for_a_key_where_one_is_needed(
    serve: Serve, index_root: Path, keys: tuple[Path, dict[str, str]]
) -> None:
    file, by_scope = keys
    server = serve(index_root, API_KEYS_FILE=file)

    document = server.get("/openapi.json", headers={"X-API-Key": by_scope["search"]}).json()

    without = {
        path
        for path, item in document["paths"].items()
        for operation in item.values()
        if {} in operation.get("security", document["security"])
    }
    assert {"/live", "/ready", "/health"} == without


def test_keys_follow_the_file_and_a_broken_file_leaves_the_last_good_ones(
    serve: Serve, index_root: Path, tmp_path: Path
) -> None:
    (first, first_line), (second, second_line) = (new_key(name, ["search"]) for name in ("first", "second"))
    file = tmp_path / "keys"
    file.write_text(first_line)
    server = serve(index_root, API_KEYS_FILE=file)

    def replace(text: str) -> None:
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(file)

    def status(key: str) -> int:
        return server.get("/search?q=timer", headers=bearer(key)).status_code

    def degraded(key: str) -> list[str]:
        return list(server.get("/health", headers=bearer(key)).json().get("degraded", []))

    assert (200, 401) == (status(first), status(second))
    replace(second_line)
    until(lambda: (status(first), status(second)) == (401, 200), "the second key is in use")
    replace("broken")
    until(lambda: degraded(second) == ["keys"], "the broken file is said")
    assert 200 == status(second)
    file.unlink()
    until(lambda: status(second) == 401, "a missing file lets nobody in")


def test_a_keys_file_that_is_missing_from_the_start_lets_nobody_in(
    serve: Serve, index_root: Path, tmp_path: Path
) -> None:
    server = serve(index_root, API_KEYS_FILE=tmp_path / "none")

    assert 401 == server.get("/search?q=timer", headers=bearer("crag_a_b")).status_code
    assert {"status": "degraded"} == server.get("/health").json()


def test_the_page_is_served_without_a_key(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, API_KEY="hunter2")

    assert [200, 200] == [server.get(path).status_code for path in ("/", "/page/app.js")]
