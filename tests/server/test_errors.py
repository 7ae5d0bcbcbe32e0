"""Every answer that is not 2xx has the envelope, whatever went wrong and wherever."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest
from tests.server.conftest import Server


def assert_envelope(answer: httpx.Response, status: int, code: str) -> None:
    document = answer.json()
    assert (status, {"error", "status"}, status) == (answer.status_code, set(document), document["status"])
    assert {"code", "message", "suggestion", "request_id"} == set(document["error"])
    assert code == document["error"]["code"]
    assert answer.headers["x-request-id"] == document["error"]["request_id"]
    assert "application/json" == answer.headers["content-type"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/nowhere", 404, "NOT_FOUND", id="unknown-path"),
        pytest.param("GET", "/search/", 404, "NOT_FOUND", id="trailing-slash"),
        pytest.param("GET", "/articles/none", 404, "NOT_FOUND", id="unknown-article"),
        pytest.param("GET", "/page/none.js", 404, "NOT_FOUND", id="unknown-file"),
        pytest.param("GET", "/page/..%2Fsettings.py", 404, "NOT_FOUND", id="traversal"),
        pytest.param("POST", "/search", 405, "METHOD_NOT_ALLOWED", id="post-to-search"),
        pytest.param("GET", "/chat", 405, "METHOD_NOT_ALLOWED", id="get-of-chat"),
        pytest.param("DELETE", "/health", 405, "METHOD_NOT_ALLOWED", id="delete"),
        pytest.param("TRACE", "/search", 405, "METHOD_NOT_ALLOWED", id="trace"),
        pytest.param("GET", "/health?deep=1", 400, "INVALID_PARAMETER", id="parameter-where-none-is-read"),
        pytest.param("GET", "/suggestions?q=a&limit=21", 400, "INVALID_PARAMETER", id="limit-above"),
        pytest.param("GET", "/suggestions", 400, "INVALID_QUERY", id="suggestions-without-q"),
    ],
)
def test_a_refusal_has_the_envelope(server: Server, method: str, path: str, status: int, code: str) -> None:
    answer = server.client.request(method, path)

    assert_envelope(answer, status, code)


def test_a_method_that_is_not_allowed_is_answered_with_those_that_are(server: Server) -> None:
    assert "POST" == server.get("/chat").headers["allow"]
    assert "GET, HEAD" == server.client.delete("/search").headers["allow"]  # HEAD is answered wherever GET is


@pytest.mark.parametrize(
    ("path", "body", "code", "message"),
    [
        pytest.param("/chat", b"{", "INVALID_PARAMETER", "not JSON", id="broken-json"),
        pytest.param("/chat", b"", "INVALID_PARAMETER", "not a JSON object", id="no-body"),
        pytest.param("/chat", b"[]", "INVALID_PARAMETER", "not a JSON object", id="a-list"),
        pytest.param("/chat", b'"hi"', "INVALID_PARAMETER", "not a JSON object", id="a-string"),
        pytest.param("/chat", b"[" * 30_000, "INVALID_PARAMETER", "nested too deep", id="deeply-nested"),
        pytest.param("/chat", b"\xff\xfe", "INVALID_PARAMETER", "not JSON", id="begins-as-utf-16"),
        pytest.param("/chat", b'{"question": "caf\xe9"}', "INVALID_PARAMETER", "not UTF-8: byte 17", id="not-utf-8"),
        pytest.param("/chat", b'{"k": ' + b"9" * 5000 + b"}", "INVALID_PARAMETER", "4,300 digits", id="huge-number"),
        pytest.param("/chat", b'{"question": "ab", "body": 1}', "INVALID_PARAMETER", "'body' is unknown", id="body"),
        pytest.param(
            "/chat",
            b'{"question": "ab", "question": "cd"}',
            "INVALID_PARAMETER",
            "'question' is given more",
            id="twice",
        ),
        pytest.param(
            "/feedback",
            b'{"request_id": "a", "vote": "up", "vote": "down"}',
            "INVALID_PARAMETER",
            "'vote' is given more than once",
            id="two-votes",
        ),
        pytest.param("/chat", b'{"question": 7}', "INVALID_QUERY", "7; expected text.", id="number-for-text"),
        pytest.param("/chat", b'{"question": "a"}', "INVALID_QUERY", "has 1 character after", id="too-short"),
        pytest.param("/chat", b'{"question": "a\\u0000b"}', "INVALID_QUERY", "NUL", id="nul"),
        pytest.param("/chat", b'{"question": "ab\\ud800"}', "INVALID_QUERY", "", id="half-a-character"),
        pytest.param("/chat", b"{}", "INVALID_QUERY", "question is missing", id="no-question"),
        pytest.param(
            "/chat", b'{"question": "ab", "k": 51}', "INVALID_PARAMETER", "expected at most 50.", id="k-above"
        ),
        pytest.param("/chat", b'{"question": "ab", "k": 0}', "INVALID_PARAMETER", "expected at least 1.", id="k-below"),
        pytest.param(
            "/chat", b'{"question": "ab", "k": "5"}', "INVALID_PARAMETER", "k is '5'; expected a whole", id="k-as-text"
        ),
        pytest.param(
            "/chat", b'{"question": "ab", "k": 1.5}', "INVALID_PARAMETER", "1.5; expected a whole", id="k-half"
        ),
        pytest.param("/chat", b'{"question": "ab", "k": true}', "INVALID_PARAMETER", "k is true; ", id="k-as-boolean"),
        pytest.param(
            "/chat", b'{"question": "ab", "namespace": ""}', "INVALID_PARAMETER", "at least 1 character.", id="empty"
        ),
        pytest.param(
            "/chat",
            b'{"question": "ab", "namespace": "a\\u0000"}',
            "INVALID_PARAMETER",
            "text without NUL.",
            id="nul-in-text",
        ),
        pytest.param("/chat", b'{"quetsion": "ab"}', "INVALID_PARAMETER", "'quetsion' is unknown", id="typing-error"),
        pytest.param(
            "/search/chat", b'{"query": "ab", "stream": true}', "INVALID_PARAMETER", "stream is true; ", id="stream"
        ),
        pytest.param(
            "/search/chat",
            b'{"query": "ab", "answer": "yes"}',
            "INVALID_PARAMETER",
            "expected true or false",
            id="answer",
        ),
        pytest.param(
            "/search/chat", b'{"query": "ab", "context": "x"}', "INVALID_PARAMETER", "expected a list", id="no-list"
        ),
        pytest.param(
            "/search/chat",
            b'{"query": "ab", "context": ["' + b"x" * 501 + b'"]}',
            "INVALID_PARAMETER",
            "expected at most 500 characters.",
            id="context-too-long",
        ),
        pytest.param(
            "/search/chat",
            b'{"query": "ab", "context": [' + b",".join([b'"x"'] * 11) + b"]}",
            "INVALID_PARAMETER",
            "; expected at most 10 items.",
            id="too-much-context",
        ),
        pytest.param(
            "/feedback",
            b'{"request_id": "a b", "vote": "up"}',
            "INVALID_PARAMETER",
            "request_id is 'a b'; expected 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'.",
            id="request-id",
        ),
        pytest.param("/feedback", b'{"request_id": "x", "vote": "maybe"}', "INVALID_PARAMETER", "vote", id="vote"),
        pytest.param(
            "/feedback",
            b'{"request_id": "x", "vote": "up", "reason": "' + b"x" * 1001 + b'"}',
            "INVALID_PARAMETER",
            "reason",
            id="reason-too-long",
        ),
    ],
)
def test_a_wrong_body_is_refused_with_the_field(
    server: Server, path: str, body: bytes, code: str, message: str
) -> None:
    answer = server.client.post(path, content=body, headers={"content-type": "application/json"})

    assert_envelope(answer, 400, code)
    assert message in answer.json()["error"]["message"]


def test_a_whole_number_may_be_written_with_a_point(server: Server) -> None:
    assert 2 == len(server.post("/chat", {"question": "timer", "k": 2.0}).json()["sources"])


def test_an_unknown_field_is_answered_with_the_nearest_known_one(server: Server) -> None:
    answer = server.post("/chat", {"question": "ab", "namspace": "help"})

    assert "Did you mean 'namespace'?" == answer.json()["error"]["suggestion"]


def test_a_body_of_another_type_is_refused(server: Server) -> None:
    answer = server.client.post("/chat", content=b'{"question": "ab"}', headers={"content-type": "text/plain"})

    assert_envelope(answer, 400, "INVALID_PARAMETER")


@pytest.mark.parametrize("path", ["/chat", "/search/chat", "/feedback", "/nowhere"])
def test_an_announced_body_above_the_limit_is_refused(server: Server, path: str) -> None:
    answer = server.client.post(path, content=b"x" * (64 * 1024 + 1))

    assert_envelope(answer, 413, "PAYLOAD_TOO_LARGE")


def test_a_body_above_the_limit_sent_in_chunks_is_refused_before_it_ends(server: Server) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(b"POST /chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(17):
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        answered = connection.makefile("rb").read()  # although the body has not ended

    assert b"HTTP/1.1 413" == answered[:12]
    assert b"PAYLOAD_TOO_LARGE" in answered
    assert b"connection: close" in answered.lower()


def test_a_hundred_megabytes_announced_are_refused_without_being_sent(server: Server) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(b"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        answered = connection.recv(65536)

    assert b"HTTP/1.1 413" == answered[:12]


@pytest.mark.parametrize(
    ("length", "status"), [pytest.param(b"21", b"200", id="small"), pytest.param(b"100000000", b"413", id="too-large")]
)
def test_a_length_written_with_many_zeros_is_the_number_it_is(server: Server, length: bytes, status: bytes) -> None:
    parts = urlsplit(server.url)
    request = b"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %b\r\n\r\n%b"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(request % (b"0" * 5000 + length, b'{"question": "timer"}'))
        answered = connection.makefile("rb").readline()

    assert status == answered.split()[1]


def test_a_body_in_small_chunks_within_the_limit_is_read(server: Server) -> None:
    def chunks() -> "list[bytes]":
        return [b'{"question": ', b'"force timer"', b"}"]

    answer = server.client.post("/chat", content=iter(chunks()), headers={"content-type": "application/json"})

    assert 200 == answer.status_code
