"""The rate limit on a live server."""

from pathlib import Path

import httpx
from tests.server.conftest import Serve, Server

from clockifyrag_index.api_keys import new_key


def search(server: Server, **headers: str) -> httpx.Response:
    return server.get("/search?q=timer", headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_above_the_limit_a_request_is_refused_with_the_time_to_wait(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, RATE_LIMIT_PER_MINUTE=5)

    answers = [search(server) for _ in range(6)]

    assert [200] * 5 + [429] == [answer.status_code for answer in answers]
    refused = answers[-1]
    assert "RATE_LIMITED" == refused.json()["error"]["code"]
    assert ("5", "0") == (refused.headers["x-ratelimit-limit"], refused.headers["x-ratelimit-remaining"])
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert "4" == answers[0].headers["x-ratelimit-remaining"]


def test_probes_and_metrics_are_never_limited(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, RATE_LIMIT_PER_MINUTE=1)
    search(server)

    statuses = {server.get(path).status_code for path in ("/live", "/ready", "/health", "/metrics", "/status") * 3}

    assert {200} == statuses


def test_forged_addresses_get_no_bucket_of_their_own(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, RATE_LIMIT_PER_MINUTE=3)

    statuses = [search(server, X_Forwarded_For=f"10.0.0.{n}").status_code for n in range(5)]

    assert [200, 200, 200, 429, 429] == statuses


def test_clients_behind_a_trusted_proxy_have_their_own_buckets(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, RATE_LIMIT_PER_MINUTE=1, TRUSTED_PROXIES="127.0.0.0/8")

    first, second, again = (search(server, X_Forwarded_For=client) for client in ("9.9.9.9", "8.8.8.8", "9.9.9.9"))
    forged = search(server, X_Forwarded_For="7.7.7.7, 9.9.9.9")

    assert (200, 200, 429, 429) == (first.status_code, second.status_code, again.status_code, forged.status_code)


def test_each_key_has_its_own_bucket_and_guessing_keys_is_limited(
    serve: Serve, index_root: Path, tmp_path: Path
) -> None:
    (first, first_line), (second, second_line) = (new_key(name, ["search"]) for name in ("first", "second"))
    (tmp_path / "keys").write_text(f"{first_line}\n{second_line}\n")
    server = serve(index_root, RATE_LIMIT_PER_MINUTE=2, API_KEYS_FILE=tmp_path / "keys")

    by_key = [search(server, X_API_Key=key).status_code for key in (first, first, first, second)]
    guesses = [search(server, X_API_Key=f"crag_first_guess{n}").status_code for n in range(3)]

    assert [200, 200, 429, 200] == by_key
    assert [401, 401, 429] == guesses
