"""From the first start to the last answer: before an index, with wrong settings, with TLS, after SIGTERM."""

import gc
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from tests.ports import free_port
from tests.server.conftest import Publish, Serve, Server, until

from clockifyrag_service.settings import settings_document

IDLE_TLS_SECONDS = 20.0  # less than the 30 seconds that a TLS connection waits for the other side's goodbye
DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


def test_before_the_first_index_the_server_is_alive_but_not_ready_and_becomes_ready(
    serve: Serve, publish: Publish, tmp_path: Path
) -> None:
    root = tmp_path / "index"
    server = serve(root, ready=False)

    alive, ready, health = (server.get(path) for path in ("/live", "/ready", "/health"))
    search, suggestions = server.get("/search?q=timer"), server.get("/suggestions?q=t")

    assert 200 == alive.status_code
    for answer in (ready, search, suggestions):
        assert (503, "INDEX_NOT_LOADED") == (answer.status_code, answer.json()["error"]["code"])
    assert (503, "unavailable", False) == (
        health.status_code,
        health.json()["status"],
        health.json()["index_loaded"],
    )
    assert "there is no CURRENT yet" in ready.json()["error"]["message"]
    assert str(tmp_path) not in ready.text

    publish(root)
    server.wait_ready()
    assert 200 == server.get("/search?q=timer").status_code


def test_why_there_is_nothing_to_serve_stands_in_the_log_once(serve: Serve, tmp_path: Path) -> None:
    server = serve(tmp_path / "index", ready=False, GENERATION="gen-0123456789ab ", POLL_SECONDS=0.05)

    until(lambda: "GENERATION holds" in server.get("/ready").text, "it is looked for", server.explain)
    server.stop()

    assert 1 == server.log.read_text().count("there is no generation to serve: GENERATION holds 'gen-0123456789ab '")


def test_a_server_looks_for_garbage_as_python_does_once_it_has_started(
    serve: Serve, index_root: Path, tmp_path: Path
) -> None:
    """What a process does when it ends tells how it was; Python runs sitecustomize before anything else."""
    told = tmp_path / "told"
    customised = tmp_path / "customised"
    customised.mkdir()
    (customised / "sitecustomize.py").write_text(
        "import atexit, gc, pathlib\n"
        f"told = lambda: pathlib.Path({str(told)!r}).write_text(f'{{gc.get_threshold()}} {{gc.get_freeze_count()}}')\n"
        "atexit.register(told)\n"
    )
    search = os.pathsep.join((str(customised), *filter(None, (os.environ.get("PYTHONPATH"),))))
    server = serve(index_root, PYTHONPATH=search)

    server.process.terminate()
    server.process.wait(20)

    threshold, _, frozen = told.read_text().rpartition(" ")
    assert threshold == str(gc.get_threshold())
    assert int(frozen) > 10_000, "what it imported is not looked at again"


@pytest.mark.parametrize(
    ("current", "reason"),
    [
        pytest.param("gen-000000000000\n", "not among the generations", id="of-a-removed-generation"),
        pytest.param("../../etc\n", "expected an id such as", id="of-a-path"),
        pytest.param("", "expected an id such as", id="empty"),
    ],
)
def test_a_current_that_names_nothing_usable_is_said(serve: Serve, tmp_path: Path, current: str, reason: str) -> None:
    root = tmp_path / "index"
    root.mkdir()
    (root / "CURRENT").write_text(current)

    server = serve(root, ready=False)
    until(lambda: reason in server.get("/ready").text, "the reason is said", lambda: server.get("/ready").text)

    assert 503 == server.get("/ready").status_code


def test_an_index_of_another_model_than_the_settings_want_is_refused_with_the_reason(
    serve: Serve, index_root: Path
) -> None:
    server = serve(index_root, ready=False, EMBEDDING_MODEL="nomic-embed-text")

    until(lambda: "EMBEDDING_MODEL" in server.get("/ready").text, "the refusal is said", server.explain)
    answer = server.get("/ready")

    assert 503 == answer.status_code
    assert "made with wordllama" in answer.json()["error"]["message"]


def test_a_model_that_cannot_be_read_is_told_without_the_path_which_stands_in_the_log(
    serve: Serve, index_root: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    server = serve(index_root, ready=False, LOCAL_MODEL_DIR=models)

    until(lambda: "LOCAL_MODEL_DIR" in server.get("/ready").text, "the refusal is said", server.explain)
    told = [server.get(path).text for path in ("/ready", "/search?q=timer", "/status")]

    assert [] == [answer for answer in told if str(tmp_path) in answer]
    assert ".safetensors cannot be read" in told[0]
    assert str(models) in server.log.read_text()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        pytest.param({"API_PORT": "tcp://10.0.0.1:80"}, "enableServiceLinks", id="service-link"),
        pytest.param({"RETRIEVAL_K": "0"}, "RETRIEVAL_K", id="out-of-range"),
        pytest.param({"TRUSTED_PROXIES": "proxy.local"}, "neither an address nor a network", id="no-address"),
        pytest.param({"TLS_CERT_FILE": "/none", "TLS_KEY_FILE": "/none"}, "TLS_CERT_FILE", id="no-certificate"),
        pytest.param({"TRUSTED_PROXIES": "10.0.0.0/33"}, "TRUSTED_PROXIES: '10.0.0.0/33' is neither", id="no-network"),
        pytest.param({"LOG_FILE": "/none/log"}, "/none/log", id="no-log"),
        pytest.param({"LOG_FILE": "/"}, "LOG_FILE / cannot be written", id="a-folder-as-log"),
        pytest.param({"LOG_KEY_FILE": "/"}, "LOG_KEY_FILE / cannot be read", id="a-folder-as-key"),
        pytest.param({"API_HOST": "http://127.0.0.1"}, "set API_HOST", id="no-host"),
        pytest.param({"API_HOST": "192.0.2.1"}, "set API_HOST", id="not-of-this-machine"),
    ],
)
def test_wrong_settings_end_the_start_with_one_clear_line(
    tmp_path: Path, variables: dict[str, str], message: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "clockifyrag_service"],
        env={"PATH": "/usr/bin", "API_PORT": "0", **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    lines = ended.stderr.strip().splitlines()
    assert (2, 1) == (ended.returncode, len(lines)), ended.stderr
    assert message in lines[0]


def test_a_taken_port_is_said_with_the_variable_to_change(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            [sys.executable, "-m", "clockifyrag_service"],
            env={"PATH": "/usr/bin", "API_PORT": str(taken.getsockname()[1])},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert 2 == ended.returncode
    assert "set API_PORT" in ended.stderr


def half_sent(server: Server) -> socket.socket:
    """A connection with a request whose body is still on its way."""
    parts = urlsplit(server.url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)
    connection.sendall(
        b'POST /chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{"question": '
    )
    return connection


def test_after_sigterm_a_request_in_flight_is_answered_and_the_exit_is_clean(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)
    with half_sent(server) as connection:
        until(lambda: server.get("/status").json()["requests"]["inflight"] == 2, "the request is in flight")

        server.process.send_signal(signal.SIGTERM)
        until(lambda: "un-ready" in server.log.read_text(), "the signal is seen", server.explain)
        connection.sendall(b'"force timer"}')
        answered = connection.makefile("rb").read()
        code = server.process.wait(15)

    assert b"HTTP/1.1 200" == answered[:12]
    assert b"Force timer" in answered
    assert 0 == code
    assert "Traceback" not in server.log.read_text()


def test_while_draining_the_server_is_not_ready_and_still_answers(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, DRAIN_SECONDS=2)

    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.get("/ready").status_code == 503, "the server is not ready", server.explain)
    ready, search, live = (server.get(path) for path in ("/ready", "/search?q=timer", "/live"))
    code = server.process.wait(15)

    assert "shutting down" in ready.json()["error"]["message"]
    assert "1" == ready.headers["retry-after"]
    assert (200, 200, 0) == (search.status_code, live.status_code, code)


def test_while_draining_each_answer_ends_its_connection_so_that_none_is_cut_under_a_request(
    serve: Serve, index_root: Path
) -> None:
    server = serve(index_root, DRAIN_SECONDS=5)
    before = [server.get("/search?q=timer") for _ in range(2)]

    server.process.send_signal(signal.SIGTERM)
    until(lambda: server.get("/ready").status_code == 503, "the server is not ready", server.explain)
    after = [server.get(path) for path in ("/search?q=timer", "/search?q=another", "/search?k=none", "/")]
    server.process.wait(20)

    assert [None, None] == [answer.headers.get("connection") for answer in before]
    assert ["close"] * 4 == [answer.headers.get("connection") for answer in after]


def test_a_request_that_never_ends_does_not_keep_the_server_from_ending(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, SHUTDOWN_SECONDS=1)
    with half_sent(server):
        until(lambda: server.get("/status").json()["requests"]["inflight"] == 2, "the request is in flight")

        code = server.stop(10)

    assert 0 == code


def test_ctrl_c_ends_the_server_cleanly(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, DRAIN_SECONDS=60)

    server.process.send_signal(signal.SIGINT)

    assert 0 == server.process.wait(15)


def certificate(authority: trustme.CA, folder: Path) -> dict[str, Path]:
    """The settings of a server with a certificate for this machine, its files in the folder."""
    issued = authority.issue_cert("localhost", "127.0.0.1")
    files = {"TLS_CERT_FILE": folder / "cert.pem", "TLS_KEY_FILE": folder / "key.pem"}
    issued.cert_chain_pems[0].write_to_path(str(files["TLS_CERT_FILE"]))
    issued.private_key_pem.write_to_path(str(files["TLS_KEY_FILE"]))
    return files


def test_with_a_certificate_the_server_speaks_tls_only(serve: Serve, index_root: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    server = serve(index_root, **certificate(authority, tmp_path))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)

    answer = httpx.get(f"{server.url}/search", params={"q": "timer"}, verify=trust)

    assert server.url.startswith("https://")
    assert 200 == answer.status_code
    with pytest.raises(httpx.HTTPError):
        httpx.get(server.url.replace("https", "http") + "/live")


def test_an_idle_tls_client_does_not_hold_up_the_end(serve: Serve, index_root: Path, tmp_path: Path) -> None:
    server = serve(index_root, SHUTDOWN_SECONDS=60, **certificate(trustme.CA(), tmp_path))
    server.get("/live")  # the client keeps the connection, and reads nothing from it any more

    code = server.stop(IDLE_TLS_SECONDS)

    assert 0 == code


def test_with_an_ops_port_probes_and_metrics_are_there_and_metrics_only_there(serve: Serve, index_root: Path) -> None:
    port = free_port()
    server = serve(index_root, OPS_PORT=port, API_KEY="hunter2")
    ops = f"http://127.0.0.1:{port}"

    statuses = {
        path: httpx.get(ops + path).status_code for path in ("/live", "/ready", "/metrics", "/status", "/search")
    }
    key = {"X-API-Key": "hunter2"}
    api = {path: server.get(path, headers=key).status_code for path in ("/live", "/ready", "/metrics", "/status")}

    assert {"/live": 200, "/ready": 200, "/metrics": 200, "/status": 200, "/search": 404} == statuses
    assert {"/live": 200, "/ready": 200, "/metrics": 404, "/status": 404} == api
    assert 0 == server.stop()


def test_the_ops_port_answers_head_and_names_its_requests_as_the_api_does(serve: Serve, index_root: Path) -> None:
    port = free_port()
    serve(index_root, OPS_PORT=port)
    ops = f"http://127.0.0.1:{port}"

    heads = [httpx.head(ops + path) for path in ("/live", "/ready", "/metrics", "/status")]
    named = httpx.get(f"{ops}/live", headers={"X-Request-ID": "mine-1"})
    missing = httpx.get(f"{ops}/nowhere")

    assert [(200, b"")] * 4 == [(head.status_code, head.content) for head in heads]
    assert "mine-1" == named.headers["x-request-id"]
    assert missing.json()["error"]["request_id"] == missing.headers["x-request-id"]
    for answer in (*heads, named, missing):
        assert ("no-store", "nosniff") == tuple(
            answer.headers.get(name) for name in ("cache-control", "x-content-type-options")
        )


def test_a_foreign_page_may_call_the_api_only_when_it_is_listed(serve: Serve, index_root: Path) -> None:
    closed = serve(index_root)
    opened = serve(index_root, CORS_ORIGINS="https://help.example.com", API_KEY="hunter2")
    asking = {"Origin": "https://help.example.com"}
    preflight = {**asking, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}

    silent = closed.get("/search?q=timer", headers=asking)
    allowed = opened.client.options("/search", headers=preflight)
    answered = opened.get("/search?q=timer", headers={**asking, "X-API-Key": "hunter2"})
    stranger = opened.get("/search?q=timer", headers={"Origin": "https://evil.example", "X-API-Key": "hunter2"})
    refused = opened.client.options("/search", headers={**preflight, "Origin": "https://evil.example"})

    assert "access-control-allow-origin" not in silent.headers
    assert (200, "https://help.example.com") == (
        allowed.status_code,
        answered.headers["access-control-allow-origin"],
    )
    assert "access-control-allow-origin" not in stranger.headers
    assert "access-control-allow-origin" not in refused.headers
    assert (400, "INVALID_PARAMETER", "Disallowed CORS origin.") == (
        refused.status_code,
        refused.json()["error"]["code"],
        refused.json()["error"]["message"],
    )
    assert refused.headers["x-request-id"] == refused.json()["error"]["request_id"]


def test_the_log_holds_a_line_for_each_request_with_its_id_and_no_question(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)

    for _ in range(2):
        server.get("/search?q=secret+project+codename", headers={"X-Request-ID": "trace-7"})
    server.stop()
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    traced = [line for line in lines if line.get("request_id") == "trace-7"]

    assert [False, True] == [line["from_cache"] for line in traced]
    assert all(line["endpoint"] == "/search" and line["status"] == 200 and "latency_ms" in line for line in traced)
    assert "codename" not in server.log.read_text()
    assert 1 == len({line["query_hash"] for line in traced})


def test_questions_are_logged_where_that_is_wanted(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, LOG_QUERIES="true")

    server.get("/search?q=open+question")
    server.stop()

    assert '"query":"open question"' in server.log.read_text()


def test_the_settings_are_shown_without_secrets(serve: Serve, index_root: Path) -> None:
    server = serve(index_root, API_KEY="hunter2", RETRIEVAL_K=7)

    config = server.get("/config", headers={"X-API-Key": "hunter2"}).json()

    assert (7, "***") == (config["retrieval_k"], config["api_key"])


def test_the_document_of_the_settings_is_what_the_settings_say() -> None:
    assert settings_document() == DOCUMENT.read_text()


def test_many_connections_at_once_are_all_answered(serve: Serve, index_root: Path) -> None:
    server = serve(index_root)
    statuses: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=server.url, timeout=20) as client:
            statuses.extend(client.get("/search?q=timer").status_code for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [200] * 100 == statuses
